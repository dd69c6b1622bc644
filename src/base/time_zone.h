/* Local time of a named zone without the process's TZ: reads the zone's TZif file (RFC 8536) once; afterwards a binary
 * search. Times after the last transition follow the POSIX TZ string in the file's foot. Immutable once loaded. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct time_zone;

struct civil_time {
        int year;           /* 1 to 9999 */
        unsigned month, day; /* from 1 */
        unsigned hour, minute, second;
        unsigned weekday;   /* 0 Sunday; ignored on the way to Unix time */
};

/* By name ("Europe/Berlin") below /usr/share/zoneinfo ($TZDIR); UTC needs no file. NULL: there is none. */
struct time_zone *time_zone_load(const char *name);
struct time_zone *time_zone_parse(const void *bytes, size_t length); /* a TZif file; NULL: it is none */
void time_zone_destroy(struct time_zone *zone);

/* Seconds east of UTC at a moment. A NULL zone is UTC. */
int32_t time_zone_offset(const struct time_zone *zone, int64_t unix_seconds);

void time_zone_local(const struct time_zone *zone, int64_t time_ns, struct civil_time *out);

/* The moment of a local time, Unix seconds. A local time that comes twice: its first; one that is skipped: as if the clock
 * had not been put forward. */
int64_t time_zone_moment(const struct time_zone *zone, const struct civil_time *local);

/* Days since 1970-01-01 in the proleptic Gregorian calendar. */
int64_t civil_days(int year, unsigned month, unsigned day);
/* The fields are a time that exists in the calendar. */
bool civil_is_valid(const struct civil_time *t);

/* "2026-04-12", "2026-04-12 01:00", "2026-04-12T01:00:00"; a zone at the end ("Z", "+02:00") is not taken here. Returns the
 * bytes used, 0 when it is none. `has_clock` tells whether hours stood there. */
size_t civil_parse(const char *text, struct civil_time *out, bool *has_clock);

/* A moment in the outside's forms: RFC 3339 ("2026-03-01T02:03:04.5Z", "... +02:00"), a civil time without zone (in `zone`),
 * or Unix seconds. */
bool moment_parse(const char *text, const struct time_zone *zone, int64_t *time_ns);
