/* How sense calls dissectors, with a registry of the test's own in place of dissectors/dissector.c. */
#include "sense/inspection.h"

#include <stdio.h>

#include "tests/unit/sense/frame_builder.h"
#include "tests/unit/test.h"

enum { CLAIMED = 5, PORT_FOLLOWED = 7001, PORT_CLAIMED_LATE = 7002, PORT_GTPU = 2152 };

static struct {
        unsigned asked, dissected, tunnelled, sctp_length;
        unsigned claim_at; /* of the SCTP packets that are offered, this one is claimed; 0: none */
        bool refuse;
} seen;

static enum recognition sctp_recognise(const struct dissection *d, const struct cursor *payload)
{
        assert_int_equal(d->protocol, 132);
        assert_int_equal(d->source_port, 40000);
        assert_int_equal(d->destination_port, 3868);
        seen.asked++;
        seen.sctp_length = (unsigned)cursor_left(payload);
        if (seen.refuse)
                return NOT_MINE;
        return seen.asked == seen.claim_at ? MINE : PERHAPS;
}

static enum follow count_payload(struct dissection *d, void *state, struct cursor payload)
{
        (void)state;
        (void)payload;
        seen.dissected++;
        seen.tunnelled += d->tunnelled;
        return d->destination_port == PORT_CLAIMED_LATE ? FOLLOW_DONE : FOLLOW_ON;
}

static enum recognition port_recognise(const struct dissection *d, const struct cursor *payload)
{
        (void)payload;
        if (d->destination_port == PORT_CLAIMED_LATE)
                return seen.asked++ > 0 ? MINE : PERHAPS;
        return d->destination_port == PORT_FOLLOWED ? MINE : NOT_MINE;
}

static const struct dissector over_sctp = {.name = "Diameter", .transports = DISSECT_ON_SCTP, .recognise = sctp_recognise,
                                           .dissect = count_payload};
static const struct dissector over_others = {.name = "GTP", .transports = DISSECT_ON_TCP | DISSECT_ON_UDP,
                                             .recognise = port_recognise, .dissect = count_payload};
const struct dissector *const dissectors[] = {&over_sctp, &over_others, NULL};

struct told {
        unsigned news, numbers, packed;
        char labels[256];
        char last_number[32];
};

static void note(void *context, const event_t *event)
{
        struct told *told = context;
        if (event->body_case == APNWATCH__V1__EVENT__BODY_CLEAR_NUMBER) {
                const Apnwatch__V1__Snippet *snippet = event->snippet;
                told->numbers++;
                told->packed += event->clear_number->packed;
                assert_true(event->from_device);
                snprintf(told->last_number, sizeof told->last_number, "%.*s", (int)snippet->length, snippet->data.data + snippet->offset);
        }
        if (event->body_case != APNWATCH__V1__EVENT__BODY_FLOW_NEWS)
                return;
        size_t length = strlen(told->labels);
        told->news++;
        snprintf(told->labels + length, sizeof told->labels - length, "%s%s ", event->flow->label ? event->flow->label : "-",
                 event->flow_news->label_final ? "!" : "");
}

static struct told run(struct frame_builder *builder)
{
        struct told told = {0};
        struct sensor_settings settings = {.sink = {.event = note, .context = &told}};
        struct sensor *sensor = sensor_create(&settings);
        assert_non_null(sensor);
        sensor_batch(sensor, &builder->batch);
        sensor_finish(sensor);
        sensor_destroy(sensor);
        free(builder);
        return told;
}

static struct frame_builder *builder_create(void)
{
        struct frame_builder *builder = calloc(1, sizeof *builder);
        assert_non_null(builder);
        memset(&seen, 0, sizeof seen);
        return builder;
}

/* The common header of 12 bytes and one chunk of 8. */
static void build_sctp(struct frame_builder *builder, double seconds)
{
        uint8_t *sctp = build_frame(builder, seconds, true, 132, 20);
        put16(sctp, 40000);
        put16(sctp + 2, 3868);
        sctp[12] = 3;
        put16(sctp + 14, 8);
}

