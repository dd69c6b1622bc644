/* location.lookup: a locator or assistance service is asked, known by its own protocol (SUPL), by intel's names and
 * addresses, or by what an HTTP request asks for. One alert for each device and service. A flow that was told is met again
 * at its end, so that the alert says whether it was answered. */
#include "judge/detectors/detectors.h"

#include <stdlib.h>

#include "judge/flow_set.h"
#include "judge/judge_state.h"
#include "judge/location_rules.h"

#define LOCATE (INTEL_ONLY(INTEL_AGNSS) | INTEL_ONLY(INTEL_LOCATION))

enum { WATCHED_LIMIT = 1 << 18 };

struct lookup_state {
        struct flow_set *watched; /* flows that were told before their end */
};

static void *create(struct judge *judge)
{
        (void)judge;
        struct lookup_state *state = calloc(1, sizeof *state);
        if (state && (state->watched = flow_set_create(WATCHED_LIMIT)) == NULL) {
                free(state);
                return NULL;
        }
        return state;
}

static void destroy(void *context)
{
        struct lookup_state *state = context;
        if (state)
                flow_set_destroy(state->watched);
        free(state);
}

static enum circumstance circumstance_of(enum receiver_verdict receiver, const struct sighting *s)
{
        if (receiver == RECEIVER_ALLOWED)
                return LOOKUP_TO_ALLOWED;
        if (!s->flow->answered)
                return LOOKUP_UNANSWERED;
        return receiver == RECEIVER_FORBIDDEN ? LOOKUP_FORBIDDEN : LOOKUP_NOT_JUDGED;
}

struct lookup {
        const struct intel_row *row; /* NULL: known by its protocol alone */
        const char *protocol, *family, *path, *evidence;
        bool at_event, is_more;
};

static void tell(struct sighting *s, const struct lookup *lookup)
{
        const char *rule;
        struct draft draft;
        if (sighting_from_infrastructure(s))
                return;
        enum receiver_verdict receiver = location_receiver(s, &rule);
        if (receiver == RECEIVER_NAMED || receiver == RECEIVER_UNDETERMINED)
                return;
        draft_of_flow(&draft, s, circumstance_of(receiver, s), "Location service asked");
        if (lookup->at_event)
                draft_at_event(&draft);
        draft.rule = rule;
        draft.intel = lookup->row;
        draft.evidence = lookup->evidence;
        /* one service may be asked over several ports and protocols at once */
        draft.finding.port = 0;
        draft.finding.protocol = 0;
        draft.finding.counts = !lookup->is_more;
        if (receiver == RECEIVER_ALLOWED)
                draft_once_a_fleet(&draft);
        draft.detail.has_answered = true;
        draft.detail.answered = s->flow->answered;
        draft.detail.protocol = (char *)lookup->protocol;
        draft.detail.family = (char *)lookup->family;
        draft.detail.host = (char *)s->contact.name;
        draft.detail.path = (char *)lookup->path;
        draft_report(&draft);
}

static const char *family_of(const struct intel_row *row)
{
        return row->purpose == INTEL_AGNSS ? "A-GNSS" : "location";
}

static void on_flow(struct lookup_state *state, struct sighting *s)
{
        const Apnwatch__V1__FlowNews *news = s->event->flow_news;
        bool is_end = news->phase == APNWATCH__V1__FLOW_NEWS__PHASE__END;
        bool is_more = !news->label_final && is_end && flow_set_remove(state->watched, s->flow->id);
        bool is_dns = s->contact.peer_port == 53 || s->contact.peer_port == 853;
        if (!(news->label_final || is_more) || s->contact.opener == OPENER_PEER || is_dns)
                return;
        const struct intel_row *row = sighting_intel(s, LOCATE);
        if (row == NULL)
                return;
        tell(s, &(struct lookup){.row = row, .protocol = s->contact.label, .family = family_of(row), .is_more = is_more});
        if (!is_end)
                flow_set_add(state->watched, s->flow->id);
}

static void on_transfer(struct judge *judge, struct sighting *s)
{
        const Apnwatch__V1__Transfer *transfer = s->event->transfer;
        if (transfer->pushed || s->contact.opener == OPENER_PEER || transfer->phase != APNWATCH__V1__TRANSFER__PHASE__ENDED)
                return;
        sighting_set_name(s, transfer->host);
        const struct intel_row *row = intel_match_url(judge->settings.intel, "http", transfer->host, transfer->path, LOCATE);
        if (row && !row->weak)
                tell(s,
                     &(struct lookup){
                             .row = row, .protocol = transfer->protocol, .family = family_of(row), .path = transfer->path});
}

static void on_event(struct judge *judge, void *state, struct sighting *s)
{
        const Apnwatch__V1__Lookup *asked;
        switch (s->event->body_case) {
        case APNWATCH__V1__EVENT__BODY_FLOW_NEWS:
                on_flow(state, s);
                break;
        case APNWATCH__V1__EVENT__BODY_TRANSFER:
                on_transfer(judge, s);
                break;
        default:
                asked = s->event->lookup;
                tell(s, &(struct lookup){.row = sighting_intel(s, LOCATE),
                                         .protocol = asked->family,
                                         .family = asked->family,
                                         .evidence = asked->message,
                                         .at_event = true});
                break;
        }
}

static void on_run(void *context)
{
        struct lookup_state *state = context;
        flow_set_clear(state->watched);
}

static void counters(void *context, void (*add)(void *context, const char *name, uint64_t value), void *to)
{
        const struct lookup_state *state = context;
        add(to, "judge.lookup.watched_refused", flow_set_refused(state->watched));
}

const struct detector location_lookup_detector = {
        .name = "location.lookup",
        .wants = DETECTOR_WANTS(FLOW_NEWS) | DETECTOR_WANTS(LOOKUP) | DETECTOR_WANTS(TRANSFER),
        .view = OPENER_FIRST,
        .create = create,
        .destroy = destroy,
        .on_event = on_event,
        .on_run = on_run,
        .counters = counters,
};
