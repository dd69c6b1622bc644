/* gtp.unknown_teid: a node tries tunnels that nobody set up. On the user plane twenty and more within a minute, on the control plane
 * (Modify, Delete and their like) ten and more that were answered by "context not found".
 *
 * Not each unknown tunnel is one that nobody set up: what was set up before the sensor began, or while it lost packets, lives on for days.
 * Of each is decided by itself. It was set up when signalling told it, up to an hour after its end; when a flow through it is answered;
 * when it is used for ten minutes and its node does not object; when its end was announced (End Marker). It was not when the node answers
 * by an Error Indication (TS 29.281, 7.3.1). What is left is undecided: it counts, unless the sensor is blind to the sender, having seen
 * signalling for less than twelve hours without a hole, or having learned tunnels of the sender's by their use alone. Then only those
 * count whose inner address is in another of them too, since a device has one tunnel or two; or, of a sender that signalling does not know,
 * those that stand one behind the other.
 *
 * A node that restarted, or denies tunnels that were in use, has lost all it had: nothing that is sent to it counts for an hour. Denials
 * may be forged: once a session that it had before them is served still, by an answered flow or request, they are not believed, nor others
 * for an hour. Nothing counts where no signalling is seen, nor refusals within ten minutes of a hole.
 *
 * Left out: attempts of the control plane whose answers are not seen; packets that carry no IP, unless an Error Indication tells of
 * them. Nothing is kept over a restart of the sensor. */
#include "base/apart.h"
#include "judge/detectors/detectors.h"

#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#define HASH_FUNCTION(key, length, hash) ((hash) = (unsigned)XXH3_64bits_withSeed(key, length, seed))
#include <uthash.h>

#include "base/hash_seed.h"
#include "base/wide_memory.h"
#include "judge/judge_state.h"

static uint64_t seed;

enum { SWEEP_LIMIT = 1024, KEPT = 64, USER_LEAST = 20, CONTROL_LEAST = 10, MINUTE_S = 60, GRACE_S = 12 * 3600, SETTLED_S = 600,
       RESTART_S = 3600, STEADY_S = 600, LEARNED_LEAST = 3, DENIERS = 64, DENIALS_LEAST = 3, DENIAL_S = 300, TUNNEL_SETS = 32768,
       TUNNEL_WAYS = 4, NEAR = 4, PLACE_S = 10 };

static const int64_t SECOND = 1000000000;

#define SAID(name) APNWATCH__V1__SIGNALLING__##name

/* What is known of a tunnel that signalling did not tell. */
enum tunnel_state { TUNNEL_SEEN, TUNNEL_LIVE, TUNNEL_ACCUSED };
struct tunnel {
        uint64_t hash; /* 0: none */
        uint32_t first_s, last_s;
        enum tunnel_state state;
};

enum sweep_plane { PLANE_USER, PLANE_CONTROL };

/* What a node tried lately. */
struct sweep {
        struct sweep_key {
                struct address source;
                uint32_t context, plane;
        } key;
        struct address gateway; /* of the last attempt */
        struct attempt {
                uint64_t key;
                uint64_t mark; /* user plane: hash of the inner address, 0: of nobody; control: sequence number */
                int64_t time_ns;
                uint64_t frame;
                uint32_t file;
                bool is_refused, is_told;
                bool is_current; /* control plane: of a session that lives, no attempt at all */
                int64_t told_ns; /* of that session: when signalling spoke of it before; 0: not asked */
        } attempts[KEPT];
        uint64_t there;         /* a bit for each attempt that counts */
        int64_t placed_ns;      /* when touch_sweep() gave it its place in the order */
        unsigned next, learned; /* learned: tunnels of its that signalling did not tell, and that live */
        bool is_sure, is_met;   /* met: again since it was placed */
        UT_hash_handle hh;
};

/* A node that does not know what it had. */
struct denier {
        struct address node;
        int64_t first_ns, lost_ns; /* lost: the last denial for which that is believed; 0: it is not */
        int64_t since_ns, alive_ns; /* the first of those denials; when they were shown to be false */
        unsigned count;
};

struct sweep_state {
        int64_t visible_ns;     /* since when there is signalling; 0: none was seen */
        struct sweep *sweeps;   /* by sender and plane, as they were placed; see longest_silent() */
        unsigned sweep_count;
        struct tunnel (*tunnels)[TUNNEL_WAYS]; /* NULL: none was met yet */
        struct denier deniers[DENIERS];
        unsigned next_denier, denier_count;
        int64_t denied_ns;      /* when one was last believed to have lost all */
        uint64_t sweeps_dropped, tunnels_dropped;
};

