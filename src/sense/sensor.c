/* Frames in two passes: the first peels them, hashes their ends and asks the cache for what the second will touch. */
#include "sense/sensor.h"

#include <stdlib.h>
#include <string.h>

#include "base/apart.h"
#include "base/prefix_trie.h"
#include "sense/clock.h"
#include "sense/flow_keeper.h"

enum { AHEAD = 32, SLOTS_AHEAD = 8, BYTES_AHEAD = 3, DEFAULT_FLOWS = 2000000, COUNTERS_MOST = 64 };
static const int64_t SECOND = 1000000000;

enum { RUN_PART_BYTES = 32 * 1024 };

struct sensor {
        struct sensor_settings settings;
        struct prefix_trie *devices;
        struct encap *encap;
        struct flow_keeper *keeper;
        struct packet_clock clock;
        struct pending pending[AHEAD];
        unsigned waiting;
        uint32_t file;            /* with a clock per file: the one being read */
        bool run_told;
        bool steady;              /* a frame that goes on a little from the one before needs no questions about time */
        bool fragments_expired;   /* some may have: take the incomplete datagrams */
        uint64_t last_order;      /* of the frame that was prepared last */
        struct frame held;        /* leaps ahead of the clock and waits for the next one to confirm it; bytes NULL: none */
        uint8_t *held_bytes;
        uint64_t packets, frames_outside, packets_not_asked, late_before, jumps_before;
};

static int64_t timeout_ns(uint32_t seconds, uint32_t otherwise)
{
        return (int64_t)(seconds ? seconds : otherwise) * SECOND;
}

struct sensor *sensor_create(const struct sensor_settings *settings)
{
        struct sensor *sensor = calloc(1, sizeof *sensor);
        if (sensor == NULL)
                return NULL;
        sensor->settings = *settings;
        if (settings->from_ns == 0)
                sensor->settings.from_ns = INT64_MIN;
        if (settings->to_ns == 0)
                sensor->settings.to_ns = INT64_MAX;
        struct flow_timeouts timeouts = {.tcp_ns = timeout_ns(settings->timeouts.tcp, 3600),
                                         .udp_ns = timeout_ns(settings->timeouts.udp, 180),
                                         .other_ns = timeout_ns(settings->timeouts.other, 600),
                                         .prompt = settings->prompt};
        sensor->devices = prefix_trie_create();
        sensor->encap = encap_create(&settings->encap);
        sensor->keeper = flow_keeper_create(settings->flow_limit ? settings->flow_limit : DEFAULT_FLOWS, sensor->devices, &timeouts,
                                            settings->classify_always, &settings->sink);
        bool failed = sensor->devices == NULL || sensor->encap == NULL || sensor->keeper == NULL;
        for (unsigned i = 0; !failed && i < settings->device_count; i++)
                failed = prefix_trie_insert(sensor->devices, &settings->devices[i], &settings->devices[i]) != 0;
        if (failed) {
                sensor_destroy(sensor);
                return NULL;
        }
        return sensor;
}

void sensor_destroy(struct sensor *sensor)
{
        if (sensor == NULL)
                return;
        flow_keeper_destroy(sensor->keeper);
        encap_destroy(sensor->encap);
        free(sensor->held_bytes);
        prefix_trie_destroy(sensor->devices);
        free(sensor);
}

static void give_ticks(struct sensor *sensor, int64_t clock_ns)
{
        int64_t tick_ns;
        while (packet_clock_tick(&sensor->clock, clock_ns, &tick_ns)) {
                flow_keeper_tick(sensor->keeper, tick_ns);
                encap_expire(sensor->encap, tick_ns);
                sensor->fragments_expired = true;
        }
}

