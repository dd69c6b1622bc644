/* Which SIM and which module is behind an address or a tunnel, from signalling: sessions (PDN connections), their control
 * tunnels, user tunnels and addresses, each fact with its source and the times when it was first and last said. Reads
 * Signalling events in order; knows no policy.
 *
 * Strength of sources, weakest first, is the order of enum binding_source, GTP's both alike: a strong fact is not overwritten by a weak one
 * (the conflict is counted), an equal or stronger one replaces it. A request is kept until its response (30 s of packet
 * time, bounded) and applied when that accepts it; responses may come first. Retransmissions change nothing. A create
 * that was rejected neither makes nor ends a session. The same PDN connection seen on S11, S5/S8, N4, Gx, Gy and RADIUS
 * is one session: joined by IMSI and APN and address, by a shared user tunnel endpoint, or by the address where a
 * protocol says nothing else.
 *
 * Addresses are kept by (context, APN): where the tap's context does not tell pools of two APNs apart, the APN does, and
 * a lookup without APN answers only when it is unique. IPv6 is kept by prefix, /64 unless signalling says a shorter one.
 *
 * A session ends: deleted (by signalling, also when the answer to a deletion is that there is no such session; its
 * tunnels are remembered for two minutes as released), replaced (the same IMSI, APN and bearer, or the same address for
 * another IMSI), restarted (its peer came back with another recovery counter; older values and values of a VIP that
 * alternate are ignored), timeout (nothing for `idle_s`), end_of_input.
 *
 * A session that packets of its address use (bindings_of_address) does not time out.
 *
 * Bounded: at the limit the session that was silent longest goes (counted), within five minutes: a place in the order of
 * last use is renewed no sooner. When room is needed, the first whose last use is less than five minutes ago and later
 * than its place is put behind, up to 64 of them; of those that were looked at the one goes that was silent longest. At
 * most 600 bytes a session with its places in all tables. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "judge/state.pb-c.h"
#include "model/event.h"

enum binding_source {
        BINDING_NONE, BINDING_IMPORTED, BINDING_S6A, BINDING_RADIUS, BINDING_GY, BINDING_S6B, BINDING_GX, BINDING_PFCP, BINDING_GTPV1C,
        BINDING_GTPV2C, BINDING_SOURCES
};
const char *binding_source_text(enum binding_source source); /* "gtpv2c", "imported", ...; NULL for none */

/* The answerer has no such session: TS 29.060 7.7.1 (non-existent), TS 29.274 8.4, TS 29.244 8.2.1, RFC 6733 7.1.5. */
bool signalling_says_not_found(const Apnwatch__V1__Signalling *said);

enum binding_fact {
        FACT_IMSI, FACT_IMEI, FACT_MSISDN, FACT_APN, FACT_IPV4, FACT_IPV6, FACT_RAT, FACT_PLMN, FACT_CELL, FACT_AREA, BINDING_FACTS
};

enum binding_end {
        BINDING_LIVE, BINDING_DELETED, BINDING_REPLACED, BINDING_RESTARTED, BINDING_TIMED_OUT, BINDING_INPUT_END, BINDING_EVICTED
};
const char *binding_end_text(enum binding_end end); /* as INTERFACE has them; evicted is "timeout" */

enum { BINDING_PLACE_SIZE = 40 }; /* "sai:", PLMN, an area of 24 bits, a cell of 36 bits, and more */
enum { BINDING_CONTROL = 8, BINDING_USER = 16 }; /* shown of a session, the newest first; more are held */

struct binding_endpoint {
        struct address address;
        uint64_t key;           /* TEID, SEID */
        uint8_t bearer;
        bool of_network;        /* packets from the device go there */
        bool is_released;
        bool is_seid;           /* of PFCP; else a TEID */
};

struct binding_endpoints {
        uint8_t control_count, user_count;
        struct binding_endpoint control[BINDING_CONTROL], user[BINDING_USER];
};

enum binding_place_kind { PLACE_NONE, PLACE_ECGI, PLACE_NCGI, PLACE_CGI, PLACE_SAI, PLACE_TAI, PLACE_RAI, PLACE_LAI, BINDING_PLACES };

/* A cell, a tracking, routing or location area. */
struct binding_place {
        uint16_t mcc, mnc;
        uint8_t mnc_digits, kind; /* kind: enum binding_place_kind */
        uint32_t area;
        uint64_t id;
};

struct binding_plmn {
        uint16_t mcc, mnc;
        uint8_t mnc_digits;     /* 0: not known */
};

