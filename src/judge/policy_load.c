/* The policy's tables of keys (INTERFACE: Policy; apnwatch-policy(5)). */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/prefix_trie.h"
#include "base/text.h"
#include "base/time_zone.h"
#include "judge/policy_parts.h"
#include "model/apn_text.h"

enum { FLEET_LIMIT = 10000, MEMBER_LIMIT = 100000 };

static bool digits_check(const char *text, size_t least, size_t most)
{
        size_t length = strspn(text, "0123456789");
        return text[length] == '\0' && length >= least && length <= most;
}

static bool tac_check(char *text)
{
        return digits_check(text, 8, 8);
}

static bool imsi_check(char *text)
{
        return digits_check(text, 3, 15);
}

static const struct text_kind tac_kind = {tac_check, "a TAC: the first 8 digits of an IMEI"};
static const struct text_kind imsi_kind = {imsi_check, "the first digits of an IMSI, 3 to 15"};
static const struct text_kind apn_kind = {apn_text_check, "an APN such as meters.utility.example"};

/* A list that could not be read is allocated and empty: its fault is told already. */
static void finish_member(struct document *document, const struct yaml_node_s *node, void *at)
{
        struct member *member = at;
        bool empty = member->apns.count + member->imei_tacs.count + member->imsi_prefixes.count + member->prefixes.count +
                             member->inventories.count == 0;
        bool absent = !member->apns.items && !member->imei_tacs.items && !member->imsi_prefixes.items &&
                      !member->prefixes.items && !member->inventories.items;
        member->line = document_line(node);
        if (absent || (empty && document_error_count(document) == 0))
                document_error(document, node,
                               "an entry of members that names nothing; expected apn, imei_tac, imsi_prefix, "
                               "prefix or inventory (0.0.0.0/0 and ::/0 take every device)");
}

static const struct field member_fields[] = {
        {"apn", read_texts, offsetof(struct member, apns), &apn_kind, 0, 0, false},
        {"imei_tac", read_texts, offsetof(struct member, imei_tacs), &tac_kind, 0, 0, false},
        {"imsi_prefix", read_texts, offsetof(struct member, imsi_prefixes), &imsi_kind, 0, 0, false},
        {"prefix", read_prefixes, offsetof(struct member, prefixes), NULL, 0, 0, false},
        {"inventory", read_texts, offsetof(struct member, inventories), NULL, 0, 0, false},
        {.key = NULL},
};
static const struct mapping member_mapping = {
        .what = "an entry of members", .fields = member_fields, .finish = finish_member};

/* The sections: `at` is the fleet, since one key fills several fields of it. */
static enum section section_of(const struct yaml_node_s *node, bool given)
{
        return document_is_null(node) || !given ? SECTION_EMPTY : SECTION_GIVEN;
}

static const char *const otherwises[] = {"alert", "learn", "allow", NULL};
static const struct rule_list_kind deny_kind = {"deny", DIRECTION_BOTH}, allow_kind = {"allow", DIRECTION_OUT};
static const struct rule_list_kind sources_kind = {"sources", DIRECTION_BOTH},
                                   receivers_kind = {"receivers", DIRECTION_BOTH};

static void read_otherwise(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        struct fleet *fleet = at;
        int choice = fleet->otherwise;
        read_choice(document, node, field, &choice);
        fleet->otherwise = (enum otherwise)choice;
        if (fleet->otherwise == OTHERWISE_LEARN)
                document_warning(document, node, "learning is not built yet; \"learn\" means allow");
}

static const struct field destinations_fields[] = {
        {"deny", read_rules, offsetof(struct fleet, deny), &deny_kind, 0, 0, false},
        {"allow", read_rules, offsetof(struct fleet, allow), &allow_kind, 0, 0, false},
        {"otherwise", read_otherwise, 0, otherwises, 0, 0, false},
        {.key = NULL},
};
static const struct mapping destinations_mapping = {.what = "destinations", .fields = destinations_fields};

static void read_destinations(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        struct fleet *fleet = at;
        (void)field;
        fleet->otherwise = OTHERWISE_ALERT;
        document_fill_node(document, node, &destinations_mapping, fleet);
        fleet->destinations = section_of(node, fleet->deny.count + fleet->allow.count > 0);
}

static void read_rate(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        read_number(document, node, field, at);
        document_warning(document, node, "max_devices_per_hour is not judged yet");
}

static const struct field updates_fields[] = {
        {"sources", read_rules, offsetof(struct fleet, sources), &sources_kind, 0, 0, false},
        {"windows", read_windows, 0, NULL, 0, 0, false},
        {"max_devices_per_hour", read_rate, offsetof(struct fleet, max_devices_per_hour), NULL, 1, 1000000000, false},
        {.key = NULL},
};
static const struct mapping updates_mapping = {.what = "updates", .fields = updates_fields};

static void read_updates(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        struct fleet *fleet = at;
        (void)field;
        document_fill_node(document, node, &updates_mapping, fleet);
        fleet->updates = section_of(node, fleet->sources.count > 0);
        if (fleet->sources.count == 0 && fleet->window_count > 0)
                document_warning(document, node, "updates has windows but no sources: every update will be unauthorised");
}

