#include "judge/policy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/prefix_trie.h"
#include "base/time_zone.h"
#include "judge/policy_parts.h"

bool domain_matches(const char *pattern, const char *name)
{
        if (pattern[0] != '*' || pattern[1] != '.')
                return strcmp(pattern, name) == 0;
        size_t below = strlen(pattern + 1), length = strlen(name);
        return length > below && strcmp(name + length - below, pattern + 1) == 0;
}

static bool is_known(const char *text)
{
        return text != NULL && *text != '\0';
}

static bool begins_with_one(const struct string_list *list, const char *text)
{
        for (unsigned i = 0; i < list->count; i++)
                if (strncmp(text, list->items[i], strlen(list->items[i])) == 0)
                        return true;
        return false;
}

/* APNs are compared without case; networks write them as they like (TS 23.003, 9.1). */
static bool is_one_of(const struct string_list *list, const char *text)
{
        for (unsigned i = 0; i < list->count; i++)
                if (strcasecmp(text, list->items[i]) == 0)
                        return true;
        return false;
}

static bool prefix_list_contains(const struct prefix_list *list, const struct address *a)
{
        for (unsigned i = 0; i < list->count; i++)
                if (prefix_contains(&list->items[i], a))
                        return true;
        return false;
}

static bool member_takes(const struct member *member, const struct policy_subject *subject)
{
        if (member->prefixes.count > 0 && !prefix_list_contains(&member->prefixes, &subject->address))
                return false;
        if (member->apns.count > 0 && !(is_known(subject->apn) && is_one_of(&member->apns, subject->apn)))
                return false;
        if (member->imei_tacs.count > 0 && !(is_known(subject->imei) && begins_with_one(&member->imei_tacs, subject->imei)))
                return false;
        if (member->imsi_prefixes.count > 0 &&
            !(is_known(subject->imsi) && begins_with_one(&member->imsi_prefixes, subject->imsi)))
                return false;
        return member->inventories.count == 0 ||
               (is_known(subject->inventory_fleet) && is_one_of(&member->inventories, subject->inventory_fleet));
}

const struct member *fleet_member_of(const struct fleet *fleet, const struct policy_subject *subject)
{
        for (unsigned i = 0; i < fleet->member_count; i++)
                if (member_takes(&fleet->members[i], subject))
                        return &fleet->members[i];
        return NULL;
}

const struct fleet *policy_fleet_of(const struct policy *policy, const struct policy_subject *subject)
{
        for (unsigned i = 0; policy != NULL && i < policy->fleet_count; i++)
                if (fleet_member_of(&policy->fleets[i], subject) != NULL)
                        return &policy->fleets[i];
        return NULL;
}

const struct fleet *policy_fleet_named(const struct policy *policy, const char *name)
{
        for (unsigned i = 0; policy != NULL && i < policy->fleet_count; i++)
                if (strcmp(policy->fleets[i].name, name) == 0)
                        return &policy->fleets[i];
        return NULL;
}

bool policy_is_device(const struct policy *policy, const struct address *a)
{
        return policy != NULL && prefix_trie_find(policy->index->devices, a) != NULL;
}

bool policy_is_infrastructure(const struct policy *policy, const struct address *a)
{
        return policy != NULL && prefix_trie_find(policy->index->infrastructure, a) != NULL;
}

/* Where the four bytes stand, by prefix length (RFC 6052, 2.2): bits 64 to 71 are left out. */
static struct address unwrap(const struct address *a, unsigned length)
{
        uint8_t ipv4[4];
        unsigned at = length / 8;
        for (unsigned i = 0; i < 4; i++, at++) {
                at += at == 8;
                ipv4[i] = a->bytes[at];
        }
        return address_of_ipv4(ipv4);
}

struct address policy_unwrap_nat64(const struct policy *policy, const struct address *a)
{
        static const struct prefix well_known = {.address = {{0, 0x64, 0xff, 0x9b}}, .length = 96};
        if (address_is_ipv4(a))
                return *a;
        if (policy == NULL)
                return prefix_contains(&well_known, a) ? unwrap(a, 96) : *a;
        for (unsigned i = 0; i < policy->nat64.count; i++)
                if (prefix_contains(&policy->nat64.items[i], a))
                        return unwrap(a, policy->nat64.items[i].length);
        return *a;
}

static void member_clear(struct member *member)
{
        string_list_clear(&member->apns);
        string_list_clear(&member->imei_tacs);
        string_list_clear(&member->imsi_prefixes);
        prefix_list_clear(&member->prefixes);
        string_list_clear(&member->inventories);
}

static void fleet_clear(struct fleet *fleet)
{
        free(fleet->name);
        free(fleet->tenant);
        free(fleet->timezone_name);
        for (unsigned i = 0; i < fleet->member_count; i++)
                member_clear(&fleet->members[i]);
        free(fleet->members);
        rule_list_clear(&fleet->deny);
        rule_list_clear(&fleet->allow);
        rule_list_clear(&fleet->sources);
        rule_list_clear(&fleet->receivers);
        free(fleet->windows);
        free(fleet->windows_text);
        free(fleet->contact_with);
        free(fleet->maintenance);
}

void policy_destroy(struct policy *policy)
{
        if (policy == NULL)
                return;
        for (unsigned i = 0; i < policy->fleet_count; i++)
                fleet_clear(&policy->fleets[i]);
        free(policy->fleets);
        prefix_list_clear(&policy->devices);
        prefix_list_clear(&policy->nat64);
        prefix_list_clear(&policy->infrastructure);
        if (policy->index != NULL) {
                prefix_trie_destroy(policy->index->devices);
                prefix_trie_destroy(policy->index->infrastructure);
                for (unsigned i = 0; i < policy->index->zone_count; i++) {
                        time_zone_destroy(policy->index->zones[i].zone);
                        free(policy->index->zones[i].name);
                }
                free(policy->index->zones);
                free(policy->index);
        }
        free(policy->path);
        free(policy);
}