/* One session as it is known now. Texts are "" when not known. Plain data: copy what is to be kept. */
struct binding {
        uint64_t number;        /* unique in a run */
        char imsi[17], imei[17], msisdn[17]; /* zeros behind the digits */
        const char *apn;        /* interned, lives as long as some session has it; NULL: not known */
        struct address ipv4;    /* unspecified: none */
        struct prefix ipv6;     /* unspecified: none */
        const char *rat;        /* static; NULL: not known */
        struct binding_plmn plmn;
        struct binding_place cell, area;
        int64_t moved_ns;               /* rat, plmn, cell and area are as of then; 0: as of the beginning */
        uint8_t sources[BINDING_FACTS]; /* enum binding_source */
        int64_t first_ns, last_ns;      /* of the session */
        int64_t sent_ns;                /* when the device is known to have sent last; 0: never */
        uint16_t context;
        uint8_t protocol;               /* enum binding_source that opened it */
        uint8_t bearer;
        uint32_t file;
        uint64_t file_frame;            /* of the message that opened it */
        uint32_t record;                /* for those who ask more of it; 0: a row of the user's */
        uint32_t stamp;                 /* of its last change */
};

/* Who holds an address or a tunnel, as much as each event of a flow asks of it; bindings_show tells the rest. Good as long as nothing
 * is said or imported. */
struct holder {
        uint32_t record, stamp;         /* as in struct binding */
        int64_t first_ns;
        bool is_partial;                /* it was first heard of when it changed: it has tunnels, but neither SIM nor address */
        bool of_network;                /* found by this tunnel, it leads towards the network */
        const struct binding *row;      /* a row of the user's: until bindings are asked again; NULL: a session */
};

/* "262-01", "ecgi:262-01-168496129", "tai:262-01-4660"; "" when not known. */
const char *binding_plmn_text(const struct binding_plmn *plmn, char text[BINDING_PLACE_SIZE]);
const char *binding_place_text(const struct binding_place *place, char text[BINDING_PLACE_SIZE]);

enum binding_news { BINDING_OPENED, BINDING_CHANGED, BINDING_CLOSED };

/* What listeners are told, in order. `before` holds what facts were changed; NULL: none (a session that was opened or closed, or has other
 * endpoints). */
struct binding_change {
        enum binding_news news;
        enum binding_end end;           /* of CLOSED */
        uint32_t facts;                 /* of CHANGED: 1 << enum binding_fact */
        bool is_move;                   /* handover or relocation: cell, area, PLMN, RAT or the serving node */
        const struct binding *now, *before;
        const struct binding_endpoints *endpoints; /* of a session that was opened, or whose endpoints are others; else NULL */
        const event_t *event;           /* that made it; NULL: a timeout or the end of the input */
        int64_t time_ns;
};

struct bindings;
struct bindings_settings {
        uint32_t session_limit;  /* 0: 1 000 000 */
        uint32_t idle_s;         /* 0: 24 h; at most 72 h */
        uint32_t wait_s;         /* for a response; 0: 30 s */
        void (*changed)(void *context, const struct binding_change *change); /* NULL: nobody listens */
        bool hears_no_ends;      /* CLOSED is told to nobody */
        void *context;
};

struct bindings *bindings_create(const struct bindings_settings *settings);
void bindings_destroy(struct bindings *bindings);

void bindings_take(struct bindings *bindings, const event_t *event); /* whose body is Signalling; `context` from event->flow */
void bindings_tick(struct bindings *bindings, int64_t clock_ns);
void bindings_finish(struct bindings *bindings, int64_t clock_ns);   /* every session ends: BINDING_INPUT_END */

/* A row of the user's (--bindings): holds from, until; the weakest source. */
struct binding_row {
        int64_t from_ns, until_ns;
        const char *imsi, *imei, *msisdn, *apn; /* NULL: not said */
        struct address ip;
        uint8_t length;         /* of the prefix that `ip` begins, as struct prefix counts; 0: the address alone */
};
void bindings_import(struct bindings *bindings, const struct binding_row *row);

/* Who has this address at this moment; NULL: nobody, or two and `apn` (may be NULL) does not tell them apart. Borrowed
 * until the next call. */
const struct binding *bindings_of_address(struct bindings *bindings, uint16_t context, const char *apn, const struct address *address,
                                          int64_t time_ns);

bool bindings_holder_of_address(struct bindings *bindings, uint16_t context, const char *apn, const struct address *address,
                                int64_t time_ns, struct holder *out); /* the same; false: nobody */

/* All of it, with cell, area, network and radio access as they were at that moment, as far as that is kept. */
void bindings_show(struct bindings *bindings, const struct holder *holder, int64_t time_ns, struct binding *out);

