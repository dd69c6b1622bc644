#include <stdio.h>

#include "dissectors/app/lwm2m.h"
#include "dissectors/nameplate.h"
#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/test.h"

#define BYTES(text) text, sizeof text - 1
#define IMEI "860536041234560"

enum { CON = 0, NON = 1, ACK = 2, GET = 1, POST = 2, PUT = 3, FETCH = 5, CONTENT = 0x45, CHANGED = 0x44 };

/* A CoAP message in the making (RFC 7252, 3). Options in ascending order. */
struct making {
        uint8_t bytes[1024];
        size_t length;
        unsigned option;
};

static struct making message(unsigned type, uint8_t code, uint16_t id, const char *token)
{
        struct making m = {.length = 4 + strlen(token)};
        m.bytes[0] = (uint8_t)(0x40 | type << 4 | strlen(token));
        m.bytes[1] = code;
        m.bytes[2] = (uint8_t)(id >> 8);
        m.bytes[3] = (uint8_t)id;
        memcpy(m.bytes + 4, token, strlen(token));
        return m;
}

static void option(struct making *m, unsigned number, const void *value, size_t length)
{
        unsigned delta = number - m->option;
        m->bytes[m->length++] = (uint8_t)((delta > 12 ? 13 : delta) << 4 | (length > 12 ? 13 : length));
        if (delta > 12)
                m->bytes[m->length++] = (uint8_t)(delta - 13);
        if (length > 12)
                m->bytes[m->length++] = (uint8_t)(length - 13);
        memcpy(m->bytes + m->length, value, length);
        m->length += length;
        m->option = number;
}

/* "rd?ep=x": one segment and one query; "3/0/1". */
static void path(struct making *m, const char *text)
{
        const char *query = strchr(text, '?');
        for (const char *at = text; *at != '\0' && at != query;) {
                size_t length = strcspn(at, "/?");
                option(m, 11, at, length);
                at += length + (at[length] == '/');
        }
        if (query != NULL)
                option(m, 15, query + 1, strlen(query + 1));
}

static void content(struct making *m, int format, const void *payload, size_t length)
{
        const uint8_t value[] = {(uint8_t)(format >> 8), (uint8_t)format};
        if (format >= 0 && m->option <= 12)
                option(m, 12, format > 255 ? value : value + 1, format > 255 ? 2 : format > 0);
        m->bytes[m->length++] = 0xff;
        memcpy(m->bytes + m->length, payload, length);
        m->length += length;
}

static void ask(struct fake_sense *sense, uint8_t code, uint16_t id, const char *token, const char *where, bool observe)
{
        struct making m = message(CON, code, id, token);
        if (observe)
                option(&m, 6, "", 0);
        path(&m, where);
        fake_sense_send(sense, TO_OPENER, m.bytes, m.length);
}

static void answer_as(struct fake_sense *sense, unsigned type, uint16_t id, const char *token, int format, const void *payload,
                      size_t length)
{
        struct making m = message(type, CONTENT, id, token);
        content(&m, format, payload, length);
        fake_sense_send(sense, FROM_OPENER, m.bytes, m.length);
}

static void answer(struct fake_sense *sense, uint16_t id, const char *token, int format, const char *text)
{
        answer_as(sense, ACK, id, token, format, text, strlen(text));
}

static void expect(const char *found, const char *expected)
{
        if (expected == NULL)
                assert_null(found);
        else
                assert_string_equal(found ? found : "nothing", expected);
}

static void expect_said(const struct fake_sense *sense, unsigned event, const char *vendor, const char *model, const char *firmware)
{
        assert_true(event < sense->event_count);
        const Apnwatch__V1__SelfReport *said = sense->events[event]->self_report;
        assert_string_equal(said->protocol, "LwM2M");
        assert_string_equal(said->path, "/3/0");
        expect(said->vendor, vendor);
        expect(said->model, model);
        expect(said->firmware, firmware);
}

