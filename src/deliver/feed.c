#include "deliver/feed.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <event2/event.h>

#include "base/log.h"

enum { FILTERED_AT_ONCE = 2048, /* then the event loop goes round */
       ASKED_AGAIN = 100000,    /* entries, when a sink lost what it had */
       FIRST_PAUSE_MS = 50, LONGEST_PAUSE_MS = 30000 };

struct taken { /* an entry that is on its way */
        uint64_t number;
        uint64_t filtered;       /* entries between the one before and this, that the sink does not want */
        uint64_t gaps;           /* of a gap record: its entries; 0: an alert */
};

struct feed {
        struct outbox *outbox;
        struct outbox_consumer *consumer;
        struct sink *sink;
        struct event_base *base;
        struct event *more;

        struct taken *window;    /* a ring */
        unsigned first, count, size;
        uint64_t cursor;         /* all up to here is taken or filtered */
        uint64_t filtered;       /* behind the last one taken */
        uint64_t there_already;  /* `read` again: the server has all up to this number */

        uint64_t rewinds, reconnects;
        char *trouble;
        unsigned pause_ms;
        bool is_connected, was_connected, is_foreign_told;
        bool is_rewound;         /* the window stands only to tell what a server has that did not answer */
};

static void on_more(evutil_socket_t file, short what, void *context)
{
        struct feed *feed = context;
        (void)file;
        (void)what;
        if (feed->sink->kind->wake)
                feed->sink->kind->wake(feed->sink);
}

static struct outbox_position position_of(const struct feed *feed)
{
        struct outbox_position position;
        outbox_consumer_position(feed->consumer, &position);
        return position;
}

struct feed *feed_create(struct outbox *outbox, struct sink *sink, struct event_base *base)
{
        struct feed *feed = calloc(1, sizeof *feed);
        if (feed == NULL)
                return NULL;
        *feed = (struct feed){.outbox = outbox, .sink = sink, .base = base, .pause_ms = FIRST_PAUSE_MS, .size = 64};
        feed->consumer = outbox_consumer(outbox, sink->name);
        feed->window = calloc(feed->size, sizeof *feed->window);
        feed->more = base ? event_new(base, -1, 0, on_more, feed) : NULL;
        if (feed->consumer == NULL || feed->window == NULL || (base && feed->more == NULL)) {
                feed_destroy(feed);
                return NULL;
        }
        feed->cursor = position_of(feed).position;
        return feed;
}

void feed_destroy(struct feed *feed)
{
        if (feed == NULL)
                return;
        if (feed->more)
                event_free(feed->more);
        free(feed->window);
        free(feed->trouble);
        free(feed);
}

struct event_base *feed_base(const struct feed *feed)
{
        return feed->base;
}

/* The account. */

static uint64_t waiting(const struct feed *feed)
{
        struct outbox_numbers numbers;
        outbox_numbers(feed->outbox, &numbers);
        return numbers.committed - position_of(feed).position;
}

/* Trouble is over when something went through, or nothing waits: a server that takes the connection and nothing else is
 * still trouble. */
static void settle(struct feed *feed)
{
        feed->pause_ms = FIRST_PAUSE_MS;
        if (feed->trouble == NULL)
                return;
        log_warning("output %s: connected again", feed->sink->name);
        free(feed->trouble);
        feed->trouble = NULL;
}

static void advance(struct feed *feed, uint64_t number, uint64_t told, uint64_t delivered, uint64_t filtered, uint64_t gaps)
{
        outbox_advance(feed->consumer, number, told, delivered, filtered, gaps);
        feed->sink->delivered += delivered;
        feed->sink->filtered += filtered;
        if (feed->is_connected && (told > 0 || waiting(feed) == 0))
                settle(feed);
}

/* What the sink does not want is done when nothing before it is on its way. */
static void account_filtered(struct feed *feed)
{
        if (feed->count > 0 || feed->filtered == 0)
                return;
        advance(feed, feed->cursor, 0, 0, feed->filtered, 0);
        feed->filtered = 0;
}

static bool push_taken(struct feed *feed, const struct outbox_entry *entry)
{
        if (feed->count == feed->size) {
                struct taken *window = calloc(2 * feed->size, sizeof *window);
                if (window == NULL)
                        return false;
                for (unsigned i = 0; i < feed->count; i++)
                        window[i] = feed->window[(feed->first + i) % feed->size];
                free(feed->window);
                feed->window = window;
                feed->first = 0;
                feed->size *= 2;
        }
        feed->window[(feed->first + feed->count++) % feed->size] =
                (struct taken){entry->number, feed->filtered, entry->is_gap ? entry->gap_count : 0};
        feed->filtered = 0;
        return true;
}