/* Who the device is, is told on the control plane of others. */
static bool is_signalling(const struct packet *packet)
{
        static const uint16_t ports[] = {2123, 8805, 1812, 1813, 1645, 1646, 3868}; /* GTP-C, PFCP, RADIUS, Diameter */
        enum { TCP = 6, UDP = 17, SCTP = 132 };
        bool may_be = packet->protocol == UDP || packet->protocol == TCP || packet->protocol == SCTP, is = false;
        for (unsigned i = 0; may_be && i < sizeof ports / sizeof *ports; i++)
                is |= packet->source_port == ports[i] || packet->destination_port == ports[i];
        return is;
}

static bool is_asked_for(const struct sensor *sensor, const struct packet *packet)
{
        for (unsigned i = 0; i < sensor->settings.only_count; i++)
                if (address_equal(&packet->source, &sensor->settings.only[i]) ||
                    address_equal(&packet->destination, &sensor->settings.only[i]))
                        return true;
        return sensor->settings.only_count == 0 || is_signalling(packet);
}

/* The packet has been peeled into `pending`. False: it is not asked for. */
static bool pending_hash(struct sensor *sensor, struct pending *pending)
{
        if (sensor->settings.only_count > 0 && !is_asked_for(sensor, &pending->packet)) {
                sensor->packets_not_asked++;
                return false;
        }
        pending->hash = flow_hash(&pending->packet);
        return true;
}

/* First fragments whose rest did not come: late, behind all that has been read. */
static void process_incomplete(struct sensor *sensor)
{
        struct pending *pending = &sensor->pending[0];
        struct frame frame;
        sensor->fragments_expired = false;
        while (encap_take_incomplete(sensor->encap, &frame, &pending->packet)) {
                frame.order = sensor->last_order;
                pending->frame = &frame;
                pending->clock_ns = sensor->clock.now_ns;
                pending->stamp_ns = packet_clock_stamp(&sensor->clock, frame.time_ns);
                if (pending_hash(sensor, pending))
                        flow_keeper_packet(sensor->keeper, pending);
        }
}

static void process_waiting(struct sensor *sensor)
{
        for (unsigned i = sensor->waiting > SLOTS_AHEAD ? sensor->waiting - SLOTS_AHEAD : 0; i < sensor->waiting; i++)
                flow_keeper_prefetch_flow(sensor->keeper, &sensor->pending[i]);
        for (unsigned i = 0; i < sensor->waiting; i++) {
                struct pending *pending = &sensor->pending[i];
                if (pending->clock_ns >= sensor->clock.tick_ns)
                        give_ticks(sensor, pending->clock_ns);
                flow_keeper_packet(sensor->keeper, pending);
        }
        sensor->waiting = 0;
        if (sensor->fragments_expired)
                process_incomplete(sensor);
}

static void tell_run_part(struct sensor *sensor, Apnwatch__V1__Run *run, int64_t clock_ns)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        event.body_case = APNWATCH__V1__EVENT__BODY_RUN;
        event.run = run;
        flow_keeper_tell(sensor->keeper, &event, clock_ns);
}

/* A record holds 64 KiB, the paths of ten thousand inputs are more: how many of them one Run event takes. */
static size_t inputs_of_part(char *const *inputs, size_t count)
{
        size_t taken = 0, bytes = 0;
        while (taken < count && (taken == 0 || bytes + strlen(inputs[taken]) < RUN_PART_BYTES))
                bytes += strlen(inputs[taken++]) + 4;
        return taken;
}

