/* EGTS (GOST R 54619, GOST R 56360): the transport packet and the walk over its records. Pure. */
#pragma once

#include "dissectors/dissector.h"

/*   01 | key u8 | flags u8 | header length u8 | encoding u8 | data length u16 LE | packet u16 LE | type u8 | [routing 5] | CRC-8 |
 *      data | CRC-16/CCITT-FALSE LE */
struct egts_packet {
        uint8_t type;        /* 1: records */
        bool is_plain;       /* neither encrypted nor compressed */
        struct cursor data;
};

/* One subrecord of the records. */
struct egts_subrecord {
        uint8_t service, type;
        struct cursor data;
};

enum dissect_result egts_parse(struct cursor *cursor, struct egts_packet *out);

/* The next subrecord; `record` holds what is left of the record at hand, empty at first. False: no more. */
bool egts_next(struct cursor *data, struct cursor *record, struct egts_subrecord *out);
