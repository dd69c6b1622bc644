#include "dissectors/app/mqtt_message.h"

enum { LONGEST_PROPERTIES = 8192, PROPERTY_TOPIC_ALIAS = 0x23 };

/* Variable byte integer (2.2.3): at most four bytes. */
static enum dissect_result take_length(struct cursor *cursor, uint32_t *length)
{
        uint32_t n = 0;
        for (unsigned shift = 0; shift < 28; shift += 7) {
                uint8_t byte = cursor_u8(cursor);
                if (cursor->short_read)
                        return DISSECT_TRUNCATED;
                n |= (uint32_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80)) {
                        *length = n;
                        return DISSECT_OK;
                }
        }
        return DISSECT_MALFORMED;
}

static bool flags_are_possible(uint8_t type, uint8_t flags)
{
        if (type == MQTT_PUBLISH)
                return (flags & 6) != 6;
        if (type == MQTT_PUBREL || type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE)
                return (flags & 7) == 2; /* 3.1 sets DUP when it repeats them */
        return flags == 0;
}

static bool length_is_possible(uint8_t type, uint32_t length)
{
        switch ((enum mqtt_type)type) {
        case MQTT_CONNECT:
                return length >= 12;
        case MQTT_CONNACK:
                return length >= 2 && length < 2048;
        case MQTT_PUBLISH:
                return length >= 2;
        case MQTT_PUBACK:
        case MQTT_PUBREC:
        case MQTT_PUBREL:
        case MQTT_PUBCOMP:
        case MQTT_UNSUBACK:
                return length >= 2 && length < 4096;
        case MQTT_SUBSCRIBE:
        case MQTT_UNSUBSCRIBE:
                return length >= 5;
        case MQTT_SUBACK:
                return length >= 3 && length < 4096;
        case MQTT_PINGREQ:
        case MQTT_PINGRESP:
                return length == 0;
        case MQTT_DISCONNECT:
        case MQTT_AUTH:
                return length < 4096;
        }
        return false;
}

enum dissect_result mqtt_parse_header(struct cursor *cursor, struct mqtt_header *out)
{
        struct cursor at = *cursor;
        uint8_t first = cursor_u8(&at);
        *out = (struct mqtt_header){.type = first >> 4, .flags = first & 0x0f};
        if (at.short_read)
                return DISSECT_TRUNCATED;
        if (out->type == 0 || !flags_are_possible(out->type, out->flags))
                return DISSECT_NO_MATCH;
        enum dissect_result result = take_length(&at, &out->length);
        if (result != DISSECT_OK)
                return result;
        if (!length_is_possible(out->type, out->length))
                return DISSECT_NO_MATCH;
        *cursor = at;
        return DISSECT_OK;
}

static struct cursor take_text(struct cursor *cursor)
{
        return cursor_take(cursor, cursor_be16(cursor));
}

enum dissect_result mqtt_parse_connect(struct cursor *body, struct mqtt_connect *out)
{
        static const uint8_t names[] = "\0\4MQTT\0\6MQIsdp";
        size_t here = cursor_left(body) < 6 ? cursor_left(body) : 6;
        bool old = here > 1 && body->at[1] == 6;
        if (here > 0 && memcmp(body->at, old ? names + 6 : names, here) != 0)
                return DISSECT_NO_MATCH;
        take_text(body);
        uint8_t version = cursor_u8(body) & 0x7f; /* the top bit marks a bridge */
        uint8_t flags = cursor_u8(body);
        uint32_t properties;
        *out = (struct mqtt_connect){.version = version, .keep_alive_s = cursor_be16(body)};
        if (body->short_read)
                return DISSECT_TRUNCATED;
        if (old ? version != 3 : version != 4 && version != 5)
                return DISSECT_NO_MATCH;
        if ((flags & 0x18) == 0x18 || (!(flags & 4) && (flags & 0x38)) || ((flags & 1) && !old))
                return DISSECT_MALFORMED;
        out->has_user = flags & 0x80;
        out->has_password = flags & 0x40;
        out->has_will = flags & 4;
        if (version == 5) {
                enum dissect_result result = take_length(body, &properties);
                if (result != DISSECT_OK)
                        return result;
                cursor_skip(body, properties);
        }
        out->client = take_text(body);
        return body->short_read ? DISSECT_TRUNCATED : DISSECT_OK;
}

/* Of the properties that may stand in PUBLISH (3.3.2.3) only the alias is of interest. */
static uint16_t find_alias(struct cursor properties)
{
        uint32_t ignored;
        while (cursor_left(&properties) > 0) {
                switch (cursor_u8(&properties)) {
                case 0x01: /* payload format indicator */
                        cursor_skip(&properties, 1);
                        break;
                case 0x02: /* message expiry interval */
                        cursor_skip(&properties, 4);
                        break;
                case 0x03: /* content type */
                case 0x08: /* response topic */
                case 0x09: /* correlation data */
                        take_text(&properties);
                        break;
                case 0x0b: /* subscription identifier */
                        take_length(&properties, &ignored);
                        break;
                case 0x26: /* user property */
                        take_text(&properties);
                        take_text(&properties);
                        break;
                case PROPERTY_TOPIC_ALIAS:
                        return cursor_be16(&properties);
                default:
                        return 0;
                }
        }
        return 0;
}

enum dissect_result mqtt_parse_publish(const struct mqtt_header *header, uint8_t version, struct cursor *body,
                                       struct mqtt_publish *out)
{
        size_t before = cursor_left(body);
        uint32_t properties;
        *out = (struct mqtt_publish){.topic = take_text(body)};
        if (header->flags & 6)
                cursor_skip(body, 2); /* packet id */
        if (version == 5 && !body->short_read) {
                enum dissect_result result = take_length(body, &properties);
                if (result != DISSECT_OK)
                        return result;
                if (properties > LONGEST_PROPERTIES || properties > header->length)
                        return DISSECT_MALFORMED;
                out->alias = find_alias(cursor_take(body, properties));
        }
        if (body->short_read)
                return DISSECT_TRUNCATED;
        out->head_length = before - cursor_left(body);
        return out->head_length > header->length ? DISSECT_MALFORMED : DISSECT_OK;
}
