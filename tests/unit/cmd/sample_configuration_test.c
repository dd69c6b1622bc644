/* What is shown to people as a configuration is one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/document.h"
#include "model/configuration.h"
#include "tests/unit/test.h"

static const char *source_path(const char *name)
{
        static char path[1024];
        const char *top = getenv("srcdir");
        snprintf(path, sizeof path, "%s/%s", top ? top : ".", name);
        return path;
}

static void the_sample_of_the_service_loads(void **state)
{
        (void)state;
        struct configuration *sample = configuration_load(source_path("contrib/systemd/apnwatch.yaml"), stderr);
        assert_non_null(sample);
        assert_string_equal(sample->sensor, "edge-1");
        assert_int_equal(sample->taps.count, 2);
        assert_int_equal(sample->limit_memory, 4ULL << 30);
        assert_string_equal(sample->outbox_path, "/var/lib/apnwatch/outbox.db");
        assert_int_equal(sample->output_count, 1);
        assert_string_equal(sample->outputs[0].sink, "jsonl:/var/log/apnwatch/alerts.jsonl");
        assert_string_equal(sample->metrics_listen, "127.0.0.1:9477");
        configuration_destroy(sample);
}

/* A line that begins with "# " and a key or an item is one that is meant to be taken in. */
static void what_the_sample_has_behind_hashes_loads_too(void **state)
{
        (void)state;
        size_t length;
        char *text = document_read_file(source_path("contrib/systemd/apnwatch.yaml"), DOCUMENT_SIZE_LIMIT, &length, stderr);
        assert_non_null(text);
        char *whole = malloc(length + 1), *rest = text, *line;
        size_t used = 0;
        while ((line = strsep(&rest, "\n")) != NULL) {
                char *hash = strstr(line, "# ");
                if (hash != NULL && (strncmp(hash, "# - {", 5) == 0 || strcmp(hash, "# redis:") == 0 || strncmp(hash, "#   ", 4) == 0))
                        memmove(hash, hash + 2, strlen(hash + 2) + 1);
                used += (size_t)sprintf(whole + used, "%s\n", line);
                if (rest == NULL || *rest == '\0')
                        break;
        }
        struct configuration *sample = configuration_parse("sample", whole, used, stderr);
        assert_non_null(sample);
        assert_int_equal(sample->output_count, 4);
        assert_string_equal(sample->redis_username, "sensor");
        configuration_destroy(sample);
        free(whole);
        free(text);
}

static void every_example_of_the_page_loads(void **state)
{
        (void)state;
        size_t length;
        unsigned count = 0;
        char *page = document_read_file(source_path("doc/apnwatch-config.5"), DOCUMENT_SIZE_LIMIT, &length, stderr);
        assert_non_null(page);
        for (char *at = page; (at = strstr(at, "\n.Bd -literal")) != NULL;) {
                at = strchr(at + 1, '\n') + 1;
                char *end = strstr(at, "\n.Ed");
                assert_non_null(end);
                struct configuration *example = configuration_parse("example", at, (size_t)(end + 1 - at), stderr);
                assert_non_null(example);
                configuration_destroy(example);
                at = end;
                count++;
        }
        assert_true(count >= 3);
        free(page);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_sample_of_the_service_loads),
                cmocka_unit_test(what_the_sample_has_behind_hashes_loads_too),
                cmocka_unit_test(every_example_of_the_page_loads),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
