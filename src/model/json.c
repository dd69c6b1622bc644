#include "model/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/text.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define MEMBER(message, offset, type) ((const type *)(const void *)((const uint8_t *)(message) + (offset)))

/* The buffer */

void json_buffer_clear(struct json_buffer *buffer)
{
        free(buffer->text);
        *buffer = (struct json_buffer){0};
}

static bool make_room(struct json_buffer *out, size_t more)
{
        size_t wanted = out->size ? out->size * 2 : 4096;
        while (wanted < out->length + more)
                wanted *= 2;
        char *text = out->failed ? NULL : realloc(out->text, wanted);
        if (text == NULL) {
                out->failed = true;
                return false;
        }
        out->text = text;
        out->size = wanted;
        return true;
}

static inline bool has_room(struct json_buffer *out, size_t more)
{
        return (out->size - out->length >= more && !out->failed) || make_room(out, more);
}

static inline void put(struct json_buffer *out, const char *text, size_t length)
{
        if (!has_room(out, length))
                return;
        memcpy(out->text + out->length, text, length);
        out->length += length;
}

static inline void put_character(struct json_buffer *out, char character)
{
        if (has_room(out, 1))
                out->text[out->length++] = character;
}

const char *json_buffer_text(struct json_buffer *buffer)
{
        if (!has_room(buffer, 1))
                return NULL;
        buffer->text[buffer->length] = '\0';
        return buffer->text;
}

/* A comma is due after everything but an opening bracket, a colon, and the start of the text or of a line. */
static inline void separate(struct json_buffer *out)
{
        char last = out->length ? out->text[out->length - 1] : '\n';
        if (last != '{' && last != '[' && last != ':' && last != '\n')
                put_character(out, ',');
}

void json_put_begin_object(struct json_buffer *out)
{
        separate(out);
        put_character(out, '{');
}

void json_put_end_object(struct json_buffer *out)
{
        put_character(out, '}');
}

void json_put_begin_list(struct json_buffer *out)
{
        separate(out);
        put_character(out, '[');
}

void json_put_end_list(struct json_buffer *out)
{
        put_character(out, ']');
}

void json_put_newline(struct json_buffer *out)
{
        put_character(out, '\n');
}

void json_put_key(struct json_buffer *out, const char *key)
{
        separate(out);
        put_character(out, '"');
        put(out, key, strlen(key));
        put(out, "\":", 2);
}

void json_put_raw(struct json_buffer *out, const char *text, size_t length)
{
        separate(out);
        put(out, text, length);
}

/* Values */

/* Writes the character at `at` escaped, or the one byte of it that is not UTF-8; at most 7 bytes. Returns how many bytes of
 * text that took. */
static unsigned put_escaped(struct json_buffer *out, const uint8_t *at, size_t left)
{
        static const char digits[] = "0123456789abcdef";
        static const char *const short_form[256] = {
                ['"'] = "\\\"", ['\\'] = "\\\\", ['\b'] = "\\b", ['\f'] = "\\f",
                ['\n'] = "\\n", ['\r'] = "\\r",  ['\t'] = "\\t",
        };
        if (short_form[*at]) {
                put(out, short_form[*at], 2);
                return 1;
        }
        if (*at == 0) { /* jansson and others refuse \u0000 */
                put(out, "\\\\x00", 5);
                return 1;
        }
        if (*at < 0x20) {
                char escaped[] = {'\\', 'u', '0', '0', digits[*at >> 4], digits[*at & 15]};
                put(out, escaped, sizeof escaped);
                return 1;
        }
        unsigned taken = text_character(at, left);
        if (taken > 0) {
                put(out, (const char *)at, taken);
                return taken;
        }
        char escaped[] = {'\\', '\\', 'x', digits[*at >> 4], digits[*at & 15]};
        put(out, escaped, sizeof escaped);
        return 1;
}

static inline bool is_plain(uint8_t byte)
{
        return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

void json_put_string_of(struct json_buffer *out, const char *text, size_t length)
{
        separate(out);
        put_character(out, '"');
        const uint8_t *at = (const uint8_t *)text;
        for (size_t i = 0; i < length;) {
                size_t plain = i;
                while (plain < length && is_plain(at[plain]))
                        plain++;
                put(out, text + i, plain - i);
                i = plain;
                if (i < length)
                        i += put_escaped(out, at + i, length - i);
        }
        put_character(out, '"');
}

void json_put_string(struct json_buffer *out, const char *text)
{
        json_put_string_of(out, text, strlen(text));
}

void json_put_number(struct json_buffer *out, uint64_t number)
{
        char digits[20];
        size_t at = sizeof digits;
        do
                digits[--at] = (char)('0' + number % 10);
        while ((number /= 10) > 0);
        json_put_raw(out, digits + at, sizeof digits - at);
}

void json_put_signed(struct json_buffer *out, int64_t number)
{
        char text[24];
        json_put_raw(out, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)number));
}

