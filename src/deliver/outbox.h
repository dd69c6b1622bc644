/* The outbox: every alert that was raised, on disk (SQLite, WAL) before anyone is told, until every sink has it and its
 * retention is over. It numbers alerts from 1 without holes and gives each an entry ID that only rises, whatever the
 * clock does and however often the sensor starts; number and ID are stored with the alert, so that a resend is the same
 * entry.
 *
 * An alert is *committed* once the transaction it was added in is: outbox_commit, which the run calls at most 100 ms
 * after outbox_add. Sinks are told of committed alerts only. Each sink (a consumer, by name) has a position: all
 * entries up to it are delivered, filtered (the sink does not want them) or gaps (the outbox could not hold them until
 * they were delivered).
 *
 *     committed = delivered + filtered + gaps + waiting       for each consumer, at every moment
 *
 * Bounded by size: acknowledged entries go first, oldest first; then the oldest that still wait, which become a gap of
 * every consumer that did not have them. When the disk is full, alerts wait in memory (bounded, oldest go, as gaps) and
 * the commit is tried again; what happened is logged once.
 *
 * An entry is kept until every consumer *of this run* has it and its retention, counted from then, is over; a consumer
 * that this run did not ask for holds nothing. When it comes back, it goes on where it was, and what went meanwhile is
 * its gap; of such consumers the 64 seen last are known. When the disk takes nothing, positions too wait in memory:
 * sinks ask what they hold.
 *
 * One process at a time: a second one gets -EBUSY. The file is made with mode 0600. Older schemas are migrated; a newer
 * one is refused with a message, as is a file that is not an outbox or that belongs to another sensor. A child after
 * fork must not touch the outbox. Beside the file stands its log, FILE-wal: whoever moves the one moves both. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/alert.pb-c.h"

struct outbox;

/* A Redis stream entry ID: "ms-sequence". Here `sequence` is the entry's number. */
struct entry_id {
        uint64_t ms, sequence;
};

struct outbox_settings {
        const char *path;        /* NULL: private and temporary, gone with the process */
        const char *sensor;
        uint64_t size_limit;     /* bytes of the file; 0: 1 GiB */
        uint32_t retention_s;    /* of entries that every consumer has; 0: 24 h */
        uint64_t fixed_ms;       /* `read`: every entry ID has this as its first part, so that the same run makes the same
                                  * IDs; 0: wall time, raised so that it never goes back */
        uint64_t memory_limit;   /* of alerts that wait for a commit; 0: 64 MiB */
        uint64_t (*now_ms)(void); /* Unix time; NULL: the machine's clock */
};

struct outbox_entry {
        uint64_t number;         /* of a gap: its last */
        struct entry_id id;      /* of a gap: that of its last entry */
        bool is_gap;
        struct entry_id gap_from;
        uint64_t gap_count;
        const Apnwatch__V1__Alert *alert; /* NULL for a gap */
        const uint8_t *packed;            /* the same, as apnwatch.v1.Alert */
        size_t packed_length;
};

/* 0 or negative errno with a message. */
int outbox_open(struct outbox **out, const struct outbox_settings *settings, char *error, size_t error_size);
void outbox_close(struct outbox *outbox); /* commits first; NULL is fine */

/* `cause` is what lets judge know the alert again after a restart (see judge_adopt); borrowed; NULL: none. A pair (id,
 * revision) that is there already is not added again (-EEXIST, counted). What cannot be held (-ENOMEM, or -EMSGSIZE:
 * more than 1 MiB) has its number, and is a gap. Much within one pause (half the memory limit) is committed at once. */
int outbox_add(struct outbox *outbox, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length);
bool outbox_has_uncommitted(const struct outbox *outbox); /* alerts */
/* Alerts, positions of consumers, retention: nothing when nothing changed, so that it may be called each second also
 * without alerts. 0 or negative errno, logged once; after a failure the disk is asked again after a quarter of a second
 * at the earliest. */
int outbox_commit(struct outbox *outbox);

struct outbox_numbers {
        uint64_t committed;      /* number of the last committed entry, gaps before the commit included */
        uint64_t refused;        /* -EEXIST */
        uint64_t bytes;          /* in use */
        uint64_t held;           /* entries that are there */
        uint64_t in_memory;      /* alerts that wait for a commit */
        uint64_t lost;           /* alerts of this run that went before they were committed: gaps of everyone */
        bool is_failing;         /* the last commit failed */
};
void outbox_numbers(const struct outbox *outbox, struct outbox_numbers *out);

/* Committed entries behind `number`, oldest first, for judge to adopt after a restart. Stops when `take` says false. */
void outbox_replay(struct outbox *outbox, uint64_t number,
                   bool (*take)(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length),
                   void *context); /* `take` must not call the outbox */

/* A consumer that is new begins behind what was committed (that counts as filtered). Lives until outbox_close; the same
 * name is the same consumer. NULL: no memory, or the file cannot be read. */
struct outbox_consumer;
struct outbox_consumer *outbox_consumer(struct outbox *outbox, const char *name);

struct outbox_position {
        uint64_t began;          /* it never goes back behind this: what was before it came */
        uint64_t position;       /* all entries up to this number are done: delivered + filtered + gaps */
        uint64_t told;           /* of them, the last that the sink was given: alert or gap record; 0: none */
        uint64_t delivered, filtered, gaps;
};
void outbox_consumer_position(const struct outbox_consumer *consumer, struct outbox_position *out);

/* The first entry behind `number`: a gap of this consumer or an alert. False: none is committed. Borrowed until the
 * next call for any consumer. Reads ahead in blocks: 200 000 entries a second and more. */
bool outbox_next(struct outbox_consumer *consumer, uint64_t number, struct outbox_entry *out);

/* Everything up to `number` is done, of it so many delivered, filtered and gap entries, which together are the way from
 * the position to there; `told` is the last of them that the sink was given, 0: none was. */
void outbox_advance(struct outbox_consumer *consumer, uint64_t number, uint64_t told, uint64_t delivered, uint64_t filtered,
                    uint64_t gaps);
/* The sink has lost what it had behind `number`: the position goes back there, and so many are no longer counted,
 * together the way back. Both become durable with the next commit. */
void outbox_rewind(struct outbox_consumer *consumer, uint64_t number, uint64_t delivered, uint64_t filtered, uint64_t gaps);

/* The number of the last entry at or before `id` that ever was; 0: none. `is_ours` (NULL: not asked): there was an
 * entry of just this ID, also if its ID rose since. */
uint64_t outbox_number_of(struct outbox *outbox, struct entry_id id, bool *is_ours);
/* The ID of an entry that was or is; {0, 0} for number 0. Of one that is long gone the first part may be too low, so
 * that it stands between its neighbours all the same. */
struct entry_id outbox_id_of(struct outbox *outbox, uint64_t number);
/* The number of this revision of this alert; 0: not held. */
uint64_t outbox_number_of_alert(struct outbox *outbox, const char *id, uint32_t revision);
uint64_t outbox_fixed_ms(const struct outbox *outbox); /* of the settings */

/* A server holds an entry of someone else, later than that at `number`, our last that it has: IDs of entries behind
 * `number` and of all to come rise above it. Durable when it returns: 1: they rose; 0: they were above it; or negative
 * errno. */
int outbox_raise_ids(struct outbox *outbox, uint64_t number, struct entry_id above);
