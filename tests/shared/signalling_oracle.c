/* Does what sense read of GTP-C agree with Wireshark? For one capture:
 *
 *     signalling_oracle EVENTS ORACLE CAPTURE
 *
 * EVENTS is the event log of that capture alone, ORACLE the lines of JSON that were made with tshark, CAPTURE the file's name in
 * them. Each value that tshark shows in the request or the response of a session must stand in an event of that frame. Prints
 * what is missing or other, and at the end "RIGHT TOTAL WRONG". Values in which tshark itself put a '?' are passed over. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "model/event_log.h"

enum fact { IMSI, IMEI, MSISDN, APN, IPV4, IPV6, RAT, CELL, TRACKING_AREA, FACTS };
enum { MESSAGES_MOST = 4096, TEXT_SIZE = 104 };
static const char *const fact_names[FACTS] = {"IMSI", "IMEI", "MSISDN", "APN", "IPv4", "IPv6", "RAT", "cell", "tracking area"};

static struct message {
        uint64_t frame;
        char text[FACTS][TEXT_SIZE];
} messages[MESSAGES_MOST];
static size_t message_count;
static unsigned right, total, wrong;

static void take_text(struct message *message, enum fact fact, const char *text)
{
        if (text != NULL)
                snprintf(message->text[fact], TEXT_SIZE, "%s", text);
}

static void take_address(struct message *message, enum fact fact, bool given, const ProtobufCBinaryData *bytes)
{
        struct address address;
        char text[ADDRESS_TEXT_SIZE];
        if (given && address_from_bytes(bytes->data, bytes->len, &address))
                take_text(message, fact, address_text(&address, text));
}

static void take_message(const event_t *event)
{
        const Apnwatch__V1__Signalling *s = event->signalling;
        if (message_count == MESSAGES_MOST)
                return;
        struct message *message = &messages[message_count++];
        message->frame = event->file_frame;
        take_text(message, IMSI, s->imsi);
        take_text(message, IMEI, s->imei);
        take_text(message, MSISDN, s->msisdn);
        take_text(message, APN, s->apn);
        take_text(message, RAT, s->rat);
        take_address(message, IPV4, s->has_ipv4, &s->ipv4);
        take_address(message, IPV6, s->has_ipv6_prefix, &s->ipv6_prefix);
        if (s->cell != NULL)
                snprintf(message->text[CELL], TEXT_SIZE, "%llu", (unsigned long long)s->cell->id);
        if (s->area != NULL && strcmp(s->area->kind, "tai") == 0)
                snprintf(message->text[TRACKING_AREA], TEXT_SIZE, "%u", s->area->area);
}

static int read_events(const char *path)
{
        char error[256];
        const event_t *event;
        enum event_log_result result;
        struct event_log *log = event_log_open(path, error, sizeof error);
        if (log == NULL) {
                fprintf(stderr, "%s: %s\n", path, error);
                return -1;
        }
        while ((result = event_log_next(log, &event)) == EVENT_LOG_EVENT)
                if (event->body_case == APNWATCH__V1__EVENT__BODY_SIGNALLING)
                        take_message(event);
        event_log_close(log);
        return result == EVENT_LOG_END ? 0 : -1;
}

static void expect(const char *capture, uint64_t frame, enum fact fact, const char *text)
{
        const char *other = NULL;
        if (text == NULL || text[0] == '\0' || strchr(text, '?') != NULL)
                return;
        total++;
        for (size_t i = 0; i < message_count; i++) {
                if (messages[i].frame != frame)
                        continue;
                if (strcmp(messages[i].text[fact], text) == 0) {
                        right++;
                        return;
                }
                if (messages[i].text[fact][0] != '\0')
                        other = messages[i].text[fact];
        }
        wrong += other != NULL;
        printf("%s, frame %llu: %s %s %s\n", capture, (unsigned long long)frame, fact_names[fact], text, other ? other : "is missing");
}

static void expect_number(const char *capture, uint64_t frame, enum fact fact, const json_t *value, json_int_t mask)
{
        char text[32];
        if (!json_is_integer(value))
                return;
        snprintf(text, sizeof text, "%lld", (long long)(json_integer_value(value) & mask));
        expect(capture, frame, fact, text);
}

static void expect_apn(const char *capture, uint64_t frame, const char *text)
{
        char network[TEXT_SIZE];
        if (text == NULL)
                return;
        snprintf(network, sizeof network, "%s", text);
        char *operator_part = strstr(network, ".mnc");
        if (operator_part != NULL)
                *operator_part = '\0';
        for (char *c = network; *c != '\0'; c++)
                if (*c >= 'A' && *c <= 'Z')
                        *c = (char)(*c - 'A' + 'a');
        expect(capture, frame, APN, network);
}

static void expect_rat(const char *capture, uint64_t frame, const json_t *value)
{
        static const char *const names[] = {"", "UTRAN", "GERAN", "WLAN", "GAN", "HSPA+", "EUTRAN", "Virtual", "NB-IoT", "LTE-M", "NR"};
        json_int_t number = json_integer_value(value);
        if (number > 0 && number < (json_int_t)(sizeof names / sizeof *names))
                expect(capture, frame, RAT, names[number]);
}

/* Addresses that are not yet known are no values; of IPv6 the prefix counts. */
static void expect_address(const char *capture, uint64_t frame, const char *text)
{
        struct address address;
        char buffer[ADDRESS_TEXT_SIZE];
        if (text == NULL || !address_parse(text, &address) || address_is_unspecified(&address) || strcmp(text, "0.0.0.0") == 0)
                return;
        bool ipv4 = address_is_ipv4(&address);
        if (!ipv4)
                memset(address.bytes + 8, 0, 8);
        expect(capture, frame, ipv4 ? IPV4 : IPV6, address_text(&address, buffer));
}

