/* A position or a serving cell as a parser found it, whatever it stood in; and how it is told. */
#pragma once

#include "dissectors/dissector.h"

enum { POSITION_ID = 64, POSITION_SNIPPET = 512 };

struct position {
        const char *family;            /* static: "NMEA-0183", "JSON", "query", "key-value" */
        Apnwatch__V1__Position__Grade grade;
        bool has_coordinates, has_altitude, has_accuracy, has_speed, has_time, has_cell;
        double latitude, longitude;    /* WGS 84 degrees */
        double altitude_m, accuracy_m, speed_kmh;
        int64_t time_ns;               /* Unix, as the device says */
        uint32_t mcc, mnc, area;
        uint8_t mnc_digits;            /* 0: not known */
        uint64_t cell;
        const char *cell_kind;         /* static; NULL: not known */
        uint32_t wifi;                 /* access points listed; 0: none */
        uint8_t id_length;
        char id[POSITION_ID];          /* as on the wire; id_length 0: none */
        struct cursor found;           /* where it stands, within the payload that was read */
};

/* Can this be where a device is? Within range, finite, and not (0, 0), which is what a receiver without a fix says. */
bool position_is_possible(double latitude, double longitude);

/* Seconds since 1970 of a date and time of day in UTC; false when there is no such date. */
bool position_time(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute, unsigned second, int64_t *time_ns);

void position_set_id(struct position *position, const uint8_t *id, size_t length);

/* Emits it with up to 512 bytes of `payload` around `found`. `carrier` is static; an empty `topic` is left out. */
void position_emit(struct dissection *d, const struct position *position, const char *carrier, struct cursor topic,
                   struct cursor payload);
