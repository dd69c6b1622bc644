/* Own dissectors look first: where one is certain, nDPI need not be asked. Where none is, nDPI gets the flow's packets with
 * payload in stream order until it has answered. */
#include "sense/inspection.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/apart.h"
#include "base/text.h"
#include "sense/number_scan.h"
#include "sense/tcp_stream.h"

enum { DATAGRAMS_UNDECIDED = 4, SCTP_PACKETS_UNDECIDED = 16, NAME_SIZE = 1024, DISSECTORS_MOST = 32, SMALL_STATE = 384, SPARE_MOST = 4096,
       NUMBERS_TOLD = 4, NUMBER_BYTES = 256 * 1024, PACKED_TOLD = 2, PACKED_BYTES = 128, SEAM_TAIL = 40,
       SEAM_HEAD = 24, SNIPPET_FRONT = 64, SNIPPET_SIZE = 256 };
static const int64_t EXPECTATION_NS = 60 * 1000000000LL;

struct inspected_end {
        struct tcp_stream stream;
        uint64_t skip;
        uint8_t *hold;          /* bytes that a dissector wants to see again with more behind */
        uint32_t hold_length, hold_room;
        bool gap;               /* to be told with the next call */
        bool seen;              /* payload was given */
};

/* What every payload touches stands in front, in four lines of the cache. */
struct inspection {
        _Alignas(64) const struct dissector *owner;
        void *state;
        struct classification *classification;
        uint32_t candidates;    /* bit i: dissectors[i] may still say it is his */
        uint32_t bytes_scanned; /* for numbers in clear */
        uint8_t undecided;      /* datagrams given to candidates */
        bool owner_done;
        bool tunnelled;         /* a packet came in GTP-U: the flow is a device's own */
        uint8_t numbers_told[2], packed_told; /* numbers in clear: any, likely ones; binary ones */
        uint8_t tail_length;
        struct inspection *next_free;
        struct inspected_end ends[2];
        uint8_t tail[SEAM_TAIL]; /* what the device's last segment ends with, when that is a digit */
        _Alignas(16) uint8_t small_state[SMALL_STATE]; /* made ready for the owner only */
};

struct call {
        struct dissection d; /* first: services get back to the call from it */
        struct inspector *inspector;
        struct flow *flow;
};

static void service_emit(struct dissection *d, event_t *event)
{
        struct call *call = (struct call *)d;
        event->has_from_device = true;
        event->from_device = d->from_device;
        call->inspector->emit(call->inspector->context, call->flow, event, d->file, d->file_frame, d->time_ns);
}

static void service_name(struct dissection *d, const uint8_t *name, size_t length, Apnwatch__V1__Flow__NameSource source)
{
        struct call *call = (struct call *)d;
        struct inspector *inspector = call->inspector;
        struct flow *flow = call->flow;
        char text[NAME_SIZE];
        if (flow->name != NULL || length == 0 || length > 255)
                return;
        text_escape(name, length, text, sizeof text);
        for (char *c = text; *c != '\0'; c++)
                if (*c >= 'A' && *c <= 'Z')
                        *c = (char)(*c - 'A' + 'a');
        int is_new;
        flow->name = interned_name_take(&inspector->names, text, &is_new);
        flow->name_source = (uint8_t)source;
        if (is_new && flow->name != NULL)
                flow->name->application = classifier_application_of_name(inspector->classifier, text);
}

static SELDOM void service_expect(struct dissection *d, const struct address *address, uint16_t port, uint8_t protocol,
                                  const struct dissector *dissector, const void *state, size_t state_size)
{
        struct call *call = (struct call *)d;
        struct expectation expected = {.address = *address, .port = port, .protocol = protocol, .context = call->flow->context,
                                       .until_ns = call->inspector->clock_ns + EXPECTATION_NS, .dissector = dissector};
        if (state_size > sizeof expected.state)
                return;
        expected.state_size = (uint16_t)state_size;
        if (state_size > 0)
                memcpy(expected.state, state, state_size);
        expectations_add(call->inspector->expectations, &expected);
}

static const struct dissect_services services = {.emit = service_emit, .name = service_name, .expect = service_expect};