static void *create(struct judge *judge)
{
        (void)judge;
        if (seed == 0)
                seed = hash_seed();
        return calloc(1, sizeof(struct sweep_state));
}

static void destroy(void *context)
{
        struct sweep_state *state = context;
        struct sweep *sweep, *next;
        if (state == NULL)
                return;
        HASH_ITER(hh, state->sweeps, sweep, next) {
                HASH_DEL(state->sweeps, sweep); /* NOLINT: uthash unlinks; the analyser does not see it */
                free(sweep);
        }
        wide_memory_give(state->tunnels, TUNNEL_SETS * sizeof *state->tunnels);
        free(state);
}

static void on_binding(struct judge *judge, void *context, const struct binding_change *change)
{
        struct sweep_state *state = context;
        (void)judge;
        if (state->visible_ns == 0)
                state->visible_ns = change->time_ns;
}

static uint64_t tunnel_hash(uint16_t context, const struct address *node, uint32_t teid)
{
        uint64_t hash = XXH3_64bits_withSeed(node, sizeof *node, (uint64_t)context << 32 | teid);
        return hash ? hash : 1;
}

/* The place of a tunnel; a new one takes that of the one that was met longest ago. NULL: no memory. */
static struct tunnel *meet_tunnel(struct sweep_state *state, uint64_t hash, uint32_t second)
{
        if (state->tunnels == NULL && (state->tunnels = wide_memory_take(TUNNEL_SETS * sizeof *state->tunnels)) == NULL)
                return NULL;
        struct tunnel *set = state->tunnels[hash % TUNNEL_SETS], *place = &set[0];
        for (unsigned i = 0; i < TUNNEL_WAYS; i++) {
                if (set[i].hash == hash)
                        return &set[i];
                if (set[i].hash == 0 || (place->hash != 0 && set[i].last_s < place->last_s))
                        place = &set[i];
        }
        state->tunnels_dropped += place->hash != 0;
        *place = (struct tunnel){.hash = hash, .first_s = second, .last_s = second, .state = TUNNEL_SEEN};
        return place;
}

/* The order of a uthash table is that of insertion. */
static void go_behind(struct sweep_state *state, struct sweep *sweep)
{
        HASH_DEL(state->sweeps, sweep);
        HASH_ADD(hh, state->sweeps, key, sizeof sweep->key, sweep);
}

/* Many senders of one message each pass through all places within a second, sooner than touch_sweep() renews that of one that goes on.
 * So who was met since it was placed goes behind once more. A mark, no time: what was held back is told at one time of the clock. */
static struct sweep *longest_silent(struct sweep_state *state)
{
        for (struct sweep *head = state->sweeps; head->is_met; head = state->sweeps) {
                head->is_met = false;
                go_behind(state, head);
        }
        return state->sweeps;
}

/* A new one, or one at another place. */
static APART struct sweep *place_sweep(struct sweep_state *state, struct sweep *sweep, const struct sweep_key *key)
{
        if (sweep != NULL) {
                go_behind(state, sweep);
                return sweep;
        }
        if (state->sweep_count >= SWEEP_LIMIT) {
                sweep = longest_silent(state);
                HASH_DEL(state->sweeps, sweep);
                memset(sweep, 0, sizeof *sweep);
                state->sweeps_dropped++;
        } else {
                if ((sweep = calloc(1, sizeof *sweep)) == NULL)
                        return NULL;
                state->sweep_count++;
        }
        sweep->key = *key;
        HASH_ADD(hh, state->sweeps, key, sizeof sweep->key, sweep);
        return sweep;
}

/* Who is met again goes behind, now and then; at once where the clock went back. `make`: where there is none yet. An answer, which makes
 * none, is no meeting: each request has one, and who asked once would pass for one that goes on. */
static struct sweep *touch_sweep(struct sweep_state *state, const struct address *source, uint16_t context, enum sweep_plane plane,
                                 bool make, int64_t now_ns)
{
        struct sweep_key key = {*source, context, plane};
        struct sweep *sweep;
        HASH_FIND(hh, state->sweeps, &key, sizeof key, sweep);
        bool is_due = sweep ? now_ns - sweep->placed_ns >= PLACE_S * SECOND || now_ns < sweep->placed_ns : make;
        if (!is_due && sweep != NULL)
                sweep->is_met |= make;
        if (!is_due || (sweep = place_sweep(state, sweep, &key)) == NULL)
                return sweep;
        sweep->placed_ns = now_ns;
        sweep->is_met = false;
        return sweep;
}

