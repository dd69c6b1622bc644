#include "model/wire.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/apart.h"
#include "base/cursor.h"

enum { VARINT = PROTOBUF_C_WIRE_TYPE_VARINT, FIXED_64 = PROTOBUF_C_WIRE_TYPE_64BIT,
       LENGTH_PREFIXED = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, FIXED_32 = PROTOBUF_C_WIRE_TYPE_32BIT,
       SCALAR_MOST = 16, /* a tag and a varint are less */
       MOST_FIELDS = 64, MOST_DEPTH = 8 };

static const uint8_t wire_types[] = {
        /* of the types that wire_knows; the others are 0 too, and never asked for */
        [PROTOBUF_C_TYPE_UINT32] = VARINT,
        [PROTOBUF_C_TYPE_UINT64] = VARINT,
        [PROTOBUF_C_TYPE_BOOL] = VARINT,
        [PROTOBUF_C_TYPE_ENUM] = VARINT,
        [PROTOBUF_C_TYPE_FIXED64] = FIXED_64,
        [PROTOBUF_C_TYPE_DOUBLE] = FIXED_64,
        [PROTOBUF_C_TYPE_STRING] = LENGTH_PREFIXED,
        [PROTOBUF_C_TYPE_BYTES] = LENGTH_PREFIXED,
        [PROTOBUF_C_TYPE_MESSAGE] = LENGTH_PREFIXED,
};

#define MEMBER(message, offset, type) ((type *)(void *)((uint8_t *)(message) + (offset)))
#define CONST_MEMBER(message, offset, type) ((const type *)(const void *)((const uint8_t *)(message) + (offset)))

static inline bool is_oneof(const ProtobufCFieldDescriptor *field)
{
        return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

static inline bool has_pointer(const ProtobufCFieldDescriptor *field)
{
        return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
}

static bool knows_type(const ProtobufCFieldDescriptor *field)
{
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
        case PROTOBUF_C_TYPE_MESSAGE:
        case PROTOBUF_C_TYPE_UINT32:
                return true;
        case PROTOBUF_C_TYPE_UINT64:
        case PROTOBUF_C_TYPE_FIXED64:
        case PROTOBUF_C_TYPE_DOUBLE:
        case PROTOBUF_C_TYPE_BOOL:
        case PROTOBUF_C_TYPE_ENUM:
        case PROTOBUF_C_TYPE_BYTES:
                return field->label != PROTOBUF_C_LABEL_REPEATED;
        default:
                return false;
        }
}

/* is_set asks only for the offset, which stands in the same cache line as all else that it asks for. */
static bool has_offset_when_in_oneof(const ProtobufCFieldDescriptor *field)
{
        return field->label != PROTOBUF_C_LABEL_OPTIONAL || !has_pointer(field) ||
               is_oneof(field) == (field->quantifier_offset != 0);
}

static bool knows_to_depth(const ProtobufCMessageDescriptor *descriptor, unsigned depth)
{
        if (depth == MOST_DEPTH || descriptor->n_fields > MOST_FIELDS)
                return false;
        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
                if (!knows_type(field) || field->label == PROTOBUF_C_LABEL_NONE || !has_offset_when_in_oneof(field) ||
                    (field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) || (i > 0 && field->id <= field[-1].id))
                        return false;
                if (field->type == PROTOBUF_C_TYPE_MESSAGE && !knows_to_depth(field->descriptor, depth + 1))
                        return false;
        }
        return true;
}

bool wire_knows(const ProtobufCMessageDescriptor *descriptor)
{
        return knows_to_depth(descriptor, 0);
}

/* Packing. Bytes are written forward; a message's length is put in front of it when it is known. */

struct writer {
        uint8_t *at, *end;
        bool full;
};

static inline uint8_t *write_varint(uint8_t *at, uint64_t value)
{
        while (value >= 0x80) {
                *at++ = (uint8_t)(value | 0x80);
                value >>= 7;
        }
        *at++ = (uint8_t)value;
        return at;
}

static inline unsigned varint_length(uint64_t value)
{
        unsigned length = 1;
        for (; value >= 0x80; value >>= 7)
                length++;
        return length;
}

static void put_bytes(struct writer *out, const void *bytes, size_t length)
{
        if ((size_t)(out->end - out->at) < length) {
                out->full = true;
                return;
        }
        if (length > 0)
                memcpy(out->at, bytes, length);
        out->at += length;
}

/* A tag and what stands behind it, where there is room for the most that this can be. */
static inline uint8_t *write_head(uint8_t *at, uint32_t id, unsigned wire_type, uint64_t value)
{
        at = write_varint(at, id << 3 | wire_type);
        if (wire_type != FIXED_64)
                return write_varint(at, value);
        uint64_t little_endian = htole64(value);
        memcpy(at, &little_endian, 8);
        return at + 8;
}

