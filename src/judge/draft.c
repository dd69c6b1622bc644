#include "judge/draft.h"

#include <stdio.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "judge/attribution.h"
#include "judge/judge_state.h"
#include "model/community_id.h"

struct message_parts {
        Apnwatch__V1__Device device;
        Apnwatch__V1__Peer peer;
        Apnwatch__V1__AlertFlow flow;
        Apnwatch__V1__Time start;
        Apnwatch__V1__Evidence evidence, *evidences[1];
        char device_text[ADDRESS_TEXT_SIZE], protocol_text[8], app_text[128], community_text[COMMUNITY_ID_SIZE], title[512];
        struct inventory_facts facts;
        struct geo_facts geo;
        char plmn[BINDING_PLACE_SIZE], cell[BINDING_PLACE_SIZE];
};

static const char *protocol_text(uint32_t protocol, char text[8])
{
        switch (protocol) {
        case 1: return "icmp";
        case 6: return "tcp";
        case 17: return "udp";
        case 47: return "gre";
        case 50: return "esp";
        case 58: return "icmpv6";
        case 132: return "sctp";
        default: snprintf(text, 8, "%u", protocol & 0xff); return text;
        }
}

/* Of the addresses as they were on the wire: NAT64 is not unwrapped. */
static const char *community_text(const Apnwatch__V1__Flow *flow, char text[COMMUNITY_ID_SIZE])
{
        struct address from, to;
        uint32_t from_port = flow->device_port, to_port = flow->peer_port;
        bool by_peer = flow->opener == APNWATCH__V1__FLOW__OPENER__PEER;
        if (!address_from_bytes(flow->device.data, flow->device.len, &from) ||
            !address_from_bytes(flow->peer.data, flow->peer.len, &to))
                return NULL;
        if (flow->has_icmp_type) { /* of the first packet, which the opener sent */
                from_port = flow->icmp_type;
                to_port = flow->icmp_code;
                if (by_peer)
                        return community_id_text(&to, &from, (uint16_t)from_port, (uint16_t)to_port, (uint8_t)flow->protocol,
                                                 text);
        }
        return community_id_text(&from, &to, (uint16_t)from_port, (uint16_t)to_port, (uint8_t)flow->protocol, text);
}

static char *first_known(const char *seen, const char *listed)
{
        return (char *)(seen && seen[0] ? seen : listed);
}

/* What signalling told wins over what is listed: that they differ is a finding of its own. */
static void fill_who(const struct sighting *s, struct message_parts *parts, Apnwatch__V1__Device *device)
{
        const struct inventory_facts *facts = &parts->facts;
        const struct binding *binding = sighting_binding(s);
        device->imsi = first_known(binding ? binding->imsi : NULL, facts->imsi);
        device->imei = first_known(binding ? binding->imei : NULL, facts->imei);
        device->msisdn = first_known(binding ? binding->msisdn : NULL, facts->msisdn);
        device->apn = first_known(binding ? binding->apn : NULL, first_known(facts->apn, attribution_apn(s->judge, s->key.context)));
        if (binding == NULL)
                return;
        device->rat = (char *)binding->rat;
        device->plmn = first_known(binding_plmn_text(&binding->plmn, parts->plmn), NULL);
        device->cell = first_known(binding_place_text(&binding->cell, parts->cell), NULL);
}

/* By the inventory, else the TAC, else what the device says of itself. */
static void fill_make(const struct sighting *s, const struct inventory_facts *facts, Apnwatch__V1__Device *device)
{
        const struct intel_tac *tac = device->imei ? intel_tac(s->judge->settings.intel, device->imei) : NULL;
        const struct said_make said = self_report_make(s->judge->self_reports, s->device);
        device->model = (char *)(facts->model ? facts->model : tac ? tac->model : said.model);
        if (facts->vendor) {
                device->vendor = (char *)facts->vendor;
                device->vendor_source = (char *)"inventory";
        } else if (tac) {
                device->vendor = (char *)tac->vendor;
                device->vendor_source = (char *)"tac";
        } else if (said.vendor) {
                device->vendor = (char *)said.vendor;
                device->vendor_source = (char *)"device";
                device->vendor_protocol = (char *)said.protocol;
        }
}

static void fill_device(const struct draft *draft, struct message_parts *parts, Apnwatch__V1__Alert *alert)
{
        const struct sighting *s = draft->sighting;
        const struct judge *judge = s->judge;
        Apnwatch__V1__Device *device = &parts->device;
        apnwatch__v1__device__init(device);
        device->ip = (char *)address_text(&s->key.address, parts->device_text);
        if (s->key.context != 0)
                device->context = (char *)run_context(&judge->run, s->key.context);
        if (!fleets_facts(judge->fleets, s->device, &parts->facts))
                memset(&parts->facts, 0, sizeof parts->facts);
        fill_who(s, parts, device);
        fill_make(s, &parts->facts, device);
        device->site = (char *)parts->facts.site;
        if (alert->tenant == NULL)
                alert->tenant = (char *)parts->facts.tenant;
        if (alert->tenant == NULL)
                alert->tenant = (char *)attribution_tenant(judge, s->key.context);
        alert->device = device;
}

