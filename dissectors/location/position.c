#include "dissectors/location/position.h"

#include <math.h>

#include "base/text.h"

enum { TOPIC_MOST = 256 };

bool position_is_possible(double latitude, double longitude)
{
        if (!isfinite(latitude) || !isfinite(longitude))
                return false;
        if (latitude < -90 || latitude > 90 || longitude < -180 || longitude > 180)
                return false;
        return fabs(latitude) > 1e-6 || fabs(longitude) > 1e-6;
}

/* Days since 1970-01-01 of a Gregorian date, March-based years. */
static int64_t days_of(unsigned year, unsigned month, unsigned day)
{
        int64_t y = (int64_t)year - (month <= 2);
        int64_t era = y / 400;
        unsigned year_of_era = (unsigned)(y - era * 400);
        unsigned day_of_year = (153 * (month + (month > 2 ? -3U : 9U)) + 2) / 5 + day - 1;
        unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        return era * 146097 + (int64_t)day_of_era - 719468;
}

bool position_time(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute, unsigned second, int64_t *time_ns)
{
        static const uint8_t days[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        if (year < 1980 || year > 2200 || month < 1 || month > 12 || day < 1 || day > days[month - 1])
                return false;
        if (hour > 23 || minute > 59 || second > 60)
                return false;
        int64_t seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
        *time_ns = seconds * 1000000000;
        return true;
}

void position_set_id(struct position *position, const uint8_t *id, size_t length)
{
        length = length < POSITION_ID ? length : POSITION_ID;
        if (length > 0)
                memcpy(position->id, id, length);
        position->id_length = (uint8_t)length;
}

/* A window of the payload with what was found in its middle. */
static void cut_snippet(Apnwatch__V1__Snippet *snippet, const struct cursor *payload, const struct cursor *found)
{
        size_t length = cursor_left(payload), offset = 0, around;
        size_t start = (size_t)(found->at - payload->at), telling = cursor_left(found);
        if (telling > POSITION_SNIPPET)
                telling = POSITION_SNIPPET;
        around = (POSITION_SNIPPET - telling) / 2;
        if (length > POSITION_SNIPPET) {
                offset = start > around ? start - around : 0;
                offset = offset < length - POSITION_SNIPPET ? offset : length - POSITION_SNIPPET;
                length = POSITION_SNIPPET;
        }
        snippet->data.data = (uint8_t *)payload->at + offset;
        snippet->data.len = length;
        snippet->has_offset = snippet->has_length = true;
        snippet->offset = (uint32_t)(start - offset);
        snippet->length = (uint32_t)telling;
}

static void tell_cell(Apnwatch__V1__Cell *cell, const struct position *p)
{
        cell->has_mcc = cell->has_mnc = cell->has_area = cell->has_id = true;
        cell->mcc = p->mcc;
        cell->mnc = p->mnc;
        cell->area = p->area;
        cell->id = p->cell;
        cell->has_mnc_digits = p->mnc_digits != 0;
        cell->mnc_digits = p->mnc_digits;
        cell->kind = (char *)p->cell_kind;
}

static void tell_place(Apnwatch__V1__Position *told, const struct position *p)
{
        told->family = (char *)p->family;
        told->grade = p->has_coordinates ? p->grade : APNWATCH__V1__POSITION__GRADE__CELL_ONLY;
        told->has_latitude = told->has_longitude = p->has_coordinates;
        told->latitude = p->latitude;
        told->longitude = p->longitude;
        told->has_altitude_m = p->has_altitude;
        told->altitude_m = p->altitude_m;
        told->has_accuracy_m = p->has_accuracy;
        told->accuracy_m = p->accuracy_m;
        told->has_speed_kmh = p->has_speed;
        told->speed_kmh = p->speed_kmh;
        told->has_fix_time = p->has_time;
        told->fix_time = (uint64_t)p->time_ns;
        told->has_wifi = p->wifi > 0;
        told->wifi = p->wifi;
}

void position_emit(struct dissection *d, const struct position *p, const char *carrier, struct cursor topic,
                   struct cursor payload)
{
        char id[POSITION_ID * TEXT_ESCAPED_MOST + 1], topic_text[TOPIC_MOST + 1];
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Position told = APNWATCH__V1__POSITION__INIT;
        Apnwatch__V1__Cell cell = APNWATCH__V1__CELL__INIT;
        Apnwatch__V1__Snippet snippet = APNWATCH__V1__SNIPPET__INIT;
        tell_place(&told, p);
        told.carrier = (char *)carrier;
        if (p->has_cell) {
                tell_cell(&cell, p);
                told.cell = &cell;
        }
        if (p->id_length > 0) {
                text_escape(p->id, p->id_length, id, sizeof id);
                told.device_id = id;
        }
        if (cursor_left(&topic) > 0) {
                text_escape(topic.at, cursor_left(&topic), topic_text, sizeof topic_text);
                told.topic = topic_text;
        }
        cut_snippet(&snippet, &payload, &p->found);
        event.body_case = APNWATCH__V1__EVENT__BODY_POSITION;
        event.position = &told;
        event.snippet = &snippet;
        d->services->emit(d, &event);
}