static const struct field location_fields[] = {
        {"receivers", read_rules, offsetof(struct fleet, receivers), &receivers_kind, 0, 0, false},
        {.key = NULL},
};
static const struct mapping location_mapping = {.what = "location", .fields = location_fields};

static void read_location(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        struct fleet *fleet = at;
        (void)field;
        document_fill_node(document, node, &location_mapping, fleet);
        fleet->location = section_of(node, fleet->receivers.count > 0);
}

static const struct field contact_fields[] = {
        {"every", read_seconds, offsetof(struct fleet, contact_every_s), NULL, 1, 366 * 86400, true},
        {"with", read_text, offsetof(struct fleet, contact_with), NULL, 0, 0, false},
        {"answered", read_bool, offsetof(struct fleet, contact_answered), NULL, 0, 0, false},
        {.key = NULL},
};
static const struct mapping contact_mapping = {.what = "contact", .fields = contact_fields};

static void read_contact(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        struct fleet *fleet = at;
        (void)field;
        fleet->has_contact = true;
        document_fill_node(document, node, &contact_mapping, fleet);
        document_warning(document, node, "contact is not judged yet");
}

static void read_mobility(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        int choice = 1;
        read_choice(document, node, field, &choice);
        ((struct fleet *)at)->is_static = choice == 0;
}

static void finish_fleet(struct document *document, const struct yaml_node_s *node, void *at)
{
        struct fleet *fleet = at;
        fleet->line = document_line(node);
        if (fleet->member_count == 0)
                document_warning(document, node, "fleet \"%s\" has no members: it takes no device",
                                 fleet->name ? fleet->name : "");
}

static const char *const mobilities[] = {"static", "mobile", NULL};
static const struct items_kind member_items = {&member_mapping, sizeof(struct member), offsetof(struct fleet, member_count),
                                               offsetof(struct fleet, members), MEMBER_LIMIT};
static const struct field fleet_fields[] = {
        {"name", read_text, offsetof(struct fleet, name), NULL, 0, 0, true},
        {"tenant", read_text, offsetof(struct fleet, tenant), NULL, 0, 0, false},
        {"timezone", read_text, offsetof(struct fleet, timezone_name), NULL, 0, 0, false},
        {"mobility", read_mobility, 0, mobilities, 0, 0, false},
        {"members", read_items, offsetof(struct fleet, members), &member_items, 0, 0, false},
        {"destinations", read_destinations, 0, NULL, 0, 0, false},
        {"updates", read_updates, 0, NULL, 0, 0, false},
        {"location", read_location, 0, NULL, 0, 0, false},
        {"contact", read_contact, 0, NULL, 0, 0, false},
        {"maintenance", read_maintenance, 0, NULL, 0, 0, false},
        {.key = NULL},
};
static const struct mapping fleet_mapping = {.what = "a fleet", .fields = fleet_fields, .finish = finish_fleet};

static void read_version(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        const char *text = document_text(document, node, "1");
        (void)field;
        (void)at;
        if (text != NULL && strcmp(text, "1") != 0)
                document_error(document, node, "version \"%.20s\"; expected 1", text);
}

static void read_nat64(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        struct prefix_list *list = at;
        read_prefixes(document, node, field, list);
        for (unsigned i = 0; i < list->count; i++) {
                unsigned length = list->items[i].length;
                if (address_is_ipv4(&list->items[i].address) || length < 32 || length > 96 || length % 8 != 0 ||
                    length == 72 || length == 80 || length == 88)
                        document_error(document, node,
                                       "a NAT64 prefix; expected IPv6 with 32, 40, 48, 56, 64 or 96 bits (RFC 6052)");
        }
}

static const struct items_kind fleet_items = {&fleet_mapping, sizeof(struct fleet), offsetof(struct policy, fleet_count),
                                              offsetof(struct policy, fleets), FLEET_LIMIT};
static const struct field policy_fields[] = {
        {"version", read_version, 0, NULL, 0, 0, true},
        {"devices", read_prefixes, offsetof(struct policy, devices), NULL, 0, 0, false},
        {"nat64", read_nat64, offsetof(struct policy, nat64), NULL, 0, 0, false},
        {"infrastructure", read_prefixes, offsetof(struct policy, infrastructure), NULL, 0, 0, false},
        {"fleets", read_items, offsetof(struct policy, fleets), &fleet_items, 0, 0, false},
        {.key = NULL},
};
static const struct mapping policy_mapping = {.what = "a policy", .fields = policy_fields};

static struct time_zone *zone_of(struct document *document, struct policy_index *index, const struct fleet *fleet)
{
        for (unsigned i = 0; i < index->zone_count; i++)
                if (strcmp(index->zones[i].name, fleet->timezone_name) == 0)
                        return index->zones[i].zone;
        struct time_zone *zone = time_zone_load(fleet->timezone_name);
        struct policy_zone *grown = realloc(index->zones, (index->zone_count + 1) * sizeof *grown);
        if (zone == NULL || grown == NULL) {
                document_error_at(document, fleet->line, 1,
                                  "timezone \"%.60s\" of fleet \"%s\"; expected a name such as Europe/Berlin",
                                  fleet->timezone_name, fleet->name ? fleet->name : "");
                time_zone_destroy(zone);
                index->zones = grown ? grown : index->zones;
                return NULL;
        }
        index->zones = grown;
        grown[index->zone_count++] = (struct policy_zone){document_keep(document, fleet->timezone_name), zone};
        return zone;
}

