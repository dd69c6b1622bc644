/* The PDN connections of devices: who has which SIM, module, address, cell and tunnels, and the signalling between gateways
 * that says so (signal.h). Only where a run is signalled. Draws from a stream of its own: runs that are not signalled do
 * not change with it.
 *
 * A change is planned for a moment, in the order of time for each session; packets that leave before it go through the
 * tunnels of before. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/traffic/conversation.h"
#include "tests/traffic/random_stream.h"
#include "tests/traffic/signal.h"
#include "tests/traffic/world.h"

struct session {
        uint32_t device, generation;
        bool is_live;
        bool is_silent;                  /* it began before the capture did: nothing was said of it */
        bool is_own;                     /* an incident's: nothing happens to it by itself */
        int64_t ready_ns;                /* when it may send */
        int64_t settled_ns;              /* when the last message of its last change is under way */
        char imsi[IMSI_SIZE], imei[17];
        const char *apn;
        bool has_ipv4, has_ipv6;
        struct address ipv4, ipv6;
        struct serving_cell cell;
        uint8_t radio;
        uint32_t serving;                /* number of the serving gateway */
        uint32_t control[2];             /* TEIDs: [UP] at the packet gateway */
        struct tunnel tunnel;            /* as planned */
        struct tunnel now;               /* as it is now */
};

struct sessions {
        struct session *items;           /* by device */
        uint32_t count;
        struct random_stream random;
        uint32_t sequence;
};

struct traffic;

struct sessions *sessions_create(const struct world *world, uint64_t seed);
void sessions_destroy(struct sessions *sessions);
/* What goes on all day: echoes, trackers that move, sessions that are set up anew; `calm` times rarer than usual. */
void sessions_start(struct traffic *traffic, unsigned calm);

/* The session, not set up yet, of one more device; it is the caller's to do with. */
struct session *session_claim(struct traffic *traffic, enum fleet_number fleet);

/* NULL: the run is not signalled. */
struct session *session_of(const struct traffic *traffic, uint32_t device);

/* Sees to it that the device has a session; returns when it may send, `time_ns` or later. */
int64_t session_require(struct traffic *traffic, uint32_t device, int64_t time_ns, bool began_before);

/* Each returns when the answer was there. */
int64_t session_attach(struct traffic *traffic, struct session *session, int64_t time_ns);
int64_t session_detach(struct traffic *traffic, struct session *session, int64_t time_ns);
int64_t session_move(struct traffic *traffic, struct session *session, const struct serving_cell *cell, uint32_t serving,
                     int64_t time_ns);

/* The address of the device by which it is known. */
struct address session_address(const struct session *session);

/* Through which tunnel a packet of the conversation leaves now. */
struct tunnel conversation_tunnel(const struct conversation *c);
