/* An event's way through the worker's pipe: build it on the stack, pack it, unpack it in the arena. Prints microseconds an
 * event. It is a TLS flow's end with everything that a tunnelled flow has, about 215 bytes; `-p` walks protobuf-c instead. */
#include <stdio.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/framing.h"

enum { EVENTS = 200000, ROUNDS = 9, BATCH = 100, PIPE = 256 * 1024 };

static void build(event_t *event, Apnwatch__V1__Flow *flow, Apnwatch__V1__FlowNews *news, uint64_t number)
{
        static uint8_t device[4] = {10, 20, 0, 7}, peer[4] = {198, 51, 100, 9},
                       gateway[2][4] = {{10, 255, 0, 1}, {10, 255, 0, 2}};
        static char label[] = "TLS", application[] = "Google", name[] = "broker-eu-central.iot.utility.example";
        apnwatch__v1__event__init(event);
        apnwatch__v1__flow__init(flow);
        apnwatch__v1__flow_news__init(news);
        event->clock = UINT64_C(1772330584567891000) + number * 1000;
        event->has_frame = event->has_file = event->has_file_frame = event->has_time = event->has_from_device = 1;
        event->frame = event->file_frame = 1000000 + number;
        event->index = 1;
        event->time = event->clock;
        event->flow = flow;
        flow->id = number;
        flow->start = event->clock - 1000000000;
        flow->last = event->clock;
        device[3] = (uint8_t)number;
        flow->device = (ProtobufCBinaryData){.len = 4, .data = device};
        flow->peer = (ProtobufCBinaryData){.len = 4, .data = peer};
        flow->has_device_port = flow->has_peer_port = 1;
        flow->device_port = 49152 + (uint32_t)(number & 8191);
        flow->peer_port = 8883;
        flow->protocol = 6;
        flow->opener = APNWATCH__V1__FLOW__OPENER__DEVICE;
        flow->has_answered = flow->answered = 1;
        flow->has_packets_up = flow->has_packets_down = flow->has_bytes_up = flow->has_bytes_down = 1;
        flow->has_payload_up = flow->has_payload_down = 1;
        flow->packets_up = 12;
        flow->packets_down = 11;
        flow->bytes_up = 1616;
        flow->bytes_down = 8044;
        flow->payload_up = 1100;
        flow->payload_down = 7400;
        flow->label = label;
        flow->application = application;
        flow->has_label_source = flow->has_name_source = flow->has_tls_version = flow->has_visibility = 1;
        flow->label_source = APNWATCH__V1__FLOW__LABEL_SOURCE__DISSECTOR;
        flow->name = name;
        flow->name_source = APNWATCH__V1__FLOW__NAME_SOURCE__SNI;
        flow->tls_version = 0x0303;
        flow->visibility = APNWATCH__V1__FLOW__VISIBILITY__NAME_ONLY;
        flow->has_teid_up = flow->has_teid_down = 1;
        flow->teid_up = 0x12345678;
        flow->teid_down = 0x9abcdef0;
        flow->has_tunnel_source = flow->has_tunnel_destination = 1;
        flow->tunnel_source = (ProtobufCBinaryData){.len = 4, .data = gateway[0]};
        flow->tunnel_destination = (ProtobufCBinaryData){.len = 4, .data = gateway[1]};
        flow->has_first_file = flow->has_first_frame = flow->has_first_order = 1;
        flow->first_frame = flow->first_order = 999000 + number;
        news->phase = APNWATCH__V1__FLOW_NEWS__PHASE__END;
        news->has_reason = news->has_label_final = news->label_final = 1;
        event->body_case = APNWATCH__V1__EVENT__BODY_FLOW_NEWS;
        event->flow_news = news;
}

static double now_us(void)
{
        struct timespec time;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
        return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

struct cost {
        double build_us, pack_us, unpack_us;
};

/* Fills the pipe's buffer, then empties it, as the two processes do. */
static uint64_t round_ours(struct framing_arena *arena, uint8_t *buffer, struct cost *cost, size_t *bytes)
{
        uint64_t sum = 0;
        *bytes = 0;
        for (uint64_t number = 0; number < EVENTS;) {
                event_t event;
                Apnwatch__V1__Flow flow;
                Apnwatch__V1__FlowNews news;
                size_t filled = 0, packed;
                double start = now_us();
                while (number < EVENTS) {
                        build(&event, &flow, &news, number);
                        if ((packed = framing_pack(&event, buffer + filled, PIPE - filled)) == 0)
                                break;
                        filled += packed;
                        number++;
                }
                double middle = now_us();
                for (size_t at = 0, used = 0; at < filled; at += used) {
                        const event_t *got;
                        if (framing_unpack(arena, buffer + at, filled - at, &used, &got) != FRAMING_OK)
                                abort();
                        sum += got->flow->bytes_down + got->frame;
                }
                cost->pack_us += middle - start;
                cost->unpack_us += now_us() - middle;
                *bytes += filled;
        }
        return sum;
}

static uint64_t round_protobuf_c(uint8_t *buffer, struct cost *cost)
{
        uint64_t sum = 0;
        for (uint64_t number = 0; number < EVENTS;) {
                event_t event;
                Apnwatch__V1__Flow flow;
                Apnwatch__V1__FlowNews news;
                double start = now_us();
                size_t length = 0;
                for (unsigned i = 0; i < BATCH; i++) {
                        build(&event, &flow, &news, number++);
                        length = apnwatch__v1__event__pack(&event, buffer);
                }
                double middle = now_us();
                for (unsigned i = 0; i < BATCH; i++) {
                        event_t *got = apnwatch__v1__event__unpack(NULL, length, buffer);
                        sum += got->flow->bytes_down + got->frame;
                        apnwatch__v1__event__free_unpacked(got, NULL);
                }
                cost->pack_us += middle - start;
                cost->unpack_us += now_us() - middle;
        }
        return sum;
}

int main(int argument_count, char **arguments)
{
        bool old = argument_count > 1 && strcmp(arguments[1], "-p") == 0;
        struct framing_arena *arena = framing_arena_create();
        uint8_t *buffer = malloc(PIPE);
        if (arena == NULL || buffer == NULL)
                return 1;
        double best = 1e9;
        struct cost best_cost = {0};
        size_t bytes = 0;
        uint64_t sum = 0;
        for (unsigned round = 0; round < ROUNDS; round++) {
                struct cost cost = {0};
                sum += old ? round_protobuf_c(buffer, &cost) : round_ours(arena, buffer, &cost, &bytes);
                double total = (cost.pack_us + cost.unpack_us) / EVENTS;
                if (total < best) {
                        best = total;
                        best_cost = cost;
                }
        }
        printf("pipe: %.3f us an event (build and pack %.3f, unpack %.3f), %.0f bytes each, best of %d rounds (check "
               "%llu)\n",
               best, best_cost.pack_us / EVENTS, best_cost.unpack_us / EVENTS, (double)bytes / EVENTS, ROUNDS,
               (unsigned long long)sum);
        free(buffer);
        framing_arena_destroy(arena);
        return 0;
}
