/* MQTT 3.1.1 (OASIS, 2014) and 5.0 (2019). */
#include <string.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"

enum {
        CONNECT = 0x10,
        CONNACK = 0x20,
        PUBLISH = 0x30,
        PUBACK = 0x40,
        SUBSCRIBE = 0x82,
        SUBACK = 0x90,
        PINGREQ = 0xc0,
        PINGRESP = 0xd0,
        DISCONNECT = 0xe0
};

static void put_text(struct bytes *b, const char *text)
{
        bytes_be16(b, (uint16_t)strlen(text));
        bytes_text(b, text);
}

/* Fixed header with the remaining length as a variable byte integer, in front of `body`. */
static void send_packet(struct conversation *c, enum direction direction, uint8_t type, const void *body, size_t length)
{
        struct bytes *b = &c->traffic->scratch;
        size_t rest = length;
        bytes_clear(b);
        bytes_u8(b, type);
        do {
                bytes_u8(b, (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0)));
                rest >>= 7;
        } while (rest > 0);
        bytes_put(b, body, length);
        conversation_send(c, direction, b->data, b->length);
}

void mqtt_connect(struct conversation *c, unsigned version, const char *client)
{
        static const uint8_t accepted[] = {0, 0, 0};
        struct bytes body = {0};
        put_text(&body, "MQTT");
        bytes_u8(&body, (uint8_t)version);
        bytes_u8(&body, 0x02); /* clean start */
        bytes_be16(&body, 900);
        if (version == 5)
                bytes_u8(&body, 0);
        put_text(&body, client);
        send_packet(c, UP, CONNECT, body.data, body.length);
        tell_label(c, &(struct label_fact){.label = "MQTT", .visibility = FACT_READABLE});
        bytes_free(&body);
        send_packet(c, DOWN, CONNACK, accepted, version == 5 ? 3 : 2);
}

void mqtt_publish(struct conversation *c, unsigned version, enum direction direction, const char *topic, const char *payload,
                  unsigned qos)
{
        struct bytes body = {0};
        uint16_t id = (uint16_t)(1 + random_below(&c->traffic->random, 65535));
        put_text(&body, topic);
        if (qos > 0)
                bytes_be16(&body, id);
        if (version == 5)
                bytes_u8(&body, 0);
        bytes_text(&body, payload);
        send_packet(c, direction, (uint8_t)(PUBLISH | qos << 1), body.data, body.length);
        bytes_free(&body);
        if (qos == 0)
                return;
        struct packet *published = c->latest;
        uint8_t acknowledged[2] = {(uint8_t)(id >> 8), (uint8_t)id};
        send_packet(c, direction == UP ? DOWN : UP, PUBACK, acknowledged, sizeof(acknowledged));
        c->latest = published;
}

void mqtt_subscribe(struct conversation *c, unsigned version, const char *topic)
{
        struct bytes body = {0};
        bytes_be16(&body, 1);
        if (version == 5)
                bytes_u8(&body, 0);
        put_text(&body, topic);
        bytes_u8(&body, 0);
        send_packet(c, UP, SUBSCRIBE, body.data, body.length);
        bytes_clear(&body);
        bytes_be16(&body, 1);
        if (version == 5)
                bytes_u8(&body, 0);
        bytes_u8(&body, 0);
        send_packet(c, DOWN, SUBACK, body.data, body.length);
        bytes_free(&body);
}

void mqtt_ping(struct conversation *c)
{
        send_packet(c, UP, PINGREQ, NULL, 0);
        send_packet(c, DOWN, PINGRESP, NULL, 0);
}

void mqtt_disconnect(struct conversation *c)
{
        send_packet(c, UP, DISCONNECT, NULL, 0);
        conversation_close(c, UP);
}
