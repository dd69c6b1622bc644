/* The Grafana dashboards and the alert rules against what live_metrics says: they ask for nothing that is not there, and leave out nothing
 * that is. Every query is read by promtool. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/document.h"
#include "deliver/metrics.h"
#include "tests/unit/cmd/sample_numbers.h"
#include "tests/unit/test.h"

#define RULES "dashboards/prometheus/apnwatch.rules.yml"

enum { FAMILIES = 64, LABELS = 4, NAME_SIZE = 96 };

static struct family {
        char name[NAME_SIZE];
        char labels[LABELS][NAME_SIZE];
        unsigned label_count;
        bool is_used;
} families[FAMILIES];
static unsigned family_count;

static const char *const dashboards[] = {"dashboards/grafana/fleet.json", "dashboards/grafana/sensor.json"};

static char *source_path(const char *name)
{
        static char path[2][1024];
        static unsigned next;
        const char *top = getenv("srcdir");
        snprintf(path[next ^= 1], sizeof *path, "%s/%s", top ? top : ".", name);
        return path[next];
}

static struct family *family_find(const char *name, size_t length)
{
        for (unsigned i = 0; i < family_count; i++)
                if (strlen(families[i].name) == length && memcmp(families[i].name, name, length) == 0)
                        return &families[i];
        return NULL;
}

static size_t name_length(const char *text)
{
        return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
}

static void family_add_label(struct family *family, const char *name, size_t length)
{
        for (unsigned i = 0; i < family->label_count; i++)
                if (strlen(family->labels[i]) == length && memcmp(family->labels[i], name, length) == 0)
                        return;
        assert_true(family->label_count < LABELS && length < NAME_SIZE);
        memcpy(family->labels[family->label_count++], name, length);
}

/* What a scrape of the sample holds. */
static int families_read(void **state)
{
        (void)state;
        size_t length;
        char *text = metrics_text(live_metrics_collect, (void *)(uintptr_t)&sample_numbers, &length), *rest = text, *line;
        assert_non_null(text);
        while ((line = strsep(&rest, "\n")) != NULL) {
                static const char type[] = "# TYPE ";
                if (strncmp(line, type, sizeof type - 1) == 0) {
                        assert_true(family_count < FAMILIES);
                        memcpy(families[family_count++].name, line + sizeof type - 1, name_length(line + sizeof type - 1));
                } else if (*line != '#' && *line != '\0') {
                        struct family *family = family_find(line, name_length(line));
                        assert_non_null(family);
                        for (char *label = strchr(line, '{'); label != NULL; label = strstr(label, "\",")) {
                                label += *label == '{' ? 1 : 2;
                                family_add_label(family, label, name_length(label));
                        }
                }
        }
        free(text);
        return 0;
}

static bool knows_label(const struct family *family, const char *name, size_t length)
{
        static const char *const of_prometheus[] = {"instance", "job"};
        for (unsigned i = 0; i < 2; i++)
                if (strlen(of_prometheus[i]) == length && memcmp(of_prometheus[i], name, length) == 0)
                        return true;
        for (unsigned i = 0; i < family->label_count; i++)
                if (strlen(family->labels[i]) == length && memcmp(family->labels[i], name, length) == 0)
                        return true;
        return false;
}

/* "{a="x",b=~"y"}" behind a name; values hold no braces, quotes or commas here. */
static void check_selector(const struct family *family, const char *text)
{
        if (*text++ != '{')
                return;
        while (*text != '}' && *text != '\0') {
                size_t length = name_length(text);
                if (!knows_label(family, text, length))
                        fail_msg("%s has no label %.*s", family->name, (int)length, text);
                text = strchr(text, '"');
                assert_non_null(text);
                text = strchr(text + 1, '"');
                assert_non_null(text);
                text += 1 + (text[1] == ',');
        }
}

