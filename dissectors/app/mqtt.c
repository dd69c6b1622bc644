/* MQTT 3.1, 3.1.1 and 5.0 over TCP: every PUBLISH of the device is looked through for positions, to the connection's end.
 *
 * Certain with CONNECT on any port. A connection whose start was not captured is only recognised on port 1883, when its
 * bytes are whole packets from the first to the last. Payloads above 12 KiB are skipped. Left out: topic aliases of
 * version 5 beyond the one that is current, wills, MQTT over WebSocket, MQTT-SN. */
#include "dissectors/app/mqtt.h"

#include "dissectors/app/mqtt_message.h"
#include "dissectors/location/content.h"

enum { PORT = 1883, CLIENT_MOST = 64, TOPIC_MOST = 160, PAYLOAD_MOST = 12 * 1024, FAILURES_MOST = 8 };

struct mqtt_state {
        uint8_t version;      /* 0: CONNECT was not seen; taken as 4 */
        uint8_t client_length, topic_length;
        uint8_t failures;     /* packets that could not be read, or gaps */
        uint16_t alias;       /* what `topic` stands for */
        bool lost[2];         /* by direction: no packet boundary is known */
        char client[CLIENT_MOST], topic[TOPIC_MOST];
};

static bool is_connect(const struct cursor *payload, enum dissect_result *result)
{
        struct cursor at = *payload;
        struct mqtt_header header;
        struct mqtt_connect connect;
        if (cursor_peek(&at) != MQTT_CONNECT << 4)
                return false;
        *result = mqtt_parse_header(&at, &header);
        if (*result == DISSECT_OK)
                *result = mqtt_parse_connect(&at, &connect);
        return true;
}

/* One topic or topic name as a client may use it: UTF-8 without control characters; published topics hold no wildcard. */
static bool topic_is_possible(const struct cursor *topic)
{
        for (const uint8_t *at = topic->at; at < topic->end; at++)
                if (*at < 0x20 || *at == 0x7f || *at == '+' || *at == '#')
                        return false;
        return true;
}

/* Whole packets up to the end of the segment, one of them at least with more than a length to be checked. */
static bool is_midstream(struct cursor at)
{
        unsigned telling = 0;
        while (cursor_left(&at) > 0) {
                struct mqtt_header header;
                struct mqtt_publish publish;
                if (mqtt_parse_header(&at, &header) != DISSECT_OK || header.length > cursor_left(&at))
                        return false;
                struct cursor body = cursor_take(&at, header.length);
                if (header.type == MQTT_CONNECT || header.type == MQTT_AUTH)
                        return false;
                if (header.type == MQTT_PUBLISH) {
                        if (mqtt_parse_publish(&header, 4, &body, &publish) != DISSECT_OK || cursor_left(&publish.topic) == 0 ||
                            !topic_is_possible(&publish.topic))
                                return false;
                        telling++;
                }
                telling += header.type == MQTT_PINGREQ || header.type == MQTT_PINGRESP || header.type == MQTT_CONNACK ||
                           (header.type >= MQTT_PUBACK && header.length == 2);
        }
        return telling > 0;
}

static enum recognition mqtt_recognise(const struct dissection *d, const struct cursor *payload)
{
        enum dissect_result result;
        if (is_connect(payload, &result))
                return result == DISSECT_OK ? MINE : result == DISSECT_TRUNCATED ? PERHAPS : NOT_MINE;
        if (d->source_port != PORT && d->destination_port != PORT)
                return NOT_MINE;
        return is_midstream(*payload) ? MINE : NOT_MINE;
}

static uint8_t copy_span(char *out, size_t size, const struct cursor *span)
{
        size_t length = cursor_left(span) < size ? cursor_left(span) : size;
        if (length > 0)
                memcpy(out, span->at, length);
        return (uint8_t)length;
}

static void read_connect(struct mqtt_state *state, struct cursor body)
{
        struct mqtt_connect connect;
        if (mqtt_parse_connect(&body, &connect) != DISSECT_OK)
                return;
        state->version = connect.version;
        state->client_length = copy_span(state->client, sizeof state->client, &connect.client);
}

static void read_publish(struct mqtt_state *state, struct dissection *d, const struct mqtt_header *header, struct cursor body)
{
        struct mqtt_publish publish;
        if (mqtt_parse_publish(header, state->version, &body, &publish) != DISSECT_OK)
                return;
        if (publish.alias != 0 && cursor_left(&publish.topic) > 0) {
                state->topic_length = copy_span(state->topic, sizeof state->topic, &publish.topic);
                state->alias = publish.alias;
        } else if (publish.alias != 0 && publish.alias == state->alias) {
                publish.topic = cursor_of(state->topic, state->topic_length);
        }
        struct content content = {.carrier = "MQTT", .topic = publish.topic, .kind = CONTENT_ANY,
                                  .client = state->client_length > 0 ? state->client : NULL,
                                  .client_length = state->client_length};
        content_scan(d, &content, body);
}

/* One packet. false: the bytes behind it are not known to be packets. `*more`: it is not whole yet. */
static bool read_packet(struct mqtt_state *state, struct dissection *d, struct cursor *at, bool *more)
{
        struct mqtt_header header;
        struct cursor packet = *at;
        enum dissect_result result = mqtt_parse_header(&packet, &header);
        *more = result == DISSECT_TRUNCATED;
        if (result != DISSECT_OK)
                return *more;
        bool wanted = (header.type == MQTT_PUBLISH && d->from_device && header.length <= PAYLOAD_MOST) ||
                      header.type == MQTT_CONNECT;
        size_t here = cursor_left(&packet) < header.length ? cursor_left(&packet) : header.length;
        if (wanted && here < header.length && header.length <= PAYLOAD_MOST && !d->cut) {
                *more = true;
                return true;
        }
        struct cursor body = cursor_take(&packet, here);
        if (header.type == MQTT_CONNECT)
                read_connect(state, body);
        else if (wanted)
                read_publish(state, d, &header, body);
        *at = packet;
        d->skip = header.length - here;
        return true;
}

static enum follow fail(struct mqtt_state *state, struct dissection *d)
{
        state->lost[d->direction] = true;
        return ++state->failures > FAILURES_MOST ? FOLLOW_DONE : FOLLOW_ON;
}

static enum follow mqtt_dissect(struct dissection *d, void *memory, struct cursor payload)
{
        struct mqtt_state *state = memory;
        struct cursor at = payload;
        bool more = false;
        if (d->gap || state->lost[d->direction]) { /* packets begin where segments do, mostly */
                if (!is_midstream(payload) && cursor_left(&payload) > 0)
                        return fail(state, d);
                state->lost[d->direction] = false;
        }
        while (cursor_left(&at) > 0 && d->skip == 0) {
                if (!read_packet(state, d, &at, &more))
                        return fail(state, d);
                if (more)
                        break;
        }
        d->consumed = (size_t)(at.at - payload.at);
        return more ? FOLLOW_MORE : FOLLOW_ON;
}

const struct dissector mqtt_dissector = {
        .name = "MQTT",
        .transports = DISSECT_ON_TCP,
        .readable = true,
        .state_size = sizeof(struct mqtt_state),
        .recognise = mqtt_recognise,
        .dissect = mqtt_dissect,
};