/* The same four texts in each encoding. Manufacturer "Acme", model "M-1", serial number "7", firmware "2.0", battery level 100. */
static const struct {
        int format;
        const char *path, *bytes;
        size_t length;
        bool is_named; /* says its paths itself */
} encodings[] = {
        {11542, "3/0", BYTES("\xc4\x00" "Acme\xc3\x01M-1\xc1\x02" "7\xc3\x03" "2.0\x86\x06\x41\x00\x01\x41\x01\x05\xc1\x09\x64"), false},
        {1542, "3/0", BYTES("\xc8\x00\x04" "Acme\xe3\x00\x01M-1\xd0\x02\x00\x01" "7\xd8\x03\x00\x00\x03" "2.0"), false},
        {11542, "3", BYTES("\x08\x00\x11\xc4\x00" "Acme\xc3\x01M-1\xc1\x02" "7\xc3\x03" "2.0"), false},
        {11543, "3/0", BYTES("{\"bn\":\"/3/0/\",\"e\":[{\"n\":\"0\",\"sv\":\"Acme\"},{\"n\":\"1\",\"sv\":\"M-1\"},{\"n\":\"2\",\"sv\":\"7\"},"
                             "{\"n\":\"3\",\"sv\":\"2.0\"},{\"n\":\"9\",\"v\":100}]}"), true},
        {11543, "3/0", BYTES("{\"e\":[ {\"n\" : \"0\", \"sv\" : \"Acme\"},"
                             "{\"sv\":\"M-1\",\"n\":\"1\"},{\"n\":\"2\",\"sv\":\"7\"},{\"n\":\"3\",\"sv\":\"2.0\"}]}"), false},
        {110, "3/0", BYTES("[{\"bn\":\"/3/0/\",\"n\":\"0\",\"vs\":\"Acme\"},{\"n\":\"1\",\"vs\":\"M-1\"},{\"n\":\"2\",\"vs\":\"7\"},"
                           "{\"n\":\"3\",\"vs\":\"2.0\"},{\"n\":\"9\",\"v\":100}]"), true},
        {110, "3", BYTES("[{\"n\":\"/3/0/0\",\"vs\":\"Acme\"},{\"n\":\"/3/0/1\",\"vs\":\"M-1\"},"
                         "{\"bn\":\"/3/0\",\"n\":\"2\",\"vs\":\"7\"},{\"n\":\"3\",\"vs\":\"2.0\"}]"), true},
        /* [{-2: "/3/0/", 0: "0", 3: "Acme"}, {0: "1", 3: "M-1"}, {0: "2", 3: "7"}, {0: "3", 3: "2.0"}, {0: "9", 2: 100}] */
        {112, "3/0", BYTES("\x85\xa3\x21\x65/3/0/\x00\x61" "0\x03\x64" "Acme\xa2\x00\x61" "1\x03\x63M-1\xa2\x00\x61" "2\x03\x61" "7\xa2\x00\x61"
                           "3\x03\x63" "2.0\xa2\x00\x61" "9\x02\x18\x64"), true},
        /* of indefinite length */
        {112, "3/0", BYTES("\x9f\xbf\x21\x65/3/0/\x00\x61" "0\x03\x64" "Acme\xff"
                           "\xbf\x00\x61" "1\x03\x63M-1\xff\xa2\x00\x61" "2\x03\x61" "7\xa2\x00\x61"
                           "3\x03\x63" "2.0\xff"), true},
        /* {3: {0: {0: "Acme", 1: "M-1", 2: "7", 3: "2.0", 9: 100}}}, {[3, 0]: {0: ...}} */
        {11544, "3/0", BYTES("\xa1\x03\xa1\x00\xa5\x00\x64" "Acme\x01\x63M-1\x02\x61" "7\x03\x63" "2.0\x09\x18\x64"), true},
        {11544, "3/0", BYTES("\xa1\x82\x03\x00\xa4\x00\x64" "Acme\x01\x63M-1\x02\x61" "7\x03\x63" "2.0"), true},
};

enum { ENCODINGS = sizeof encodings / sizeof encodings[0] };

static struct cursor exactly(const char *bytes, size_t length, uint8_t **copy)
{
        *copy = malloc(length ? length : 1);
        assert_non_null(*copy);
        memcpy(*copy, bytes, length);
        return cursor_of(*copy, length);
}

static void each_encoding_says_the_same(void **state)
{
        (void)state;
        for (unsigned i = 0; i < ENCODINGS; i++) {
                static const char *const texts[] = {"Acme", "M-1", "7", "2.0"};
                struct lwm2m_path asked;
                struct lwm2m_device device;
                assert_true(lwm2m_path_parse(cursor_of(encodings[i].path, strlen(encodings[i].path)), &asked));
                for (unsigned unseen = 0; unseen < 2; unseen++) {
                        struct cursor bytes = cursor_of(encodings[i].bytes, encodings[i].length);
                        enum dissect_result result = lwm2m_content_parse(encodings[i].format, unseen ? NULL : &asked, bytes, &device);
                        if (unseen && !encodings[i].is_named) {
                                assert_int_equal(result, DISSECT_NO_MATCH);
                                continue;
                        }
                        if (result != DISSECT_OK || device.found != 4)
                                fail_msg("encoding %u: %u found", i, device.found);
                        for (unsigned k = 0; k < 4; k++) {
                                assert_int_equal(cursor_left(&device.texts[k]), strlen(texts[k]));
                                assert_memory_equal(device.texts[k].at, texts[k], strlen(texts[k]));
                        }
                }
        }
}