static unsigned dissect_transport(const struct flow *flow)
{
        if (flow->protocol == IPPROTO_TCP)
                return DISSECT_ON_TCP;
        return flow->protocol == IPPROTO_SCTP ? DISSECT_ON_SCTP : DISSECT_ON_UDP;
}

/* Bit i: dissectors[i] reads what runs on this transport. */
static uint32_t candidates_on(unsigned transport)
{
        static uint32_t known[DISSECT_ON_SCTP + 1];
        uint32_t candidates = known[transport];
        if (candidates != 0)
                return candidates;
        for (unsigned i = 0; i < DISSECTORS_MOST && dissectors[i] != NULL; i++)
                if (dissectors[i]->transports & transport)
                        candidates |= 1U << i;
        return known[transport] = candidates;
}

static void call_prepare(struct call *call, struct inspector *inspector, struct flow *flow, const struct inspection *inspection,
                         const struct tcp_segment *chunk)
{
        unsigned end = chunk->end;
        call->inspector = inspector;
        call->flow = flow;
        struct dissection *d = &call->d; /* by its fields, not as a whole, which would be made elsewhere and copied */
        memset(d, 0, sizeof *d);
        d->services = &services;
        d->source = flow->address[end];
        d->destination = flow->address[!end];
        d->source_port = flow->port[end];
        d->destination_port = flow->port[!end];
        d->protocol = flow->protocol;
        d->direction = end == flow->opener ? FROM_OPENER : TO_OPENER;
        d->from_device = end == flow->device;
        d->tunnelled = inspection->tunnelled;
        d->gap = inspection->ends[end].gap;
        d->start = inspection->ends[end].stream.from_start && !inspection->ends[end].seen;
        d->cut = chunk->captured < chunk->length;
        d->time_ns = chunk->time_ns;
        d->file = chunk->file;
        d->file_frame = chunk->file_frame;
        d->skip_left[FROM_OPENER] = inspection->ends[flow->opener].skip;
        d->skip_left[TO_OPENER] = inspection->ends[!flow->opener].skip;
}

static void take_answers(struct flow *flow, struct inspection *inspection, const struct dissection *d, bool more)
{
        const struct dissector *owner = inspection->owner;
        if (d->label != NULL)
                flow->label = d->label;
        if (d->application != NULL)
                flow->application = d->application;
        if (d->tls_version != 0)
                flow->tls_version = d->tls_version;
        flow->encrypted |= d->encrypted;
        if (owner->name != NULL && !more) {
                flow->label_final = true;
                if (flow->application == NULL && flow->name != NULL && flow->name->application != flow->label)
                        flow->application = flow->name->application;
        }
        if (owner->readable && !flow->encrypted)
                flow->visibility = APNWATCH__V1__FLOW__VISIBILITY__READABLE;
        else if (flow->visibility == APNWATCH__V1__FLOW__VISIBILITY__OPAQUE && flow->name != NULL)
                flow->visibility = APNWATCH__V1__FLOW__VISIBILITY__NAME_ONLY;
}

static enum follow dissect_once(struct call *call, struct inspection *inspection, struct cursor payload)
{
        const struct dissector *owner = inspection->owner;
        call->d.consumed = cursor_left(&payload);
        call->d.skip = 0;
        call->d.label = call->d.application = NULL;
        enum follow follow = owner->dissect(&call->d, inspection->state, payload);
        take_answers(call->flow, inspection, &call->d, follow == FOLLOW_MORE);
        if (follow == FOLLOW_DONE)
                inspection->owner_done = true;
        return follow;
}

static void hold_drop(struct inspected_end *end)
{
        free(end->hold);
        end->hold = NULL;
        end->hold_length = end->hold_room = 0;
}

/* Keeps `length` bytes (which may lie in the hold itself) for the next call. False: too many, dropped. */
static bool hold_keep(struct inspected_end *end, const uint8_t *bytes, size_t length)
{
        if (length > DISSECT_HOLD)
                return false;
        if (length > end->hold_room) {
                size_t room = length < 2048 ? 2048 : DISSECT_HOLD;
                uint8_t *larger = malloc(room);
                if (larger == NULL)
                        return false;
                memcpy(larger, bytes, length);
                free(end->hold);
                end->hold = larger;
                end->hold_room = (uint32_t)room;
        } else if (length > 0) {
                memmove(end->hold, bytes, length);
        }
        end->hold_length = (uint32_t)length;
        return true;
}