/* The first part says everything but the inputs that did not fit; the others, which have no version, go on with these. */
static void tell_run(struct sensor *sensor, int64_t clock_ns)
{
        const struct sensor_settings *settings = &sensor->settings;
        Apnwatch__V1__Run run = APNWATCH__V1__RUN__INIT;
        const char *none[] = {"default"};
        char **taps = calloc(settings->encap.taps.count + 1, sizeof *taps);
        if (taps == NULL)
                return;
        taps[0] = (char *)(uintptr_t)none[0];
        for (unsigned i = 0; i < settings->encap.taps.count; i++)
                taps[i + 1] = (char *)(uintptr_t)settings->encap.taps.taps[i].name;
        run.n_tap = settings->encap.taps.count + 1;
        run.tap = taps;
        run.n_context = settings->context_count ? settings->context_count : 1;
        run.context = (char **)(uintptr_t)(settings->context_count ? settings->context_names : none);
        run.input = (char **)(uintptr_t)settings->input_names;
        run.n_input = inputs_of_part(run.input, settings->input_count);
        run.version = (char *)(uintptr_t)settings->version;
        run.ndpi = (char *)(uintptr_t)classifier_version();
        tell_run_part(sensor, &run, clock_ns);
        for (size_t told = run.n_input; told < settings->input_count;) {
                Apnwatch__V1__Run part = APNWATCH__V1__RUN__INIT;
                part.input = (char **)(uintptr_t)(settings->input_names + told);
                part.n_input = inputs_of_part(part.input, settings->input_count - told);
                tell_run_part(sensor, &part, clock_ns);
                told += part.n_input;
        }
        free(taps);
        sensor->run_told = true;
}

/* `clock_ns`: as it stands with this frame; `stamp_ns`: the time to keep of it. */
static inline void frame_prepare(struct sensor *sensor, const struct frame *frame, int64_t clock_ns, int64_t stamp_ns)
{
        struct pending *pending = &sensor->pending[sensor->waiting];
        pending->frame = frame;
        pending->clock_ns = clock_ns;
        pending->stamp_ns = stamp_ns;
        sensor->packets++;
        if (encap_peel(sensor->encap, frame, clock_ns, &pending->packet) != ENCAP_PACKET)
                return;
        sensor->last_order = frame->order;
        if (!pending_hash(sensor, pending))
                return;
        /* Memory keeps up when what is asked of it is spread over the peeling: this one's slot, an earlier one's flow. */
        flow_keeper_prefetch(sensor->keeper, pending);
        if (sensor->waiting >= SLOTS_AHEAD)
                flow_keeper_prefetch_flow(sensor->keeper, pending - SLOTS_AHEAD);
        sensor->waiting++;
        /* A reassembled packet lives until the next is peeled. */
        if (sensor->waiting == AHEAD || pending->packet.reassembled)
                process_waiting(sensor);
}

static void frame_advance(struct sensor *sensor, const struct frame *frame)
{
        int64_t clock_ns = packet_clock_advance(&sensor->clock, frame->time_ns);
        frame_prepare(sensor, frame, clock_ns, packet_clock_stamp(&sensor->clock, frame->time_ns));
}

/* The first frame behind a long gap belongs to what follows: a request must not be older than its answer. False: it is not held. */
static bool hold_leap(struct sensor *sensor, const struct frame *frame)
{
        uint8_t *bytes = packet_clock_leaps(&sensor->clock, frame->time_ns) ? realloc(sensor->held_bytes, frame->captured + 1U) : NULL;
        if (bytes == NULL)
                return false;
        sensor->held_bytes = bytes;
        memcpy(bytes, frame->bytes, frame->captured);
        sensor->held = *frame;
        sensor->held.bytes = bytes;
        return true;
}

/* `next_ns`: of the frame, or the tick, that comes next. */
static void release_held(struct sensor *sensor, int64_t next_ns)
{
        if (sensor->held.bytes == NULL)
                return;
        process_waiting(sensor);
        if (packet_clock_confirms(sensor->held.time_ns, next_ns))
                (void)packet_clock_advance(&sensor->clock, sensor->held.time_ns); /* the second time the leap is believed */
        frame_advance(sensor, &sensor->held);
        process_waiting(sensor);
        sensor->held.bytes = NULL;
}