/* Coordinates and the like: at most 7 digits behind the point and 8 before it. There is one decimal of up to 15 digits that
 * reads as a given double, so this one is the shortest. */
static bool put_short_decimal(struct json_buffer *out, double number)
{
        if (!(number > -1e8 && number < 1e8))
                return false;
        double magnitude = number < 0 ? -number : number;
        uint64_t scaled = (uint64_t)(magnitude * 1e7 + 0.5);
        if ((double)scaled / 1e7 != magnitude)
                return false;
        char digits[20];
        size_t at = sizeof digits;
        for (unsigned i = 0; i < 7; i++, scaled /= 10)
                if (scaled % 10 != 0 || at < sizeof digits)
                        digits[--at] = (char)('0' + scaled % 10);
        if (at < sizeof digits)
                digits[--at] = '.';
        do
                digits[--at] = (char)('0' + scaled % 10);
        while ((scaled /= 10) > 0);
        if (number < 0)
                digits[--at] = '-';
        json_put_raw(out, digits + at, sizeof digits - at);
        return true;
}

void json_put_double(struct json_buffer *out, double number)
{
        char text[40];
        if (put_short_decimal(out, number))
                return;
        int length = 0;
        if (!isfinite(number)) {
                json_put_raw(out, "null", 4);
                return;
        }
        for (int digits = 15; digits <= 17; digits++) {
                length = snprintf(text, sizeof text, "%.*g", digits, number);
                if (strtod(text, NULL) == number)
                        break;
        }
        json_put_raw(out, text, (size_t)length);
}

void json_put_bool(struct json_buffer *out, bool value)
{
        json_put_raw(out, value ? "true" : "false", value ? 4 : 5);
}

static char *put_digits(char *at, uint32_t number, unsigned digits)
{
        for (unsigned i = digits; i-- > 0; number /= 10)
                at[i] = (char)('0' + number % 10);
        return at + digits;
}

/* Days since 1970-01-01 as a date of the Gregorian calendar, counted in eras of 400 years that begin on 1 March. */
static char *put_date(char *at, uint64_t days)
{
        uint64_t shifted = days + 719468;
        uint64_t era = shifted / 146097, day_of_era = shifted % 146097;
        uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        uint64_t month_from_march = (5 * day_of_year + 2) / 153;
        uint64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
        uint64_t year = year_of_era + era * 400 + (month <= 2);
        at = put_digits(at, (uint32_t)year, 4);
        *at++ = '-';
        at = put_digits(at, (uint32_t)month, 2);
        *at++ = '-';
        return put_digits(at, (uint32_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1), 2);
}

const char *json_time_text(uint64_t time_ns, const char *zone, char text[JSON_TIME_SIZE])
{
        uint64_t seconds = time_ns / NS_PER_SECOND;
        uint32_t of_day = (uint32_t)(seconds % 86400);
        char *at = put_date(text, seconds / 86400);
        *at++ = 'T';
        at = put_digits(at, of_day / 3600, 2);
        *at++ = ':';
        at = put_digits(at, of_day / 60 % 60, 2);
        *at++ = ':';
        at = put_digits(at, of_day % 60, 2);
        *at++ = '.';
        at = put_digits(at, (uint32_t)(time_ns % NS_PER_SECOND / 1000), 6);
        size_t left = (size_t)(text + JSON_TIME_SIZE - 1 - at), length = strnlen(zone, left);
        memcpy(at, zone, length);
        at[length] = '\0';
        return text;
}

void json_put_time(struct json_buffer *out, uint64_t time_ns)
{
        char text[JSON_TIME_SIZE];
        json_time_text(time_ns, "Z", text);
        separate(out);
        put_character(out, '"');
        put(out, text, strlen(text));
        put_character(out, '"');
}

/* Messages */

static void put_enum(struct json_buffer *out, const ProtobufCEnumDescriptor *descriptor, int number)
{
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(descriptor, number);
        char name[64];
        size_t length = 0;
        if (value == NULL) { /* of a later version */
                json_put_signed(out, number);
                return;
        }
        for (const char *at = value->name; *at && length < sizeof name; at++)
                name[length++] = (char)(*at >= 'A' && *at <= 'Z' ? *at | 0x20 : *at);
        json_put_string_of(out, name, length);
}

static bool is_address_field(const char *name)
{
        static const char *const names[] = {"device", "peer", "address", "tunnel_source", "tunnel_destination",
                                            "source", "destination", "ipv4", "ipv6", "ipv6_prefix"};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (strcmp(name, names[i]) == 0)
                        return true;
        return false;
}

static void put_bytes(struct json_buffer *out, const char *name, const ProtobufCBinaryData *bytes)
{
        struct address address;
        char text[ADDRESS_TEXT_SIZE];
        if (is_address_field(name) && address_from_bytes(bytes->data, bytes->len, &address)) {
                json_put_string(out, address_text(&address, text));
                return;
        }
        separate(out);
        if (bytes->len == 20 && strcmp(name, "community_id") == 0) {
                char base64[29];
                text_base64(bytes->data, bytes->len, base64);
                put(out, "\"1:", 3);
                put(out, base64, sizeof base64 - 1);
                put_character(out, '"');
        } else if (has_room(out, 2 * bytes->len + 3)) {
                put_character(out, '"');
                text_hex(bytes->data, bytes->len, out->text + out->length);
                out->length += 2 * bytes->len;
                put_character(out, '"');
        }
}

