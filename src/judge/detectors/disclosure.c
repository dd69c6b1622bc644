/* identity.disclosed: IMEI, IMSI, ICCID or telephone number sent in clear, to whom. Looked for in what devices send readable: the id in a
 * position report, what a device says of itself, the subscriber of a SUPL request, path and user agent of a transfer, the snippet of any
 * of those, and in whatever else sense found a number that is long enough. Where policy allows the destination it is info, once a fleet.
 * One alert for each device, peer and kind of identity. */
#include "judge/detectors/detectors.h"

#include "base/text.h"
#include "judge/draft.h"
#include "judge/identity_finder.h"
#include "judge/judge_state.h"
#include "judge/location_rules.h"

struct disclosure {
        struct found_identities found;
        const char *protocol, *path;
};

static void own_identities(const struct judge *judge, const struct sighting *s, struct inventory_facts *facts, struct known_identities *own)
{
        *own = (struct known_identities){NULL, NULL, NULL};
        if (fleets_facts(judge->fleets, s->device, facts))
                *own = (struct known_identities){facts->imsi, facts->imei, facts->msisdn};
        const struct binding *binding = sighting_binding(s);
        if (binding == NULL)
                return;
        own->imsi = binding->imsi[0] ? binding->imsi : own->imsi;
        own->imei = binding->imei[0] ? binding->imei : own->imei;
        own->msisdn = binding->msisdn[0] ? binding->msisdn : own->msisdn;
}

static void look(struct disclosure *out, const char *text, const struct known_identities *own)
{
        if (text)
                identity_find(text, strlen(text), own, &out->found);
}

static void look_in_snippet(struct disclosure *out, const Apnwatch__V1__Snippet *snippet, const struct known_identities *own)
{
        if (snippet)
                identity_find((const char *)snippet->data.data, snippet->data.len, own, &out->found);
}

static void look_at_number(struct disclosure *out, const event_t *event, const struct known_identities *own)
{
        const ProtobufCBinaryData *data = &event->snippet->data;
        size_t at = event->snippet->offset;
        if (!event->clear_number->packed)
                identity_find_at((const char *)data->data, data->len, at, own, &out->found);
        else if (data->len >= TEXT_PACKED_BYTES && at <= data->len - TEXT_PACKED_BYTES)
                identity_of_packed(data->data + at, own, &out->found);
}

/* Who asks for a position gives his IMSI or number (OMA ULP, SET ID): whatever number it is, it is one. */
static void take_subscriber(struct disclosure *out, const char *subscriber, const struct known_identities *own)
{
        enum { IMSI_LEAST = 14 };
        identity_of_field(subscriber, own, &out->found);
        if (out->found.sure == 0)
                out->found.sure = 1U << (strlen(subscriber) >= IMSI_LEAST ? IDENTITY_IMSI : IDENTITY_MSISDN);
}

static void take_self_report(struct disclosure *out, const Apnwatch__V1__SelfReport *report)
{
        const char *said[IDENTITY_KINDS] = {[IDENTITY_IMEI] = report->imei, [IDENTITY_IMSI] = report->imsi,
                                            [IDENTITY_ICCID] = report->iccid, [IDENTITY_MSISDN] = report->msisdn};
        for (unsigned kind = 0; kind < IDENTITY_KINDS; kind++)
                if (said[kind])
                        out->found.sure |= 1U << kind;
        out->protocol = report->protocol;
        out->path = report->path;
}