/* Skips what is wanted skipped; true when the skip ended here. */
static bool skip_bytes(struct inspected_end *end, const uint8_t **bytes, size_t *length)
{
        size_t n = end->skip < *length ? (size_t)end->skip : *length;
        *bytes += n;
        *length -= n;
        end->skip -= n;
        return end->skip == 0;
}

/* TCP bytes in order to the owner, until they are used up, held or the owner has enough. */
static void owner_reads(struct call *call, struct inspection *inspection, unsigned side, const uint8_t *bytes, size_t length)
{
        struct inspected_end *end = &inspection->ends[side];
        while (!inspection->owner_done) {
                bool skipped = false;
                if (end->skip > 0) {
                        skipped = skip_bytes(end, &bytes, &length);
                        if (!skipped)
                                return;
                }
                if (length == 0 && !skipped)
                        return;
                call->d.skip_left[side == call->flow->opener ? FROM_OPENER : TO_OPENER] = 0;
                enum follow follow = dissect_once(call, inspection, cursor_of(bytes, length));
                size_t used = call->d.consumed < length ? call->d.consumed : length;
                call->d.gap = end->gap = false;
                call->d.start = false;
                bytes += used;
                length -= used;
                if (follow == FOLLOW_MORE) {
                        if (!hold_keep(end, bytes, length)) {
                                hold_drop(end);
                                end->gap = true;
                                call->inspector->malformed_holds++;
                        }
                        return;
                }
                end->skip = call->d.skip;
                if (used == 0 && end->skip == 0)
                        return;
        }
}

static void owner_gets(struct call *call, struct inspection *inspection, const struct tcp_segment *chunk)
{
        struct inspected_end *end = &inspection->ends[chunk->end];
        if (call->flow->protocol != IPPROTO_TCP) {
                dissect_once(call, inspection, cursor_of(chunk->payload, chunk->captured));
                return;
        }
        if (end->hold_length == 0) {
                owner_reads(call, inspection, chunk->end, chunk->payload, chunk->captured);
                return;
        }
        /* What was held stands in front. */
        size_t total = end->hold_length + (size_t)chunk->captured;
        uint8_t *joined = malloc(total);
        if (joined == NULL)
                return;
        memcpy(joined, end->hold, end->hold_length);
        memcpy(joined + end->hold_length, chunk->payload, chunk->captured);
        end->hold_length = 0;
        owner_reads(call, inspection, chunk->end, joined, total);
        free(joined);
}

/* Bytes of this direction that were lost on the way to us: a skip swallows them, anything else stumbles. */
static SELDOM void owner_misses(struct call *call, struct inspection *inspection, unsigned side, uint32_t missing)
{
        struct inspected_end *end = &inspection->ends[side];
        if (end->skip > 0 && end->skip >= missing) {
                end->skip -= missing;
                if (end->skip == 0 && !inspection->owner_done) {
                        enum follow follow = dissect_once(call, inspection, cursor_of("", 0));
                        end->skip = follow == FOLLOW_ON ? call->d.skip : 0;
                }
                return;
        }
        end->skip = 0;
        hold_drop(end);
        end->gap = call->d.gap = true;
}

/* Small states stand in the inspection itself. */
static bool owner_set(struct inspection *inspection, const struct dissector *owner)
{
        bool fits = owner->state_size <= sizeof inspection->small_state;
        inspection->state = fits ? inspection->small_state : malloc(owner->state_size);
        if (inspection->state == NULL)
                return false;
        memset(inspection->state, 0, owner->state_size);
        inspection->owner = owner;
        inspection->candidates = 0;
        return true;
}

static void owner_claims(struct inspector *inspector, struct flow *flow, struct inspection *inspection, unsigned index)
{
        if (!owner_set(inspection, dissectors[index]))
                return;
        flow->phase = FLOW_FOLLOWED;
        if (inspection->owner->name != NULL) {
                flow->label = inspection->owner->name;
                flow->label_source = APNWATCH__V1__FLOW__LABEL_SOURCE__DISSECTOR;
                if (!inspector->classify_always)
                        flow->classified = true;
        }
}

