/* GTPv2-C messages as bytes: 3GPP TS 29.274, tables of 7.1 and 7.2, information elements of clause 8. Only what a gateway
 * pair sends for IoT: no indication flags, no charging characteristics. */
#include <stdlib.h>
#include <string.h>

#include "tests/traffic/bytes.h"
#include "tests/traffic/packet.h"
#include "tests/traffic/signal.h"
#include "tests/traffic/timeline.h"
#include "tests/traffic/traffic.h"

enum element {
        IE_IMSI = 1,
        IE_CAUSE = 2,
        IE_RECOVERY = 3,
        IE_APN = 71,
        IE_AMBR = 72,
        IE_EBI = 73,
        IE_MEI = 75,
        IE_MSISDN = 76,
        IE_PAA = 79,
        IE_QOS = 80,
        IE_RAT = 82,
        IE_NETWORK = 83,
        IE_TFT = 84,
        IE_ULI = 86,
        IE_FTEID = 87,
        IE_BEARER = 93,
        IE_CHARGING_ID = 94,
        IE_PDN_TYPE = 99,
        IE_RESTRICTION = 127,
        IE_SELECTION = 128
};

static size_t element_begin(struct bytes *b, enum element type, unsigned instance)
{
        bytes_u8(b, (uint8_t)type);
        size_t mark = b->length;
        bytes_be16(b, 0);
        bytes_u8(b, (uint8_t)instance);
        return mark;
}

static void element_end(struct bytes *b, size_t mark)
{
        size_t length = b->length - mark - 3; /* the length counts what is behind the instance */
        b->data[mark] = (uint8_t)(length >> 8);
        b->data[mark + 1] = (uint8_t)length;
}

static void put_u8_element(struct bytes *b, enum element type, unsigned value)
{
        size_t mark = element_begin(b, type, 0);
        bytes_u8(b, (uint8_t)value);
        element_end(b, mark);
}

/* TBCD: the first digit in the low half, 0xf fills. */
static void put_digits(struct bytes *b, enum element type, const char *digits)
{
        size_t count = strlen(digits);
        if (count == 0)
                return;
        size_t mark = element_begin(b, type, 0);
        for (size_t i = 0; i < count; i += 2) {
                unsigned low = (unsigned)(digits[i] - '0'), high = i + 1 < count ? (unsigned)(digits[i + 1] - '0') : 0xf;
                bytes_u8(b, (uint8_t)(high << 4 | low));
        }
        element_end(b, mark);
}

static void put_network(struct bytes *b, const struct serving_cell *cell)
{
        bytes_u8(b, (uint8_t)(cell->mcc / 10 % 10 << 4 | cell->mcc / 100));
        bytes_u8(b, (uint8_t)(0xf0 | cell->mcc % 10));
        bytes_u8(b, (uint8_t)(cell->mnc % 10 << 4 | cell->mnc / 10));
}

/* TAI and ECGI; then the serving network and the kind of radio. */
static void put_whereabouts(struct bytes *b, const struct signal *s)
{
        if (s->radio == 0)
                return;
        size_t mark = element_begin(b, IE_ULI, 0);
        bytes_u8(b, 0x18);
        put_network(b, &s->cell);
        bytes_be16(b, s->cell.tracking_area);
        put_network(b, &s->cell);
        bytes_be32(b, s->cell.cell);
        element_end(b, mark);
        mark = element_begin(b, IE_NETWORK, 0);
        put_network(b, &s->cell);
        element_end(b, mark);
        put_u8_element(b, IE_RAT, s->radio);
}

static void put_endpoint(struct bytes *b, const struct tunnel_endpoint *endpoint)
{
        size_t size;
        if (endpoint->teid == 0)
                return;
        size_t mark = element_begin(b, IE_FTEID, endpoint->instance);
        const uint8_t *address = address_wire(&endpoint->address, &size);
        bytes_u8(b, (uint8_t)((size == 4 ? 0x80 : 0x40) | endpoint->interface));
        bytes_be32(b, endpoint->teid);
        bytes_put(b, address, size);
        element_end(b, mark);
}

static void put_name(struct bytes *b, const char *name)
{
        while (name != NULL && *name != '\0') {
                size_t length = strcspn(name, ".");
                bytes_u8(b, (uint8_t)length);
                bytes_put(b, name, length);
                name += length + (name[length] == '.');
        }
}

static void put_access_point(struct bytes *b, const struct signal *s)
{
        if (s->apn == NULL)
                return;
        size_t mark = element_begin(b, IE_APN, 0);
        put_name(b, s->apn);
        put_name(b, s->apn_operator);
        element_end(b, mark);
        put_u8_element(b, IE_SELECTION, 0);
        put_u8_element(b, IE_PDN_TYPE, (s->has_ipv6 ? 2U : 0U) + (s->has_ipv4 ? 1U : 0U));
}

