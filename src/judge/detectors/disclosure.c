/* identity.disclosed: IMEI, IMSI, ICCID or telephone number sent in clear, to whom. Looked for in what devices send readable: the id in a
 * position report or a tracker's login, the subscriber of a SUPL request, path and user agent of a transfer, and the snippet of any of
 * those. Where policy allows the destination it is info, once a fleet. One alert for each device, peer and kind of identity. */
#include "judge/detectors/detectors.h"

#include "judge/draft.h"
#include "judge/identity_finder.h"
#include "judge/judge_state.h"
#include "judge/location_rules.h"

struct disclosure {
        struct found_identity found;
        const char *protocol, *path;
};

static void own_identities(const struct judge *judge, const struct sighting *s, struct inventory_facts *facts, struct known_identities *own)
{
        *own = (struct known_identities){NULL, NULL, NULL};
        if (fleets_facts(judge->fleets, s->device, facts))
                *own = (struct known_identities){facts->imsi, facts->imei, facts->msisdn};
        if (!s->has_binding)
                return;
        own->imsi = s->binding.imsi[0] ? s->binding.imsi : own->imsi;
        own->imei = s->binding.imei[0] ? s->binding.imei : own->imei;
        own->msisdn = s->binding.msisdn[0] ? s->binding.msisdn : own->msisdn;
}

/* The surest of what was found before and this. */
static bool take(struct disclosure *out, bool has_any, const struct found_identity *found)
{
        if (!has_any || (found->is_sure && !out->found.is_sure))
                out->found = *found;
        return true;
}

static bool look(struct disclosure *out, bool has_any, const char *text, size_t length, const struct known_identities *own)
{
        struct found_identity found;
        return text && identity_find(text, length, own, &found) ? take(out, has_any, &found) : has_any;
}

static bool look_in_text(struct disclosure *out, bool has_any, const char *text, const struct known_identities *own)
{
        return text ? look(out, has_any, text, strlen(text), own) : has_any;
}

/* Who asks for a position gives his IMSI or number (OMA ULP, SET ID): whatever number it is, it is one. */
static bool take_subscriber(struct disclosure *out, const char *subscriber, const struct known_identities *own)
{
        enum { IMSI_LEAST = 14 };
        if (!identity_of_field(subscriber, own, &out->found) || !out->found.is_sure)
                out->found = (struct found_identity){strlen(subscriber) >= IMSI_LEAST ? IDENTITY_IMSI : IDENTITY_MSISDN, true};
        return true;
}

static bool look_in_event(const event_t *event, const struct known_identities *own, struct disclosure *out)
{
        struct found_identity found;
        bool has_any = false;
        switch (event->body_case) {
        case APNWATCH__V1__EVENT__BODY_POSITION:
                out->protocol = event->position->family;
                out->path = event->position->topic;
                if (event->position->device_id && identity_of_field(event->position->device_id, own, &found))
                        has_any = take(out, has_any, &found);
                has_any = look_in_text(out, has_any, event->position->topic, own);
                break;
        case APNWATCH__V1__EVENT__BODY_LOOKUP:
                out->protocol = event->lookup->family;
                if (event->lookup->subscriber)
                        has_any = take_subscriber(out, event->lookup->subscriber, own);
                break;
        default:
                if (event->transfer->pushed)
                        return false;
                out->protocol = event->transfer->protocol;
                out->path = event->transfer->path;
                has_any = look_in_text(out, has_any, event->transfer->path, own);
                return look_in_text(out, has_any, event->transfer->user_agent, own);
        }
        if (event->snippet)
                has_any = look(out, has_any, (const char *)event->snippet->data.data, event->snippet->data.len, own);
        return has_any;
}

static enum circumstance circumstance_of(const struct verdict *verdict, bool is_sure)
{
        bool is_allowed = verdict->kind == VERDICT_ALLOWED && verdict->reason == REASON_RULE;
        if (verdict->kind == VERDICT_UNDETERMINED || (is_allowed && !is_sure))
                return CIRCUMSTANCES;
        return is_allowed ? DISCLOSED_TO_ALLOWED : is_sure ? DISCLOSED_IDENTITY : DISCLOSED_MAYBE;
}

static void on_event(struct judge *judge, void *state, struct sighting *s)
{
        (void)state;
        struct known_identities own;
        struct inventory_facts facts;
        struct disclosure disclosure = {.protocol = NULL};
        struct draft draft;
        bool is_transfer = s->event->body_case == APNWATCH__V1__EVENT__BODY_TRANSFER;
        if (!(is_transfer || s->event->from_device) || sighting_from_infrastructure(s))
                return;
        own_identities(judge, s, &facts, &own);
        if (!look_in_event(s->event, &own, &disclosure))
                return;
        if (is_transfer)
                sighting_set_name(s, s->event->transfer->host);
        const struct verdict *verdict = sighting_verdict(s);
        enum circumstance circumstance = circumstance_of(verdict, disclosure.found.is_sure);
        if (circumstance == CIRCUMSTANCES)
                return;
        draft_of_flow(&draft, s, circumstance, "Identity readable on its way to");
        draft_at_event(&draft);
        draft.rule = verdict->rule_name;
        draft.detail.identity = (char *)identity_kind_text(disclosure.found.kind);
        draft.detail.protocol = (char *)disclosure.protocol;
        draft.detail.host = (char *)s->contact.name;
        draft.detail.path = (char *)disclosure.path;
        if (circumstance == DISCLOSED_TO_ALLOWED)
                draft_once_a_fleet(&draft);
        draft.finding.object = identity_kind_text(disclosure.found.kind);
        draft_report(&draft);
}

const struct detector disclosure_detector = {
        .name = "identity.disclosed",
        .wants = DETECTOR_WANTS(POSITION) | DETECTOR_WANTS(LOOKUP) | DETECTOR_WANTS(TRANSFER),
        .view = AS_TOLD,
        .on_event = on_event,
};
