#include "dissectors/app/dns.h"

enum {
        HEADER_LENGTH = 12,
        NAME_WIRE_MAX = 255, /* RFC 1035, 2.3.4 */
        FLAG_RESPONSE = 0x8000,
        FLAG_ZERO = 0x0040,  /* RFC 1035, 4.1.1: Z, of which RFC 2535 left one bit */
        TYPE_A = 1,
        TYPE_CNAME = 5,
        TYPE_MX = 15,
        TYPE_AAAA = 28,
        TYPE_SRV = 33,
        TYPE_NAPTR = 35,
        TYPE_OPT = 41,
        TYPE_SVCB = 64,
        TYPE_HTTPS = 65,
        CLASS_IN = 1,
        SVCB_IPV4_HINT = 4,
        SVCB_IPV6_HINT = 6
};

struct header {
        uint16_t id, flags;
        uint16_t questions, answers, authorities, additionals;
};

struct record {
        struct cursor owner; /* where its name begins */
        uint16_t type, class;
        uint32_t ttl;
        struct cursor data;
};

static struct header read_header(struct cursor *at)
{
        struct header header;
        header.id = cursor_be16(at);
        header.flags = cursor_be16(at);
        header.questions = cursor_be16(at);
        header.answers = cursor_be16(at);
        header.authorities = cursor_be16(at);
        header.additionals = cursor_be16(at);
        return header;
}

/* Query, status, notify, update and the inverse query that some scanners still send. */
static bool header_is_plausible(const struct header *header)
{
        unsigned opcode = header->flags >> 11 & 0x0f;
        if (header->flags & FLAG_ZERO || opcode > 5 || opcode == 3)
                return false;
        unsigned records = header->questions + header->answers + header->authorities + header->additionals;
        return records > 0 && header->questions <= 256;
}

/* Past one name; false when it is no name (short_read tells when it was cut). A pointer must point back. */
static bool skip_name(const struct cursor *whole, struct cursor *at)
{
        size_t length = 1;
        size_t begin = (size_t)(at->at - whole->at);
        for (;;) {
                uint8_t label = cursor_u8(at);
                if (label == 0)
                        return !at->short_read;
                if (label >= 0xc0) {
                        size_t target = (size_t)(label & 0x3f) << 8 | cursor_u8(at);
                        return !at->short_read && target >= HEADER_LENGTH && target < begin;
                }
                length += label + 1U;
                if (label > 63 || length > NAME_WIRE_MAX)
                        return false;
                cursor_skip(at, label);
        }
}

static bool read_record(const struct cursor *whole, struct cursor *at, struct record *record)
{
        record->owner = *at;
        if (!skip_name(whole, at))
                return false;
        record->type = cursor_be16(at);
        record->class = cursor_be16(at);
        record->ttl = cursor_be32(at);
        record->data = cursor_take(at, cursor_be16(at));
        return !at->short_read;
}

static size_t append_escaped(char *out, uint8_t byte)
{
        if (byte >= 'A' && byte <= 'Z')
                byte |= 0x20;
        if (byte > ' ' && byte < 0x7f && byte != '.' && byte != '\\') {
                *out = (char)byte;
                return 1;
        }
        *out++ = '\\';
        if (byte == '.' || byte == '\\') {
                *out = (char)byte;
                return 2;
        }
        *out++ = (char)('0' + byte / 100);
        *out++ = (char)('0' + byte / 10 % 10);
        *out = (char)('0' + byte % 10);
        return 4;
}

/* One label and a dot behind it. 0: no room. */
static size_t append_label(char *out, size_t room, const uint8_t *label, size_t length)
{
        if (room < length * 4 + 2)
                return 0;
        size_t written = 0;
        for (size_t i = 0; i < length; i++)
                written += append_escaped(out + written, label[i]);
        out[written++] = '.';
        return written;
}

/* Writes the name at `at` and returns how long its text is; 0 when it is no name or does not fit. Pointers point before
 * the part that holds them, each time, so that the walk ends. */
