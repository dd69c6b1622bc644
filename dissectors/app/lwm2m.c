/* Left out: blocks behind the first of an answer, LwM2M over TCP, MQTT and HTTP, objects other than Device. */
#include "dissectors/app/lwm2m.h"

#include "dissectors/nameplate.h"

enum { CODE_GET = 1, CODE_POST = 2, CODE_FETCH = 5, CODE_CONTENT = 0x45, PATH_TEXT = 32 };

/* Uri-Path of numbers, behind an alternate path of one segment (Core, 6.4.1) if there is one. */
static bool path_of(const struct coap_message *m, struct lwm2m_path *out)
{
        char text[PATH_TEXT];
        size_t length = 0;
        unsigned first = m->path_count > 0 && cursor_left(&m->path[0]) > 0 && (*m->path[0].at < '0' || *m->path[0].at > '9');
        for (unsigned i = first; i < m->path_count; i++) {
                size_t part = cursor_left(&m->path[i]);
                if (length + 1 + part > sizeof text)
                        return false;
                text[length++] = '/';
                if (part > 0)
                        memcpy(text + length, m->path[i].at, part);
                length += part;
        }
        return lwm2m_path_parse(cursor_of(text, length), out);
}

static bool has_token(const struct lwm2m_request *request, const struct coap_message *m)
{
        size_t length = cursor_left(&m->token);
        return request->token_length == length && (length == 0 || memcmp(request->token, m->token.at, length) == 0);
}

static void forget(struct lwm2m_state *state, unsigned index)
{
        state->request_count--;
        memmove(&state->requests[index], &state->requests[index + 1], (state->request_count - index) * sizeof state->requests[0]);
}

static void make_room(struct lwm2m_state *state)
{
        unsigned oldest = 0;
        if (state->request_count < LWM2M_REQUESTS)
                return;
        while (oldest < LWM2M_REQUESTS && state->requests[oldest].observes)
                oldest++;
        forget(state, oldest < LWM2M_REQUESTS ? oldest : 0);
}

/* A token that is used again means the newer request. */
static void take_request(struct lwm2m_state *state, const struct coap_message *m)
{
        struct lwm2m_path path;
        size_t length = cursor_left(&m->token);
        for (unsigned i = state->request_count; i-- > 0;)
                if (has_token(&state->requests[i], m))
                        forget(state, i);
        bool is_read = m->code == CODE_GET && path_of(m, &path) && lwm2m_path_leads(&path);
        bool is_composite = m->code == CODE_FETCH && path_of(m, &path) && path.count == 0;
        if ((!is_read && !is_composite) || length > LWM2M_TOKEN)
                return;
        make_room(state);
        struct lwm2m_request *request = &state->requests[state->request_count++];
        *request = (struct lwm2m_request){.token_length = (uint8_t)length, .observes = m->observe, .id = m->id, .path = path};
        if (length > 0)
                memcpy(request->token, m->token.at, length);
}

static bool is_news(uint32_t *told, struct cursor text)
{
        uint32_t hash = 2166136261U; /* FNV-1a */
        for (const uint8_t *at = text.at; at < text.end; at++)
                hash = (hash ^ *at) * 16777619U;
        bool is_new = *told != hash;
        *told = hash;
        return is_new;
}

static void tell_device(struct dissection *d, struct lwm2m_state *state, const struct lwm2m_device *device, struct cursor datagram)
{
        bool any = false;
        struct nameplate plate = {.protocol = "LwM2M", .vendor = device->texts[LWM2M_MANUFACTURER], .model = device->texts[LWM2M_MODEL],
                                  .serial = device->texts[LWM2M_SERIAL], .firmware = device->texts[LWM2M_FIRMWARE],
                                  .id = cursor_of("", 0), .path = cursor_of("/3/0", 4)};
        for (unsigned i = 0; i < LWM2M_TEXTS; i++)
                if (cursor_left(&device->texts[i]) > 0)
                        any |= is_news(&state->told[i], device->texts[i]);
        if (!any)
                return;
        (void)nameplate_take_name(&plate, plate.serial); /* modules without a number of their own give their IMEI */
        nameplate_emit(d, &plate, datagram);
}

static void read_content(struct dissection *d, struct lwm2m_state *state, const struct coap_message *m, const struct lwm2m_path *asked,
                         struct cursor datagram)
{
        struct lwm2m_device device;
        if ((m->has_block1 && m->block1 > 0) || (m->has_block2 && m->block2 > 0))
                return;
        if (lwm2m_content_parse(m->has_format ? m->format : -1, asked, m->payload, &device) == DISSECT_OK)
                tell_device(d, state, &device, datagram);
}

/* An answer repeats the token; one in an acknowledgement the message id too, unless it is the first of a separate pair's. */
static void take_answer(struct dissection *d, struct lwm2m_state *state, const struct coap_message *m, struct cursor datagram)
{
        for (unsigned i = state->request_count; i-- > 0;) {
                struct lwm2m_request request = state->requests[i];
                if (!has_token(&request, m) || (m->type == COAP_ACK && request.id != m->id))
                        continue;
                if (!request.observes && !m->has_block2)
                        forget(state, i);
                if (m->code == CODE_CONTENT)
                        read_content(d, state, m, &request.path, datagram);
                return;
        }
        if (m->code == CODE_CONTENT && m->has_format) /* asked before we looked: some encodings name their paths */
                read_content(d, state, m, NULL, datagram);
}

static bool is_last(const struct coap_message *m, const char *segment)
{
        const struct cursor *last = m->path_count > 0 ? &m->path[m->path_count - 1] : NULL;
        return last != NULL && cursor_left(last) == strlen(segment) && cursor_begins(last, segment);
}

/* POST /rd?ep=NAME, POST /bs?ep=NAME. */
static void take_registration(struct dissection *d, struct lwm2m_state *state, const struct coap_message *m, struct cursor datagram)
{
        for (unsigned i = 0; i < m->query_count; i++) {
                struct cursor name = m->query[i], none = cursor_of("", 0);
                if (!cursor_begins(&name, "ep="))
                        continue;
                cursor_skip(&name, 3);
                struct nameplate plate = {.protocol = "LwM2M", .vendor = none, .model = none, .serial = none, .firmware = none, .id = name,
                                          .path = is_last(m, "rd") ? cursor_of("/rd", 3) : cursor_of("/bs", 3)};
                (void)nameplate_take_name(&plate, name);
                if (cursor_left(&name) > 0 && is_news(&state->told[LWM2M_TEXTS], name))
                        nameplate_emit(d, &plate, datagram);
                return;
        }
}

void lwm2m_take(struct dissection *d, struct lwm2m_state *state, const struct coap_message *m, struct cursor datagram)
{
        bool is_request = coap_is_request(m);
        if (is_request && !d->from_device)
                take_request(state, m);
        else if (!is_request && m->code != 0 && d->from_device)
                take_answer(d, state, m, datagram);
        else if (is_request && d->from_device && m->code == CODE_POST && is_last(m, "dp"))
                read_content(d, state, m, NULL, datagram);
        else if (is_request && d->from_device && m->code == CODE_POST && (is_last(m, "rd") || is_last(m, "bs")))
                take_registration(d, state, m, datagram);
}
