/* SUPL's ULP in clear on any TCP port; see supl.c. */
#pragma once

#include "dissectors/dissector.h"

extern const struct dissector supl_dissector;
