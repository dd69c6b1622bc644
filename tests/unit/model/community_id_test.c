#include "model/community_id.h"

#include "tests/unit/test.h"

/* The first six are of the specification's baseline; the others agree with Wireshark 4.0.17's CommunityID. */
static const struct row {
        const char *source, *destination;
        uint16_t sport, dport;
        uint8_t protocol;
        bool has_answer; /* the same flow seen from the other end has the same ID */
        const char *expected;
} rows[] = {
        {"128.232.110.120", "66.35.250.204", 34855, 80, 6, true, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
        {"192.168.1.52", "8.8.8.8", 54585, 53, 17, true, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
        {"192.168.0.89", "192.168.0.1", 8, 0, 1, false, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
        {"192.168.0.1", "192.168.0.89", 0, 0, 1, false, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},  /* its echo reply */
        {"192.168.0.89", "192.168.0.1", 20, 0, 1, false, "1:3o2RFccXzUgjl7zDpqmY7yJi8rI="}, /* no answering type */
        {"fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0, 58, false, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
        {"10.0.0.2", "10.0.0.1", 0, 0x1234, 132, true, "1:k/JlRE/DzFf9ZOit2MhR+3GhJSI="},
        {"10.0.0.2", "10.0.0.1", 0, 0, 50, true, "1:dX+1pd7Z9Y9hJE/IuQlfvK7bxuA="},
        {"10.0.0.2", "10.0.0.1", 7, 9, 47, true, "1:+KlEHDT0vJgzs/eNmzHq0aSpRYw="}, /* no ports: they say nothing */
        {"10.0.0.2", "10.0.0.1", 3, 1, 1, false, "1:JHjlyD5IJJjl3wHWOMj46lLWZag="},
        {"2001:db8::2", "2001:db8::1", 143, 0, 58, false, "1:y7g9mMzLMe5jpBwTAzXf/RoDisQ="},
        {"2001:db8::2", "2001:db8::1", 144, 0, 58, false, "1:tpS7VP1V1DNOq0L6LOxDDupNGcA="},
        {"10.0.0.1", "10.0.0.1", 9, 5, 6, true,
         "1:n8YIsyd6FjUbQ7cJZcY75bi6O98="}, /* to itself: ports decide; by Python's hashlib */
};

static void flows_have_the_name_that_others_give_them(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                const struct row *row = &rows[i];
                struct address source, destination;
                char text[COMMUNITY_ID_SIZE];
                assert_true(address_parse(row->source, &source));
                assert_true(address_parse(row->destination, &destination));
                assert_string_equal(community_id_text(&source, &destination, row->sport, row->dport, row->protocol, text),
                                    row->expected);
                if (row->has_answer)
                        assert_string_equal(
                                community_id_text(&destination, &source, row->dport, row->sport, row->protocol, text),
                                row->expected);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(flows_have_the_name_that_others_give_them),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
