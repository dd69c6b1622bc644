#include "dissectors/location/json.h"

#include <math.h>

#include "dissectors/location/nmea.h"
#include "dissectors/location/reading.h"

enum { DEPTH_MOST = 16 };

struct walk {
        struct cursor at;
        struct position *out;
        unsigned count, most, wifi, foreign; /* foreign: so many of the objects around are about something else */
        bool has_cell, has_time;
        struct position cell;
        int64_t time_ns;
        struct cursor id;
        uint8_t id_rank;
        unsigned id_depth;
};

/* What an object gives to the objects and lists in it. */
struct around {
        struct key_class key;
        struct reading *reading;
        unsigned depth;
};

static bool walk_value(struct walk *w, const struct around *around);

static uint8_t next_character(struct walk *w)
{
        while (cursor_left(&w->at) > 0 && (*w->at.at == ' ' || *w->at.at == '\t' || *w->at.at == '\r' || *w->at.at == '\n'))
                cursor_skip(&w->at, 1);
        return cursor_peek(&w->at);
}

/* A string's content, as written. The cut end of one is an end. */
static bool take_string(struct walk *w, struct cursor *content)
{
        const uint8_t *from;
        cursor_skip(&w->at, 1);
        from = w->at.at;
        while (cursor_left(&w->at) > 0) {
                uint8_t c = cursor_u8(&w->at);
                if (c == '\\')
                        cursor_skip(&w->at, 1);
                if (c != '"')
                        continue;
                *content = cursor_of(from, (size_t)(w->at.at - 1 - from));
                return true;
        }
        return false;
}

/* A number or a word; false: the text may have been cut within it. */
static bool take_literal(struct walk *w, struct cursor *content)
{
        const uint8_t *from = w->at.at;
        while (cursor_left(&w->at) > 0) {
                uint8_t c = *w->at.at;
                if (c == ',' || c == '}' || c == ']' || c <= ' ') {
                        *content = cursor_of(from, (size_t)(w->at.at - from));
                        return cursor_left(content) > 0;
                }
                if (c == '{' || c == '[' || c == '"' || c == ':')
                        return false;
                cursor_skip(&w->at, 1);
        }
        return false;
}

static bool is_known(const struct walk *w, const struct position *position)
{
        for (unsigned i = 0; i < w->count; i++)
                if (fabs(w->out[i].latitude - position->latitude) < 1e-7 && fabs(w->out[i].longitude - position->longitude) < 1e-7)
                        return true;
        return false;
}

/* A document that says one place twice (as raw and as decoded, say) says it once. */
static void keep(struct walk *w, struct position *position)
{
        position->family = "JSON";
        if (position->has_coordinates && is_known(w, position))
                return;
        if (position->has_coordinates && w->count < w->most) {
                w->out[w->count++] = *position;
        } else if (position->has_cell && !w->has_cell) {
                w->cell = *position;
                w->has_cell = true;
        }
}

static void look_for_nmea(struct walk *w, struct cursor content)
{
        struct position position;
        if (cursor_left(&content) < 20 || w->foreign > 0 || memchr(content.at, '$', cursor_left(&content)) == NULL)
                return;
        if (nmea_find(&content, &position) && w->count < w->most)
                w->out[w->count++] = position;
}

/* An object is over, or the text is. Its id and time are the document's when nothing higher up says better. */
static void conclude(struct walk *w, const struct reading *reading, unsigned depth)
{
        struct position position;
        w->wifi += reading->has_access_point && reading->has_signal && w->foreign == 0;
        if (reading->id_rank > w->id_rank || (reading->id_rank > 0 && reading->id_rank == w->id_rank && depth < w->id_depth)) {
                w->id = reading->id;
                w->id_rank = reading->id_rank;
                w->id_depth = depth;
        }
        if (reading->has_time && w->foreign == 0) {
                w->has_time = true;
                w->time_ns = reading->time_ns;
        }
        if (w->foreign == 0 && reading_conclude(reading, &position))
                keep(w, &position);
}

