#include "probes/link_name.h"

#include <stdio.h>

#include "base/link_type.h"

static const struct {
        uint16_t link_type;
        const char *name;
} names[] = {
        {LINK_NULL, "loopback"},
        {LINK_ETHERNET, "ethernet"},
        {LINK_PPP, "ppp"},
        {LINK_RAW_OLD, "raw"},
        {LINK_RAW_OPENBSD, "raw"},
        {LINK_PPP_HDLC, "ppp"},
        {LINK_PPP_ETHER, "pppoe"},
        {LINK_RAW, "raw"},
        {LINK_LOOP, "loopback"},
        {LINK_LINUX_SLL, "linux cooked"},
        {LINK_PPP_WITH_DIR, "ppp"},
        {LINK_IPV4, "raw"},
        {LINK_IPV6, "raw"},
        {LINK_LINUX_SLL2, "linux cooked 2"},
};

const char *link_name(uint16_t link_type, char text[LINK_NAME_SIZE])
{
        for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
                if (names[i].link_type == link_type)
                        return names[i].name;
        snprintf(text, LINK_NAME_SIZE, "type %u (not read)", link_type);
        return text;
}
