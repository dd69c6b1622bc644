#include "dissectors/app/ftp.h"
#include "dissectors/app/ftp_line.h"
#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/test.h"

static struct cursor text_of(const char *text)
{
        return cursor_of(text, strlen(text));
}

static void commands_are_read_field_by_field(void **state)
{
        (void)state;
        struct ftp_command c;
        struct cursor at = text_of("RETR B02V04 delta.zip\r\nrest");
        assert_int_equal(ftp_parse_command(&at, &c), DISSECT_OK);
        assert_int_equal(c.verb, FTP_RETR);
        assert_int_equal(cursor_left(&c.argument), 16);
        assert_memory_equal(c.argument.at, "B02V04 delta.zip", 16);
        assert_int_equal(cursor_left(&at), 4);
        at = text_of("pasv\n");
        assert_int_equal(ftp_parse_command(&at, &c), DISSECT_OK);
        assert_int_equal(c.verb, FTP_PASV);
        assert_int_equal(cursor_left(&c.argument), 0);
        at = text_of("XCRC a\r\n");
        assert_int_equal(ftp_parse_command(&at, &c), DISSECT_OK);
        assert_int_equal(c.verb, FTP_OTHER);
        static const char *const odd[] = {"HELLO x\r\n", "AB\r\n", "\r\n", "220 x\r\n", "RETR\tx\r\n"};
        for (unsigned i = 0; i < sizeof odd / sizeof odd[0]; i++) {
                at = text_of(odd[i]);
                assert_int_equal(ftp_parse_command(&at, &c), DISSECT_NO_MATCH);
        }
}

static void replies_are_read_field_by_field(void **state)
{
        (void)state;
        struct ftp_reply r;
        struct cursor at = text_of("227 Entering Passive Mode\r\n");
        assert_int_equal(ftp_parse_reply(&at, &r), DISSECT_OK);
        assert_int_equal(r.code, 227);
        assert_false(r.goes_on);
        assert_memory_equal(r.text.at, "Entering", 8);
        at = text_of("220-hello\r\n");
        assert_int_equal(ftp_parse_reply(&at, &r), DISSECT_OK);
        assert_true(r.goes_on);
        static const char *const odd[] = {"22 x\r\n", " 220 x\r\n", "2200 x\r\n", "999 x\r\n", "\r\n"};
        for (unsigned i = 0; i < sizeof odd / sizeof odd[0]; i++) {
                at = text_of(odd[i]);
                assert_int_equal(ftp_parse_reply(&at, &r), DISSECT_NO_MATCH);
        }
}

static void every_shorter_line_is_truncated(void **state)
{
        (void)state;
        static const char text[] = "RETR a.bin\r\n";
        for (size_t length = 0; length < sizeof text - 1; length++) {
                char *copy = malloc(length ? length : 1);
                struct ftp_command c;
                struct ftp_reply r;
                memcpy(copy, text, length);
                struct cursor at = cursor_of(copy, length);
                assert_int_equal(ftp_parse_command(&at, &c), DISSECT_TRUNCATED);
                assert_int_equal(ftp_parse_reply(&at, &r), DISSECT_TRUNCATED);
                assert_int_equal(cursor_left(&at), length);
                free(copy);
        }
}

static void data_addresses_are_read(void **state)
{
        (void)state;
        struct address a, expected;
        uint16_t port;
        bool has;
        assert_true(ftp_parse_port(text_of("Entering Passive Mode (192,0,2,1,200,13)."), &a, &port));
        address_parse("192.0.2.1", &expected);
        assert_true(address_equal(&a, &expected));
        assert_int_equal(port, 51213);
        assert_true(ftp_parse_port(text_of("10,1,2,3,0,21"), &a, &port));
        assert_int_equal(port, 21);
        static const char *const odd[] = {"", "1,2,3,4,5", "256,2,3,4,5,6", "1,2,3,4,0,0", "1.2.3.4.5.6", "a,b"};
        for (unsigned i = 0; i < sizeof odd / sizeof odd[0]; i++)
                assert_false(ftp_parse_port(text_of(odd[i]), &a, &port));
        assert_true(ftp_parse_extended(text_of("|2|2001:db8::1|6275|"), &has, &a, &port));
        address_parse("2001:db8::1", &expected);
        assert_true(has && address_equal(&a, &expected));
        assert_int_equal(port, 6275);
        assert_true(ftp_parse_extended(text_of("Entering Extended Passive Mode (|||6446|)"), &has, &a, &port));
        assert_false(has);
        assert_int_equal(port, 6446);
        static const char *const odd_extended[] = {"", "|", "|1|x|", "|1|x|77|", "|||0|", "|||65536|", "(|||1"};
        for (unsigned i = 0; i < sizeof odd_extended / sizeof odd_extended[0]; i++)
                assert_false(ftp_parse_extended(text_of(odd_extended[i]), &has, &a, &port));
}

