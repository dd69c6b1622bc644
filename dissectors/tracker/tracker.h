/* Trackers of vehicles, goods, animals and people: who they say they are when they log in, over TCP or UDP. One dissector asks the
 * families below; each frames and checks one message of its protocol, so that what else the protocol says can be read from the same
 * frame. Positions in these protocols are not read here. */
#pragma once

#include "dissectors/dissector.h"
#include "dissectors/nameplate.h"

extern const struct dissector tracker_dissector;

/* Texts that a message's own escaping, or packed digits, were turned into. */
struct tracker_scratch {
        uint8_t bytes[1536];
        char digits[NAMEPLATE_DIGITS];
};

struct tracker_family {
        const char *protocol;  /* as events call it */
        const char *first;     /* hexadecimal, two digits each: bytes that a message may begin with */
        uint8_t transports;    /* DISSECT_ON_TCP | DISSECT_ON_UDP */
        /* One message at the cursor, consumed; what it says is put on the plate, perhaps nothing. A datagram is one message, or several.
         * OK only for what no other protocol looks like: length, check sum, terminator. TRUNCATED: its front, more would tell. */
        enum dissect_result (*read)(struct cursor *at, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate);
};

extern const struct tracker_family gt06_family, teltonika_family, teltonika_udp_family, jt808_family, egts_family, galileosky_family,
        ruptela_family, eelink_family, eelink_udp_family, ulbotech_family, topflytech_family, eview_family, arnavi_family, atrack_family,
        navis_family, queclink_family, meitrack_family, coban_family, h02_family, watch_family, wialon_family, tk103_family, gosafe_family,
        atrack_text_family;
