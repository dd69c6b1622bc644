#include "judge/waiting_room.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "model/wire.h"

enum { PACKED_MOST = 64 << 10, GIVEN_MOST = 1 << 20 }; /* as events come in a log */

struct kept {
        struct kept *next;
        size_t length;
        uint8_t packed[];
};

struct waiter {
        struct device_key device;
        int64_t since_ns;
        struct kept *first, *last;
        uint64_t bytes;
        bool is_called;
        struct waiter *prev, *next;   /* who waits longest first */
        struct waiter *next_called;
        struct place *place;
        struct waiter *prev_here, *next_here;
        UT_hash_handle hh;
};

/* Where a binding is looked for: an IPv4 address, or the /64 of an IPv6 address. */
struct place {
        struct address address;
        struct waiter *waiters;
        UT_hash_handle hh;
};

struct waiting_room {
        struct waiter *by_device, *oldest;
        struct place *places;
        struct waiter *called, *last_called; /* in the order of calling */
        struct kept *leaving;                /* of who goes now; what is left */
        uint8_t *packed;                     /* room for one event, and for one that was unpacked */
        struct wire_arena given;
        uint64_t bytes, byte_limit, overflows, events;
        int64_t patience_ns;
};

struct waiting_room *waiting_room_create(uint64_t byte_limit, int64_t patience_ns)
{
        struct waiting_room *room = calloc(1, sizeof *room);
        if (room == NULL)
                return NULL;
        room->byte_limit = byte_limit;
        room->patience_ns = patience_ns;
        room->packed = malloc(PACKED_MOST);
        room->given = (struct wire_arena){.memory = malloc(GIVEN_MOST), .size = GIVEN_MOST};
        if (room->packed != NULL && room->given.memory != NULL)
                return room;
        waiting_room_destroy(room);
        return NULL;
}

static void free_chain(struct kept *kept)
{
        while (kept != NULL) {
                struct kept *next = kept->next;
                free(kept);
                kept = next;
        }
}

static void leave_place(struct waiting_room *room, struct waiter *waiter)
{
        struct place *place = waiter->place;
        DL_DELETE2(place->waiters, waiter, prev_here, next_here);
        if (place->waiters != NULL)
                return;
        HASH_DEL(room->places, place);
        free(place);
}

static void dismiss(struct waiting_room *room, struct waiter *waiter)
{
        leave_place(room, waiter);
        DL_DELETE(room->oldest, waiter);
        HASH_DEL(room->by_device, waiter); /* NOLINT: uthash; the analyser takes its lists for torn */
        room->bytes -= waiter->bytes;
        free(waiter);
}

void waiting_room_destroy(struct waiting_room *room)
{
        if (room == NULL)
                return;
        free_chain(room->leaving);
        while (room->oldest != NULL) {
                free_chain(room->oldest->first);
                dismiss(room, room->oldest);
        }
        free(room->packed);
        free(room->given.memory);
        free(room);
}

bool waiting_room_is_empty(const struct waiting_room *room)
{
        return room->oldest == NULL;
}

/* The key has padding, which is hashed too. */
static struct device_key plain_key(const struct device_key *device)
{
        struct device_key key;
        memset(&key, 0, sizeof key);
        key.address = device->address;
        key.context = device->context;
        return key;
}

static struct waiter *find(const struct waiting_room *room, const struct device_key *device)
{
        struct device_key key = plain_key(device);
        struct waiter *waiter;
        HASH_FIND(hh, room->by_device, &key, sizeof key, waiter);
        return waiter;
}

bool waiting_room_has(const struct waiting_room *room, const struct device_key *device)
{
        return room->oldest != NULL && find(room, device) != NULL;
}

static struct address place_of(const struct address *address)
{
        struct address place = *address;
        if (!address_is_ipv4(address))
                memset(place.bytes + 8, 0, 8);
        return place;
}

static struct place *find_place(const struct waiting_room *room, const struct address *address)
{
        struct address key = place_of(address);
        struct place *place;
        HASH_FIND(hh, room->places, &key, sizeof key, place);
        return place;
}

static struct place *enter_place(struct waiting_room *room, struct waiter *waiter)
{
        struct place *place = find_place(room, &waiter->device.address);
        if (place == NULL) {
                if ((place = calloc(1, sizeof *place)) == NULL)
                        return NULL;
                place->address = place_of(&waiter->device.address);
                HASH_ADD(hh, room->places, address, sizeof place->address, place);
        }
        DL_APPEND2(place->waiters, waiter, prev_here, next_here);
        return place;
}

