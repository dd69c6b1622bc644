#include "dissectors/app/dns.h"

#include <netinet/in.h>

enum {
        PORT_DNS = 53,
        PORT_NETBIOS_NAMES = 137, /* the same header, another protocol */
        PORT_NETBIOS_DATAGRAMS = 138,
        PORT_MDNS = 5353,
        PORT_LLMNR = 5355,
        FRONT_LENGTH = 8192 /* of a message over TCP that is too long to be held: its front is read */
};

static bool on_port(const struct dissection *d, uint16_t port)
{
        return d->source_port == port || d->destination_port == port;
}

static const char *port_label(const struct dissection *d)
{
        if (on_port(d, PORT_DNS))
                return "DNS";
        if (on_port(d, PORT_MDNS))
                return "MDNS";
        return on_port(d, PORT_LLMNR) ? "LLMNR" : NULL;
}

static bool is_host_letter(uint8_t byte)
{
        uint8_t lower = byte | 0x20;
        return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

/* On a port that says nothing: one plain question of class IN for a name of two labels or more, that a host could have. */
static bool question_is_certain(struct cursor payload)
{
        cursor_skip(&payload, 2);
        uint16_t flags = cursor_be16(&payload);
        if (cursor_be16(&payload) != 1 || (flags & 0x7800) != 0 || (!(flags & 0x8000) && cursor_be32(&payload) != 0))
                return false;
        cursor_skip(&payload, flags & 0x8000 ? 6 : 2);
        unsigned labels = 0, letters = 0;
        for (uint8_t length; (length = cursor_u8(&payload)) != 0; labels++) {
                const uint8_t *label = length > 63 ? NULL : cursor_bytes(&payload, length);
                for (unsigned i = 0; label && i < length; i++, letters++)
                        if (!is_host_letter(label[i]))
                                return false;
                if (label == NULL)
                        return false;
        }
        uint16_t type = cursor_be16(&payload);
        uint16_t class = cursor_be16(&payload);
        return !payload.short_read && labels >= 2 && letters >= 4 && type > 0 && type < 260 && class == 1;
}

static enum recognition recognise_datagram(const struct dissection *d, struct cursor payload)
{
        if (cursor_left(&payload) < 17)
                return NOT_MINE;
        bool port_known = port_label(d) != NULL;
        if (!port_known) {
                static const uint8_t one_question[2] = {0, 1};
                if (memcmp(payload.at + 4, one_question, 2) != 0 || !question_is_certain(payload))
                        return NOT_MINE;
                if (on_port(d, PORT_NETBIOS_NAMES) || on_port(d, PORT_NETBIOS_DATAGRAMS))
                        return NOT_MINE;
        }
        enum dissect_result result = dns_check(payload);
        return result == DISSECT_OK || (result == DISSECT_TRUNCATED && d->cut && port_known) ? MINE : NOT_MINE;
}

/* The two bytes of length in front, RFC 1035, 4.2.2. Asked for more until the first message is there or enough of it. */
static enum recognition recognise_stream(const struct dissection *d, struct cursor payload)
{
        if (port_label(d) == NULL)
                return NOT_MINE;
        uint16_t length = cursor_be16(&payload);
        if (payload.short_read)
                return PERHAPS;
        if (length < 17)
                return NOT_MINE;
        if (cursor_left(&payload) >= length)
                return dns_check(cursor_take(&payload, length)) == DISSECT_OK ? MINE : NOT_MINE;
        if (cursor_left(&payload) < 12)
                return PERHAPS;
        if (dns_check(payload) != DISSECT_TRUNCATED)
                return NOT_MINE;
        return cursor_left(&payload) >= 512 || d->cut ? MINE : PERHAPS;
}

static enum recognition dns_recognise(const struct dissection *d, const struct cursor *payload)
{
        return d->protocol == IPPROTO_TCP ? recognise_stream(d, *payload) : recognise_datagram(d, *payload);
}

static void emit_names(struct dissection *d, const struct dns_message *message)
{
        Apnwatch__V1__Names names = APNWATCH__V1__NAMES__INIT;
        Apnwatch__V1__Names__Answer answers[DNS_ANSWERS], *answer[DNS_ANSWERS];
        char *alias[DNS_ALIASES];
        names.question = (char *)(message->question ? message->question : message->answer[0].name);
        names.has_type = message->question != NULL;
        names.type = message->type;
        names.has_rcode = true;
        names.rcode = message->rcode;
        for (unsigned i = 0; i < message->alias_count; i++)
                alias[i] = (char *)message->alias[i].target;
        names.n_alias = message->alias_count;
        names.alias = alias;
        for (unsigned i = 0; i < message->answer_count; i++) {
                apnwatch__v1__names__answer__init(&answers[i]);
                answers[i].name = (char *)message->answer[i].name;
                answers[i].address.data = (uint8_t *)message->answer[i].address;
                answers[i].address.len = message->answer[i].length;
                answers[i].ttl = message->answer[i].ttl;
                answer[i] = &answers[i];
        }
        names.n_answer = message->answer_count;
        names.answer = answer;
        event_t event = APNWATCH__V1__EVENT__INIT;
        event.has_from_device = true;
        event.from_device = d->from_device;
        event.body_case = APNWATCH__V1__EVENT__BODY_NAMES;
        event.names = &names;
        d->services->emit(d, &event);
}

/* One message. Only answers are told; a query is not even parsed. */
static void dissect_message(struct dissection *d, struct cursor payload)
{
        if (cursor_left(&payload) < 12 || !(payload.at[2] & 0x80))
                return;
        struct dns_message message;
        enum dissect_result result = dns_parse(&payload, &message);
        if (result == DISSECT_NO_MATCH)
                return;
        if (message.question || message.answer_count > 0)
                emit_names(d, &message);
}

/* After a gap the stream's framing is lost unless a message happens to begin here. */
static bool stream_is_lost(const struct dissection *d, struct cursor payload)
{
        if (!d->gap)
                return false;
        uint16_t length = cursor_be16(&payload);
        return length < 17 || cursor_left(&payload) < length || dns_check(cursor_take(&payload, length)) != DISSECT_OK;
}

static enum follow dissect_stream(struct dissection *d, struct cursor payload)
{
        const uint8_t *begin = payload.at;
        if (stream_is_lost(d, payload))
                return FOLLOW_DONE;
        while (cursor_left(&payload) > 0) {
                d->consumed = (size_t)(payload.at - begin);
                uint16_t length = cursor_be16(&payload);
                size_t left = cursor_left(&payload);
                if (!payload.short_read && left < length && length + 2 > DISSECT_HOLD && left >= FRONT_LENGTH) {
                        dissect_message(d, payload);
                        d->consumed += 2 + left;
                        d->skip = length - left;
                        return FOLLOW_ON;
                }
                if (payload.short_read || left < length)
                        return FOLLOW_MORE;
                dissect_message(d, cursor_take(&payload, length));
        }
        d->consumed = (size_t)(payload.at - begin);
        return FOLLOW_ON;
}

static enum follow dns_dissect(struct dissection *d, void *state, struct cursor payload)
{
        (void)state;
        d->label = port_label(d);
        if (d->protocol == IPPROTO_TCP)
                return dissect_stream(d, payload);
        dissect_message(d, payload);
        return FOLLOW_ON;
}

const struct dissector dns_dissector = {
        .name = "DNS",
        .transports = DISSECT_ON_TCP | DISSECT_ON_UDP,
        .readable = true,
        .recognise = dns_recognise,
        .dissect = dns_dissect,
};
