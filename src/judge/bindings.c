#include "judge/bindings.h"

#include <stdlib.h>
#include <string.h>

#include "judge/binding_act.h"
#include "judge/binding_procedures.h"
#include "judge/binding_session.h"

enum { SESSION_LIMIT = 1000000, IDLE_S = 24 * 3600, IDLE_MOST_S = 72 * 3600, /* MOST: life_moments wrap around after 78 h */
       WAIT_S = 30, WAIT_LIMIT = 65536, ENDED_KEPT_S = 3600, VISIBLE_S = 3600, RENEW_S = 300, RENEW_SHARE = 16 };

static const char *const source_texts[BINDING_SOURCES] = {
        [BINDING_IMPORTED] = "imported", [BINDING_S6A] = "s6a", [BINDING_RADIUS] = "radius", [BINDING_GY] = "gy", [BINDING_S6B] = "s6b",
        [BINDING_GX] = "gx", [BINDING_PFCP] = "pfcp", [BINDING_GTPV1C] = "gtpv1c", [BINDING_GTPV2C] = "gtpv2c"};

const char *binding_source_text(enum binding_source source)
{
        return source_texts[source];
}

const char *binding_end_text(enum binding_end end)
{
        static const char *const texts[] = {[BINDING_LIVE] = "", [BINDING_DELETED] = "deleted", [BINDING_REPLACED] = "replaced",
                                            [BINDING_RESTARTED] = "restarted", [BINDING_TIMED_OUT] = "timeout",
                                            [BINDING_INPUT_END] = "end_of_input", [BINDING_EVICTED] = "timeout"};
        return texts[end];
}

bool signalling_says_not_found(const Apnwatch__V1__Signalling *said)
{
        static const uint32_t causes[] = {
                [SAID(PROTOCOL__GTPV1C)] = 192, [SAID(PROTOCOL__GTPV2C)] = 64, [SAID(PROTOCOL__PFCP)] = 65, [SAID(PROTOCOL__GX)] = 5002,
                [SAID(PROTOCOL__GY)] = 5002, [SAID(PROTOCOL__S6B)] = 5002};
        return said->cause != 0 && said->protocol < sizeof causes / sizeof *causes && causes[said->protocol] == said->cause;
}

static enum binding_source source_of(const struct said *said)
{
        static const enum binding_source sources[] = {
                [SAID(PROTOCOL__GTPV1C)] = BINDING_GTPV1C, [SAID(PROTOCOL__GTPV2C)] = BINDING_GTPV2C, [SAID(PROTOCOL__PFCP)] = BINDING_PFCP,
                [SAID(PROTOCOL__RADIUS)] = BINDING_RADIUS, [SAID(PROTOCOL__GX)] = BINDING_GX, [SAID(PROTOCOL__GY)] = BINDING_GY,
                [SAID(PROTOCOL__S6A)] = BINDING_S6A, [SAID(PROTOCOL__S6B)] = BINDING_S6B};
        return sources[said->protocol];
}

struct bindings *bindings_create(const struct bindings_settings *settings)
{
        struct bindings *bindings = calloc(1, sizeof *bindings);
        if (bindings == NULL)
                return NULL;
        bindings->settings = *settings;
        if (settings->session_limit == 0)
                bindings->settings.session_limit = SESSION_LIMIT;
        if (settings->idle_s == 0)
                bindings->settings.idle_s = IDLE_S;
        else if (settings->idle_s > IDLE_MOST_S)
                bindings->settings.idle_s = IDLE_MOST_S;
        uint32_t share_s = bindings->settings.idle_s / RENEW_SHARE;
        bindings->renew_after = life_moment((share_s < RENEW_S ? share_s : RENEW_S) * SECOND);
        bindings->store = store_create(bindings->settings.session_limit);
        bindings->names = name_pool_create();
        bindings->waiting = wait_table_create(WAIT_LIMIT, (settings->wait_s ? settings->wait_s : WAIT_S) * SECOND);
        bindings->peers = binding_peers_create();
        bindings->past = binding_past_create();
        bindings->rows = binding_rows_create();
        bindings->subscribers = binding_subscribers_create();
        bindings->sets = binding_sets_create();
        bindings->said = malloc(SAID_SIZE_MOST);
        if (bindings->store == NULL || bindings->names == NULL || bindings->waiting == NULL || bindings->peers == NULL ||
            bindings->past == NULL || bindings->rows == NULL || bindings->subscribers == NULL || bindings->sets == NULL ||
            bindings->said == NULL) {
                bindings_destroy(bindings);
                return NULL;
        }
        return bindings;
}

void bindings_destroy(struct bindings *bindings)
{
        if (bindings == NULL)
                return;
        store_destroy(bindings->store);
        name_pool_destroy(bindings->names);
        wait_table_destroy(bindings->waiting);
        binding_peers_destroy(bindings->peers);
        binding_past_destroy(bindings->past);
        binding_rows_destroy(bindings->rows);
        binding_subscribers_destroy(bindings->subscribers);
        binding_sets_destroy(bindings->sets);
        free(bindings->said);
        free(bindings);
}

