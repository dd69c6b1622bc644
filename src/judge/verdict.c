#include "judge/verdict.h"

#include <string.h>
#include <strings.h>

#include "base/apart.h"
#include "judge/intel.h"

/* How far one rule fits a contact. */
enum fit {
        FIT_NONE,
        FIT_APP,      /* in all but the app */
        FIT_LATER,    /* in all but its name, which nothing tells */
        FIT_MISMATCH, /* in all; the claimed name's answers never held the address */
        FIT_EXPIRED,  /* in all, but `until` is over */
        FIT_WHOLE,
};

struct fitting {
        enum fit fit;
        const char *name, *source;
        enum name_evidence evidence;
};

static bool prefixes_fit(const struct rule *rule, const struct contact *contact)
{
        for (unsigned i = 0; i < rule->prefixes.count; i++)
                if (prefix_contains(&rule->prefixes.items[i], &contact->peer))
                        return true;
        return rule->prefixes.count == 0;
}

static bool country_fits(const struct rule *rule, const struct contact *contact)
{
        for (unsigned i = 0; i < rule->countries.count && contact->country != NULL; i++)
                if (strcmp(rule->countries.items[i], contact->country) == 0)
                        return true;
        return rule->countries.count == 0;
}

static bool asn_fits(const struct rule *rule, const struct contact *contact)
{
        for (unsigned i = 0; i < rule->asns.count && contact->has_asn; i++)
                if (rule->asns.items[i] == contact->asn)
                        return true;
        return rule->asns.count == 0;
}

static bool vendor_fits(const struct rule *rule, const struct contact *contact)
{
        for (unsigned i = 0; i < rule->vendors.count; i++)
                for (unsigned j = 0; j < contact->vendor_count; j++)
                        if (intel_vendor_is(contact->vendors[j], rule->vendors.items[i]))
                                return true;
        return rule->vendors.count == 0;
}

static bool fleet_fits(const struct rule *rule, const struct contact *contact)
{
        for (unsigned i = 0; i < rule->fleets.count && contact->peer_fleet != NULL; i++)
                if (strcmp(rule->fleets.items[i], contact->peer_fleet) == 0)
                        return true;
        return rule->fleets.count == 0;
}

static bool protocol_fits(const struct rule *rule, const struct contact *contact)
{
        for (unsigned i = 0; i < rule->protocols.count; i++)
                if (rule->protocols.items[i] == contact->protocol)
                        return true;
        return rule->protocols.count == 0;
}

static bool port_is_listed(const struct rule *rule, uint16_t port)
{
        for (unsigned i = 0; i < rule->ports.count; i++)
                if (port >= rule->ports.items[i].first && port <= rule->ports.items[i].last)
                        return true;
        return false;
}

/* Who opened, and at which end the port stands: the peer's where the device opens, the device's where it is opened. */
static bool direction_fits(const struct rule *rule, const struct contact *contact)
{
        bool any_port = rule->ports.count == 0;
        if (!any_port && !contact->has_ports)
                return false;
        if (contact->opener == OPENER_UNSEEN)
                return any_port || port_is_listed(rule, contact->peer_port) || port_is_listed(rule, contact->device_port);
        if (contact->opener == OPENER_DEVICE)
                return rule->direction != DIRECTION_IN && (any_port || port_is_listed(rule, contact->peer_port));
        return rule->direction != DIRECTION_OUT && (any_port || port_is_listed(rule, contact->device_port));
}

/* Met by the protocol or the application on top; broken only when something else was positively detected. A service (Google)
 * is told by its names, so a carrier alone (TLS, QUIC, HTTP, DNS) is not something else. */
