/* The alert book over a restart. What an alert says is in its message; SavedAlert holds what it does not say. The same goes
 * with every delivered revision as its cause, behind a byte that tells the version. */
#include "judge/alert_book_parts.h"

#include <errno.h>
#include <stdlib.h>

#include "judge/judge_state.h"
#include "judge/state.h"

enum { CAUSE_VERSION = 1, NAMED_SIZE = 18, NAMED_LIMIT = 1000, ADOPT_ARENA = 16 * CAUSE_ROOM };

/* Digits of a record's own: `has_` follows from the value. */
#define PUT(saved, field, value) ((saved)->field = (value), (saved)->has_##field = (saved)->field != 0)

struct saved_parts {
        uint8_t cause[16], contexts[2 * NAMED_LIMIT];
};

static void put_numbers(const struct alert_numbers *numbers, Apnwatch__V1__SavedAlert *saved)
{
        PUT(saved, bytes_up, numbers->bytes_up);
        PUT(saved, bytes_down, numbers->bytes_down);
        PUT(saved, packets, numbers->packets);
        PUT(saved, object_size, numbers->object_size);
        PUT(saved, undetermined, numbers->undetermined);
        PUT(saved, flows, numbers->flows);
        PUT(saved, answered, numbers->answered);
        PUT(saved, dropped, numbers->dropped);
        PUT(saved, received, numbers->received);
        PUT(saved, silent_s, numbers->silent_s);
}

static struct alert_numbers numbers_of(const Apnwatch__V1__SavedAlert *saved)
{
        return (struct alert_numbers){.bytes_up = saved->bytes_up,
                                      .bytes_down = saved->bytes_down,
                                      .packets = saved->packets,
                                      .object_size = saved->object_size,
                                      .undetermined = saved->undetermined,
                                      .flows = saved->flows,
                                      .answered = saved->answered,
                                      .dropped = saved->dropped,
                                      .received = saved->received,
                                      .silent_s = saved->silent_s};
}

static void put_times_and_counts(const struct alert *alert, Apnwatch__V1__SavedAlert *saved)
{
        saved->revision = alert->revision;
        saved->severity = alert->severity;
        saved->score = alert->score;
        saved->confidence = alert->confidence;
        saved->told_severity = alert->told_severity;
        saved->count = alert->count;
        saved->told_count = alert->told_count;
        saved->first = (uint64_t)alert->first_ns;
        saved->last = (uint64_t)alert->last_ns;
        saved->active = (uint64_t)alert->active_ns;
        saved->revised = (uint64_t)alert->revised_ns;
        PUT(saved, is_dirty, alert->is_dirty);
        PUT(saved, is_due, alert->is_due);
        PUT(saved, reports_spaced, alert->reports_spaced);
        for (unsigned i = 0; i < RECENT_FLOWS; i++)
                if (alert->recent_flows[i] == FINDING_ONCE)
                        saved->once = saved->has_once = true;
}

static void put_alert(const struct alert *alert, struct saved_parts *parts, Apnwatch__V1__SavedAlert *saved)
{
        XXH128_canonical_t digest;
        apnwatch__v1__saved_alert__init(saved);
        XXH128_canonicalFromHash(&digest, alert->cause.hash);
        memcpy(parts->cause, digest.digest, sizeof parts->cause);
        saved->cause = (ProtobufCBinaryData){sizeof parts->cause, parts->cause};
        saved->clock = alert->order.clock;
        PUT(saved, frame, alert->order.frame);
        PUT(saved, shard, alert->order.shard);
        PUT(saved, index, alert->order.index);
        PUT(saved, life, alert->order.life);
        put_times_and_counts(alert, saved);
        put_numbers(&alert->numbers, saved);
}

static void put_contexts(const struct alert *alert, struct saved_parts *parts, Apnwatch__V1__SavedAlert *saved)
{
        uint32_t count;
        bool is_default = true;
        const struct device_key *named = device_set_named(alert->devices, &count);
        for (uint32_t i = 0; i < count && i < NAMED_LIMIT; i++) {
                parts->contexts[2 * i] = (uint8_t)named[i].context;
                parts->contexts[2 * i + 1] = (uint8_t)(named[i].context >> 8);
                is_default &= named[i].context == 0;
        }
        saved->contexts = (ProtobufCBinaryData){2 * (size_t)count, parts->contexts};
        saved->has_contexts = !is_default;
}