static struct attempt *find_attempt(struct sweep *sweep, uint64_t key)
{
        for (uint64_t left = sweep->there; left != 0; left &= left - 1) {
                struct attempt *attempt = &sweep->attempts[__builtin_ctzll(left)];
                if (attempt->key == key)
                        return attempt;
        }
        return NULL;
}

static uint64_t bit_of(const struct sweep *sweep, const struct attempt *attempt)
{
        return UINT64_C(1) << (attempt - sweep->attempts);
}

static struct attempt *add_attempt(struct sweep *sweep, uint64_t key, uint64_t mark, const event_t *event, int64_t time_ns)
{
        struct attempt *attempt = find_attempt(sweep, key);
        if (attempt != NULL && time_ns - attempt->time_ns <= MINUTE_S * SECOND) {
                if (attempt->mark == 0)
                        attempt->mark = mark;
                return attempt;
        }
        if (attempt == NULL) {
                attempt = &sweep->attempts[sweep->next];
                sweep->next = (sweep->next + 1) % KEPT;
        }
        *attempt = (struct attempt){.key = key, .mark = mark, .time_ns = time_ns, .frame = event->has_file_frame ? event->file_frame : 0,
                                    .file = event->file};
        sweep->there |= bit_of(sweep, attempt);
        return attempt;
}

static struct denier *find_denier(struct sweep_state *state, const struct address *node)
{
        for (unsigned i = 0; i < state->denier_count; i++)
                if (state->deniers[i].first_ns > 0 && address_equal(&state->deniers[i].node, node))
                        return &state->deniers[i];
        return NULL;
}

/* What was denied though it was there, a few times: the node has lost the rest too. */
static void note_denial(struct sweep_state *state, const struct address *node, int64_t now_ns)
{
        struct denier *denier = find_denier(state, node);
        if (denier == NULL) {
                denier = &state->deniers[state->next_denier];
                state->next_denier = (state->next_denier + 1) % DENIERS;
                state->denier_count += state->denier_count < DENIERS;
                *denier = (struct denier){.node = *node, .first_ns = now_ns};
        }
        if (denier->alive_ns > 0 && now_ns - denier->alive_ns <= RESTART_S * SECOND)
                return;
        if (now_ns - denier->first_ns > DENIAL_S * SECOND || now_ns < denier->first_ns) {
                denier->first_ns = now_ns;
                denier->count = 0;
        }
        if (++denier->count < DENIALS_LEAST)
                return;
        if (denier->lost_ns == 0 || now_ns - denier->lost_ns > RESTART_S * SECOND)
                denier->since_ns = denier->first_ns;
        denier->lost_ns = state->denied_ns = now_ns;
}

static bool is_any_denier_believed(const struct sweep_state *state, int64_t now_ns)
{
        return state->denied_ns > 0 && now_ns - state->denied_ns <= RESTART_S * SECOND;
}

/* It serves a session since `start_ns` of which nothing was said since `told_ns`. */
static void note_service(struct sweep_state *state, const struct address *node, int64_t told_ns, int64_t start_ns, int64_t now_ns)
{
        struct denier *denier = find_denier(state, node);
        if (denier == NULL || denier->lost_ns == 0 || told_ns == 0 || told_ns >= denier->since_ns || start_ns <= denier->since_ns)
                return;
        denier->lost_ns = denier->count = 0;
        denier->alive_ns = now_ns;
}

static bool has_lost_all(const struct judge *judge, struct sweep_state *state, const struct address *node)
{
        int64_t since_ns = judge->clock_ns - RESTART_S * SECOND;
        const struct denier *denier = find_denier(state, node);
        return (denier != NULL && denier->lost_ns > 0 && denier->lost_ns >= since_ns) || bindings_peer_restarted(judge->bindings, node, since_ns);
}

/* A minute around the newest. */
struct minute {
        const struct attempt *members[KEPT];
        unsigned count, refused, odd; /* odd: refused, or of a device that has another of them */
        bool is_dense;
};

