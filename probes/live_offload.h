/* What makes frames on an interface other than they were on the wire, told to people when it is opened. */
#pragma once

#include <stdint.h>

/* `descriptor`: of any socket. Logs warnings: offloads that are on, with the command that turns them off, and a snap length that
 * cuts frames. */
void live_offload_warn(int descriptor, const char *name, uint32_t snap_length);