size_t alert_pack_cause(const struct alert *alert, uint8_t cause[CAUSE_ROOM])
{
        struct saved_parts parts;
        Apnwatch__V1__SavedAlert saved;
        put_alert(alert, &parts, &saved);
        if (alert->devices)
                put_contexts(alert, &parts, &saved);
        cause[0] = CAUSE_VERSION;
        size_t length = wire_pack(&saved.base, cause + 1, CAUSE_ROOM - 1);
        return length > 0 ? length + 1 : 0;
}

/* Saving */

void alert_book_save_head(const struct alert_book *book, Apnwatch__V1__StateHead *head)
{
        PUT(head, life, book->life);
        PUT(head, life_floor, book->clock > book->floor ? book->clock : book->floor);
}

static void write_hashes(const struct device_set *devices, struct state_writer *writer, Apnwatch__V1__StateRecord *record)
{
        uint64_t hashes[512];
        uint8_t bytes[sizeof hashes];
        uint32_t at = 0, count;
        Apnwatch__V1__SavedDevices *saved = record->devices;
        while ((count = device_set_hashes(devices, &at, hashes, 512)) > 0) {
                for (uint32_t i = 0; i < count; i++)
                        for (unsigned b = 0; b < 8; b++)
                                bytes[8 * i + b] = (uint8_t)(hashes[i] >> (8 * b));
                saved->has_hashes = true;
                saved->hashes = (ProtobufCBinaryData){8 * (size_t)count, bytes};
                state_write(writer, record);
        }
}

static void write_devices(const struct device_set *devices, struct state_writer *writer)
{
        uint8_t bytes[NAMED_SIZE * NAMED_LIMIT];
        uint32_t count;
        const struct device_key *named = device_set_named(devices, &count);
        Apnwatch__V1__StateRecord record = APNWATCH__V1__STATE_RECORD__INIT;
        Apnwatch__V1__SavedDevices saved = APNWATCH__V1__SAVED_DEVICES__INIT;
        record.body_case = APNWATCH__V1__STATE_RECORD__BODY_DEVICES;
        record.devices = &saved;
        for (uint32_t i = 0; i < count && i < NAMED_LIMIT; i++) {
                memcpy(bytes + (size_t)NAMED_SIZE * i, named[i].address.bytes, 16);
                bytes[NAMED_SIZE * i + 16] = (uint8_t)named[i].context;
                bytes[NAMED_SIZE * i + 17] = (uint8_t)(named[i].context >> 8);
        }
        saved.has_named = true;
        saved.named = (ProtobufCBinaryData){(size_t)NAMED_SIZE * count, bytes};
        PUT(&saved, missing, device_set_missing(devices));
        state_write(writer, &record);
        apnwatch__v1__saved_devices__init(&saved);
        write_hashes(devices, writer, &record);
}

static void write_alert(const struct alert_book *book, const struct alert *alert, struct state_writer *writer)
{
        struct saved_parts parts;
        struct composed_alert composed;
        Apnwatch__V1__StateRecord record = APNWATCH__V1__STATE_RECORD__INIT;
        Apnwatch__V1__SavedAlert saved;
        if (!alert_compose(book, alert, &composed)) {
                writer->error = -ENOMEM;
                return;
        }
        put_alert(alert, &parts, &saved);
        size_t length = apnwatch__v1__alert__get_packed_size(composed.message);
        uint8_t *packed = malloc(length);
        if (packed) {
                saved.has_alert = true;
                saved.alert = (ProtobufCBinaryData){apnwatch__v1__alert__pack(composed.message, packed), packed};
                record.body_case = APNWATCH__V1__STATE_RECORD__BODY_ALERT;
                record.alert = &saved;
                state_write(writer, &record);
                if (alert->devices)
                        write_devices(alert->devices, writer);
        } else {
                writer->error = -ENOMEM;
        }
        free(packed);
}

int alert_book_save(const struct alert_book *book, struct state_writer *writer)
{
        for (int i = 0; i < QUIET_CLASSES; i++) {
                const struct alert *alert;
                DL_FOREACH(book->open[i], alert)
                {
                        write_alert(book, alert, writer);
                        if (writer->error != 0)
                                return writer->error;
                }
        }
        return 0;
}

/* Loading */

static void know_order(struct alert_book *book, uint64_t clock, uint32_t life)
{
        if (clock > book->floor)
                book->floor = clock;
        if (life >= book->life && life < UINT32_MAX)
                book->life = life + 1;
}