static void look_at(struct minute *minute, const struct sweep *sweep, int64_t time_ns)
{
        unsigned near = 0;
        *minute = (struct minute){.count = 0};
        for (uint64_t left = sweep->there; left != 0; left &= left - 1) {
                const struct attempt *attempt = &sweep->attempts[__builtin_ctzll(left)];
                int64_t apart_ns = attempt->time_ns > time_ns ? attempt->time_ns - time_ns : time_ns - attempt->time_ns;
                if (attempt->is_current || apart_ns > MINUTE_S * SECOND)
                        continue;
                bool is_shared = false, is_near = false;
                for (unsigned k = 0; k < minute->count; k++) {
                        const struct attempt *other = minute->members[k];
                        is_shared |= attempt->mark != 0 && other->mark == attempt->mark;
                        is_near |= attempt->key - other->key + NEAR <= 2 * NEAR;
                }
                minute->members[minute->count++] = attempt;
                minute->refused += attempt->is_refused;
                minute->odd += attempt->is_refused || is_shared;
                near += is_near;
        }
        minute->is_dense = 4 * near >= 3 * minute->count;
}

struct sweep_draft {
        const struct judge *judge;
        const struct sweep *sweep;
        const struct attempt *attempt;
        const struct minute *minute;
        Apnwatch__V1__Detail detail;
        Apnwatch__V1__Peer peer;
        Apnwatch__V1__Evidence evidence, *evidences[1];
        char source[ADDRESS_TEXT_SIZE], gateway[ADDRESS_TEXT_SIZE];
};

static char *plane_text(const struct sweep *sweep)
{
        return (char *)(sweep->key.plane == PLANE_USER ? "user" : "control");
}

static void fill_alert(void *context, Apnwatch__V1__Alert *alert)
{
        struct sweep_draft *draft = context;
        const struct sweep *sweep = draft->sweep;
        apnwatch__v1__detail__init(&draft->detail);
        apnwatch__v1__peer__init(&draft->peer);
        alert->title = (char *)(sweep->key.plane == PLANE_USER ? "Packets for tunnels that nobody set up"
                                                               : "Control plane messages for sessions that nobody set up");
        alert->policy = draft->judge->policy ? (char *)draft->judge->policy->digest : NULL;
        draft->peer.ip = (char *)address_text(&sweep->key.source, draft->source);
        alert->peer = &draft->peer;
        draft->detail.plane = plane_text(sweep);
        draft->detail.gateway = (char *)address_text(&sweep->gateway, draft->gateway);
        draft->detail.has_teids = true;
        draft->detail.teids = draft->minute->count;
        draft->detail.has_refused = draft->minute->refused > 0;
        draft->detail.refused = draft->minute->refused;
        alert->detail = &draft->detail;
        if (draft->attempt->frame == 0)
                return;
        apnwatch__v1__evidence__init(&draft->evidence);
        draft->evidence.file = (char *)run_input(&draft->judge->run, draft->attempt->file);
        draft->evidence.has_frame = true;
        draft->evidence.frame = draft->attempt->frame;
        draft->evidences[0] = &draft->evidence;
        alert->evidence = draft->evidences;
        alert->n_evidence = 1;
}

static void report(struct judge *judge, const struct sweep *sweep, const struct attempt *attempt, const struct minute *minute,
                   enum circumstance circumstance, const event_t *event)
{
        struct sweep_draft draft = {.judge = judge, .sweep = sweep, .attempt = attempt, .minute = minute};
        char source[ADDRESS_TEXT_SIZE];
        struct finding finding = {.circumstance = circumstance, .scope = APNWATCH__V1__ALERT__SCOPE__DEVICE,
                                  .peer = address_text(&sweep->key.source, source), .object = plane_text(sweep),
                                  .subject = sweep->key.context, .time_ns = attempt->time_ns, .last_ns = attempt->time_ns,
                                  .counts = !attempt->is_told, .every_time = true, .has_frame = attempt->frame != 0,
                                  .file = attempt->file, .frame = attempt->frame, .draft = fill_alert, .context = &draft};
        finding.possible_only = circumstance == UNKNOWN_TEIDS && bindings_are_of_node(judge->bindings, &sweep->key.source);
        alert_book_report(judge->book, &finding, event);
}

/* When it last lost what it was to see; 0: never. */
static int64_t blind_until(const struct judge *judge)
{
        return judge->hole_ns > judge->loss_ns ? judge->hole_ns : judge->loss_ns;
}

