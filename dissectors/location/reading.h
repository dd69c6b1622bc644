/* Keys and values of one object (JSON), query or line of text, and the position or serving cell that they add up to.
 *
 * Ordinary telemetry must not become a position. So both coordinates must stand beside each other under names that belong
 * together, be in range and not both zero, and be written like coordinates: one of them with three decimals or more, or
 * both with a point and beside a time, an id, an altitude, an accuracy or the like. x and y are no coordinates. */
#pragma once

#include "dissectors/location/position.h"

enum key {
        KEY_OTHER,
        KEY_LATITUDE, KEY_LONGITUDE,  /* variant: the prefix, which must be the same for both */
        KEY_LATITUDE_E7, KEY_LONGITUDE_E7, /* in 1e-7 degrees */
        KEY_PAIR,                     /* "lat,lon" or [lat, lon] */
        KEY_COORDINATES,              /* GeoJSON's [lon, lat] beside "type": "Point" */
        KEY_TYPE,
        KEY_ALTITUDE, KEY_ACCURACY, KEY_TIME,
        KEY_ID,                       /* variant: how telling, the higher the more */
        KEY_BESIDE,                   /* what stands beside a position and nowhere near other telemetry's "lat" */
        KEY_ASSISTANCE,               /* of a query to an assistance service, which asks with a rough position */
        KEY_MCC, KEY_MNC,
        KEY_CELL, KEY_AREA,           /* variant: enum cell_kind */
        KEY_CELL_LIST,                /* "mcc,mnc,lac,cid" */
        KEY_ACCESS_POINT, KEY_SIGNAL,
        KEY_FOREIGN                   /* whatever is below is about something else: a gateway, a fence, a destination */
};

enum cell_kind { CELL_UNSAID, CELL_GSM, CELL_LTE, CELL_NR };

struct key_class {
        uint8_t key;     /* enum key */
        uint8_t variant;
};

struct key_class key_classify(struct cursor name);

/* A number as text writes it. */
struct decimal {
        double value;
        uint8_t digits;   /* in front of the point */
        uint8_t decimals; /* behind it */
        bool point;
};

/* "-6.1148096", "52.5N", "W 0.12"; blanks around it and one degree sign are tolerated. Nothing else may stand there. */
bool decimal_parse(struct cursor text, struct decimal *out);

struct reading {
        struct decimal latitude, longitude, first, second, altitude, accuracy;
        bool has_latitude, has_longitude, has_e7, has_pair, has_altitude, has_accuracy, has_time;
        bool is_point, is_foreign, pair_is_coordinates, assistance, has_access_point, has_signal;
        uint8_t latitude_variant, longitude_variant, beside, id_rank, has_cell_parts; /* CELL_PART_* */
        uint8_t cell_kind, mnc_digits;
        uint32_t mcc, mnc, area;
        uint64_t cell;
        int64_t time_ns;
        struct cursor id, found;
};

/* One key and its scalar value (the content of a string, the text of a number). Both borrow from the text. */
void reading_add(struct reading *reading, struct key_class key, struct cursor value);

/* A list of two or three numbers under `key`. */
void reading_add_list(struct reading *reading, struct key_class key, const struct decimal numbers[3], unsigned count,
                      struct cursor found);

/* What it adds up to. false: neither a position nor a cell. The family is the caller's to set. */
bool reading_conclude(const struct reading *reading, struct position *out);
