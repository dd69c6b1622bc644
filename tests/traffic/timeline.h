/* What will happen, by time: packets on their way and actors that wake. Equal times keep the order in which they were added,
 * so that a run repeats exactly. */
#pragma once

#include <stdint.h>

typedef void timeline_act(void *subject, int64_t time_ns);

struct timeline;
struct timeline *timeline_create(void);
void timeline_destroy(struct timeline *timeline); /* subjects are not freed */

void timeline_add(struct timeline *timeline, int64_t time_ns, timeline_act *act, void *subject);

/* Runs the earliest act; 0 when nothing is left. */
int timeline_step(struct timeline *timeline);
