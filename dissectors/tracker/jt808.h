/* JT/T 808, of the Chinese ministry of transport, in its editions of 2011, 2013 and 2019. Pure. */
#pragma once

#include "dissectors/dissector.h"

enum { JT808_MOST = 1500 };

/*   7e | id u16 | properties u16 | [version u8] | phone, packed digits: 6 octets, 10 with a version | serial u16 |
 *      [parts u16, part u16] | body | xor | 7e         7d 02 stands for 7e, 7d 01 for 7d
 * Properties: bits 0 to 9 length of the body, 10 to 12 encryption, 13 parts, 14 version. */
struct jt808_message {
        uint16_t id;
        bool is_2019, is_encrypted, is_part;
        char phone[24];      /* without zeros in front */
        struct cursor body;  /* in the bytes that the caller gave */
};

/* `bytes` holds the message without its escapes. Consumes from 7e to 7e. */
enum dissect_result jt808_parse(struct cursor *cursor, uint8_t bytes[JT808_MOST], struct jt808_message *out);