static bool is_sweep(const struct judge *judge, const struct sweep_state *state, const struct sweep *sweep, const struct minute *minute)
{
        int64_t blind_ns = blind_until(judge);
        int64_t seen_ns = judge->clock_ns - (blind_ns > state->visible_ns ? blind_ns : state->visible_ns);
        if (sweep->key.plane == PLANE_CONTROL)
                return minute->refused >= CONTROL_LEAST;
        if (minute->odd >= USER_LEAST)
                return true;
        if (minute->count < USER_LEAST || sweep->learned >= LEARNED_LEAST)
                return false;
        return seen_ns >= GRACE_S * SECOND ||
               (minute->is_dense && seen_ns >= SETTLED_S * SECOND && !bindings_are_of_node(judge->bindings, &sweep->key.source));
}

static void accuse(struct judge *judge, struct sweep_state *state, struct sweep *sweep, const struct minute *minute,
                   enum circumstance circumstance, const event_t *event)
{
        bool is_surer = circumstance != UNKNOWN_TEIDS && !sweep->is_sure;
        for (unsigned i = 0; i < minute->count; i++) {
                struct attempt *attempt = (struct attempt *)minute->members[i];
                if (attempt->is_told && !(is_surer && i == 0))
                        continue;
                report(judge, sweep, attempt, minute, circumstance, event);
                attempt->is_told = true;
                uint64_t hash = tunnel_hash((uint16_t)sweep->key.context, &sweep->gateway, (uint32_t)attempt->key);
                struct tunnel *tunnel = sweep->key.plane == PLANE_USER ? meet_tunnel(state, hash, 0) : NULL;
                if (tunnel == NULL)
                        continue;
                tunnel->state = TUNNEL_ACCUSED;
                tunnel->last_s = (uint32_t)(attempt->time_ns / SECOND);
        }
        sweep->is_sure |= circumstance != UNKNOWN_TEIDS;
}

static void weigh(struct judge *judge, struct sweep_state *state, struct sweep *sweep, const struct attempt *newest, const event_t *event)
{
        struct minute minute;
        look_at(&minute, sweep, newest->time_ns);
        if (!is_sweep(judge, state, sweep, &minute) || has_lost_all(judge, state, &sweep->gateway) ||
            has_lost_all(judge, state, &sweep->key.source))
                return;
        enum circumstance circumstance = UNKNOWN_CONTROL_TEIDS;
        if (sweep->key.plane == PLANE_USER)
                circumstance = minute.refused >= USER_LEAST || minute.is_dense ? UNKNOWN_TEIDS_SURELY : UNKNOWN_TEIDS;
        accuse(judge, state, sweep, &minute, circumstance, event);
}

/* One end of a tunnel, and who sent into it. */
struct use {
        struct address source, gateway;
        uint32_t teid;
        uint64_t inner;             /* hash of the device's address; 0: one that many have */
        int64_t first_ns, last_ns;
};

/* It lives, though signalling did not tell it. */
static void learn(struct judge *judge, struct sweep_state *state, uint16_t context, const struct use *use, bool by_use)
{
        if (bindings_know(judge->bindings, context, BINDING_USER_TEID, &use->gateway, use->teid) != BINDING_NOBODYS)
                return;
        struct tunnel *tunnel = meet_tunnel(state, tunnel_hash(context, &use->gateway, use->teid), (uint32_t)(use->first_ns / SECOND));
        if (tunnel == NULL)
                return;
        tunnel->last_s = (uint32_t)(use->last_ns / SECOND);
        if (tunnel->state == TUNNEL_LIVE)
                return;
        tunnel->state = TUNNEL_LIVE;
        struct sweep *sweep = touch_sweep(state, &use->source, context, PLANE_USER, true, judge->clock_ns);
        struct attempt *attempt = sweep ? find_attempt(sweep, use->teid) : NULL;
        if (attempt != NULL)
                sweep->there &= ~bit_of(sweep, attempt);
        if (sweep != NULL && by_use)
                sweep->learned++;
}