static bool app_fits(const struct rule *rule, const struct contact *contact)
{
        bool has_service = false;
        for (unsigned i = 0; i < rule->apps.count; i++) {
                const char *app = rule->apps.items[i];
                if ((contact->label != NULL && strcasecmp(app, contact->label) == 0) ||
                    (contact->application != NULL && strcasecmp(app, contact->application) == 0))
                        return true;
                has_service |= app_is_service(app);
        }
        if (rule->apps.count == 0 || contact->label == NULL || !contact->label_is_positive)
                return true;
        static const char *const carriers[] = {"TLS", "QUIC", "HTTP", "DNS", "DTLS"};
        for (unsigned i = 0; i < sizeof carriers / sizeof *carriers; i++)
                if (has_service && contact->application == NULL && strcasecmp(contact->label, carriers[i]) == 0)
                        return true;
        return false;
}

static bool claims(const struct contact *contact, const char *pattern)
{
        return contact->name != NULL && domain_matches(pattern, contact->name);
}

static bool claims_any(const struct contact *contact, const struct string_list *patterns)
{
        for (unsigned i = 0; i < patterns->count; i++)
                if (claims(contact, patterns->items[i]))
                        return true;
        return false;
}

/* The strongest evidence for any of the rule's names, and whether there is some for one that the contact claims. */
static enum name_evidence gather(const struct rule *rule, const struct contact *contact, bool is_claimed, const char **name,
                                 bool *claim_resolved)
{
        enum name_evidence best = NAME_UNRESOLVED;
        *claim_resolved = false;
        for (unsigned i = 0; i < rule->domains.count && contact->resolver.evidence != NULL; i++) {
                const char *pattern = rule->domains.items[i], *found = NULL;
                enum name_evidence evidence = contact->resolver.evidence(contact->resolver.context, pattern, is_claimed, &found);
                *claim_resolved |= is_claimed && evidence != NAME_UNRESOLVED && claims(contact, pattern);
                if (evidence > best) {
                        best = evidence;
                        *name = found;
                }
        }
        return best;
}

/* `strict`: a claimed name counts only where the fleet's DNS says nothing of it (allow rules). A denied name is denied
 * wherever it is claimed. */
static struct fitting name_fits(const struct rule *rule, const struct contact *contact, bool strict)
{
        struct fitting fitting = {.fit = FIT_WHOLE, .evidence = NAME_UNRESOLVED};
        bool claim_resolved;
        if (rule->domains.count == 0)
                return fitting;
        fitting.evidence = gather(rule, contact, false, &fitting.name, &claim_resolved);
        if (fitting.evidence >= NAME_BY_FLEET) {
                fitting.source = "dns";
                return fitting;
        }
        if (!claims_any(contact, &rule->domains)) {
                fitting.name = NULL;
                fitting.fit = contact->name == NULL && !contact->dns_seen ? FIT_LATER : FIT_NONE;
                return fitting;
        }
        fitting.evidence = gather(rule, contact, true, &fitting.name, &claim_resolved);
        fitting.name = NULL;
        if (!strict || !claim_resolved) {
                fitting.name = contact->name;
                fitting.source = "claimed";
        } else {
                fitting.fit = fitting.evidence == NAME_ELSEWHERE ? FIT_MISMATCH : FIT_NONE;
        }
        return fitting;
}

/* What few rules ask for; gates know which do. */
static APART bool rest_fits(const struct rule *rule, const struct contact *contact)
{
        return country_fits(rule, contact) && asn_fits(rule, contact) && fleet_fits(rule, contact) && vendor_fits(rule, contact);
}

static APART struct fitting rule_fits(const struct rule *rule, bool has_rest, const struct contact *contact,
                                      bool strict)
{
        struct fitting fitting = {.fit = FIT_NONE};
        if (!protocol_fits(rule, contact) || !direction_fits(rule, contact) || !prefixes_fit(rule, contact) ||
            (has_rest && !rest_fits(rule, contact)))
                return fitting;
        fitting = name_fits(rule, contact, strict);
        if (fitting.fit != FIT_NONE && rule->has_until && contact->start_ns >= rule->until_ns)
                fitting.fit = fitting.fit == FIT_WHOLE ? FIT_EXPIRED : FIT_NONE;
        if (fitting.fit != FIT_NONE && !app_fits(rule, contact))
                fitting.fit = fitting.fit == FIT_WHOLE ? FIT_APP : FIT_NONE;
        return fitting;
}

