#include "sense/sensor.h"

#include <stdio.h>

#include "tests/unit/sense/frame_builder.h"
#include "tests/unit/test.h"

struct told {
        unsigned ticks, runs, counters, transfers, names;
        unsigned phases[5];
        char flows[16384]; /* a line for each FlowNews */
        uint64_t begun_s[8]; /* starts of flows, as they ended */
        unsigned begun;
        uint64_t last_clock, last_index, late_orders;
        unsigned tunnels;
        uint32_t teid_up, teid_down; /* of the flow that ended last, and its tunnel's nodes */
        uint8_t nodes[2];            /* their last bytes */
};

static void note(void *context, const event_t *event)
{
        struct told *told = context;
        if (event->clock < told->last_clock)
                told->late_orders++;
        told->last_clock = event->clock;
        switch (event->body_case) {
        case APNWATCH__V1__EVENT__BODY_TICK: told->ticks++; break;
        case APNWATCH__V1__EVENT__BODY_RUN: told->runs++; break;
        case APNWATCH__V1__EVENT__BODY_COUNTERS: told->counters++; break;
        case APNWATCH__V1__EVENT__BODY_TRANSFER: told->transfers++; break;
        case APNWATCH__V1__EVENT__BODY_NAMES: told->names++; break;
        case APNWATCH__V1__EVENT__BODY_TUNNEL: told->tunnels++; break;
        case APNWATCH__V1__EVENT__BODY_FLOW_NEWS: {
                size_t length = strlen(told->flows);
                const Apnwatch__V1__Flow *flow = event->flow;
                static const char *const phases[] = {"start", "known", "activity", "update", "end"};
                told->phases[event->flow_news->phase]++;
                told->teid_up = flow->teid_up;
                told->teid_down = flow->teid_down;
                if (flow->has_tunnel_source && flow->tunnel_source.len == 4 && flow->tunnel_destination.len == 4) {
                        told->nodes[0] = flow->tunnel_source.data[3];
                        told->nodes[1] = flow->tunnel_destination.data[3];
                }
                if (event->flow_news->phase == APNWATCH__V1__FLOW_NEWS__PHASE__END && told->begun < 8)
                        told->begun_s[told->begun++] = flow->start / 1000000000;
                snprintf(told->flows + length, sizeof told->flows - length, "%s%s %s %s up=%lu/%lu down=%lu/%lu answered=%d opener=%d\n",
                         phases[event->flow_news->phase], event->flow_news->label_final ? "!" : "", flow->label ? flow->label : "-",
                         flow->name ? flow->name : "-", (unsigned long)flow->packets_up, (unsigned long)flow->payload_up,
                         (unsigned long)flow->packets_down, (unsigned long)flow->payload_down, flow->answered, flow->opener);
                break;
        }
        default: break;
        }
}

static struct told run(struct frame_builder *builder, const struct sensor_settings *given)
{
        struct told told = {0};
        struct sensor_settings settings = given ? *given : (struct sensor_settings){0};
        settings.sink = (struct event_sink){.event = note, .context = &told};
        struct sensor *sensor = sensor_create(&settings);
        assert_non_null(sensor);
        sensor_batch(sensor, &builder->batch);
        sensor_finish(sensor);
        sensor_destroy(sensor);
        assert_int_equal(told.late_orders, 0);
        assert_int_equal(told.runs, 1);
        assert_int_equal(told.counters, 1);
        return told;
}

static const char request[] = "GET /fw.bin HTTP/1.1\r\nHost: Files.Example\r\nUser-Agent: x\r\n\r\n";
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";

static void handshake(struct frame_builder *builder, double at)
{
        build_tcp(builder, at, true, 80, 0x02, 999, 0, NULL, 0);
        build_tcp(builder, at + 0.01, false, 80, 0x12, 4999, 1000, NULL, 0);
        build_tcp(builder, at + 0.02, true, 80, 0x10, 1000, 5000, NULL, 0);
}

