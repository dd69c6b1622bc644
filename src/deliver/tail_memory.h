/* Which entries were printed of late: a server that forgot (a restart, a failover) hands them to the group again, and so does
 * a pending list whose XACK was lost. Bounded: the oldest goes. */
#pragma once

#include <stdbool.h>

#include "deliver/outbox.h"

enum { TAIL_MEMORY_ENTRIES = 131072 };

struct tail_memory;

struct tail_memory *tail_memory_create(void); /* NULL: no memory */
void tail_memory_destroy(struct tail_memory *memory);
/* True: it is new, and now remembered. False: it was printed. When memory ends it is new. */
bool tail_memory_add(struct tail_memory *memory, unsigned stream, struct entry_id id);
