/* A judge on trial: hand-built events in, the alerts that it gave out. */
#pragma once

#include "judge/judge.h"
#include "judge/report.h"

enum { COURT_ALERTS = 256 };

struct court {
        struct judge_settings settings;
        struct policy *policy;
        struct intel *intel;
        struct inventory *inventory;
        struct judge *judge;
        Apnwatch__V1__Alert *alerts[COURT_ALERTS];
        unsigned count;
        uint64_t next_flow, frame;
        char types[2048];
};

/* Seconds are counted from this moment: Sunday 2026-03-01 00:00:00 UTC. */
#define COURT_EPOCH_S INT64_C(1772323200)
#define COURT_NS(seconds) ((COURT_EPOCH_S + (int64_t)(seconds)) * 1000000000)

/* Each may be NULL. `intel` is one YAML file's text, `inventory` CSV. */
struct court *court_open(const char *policy, const char *intel, const char *inventory);
void court_close(struct court *court);

struct court_flow {
        const char *device, *peer;
        uint32_t protocol;                /* 0: TCP */
        uint32_t device_port, peer_port;
        Apnwatch__V1__Flow__Opener opener; /* UNSEEN is 0: say DEVICE */
        bool unanswered, peer_is_device;
        const char *label, *application, *name;
        Apnwatch__V1__Flow__LabelSource label_source; /* 0: DISSECTOR when there is a label */
        bool is_host;                     /* the name is a Host header */
        uint32_t tls_version;
        double start_s, last_s;           /* since COURT_EPOCH_S */
        uint32_t last_up_s;               /* likewise; 0: not said */
        uint64_t bytes_up, payload_down;
        int icmp_type;                    /* -1 and for other protocols: absent */
        uint64_t id;                      /* 0: a new one */
        uint32_t context, tap;
        uint32_t teid_up, teid_down;      /* 0: none */
        const char *tunnel_source, *tunnel_destination; /* NULL: none */
};

#define OUT APNWATCH__V1__FLOW__OPENER__DEVICE
#define IN APNWATCH__V1__FLOW__OPENER__PEER
#define UNSEEN APNWATCH__V1__FLOW__OPENER__UNSEEN

/* A flow that was told as it ended (label final). Its number. */
uint64_t court_flow(struct court *court, const struct court_flow *flow);

/* One piece of news. */
uint64_t court_news(struct court *court, const struct court_flow *flow, Apnwatch__V1__FlowNews__Phase phase,
                    bool label_final);

/* Any other body in the flow. */
void court_event(struct court *court, const struct court_flow *flow, event_t *event, double at_s, bool from_device);

/* The device asks its resolver (10.0.0.53) for `name` and gets `address`; `alias`: a CNAME in between, or NULL. */
void court_dns(struct court *court, const char *device, const char *name, const char *alias, const char *address,
               uint32_t ttl, double at_s);

/* Ticks every ten minutes up to the moment. */
void court_wait(struct court *court, double until_s);

/* Finishes and gives the types of all alerts in the order told, joined by blanks. */
const char *court_types(struct court *court);

/* The only alert of the type; fails when there is none or more. */
const Apnwatch__V1__Alert *court_alert(const struct court *court, const char *type);

/* A session as GTPv2-C on S5 tells of it: serving gateway 10.66.0.1, packet gateway 10.66.0.2. NULL: not said. */
struct court_session {
        const char *imsi, *imei, *ip;
        const char *apn;                  /* NULL: "meters.example" */
        const char *plmn;                 /* "262-01" */
        uint64_t cell;                    /* ECI; 0: none. In tracking area `area` */
        uint32_t area;
        uint32_t teid;                    /* of both planes at the packet gateway; at the serving one 0x10000 more */
        double at_s;
};

/* It begins, is accepted; the same is now in another cell; ends. */
void court_attach(struct court *court, const struct court_session *session);
void court_move(struct court *court, const struct court_session *session);
void court_detach(struct court *court, const struct court_session *session);
void court_account(struct court *court, const struct court_session *session); /* RADIUS: the SIM has the address; nothing of tunnels */

/* One message of it, filled in before it is sent. */
void court_signalling(struct court *court, Apnwatch__V1__Signalling *signalling, double at_s);