static void of_what_is_cut_whole_texts_are_taken(void **state)
{
        (void)state;
        for (unsigned i = 0; i < ENCODINGS; i++) {
                unsigned most = 0;
                struct lwm2m_path asked;
                assert_true(lwm2m_path_parse(cursor_of(encodings[i].path, strlen(encodings[i].path)), &asked));
                for (size_t length = 0; length <= encodings[i].length; length++) {
                        uint8_t *copy;
                        struct lwm2m_device device;
                        (void)lwm2m_content_parse(encodings[i].format, &asked, exactly(encodings[i].bytes, length, &copy), &device);
                        assert_true(device.found >= most);
                        most = device.found;
                        for (unsigned k = 0; k < 4; k++)
                                assert_true(cursor_left(&device.texts[k]) <= 4);
                        free(copy);
                }
                assert_int_equal(most, 4);
        }
}

static void single_resources_are_text_or_cbor(void **state)
{
        (void)state;
        struct lwm2m_path model = {.ids = {3, 0, 1}, .count = 3}, battery = {.ids = {3, 0, 9}, .count = 3};
        struct lwm2m_path object = {.ids = {3, 0}, .count = 2};
        struct lwm2m_device device;
        assert_int_equal(lwm2m_content_parse(0, &model, cursor_of("M-1", 3), &device), DISSECT_OK);
        assert_int_equal(lwm2m_content_parse(-1, &model, cursor_of("M-1", 3), &device), DISSECT_OK);
        assert_int_equal(lwm2m_content_parse(60, &model, cursor_of("\x63M-1", 4), &device), DISSECT_OK);
        assert_memory_equal(device.texts[LWM2M_MODEL].at, "M-1", 3);
        assert_int_equal(lwm2m_content_parse(0, &object, cursor_of("M-1", 3), &device), DISSECT_NO_MATCH);
        assert_int_equal(lwm2m_content_parse(0, &battery, cursor_of("100", 3), &device), DISSECT_NO_MATCH);
        assert_int_equal(lwm2m_content_parse(0, NULL, cursor_of("M-1", 3), &device), DISSECT_NO_MATCH);
        assert_int_equal(lwm2m_content_parse(42, &model, cursor_of("M-1", 3), &device), DISSECT_NO_MATCH);
}

static void paths_are_of_numbers(void **state)
{
        (void)state;
        struct lwm2m_path path;
        assert_true(lwm2m_path_parse(cursor_of("/3/0/1", 6), &path) && path.count == 3 && lwm2m_path_leads(&path));
        assert_true(lwm2m_path_parse(cursor_of("3/", 2), &path) && path.count == 1 && lwm2m_path_leads(&path));
        assert_true(lwm2m_path_parse(cursor_of("", 0), &path) && path.count == 0 && !lwm2m_path_leads(&path));
        assert_true(lwm2m_path_parse(cursor_of("/3/1/1", 6), &path) && !lwm2m_path_leads(&path));
        assert_true(lwm2m_path_parse(cursor_of("/3/0/4", 6), &path) && !lwm2m_path_leads(&path));
        static const char *const odd[] = {"/x", "3/a", "//", "/3//0", "/3/65536", "/1/2/3/4/5", "3 "};
        for (unsigned i = 0; i < sizeof odd / sizeof odd[0]; i++)
                if (lwm2m_path_parse(cursor_of(odd[i], strlen(odd[i])), &path))
                        fail_msg("%s is a path", odd[i]);
}

