#include "judge/severity.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

static void every_circumstance_has_its_row(void **state)
{
        (void)state;
        for (int i = 0; i < CIRCUMSTANCES; i++) {
                const struct severity_row *row = severity_of((enum circumstance)i);
                assert_non_null(row->when);
                assert_in_range(row->score, 1, 100);
                assert_in_range(row->type, 0, FINDING_TYPES - 1);
                for (int a = 0; a < 3 && row->attack[a]; a++)
                        assert_int_equal(row->attack[a][0], 'T');
        }
        for (int i = 0; i < FINDING_TYPES; i++)
                assert_non_null(strchr(finding_type_text((enum finding_type)i), '.'));
}

static void a_higher_severity_has_the_higher_score(void **state)
{
        (void)state;
        for (int i = 0; i < CIRCUMSTANCES; i++) {
                for (int j = 0; j < CIRCUMSTANCES; j++) {
                        const struct severity_row *a = severity_of((enum circumstance)i),
                                                  *b = severity_of((enum circumstance)j);
                        if (a->severity > b->severity)
                                assert_true(a->score > b->score);
                }
        }
}

static void the_page_says_what_the_table_says(void **state)
{
        (void)state;
        char path[1024], *printed, page[16384];
        size_t size;
        snprintf(path, sizeof path, "%s/doc/severity.txt", getenv("srcdir") ? getenv("srcdir") : ".");
        FILE *out = open_memstream(&printed, &size), *in = fopen(path, "r");
        assert_non_null(in);
        severity_print(out);
        fclose(out);
        page[fread(page, 1, sizeof page - 1, in)] = '\0';
        fclose(in);
        assert_string_equal(page, printed);
        free(printed);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_circumstance_has_its_row),
                cmocka_unit_test(a_higher_severity_has_the_higher_score),
                cmocka_unit_test(the_page_says_what_the_table_says),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
