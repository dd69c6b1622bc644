/* Alerts that wait for a commit, packed, oldest first, found by (id, revision). Numbers rise by one from alert to
 * alert; those of alerts that went before they were committed are kept as what was lost before the next one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deliver/outbox_history.h"

/* An alert's id as it is stored: 16 bytes of 32 hex digits, anything else as it is. */
struct alert_key {
        const void *bytes;
        uint32_t length;
        uint32_t revision;
        bool is_hex;
        uint8_t digits[16];
};
void alert_key_of(struct alert_key *key, const char *id, uint32_t revision);

struct pending_alert {
        struct pending_alert *next, *next_in_bucket;
        uint64_t number, ms;
        struct dropped_range lost; /* directly before this one; last 0: none */
        struct alert_key key;
        uint32_t hash;
        size_t alert_length, cause_length; /* the bytes stand in `bytes`, in this order, behind an id that is not hex */
        const uint8_t *alert, *cause;
        uint8_t bytes[];
};

struct outbox_pending {
        struct pending_alert *first, *last;
        struct pending_alert **buckets;
        unsigned bucket_count, count;
        uint64_t bytes;
        struct dropped_range lost; /* behind the last one */
};

int outbox_pending_init(struct outbox_pending *pending);
void outbox_pending_clear(struct outbox_pending *pending);
bool outbox_pending_has(const struct outbox_pending *pending, const struct alert_key *key);
/* An alert of so many bytes at the end, for the caller to fill `alert`; NULL: no memory. */
struct pending_alert *outbox_pending_add(struct outbox_pending *pending, uint64_t number, uint64_t ms,
                                         const struct alert_key *key, size_t alert_length, const void *cause,
                                         size_t cause_length);
/* This number never became an alert. */
void outbox_pending_lose(struct outbox_pending *pending, uint64_t number, uint64_t ms);
/* The oldest goes and is lost; never the only one. False: there is only one. */
bool outbox_pending_drop(struct outbox_pending *pending);
/* The oldest was committed. */
void outbox_pending_remove(struct outbox_pending *pending);