/* The contact as gates see it. */
struct glance {
        const struct contact *contact;
        uint64_t peer;        /* the half of its address that gates compare */
        uint16_t first, last; /* ports of which one has to be the rule's; of an unseen opening, either end's: any */
        uint16_t is;          /* bits GATE_ */
        uint8_t is_ipv4, protocol;
};

static struct glance glance_of(const struct contact *contact)
{
        bool is_ipv4 = address_is_ipv4(&contact->peer), any_port = contact->opener == OPENER_UNSEEN || !contact->has_ports;
        uint16_t port = contact->opener == OPENER_PEER ? contact->device_port : contact->peer_port;
        unsigned is = (GATE_UNSEEN << contact->opener) | (is_ipv4 ? GATE_IPV4 : GATE_IPV6) | (contact->has_ports ? 0 : GATE_NO_PORTS) |
                      (contact->country ? 0 : GATE_NO_COUNTRY) | (contact->has_asn ? 0 : GATE_NO_ASN) |
                      (contact->vendor_count > 0 ? 0 : GATE_NO_VENDOR) | (contact->peer_fleet ? 0 : GATE_NO_FLEET);
        return (struct glance){.contact = contact, .peer = address_word(&contact->peer, is_ipv4), .first = any_port ? UINT16_MAX : port,
                               .last = any_port ? 0 : port, .is = (uint16_t)is, .is_ipv4 = is_ipv4, .protocol = contact->protocol};
}

static bool gate_admits(const struct rule_gate *gate, const struct glance *glance)
{
        return (gate->refused & glance->is) == 0 && gate->port_first <= glance->first && gate->port_last >= glance->last &&
               (gate->protocol == 0 || gate->protocol == glance->protocol) &&
               ((glance->peer ^ gate->peers[glance->is_ipv4].word) & gate->peers[glance->is_ipv4].mask) == 0;
}

/* The first rule that fits whole; else the one that fits best, of equals the first. */
static const struct rule *best_of(const struct rule_list *rules, const struct glance *glance, bool strict,
                                  struct fitting *best)
{
        const struct rule *nearest = NULL;
        const struct contact *contact = glance->contact;
        for (unsigned i = 0; i < rules->count && best->fit != FIT_WHOLE; i++) {
                if (!gate_admits(&rules->gates[i], glance))
                        continue;
                bool has_rest = (rules->gates[i].refused & (GATE_NO_COUNTRY | GATE_NO_ASN | GATE_NO_VENDOR | GATE_NO_FLEET)) != 0;
                struct fitting fitting = rule_fits(&rules->items[i], has_rest, contact, strict);
                if (fitting.fit > best->fit) {
                        *best = fitting;
                        nearest = &rules->items[i];
                }
        }
        return nearest;
}

static struct verdict verdict_of_rule(enum verdict_kind kind, enum verdict_reason reason, const struct rule *rule,
                                      const struct fitting *fitting)
{
        return (struct verdict){.kind = kind, .reason = reason, .rule = rule, .rule_name = rule ? rule->name : NULL,
                                .name = fitting->name, .name_source = fitting->name ? fitting->source : NULL,
                                .evidence = fitting->evidence};
}

