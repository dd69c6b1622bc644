/* Do the sessions of a capture agree with Wireshark? For one capture:
 *
 *     session_oracle SESSIONS ORACLE CAPTURE
 *
 * SESSIONS is what `apnwatch sessions --json` printed of that capture alone, ORACLE the lines of JSON that were made with
 * tshark, CAPTURE the file's name in them. Each session of tshark's that was accepted and says who or where must be one
 * of ours, which has each of its values, at first or in its history. Prints what is missing or other, and at the end
 * "PROTOCOL RIGHT TOTAL WRONG" for each protocol. Values in which tshark itself put a '?' are passed over. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"

enum { TEXT_SIZE = 104, VALUES_MOST = 16, PROTOCOLS = 5 };
static const char *const protocols[PROTOCOLS] = {"gtpv1", "gtpv2", "pfcp", "radius", "diameter"};
static unsigned right[PROTOCOLS], total[PROTOCOLS], wrong[PROTOCOLS];

/* What tshark shows of a session, with the keys of ours. */
struct shown {
        struct value {
                const char *key;
                char text[TEXT_SIZE];
        } values[VALUES_MOST];
        unsigned count;
};

static const char *text_of(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

static void show(struct shown *shown, const char *key, const char *text)
{
        if (text == NULL || text[0] == '\0' || strchr(text, '?') != NULL || shown->count == VALUES_MOST)
                return;
        struct value *value = &shown->values[shown->count++];
        value->key = key;
        snprintf(value->text, sizeof value->text, "%s", text);
}

static void show_apn(struct shown *shown, const char *text)
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
        show(shown, "apn", network);
}

/* Addresses that are not yet known are no values; of IPv6 the prefix counts. */
static void show_address(struct shown *shown, const char *text)
{
        struct prefix prefix = {.length = 64};
        char buffer[PREFIX_TEXT_SIZE];
        if (text == NULL || !address_parse(text, &prefix.address) || address_is_unspecified(&prefix.address) || strcmp(text, "0.0.0.0") == 0)
                return;
        if (address_is_ipv4(&prefix.address)) {
                show(shown, "ipv4", text);
                return;
        }
        memset(prefix.address.bytes + 8, 0, 8);
        show(shown, "ipv6_prefix", prefix_text(&prefix, buffer));
}

static void show_prefix_octets(struct shown *shown, const char *hex)
{
        struct prefix prefix = {.length = 64};
        char buffer[PREFIX_TEXT_SIZE];
        unsigned octet, count = 0;
        for (int used = 0; hex != NULL && count < 18 && sscanf(hex, "%2x%n", &octet, &used) == 1; count++) {
                if (count >= 2)
                        prefix.address.bytes[count - 2] = (uint8_t)octet;
                hex += used + (hex[used] == ':');
        }
        memset(prefix.address.bytes + 8, 0, 8);
        if (count > 2)
                show(shown, "ipv6_prefix", prefix_text(&prefix, buffer));
}

static void show_rat(struct shown *shown, json_int_t number)
{
        static const char *const names[] = {"", "UTRAN", "GERAN", "WLAN", "GAN", "HSPA+", "EUTRAN", "Virtual", "NB-IoT", "LTE-M", "NR"};
        if (number > 0 && number < (json_int_t)(sizeof names / sizeof *names))
                show(shown, "rat", names[number]);
}

static void show_diameter_rat(struct shown *shown, const char *text)
{
        static const struct {
                const char *number, *name;
        } names[] = {{"0", "WLAN"}, {"1000", "UTRAN"}, {"1001", "GERAN"}, {"1004", "EUTRAN"}, {"1005", "NB-IoT"}, {"1006", "NR"}, {"1007", "LTE-M"}};
        for (unsigned i = 0; text != NULL && i < sizeof names / sizeof *names; i++)
                if (strcmp(names[i].number, text) == 0)
                        show(shown, "rat", names[i].name);
}

static void show_number(struct shown *shown, const char *key, const json_t *value, json_int_t mask)
{
        char text[32];
        if (!json_is_integer(value))
                return;
        snprintf(text, sizeof text, "%lld", (long long)(json_integer_value(value) & mask));
        show(shown, key, text);
}