/* The first frame of all, or of a file that has its own clock. */
static void clock_begin(struct sensor *sensor, uint32_t file, int64_t time_ns)
{
        release_held(sensor, INT64_MIN);
        process_waiting(sensor);
        if (sensor->clock.started) {
                flow_keeper_end_all(sensor->keeper, sensor->clock.now_ns);
                sensor->late_before += sensor->clock.late_frames;
                sensor->jumps_before += sensor->clock.jumps_taken;
        }
        sensor->clock = (struct packet_clock){0};
        sensor->file = file;
        flow_keeper_start(sensor->keeper, time_ns / SECOND);
        if (!sensor->run_told)
                tell_run(sensor, time_ns);
}

/* A batch is larger than the first level of the cache: what its probe has touched has left it again. */
static inline void prefetch_bytes(const struct frame_batch *batch, unsigned number)
{
        if (number < batch->count) {
                __builtin_prefetch(batch->frames[number].bytes);
                __builtin_prefetch(batch->frames[number].bytes + 64);
        }
}

static APART void frame_unusual(struct sensor *sensor, const struct frame *frame)
{
        const struct sensor_settings *settings = &sensor->settings;
        if (frame->time_ns < settings->from_ns || frame->time_ns >= settings->to_ns) {
                sensor->frames_outside++;
                return;
        }
        if (!sensor->clock.started || (settings->clock_per_file && frame->file != sensor->file))
                clock_begin(sensor, frame->file, frame->time_ns);
        release_held(sensor, frame->time_ns);
        if (!hold_leap(sensor, frame))
                frame_advance(sensor, frame);
}

/* Its time goes on a little from the frame before, and nothing else is to be asked. */
static inline bool frame_is_usual(const struct sensor *sensor, const struct frame *frame)
{
        return sensor->steady && (uint64_t)frame->time_ns - (uint64_t)sensor->clock.now_ns <= PACKET_CLOCK_HOUR;
}

static void note_steady(struct sensor *sensor)
{
        const struct sensor_settings *settings = &sensor->settings;
        bool all_times = settings->from_ns == INT64_MIN && settings->to_ns == INT64_MAX && !settings->clock_per_file;
        sensor->steady = all_times && packet_clock_is_steady(&sensor->clock) && sensor->held.bytes == NULL;
}

void sensor_batch(struct sensor *sensor, const struct frame_batch *batch)
{
        for (unsigned i = 0; i < batch->count; i++) {
                const struct frame *frame = &batch->frames[i];
                prefetch_bytes(batch, i + BYTES_AHEAD);
                if (frame_is_usual(sensor, frame)) {
                        sensor->clock.now_ns = frame->time_ns;
                        frame_prepare(sensor, frame, frame->time_ns, frame->time_ns);
                } else {
                        frame_unusual(sensor, frame);
                        note_steady(sensor);
                }
        }
        process_waiting(sensor); /* the bytes die with the batch */
}

void sensor_advance(struct sensor *sensor, int64_t now_ns)
{
        if (!sensor->clock.started)
                clock_begin(sensor, 0, now_ns);
        if (now_ns < sensor->clock.now_ns)
                return;
        release_held(sensor, now_ns);
        give_ticks(sensor, packet_clock_advance(&sensor->clock, now_ns));
        note_steady(sensor);
        if (sensor->fragments_expired)
                process_incomplete(sensor);
}

struct counter_list {
        Apnwatch__V1__Counters__Counter items[COUNTERS_MOST];
        Apnwatch__V1__Counters__Counter *pointers[COUNTERS_MOST];
        unsigned count;
};

static void count(struct counter_list *list, const char *name, uint64_t value)
{
        if (list->count == COUNTERS_MOST)
                return;
        Apnwatch__V1__Counters__Counter *counter = &list->items[list->count];
        apnwatch__v1__counters__counter__init(counter);
        counter->name = (char *)(uintptr_t)name;
        counter->value = value;
        list->pointers[list->count++] = counter;
}

