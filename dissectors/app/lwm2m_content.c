/* Left out: escapes in JSON's strings (taken as written), base64 of opaque values, everything that is no text. */
#include "dissectors/app/lwm2m_content.h"

enum { OBJECT_DEVICE = 3, TLV_MOST = 256, JSON_MOST = 512, PATH_TEXT = 64 };
enum {
        FORMAT_TEXT = 0, FORMAT_CBOR = 60, FORMAT_SENML_JSON = 110, FORMAT_SENML_CBOR = 112, FORMAT_OLD_TEXT = 1541, FORMAT_OLD_TLV = 1542,
        FORMAT_OLD_JSON = 1543, FORMAT_TLV = 11542, FORMAT_JSON = 11543, FORMAT_LWM2M_CBOR = 11544
};

bool lwm2m_path_parse(struct cursor text, struct lwm2m_path *out)
{
        *out = (struct lwm2m_path){.count = 0};
        while (cursor_left(&text) > 0) {
                unsigned id = 0, digits = 0;
                if (*text.at == '/')
                        cursor_skip(&text, 1);
                while (cursor_left(&text) > 0 && *text.at >= '0' && *text.at <= '9' && digits++ < 5)
                        id = id * 10 + cursor_u8(&text) - '0';
                if (digits == 0 && cursor_left(&text) == 0)
                        return true; /* a slash at the end */
                if (digits == 0 || id > 0xffff || out->count == LWM2M_IDS || (cursor_left(&text) > 0 && *text.at != '/'))
                        return false;
                out->ids[out->count++] = (uint16_t)id;
        }
        return true;
}

bool lwm2m_path_leads(const struct lwm2m_path *path)
{
        return path->count > 0 && path->ids[0] == OBJECT_DEVICE && (path->count < 2 || path->ids[1] == 0) &&
               (path->count < 3 || path->ids[2] < LWM2M_TEXTS) && path->count < 4;
}

void lwm2m_device_take(struct lwm2m_device *device, const struct lwm2m_path *path, struct cursor text)
{
        if (path->count != 3 || !lwm2m_path_leads(path) || cursor_left(&text) == 0 || cursor_left(&device->texts[path->ids[2]]) > 0)
                return;
        device->texts[path->ids[2]] = text;
        device->found++;
}

bool lwm2m_senml_path(struct cursor base, struct cursor name, const struct lwm2m_path *asked, struct lwm2m_path *out)
{
        char text[PATH_TEXT];
        size_t length = cursor_left(&base), more = cursor_left(&name);
        struct lwm2m_path below = {.count = 0};
        if (length + more + 1 > sizeof text)
                return false;
        if (length > 0)
                memcpy(text, base.at, length);
        if (length > 0 && more > 0 && text[length - 1] != '/' && *name.at != '/')
                text[length++] = '/'; /* of writers who forget it */
        if (more > 0)
                memcpy(text + length, name.at, more);
        length += more;
        if (!lwm2m_path_parse(cursor_of(text, length), out))
                return false;
        if (asked == NULL || asked->count == 0 || (length > 0 && text[0] == '/'))
                return true;
        if (asked->count + out->count > LWM2M_IDS || out->count == 3) /* as long as a whole path is one, with or without a slash */
                return out->count == 3;
        below = *asked;
        for (unsigned i = 0; i < out->count; i++)
                below.ids[below.count++] = out->ids[i];
        *out = below;
        return true;
}

/* TLV (Core, 7.4.5): instances hold resources; the resource instances of a multiple resource are no texts of these four. */
static void tlv_read(struct cursor at, const struct lwm2m_path *asked, struct lwm2m_device *out)
{
        enum { OBJECT_INSTANCE = 0, RESOURCE = 3 };
        struct lwm2m_path path = {.ids = {OBJECT_DEVICE, 0, 0}, .count = 3};
        if (asked == NULL || !lwm2m_path_leads(asked))
                return;
        for (unsigned items = 0; items < TLV_MOST && cursor_left(&at) > 0; items++) {
                uint8_t head = cursor_u8(&at);
                uint16_t id = head & 0x20 ? cursor_be16(&at) : cursor_u8(&at);
                unsigned width = head >> 3 & 3;
                size_t length = width == 0 ? head & 7U : width == 1 ? cursor_u8(&at) : width == 2 ? cursor_be16(&at) : cursor_be24(&at);
                if (head >> 6 == OBJECT_INSTANCE && id == 0 && !at.short_read)
                        continue; /* go on inside */
                struct cursor value = cursor_take(&at, length);
                path.ids[2] = id;
                if (!value.short_read && head >> 6 == RESOURCE)
                        lwm2m_device_take(out, &path, value);
        }
}

