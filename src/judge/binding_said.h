/* What one message of the control plane says, in numbers: read once from its event, then compared, applied and, while its other half
 * is awaited, kept. Private to bindings. */
#pragma once

#include "judge/binding_sets.h"
#include "judge/bindings.h"

#define SAID(name) APNWATCH__V1__SIGNALLING__##name

enum { INTERFACE_UNKNOWN = 0xff };
enum { SAID_ENDS = 32, SAID_SETS = 16, SAID_ROUTES = 9, SAID_ENDED = 16, SAID_APN = 255, SAID_STEP = 16 };

/* A tunnel end, or one of control. */
struct said_end {
        uint64_t key;
        struct address addresses[2];
        uint8_t address_count;
        uint8_t bearer, interface;       /* 0; TS 29.274 8.22, INTERFACE_UNKNOWN */
        bool user, of_network, side_known;
};

struct said_set {
        struct binding_set set;
        uint8_t part;                    /* Signalling.Set.Part */
};

/* All bytes have a value: a message is compared as a whole. 0, or an unspecified address, stands for what is not said. What is small stands
 * in front, where code reaches it by a byte. */
struct said {
        uint16_t size;                   /* in bytes, with ends, networks and APN; whole steps of SAID_STEP */
        uint8_t protocol, procedure, phase;
        uint8_t end_count, set_count, route_count, apn_length, ended_count;
        uint8_t ipv6_length, rat, bearer, linked_bearer;
        bool has_sequence, has_recovery, has_linked_bearer, is_refused, is_not_found, teardown, has_retains, retains, has_ipv4, has_ipv6;
        struct binding_plmn plmn;
        uint16_t source_port, destination_port;
        uint32_t owner;                  /* of Diameter and RADIUS: who counts these sessions; else 0 */
        uint32_t message, cause;
        uint64_t sequence, key, recovery;
        uint64_t imsi, imei, msisdn;     /* digits_pack */
        uint64_t name;                   /* of the session, of Diameter and RADIUS: hash of its identifier */
        struct address source, destination, ipv4, ipv6;
        struct address node;             /* of PFCP: Node ID, when it is an address */
        struct address restarted, restarted_at;
        struct binding_place cell, area;
        uint8_t ended[SAID_ENDED];       /* bearers */
        struct said_end ends[];          /* behind them sets, networks behind the device, the APN with its NUL */
};

enum { SAID_SIZE_MOST = sizeof(struct said) + SAID_ENDS * sizeof(struct said_end) + SAID_SETS * sizeof(struct said_set) +
                      SAID_ROUTES * sizeof(struct prefix) + SAID_APN + SAID_STEP };

/* `room` has SAID_SIZE_MOST bytes. */
void said_read(struct said *room, const Apnwatch__V1__Signalling *from);

static inline const struct said_set *said_sets(const struct said *said)
{
        return (const struct said_set *)&said->ends[said->end_count];
}

static inline const struct prefix *said_routes(const struct said *said)
{
        return (const struct prefix *)(said_sets(said) + said->set_count);
}

static inline const char *said_apn(const struct said *said) /* NULL: none */
{
        return said->apn_length > 0 ? (const char *)(said_routes(said) + said->route_count) : NULL;
}

/* Sessions of RADIUS and Diameter are told apart by an identifier in text. */
static inline bool is_named(const struct said *said)
{
        return said->protocol >= SAID(PROTOCOL__RADIUS);
}
