/* The part of CBOR (RFC 8949) that SenML CBOR (RFC 8428, 6) and LwM2M CBOR (Core 1.2, 7.4.7) need. A walk without allocation; at most
 * so many items, so deep. Left out: strings in chunks, bignums, floats (passed over), relative paths of LwM2M CBOR. */
#include "dissectors/app/lwm2m_content.h"

enum { CBOR_UINT = 0, CBOR_NEGATIVE = 1, CBOR_BYTES = 2, CBOR_TEXT = 3, CBOR_ARRAY = 4, CBOR_MAP = 5, CBOR_TAG = 6, CBOR_SIMPLE = 7 };
enum { ITEMS_MOST = 512, DEPTH_MOST = 6, INDEFINITE = 31 };
enum { LABEL_BASE_NAME = -2, LABEL_NAME = 0, LABEL_TEXT = 3 };

struct walk {
        struct cursor at;
        unsigned items;
};

struct item {
        uint8_t major;
        bool is_open;          /* of indefinite length */
        uint64_t value;        /* number, or length */
        struct cursor string;  /* of CBOR_BYTES and CBOR_TEXT */
};

/* False: the end, too many, or what is not read here. */
static bool take_item(struct walk *walk, struct item *out)
{
        if (walk->items++ >= ITEMS_MOST || cursor_left(&walk->at) == 0)
                return false;
        uint8_t head = cursor_u8(&walk->at), more = head & 31;
        *out = (struct item){.major = head >> 5, .value = more};
        if (more == 24)
                out->value = cursor_u8(&walk->at);
        else if (more == 25)
                out->value = cursor_be16(&walk->at);
        else if (more == 26)
                out->value = cursor_be32(&walk->at);
        else if (more == 27)
                out->value = cursor_be64(&walk->at);
        else if (more == INDEFINITE)
                out->is_open = out->major == CBOR_ARRAY || out->major == CBOR_MAP;
        if (more > 27 && !out->is_open)
                return false;
        if (out->major == CBOR_BYTES || out->major == CBOR_TEXT)
                out->string = cursor_take(&walk->at, out->value < SIZE_MAX ? (size_t)out->value : SIZE_MAX);
        return !walk->at.short_read;
}

/* Is there another one in this array or map? Consumes the break that ends an open one. */
static bool has_next(struct walk *walk, const struct item *container, uint64_t done)
{
        if (!container->is_open)
                return done < container->value && cursor_left(&walk->at) > 0;
        if (cursor_peek(&walk->at) != 0xff)
                return cursor_left(&walk->at) > 0;
        cursor_skip(&walk->at, 1);
        return false;
}

static bool skip_inside(struct walk *walk, const struct item *item, unsigned depth)
{
        struct item inner;
        if (depth == DEPTH_MOST)
                return false;
        if (item->major == CBOR_TAG)
                return take_item(walk, &inner) && skip_inside(walk, &inner, depth + 1);
        if (item->major != CBOR_ARRAY && item->major != CBOR_MAP)
                return true;
        for (uint64_t i = 0; has_next(walk, item, i); i++) {
                for (unsigned part = 0; part < (item->major == CBOR_MAP ? 2U : 1U); part++)
                        if (!take_item(walk, &inner) || !skip_inside(walk, &inner, depth + 1))
                                return false;
        }
        return true;
}

static int64_t label_of(const struct item *item)
{
        if (item->value > 64 || item->major > CBOR_NEGATIVE)
                return INT64_MIN;
        return item->major == CBOR_UINT ? (int64_t)item->value : -1 - (int64_t)item->value;
}

struct record {
        struct cursor base, name, text;
};

static bool read_record(struct walk *walk, const struct item *map, struct record *record)
{
        struct item label, value;
        record->name = record->text = cursor_of("", 0);
        for (uint64_t i = 0; has_next(walk, map, i); i++) {
                if (!take_item(walk, &label) || !skip_inside(walk, &label, 0) || !take_item(walk, &value) || !skip_inside(walk, &value, 0))
                        return false;
                if (value.major != CBOR_TEXT)
                        continue;
                if (label_of(&label) == LABEL_BASE_NAME)
                        record->base = value.string;
                else if (label_of(&label) == LABEL_NAME)
                        record->name = value.string;
                else if (label_of(&label) == LABEL_TEXT)
                        record->text = value.string;
        }
        return true;
}

void lwm2m_senml_cbor_read(struct cursor payload, const struct lwm2m_path *asked, struct lwm2m_device *out)
{
        struct walk walk = {.at = payload};
        struct item pack, map;
        struct record record = {.base = cursor_of("", 0)};
        if (!take_item(&walk, &pack) || pack.major != CBOR_ARRAY)
                return;
        for (uint64_t i = 0; has_next(&walk, &pack, i); i++) {
                struct lwm2m_path path;
                bool whole = take_item(&walk, &map) && map.major == CBOR_MAP && read_record(&walk, &map, &record);
                if (!whole)
                        return;
                if (lwm2m_senml_path(record.base, record.name, asked, &path))
                        lwm2m_device_take(out, &path, record.text);
        }
}

/* A key is an id, or a list of ids. */
static bool take_key(struct walk *walk, struct lwm2m_path *path)
{
        struct item key, id;
        if (!take_item(walk, &key))
                return false;
        uint64_t count = key.major == CBOR_ARRAY ? key.value : 1;
        for (uint64_t i = 0; key.major == CBOR_ARRAY ? has_next(walk, &key, i) : i < count; i++) {
                id = key;
                if (key.major == CBOR_ARRAY && !take_item(walk, &id))
                        return false;
                if (id.major != CBOR_UINT || id.value > 0xffff || path->count == LWM2M_IDS)
                        return false;
                path->ids[path->count++] = (uint16_t)id.value;
        }
        return true;
}

static bool read_below(struct walk *walk, const struct item *map, const struct lwm2m_path *above, struct lwm2m_device *out, unsigned depth)
{
        struct item value;
        if (depth == DEPTH_MOST)
                return false;
        for (uint64_t i = 0; has_next(walk, map, i); i++) {
                struct lwm2m_path path = *above;
                if (!take_key(walk, &path) || !take_item(walk, &value))
                        return false;
                if (value.major == CBOR_MAP ? !read_below(walk, &value, &path, out, depth + 1) : !skip_inside(walk, &value, 0))
                        return false;
                if (value.major == CBOR_TEXT)
                        lwm2m_device_take(out, &path, value.string);
        }
        return true;
}

void lwm2m_cbor_read(struct cursor payload, const struct lwm2m_path *asked, struct lwm2m_device *out)
{
        struct walk walk = {.at = payload};
        struct lwm2m_path root = {.count = 0};
        struct item item;
        if (!take_item(&walk, &item))
                return;
        if (item.major == CBOR_MAP)
                (void)read_below(&walk, &item, &root, out, 0);
        else if (item.major == CBOR_TEXT && asked != NULL)
                lwm2m_device_take(out, asked, item.string);
}
