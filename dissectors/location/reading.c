#include "dissectors/location/reading.h"

enum { NAME_MOST = 32, TELLING_DECIMALS = 3 };
enum { CELL_PART_MCC = 1, CELL_PART_MNC = 2, CELL_PART_AREA = 4, CELL_PART_ID = 8, CELL_WHOLE = 15 };

struct named_key {
        const char *name;
        uint8_t key, variant;
};

/* Names in lower case, without separators, in order. */
static const struct named_key named_keys[] = {
        {"acc", KEY_ACCURACY, 0}, {"accuracy", KEY_ACCURACY, 0}, {"alt", KEY_ALTITUDE, 0}, {"altitude", KEY_ALTITUDE, 0},
        {"area", KEY_AREA, CELL_UNSAID}, {"bearing", KEY_BESIDE, 0}, {"bssid", KEY_ACCESS_POINT, 0},
        {"bts", KEY_CELL_LIST, 0}, {"cell", KEY_CELL_LIST, 0}, {"cellid", KEY_CELL, CELL_UNSAID},
        {"ci", KEY_CELL, CELL_UNSAID}, {"cid", KEY_CELL, CELL_UNSAID}, {"clientid", KEY_ID, 2}, {"cog", KEY_BESIDE, 0},
        {"coordinates", KEY_COORDINATES, 0}, {"coords", KEY_PAIR, 1}, {"countrycode", KEY_MCC, 0},
        {"course", KEY_BESIDE, 0}, {"datatype", KEY_ASSISTANCE, 0}, {"datetime", KEY_TIME, 0},
        {"destination", KEY_FOREIGN, 0}, {"deveui", KEY_ID, 4}, {"device", KEY_ID, 3}, {"deviceid", KEY_ID, 4},
        {"deviceimei", KEY_ID, 5}, {"devid", KEY_ID, 4}, {"eci", KEY_CELL, CELL_LTE}, {"ele", KEY_ALTITUDE, 0},
        {"elevation", KEY_ALTITUDE, 0}, {"eutrancid", KEY_CELL, CELL_LTE}, {"fence", KEY_FOREIGN, 0},
        {"filteronpos", KEY_ASSISTANCE, 0}, {"fix", KEY_BESIDE, 0}, {"fixtime", KEY_TIME, 0}, {"gateway", KEY_FOREIGN, 0},
        {"gatewayids", KEY_FOREIGN, 0}, {"gateways", KEY_FOREIGN, 0}, {"geo", KEY_PAIR, 0}, {"geofence", KEY_FOREIGN, 0},
        {"geofences", KEY_FOREIGN, 0}, {"gerancid", KEY_CELL, CELL_GSM}, {"gnss", KEY_ASSISTANCE, 0}, {"gp", KEY_PAIR, 0},
        {"gps", KEY_PAIR, 0}, {"gpscoordinates", KEY_PAIR, 0}, {"gpstime", KEY_TIME, 0}, {"gws", KEY_FOREIGN, 0},
        {"hacc", KEY_ACCURACY, 0}, {"hdg", KEY_BESIDE, 0}, {"hdop", KEY_BESIDE, 0}, {"heading", KEY_BESIDE, 0},
        {"horizontalaccuracy", KEY_ACCURACY, 0}, {"id", KEY_ID, 2}, {"imei", KEY_ID, 5}, {"lac", KEY_AREA, CELL_GSM},
        {"late7", KEY_LATITUDE_E7, 0}, {"latitudee7", KEY_LATITUDE_E7, 0}, {"latitudei", KEY_LATITUDE_E7, 0},
        {"latlng", KEY_PAIR, 0}, {"latlon", KEY_PAIR, 0}, {"latlong", KEY_PAIR, 0}, {"ll", KEY_PAIR, 0},
        {"lnge7", KEY_LONGITUDE_E7, 0}, {"loc", KEY_PAIR, 0}, {"location", KEY_PAIR, 0},
        {"locationareacode", KEY_AREA, CELL_UNSAID}, {"lone7", KEY_LONGITUDE_E7, 0}, {"longitudee7", KEY_LONGITUDE_E7, 0},
        {"longitudei", KEY_LONGITUDE_E7, 0}, {"mac", KEY_ACCESS_POINT, 0}, {"macaddress", KEY_ACCESS_POINT, 0},
        {"mcc", KEY_MCC, 0}, {"mnc", KEY_MNC, 0}, {"mobilecountrycode", KEY_MCC, 0}, {"mobilenetworkcode", KEY_MNC, 0},
        {"nci", KEY_CELL, CELL_NR}, {"newradiocellid", KEY_CELL, CELL_NR}, {"nsat", KEY_BESIDE, 0},
        {"operatorid", KEY_MNC, 0}, {"pacc", KEY_ASSISTANCE, 0}, {"pdop", KEY_BESIDE, 0}, {"pos", KEY_PAIR, 1},
        {"position", KEY_PAIR, 1}, {"radius", KEY_ACCURACY, 0}, {"recordedat", KEY_TIME, 0}, {"route", KEY_FOREIGN, 0},
        {"rss", KEY_SIGNAL, 0}, {"rssi", KEY_SIGNAL, 0}, {"rxinfo", KEY_FOREIGN, 0}, {"rxmetadata", KEY_FOREIGN, 0},
        {"satellites", KEY_BESIDE, 0}, {"sats", KEY_BESIDE, 0}, {"serial", KEY_ID, 3}, {"serialnumber", KEY_ID, 3},
        {"signal", KEY_SIGNAL, 0}, {"signalstrength", KEY_SIGNAL, 0}, {"sog", KEY_BESIDE, 0}, {"spd", KEY_BESIDE, 0},
        {"speed", KEY_BESIDE, 0}, {"tac", KEY_AREA, CELL_LTE}, {"target", KEY_FOREIGN, 0}, {"tid", KEY_ID, 1},
        {"time", KEY_TIME, 0}, {"timestamp", KEY_TIME, 0}, {"trackerid", KEY_ID, 3},
        {"trackingareacode", KEY_AREA, CELL_LTE}, {"ts", KEY_TIME, 0}, {"tst", KEY_TIME, 0}, {"type", KEY_TYPE, 0},
        {"uid", KEY_ID, 1}, {"uncertainty", KEY_ACCURACY, 0}, {"unitid", KEY_ID, 3}, {"utc", KEY_TIME, 0},
        {"utrancid", KEY_CELL, CELL_UNSAID}, {"vehicleid", KEY_ID, 3}, {"vel", KEY_BESIDE, 0}, {"velocity", KEY_BESIDE, 0},
        {"waypoint", KEY_FOREIGN, 0}, {"waypoints", KEY_FOREIGN, 0},
};