/* IPv6 stands before IPv4 (8.14). */
static void put_allocation(struct bytes *b, const struct signal *s)
{
        static const uint8_t none[16];
        size_t size;
        if (!s->has_ipv4 && !s->has_ipv6)
                return;
        size_t mark = element_begin(b, IE_PAA, 0);
        bytes_u8(b, (uint8_t)((s->has_ipv6 ? 2 : 0) + (s->has_ipv4 ? 1 : 0)));
        if (s->has_ipv6) {
                bytes_u8(b, s->is_given ? 64 : 0);
                bytes_put(b, s->is_given ? address_wire(&s->ipv6, &size) : none, 16);
        }
        if (s->has_ipv4)
                bytes_put(b, s->is_given ? address_wire(&s->ipv4, &size) : none, 4);
        element_end(b, mark);
}

static void put_cause(struct bytes *b, const struct signal *s)
{
        if (s->cause == 0)
                return;
        size_t mark = element_begin(b, IE_CAUSE, 0);
        bytes_u8(b, s->cause);
        bytes_u8(b, 0);
        element_end(b, mark);
}

/* QCI 9, no guaranteed rate. */
static void put_quality(struct bytes *b)
{
        static const uint8_t rates[20];
        size_t mark = element_begin(b, IE_QOS, 0);
        bytes_u8(b, 0x2c);
        bytes_u8(b, 9);
        bytes_put(b, rates, sizeof(rates));
        element_end(b, mark);
}

/* One filter, both ways: TCP. TS 24.008, 10.5.6.12 */
static void put_filter(struct bytes *b)
{
        static const uint8_t tft[] = {0x21, 0x30, 0, 2, 0x30, 6};
        size_t mark = element_begin(b, IE_TFT, 0);
        bytes_put(b, tft, sizeof(tft));
        element_end(b, mark);
}

static void put_bearer(struct bytes *b, const struct signal *s)
{
        bool asks_bearer = s->message == CREATE_BEARER_REQUEST;
        if ((s->bearer == 0 && !asks_bearer) || s->message == DELETE_SESSION_REQUEST)
                return;
        size_t mark = element_begin(b, IE_BEARER, 0);
        put_u8_element(b, IE_EBI, s->bearer);
        put_cause(b, s);
        if (asks_bearer)
                put_filter(b);
        put_endpoint(b, &s->user[0]);
        put_endpoint(b, &s->user[1]);
        if (s->message == CREATE_SESSION_REQUEST || asks_bearer)
                put_quality(b);
        if (s->message == CREATE_SESSION_RESPONSE) {
                size_t inner = element_begin(b, IE_CHARGING_ID, 0);
                bytes_be32(b, s->user[0].teid);
                element_end(b, inner);
        }
        element_end(b, mark);
}

static void put_rates(struct bytes *b)
{
        size_t mark = element_begin(b, IE_AMBR, 0);
        bytes_be32(b, 1000);
        bytes_be32(b, 1000);
        element_end(b, mark);
}

static void encode_one(const struct signal *s, struct bytes *b, bool carries)
{
        bool has_teid = s->message > ECHO_ANSWERED;
        bytes_u8(b, (uint8_t)(0x40 | (carries ? 0x10 : 0) | (has_teid ? 0x08 : 0)));
        bytes_u8(b, s->message);
        size_t mark = bytes_mark16(b);
        if (has_teid)
                bytes_be32(b, s->teid);
        bytes_be24(b, s->sequence);
        bytes_u8(b, 0);
        put_digits(b, IE_IMSI, s->imsi);
        put_cause(b, s);
        put_digits(b, IE_MSISDN, s->msisdn);
        put_digits(b, IE_MEI, s->imei);
        put_whereabouts(b, s);
        if (s->linked_bearer != 0)
                put_u8_element(b, IE_EBI, s->linked_bearer);
        put_endpoint(b, &s->control);
        put_access_point(b, s);
        put_allocation(b, s);
        if (s->message == CREATE_SESSION_REQUEST || s->message == CREATE_SESSION_RESPONSE) {
                put_u8_element(b, IE_RESTRICTION, 0);
                put_rates(b);
        }
        put_bearer(b, s);
        if (s->recovery != 0)
                put_u8_element(b, IE_RECOVERY, s->recovery);
        bytes_patch16(b, mark);
}

void signal_encode(const struct signal *signal, struct bytes *out)
{
        for (; signal != NULL; signal = signal->piggyback)
                encode_one(signal, out, signal->piggyback != NULL);
}

struct letter {
        struct traffic *traffic;
        struct signal signals[2];
};

static void letter_leave(void *subject, int64_t time_ns)
{
        struct letter *letter = subject;
        struct traffic *traffic = letter->traffic;
        if (traffic->packet_limit == 0 || traffic->packets < traffic->packet_limit) {
                traffic->packets++;
                traffic->output->signal(traffic->output->context, traffic, &letter->signals[0], time_ns);
        }
        free(letter);
}

void signal_queue(struct traffic *traffic, const struct signal *signal, int64_t time_ns)
{
        struct letter *letter = calloc(1, sizeof(*letter));
        if (letter == NULL)
                abort();
        letter->traffic = traffic;
        letter->signals[0] = *signal;
        if (signal->piggyback != NULL) {
                letter->signals[1] = *signal->piggyback;
                letter->signals[0].piggyback = &letter->signals[1];
        }
        timeline_add(traffic->timeline, time_ns, letter_leave, letter);
}