void alert_book_load_head(struct alert_book *book, const Apnwatch__V1__StateHead *head)
{
        know_order(book, head->life_floor, head->life);
}

static bool find_type(const char *text, enum finding_type *type)
{
        for (int i = 0; i < FINDING_TYPES; i++) {
                if (strcmp(finding_type_text((enum finding_type)i), text) == 0) {
                        *type = (enum finding_type)i;
                        return true;
                }
        }
        return false;
}

static bool is_sound(const Apnwatch__V1__SavedAlert *saved)
{
        return saved->cause.len == 16 && saved->severity < SEVERITIES && saved->told_severity < SEVERITIES &&
               saved->confidence <= APNWATCH__V1__ALERT__CONFIDENCE__POSSIBLE && saved->score <= 100 && saved->revision > 0 &&
               saved->clock < JUDGE_TIME_LIMIT && saved->first < JUDGE_TIME_LIMIT && saved->last < JUDGE_TIME_LIMIT &&
               saved->active < JUDGE_TIME_LIMIT && saved->revised < JUDGE_TIME_LIMIT;
}

static struct cause cause_from(const ProtobufCBinaryData *bytes)
{
        XXH128_canonical_t digest;
        memcpy(digest.digest, bytes->data, sizeof digest.digest);
        return (struct cause){XXH128_hashFromCanonical(&digest)};
}

static void take_saved(struct alert *alert, const Apnwatch__V1__SavedAlert *saved)
{
        alert->cause = cause_from(&saved->cause);
        alert->order = (struct order){saved->clock, saved->frame, saved->shard, saved->index, saved->life};
        alert->revision = saved->revision;
        alert->severity = (uint8_t)saved->severity;
        alert->score = (uint8_t)saved->score;
        alert->confidence = (uint8_t)saved->confidence;
        alert->told_severity = (uint8_t)saved->told_severity;
        alert->count = saved->count;
        alert->told_count = saved->told_count;
        alert->first_ns = (int64_t)saved->first;
        alert->last_ns = (int64_t)saved->last;
        alert->active_ns = (int64_t)saved->active;
        alert->revised_ns = (int64_t)saved->revised;
        alert->is_dirty = saved->is_dirty;
        alert->reports_spaced = saved->reports_spaced;
        alert->numbers = numbers_of(saved);
        alert->recent_flows[0] = saved->once ? FINDING_ONCE : 0;
        alert->last_file = UINT32_MAX; /* none of this run */
}

/* The record with what stands in `message`, which is changed: without the devices of a fleet's alert. */
static struct alert *restore(const Apnwatch__V1__SavedAlert *saved, Apnwatch__V1__Alert *message)
{
        enum finding_type type;
        if (!is_sound(saved) || !find_type(message->type, &type))
                return NULL;
        size_t own_devices = message->n_devices, own_evidence = message->n_evidence;
        if (message->scope != APNWATCH__V1__ALERT__SCOPE__DEVICE) {
                message->n_devices = 0;
                message->has_device_count = false;
        }
        if (message->n_evidence > 1 + MORE_EVIDENCE)
                message->n_evidence = 1 + MORE_EVIDENCE;
        struct alert *alert = calloc(1, sizeof *alert + apnwatch__v1__alert__get_packed_size(message));
        if (alert) {
                alert->packed_length = (uint32_t)apnwatch__v1__alert__pack(message, alert->packed);
                alert->type = type;
                alert->more_packed = (uint8_t)(message->n_evidence > 0 ? message->n_evidence - 1 : 0);
                take_saved(alert, saved);
        }
        message->n_devices = own_devices;
        message->n_evidence = own_evidence;
        return alert;
}

bool alert_book_load(struct alert_book *book, const Apnwatch__V1__SavedAlert *saved)
{
        struct cause cause;
        struct alert *alert = NULL, *old;
        book->loaded = NULL;
        if (saved->cause.len != 16 || !saved->has_alert)
                return false;
        cause = cause_from(&saved->cause);
        HASH_FIND(hh, book->by_cause, &cause, sizeof cause, old);
        Apnwatch__V1__Alert *message = apnwatch__v1__alert__unpack(NULL, saved->alert.len, saved->alert.data);
        if (message)
                alert = old ? NULL : restore(saved, message);
        if (alert) {
                alert_book_insert(book, alert, saved->is_due);
                know_order(book, saved->clock, saved->life);
                book->loaded = alert;
        }
        if (message)
                apnwatch__v1__alert__free_unpacked(message, NULL);
        return alert != NULL;
}

