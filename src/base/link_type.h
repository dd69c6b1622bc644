/* Link types as capture files number them (https://www.tcpdump.org/linktypes.html); those that apnwatch reads. */
#pragma once

enum {
        LINK_NULL = 0,          /* BSD loopback: 4 bytes of address family, either byte order */
        LINK_ETHERNET = 1,
        LINK_PPP = 9,
        LINK_RAW_OLD = 12,      /* raw IP as some systems number it (DLT_RAW), and 14 on OpenBSD */
        LINK_RAW_OPENBSD = 14,
        LINK_PPP_HDLC = 50,
        LINK_PPP_ETHER = 51,    /* PPPoE, without Ethernet */
        LINK_RAW = 101,
        LINK_LOOP = 108,        /* OpenBSD loopback: address family in network order */
        LINK_LINUX_SLL = 113,
        LINK_PPP_WITH_DIR = 204,
        LINK_IPV4 = 228,
        LINK_IPV6 = 229,
        LINK_LINUX_SLL2 = 276,
};
