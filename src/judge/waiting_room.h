/* Events of devices whose address is not bound yet, kept for a moment: signalling may reach us behind the first packets. All events of
 * a device stay in order; they go on at once when a binding for its address comes, else when its time is over. Private to src/judge.
 *
 * Packed copies, bounded in bytes: beyond, the device that waits longest goes on as it is, counted. */
#pragma once

#include "judge/bindings.h"
#include "judge/device_table.h"
#include "model/event.h"

struct waiting_room;

struct waiting_room *waiting_room_create(uint64_t byte_limit, int64_t patience_ns);
void waiting_room_destroy(struct waiting_room *room);

bool waiting_room_is_empty(const struct waiting_room *room);
bool waiting_room_is_due(const struct waiting_room *room, int64_t clock_ns); /* has a next event */
bool waiting_room_has(const struct waiting_room *room, const struct device_key *device);

/* Keeps a copy for the device, which waits since `since_ns`. False: without memory; it does not wait. */
bool waiting_room_add(struct waiting_room *room, const struct device_key *device, int64_t since_ns, const event_t *event);

/* Who has an address of this session need not wait any more, in whatever context: the APN may be what tells. */
void waiting_room_call(struct waiting_room *room, const struct binding *binding);

/* The next event of a device that may go: called, out of time at `clock_ns` (INT64_MAX: all), or too many. NULL: none. Borrowed until the
 * next call. */
const event_t *waiting_room_next(struct waiting_room *room, int64_t clock_ns);

uint64_t waiting_room_overflows(const struct waiting_room *room); /* devices that had to go before their time */
uint64_t waiting_room_events(const struct waiting_room *room);    /* kept ever */