static void fill_peer(struct draft *draft, struct message_parts *parts, Apnwatch__V1__Alert *alert)
{
        const struct sighting *s = draft->sighting;
        const struct intel_row *row = draft->intel ? draft->intel : sighting_intel(s, INTEL_ANY);
        Apnwatch__V1__Peer *peer = &parts->peer;
        apnwatch__v1__peer__init(peer);
        peer->ip = (char *)address_text(&s->contact.peer, draft->peer_text);
        peer->has_port = s->contact.has_ports;
        peer->port = s->contact.peer_port;
        peer->name = (char *)draft->peer_name;
        peer->name_source = (char *)(draft->peer_name ? draft->name_source : NULL);
        if (geo_lookup(s->judge->settings.geo, &s->contact.peer, &parts->geo)) {
                peer->country = parts->geo.country[0] ? parts->geo.country : NULL;
                peer->has_asn = parts->geo.has_asn;
                peer->asn = parts->geo.asn;
        }
        if (row && !row->shared && !row->weak) {
                peer->vendor = row->vendor->name;
                peer->purpose = (char *)intel_purpose_text(row->purpose);
        }
        alert->peer = peer;
}

static void fill_flow(const struct draft *draft, struct message_parts *parts, Apnwatch__V1__Alert *alert)
{
        const struct sighting *s = draft->sighting;
        const Apnwatch__V1__Flow *from = s->flow;
        Apnwatch__V1__AlertFlow *flow = &parts->flow;
        apnwatch__v1__alert_flow__init(flow);
        apnwatch__v1__time__init(&parts->start);
        flow->protocol = (char *)protocol_text(from->protocol, parts->protocol_text);
        if (s->contact.label) {
                bool both = s->contact.application != NULL;
                snprintf(parts->app_text, sizeof parts->app_text, "%s%s%s", s->contact.label, both ? "." : "",
                         both ? s->contact.application : "");
                flow->app = parts->app_text;
        }
        parts->start.ns = from->start;
        flow->start = &parts->start;
        if (from->tap != 0)
                flow->tap = (char *)run_tap(&s->judge->run, from->tap);
        flow->has_teid_up = from->has_teid_up;
        flow->teid_up = from->teid_up;
        flow->has_teid_down = from->has_teid_down;
        flow->teid_down = from->teid_down;
        flow->has_device_port = s->contact.has_ports;
        flow->device_port = s->contact.device_port;
        flow->community_id = (char *)community_text(from, parts->community_text);
        alert->flow = flow;
}

static void fill_evidence(const struct draft *draft, struct message_parts *parts, Apnwatch__V1__Alert *alert)
{
        if (!draft->finding.has_frame)
                return;
        apnwatch__v1__evidence__init(&parts->evidence);
        parts->evidence.file = (char *)run_input(&draft->sighting->judge->run, draft->finding.file);
        parts->evidence.has_frame = true;
        parts->evidence.frame = draft->finding.frame;
        parts->evidence.text = (char *)draft->evidence;
        parts->evidences[0] = &parts->evidence;
        alert->evidence = parts->evidences;
        alert->n_evidence = 1;
}

/* "Destination that policy does not list: fota.example:443/tcp" */
static void fill_title(const struct draft *draft, struct message_parts *parts, Apnwatch__V1__Alert *alert)
{
        const struct sighting *s = draft->sighting;
        const char *peer = draft->peer_name ? draft->peer_name : draft->peer_text;
        const char *protocol = protocol_text(s->flow->protocol, parts->protocol_text);
        bool bracketed = draft->peer_name == NULL && strchr(peer, ':') != NULL;
        if (draft->without_peer_port)
                snprintf(parts->title, sizeof parts->title, "%s: %.256s to port %u/%s", draft->what, peer,
                         s->contact.device_port, protocol);
        else if (s->contact.has_ports)
                snprintf(parts->title, sizeof parts->title, "%s: %s%.256s%s:%u/%s", draft->what, bracketed ? "[" : "", peer,
                         bracketed ? "]" : "", s->contact.peer_port, protocol);
        else
                snprintf(parts->title, sizeof parts->title, "%s: %.256s, %s", draft->what, peer, protocol);
        alert->title = parts->title;
}

static void fill_intel(struct draft *draft)
{
        if (draft->intel == NULL)
                return;
        draft->detail.intel = draft->intel->value;
        draft->detail.intel_source = draft->intel->source;
        draft->detail.intel_confidence = (char *)intel_confidence_text(draft->intel->confidence);
}

static void fill_policy(const struct draft *draft, const struct judge *judge, const struct fleet *fleet,
                        Apnwatch__V1__Alert *alert)
{
        alert->policy = judge->policy ? (char *)judge->policy->digest : NULL;
        alert->tenant = fleet ? fleet->tenant : NULL;
        alert->rule = (char *)draft->rule;
        alert->detail = (Apnwatch__V1__Detail *)&draft->detail;
}

/* The parts live as long as the message is packed, which is before draft_report returns. */
struct draft_parts {
        struct draft *draft;
        struct message_parts parts;
};

