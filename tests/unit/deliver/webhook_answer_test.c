#include "deliver/webhook_answer.h"

#include <errno.h>
#include <string.h>

#include "deliver/url.h"
#include "tests/unit/test.h"

static void an_answer_speaks_of_the_alert_or_of_the_receiver(void **state)
{
        (void)state;
        static const struct {
                int status;
                enum webhook_answer answer;
        } rows[] = {
                {200, WEBHOOK_DELIVERED}, {201, WEBHOOK_DELIVERED}, {204, WEBHOOK_DELIVERED}, {299, WEBHOOK_DELIVERED},
                {100, WEBHOOK_TROUBLE},   {301, WEBHOOK_TROUBLE},   {307, WEBHOOK_TROUBLE},   {304, WEBHOOK_TROUBLE},
                {400, WEBHOOK_REFUSED},   {413, WEBHOOK_REFUSED},   {422, WEBHOOK_REFUSED},   {409, WEBHOOK_REFUSED},
                {401, WEBHOOK_TROUBLE},   {403, WEBHOOK_TROUBLE},   {404, WEBHOOK_TROUBLE},   {405, WEBHOOK_TROUBLE},
                {407, WEBHOOK_TROUBLE},   {408, WEBHOOK_TROUBLE},   {410, WEBHOOK_TROUBLE},   {429, WEBHOOK_NOT_NOW},
                {500, WEBHOOK_TROUBLE},   {502, WEBHOOK_TROUBLE},   {503, WEBHOOK_NOT_NOW},   {504, WEBHOOK_TROUBLE},
                {0, WEBHOOK_TROUBLE},     {-1, WEBHOOK_TROUBLE},    {999, WEBHOOK_TROUBLE},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                if (webhook_answer_of(rows[i].status) != rows[i].answer)
                        fail_msg("status %d", rows[i].status);
}

static void retry_after_is_seconds_or_a_date_and_never_longer_than_five_minutes(void **state)
{
        (void)state;
        enum { NOW = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT: the RFC's example */
        static const struct {
                const char *value;
                uint32_t seconds;
        } rows[] = {
                {NULL, 0},   {"", 0},     {"0", 0},   {"1", 1},      {"120", 120},  {"300", 300},
                {"301", 300}, {"99999999999999999999999", 300}, {"-5", 0}, {"5 s", 0}, {"1.5", 0}, {"soon", 0},
                {"Sun, 06 Nov 1994 08:50:37 GMT", 60}, {"Sun, 06 Nov 1994 08:49:36 GMT", 0}, {"Mon, 07 Nov 1994 08:49:37 GMT", 300},
                {"Sun, 06 Nov 1994 08:50:37 GMT+1", 0}, {"Sun, 06 Nov 1994", 0},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                if (webhook_retry_after_s(rows[i].value, NOW) != rows[i].seconds)
                        fail_msg("%s: %u", rows[i].value, webhook_retry_after_s(rows[i].value, NOW));
}

static void an_url_has_a_host_and_the_port_of_its_scheme(void **state)
{
        (void)state;
        static const struct {
                const char *given;
                bool tls;
                const char *host;
                uint16_t port;
                const char *path, *authority;
        } rows[] = {
                {"http://a.example", false, "a.example", 80, "/", "a.example"},
                {"https://a.example:8443/hooks/1?x=y&z", true, "a.example", 8443, "/hooks/1?x=y&z", "a.example:8443"},
                {"https://[2001:db8::1]/x#part", true, "2001:db8::1", 443, "/x", "[2001:db8::1]"},
                {"HTTP://192.0.2.1:443/", false, "192.0.2.1", 443, "/", "192.0.2.1:443"},
                {"syslog://logs.example", false, "logs.example", 601, "", "logs.example:601"},
                {"syslog://logs.example:514/", false, "logs.example", 514, "", "logs.example:514"},
                {"syslog+tls://[::1]", true, "::1", 6514, "", "[::1]:6514"},
                {"syslogs://logs.example:10514", true, "logs.example", 10514, "", "logs.example:10514"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct url url;
                char error[200] = "", authority[300];
                if (url_parse(&url, rows[i].given, error, sizeof error) != 0)
                        fail_msg("%s: %s", rows[i].given, error);
                url_authority(&url, authority, sizeof authority);
                assert_int_equal(url.tls, rows[i].tls);
                assert_string_equal(url.host, rows[i].host);
                assert_int_equal(url.port, rows[i].port);
                assert_string_equal(url.path, rows[i].path);
                assert_string_equal(authority, rows[i].authority);
        }
}

static void an_url_that_is_none_or_holds_a_password_is_refused(void **state)
{
        (void)state;
        static const struct {
                const char *given, *reason;
        } rows[] = {
                {"http://", "a host is missing"},
                {"http:///x", "a host is missing"},
                {"a.example", "expected http:// or https://"},
                {"ftp://a.example", "expected http:// or https://"},
                {"http://user:secret@a.example/", "has credentials in it"},
                {"syslog://secret@a.example", "has credentials in it"},
                {"http://a.example:0/", "the port is 1 to 65535"},
                {"http://a.example:65536/", ""},
                {"http://a.example:x/", ""},
                {"http://a b/", "is no URL"},
                {"http://a.example/\r\nX: secret", "is no URL"},
                {"syslog://a.example/path", "nothing may follow host and port"},
                {"syslog://a.example?x", "nothing may follow host and port"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct url url;
                char error[200] = "";
                assert_int_equal(url_parse(&url, rows[i].given, error, sizeof error), -EINVAL);
                if (strstr(error, rows[i].reason) == NULL || strstr(error, "secret") != NULL || error[0] == '\0')
                        fail_msg("%s: %s", rows[i].given, error);
        }
        char long_path[4096] = "http://a.example/", error[200];
        struct url url;
        memset(long_path + strlen(long_path), 'x', 3000);
        assert_int_equal(url_parse(&url, long_path, error, sizeof error), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_answer_speaks_of_the_alert_or_of_the_receiver),
                cmocka_unit_test(retry_after_is_seconds_or_a_date_and_never_longer_than_five_minutes),
                cmocka_unit_test(an_url_has_a_host_and_the_port_of_its_scheme),
                cmocka_unit_test(an_url_that_is_none_or_holds_a_password_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
