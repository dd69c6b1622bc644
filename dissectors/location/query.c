#include "dissectors/location/query.h"

#include "dissectors/location/nmea.h"
#include "dissectors/location/reading.h"

enum { VALUE_MOST = 192, LINE_PAIRS = 64 };

static bool is_any(uint8_t c, const char *any_of)
{
        for (; *any_of != '\0'; any_of++)
                if (c == (uint8_t)*any_of)
                        return true;
        return false;
}

static struct cursor take_until(struct cursor *text, const char *any_of)
{
        size_t length = 0, left = cursor_left(text);
        while (length < left && !is_any(text->at[length], any_of))
                length++;
        struct cursor taken = cursor_take(text, length);
        if (cursor_left(text) > 0)
                cursor_skip(text, 1);
        return taken;
}

static int hex_digit(uint8_t c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* WHATWG URL, 5.1: %XX and + */
static struct cursor decoded(struct cursor text, uint8_t out[VALUE_MOST])
{
        size_t length = 0;
        while (cursor_left(&text) > 0 && length < VALUE_MOST) {
                uint8_t c = cursor_u8(&text);
                int high = cursor_left(&text) > 1 ? hex_digit(text.at[0]) : -1, low = high < 0 ? -1 : hex_digit(text.at[1]);
                if (c == '%' && low >= 0) {
                        out[length++] = (uint8_t)(high << 4 | low);
                        cursor_skip(&text, 2);
                } else {
                        out[length++] = c == '+' ? ' ' : c;
                }
        }
        return cursor_of(out, length);
}

/* What a decoded value says stands where the value stands. The id's text must outlive the decoding: it is kept with `id`. */
struct query_walk {
        struct reading reading;
        uint8_t id[POSITION_ID];
        struct position nmea;
        bool has_nmea;
};

static void add_value(struct query_walk *w, struct key_class key, struct cursor raw)
{
        uint8_t bytes[VALUE_MOST];
        struct cursor value = decoded(raw, bytes), found = w->reading.found;
        if (cursor_left(&value) > 20 && memchr(value.at, '$', cursor_left(&value)) != NULL && !w->has_nmea) {
                struct cursor text = value;
                w->has_nmea = nmea_find(&text, &w->nmea);
                w->nmea.found = raw;
        }
        if (key.key == KEY_OTHER)
                return;
        w->reading.found = (struct cursor){0};
        reading_add(&w->reading, key, value);
        bool telling = w->reading.found.at != NULL;
        w->reading.found = found;
        if (telling) {
                if (found.at == NULL)
                        w->reading.found.at = raw.at;
                w->reading.found.end = raw.end;
        }
        if (w->reading.id.at >= bytes && w->reading.id.at < bytes + sizeof bytes) {
                size_t length = cursor_left(&w->reading.id);
                memcpy(w->id, w->reading.id.at, length);
                w->reading.id = cursor_of(w->id, length);
        }
}

bool query_find(struct cursor text, struct position *out)
{
        struct query_walk w = {0};
        while (cursor_left(&text) > 0) {
                struct cursor value = take_until(&text, "&;");
                struct cursor name = take_until(&value, "=");
                if (cursor_left(&name) > 0 && cursor_left(&value) > 0)
                        add_value(&w, key_classify(name), value);
        }
        bool found = reading_conclude(&w.reading, out);
        if (w.has_nmea && !out->has_coordinates) {
                struct position said = *out;
                *out = w.nmea;
                if (w.reading.id_rank > 0)
                        position_set_id(out, (const uint8_t *)said.id, said.id_length);
                return true;
        }
        out->family = "query";
        return found;
}

static struct cursor last_word(struct cursor text)
{
        const uint8_t *from = text.end;
        while (from > text.at && !is_any(from[-1], " \t,;&|<{("))
                from--;
        return cursor_of(from, (size_t)(text.end - from));
}

/* lat=52.1,lon=5.1   lat: 52.1; lon: 5.1   <trkpt lat="52.1" lon="5.1">   geo:52.1,5.1;u=35 */
static bool line_find(struct cursor line, struct position *out)
{
        struct reading reading = {0};
        for (unsigned pairs = 0; pairs < LINE_PAIRS && cursor_left(&line) > 0; pairs++) {
                struct cursor name = take_until(&line, "=:");
                struct key_class key = key_classify(last_word(name));
                struct cursor rest = line;
                while (cursor_peek(&rest) == ' ')
                        cursor_skip(&rest, 1);
                struct cursor value = take_until(&rest, ",;&| \t<>\r");
                if (key.key == KEY_OTHER)
                        continue;
                if (key.key == KEY_PAIR || key.key == KEY_CELL_LIST) { /* the pair's comma */
                        struct cursor second = take_until(&rest, ",;&| \t<>\r");
                        if (cursor_left(&second) > 0)
                                value.end = second.end;
                }
                reading_add(&reading, key, value);
        }
        bool found = reading_conclude(&reading, out);
        out->family = "key-value";
        return found;
}

unsigned key_values_find(struct cursor text, struct position *out, unsigned most)
{
        unsigned count = 0;
        while (cursor_left(&text) > 0 && count < most) {
                struct cursor line = take_until(&text, "\n");
                if (cursor_left(&line) > 12 && line_find(line, &out[count]))
                        count++;
        }
        return count;
}
