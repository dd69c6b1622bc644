/* Weekly windows and spans of maintenance of a fleet, in its time zone. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/time_zone.h"
#include "judge/policy_parts.h"

enum { DAY_MINUTES = 1440, EVERY_DAY = 0x7f, WINDOW_LIMIT = 256 };

static const char window_expected[] =
        "days and hours such as \"Sun 01:00-05:00\", \"Mon-Fri 22:00-02:00\" or \"daily 01:00-02:00\"";
static const char maintenance_expected[] =
        "a span such as \"2026-04-12 01:00/03:00\" or \"2026-04-12 22:00/2026-04-13 02:00\"";

/* "Sun", "sunday": 0 to 6, or -1. */
static int take_weekday(const char **text)
{
        static const char *const names[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};
        size_t length = strspn(*text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
        for (int i = 0; i < 7; i++) {
                if ((length == 3 || length == strlen(names[i])) && strncasecmp(*text, names[i], length) == 0) {
                        *text += length;
                        return i;
                }
        }
        return -1;
}

/* "daily", "Sun", "Mon-Fri", "Sat,Sun", or nothing: a set of days, 0 when it is none. */
static unsigned take_days(const char **text)
{
        unsigned days = 0;
        if (**text >= '0' && **text <= '9')
                return EVERY_DAY;
        if (strncasecmp(*text, "daily", 5) == 0) {
                *text += 5;
                return EVERY_DAY;
        }
        for (;;) {
                int first = take_weekday(text), last = first;
                if (first >= 0 && **text == '-') {
                        (*text)++;
                        last = take_weekday(text);
                }
                if (first < 0 || last < 0)
                        return 0;
                for (int day = first;; day = (day + 1) % 7) {
                        days |= 1U << day;
                        if (day == last)
                                break;
                }
                if (**text != ',')
                        return days;
                *text += 1 + strspn(*text + 1, " ");
        }
}

/* "01:00" to "24:00" in minutes, or -1. */
static int take_clock(const char **text)
{
        char *end;
        if (**text < '0' || **text > '9')
                return -1;
        long hours = strtol(*text, &end, 10);
        if (*end != ':' || end - *text > 2 || end[1] < '0' || end[1] > '5' || end[2] < '0' || end[2] > '9')
                return -1;
        long minutes = (end[1] - '0') * 10 + (end[2] - '0');
        *text = end + 3;
        return hours > 24 || (hours == 24 && minutes > 0) ? -1 : (int)(hours * 60 + minutes);
}

static bool window_parse(const char *text, struct window *out)
{
        unsigned days = take_days(&text);
        text += strspn(text, " ");
        int start = take_clock(&text);
        if (days == 0 || start < 0 || start == DAY_MINUTES || *text++ != '-')
                return false;
        int end = take_clock(&text);
        if (end < 0 || *text != '\0')
                return false;
        out->weekdays = (uint8_t)days;
        out->start_minute = (uint16_t)start;
        out->end_minute = (uint16_t)(end <= start ? end + DAY_MINUTES : end);
        return true;
}

static bool window_check(char *text)
{
        struct window window;
        return window_parse(text, &window);
}

static char *join(struct document *document, const struct string_list *list)
{
        size_t size = 1;
        for (unsigned i = 0; i < list->count; i++)
                size += strlen(list->items[i]) + 2;
        char *text = document_allocate(document, size, 1);
        for (unsigned i = 0; i < list->count && text != NULL; i++) {
                strcat(text, i ? ", " : "");
                strcat(text, list->items[i]);
        }
        return text;
}

void read_windows(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        static const struct text_kind kind = {.check = window_check, .expected = window_expected};
        struct field texts = {.key = field->key, .more = &kind};
        struct string_list list = {0};
        struct fleet *fleet = at;
        read_texts(document, node, &texts, &list);
        if (list.count > WINDOW_LIMIT)
                document_error(document, node, "%u windows; expected at most %d", list.count, WINDOW_LIMIT);
        else if (list.count > 0)
                fleet->windows = document_allocate(document, list.count, sizeof *fleet->windows);
        if (fleet->windows != NULL) {
                for (unsigned i = 0; i < list.count; i++)
                        window_parse(list.items[i], &fleet->windows[fleet->window_count++]);
                fleet->windows_text = join(document, &list);
        }
        string_list_clear(&list);
}

static int64_t civil_ns(const struct civil_time *civil)
{
        return time_zone_moment(NULL, civil) * 1000000000;
}

/* In years that nanoseconds can hold. */
static bool year_fits(const struct civil_time *civil)
{
        return civil->year >= 1970 && civil->year <= 2199;
}

static bool maintenance_parse(const char *text, struct maintenance *out)
{
        struct civil_time start, end;
        bool has_clock, end_has_clock;
        size_t used = civil_parse(text, &start, &has_clock);
        if (used == 0 || text[used] != '/' || !year_fits(&start))
                return false;
        text += used + 1;
        used = civil_parse(text, &end, &end_has_clock);
        if (used == 0) { /* hours alone: of the same day, or of the next when not later */
                int minutes = has_clock ? take_clock(&text) : -1;
                end = start;
                end.hour = end.minute = end.second = 0;
                out->start_ns = civil_ns(&start);
                out->end_ns = civil_ns(&end) + minutes * 60000000000LL;
                out->end_ns += out->end_ns <= out->start_ns ? DAY_MINUTES * 60000000000LL : 0;
                return minutes >= 0 && *text == '\0';
        }
        out->start_ns = civil_ns(&start);
        out->end_ns = civil_ns(&end) + (end_has_clock ? 0 : DAY_MINUTES * 60000000000LL); /* a date is inclusive */
        return text[used] == '\0' && year_fits(&end) && out->end_ns > out->start_ns;
}

static bool maintenance_check(char *text)
{
        struct maintenance maintenance;
        return maintenance_parse(text, &maintenance);
}

void read_maintenance(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        static const struct text_kind kind = {.check = maintenance_check, .expected = maintenance_expected};
        struct field texts = {.key = field->key, .more = &kind};
        struct string_list list = {0};
        struct fleet *fleet = at;
        read_texts(document, node, &texts, &list);
        if (list.count > 0)
                fleet->maintenance = document_allocate(document, list.count, sizeof *fleet->maintenance);
        for (unsigned i = 0; i < list.count && fleet->maintenance != NULL; i++)
                maintenance_parse(list.items[i], &fleet->maintenance[fleet->maintenance_count++]);
        string_list_clear(&list);
}

int64_t civil_settle(int64_t time_ns, const struct time_zone *zone)
{
        struct civil_time civil;
        time_zone_local(NULL, time_ns, &civil);
        return time_zone_moment(zone, &civil) * 1000000000;
}

void maintenance_settle(struct fleet *fleet, const struct time_zone *zone)
{
        for (unsigned i = 0; i < fleet->maintenance_count; i++) {
                fleet->maintenance[i].start_ns = civil_settle(fleet->maintenance[i].start_ns, zone);
                fleet->maintenance[i].end_ns = civil_settle(fleet->maintenance[i].end_ns, zone);
        }
}

bool fleet_window_is_open(const struct fleet *fleet, int64_t time_ns)
{
        struct civil_time local;
        if (fleet->window_count == 0)
                return true;
        time_zone_local(fleet->time_zone, time_ns, &local);
        unsigned minute = local.hour * 60 + local.minute, yesterday = (local.weekday + 6) % 7;
        for (unsigned i = 0; i < fleet->window_count; i++) {
                const struct window *window = &fleet->windows[i];
                if (window->weekdays >> local.weekday & 1 && minute >= window->start_minute && minute < window->end_minute)
                        return true;
                if (window->weekdays >> yesterday & 1 && minute + DAY_MINUTES < window->end_minute)
                        return true;
        }
        return false;
}

bool fleet_in_maintenance(const struct fleet *fleet, int64_t time_ns)
{
        for (unsigned i = 0; i < fleet->maintenance_count; i++)
                if (time_ns >= fleet->maintenance[i].start_ns && time_ns < fleet->maintenance[i].end_ns)
                        return true;
        return false;
}