static void drop_window(struct feed *feed)
{
        feed->first = feed->count = 0;
        feed->filtered = 0;
        feed->is_rewound = false;
        feed->cursor = position_of(feed).position;
}

/* From the position up to `number`, which the sink has, although this run did not see it delivered: part of a gap is a
 * gap. */
static void walk_to(struct feed *feed, uint64_t number)
{
        struct outbox_entry entry;
        uint64_t at = position_of(feed).position;
        while (at < number && outbox_next(feed->consumer, at, &entry)) {
                if (entry.is_gap) {
                        uint64_t end = entry.number < number ? entry.number : number;
                        advance(feed, end, end, 0, 0, end - at);
                        at = end;
                        continue;
                }
                bool wanted = sink_wants_alert(feed->sink, entry.alert);
                advance(feed, entry.number, wanted ? entry.number : 0, wanted, !wanted, 0);
                at = entry.number;
        }
}

bool feed_take(struct feed *feed, struct outbox_entry *out)
{
        if (feed->is_rewound)
                drop_window(feed);
        if (feed->there_already > position_of(feed).position && feed->count == 0) {
                struct outbox_numbers numbers;
                outbox_numbers(feed->outbox, &numbers);
                walk_to(feed, feed->there_already < numbers.committed ? feed->there_already : numbers.committed);
                drop_window(feed);
        }
        for (unsigned tries = 0; outbox_next(feed->consumer, feed->cursor, out); tries++) {
                bool wanted = out->is_gap || sink_wants_alert(feed->sink, out->alert);
                if (!wanted && tries >= FILTERED_AT_ONCE && feed->more) {
                        event_active(feed->more, 0, 0);
                        break;
                }
                if (wanted && !push_taken(feed, out))
                        break;
                feed->cursor = out->number;
                if (wanted)
                        return true;
                feed->filtered++;
        }
        account_filtered(feed);
        return false;
}

/* What of the window goes up to `number`. The refused one, 0: none, is a gap. */
static void account_window(struct feed *feed, uint64_t number, uint64_t refused)
{
        uint64_t delivered = 0, filtered = 0, gaps = 0, last = 0;
        while (feed->count > 0 && feed->window[feed->first].number <= number) {
                const struct taken *taken = &feed->window[feed->first];
                bool is_alert = taken->gaps == 0;
                last = taken->number;
                delivered += is_alert && last != refused;
                filtered += taken->filtered;
                gaps += is_alert ? last == refused : taken->gaps;
                feed->first = (feed->first + 1) % feed->size;
                feed->count--;
        }
        if (last == 0)
                return;
        advance(feed, last, last, delivered, filtered, gaps);
        account_filtered(feed);
}

void feed_delivered(struct feed *feed, uint64_t number)
{
        if (!feed->is_rewound)
                account_window(feed, number, 0);
}

void feed_refused(struct feed *feed, uint64_t number)
{
        if (!feed->is_rewound)
                account_window(feed, number, number);
}

void feed_rewind(struct feed *feed)
{
        feed->rewinds += feed->count > 0 && !feed->is_rewound;
        feed->is_rewound = true;
}

/* Resuming. */

struct account {
        uint64_t delivered, filtered, gaps;
};

static uint64_t at_most(uint64_t wanted, uint64_t most)
{
        return wanted < most ? wanted : most;
}

/* What of the account lies between `number` and the position. Entries that are held are asked again, a bounded number
 * of them; of the others nobody knows what each was: delivered first, then gaps, then filtered. The sum is right in any
 * case. */
static struct account account_behind(struct feed *feed, uint64_t number, const struct outbox_position *position)
{
        struct outbox_entry entry;
        struct account account = {0, 0, 0};
        uint64_t at = number;
        for (unsigned asked = 0; asked < ASKED_AGAIN && at < position->position; asked++, at = entry.number) {
                if (!outbox_next(feed->consumer, at, &entry))
                        break;
                if (entry.is_gap)
                        continue;
                if (sink_wants_alert(feed->sink, entry.alert))
                        account.delivered++;
                else
                        account.filtered++;
        }
        account.delivered = at_most(account.delivered, position->delivered);
        account.filtered = at_most(account.filtered, position->filtered - position->began);
        uint64_t unknown = position->position - number - account.delivered - account.filtered;
        uint64_t more = at_most(unknown, position->delivered - account.delivered);
        account.delivered += more;
        account.gaps = at_most(unknown - more, position->gaps);
        account.filtered += unknown - more - account.gaps;
        return account;
}

