/* A conversation between a device and a peer: one flow. Its packets are put into the timeline with the pauses that a radio
 * link and a server make; TCP gets its handshake, segments, acknowledgements and end (tcp_session.c).
 *
 * `time_ns` is the conversation's own clock: what is sent next leaves then. A conversation may be written in one go or be
 * kept open by an actor that comes back at its `time_ns`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

struct traffic;
struct packet;
struct flow_record;

enum direction { UP, DOWN };          /* from the device; towards it */

enum { IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17, IP_ICMPV6 = 58 };

struct contact {
        uint32_t device;
        struct address peer;
        uint32_t peer_device;         /* number + 1 when the peer is a device, else 0 */
        uint16_t device_port;         /* 0: the next of the device's own when it opens */
        uint16_t peer_port;
        uint8_t protocol;
        enum direction opener;        /* UP: the device opens */
        bool unanswered;              /* nobody answers: TCP repeats its SYN, UDP is left alone */
        bool midstream;               /* TCP: the capture began behind the handshake */
};

struct tunnel {
        struct address station, gateway; /* outer: of the access side, of the network's */
        uint32_t teid[2];                /* [UP]: packets from the device */
};

struct conversation {
        struct traffic *traffic;
        struct contact contact;
        struct address device;        /* the address */
        int64_t time_ns;
        int64_t turn_ns[2];           /* how long a side takes to answer */
        uint32_t sequence[2];         /* TCP: next byte of each side */
        uint16_t ip_id[2];
        bool owes_ack;                /* the side opposite to `last` has not acknowledged yet */
        enum direction last;
        bool closed;
        uint32_t references;          /* its opener and the packets in the timeline */
        bool has_tunnel, is_nested;   /* not that of its device; or that within it */
        struct tunnel tunnel;
        struct packet *latest;        /* the last that was queued; facts are tied to it */
        struct flow_record *record;   /* the event recorder's */
};

struct conversation *conversation_open(struct traffic *traffic, const struct contact *contact, int64_t time_ns);

/* A message: one datagram, or as many segments as TCP needs. */
void conversation_send(struct conversation *c, enum direction direction, const void *bytes, size_t length);

/* `length` bytes without meaning (of a ciphertext, of an image). */
void conversation_send_noise(struct conversation *c, enum direction direction, size_t length);

/* Nothing is said for a while. */
void conversation_wait(struct conversation *c, int64_t pause_ns);

/* TCP: FIN of `first` side and then of the other, or a reset. The conversation belongs to the timeline afterwards. */
void conversation_close(struct conversation *c, enum direction first);
void conversation_reset(struct conversation *c, enum direction by);
/* Said no more, without an end. */
void conversation_leave(struct conversation *c);

/* For tcp_session.c: one packet at `time_ns`. */
struct packet *conversation_queue(struct conversation *c, int64_t time_ns, enum direction direction, const void *payload,
                                  size_t length);
void conversation_release(struct conversation *c);

enum { ECHO_REQUEST, ECHO_REPLY };
enum { ROUTER_SOLICITATION = 133 }; /* ICMPv6, RFC 4861 */
/* ICMP or ICMPv6 by the device's family. */
void conversation_echo(struct conversation *c, enum direction direction, int kind, uint16_t sequence);
