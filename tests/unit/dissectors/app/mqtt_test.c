#include "dissectors/app/mqtt.h"
#include "dissectors/app/mqtt_message.h"
#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/test.h"

/* CONNECT, 29 bytes: MQTT, level 4, user name, clean session, keep alive 60, client "tracker-7", user "u" */
static const uint8_t connect_packet[] = {0x10, 0x18, 0, 4, 'M', 'Q', 'T', 'T', 4, 0x82, 0, 60, 0, 9, 't', 'r', 'a', 'c', 'k', 'e',
                                         'r', '-', '7', 0, 1, 'u'};
/* Level 5, property session expiry interval 10, client "c5" */
static const uint8_t connect_5[] = {0x10, 0x14, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 60, 5, 0x11, 0, 0, 0, 10, 0, 2, 'c', '5'};
static const uint8_t connect_31[] = {0x10, 0x10, 0, 6, 'M', 'Q', 'I', 's', 'd', 'p', 3, 2, 0, 60, 0, 2, 'c', '3'};
static const uint8_t connack[] = {0x20, 2, 0, 0};

/* PUBLISH of `text` to `topic`, with packet id when `quality` > 0, with version 5's (`alias`) properties when `alias` >= 0. */
static size_t publish(uint8_t *out, unsigned quality, const char *topic, int alias, const char *text)
{
        size_t topic_length = strlen(topic), text_length = strlen(text), at = 0;
        size_t length = 2 + topic_length + (quality ? 2 : 0) + (alias < 0 ? 0 : alias == 0 ? 1 : 4) + text_length;
        out[at++] = (uint8_t)(0x30 | quality << 1);
        out[at++] = (uint8_t)(0x80 | (length & 0x7f));
        out[at++] = (uint8_t)(length >> 7);
        out[at++] = 0;
        out[at++] = (uint8_t)topic_length;
        memcpy(out + at, topic, topic_length);
        at += topic_length;
        if (quality > 0) {
                out[at++] = 0;
                out[at++] = 1;
        }
        if (alias == 0) {
                out[at++] = 0;
        } else if (alias > 0) {
                out[at++] = 3;
                out[at++] = 0x23;
                out[at++] = 0;
                out[at++] = (uint8_t)alias;
        }
        memcpy(out + at, text, text_length);
        return at + text_length;
}

static void packets_are_read_field_by_field(void **state)
{
        (void)state;
        struct mqtt_header header;
        struct mqtt_connect c;
        struct mqtt_publish p;
        struct cursor at = cursor_of(connect_packet, sizeof connect_packet);
        assert_int_equal(mqtt_parse_header(&at, &header), DISSECT_OK);
        assert_int_equal(header.type, MQTT_CONNECT);
        assert_int_equal(header.length, 24);
        assert_int_equal(mqtt_parse_connect(&at, &c), DISSECT_OK);
        assert_int_equal(c.version, 4);
        assert_int_equal(c.keep_alive_s, 60);
        assert_true(c.has_user && !c.has_password && !c.has_will);
        assert_int_equal(cursor_left(&c.client), 9);
        assert_memory_equal(c.client.at, "tracker-7", 9);
        at = cursor_of(connect_5 + 2, sizeof connect_5 - 2);
        assert_int_equal(mqtt_parse_connect(&at, &c), DISSECT_OK);
        assert_int_equal(c.version, 5);
        assert_memory_equal(c.client.at, "c5", 2);
        at = cursor_of(connect_31 + 2, sizeof connect_31 - 2);
        assert_int_equal(mqtt_parse_connect(&at, &c), DISSECT_OK);
        assert_int_equal(c.version, 3);

        uint8_t packet[64];
        at = cursor_of(packet, publish(packet, 1, "a/b", 9, "hello"));
        assert_int_equal(mqtt_parse_header(&at, &header), DISSECT_OK);
        assert_int_equal(header.flags, 2);
        assert_int_equal(mqtt_parse_publish(&header, 5, &at, &p), DISSECT_OK);
        assert_memory_equal(p.topic.at, "a/b", 3);
        assert_int_equal(p.alias, 9);
        assert_int_equal(p.head_length, 11);
        assert_int_equal(cursor_left(&at), 5);
}

