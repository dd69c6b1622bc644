#include "sense/start_memory.h"

#include <stdint.h>
#include <string.h>

#include "tests/unit/test.h"

static void pieces_are_aligned_and_apart(void **state)
{
        (void)state;
        static const size_t sizes[] = {1, 16, 17, 0, 1000, 15};
        enum { COUNT = sizeof sizes / sizeof *sizes };
        unsigned char *pieces[COUNT];
        struct start_memory *start = start_memory_begin();
        assert_non_null(start);
        for (unsigned i = 0; i < COUNT; i++) {
                pieces[i] = start_memory_take(sizes[i]);
                assert_non_null(pieces[i]);
                assert_int_equal((uintptr_t)pieces[i] % 16, 0);
                memset(pieces[i], (int)i + 1, sizes[i]);
        }
        start_memory_end();
        for (unsigned i = 0; i < COUNT; i++) {
                for (size_t j = 0; j < sizes[i]; j++)
                        assert_int_equal(pieces[i][j], i + 1);
                start_memory_give(pieces[i]);
        }
        start_memory_destroy(start);
}

/* The sanitizers tell when malloc's are not given back, or the row's are. */
static void what_is_taken_later_or_is_too_large_is_mallocs(void **state)
{
        (void)state;
        struct start_memory *start = start_memory_begin();
        void *early = start_memory_take(100), *large = start_memory_take((size_t)64 << 20);
        start_memory_end();
        void *late = start_memory_take(100);
        assert_non_null(early);
        assert_non_null(large);
        assert_non_null(late);
        start_memory_give(early);
        start_memory_give(large);
        start_memory_give(late);
        start_memory_give(NULL);
        start_memory_destroy(start);
}

static void a_row_that_goes_leaves_the_others(void **state)
{
        (void)state;
        struct start_memory *first = start_memory_begin();
        char *of_first = start_memory_take(8);
        struct start_memory *second = start_memory_begin();
        char *of_second = start_memory_take(8);
        start_memory_end();
        strcpy(of_second, "second");
        start_memory_give(of_first);
        start_memory_destroy(first);
        assert_string_equal(of_second, "second");
        start_memory_give(of_second);
        start_memory_destroy(second);
        start_memory_destroy(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pieces_are_aligned_and_apart),
                cmocka_unit_test(what_is_taken_later_or_is_too_large_is_mallocs),
                cmocka_unit_test(a_row_that_goes_leaves_the_others),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