static void a_short_http_flow_makes_two_events_and_a_transfer(void **state)
{
        (void)state;
        struct frame_builder *builder = calloc(1, sizeof *builder);
        uint32_t asked = sizeof request - 1, answered = sizeof answer - 1;
        handshake(builder, 0);
        build_tcp(builder, 0.03, true, 80, 0x18, 1000, 5000, request, asked);
        build_tcp(builder, 0.04, false, 80, 0x18, 5000, 1000 + asked, answer, answered);
        build_tcp(builder, 0.05, true, 80, 0x11, 1000 + asked, 5000 + answered, NULL, 0);
        build_tcp(builder, 0.06, false, 80, 0x11, 5000 + answered, 1001 + asked, NULL, 0);
        build_udp(builder, 10, true, 7777, "\x01\x02\x03\x04", 4);
        struct told told = run(builder, NULL);
        assert_string_equal(told.flows,
                            "start! HTTP files.example up=4/60 down=3/49 answered=1 opener=1\n"
                            "end HTTP files.example up=4/60 down=3/49 answered=1 opener=1\n"
                            "end! - - up=1/4 down=0/0 answered=0 opener=1\n");
        assert_int_equal(told.transfers, 1);
        free(builder);
}

static void segments_out_of_order_and_repeated_give_the_same_transfer(void **state)
{
        (void)state;
        struct frame_builder *builder = calloc(1, sizeof *builder);
        uint32_t asked = sizeof request - 1, answered = sizeof answer - 1;
        handshake(builder, 0);
        build_tcp(builder, 0.030, true, 80, 0x18, 1010, 5000, request + 10, asked - 10);
        build_tcp(builder, 0.031, true, 80, 0x18, 1000, 5000, request, 10);
        build_tcp(builder, 0.300, true, 80, 0x18, 1000, 5000, request, asked);
        build_tcp(builder, 0.400, false, 80, 0x18, 5020, 1000 + asked, answer + 20, answered - 20);
        build_tcp(builder, 0.401, false, 80, 0x18, 5000, 1000 + asked, answer, 20);
        struct told told = run(builder, NULL);
        assert_int_equal(told.transfers, 1);
        assert_non_null(strstr(told.flows, "HTTP files.example"));
        free(builder);
}

static void an_unanswered_syn_ends_after_a_minute(void **state)
{
        (void)state;
        struct frame_builder *builder = calloc(1, sizeof *builder);
        build_tcp(builder, 0, true, 80, 0x02, 999, 0, NULL, 0);
        build_udp(builder, 100, true, 7777, "x", 1);
        struct told told = run(builder, NULL);
        assert_non_null(strstr(told.flows, "start - - up=1/0 down=0/0 answered=0 opener=1\nend! - - up=1/0"));
        assert_true(told.ticks >= 100);
        free(builder);
}

/* A frame that leaps ahead waits for the next one, in this batch or another: then it has its own time. The last of all is not believed. */
static void the_first_frame_behind_a_gap_belongs_to_what_follows(void **state)
{
        (void)state;
        static const double times[][4] = {{0, 7200, 7201, 7202}, {0, 7200, 0.5, 1}, {0, 1, 2, 7200}, {0, 7200, 14400, 21600}};
        static const uint64_t expected[][4] = {{0, 7200, 7201, 7202}, {0, 0, 0, 1}, {0, 1, 2, 2}, {0, 7200, 14400, 14400}};
        for (unsigned row = 0; row < 4; row++) {
                for (unsigned split = 1; split <= 4; split++) {
                        struct told told = {0};
                        struct sensor_settings settings = {.sink = {.event = note, .context = &told}};
                        struct sensor *sensor = sensor_create(&settings);
                        for (unsigned from = 0; from < 4; from += split) {
                                struct frame_builder *builder = calloc(1, sizeof *builder);
                                for (unsigned i = from; i < from + split && i < 4; i++)
                                        build_udp(builder, times[row][i], true, (uint16_t)(7000 + i), "x", 1);
                                sensor_batch(sensor, &builder->batch);
                                free(builder);
                        }
                        sensor_finish(sensor);
                        sensor_destroy(sensor);
                        assert_int_equal(told.begun, 4);
                        for (unsigned i = 0; i < 4; i++) {
                                unsigned same = 0, wanted = 0;
                                for (unsigned k = 0; k < 4; k++) {
                                        same += told.begun_s[k] == 1700000000 + expected[row][i];
                                        wanted += expected[row][k] == expected[row][i];
                                }
                                assert_int_equal(same, wanted);
                        }
                        assert_int_equal(told.late_orders, 0);
                }
        }
}

