/* nDPI behind one file: which protocol a flow speaks, for those flows that our own dissectors are not certain of. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

struct classifier;
struct classification;  /* nDPI's state of one flow, about 1 KiB; from a pool */

enum label_trust { LABEL_NONE, LABEL_INSPECTED, LABEL_CACHED, LABEL_GUESSED };

struct label {
        const char *master;      /* nDPI's name, static; NULL: none */
        const char *application; /* NULL: none on top */
        enum label_trust trust;
};

/* nDPI itself starts with the first question. NULL: no memory. */
struct classifier *classifier_create(void);
void classifier_destroy(struct classifier *classifier);

struct classification *classification_start(struct classifier *classifier); /* NULL: no memory, or nDPI does not start */

/* The flow's handshake, which sense did not keep, in nDPI's eyes: who is the client, and that the start was seen. */
void classification_handshake(struct classifier *classifier, struct classification *flow, const struct address *client,
                              const struct address *server, uint16_t client_port, uint16_t server_port, int64_t time_ns);

/* Frees nDPI's state. */
void classification_end(struct classifier *classifier, struct classification *flow);

/* One IP packet of the flow, in stream order. `ip` has `captured` bytes of `length` on the wire. True when nDPI has decided
 * or has seen as many packets as it is given; then `label` is set. Never call again for the flow after true. */
bool classification_packet(struct classifier *classifier, struct classification *flow, const uint8_t *ip, uint32_t captured,
                           uint32_t length, int64_t time_ns, bool from_opener, struct label *label);

/* The flow ends before nDPI decided. */
void classification_give_up(struct classifier *classifier, struct classification *flow, struct label *label);

/* The application that a server name belongs to ("Google"), or NULL. */
const char *classifier_application_of_name(struct classifier *classifier, const char *name);

/* True when what a label says is content that nobody reads on the way ("TLS", "WireGuard", "SSH"). */
bool label_is_encrypted(const char *master);

const char *classifier_version(void);
uint64_t classifier_packets(const struct classifier *classifier);