static void build_in_gtpu(struct frame_builder *builder, double seconds, unsigned port, uint8_t protocol)
{
        unsigned transport = protocol == 6 ? 20 : 8, inner = 20 + transport + 4;
        uint8_t packet[8 + 48] = {0x30, 255, 0, (uint8_t)inner, 0, 0, 0, 9};
        uint8_t *ip = packet + 8;
        build_ip(ip, 9, true, protocol, inner, 77);
        put16(ip + 20, 40000);
        put16(ip + 22, port);
        if (protocol == 6) {
                ip[32] = 0x50;
                ip[33] = 0x18;
        } else {
                put16(ip + 24, 12);
        }
        memcpy(ip + 20 + transport, "\x01\x02\x03", 4);
        build_udp(builder, seconds, true, PORT_GTPU, packet, 8 + inner);
}

static void sctp_is_offered_until_somebody_claims_it(void **state)
{
        (void)state;
        struct frame_builder *builder = builder_create();
        seen.claim_at = CLAIMED;
        for (unsigned i = 0; i < 30; i++)
                build_sctp(builder, 0.01 * i);
        struct told told = run(builder);
        assert_int_equal(seen.asked, CLAIMED);
        assert_int_equal(seen.sctp_length, 8); /* without the common header */
        assert_int_equal(seen.dissected, 30 - CLAIMED + 1);
        assert_string_equal(told.labels, "Diameter! ");
}

static void sctp_that_nobody_claims_is_settled(void **state)
{
        (void)state;
        for (int refuse = 0; refuse < 2; refuse++) {
                struct frame_builder *builder = builder_create();
                seen.refuse = refuse;
                for (unsigned i = 0; i < 30; i++)
                        build_sctp(builder, 0.01 * i);
                build_udp(builder, 5, true, 7777, "x", 1);
                struct told told = run(builder);
                assert_int_equal(seen.asked, refuse ? 1 : 16);
                assert_int_equal(seen.dissected, 0);
                assert_memory_equal(told.labels, "SCTP! ", 6); /* known with its START, and not told to be so again */
                assert_null(strstr(told.labels + 6, "SCTP!"));
                assert_non_null(strstr(told.labels + 6, "SCTP "));
        }
}

static void datagrams_are_followed_as_long_as_they_come(void **state)
{
        (void)state;
        struct frame_builder *builder = builder_create();
        for (unsigned i = 0; i < 60; i++)
                build_udp(builder, i, true, PORT_FOLLOWED, "abcd", 4);
        run(builder);
        assert_int_equal(seen.dissected, 60);
        assert_int_equal(seen.tunnelled, 0);
}

/* The sanitizer says when its memory does not come back. */
static void nothing_of_ndpi_stays_when_a_dissector_claims_later(void **state)
{
        (void)state;
        struct frame_builder *builder = builder_create();
        for (unsigned i = 0; i < 3; i++)
                build_udp(builder, 0.01 * i, true, PORT_CLAIMED_LATE, (const uint8_t *)"\x01\x02\x03\x04", 4);
        struct told told = run(builder);
        assert_int_equal(seen.asked, 2);
        assert_int_equal(seen.dissected, 1);
        assert_non_null(strstr(told.labels, "GTP!"));
}

static void what_came_in_gtpu_is_said_to_be_a_devices_own(void **state)
{
        (void)state;
        static const uint8_t protocols[] = {6, 17};
        for (size_t i = 0; i < sizeof protocols; i++) {
                struct frame_builder *builder = builder_create();
                build_in_gtpu(builder, 0, PORT_FOLLOWED, protocols[i]);
                run(builder);
                assert_int_equal(seen.dissected, 1);
                assert_int_equal(seen.tunnelled, 1);
        }
}

static void a_flow_once_seen_in_gtpu_stays_a_devices_own(void **state)
{
        (void)state;
        struct frame_builder *builder = builder_create();
        build_in_gtpu(builder, 0, PORT_FOLLOWED, 17);
        builder->device_last = 9; /* the same flow behind the gateway */
        build_udp(builder, 1, true, PORT_FOLLOWED, "abcd", 4);
        run(builder);
        assert_int_equal(seen.dissected, 2);
        assert_int_equal(seen.tunnelled, 2);
}