/* Asks the candidates; true when one owns the flow now. */
static bool recognise(struct call *call, struct inspection *inspection, const uint8_t *bytes, size_t length)
{
        const struct cursor payload = cursor_of(bytes, length);
        for (uint32_t left = inspection->candidates; left != 0; left &= left - 1) {
                unsigned i = (unsigned)__builtin_ctz(left);
                enum recognition answer = dissectors[i]->recognise(&call->d, &payload);
                if (answer == MINE) {
                        owner_claims(call->inspector, call->flow, inspection, i);
                        return inspection->owner != NULL;
                }
                if (answer == NOT_MINE)
                        inspection->candidates &= ~(1U << i);
        }
        return false;
}

/* The owner was found by one direction: what the other one held comes first. */
static SELDOM void owner_gets_held(struct call *call, struct inspection *inspection, const struct tcp_segment *chunk)
{
        struct inspected_end *other = &inspection->ends[!chunk->end];
        if (other->hold_length == 0)
                return;
        struct tcp_segment held = *chunk;
        held.end = !chunk->end;
        held.payload = (const uint8_t *)"";
        held.captured = held.length = 0;
        struct call second;
        call_prepare(&second, call->inspector, call->flow, inspection, &held);
        second.d.start = other->stream.from_start;
        owner_gets(&second, inspection, &held);
}

static APART void candidates_get(struct call *call, struct inspection *inspection, const struct tcp_segment *chunk)
{
        struct inspected_end *end = &inspection->ends[chunk->end];
        bool stream = call->flow->protocol == IPPROTO_TCP;
        if (stream && end->hold_length > 0) {
                size_t total = end->hold_length + (size_t)chunk->captured;
                uint8_t *joined = total <= DISSECT_HOLD ? malloc(total) : NULL;
                if (joined == NULL) {
                        inspection->candidates = 0;
                        hold_drop(end);
                        return;
                }
                memcpy(joined, end->hold, end->hold_length);
                memcpy(joined + end->hold_length, chunk->payload, chunk->captured);
                call->d.start = end->stream.from_start;
                bool found = recognise(call, inspection, joined, total);
                if (!found && inspection->candidates != 0)
                        hold_keep(end, joined, total);
                free(joined);
        } else {
                bool found = recognise(call, inspection, chunk->payload, chunk->captured);
                if (!found && stream && inspection->candidates != 0 && !hold_keep(end, chunk->payload, chunk->captured))
                        inspection->candidates = 0;
                unsigned most = call->flow->protocol == IPPROTO_SCTP ? SCTP_PACKETS_UNDECIDED : DATAGRAMS_UNDECIDED;
                if (!found && !stream && ++inspection->undecided >= most)
                        inspection->candidates = 0;
        }
        if (inspection->owner != NULL) {
                owner_gets_held(call, inspection, chunk);
                owner_gets(call, inspection, chunk);
        } else if (inspection->candidates == 0) {
                hold_drop(&inspection->ends[0]);
                hold_drop(&inspection->ends[1]);
        }
}

static void label_take(struct flow *flow, const struct label *label)
{
        static const uint8_t sources[] = {
                [LABEL_NONE] = APNWATCH__V1__FLOW__LABEL_SOURCE__NONE,
                [LABEL_INSPECTED] = APNWATCH__V1__FLOW__LABEL_SOURCE__INSPECTED,
                [LABEL_CACHED] = APNWATCH__V1__FLOW__LABEL_SOURCE__CACHED,
                [LABEL_GUESSED] = APNWATCH__V1__FLOW__LABEL_SOURCE__GUESSED,
        };
        flow->classified = true;
        if (flow->label_source == APNWATCH__V1__FLOW__LABEL_SOURCE__DISSECTOR)
                return; /* ours is certain */
        flow->label = label->master;
        flow->application = label->application;
        flow->label_source = sources[label->trust];
        flow->label_final = true;
        bool sure = label->trust == LABEL_INSPECTED && label->master != NULL;
        if (sure && !label_is_encrypted(label->master) && flow->visibility == APNWATCH__V1__FLOW__VISIBILITY__OPAQUE)
                flow->visibility = APNWATCH__V1__FLOW__VISIBILITY__READABLE;
}

