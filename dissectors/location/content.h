/* Positions and serving cells in content that a device sends, whatever carries it. */
#pragma once

#include "dissectors/location/position.h"

enum content_kind {
        CONTENT_ANY,   /* what it is shows in its first bytes */
        CONTENT_QUERY, /* a query string or a form */
        CONTENT_LINES  /* text that may hold NMEA sentences only */
};

struct content {
        const char *carrier;  /* static: "HTTP", "MQTT", "CoAP", "TCP", "UDP" */
        struct cursor topic;  /* MQTT topic, HTTP or CoAP path; empty: none */
        enum content_kind kind;
        const char *client;   /* an id that the carrier knows (MQTT client id), for content without one; NULL: none */
        size_t client_length;
};

/* Emits what is found, at most 8 positions; returns how many. Nothing of what a peer sends is looked at: a place in an
 * answer is not where the device is. At most 64 KiB are read. */
unsigned content_scan(struct dissection *d, const struct content *content, struct cursor bytes);

/* The same without a flow: what is found in `bytes`. Pure. */
unsigned content_find(enum content_kind kind, struct cursor bytes, struct position *out, unsigned most);