static void fill_alert(void *context, Apnwatch__V1__Alert *alert)
{
        struct draft_parts *both = context;
        struct draft *draft = both->draft;
        const struct sighting *s = draft->sighting;
        fill_intel(draft);
        fill_policy(draft, s->judge, s->fleet, alert);
        alert->fleet = (char *)fleets_at(s->judge->fleets, s->fleet_index)->name;
        if (!draft->is_about_fleet)
                fill_device(draft, &both->parts, alert);
        fill_peer(draft, &both->parts, alert);
        fill_title(draft, &both->parts, alert);
        if (!draft->is_about_fleet)
                fill_flow(draft, &both->parts, alert);
        fill_evidence(draft, &both->parts, alert);
}

static void take_counters(struct alert_numbers *numbers, const struct sighting *s)
{
        const Apnwatch__V1__Flow *flow = s->flow;
        numbers->bytes_up = s->is_swapped ? flow->bytes_down : flow->bytes_up;
        numbers->bytes_down = s->is_swapped ? flow->bytes_up : flow->bytes_down;
        numbers->packets = flow->packets_up + flow->packets_down;
        numbers->answered = flow->answered;
}

/* An address that goes to another SIM makes another cause. */
static uint64_t subject_of(const struct sighting *s)
{
        const struct binding *binding = sighting_binding(s);
        return binding && binding->imsi[0] ? XXH3_64bits(binding->imsi, strlen(binding->imsi)) | 1 : 0;
}

void draft_of_flow(struct draft *draft, const struct sighting *s, enum circumstance circumstance, const char *what)
{
        const Apnwatch__V1__Flow *flow = s->flow;
        memset(draft, 0, sizeof *draft);
        apnwatch__v1__detail__init(&draft->detail);
        apnwatch__v1__object__init(&draft->object);
        draft->what = what;
        draft->sighting = s;
        draft->peer_name = sighting_peer_name(s, &draft->name_source);
        address_text(&s->contact.peer, draft->peer_text);
        struct finding *finding = &draft->finding;
        finding->circumstance = circumstance;
        finding->scope = APNWATCH__V1__ALERT__SCOPE__DEVICE;
        finding->device = &s->key;
        finding->fleet = fleets_at(s->judge->fleets, s->fleet_index)->name;
        finding->peer = draft->peer_name ? draft->peer_name : draft->peer_text;
        finding->protocol = (uint8_t)flow->protocol;
        finding->port = s->contact.peer_port;
        finding->time_ns = (int64_t)flow->start;
        finding->last_ns = (int64_t)flow->last;
        finding->subject = subject_of(s);
        finding->counts = true;
        finding->flow = flow->id + 1;
        finding->has_frame = flow->has_first_frame;
        finding->file = flow->first_file;
        finding->frame = flow->first_frame;
        take_counters(&finding->numbers, s);
}

void draft_at_event(struct draft *draft)
{
        const event_t *event = draft->sighting->event;
        struct finding *finding = &draft->finding;
        if (event->has_time)
                finding->time_ns = finding->last_ns = (int64_t)event->time;
        if (event->has_file_frame) {
                finding->has_frame = true;
                finding->file = event->file;
                finding->frame = event->file_frame;
        }
}

bool draft_report(struct draft *draft)
{
        struct draft_parts both = {.draft = draft};
        struct judge *judge = draft->sighting->judge;
        struct device *device = draft->sighting->device;
        uint8_t severity = (uint8_t)(severity_of(draft->finding.circumstance)->severity + 1);
        draft->finding.draft = fill_alert;
        draft->finding.context = &both;
        if (draft->is_about_fleet) {
                draft->finding.scope = APNWATCH__V1__ALERT__SCOPE__FLEET;
                draft->finding.subject = 0;
        } else if (severity > device->worst) {
                device->worst = severity;
        }
        bool opened = alert_book_report(judge->book, &draft->finding, draft->sighting->event);
        if (opened && !draft->is_about_fleet && device->alerts < UINT16_MAX)
                device->alerts++;
        return opened;
}

struct sensor_draft {
        struct draft *draft;
        const struct judge *judge;
        const char *fleet_name;
        const struct fleet *fleet;
};

static void fill_sensor_alert(void *context, Apnwatch__V1__Alert *alert)
{
        const struct sensor_draft *sensor = context;
        fill_policy(sensor->draft, sensor->judge, sensor->fleet, alert);
        alert->fleet = (char *)sensor->fleet_name;
        alert->title = (char *)sensor->draft->what;
}

bool draft_report_sensor(struct draft *draft, struct judge *judge, const event_t *event, const char *fleet_name,
                         const struct fleet *fleet)
{
        struct sensor_draft sensor = {draft, judge, fleet_name, fleet};
        draft->finding.scope = fleet_name ? APNWATCH__V1__ALERT__SCOPE__FLEET : APNWATCH__V1__ALERT__SCOPE__SENSOR;
        draft->finding.fleet = fleet_name;
        draft->finding.draft = fill_sensor_alert;
        draft->finding.context = &sensor;
        return alert_book_report(judge->book, &draft->finding, event);
}