static void count_encap(struct counter_list *list, const struct encap_counters *encap)
{
        static const char *const names[ENCAP_RESULTS] = {
                [ENCAP_PACKET] = "frames.ip", [ENCAP_FRAGMENT] = "frames.fragment", [ENCAP_DUPLICATE] = "frames.duplicate",
                [ENCAP_NOT_IP] = "frames.not_ip", [ENCAP_UNKNOWN_LINK] = "loss.unknown_link", [ENCAP_CUT] = "loss.headers_cut",
                [ENCAP_MALFORMED] = "loss.malformed", [ENCAP_TOO_DEEP] = "loss.too_deep"};
        for (unsigned i = 0; i < ENCAP_RESULTS; i++)
                count(list, names[i], encap->results[i]);
        count(list, "loss.cut_frames", encap->cut);
        count(list, "frames.oversized", encap->oversized);
        count(list, "frames.reassembled", encap->reassembled);
        count(list, "loss.fragments_expired", encap->fragments_expired);
        count(list, "loss.fragments_evicted", encap->fragments_evicted);
        count(list, "frames.incomplete", encap->incomplete_taken);
        count(list, "loss.incomplete_dropped", encap->incomplete_dropped);
}

static void count_flows(struct counter_list *list, const struct flow_keeper *keeper)
{
        const struct flow_keeper_counters *flows = flow_keeper_counters(keeper);
        const struct inspector *inspector = flow_keeper_inspector(keeper);
        count(list, "flows.opened", flows->opened);
        count(list, "flows.now", flow_keeper_count(keeper));
        count(list, "flows.peak", flow_keeper_peak(keeper));
        count(list, "loss.flows_evicted", flows->evicted);
        count(list, "loss.flows_no_memory", flows->no_memory);
        count(list, "tunnels.untold", flows->tunnels_untold);
        count(list, "loss.stream_gaps", inspector->streams_gapped);
        count(list, "loss.stream_hold_full", inspector->streams_full);
        count(list, "loss.messages_too_long", inspector->malformed_holds);
        count(list, "ndpi.packets", classifier_packets(inspector->classifier));
}

void sensor_tell_counters(struct sensor *sensor)
{
        struct counter_list list = {.count = 0};
        count(&list, "frames.read", sensor->packets);
        count(&list, "frames.outside_times", sensor->frames_outside);
        count(&list, "frames.other_devices", sensor->packets_not_asked);
        count(&list, "frames.late", sensor->late_before + sensor->clock.late_frames);
        count(&list, "clock.jumps", sensor->jumps_before + sensor->clock.jumps_taken);
        count(&list, "clock.jumps_refused", sensor->clock.jumps_refused);
        count_encap(&list, encap_counters(sensor->encap));
        count_flows(&list, sensor->keeper);
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Counters counters = APNWATCH__V1__COUNTERS__INIT;
        counters.n_counter = list.count;
        counters.counter = list.pointers;
        event.body_case = APNWATCH__V1__EVENT__BODY_COUNTERS;
        event.counters = &counters;
        sensor_tell(sensor, &event);
}

void sensor_finish(struct sensor *sensor)
{
        release_held(sensor, INT64_MIN);
        process_waiting(sensor);
        encap_expire(sensor->encap, INT64_MAX);
        process_incomplete(sensor);
        if (!sensor->run_told)
                tell_run(sensor, 0);
        flow_keeper_end_all(sensor->keeper, sensor->clock.now_ns);
        sensor_tell_counters(sensor);
}

void sensor_tell(struct sensor *sensor, event_t *event)
{
        flow_keeper_tell(sensor->keeper, event, sensor->clock.now_ns);
}

uint64_t sensor_packets(const struct sensor *sensor)
{
        return sensor->packets;
}

uint64_t sensor_memory_ceiling(const struct sensor_settings *settings)
{
        uint64_t flows = settings->flow_limit ? settings->flow_limit : DEFAULT_FLOWS;
        uint64_t reassembly = settings->encap.reassembly_limit ? settings->encap.reassembly_limit : 8U << 20;
        return flows * 300 + reassembly + (40ULL << 20);
}
