#include "judge/tac_learner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/judge_state.h"
#include "tests/unit/judge/court.h"
#include "tests/unit/test.h"

#define METER "10.20.0.7"
#define SIM "262011234567890"

static const char intel[] = "vendor: Quectel\n"
                            "controller: module_vendor\n"
                            "rows:\n"
                            "  - {user_agent: QUECTEL_MODULE, purpose: management, confidence: code, source: test}\n"
                            "  - {user_agent: MAUI, purpose: management, confidence: code, source: test, weak: true}\n"
                            "tacs:\n"
                            "  - {tac: \"86000001\", vendor: Quectel Wireless Solutions}\n"
                            "  - {tac: \"86000002\", vendor: Telit}\n";

struct lecture {
        struct court *court;
        struct tac_learner *learner;
        char *text;
};

static void hear(void *context, const struct device_word *word)
{
        tac_learner_hear(context, word);
}

static struct lecture lecture_open(const char *inventory)
{
        struct lecture lecture = {.court = court_open(NULL, intel, inventory)};
        lecture.learner = tac_learner_create(lecture.court->intel);
        assert_non_null(lecture.learner);
        lecture.court->judge->settings.said = hear;
        lecture.court->judge->settings.said_context = lecture.learner;
        return lecture;
}

/* What was learned, without the three lines at its head. */
static const char *lecture_end(struct lecture *lecture)
{
        size_t length;
        judge_finish(lecture->court->judge);
        FILE *out = open_memstream(&lecture->text, &length);
        assert_non_null(out);
        tac_learner_print(lecture->learner, out);
        fclose(out);
        const char *rows = strstr(lecture->text, "\ntacs:\n");
        assert_non_null(rows);
        return rows + 7;
}

static void lecture_close(struct lecture *lecture)
{
        tac_learner_destroy(lecture->learner);
        court_close(lecture->court);
        free(lecture->text);
}

static void fetch_over(struct lecture *lecture, const char *device, const char *agent, double at_s, Apnwatch__V1__Flow__Opener opener)
{
        struct court_flow flow = {.device = device, .peer = "198.51.100.9", .peer_port = 80, .opener = opener, .label = "HTTP",
                                  .name = "x.example", .is_host = true, .start_s = at_s};
        Apnwatch__V1__Transfer transfer = APNWATCH__V1__TRANSFER__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        transfer.phase = APNWATCH__V1__TRANSFER__PHASE__ENDED;
        transfer.protocol = (char *)"HTTP";
        transfer.start = (uint64_t)COURT_NS(at_s);
        transfer.user_agent = (char *)agent;
        event.body_case = APNWATCH__V1__EVENT__BODY_TRANSFER;
        event.transfer = &transfer;
        court_event(lecture->court, &flow, &event, at_s, false);
}

static void fetch(struct lecture *lecture, const char *device, const char *agent, double at_s)
{
        fetch_over(lecture, device, agent, at_s, OUT);
}

static void report(struct lecture *lecture, const char *device, const char *id, double at_s)
{
        struct court_flow flow = {.device = device, .peer = "198.51.100.9", .peer_port = 5000, .opener = OUT, .start_s = at_s};
        Apnwatch__V1__Position position = APNWATCH__V1__POSITION__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        position.family = (char *)"JSON";
        position.device_id = (char *)id;
        event.body_case = APNWATCH__V1__EVENT__BODY_POSITION;
        event.position = &position;
        court_event(lecture->court, &flow, &event, at_s, true);
}

static void attach(struct lecture *lecture, const char *imsi, const char *imei, const char *ip, uint32_t teid, double at_s)
{
        court_attach(lecture->court, &(struct court_session){.imsi = imsi, .imei = imei, .ip = ip, .teid = teid, .at_s = at_s});
}

static void an_imei_of_signalling_and_a_user_agent_make_a_row(void **state)
{
        (void)state;
        struct lecture lecture = lecture_open(NULL);
        attach(&lecture, SIM, "860123450000011", METER, 17, 1);
        attach(&lecture, "262011234567891", "860123450000029", "10.20.0.8", 18, 2);
        fetch(&lecture, METER, "QUECTEL_MODULE", 20);
        fetch(&lecture, METER, "QUECTEL_MODULE", 30);
        fetch(&lecture, "10.20.0.8", "quectel_module\n1", 40);
        const char *learned = lecture_end(&lecture);
        assert_non_null(strstr(learned, "  # 2 devices with user agent \"QUECTEL_MODULE\", first in a.pcap frame "));
        assert_non_null(strstr(learned, "; IMEI by gtpv2c\n"
                                        "  - {tac: \"86012345\", vendor: 'Quectel', source: 'learned: user agent of 2 devices'}\n"));
        lecture_close(&lecture);
}

