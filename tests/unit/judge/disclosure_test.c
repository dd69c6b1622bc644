#include "judge/identity_finder.h"
#include "judge/judge_state.h"
#include "tests/unit/judge/court.h"
#include "tests/unit/test.h"

#define SIM "262011234567890"
#define MODULE "8612340512345601"

static void identities_are_known_by_their_owner_their_name_or_their_digits(void **state)
{
        (void)state;
        static const struct known_identities own = {SIM, MODULE, "4915112345678"};
        static const struct {
                const char *text, *kind;
                bool is_sure;
        } rows[] = {
                {"/poll?id=861234051234568", "imei", true},      /* its own, with another check digit */
                {"/poll?id=86123405123456", "imei", true},
                {"/poll/262011234567890/x", "imsi", true},
                {"tel:+4915112345678", "msisdn", true},
                {"/poll?imei=351234567890123", "imei", true},
                {"{\"IMSI\": \"208011234567890\"}", "imsi", true},
                {"a?ICCID%3D8949020000012345678", "iccid", true},
                {"MSISDN:491701234567", "msisdn", true},
                {"/poll?id=490154203237518", NULL, false},       /* TS 23.003's example: valid, but begins unlike a module's */
                {"/poll?id=356938035643809", "imei", false},
                {"/poll?id=356938035643808", NULL, false},       /* its check digit is wrong */
                {"sim 8991101200003204514", "iccid", false},
                {"/file/20260301020304567", NULL, false},
                {"/file/1772323200123456", NULL, false},
                {"/file/a356938035643809", NULL, false},         /* part of a word */
                {"/file/356938035643809abc", NULL, false},
                {"/x?imei=12345", NULL, false},
                {"imei", NULL, false},
                {"", NULL, false},
                {"IMEI351234567890123", "imei", true},
                {"%7B%22imei%22%3A%22351234567890123%22%7D", "imei", true}, /* JSON in a query: the escape's digits are its own */
                {"x=%20" SIM, "imsi", true},
                {"gw" SIM "-2", "imsi", true},                   /* its own, glued to a word */
                {"<urn:gsma:imei:35123456-789012-3>", "imei", true}, /* RFC 7254 */
                {"at 20260301-020304", NULL, false},
                {"ccid:89490200000123456782", "iccid", true},
                {"phone=+491701234567", "msisdn", false},        /* somebody's */
                {"order 4915112345678", "msisdn", true},
                {"order 14915112345678", NULL, false},
                {"0861234051234568", "imei", true},              /* hexadecimal of eight bytes */
                {"0356938035643809", NULL, false},
        };
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct found_identities found = {0, 0};
                unsigned expected = 0;
                identity_find(rows[i].text, strlen(rows[i].text), &own, &found);
                for (unsigned kind = 0; kind < IDENTITY_KINDS && rows[i].kind; kind++)
                        if (strcmp(identity_kind_text((enum identity_kind)kind), rows[i].kind) == 0)
                                expected = 1U << kind;
                assert_int_equal(found.sure, rows[i].is_sure ? expected : 0);
                assert_int_equal(found.maybe, rows[i].is_sure ? 0 : expected);
        }
}

/* Each prefix in memory of its own: nothing behind the end is read. */
static void nothing_behind_the_end_is_read(void **state)
{
        (void)state;
        static const char text[] = "x=%3D1&imei=351234567890123";
        static const struct known_identities nobody = {NULL, NULL, NULL};
        for (size_t length = 0; length < sizeof text; length++) {
                struct found_identities found = {0, 0};
                char *copy = malloc(length ? length : 1);
                memcpy(copy, text, length);
                identity_find(copy, length, &nobody, &found);
                assert_int_equal(found.sure != 0, length >= sizeof text - 2);
                free(copy);
        }
}

static const char policy[] = "version: 1\n"
                             "fleets:\n"
                             "  - name: meters\n"
                             "    members:\n"
                             "      - {prefix: 10.20.0.0/16}\n"
                             "    destinations:\n"
                             "      allow:\n"
                             "        - {name: head-end, prefix: 192.0.2.10/32}\n";

static void ask_for(struct court *court, const char *peer, const char *path, const char *agent)
{
        struct court_flow flow = {.device = "10.20.0.7", .peer = peer, .peer_port = 80, .opener = OUT, .start_s = 20, .label = "HTTP"};
        Apnwatch__V1__Transfer transfer = APNWATCH__V1__TRANSFER__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        transfer.phase = APNWATCH__V1__TRANSFER__PHASE__ENDED;
        transfer.protocol = (char *)"HTTP";
        transfer.start = (uint64_t)COURT_NS(20);
        transfer.path = (char *)path;
        transfer.user_agent = (char *)agent;
        event.body_case = APNWATCH__V1__EVENT__BODY_TRANSFER;
        event.transfer = &transfer;
        court_event(court, &flow, &event, 21, false);
}