/* How many names of metrics the text has; each must be known. */
static unsigned check_names(const char *text)
{
        unsigned count = 0;
        for (const char *at = text; (at = strstr(at, "apnwatch_")) != NULL;) {
                size_t length = name_length(at);
                struct family *family = family_find(at, length);
                if (at > text && (isalnum((unsigned char)at[-1]) || at[-1] == '_'))
                        fail_msg("an odd name: %.60s", at - 1);
                if (family == NULL)
                        fail_msg("nothing says %.*s", (int)length, at);
                family->is_used = true;
                at += length;
                check_selector(family, at);
                count++;
        }
        return count;
}

/* A query as a rule: Grafana's variables get values. */
static void write_rule(FILE *rules, const char *query, unsigned number)
{
        static const char *const variables[][2] = {
                {"$__rate_interval", "5m"}, {"$__range", "6h"}, {"$instance", ".*"}, {"$fleet", ".*"}};
        fprintf(rules, "  - record: query:number%u\n    expr: '", number);
        while (*query != '\0') {
                unsigned i = 0;
                while (i < 4 && strncmp(query, variables[i][0], strlen(variables[i][0])) != 0)
                        i++;
                assert_false(*query == '$' && i == 4);
                assert_int_not_equal(*query, '\'');
                if (i < 4) {
                        fputs(variables[i][1], rules);
                        query += strlen(variables[i][0]);
                } else {
                        fputc(*query++, rules);
                }
        }
        fputs("'\n", rules);
}

static long number_of(const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);
        assert_true(json_is_integer(value));
        return (long)json_integer_value(value);
}

static const char *text_of(const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);
        if (!json_is_string(value))
                fail_msg("no text \"%s\"", key);
        return json_string_value(value);
}

static void check_place(const json_t *panel, bool taken[400][24])
{
        const json_t *place = json_object_get(panel, "gridPos");
        long x = number_of(place, "x"), y = number_of(place, "y"), w = number_of(place, "w"), h = number_of(place, "h");
        assert_true(x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= 24 && y + h < 400);
        for (long row = y; row < y + h; row++)
                for (long column = x; column < x + w; column++) {
                        if (taken[row][column])
                                fail_msg("\"%s\" lies over another panel", text_of(panel, "title"));
                        taken[row][column] = true;
                }
}

static void check_panel(const json_t *panel, FILE *rules, unsigned *queries)
{
        const json_t *targets = json_object_get(panel, "targets"), *target;
        size_t i;
        if (strcmp(text_of(panel, "type"), "row") == 0)
                return;
        assert_string_equal(text_of(json_object_get(panel, "datasource"), "uid"), "${datasource}");
        assert_true(json_array_size(targets) > 0);
        json_array_foreach(targets, i, target) {
                const char *query = text_of(target, "expr");
                assert_string_equal(text_of(json_object_get(target, "datasource"), "uid"), "${datasource}");
                if (check_names(query) == 0)
                        fail_msg("\"%s\" asks for no metric", query);
                write_rule(rules, query, (*queries)++);
        }
}

static void check_variables(const json_t *dashboard)
{
        const json_t *list = json_object_get(json_object_get(dashboard, "templating"), "list"), *variable;
        size_t i;
        assert_true(json_array_size(list) >= 2);
        assert_string_equal(text_of(json_array_get(list, 0), "type"), "datasource");
        assert_string_equal(text_of(json_array_get(list, 0), "name"), "datasource");
        json_array_foreach(list, i, variable)
                if (i > 0)
                        assert_int_equal(check_names(text_of(json_object_get(variable, "query"), "query")), 1);
}