static void the_inventory_and_a_message_of_its_own_tell_the_imei_too(void **state)
{
        (void)state;
        struct lecture lecture = lecture_open("ip,imei\n" METER ",860123450000011\n");
        fetch(&lecture, METER, "QUECTEL_MODULE", 20);
        fetch(&lecture, "10.20.0.9", "QUECTEL_MODULE", 30);
        report(&lecture, "10.20.0.9", "356938035643809", 40);
        report(&lecture, "10.20.0.10", "356938035643809", 41); /* says nothing of its maker */
        fetch(&lecture, "10.20.0.11", "QUECTEL_MODULE", 42);
        report(&lecture, "10.20.0.11", "350000000000000", 43); /* no such IMEI: the check digit */
        const char *learned = lecture_end(&lecture);
        assert_non_null(strstr(learned, "IMEI by inventory\n  - {tac: \"86012345\""));
        assert_non_null(strstr(learned, "IMEI by its own message\n  - {tac: \"35693803\", vendor: 'Quectel', source: 'learned: user agent of "
                                        "1 device'}\n"));
        assert_null(strstr(learned, "35000000"));
        lecture_close(&lecture);
}

static void introduce(struct lecture *lecture, const char *device, Apnwatch__V1__SelfReport report, double at_s)
{
        struct court_flow flow = {.device = device, .peer = "198.51.100.9", .peer_port = 5683, .protocol = 17, .opener = OUT, .start_s = at_s};
        event_t event = APNWATCH__V1__EVENT__INIT;
        event.body_case = APNWATCH__V1__EVENT__BODY_SELF_REPORT;
        event.self_report = &report;
        court_event(lecture->court, &flow, &event, at_s, true);
}

static Apnwatch__V1__SelfReport lwm2m(const char *vendor, const char *model, const char *imei)
{
        Apnwatch__V1__SelfReport report = APNWATCH__V1__SELF_REPORT__INIT;
        report.protocol = (char *)"LwM2M";
        report.vendor = (char *)vendor;
        report.model = (char *)model;
        report.imei = (char *)imei;
        return report;
}

static void lwm2m_tells_makers_and_models(void **state)
{
        (void)state;
        struct lecture lecture = lecture_open(NULL);
        attach(&lecture, SIM, "860123450000011", METER, 17, 1);
        attach(&lecture, "262011234567891", "860123450000029", "10.20.0.8", 18, 2);
        introduce(&lecture, METER, lwm2m("Quectel Wireless Solutions", NULL, NULL), 20);
        introduce(&lecture, METER, lwm2m(NULL, "BG95-M3", NULL), 21);
        introduce(&lecture, "10.20.0.8", lwm2m("quectel", "BG95-M3", NULL), 30);
        introduce(&lecture, "10.20.0.9", lwm2m("Acme's", "A", "356938035643809"), 40); /* its own IMEI, a maker nobody knows */
        introduce(&lecture, "10.20.0.10", lwm2m("Acme's", "B", "356938035643817"), 41);
        introduce(&lecture, "10.20.0.11", lwm2m(NULL, "C", "490154203237518"), 42); /* a model of nobody's */
        const char *learned = lecture_end(&lecture);
        assert_non_null(strstr(learned, "2 devices with LwM2M \"Quectel Wireless Solutions\", first in a.pcap frame "));
        assert_non_null(strstr(learned, "  - {tac: \"86012345\", vendor: 'Quectel', model: 'BG95-M3', source: 'learned: LwM2M of 2 devices'}\n"));
        assert_non_null(strstr(learned, "IMEI by its own message\n"
                                        "  - {tac: \"35693803\", vendor: 'Acme''s', source: 'learned: LwM2M of 2 devices'}\n"));
        assert_null(strstr(learned, "49015420"));
        lecture_close(&lecture);
}

