/* The alert book: owns identity, grouping, revisions and closing of alerts. Detectors only report findings; what has the
 * same cause (type, scope, device or fleet, peer, protocol, port, object) grows one alert.
 *
 * A revision is due at first, when the severity rises and when the count doubles, at most every ten minutes of packet time,
 * and when the alert closes after a time of quiet. With `revisions` each is delivered when it is due; without, every alert
 * is delivered once, by alert_book_finish, in the order in which they were opened, numbered as if the others had been.
 *
 * An alert is held packed, about 800 bytes. Bounded: at the limit the alert that was closed first goes, else the one that
 * was silent longest; it is delivered as it stands (closed) and counted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "judge/device_table.h"
#include "judge/severity.h"
#include "judge/state.pb-c.h"
#include "model/alert.pb-c.h"
#include "model/event.h"

struct alert_book;

struct alert_book_settings {
        const char *sensor;                                                  /* NULL: not said */
        bool revisions;
        uint32_t limit;
        /* Borrowed until it returns. `cause` is for alert_book_adopt; NULL without revisions. */
        void (*deliver)(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length);
        const char *(*input_name)(void *context, uint32_t file);             /* NULL: not known */
        void *context;
};

/* What grows with an alert; a field that is not known is 0. */
struct alert_numbers {
        uint64_t bytes_up, bytes_down, packets; /* of the first flow */
        uint64_t object_size;
        uint64_t undetermined, flows;           /* sensor.blind */
        uint64_t dropped, received;             /* sensor.loss; of this finding: the book adds them up */
        uint32_t silent_s;                      /* sensor.stall */
        bool answered;
};

/* A finding's `flow` that is the same in every run: it is one thing, told again. */
#define FINDING_ONCE UINT64_MAX

struct finding {
        enum circumstance circumstance;
        Apnwatch__V1__Alert__Scope scope;
        const struct device_key *device; /* NULL: the finding is about no device */
        const char *fleet;               /* never NULL for scope fleet */
        const char *peer;                /* its name or address: part of the cause; NULL: none */
        uint8_t protocol;
        uint16_t port;
        const char *object;              /* what else makes the cause; NULL: nothing */
        uint64_t subject;                /* so does who had the device's address; 0: not known */
        int64_t time_ns, last_ns;        /* first and last evidence of this finding */
        bool counts;                     /* false: more of what was counted already; opens nothing */
        bool every_time;                 /* counts again on the same flow */
        bool possible_only;              /* confidence `possible`, whatever the table says */
        uint64_t flow;                   /* its id + 1; 0: none */
        bool has_frame;
        uint32_t file;
        uint64_t frame;
        struct alert_numbers numbers;
        /* Called once, when the alert is opened: everything that does not change. Pointers need to live until
         * alert_book_report returns. type, severity, counts and times are the book's. */
        void (*draft)(void *context, Apnwatch__V1__Alert *alert);
        void *context;
};

struct alert_book *alert_book_create(const struct alert_book_settings *settings);
void alert_book_destroy(struct alert_book *book); /* what is not delivered is dropped */

/* `event` gives the order key and the clock. True when it opened an alert. */
bool alert_book_report(struct alert_book *book, const struct finding *finding, const event_t *event);

/* While true: events that were kept for a moment are judged, so that clocks go back for no other reason. */
void alert_book_allow_late(struct alert_book *book, bool allow);

/* What the alert of this cause told has ended: it is closed. `numbers` and `last_ns` are taken. False: there was none. */
bool alert_book_settle(struct alert_book *book, const struct finding *finding, const event_t *event);

/* Time begins anew (an input with its own clock): whatever closes after quiet closes now. */
void alert_book_begin_anew(struct alert_book *book, int64_t clock_ns, int64_t new_clock_ns);

/* Numbers of flows begin anew; numbers of contexts too when they stand for other ones than before. */
void alert_book_new_run(struct alert_book *book, bool other_contexts);

void alert_book_tick(struct alert_book *book, int64_t clock_ns);
void alert_book_finish(struct alert_book *book);

/* Over a restart; see judge.h. What is open is saved: as head, and a record for each alert with its devices. Loading is into
 * an empty book; alerts that went out later are adopted after it. */
struct state_writer;
void alert_book_save_head(const struct alert_book *book, Apnwatch__V1__StateHead *head);
int alert_book_save(const struct alert_book *book, struct state_writer *writer);
void alert_book_load_head(struct alert_book *book, const Apnwatch__V1__StateHead *head);
bool alert_book_load(struct alert_book *book, const Apnwatch__V1__SavedAlert *saved);
void alert_book_load_devices(struct alert_book *book, const Apnwatch__V1__SavedDevices *saved);
bool alert_book_adopt(struct alert_book *book, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length);

/* How many alerts there were, by type and severity (an alert counts at its highest). */
uint64_t alert_book_count(const struct alert_book *book, enum finding_type type, int severity);
uint64_t alert_book_evictions(const struct alert_book *book);
