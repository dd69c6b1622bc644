/* What a device does to the tunnel that carries it: gtp.spoofed_source.
 *
 * spoofed_source: what comes out of a session's tunnel towards the network has a source address that is not the session's, nor of a
 * network behind it, nor link-local or unspecified. Not asked of an address that was changed a moment ago, nor of a tunnel that
 * was released. One alert for a SIM; it counts flows. */
#include "judge/detectors/detectors.h"

#include <stdio.h>
#include <stdlib.h>

#include "judge/judge_state.h"
#include "judge/session_draft.h"
#include "judge/uplink.h"

enum { READDRESSED_KEPT = 1024, READDRESSED_S = 30, SLACK_S = 5 };

static const int64_t SECOND = 1000000000;

struct gtp_state {
        struct readdressed {
                uint64_t session;
                int64_t time_ns;
        } readdressed[READDRESSED_KEPT]; /* sessions whose addresses changed, a ring */
        unsigned readdressed_next;
};

static void *create(struct judge *judge)
{
        (void)judge;
        return calloc(1, sizeof(struct gtp_state));
}

static void destroy(void *state)
{
        free(state);
}

static void on_binding(struct judge *judge, void *context, const struct binding_change *change)
{
        struct gtp_state *state = context;
        (void)judge;
        if (change->news != BINDING_CHANGED || (change->facts & (1U << FACT_IPV4 | 1U << FACT_IPV6)) == 0)
                return;
        state->readdressed[state->readdressed_next] = (struct readdressed){change->now->number, change->time_ns};
        state->readdressed_next = (state->readdressed_next + 1) % READDRESSED_KEPT;
}

static bool was_readdressed(const struct gtp_state *state, uint64_t session, int64_t time_ns)
{
        for (unsigned i = 0; i < READDRESSED_KEPT; i++)
                if (state->readdressed[i].session == session && state->readdressed[i].time_ns != 0 &&
                    time_ns - state->readdressed[i].time_ns < READDRESSED_S * SECOND)
                        return true;
        return false;
}

/* Who is meant, in a cause: the SIM, else the session. */
static const char *name_of(const struct binding *binding, char text[32])
{
        if (binding->imsi[0])
                return binding->imsi;
        snprintf(text, 32, "session %llu", (unsigned long long)binding->number);
        return text;
}

static void begin(struct session_draft *draft, const struct sighting *s, const struct binding *binding, enum circumstance circumstance,
                  const char *what)
{
        const Apnwatch__V1__Flow *flow = s->flow;
        session_draft_begin(draft, s->judge, binding, s->event, circumstance, what);
        draft->sighting = s;
        struct finding *finding = &draft->finding;
        finding->flow = flow->id + 1;
        finding->time_ns = (int64_t)flow->start;
        finding->last_ns = (int64_t)flow->last;
        finding->has_frame = flow->has_first_frame;
        finding->file = flow->first_file;
        finding->frame = flow->first_frame;
}

static void judge_source(struct judge *judge, const struct gtp_state *state, const struct sighting *s, const struct uplink *uplink)
{
        const struct binding *binding = &uplink->binding;
        char name[32], source[ADDRESS_TEXT_SIZE];
        struct session_draft draft;
        if (uplink->knowledge != TUNNEL_BOUND || (int64_t)s->flow->start < binding->first_ns - SLACK_S * SECOND ||
            binding_may_send(judge->bindings, binding, &uplink->source) ||
            was_readdressed(state, binding->number, (int64_t)s->flow->last))
                return;
        begin(&draft, s, binding, SPOOFED_SOURCE, "Source address that is not the session's");
        draft.finding.peer = name_of(binding, name);
        draft.detail.inner_source = (char *)address_text(&uplink->source, source);
        session_draft_report(&draft);
}

static void on_event(struct judge *judge, void *context, struct sighting *s)
{
        struct gtp_state *state = context;
        struct uplink uplink;
        if (uplink_of_flow(judge->bindings, s->flow, &uplink))
                judge_source(judge, state, s, &uplink);
}

const struct detector gtp_detector = {
        .name = "gtp",
        .wants = DETECTOR_WANTS(FLOW_NEWS),
        .view = AS_TOLD,
        .create = create,
        .destroy = destroy,
        .on_event = on_event,
        .on_binding = on_binding,
};