static void an_identity_in_clear_is_told_with_whom(void **state)
{
        (void)state;
        static const struct {
                const char *peer, *path, *agent, *types, *identity;
                int severity;
        } rows[] = {{"198.51.100.9", "/poll?imei=356938035643809", "x", "identity.disclosed", "imei", 2},
                    {"198.51.100.9", "/poll", "modem/" SIM, "identity.disclosed", "imsi", 2},
                    {"198.51.100.9", "/poll?id=356938035643809", "x", "identity.disclosed", "imei", 1},
                    {"192.0.2.10", "/poll?imei=356938035643809", "x", "identity.disclosed", "imei", 0},
                    {"192.0.2.10", "/poll?id=356938035643809", "x", "", NULL, 0},
                    {"198.51.100.9", "/poll?t=20260301020304", "x", "", NULL, 0}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = court_open(policy, NULL, NULL);
                court_attach(court, &(struct court_session){.imsi = SIM, .imei = MODULE, .ip = "10.20.0.7", .teid = 17, .at_s = 1});
                ask_for(court, rows[i].peer, rows[i].path, rows[i].agent);
                assert_string_equal(court_types(court), rows[i].types);
                if (court->count > 0) {
                        const Apnwatch__V1__Alert *alert = court->alerts[0];
                        assert_int_equal(alert->severity, rows[i].severity);
                        assert_string_equal(alert->detail->identity, rows[i].identity);
                        assert_string_equal(alert->peer->ip, rows[i].peer);
                        assert_int_equal(alert->scope, rows[i].severity == 0 ? APNWATCH__V1__ALERT__SCOPE__FLEET
                                                                             : APNWATCH__V1__ALERT__SCOPE__DEVICE);
                }
                court_close(court);
        }
}

static void locate(struct court *court, const char *id, const char *subscriber, bool from_device)
{
        struct court_flow flow = {.device = "10.20.0.7", .peer = "198.51.100.9", .peer_port = 7275, .opener = OUT, .start_s = 20};
        Apnwatch__V1__Position position = APNWATCH__V1__POSITION__INIT;
        Apnwatch__V1__Lookup lookup = APNWATCH__V1__LOOKUP__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        if (id) {
                position.family = (char *)"GT06";
                position.grade = APNWATCH__V1__POSITION__GRADE__CHECKED;
                position.device_id = (char *)id;
                event.body_case = APNWATCH__V1__EVENT__BODY_POSITION;
                event.position = &position;
        } else {
                lookup.family = (char *)"SUPL";
                lookup.subscriber = (char *)subscriber;
                event.body_case = APNWATCH__V1__EVENT__BODY_LOOKUP;
                event.lookup = &lookup;
        }
        court_event(court, &flow, &event, 21, from_device);
}

static void trackers_and_locators_are_told_who_it_is(void **state)
{
        (void)state;
        static const struct {
                const char *id, *subscriber;
                bool from_device;
                const char *identity;
        } rows[] = {{"0356938035643809", NULL, true, "imei"}, {"tracker-7", NULL, true, NULL}, {NULL, SIM, true, "imsi"},
                    {NULL, "491701234567", true, "msisdn"},   {"356938035643809", NULL, false, NULL}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = court_open(NULL, NULL, NULL);
                locate(court, rows[i].id, rows[i].subscriber, rows[i].from_device);
                judge_finish(court->judge);
                bool is_told = strstr(court_types(court), "identity.disclosed") != NULL;
                assert_int_equal(is_told, rows[i].identity != NULL);
                if (is_told)
                        assert_string_equal(court_alert(court, "identity.disclosed")->detail->identity, rows[i].identity);
                court_close(court);
        }
}

/* The device's own, not what binary data hold by chance; a module's number may end with another check digit. */
static void packed_numbers_are_the_devices_own(void **state)
{
        (void)state;
        static const struct {
                const char *bytes;
                uint32_t offset;
                const char *identity;
        } rows[] = {{"\x08\x61\x23\x40\x51\x23\x45\x68", 0, "imei"}, {"xx\x86\x12\x34\x05\x12\x34\x56\x8f", 2, "imei"},
                    {"\x62\x02\x11\x32\x54\x76\x98\xf0", 0, "imsi"}, {"\x03\x56\x93\x80\x35\x64\x38\x09", 0, NULL},
                    {"x\x08\x61\x23\x40\x51\x23\x45\x68", 2, NULL},  {"\x08\x61\x23\x40\x51\x23\x45\x68", 0xffffffff, NULL}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = court_open(policy, NULL, NULL);
                struct court_flow flow = {.device = "10.20.0.7", .peer = "198.51.100.9", .peer_port = 7700, .opener = OUT, .start_s = 20};
                event_t event = APNWATCH__V1__EVENT__INIT;
                Apnwatch__V1__ClearNumber number = APNWATCH__V1__CLEAR_NUMBER__INIT;
                Apnwatch__V1__Snippet snippet = APNWATCH__V1__SNIPPET__INIT;
                number.has_packed = number.packed = true;
                snippet.data = (ProtobufCBinaryData){strlen(rows[i].bytes), (uint8_t *)(uintptr_t)rows[i].bytes};
                snippet.has_offset = true;
                snippet.offset = rows[i].offset;
                event.body_case = APNWATCH__V1__EVENT__BODY_CLEAR_NUMBER;
                event.clear_number = &number;
                event.snippet = &snippet;
                court_attach(court, &(struct court_session){.imsi = SIM, .imei = MODULE, .ip = "10.20.0.7", .teid = 17, .at_s = 1});
                court_event(court, &flow, &event, 21, true);
                assert_string_equal(court_types(court), rows[i].identity ? "identity.disclosed" : "");
                if (rows[i].identity)
                        assert_string_equal(court->alerts[0]->detail->identity, rows[i].identity);
                court_close(court);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(identities_are_known_by_their_owner_their_name_or_their_digits),
                cmocka_unit_test(nothing_behind_the_end_is_read),
                cmocka_unit_test(an_identity_in_clear_is_told_with_whom),
                cmocka_unit_test(trackers_and_locators_are_told_who_it_is),
                cmocka_unit_test(packed_numbers_are_the_devices_own),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