/* JSON, old (Core 1.0, 6.4.4: {"bn":..., "e":[{"n":..., "sv":...}]}) and SenML ([{"bn":..., "n":..., "vs":...}]) alike. */
struct json_walk {
        struct cursor at;
        struct cursor base, name, text;
};

static uint8_t json_next(struct json_walk *walk)
{
        while (cursor_left(&walk->at) > 0 && strchr(" \t\r\n", *walk->at.at) != NULL && *walk->at.at != '\0')
                cursor_skip(&walk->at, 1);
        return cursor_peek(&walk->at);
}

static bool json_string(struct json_walk *walk, struct cursor *out)
{
        cursor_skip(&walk->at, 1);
        const uint8_t *from = walk->at.at;
        while (cursor_left(&walk->at) > 0) {
                uint8_t c = cursor_u8(&walk->at);
                if (c == '\\')
                        cursor_skip(&walk->at, 1);
                if (c == '"') {
                        *out = cursor_of(from, (size_t)(walk->at.at - 1 - from));
                        return true;
                }
        }
        return false;
}

static bool is_word(const struct cursor *text, const char *word)
{
        return cursor_left(text) == strlen(word) && cursor_begins(text, word);
}

static void json_record(struct json_walk *walk, const struct lwm2m_path *asked, struct lwm2m_device *out)
{
        struct lwm2m_path path;
        if (cursor_left(&walk->text) > 0 && lwm2m_senml_path(walk->base, walk->name, asked, &path))
                lwm2m_device_take(out, &path, walk->text);
        walk->name = walk->text = cursor_of("", 0);
}

static void json_read(struct cursor payload, const struct lwm2m_path *asked, struct lwm2m_device *out)
{
        struct cursor none = cursor_of("", 0), key = none, value;
        struct json_walk walk = {.at = payload, .base = none, .name = none, .text = none};
        for (unsigned tokens = 0; tokens < JSON_MOST && cursor_left(&walk.at) > 0; tokens++) {
                uint8_t c = json_next(&walk);
                if (c == '{' || c == '}')
                        json_record(&walk, asked, out);
                if (c != '"') {
                        cursor_skip(&walk.at, 1);
                        continue;
                }
                if (!json_string(&walk, &value))
                        return;
                if (json_next(&walk) == ':') {
                        key = value;
                        cursor_skip(&walk.at, 1);
                        continue;
                }
                if (is_word(&key, "bn"))
                        walk.base = value;
                else if (is_word(&key, "n"))
                        walk.name = value;
                else if (is_word(&key, "vs") || is_word(&key, "sv"))
                        walk.text = value;
                key = none;
        }
}

enum dissect_result lwm2m_content_parse(int format, const struct lwm2m_path *asked, struct cursor payload, struct lwm2m_device *out)
{
        *out = (struct lwm2m_device){.found = 0};
        switch (format) {
        case -1:
        case FORMAT_TEXT:
        case FORMAT_OLD_TEXT:
                if (asked != NULL)
                        lwm2m_device_take(out, asked, payload);
                break;
        case FORMAT_TLV:
        case FORMAT_OLD_TLV: tlv_read(payload, asked, out); break;
        case FORMAT_SENML_JSON:
        case FORMAT_JSON:
        case FORMAT_OLD_JSON: json_read(payload, asked, out); break;
        case FORMAT_SENML_CBOR: lwm2m_senml_cbor_read(payload, asked, out); break;
        case FORMAT_CBOR:
        case FORMAT_LWM2M_CBOR: lwm2m_cbor_read(payload, asked, out); break;
        default: return DISSECT_NO_MATCH;
        }
        return out->found > 0 ? DISSECT_OK : DISSECT_NO_MATCH;
}
