#include "base/time_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"

enum { TRANSITION_LIMIT = 4096, TYPE_LIMIT = 256, FILE_LIMIT = 256 * 1024 };

/* When daylight saving begins or ends in a year (POSIX TZ: Mm.w.d, Jn, n). */
struct yearly {
        char kind; /* 'M', 'J', 'n' */
        int month, week, day;
        int32_t time;
};

struct time_zone {
        unsigned transition_count, type_count;
        int64_t *moments;
        uint8_t *types;
        int32_t offsets[TYPE_LIMIT];
        bool has_foot, has_saving;
        int32_t standard, saving;
        struct yearly begin, end;
};

int64_t civil_days(int year, unsigned month, unsigned day)
{
        int64_t y = month <= 2 ? (int64_t)year - 1 : year; /* years that begin in March: the leap day comes last */
        int64_t era = (y >= 0 ? y : y - 399) / 400;
        int64_t year_of_era = y - era * 400;
        int64_t day_of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + (int64_t)day - 1;
        return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void civil_of_days(int64_t days, struct civil_time *out)
{
        days += 719468;
        int64_t era = (days >= 0 ? days : days - 146096) / 146097;
        int64_t day_of_era = days - era * 146097;
        int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        int64_t month = (5 * day_of_year + 2) / 153;
        out->day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
        out->month = (unsigned)(month < 10 ? month + 3 : month - 9);
        out->year = (int)(year_of_era + era * 400 + (out->month <= 2));
}

static bool is_leap(int year)
{
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned month_length(int year, unsigned month)
{
        static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

bool civil_is_valid(const struct civil_time *t)
{
        return t->year >= 1 && t->year <= 9999 && t->month >= 1 && t->month <= 12 && t->day >= 1 &&
               t->day <= month_length(t->year, t->month) && t->hour <= 24 && t->minute <= 59 && t->second <= 60 &&
               (t->hour < 24 || (t->minute == 0 && t->second == 0));
}

static int64_t floor_division(int64_t a, int64_t b)
{
        return a / b - (a % b < 0);
}

/* Seconds since 1970 of the rule's moment in the year, in local time before the change. */
static int64_t yearly_seconds(const struct yearly *rule, int year)
{
        int64_t first = civil_days(year, 1, 1), days;
        if (rule->kind == 'M') {
                int64_t month = civil_days(year, (unsigned)rule->month, 1);
                int weekday = (int)(((month + 4) % 7 + 7) % 7);
                int day = (rule->day - weekday + 7) % 7 + (rule->week - 1) * 7;
                if (day >= (int)month_length(year, (unsigned)rule->month))
                        day -= 7;
                days = month + day;
        } else if (rule->kind == 'J') { /* 1 to 365, the 29th of February is never counted */
                days = first + rule->day - 1 + (is_leap(year) && rule->day >= 60);
        } else {
                days = first + rule->day;
        }
        return days * 86400 + rule->time;
}

static int32_t foot_offset(const struct time_zone *zone, int64_t at)
{
        struct civil_time civil;
        if (!zone->has_saving)
                return zone->standard;
        civil_of_days(floor_division(at + zone->standard, 86400), &civil);
        int64_t begin = yearly_seconds(&zone->begin, civil.year) - zone->standard;
        int64_t end = yearly_seconds(&zone->end, civil.year) - zone->saving;
        bool saving = begin < end ? at >= begin && at < end : !(at >= end && at < begin);
        return saving ? zone->saving : zone->standard;
}

int32_t time_zone_offset(const struct time_zone *zone, int64_t at)
{
        if (zone == NULL)
                return 0;
        unsigned low = 0, high = zone->transition_count; /* the first transition after `at` */
        while (low < high) {
                unsigned middle = (low + high) / 2;
                if (zone->moments[middle] <= at)
                        low = middle + 1;
                else
                        high = middle;
        }
        if (low == zone->transition_count && zone->has_foot)
                return foot_offset(zone, at);
        return zone->offsets[low == 0 ? 0 : zone->types[low - 1]];
}

void time_zone_local(const struct time_zone *zone, int64_t time_ns, struct civil_time *out)
{
        int64_t seconds = floor_division(time_ns, 1000000000);
        seconds += time_zone_offset(zone, seconds);
        int64_t days = floor_division(seconds, 86400);
        unsigned rest = (unsigned)(seconds - days * 86400);
        civil_of_days(days, out);
        out->hour = rest / 3600;
        out->minute = rest / 60 % 60;
        out->second = rest % 60;
        out->weekday = (unsigned)(((days + 4) % 7 + 7) % 7);
}

int64_t time_zone_moment(const struct time_zone *zone, const struct civil_time *local)
{
        int64_t seconds = civil_days(local->year, local->month, local->day) * 86400 + local->hour * 3600 +
                          local->minute * 60 + local->second;
        int32_t before = time_zone_offset(zone, seconds - 86400), after = time_zone_offset(zone, seconds + 86400);
        if (time_zone_offset(zone, seconds - before) != before && time_zone_offset(zone, seconds - after) == after)
                return seconds - after;
        return seconds - before;
}

/* One data block; `wide` has 64-bit times (RFC 8536, 3.2). */
static bool read_block(struct cursor *cursor, bool wide, struct time_zone *zone)
{
        uint32_t universal = cursor_be32(cursor), standard = cursor_be32(cursor), leaps = cursor_be32(cursor);
        uint32_t times = cursor_be32(cursor), types = cursor_be32(cursor), characters = cursor_be32(cursor);
        unsigned width = wide ? 8 : 4;
        if (cursor->short_read || times > TRANSITION_LIMIT || types == 0 || types > TYPE_LIMIT || characters > 4096 ||
            leaps > 4096 || universal > types || standard > types)
                return false;
        if (zone == NULL) {
                cursor_skip(cursor,
                            times * (width + 1) + types * 6 + characters + leaps * (width + 4) + standard + universal);
                return !cursor->short_read;
        }
        zone->moments = calloc(times ? times : 1, sizeof *zone->moments);
        zone->types = calloc(times ? times : 1, sizeof *zone->types);
        if (zone->moments == NULL || zone->types == NULL)
                return false;
        for (uint32_t i = 0; i < times; i++) {
                zone->moments[i] = wide ? (int64_t)cursor_be64(cursor) : (int32_t)cursor_be32(cursor);
                if (i > 0 && zone->moments[i] <= zone->moments[i - 1])
                        return false;
        }
        for (uint32_t i = 0; i < times; i++)
                if ((zone->types[i] = cursor_u8(cursor)) >= types)
                        return false;
        for (uint32_t i = 0; i < types; i++) {
                zone->offsets[i] = (int32_t)cursor_be32(cursor);
                cursor_skip(cursor, 2);
                if (zone->offsets[i] < -26 * 3600 || zone->offsets[i] > 26 * 3600)
                        return false;
        }
        cursor_skip(cursor, characters + leaps * (width + 4) + standard + universal);
        zone->transition_count = times;
        zone->type_count = types;
        return !cursor->short_read;
}

static bool skip_name(const char **text)
{
        const char *start = *text;
        if (*start == '<') {
                const char *close = strchr(start, '>');
                *text = close ? close + 1 : start;
                return close != NULL;
        }
        while ((**text >= 'A' && **text <= 'Z') || (**text >= 'a' && **text <= 'z'))
                (*text)++;
        return *text - start >= 3;
}

static bool read_digits(const char **text, int most, int *out)
{
        int value = 0;
        const char *start = *text;
        for (; **text >= '0' && **text <= '9' && *text - start < 4; (*text)++)
                value = value * 10 + (**text - '0');
        *out = value;
        return *text > start && value <= most;
}

/* [+-]hh[:mm[:ss]] */
static bool read_clock(const char **text, int32_t *out)
{
        int sign = **text == '-' ? -1 : 1, part[3] = {0, 0, 0};
        *text += **text == '-' || **text == '+';
        for (unsigned i = 0; i < 3; i++) {
                if (i > 0 && **text != ':')
                        break;
                *text += i > 0;
                if (!read_digits(text, i ? 59 : 167, &part[i]))
                        return false;
        }
        *out = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
        return true;
}

static bool read_yearly(const char **text, struct yearly *out)
{
        *out = (struct yearly){.kind = 'n', .time = 7200};
        if (*(*text)++ != ',')
                return false;
        if (**text == 'M' || **text == 'J')
                out->kind = *(*text)++;
        if (out->kind == 'M') {
                if (!read_digits(text, 12, &out->month) || out->month == 0 || *(*text)++ != '.' ||
                    !read_digits(text, 5, &out->week) || out->week == 0 || *(*text)++ != '.' ||
                    !read_digits(text, 6, &out->day))
                        return false;
        } else if (!read_digits(text, 365, &out->day) || (out->kind == 'J' && out->day == 0)) {
                return false;
        }
        if (**text != '/')
                return true;
        (*text)++;
        return read_clock(text, &out->time);
}

/* "CET-1CEST,M3.5.0,M10.5.0/3": offsets count westwards. */
static bool read_foot(const char *text, struct time_zone *zone)
{
        int32_t west;
        if (!skip_name(&text) || !read_clock(&text, &west))
                return false;
        zone->standard = -west;
        zone->saving = zone->standard + 3600;
        if (*text == '\0')
                return true;
        if (!skip_name(&text))
                return false;
        if (*text != ',') {
                if (!read_clock(&text, &west))
                        return false;
                zone->saving = -west;
        }
        zone->has_saving = read_yearly(&text, &zone->begin) && read_yearly(&text, &zone->end) && *text == '\0';
        return zone->has_saving;
}

static bool read_file(struct cursor *cursor, struct time_zone *zone)
{
        char foot[128];
        if (!cursor_begins(cursor, "TZif"))
                return false;
        cursor_skip(cursor, 4);
        bool wide = cursor_u8(cursor) >= '2';
        cursor_skip(cursor, 15);
        if (!wide)
                return read_block(cursor, false, zone);
        if (!read_block(cursor, false, NULL))
                return false;
        cursor_skip(cursor, 20);
        if (!read_block(cursor, true, zone))
                return false;
        if (cursor_u8(cursor) != '\n')
                return true; /* without a foot: the last offset goes on */
        size_t length = cursor_left(cursor), used = 0;
        while (used < length && cursor->at[used] != '\n' && used < sizeof foot - 1) {
                foot[used] = (char)cursor->at[used];
                used++;
        }
        foot[used] = '\0';
        zone->has_foot = used > 0 && read_foot(foot, zone);
        return used == 0 || zone->has_foot;
}

struct time_zone *time_zone_parse(const void *bytes, size_t length)
{
        struct cursor cursor = cursor_of(bytes, length);
        struct time_zone *zone = calloc(1, sizeof *zone);
        if (zone != NULL && read_file(&cursor, zone))
                return zone;
        time_zone_destroy(zone);
        return NULL;
}

static bool name_is_plain(const char *name)
{
        size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/");
        return length > 0 && length < 64 && name[length] == '\0' && name[0] != '/' && strstr(name, "//") == NULL;
}

struct time_zone *time_zone_load(const char *name)
{
        const char *folder = getenv("TZDIR");
        char path[512];
        if (strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0) {
                struct time_zone *utc = calloc(1, sizeof *utc);
                if (utc != NULL)
                        utc->type_count = 1;
                return utc;
        }
        if (!name_is_plain(name))
                return NULL;
        snprintf(path, sizeof path, "%.400s/%s", folder ? folder : "/usr/share/zoneinfo", name);
        FILE *file = fopen(path, "rb");
        if (file == NULL)
                return NULL;
        struct time_zone *zone = NULL;
        uint8_t *bytes = malloc(FILE_LIMIT);
        if (bytes != NULL)
                zone = time_zone_parse(bytes, fread(bytes, 1, FILE_LIMIT, file)); /* a folder reads as 0 bytes */
        free(bytes);
        fclose(file);
        return zone;
}

void time_zone_destroy(struct time_zone *zone)
{
        if (zone == NULL)
                return;
        free(zone->moments);
        free(zone->types);
        free(zone);
}

/* `count` digits. */
static bool take_number(const char **text, unsigned count, unsigned *out)
{
        unsigned value = 0;
        for (unsigned i = 0; i < count; i++, (*text)++) {
                if (**text < '0' || **text > '9')
                        return false;
                value = value * 10 + (unsigned)(**text - '0');
        }
        *out = value;
        return true;
}

size_t civil_parse(const char *text, struct civil_time *out, bool *has_clock)
{
        const char *at = text;
        unsigned year;
        *out = (struct civil_time){0};
        *has_clock = false;
        if (!take_number(&at, 4, &year) || *at++ != '-' || !take_number(&at, 2, &out->month) || *at++ != '-' ||
            !take_number(&at, 2, &out->day))
                return 0;
        out->year = (int)year;
        if ((*at == ' ' || *at == 'T') && at[1] >= '0' && at[1] <= '9') {
                at++;
                *has_clock = true;
                if (!take_number(&at, 2, &out->hour) || *at++ != ':' || !take_number(&at, 2, &out->minute))
                        return 0;
                if (*at == ':') {
                        at++;
                        if (!take_number(&at, 2, &out->second))
                                return 0;
                }
        }
        return civil_is_valid(out) ? (size_t)(at - text) : 0;
}

/* "Z", "+02:00", " +0200"; nothing: `*given` stays false. */
static bool take_zone(const char *text, bool *given, int32_t *offset)
{
        unsigned hours, minutes;
        text += *text == ' ';
        *offset = 0;
        *given = *text != '\0';
        if (!*given || strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
                return true;
        int sign = *text == '-' ? -1 : 1;
        if (*text != '+' && *text != '-')
                return false;
        text++;
        if (!take_number(&text, 2, &hours))
                return false;
        text += *text == ':';
        if (!take_number(&text, 2, &minutes) || *text != '\0' || hours > 23 || minutes > 59)
                return false;
        *offset = sign * (int32_t)(hours * 3600 + minutes * 60);
        return true;
}

/* A fraction of a second behind `*text`, as nanoseconds; digits below are dropped. */
static int64_t take_fraction(const char **text)
{
        int64_t ns = 0, unit = 100000000;
        if (**text != '.' && **text != ',')
                return 0;
        for ((*text)++; **text >= '0' && **text <= '9'; (*text)++, unit /= 10)
                ns += (**text - '0') * unit;
        return ns;
}

bool moment_parse(const char *text, const struct time_zone *zone, int64_t *time_ns)
{
        struct civil_time civil;
        bool has_clock, given;
        int32_t offset;
        int64_t seconds = 0;
        size_t used = civil_parse(text, &civil, &has_clock);
        const char *rest = text + used;
        if (used == 0) {
                size_t digits = strspn(text, "0123456789");
                if (digits == 0 || digits > 10)
                        return false;
                for (size_t i = 0; i < digits; i++)
                        seconds = seconds * 10 + (text[i] - '0');
                rest = text + digits;
                if (seconds > 9223372035)
                        return false;
                *time_ns = seconds * 1000000000 + take_fraction(&rest);
                return *rest == '\0';
        }
        int64_t fraction = has_clock ? take_fraction(&rest) : 0;
        if (!take_zone(rest, &given, &offset))
                return false;
        if (given)
                seconds = time_zone_moment(NULL, &civil) - offset;
        else
                seconds = time_zone_moment(zone, &civil);
        if (seconds > 9223372035 || seconds < -9223372035)
                return false;
        *time_ns = seconds * 1000000000 + fraction;
        return true;
}