static void classification_close(struct inspector *inspector, struct flow *flow, struct inspection *inspection, const struct label *label)
{
        unsigned server = !flow->opener;
        classification_end(inspector->classifier, inspection->classification);
        inspection->classification = NULL;
        if (flow->label_source != APNWATCH__V1__FLOW__LABEL_SOURCE__DISSECTOR && label->trust != LABEL_CACHED)
                verdict_cache_learn(inspector->verdicts, flow->shard, &flow->address[server], flow->port[server], flow->protocol,
                                    inspector->clock_ns, label);
        label_take(flow, label);
}

static APART void classify(struct inspector *inspector, struct flow *flow, struct inspection *inspection, const struct tcp_segment *chunk)
{
        struct label label;
        unsigned server = !flow->opener;
        if (inspection->classification == NULL) {
                if (!inspector->classify_always &&
                    verdict_cache_find(inspector->verdicts, flow->shard, &flow->address[server], flow->port[server], flow->protocol,
                                       inspector->clock_ns, &label)) {
                        label_take(flow, &label);
                        return;
                }
                inspection->classification = classification_start(inspector->classifier);
                if (inspection->classification == NULL) {
                        flow->classified = true;
                        return;
                }
                if (flow->protocol == IPPROTO_TCP && flow->opening_seen)
                        classification_handshake(inspector->classifier, inspection->classification, &flow->address[flow->opener],
                                                 &flow->address[server], flow->port[flow->opener], flow->port[server], chunk->time_ns);
        }
        if (classification_packet(inspector->classifier, inspection->classification, chunk->ip, chunk->ip_captured, chunk->ip_length,
                                  chunk->time_ns, chunk->end == flow->opener, &label))
                classification_close(inspector, flow, inspection, &label);
}

static void settle(struct inspector *inspector, struct flow *flow)
{
        struct inspection *inspection = flow->inspection;
        flow->inspection = NULL;
        flow->phase = FLOW_SETTLED;
        flow->label_final = true;
        if (inspection == NULL)
                return;
        for (unsigned i = 0; i < 2; i++) {
                tcp_stream_clear(&inspection->ends[i].stream);
                hold_drop(&inspection->ends[i]);
        }
        if (inspection->state != inspection->small_state)
                free(inspection->state);
        classification_end(inspector->classifier, inspection->classification); /* that a dissector made needless */
        if (inspector->spare_count >= SPARE_MOST) {
                free(inspection);
                return;
        }
        inspection->next_free = inspector->spare;
        inspector->spare = inspection;
        inspector->spare_count++;
}

void inspector_clear(struct inspector *inspector)
{
        while (inspector->spare != NULL) {
                struct inspection *inspection = inspector->spare;
                inspector->spare = inspection->next_free;
                free(inspection);
        }
        inspector->spare_count = 0;
}

static bool wants_more(const struct flow *flow, const struct inspection *inspection)
{
        return !flow->classified || inspection->candidates != 0 || (inspection->owner != NULL && !inspection->owner_done);
}

static SELDOM void tell_number(struct call *call, const struct tcp_segment *chunk, const struct number_found *found,
                               bool is_packed)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__ClearNumber number = APNWATCH__V1__CLEAR_NUMBER__INIT;
        Apnwatch__V1__Snippet snippet = APNWATCH__V1__SNIPPET__INIT;
        size_t begin = found->offset > SNIPPET_FRONT ? found->offset - SNIPPET_FRONT : 0, left = chunk->captured - begin;
        number.likely = found->is_likely;
        number.has_packed = number.packed = is_packed;
        snippet.data.data = (uint8_t *)(uintptr_t)chunk->payload + begin;
        snippet.data.len = left < SNIPPET_SIZE ? left : SNIPPET_SIZE;
        snippet.has_offset = snippet.has_length = true;
        snippet.offset = (uint32_t)(found->offset - begin);
        snippet.length = (uint32_t)found->length;
        event.body_case = APNWATCH__V1__EVENT__BODY_CLEAR_NUMBER;
        event.clear_number = &number;
        event.snippet = &snippet;
        call->d.services->emit(&call->d, &event);
}

