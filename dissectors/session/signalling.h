/* One message of the control plane, whatever protocol it came from: what parse functions of session dissectors fill, and how
 * it becomes an event (Signalling of src/model/event.proto, where every field is described). Of fixed size: no allocation.
 *
 *     struct signalling s;
 *     signalling_init(&s, GTPV2C, CREATE, REQUEST, 32);
 *     ... imsi_of_tbcd(bytes, length, s.imsi) ...
 *     signalling_emit(d, &s); */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dissectors/dissector.h"
#include "dissectors/session/identity_encoding.h"

enum {
        SIGNALLING_ENDPOINTS = 32,
        SIGNALLING_ENDED = 16,
        SIGNALLING_ROUTES = 8,
        SIGNALLING_SETS = 16,
        SIGNALLING_SESSION_SIZE = 256, /* Session-Id, Acct-Session-Id: longer ones are told by their last 255 bytes */
        SIGNALLING_NODE_SIZE = 128
};

struct signalling_endpoint {
        bool user, has_ipv4, has_ipv6, has_bearer, has_interface, has_of_network, of_network;
        uint8_t interface;
        uint32_t bearer;
        uint64_t key; /* not 0 */
        uint8_t ipv4[4], ipv6[16];
};

struct signalling_route {
        uint8_t address[16]; /* the first 4 bytes of IPv4 */
        uint8_t address_length, length;
};

/* One FQ-CSID: TS 23.007, 12. */
struct signalling_set {
        uint8_t part, node_length, node[17]; /* part: Apnwatch__V1__Signalling__Set__Part */
        uint16_t id;
};

/* Texts are "" when absent. */
struct signalling {
        Apnwatch__V1__Signalling__Protocol protocol;
        Apnwatch__V1__Signalling__Procedure procedure;
        Apnwatch__V1__Signalling__Phase phase;
        uint32_t message;
        bool has_sequence, has_key, has_accepted, accepted, has_cause, has_ipv4, has_ipv6, has_bearer, has_linked_bearer;
        bool has_recovery, has_teardown, teardown, has_framed_length, has_charging_id, has_retains, retains;
        uint8_t ipv4[4], ipv6_prefix[16], ipv6_length; /* of the UE */
        uint8_t ended_count, route_count, endpoint_count, set_count;
        uint8_t restarted[16], restarted_length, restarted_at[16], restarted_at_length; /* length 0: not told */
        uint32_t cause, bearer, linked_bearer, framed_length, charging_id;
        uint64_t sequence, key, recovery;
        const char *rat;             /* static string; NULL */
        struct plmn plmn;            /* serving network; none: that of `location` is told */
        struct user_location location;
        char imsi[DIGITS_SIZE], imei[DIGITS_SIZE], msisdn[DIGITS_SIZE];
        struct apn apn;              /* from here on init clears only what says how much there is */
        char session[SIGNALLING_SESSION_SIZE];
        char node[SIGNALLING_NODE_SIZE];
        uint32_t ended_bearer[SIGNALLING_ENDED];
        struct signalling_route routes[SIGNALLING_ROUTES];
        struct signalling_set sets[SIGNALLING_SETS];
        struct signalling_endpoint endpoints[SIGNALLING_ENDPOINTS]; /* only endpoint_count are set */
};

/* The enums are Apnwatch__V1__Signalling__Protocol, __Procedure and __Phase. */
void signalling_init(struct signalling *s, unsigned protocol, unsigned procedure, unsigned phase, uint32_t message);

/* A cleared endpoint to fill (its `key` must be set); NULL: there are 32 already. */
struct signalling_endpoint *signalling_add_endpoint(struct signalling *s);
void signalling_add_ended(struct signalling *s, uint32_t bearer);

/* The UE's addresses; 0.0.0.0 and :: (not yet known) are left out. The first of each is kept. A prefix length of 0 or above 128
 * is taken as 64; bits behind the length are cleared. */
void signalling_set_ipv4(struct signalling *s, const uint8_t ipv4[4]);
void signalling_set_ipv6(struct signalling *s, const uint8_t ipv6[16], unsigned length);

/* Framed-Route and Framed-IPv6-Route: "10.1.0.0/24 10.0.0.1 1". Without a length RFC 2865 (5.22) has that of the address class. */
void signalling_add_route_text(struct signalling *s, const uint8_t *bytes, size_t length);
void signalling_add_route(struct signalling *s, const uint8_t *address, size_t address_length, unsigned length);

/* FQ-CSID: `node` of `kind` (0 IPv4, 1 IPv6, 2 network and number), then 16 bits for each of `count` sets. GTPv2-C and PFCP have the same
 * layout. What is too many is left out. */
struct cursor signalling_read_sets(struct signalling *s, unsigned part, struct cursor at);

/* Wire text into `out` (session, node), escaped; of what is too long the end is kept, where it differs. */
void signalling_text(const uint8_t *bytes, size_t length, char *out, size_t size);

/* Addresses and ports are of `d`. Of a `tunnelled` packet, a device's own, nothing is told. */
void signalling_emit(struct dissection *d, const struct signalling *s);
