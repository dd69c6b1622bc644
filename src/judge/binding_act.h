/* What the parts of bindings share. Private to bindings.
 *
 * binding_said reads a message into numbers; binding_wait pairs requests with responses; binding_procedures says what a
 * pair, an act, does; binding_match finds the sessions that it speaks of; binding_session and binding_tunnels change them;
 * binding_lookup answers from them. */
#pragma once

#include "judge/binding_facts.h"
#include "judge/binding_past.h"
#include "judge/binding_peers.h"
#include "judge/binding_rows.h"
#include "judge/binding_sets.h"
#include "judge/binding_store.h"
#include "judge/binding_subscribers.h"
#include "judge/binding_wait.h"

#define SECOND INT64_C(1000000000)

struct bindings {
        struct bindings_settings settings;
        struct store *store;
        struct name_pool *names;
        struct wait_table *waiting;
        struct binding_peers *peers;
        struct binding_past *past;
        struct binding_rows *rows;
        struct binding_subscribers *subscribers;
        struct binding_sets *sets;
        struct binding view;                  /* of the last lookup */
        struct said *said;                    /* the message that is being taken */
        int64_t clock_ns, seen_ns;
        uint16_t renew_after;                 /* life_moments: places in the order of last use */
        struct bindings_numbers numbers;
};

/* One message, or the two halves of a transaction, being applied. */
struct act {
        struct bindings *bindings;
        const struct said *request, *response; /* one may be NULL */
        const event_t *event;
        uint16_t context;
        uint32_t file;           /* of the request */
        uint64_t file_frame;
        int64_t time_ns;
        enum binding_source source;
        bool is_late;            /* waited in vain for its other half: what was said since is newer */
};

static inline const struct said *act_said(const struct act *act)
{
        return act->request ? act->request : act->response;
}