static const char *text_of(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

static void check_location(const char *capture, uint64_t frame, const json_t *uli)
{
        static const struct {
                const char *key;
                json_int_t mask;
        } cells[] = {{"eci", 0x0fffffff}, {"ci", 0xffff}, {"sai_sac", 0xffff}, {"sac", 0xffff}};
        for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
                const json_t *value = json_object_get(uli, cells[i].key);
                if (value == NULL)
                        continue;
                expect_number(capture, frame, CELL, value, cells[i].mask);
                break;
        }
        expect_number(capture, frame, TRACKING_AREA, json_object_get(uli, "tac"), 0xffff);
}

static void check_session(const char *capture, const json_t *session)
{
        uint64_t asked = (uint64_t)json_integer_value(json_object_get(session, "first_frame"));
        const json_t *answer_frame = json_object_get(session, "rsp_frame");
        uint64_t answered = answer_frame ? (uint64_t)json_integer_value(answer_frame) : asked;
        expect(capture, asked, IMSI, text_of(session, "imsi"));
        expect(capture, asked, IMEI, text_of(session, "mei"));
        expect(capture, asked, IMEI, text_of(session, "imeisv"));
        expect(capture, asked, MSISDN, text_of(session, "msisdn"));
        expect_apn(capture, asked, text_of(session, "apn"));
        expect_rat(capture, asked, json_object_get(session, "rat"));
        check_location(capture, asked, json_object_get(session, "uli"));
        expect_address(capture, asked, text_of(json_object_get(session, "paa_req"), "v4"));
        expect_address(capture, asked, text_of(json_object_get(session, "paa_req"), "v6"));
        expect_address(capture, answered, text_of(json_object_get(session, "paa"), "v4"));
        expect_address(capture, answered, text_of(json_object_get(session, "paa"), "v6"));
        expect_address(capture, answered, text_of(session, "ue_ipv4"));
        expect_address(capture, answered, text_of(session, "ue_ipv6"));
}

/* GTPv0, which is not decoded, has no header TEID. */
static bool is_ours(const json_t *session, const char *capture)
{
        const char *file = text_of(session, "file"), *kind = text_of(session, "kind");
        if (file == NULL || kind == NULL || strcmp(file, capture) != 0 || strncmp(kind, "gtpv", 4) != 0)
                return false;
        return strcmp(kind, "gtpv1") != 0 || json_object_get(session, "req_hdr_teid") || !json_object_get(session, "req_seq");
}

int main(int argc, char **argv)
{
        static char line[1 << 20];
        if (argc != 4) {
                fputs("usage: signalling_oracle EVENTS ORACLE CAPTURE\n", stderr);
                return 2;
        }
        FILE *oracle = fopen(argv[2], "r");
        if (oracle == NULL || read_events(argv[1]) != 0)
                return 2;
        while (fgets(line, sizeof line, oracle) != NULL) {
                json_error_t error;
                json_t *session = json_loads(line, 0, &error);
                if (session == NULL)
                        return 2;
                if (is_ours(session, argv[3]))
                        check_session(argv[3], session);
                json_decref(session);
        }
        fclose(oracle);
        printf("%u %u %u\n", right, total, wrong);
        return 0;
}
