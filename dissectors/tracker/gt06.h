/* GT06, of Concox (Jimi) and many who build alike. Pure. */
#pragma once

#include "dissectors/dissector.h"

/*   78 78 | length u8 | type u8 | body | serial u16 | CRC-16/X-25 | 0d 0a     length: type to CRC; the sum: length to serial
 *   79 79 | length u16 | ... */
struct gt06_message {
        uint8_t type;
        struct cursor body;
        uint16_t serial;
};

enum dissect_result gt06_parse(struct cursor *cursor, struct gt06_message *out);
