#include "judge/sighting.h"

#include "base/apart.h"
#include "judge/attribution.h"
#include "judge/judge_state.h"
#include "judge/self_report.h"

/* An owner keeps at most SIGHTING_NAMES names for an address (names.c). */
static bool note_name(const void *context, const char *name)
{
        struct sighting_names *known = (struct sighting_names *)context;
        if (known->count < SIGHTING_NAMES)
                known->items[known->count++] = name;
        return false; /* all of them */
}

static const char *name_that_meets(const struct sighting_names *known, const char *pattern)
{
        for (unsigned i = 0; i < known->count; i++)
                if (domain_matches(pattern, known->items[i]))
                        return known->items[i];
        return NULL;
}

enum { HOLE_ANSWERED_S = 3600, HOLE_FORGOTTEN_S = 24 * 3600 };

/* Answers of the time when sense did not run, or events were lost, were not seen, and devices go on with them: a name at an
 * address that the fleet's answers never held tells nothing then. */
static bool is_behind_hole(const struct sighting *s)
{
        int64_t hole_s = s->judge->hole_ns / 1000000000, start_s = s->contact.start_ns / 1000000000;
        if (hole_s == 0 || start_s >= hole_s + HOLE_FORGOTTEN_S)
                return false;
        return start_s < hole_s + HOLE_ANSWERED_S || s->device->dns_since_s < hole_s;
}

/* Names are looked up when somebody asks first, whoever it is. */
static const struct sighting_names *device_names(const struct sighting *s)
{
        struct sighting_names *known = (struct sighting_names *)&s->device_names;
        if (!known->is_known) {
                struct names_query query = {note_name, known};
                known->is_known = true;
                names_find_device(s->judge->names, &s->key, s->device->names_since_s, &s->contact.peer, s->contact.start_ns, &query);
        }
        return known;
}

static const struct sighting_names *fleet_names(const struct sighting *s)
{
        struct sighting_names *known = (struct sighting_names *)&s->fleet_names;
        if (!known->is_known) {
                struct names_query query = {note_name, known};
                known->is_known = true;
                names_find_fleet(s->judge->names, s->fleet_index, &s->contact.peer, s->contact.start_ns, &query);
        }
        return known;
}

static const struct sighting_names *held_names(struct sighting *s)
{
        struct sighting_names *known = &s->held_names;
        if (!known->is_known) {
                struct names_query query = {note_name, known};
                known->is_known = true;
                names_fleet_held(s->judge->names, s->fleet_index, &s->contact.peer, &query);
        }
        return known;
}

static enum name_evidence name_evidence(void *context, const char *pattern, bool is_claimed, const char **name)
{
        struct sighting *s = context;
        if ((*name = name_that_meets(device_names(s), pattern)))
                return NAME_BY_DEVICE;
        bool may_have = names_fleet_may_have(s->judge->names, s->fleet_index, pattern);
        if (may_have && (*name = name_that_meets(fleet_names(s), pattern)))
                return NAME_BY_FLEET;
        if (!may_have || !is_claimed || is_behind_hole(s))
                return NAME_UNRESOLVED;
        if (name_that_meets(held_names(s), pattern))
                return NAME_EXPIRED;
        return names_fleet_resolved(s->judge->names, s->fleet_index, pattern, s->contact.start_ns) ? NAME_ELSEWHERE : NAME_UNRESOLVED;
}

static const char *text_or_null(const char *text)
{
        return text && text[0] ? text : NULL;
}

static enum contact_opener opener_of(const Apnwatch__V1__Flow *flow, bool is_swapped)
{
        if (flow->opener == APNWATCH__V1__FLOW__OPENER__UNSEEN)
                return OPENER_UNSEEN;
        bool by_device = (flow->opener == APNWATCH__V1__FLOW__OPENER__DEVICE) != is_swapped;
        return by_device ? OPENER_DEVICE : OPENER_PEER;
}

static bool has_ports(uint32_t protocol)
{
        return protocol == 6 || protocol == 17 || protocol == 132;
}