static APART void put_last_head(struct writer *out, uint32_t id, unsigned wire_type, uint64_t value)
{
        uint8_t scratch[SCALAR_MOST];
        put_bytes(out, scratch, (size_t)(write_head(scratch, id, wire_type, value) - scratch));
}

static inline void put_head(struct writer *out, uint32_t id, unsigned wire_type, uint64_t value)
{
        if (out->end - out->at >= SCALAR_MOST)
                out->at = write_head(out->at, id, wire_type, value);
        else
                put_last_head(out, id, wire_type, value);
}

static void put_message(struct writer *out, const ProtobufCMessage *message);

static void put_prefixed_message(struct writer *out, uint32_t id, const ProtobufCMessage *message)
{
        /* Bytes of the length: a message of many fields is rarely under 128. Where room is short, only a guess of 1 is
         * exact. */
        unsigned guess = message->descriptor->n_fields > 16 && out->end - out->at > 256 ? 2 : 1;
        put_head(out, id, LENGTH_PREFIXED, guess == 2 ? 0x80 : 0); /* what stands for the length is written over below */
        uint8_t *body = out->at;
        put_message(out, message);
        if (out->full)
                return;
        size_t length = (size_t)(out->at - body);
        unsigned needed = varint_length(length);
        if (needed > guess && (size_t)(out->end - out->at) < needed - guess) {
                out->full = true;
                return;
        }
        if (needed != guess)
                memmove(body - guess + needed, body, length);
        write_varint(body - guess, length);
        out->at = body - guess + needed + length;
}

static void put_string(struct writer *out, uint32_t id, const char *text)
{
        size_t length = text ? strlen(text) : 0;
        put_head(out, id, LENGTH_PREFIXED, length);
        put_bytes(out, text, length);
}

static void put_repeated(struct writer *out, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
        size_t count = *CONST_MEMBER(message, field->quantifier_offset, size_t);
        const void *items = *CONST_MEMBER(message, field->offset, void *);
        for (size_t i = 0; i < count; i++) {
                if (field->type == PROTOBUF_C_TYPE_UINT32)
                        put_head(out, field->id, VARINT, ((const uint32_t *)items)[i]);
                else if (field->type == PROTOBUF_C_TYPE_STRING)
                        put_string(out, field->id, ((const void *const *)items)[i]);
                else
                        put_prefixed_message(out, field->id, ((const void *const *)items)[i]);
        }
}

static void put_value(struct writer *out, const ProtobufCFieldDescriptor *field, const void *value)
{
        const ProtobufCBinaryData *bytes = value;
        uint64_t bits;
        switch (field->type) {
        case PROTOBUF_C_TYPE_UINT32:
                put_head(out, field->id, VARINT, *(const uint32_t *)value);
                break;
        case PROTOBUF_C_TYPE_UINT64:
                put_head(out, field->id, VARINT, *(const uint64_t *)value);
                break;
        case PROTOBUF_C_TYPE_BOOL:
                put_head(out, field->id, VARINT, *(const protobuf_c_boolean *)value != 0);
                break;
        case PROTOBUF_C_TYPE_ENUM:
                put_head(out, field->id, VARINT, (uint64_t)(int64_t)*(const int *)value);
                break;
        case PROTOBUF_C_TYPE_FIXED64:
        case PROTOBUF_C_TYPE_DOUBLE:
                memcpy(&bits, value, 8);
                put_head(out, field->id, FIXED_64, bits);
                break;
        case PROTOBUF_C_TYPE_STRING:
                put_string(out, field->id, *(const char *const *)value);
                break;
        case PROTOBUF_C_TYPE_BYTES:
                put_head(out, field->id, LENGTH_PREFIXED, bytes->len);
                put_bytes(out, bytes->data, bytes->len);
                break;
        case PROTOBUF_C_TYPE_MESSAGE:
                put_prefixed_message(out, field->id, *(const ProtobufCMessage *const *)value);
                break;
        default:
                assert(!"wire_knows says no to this type");
        }
}

static inline bool is_set(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
        if (has_pointer(field)) {
                if (field->quantifier_offset != 0 && *CONST_MEMBER(message, field->quantifier_offset, uint32_t) != field->id)
                        return false; /* another of its oneof is */
                const void *pointer = *CONST_MEMBER(message, field->offset, void *);
                return pointer != NULL && pointer != field->default_value;
        }
        uint32_t told = *CONST_MEMBER(message, field->quantifier_offset, uint32_t); /* has_..., or which of a oneof */
        return told != 0 && (!is_oneof(field) || told == field->id);
}

