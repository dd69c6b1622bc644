/* MQTT 3.1, 3.1.1 and 5.0 control packets (OASIS mqtt-v3.1.1-os, mqtt-v5.0-os; MQTT V3.1 of IBM and Eurotech). Pure. */
#pragma once

#include "dissectors/dissector.h"

enum mqtt_type {
        MQTT_CONNECT = 1, MQTT_CONNACK, MQTT_PUBLISH, MQTT_PUBACK, MQTT_PUBREC, MQTT_PUBREL, MQTT_PUBCOMP, MQTT_SUBSCRIBE,
        MQTT_SUBACK, MQTT_UNSUBSCRIBE, MQTT_UNSUBACK, MQTT_PINGREQ, MQTT_PINGRESP, MQTT_DISCONNECT, MQTT_AUTH
};

struct mqtt_header {
        uint8_t type, flags;
        uint32_t length;       /* of what follows the fixed header */
};

/* The fixed header (2.2), consumed. NO_MATCH: flags that the type cannot have, or a length that it cannot have. */
enum dissect_result mqtt_parse_header(struct cursor *cursor, struct mqtt_header *out);

struct mqtt_connect {
        uint8_t version;       /* 3: 3.1, 4: 3.1.1, 5: 5.0 */
        struct cursor client;  /* may be empty */
        uint16_t keep_alive_s;
        bool has_user, has_password, has_will;
};

/* Variable header and client id of CONNECT (3.1), from behind the fixed header. */
enum dissect_result mqtt_parse_connect(struct cursor *body, struct mqtt_connect *out);

struct mqtt_publish {
        struct cursor topic;   /* empty with version 5 and a topic alias */
        uint16_t alias;        /* 0: none */
        size_t head_length;    /* topic, packet id, properties: the payload follows */
};

/* Variable header of PUBLISH (3.3); the payload stays. TRUNCATED: the body's bytes here end before the payload begins. */
enum dissect_result mqtt_parse_publish(const struct mqtt_header *header, uint8_t version, struct cursor *body,
                                       struct mqtt_publish *out);