static void every_shorter_connect_is_truncated(void **state)
{
        (void)state;
        for (size_t length = 0; length < sizeof connect_packet - 3; length++) {
                uint8_t *copy = malloc(length ? length : 1);
                struct mqtt_header header;
                struct mqtt_connect c;
                memcpy(copy, connect_packet, length);
                struct cursor at = cursor_of(copy, length);
                enum dissect_result result = mqtt_parse_header(&at, &header);
                if (result == DISSECT_OK)
                        result = mqtt_parse_connect(&at, &c);
                assert_int_equal(result, DISSECT_TRUNCATED);
                free(copy);
        }
}

static void odd_packets_are_told_apart(void **state)
{
        (void)state;
        static const struct {
                uint8_t bytes[8], length;
                enum dissect_result result;
        } odd[] = {
                {{0x00, 0}, 2, DISSECT_NO_MATCH},
                {{0x36, 5}, 2, DISSECT_NO_MATCH},            /* quality 3 */
                {{0x80, 5}, 2, DISSECT_NO_MATCH},            /* SUBSCRIBE with flags 0 */
                {{0xc0, 1}, 2, DISSECT_NO_MATCH},            /* PINGREQ with a body */
                {{0xc0, 0}, 2, DISSECT_OK},
                {{0x30, 0xff, 0xff, 0xff, 0xff}, 5, DISSECT_MALFORMED},
                {{0x30, 0xff, 0xff, 0xff}, 4, DISSECT_TRUNCATED},
                {{0x30, 0xff, 0xff, 0xff, 0x7f}, 5, DISSECT_OK},
                {{0x10, 3}, 2, DISSECT_NO_MATCH},
                {{0x20, 2}, 2, DISSECT_OK},
        };
        for (unsigned i = 0; i < sizeof odd / sizeof odd[0]; i++) {
                struct mqtt_header header;
                struct cursor at = cursor_of(odd[i].bytes, odd[i].length);
                assert_int_equal(mqtt_parse_header(&at, &header), odd[i].result);
        }
        uint8_t copy[sizeof connect_packet];
        struct mqtt_connect c;
        memcpy(copy, connect_packet, sizeof copy);
        copy[8] = 6; /* a version that is none */
        struct cursor at = cursor_of(copy + 2, sizeof copy - 2);
        assert_int_equal(mqtt_parse_connect(&at, &c), DISSECT_NO_MATCH);
        copy[8] = 4;
        copy[9] = 0x38; /* will flags without a will */
        at = cursor_of(copy + 2, sizeof copy - 2);
        assert_int_equal(mqtt_parse_connect(&at, &c), DISSECT_MALFORMED);
        copy[5] = 'X';
        at = cursor_of(copy + 2, sizeof copy - 2);
        assert_int_equal(mqtt_parse_connect(&at, &c), DISSECT_NO_MATCH);
}

static const char json[] = "{\"lat\":52.5167,\"lon\":13.4125}";

static void every_publish_of_the_device_is_followed(void **state)
{
        (void)state;
        for (size_t cut = 1; cut < 40; cut += 3) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 9999);
                uint8_t packet[256];
                fake_sense_send(sense, FROM_OPENER, connect_packet, sizeof connect_packet);
                assert_string_equal(sense->label, "MQTT");
                fake_sense_send(sense, TO_OPENER, connack, sizeof connack);
                for (unsigned i = 0; i < 50; i++) {
                        size_t length = publish(packet, i % 3, "fleet/7/pos", -1, json);
                        fake_sense_send(sense, FROM_OPENER, packet, cut < length ? cut : length);
                        if (cut < length)
                                fake_sense_send(sense, FROM_OPENER, packet + cut, length - cut);
                        fake_sense_send(sense, TO_OPENER, packet, length); /* what the broker sends is not the device's */
                }
                assert_int_equal(sense->event_count, 50);
                const Apnwatch__V1__Position *p = sense->events[49]->position;
                assert_string_equal(p->carrier, "MQTT");
                assert_string_equal(p->topic, "fleet/7/pos");
                assert_string_equal(p->device_id, "tracker-7");
                assert_string_equal(p->family, "JSON");
                fake_sense_close(sense);
        }
}

