#include "deliver/syslog_message.h"

#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "deliver/gap_record.h"

#define BOM "\xef\xbb\xbf"
#define SD_ID "apnwatch@32473"

enum { LOCAL0 = 16, WARNING = 4, HOSTNAME_MOST = 255, MSGID_MOST = 32, VALUE_MOST = 512 };

/* What stands before the JSON. A value takes at most 2 * VALUE_MOST, and there are three of people's making. */
struct head {
        char text[4096];
        size_t length;
};

static void put(struct head *head, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct head *head, const char *format, ...)
{
        size_t left = sizeof head->text - head->length;
        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf(head->text + head->length, left, format, arguments);
        va_end(arguments);
        if (length > 0)
                head->length += (size_t)length < left ? (size_t)length : left - 1;
}

/* PRINTUSASCII without a space (RFC 5424, 6); nothing is "-". */
static void put_name(struct head *head, const char *name, size_t most)
{
        size_t length = name ? strnlen(name, most) : 0;
        for (size_t i = 0; i < length; i++)
                put(head, "%c", name[i] > ' ' && name[i] < 0x7f ? name[i] : '_');
        put(head, "%s", length ? " " : "- ");
}

/* RFC 5424, 6.3.3: a quote, a backslash and a closing bracket are escaped. Control characters would be allowed, but end lines in
 * many receivers. A field that is not known is absent. */
static void put_value(struct head *head, const char *key, const char *value)
{
        if (value == NULL || value[0] == '\0')
                return;
        put(head, " %s=\"", key);
        size_t left = strlen(value), most = VALUE_MOST;
        const uint8_t *at = (const uint8_t *)value;
        for (unsigned length; left > 0; at += length, left -= length) {
                unsigned known = text_character(at, left);
                length = known ? known : 1;
                if (length > most)
                        break;
                most -= length;
                if (!known || *at < ' ' || *at == 0x7f)
                        put(head, "?");
                else
                        put(head, "%s%.*s", strchr("\"\\]", *at) ? "\\" : "", (int)length, (const char *)at);
        }
        put(head, "\"");
}

static void put_start(struct head *head, unsigned severity, uint64_t time_ns, const char *sensor, const char *type)
{
        char time[JSON_TIME_SIZE];
        put(head, "<%u>1 %s ", LOCAL0 * 8 + severity, json_time_text(time_ns, "Z", time));
        put_name(head, sensor, HOSTNAME_MOST);
        put(head, "apnwatch %ld ", (long)getpid());
        put_name(head, type, MSGID_MOST);
        put(head, "[" SD_ID);
}

/* As in the fields of a Redis entry. */
static const char *device_text(const Apnwatch__V1__Device *device)
{
        if (device == NULL)
                return NULL;
        return device->ip ? device->ip : device->imsi;
}

static const char *peer_text(const Apnwatch__V1__Peer *peer)
{
        if (peer == NULL)
                return NULL;
        return peer->ip ? peer->ip : peer->name;
}

static void put_alert(struct head *head, const Apnwatch__V1__Alert *alert, const char *sensor)
{
        static const uint8_t severities[] = {6, 5, 4, 3, 2};
        const ProtobufCEnumValue *name = protobuf_c_enum_descriptor_get_value(&apnwatch__v1__alert__severity__descriptor,
                                                                             (int)alert->severity);
        char word[16] = "";
        for (size_t i = 0; name != NULL && i + 1 < sizeof word && name->name[i]; i++)
                word[i] = (char)(name->name[i] | 0x20);
        unsigned severity = (unsigned)alert->severity < sizeof severities ? severities[alert->severity] : WARNING;
        put_start(head, severity, alert->time->ns, alert->sensor ? alert->sensor : sensor, alert->type);
        put_value(head, "id", alert->id);
        put(head, " revision=\"%" PRIu32 "\"", alert->revision);
        put_value(head, "severity", word);
        put_value(head, "fleet", alert->fleet);
        put_value(head, "device", device_text(alert->device));
        put_value(head, "peer", peer_text(alert->peer));
}

static void put_gap(struct head *head, const struct outbox_entry *entry, const char *sensor)
{
        char text[ENTRY_ID_SIZE];
        put_start(head, WARNING, entry->id.ms * 1000000, sensor, "gap");
        put_value(head, "gap_from", entry_id_text(entry->gap_from, text));
        put_value(head, "gap_to", entry_id_text(entry->id, text));
        put(head, " count=\"%" PRIu64 "\"", entry->gap_count);
}

int syslog_message_add(struct evbuffer *out, const struct outbox_entry *entry, const char *sensor, struct json_buffer *scratch)
{
        struct head head = {.length = 0};
        json_buffer_reset(scratch);
        if (entry->is_gap) {
                put_gap(&head, entry, sensor);
                gap_record_write(entry, sensor, scratch);
        } else {
                put_alert(&head, entry->alert, sensor);
                model_json_write(&entry->alert->base, scratch);
        }
        put(&head, "] " BOM);
        if (scratch->failed)
                return -ENOMEM;
        if (evbuffer_add_printf(out, "%zu ", head.length + scratch->length) < 0 || evbuffer_add(out, head.text, head.length) != 0 ||
            evbuffer_add(out, scratch->text, scratch->length) != 0)
                return -ENOMEM;
        return 0;
}
