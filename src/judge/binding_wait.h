/* Requests that wait for their response, responses that came first (for four seconds at most), and what was answered
 * already. Bounded in number and age. Private to bindings. */
#pragma once

#include "judge/binding_said.h"

struct wait_table;

struct wait_entry {
        enum wait_state { WAITS_FOR_RESPONSE, WAITS_FOR_REQUEST, IS_ANSWERED } state;
        int64_t time_ns;
        uint16_t context;
        uint32_t file;
        uint64_t file_frame;
        struct said *said;      /* the table's, until the entry is dropped; NULL once answered */
};

struct wait_table *wait_table_create(uint32_t limit, int64_t age_ns);
void wait_table_destroy(struct wait_table *table);

enum wait_verdict {
        WAIT_NEW,       /* kept */
        WAIT_REPEATED,  /* a retransmission: nothing to do */
        WAIT_MATCHED    /* `other` is the other half; call wait_table_answered when done with it */
};
/* A request or a response; `event` is where it was read from. */
enum wait_verdict wait_table_take(struct wait_table *table, const struct said *said, const event_t *event, uint16_t context,
                                  struct wait_entry **other);
void wait_table_answered(struct wait_table *table, struct wait_entry *entry);

/* The next that is too old; false: none. It is dropped by the next call of any function but its fields are good until
 * then. */
bool wait_table_expire(struct wait_table *table, int64_t clock_ns, struct wait_entry **out);

uint32_t wait_table_count(const struct wait_table *table);
uint64_t wait_table_dropped(const struct wait_table *table); /* for want of room */