static void answers_belong_to_what_was_asked(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 5683);
        ask(sense, GET, 1, "ab", "3/0/0", false);
        ask(sense, GET, 2, "cd", "3/0/1", false);
        answer(sense, 2, "cd", 0, "M-1");
        answer(sense, 1, "ab", 0, "Acme");
        answer(sense, 1, "ab", 0, "again");            /* answered already */
        ask(sense, GET, 3, "ab", "4/0/0", false);      /* another object */
        answer(sense, 3, "ab", 0, "11");
        ask(sense, GET, 4, "ef", "3/0/3", false);
        answer(sense, 9, "ef", 0, "not this one");     /* another message's acknowledgement */
        answer_as(sense, CON, 77, "ef", 0, "2.0", 3);  /* a separate answer */
        ask(sense, GET, 5, "", "lwm2m/3/0/3", false);  /* below an alternate path, without a token */
        answer(sense, 5, "", -1, "2.1");
        assert_int_equal(sense->event_count, 4);
        expect_said(sense, 0, NULL, "M-1", NULL);
        expect_said(sense, 1, "Acme", NULL, NULL);
        expect_said(sense, 2, NULL, NULL, "2.0");
        expect_said(sense, 3, NULL, NULL, "2.1");
        fake_sense_close(sense);
}

static void observations_stay_and_news_alone_are_told(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 5683);
        ask(sense, GET, 1, "ob", "3/0/3", true);
        answer(sense, 1, "ob", 0, "2.0");
        for (uint16_t i = 0; i < 10; i++) /* others come and go */
                ask(sense, GET, (uint16_t)(100 + i), i % 2 ? "x1" : "x2", "3/0/1", false);
        for (uint16_t i = 0; i < 10; i++) {
                char token[] = {'y', (char)('a' + i), '\0'};
                ask(sense, GET, (uint16_t)(200 + i), token, "3/0/1", false);
        }
        answer_as(sense, NON, 30, "ob", 0, "2.0", 3);
        answer_as(sense, NON, 31, "ob", 0, "3.0", 3);
        assert_int_equal(sense->event_count, 2);
        expect_said(sense, 1, NULL, NULL, "3.0");
        fake_sense_close(sense);
}

static void what_servers_say_is_not_the_devices_word(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 5683);
        struct making m = message(CON, PUT, 1, "ab");
        path(&m, "3/0/1");
        content(&m, 0, "M-1", 3);
        fake_sense_send(sense, TO_OPENER, m.bytes, m.length);
        answer(sense, 1, "ab", 0, "M-1");
        m = message(CON, POST, 2, "cd");
        path(&m, "rd?ep=urn:imei:" IMEI);
        fake_sense_send(sense, TO_OPENER, m.bytes, m.length);
        m = message(CON, GET, 3, "ef"); /* the device asks, the server answers */
        path(&m, "3/0/1");
        fake_sense_send(sense, FROM_OPENER, m.bytes, m.length);
        m = message(ACK, CONTENT, 3, "ef");
        content(&m, 0, "M-1", 3);
        fake_sense_send(sense, TO_OPENER, m.bytes, m.length);
        assert_int_equal(sense->event_count, 0);
        fake_sense_close(sense);
}

static void send_and_composite_reads_name_their_paths(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 5683);
        struct making m = message(CON, POST, 1, "ab");
        path(&m, "dp");
        content(&m, encodings[7].format, encodings[7].bytes, encodings[7].length);
        fake_sense_send(sense, FROM_OPENER, m.bytes, m.length);
        ask(sense, FETCH, 2, "cd", "", false);
        answer(sense, 2, "cd", 110, "[{\"n\":\"/3/0/1\",\"vs\":\"M-2\"},{\"n\":\"/4/0/1\",\"vs\":\"x\"}]");
        assert_int_equal(sense->event_count, 2);
        expect_said(sense, 0, "Acme", "M-1", "2.0");
        expect_said(sense, 1, NULL, "M-2", NULL);
        fake_sense_close(sense);
}

static void later_blocks_are_passed_over(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 5683);
        ask(sense, GET, 1, "ab", "3/0", false);
        for (uint8_t block = 0; block < 2; block++) {
                const uint8_t value = (uint8_t)(block << 4 | 8);
                struct making m = message(ACK, CONTENT, 1, "ab");
                option(&m, 12, "\x2d\x16", 2); /* 11542 */
                option(&m, 23, &value, 1);
                m.bytes[m.length++] = 0xff;
                memcpy(m.bytes + m.length, block ? "\xc3\x03" "9.9" : "\xc4\x00" "Acme\xc8", block ? 5 : 7);
                m.length += block ? 5 : 7;
                fake_sense_send(sense, FROM_OPENER, m.bytes, m.length);
        }
        assert_int_equal(sense->event_count, 1);
        expect_said(sense, 0, "Acme", NULL, NULL);
        fake_sense_close(sense);
}