/* "name": value, ... } */
static bool walk_members(struct walk *w, struct reading *reading, unsigned depth)
{
        for (;;) {
                struct cursor name;
                uint8_t c = next_character(w);
                if (c == '}') {
                        cursor_skip(&w->at, 1);
                        return true;
                }
                if (c == ',') {
                        cursor_skip(&w->at, 1);
                        continue;
                }
                if (c != '"' || !take_string(w, &name) || next_character(w) != ':')
                        return false;
                cursor_skip(&w->at, 1);
                struct around around = {.key = key_classify(name), .reading = reading, .depth = depth};
                bool foreign = around.key.key == KEY_FOREIGN;
                w->foreign += foreign;
                bool whole = walk_value(w, &around);
                w->foreign -= foreign;
                if (!whole)
                        return false;
        }
}

static bool walk_object(struct walk *w, const struct around *around)
{
        struct reading reading = {0};
        if (around->depth == DEPTH_MOST)
                return false;
        if (around->reading != NULL) { /* cells of one network, which is named beside their list */
                reading.mcc = around->reading->mcc;
                reading.mnc = around->reading->mnc;
                reading.mnc_digits = around->reading->mnc_digits;
                reading.has_cell_parts = around->reading->has_cell_parts & 3;
        }
        cursor_skip(&w->at, 1);
        bool whole = walk_members(w, &reading, around->depth + 1);
        conclude(w, &reading, around->depth + 1);
        return whole;
}

static bool walk_list(struct walk *w, const struct around *around)
{
        struct decimal numbers[3] = {{0}};
        unsigned count = 0;
        const uint8_t *from = w->at.at;
        bool pair = around->reading != NULL && (around->key.key == KEY_PAIR || around->key.key == KEY_COORDINATES);
        struct around inner = {.reading = around->reading, .depth = around->depth + 1};
        if (around->depth == DEPTH_MOST)
                return false;
        cursor_skip(&w->at, 1);
        for (;;) {
                uint8_t c = next_character(w);
                if (c == ']') {
                        cursor_skip(&w->at, 1);
                        break;
                }
                if (c == ',') {
                        cursor_skip(&w->at, 1);
                        continue;
                }
                if (cursor_left(&w->at) == 0)
                        return false;
                const uint8_t *item = w->at.at;
                if (!walk_value(w, &inner))
                        return false;
                if (pair && count < 3 && !decimal_parse(cursor_of(item, (size_t)(w->at.at - item)), &numbers[count]))
                        count = 4;
                count++;
        }
        if (pair)
                reading_add_list(around->reading, around->key, numbers, count, cursor_of(from, (size_t)(w->at.at - from)));
        return true;
}

static bool walk_value(struct walk *w, const struct around *around)
{
        struct cursor content;
        uint8_t c = next_character(w);
        if (c == '{')
                return walk_object(w, around);
        if (c == '[')
                return walk_list(w, around);
        if (c == '"' ? !take_string(w, &content) : !take_literal(w, &content))
                return false;
        if (c == '"')
                look_for_nmea(w, content);
        if (around->reading != NULL && around->key.key != KEY_OTHER)
                reading_add(around->reading, around->key, content);
        return true;
}

/* What the document says once belongs to each position in it. */
static void spread(struct walk *w)
{
        for (unsigned i = 0; i < w->count; i++) {
                struct position *p = &w->out[i];
                if (w->id_rank > 0 && (p->id_length == 0 || w->id_rank > 3))
                        position_set_id(p, w->id.at, cursor_left(&w->id));
                if (!p->has_time && w->has_time) {
                        p->has_time = true;
                        p->time_ns = w->time_ns;
                }
                p->wifi = w->wifi;
        }
}

unsigned json_find(struct cursor text, struct position *out, unsigned most)
{
        struct walk w = {.at = text, .out = out, .most = most};
        struct around around = {.depth = 0};
        for (unsigned documents = 0; documents < 64; documents++) { /* also one document a line */
                uint8_t c = next_character(&w);
                if ((c != '{' && c != '[') || !walk_value(&w, &around))
                        break;
        }
        if (w.has_cell && w.count == 0 && most > 0) {
                w.out[w.count++] = w.cell;
        } else if (w.has_cell && w.count > 0 && !out[0].has_cell) {
                struct position p = w.cell;
                out[0].has_cell = true;
                out[0].mcc = p.mcc, out[0].mnc = p.mnc, out[0].mnc_digits = p.mnc_digits;
                out[0].area = p.area, out[0].cell = p.cell, out[0].cell_kind = p.cell_kind;
        }
        spread(&w);
        return w.count;
}