static const char *const prefixes[] = {
        "gps", "gnss", "position", "pos", "location", "loc", "coords", "coord", "geo", "last", "device", "current", "cur", "my",
        "user", "fix", "n",
};

static const struct named_key coordinate_names[] = {
        {"lat", KEY_LATITUDE, 0}, {"latitude", KEY_LATITUDE, 0}, {"lon", KEY_LONGITUDE, 0}, {"lng", KEY_LONGITUDE, 0},
        {"long", KEY_LONGITUDE, 0}, {"longitude", KEY_LONGITUDE, 0},
};

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

/* Lower case, letters and digits only. Returns the length; 0: empty or too long for any known name. */
static size_t normalise(struct cursor name, char out[NAME_MOST])
{
        size_t length = 0;
        while (cursor_left(&name) > 0) {
                uint8_t c = cursor_u8(&name);
                if (c >= 'A' && c <= 'Z')
                        c |= 0x20;
                if (!(c >= 'a' && c <= 'z') && !is_digit(c))
                        continue;
                if (length == NAME_MOST - 1)
                        return 0;
                out[length++] = (char)c;
        }
        out[length] = '\0';
        return length;
}

static struct key_class coordinate_key(const char *name, uint8_t prefix)
{
        for (unsigned i = 0; i < sizeof coordinate_names / sizeof coordinate_names[0]; i++)
                if (strcmp(name, coordinate_names[i].name) == 0)
                        return (struct key_class){coordinate_names[i].key, prefix};
        return (struct key_class){KEY_OTHER, 0};
}

