/* One message of GTPv2-C (3GPP TS 29.274) between a serving and a packet gateway before it has bytes: gtpv2c.c encodes it
 * for captures, signal_event.c tells it for event logs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

enum signal_message {
        ECHO_REQUESTED = 1,
        ECHO_ANSWERED = 2,
        CREATE_SESSION_REQUEST = 32,
        CREATE_SESSION_RESPONSE = 33,
        MODIFY_BEARER_REQUEST = 34,
        MODIFY_BEARER_RESPONSE = 35,
        DELETE_SESSION_REQUEST = 36,
        DELETE_SESSION_RESPONSE = 37,
        CREATE_BEARER_REQUEST = 95,
        CREATE_BEARER_RESPONSE = 96
};

/* interface types of an F-TEID, 8.22 */
enum tunnel_interface { S5_SGW_USER = 4, S5_PGW_USER = 5, S5_SGW_CONTROL = 6, S5_PGW_CONTROL = 7 };

enum radio { RADIO_EUTRAN = 6, RADIO_NB_IOT = 8, RADIO_LTE_M = 9 };

enum { SIGNAL_ACCEPTED = 16, SIGNAL_PORT = 2123 };

struct serving_cell {
        uint16_t mcc, mnc;      /* MNC of two digits */
        uint16_t tracking_area;
        uint32_t cell;          /* ECI */
};

struct tunnel_endpoint {
        uint32_t teid;          /* 0: the message has none */
        struct address address;
        uint8_t interface, instance;
};

struct signal {
        uint8_t message;
        uint8_t cause, recovery;        /* 0: absent */
        uint8_t bearer, linked_bearer;  /* 0: absent */
        uint8_t radio;                  /* 0: absent, with the cell */
        bool has_ipv4, has_ipv6;        /* what addresses are asked for, or given */
        bool is_given;                  /* else they are left to the gateway to choose */
        struct address source, destination;
        uint32_t sequence, teid;        /* `teid` of the header */
        char imsi[16], imei[17], msisdn[16]; /* "": absent */
        const char *apn, *apn_operator; /* NULL: absent */
        struct address ipv4, ipv6;
        struct serving_cell cell;
        struct tunnel_endpoint control, user[2];
        const struct signal *piggyback; /* in the same datagram; signal_queue copies it */
};

struct bytes;
struct traffic;

/* Message, and what rides on it. */
void signal_encode(const struct signal *signal, struct bytes *out);

/* Copies. */
void signal_queue(struct traffic *traffic, const struct signal *signal, int64_t time_ns);

