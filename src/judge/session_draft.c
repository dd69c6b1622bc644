#include "judge/session_draft.h"

#include "judge/judge_state.h"

static const char *known(const char *text)
{
        return text != NULL && text[0] != '\0' ? text : NULL;
}

bool binding_key(const struct binding *binding, struct device_key *out)
{
        *out = (struct device_key){.context = binding->context};
        out->address = address_is_unspecified(&binding->ipv4) ? binding->ipv6.address : binding->ipv4;
        return !address_is_unspecified(&out->address);
}

bool binding_facts(const struct judge *judge, const struct binding *binding, int64_t time_ns, struct inventory_facts *out)
{
        struct device_key key;
        if (judge->settings.inventory == NULL)
                return false;
        bool has_address = binding_key(binding, &key);
        struct inventory_subject subject = {.address = has_address ? &key.address : NULL, .imsi = binding->imsi, .imei = binding->imei,
                                            .msisdn = binding->msisdn, .apn = binding->apn};
        if (!inventory_find_subject(judge->settings.inventory, &subject, time_ns, out))
                return false;
        /* a row of the module is about the SIM that it names */
        return !(out->imsi && known(binding->imsi) && strcmp(out->imsi, binding->imsi) != 0);
}

const struct fleet *binding_fleet(const struct judge *judge, const struct binding *binding, int64_t time_ns)
{
        struct inventory_facts facts;
        struct device_key key;
        struct policy_subject subject = {.apn = binding->apn, .imsi = known(binding->imsi), .imei = known(binding->imei)};
        binding_key(binding, &key);
        subject.address = key.address;
        if (binding_facts(judge, binding, time_ns, &facts))
                subject.inventory_fleet = facts.fleet;
        return policy_fleet_of(judge->policy, &subject);
}

void session_draft_begin(struct session_draft *draft, struct judge *judge, const struct binding *binding, const event_t *event,
                         enum circumstance circumstance, const char *what)
{
        memset(draft, 0, sizeof *draft);
        apnwatch__v1__detail__init(&draft->detail);
        draft->judge = judge;
        draft->binding = binding;
        draft->event = event;
        draft->what = what;
        struct finding *finding = &draft->finding;
        finding->circumstance = circumstance;
        finding->scope = APNWATCH__V1__ALERT__SCOPE__DEVICE;
        finding->time_ns = event && event->has_time ? (int64_t)event->time : judge->clock_ns;
        finding->last_ns = finding->time_ns;
        finding->counts = true;
        finding->has_frame = event ? event->has_file_frame : binding->file_frame != 0;
        finding->file = event ? event->file : binding->file;
        finding->frame = event ? event->file_frame : binding->file_frame;
        draft->fleet = binding_fleet(judge, binding, finding->time_ns);
}

struct parts {
        const struct session_draft *draft;
        bool has_key;
        struct device_key key;
        Apnwatch__V1__Device device;
        Apnwatch__V1__Peer peer;
        Apnwatch__V1__AlertFlow flow;
        Apnwatch__V1__Time start;
        Apnwatch__V1__Evidence evidence, *evidences[1];
        char peer_address[ADDRESS_TEXT_SIZE];
        char address[ADDRESS_TEXT_SIZE], other_address[ADDRESS_TEXT_SIZE], *devices[2];
        struct inventory_facts facts;
        char plmn[BINDING_PLACE_SIZE], cell[BINDING_PLACE_SIZE];
};

static void add_device(struct parts *parts, Apnwatch__V1__Alert *alert, char *address)
{
        parts->devices[alert->n_devices++] = address;
        alert->devices = parts->devices;
        alert->has_device_count = true;
        alert->device_count = alert->n_devices;
}

