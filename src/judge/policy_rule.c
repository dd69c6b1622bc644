/* One rule, one list of rules. */
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/time_zone.h"
#include "judge/policy_parts.h"

enum { RULE_LIMIT = 20000, NAME_LIMIT = 253 };

static const struct {
        const char *name;
        uint8_t number;
} protocols[] = {{"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"icmpv6", 58}, {"sctp", 132}, {"esp", 50}, {"gre", 47}};

/* "*.x" or "x", lower case, without the dot at the end. */
static bool domain_check(char *text)
{
        size_t length = strlen(text);
        if (length > 0 && text[length - 1] == '.')
                text[--length] = '\0';
        const char *name = strncmp(text, "*.", 2) == 0 ? text + 2 : text;
        size_t label = 0;
        if (*name == '\0' || length > NAME_LIMIT)
                return false;
        for (char *c = text; *c != '\0'; c++)
                *c = (char)tolower((unsigned char)*c);
        for (; *name != '\0'; name++) {
                if (*name == '.' ? label == 0 : !isalnum((unsigned char)*name) && *name != '-' && *name != '_')
                        return false;
                label = *name == '.' ? 0 : label + 1;
                if (label > 63)
                        return false;
        }
        return label > 0;
}

static bool country_check(char *text)
{
        text[0] = (char)toupper((unsigned char)text[0]);
        text[1] = (char)(text[0] ? toupper((unsigned char)text[1]) : '\0');
        return isupper((unsigned char)text[0]) && isupper((unsigned char)text[1]) && text[2] == '\0';
}

static bool app_check(char *text)
{
        const char *known = app_find(text);
        if (known != NULL)
                memcpy(text, known, strlen(known)); /* the same but for case */
        return known != NULL;
}

static void read_asns(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        static const char expected[] = "an AS number such as 64500";
        struct number_list *list = at;
        unsigned count = document_item_count(document, node);
        list->items = document_allocate(document, count, sizeof *list->items);
        (void)field;
        for (unsigned i = 0; i < count && list->items != NULL; i++) {
                const struct yaml_node_s *item = document_item(document, node, i);
                const char *text = document_text(document, item, expected);
                if (text == NULL)
                        continue;
                const char *digits = text + (strncasecmp(text, "AS", 2) == 0 ? 2 : 0);
                unsigned long long value = strtoull(digits, NULL, 10);
                if (*digits != '\0' && digits[strspn(digits, "0123456789")] == '\0' && strlen(digits) <= 10 &&
                    value <= UINT32_MAX)
                        list->items[list->count++] = (uint32_t)value;
                else
                        document_error(document, item, "\"%.60s\"; expected %s", text, expected);
        }
}

bool protocol_parse(const char *text, uint32_t *out)
{
        for (unsigned i = 0; i < sizeof protocols / sizeof *protocols; i++) {
                if (strcasecmp(text, protocols[i].name) == 0) {
                        *out = protocols[i].number;
                        return true;
                }
        }
        *out = (uint32_t)strtoul(text, NULL, 10);
        return text[strspn(text, "0123456789")] == '\0' && strlen(text) <= 3 && *out <= 255;
}

static void read_protocols(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        static const char expected[] = "tcp, udp, icmp, icmpv6, sctp, esp, gre or a number from 0 to 255";
        struct number_list *list = at;
        unsigned count = document_item_count(document, node);
        list->items = document_allocate(document, count, sizeof *list->items);
        (void)field;
        for (unsigned i = 0; i < count && list->items != NULL; i++) {
                const struct yaml_node_s *item = document_item(document, node, i);
                const char *text = document_text(document, item, expected);
                if (text != NULL && protocol_parse(text, &list->items[list->count]))
                        list->count++;
                else if (text != NULL)
                        document_error(document, item, "\"%.60s\"; expected %s", text, expected);
        }
}

static bool port_parse(const char **text, uint16_t *out)
{
        size_t length = strspn(*text, "0123456789");
        unsigned long value = strtoul(*text, NULL, 10);
        *text += length;
        *out = (uint16_t)value;
        return length > 0 && length <= 5 && value >= 1 && value <= 65535;
}

static bool port_range_parse(const char *text, struct port_range *out)
{
        if (!port_parse(&text, &out->first))
                return false;
        out->last = out->first;
        text += strspn(text, " ");
        if (*text == '-') {
                text += 1 + strspn(text + 1, " ");
                if (!port_parse(&text, &out->last))
                        return false;
        }
        return *text == '\0' && out->last >= out->first;
}

static void read_ports(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        static const char expected[] = "a port from 1 to 65535, or a range such as 8000-8010";
        struct port_list *list = at;
        unsigned count = document_item_count(document, node);
        list->items = document_allocate(document, count, sizeof *list->items);
        (void)field;
        for (unsigned i = 0; i < count && list->items != NULL; i++) {
                const struct yaml_node_s *item = document_item(document, node, i);
                const char *text = document_text(document, item, expected);
                if (text != NULL && port_range_parse(text, &list->items[list->count]))
                        list->count++;
                else if (text != NULL)
                        document_error(document, item, "\"%.60s\"; expected %s", text, expected);
        }
}

/* `at` is the rule. */
static void read_until(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        static const char expected[] = "a date such as 2027-01-01 (inclusive), or date and time";
        struct rule *rule = at;
        struct civil_time civil;
        bool has_clock;
        const char *text = document_text(document, node, expected);
        (void)field;
        if (text == NULL)
                return;
        size_t used = civil_parse(text, &civil, &has_clock);
        if (used == 0 || text[used] != '\0' || civil.year < 1970 || civil.year > 2199) {
                document_error(document, node, "\"%.60s\"; expected %s", text, expected);
                return;
        }
        rule->has_until = true;
        rule->until_ns = (time_zone_moment(NULL, &civil) + (has_clock ? 0 : 86400)) * 1000000000;
}

static bool has_protocol_with_ports(const struct number_list *list)
{
        for (unsigned i = 0; i < list->count; i++)
                if (list->items[i] == IPPROTO_TCP || list->items[i] == IPPROTO_UDP || list->items[i] == IPPROTO_SCTP)
                        return true;
        return list->count == 0;
}

static void finish_rule(struct document *document, const struct yaml_node_s *node, void *at)
{
        struct rule *rule = at;
        rule->line = document_line(node);
        rule->column = document_column(node);
        if (document_is_null(node))
                document_error(document, node, "an empty rule; expected a mapping of keys");
        if (rule->ports.count > 0 && !has_protocol_with_ports(&rule->protocols))
                document_error(document, node, "a port with a protocol that has none; expected protocol tcp, udp or sctp");
}

static const struct text_kind domain_kind = {domain_check, "a name such as x.example, or *.x.example for names below it"};
static const struct text_kind country_kind = {country_check, "a country's two letters (ISO 3166)"};
static const struct text_kind app_kind = {app_check, "an app that `apnwatch policy check --apps` lists"};
static const char *const directions[] = {"out", "in", "both", NULL};

#define RULE(key, reader, member, ...) {key, reader, offsetof(struct rule, member), __VA_ARGS__}
static const struct field rule_fields[] = {
        RULE("name", read_text, name, NULL, 0, 0, false),
        RULE("prefix", read_prefixes, prefixes, NULL, 0, 0, false),
        RULE("domain", read_texts, domains, &domain_kind, 0, 0, false),
        RULE("country", read_texts, countries, &country_kind, 0, 0, false),
        RULE("asn", read_asns, asns, NULL, 0, 0, false),
        RULE("vendor", read_texts, vendors, NULL, 0, 0, false),
        RULE("fleet", read_texts, fleets, NULL, 0, 0, false),
        RULE("protocol", read_protocols, protocols, NULL, 0, 0, false),
        RULE("port", read_ports, ports, NULL, 0, 0, false),
        RULE("app", read_texts, apps, &app_kind, 0, 0, false),
        RULE("direction", read_choice, direction, directions, 0, 0, false),
        {"until", read_until, 0, NULL, 0, 0, false},
        RULE("ticket", read_text, ticket, NULL, 0, 0, false),
        {.key = NULL},
};
static const struct mapping rule_mapping = {.what = "a rule", .fields = rule_fields, .finish = finish_rule};

void read_rules(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        const struct rule_list_kind *kind = field->more;
        struct rule_list *list = at;
        unsigned count = document_item_count(document, node);
        if (count > RULE_LIMIT) {
                document_error(document, node, "%u rules; expected at most %d", count, RULE_LIMIT);
                return;
        }
        list->items = document_allocate(document, count, sizeof *list->items);
        for (unsigned i = 0; i < count && list->items != NULL; i++) {
                struct rule *rule = &list->items[list->count++];
                char name[64];
                rule->direction = kind->direction;
                document_fill_node(document, document_item(document, node, i), &rule_mapping, rule);
                snprintf(name, sizeof name, "%s#%u", kind->name, i + 1);
                if (rule->name == NULL)
                        rule->name = document_keep(document, name);
        }
}

static uint64_t mask_of(unsigned bits)
{
        return bits == 0 ? 0 : UINT64_MAX << (64 - bits);
}

static void add_prefix(struct rule_gate *gate, const struct prefix *prefix)
{
        unsigned is_ipv4 = prefix->length >= 96 && address_is_ipv4(&prefix->address), begin = is_ipv4 ? 64 : 0;
        unsigned bits = prefix->length > begin + 64 ? 64 : prefix->length - begin;
        uint64_t word = address_word(&prefix->address, is_ipv4), mask = mask_of(bits);
        uint16_t family = is_ipv4 ? GATE_IPV4 : GATE_IPV6;
        if (!(gate->refused & family)) { /* not the first one of it */
                uint64_t other = (word ^ gate->peers[is_ipv4].word) & gate->peers[is_ipv4].mask & mask;
                mask &= gate->peers[is_ipv4].mask;
                if (other != 0)
                        mask &= mask_of((unsigned)__builtin_clzll(other));
        }
        gate->refused &= (uint16_t)~family;
        gate->peers[is_ipv4].word = word & mask;
        gate->peers[is_ipv4].mask = mask;
        if (!is_ipv4 && prefix->length < 96) { /* ::/0 has all IPv4 too, and so have others below ::ffff:0:0/96 */
                struct prefix ipv4 = {.address = {{[10] = 0xff, [11] = 0xff}}, .length = 96};
                if (prefix_contains(prefix, &ipv4.address))
                        add_prefix(gate, &ipv4);
        }
}

static void make_gate(struct rule_gate *gate, const struct rule *rule)
{
        static const uint16_t openers[] = {[DIRECTION_OUT] = GATE_PEER, [DIRECTION_IN] = GATE_DEVICE, [DIRECTION_BOTH] = 0};
        unsigned refused = openers[rule->direction] | (rule->ports.count > 0 ? GATE_NO_PORTS : 0) |
                           (rule->countries.count > 0 ? GATE_NO_COUNTRY : 0) | (rule->asns.count > 0 ? GATE_NO_ASN : 0) |
                           (rule->vendors.count > 0 ? GATE_NO_VENDOR : 0) | (rule->fleets.count > 0 ? GATE_NO_FLEET : 0) |
                           (rule->prefixes.count > 0 ? GATE_IPV4 | GATE_IPV6 : 0);
        *gate = (struct rule_gate){.port_last = UINT16_MAX, .refused = (uint16_t)refused};
        gate->protocol = rule->protocols.count == 1 ? (uint8_t)rule->protocols.items[0] : 0;
        for (unsigned i = 0; i < rule->prefixes.count; i++)
                add_prefix(gate, &rule->prefixes.items[i]);
        for (unsigned i = 0; i < rule->ports.count; i++) {
                const struct port_range *range = &rule->ports.items[i];
                gate->port_first = i == 0 || range->first < gate->port_first ? range->first : gate->port_first;
                gate->port_last = i == 0 || range->last > gate->port_last ? range->last : gate->port_last;
        }
}

void rule_list_settle(struct document *document, struct rule_list *rules, const struct time_zone *zone)
{
        rules->gates = document_allocate(document, rules->count, sizeof *rules->gates);
        for (unsigned i = 0; i < rules->count && rules->gates != NULL; i++)
                make_gate(&rules->gates[i], &rules->items[i]);
        for (unsigned i = 0; i < rules->count; i++)
                if (rules->items[i].has_until)
                        rules->items[i].until_ns = civil_settle(rules->items[i].until_ns, zone);
}

static void rule_clear(struct rule *rule)
{
        free(rule->name);
        prefix_list_clear(&rule->prefixes);
        string_list_clear(&rule->domains);
        string_list_clear(&rule->countries);
        number_list_clear(&rule->asns);
        string_list_clear(&rule->vendors);
        string_list_clear(&rule->fleets);
        number_list_clear(&rule->protocols);
        free(rule->ports.items);
        string_list_clear(&rule->apps);
        free(rule->ticket);
}

void rule_list_clear(struct rule_list *rules)
{
        for (unsigned i = 0; i < rules->count; i++)
                rule_clear(&rules->items[i]);
        free(rules->items);
        free(rules->gates);
}
