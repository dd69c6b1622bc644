/* Signs that a telephone or tablet talks, not a module: it opens flows to hosts by which Android and iOS look whether there
 * is a network and by which they keep their push channel, or says so in its user agent. Terminals and gateways that run Android do
 * likewise: it means something of a SIM that was in another device before. */
#pragma once

#include "model/event.h"

/* What tells it of an event of the device's flow: the host's name or the user agent; NULL: nothing does. */
const char *phone_sign_of_event(const event_t *event);