enum tunnel_knowledge {
        TUNNEL_UNKNOWN,   /* nobody set it up */
        TUNNEL_BOUND,
        TUNNEL_RELEASED,  /* of a session or a radio bearer that ended less than two minutes ago: stale packets are usual */
};
enum tunnel_side { TUNNEL_ANY, TUNNEL_UPLINK }; /* UPLINK: those alone that lead towards the network */

struct tunnel_question {
        uint16_t context;
        enum tunnel_side side;
        bool is_up;                  /* what went there is known to come from the device */
        uint32_t teid;
        struct address node;
        int64_t time_ns;             /* when a packet went through it: TEIDs are given to others within seconds */
        const struct address *inner; /* of two who had it about then, the one with this address; NULL: not known */
};

/* The session whose user tunnel ended at this node with this TEID at that moment; nothing is written unless BOUND or RELEASED. UNKNOWN too
 * when it has not the inner address, another session has, and that one's own way is not known: the node gave the TEID on unseen. */
enum tunnel_knowledge bindings_of_tunnel(struct bindings *bindings, const struct tunnel_question *question, struct holder *out);

/* A live session that was found before by a tunnel of its own, and did not change since. False: it did, or is gone. */
bool bindings_recall(struct bindings *bindings, uint32_t record, uint32_t stamp, struct holder *out);

/* Is it the session's own address, or in its own prefix? */
bool bindings_holds(struct bindings *bindings, const struct holder *holder, const struct address *address);

/* It will be asked for soon: it is brought near. */
void bindings_prefetch(const struct bindings *bindings, uint32_t record);

/* False: it is a row of the user's, or gone. */
bool bindings_endpoints(struct bindings *bindings, const struct binding *binding, struct binding_endpoints *out);

/* Who set this end of a tunnel up: a session that lives (the tunnel may be released), one that ended less than an hour ago. */
enum binding_plane { BINDING_USER_TEID, BINDING_CONTROL_TEID, BINDING_SEID };
enum binding_tenure { BINDING_NOBODYS, BINDING_FORMER, BINDING_CURRENT };
enum binding_tenure bindings_know(const struct bindings *bindings, uint16_t context, enum binding_plane plane,
                                  const struct address *node, uint64_t key);
/* When signalling last spoke of the live session that has this end; 0: none has. */
int64_t bindings_told_ns(const struct bindings *bindings, uint16_t context, enum binding_plane plane,
                         const struct address *node, uint64_t key);
/* The node said to `peer` that it does not know this user tunnel: it is stale, the session goes on. True: it was in use. */
bool bindings_doubt_tunnel(struct bindings *bindings, uint16_t context, const struct address *node, uint32_t teid,
                           const struct address *peer, int64_t time_ns);

/* The sessions of one SIM, or of one module (first 14 digits), that are live; at most `limit`. */
unsigned bindings_of_imsi(struct bindings *bindings, const char *imsi, struct binding *out, unsigned limit);
unsigned bindings_of_imei(struct bindings *bindings, const char *imei, struct binding *out, unsigned limit);

/* Might this source address be used in the session at that moment: its addresses and prefixes, networks behind it (Framed-Route),
 * link-local and unspecified, and what another session of the SIM has or had until two minutes ago. */
bool binding_may_send(struct bindings *bindings, const struct binding *binding, const struct address *source, int64_t time_ns);

/* The device sent at that moment: noted where a subscriber is known. True then, where another SIM's session had its IMEI. */
bool bindings_note_sent(struct bindings *bindings, const struct holder *holder, int64_t sent_ns);

bool bindings_hold_any(const struct bindings *bindings);              /* signalling was ever seen, or sessions were loaded */
bool bindings_are_visible(const struct bindings *bindings);          /* signalling was seen in the last hour of packet time */
bool bindings_are_of_node(const struct bindings *bindings, const struct address *address); /* some session's tunnel ended there */
bool bindings_peer_restarted(const struct bindings *bindings, const struct address *peer, int64_t since_ns);

/* Over a restart (judge/judge.h): sessions that live, those silent longest first; loaded into empty bindings, told to
 * nobody. load: false when it is of no use. forget: all of them, told to nobody: contexts have other meanings than
 * before. */
struct state_writer;
int bindings_save(const struct bindings *bindings, struct state_writer *writer);
bool bindings_load(struct bindings *bindings, const Apnwatch__V1__SavedSession *saved);
void bindings_forget(struct bindings *bindings);

struct bindings_numbers {
        uint64_t sessions, peak, opened, closed[BINDING_EVICTED + 1], conflicts, pending, pending_dropped, orphans, evicted, bytes;
        uint64_t sets_refused, nodes_freed, nodes_refused, peers_forgotten;
};
void bindings_numbers(const struct bindings *bindings, struct bindings_numbers *out);