static void take_use(struct judge *judge, struct sweep_state *state, uint16_t context, const struct use *use, const event_t *event)
{
        uint32_t first_s = (uint32_t)(use->first_ns / SECOND), last_s = (uint32_t)(use->last_ns / SECOND);
        if (!bindings_are_visible(judge->bindings) ||
            bindings_know(judge->bindings, context, BINDING_USER_TEID, &use->gateway, use->teid) != BINDING_NOBODYS)
                return;
        struct tunnel *tunnel = meet_tunnel(state, tunnel_hash(context, &use->gateway, use->teid), first_s);
        if (tunnel == NULL || tunnel->state == TUNNEL_LIVE || (tunnel->state == TUNNEL_ACCUSED && first_s <= tunnel->last_s + MINUTE_S))
                return;
        struct sweep *sweep = touch_sweep(state, &use->source, context, PLANE_USER, true, judge->clock_ns);
        const struct attempt *known = sweep ? find_attempt(sweep, use->teid) : NULL;
        if (tunnel->state == TUNNEL_SEEN && last_s >= tunnel->first_s + STEADY_S && !(known && known->is_refused)) {
                learn(judge, state, context, use, true);
                return;
        }
        tunnel->last_s = last_s;
        if (sweep == NULL)
                return;
        sweep->gateway = use->gateway;
        const struct attempt *attempt = add_attempt(sweep, use->teid, use->inner, event, use->first_ns);
        if (!attempt->is_told)
                weigh(judge, state, sweep, attempt, event);
}

static int64_t moment_of(const struct judge *judge, const event_t *event)
{
        return event->has_time && event->time < JUDGE_TIME_LIMIT ? (int64_t)event->time : judge->clock_ns;
}

/* Router solicitations and their like have addresses that many have. */
static uint64_t inner_hash(const struct address *device)
{
        static const struct prefix link_local = {{{0xfe, 0x80}}, 10};
        if (address_is_unspecified(device) || prefix_contains(&link_local, device))
                return 0;
        return XXH3_64bits(device, sizeof *device) | 1;
}

/* What it is sent by this tunnel is answered. */
static void note_answered(const struct judge *judge, struct sweep_state *state, uint16_t context, const struct use *use)
{
        if (is_any_denier_believed(state, judge->clock_ns))
                note_service(state, &use->gateway, bindings_told_ns(judge->bindings, context, BINDING_USER_TEID, &use->gateway, use->teid),
                             use->first_ns, judge->clock_ns);
}

/* The flow's first packet went from `tunnel_source` to `tunnel_destination`, the opener's way. Where the opening was not seen, the only
 * way there was. */
static APART void take_flow(struct judge *judge, struct sweep_state *state, const struct sighting *s)
{
        const Apnwatch__V1__Flow *flow = s->flow;
        struct address device;
        struct use use = {.first_ns = (int64_t)flow->start, .last_ns = (int64_t)flow->last};
        bool both = flow->packets_up > 0 && flow->packets_down > 0;
        bool is_unseen = flow->opener == APNWATCH__V1__FLOW__OPENER__UNSEEN;
        bool is_up = flow->opener == APNWATCH__V1__FLOW__OPENER__DEVICE || (is_unseen && flow->packets_down == 0);
        if ((!flow->has_teid_up && !flow->has_teid_down) || flow->start >= JUDGE_TIME_LIMIT || flow->last >= JUDGE_TIME_LIMIT ||
            !address_from_bytes(flow->device.data, flow->device.len, &device) ||
            !address_from_bytes(flow->tunnel_source.data, flow->tunnel_source.len, &use.source) ||
            !address_from_bytes(flow->tunnel_destination.data, flow->tunnel_destination.len, &use.gateway))
                return;
        use.inner = inner_hash(&device);
        struct use back = use;
        back.source = use.gateway;
        back.gateway = use.source;
        use.teid = is_up ? flow->teid_up : flow->teid_down;
        back.teid = is_up ? flow->teid_down : flow->teid_up;
        if (!both && (is_up ? flow->has_teid_up : flow->has_teid_down))
                take_use(judge, state, s->key.context, &use, s->event);
        if (!both || (is_unseen && flow->teid_up == flow->teid_down))
                return;
        for (unsigned turn = 0; turn < (is_unseen ? 2U : 1U); turn++) { /* unseen: which way is which is not known */
                learn(judge, state, s->key.context, &use, true);
                note_answered(judge, state, s->key.context, &use);
                note_answered(judge, state, s->key.context, &back);
                if (back.teid != 0)
                        learn(judge, state, s->key.context, &back, true);
                uint32_t teid = use.teid;
                use.teid = back.teid;
                back.teid = teid;
        }
}

/* It came through the tunnel that its session has, and went back through the one that was met before. */
static bool is_usual(const struct sighting *s)
{
        const Apnwatch__V1__Flow *flow = s->flow;
        struct tunnel_memory *memory = &s->device->tunnel;
        if (!s->is_usual)
                return false;
        bool is_met = !flow->has_teid_down || (memory->back_is_live && memory->back == flow->teid_down);
        if (flow->packets_up > 0 && flow->packets_down > 0 && flow->has_teid_down) {
                memory->back = flow->teid_down;
                memory->back_is_live = true;
        }
        return is_met;
}