static void put_message(struct writer *out, const ProtobufCMessage *message)
{
        const ProtobufCFieldDescriptor *field = message->descriptor->fields, *end = field + message->descriptor->n_fields;
        for (; field < end; field++) {
                if (field->label == PROTOBUF_C_LABEL_REPEATED)
                        put_repeated(out, field, message);
                else if (field->label == PROTOBUF_C_LABEL_REQUIRED || is_set(field, message))
                        put_value(out, field, CONST_MEMBER(message, field->offset, void));
        }
}

size_t wire_pack(const ProtobufCMessage *message, uint8_t *out, size_t size)
{
        struct writer writer = {.at = out, .end = out + size};
        put_message(&writer, message);
        return writer.full ? 0 : (size_t)(writer.at - out);
}

/* Unpacking */

static void *arena_take(struct wire_arena *arena, size_t size)
{
        size_t at = (arena->used + 7) & ~(size_t)7;
        if (at > arena->size || arena->size - at < size)
                return NULL;
        arena->used = at + size;
        return arena->memory + at;
}

static APART uint64_t take_long_varint(struct cursor *in)
{
        uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
                uint8_t byte = cursor_u8(in);
                value |= (uint64_t)(byte & 0x7f) << shift;
                if ((byte & 0x80) == 0)
                        return value;
        }
        cursor_fail(in);
        return 0;
}

static inline uint64_t take_varint(struct cursor *in)
{
        if (cursor_left(in) > 0 && in->at[0] < 0x80) /* nearly all tags, lengths and numbers */
                return *in->at++;
        return take_long_varint(in);
}

/* The length of what follows, which is in `in` whole; false: it is not. */
static inline bool take_length(struct cursor *in, size_t *length)
{
        uint64_t value = take_varint(in);
        if (value > cursor_left(in))
                cursor_fail(in);
        *length = (size_t)value;
        return !in->short_read;
}

static bool take_string(struct wire_arena *arena, struct cursor *in, char **out)
{
        size_t length;
        if (!take_length(in, &length) || arena->size - arena->used < length + 1)
                return false;
        char *copy = (char *)arena->memory + arena->used;
        if (length > 0)
                memcpy(copy, in->at, length);
        copy[length] = '\0';
        arena->used += length + 1;
        in->at += length;
        *out = copy;
        return strlen(copy) == length;
}

static bool take_bytes(struct wire_arena *arena, struct cursor *in, ProtobufCBinaryData *out)
{
        if (!take_length(in, &out->len) || (out->data = arena_take(arena, out->len)) == NULL)
                return false;
        if (out->len > 0)
                memcpy(out->data, in->at, out->len);
        in->at += out->len;
        return true;
}

static bool take_enum(struct cursor *in, const ProtobufCEnumDescriptor *descriptor, int *out)
{
        uint64_t value = take_varint(in);
        *out = (int)value;
        if (in->short_read || value > INT32_MAX)
                return false;
        if (descriptor->n_value_ranges == 1)
                return *out >= descriptor->value_ranges[0].start_value &&
                       (unsigned)(*out - descriptor->value_ranges[0].start_value) < descriptor->n_values;
        return protobuf_c_enum_descriptor_get_value(descriptor, *out) != NULL;
}

static ProtobufCMessage *take_message(struct wire_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                                      struct cursor in);

/* The next slot of a repeated field. Rooms are powers of two from 4, so that the count tells when the next is needed. */
static void *next_item(struct wire_arena *arena, size_t *count, void **items, size_t item_size)
{
        if (*count == 0 || (*count >= 4 && (*count & (*count - 1)) == 0)) {
                void *wider = arena_take(arena, (*count ? *count * 2 : 4) * item_size);
                if (wider == NULL)
                        return NULL;
                if (*count > 0)
                        memcpy(wider, *items, *count * item_size);
                *items = wider;
        }
        return (uint8_t *)*items + (*count)++ * item_size;
}

static bool take_inner(struct wire_arena *arena, const ProtobufCMessageDescriptor *descriptor, struct cursor *in,
                       ProtobufCMessage **out)
{
        size_t length;
        if (!take_length(in, &length))
                return false;
        struct cursor inner = cursor_take(in, length);
        *out = take_message(arena, descriptor, inner);
        return *out != NULL;
}