static void known_tacs_are_left_out_and_contradictions_told(void **state)
{
        (void)state;
        struct lecture lecture = lecture_open("ip,imei\n" METER ",860000010000011\n10.20.0.8,860000020000011\n");
        fetch(&lecture, METER, "QUECTEL_MODULE", 20);
        fetch(&lecture, "10.20.0.8", "QUECTEL_MODULE", 20);
        const char *learned = lecture_end(&lecture);
        assert_null(strstr(learned, "86000001"));
        assert_non_null(strstr(learned, "  # Not proposed: 86000002 is listed as Telit's"));
        assert_null(strstr(learned, "- {tac"));
        assert_non_null(strstr(learned, "\n  []\n"));
        lecture_close(&lecture);
}

static void what_is_no_word_of_the_device_is_not_heard(void **state)
{
        (void)state;
        struct lecture lecture = lecture_open("ip,imei\n" METER ",860123450000011\n10.20.0.8,000000000000000\n");
        fetch_over(&lecture, METER, "QUECTEL_MODULE", 20, IN); /* the peer asks, and it is the peer's user agent */
        fetch(&lecture, METER, "MAUI htp", 30);                /* weak */
        fetch(&lecture, METER, "curl/8", 40);
        fetch(&lecture, "10.20.0.8", "QUECTEL_MODULE", 50);    /* nobody's IMEI */
        assert_string_equal(lecture_end(&lecture), "  []\n");
        lecture_close(&lecture);
}

/* The next session at the address is another device's, whose user agent was not heard. */
static void what_one_session_said_is_not_the_next_ones(void **state)
{
        (void)state;
        struct lecture lecture = lecture_open(NULL);
        attach(&lecture, SIM, NULL, METER, 17, 1);
        fetch(&lecture, METER, "QUECTEL_MODULE", 20);
        court_detach(lecture.court, &(struct court_session){.imsi = SIM, .ip = METER, .teid = 17, .at_s = 30});
        attach(&lecture, "262011234567891", "860123450000029", METER, 18, 40);
        report(&lecture, METER, "356938035643809", 60);
        assert_string_equal(lecture_end(&lecture), "  []\n");
        lecture_close(&lecture);
}

static void tell(struct tac_learner *learner, const char *vendor, const char *imei, uint8_t last_byte)
{
        const uint8_t bytes[4] = {10, 0, 0, last_byte};
        struct device_word word = {.address = address_of_ipv4(bytes), .time_ns = COURT_NS(0), .imei = imei, .imei_source = "gtpv2c",
                                   .vendor = vendor, .text = "agent", .protocol = "HTTP"};
        tac_learner_hear(learner, &word);
}

static void devices_of_one_tac_that_name_two_vendors(void **state)
{
        (void)state;
        const char *one = "O'Neil", *other = "Other";
        char *text = NULL;
        size_t length;
        struct tac_learner *learner = tac_learner_create(NULL);
        tell(learner, one, "860123450000011", 1);
        tell(learner, other, "860123450000029", 2);
        tell(learner, one, "860123460000010", 3);
        FILE *out = open_memstream(&text, &length);
        assert_int_equal(tac_learner_print(learner, out), 1);
        fclose(out);
        assert_non_null(strstr(text, "tacs:\n"
                                     "  # Not proposed: 86012345, since its devices name several vendors:\n"
                                     "  #   O'Neil: 1 device with user agent \"agent\"; IMEI by gtpv2c\n"
                                     "  #   Other: 1 device with user agent \"agent\"; IMEI by gtpv2c\n"
                                     "  # 1 device with user agent \"agent\"; IMEI by gtpv2c\n"
                                     "  - {tac: \"86012346\", vendor: 'O''Neil', source: 'learned: user agent of 1 device'}\n"));
        free(text);
        tac_learner_destroy(learner);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_imei_of_signalling_and_a_user_agent_make_a_row),
                cmocka_unit_test(the_inventory_and_a_message_of_its_own_tell_the_imei_too),
                cmocka_unit_test(lwm2m_tells_makers_and_models),
                cmocka_unit_test(known_tacs_are_left_out_and_contradictions_told),
                cmocka_unit_test(what_is_no_word_of_the_device_is_not_heard),
                cmocka_unit_test(what_one_session_said_is_not_the_next_ones),
                cmocka_unit_test(devices_of_one_tac_that_name_two_vendors),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