/* Who was called in vain and comes again waits since before others that are here. */
static void queue_up(struct waiting_room *room, struct waiter *waiter)
{
        struct waiter *behind = room->oldest ? room->oldest->prev : NULL; /* the last */
        while (behind != NULL && behind->since_ns > waiter->since_ns)
                behind = behind == room->oldest ? NULL : behind->prev;
        if (behind != NULL)
                DL_APPEND_ELEM(room->oldest, behind, waiter);
        else
                DL_PREPEND(room->oldest, waiter);
}

static struct waiter *admit(struct waiting_room *room, const struct device_key *device, int64_t since_ns)
{
        struct waiter *waiter = calloc(1, sizeof *waiter);
        if (waiter == NULL)
                return NULL;
        waiter->device = plain_key(device);
        waiter->since_ns = since_ns;
        if ((waiter->place = enter_place(room, waiter)) == NULL) {
                free(waiter);
                return NULL;
        }
        HASH_ADD(hh, room->by_device, device, sizeof waiter->device, waiter);
        queue_up(room, waiter);
        return waiter;
}

static void call(struct waiting_room *room, struct waiter *waiter)
{
        if (waiter->is_called)
                return;
        waiter->is_called = true;
        if (room->called == NULL)
                room->called = waiter;
        else
                room->last_called->next_called = waiter;
        room->last_called = waiter;
}

bool waiting_room_add(struct waiting_room *room, const struct device_key *device, int64_t since_ns, const event_t *event)
{
        size_t length = wire_pack(&event->base, room->packed, PACKED_MOST);
        struct kept *kept = length > 0 ? malloc(sizeof *kept + length) : NULL;
        struct waiter *waiter = kept ? find(room, device) : NULL;
        if (kept != NULL && waiter == NULL)
                waiter = admit(room, device, since_ns);
        if (waiter == NULL) {
                free(kept);
                return false;
        }
        kept->next = NULL;
        kept->length = length;
        memcpy(kept->packed, room->packed, length);
        if (waiter->first == NULL)
                waiter->first = kept;
        else
                waiter->last->next = kept;
        waiter->last = kept;
        waiter->bytes += sizeof *kept + length;
        room->bytes += sizeof *kept + length;
        room->events++;
        uint64_t over = room->bytes;
        for (struct waiter *at = room->oldest; at != NULL && over > room->byte_limit; at = at->next) {
                room->overflows += !at->is_called;
                call(room, at);
                over -= at->bytes;
        }
        return true;
}

static void call_all_in(struct waiting_room *room, const struct prefix *prefix)
{
        for (struct waiter *at = room->oldest; at != NULL; at = at->next)
                if (prefix_contains(prefix, &at->device.address))
                        call(room, at);
}

static void call_place(struct waiting_room *room, const struct address *address)
{
        struct place *place = find_place(room, address);
        for (struct waiter *at = place ? place->waiters : NULL; at != NULL; at = at->next_here)
                call(room, at);
}

void waiting_room_call(struct waiting_room *room, const struct binding *binding)
{
        if (room->oldest == NULL)
                return;
        if (!address_is_unspecified(&binding->ipv4))
                call_place(room, &binding->ipv4);
        if (binding->ipv6.length >= 64)
                call_place(room, &binding->ipv6.address);
        else if (binding->ipv6.length > 0)
                call_all_in(room, &binding->ipv6);
}

bool waiting_room_is_due(const struct waiting_room *room, int64_t clock_ns)
{
        if (room->called != NULL || room->oldest == NULL)
                return room->called != NULL;
        return clock_ns == INT64_MAX || clock_ns - room->oldest->since_ns >= room->patience_ns;
}

/* Those called go first, in the order of calling. */
static void let_go(struct waiting_room *room, int64_t clock_ns)
{
        struct waiter *waiter = room->called ? room->called : room->oldest;
        if (!waiting_room_is_due(room, clock_ns))
                return;
        if (waiter->is_called)
                room->called = waiter->next_called;
        room->leaving = waiter->first;
        dismiss(room, waiter);
}

const event_t *waiting_room_next(struct waiting_room *room, int64_t clock_ns)
{
        for (;;) {
                if (room->leaving == NULL)
                        let_go(room, clock_ns);
                struct kept *kept = room->leaving;
                if (kept == NULL)
                        return NULL;
                room->leaving = kept->next;
                const ProtobufCMessage *given = wire_unpack(&room->given, &apnwatch__v1__event__descriptor, kept->packed, kept->length);
                free(kept);
                if (given != NULL)
                        return (const event_t *)given;
        }
}

uint64_t waiting_room_overflows(const struct waiting_room *room)
{
        return room->overflows;
}

uint64_t waiting_room_events(const struct waiting_room *room)
{
        return room->events;
}