static void take_flow(struct contact *contact, const Apnwatch__V1__Flow *flow, bool is_swapped)
{
        contact->start_ns = (int64_t)flow->start;
        contact->protocol = (uint8_t)flow->protocol;
        contact->has_ports = has_ports(flow->protocol);
        contact->peer_port = (uint16_t)(is_swapped ? flow->device_port : flow->peer_port);
        contact->device_port = (uint16_t)(is_swapped ? flow->peer_port : flow->device_port);
        contact->opener = opener_of(flow, is_swapped);
        contact->label = text_or_null(flow->label);
        contact->application = text_or_null(flow->application);
        contact->label_is_positive = flow->label_source == APNWATCH__V1__FLOW__LABEL_SOURCE__DISSECTOR ||
                                     flow->label_source == APNWATCH__V1__FLOW__LABEL_SOURCE__INSPECTED;
        contact->name = text_or_null(flow->name);
}

/* Several ask of the same name, one after the other. */
static const struct name_intel *facts_of(const struct sighting *sighting, const char *name)
{
        struct sighting *s = (struct sighting *)sighting;
        if (name == NULL || s->asked_name != name) {
                s->asked_facts = intel_cache_name(s->judge->intel, name);
                s->asked_name = name;
        }
        return &s->asked_facts;
}

static void add_vendor(struct sighting *s, const struct intel_row *row)
{
        if (row == NULL || row->shared || row->weak)
                return;
        for (unsigned i = 0; i < s->contact.vendor_count; i++) {
                if (s->vendors[i] == row->vendor)
                        return;
        }
        if (s->contact.vendor_count < SIGHTING_VENDORS)
                s->vendors[s->contact.vendor_count++] = row->vendor;
}

static void find_vendors(struct sighting *s)
{
        const struct sighting_names *names = device_names(s);
        s->contact.vendor_count = 0;
        s->contact.vendors = s->vendors;
        if (s->contact.name)
                add_vendor(s, facts_of(s, s->contact.name)->any);
        const struct intel_row *row = intel_match_address(s->judge->settings.intel, &s->contact.peer, INTEL_ANY);
        s->has_no_address_row = row == NULL;
        add_vendor(s, row);
        for (unsigned i = 0; i < names->count; i++)
                if (s->contact.name == NULL || strcmp(names->items[i], s->contact.name) != 0)
                        add_vendor(s, facts_of(s, names->items[i])->any);
}

static void find_country(struct sighting *s)
{
        struct geo_facts facts;
        if (s->judge->policy == NULL || s->judge->policy->geoip_line == 0 ||
            !geo_lookup(s->judge->settings.geo, &s->contact.peer, &facts))
                return;
        memcpy(s->country, facts.country, sizeof s->country);
        s->contact.country = text_or_null(s->country);
        s->contact.has_asn = facts.has_asn;
        s->contact.asn = facts.asn;
}

static void bind_device(const struct sighting *s, struct device *device, struct attributed *who, uint16_t context, int64_t time_ns)
{
        struct fleets *fleets = s->judge->fleets;
        if (!(who == NULL || who->holder.stamp != 0) || !fleets_is_bound(fleets, device, who ? who->holder.stamp : 0, time_ns))
                fleets_bind(fleets, device, who ? attribution_show(s->judge, who) : NULL, attribution_apn(s->judge, context), time_ns);
}

/* The other end, when it is a device too: it gets its record, and the name of its fleet is told to the rules. Only values
 * are kept of the record, since the next touch may evict it. */
static SELDOM void find_peer_fleet(struct sighting *s, const struct flow_ends *ends)
{
        struct judge *judge = s->judge;
        struct device_key key = {s->contact.peer, ends->context};
        struct device *peer = device_table_touch(judge->devices, &key, (uint32_t)(s->event->clock / 1000000000));
        if (peer == NULL)
                return;
        struct attributed room;
        bind_device(s, peer, attribution_of_flow(judge, s->flow, &key, ends->time_ns, &room), ends->context, ends->time_ns);
        const struct fleet *fleet = fleets_at(judge->fleets, peer->fleet)->fleet;
        s->contact.peer_fleet = fleet ? fleet->name : NULL;
}

