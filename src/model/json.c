#include "model/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/apart.h"
#include "base/text.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define MEMBER(message, offset, type) ((const type *)(const void *)((const uint8_t *)(message) + (offset)))

/* The buffer */

void json_buffer_clear(struct json_buffer *buffer)
{
        free(buffer->text);
        *buffer = (struct json_buffer){0};
}

static APART bool make_room(struct json_buffer *out, size_t more)
{
        size_t wanted = out->size ? out->size * 2 : 4096;
        while (wanted < out->length + more)
                wanted *= 2;
        char *text = out->failed ? NULL : realloc(out->text, wanted);
        if (text == NULL) {
                out->size = out->length; /* so that has_room need not ask whether it failed */
                out->failed = true;
                return false;
        }
        out->text = text;
        out->size = wanted;
        return true;
}

static inline bool has_room(struct json_buffer *out, size_t more)
{
        return out->size - out->length >= more || make_room(out, more);
}

static inline void put(struct json_buffer *out, const char *text, size_t length)
{
        if (!has_room(out, length))
                return;
        memcpy(out->text + out->length, text, length);
        out->length += length;
}

/* Where `most` bytes may be written that count once they are added to the length. NULL: there is no room. */
static inline char *room_for(struct json_buffer *out, size_t most)
{
        return has_room(out, most) ? out->text + out->length : NULL;
}

static inline void put_character(struct json_buffer *out, char character)
{
        if (has_room(out, 1))
                out->text[out->length++] = character;
}

const char *json_buffer_text(struct json_buffer *buffer)
{
        if (buffer->failed || !has_room(buffer, 1))
                return NULL;
        buffer->text[buffer->length] = '\0';
        return buffer->text;
}

/* A comma is due after everything but an opening bracket, a colon, and the start of the text or of a line. */
static inline bool is_comma_due(const struct json_buffer *out)
{
        char last = out->length ? out->text[out->length - 1] : '\n';
        return last != '{' && last != '[' && last != ':' && last != '\n';
}

