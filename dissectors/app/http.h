/* HTTP/1 on any TCP port; see http.c. */
#pragma once

#include "dissectors/dissector.h"

extern const struct dissector http_dissector;
