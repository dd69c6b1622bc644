/* What is wrong or looks like a mistake across rules and fleets. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "judge/policy_parts.h"

/* Pairs of rules are compared up to so many in a list: lints are for what people write by hand. */
enum { COMPARED_RULES = 500, COMPARED_MEMBERS = 200 };

static void check_fleets_of(struct document *document, const struct policy *policy, const struct rule_list *rules)
{
        for (unsigned i = 0; i < rules->count; i++)
                for (unsigned j = 0; j < rules->items[i].fleets.count; j++)
                        if (policy_fleet_named(policy, rules->items[i].fleets.items[j]) == NULL)
                                document_warning_at(
                                        document, rules->items[i].line, rules->items[i].column,
                                        "rule \"%s\" names fleet \"%.60s\", which is not in this policy: no peer "
                                        "meets it",
                                        rules->items[i].name, rules->items[i].fleets.items[j]);
}

static bool has_rule_named(const struct rule_list *rules, const char *name)
{
        for (unsigned i = 0; i < rules->count; i++)
                if (rules->items[i].name != NULL && strcmp(rules->items[i].name, name) == 0)
                        return true;
        return false;
}

void policy_check_names(struct document *document, const struct policy *policy)
{
        for (unsigned i = 0; i < policy->fleet_count; i++)
                if (policy->fleets[i].name == NULL) /* told already, and the rules may mean it */
                        return;
        for (unsigned i = 0; i < policy->fleet_count; i++) {
                const struct fleet *fleet = &policy->fleets[i];
                for (unsigned j = 0; j < i; j++) {
                        if (strcmp(policy->fleets[j].name, fleet->name) == 0) {
                                document_error_at(document, fleet->line, 1,
                                                  "a second fleet named \"%.60s\" (the first is in line "
                                                  "%u); expected a name of its own",
                                                  fleet->name, policy->fleets[j].line);
                                break;
                        }
                }
                if (document_error_count(document) > DOCUMENT_ERROR_LIMIT)
                        return;
        }
        for (unsigned i = 0; i < policy->fleet_count; i++) {
                const struct fleet *fleet = &policy->fleets[i];
                check_fleets_of(document, policy, &fleet->deny);
                check_fleets_of(document, policy, &fleet->allow);
                check_fleets_of(document, policy, &fleet->sources);
                check_fleets_of(document, policy, &fleet->receivers);
                if (fleet->contact_with != NULL && !has_rule_named(&fleet->allow, fleet->contact_with))
                        document_error_at(document, fleet->line, 1,
                                          "contact of fleet \"%s\" is with \"%.60s\"; expected the name of "
                                          "one of its allow rules",
                                          fleet->name, fleet->contact_with);
        }
}

static bool prefix_covers(const struct prefix *wide, const struct prefix *narrow)
{
        return wide->length <= narrow->length && prefix_contains(wide, &narrow->address);
}

static bool prefixes_cover(const struct prefix_list *wide, const struct prefix_list *narrow)
{
        if (wide->count == 0)
                return true;
        for (unsigned i = 0; i < narrow->count; i++) {
                unsigned j = 0;
                while (j < wide->count && !prefix_covers(&wide->items[j], &narrow->items[i]))
                        j++;
                if (j == wide->count)
                        return false;
        }
        return narrow->count > 0;
}

static bool strings_cover(const struct string_list *wide, const struct string_list *narrow,
                          bool (*covers)(const char *wide, const char *narrow))
{
        if (wide->count == 0)
                return true;
        for (unsigned i = 0; i < narrow->count; i++) {
                unsigned j = 0;
                while (j < wide->count && !covers(wide->items[j], narrow->items[i]))
                        j++;
                if (j == wide->count)
                        return false;
        }
        return narrow->count > 0;
}

static bool same_text(const char *wide, const char *narrow)
{
        return strcasecmp(wide, narrow) == 0;
}

static bool domain_covers(const char *wide, const char *narrow)
{
        return strcmp(wide, narrow) == 0 || (wide[0] == '*' && domain_matches(wide, narrow[0] == '*' ? narrow + 2 : narrow));
}

static bool begins(const char *wide, const char *narrow)
{
        return strncmp(narrow, wide, strlen(wide)) == 0;
}

static bool numbers_cover(const struct number_list *wide, const struct number_list *narrow)
{
        if (wide->count == 0)
                return true;
        for (unsigned i = 0; i < narrow->count; i++) {
                unsigned j = 0;
                while (j < wide->count && wide->items[j] != narrow->items[i])
                        j++;
                if (j == wide->count)
                        return false;
        }
        return narrow->count > 0;
}

static bool ports_cover(const struct port_list *wide, const struct port_list *narrow)
{
        if (wide->count == 0)
                return true;
        for (unsigned i = 0; i < narrow->count; i++) {
                unsigned j = 0;
                while (j < wide->count &&
                       !(wide->items[j].first <= narrow->items[i].first && wide->items[j].last >= narrow->items[i].last))
                        j++;
                if (j == wide->count)
                        return false;
        }
        return narrow->count > 0;
}