static bool has_good_times(const event_t *event)
{
        const Apnwatch__V1__Flow *flow = event->flow;
        return flow != NULL && event->clock < JUDGE_TIME_LIMIT && flow->start < JUDGE_TIME_LIMIT && flow->last < JUDGE_TIME_LIMIT &&
               (!event->has_time || event->time < JUDGE_TIME_LIMIT) &&
               (event->body_case != APNWATCH__V1__EVENT__BODY_TRANSFER || event->transfer->start < JUDGE_TIME_LIMIT);
}

const struct binding *sighting_binding(const struct sighting *s)
{
        return s->owner ? attribution_show(s->judge, s->owner) : NULL;
}

/* Who was asked for already (judge.c: has_to_wait), with the record that is at hand, unless that of another was touched since. */
static bool take_owner(struct sighting *s, const struct flow_ends *ends)
{
        struct attributed *owner = &s->judge->owner;
        if (owner->flow != s->flow || ends->peer_is_device)
                return false;
        s->device = owner->device;
        s->owner = owner->is_known ? owner : NULL;
        return true;
}

static APART bool find_owner(struct sighting *s, const struct flow_ends *ends)
{
        s->device = device_table_touch(s->judge->devices, &s->key, (uint32_t)(s->event->clock / 1000000000));
        if (s->device == NULL)
                return false;
        s->owner = attribution_of_flow(s->judge, s->flow, &s->key, ends->time_ns, &s->other);
        return true;
}

/* What is not set here is of no meaning until it is asked for. */
static void begin(struct sighting *s, struct judge *judge, const event_t *event)
{
        s->judge = judge;
        s->event = event;
        s->flow = event->flow;
        s->contact = (struct contact){.resolver = {name_evidence, s}};
        s->country[0] = '\0';
        s->has_verdict = s->has_no_address_row = false;
        s->asked_name = NULL;
        s->device_names.is_known = s->fleet_names.is_known = s->held_names.is_known = false;
        s->device_names.count = s->fleet_names.count = s->held_names.count = 0;
}

bool flow_ends_read(const struct judge *judge, const event_t *event, struct flow_ends *out)
{
        const Apnwatch__V1__Flow *flow = event->flow;
        if (!has_good_times(event) || !address_from_bytes(flow->device.data, flow->device.len, &out->device) ||
            !address_from_bytes(flow->peer.data, flow->peer.len, &out->peer))
                return false;
        out->peer = policy_unwrap_nat64(judge->policy, &out->peer);
        out->peer_is_device = flow->peer_is_device || policy_is_device(judge->policy, &out->peer);
        out->context = (uint16_t)flow->context;
        out->time_ns = attribution_time(event);
        struct device_key key = {out->device, out->context};
        out->is_hidden = !attribution_unwrap_nat(judge, event, &key);
        out->inside = key.address;
        return true;
}

bool sighting_of_event(struct judge *judge, const event_t *event, const struct flow_ends *ends, enum sighting_view view,
                       struct sighting *s)
{
        const Apnwatch__V1__Flow *flow = event->flow;
        begin(s, judge, event);
        s->peer_is_device = ends->peer_is_device;
        s->is_swapped = view == OPENER_FIRST && s->peer_is_device && flow->opener == APNWATCH__V1__FLOW__OPENER__PEER;
        s->key = (struct device_key){s->is_swapped ? ends->peer : ends->inside, ends->context};
        s->contact.peer = s->is_swapped ? ends->device : ends->peer;
        take_flow(&s->contact, flow, s->is_swapped);
        if (s->peer_is_device)
                find_peer_fleet(s, ends);
        if (!take_owner(s, ends) && !find_owner(s, ends))
                return false;
        s->is_usual = s->owner != NULL && attribution_is_usual(s->owner, s->device);
        bind_device(s, s->device, s->owner, s->key.context, ends->time_ns);
        if (!s->is_swapped && event->body_case != APNWATCH__V1__EVENT__BODY_FLOW_NEWS)
                self_report_note(judge->self_reports, judge->fleets, s->device, event);
        s->fleet_index = s->device->fleet;
        s->fleet = fleets_at(judge->fleets, s->fleet_index)->fleet;
        s->contact.dns_seen = s->device->dns_since_s != 0 && s->device->dns_since_s >= judge->hole_ns / 1000000000 &&
                              s->device->dns_since_s <= s->contact.start_ns / 1000000000;
        return true;
}

