/* JSON, written. Messages are walked by their protobuf-c descriptor, so that no sink names a field:
 *
 * - keys are the names of the .proto files, in their order; a field that is not set, a text that is empty, a list or a
 *   message that holds nothing is absent (required fields are always there);
 * - a message `Time` and any fixed64 is Unix time in nanoseconds and becomes "2026-03-01T02:03:04.567891Z" (cut, not
 *   rounded);
 * - an enum is the lower-case name of its value; other integers are numbers;
 * - a double is the shortest of 15 to 17 digits that reads back the same; one that is no number is absent;
 * - bytes are hex, addresses (by their field's name) are text, a community ID is its text "1:...";
 * - a string is escaped as JSON wants it; a byte that is not UTF-8 becomes the four characters \xNN. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

/* Grows as needed. When memory ends, `failed` is set and stays, and what stands there is of no use. */
struct json_buffer {
        char *text;     /* not ended by a NUL; NULL while empty */
        size_t length, size;
        bool failed;
};

void json_buffer_clear(struct json_buffer *buffer); /* frees; {0} is a good start */
static inline void json_buffer_reset(struct json_buffer *buffer)
{
        buffer->length = 0;
        buffer->failed = false;
}
/* Ends the text with a NUL that is not counted. NULL when failed. */
const char *json_buffer_text(struct json_buffer *buffer);

/* A message as one object. */
void model_json_write(const ProtobufCMessage *message, struct json_buffer *out);

/* The members of a message without the braces around; a comma is set where one is due. */
void model_json_write_members(const ProtobufCMessage *message, struct json_buffer *out);

/* By hand. A comma is set where one is due: before a key or an item that follows another.
 *
 *     json_put_begin_object(out);
 *     json_put_key(out, "a"), json_put_number(out, 1);
 *     json_put_key(out, "b"), json_put_begin_list(out), json_put_string(out, "x"), json_put_end_list(out);
 *     json_put_end_object(out); */
void json_put_begin_object(struct json_buffer *out);
void json_put_end_object(struct json_buffer *out);
void json_put_begin_list(struct json_buffer *out);
void json_put_end_list(struct json_buffer *out);
void json_put_key(struct json_buffer *out, const char *key); /* plain ASCII */
void json_put_string(struct json_buffer *out, const char *text);
void json_put_string_of(struct json_buffer *out, const char *text, size_t length); /* a NUL within becomes \x00 */
void json_put_number(struct json_buffer *out, uint64_t number);
void json_put_signed(struct json_buffer *out, int64_t number);
void json_put_double(struct json_buffer *out, double number); /* null when it is no finite number */
void json_put_bool(struct json_buffer *out, bool value);
void json_put_time(struct json_buffer *out, uint64_t time_ns);
void json_put_raw(struct json_buffer *out, const char *text, size_t length); /* a whole JSON value as it is */
void json_put_newline(struct json_buffer *out); /* ends a line of JSON lines */

/* "2026-03-01T02:03:04.567891" and `zone` ("Z", "+0000"). Returns `text`. */
enum { JSON_TIME_SIZE = 40 };
const char *json_time_text(uint64_t time_ns, const char *zone, char text[JSON_TIME_SIZE]);