/* A few a flow, of the likely ones a few more; only what the device sends. */
static void numbers_in_clear_are_told(void **state)
{
        (void)state;
        static const char shy[] = "a=262011234567890", likely[] = "imei=351234567890123";
        struct frame_builder *builder = builder_create();
        for (unsigned i = 0; i < 20; i++)
                build_udp(builder, 0.1 * i, true, PORT_FOLLOWED, shy, sizeof shy - 1);
        build_udp(builder, 3, false, PORT_FOLLOWED, likely, sizeof likely - 1);
        struct told told = run(builder);
        assert_int_equal(told.numbers, 4);
        assert_string_equal(told.last_number, "262011234567890");

        builder = builder_create();
        for (unsigned i = 0; i < 20; i++)
                build_udp(builder, 0.1 * i, true, PORT_FOLLOWED, i < 10 ? shy : likely, i < 10 ? sizeof shy - 1 : sizeof likely - 1);
        told = run(builder);
        assert_int_equal(told.numbers, 8);
        assert_string_equal(told.last_number, "351234567890123");
}

static struct told run_segments(unsigned port, const char *first, const char *second, unsigned lost)
{
        struct frame_builder *builder = builder_create();
        uint32_t sequence = 1001;
        build_tcp(builder, 0, true, port, 0x02, 1000, 0, NULL, 0);
        build_tcp(builder, 0.1, false, port, 0x12, 5000, 1001, NULL, 0);
        build_tcp(builder, 0.2, true, port, 0x18, sequence, 5001, first, strlen(first));
        sequence += (uint32_t)strlen(first) + lost;
        build_tcp(builder, 0.3, true, port, 0x18, sequence, 5001, second, strlen(second));
        build_tcp(builder, 0.4, false, port, 0x10, 5001, sequence + (uint32_t)strlen(second), NULL, 0);
        return run(builder);
}

/* Of "id=2620112|34567890;x" neither half would be told alone. */
static void a_number_may_be_split_over_two_segments(void **state)
{
        (void)state;
        static const char number[] = "a long line in front of it, imei=351234567890123;behind";
        static const size_t begin = 33, end = 48;
        for (size_t at = begin + 1; at < end; at++) {
                char first[64];
                snprintf(first, sizeof first, "%.*s", (int)at, number);
                struct told told = run_segments(PORT_FOLLOWED, first, number + at, 0);
                assert_true(told.numbers >= 1);
                assert_string_equal(told.last_number, "351234567890123");
        }
        assert_int_equal(run_segments(PORT_FOLLOWED, "id=2620112", "34567890;x", 0).numbers, 1);
        assert_int_equal(run_segments(PORT_FOLLOWED, "id=2620112", "34567890;x", 3).numbers, 0); /* others stood between them */
        assert_int_equal(run_segments(PORT_FOLLOWED, "id=2620112", ";34567890x", 0).numbers, 0);
        assert_int_equal(run_segments(PORT_FOLLOWED, "id=1234567890", "12345678901;x", 0).numbers, 0); /* longer than any */
}

static void packed_numbers_are_looked_for_where_nobody_knows_the_protocol(void **state)
{
        (void)state;
        static const char login[] = "\x78\x78\x71\x03\x56\x93\x80\x35\x64\x38\x09";
        struct told told = run_segments(9999, login, "x", 0);
        assert_int_equal(told.packed, 1);
        assert_memory_equal(told.last_number, login + 3, 8);
        assert_int_equal(run_segments(PORT_FOLLOWED, login, "x", 0).packed, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sctp_is_offered_until_somebody_claims_it),
                cmocka_unit_test(sctp_that_nobody_claims_is_settled),
                cmocka_unit_test(datagrams_are_followed_as_long_as_they_come),
                cmocka_unit_test(nothing_of_ndpi_stays_when_a_dissector_claims_later),
                cmocka_unit_test(what_came_in_gtpu_is_said_to_be_a_devices_own),
                cmocka_unit_test(a_flow_once_seen_in_gtpu_stays_a_devices_own),
                cmocka_unit_test(numbers_in_clear_are_told),
                cmocka_unit_test(a_number_may_be_split_over_two_segments),
                cmocka_unit_test(packed_numbers_are_looked_for_where_nobody_knows_the_protocol),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
