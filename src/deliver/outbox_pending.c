#include "deliver/outbox_pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int digit_of(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void alert_key_of(struct alert_key *key, const char *id, uint32_t revision)
{
        *key = (struct alert_key){.bytes = id, .length = (uint32_t)strlen(id), .revision = revision};
        if (key->length != 2 * sizeof key->digits)
                return;
        for (unsigned i = 0; i < sizeof key->digits; i++) {
                int high = digit_of(id[2 * i]), low = digit_of(id[2 * i + 1]);
                if (high < 0 || low < 0)
                        return;
                key->digits[i] = (uint8_t)(high << 4 | low);
        }
        key->is_hex = true;
        key->bytes = key->digits;
        key->length = sizeof key->digits;
}

/* FNV-1a */
static uint32_t hash_of(const struct alert_key *key)
{
        uint32_t hash = 2166136261u ^ key->revision;
        const uint8_t *bytes = key->bytes;
        for (uint32_t i = 0; i < key->length; i++)
                hash = (hash ^ bytes[i]) * 16777619u;
        return hash;
}

int outbox_pending_init(struct outbox_pending *pending)
{
        *pending = (struct outbox_pending){.bucket_count = 1024};
        pending->buckets = calloc(pending->bucket_count, sizeof *pending->buckets);
        return pending->buckets ? 0 : -ENOMEM;
}

void outbox_pending_clear(struct outbox_pending *pending)
{
        while (pending->first)
                outbox_pending_remove(pending);
        free(pending->buckets);
        *pending = (struct outbox_pending){0};
}

static bool is_same(const struct alert_key *one, const struct alert_key *other)
{
        return one->revision == other->revision && one->is_hex == other->is_hex && one->length == other->length &&
               memcmp(one->bytes, other->bytes, one->length) == 0;
}

bool outbox_pending_has(const struct outbox_pending *pending, const struct alert_key *key)
{
        const struct pending_alert *alert = pending->buckets[hash_of(key) & (pending->bucket_count - 1)];
        while (alert && !is_same(&alert->key, key))
                alert = alert->next_in_bucket;
        return alert != NULL;
}

static size_t size_of(const struct pending_alert *alert)
{
        return sizeof *alert + (size_t)(alert->alert - alert->bytes) + alert->alert_length + alert->cause_length;
}

/* Longer chains are slower, no fault: without memory it stays as it is. */
static void grow_buckets(struct outbox_pending *pending)
{
        unsigned count = 4 * pending->bucket_count;
        struct pending_alert **buckets = calloc(count, sizeof *buckets);
        if (buckets == NULL)
                return;
        for (struct pending_alert *alert = pending->first; alert; alert = alert->next) {
                struct pending_alert **bucket = &buckets[alert->hash & (count - 1)];
                alert->next_in_bucket = *bucket;
                *bucket = alert;
        }
        free(pending->buckets);
        pending->buckets = buckets;
        pending->bucket_count = count;
}

struct pending_alert *outbox_pending_add(struct outbox_pending *pending, uint64_t number, uint64_t ms,
                                         const struct alert_key *key, size_t alert_length, const void *cause,
                                         size_t cause_length)
{
        size_t id_length = key->is_hex ? 0 : key->length;
        struct pending_alert *alert = malloc(sizeof *alert + id_length + alert_length + cause_length);
        if (alert == NULL)
                return NULL;
        *alert = (struct pending_alert){.number = number, .ms = ms, .lost = pending->lost, .key = *key, .hash = hash_of(key),
                                        .alert_length = alert_length, .cause_length = cause_length};
        alert->key.bytes = alert->key.digits;
        if (id_length > 0)
                alert->key.bytes = memcpy(alert->bytes, key->bytes, id_length);
        alert->alert = alert->bytes + id_length;
        alert->cause = alert->alert + alert_length;
        if (cause_length > 0)
                memcpy(alert->bytes + id_length + alert_length, cause, cause_length);
        pending->lost = (struct dropped_range){0};
        if (pending->last)
                pending->last->next = alert;
        else
                pending->first = alert;
        pending->last = alert;
        pending->count++;
        pending->bytes += size_of(alert);
        if (pending->count > pending->bucket_count)
                grow_buckets(pending);
        if (pending->buckets[alert->hash & (pending->bucket_count - 1)] != alert) {
                struct pending_alert **bucket = &pending->buckets[alert->hash & (pending->bucket_count - 1)];
                alert->next_in_bucket = *bucket;
                *bucket = alert;
        }
        return alert;
}

static struct dropped_range joined(const struct dropped_range *before, const struct dropped_range *behind)
{
        if (before->last == 0 || behind->last == 0)
                return before->last == 0 ? *behind : *before;
        return (struct dropped_range){before->first, behind->last, before->first_ms, behind->last_ms};
}

void outbox_pending_lose(struct outbox_pending *pending, uint64_t number, uint64_t ms)
{
        struct dropped_range one = {number, number, ms, ms};
        pending->lost = joined(&pending->lost, &one);
}

void outbox_pending_remove(struct outbox_pending *pending)
{
        struct pending_alert *alert = pending->first;
        struct pending_alert **link = &pending->buckets[alert->hash & (pending->bucket_count - 1)];
        while (*link != alert)
                link = &(*link)->next_in_bucket;
        *link = alert->next_in_bucket;
        pending->first = alert->next;
        if (pending->first == NULL)
                pending->last = NULL;
        pending->count--;
        pending->bytes -= size_of(alert);
        free(alert);
}

bool outbox_pending_drop(struct outbox_pending *pending)
{
        struct pending_alert *alert = pending->first;
        if (alert == NULL || alert->next == NULL)
                return false;
        struct dropped_range one = {alert->number, alert->number, alert->ms, alert->ms};
        one = joined(&alert->lost, &one);
        alert->next->lost = joined(&one, &alert->next->lost);
        outbox_pending_remove(pending);
        return true;
}
