/* CoAP (RFC 7252) over UDP. What the device sends as text or JSON, in requests and in answers to an observation, is looked
 * through for positions, and so are its queries. A registration (LwM2M: /rd?ep=...) names the device for what follows.
 *
 * On port 5683 any message is taken; elsewhere only a request with a path, and on the port that nDPI gives to Dropbox none,
 * since labels are nDPI's. What LwM2M clients say of themselves is lwm2m.c's. Left out: positions in LwM2M's objects and encodings,
 * blocks put together (each is looked at by itself), CoAP over TCP (RFC 8323), DTLS and OSCORE. */
#include "dissectors/app/coap.h"

#include "dissectors/app/coap_message.h"
#include "dissectors/app/lwm2m.h"
#include "dissectors/location/content.h"

enum { PORT = 5683, DROPBOX_PORT = 17500, TEXT_MOST = 192, CLIENT_MOST = 64, FAILURES_MOST = 4 };
enum { FORMAT_TEXT = 0, FORMAT_OCTETS = 42, FORMAT_JSON = 50, FORMAT_SENML_JSON = 110 };

struct coap_state {
        char client[CLIENT_MOST];
        char observed[TEXT_MOST];   /* the path that the peer asked for last: notifications do not repeat it */
        uint8_t client_length, observed_length, failures;
        struct lwm2m_state lwm2m;
};

static enum recognition coap_recognise(const struct dissection *d, const struct cursor *payload)
{
        struct coap_message message;
        struct cursor at = *payload;
        if (cursor_left(&at) < 4 || at.at[0] >> 6 != 1 || d->cut)
                return NOT_MINE;
        if (coap_parse(&at, &message) != DISSECT_OK)
                return NOT_MINE;
        if (d->source_port == PORT || d->destination_port == PORT)
                return MINE;
        if (d->source_port == DROPBOX_PORT || d->destination_port == DROPBOX_PORT)
                return NOT_MINE;
        return coap_is_request(&message) && message.path_count > 0 && cursor_left(&message.path[0]) > 0 ? MINE : NOT_MINE;
}

/* "/a/b" or "a=1&b=2"; what does not fit is left out. */
static size_t join(const struct cursor *parts, unsigned count, bool path, char out[TEXT_MOST])
{
        size_t length = 0;
        for (unsigned i = 0; i < count; i++) {
                size_t part = cursor_left(&parts[i]);
                bool separator = path || i > 0;
                if (length + separator + part > TEXT_MOST)
                        break;
                if (separator)
                        out[length++] = path ? '/' : '&';
                if (part > 0)
                        memcpy(out + length, parts[i].at, part);
                length += part;
        }
        return length;
}

static bool is_readable(const struct coap_message *m)
{
        return !m->has_format || m->format == FORMAT_TEXT || m->format == FORMAT_OCTETS || m->format == FORMAT_JSON ||
               m->format == FORMAT_SENML_JSON;
}

static void take_client(struct coap_state *state, const struct coap_message *m)
{
        for (unsigned i = 0; i < m->query_count; i++) {
                struct cursor value = m->query[i];
                if (!cursor_begins(&value, "ep="))
                        continue;
                cursor_skip(&value, 3);
                size_t length = cursor_left(&value) < CLIENT_MOST ? cursor_left(&value) : CLIENT_MOST;
                if (length > 0)
                        memcpy(state->client, value.at, length);
                state->client_length = (uint8_t)length;
        }
}

static void scan(const struct coap_state *state, struct dissection *d, const struct coap_message *m)
{
        char path[TEXT_MOST], query[TEXT_MOST];
        size_t path_length = join(m->path, m->path_count, true, path);
        size_t query_length = join(m->query, m->query_count, false, query);
        struct content content = {.carrier = "CoAP", .topic = cursor_of(path, path_length), .kind = CONTENT_QUERY,
                                  .client = state->client_length > 0 ? state->client : NULL,
                                  .client_length = state->client_length};
        if (path_length == 0)
                content.topic = cursor_of(state->observed, state->observed_length);
        if (query_length > 0)
                content_scan(d, &content, cursor_of(query, query_length));
        content.kind = CONTENT_ANY;
        if (is_readable(m))
                content_scan(d, &content, m->payload);
}

static enum follow coap_dissect(struct dissection *d, void *memory, struct cursor payload)
{
        struct coap_state *state = memory;
        struct coap_message message;
        const struct cursor datagram = payload;
        if (coap_parse(&payload, &message) != DISSECT_OK)
                return ++state->failures > FAILURES_MOST ? FOLLOW_DONE : FOLLOW_ON;
        bool request = coap_is_request(&message);
        if (request && d->from_device && cursor_left(&message.host) > 0)
                d->services->name(d, message.host.at, cursor_left(&message.host), APNWATCH__V1__FLOW__NAME_SOURCE__HOST);
        if (request && d->from_device)
                take_client(state, &message);
        if (request && !d->from_device)
                state->observed_length = (uint8_t)join(message.path, message.path_count, true, state->observed);
        lwm2m_take(d, &state->lwm2m, &message, datagram);
        if (d->from_device)
                scan(state, d, &message);
        return FOLLOW_ON;
}

const struct dissector coap_dissector = {
        .name = "COAP",
        .transports = DISSECT_ON_UDP,
        .readable = true,
        .state_size = sizeof(struct coap_state),
        .recognise = coap_recognise,
        .dissect = coap_dissect,
};
