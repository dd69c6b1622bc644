/* The tunnel ends, SEIDs and names of sessions. Private to bindings. */
#pragma once

#include "judge/binding_act.h"

struct tunnels_news {
        bool changed, moved; /* moved: another node serves the device */
};

/* The endpoints that a message tells go into the session. `shared`: the message speaks of several sessions; a tunnel goes
 * to the one that has its bearer. */
struct tunnels_news tunnels_take(struct act *act, uint32_t record, const struct said *said, bool shared);

bool tunnels_have_bearer(struct store *store, uint32_t record, uint32_t bearer); /* or it is the default bearer */
void tunnels_release_bearer(struct act *act, uint32_t record, uint32_t bearer);
void tunnels_release_access(struct act *act, uint32_t record); /* S1-U, both ends */
void tunnels_release_radio(struct act *act, uint32_t record); /* those of S1-U and the like */
void tunnels_release_node(struct act *act, uint32_t record, uint32_t node);

enum endpoint_kind tunnels_kind(const struct said *said, bool user);