static bool take_value(struct wire_arena *arena, const ProtobufCFieldDescriptor *field, struct cursor *in, void *out)
{
        uint64_t value;
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                return take_string(arena, in, out);
        case PROTOBUF_C_TYPE_MESSAGE:
                return take_inner(arena, field->descriptor, in, out);
        case PROTOBUF_C_TYPE_UINT32:
                value = take_varint(in);
                *(uint32_t *)out = (uint32_t)value;
                return value <= UINT32_MAX;
        case PROTOBUF_C_TYPE_UINT64:
                *(uint64_t *)out = take_varint(in);
                return true;
        case PROTOBUF_C_TYPE_BOOL:
                *(protobuf_c_boolean *)out = take_varint(in) != 0;
                return true;
        case PROTOBUF_C_TYPE_ENUM:
                return take_enum(in, field->descriptor, out);
        case PROTOBUF_C_TYPE_FIXED64:
        case PROTOBUF_C_TYPE_DOUBLE:
                value = cursor_le64(in);
                memcpy(out, &value, 8);
                return true;
        default:
                return take_bytes(arena, in, out);
        }
}

static bool take_field(struct wire_arena *arena, const ProtobufCFieldDescriptor *field, struct cursor *in,
                       ProtobufCMessage *message)
{
        void *member = MEMBER(message, field->offset, void);
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                size_t item_size = has_pointer(field) ? sizeof(void *) : sizeof(uint32_t);
                void *item = next_item(arena, MEMBER(message, field->quantifier_offset, size_t), member, item_size);
                if (item == NULL)
                        return false;
                return take_value(arena, field, in, item);
        }
        if (is_oneof(field)) {
                uint32_t *which = MEMBER(message, field->quantifier_offset, uint32_t);
                if (*which != 0)
                        return false;
                *which = field->id;
        } else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !has_pointer(field)) {
                *MEMBER(message, field->quantifier_offset, protobuf_c_boolean) = 1;
        }
        return take_value(arena, field, in, member);
}

static bool skip_field(struct cursor *in, unsigned wire_type)
{
        switch (wire_type) {
        case VARINT:
                (void)take_varint(in);
                return true;
        case FIXED_64:
                cursor_skip(in, 8);
                return true;
        case LENGTH_PREFIXED:
                cursor_skip(in, (size_t)take_varint(in));
                return true;
        case FIXED_32:
                cursor_skip(in, 4);
                return true;
        default:
                return false;
        }
}

/* Fields come in rising order from every packer that we know: one pass over the descriptor finds them all, and sees which
 * required fields were passed over. */
struct walk {
        unsigned next; /* behind the field that was found last */
        bool passed_required;
};

static inline void pass_fields(const ProtobufCMessageDescriptor *descriptor, uint64_t below, struct walk *walk)
{
        for (; walk->next < descriptor->n_fields && descriptor->fields[walk->next].id < below; walk->next++)
                walk->passed_required |= descriptor->fields[walk->next].label == PROTOBUF_C_LABEL_REQUIRED;
}

static inline const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *descriptor, uint64_t id,
                                                         struct walk *walk)
{
        const ProtobufCFieldDescriptor *fields = descriptor->fields;
        if (walk->next > 0 && fields[walk->next - 1].id >= id) {
                if (fields[walk->next - 1].id == id) /* the next of a list */
                        return &fields[walk->next - 1];
                walk->next = 0;
        }
        pass_fields(descriptor, id, walk);
        if (walk->next == descriptor->n_fields || fields[walk->next].id != id)
                return NULL;
        return &fields[walk->next++];
}

static bool has_all_required(const ProtobufCMessageDescriptor *descriptor, struct walk *walk, uint64_t seen)
{
        pass_fields(descriptor, UINT64_MAX, walk);
        for (unsigned i = 0; walk->passed_required && i < descriptor->n_fields; i++)
                if (descriptor->fields[i].label == PROTOBUF_C_LABEL_REQUIRED && (seen >> i & 1) == 0)
                        return false;
        return true;
}

static ProtobufCMessage *take_message(struct wire_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                                      struct cursor in)
{
        ProtobufCMessage *message = arena_take(arena, descriptor->sizeof_message);
        if (message == NULL)
                return NULL;
        descriptor->message_init(message);
        uint64_t seen = 0; /* bit: index of the field */
        struct walk walk = {0};
        while (cursor_left(&in) > 0) {
                uint64_t tag = take_varint(&in);
                const ProtobufCFieldDescriptor *field = find_field(descriptor, tag >> 3, &walk);
                if (field == NULL) {
                        if (tag >> 3 == 0 || !skip_field(&in, tag & 7))
                                return NULL;
                        continue;
                }
                uint64_t bit = UINT64_C(1) << (walk.next - 1);
                if (wire_types[field->type] != (tag & 7) || ((seen & bit) && field->label != PROTOBUF_C_LABEL_REPEATED) ||
                    !take_field(arena, field, &in, message))
                        return NULL;
                seen |= bit;
        }
        return !in.short_read && has_all_required(descriptor, &walk, seen) ? message : NULL;
}

ProtobufCMessage *wire_unpack(struct wire_arena *arena, const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
                              size_t length)
{
        arena->used = 0;
        return take_message(arena, descriptor, cursor_of(bytes, length));
}
