#include "dissectors/location/nmea.h"

enum { LONGEST_SENTENCE = 160, MOST_FIELDS = 21 }; /* 82 in the standard; receivers with more decimals write longer ones */

static bool is_upper(uint8_t c)
{
        return c >= 'A' && c <= 'Z';
}

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

static bool is_alnum(uint8_t c)
{
        return is_digit(c) || is_upper((uint8_t)(c & ~0x20));
}

static int hex_digit(uint8_t c)
{
        if (is_digit(c))
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A sentence apart: what stands between '$' and '*', as fields. */
struct sentence {
        struct cursor fields[MOST_FIELDS]; /* [0] is the address */
        bool closed[MOST_FIELDS];          /* a comma, '*' or line end follows */
        unsigned count;
        bool checked, ended;
};

static bool ends_sentence(uint8_t c)
{
        return c == '\r' || c == '\n' || c == '*';
}

/* '*' and two digits; the sum is the XOR of all between '$' and '*'. */
static bool take_checksum(struct cursor *at, uint8_t sum)
{
        if (cursor_peek(at) != '*' || cursor_left(at) < 3)
                return false;
        int high = hex_digit(at->at[1]), low = hex_digit(at->at[2]);
        if (high < 0 || low < 0)
                return false;
        cursor_skip(at, 3);
        return (high << 4 | low) == sum;
}

static void add_field(struct sentence *s, const uint8_t *from, const uint8_t *to, bool closed)
{
        if (s->count == MOST_FIELDS)
                return;
        s->closed[s->count] = closed;
        s->fields[s->count++] = cursor_of(from, (size_t)(to - from));
}

static bool split_sentence(struct cursor *cursor, struct sentence *s)
{
        struct cursor at = *cursor;
        uint8_t sum = 0;
        s->count = 0;
        s->checked = s->ended = false;
        if (cursor_u8(&at) != '$')
                return false;
        const uint8_t *from = at.at, *limit = at.at;
        limit += cursor_left(&at) < LONGEST_SENTENCE ? cursor_left(&at) : LONGEST_SENTENCE;
        while (at.at < limit && !ends_sentence(*at.at)) {
                uint8_t c = cursor_u8(&at);
                if (c < 0x20 || c > 0x7e || c == '$')
                        break;
                sum ^= c;
                if (c == ',') {
                        add_field(s, from, at.at - 1, true);
                        from = at.at;
                }
        }
        s->ended = at.at < at.end && ends_sentence(*at.at);
        add_field(s, from, at.at, s->ended);
        s->checked = s->ended && take_checksum(&at, sum);
        *cursor = at;
        return true;
}

/* Digits with an optional fraction, nothing else. `whole`: how many digits in front of the point. */
static bool decimal(struct cursor field, double *value, unsigned *whole)
{
        double n = 0, scale = 1;
        *whole = 0;
        for (; cursor_left(&field) > 0 && is_digit(field.at[0]); ++*whole)
                n = n * 10 + (cursor_u8(&field) - '0');
        if (cursor_peek(&field) == '.')
                cursor_skip(&field, 1);
        for (; cursor_left(&field) > 0 && is_digit(field.at[0]); scale /= 10)
                n += (cursor_u8(&field) - '0') * scale / 10;
        *value = n;
        return *whole > 0 && *whole < 10 && cursor_left(&field) == 0;
}

static bool signed_decimal(struct cursor field, double *value)
{
        unsigned whole;
        bool negative = cursor_peek(&field) == '-';
        if (negative)
                cursor_skip(&field, 1);
        if (!decimal(field, value, &whole))
                return false;
        if (negative)
                *value = -*value;
        return true;
}

/* ddmm.mmmm or dddmm.mmmm and N, S or E, W in the next field. */
static bool degrees(const struct sentence *s, unsigned index, bool latitude, double *value)
{
        unsigned whole;
        struct cursor side = s->fields[index + 1];
        if (!s->closed[index + 1] || cursor_left(&side) != 1 || !decimal(s->fields[index], value, &whole))
                return false;
        if (whole < 3 || whole > (latitude ? 4U : 5U)) /* some leave out the zeros in front */
                return false;
        unsigned degree = (unsigned)*value / 100;
        double minutes = *value - degree * 100.0;
        char positive = latitude ? 'N' : 'E', negative = latitude ? 'S' : 'W';
        if (minutes >= 60 || (side.at[0] != positive && side.at[0] != negative))
                return false;
        *value = degree + minutes / 60;
        if (side.at[0] == negative)
                *value = -*value;
        return true;
}

static bool coordinates(const struct sentence *s, unsigned index, struct position *out)
{
        out->has_coordinates = index + 3 < s->count && degrees(s, index, true, &out->latitude) &&
                               degrees(s, index + 2, false, &out->longitude) &&
                               position_is_possible(out->latitude, out->longitude);
        return out->has_coordinates;
}

static bool field_is(const struct sentence *s, unsigned index, const char *any_of)
{
        return index < s->count && cursor_left(&s->fields[index]) == 1 && strchr(any_of, s->fields[index].at[0]) != NULL;
}

static unsigned two_digits(const uint8_t *at)
{
        return is_digit(at[0]) && is_digit(at[1]) ? (unsigned)(at[0] - '0') * 10 + (at[1] - '0') : 99;
}

/* hhmmss and ddmmyy */
static void date_and_time(const struct sentence *s, unsigned time, unsigned date, struct position *out)
{
        if (date >= s->count || cursor_left(&s->fields[date]) != 6 || cursor_left(&s->fields[time]) < 6)
                return;
        const uint8_t *t = s->fields[time].at, *d = s->fields[date].at;
        unsigned year = two_digits(d + 4);
        out->has_time = position_time(year + (year < 80 ? 2000 : 1900), two_digits(d + 2), two_digits(d), two_digits(t),
                                      two_digits(t + 2), two_digits(t + 4), &out->time_ns);
}

static void altitude(const struct sentence *s, unsigned index, struct position *out)
{
        out->has_altitude = index < s->count && signed_decimal(s->fields[index], &out->altitude_m);
}

static bool read_rmc(const struct sentence *s, struct position *out)
{
        unsigned whole;
        if (!field_is(s, 2, "A") || !coordinates(s, 3, out))
                return false;
        date_and_time(s, 1, 9, out);
        if (s->count > 7 && decimal(s->fields[7], &out->speed_kmh, &whole)) {
                out->has_speed = true;
                out->speed_kmh *= 1.852;
        }
        return true;
}

static bool read_gga(const struct sentence *s, struct position *out)
{
        if (!field_is(s, 6, "123456789") || !coordinates(s, 2, out))
                return false;
        altitude(s, 9, out);
        return true;
}

static bool read_gll(const struct sentence *s, struct position *out)
{
        return field_is(s, 6, "A") && coordinates(s, 1, out);
}

/* Field 6: one letter a satellite system, N where it has no fix. */
static bool read_gns(const struct sentence *s, struct position *out)
{
        bool fix = false;
        if (s->count < 7)
                return false;
        for (struct cursor mode = s->fields[6]; cursor_left(&mode) > 0;) {
                uint8_t c = cursor_u8(&mode);
                if (!is_upper(c))
                        return false;
                fix |= c != 'N';
        }
        if (!fix || !coordinates(s, 2, out))
                return false;
        altitude(s, 9, out);
        return true;
}

/* $PUBX,00,time,lat,N,lon,E,altitude,status,accuracy,...: u-blox M8 protocol specification, 31.3.2 */
static bool read_pubx(const struct sentence *s, struct position *out)
{
        if (s->count < 10 || cursor_left(&s->fields[1]) != 2 || memcmp(s->fields[1].at, "00", 2) != 0)
                return false;
        struct cursor status = s->fields[8];
        if (cursor_left(&status) != 2 || memcmp(status.at, "NF", 2) == 0 || !coordinates(s, 3, out))
                return false;
        altitude(s, 7, out);
        out->has_accuracy = signed_decimal(s->fields[9], &out->accuracy_m);
        return true;
}

static bool talker_is_known(const uint8_t *address)
{
        static const char talkers[][3] = {"GP", "GN", "GL", "GA", "GB", "BD", "GI", "GQ", "QZ", "II", "IN"};
        for (unsigned i = 0; i < sizeof talkers / sizeof talkers[0]; i++)
                if (memcmp(address, talkers[i], 2) == 0)
                        return true;
        return false;
}

static bool read_fields(const struct sentence *s, struct position *out)
{
        static const struct {
                char formatter[4];
                bool (*read)(const struct sentence *, struct position *);
        } sentences[] = {{"RMC", read_rmc}, {"GGA", read_gga}, {"GLL", read_gll}, {"GNS", read_gns}};
        const uint8_t *address = s->fields[0].at;
        size_t length = cursor_left(&s->fields[0]);
        if (length == 4 && memcmp(address, "PUBX", 4) == 0)
                return read_pubx(s, out);
        if (length != 5 || !talker_is_known(address))
                return false;
        for (unsigned i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
                if (memcmp(address + 2, sentences[i].formatter, 3) == 0)
                        return sentences[i].read(s, out);
        return false;
}

enum dissect_result nmea_parse(struct cursor *cursor, struct position *out)
{
        struct sentence s;
        struct cursor at = *cursor;
        *out = (struct position){.family = "NMEA-0183", .grade = APNWATCH__V1__POSITION__GRADE__FRAMED};
        if (cursor_left(&at) == 0)
                return DISSECT_TRUNCATED;
        if (!split_sentence(&at, &s))
                return DISSECT_NO_MATCH;
        out->found = cursor_of(cursor->at, (size_t)(at.at - cursor->at));
        if (!read_fields(&s, out))
                return s.ended || cursor_left(&at) > 0 ? DISSECT_NO_MATCH : DISSECT_TRUNCATED;
        if (s.checked)
                out->grade = APNWATCH__V1__POSITION__GRADE__CHECKED;
        *cursor = at;
        return DISSECT_OK;
}

bool nmea_is_checked_sentence(const struct cursor *cursor)
{
        struct sentence s;
        struct cursor at = *cursor;
        if (cursor_peek(&at) != '$' || cursor_left(&at) < 10 || !is_upper(at.at[1]) || !split_sentence(&at, &s))
                return false;
        return s.checked && s.count > 2 && cursor_left(&s.fields[0]) == 5 && talker_is_known(s.fields[0].at);
}

/* "355096030432529$GPGGA", "4711/022789000688081/$GPRMC" */
static void take_id(const struct cursor *text, const uint8_t *dollar, struct position *out)
{
        const uint8_t *end = dollar;
        if (end > text->at && (end[-1] == '/' || end[-1] == ','))
                end--;
        const uint8_t *start = end;
        bool digit = false;
        while (start > text->at && end - start < 24 && is_alnum(start[-1]))
                digit |= is_digit(*--start);
        if (digit && end - start >= 6 && end - start < 24)
                position_set_id(out, start, (size_t)(end - start));
}

bool nmea_find(struct cursor *text, struct position *out)
{
        struct cursor at = *text;
        while (cursor_left(&at) > 0) {
                const uint8_t *dollar = memchr(at.at, '$', cursor_left(&at));
                if (dollar == NULL)
                        break;
                cursor_skip(&at, (size_t)(dollar - at.at));
                if (nmea_parse(&at, out) == DISSECT_OK) {
                        take_id(text, dollar, out);
                        *text = at;
                        return true;
                }
                cursor_skip(&at, 1);
        }
        return false;
}