/* Whatever meets `narrow` meets `wide`. */
static bool rule_covers(const struct rule *wide, const struct rule *narrow)
{
        if (wide->has_until && (!narrow->has_until || narrow->until_ns > wide->until_ns))
                return false;
        if (wide->direction != DIRECTION_BOTH && wide->direction != narrow->direction)
                return false;
        return prefixes_cover(&wide->prefixes, &narrow->prefixes) &&
               strings_cover(&wide->domains, &narrow->domains, domain_covers) &&
               strings_cover(&wide->countries, &narrow->countries, same_text) && numbers_cover(&wide->asns, &narrow->asns) &&
               strings_cover(&wide->vendors, &narrow->vendors, same_text) &&
               strings_cover(&wide->fleets, &narrow->fleets, same_text) &&
               numbers_cover(&wide->protocols, &narrow->protocols) && ports_cover(&wide->ports, &narrow->ports) &&
               strings_cover(&wide->apps, &narrow->apps, same_text);
}

static bool is_bare(const struct rule *rule)
{
        return rule->prefixes.count + rule->domains.count + rule->countries.count + rule->asns.count + rule->vendors.count +
                       rule->fleets.count + rule->protocols.count + rule->ports.count + rule->apps.count == 0;
}

/* The first of `rules` before `limit` that takes all of `rule`, or NULL. */
static const struct rule *covering(const struct rule_list *rules, unsigned limit, const struct rule *rule)
{
        for (unsigned i = 0; i < limit && i < rules->count && i < COMPARED_RULES; i++)
                if (rule_covers(&rules->items[i], rule))
                        return &rules->items[i];
        return NULL;
}

static const struct rule *named_before(const struct rule_list *rules, unsigned limit)
{
        for (unsigned i = 0; i < limit; i++)
                if (strcmp(rules->items[i].name, rules->items[limit].name) == 0)
                        return &rules->items[i];
        return NULL;
}

static void check_rules(struct document *document, const struct rule_list *rules, const struct rule_list *before)
{
        for (unsigned i = 0; i < rules->count && i < COMPARED_RULES; i++) {
                const struct rule *rule = &rules->items[i], *other;
                if (is_bare(rule))
                        document_warning_at(document, rule->line, rule->column,
                                            "rule \"%s\" has no criterion: every peer meets it", rule->name);
                if (before != NULL && (other = covering(before, before->count, rule)) != NULL)
                        document_warning_at(document, rule->line, rule->column,
                                            "rule \"%s\" is never reached: deny rule \"%s\" in "
                                            "line %u takes all of it",
                                            rule->name, other->name, other->line);
                if ((other = named_before(rules, i)) != NULL)
                        document_warning_at(document, rule->line, rule->column,
                                            "a second rule named \"%s\" (line %u): alerts will "
                                            "not tell them apart",
                                            rule->name, other->line);
                if ((other = covering(rules, i, rule)) != NULL)
                        document_warning_at(document, rule->line, rule->column,
                                            "rule \"%s\" is never reached: \"%s\" in line %u "
                                            "takes all of it",
                                            rule->name, other->name, other->line);
        }
}

static bool member_covers(const struct member *wide, const struct member *narrow)
{
        return prefixes_cover(&wide->prefixes, &narrow->prefixes) && strings_cover(&wide->apns, &narrow->apns, same_text) &&
               strings_cover(&wide->imei_tacs, &narrow->imei_tacs, same_text) &&
               strings_cover(&wide->imsi_prefixes, &narrow->imsi_prefixes, begins) &&
               strings_cover(&wide->inventories, &narrow->inventories, same_text);
}

/* The earlier fleet that takes all of this member's devices, or NULL. */
static const struct fleet *taken_by(const struct policy *policy, unsigned fleet, const struct member *member)
{
        for (unsigned i = 0; i < fleet && i < COMPARED_MEMBERS; i++)
                for (unsigned j = 0; j < policy->fleets[i].member_count && j < COMPARED_MEMBERS; j++)
                        if (member_covers(&policy->fleets[i].members[j], member))
                                return &policy->fleets[i];
        return NULL;
}

static void check_reach(struct document *document, const struct policy *policy, unsigned index)
{
        const struct fleet *fleet = &policy->fleets[index], *taker = NULL;
        for (unsigned i = 0; i < fleet->member_count && i < COMPARED_MEMBERS; i++) {
                taker = taken_by(policy, index, &fleet->members[i]);
                if (taker == NULL)
                        return;
        }
        if (taker != NULL)
                document_warning_at(document, fleet->line, 1,
                                    "fleet \"%s\" is never reached: fleet \"%s\" in line %u takes its "
                                    "members first",
                                    fleet->name, taker->name, taker->line);
}

void policy_check_sense(struct document *document, const struct policy *policy)
{
        if (policy->fleet_count == 0)
                document_warning_at(document, 1, 1, "no fleets: every device is unassigned and no destination is judged");
        for (unsigned i = 0; i < policy->fleet_count && i < COMPARED_RULES; i++) {
                const struct fleet *fleet = &policy->fleets[i];
                check_reach(document, policy, i);
                check_rules(document, &fleet->deny, NULL);
                check_rules(document, &fleet->allow, &fleet->deny);
                check_rules(document, &fleet->sources, &fleet->deny);
                check_rules(document, &fleet->receivers, NULL);
                if (fleet->destinations == SECTION_ABSENT && fleet->updates == SECTION_ABSENT &&
                    fleet->location == SECTION_ABSENT)
                        document_warning_at(document, fleet->line, 1,
                                            "fleet \"%s\" has no destinations, updates or location: only "
                                            "indicators and structural findings come for it",
                                            fleet->name);
                else if (fleet->destinations == SECTION_EMPTY && fleet->otherwise == OTHERWISE_ALERT &&
                         fleet->sources.count == 0)
                        document_warning_at(document, fleet->line, 1,
                                            "fleet \"%s\" allows nothing: every contact will be a finding", fleet->name);
        }
}
