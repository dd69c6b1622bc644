/* What sense does for a dissector, for tests: asks the registry who recognises, holds, skips and follows as
 * dissectors/dissector.h promises, and keeps copies of what was emitted. Each payload is handed over in an allocation of
 * exactly its size, so that ASan sees an over-read.
 *
 *     struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 80);
 *     fake_sense_text(sense, FROM_OPENER, "GET / HTTP/1.1\r\n\r\n");
 *     fake_sense_end(sense);
 *     ... sense->events[0]->transfer ...
 *     fake_sense_close(sense); */
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "dissectors/dissector.h"

enum { FAKE_EVENTS = 128, FAKE_EXPECTED = 4, FAKE_STATE = 8192, FAKE_STREAM = 1 << 18 };
enum fake_phase { FAKE_INSPECTING, FAKE_FOLLOWED, FAKE_SETTLED };

struct fake_stream {
        uint8_t *bytes;
        size_t length;
        size_t asked; /* FOLLOW_MORE was the answer to so many bytes */
        uint64_t skip;
        bool started, gap;
        unsigned datagrams;
};

struct fake_expected {
        struct address address;
        uint16_t port;
        uint8_t protocol;
        const struct dissector *dissector;
        uint8_t state[FAKE_STATE];
        size_t state_size;
};

struct fake_sense {
        struct dissection d; /* first: services find the rest by it */
        struct dissect_services services;
        bool device_opens;   /* true unless a test says otherwise */
        const struct dissector *dissector; /* who said MINE; NULL: nobody */
        const char *label, *application;
        bool encrypted;
        enum fake_phase phase;
        struct fake_stream stream[2];
        event_t *events[FAKE_EVENTS];
        unsigned event_count;
        char name[256];
        Apnwatch__V1__Flow__NameSource name_source;
        struct fake_expected expected[FAKE_EXPECTED];
        unsigned expected_count, calls;
        _Alignas(16) uint8_t state[FAKE_STATE];
};

static inline void fake_sense_on_emit(struct dissection *d, event_t *event)
{
        struct fake_sense *sense = (struct fake_sense *)d;
        if (sense->event_count == FAKE_EVENTS)
                return;
        event->index = sense->event_count;
        size_t size = apnwatch__v1__event__get_packed_size(event);
        uint8_t *packed = malloc(size + 1);
        assert(packed != NULL);
        apnwatch__v1__event__pack(event, packed);
        sense->events[sense->event_count] = apnwatch__v1__event__unpack(NULL, size, packed);
        assert(sense->events[sense->event_count] != NULL);
        sense->event_count++;
        free(packed);
}