static void a_topic_alias_stands_for_its_topic(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 1883);
        uint8_t packet[256];
        fake_sense_send(sense, FROM_OPENER, connect_5, sizeof connect_5);
        fake_sense_send(sense, FROM_OPENER, packet, publish(packet, 0, "a/b", 4, "no position here"));
        fake_sense_send(sense, FROM_OPENER, packet, publish(packet, 0, "", 4, json));
        fake_sense_send(sense, FROM_OPENER, packet, publish(packet, 0, "c", 0, json));
        assert_int_equal(sense->event_count, 2);
        assert_string_equal(sense->events[0]->position->topic, "a/b");
        assert_string_equal(sense->events[1]->position->topic, "c");
        fake_sense_close(sense);
}

static void large_packets_are_skipped_and_gaps_survived(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 1883);
        uint8_t packet[256];
        static const uint8_t large[] = {0x30, 0xa0, 0x8d, 0x06, 0, 1, 't'}; /* 100000 bytes */
        size_t length = publish(packet, 0, "t", -1, json);
        fake_sense_send(sense, FROM_OPENER, connect_packet, sizeof connect_packet);
        fake_sense_send(sense, FROM_OPENER, large, sizeof large);
        fake_sense_lose(sense, FROM_OPENER, 100000 - 3);
        fake_sense_send(sense, FROM_OPENER, packet, length);
        assert_int_equal(sense->event_count, 1);
        fake_sense_lose(sense, FROM_OPENER, 10);
        fake_sense_text(sense, FROM_OPENER, "the rest of a packet whose front is lost");
        fake_sense_send(sense, FROM_OPENER, packet, length);
        assert_int_equal(sense->event_count, 2);
        fake_sense_close(sense);
}

static void who_is_mine_is_certain(void **state)
{
        (void)state;
        uint8_t packet[256];
        size_t length = publish(packet, 1, "t/x", -1, json);
        struct dissection d = {.source_port = 1883, .destination_port = 40000};
        struct cursor at = cursor_of(packet, length);
        assert_int_equal(mqtt_dissector.recognise(&d, &at), MINE);
        at = cursor_of(packet, length - 1);
        assert_int_equal(mqtt_dissector.recognise(&d, &at), NOT_MINE);
        d.source_port = 1884;
        at = cursor_of(packet, length);
        assert_int_equal(mqtt_dissector.recognise(&d, &at), NOT_MINE);
        at = cursor_of(connect_packet, 10);
        assert_int_equal(mqtt_dissector.recognise(&d, &at), PERHAPS);
        at = cursor_of("\x10\x20hello this is no connect at all..", 36);
        assert_int_equal(mqtt_dissector.recognise(&d, &at), NOT_MINE);
        at = cursor_of("\xe0\x00", 2);
        d.source_port = 1883;
        assert_int_equal(mqtt_dissector.recognise(&d, &at), NOT_MINE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(packets_are_read_field_by_field),
                cmocka_unit_test(every_shorter_connect_is_truncated),
                cmocka_unit_test(odd_packets_are_told_apart),
                cmocka_unit_test(every_publish_of_the_device_is_followed),
                cmocka_unit_test(a_topic_alias_stands_for_its_topic),
                cmocka_unit_test(large_packets_are_skipped_and_gaps_survived),
                cmocka_unit_test(who_is_mine_is_certain),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