static struct fake_sense *session(const char *mode_command, const char *mode_reply)
{
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 6047);
        fake_sense_text(sense, TO_OPENER, "220 ready\r\n");
        fake_sense_text(sense, FROM_OPENER, "USER quectel\r\n");
        assert_string_equal(sense->label, "FTP_CONTROL");
        fake_sense_text(sense, TO_OPENER, "331 password\r\n");
        fake_sense_text(sense, FROM_OPENER, "PASS x\r\n");
        fake_sense_text(sense, TO_OPENER, "230-hi\r\n 230 there\r\n230 ok\r\n");
        fake_sense_text(sense, FROM_OPENER, "CWD update\r\nTYPE I\r\nSIZE delta.bin\r\n");
        fake_sense_text(sense, TO_OPENER, "250 ok\r\n200 ok\r\n213 70000\r\n");
        fake_sense_text(sense, FROM_OPENER, mode_command);
        fake_sense_text(sense, TO_OPENER, mode_reply);
        fake_sense_text(sense, FROM_OPENER, "RE");
        fake_sense_text(sense, FROM_OPENER, "TR delta.bin\r\n");
        return sense;
}

static void a_retrieval_is_announced_and_told(void **state)
{
        (void)state;
        static uint8_t body[70000] = {'P', 'K', 3, 4};
        struct fake_sense *control = session("PASV\r\n", "227 Entering Passive Mode (198,51,100,9,200,13)\r\n");
        assert_int_equal(control->expected_count, 1);
        const struct fake_expected *e = &control->expected[0];
        assert_int_equal(e->port, 51213);
        assert_true(address_equal(&e->address, &control->d.destination));
        struct fake_sense *data = fake_sense_open_expected(e);
        for (size_t at = 0; at < sizeof body; at += 1000)
                fake_sense_send(data, TO_OPENER, body + at, 1000);
        assert_int_equal(data->event_count, 1);
        assert_true(data->calls < 4);
        fake_sense_end(data);
        assert_int_equal(data->event_count, 2);
        for (unsigned i = 0; i < 2; i++) {
                const Apnwatch__V1__Transfer *t = data->events[i]->transfer;
                assert_int_equal(t->phase, i);
                assert_string_equal(t->protocol, "FTP");
                assert_string_equal(t->method, "RETR");
                assert_string_equal(t->path, "/update/delta.bin");
                assert_string_equal(t->image, "zip");
                assert_int_equal(t->size, 70000);
                assert_int_equal(t->moved, i == 0 ? 32768 : 70000);
                assert_int_equal(t->start, 1700000000000000000);
                assert_true(t->request_frame > 1);
                assert_false(t->pushed || t->has_status);
        }
        assert_true(data->events[1]->transfer->complete);
        assert_string_equal(data->label, "FTP_DATA");
        fake_sense_close(data);
        fake_sense_close(control);
}

static void each_way_to_name_the_data_connection_works(void **state)
{
        (void)state;
        struct fake_sense *sense = session("EPSV\r\n", "229 Entering Extended Passive Mode (|||6446|)\r\n");
        struct address client, server;
        address_parse("10.20.0.7", &client);
        address_parse("198.51.100.9", &server);
        assert_int_equal(sense->expected[0].port, 6446);
        assert_true(address_equal(&sense->expected[0].address, &server));
        fake_sense_close(sense);
        sense = session("PASV\r\n", "227 Entering Passive Mode (10,0,0,9,200,13)\r\n"); /* behind a translator */
        assert_true(address_equal(&sense->expected[0].address, &server));
        fake_sense_close(sense);
        sense = session("PORT 10,20,0,7,4,1\r\n", "200 ok\r\n");
        assert_int_equal(sense->expected[0].port, 1025);
        assert_true(address_equal(&sense->expected[0].address, &client));
        fake_sense_close(sense);
        sense = session("EPRT |1|10.20.0.7|1026|\r\n", "200 ok\r\n");
        assert_int_equal(sense->expected[0].port, 1026);
        fake_sense_close(sense);
        sense = session("NOOP\r\n", "200 ok\r\n");
        assert_int_equal(sense->expected_count, 0);
        fake_sense_close(sense);
}