/* Of cells the number within the network. */
static void show_location(struct shown *shown, const json_t *uli)
{
        static const struct {
                const char *key;
                json_int_t mask;
        } cells[] = {{"eci", 0x0fffffff}, {"ci", 0xffff}, {"sai_sac", 0xffff}, {"sac", 0xffff}};
        for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
                if (json_object_get(uli, cells[i].key) != NULL) {
                        show_number(shown, "cell", json_object_get(uli, cells[i].key), cells[i].mask);
                        break;
                }
        show_number(shown, "tracking_area", json_object_get(uli, "tac"), 0xffff);
}

static bool show_gtp(struct shown *shown, const json_t *session)
{
        json_int_t cause = json_integer_value(json_object_get(session, "cause"));
        bool accepted = (cause >= 16 && cause <= 19) || (cause >= 128 && cause <= 191);
        bool is_gtpv0 = strcmp(text_of(session, "kind"), "gtpv1") == 0 && !json_object_get(session, "req_hdr_teid") &&
                        json_object_get(session, "req_seq");
        if (!accepted || is_gtpv0 || json_object_get(session, "orphan_response"))
                return false;
        show(shown, "imsi", text_of(session, "imsi"));
        show(shown, "imei", text_of(session, "mei"));
        show(shown, "imei", text_of(session, "imeisv"));
        show(shown, "msisdn", text_of(session, "msisdn"));
        show_apn(shown, text_of(session, "apn"));
        show_rat(shown, json_integer_value(json_object_get(session, "rat")));
        show_location(shown, json_object_get(session, "uli"));
        show_address(shown, text_of(json_object_get(session, "paa"), "v4"));
        show_address(shown, text_of(json_object_get(session, "paa"), "v6"));
        show_address(shown, text_of(session, "ue_ipv4"));
        show_address(shown, text_of(session, "ue_ipv6"));
        return true;
}

static bool show_pfcp(struct shown *shown, const json_t *session)
{
        const json_t *user = json_object_get(session, "user_id"), *addresses = json_object_get(session, "ue_ip");
        if (json_integer_value(json_object_get(session, "cause")) != 1 || (user == NULL && addresses == NULL))
                return false;
        show(shown, "imsi", text_of(user, "imsi"));
        show(shown, "imei", text_of(user, "imei"));
        show(shown, "msisdn", text_of(user, "msisdn"));
        show_apn(shown, text_of(session, "dnn"));
        for (size_t i = 0; i < json_array_size(addresses); i++)
                show_address(shown, json_string_value(json_array_get(addresses, i)));
        return true;
}

/* Accounting of mobile networks. */
static bool show_radius(struct shown *shown, const json_t *session)
{
        const json_t *facts = json_object_get(session, "facts");
        const char *rat = text_of(facts, "3GPP_RAT_Type");
        if (text_of(facts, "Acct_Status_Type") == NULL || text_of(facts, "imsi") == NULL)
                return false;
        show(shown, "imsi", text_of(facts, "imsi"));
        show(shown, "imei", text_of(facts, "3GPP_IMEISV"));
        show(shown, "msisdn", text_of(facts, "Calling_Station_Id"));
        show_apn(shown, text_of(facts, "Called_Station_Id"));
        show_address(shown, text_of(facts, "Framed-IP-Address"));
        show_prefix_octets(shown, text_of(facts, "Framed_IPv6_Prefix"));
        show_rat(shown, rat ? atoi(rat) : 0);
        show_location(shown, json_object_get(facts, "uli_dec"));
        return true;
}

static bool show_diameter(struct shown *shown, const json_t *session)
{
        static const char *const kinds[] = {"msisdn", "imsi"};
        const json_t *facts = json_object_get(session, "facts"), *subscribers = json_object_get(facts, "subs");
        if (text_of(facts, "fip") == NULL && text_of(facts, "fipv6") == NULL)
                return false; /* S6a and the like: no session of packets */
        for (size_t i = 0; i < json_array_size(subscribers); i++) {
                const json_t *one = json_array_get(subscribers, i);
                json_int_t kind = json_integer_value(json_array_get(one, 0));
                if (kind == 0 || kind == 1)
                        show(shown, kinds[kind], json_string_value(json_array_get(one, 1)));
        }
        show_apn(shown, text_of(facts, "apn"));
        show_diameter_rat(shown, text_of(facts, "rat"));
        show_address(shown, text_of(facts, "fip"));
        show_prefix_octets(shown, text_of(facts, "fipv6"));
        show_location(shown, json_object_get(facts, "uli_dec"));
        return true;
}

