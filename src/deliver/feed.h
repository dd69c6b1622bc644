/* One sink's view of the outbox: entries in order, filtered, with a window of entries that are on their way, and the
 * account of what became of each. The sinks that deliver from the outbox speak to a feed, never to the outbox.
 *
 *     committed = delivered + filtered + gaps + waiting       at every moment; what is on its way waits
 *
 * Gaps count entries, not records; they are counted when the sink has the record. */
#pragma once

#include "deliver/outbox.h"
#include "deliver/sink.h"

struct event_base;
struct feed;

/* `base` may be NULL: then a sink that wants little searches long within one feed_take. NULL: no memory, or the outbox
 * cannot be read. */
struct feed *feed_create(struct outbox *outbox, struct sink *sink, struct event_base *base);
void feed_destroy(struct feed *feed);
struct event_base *feed_base(const struct feed *feed);

/* The next entry that the sink wants and that was not taken since the last feed_rewind. False: none waits, or many were
 * searched in vain and the sink's `wake` is called again from the loop. Borrowed until the next call of any feed. */
bool feed_take(struct feed *feed, struct outbox_entry *out);
/* Everything taken up to this entry number is delivered. */
void feed_delivered(struct feed *feed, uint64_t number);
/* The receiver will never have the entry of this number: it counts as a gap, and everything taken before it that is not
 * accounted for yet as delivered. */
void feed_refused(struct feed *feed, uint64_t number);
/* The connection broke: what was taken and is not delivered is taken again. */
void feed_rewind(struct feed *feed);
/* What the server says it holds last ({0, 0}: nothing); on each connect, with or without a feed_rewind before. Ahead of
 * us: delivered up to there. Behind the last that it was given: what it lost is taken again, a gap where the outbox no
 * longer holds it, at most back to where this sink began. Not ours and later: our IDs rise above it, told once. With
 * fixed IDs (`read`): all up to there is done, also what is yet to come. */
void feed_resume_behind(struct feed *feed, struct entry_id last);
/* The same for a file, whose last line was this revision of this alert; an empty id, or one that is not held, tells
 * nothing: a file that was moved away is not lost. */
void feed_resume_behind_alert(struct feed *feed, const char *id, uint32_t revision);

struct feed_numbers {
        uint64_t delivered, filtered, gaps, waiting;
        uint64_t in_flight, rewinds, reconnects;
        bool is_connected;
        const char *trouble; /* NULL: none; what the sink last said */
};
void feed_numbers(const struct feed *feed, struct feed_numbers *out);

/* The sink's state for log, metrics and status: told once a change. NULL: as feed_connected. Trouble is over, and that
 * is told, when after feed_connected something was delivered, or nothing waits: a server that takes connections and
 * refuses entries stays trouble. */
void feed_trouble(struct feed *feed, const char *what);
void feed_connected(struct feed *feed);

/* Growing pauses with jitter for whoever reconnects: 50 ms doubling to 30 s, each drawn from 0 to that; from the start
 * again when trouble is over. */
unsigned feed_next_pause_ms(struct feed *feed);