static void paths_follow_the_directory(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 21);
        fake_sense_text(sense, TO_OPENER, "220 ready\r\n");
        static const char *const names[] = {"/a/b/x", "/a/x", "/abs/x", "/c/d/x"};
        static const char *const moves[] = {"PWD\r\n", "CDUP\r\n", "", "CWD /c\r\nCWD ./\r\nCWD d\r\n"};
        for (unsigned i = 0; i < 4; i++) {
                fake_sense_text(sense, FROM_OPENER, moves[i][0] == 'P' ? moves[i] : "NOOP\r\n");
                fake_sense_text(sense, TO_OPENER, i == 0 ? "257 \"/a/b\" is the directory\r\n" : "257 \"/made\" created\r\n");
                if (i != 0)
                        fake_sense_text(sense, FROM_OPENER, i == 3 ? "CWD /c\r\nCWD .\r\nCWD d\r\n" : moves[i]);
                fake_sense_text(sense, FROM_OPENER, "PORT 10,20,0,7,4,1\r\n");
                fake_sense_text(sense, FROM_OPENER, i == 2 ? "STOR /abs/x\r\n" : "RETR x\r\n");
                const struct ftp_transfer *t = (const void *)sense->expected[i].state;
                assert_int_equal(sense->expected_count, i + 1);
                assert_int_equal(t->path_length, strlen(names[i]));
                assert_memory_equal(t->path, names[i], t->path_length);
        }
        fake_sense_close(sense);
}

static void what_is_sent_by_the_device_does_not_move_towards_it(void **state)
{
        (void)state;
        struct fake_sense *control = session("PASV\r\n", "227 x (198,51,100,9,200,13)\r\n");
        control->expected[0].state[offsetof(struct ftp_transfer, verb)] = FTP_STOR;
        struct fake_sense *data = fake_sense_open_expected(&control->expected[0]);
        static uint8_t body[70000];
        fake_sense_send(data, FROM_OPENER, body, sizeof body);
        fake_sense_end(data);
        assert_int_equal(data->event_count, 1);
        assert_int_equal(data->events[0]->transfer->moved, 0);
        assert_string_equal(data->events[0]->transfer->method, "STOR");
        assert_false(data->events[0]->transfer->pushed);
        fake_sense_close(data);
        control->expected[0].state[offsetof(struct ftp_transfer, verb)] = FTP_LIST;
        data = fake_sense_open_expected(&control->expected[0]);
        fake_sense_text(data, TO_OPENER, "-rw-r--r-- 1 a\r\n");
        fake_sense_end(data);
        assert_int_equal(data->event_count, 0);
        fake_sense_close(data);
        fake_sense_close(control);
}

static void who_is_mine_is_certain(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                uint16_t port;
                enum recognition recognition;
        } payloads[] = {
                {"220 ready\r\n", 21, MINE}, {"220 ready\r\n", 2121, PERHAPS}, {"220 ProFTPD\r\n", 2121, MINE},
                {"220 mx.example ESMTP\r\n", 26, NOT_MINE}, {"220 mx.example\r\n", 25, NOT_MINE}, {"220", 21, PERHAPS},
                {"+OK ready\r\n", 110, NOT_MINE}, {"USER a\r\n", 2121, MINE}, {"USER a\r\n", 110, NOT_MINE},
                {"USER a 0 * :b\r\n", 6667, NOT_MINE}, {"US", 2121, PERHAPS}, {"AUTH TLS\r\n", 21, MINE},
                {"AUTH LOGIN\r\n", 21, NOT_MINE}, {"USERS\r\n", 21, NOT_MINE}, {"GET / HTTP/1.1\r\n", 21, NOT_MINE}, {"", 21, NOT_MINE},
        };
        for (unsigned i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
                struct dissection d = {.source_port = payloads[i].port, .destination_port = 40000};
                struct cursor at = text_of(payloads[i].text);
                if (ftp_dissector.recognise(&d, &at) != payloads[i].recognition)
                        fail_msg("%s", payloads[i].text);
        }
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 21);
        fake_sense_text(sense, TO_OPENER, "220 ready\r\n");
        fake_sense_text(sense, FROM_OPENER, "AUTH TLS\r\n");
        fake_sense_text(sense, TO_OPENER, "234 go on\r\n\x16\x03\x03");
        assert_true(sense->encrypted);
        assert_int_equal(sense->phase, FAKE_SETTLED);
        fake_sense_close(sense);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(commands_are_read_field_by_field),
                cmocka_unit_test(replies_are_read_field_by_field),
                cmocka_unit_test(every_shorter_line_is_truncated),
                cmocka_unit_test(data_addresses_are_read),
                cmocka_unit_test(a_retrieval_is_announced_and_told),
                cmocka_unit_test(each_way_to_name_the_data_connection_works),
                cmocka_unit_test(paths_follow_the_directory),
                cmocka_unit_test(what_is_sent_by_the_device_does_not_move_towards_it),
                cmocka_unit_test(who_is_mine_is_certain),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