/* Nothing fits whole: why, and whether that is held against the device. */
static struct verdict verdict_of_nearest(const struct rule *nearest, const struct fitting *fitting)
{
        enum verdict_kind kind = VERDICT_UNLISTED;
        enum verdict_reason reason = REASON_NOT_LISTED;
        if (fitting->fit == FIT_MISMATCH) {
                reason = REASON_NAME_MISMATCH;
        } else if (fitting->fit == FIT_LATER) {
                kind = VERDICT_UNDETERMINED;
                reason = REASON_NAMES_UNSEEN;
        } else if (fitting->fit == FIT_EXPIRED) {
                reason = REASON_EXPIRED;
        } else if (fitting->fit == FIT_APP) {
                reason = REASON_APP_MISMATCH;
        }
        struct verdict verdict = verdict_of_rule(kind, reason, nearest, fitting);
        verdict.rule_name = "otherwise";
        return verdict;
}

struct verdict verdict_of_list(const struct rule_list *rules, const struct contact *contact)
{
        struct fitting fitting = {.fit = FIT_NONE};
        const struct glance glance = glance_of(contact);
        const struct rule *rule = best_of(rules, &glance, true, &fitting);
        if (fitting.fit == FIT_WHOLE)
                return verdict_of_rule(VERDICT_ALLOWED, REASON_RULE, rule, &fitting);
        struct verdict verdict = verdict_of_nearest(rule, &fitting);
        verdict.rule_name = NULL;
        return verdict;
}

/* The rules of allow, then the sources of updates: these are destinations too. A source that lacks only its name clears
 * nobody: most name no port, and every bare address would be undetermined. */
static struct verdict verdict_of_allowed(const struct fleet *fleet, const struct glance *glance)
{
        struct fitting fitting = {.fit = FIT_NONE}, delivering = {.fit = FIT_NONE};
        const struct rule *rule = best_of(&fleet->allow, glance, true, &fitting);
        if (fitting.fit != FIT_WHOLE) {
                const struct rule *source = best_of(&fleet->sources, glance, true, &delivering);
                if (delivering.fit > fitting.fit && delivering.fit != FIT_LATER) {
                        fitting = delivering;
                        rule = source;
                }
        }
        if (fitting.fit == FIT_WHOLE)
                return verdict_of_rule(VERDICT_ALLOWED, REASON_RULE, rule, &fitting);
        if (fleet->otherwise != OTHERWISE_ALERT) /* until learning exists, learn means allow */
                return (struct verdict){.kind = VERDICT_ALLOWED, .reason = REASON_OTHERWISE, .rule_name = "otherwise"};
        if (glance->contact->opener == OPENER_UNSEEN)
                return (struct verdict){.kind = VERDICT_UNDETERMINED, .reason = REASON_OPENING_UNSEEN};
        return verdict_of_nearest(rule, &fitting);
}

struct verdict verdict_of_contact(const struct policy *policy, const struct fleet *fleet, const struct contact *contact)
{
        struct fitting denied = {.fit = FIT_NONE};
        if (contact->opener != OPENER_DEVICE && policy_is_infrastructure(policy, &contact->peer))
                return (struct verdict){.kind = VERDICT_ALLOWED, .reason = REASON_INFRASTRUCTURE};
        if (fleet == NULL || fleet->destinations == SECTION_ABSENT)
                return (struct verdict){.kind = VERDICT_NOT_JUDGED, .reason = REASON_NO_SECTION};
        const struct glance glance = glance_of(contact);
        const struct rule *rule = best_of(&fleet->deny, &glance, false, &denied);
        if (denied.fit == FIT_WHOLE)
                return verdict_of_rule(VERDICT_DENIED, REASON_RULE, rule, &denied);
        return verdict_of_allowed(fleet, &glance);
}

const char *verdict_reason_text(enum verdict_reason reason)
{
        static const char *const texts[] = {"rule",           "infrastructure", "otherwise",    "no_section",
                                            "not_listed",     "name_mismatch",  "rule_expired", "app_mismatch",
                                            "opening_unseen", "names_unseen"};
        return texts[reason];
}

const char *verdict_kind_text(enum verdict_kind kind)
{
        static const char *const texts[] = {"not judged", "allowed", "denied", "unlisted", "undetermined"};
        return texts[kind];
}