static size_t write_name(const struct cursor *whole, struct cursor at, char *out, size_t room)
{
        size_t written = 0, wire = 1;
        size_t begin = (size_t)(at.at - whole->at);
        for (;;) {
                uint8_t length = cursor_u8(&at);
                if (at.short_read)
                        return 0;
                if (length == 0)
                        break;
                if (length >= 0xc0) {
                        size_t target = (size_t)(length & 0x3f) << 8 | cursor_u8(&at);
                        if (at.short_read || target < HEADER_LENGTH || target >= begin)
                                return 0;
                        begin = target;
                        at = *whole;
                        cursor_skip(&at, target);
                        continue;
                }
                wire += length + 1U;
                const uint8_t *label = length > 63 || wire > NAME_WIRE_MAX ? NULL : cursor_bytes(&at, length);
                size_t added = label ? append_label(out + written, room - written, label, length) : 0;
                if (added == 0)
                        return 0;
                written += added;
        }
        if (written == 0 && room > 1)
                out[written++] = '.';
        else if (written > 1)
                written--;
        return written;
}

static const char *known_name(const struct dns_message *message, size_t offset)
{
        for (unsigned i = 0; i < message->name_count; i++)
                if (message->name[i].offset == offset)
                        return message->name[i].text;
        return NULL;
}

/* The text of the name at `at`; equal names of a message have one text. NULL: no name, or no room. */
static const char *read_name(const struct cursor *whole, struct cursor at, struct dns_message *message)
{
        size_t offset = (size_t)(at.at - whole->at);
        struct cursor pointer = at;
        uint16_t first = cursor_be16(&pointer);
        const char *known = known_name(message, first >= 0xc000 ? first & 0x3fff : offset);
        if (known)
                return known;
        char *text = message->text + message->text_used;
        size_t room = sizeof message->text - message->text_used;
        size_t length = room > 1 ? write_name(whole, at, text, room - 1) : 0;
        if (length == 0)
                return NULL;
        text[length] = '\0';
        for (unsigned i = 0; i < message->name_count; i++)
                if (strcmp(message->name[i].text, text) == 0)
                        return message->name[i].text;
        if (message->name_count == DNS_NAMES)
                return NULL;
        message->text_used += length + 1;
        message->name[message->name_count].offset = (uint16_t)offset;
        message->name[message->name_count++].text = text;
        return text;
}

static uint32_t least_ttl(const struct dns_message *message, const char *name, uint32_t ttl)
{
        for (unsigned step = 0; step < message->alias_count && name != message->question; step++) {
                const struct dns_alias *alias = NULL;
                for (unsigned i = 0; i < message->alias_count && alias == NULL; i++)
                        if (message->alias[i].target == name)
                                alias = &message->alias[i];
                if (alias == NULL)
                        break;
                ttl = alias->ttl < ttl ? alias->ttl : ttl;
                name = alias->owner;
        }
        return ttl;
}

static void add_address(struct dns_message *message, const char *owner, uint32_t ttl, struct cursor *data, uint8_t length)
{
        const uint8_t *address = cursor_bytes(data, length);
        if (address == NULL || owner == NULL || message->answer_count == DNS_ANSWERS)
                return;
        message->answer[message->answer_count++] =
                (struct dns_answer){.name = owner, .address = address, .length = length, .ttl = ttl};
}

static void add_alias(struct dns_message *message, const char *owner, const char *target, uint32_t ttl)
{
        if (owner == NULL || target == NULL || owner == target || message->alias_count == DNS_ALIASES)
                return;
        message->alias[message->alias_count++] = (struct dns_alias){.owner = owner, .target = target, .ttl = ttl};
}

/* RFC 9460, 2.2: priority, target, then parameters. Priority 0 is an alias; otherwise "." stands for the owner. */
static void read_service(const struct cursor *whole, struct record *record, struct dns_message *message)
{
        const char *owner = read_name(whole, record->owner, message);
        struct cursor *data = &record->data;
        cursor_skip(data, 2);
        struct cursor target = *data;
        if (!skip_name(whole, data))
                return;
        if (cursor_peek(&target) != 0)
                add_alias(message, owner, read_name(whole, target, message), record->ttl);
        while (cursor_left(data) >= 4) {
                uint16_t key = cursor_be16(data);
                struct cursor value = cursor_take(data, cursor_be16(data));
                uint8_t length = key == SVCB_IPV4_HINT ? 4 : key == SVCB_IPV6_HINT ? 16 : 0;
                while (length > 0 && cursor_left(&value) >= length)
                        add_address(message, owner, record->ttl, &value, length);
        }
}