static SELDOM void take_packet(struct judge *judge, struct sweep_state *state, const struct sighting *s)
{
        struct address device;
        const Apnwatch__V1__Tunnel *tunnel = s->event->tunnel;
        int64_t time_ns = moment_of(judge, s->event);
        struct use use = {.teid = tunnel->teid, .first_ns = time_ns, .last_ns = time_ns};
        if (!address_from_bytes(tunnel->source.data, tunnel->source.len, &use.source) ||
            !address_from_bytes(tunnel->destination.data, tunnel->destination.len, &use.gateway) ||
            !address_from_bytes(s->flow->device.data, s->flow->device.len, &device))
                return;
        use.inner = inner_hash(&device);
        take_use(judge, state, s->key.context, &use, s->event);
}

static void on_event(struct judge *judge, void *context, struct sighting *s)
{
        struct sweep_state *state = context;
        if (state->visible_ns == 0)
                return;
        if (s->event->body_case != APNWATCH__V1__EVENT__BODY_FLOW_NEWS)
                take_packet(judge, state, s);
        else if (!is_usual(s) || is_any_denier_believed(state, judge->clock_ns))
                take_flow(judge, state, s);
}

static bool may_refuse(const struct judge *judge, const struct sweep_state *state)
{
        int64_t blind_ns = blind_until(judge);
        return state->visible_ns != 0 && (blind_ns == 0 || judge->clock_ns - blind_ns >= SETTLED_S * SECOND);
}

/* Its node does not know the tunnel: stale when it was in use, else somebody tried it. */
static void take_refusal(struct judge *judge, struct sweep_state *state, uint16_t context, const struct use *use, const event_t *event)
{
        if (bindings_doubt_tunnel(judge->bindings, context, &use->gateway, use->teid, &use->source, judge->clock_ns)) {
                note_denial(state, &use->gateway, judge->clock_ns);
                return;
        }
        if (!may_refuse(judge, state) ||
            bindings_know(judge->bindings, context, BINDING_USER_TEID, &use->gateway, use->teid) != BINDING_NOBODYS)
                return;
        struct tunnel *tunnel = meet_tunnel(state, tunnel_hash(context, &use->gateway, use->teid), (uint32_t)(use->first_ns / SECOND));
        if (tunnel != NULL && tunnel->state == TUNNEL_LIVE) {
                note_denial(state, &use->gateway, judge->clock_ns);
                return;
        }
        struct sweep *sweep = touch_sweep(state, &use->source, context, PLANE_USER, true, judge->clock_ns);
        if (sweep == NULL)
                return;
        sweep->gateway = use->gateway;
        struct attempt *attempt = add_attempt(sweep, use->teid, use->inner, event, use->first_ns);
        if (attempt->is_refused)
                return;
        attempt->is_refused = true;
        weigh(judge, state, sweep, attempt, event);
}

static APART void take_notice(struct judge *judge, struct sweep_state *state, uint16_t context, const event_t *event)
{
        const Apnwatch__V1__TunnelNotice *notice = event->tunnel_notice;
        int64_t time_ns = moment_of(judge, event);
        struct use use = {.teid = notice->teid, .first_ns = time_ns, .last_ns = time_ns};
        bool is_end = notice->kind == APNWATCH__V1__TUNNEL_NOTICE__KIND__END_MARKER;
        const ProtobufCBinaryData *sender = is_end ? &notice->source : &notice->destination;
        if (!address_from_bytes(notice->node.data, notice->node.len, &use.gateway) ||
            !address_from_bytes(sender->data, sender->len, &use.source))
                return;
        if (is_end && state->visible_ns != 0)
                learn(judge, state, context, &use, false);
        else if (!is_end)
                take_refusal(judge, state, context, &use, event);
}

static bool speaks_of_a_session(const Apnwatch__V1__Signalling *said)
{
        switch (said->procedure) {
        case SAID(PROCEDURE__MODIFY): case SAID(PROCEDURE__DELETE): case SAID(PROCEDURE__BEARER): case SAID(PROCEDURE__BEARER_DELETE):
        case SAID(PROCEDURE__RELEASE): case SAID(PROCEDURE__NOTIFY):
                return said->protocol <= SAID(PROTOCOL__PFCP) && said->has_sequence;
        default:
                return false;
        }
}