static void where_somebody_waits_what_nothing_followed_is_told_after_ten_seconds(void **state)
{
        (void)state;
        for (int prompt = 0; prompt < 2; prompt++) {
                struct sensor_settings settings = {.prompt = prompt};
                struct frame_builder *builder = calloc(1, sizeof *builder);
                build_udp(builder, 0, true, 7777, "\x01\x02\x03\x04", 4);
                build_tcp(builder, 0.5, true, 80, 0x02, 999, 0, NULL, 0);
                build_udp(builder, 20, true, 7778, "x", 1);
                struct told told = run(builder, &settings);
                const char *datagram = strstr(told.flows, "known! - - up=1/4 down=0/0 answered=0");
                const char *syn = strstr(told.flows, "known! - - up=1/0 down=0/0 answered=0");
                assert_true((datagram != NULL) == prompt && (syn != NULL) == prompt);
                assert_int_equal(told.phases[APNWATCH__V1__FLOW_NEWS__PHASE__END], 3);
                free(builder);
        }
}

static void a_long_flow_is_updated_every_five_minutes(void **state)
{
        (void)state;
        struct frame_builder *builder = calloc(1, sizeof *builder);
        for (int i = 0; i < 40; i++)
                build_udp(builder, i * 30, true, 7777, "\xf1\xf2\xf3", 3);
        struct told told = run(builder, NULL);
        assert_int_equal(told.phases[0], 1);
        assert_in_range(told.phases[3], 3, 4);
        assert_int_equal(told.phases[2], 0);
        assert_int_equal(told.phases[4], 1);
        free(builder);
}

static void silence_makes_the_next_packet_news(void **state)
{
        (void)state;
        struct frame_builder *builder = calloc(1, sizeof *builder);
        build_udp(builder, 0, true, 7777, "\xf1\xf2\xf3", 3);
        build_udp(builder, 90, true, 7777, "\xf1\xf2\xf3", 3);
        struct told told = run(builder, NULL);
        assert_int_equal(told.phases[2], 1);
        free(builder);
}

static void a_full_table_evicts_and_says_so(void **state)
{
        (void)state;
        struct frame_builder *builder = calloc(1, sizeof *builder);
        for (int i = 0; i < 40; i++)
                build_udp(builder, i * 0.001, true, (unsigned)(1000 + i), "\xf1", 1);
        struct sensor_settings settings = {.flow_limit = 64};
        struct told told = run(builder, &settings);
        assert_int_equal(told.phases[4], 40);
        free(builder);
}

static void ports_used_again_begin_a_new_flow(void **state)
{
        (void)state;
        struct frame_builder *builder = calloc(1, sizeof *builder);
        handshake(builder, 0);
        build_tcp(builder, 0.1, true, 80, 0x14, 1000, 5000, NULL, 0);
        handshake(builder, 0.2);
        struct told told = run(builder, NULL);
        assert_int_equal(told.phases[4], 2);
        free(builder);
}