/* Accounting tells what is; nobody has to agree. */
static bool needs_no_answer(const struct said *said)
{
        return said->phase == SAID(PHASE__COMMAND) || !said->has_sequence ||
               (said->procedure == SAID(PROCEDURE__PATH) && !procedure_is_association(said)) ||
               (said->protocol == SAID(PROTOCOL__RADIUS) && said->message == 4);
}

void bindings_take(struct bindings *bindings, const event_t *event)
{
        struct said *said = bindings->said;
        struct wait_entry *other = NULL;
        if (event->signalling->protocol > SAID(PROTOCOL__S6B)) /* a number from a pipe may be any */
                return;
        said_read(said, event->signalling);
        struct act act = {.bindings = bindings, .event = event, .context = (uint16_t)(event->flow ? event->flow->context : 0),
                          .file = event->file, .file_frame = event->file_frame, .time_ns = (int64_t)event->clock,
                          .source = source_of(said)};
        bool answer = said->phase == SAID(PHASE__RESPONSE);
        bindings->clock_ns = bindings->seen_ns = (int64_t)event->clock;
        procedure_note_recovery(&act, said);
        if (needs_no_answer(said)) {
                if (!answer) {
                        act.request = said;
                        procedure_apply(&act);
                }
                return;
        }
        if (said->procedure == SAID(PROCEDURE__OTHER))
                return;
        store_soon(bindings->store, act.context, said);
        if (wait_table_take(bindings->waiting, said, event, act.context, &other) != WAIT_MATCHED)
                return;
        act.request = answer ? other->said : said;
        act.response = answer ? said : other->said;
        if (answer) {
                act.file = other->file;
                act.file_frame = other->file_frame;
        }
        procedure_apply(&act);
        wait_table_answered(bindings->waiting, other);
}

/* A response whose request was not seen says where; a request whose response was not seen is believed, but for a create. */
static void expire_waiting(struct bindings *bindings)
{
        struct wait_entry *entry;
        while (wait_table_expire(bindings->waiting, bindings->clock_ns, &entry)) {
                if (entry->said == NULL)
                        continue;
                struct act act = {.bindings = bindings, .context = entry->context, .file = entry->file, .file_frame = entry->file_frame,
                                  .time_ns = entry->time_ns, .source = source_of(entry->said), .is_late = true};
                if (entry->state == WAITS_FOR_REQUEST) {
                        act.response = entry->said;
                        bindings->numbers.orphans++;
                } else if (entry->said->procedure != SAID(PROCEDURE__CREATE)) {
                        act.request = entry->said;
                }
                if (act.request != NULL || act.response != NULL)
                        procedure_apply(&act);
        }
}

void bindings_tick(struct bindings *bindings, int64_t clock_ns)
{
        struct store *store = bindings->store;
        uint32_t record;
        bindings->clock_ns = clock_ns;
        expire_waiting(bindings);
        while ((record = store_oldest(store)) != STORE_NONE &&
               clock_ns - store_life(store, record)->last_ns > (int64_t)bindings->settings.idle_s * SECOND)
                session_end(bindings, record, BINDING_TIMED_OUT, NULL,
                            store_life(store, record)->last_ns + (int64_t)bindings->settings.idle_s * SECOND);
        while ((record = store_oldest_ended(store)) != STORE_NONE &&
               clock_ns - store_session(store, record)->ended_ns > (int64_t)ENDED_KEPT_S * SECOND)
                session_free(bindings, record);
}

void bindings_finish(struct bindings *bindings, int64_t clock_ns)
{
        bindings->clock_ns = INT64_MAX;
        expire_waiting(bindings);
        bindings->clock_ns = clock_ns;
        for (uint32_t record; (record = store_oldest(bindings->store)) != STORE_NONE;)
                session_end(bindings, record, BINDING_INPUT_END, NULL, clock_ns);
}

void bindings_import(struct bindings *bindings, const struct binding_row *row)
{
        binding_rows_add(bindings->rows, row);
}

bool bindings_hold_any(const struct bindings *bindings)
{
        return bindings->seen_ns != 0 || store_live(bindings->store) > 0;
}

bool bindings_are_visible(const struct bindings *bindings)
{
        return bindings->seen_ns != 0 && bindings->clock_ns - bindings->seen_ns < VISIBLE_S * SECOND;
}

bool bindings_are_of_node(const struct bindings *bindings, const struct address *address)
{
        return store_node(bindings->store, address, false) != STORE_NONE;
}

bool bindings_peer_restarted(const struct bindings *bindings, const struct address *peer, int64_t since_ns)
{
        return binding_peers_restarted_since(bindings->peers, peer, since_ns);
}

void bindings_numbers(const struct bindings *bindings, struct bindings_numbers *out)
{
        *out = bindings->numbers;
        out->sessions = store_live(bindings->store);
        out->pending = wait_table_count(bindings->waiting);
        out->pending_dropped = wait_table_dropped(bindings->waiting);
        out->bytes = store_bytes(bindings->store) + name_pool_bytes(bindings->names) +
                     binding_subscribers_bytes(bindings->subscribers) + binding_sets_bytes(bindings->sets);
        out->sets_refused = binding_sets_refused(bindings->sets);
        out->nodes_freed = store_nodes_freed(bindings->store);
        out->nodes_refused = store_nodes_refused(bindings->store);
        out->peers_forgotten = binding_peers_forgotten(bindings->peers);
}