static APART void take_request(struct judge *judge, struct sweep_state *state, uint16_t context, const event_t *event)
{
        const Apnwatch__V1__Signalling *said = event->signalling;
        enum binding_plane plane = said->protocol == SAID(PROTOCOL__PFCP) ? BINDING_SEID : BINDING_CONTROL_TEID;
        struct address source, gateway;
        if (!said->has_key || said->key == 0 || !address_from_bytes(said->source.data, said->source.len, &source) ||
            !address_from_bytes(said->destination.data, said->destination.len, &gateway))
                return;
        enum binding_tenure tenure = bindings_know(judge->bindings, context, plane, &gateway, said->key);
        struct sweep *sweep = tenure != BINDING_FORMER ? touch_sweep(state, &source, context, PLANE_CONTROL, true, judge->clock_ns) : NULL;
        if (sweep == NULL)
                return;
        struct attempt *attempt = add_attempt(sweep, said->key, said->sequence, event, judge->clock_ns);
        if (!attempt->is_refused)
                attempt->mark = said->sequence;
        attempt->is_current = tenure == BINDING_CURRENT;
        attempt->told_ns = 0;
        if (attempt->is_current && is_any_denier_believed(state, judge->clock_ns))
                attempt->told_ns = bindings_told_ns(judge->bindings, context, plane, &gateway, said->key);
}

static APART void take_answer(struct judge *judge, struct sweep_state *state, uint16_t context, const event_t *event)
{
        const Apnwatch__V1__Signalling *said = event->signalling;
        struct address source, gateway;
        bool is_refused = signalling_says_not_found(said);
        if (!address_from_bytes(said->destination.data, said->destination.len, &source) ||
            !address_from_bytes(said->source.data, said->source.len, &gateway))
                return;
        struct sweep *sweep = touch_sweep(state, &source, context, PLANE_CONTROL, false, judge->clock_ns);
        struct attempt *attempt = NULL;
        for (uint64_t left = sweep ? sweep->there : 0; left != 0 && attempt == NULL; left &= left - 1) {
                struct attempt *held = &sweep->attempts[__builtin_ctzll(left)];
                if (held->mark == said->sequence && judge->clock_ns - held->time_ns <= MINUTE_S * SECOND)
                        attempt = held;
        }
        if (attempt == NULL)
                return;
        if (is_refused && attempt->is_current)
                note_denial(state, &gateway, judge->clock_ns);
        else if (attempt->is_current)
                note_service(state, &gateway, attempt->told_ns, attempt->time_ns, judge->clock_ns);
        if ((!is_refused && !attempt->is_refused) || attempt->is_current)
                sweep->there &= ~bit_of(sweep, attempt); /* it is known there, or was */
        if (!is_refused || !(sweep->there & bit_of(sweep, attempt)) || attempt->is_refused || !may_refuse(judge, state))
                return;
        attempt->is_refused = true;
        sweep->gateway = gateway;
        weigh(judge, state, sweep, attempt, event);
}

static void on_network(struct judge *judge, void *context, const event_t *event)
{
        struct sweep_state *state = context;
        uint16_t of = (uint16_t)(event->flow ? event->flow->context : 0);
        if (event->body_case == APNWATCH__V1__EVENT__BODY_TUNNEL_NOTICE)
                take_notice(judge, state, of, event);
        else if (state->visible_ns == 0)
                state->visible_ns = judge->clock_ns;
        if (event->body_case != APNWATCH__V1__EVENT__BODY_SIGNALLING || !speaks_of_a_session(event->signalling))
                return;
        if (event->signalling->phase == SAID(PHASE__RESPONSE))
                take_answer(judge, state, of, event);
        else
                take_request(judge, state, of, event);
}

static void counters(void *context, void (*add)(void *context, const char *name, uint64_t value), void *to)
{
        const struct sweep_state *state = context;
        add(to, "judge.gtp.sweeps_dropped", state->sweeps_dropped);
        add(to, "judge.gtp.tunnels_dropped", state->tunnels_dropped);
}

const struct detector teid_sweep_detector = {
        .name = "teid_sweep",
        .wants = DETECTOR_WANTS(FLOW_NEWS) | DETECTOR_WANTS(TUNNEL) | DETECTOR_WANTS(SIGNALLING) | DETECTOR_WANTS(TUNNEL_NOTICE),
        .view = AS_TOLD,
        .create = create,
        .destroy = destroy,
        .on_event = on_event,
        .on_network = on_network,
        .on_binding = on_binding,
        .counters = counters,
};