static void read_answer(const struct cursor *whole, struct record *record, struct dns_message *message)
{
        bool internet = (record->class & 0x7fff) == CLASS_IN; /* mDNS: the top bit says to flush the cache */
        if (record->type == TYPE_OPT)
                message->rcode |= (uint16_t)(record->ttl >> 24 << 4);
        else if (!internet)
                return;
        else if (record->type == TYPE_A && cursor_left(&record->data) == 4)
                add_address(message, read_name(whole, record->owner, message), record->ttl, &record->data, 4);
        else if (record->type == TYPE_AAAA && cursor_left(&record->data) == 16)
                add_address(message, read_name(whole, record->owner, message), record->ttl, &record->data, 16);
        else if (record->type == TYPE_CNAME)
                add_alias(message, read_name(whole, record->owner, message), read_name(whole, record->data, message),
                          record->ttl);
        else if (record->type == TYPE_SVCB || record->type == TYPE_HTTPS)
                read_service(whole, record, message);
}

/* Additional addresses are glue, except where the answer only makes sense with them, or of a name that was read: then its
 * owner is a pointer to that. */
static bool wants_additional(const struct dns_message *message, const struct record *record)
{
        struct cursor owner = record->owner;
        uint16_t pointer = cursor_be16(&owner);
        if (record->type == TYPE_OPT || (pointer >= 0xc000 && known_name(message, pointer & 0x3fff)))
                return true;
        return message->question == NULL || message->type == TYPE_SRV || message->type == TYPE_MX ||
               message->type == TYPE_NAPTR || message->type == TYPE_SVCB || message->type == TYPE_HTTPS;
}

static enum dissect_result read_questions(const struct cursor *whole, struct cursor *at, struct dns_message *message)
{
        for (unsigned i = 0; i < message->questions; i++) {
                struct cursor name = *at;
                if (!skip_name(whole, at))
                        return at->short_read ? DISSECT_TRUNCATED : DISSECT_MALFORMED;
                uint16_t type = cursor_be16(at);
                cursor_skip(at, 2);
                if (at->short_read)
                        return DISSECT_TRUNCATED;
                if (i > 0)
                        continue;
                message->type = type;
                message->question = read_name(whole, name, message);
                if (message->question == NULL)
                        return DISSECT_MALFORMED;
        }
        return DISSECT_OK;
}

static enum dissect_result read_records(const struct cursor *whole, struct cursor *at, const struct header *header,
                                        struct dns_message *message)
{
        unsigned glue = (unsigned)header->answers + header->authorities;
        unsigned all = glue + header->additionals;
        for (unsigned i = 0; i < all; i++) {
                struct record record;
                if (!read_record(whole, at, &record))
                        return at->short_read ? DISSECT_TRUNCATED : DISSECT_MALFORMED;
                if (i < header->answers || (i >= glue && wants_additional(message, &record)))
                        read_answer(whole, &record, message);
        }
        return DISSECT_OK;
}

enum dissect_result dns_parse(struct cursor *payload, struct dns_message *message)
{
        struct cursor whole = *payload;
        struct header header = read_header(payload);
        message->question = NULL;
        message->type = 0;
        message->alias_count = message->answer_count = message->name_count = 0;
        message->text_used = 0;
        message->id = header.id;
        message->response = header.flags & FLAG_RESPONSE;
        message->opcode = header.flags >> 11 & 0x0f;
        message->rcode = header.flags & 0x0f;
        message->questions = header.questions;
        if (payload->short_read)
                return DISSECT_TRUNCATED;
        if (!header_is_plausible(&header))
                return DISSECT_NO_MATCH;
        enum dissect_result result = read_questions(&whole, payload, message);
        if (result == DISSECT_OK)
                result = read_records(&whole, payload, &header, message);
        for (unsigned i = 0; i < message->answer_count; i++)
                message->answer[i].ttl = least_ttl(message, message->answer[i].name, message->answer[i].ttl);
        return result;
}

enum dissect_result dns_check(struct cursor payload)
{
        struct cursor whole = payload;
        struct header header = read_header(&payload);
        if (payload.short_read || !header_is_plausible(&header))
                return DISSECT_NO_MATCH;
        for (unsigned i = 0; i < header.questions; i++) {
                if (!skip_name(&whole, &payload))
                        return payload.short_read ? DISSECT_TRUNCATED : DISSECT_MALFORMED;
                cursor_skip(&payload, 4);
        }
        unsigned records = (unsigned)header.answers + header.authorities + header.additionals;
        for (unsigned i = 0; i < records; i++) {
                struct record record;
                if (!read_record(&whole, &payload, &record))
                        return payload.short_read ? DISSECT_TRUNCATED : DISSECT_MALFORMED;
        }
        if (payload.short_read)
                return DISSECT_TRUNCATED;
        return cursor_left(&payload) == 0 ? DISSECT_OK : DISSECT_MALFORMED;
}
