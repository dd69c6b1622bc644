/* Signalling for tests of bindings: messages in a few words, and what listeners heard. */
#pragma once

#include "judge/bindings.h"

struct told_endpoint {
        uint8_t node;            /* 10.255.0.node */
        uint32_t key;
        bool user, of_network;
        uint8_t bearer;
        int interface;           /* 0: not said; else one more than TS 29.274's number */
};

struct told {
        int protocol, procedure, phase;
        uint8_t from, to;        /* nodes */
        uint32_t sequence, key;  /* 0: none */
        uint16_t port;           /* of the requester */
        const char *session, *node;
        int cause;               /* of a response: 0 accepted, 1 refused, else as on the wire */
        const char *imsi, *imei, *msisdn, *apn;
        uint32_t ipv4;           /* 0x0a140007 is 10.20.0.7; 0: not said */
        const char *ipv6;        /* prefix */
        unsigned ipv6_length;
        const char *rat, *plmn;
        uint64_t eci;            /* 0: not said */
        struct told_endpoint endpoints[8];
        uint8_t bearer, linked_bearer, ended_bearer;
        uint64_t recovery;       /* 0: not said */
        bool teardown;
        const char *route;       /* a network behind the device */
        uint16_t context;
        unsigned message;
        struct told_set {
                int part;
                uint8_t node;    /* 0: none */
                uint16_t id;
        } sets[3];
        uint8_t restarted, restarted_at; /* nodes; 0: not said */
        bool retains;
};

struct binding_scene {
        struct bindings *bindings;
        int64_t now_ns;
        unsigned opened, changed, closed, moved;
        enum binding_end end;    /* of the last that closed */
        uint32_t facts;          /* of the last that changed */
        char apn_before[32];
        struct binding last;     /* as the listener was told, without endpoints */
        struct binding found;    /* by scene_tunnel */
        uint64_t frames;
};

void scene_open(struct binding_scene *scene, struct bindings_settings settings);
void scene_close(struct binding_scene *scene); /* finishes, and asserts that nothing lives */
void scene_pass(struct binding_scene *scene, double seconds); /* with a tick */
void scene_say(struct binding_scene *scene, const struct told *told);
#define SAY(scene, ...) scene_say(scene, &(struct told){__VA_ARGS__})

/* Who has 10.20.0.7 written 0x0a140007 now; NULL: nobody. */
const struct binding *scene_who(struct binding_scene *scene, uint32_t ipv4);
const struct binding *scene_who_at(struct binding_scene *scene, uint32_t ipv4, int64_t time_ns);
enum tunnel_knowledge scene_tunnel(struct binding_scene *scene, uint8_t node, uint32_t teid, const struct binding **out);
