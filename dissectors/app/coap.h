/* CoAP over UDP; see coap.c. */
#pragma once

#include "dissectors/dissector.h"

extern const struct dissector coap_dissector;