static void look_in_event(const event_t *event, const struct known_identities *own, struct disclosure *out)
{
        switch (event->body_case) {
        case APNWATCH__V1__EVENT__BODY_POSITION:
                out->protocol = event->position->family;
                out->path = event->position->topic;
                if (event->position->device_id)
                        identity_of_field(event->position->device_id, own, &out->found);
                look(out, event->position->topic, own);
                look_in_snippet(out, event->snippet, own);
                break;
        case APNWATCH__V1__EVENT__BODY_LOOKUP:
                out->protocol = event->lookup->family;
                if (event->lookup->subscriber)
                        take_subscriber(out, event->lookup->subscriber, own);
                else
                        look_in_snippet(out, event->snippet, own);
                break;
        case APNWATCH__V1__EVENT__BODY_SELF_REPORT:
                take_self_report(out, event->self_report);
                break;
        case APNWATCH__V1__EVENT__BODY_CLEAR_NUMBER:
                out->protocol = event->flow->label;
                if (event->snippet)
                        look_at_number(out, event, own);
                break;
        default:
                out->protocol = event->transfer->protocol;
                out->path = event->transfer->path;
                if (!event->transfer->pushed) {
                        look(out, event->transfer->path, own);
                        look(out, event->transfer->user_agent, own);
                }
        }
}

static enum circumstance circumstance_of(const struct verdict *verdict, bool is_sure)
{
        bool is_allowed = verdict->kind == VERDICT_ALLOWED && verdict->reason == REASON_RULE;
        if (verdict->kind == VERDICT_UNDETERMINED || (is_allowed && !is_sure))
                return CIRCUMSTANCES;
        return is_allowed ? DISCLOSED_TO_ALLOWED : is_sure ? DISCLOSED_IDENTITY : DISCLOSED_MAYBE;
}

static void tell(const struct sighting *s, const struct disclosure *disclosure, const struct verdict *verdict, enum identity_kind kind,
                 bool is_sure)
{
        struct draft draft;
        enum circumstance circumstance = circumstance_of(verdict, is_sure);
        if (circumstance == CIRCUMSTANCES)
                return;
        draft_of_flow(&draft, s, circumstance, "Identity readable on its way to");
        draft_at_event(&draft);
        draft.rule = verdict->rule_name;
        draft.detail.identity = (char *)identity_kind_text(kind);
        draft.detail.protocol = (char *)disclosure->protocol;
        draft.detail.host = (char *)s->contact.name;
        draft.detail.path = (char *)disclosure->path;
        if (circumstance == DISCLOSED_TO_ALLOWED)
                draft_once_a_fleet(&draft);
        draft.finding.object = identity_kind_text(kind);
        draft_report(&draft);
}

/* Nodes of the core tell each other identities all day; a number alone does not make them devices. */
static bool is_of_device(const struct sighting *s)
{
        return s->owner || s->fleet != NULL || s->flow->has_teid_up || sighting_is_device_side(s);
}

static void on_event(struct judge *judge, void *state, struct sighting *s)
{
        (void)state;
        struct known_identities own;
        struct inventory_facts facts;
        struct disclosure disclosure = {.protocol = NULL};
        bool is_transfer = s->event->body_case == APNWATCH__V1__EVENT__BODY_TRANSFER;
        bool is_number = s->event->body_case == APNWATCH__V1__EVENT__BODY_CLEAR_NUMBER;
        if (!(is_transfer || s->event->from_device) || sighting_from_infrastructure(s) || (is_number && !is_of_device(s)))
                return;
        own_identities(judge, s, &facts, &own);
        look_in_event(s->event, &own, &disclosure);
        if ((disclosure.found.sure | disclosure.found.maybe) == 0)
                return;
        if (is_transfer)
                sighting_set_name(s, s->event->transfer->host);
        const struct verdict *verdict = sighting_verdict(s);
        for (unsigned kind = 0; kind < IDENTITY_KINDS; kind++) {
                bool is_sure = disclosure.found.sure >> kind & 1;
                if (is_sure || (disclosure.found.maybe >> kind & 1))
                        tell(s, &disclosure, verdict, (enum identity_kind)kind, is_sure);
        }
}

const struct detector disclosure_detector = {
        .name = "identity.disclosed",
        .wants = DETECTOR_WANTS(POSITION) | DETECTOR_WANTS(LOOKUP) | DETECTOR_WANTS(TRANSFER) | DETECTOR_WANTS(CLEAR_NUMBER) |
                 DETECTOR_WANTS(SELF_REPORT),
        .view = AS_TOLD,
        .on_event = on_event,
};