static void check_dashboard(const char *name, FILE *rules, unsigned *queries)
{
        static bool taken[400][24], ids[1000];
        json_error_t error;
        json_t *dashboard = json_load_file(source_path(name), JSON_REJECT_DUPLICATES, &error);
        const json_t *panel;
        size_t i;
        if (dashboard == NULL)
                fail_msg("%s:%d: %s", name, error.line, error.text);
        memset(taken, 0, sizeof taken);
        memset(ids, 0, sizeof ids);
        assert_true(number_of(dashboard, "schemaVersion") >= 36);
        assert_memory_equal(text_of(dashboard, "uid"), "apnwatch-", 9);
        check_variables(dashboard);
        assert_true(json_array_size(json_object_get(dashboard, "panels")) > 10);
        json_array_foreach(json_object_get(dashboard, "panels"), i, panel) {
                long id = number_of(panel, "id");
                assert_true(id > 0 && id < 1000 && !ids[id]);
                ids[id] = true;
                check_place(panel, taken);
                check_panel(panel, rules, queries);
        }
        json_decref(dashboard);
}

static void dashboards_ask_for_what_is_there_and_promtool_reads_their_queries(void **state)
{
        (void)state;
        char path[] = "/tmp/dashboards_test.XXXXXX", command[100];
        FILE *rules = fdopen(mkstemp(path), "w");
        unsigned queries = 0;
        assert_non_null(rules);
        fputs("groups:\n- name: queries\n  rules:\n", rules);
        for (unsigned i = 0; i < sizeof dashboards / sizeof *dashboards; i++)
                check_dashboard(dashboards[i], rules, &queries);
        fclose(rules);
        snprintf(command, sizeof command, "promtool check rules %s", path);
        int status = system(command);
        unlink(path);
        assert_int_equal(status, 0);
        assert_true(queries > 40);
}

static char *read_source(const char *name)
{
        size_t length;
        char *text = document_read_file(source_path(name), DOCUMENT_SIZE_LIMIT, &length, stderr);
        assert_non_null(text);
        return text;
}

static void alert_rules_ask_for_what_is_there(void **state)
{
        (void)state;
        char *text = read_source(RULES);
        assert_true(check_names(text) > 15);
        free(text);
}

static void every_metric_is_shown_or_watched(void **state)
{
        (void)state;
        assert_true(family_count > 30);
        for (unsigned i = 0; i < family_count; i++)
                if (!families[i].is_used)
                        fail_msg("%s stands on no dashboard and in no rule", families[i].name);
}

static void every_metric_is_explained_with_its_labels(void **state)
{
        (void)state;
        char *page = read_source("doc/apnwatch-config.5");
        for (unsigned i = 0; i < family_count; i++) {
                char entry[400];
                const struct family *family = &families[i];
                int length = snprintf(entry, sizeof entry, "\n.It Li %s", family->name);
                for (unsigned k = 0; k < family->label_count; k++)
                        length += snprintf(entry + length, sizeof entry - (size_t)length, "%s %s", k ? " ," : " Brq", family->labels[k]);
                snprintf(entry + length, sizeof entry - (size_t)length, "\n");
                if (strstr(page, entry) == NULL)
                        fail_msg("doc/apnwatch-config.5 has no line %s", entry + 1);
        }
        free(page);
}

static void provisioning_files_are_yaml(void **state)
{
        (void)state;
        static const char *const names[] = {"dashboards/grafana/provisioning/datasources/apnwatch.yaml",
                                            "dashboards/grafana/provisioning/dashboards/apnwatch.yaml"};
        for (unsigned i = 0; i < 2; i++) {
                char *text = read_source(names[i]);
                struct document *document = document_parse(names[i], text, strlen(text), stderr, NULL);
                assert_non_null(document);
                document_destroy(document);
                free(text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(dashboards_ask_for_what_is_there_and_promtool_reads_their_queries),
                cmocka_unit_test(alert_rules_ask_for_what_is_there),
                cmocka_unit_test(every_metric_is_shown_or_watched),
                cmocka_unit_test(every_metric_is_explained_with_its_labels),
                cmocka_unit_test(provisioning_files_are_yaml),
        };
        return cmocka_run_group_tests(tests, families_read, NULL);
}
