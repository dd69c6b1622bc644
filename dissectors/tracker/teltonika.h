/* Teltonika's codecs, framing only. Pure. */
#pragma once

#include "dissectors/dissector.h"

/* TCP, first of all: 00 0f | 15 digits. */
enum dissect_result teltonika_login_parse(struct cursor *cursor, struct cursor *imei);

/*   UDP: length u16 | packet u16 | 01 | AVL packet u8 | 00 0f | 15 digits | codec u8 | records u8 | ... | records u8
 *   TCP: 00000000 | length u32 | codec u8 | records u8 | ... | records u8 | CRC-16/ARC u32 */
struct teltonika_packet {
        struct cursor imei;    /* UDP */
        uint8_t codec, records;
        struct cursor data;    /* of the records */
};

enum dissect_result teltonika_datagram_parse(struct cursor *cursor, struct teltonika_packet *out);