static void settle_fleet(struct document *document, struct policy *policy, struct fleet *fleet, unsigned index)
{
        fleet->index = index;
        if (fleet->destinations == SECTION_ABSENT)
                fleet->otherwise = OTHERWISE_ALLOW;
        if (fleet->timezone_name != NULL)
                fleet->time_zone = zone_of(document, policy->index, fleet);
        struct rule_list *const lists[] = {&fleet->deny, &fleet->allow, &fleet->sources, &fleet->receivers};
        for (unsigned i = 0; i < 4; i++) {
                rule_list_settle(document, lists[i], fleet->time_zone);
                policy->rule_count += lists[i]->count;
        }
        maintenance_settle(fleet, fleet->time_zone);
}

static bool fill_trie(struct prefix_trie **trie, const struct prefix_list *list)
{
        *trie = prefix_trie_create();
        for (unsigned i = 0; i < list->count && *trie != NULL; i++)
                if (prefix_trie_insert(*trie, &list->items[i], &list->items[i]) != 0)
                        return false;
        return *trie != NULL;
}

/* What the fields mean together, once all are read. */
static void settle(struct document *document, struct policy *policy)
{
        policy->index = document_allocate(document, 1, sizeof *policy->index);
        if (policy->index == NULL)
                return;
        if (!fill_trie(&policy->index->devices, &policy->devices) ||
            !fill_trie(&policy->index->infrastructure, &policy->infrastructure))
                document_error_at(document, 1, 1, "not enough memory");
        for (unsigned i = 0; i < policy->fleet_count; i++)
                settle_fleet(document, policy, &policy->fleets[i], i);
        policy_check_names(document, policy);
}

/* Country and AS rules cannot be judged without a database: said for each of them. */
static void check_geoip(struct document *document, struct policy *policy, const struct rule_list *rules, bool has_geoip)
{
        for (unsigned i = 0; i < rules->count; i++) {
                const struct rule *rule = &rules->items[i];
                if (rule->countries.count + rule->asns.count == 0)
                        continue;
                if (policy->geoip_line == 0) {
                        policy->geoip_line = rule->line;
                        policy->geoip_column = rule->column;
                }
                if (!has_geoip)
                        document_error_at(document, rule->line, rule->column,
                                          "rule \"%s\" needs to know %s; expected --geoip FILE", rule->name,
                                          rule->countries.count ? "countries" : "AS numbers");
        }
}

static bool fill(struct document *document, struct policy *policy, bool has_geoip)
{
        document_fill(document, &policy_mapping, policy);
        if (policy->nat64.items == NULL) {
                policy->nat64.items = document_allocate(document, 1, sizeof *policy->nat64.items);
                if (policy->nat64.items != NULL)
                        policy->nat64.count = prefix_parse("64:ff9b::/96", policy->nat64.items);
        }
        settle(document, policy);
        for (unsigned i = 0; i < policy->fleet_count; i++) {
                const struct fleet *fleet = &policy->fleets[i];
                check_geoip(document, policy, &fleet->deny, has_geoip);
                check_geoip(document, policy, &fleet->allow, has_geoip);
                check_geoip(document, policy, &fleet->sources, has_geoip);
                check_geoip(document, policy, &fleet->receivers, has_geoip);
        }
        if (document_error_count(document) == 0)
                policy_check_sense(document, policy);
        return document_error_count(document) == 0;
}

struct policy *policy_parse(const char *path, const void *bytes, size_t length, bool has_geoip, FILE *errors, FILE *warnings)
{
        struct document *document = document_parse(path, bytes, length, errors, warnings);
        if (document == NULL)
                return NULL;
        struct policy *policy = document_allocate(document, 1, sizeof *policy);
        if (policy != NULL) {
                uint8_t digest[DIGEST_SIZE];
                char hex[DIGEST_TEXT_SIZE];
                digest_sha256(bytes, length, digest);
                text_hex(digest, sizeof digest, hex);
                snprintf(policy->digest, sizeof policy->digest, "sha256:%s", hex);
                policy->path = document_keep(document, path);
                if (!fill(document, policy, has_geoip)) {
                        policy_destroy(policy);
                        policy = NULL;
                }
        }
        document_destroy(document);
        return policy;
}

struct policy *policy_load(const char *path, bool has_geoip, FILE *errors, FILE *warnings)
{
        size_t length;
        char *bytes = document_read_file(path, DOCUMENT_SIZE_LIMIT, &length, errors);
        struct policy *policy = bytes ? policy_parse(path, bytes, length, has_geoip, errors, warnings) : NULL;
        free(bytes);
        return policy;
}