static void frames_outside_the_times_asked_for_are_passed_over(void **state)
{
        (void)state;
        struct frame_builder *builder = calloc(1, sizeof *builder);
        for (int i = 0; i < 10; i++)
                build_udp(builder, i, true, (unsigned)(1000 + i), "\xf1", 1);
        int64_t base = 1700000000LL * 1000000000;
        struct sensor_settings settings = {.from_ns = base + 3000000000LL, .to_ns = base + 6000000000LL};
        assert_int_equal(run(builder, &settings).phases[4], 3);
        struct address other;
        assert_true(address_parse("10.9.9.9", &other));
        settings = (struct sensor_settings){.only = &other, .only_count = 1};
        assert_int_equal(run(builder, &settings).phases[4], 0);
        build_udp(builder, 11, true, 2123, "\x32", 1); /* signalling tells who the other is */
        assert_int_equal(run(builder, &settings).phases[4], 1);
        free(builder);
}

/* A datagram of 10.0.0.7 to 192.0.2.1, or back, through a tunnel between 10.1.0.radio and 10.1.0.gateway. */
static void build_tunnelled(struct frame_builder *builder, double at, bool up, uint8_t radio, uint8_t gateway, uint32_t teid)
{
        enum { INNER = 20 + 8 + 4, GTP = 8 };
        uint8_t payload[GTP + INNER] = {0x30, 255};
        uint8_t *ip = payload + GTP, *udp = ip + 20;
        put16(payload + 2, INNER);
        put32(payload + 4, teid);
        build_ip(ip, 7, up, 17, INNER, (unsigned)builder->order);
        put16(udp, up ? 5000 : 7777);
        put16(udp + 2, up ? 7777 : 5000);
        put16(udp + 4, 8 + 4);
        build_udp(builder, at, up, 2152, payload, sizeof payload);
        uint8_t *outer = builder->bytes[builder->batch.count - 1] + 14, ends[] = {10, 1, 0, up ? radio : gateway, 10, 1, 0, up ? gateway : radio};
        memcpy(outer + 12, ends, sizeof ends);
        put16(outer + 20, 2152);
        put16(outer + 22, 2152);
}

/* TEIDs are numbers of the node that is sent to: of another node they mean somebody else. */
static void a_flows_teids_are_of_the_nodes_that_are_told_with_them(void **state)
{
        const struct {
                double at;
                bool up;
                uint8_t radio, gateway;
                uint32_t teid;
        } rows[] = {{0, true, 1, 10, 5}, {1, true, 2, 11, 9}, {2, false, 2, 11, 33}, {3, false, 1, 10, 6}, {4, true, 1, 10, 8}, {5, true, 1, 10, 8}};
        struct frame_builder *builder = calloc(1, sizeof *builder);
        (void)state;
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
                build_tunnelled(builder, rows[i].at, rows[i].up, rows[i].radio, rows[i].gateway, rows[i].teid);
        struct told told = run(builder, NULL);
        assert_int_equal(told.phases[4], 1);
        assert_int_equal(told.nodes[0], 1);
        assert_int_equal(told.nodes[1], 10);
        assert_int_equal(told.teid_up, 5);
        assert_int_equal(told.teid_down, 6);
        assert_int_equal(told.tunnels, 3); /* each change */
        free(builder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_short_http_flow_makes_two_events_and_a_transfer),
                cmocka_unit_test(segments_out_of_order_and_repeated_give_the_same_transfer),
                cmocka_unit_test(an_unanswered_syn_ends_after_a_minute),
                cmocka_unit_test(the_first_frame_behind_a_gap_belongs_to_what_follows),
                cmocka_unit_test(where_somebody_waits_what_nothing_followed_is_told_after_ten_seconds),
                cmocka_unit_test(a_long_flow_is_updated_every_five_minutes),
                cmocka_unit_test(silence_makes_the_next_packet_news),
                cmocka_unit_test(a_full_table_evicts_and_says_so),
                cmocka_unit_test(ports_used_again_begin_a_new_flow),
                cmocka_unit_test(frames_outside_the_times_asked_for_are_passed_over),
                cmocka_unit_test(a_flows_teids_are_of_the_nodes_that_are_told_with_them),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
