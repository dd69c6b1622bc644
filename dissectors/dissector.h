/* Bytes to facts. A dissector recognises one protocol and reads it; what it reads it emits as events of src/model. It knows
 * no policy, no identity and no table: state across packets is a struct that sense keeps with the flow.
 *
 * A new dissector is its own file, its test and fuzz target, and one line in dissectors/dissector.c.
 *
 * How sense calls. While a flow is being inspected, every dissector's `recognise` gets the flow's first payload (TCP: the
 * bytes of one direction from its start, in stream order, as many as there are; UDP: one datagram) until it says NOT_MINE
 * or one says MINE. PERHAPS asks for more: TCP the same bytes with more behind, UDP the next datagram (at most 4 times), SCTP
 * the next packet, of which the first four set up the association (at most 16 times).
 * The one that said MINE owns the flow: `dissect` gets that same payload, and then, as long as it answers FOLLOW_ON, every
 * later payload of both directions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/cursor.h"
#include "model/event.h"

/* What a pure parse function says: `enum dissect_result x_parse(struct cursor *, struct x *out)`. */
enum dissect_result {
        DISSECT_OK,
        DISSECT_TRUNCATED, /* the bytes end before the message does */
        DISSECT_NO_MATCH,  /* not this protocol, or not this message */
        DISSECT_MALFORMED  /* this protocol, but what it says cannot be */
};

enum recognition { NOT_MINE, PERHAPS, MINE };

enum follow {
        FOLLOW_DONE, /* nothing more wanted: the flow settles */
        FOLLOW_ON,   /* go on with the bytes behind `consumed` (TCP) or the next datagram */
        FOLLOW_MORE  /* TCP: what is left is the front of a message: call again with the same and more behind. The most that
                        is held is DISSECT_HOLD bytes a direction; when that is not enough the bytes are dropped and `gap` set */
};

enum { DISSECT_HOLD = 16384 };

enum direction { FROM_OPENER, TO_OPENER };

struct dissector;
struct dissection;

/* What sense offers to a dissector during a call. */
struct dissect_services {
        /* Emits `event`, whose body (and snippet) the dissector has set; sense adds order key, flow and evidence. */
        void (*emit)(struct dissection *d, event_t *event);
        /* The server's name, as the device wrote it; kept with the flow, lower-cased and escaped; later ones do not replace. */
        void (*name)(struct dissection *d, const uint8_t *name, size_t length, Apnwatch__V1__Flow__NameSource source);
        /* A flow to or from (address, port) over `protocol` will come within a minute and belongs to `dissector`, with this
         * start state (copied, at most its state_size). FTP's data connection. */
        void (*expect)(struct dissection *d, const struct address *address, uint16_t port, uint8_t protocol,
                       const struct dissector *dissector, const void *state, size_t state_size);
};

struct dissection {
        /* Said by sense. */
        const struct dissect_services *services;
        struct address source, destination; /* of this payload */
        uint16_t source_port, destination_port;
        uint8_t protocol;                   /* IPPROTO_TCP, IPPROTO_UDP, ... */
        enum direction direction;           /* of this payload; the opener is the one who sent the flow's first packet */
        bool from_device;
        bool tunnelled;                     /* inside GTP-U: a device's own packet, whatever it looks like */
        bool gap;                           /* TCP: bytes of this direction are missing in front of this payload */
        bool cut;                           /* the capture cut this packet: the payload went on */
        bool start;                         /* TCP: these bytes begin at the very start of their direction */
        int64_t time_ns;
        uint32_t file;
        uint64_t file_frame;
        uint64_t skip_left[2];              /* by direction: of what `skip` asked for, not yet seen */

        /* Said by the dissector, preset to: consumed = all, skip = 0, label = NULL. */
        size_t consumed;                    /* TCP: bytes of the payload that are done with (FOLLOW_ON, FOLLOW_MORE) */
        uint64_t skip;                      /* TCP: bytes behind `consumed` of this direction not wanted; counted by sequence
                                               number even where they were not captured. When they have passed, `dissect` is
                                               called with what follows, or with an empty payload when nothing does */
        const char *label;                  /* nDPI's name of the protocol; static string; NULL: as in struct dissector */
        const char *application;            /* nDPI's name of what runs on top; static string */
        uint16_t tls_version;               /* as agreed; 0: not seen */
        bool encrypted;                     /* from here on nothing can be read */
};

struct dissector {
        const char *name;      /* nDPI's name: the label of the flow. NULL: does not label; nDPI is asked all the same */
        uint8_t transports;    /* DISSECT_ON_TCP | DISSECT_ON_UDP */
        bool readable;         /* its content can be read (else: name only) */
        bool is_signalling;    /* control plane: tells identities of others, and is meant to */
        uint16_t state_size;   /* zeroed memory given with the first `dissect`; at most 4096 */
        enum recognition (*recognise)(const struct dissection *d, const struct cursor *payload);
        enum follow (*dissect)(struct dissection *d, void *state, struct cursor payload);
        /* The flow ends: emit what is unfinished. NULL: nothing to do. `d` has no payload and no frame. */
        void (*end)(struct dissection *d, void *state);
};

enum { DISSECT_ON_TCP = 1, DISSECT_ON_UDP = 2, DISSECT_ON_SCTP = 4 }; /* SCTP: a packet without its common header, as datagrams */

/* All of them, in the order in which they are asked; ends with NULL. */
extern const struct dissector *const dissectors[];