static void fill_device(struct parts *parts, Apnwatch__V1__Alert *alert)
{
        const struct binding *binding = parts->draft->binding;
        const struct judge *judge = parts->draft->judge;
        Apnwatch__V1__Device *device = &parts->device;
        apnwatch__v1__device__init(device);
        if (parts->has_key) {
                device->ip = (char *)address_text(&parts->key.address, parts->address);
                add_device(parts, alert, parts->address);
        }
        struct device_key other;
        if (parts->draft->other && binding_key(parts->draft->other, &other))
                add_device(parts, alert, (char *)address_text(&other.address, parts->other_address));
        if (binding->context != 0)
                device->context = (char *)run_context(&judge->run, binding->context);
        device->imsi = (char *)known(binding->imsi);
        device->imei = (char *)known(binding->imei);
        device->msisdn = (char *)known(binding->msisdn);
        device->apn = (char *)known(binding->apn);
        device->rat = (char *)known(binding->rat);
        device->plmn = (char *)known(binding_plmn_text(&binding->plmn, parts->plmn));
        device->cell = (char *)known(binding_place_text(&binding->cell, parts->cell));
        const struct intel_tac *tac = device->imei ? intel_tac(judge->settings.intel, device->imei) : NULL;
        device->vendor = (char *)(tac ? tac->vendor : NULL);
        device->model = (char *)(tac ? tac->model : NULL);
        device->vendor_source = (char *)(tac ? "tac" : NULL);
        if (!binding_facts(judge, binding, parts->draft->finding.time_ns, &parts->facts))
                return;
        device->site = (char *)parts->facts.site;
        enum { IMEI_COMPARED = 14 };
        bool is_of_other = parts->facts.imei && binding->imei[0] && strncmp(parts->facts.imei, binding->imei, IMEI_COMPARED) != 0;
        if (parts->facts.vendor && !is_of_other) { /* the row says what the SIM should be in */
                device->vendor = (char *)parts->facts.vendor;
                device->vendor_source = (char *)"inventory";
        }
        if (parts->facts.model && !is_of_other)
                device->model = (char *)parts->facts.model;
        if (alert->tenant == NULL)
                alert->tenant = (char *)parts->facts.tenant;
}

static void fill_flow(struct parts *parts, const struct sighting *s, Apnwatch__V1__Alert *alert)
{
        Apnwatch__V1__AlertFlow *flow = &parts->flow;
        apnwatch__v1__peer__init(&parts->peer);
        apnwatch__v1__alert_flow__init(flow);
        apnwatch__v1__time__init(&parts->start);
        const struct address *peer = parts->draft->peer ? parts->draft->peer : &s->contact.peer;
        parts->peer.ip = (char *)address_text(peer, parts->peer_address);
        parts->peer.has_port = s->contact.has_ports && parts->draft->peer == NULL;
        flow->has_device_port = s->contact.has_ports;
        parts->peer.port = s->contact.peer_port;
        flow->device_port = s->contact.device_port;
        flow->app = (char *)s->contact.label;
        parts->start.ns = s->flow->start;
        flow->start = &parts->start;
        flow->tap = s->flow->tap != 0 ? (char *)run_tap(&s->judge->run, s->flow->tap) : NULL;
        flow->has_teid_up = s->flow->has_teid_up;
        flow->teid_up = s->flow->teid_up;
        flow->has_teid_down = s->flow->has_teid_down;
        flow->teid_down = s->flow->teid_down;
        alert->peer = &parts->peer;
        alert->flow = flow;
}

static void fill_alert(void *context, Apnwatch__V1__Alert *alert)
{
        struct parts *parts = context;
        const struct session_draft *draft = parts->draft;
        alert->title = (char *)draft->what;
        alert->policy = draft->judge->policy ? (char *)draft->judge->policy->digest : NULL;
        alert->tenant = draft->fleet ? draft->fleet->tenant : NULL;
        alert->fleet = draft->fleet ? draft->fleet->name : (char *)"unassigned";
        alert->detail = (Apnwatch__V1__Detail *)&draft->detail;
        fill_device(parts, alert);
        alert->device = &parts->device;
        if (draft->sighting)
                fill_flow(parts, draft->sighting, alert);
        if (!draft->finding.has_frame)
                return;
        apnwatch__v1__evidence__init(&parts->evidence);
        parts->evidence.file = (char *)run_input(&draft->judge->run, draft->finding.file);
        parts->evidence.has_frame = true;
        parts->evidence.frame = draft->finding.frame;
        parts->evidence.text = (char *)draft->evidence;
        parts->evidences[0] = &parts->evidence;
        alert->evidence = parts->evidences;
        alert->n_evidence = 1;
}

/* A change that no event told (an answer was waited for in vain) gets an order key of its own. */
static event_t event_without_message(const struct session_draft *draft)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        event.clock = (uint64_t)draft->judge->clock_ns;
        event.index = (uint32_t)draft->binding->number;
        return event;
}

bool session_draft_report(struct session_draft *draft)
{
        struct parts parts = {.draft = draft};
        struct judge *judge = draft->judge;
        event_t made = event_without_message(draft);
        parts.has_key = binding_key(draft->binding, &parts.key);
        draft->finding.draft = fill_alert;
        draft->finding.context = &parts;
        bool opened = alert_book_report(judge->book, &draft->finding, draft->event ? draft->event : &made);
        struct device *device = parts.has_key ? device_table_find(judge->devices, &parts.key) : NULL;
        uint8_t severity = (uint8_t)(severity_of(draft->finding.circumstance)->severity + 1);
        if (device && severity > device->worst)
                device->worst = severity;
        if (device && opened && device->alerts < UINT16_MAX)
                device->alerts++;
        return opened;
}