/* What is likely an identity does not wait behind what is not. */
static void tell_some(struct call *call, struct inspection *inspection, const struct tcp_segment *chunk, const struct number_found *found)
{
        if (inspection->numbers_told[found->is_likely] >= NUMBERS_TOLD)
                return;
        inspection->numbers_told[found->is_likely]++;
        tell_number(call, chunk, found, false);
}

static bool is_digit(uint8_t byte)
{
        return byte >= '0' && byte <= '9';
}

/* A number that began in the segment before. How many bytes of this one have been looked at. */
static APART size_t scan_seam(struct call *call, struct inspection *inspection, const struct tcp_segment *chunk)
{
        uint8_t joint[SEAM_TAIL + SEAM_HEAD];
        size_t tail = inspection->tail_length, head = chunk->captured < SEAM_HEAD ? chunk->captured : SEAM_HEAD, from = tail, digits = 0;
        struct tcp_segment both = *chunk;
        struct number_found found;
        memcpy(joint, inspection->tail, tail);
        memcpy(joint + tail, chunk->payload, head);
        both.payload = joint;
        both.captured = (uint32_t)(tail + head);
        while (from > 0 && is_digit(joint[from - 1]))
                from--;
        const struct cursor payload = cursor_of(joint, tail + head);
        if (number_scan(&payload, &from, &found) && found.offset < tail && found.offset + found.length > tail)
                tell_some(call, inspection, &both, &found);
        while (digits < chunk->captured && is_digit(chunk->payload[digits]))
                digits++;
        return digits;
}

static void keep_tail(struct inspection *inspection, const struct tcp_segment *chunk)
{
        inspection->tail_length = 0;
        if (chunk->captured < chunk->length || !is_digit(chunk->payload[chunk->captured - 1]))
                return;
        inspection->tail_length = (uint8_t)(chunk->captured < SEAM_TAIL ? chunk->captured : SEAM_TAIL);
        memcpy(inspection->tail, chunk->payload + chunk->captured - inspection->tail_length, inspection->tail_length);
}

/* A login stands at the beginning; protocols that we know are read by those who know them. */
static void scan_packed(struct call *call, struct inspection *inspection, const struct tcp_segment *chunk)
{
        const struct cursor payload = cursor_of(chunk->payload, chunk->captured);
        struct number_found found;
        size_t from = 0;
        if (inspection->owner != NULL || inspection->bytes_scanned >= PACKED_BYTES)
                return;
        while (inspection->packed_told < PACKED_TOLD && number_scan_packed(&payload, &from, &found)) {
                inspection->packed_told++;
                tell_number(call, chunk, &found, true);
        }
}

/* What the device sends before the flow is settled, whoever reads it. */
static bool may_say_numbers(const struct flow *flow, const struct inspection *inspection, const struct tcp_segment *chunk)
{
        return chunk->end == flow->device && !flow->encrypted && inspection->bytes_scanned < NUMBER_BYTES && chunk->captured > 0 &&
               !(inspection->owner != NULL && inspection->owner->is_signalling);
}

static APART void scan_numbers(struct call *call, struct inspection *inspection, const struct tcp_segment *chunk)
{
        struct number_found found;
        const struct cursor payload = cursor_of(chunk->payload, chunk->captured);
        scan_packed(call, inspection, chunk);
        inspection->bytes_scanned += chunk->captured;
        size_t from = inspection->tail_length > 0 && is_digit(chunk->payload[0]) ? scan_seam(call, inspection, chunk) : 0;
        while (inspection->numbers_told[true] < NUMBERS_TOLD && number_scan(&payload, &from, &found))
                tell_some(call, inspection, chunk, &found);
        if (call->flow->protocol == IPPROTO_TCP)
                keep_tail(inspection, chunk);
}