static const struct named_key *find_named(const char *name)
{
        unsigned low = 0, high = sizeof named_keys / sizeof named_keys[0];
        while (low < high) {
                unsigned middle = (low + high) / 2;
                int order = strcmp(name, named_keys[middle].name);
                if (order == 0)
                        return &named_keys[middle];
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}

struct key_class key_classify(struct cursor name)
{
        char text[NAME_MOST];
        if (cursor_left(&name) > 2 * NAME_MOST || normalise(name, text) < 2)
                return (struct key_class){KEY_OTHER, 0};
        const struct named_key *named = find_named(text);
        if (named != NULL)
                return (struct key_class){named->key, named->variant};
        if (strstr(text, "lat") == NULL && strstr(text, "lon") == NULL && strstr(text, "lng") == NULL)
                return (struct key_class){KEY_OTHER, 0};
        struct key_class key = coordinate_key(text, 0);
        for (unsigned i = 0; i < sizeof prefixes / sizeof prefixes[0] && key.key == KEY_OTHER; i++) {
                size_t length = strlen(prefixes[i]);
                if (strncmp(text, prefixes[i], length) == 0)
                        key = coordinate_key(text + length, (uint8_t)(i + 1));
        }
        return key;
}

static struct cursor trimmed(struct cursor text)
{
        while (text.at < text.end && (*text.at == ' ' || *text.at == '\t' || *text.at == '"'))
                text.at++;
        while (text.at < text.end && (text.end[-1] == ' ' || text.end[-1] == '\t' || text.end[-1] == '"'))
                text.end--;
        return text;
}

/* N, S, E, W in front of a number or behind it: its sign, or 0 when there is none. */
static int take_side(struct cursor *text, bool behind)
{
        *text = trimmed(*text);
        if (cursor_left(text) == 0)
                return 0;
        uint8_t c = behind ? text->end[-1] : text->at[0];
        int sign = c == 'N' || c == 'E' ? 1 : c == 'S' || c == 'W' ? -1 : 0;
        if (sign != 0 && behind)
                text->end--;
        else if (sign != 0)
                text->at++;
        *text = trimmed(*text);
        if (behind && cursor_left(text) > 2 && memcmp(text->end - 2, "\xc2\xb0", 2) == 0) /* a degree sign */
                text->end -= 2;
        return sign;
}

bool decimal_parse(struct cursor text, struct decimal *out)
{
        static const double scales[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
        uint64_t mantissa = 0;
        unsigned kept = 0;
        int side = 0;
        *out = (struct decimal){0};
        if (cursor_left(&text) == 0)
                return false;
        if (!is_digit(text.end[-1]) || (!is_digit(*text.at) && *text.at != '-')) {
                side = take_side(&text, true);
                if (side == 0)
                        side = take_side(&text, false);
        }
        bool negative = cursor_peek(&text) == '-';
        if (negative || cursor_peek(&text) == '+')
                cursor_skip(&text, 1);
        while (cursor_left(&text) > 0) {
                uint8_t c = cursor_u8(&text);
                if (c == '.' && !out->point) {
                        out->point = true;
                        continue;
                }
                if (!is_digit(c) || out->digits > 12 || out->decimals > 40)
                        return false;
                out->digits += !out->point;
                out->decimals += out->point;
                if (out->decimals <= 15 && mantissa < UINT64_C(100000000000000000)) {
                        mantissa = mantissa * 10 + (uint64_t)(c - '0');
                        kept += out->point;
                }
        }
        out->value = (double)mantissa / scales[kept < 15 ? kept : 15];
        if (negative || side < 0)
                out->value = -out->value;
        return out->digits > 0;
}

static bool whole_number(struct cursor text, uint64_t most, uint64_t *out)
{
        struct decimal number;
        if (!decimal_parse(text, &number) || number.point || number.value < 0 || number.value > (double)most)
                return false;
        *out = (uint64_t)number.value;
        return true;
}

static unsigned number_at(const struct cursor *text, size_t at, unsigned digits)
{
        unsigned n = 0;
        for (unsigned i = 0; i < digits; i++) {
                if (at + i >= cursor_left(text) || !is_digit(text->at[at + i]))
                        return 9999;
                n = n * 10 + (unsigned)(text->at[at + i] - '0');
        }
        return n;
}

/* Seconds, milliseconds or microseconds since 1970, or ISO 8601 (RFC 3339) without regard to its zone offset. */
static bool parse_time(struct cursor text, int64_t *time_ns)
{
        struct decimal number;
        text = trimmed(text);
        if (decimal_parse(text, &number)) {
                double seconds = number.value;
                if (number.digits > 12)
                        seconds /= 1e3;
                if (number.digits > 15)
                        seconds /= 1e3;
                if (seconds < 3e8 || seconds > 7e9)
                        return false;
                *time_ns = (int64_t)(seconds * 1e3) * 1000000;
                return true;
        }
        if (cursor_left(&text) < 19 || text.at[4] != '-' || text.at[7] != '-' || text.at[13] != ':' || text.at[16] != ':')
                return false;
        return position_time(number_at(&text, 0, 4), number_at(&text, 5, 2), number_at(&text, 8, 2), number_at(&text, 11, 2),
                             number_at(&text, 14, 2), number_at(&text, 17, 2), time_ns);
}

static void widen_found(struct reading *r, struct cursor value)
{
        if (r->found.at == NULL || value.at < r->found.at)
                r->found.at = value.at;
        if (r->found.end == NULL || value.end > r->found.end)
                r->found.end = value.end;
}

static void add_coordinate(struct reading *r, struct key_class key, struct cursor value)
{
        struct decimal number;
        if (!decimal_parse(value, &number))
                return;
        bool e7 = key.key == KEY_LATITUDE_E7 || key.key == KEY_LONGITUDE_E7;
        if (e7 && number.point)
                return;
        if (e7) {
                number.value /= 1e7;
                number.decimals = number.digits > 4 ? 7 : 0;
        }
        if (key.key == KEY_LATITUDE || key.key == KEY_LATITUDE_E7) {
                r->latitude = number;
                r->has_latitude = true;
                r->latitude_variant = key.variant;
        } else {
                r->longitude = number;
                r->has_longitude = true;
                r->longitude_variant = key.variant;
        }
        widen_found(r, value);
}

/* The text in front of the next comma, consumed with it. */
static struct cursor take_item(struct cursor *list)
{
        size_t left = cursor_left(list);
        const uint8_t *comma = left > 0 ? memchr(list->at, ',', left) : NULL;
        struct cursor item = cursor_take(list, comma ? (size_t)(comma - list->at) : left);
        if (comma != NULL)
                cursor_skip(list, 1);
        return item;
}

static void add_pair(struct reading *r, struct key_class key, struct cursor value)
{
        struct decimal numbers[3];
        struct cursor list = trimmed(value);
        unsigned count = 0;
        while (cursor_left(&list) > 0) {
                if (count == 3 || !decimal_parse(take_item(&list), &numbers[count]))
                        return;
                count++;
        }
        reading_add_list(r, key, numbers, count, value);
}

void reading_add_list(struct reading *r, struct key_class key, const struct decimal numbers[3], unsigned count,
                      struct cursor found)
{
        if ((key.key != KEY_PAIR && key.key != KEY_COORDINATES) || count < 2 || count > 3)
                return;
        r->first = numbers[0];
        r->second = numbers[1];
        r->has_pair = true;
        r->pair_is_coordinates = key.key == KEY_COORDINATES || key.variant != 0;
        widen_found(r, found);
}

/* 26 as a number may mean 026: only a third digit, or a zero in front, tells. */
static uint8_t digits_of_mnc(const struct cursor *text)
{
        size_t length = cursor_left(text);
        return length == 3 || (length == 2 && text->at[0] == '0') ? (uint8_t)length : 0;
}

static void add_cell_part(struct reading *r, struct key_class key, struct cursor value)
{
        uint64_t number;
        struct cursor text = trimmed(value);
        if (!whole_number(text, UINT64_C(0xfffffffff), &number))
                return;
        if (key.key == KEY_MCC && number >= 200 && number <= 799) {
                r->mcc = (uint32_t)number;
                r->has_cell_parts |= CELL_PART_MCC;
        } else if (key.key == KEY_MNC && number <= 999) {
                r->mnc = (uint32_t)number;
                r->mnc_digits = digits_of_mnc(&text);
                r->has_cell_parts |= CELL_PART_MNC;
        } else if (key.key == KEY_AREA && number > 0 && number < 0xffffff) {
                r->area = (uint32_t)number;
                r->has_cell_parts |= CELL_PART_AREA;
        } else if (key.key == KEY_CELL && number > 0) {
                r->cell = number;
                r->has_cell_parts |= CELL_PART_ID;
        } else {
                return;
        }
        if (key.variant > r->cell_kind)
                r->cell_kind = key.variant;
        widen_found(r, value);
}

/* "262,1,4660,168496129": Traccar's client, AMap. A number alone is a cell's. */
static void add_cell_list(struct reading *r, struct cursor value)
{
        static const struct key_class parts[4] = {{KEY_MCC, 0}, {KEY_MNC, 0}, {KEY_AREA, 0}, {KEY_CELL, 0}};
        struct cursor list = trimmed(value);
        if (cursor_left(&list) == 0 || memchr(list.at, ',', cursor_left(&list)) == NULL) {
                add_cell_part(r, parts[3], list);
                return;
        }
        for (unsigned i = 0; i < 4 && cursor_left(&list) > 0; i++)
                add_cell_part(r, parts[i], take_item(&list));
}

static void add_id(struct reading *r, struct key_class key, struct cursor value)
{
        value = trimmed(value);
        if (key.variant <= r->id_rank || cursor_left(&value) < 2 || cursor_left(&value) > POSITION_ID)
                return;
        r->id = value;
        r->id_rank = key.variant;
        r->beside++;
}

static void add_companion(struct reading *r, struct key_class key, struct cursor value)
{
        struct decimal number;
        if (key.key == KEY_TIME && parse_time(value, &r->time_ns))
                r->has_time = true;
        if (key.key != KEY_TIME && !decimal_parse(value, &number))
                return;
        if (key.key == KEY_ALTITUDE) {
                r->altitude = number;
                r->has_altitude = true;
        } else if (key.key == KEY_ACCURACY) {
                r->accuracy = number;
                r->has_accuracy = true;
        }
        r->beside++;
}

void reading_add(struct reading *r, struct key_class key, struct cursor value)
{
        switch ((enum key)key.key) {
        case KEY_LATITUDE:
        case KEY_LONGITUDE:
        case KEY_LATITUDE_E7:
        case KEY_LONGITUDE_E7:
                add_coordinate(r, key, value);
                break;
        case KEY_PAIR:
        case KEY_COORDINATES:
                add_pair(r, key, value);
                break;
        case KEY_TYPE:
                r->is_point |= cursor_left(&value) == 5 && cursor_begins(&value, "Point");
                r->is_foreign |= cursor_begins(&value, "waypoint"); /* OwnTracks: _type */
                break;
        case KEY_ALTITUDE:
        case KEY_ACCURACY:
        case KEY_TIME:
        case KEY_BESIDE:
                add_companion(r, key, value);
                break;
        case KEY_ID:
                add_id(r, key, value);
                break;
        case KEY_ASSISTANCE:
                r->assistance = true;
                break;
        case KEY_MCC:
        case KEY_MNC:
        case KEY_CELL:
        case KEY_AREA:
                add_cell_part(r, key, value);
                break;
        case KEY_CELL_LIST:
                add_cell_list(r, value);
                break;
        case KEY_ACCESS_POINT:
                r->has_access_point |= cursor_left(&value) == 17 || cursor_left(&value) == 12;
                break;
        case KEY_SIGNAL:
                r->has_signal = true;
                break;
        case KEY_OTHER:
        case KEY_FOREIGN:
                break;
        }
}

/* Are both written like coordinates, and not like two numbers of telemetry that happen to have such names? */
static bool looks_written(const struct reading *r, const struct decimal *a, const struct decimal *b)
{
        if (a->decimals >= TELLING_DECIMALS || b->decimals >= TELLING_DECIMALS || r->assistance)
                return true;
        return a->point && b->point && r->beside > 0;
}

static bool set_coordinates(struct position *out, const struct decimal *latitude, const struct decimal *longitude,
                            Apnwatch__V1__Position__Grade grade)
{
        if (!position_is_possible(latitude->value, longitude->value))
                return false;
        out->latitude = latitude->value;
        out->longitude = longitude->value;
        out->has_coordinates = true;
        out->grade = grade;
        return true;
}

static bool conclude_coordinates(const struct reading *r, struct position *out)
{
        const struct decimal *a = &r->first, *b = &r->second;
        if (r->has_latitude && r->has_longitude && r->latitude_variant == r->longitude_variant)
                return looks_written(r, &r->latitude, &r->longitude) &&
                       set_coordinates(out, &r->latitude, &r->longitude, APNWATCH__V1__POSITION__GRADE__FRAMED);
        if (!r->has_pair)
                return false;
        if (r->is_point)
                return looks_written(r, a, b) && set_coordinates(out, b, a, APNWATCH__V1__POSITION__GRADE__FRAMED);
        bool telling = a->decimals >= TELLING_DECIMALS && b->decimals >= TELLING_DECIMALS;
        if (r->pair_is_coordinates) /* coordinates of what? a robot has some, too */
                return telling && a->decimals > TELLING_DECIMALS && r->beside > 1 &&
                       set_coordinates(out, a, b, APNWATCH__V1__POSITION__GRADE__HEURISTIC);
        return (telling || (a->point && b->point && r->beside > 1)) &&
               set_coordinates(out, a, b, APNWATCH__V1__POSITION__GRADE__HEURISTIC);
}

static bool conclude_cell(const struct reading *r, struct position *out)
{
        static const char *const kinds[] = {[CELL_GSM] = "cgi", [CELL_LTE] = "ecgi", [CELL_NR] = "ncgi"};
        if (r->has_cell_parts != CELL_WHOLE)
                return false;
        out->has_cell = true;
        out->mcc = r->mcc;
        out->mnc = r->mnc;
        out->mnc_digits = r->mnc_digits;
        out->area = r->area;
        out->cell = r->cell;
        if (r->cell_kind == CELL_GSM && r->cell > 0xffff)
                out->cell_kind = NULL; /* WCDMA or LTE, with LTE's area under an old name */
        else
                out->cell_kind = kinds[r->cell_kind];
        return true;
}

bool reading_conclude(const struct reading *r, struct position *out)
{
        *out = (struct position){.found = r->found};
        if (r->is_foreign)
                return false;
        bool coordinates = conclude_coordinates(r, out), cell = conclude_cell(r, out);
        out->has_altitude = coordinates && r->has_altitude;
        out->altitude_m = r->altitude.value;
        out->has_accuracy = coordinates && r->has_accuracy && r->accuracy.value >= 0;
        out->accuracy_m = r->accuracy.value;
        out->has_time = r->has_time;
        out->time_ns = r->time_ns;
        position_set_id(out, r->id.at, r->id_rank > 0 ? cursor_left(&r->id) : 0);
        return coordinates || cell;
}