static inline void fake_sense_on_name(struct dissection *d, const uint8_t *name, size_t length,
                                      Apnwatch__V1__Flow__NameSource source)
{
        struct fake_sense *sense = (struct fake_sense *)d;
        if (sense->name[0] != '\0')
                return;
        length = length < sizeof sense->name ? length : sizeof sense->name - 1;
        for (size_t i = 0; i < length; i++)
                sense->name[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
        sense->name[length] = '\0';
        sense->name_source = source;
}

static inline void fake_sense_on_expect(struct dissection *d, const struct address *address, uint16_t port, uint8_t protocol,
                                        const struct dissector *dissector, const void *state, size_t state_size)
{
        struct fake_sense *sense = (struct fake_sense *)d;
        if (sense->expected_count == FAKE_EXPECTED)
                return;
        struct fake_expected *e = &sense->expected[sense->expected_count++];
        assert(state_size <= dissector->state_size);
        *e = (struct fake_expected){.address = *address, .port = port, .protocol = protocol, .dissector = dissector,
                                    .state_size = state_size};
        memcpy(e->state, state, state_size);
}

static inline struct fake_sense *fake_sense_open(uint8_t protocol, uint16_t port)
{
        struct fake_sense *sense = calloc(1, sizeof *sense);
        assert(sense != NULL);
        sense->services = (struct dissect_services){.emit = fake_sense_on_emit, .name = fake_sense_on_name,
                                                    .expect = fake_sense_on_expect};
        sense->d = (struct dissection){.services = &sense->services, .protocol = protocol, .file_frame = 1,
                                       .time_ns = 1700000000000000000};
        address_parse("10.20.0.7", &sense->d.source);
        address_parse("198.51.100.9", &sense->d.destination);
        sense->d.source_port = 40000;
        sense->d.destination_port = port;
        sense->d.direction = FROM_OPENER;
        sense->device_opens = true;
        for (int i = 0; i < 2; i++) {
                sense->stream[i].bytes = malloc(FAKE_STREAM);
                assert(sense->stream[i].bytes != NULL);
        }
        return sense;
}

/* An expected flow: the dissector is known from the start, as `expect` said. */
static inline struct fake_sense *fake_sense_open_expected(const struct fake_expected *expected)
{
        struct fake_sense *sense = fake_sense_open(expected->protocol, expected->port);
        assert(expected->dissector->state_size <= FAKE_STATE);
        memcpy(sense->state, expected->state, expected->state_size);
        sense->dissector = expected->dissector;
        sense->phase = FAKE_FOLLOWED;
        sense->label = expected->dissector->name;
        return sense;
}

static inline void fake_sense_turn(struct fake_sense *sense, enum direction direction)
{
        if (sense->d.direction != direction) {
                struct address address = sense->d.source;
                uint16_t port = sense->d.source_port;
                sense->d.source = sense->d.destination;
                sense->d.source_port = sense->d.destination_port;
                sense->d.destination = address;
                sense->d.destination_port = port;
        }
        sense->d.direction = direction;
        sense->d.from_device = (direction == FROM_OPENER) == sense->device_opens;
}

static inline enum follow fake_sense_call(struct fake_sense *sense, const uint8_t *bytes, size_t length)
{
        uint8_t *copy = malloc(length ? length : 1);
        assert(copy != NULL);
        memcpy(copy, bytes, length);
        sense->d.consumed = length;
        sense->d.skip = 0;
        sense->d.label = sense->d.application = NULL;
        enum follow follow = sense->dissector->dissect(&sense->d, sense->state, cursor_of(copy, length));
        sense->calls++;
        if (sense->d.label != NULL)
                sense->label = sense->d.label;
        if (sense->d.application != NULL)
                sense->application = sense->d.application;
        sense->encrypted |= sense->d.encrypted;
        assert(sense->d.consumed <= length);
        free(copy);
        return follow;
}

static inline void fake_sense_recognise(struct fake_sense *sense, struct fake_stream *s)
{
        bool sctp = sense->d.protocol == IPPROTO_SCTP;
        uint8_t wanted = sense->d.protocol == IPPROTO_TCP ? DISSECT_ON_TCP : sctp ? DISSECT_ON_SCTP : DISSECT_ON_UDP;
        uint8_t *copy = malloc(s->length ? s->length : 1);
        assert(copy != NULL);
        memcpy(copy, s->bytes, s->length);
        struct cursor payload = cursor_of(copy, s->length);
        bool perhaps = false;
        for (unsigned i = 0; dissectors[i] != NULL && sense->dissector == NULL; i++) {
                if (!(dissectors[i]->transports & wanted) || dissectors[i]->recognise == NULL)
                        continue;
                enum recognition r = dissectors[i]->recognise(&sense->d, &payload);
                perhaps |= r == PERHAPS;
                if (r == MINE)
                        sense->dissector = dissectors[i];
        }
        free(copy);
        if (sense->dissector != NULL) {
                assert(sense->dissector->state_size <= FAKE_STATE);
                sense->label = sense->dissector->name;
                sense->phase = FAKE_FOLLOWED;
        } else if (!perhaps || s->length > DISSECT_HOLD || (wanted != DISSECT_ON_TCP && ++s->datagrams > (sctp ? 16 : 4))) {
                sense->phase = FAKE_SETTLED;
        }
}

static inline void fake_sense_drop(struct fake_stream *s, size_t length)
{
        memmove(s->bytes, s->bytes + length, s->length - length);
        s->length -= length;
}

static inline void fake_sense_follow(struct fake_sense *sense, struct fake_stream *s, bool passed)
{
        while (sense->phase == FAKE_FOLLOWED) {
                if (s->skip > 0) {
                        size_t n = s->skip < s->length ? (size_t)s->skip : s->length;
                        fake_sense_drop(s, n);
                        s->skip -= n;
                        sense->d.skip_left[sense->d.direction] = s->skip;
                        if (s->skip > 0)
                                return;
                        passed = true;
                }
                if (s->length == s->asked && !passed)
                        return;
                passed = false;
                sense->d.gap = s->gap;
                sense->d.start = !s->started;
                enum follow follow = fake_sense_call(sense, s->bytes, s->length);
                s->started = true;
                s->gap = false;
                s->asked = 0;
                bool progress = sense->d.consumed > 0 || sense->d.skip > 0 || s->length == 0;
                fake_sense_drop(s, sense->d.consumed);
                if (follow == FOLLOW_DONE) {
                        sense->phase = FAKE_SETTLED;
                } else if (follow == FOLLOW_MORE) {
                        s->asked = s->length;
                        if (s->length >= DISSECT_HOLD) {
                                s->length = s->asked = 0;
                                s->gap = true;
                        }
                } else {
                        assert(progress); /* FOLLOW_ON without any would never end */
                        s->skip = sense->d.skip;
                        sense->d.skip_left[sense->d.direction] = s->skip;
                }
        }
}

static inline void fake_sense_send(struct fake_sense *sense, enum direction direction, const void *bytes, size_t length)
{
        struct fake_stream *s = &sense->stream[direction];
        bool tcp = sense->d.protocol == IPPROTO_TCP;
        fake_sense_turn(sense, direction);
        sense->d.file_frame++;
        if (!tcp)
                s->length = 0;
        assert(s->length + length <= FAKE_STREAM);
        memcpy(s->bytes + s->length, bytes, length);
        s->length += length;
        if (sense->phase == FAKE_INSPECTING) {
                sense->d.start = tcp;
                fake_sense_recognise(sense, s);
        }
        if (sense->phase == FAKE_FOLLOWED && tcp) {
                fake_sense_follow(sense, s, false);
        } else if (sense->phase == FAKE_FOLLOWED) {
                if (fake_sense_call(sense, s->bytes, s->length) == FOLLOW_DONE)
                        sense->phase = FAKE_SETTLED;
        }
        if (sense->phase == FAKE_SETTLED)
                s->length = 0;
}

static inline void fake_sense_text(struct fake_sense *sense, enum direction direction, const char *text)
{
        fake_sense_send(sense, direction, text, strlen(text));
}

/* The capture misses `length` bytes of this direction. */
static inline void fake_sense_lose(struct fake_sense *sense, enum direction direction, uint64_t length)
{
        struct fake_stream *s = &sense->stream[direction];
        fake_sense_turn(sense, direction);
        if (sense->phase != FAKE_FOLLOWED)
                return;
        uint64_t skipped = s->skip < length ? s->skip : length;
        bool passed = s->skip > 0 && skipped == s->skip;
        s->skip -= skipped;
        sense->d.skip_left[direction] = s->skip;
        if (length > skipped) {
                s->gap = true;
                s->length = s->asked = 0;
        }
        if (passed)
                fake_sense_follow(sense, s, true);
}

static inline void fake_sense_end(struct fake_sense *sense)
{
        if (sense->dissector != NULL && sense->phase == FAKE_FOLLOWED && sense->dissector->end != NULL)
                sense->dissector->end(&sense->d, sense->state);
        sense->phase = FAKE_SETTLED;
}

static inline void fake_sense_close(struct fake_sense *sense)
{
        for (unsigned i = 0; i < sense->event_count; i++)
                apnwatch__v1__event__free_unpacked(sense->events[i], NULL);
        for (int i = 0; i < 2; i++)
                free(sense->stream[i].bytes);
        free(sense);
}