static SELDOM void tell_gap(struct call *call, struct inspection *inspection, unsigned side)
{
        struct inspected_end *end = &inspection->ends[side];
        call->inspector->streams_gapped++;
        if (inspection->owner != NULL)
                owner_misses(call, inspection, side, end->stream.missing);
        else
                hold_drop(end);
        end->stream.missing = 0;
        inspection->tail_length = 0;
}

static void deliver(struct inspector *inspector, struct flow *flow, const struct tcp_segment *chunk)
{
        struct inspection *inspection = flow->inspection;
        struct inspected_end *end = &inspection->ends[chunk->end];
        struct call call;
        call_prepare(&call, inspector, flow, inspection, chunk);
        if (end->stream.missing > 0)
                tell_gap(&call, inspection, chunk->end);
        if (inspection->owner == NULL) {
                if (inspection->candidates != 0)
                        candidates_get(&call, inspection, chunk);
        } else if (!inspection->owner_done) {
                owner_gets(&call, inspection, chunk);
        }
        if (chunk->captured < chunk->length && inspection->owner != NULL && !inspection->owner_done)
                owner_misses(&call, inspection, chunk->end, chunk->length - chunk->captured);
        end->seen = true;
        if (may_say_numbers(flow, inspection, chunk))
                scan_numbers(&call, inspection, chunk);
        if (!flow->classified)
                classify(inspector, flow, inspection, chunk);
}

static struct inspection *inspection_start(struct inspector *inspector, struct flow *flow, int64_t time_ns)
{
        struct inspection *inspection = inspector->spare;
        if (inspection != NULL) {
                inspector->spare = inspection->next_free;
                inspector->spare_count--;
        } else if ((inspection = aligned_alloc(_Alignof(struct inspection), sizeof *inspection)) == NULL) {
                return NULL;
        }
        memset(inspection, 0, offsetof(struct inspection, tail));
        inspection->candidates = candidates_on(dissect_transport(flow));
        flow->inspection = inspection;
        const struct expectation *expected = expectations_take(inspector->expectations, flow->address, flow->port, flow->protocol,
                                                               flow->context, time_ns);
        if (expected != NULL && owner_set(inspection, expected->dissector)) {
                size_t size = expected->state_size < expected->dissector->state_size ? expected->state_size : expected->dissector->state_size;
                memcpy(inspection->state, expected->state, size);
                flow->label = expected->dissector->name;
                flow->label_source = APNWATCH__V1__FLOW__LABEL_SOURCE__DISSECTOR;
                flow->classified = !inspector->classify_always;
                flow->phase = FLOW_FOLLOWED;
        }
        return inspection;
}

static void deliver_held(struct inspector *inspector, struct flow *flow, unsigned end)
{
        struct tcp_segment *segment;
        while ((segment = tcp_stream_next(&flow->inspection->ends[end].stream)) != NULL) {
                deliver(inspector, flow, segment);
                free(segment);
        }
}

/* What is missing in the middle of a skip need not be waited for. */
static void skip_hole(struct tcp_stream *stream, uint64_t *skip, uint32_t sequence)
{
        int32_t hole = (int32_t)(sequence - stream->next);
        if (!stream->synchronised || hole <= 0 || stream->held != NULL || (uint64_t)hole >= *skip)
                return;
        *skip -= (uint64_t)hole;
        stream->next = sequence;
}

static void stream_packet(struct inspector *inspector, struct flow *flow, struct tcp_segment *segment, const struct packet *packet)
{
        struct tcp_stream *stream = &flow->inspection->ends[segment->end].stream;
        segment->sequence = packet->sequence;
        if (packet->tcp_flags & 0x02)
                segment->sequence++; /* data on a SYN (RFC 7413) stands behind it */
        skip_hole(stream, &flow->inspection->ends[segment->end].skip, segment->sequence);
        if (tcp_stream_offer(stream, segment)) {
                deliver(inspector, flow, segment);
                if (stream->held != NULL)
                        deliver_held(inspector, flow, segment->end);
        } else if (tcp_stream_is_full(stream)) {
                inspector->streams_full++;
                tcp_stream_jump(stream);
                deliver_held(inspector, flow, segment->end);
        }
}