static inline void separate(struct json_buffer *out)
{
        if (is_comma_due(out))
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

static inline void write_key(struct json_buffer *out, const char *key)
{
        size_t length = strlen(key);
        char *at = room_for(out, length + 4);
        if (at == NULL)
                return;
        if (is_comma_due(out)) {
                *at++ = ',';
                out->length++;
        }
        at[0] = '"';
        memcpy(at + 1, key, length);
        at[length + 1] = '"';
        at[length + 2] = ':';
        out->length += length + 3;
}

void json_put_key(struct json_buffer *out, const char *key)
{
        write_key(out, key);
}

void json_put_raw(struct json_buffer *out, const char *text, size_t length)
{
        separate(out);
        put(out, text, length);
}

/* Values. What is called write_ sets no comma before: for what stands behind a key, or is separated already. */

/* Writes the character at `at` escaped, or the one byte of it that is not UTF-8; at most 6 bytes. Returns how many bytes of
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

static inline bool are_plain(uint64_t eight)
{
        const uint64_t each = UINT64_C(0x0101010101010101), tops = each * 0x80;
        uint64_t quote = eight ^ each * '"', slash = eight ^ each * '\\';
        uint64_t below_space = (eight - each * 0x20) & ~eight;
        return ((eight | below_space | ((quote - each) & ~quote) | ((slash - each) & ~slash)) & tops) == 0;
}

/* Copies as long as nothing asks for an escape; how many bytes that were. */
static inline size_t copy_plain(char *out, const char *text, size_t length)
{
        size_t done = 0;
        for (uint64_t eight; length - done >= sizeof eight; done += sizeof eight) {
                memcpy(&eight, text + done, sizeof eight);
                if (!are_plain(eight))
                        break;
                memcpy(out + done, &eight, sizeof eight);
        }
        for (; done < length && is_plain((uint8_t)text[done]); done++)
                out[done] = text[done];
        return done;
}

static void write_string(struct json_buffer *out, const char *text, size_t length)
{
        char *at = room_for(out, length + 2);
        if (at == NULL)
                return;
        *at = '"';
        size_t done = copy_plain(at + 1, text, length);
        out->length += 1 + done;
        while (done < length) {
                done += put_escaped(out, (const uint8_t *)text + done, length - done);
                at = room_for(out, length - done);
                if (at == NULL)
                        return;
                size_t plain = copy_plain(at, text + done, length - done);
                out->length += plain;
                done += plain;
        }
        put_character(out, '"');
}

void json_put_string_of(struct json_buffer *out, const char *text, size_t length)
{
        separate(out);
        write_string(out, text, length);
}

void json_put_string(struct json_buffer *out, const char *text)
{
        json_put_string_of(out, text, strlen(text));
}

static void write_number(struct json_buffer *out, uint64_t number)
{
        char digits[20];
        size_t at = sizeof digits;
        do
                digits[--at] = (char)('0' + number % 10);
        while ((number /= 10) > 0);
        put(out, digits + at, sizeof digits - at);
}

void json_put_number(struct json_buffer *out, uint64_t number)
{
        separate(out);
        write_number(out, number);
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
        put(out, digits + at, sizeof digits - at);
        return true;
}

static void write_double(struct json_buffer *out, double number)
{
        char text[40];
        if (put_short_decimal(out, number))
                return;
        int length = 0;
        if (!isfinite(number)) {
                put(out, "null", 4);
                return;
        }
        for (int digits = 15; digits <= 17; digits++) {
                length = snprintf(text, sizeof text, "%.*g", digits, number);
                if (strtod(text, NULL) == number)
                        break;
        }
        put(out, text, (size_t)length);
}

void json_put_double(struct json_buffer *out, double number)
{
        separate(out);
        write_double(out, number);
}

static void write_bool(struct json_buffer *out, bool value)
{
        put(out, value ? "true" : "false", value ? 4 : 5);
}

void json_put_bool(struct json_buffer *out, bool value)
{
        separate(out);
        write_bool(out, value);
}

static inline char *put_two(char *at, uint32_t number)
{
        at[0] = (char)('0' + number / 10);
        at[1] = (char)('0' + number % 10);
        return at + 2;
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
        at = put_two(put_two(at, (uint32_t)year / 100), (uint32_t)year % 100);
        *at++ = '-';
        at = put_two(at, (uint32_t)month);
        *at++ = '-';
        return put_two(at, (uint32_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1));
}

enum { MOMENT_LENGTH = 26 };

static char *put_moment(char *at, uint64_t time_ns)
{
        uint64_t seconds = time_ns / NS_PER_SECOND;
        uint32_t of_day = (uint32_t)(seconds % 86400), micros = (uint32_t)(time_ns % NS_PER_SECOND / 1000);
        at = put_date(at, seconds / 86400);
        *at++ = 'T';
        at = put_two(at, of_day / 3600);
        *at++ = ':';
        at = put_two(at, of_day / 60 % 60);
        *at++ = ':';
        at = put_two(at, of_day % 60);
        *at++ = '.';
        return put_two(put_two(put_two(at, micros / 10000), micros / 100 % 100), micros % 100);
}

const char *json_time_text(uint64_t time_ns, const char *zone, char text[JSON_TIME_SIZE])
{
        char *at = put_moment(text, time_ns);
        size_t left = (size_t)(text + JSON_TIME_SIZE - 1 - at), length = strnlen(zone, left);
        memcpy(at, zone, length);
        at[length] = '\0';
        return text;
}

static void write_time(struct json_buffer *out, uint64_t time_ns)
{
        char *at = room_for(out, MOMENT_LENGTH + 3);
        if (at == NULL)
                return;
        *at = '"';
        at = put_moment(at + 1, time_ns);
        at[0] = 'Z';
        at[1] = '"';
        out->length += MOMENT_LENGTH + 3;
}

void json_put_time(struct json_buffer *out, uint64_t time_ns)
{
        separate(out);
        write_time(out, time_ns);
}

/* Messages */

/* The name of a value is an identifier: nothing in it asks for an escape. */
static void write_enum(struct json_buffer *out, const ProtobufCEnumDescriptor *descriptor, int number)
{
        enum { NAME_MOST = 64 };
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(descriptor, number);
        if (value == NULL) { /* of a later version */
                char text[16];
                put(out, text, (size_t)snprintf(text, sizeof text, "%d", number));
                return;
        }
        char *at = room_for(out, NAME_MOST + 2);
        if (at == NULL)
                return;
        size_t length = 1;
        at[0] = '"';
        for (const char *name = value->name; *name && length <= NAME_MOST; name++)
                at[length++] = (char)(*name >= 'A' && *name <= 'Z' ? *name | 0x20 : *name);
        at[length++] = '"';
        out->length += length;
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

static void write_bytes(struct json_buffer *out, const char *name, const ProtobufCBinaryData *bytes)
{
        struct address address;
        char text[ADDRESS_TEXT_SIZE];
        if (is_address_field(name) && address_from_bytes(bytes->data, bytes->len, &address)) {
                address_text(&address, text);
                write_string(out, text, strlen(text));
                return;
        }
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

static void write_object(struct json_buffer *out, const ProtobufCMessage *message)
{
        put_character(out, '{');
        model_json_write_members(message, out);
        put_character(out, '}');
}

static void write_message(struct json_buffer *out, const ProtobufCMessage *message)
{
        const ProtobufCMessageDescriptor *descriptor = message->descriptor;
        if (is_time_message(descriptor))
                write_time(out, *MEMBER(message, descriptor->fields[0].offset, uint64_t));
        else
                write_object(out, message);
}

static void write_value(struct json_buffer *out, const ProtobufCFieldDescriptor *field, const void *value)
{
        const char *text;
        switch (field->type) {
        case PROTOBUF_C_TYPE_UINT32:
                write_number(out, *(const uint32_t *)value);
                break;
        case PROTOBUF_C_TYPE_UINT64:
                write_number(out, *(const uint64_t *)value);
                break;
        case PROTOBUF_C_TYPE_FIXED64:
                write_time(out, *(const uint64_t *)value);
                break;
        case PROTOBUF_C_TYPE_BOOL:
                write_bool(out, *(const protobuf_c_boolean *)value != 0);
                break;
        case PROTOBUF_C_TYPE_DOUBLE:
                write_double(out, *(const double *)value);
                break;
        case PROTOBUF_C_TYPE_ENUM:
                write_enum(out, field->descriptor, *(const int *)value);
                break;
        case PROTOBUF_C_TYPE_STRING:
                text = *(const char *const *)value;
                write_string(out, text ? text : "", text ? strlen(text) : 0);
                break;
        case PROTOBUF_C_TYPE_BYTES:
                write_bytes(out, field->name, value);
                break;
        case PROTOBUF_C_TYPE_MESSAGE:
                write_message(out, *(const ProtobufCMessage *const *)value);
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

static void write_list(struct json_buffer *out, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
        size_t count = *MEMBER(message, field->quantifier_offset, size_t);
        const uint8_t *items = *MEMBER(message, field->offset, uint8_t *);
        size_t item_size = field->type == PROTOBUF_C_TYPE_UINT32 ? sizeof(uint32_t) : sizeof(void *);
        put_character(out, '[');
        for (size_t i = 0; i < count; i++) {
                if (i > 0)
                        put_character(out, ',');
                write_value(out, field, items + i * item_size);
        }
        put_character(out, ']');
}

static void put_field(struct json_buffer *out, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
        size_t before = out->length;
        write_key(out, field->name);
        size_t value_at = out->length;
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
                write_list(out, field, message);
        else
                write_value(out, field, MEMBER(message, field->offset, void));
        /* What holds nothing is absent; the body of an event says what it is even then (a tick). */
        bool may_go = field->label == PROTOBUF_C_LABEL_OPTIONAL && field->type == PROTOBUF_C_TYPE_MESSAGE &&
                      (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0;
        if (may_go && out->length - value_at == 2 && memcmp(out->text + value_at, "{}", 2) == 0)
                out->length = before;
}

void model_json_write_members(const ProtobufCMessage *message, struct json_buffer *out)
{
        const ProtobufCFieldDescriptor *field = message->descriptor->fields, *end = field + message->descriptor->n_fields;
        for (; field < end && !out->failed; field++)
                if (is_set(field, message))
                        put_field(out, field, message);
}

void model_json_write(const ProtobufCMessage *message, struct json_buffer *out)
{
        separate(out);
        write_object(out, message);
}