static void prepare_rules(struct sighting *s)
{
        find_country(s);
        if (fleets_at(s->judge->fleets, s->fleet_index)->asks_vendors)
                find_vendors(s);
}

const struct verdict *sighting_verdict(struct sighting *s)
{
        if (!s->has_verdict) {
                prepare_rules(s);
                s->verdict = verdict_of_contact(s->judge->policy, s->fleet, &s->contact);
                s->has_verdict = true;
        }
        return &s->verdict;
}

void sighting_set_name(struct sighting *s, const char *name)
{
        if (text_or_null(name) == NULL)
                return;
        s->contact.name = name;
        s->has_verdict = false;
}

static bool is_name(const void *context, const char *name)
{
        return strcmp(context, name) == 0;
}

const char *sighting_peer_name(const struct sighting *s, const char **source)
{
        const struct names *names = s->judge->names;
        const struct address *peer = &s->contact.peer;
        int64_t start_ns = s->contact.start_ns;
        struct names_query same = {is_name, s->contact.name};
        const char *name;
        *source = "dns";
        if (s->contact.name && names_find_device(names, &s->key, s->device->names_since_s, peer, start_ns, &same))
                return s->contact.name;
        if ((name = names_best_device(names, &s->key, s->device->names_since_s, peer, start_ns)))
                return name;
        if (s->contact.name) {
                *source = s->flow->name_source == APNWATCH__V1__FLOW__NAME_SOURCE__SNI ? "sni" : "host";
                if (s->has_verdict && s->verdict.name_source && strcmp(s->verdict.name_source, "claimed") == 0)
                        *source = "claimed";
                return s->contact.name;
        }
        return names_best_fleet(names, s->fleet_index, peer, start_ns);
}

static const struct intel_row *telling(const struct intel_row *row)
{
        return row && !row->weak && !row->shared ? row : NULL;
}

static const struct intel_row *row_for(const struct sighting *s, const char *name, unsigned purposes)
{
        const struct name_intel *facts = facts_of(s, name);
        if (purposes == INTEL_ONLY(INTEL_UPDATE))
                return telling(facts->update);
        return telling(purposes == INTEL_ANY ? facts->any : facts->locate);
}

static const struct intel_row *row_of_names(const struct sighting *s, const struct sighting_names *names, unsigned purposes)
{
        const struct intel_row *row = NULL;
        for (unsigned i = 0; i < names->count && row == NULL; i++)
                row = row_for(s, names->items[i], purposes);
        return row;
}

const struct intel_row *sighting_intel(const struct sighting *s, unsigned purposes)
{
        const struct intel *intel = s->judge->settings.intel;
        if (intel == NULL)
                return NULL;
        const struct intel_row *row = s->has_no_address_row ? NULL : telling(intel_match_address(intel, &s->contact.peer, purposes));
        if (row)
                return row;
        if (s->contact.name) /* what the flow says of itself: the address may serve other names too */
                return row_for(s, s->contact.name, purposes);
        row = row_of_names(s, device_names(s), purposes);
        return row == NULL && !s->contact.dns_seen ? row_of_names(s, fleet_names(s), purposes) : row;
}

bool sighting_from_infrastructure(const struct sighting *s)
{
        return s->contact.opener == OPENER_PEER && s->judge->policy &&
               policy_is_infrastructure(s->judge->policy, &s->contact.peer);
}

bool sighting_is_device_side(const struct sighting *s)
{
        if (s->judge->policy && s->judge->policy->devices.count > 0)
                return policy_is_device(s->judge->policy, &s->key.address);
        return s->flow->has_teid_up || (address_is_private(&s->key.address) && !address_is_private(&s->contact.peer) &&
                                        !address_is_multicast(&s->contact.peer) && !address_is_broadcast(&s->contact.peer));
}
