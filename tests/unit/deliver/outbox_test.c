#include "deliver/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/deliver/outbox_case.h"
#include "tests/unit/test.h"

static void an_entry_comes_back_as_it_went_in(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        struct outbox_consumer *consumer = outbox_consumer(outbox, "redis://a");
        struct outbox_entry entry;
        assert_int_equal(case_add(outbox, 1), 0);
        assert_int_equal(case_add(outbox, 2), 0);
        assert_false(outbox_next(consumer, 0, &entry)); /* nobody is told before it is committed */
        assert_true(outbox_has_uncommitted(outbox));
        assert_int_equal(outbox_commit(outbox), 0);
        assert_false(outbox_has_uncommitted(outbox));
        for (unsigned which = 1; which <= 2; which++) {
                assert_true(outbox_next(consumer, which - 1, &entry));
                assert_int_equal(entry.number, which);
                assert_int_equal(entry.id.ms, case_now_ms);
                assert_int_equal(entry.id.sequence, which);
                assert_false(entry.is_gap);
                assert_int_equal(case_which(entry.alert), which);
                assert_string_equal(entry.alert->device->imsi, "262011234567890");
                Apnwatch__V1__Alert *alert = apnwatch__v1__alert__unpack(NULL, entry.packed_length, entry.packed);
                assert_non_null(alert);
                assert_string_equal(alert->id, entry.alert->id);
                apnwatch__v1__alert__free_unpacked(alert, NULL);
        }
        assert_false(outbox_next(consumer, 2, &entry));
        outbox_close(outbox);
        struct stat status;
        assert_int_equal(stat(case_path(), &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
        case_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_entry_comes_back_as_it_went_in),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