/* "ecgi:262-01-168496129" for 168496129. */
static bool is_value(const char *key, const char *ours, const char *theirs)
{
        if (ours == NULL)
                return false;
        if (strcmp(key, "cell") != 0 && strcmp(key, "tracking_area") != 0)
                return strcmp(ours, theirs) == 0;
        const char *last = strrchr(ours, '-');
        return last != NULL && strcmp(last + 1, theirs) == 0;
}

static bool has_value(const json_t *session, const struct value *value)
{
        const json_t *history = json_object_get(session, "history");
        bool found = is_value(value->key, text_of(session, value->key), value->text);
        for (size_t i = 0; !found && i < json_array_size(history); i++)
                found = is_value(value->key, text_of(json_array_get(history, i), value->key), value->text);
        return found;
}

static const json_t *best_match(const json_t *sessions, const struct shown *shown)
{
        const json_t *best = NULL;
        unsigned most = 0;
        for (size_t i = 0; i < json_array_size(sessions); i++) {
                const json_t *session = json_array_get(sessions, i);
                unsigned agreeing = 0;
                for (unsigned k = 0; k < shown->count; k++)
                        agreeing += has_value(session, &shown->values[k]);
                if (agreeing > most) {
                        most = agreeing;
                        best = session;
                }
        }
        return best;
}

static void compare(const char *capture, const json_t *theirs, const json_t *sessions)
{
        struct shown shown = {.count = 0};
        const char *kind = text_of(theirs, "kind");
        unsigned protocol = 0;
        while (protocol < PROTOCOLS && strcmp(protocols[protocol], kind) != 0)
                protocol++;
        if (protocol == PROTOCOLS)
                return; /* "-unbound" */
        bool (*const shows[PROTOCOLS])(struct shown *, const json_t *) = {show_gtp, show_gtp, show_pfcp, show_radius, show_diameter};
        if (!shows[protocol](&shown, theirs) || shown.count == 0)
                return;
        const json_t *ours = best_match(sessions, &shown);
        for (unsigned i = 0; i < shown.count; i++) {
                const struct value *value = &shown.values[i];
                const char *other = text_of(ours, value->key);
                total[protocol]++;
                if (has_value(ours, value)) {
                        right[protocol]++;
                        continue;
                }
                wrong[protocol] += other != NULL;
                printf("%s, %s of frame %lld: %s %s, ours %s\n", capture, kind,
                       (long long)json_integer_value(json_object_get(theirs, "first_frame")), value->key, value->text,
                       other ? other : "is missing");
        }
}

/* All lines, those of `capture` only where it is given. */
static json_t *read_lines(const char *path, const char *capture)
{
        static char line[1 << 20];
        json_t *list = json_array();
        FILE *file = fopen(path, "r");
        while (file != NULL && fgets(line, sizeof line, file) != NULL) {
                json_error_t error;
                json_t *object = json_loads(line, 0, &error);
                const char *of = text_of(object, "file");
                if (object == NULL) {
                        fprintf(stderr, "%s: %s\n", path, error.text);
                        exit(2);
                }
                if (capture == NULL || (of != NULL && strcmp(of, capture) == 0))
                        json_array_append(list, object);
                json_decref(object);
        }
        if (file == NULL) {
                perror(path);
                exit(2);
        }
        fclose(file);
        return list;
}

int main(int argc, char **argv)
{
        if (argc != 4) {
                fputs("usage: session_oracle SESSIONS ORACLE CAPTURE\n", stderr);
                return 2;
        }
        json_t *ours = read_lines(argv[1], NULL), *theirs = read_lines(argv[2], argv[3]);
        for (size_t i = 0; i < json_array_size(theirs); i++)
                compare(argv[3], json_array_get(theirs, i), ours);
        for (unsigned i = 0; i < PROTOCOLS; i++)
                if (total[i] > 0)
                        printf("%s %u %u %u\n", protocols[i], right[i], total[i], wrong[i]);
        json_decref(ours);
        json_decref(theirs);
        return 0;
}