static void go_back(struct feed *feed, uint64_t number)
{
        struct outbox_position position = position_of(feed);
        if (number < position.began)
                number = position.began;
        if (number >= position.told)
                return;
        struct account account = account_behind(feed, number, &position);
        outbox_rewind(feed->consumer, number, account.delivered, account.filtered, account.gaps);
        feed->rewinds++;
        log_warning("output %s: it has lost alerts that it had taken: %" PRIu64 " are sent again, as far as they are held",
                    feed->sink->name, account.delivered + account.gaps);
}

static void resume_behind(struct feed *feed, uint64_t number)
{
        struct outbox_position position = position_of(feed);
        if (number > position.position) {
                account_window(feed, number, 0);
                walk_to(feed, number);
        } else {
                go_back(feed, number);
        }
        drop_window(feed);
}

/* The stream goes on behind an entry that is not ours. */
static void rise_above(struct feed *feed, struct entry_id last)
{
        int result = outbox_raise_ids(feed->outbox, position_of(feed).position, last);
        if (result < 0)
                log_error("output %s: its last entry %" PRIu64 "-%" PRIu64 " is not ours, and ours cannot rise above it: %s",
                          feed->sink->name, last.ms, last.sequence, strerror(-result));
        else if (result > 0 && !feed->is_foreign_told)
                log_warning("output %s: its last entry %" PRIu64 "-%" PRIu64 " is not ours and later: entry IDs rise above it",
                            feed->sink->name, last.ms, last.sequence);
        feed->is_foreign_told = feed->is_foreign_told || result > 0;
}

static bool is_later(struct entry_id one, struct entry_id other)
{
        return one.ms > other.ms || (one.ms == other.ms && one.sequence > other.sequence);
}

void feed_resume_behind(struct feed *feed, struct entry_id last)
{
        bool is_ours = false;
        uint64_t fixed_ms = outbox_fixed_ms(feed->outbox);
        uint64_t number = outbox_number_of(feed->outbox, last, &is_ours);
        if (fixed_ms > 0 && last.ms == fixed_ms) {
                feed->there_already = last.sequence;
                drop_window(feed);
                return;
        }
        if (is_ours || !is_later(last, outbox_id_of(feed->outbox, position_of(feed).position))) {
                resume_behind(feed, number);
                return;
        }
        drop_window(feed);
        rise_above(feed, last);
}

void feed_resume_behind_alert(struct feed *feed, const char *id, uint32_t revision)
{
        uint64_t number = id[0] ? outbox_number_of_alert(feed->outbox, id, revision) : 0;
        if (number > 0)
                resume_behind(feed, number);
        else
                drop_window(feed);
}

void feed_numbers(const struct feed *feed, struct feed_numbers *out)
{
        struct outbox_position position = position_of(feed);
        *out = (struct feed_numbers){.delivered = position.delivered, .filtered = position.filtered, .gaps = position.gaps,
                                     .waiting = waiting(feed), .in_flight = feed->is_rewound ? 0 : feed->count, .rewinds = feed->rewinds,
                                     .reconnects = feed->reconnects, .is_connected = feed->is_connected, .trouble = feed->trouble};
}

/* State. */

void feed_trouble(struct feed *feed, const char *what)
{
        if (what == NULL) {
                feed_connected(feed);
                return;
        }
        feed->is_connected = false;
        if (feed->trouble && strcmp(feed->trouble, what) == 0)
                return;
        log_warning("output %s: %s; %" PRIu64 " alerts wait", feed->sink->name, what, waiting(feed));
        free(feed->trouble);
        feed->trouble = strdup(what);
}

void feed_connected(struct feed *feed)
{
        feed->reconnects += feed->was_connected && !feed->is_connected;
        feed->is_connected = feed->was_connected = true;
        if (waiting(feed) == 0)
                settle(feed);
}

unsigned feed_next_pause_ms(struct feed *feed)
{
        uint32_t random = 0;
        unsigned most = feed->pause_ms;
        feed->pause_ms = most >= LONGEST_PAUSE_MS / 2 ? LONGEST_PAUSE_MS : 2 * most;
        if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
                random = UINT32_MAX; /* never shorter than meant */
        return (unsigned)((uint64_t)random * most / UINT32_MAX);
}
