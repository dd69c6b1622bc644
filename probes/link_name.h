/* Link types in words for people. */
#pragma once

#include <stdint.h>

enum { LINK_NAME_SIZE = 32 };

/* "ethernet"; "type 195 (not read)" for one that apnwatch does not read. Returns a constant or `text`. */
const char *link_name(uint16_t link_type, char text[LINK_NAME_SIZE]);
