/* destination.blocked, destination.lateral, access.inbound, destination.unlisted: at most one of a flow, in this order
 * (INTERFACE, "Policy"). A flow is judged once, when its label and names will not change any more. An accused flow is met
 * again at its end, so that the alert says whether it was answered and what it moved; an unanswered flow from outside
 * becomes access.inbound when an answer comes.
 *
 * Left out: indicators from feeds. Multicast, broadcast and the housekeeping of links (DHCP, mDNS, SSDP, NetBIOS, IGMP, ND,
 * MLD, errors of ICMP) are accused only when a `deny` rule lists them. */
#include "judge/detectors/detectors.h"

#include <stdlib.h>

#include "judge/draft.h"
#include "judge/flow_set.h"
#include "judge/judge_state.h"

enum { WATCHED_LIMIT = 1 << 20, ICMP = 1, IGMP = 2, UDP = 17, ICMPV6 = 58 };

struct destination_state {
        struct flow_set *watched; /* flows that were accused, or that wait for an answer */
};

static void *create(struct judge *judge)
{
        (void)judge;
        struct destination_state *state = calloc(1, sizeof *state);
        if (state && (state->watched = flow_set_create(WATCHED_LIMIT)) == NULL) {
                free(state);
                return NULL;
        }
        return state;
}

static void destroy(void *context)
{
        struct destination_state *state = context;
        if (state)
                flow_set_destroy(state->watched);
        free(state);
}

/* Errors answer what the device sent (or what was sent to it): RFC 792, RFC 4443 (types below 128). */
static bool is_icmp_error(const Apnwatch__V1__Flow *flow)
{
        if (!flow->has_icmp_type)
                return false;
        uint32_t type = flow->icmp_type;
        if (flow->protocol == ICMP)
                return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
        return flow->protocol == ICMPV6 && type < 128;
}

static bool is_link_port(uint32_t port)
{
        switch (port) {
        case 67: case 68: case 546: case 547: /* DHCP */
        case 137: case 138:                   /* NetBIOS */
        case 1900: case 5353: case 5355:      /* SSDP, mDNS, LLMNR */
                return true;
        default:
                return false;
        }
}