void alert_book_load_devices(struct alert_book *book, const Apnwatch__V1__SavedDevices *saved)
{
        struct alert *alert = book->loaded;
        if (alert == NULL)
                return;
        for (size_t at = 0; saved->has_named && at + NAMED_SIZE <= saved->named.len; at += NAMED_SIZE) {
                const uint8_t *bytes = saved->named.data + at;
                struct device_key key = {.context = (uint16_t)(bytes[16] | bytes[17] << 8)};
                memcpy(key.address.bytes, bytes, sizeof key.address.bytes);
                alert->devices = device_set_add(alert->devices, &key);
        }
        for (size_t at = 0; saved->has_hashes && at + 8 <= saved->hashes.len; at += 8) {
                uint64_t hash = 0;
                for (unsigned i = 0; i < 8; i++)
                        hash |= (uint64_t)saved->hashes.data[at + i] << (8 * i);
                alert->devices = device_set_add_hash(alert->devices, hash);
        }
        if (saved->has_missing)
                alert->devices = device_set_expect(alert->devices, device_set_count(alert->devices) + saved->missing);
}

static void adopt_devices(struct alert *alert, const Apnwatch__V1__Alert *message, const Apnwatch__V1__SavedAlert *saved)
{
        bool has_contexts = saved->has_contexts && saved->contexts.len == 2 * message->n_devices;
        for (size_t i = 0; i < message->n_devices; i++) {
                struct device_key key = {.context = 0};
                if (!address_parse(message->devices[i], &key.address))
                        continue;
                if (has_contexts)
                        key.context = (uint16_t)(saved->contexts.data[2 * i] | saved->contexts.data[2 * i + 1] << 8);
                alert->devices = device_set_add(alert->devices, &key);
        }
        if (message->has_device_count)
                alert->devices = device_set_expect(alert->devices, message->device_count);
}

static bool adopt(struct alert_book *book, Apnwatch__V1__Alert *message, const Apnwatch__V1__SavedAlert *saved)
{
        struct alert *alert = restore(saved, message), *old;
        if (alert == NULL)
                return false;
        know_order(book, saved->clock, saved->life);
        HASH_FIND(hh, book->by_cause, &alert->cause, sizeof alert->cause, old);
        if (old) {
                bool is_same = old->order.clock == alert->order.clock && old->order.frame == alert->order.frame &&
                               old->order.shard == alert->order.shard && old->order.index == alert->order.index &&
                               old->order.life == alert->order.life;
                bool is_later = old->order.life == alert->order.life && old->order.clock > alert->order.clock;
                if (is_same ? alert->revision <= old->revision : is_later) { /* the save knew it already */
                        free(alert);
                        return true;
                }
                if (is_same) {
                        alert->devices = old->devices;
                        old->devices = NULL;
                        book->tally[old->type][old->severity]--;
                }
                alert_book_remove(book, old);
        }
        if (message->state == APNWATCH__V1__ALERT__STATE__CLOSE) {
                device_set_destroy(alert->devices);
                free(alert);
                return true;
        }
        if (message->scope != APNWATCH__V1__ALERT__SCOPE__DEVICE && message->n_devices > 0)
                adopt_devices(alert, message, saved);
        alert_book_insert(book, alert, false);
        return true;
}

bool alert_book_adopt(struct alert_book *book, const Apnwatch__V1__Alert *message, const void *cause, size_t cause_length)
{
        const uint8_t *bytes = cause;
        if (bytes == NULL || cause_length < 2 || cause_length > CAUSE_ROOM || bytes[0] != CAUSE_VERSION)
                return false;
        struct wire_arena arena = {.memory = malloc(ADOPT_ARENA), .size = ADOPT_ARENA};
        const Apnwatch__V1__SavedAlert *saved =
                arena.memory ? (const Apnwatch__V1__SavedAlert *)wire_unpack(
                                       &arena, &apnwatch__v1__saved_alert__descriptor, bytes + 1, cause_length - 1)
                             : NULL;
        /* what restore changes in the message stands as before when it returns */
        bool adopted = saved && adopt(book, (Apnwatch__V1__Alert *)(uintptr_t)message, saved);
        free(arena.memory);
        return adopted;
}
