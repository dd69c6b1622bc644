#include "deliver/redis_entry.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void redis_id_write(char text[REDIS_ID_SIZE], struct entry_id id)
{
        snprintf(text, REDIS_ID_SIZE, "%" PRIu64 "-%" PRIu64, id.ms, id.sequence);
}

static bool parse_number(const char **text, uint64_t *out)
{
        if (**text < '0' || **text > '9')
                return false;
        char *end;
        errno = 0;
        *out = strtoull(*text, &end, 10);
        *text = end;
        return errno == 0;
}

bool redis_id_parse(struct entry_id *out, const char *text)
{
        struct entry_id id;
        if (!parse_number(&text, &id.ms) || *text++ != '-' || !parse_number(&text, &id.sequence) || *text != '\0')
                return false;
        *out = id;
        return true;
}

static void add_bytes(struct redis_entry *out, const void *bytes, size_t length)
{
        assert(out->count < REDIS_ENTRY_WORDS);
        out->words[out->count] = bytes;
        out->lengths[out->count++] = length;
}

static void add_word(struct redis_entry *out, const char *word)
{
        add_bytes(out, word, strlen(word));
}

static void add_field(struct redis_entry *out, const char *name, const char *value)
{
        add_word(out, name);
        add_word(out, value ? value : "");
}

static const char *severity_name(Apnwatch__V1__Alert__Severity severity)
{
        static const char *const names[] = {"info", "low", "medium", "high", "critical"};
        return (unsigned)severity < sizeof names / sizeof *names ? names[severity] : "";
}

/* Who it is about, by address; by subscriber where there is none. */
static const char *device_name(const Apnwatch__V1__Device *device)
{
        if (device == NULL)
                return NULL;
        return device->ip ? device->ip : device->imsi;
}

static const char *peer_name(const Apnwatch__V1__Peer *peer)
{
        if (peer == NULL)
                return NULL;
        return peer->ip ? peer->ip : peer->name;
}

static int add_alert(struct redis_entry *out, const struct outbox_entry *entry, bool json)
{
        const Apnwatch__V1__Alert *alert = entry->alert;
        snprintf(out->number, sizeof out->number, "%" PRIu32, alert->revision);
        json_time_text(alert->time->ns, "Z", out->time);
        add_word(out, "pb");
        add_bytes(out, entry->packed, entry->packed_length);
        add_field(out, "id", alert->id);
        add_field(out, "revision", out->number);
        add_field(out, "type", alert->type);
        add_field(out, "severity", severity_name(alert->severity));
        add_field(out, "tenant", alert->tenant);
        add_field(out, "fleet", alert->fleet);
        add_field(out, "device", device_name(alert->device));
        add_field(out, "peer", peer_name(alert->peer));
        add_field(out, "time", out->time);
        if (!json)
                return 0;
        json_buffer_reset(&out->json);
        model_json_write(&alert->base, &out->json);
        if (out->json.failed)
                return -ENOMEM;
        add_word(out, "json");
        add_bytes(out, out->json.text, out->json.length);
        return 0;
}

static void add_gap(struct redis_entry *out, const struct outbox_entry *entry)
{
        redis_id_write(out->gap_from, entry->gap_from);
        snprintf(out->number, sizeof out->number, "%" PRIu64, entry->gap_count);
        add_field(out, "gap_from", out->gap_from);
        add_field(out, "gap_to", out->id);
        add_field(out, "count", out->number);
}

int redis_entry_build(struct redis_entry *out, const struct redis_entry_settings *settings, const struct outbox_entry *entry,
                      bool make_stream)
{
        out->count = 0;
        redis_id_write(out->id, entry->id);
        snprintf(out->maxlen, sizeof out->maxlen, "%" PRIu64, settings->maxlen);
        add_word(out, "XADD");
        add_word(out, settings->key);
        if (!make_stream)
                add_word(out, "NOMKSTREAM");
        add_word(out, "MAXLEN");
        add_word(out, "~");
        add_word(out, out->maxlen);
        add_word(out, out->id);
        if (!entry->is_gap)
                return add_alert(out, entry, settings->json);
        add_gap(out, entry);
        return 0;
}

void redis_entry_clear(struct redis_entry *entry)
{
        json_buffer_clear(&entry->json);
}