static bool is_link_local(const struct address *a)
{
        return address_is_ipv4(a) ? a->bytes[12] == 169 && a->bytes[13] == 254
                                  : a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

static bool is_neighbour_discovery(const Apnwatch__V1__Flow *flow)
{
        uint32_t type = flow->has_icmp_type ? flow->icmp_type : 0;
        return flow->protocol == ICMPV6 && ((type >= 130 && type <= 137) || type == 143);
}

static bool is_housekeeping(const struct sighting *s)
{
        const struct address *peer = &s->contact.peer;
        if (address_is_multicast(peer) || address_is_broadcast(peer) || address_is_unspecified(peer) ||
            address_is_unspecified(&s->key.address) || address_is_multicast(&s->key.address))
                return true;
        if (s->flow->protocol == IGMP || is_neighbour_discovery(s->flow) || is_icmp_error(s->flow))
                return true;
        if (s->flow->protocol != UDP)
                return false;
        bool is_dhcp =
                is_link_port(s->contact.peer_port) && s->contact.peer_port != 1900 && is_link_port(s->contact.device_port);
        return is_dhcp ||
               (is_link_local(peer) && (is_link_port(s->contact.peer_port) || is_link_port(s->contact.device_port)));
}

/* What a flow is accused of, or CIRCUMSTANCES. */
static enum circumstance accusation(const struct sighting *s, const struct verdict *verdict)
{
        bool answered = s->flow->answered;
        if (verdict->kind == VERDICT_DENIED)
                return answered ? BLOCKED_ANSWERED : BLOCKED_UNANSWERED;
        if (verdict->kind != VERDICT_UNLISTED || is_housekeeping(s))
                return CIRCUMSTANCES;
        if (s->peer_is_device)
                return answered ? LATERAL_ANSWERED : LATERAL_UNANSWERED;
        if (s->contact.opener == OPENER_PEER) {
                if (!answered)
                        return CIRCUMSTANCES;
                return address_is_private(&s->contact.peer) ? INBOUND_PRIVATE : INBOUND_PUBLIC;
        }
        if (verdict->reason == REASON_NAME_MISMATCH)
                return UNLISTED_NAME_MISMATCH;
        return answered ? UNLISTED_ANSWERED : UNLISTED_UNANSWERED;
}

static const char *title_of(enum finding_type type)
{
        switch (type) {
        case DESTINATION_BLOCKED: return "Destination that policy denies";
        case DESTINATION_LATERAL: return "Device to device, not allowed";
        case ACCESS_INBOUND: return "Opened a flow to the device and was answered";
        default: return "Destination that policy does not list";
        }
}

static const char *direction_text(enum contact_opener opener)
{
        return opener == OPENER_DEVICE ? "out" : opener == OPENER_PEER ? "in" : "unknown";
}

static void accuse(const struct sighting *s, const struct verdict *verdict, enum circumstance circumstance, bool is_more)
{
        struct draft draft;
        enum finding_type type = severity_of(circumstance)->type;
        draft_of_flow(&draft, s, circumstance, title_of(type));
        draft.rule = verdict->rule_name;
        draft.detail.reason = (char *)verdict_reason_text(verdict->reason);
        draft.detail.has_answered = true;
        draft.detail.answered = s->flow->answered;
        draft.detail.direction = (char *)direction_text(s->contact.opener);
        if (verdict->reason == REASON_NAME_MISMATCH && s->contact.name) {
                draft.peer_name = s->contact.name; /* what it claims is what is wrong with it */
                draft.name_source = "claimed";
                draft.finding.object = draft.peer_text;
                draft.finding.peer = draft.peer_name;
        }
        if (type == ACCESS_INBOUND) { /* one alert for whoever knocks at one port, whatever their own port is */
                draft.without_peer_port = true;
                draft.finding.port = s->contact.device_port;
        }
        draft.finding.counts = !is_more;
        draft_report(&draft);
}

static void count_blind(struct fleet_state *fleet, int64_t start_ns)
{
        if (fleet->undetermined++ == 0 || start_ns < fleet->blind_first_ns)
                fleet->blind_first_ns = start_ns;
        if (start_ns > fleet->blind_last_ns)
                fleet->blind_last_ns = start_ns;
}

static void judge_flow(struct judge *judge, struct destination_state *state, struct sighting *s, bool is_last)
{
        if (is_icmp_error(s->flow))
                return;
        struct fleet_state *fleet = fleets_at(judge->fleets, s->fleet_index);
        const struct verdict *verdict = sighting_verdict(s);
        fleet->flows++;
        if (verdict->kind == VERDICT_UNDETERMINED && !is_housekeeping(s))
                count_blind(fleet, s->contact.start_ns);
        enum circumstance circumstance = accusation(s, verdict);
        if (circumstance != CIRCUMSTANCES)
                accuse(s, verdict, circumstance, false);
        bool may_be_answered = !s->flow->answered && s->contact.opener == OPENER_PEER && verdict->kind == VERDICT_UNLISTED;
        if (!is_last && (circumstance != CIRCUMSTANCES || may_be_answered))
                flow_set_add(state->watched, s->flow->id);
}

static void meet_again(struct sighting *s)
{
        const struct verdict *verdict = sighting_verdict(s);
        enum circumstance circumstance = accusation(s, verdict);
        if (circumstance == CIRCUMSTANCES)
                return;
        bool is_new =
                severity_of(circumstance)->type == ACCESS_INBOUND; /* the answer came late; the book knows counted flows */
        accuse(s, verdict, circumstance, !is_new);
}

static void on_event(struct judge *judge, void *context, struct sighting *s)
{
        struct destination_state *state = context;
        const Apnwatch__V1__FlowNews *news = s->event->flow_news;
        bool is_last = news->phase == APNWATCH__V1__FLOW_NEWS__PHASE__END;
        if (news->label_final)
                judge_flow(judge, state, s, is_last);
        else if (is_last ? flow_set_remove(state->watched, s->flow->id) : flow_set_has(state->watched, s->flow->id))
                meet_again(s);
}

static void on_run(void *context)
{
        struct destination_state *state = context;
        flow_set_clear(state->watched);
}

static void counters(void *context, void (*add)(void *context, const char *name, uint64_t value), void *to)
{
        const struct destination_state *state = context;
        add(to, "judge.destination.watched_refused", flow_set_refused(state->watched));
}

const struct detector destination_detector = {
        .name = "destination",
        .wants = DETECTOR_WANTS(FLOW_NEWS),
        .view = OPENER_FIRST,
        .create = create,
        .destroy = destroy,
        .on_event = on_event,
        .on_run = on_run,
        .counters = counters,
};
