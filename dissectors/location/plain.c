/* Text over bare TCP or UDP, looked through for positions: a datagram at a time, or the whole lines of a stream. What is not
 * yet a whole line is waited for, unless it ends like a message (a brace, a checksum): many send no line end.
 *
 * A flow that sends 256 KiB without a position is left alone. Left out: binary framings around text. */
#include "dissectors/location/plain.h"

#include <netinet/in.h>
#include <strings.h>

#include "dissectors/location/content.h"
#include "dissectors/location/nmea.h"

enum { QUIET_MOST = 256 * 1024, LOOK_AT = 512, ID_MOST = 40, LINE_MOST = 8 * 1024 };

struct plain_state {
        uint32_t quiet; /* bytes of the device's since the last position */
};

static bool is_upper(uint8_t c)
{
        return c >= 'A' && c <= 'Z';
}

/* From the '$' on: devices like to write an id in front of a sentence. */
static struct cursor first_sentence(const struct cursor *payload)
{
        size_t length = cursor_left(payload) < ID_MOST ? cursor_left(payload) : ID_MOST;
        const uint8_t *dollar = length > 0 ? memchr(payload->at, '$', length) : NULL;
        for (const uint8_t *at = payload->at; dollar != NULL && at < dollar; at++)
                if (*at < 0x20 || *at > 0x7e)
                        dollar = NULL;
        return dollar == NULL ? cursor_of(payload->at, 0) : cursor_of(dollar, (size_t)(payload->end - dollar));
}

static enum recognition nmea_recognise(const struct dissection *d, const struct cursor *payload)
{
        struct cursor at = first_sentence(payload);
        if (cursor_left(&at) < 6 || !is_upper(at.at[1]) || !is_upper(at.at[2]) || !is_upper(at.at[5]))
                return NOT_MINE;
        if (nmea_is_checked_sentence(&at))
                return MINE;
        bool whole = memchr(at.at, '\n', cursor_left(&at)) != NULL || cursor_left(&at) > 160;
        return d->protocol == IPPROTO_TCP && !whole ? PERHAPS : NOT_MINE;
}

static uint8_t character_behind(const struct cursor *payload)
{
        const uint8_t *at = payload->at + 1;
        while (at < payload->end && (*at == ' ' || *at == '\r' || *at == '\n' || *at == '\t'))
                at++;
        return at < payload->end ? *at : 0;
}

/* "lat" or "latitude" as a name of something, in text. */
static bool names_latitude(const struct cursor *payload)
{
        size_t length = cursor_left(payload) < LOOK_AT ? cursor_left(payload) : LOOK_AT;
        bool found = false;
        for (size_t i = 0; i < length; i++) {
                const uint8_t *at = payload->at + i;
                if ((*at < 0x20 && *at != '\r' && *at != '\n' && *at != '\t') || *at == 0x7f)
                        return false;
                if ((*at | 0x20) != 'l' || length - i < 5 || strncasecmp((const char *)at, "lat", 3) != 0)
                        continue;
                found |= strchr("=:\"' iI", at[3]) != NULL;
        }
        return found;
}

static enum recognition plain_recognise(const struct dissection *d, const struct cursor *payload)
{
        if (nmea_recognise(d, payload) == PERHAPS)
                return PERHAPS;
        if (cursor_left(payload) < 10)
                return NOT_MINE;
        uint8_t first = *payload->at, next = character_behind(payload);
        if (first == '{')
                return next == '"' ? MINE : NOT_MINE;
        if (first == '[')
                return next == '{' || next == '"' ? MINE : NOT_MINE;
        if (first < 0x20 || first > 0x7e)
                return NOT_MINE;
        struct cursor sentence = first_sentence(payload);
        if (cursor_left(&sentence) > 6 && is_upper(sentence.at[1]) && is_upper(sentence.at[2]) &&
            memchr(sentence.at + 3, ',', 4) != NULL)
                return MINE;
        return names_latitude(payload) ? MINE : NOT_MINE;
}

static bool scan(struct plain_state *state, struct dissection *d, struct cursor text)
{
        struct content content = {.carrier = d->protocol == IPPROTO_TCP ? "TCP" : "UDP", .kind = CONTENT_ANY};
        size_t length = cursor_left(&text);
        if (length == 0 || !d->from_device)
                return true;
        state->quiet += (uint32_t)(length < QUIET_MOST ? length : QUIET_MOST);
        if (content_scan(d, &content, text) > 0)
                state->quiet = 0;
        return state->quiet < QUIET_MOST;
}

/* How much of a stream's bytes are whole lines or messages. */
static size_t whole_length(const struct cursor *payload)
{
        size_t length = cursor_left(payload);
        const uint8_t *at = payload->at;
        if (length == 0 || strchr("\n\r}];>#", at[length - 1]) != NULL || (length > 3 && at[length - 3] == '*'))
                return length;
        while (length > 0 && at[length - 1] != '\n')
                length--;
        return length;
}

static enum follow plain_dissect(struct dissection *d, void *memory, struct cursor payload)
{
        struct plain_state *state = memory;
        size_t length = cursor_left(&payload);
        if (d->protocol != IPPROTO_TCP || !d->from_device || d->cut)
                return scan(state, d, payload) ? FOLLOW_ON : FOLLOW_DONE;
        size_t whole = whole_length(&payload);
        if (length - whole > LINE_MOST)
                whole = length;
        d->consumed = whole;
        if (!scan(state, d, cursor_of(payload.at, whole)))
                return FOLLOW_DONE;
        return whole < length ? FOLLOW_MORE : FOLLOW_ON;
}

const struct dissector nmea_dissector = {
        .name = "NMEA-0183",
        .transports = DISSECT_ON_TCP | DISSECT_ON_UDP,
        .readable = true,
        .state_size = sizeof(struct plain_state),
        .recognise = nmea_recognise,
        .dissect = plain_dissect,
};

const struct dissector plain_dissector = {
        .name = NULL,
        .transports = DISSECT_ON_TCP | DISSECT_ON_UDP,
        .readable = true,
        .state_size = sizeof(struct plain_state),
        .recognise = plain_recognise,
        .dissect = plain_dissect,
};