static bool is_time_message(const ProtobufCMessageDescriptor *descriptor)
{
        return descriptor->n_fields == 1 && strcmp(descriptor->short_name, "Time") == 0;
}

static void put_message(struct json_buffer *out, const ProtobufCMessage *message)
{
        const ProtobufCMessageDescriptor *descriptor = message->descriptor;
        if (is_time_message(descriptor))
                json_put_time(out, *MEMBER(message, descriptor->fields[0].offset, uint64_t));
        else
                model_json_write(message, out);
}

static void put_value(struct json_buffer *out, const ProtobufCFieldDescriptor *field, const void *value)
{
        const char *text;
        switch (field->type) {
        case PROTOBUF_C_TYPE_UINT32:
                json_put_number(out, *(const uint32_t *)value);
                break;
        case PROTOBUF_C_TYPE_UINT64:
                json_put_number(out, *(const uint64_t *)value);
                break;
        case PROTOBUF_C_TYPE_FIXED64:
                json_put_time(out, *(const uint64_t *)value);
                break;
        case PROTOBUF_C_TYPE_BOOL:
                json_put_bool(out, *(const protobuf_c_boolean *)value != 0);
                break;
        case PROTOBUF_C_TYPE_DOUBLE:
                json_put_double(out, *(const double *)value);
                break;
        case PROTOBUF_C_TYPE_ENUM:
                put_enum(out, field->descriptor, *(const int *)value);
                break;
        case PROTOBUF_C_TYPE_STRING:
                text = *(const char *const *)value;
                json_put_string(out, text ? text : "");
                break;
        case PROTOBUF_C_TYPE_BYTES:
                put_bytes(out, field->name, value);
                break;
        case PROTOBUF_C_TYPE_MESSAGE:
                put_message(out, *(const ProtobufCMessage *const *)value);
                break;
        default: /* wire_knows says no to the others, and its test asks it for all messages */
                assert(!"a type that no .proto of ours uses");
        }
}

static bool is_set(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
        const void *value = MEMBER(message, field->offset, void);
        bool is_oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if (field->label == PROTOBUF_C_LABEL_REQUIRED)
                return field->type != PROTOBUF_C_TYPE_MESSAGE || *(const ProtobufCMessage *const *)value != NULL;
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
                return *MEMBER(message, field->quantifier_offset, size_t) > 0;
        if (is_oneof && *MEMBER(message, field->quantifier_offset, uint32_t) != field->id)
                return false;
        if (field->type == PROTOBUF_C_TYPE_STRING)
                return *(const char *const *)value != NULL && **(const char *const *)value != '\0';
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
                return *(const ProtobufCMessage *const *)value != NULL;
        if (!is_oneof && !*MEMBER(message, field->quantifier_offset, protobuf_c_boolean))
                return false;
        return field->type != PROTOBUF_C_TYPE_DOUBLE || isfinite(*(const double *)value);
}

static void put_list(struct json_buffer *out, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
        size_t count = *MEMBER(message, field->quantifier_offset, size_t);
        const uint8_t *items = *MEMBER(message, field->offset, uint8_t *);
        size_t item_size = field->type == PROTOBUF_C_TYPE_UINT32 ? sizeof(uint32_t) : sizeof(void *);
        json_put_begin_list(out);
        for (size_t i = 0; i < count; i++)
                put_value(out, field, items + i * item_size);
        json_put_end_list(out);
}

static void put_field(struct json_buffer *out, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
        size_t before = out->length;
        json_put_key(out, field->name);
        size_t value_at = out->length;
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
                put_list(out, field, message);
        else
                put_value(out, field, MEMBER(message, field->offset, void));
        /* What holds nothing is absent; the body of an event says what it is even then (a tick). */
        bool may_go = field->label == PROTOBUF_C_LABEL_OPTIONAL && field->type == PROTOBUF_C_TYPE_MESSAGE &&
                      (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0;
        if (may_go && out->length - value_at == 2 && memcmp(out->text + value_at, "{}", 2) == 0)
                out->length = before;
}

void model_json_write_members(const ProtobufCMessage *message, struct json_buffer *out)
{
        const ProtobufCMessageDescriptor *descriptor = message->descriptor;
        for (unsigned i = 0; i < descriptor->n_fields && !out->failed; i++)
                if (is_set(&descriptor->fields[i], message))
                        put_field(out, &descriptor->fields[i], message);
}

void model_json_write(const ProtobufCMessage *message, struct json_buffer *out)
{
        json_put_begin_object(out);
        model_json_write_members(message, out);
        json_put_end_object(out);
}