static void stream_synchronise(const struct flow *flow, struct inspection *inspection)
{
        for (unsigned end = 0; end < 2; end++) {
                struct tcp_stream *stream = &inspection->ends[end].stream;
                if (stream->synchronised || !(flow->sequence_known >> end & 1))
                        continue;
                stream->synchronised = true;
                stream->from_start = flow->opening_seen && flow->payload[end] == 0;
                stream->next = flow->next_sequence[end];
        }
}

/* In order amid what the owner skips of a download: counted, and of no use to anyone else. */
static bool pass_over(const struct flow *flow, struct inspection *inspection, const struct packet *packet, unsigned source_end)
{
        struct inspected_end *end = &inspection->ends[source_end];
        struct tcp_stream *stream = &end->stream;
        if (end->skip <= packet->payload_length || packet->sequence != stream->next || stream->held != NULL || stream->missing > 0 ||
            packet->tcp_flags & 0x02 || inspection->owner == NULL || inspection->owner_done || !flow->classified ||
            source_end == flow->device)
                return false;
        stream->next += packet->payload_length;
        end->skip -= packet->payload_length;
        return true;
}

void inspection_packet(struct inspector *inspector, struct flow *flow, const struct packet *packet, const struct frame *frame,
                       unsigned source_end)
{
        bool is_stream = flow->protocol == IPPROTO_TCP;
        struct inspection *inspection = flow->inspection;
        if (inspection == NULL && (inspection = inspection_start(inspector, flow, frame->time_ns)) == NULL) {
                flow->phase = FLOW_SETTLED;
                return;
        }
        inspection->tunnelled |= packet->has_teid;
        if (is_stream)
                stream_synchronise(flow, inspection);
        if (is_stream && pass_over(flow, inspection, packet, source_end))
                return;
        struct tcp_segment chunk = {.end = (uint8_t)source_end, .payload = packet->payload, .captured = packet->payload_captured,
                                    .length = packet->payload_length, .ip = packet->ip, .ip_captured = packet->ip_captured,
                                    .ip_length = packet->ip_length, .time_ns = frame->time_ns, .file = frame->file,
                                    .file_frame = frame->number};
        if (is_stream)
                stream_packet(inspector, flow, &chunk, packet);
        else
                deliver(inspector, flow, &chunk);
        if (!wants_more(flow, inspection))
                settle(inspector, flow);
}

void inspection_acknowledgement(struct inspector *inspector, struct flow *flow, const struct packet *packet, unsigned source_end)
{
        struct inspection *inspection = flow->inspection;
        if (inspection == NULL || inspection->ends[!source_end].stream.held == NULL || !(packet->tcp_flags & 0x10))
                return;
        if (!tcp_stream_acknowledged(&inspection->ends[!source_end].stream, packet->acknowledgement))
                return;
        deliver_held(inspector, flow, !source_end);
        if (!wants_more(flow, inspection))
                settle(inspector, flow);
}

static void owner_ends(struct inspector *inspector, struct flow *flow, struct inspection *inspection)
{
        if (inspection->owner == NULL || inspection->owner_done || inspection->owner->end == NULL)
                return;
        struct tcp_segment nothing = {.end = flow->opener, .time_ns = flow->last_ns};
        struct call call;
        call_prepare(&call, inspector, flow, inspection, &nothing);
        inspection->owner->end(&call.d, inspection->state);
        take_answers(flow, inspection, &call.d, false);
}

static void give_up(struct inspector *inspector, struct flow *flow)
{
        struct inspection *inspection = flow->inspection;
        if (inspection != NULL && inspection->classification != NULL) {
                struct label label;
                classification_give_up(inspector->classifier, inspection->classification, &label);
                classification_close(inspector, flow, inspection, &label);
        }
        flow->label_final = true;
}

void inspection_finish(struct inspector *inspector, struct flow *flow)
{
        struct inspection *inspection = flow->inspection;
        if (inspection != NULL) {
                for (unsigned end = 0; end < 2; end++) {
                        while (inspection->ends[end].stream.held != NULL) {
                                tcp_stream_jump(&inspection->ends[end].stream);
                                deliver_held(inspector, flow, end);
                        }
                }
                owner_ends(inspector, flow, inspection);
                give_up(inspector, flow);
        }
        settle(inspector, flow);
}