static void names_of_registrations_may_hold_identities(void **state)
{
        (void)state;
        static const struct {
                const char *name, *imei, *imsi, *msisdn, *id;
        } names[] = {
                {"urn:imei:" IMEI, IMEI, NULL, NULL, NULL},
                {"urn:dev:imei-" IMEI, IMEI, NULL, NULL, NULL},
                {"IMEI" IMEI, IMEI, NULL, NULL, NULL},
                {"imei=" IMEI, IMEI, NULL, NULL, NULL},
                {IMEI, IMEI, NULL, NULL, NULL},
                {"nrf-" IMEI, IMEI, NULL, NULL, NULL},
                {"urn:imei:8605360412345612", "8605360412345612", NULL, NULL, NULL}, /* IMEISV */
                {"urn:imei-imsi:" IMEI "-262011234567890", IMEI, "262011234567890", NULL, NULL},
                {"urn:imei-msisdn:" IMEI "-491511234567", IMEI, NULL, "491511234567", NULL},
                {"urn:imsi:262011234567890", NULL, "262011234567890", NULL, NULL},
                {"860536041234561", NULL, NULL, NULL, "860536041234561"},   /* its check digit is 0 */
                {"urn:imei:860536041234561", NULL, NULL, NULL, "urn:imei:860536041234561"},
                {"000000000000000", NULL, NULL, NULL, "000000000000000"},
                {"meter" IMEI, NULL, NULL, NULL, "meter" IMEI},
                {"1" IMEI, NULL, NULL, NULL, "1" IMEI},
                {"urn:uuid:0b3c1f4e-86-053604", NULL, NULL, NULL, "urn:uuid:0b3c1f4e-86-053604"},
                {"meter-7", NULL, NULL, NULL, "meter-7"},
        };
        for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 5683);
                char where[128];
                snprintf(where, sizeof where, "rd?ep=%s", names[i].name);
                for (unsigned again = 0; again < 3; again++) {
                        struct making m = message(CON, POST, (uint16_t)again, "ab");
                        path(&m, where);
                        fake_sense_send(sense, FROM_OPENER, m.bytes, m.length);
                }
                assert_int_equal(sense->event_count, 1);
                const Apnwatch__V1__SelfReport *said = sense->events[0]->self_report;
                assert_string_equal(said->path, "/rd");
                expect(said->imei, names[i].imei);
                expect(said->imsi, names[i].imsi);
                expect(said->msisdn, names[i].msisdn);
                expect(said->device_id, names[i].id);
                fake_sense_close(sense);
        }
}

static void texts_are_clean_and_short(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 5683);
        char lengthy[200];
        memset(lengthy, 'x', sizeof lengthy);
        lengthy[sizeof lengthy - 1] = '\0';
        ask(sense, GET, 1, "ab", "3/0/0", false);
        answer(sense, 1, "ab", 0, lengthy);
        ask(sense, GET, 2, "ab", "3/0/1", false);
        answer_as(sense, ACK, 2, "ab", 0, "  M-1\0\0 ", 8);
        ask(sense, GET, 3, "ab", "3/0/3", false);
        answer_as(sense, ACK, 3, "ab", 0, "\x01\x02", 2);
        ask(sense, GET, 4, "ab", "3/0/3", false);
        answer(sense, 4, "ab", 0, "caf\xe9");
        ask(sense, GET, 5, "ab", "3/0/2", false);
        answer(sense, 5, "ab", 0, IMEI);
        assert_int_equal(sense->event_count, 3);
        assert_int_equal(strlen(sense->events[0]->self_report->vendor), NAMEPLATE_TEXT);
        assert_string_equal(sense->events[1]->self_report->model, "M-1");
        assert_string_equal(sense->events[2]->self_report->serial, IMEI);
        assert_string_equal(sense->events[2]->self_report->imei, IMEI);
        fake_sense_close(sense);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_encoding_says_the_same),
                cmocka_unit_test(of_what_is_cut_whole_texts_are_taken),
                cmocka_unit_test(single_resources_are_text_or_cbor),
                cmocka_unit_test(paths_are_of_numbers),
                cmocka_unit_test(answers_belong_to_what_was_asked),
                cmocka_unit_test(observations_stay_and_news_alone_are_told),
                cmocka_unit_test(what_servers_say_is_not_the_devices_word),
                cmocka_unit_test(send_and_composite_reads_name_their_paths),
                cmocka_unit_test(later_blocks_are_passed_over),
                cmocka_unit_test(names_of_registrations_may_hold_identities),
                cmocka_unit_test(texts_are_clean_and_short),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
