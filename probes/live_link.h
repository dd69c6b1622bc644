/* What the kernel counts about an interface, asked by rtnetlink: that needs no privilege and no file system. */
#pragma once

#include <stdint.h>

struct live_link {
        int descriptor;
        uint32_t sequence;      /* of the latest question */
};

/* 0 or negative errno. */
int live_link_open(struct live_link *link);
void live_link_close(struct live_link *link);

/* Frames that were on the wire and never reached the kernel: the card or its driver had no room for them, since the interface was
 * made. 0 or negative errno. */
int live_link_missed(struct live_link *link, unsigned interface, uint64_t *missed);
