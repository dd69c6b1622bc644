#include "dissectors/location/content.h"

#include <math.h>

#include "dissectors/location/json.h"
#include "dissectors/location/nmea.h"
#include "dissectors/location/query.h"

enum { POSITIONS_MOST = 8, SCAN_MOST = 64 * 1024, LOOK_AT = 32 };

static bool is_text(const struct cursor *bytes)
{
        size_t length = cursor_left(bytes) < LOOK_AT ? cursor_left(bytes) : LOOK_AT;
        static const bool is_control[256] = {[0 ... '\t' - 1] = true, ['\n' + 1 ... '\r' - 1] = true, ['\r' + 1 ... ' ' - 1] = true,
                                             [0x7f] = true};
        for (const uint8_t *at = bytes->at, *end = at + length; at < end; at++)
                if (is_control[*at])
                        return false;
        return length > 0;
}

/* RMC, GGA and GLL of one second say the same place: one report, with the altitude of the one that has it. */
static bool is_same_fix(const struct position *a, const struct position *b)
{
        return fabs(a->latitude - b->latitude) < 1e-5 && fabs(a->longitude - b->longitude) < 1e-5;
}

static void merge_fix(struct position *into, const struct position *from)
{
        if (!into->has_altitude && from->has_altitude) {
                into->has_altitude = true;
                into->altitude_m = from->altitude_m;
        }
        if (!into->has_time && from->has_time) {
                into->has_time = true;
                into->time_ns = from->time_ns;
        }
        if (!into->has_speed && from->has_speed) {
                into->has_speed = true;
                into->speed_kmh = from->speed_kmh;
        }
        if (into->id_length == 0 && from->id_length > 0)
                position_set_id(into, (const uint8_t *)from->id, from->id_length);
}

static unsigned sentences_find(struct cursor text, struct position *out, unsigned most)
{
        unsigned count = 0;
        struct position next;
        while (nmea_find(&text, &next)) {
                if (count > 0 && is_same_fix(&out[count - 1], &next))
                        merge_fix(&out[count - 1], &next);
                else if (count < most)
                        out[count++] = next;
                else
                        break;
        }
        return count;
}

static bool is_letter(uint8_t c)
{
        return (uint8_t)((c | 0x20) - 'a') < 26;
}

/* Three letters that a key of a position or a cell has somewhere (reading.c's tables), by the first: most payloads have none,
 * and are done with after one pass. */
static const bool may_tell[256] = {['l'] = true, ['L'] = true, ['g'] = true, ['G'] = true, ['c'] = true, ['C'] = true,
                                   ['p'] = true, ['P'] = true, ['m'] = true, ['M'] = true, ['b'] = true, ['B'] = true};

static bool is_telling(const uint8_t *at)
{
        uint8_t b = at[1] | 0x20, c = at[2] | 0x20;
        switch (at[0] | 0x20) {
        case 'l':
                return (b == 'a' && c == 't') || (b == 'o' && (c == 'n' || c == 'c')) || (b == 'n' && c == 'g') ||
                       (b == 'l' && !is_letter(at[2]));
        case 'g':
                return (b == 'p' && (c == 's' || !is_letter(at[2]))) || (b == 'e' && c == 'o');
        case 'c':
                return (b == 'o' && (c == 'o' || c == 'u')) || (b == 'e' && c == 'l');
        case 'p':
                return b == 'o' && c == 's';
        case 'm':
                return b == 'c' && c == 'c';
        case 'b':
                return b == 't' && c == 's';
        default:
                return false;
        }
}

static bool has_telling_key(const struct cursor *bytes)
{
        const uint8_t *at = bytes->at, *last = bytes->end - 2; /* content_find has seen that there are ten */
        for (; at < last; at++)
                if (may_tell[*at] && is_telling(at))
                        return true;
        return false;
}

static unsigned text_find(struct cursor bytes, struct position *out, unsigned most)
{
        unsigned count = sentences_find(bytes, out, most);
        if (count == 0)
                count = key_values_find(bytes, out, most);
        const uint8_t *brace = count == 0 ? memchr(bytes.at, '{', cursor_left(&bytes)) : NULL;
        if (brace != NULL) { /* "topic {...}", a log line in front */
                cursor_skip(&bytes, (size_t)(brace - bytes.at));
                count = json_find(bytes, out, most);
        }
        return count;
}

unsigned content_find(enum content_kind kind, struct cursor bytes, struct position *out, unsigned most)
{
        if (cursor_left(&bytes) > SCAN_MOST)
                bytes = cursor_of(bytes.at, SCAN_MOST);
        if (cursor_begins(&bytes, "\xef\xbb\xbf"))
                cursor_skip(&bytes, 3);
        while (cursor_left(&bytes) > 0 && (*bytes.at == ' ' || *bytes.at == '\r' || *bytes.at == '\n' || *bytes.at == '\t'))
                cursor_skip(&bytes, 1);
        if (cursor_left(&bytes) < 10 || most == 0 || !is_text(&bytes))
                return 0;
        if (kind == CONTENT_LINES)
                return sentences_find(bytes, out, most);
        if (memchr(bytes.at, '$', cursor_left(&bytes)) == NULL && memchr(bytes.at, '%', cursor_left(&bytes)) == NULL &&
            !has_telling_key(&bytes))
                return 0;
        if (*bytes.at == '{' || *bytes.at == '[')
                return json_find(bytes, out, most);
        if (kind == CONTENT_QUERY)
                return query_find(bytes, out) ? 1 : 0;
        return text_find(bytes, out, most);
}

unsigned content_scan(struct dissection *d, const struct content *content, struct cursor bytes)
{
        struct position found[POSITIONS_MOST];
        if (!d->from_device)
                return 0;
        unsigned count = content_find(content->kind, bytes, found, POSITIONS_MOST);
        for (unsigned i = 0; i < count; i++) {
                if (found[i].id_length == 0 && content->client != NULL)
                        position_set_id(&found[i], (const uint8_t *)content->client, content->client_length);
                position_emit(d, &found[i], content->carrier, content->topic, bytes);
        }
        return count;
}
