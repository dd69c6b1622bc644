#include "tests/unit/model/random_message.h"

#include <stdlib.h>
#include <string.h>

uint64_t random_source_next(struct random_source *random)
{
        random->state ^= random->state << 13;
        random->state ^= random->state >> 7;
        random->state ^= random->state << 17;
        return random->state;
}

static uint64_t number_of_any_size(struct random_source *random)
{
        return random_source_next(random) >> (random_source_next(random) % 64);
}

static char *text_of_any_length(struct random_source *random)
{
        size_t length = random_source_next(random) % (random_source_next(random) % 16 == 0 ? 300 : 30);
        char *text = malloc(length + 1);
        for (size_t i = 0; i < length; i++)
                text[i] = (char)(' ' + random_source_next(random) % 95);
        text[length] = '\0';
        return text;
}

static void *pointer_value(struct random_source *random, const ProtobufCFieldDescriptor *field, unsigned rarity)
{
        return field->type == PROTOBUF_C_TYPE_STRING ? (void *)text_of_any_length(random)
                                                     : (void *)random_message(random, field->descriptor, rarity);
}

static void fill_value(struct random_source *random, const ProtobufCFieldDescriptor *field, void *member, unsigned rarity)
{
        uint64_t number = number_of_any_size(random);
        double decimal = (double)(int64_t)number / 1e7;
        const ProtobufCEnumDescriptor *values = field->descriptor;
        ProtobufCBinaryData *bytes = member;
        switch (field->type) {
        case PROTOBUF_C_TYPE_UINT32:
                *(uint32_t *)member = (uint32_t)number;
                break;
        case PROTOBUF_C_TYPE_BOOL:
                *(protobuf_c_boolean *)member = (int)(number & 1);
                break;
        case PROTOBUF_C_TYPE_ENUM:
                *(int *)member = values->values[number % values->n_values].value;
                break;
        case PROTOBUF_C_TYPE_DOUBLE:
                memcpy(member, &decimal, 8);
                break;
        case PROTOBUF_C_TYPE_STRING:
        case PROTOBUF_C_TYPE_MESSAGE:
                *(void **)member = pointer_value(random, field, rarity);
                break;
        case PROTOBUF_C_TYPE_BYTES:
                bytes->len = number % 40;
                bytes->data = malloc(bytes->len + 1);
                memset(bytes->data, (int)number, bytes->len + 1);
                break;
        default: /* uint64, fixed64 */
                memcpy(member, &number, 8);
        }
}

static void fill_list(struct random_source *random, const ProtobufCFieldDescriptor *field, uint8_t *message, unsigned rarity)
{
        size_t count = random_source_next(random) % 12;
        bool is_number = field->type == PROTOBUF_C_TYPE_UINT32; /* the one scalar that wire_knows in lists */
        void *items = count ? malloc(count * sizeof(void *)) : NULL;
        for (size_t i = 0; i < count; i++) {
                if (is_number)
                        ((uint32_t *)items)[i] = (uint32_t)number_of_any_size(random);
                else
                        ((void **)items)[i] = pointer_value(random, field, rarity);
        }
        memcpy(message + field->quantifier_offset, &count, sizeof count);
        memcpy(message + field->offset, &items, sizeof items);
}

ProtobufCMessage *random_message(struct random_source *random, const ProtobufCMessageDescriptor *descriptor, unsigned rarity)
{
        ProtobufCMessage *message = malloc(descriptor->sizeof_message);
        protobuf_c_message_init(descriptor, message);
        uint8_t *bytes = (uint8_t *)message;
        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
                if (field->label != PROTOBUF_C_LABEL_REQUIRED && random_source_next(random) % rarity != 0)
                        continue;
                if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                        fill_list(random, field, bytes, rarity);
                        continue;
                }
                bool oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
                uint32_t *which = (uint32_t *)(void *)(bytes + field->quantifier_offset);
                if (oneof && *which != 0)
                        continue;
                bool has_pointer = field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
                if (oneof || (field->label == PROTOBUF_C_LABEL_OPTIONAL && !has_pointer))
                        *which = oneof ? field->id : 1;
                fill_value(random, field, bytes + field->offset, rarity);
        }
        return message;
}
