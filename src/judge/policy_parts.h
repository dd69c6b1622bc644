/* Between the files that make a policy; nobody else includes it. */
#pragma once

#include "base/document.h"
#include "judge/policy.h"

struct prefix_trie;

struct policy_zone {
        char *name;
        struct time_zone *zone;
};

struct policy_index {
        struct prefix_trie *devices, *infrastructure;
        struct policy_zone *zones;
        unsigned zone_count;
};

/* policy_rule.c: one list of rules; `more` is a struct rule_list_kind. Until dates are civil times as if in UTC until
 * rule_list_settle() puts them into the fleet's zone. */
struct rule_list_kind {
        const char *name;              /* "allow": for rules without a name */
        enum rule_direction direction; /* when the rule says none */
};
field_reader read_rules;
void rule_list_settle(struct document *document, struct rule_list *rules, const struct time_zone *zone);
void rule_list_clear(struct rule_list *rules);

/* policy_time.c: windows (`at` is the fleet) and maintenance (the same; civil as if in UTC until settled). */
field_reader read_windows;
field_reader read_maintenance;
void maintenance_settle(struct fleet *fleet, const struct time_zone *zone);
/* The local time that stands in `time_ns` as if it were UTC, as a moment of the zone. */
int64_t civil_settle(int64_t time_ns, const struct time_zone *zone);

/* policy_check.c: what concerns several rules or fleets. */
void policy_check_names(struct document *document, const struct policy *policy);
void policy_check_sense(struct document *document, const struct policy *policy);
