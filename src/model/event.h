/* Events on their way: who emits fills one on the stack, whose pointers borrow from the packet; it dies when the call
 * returns. Who keeps one packs it. */
#pragma once

#include "base/address.h"
#include "model/event.pb-c.h"

typedef Apnwatch__V1__Event event_t;

struct event_sink {
        void (*event)(void *context, const event_t *event);
        /* An event about this device comes soon: a hint for the cache, nothing else. NULL: not wanted. */
        void (*soon)(void *context, const struct address *device, uint16_t device_context);
        void *context;
};

static inline void event_sink_emit(const struct event_sink *sink, const event_t *event)
{
        sink->event(sink->context, event);
}
