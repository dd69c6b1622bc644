/* apnwatch policy check|explain: what a policy says, without traffic. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time_zone.h"
#include "cmd/commands.h"
#include "cmd/settings.h"
#include "judge/verdict.h"
#include "model/apn_text.h"

enum {
        KEY_APPS = 0x300,
        KEY_GEOIP,
        KEY_INTEL,
        KEY_INVENTORY,
        KEY_DEVICE,
        KEY_IMSI,
        KEY_IMEI,
        KEY_APN,
        KEY_PEER,
        KEY_NAME,
        KEY_PORT,
        KEY_DEVICE_PORT,
        KEY_PROTOCOL,
        KEY_APP,
        KEY_DIRECTION,
        KEY_TIME,
        KEY_NO_DNS
};

struct policy_options {
        struct word_list files, geoip_paths, intel_folders;
        const char *inventory_path, *imsi, *imei, *apn;
        const char *device, *peer, *name, *app, *direction, *time;
        unsigned long port, device_port;
        uint32_t protocol;
        bool apps, no_dns;
};

/* What is loaded for one run. */
struct loaded {
        struct policy *policy;
        struct intel *intel;
        struct inventory *inventory;
        struct geo *geo;
};

static unsigned long parse_port(const char *argument, const char *option, struct argp_state *state)
{
        char *end;
        unsigned long port = strtoul(argument, &end, 10);
        if (*argument < '0' || *argument > '9' || *end != '\0' || port > 65535)
                argp_error(state, "%s %s: expected a port from 0 to 65535", option, argument);
        return port;
}

static void take_direction(struct policy_options *options, char *argument, struct argp_state *state)
{
        if (strcmp(argument, "out") != 0 && strcmp(argument, "in") != 0 && strcmp(argument, "unseen") != 0)
                argp_error(state, "--direction %s: expected out, in or unseen", argument);
        options->direction = argument;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
        struct policy_options *options = state->input;
        switch (key) {
        case KEY_APPS: options->apps = true; break;
        case KEY_GEOIP: word_list_add(&options->geoip_paths, argument); break;
        case KEY_INTEL: word_list_add(&options->intel_folders, argument); break;
        case KEY_INVENTORY: options->inventory_path = argument; break;
        case KEY_DEVICE: options->device = argument; break;
        case KEY_IMSI: options->imsi = argument; break;
        case KEY_IMEI: options->imei = argument; break;
        case KEY_APN:
                apn_text_reduce(argument);
                options->apn = argument;
                break;
        case KEY_PEER: options->peer = argument; break;
        case KEY_NAME: options->name = argument; break;
        case KEY_PORT: options->port = parse_port(argument, "--port", state); break;
        case KEY_DEVICE_PORT: options->device_port = parse_port(argument, "--device-port", state); break;
        case KEY_PROTOCOL:
                if (!protocol_parse(argument, &options->protocol))
                        argp_error(state, "--protocol %s: expected tcp, udp, icmp, icmpv6, sctp, esp, gre or a number",
                                   argument);
                break;
        case KEY_APP:
                options->app = app_find(argument);
                if (options->app == NULL)
                        argp_error(state, "--app %s: expected one that `apnwatch policy check --apps` lists", argument);
                break;
        case KEY_DIRECTION: take_direction(options, argument, state); break;
        case KEY_TIME: options->time = argument; break;
        case KEY_NO_DNS: options->no_dns = true; break;
        case ARGP_KEY_ARG: word_list_add(&options->files, argument); break;
        default: return ARGP_ERR_UNKNOWN;
        }
        return 0;
}

static const struct argp_option check_options[] = {
        {"apps", KEY_APPS, NULL, 0, "Print the applications that a rule may name, and end", 0},
        {"geoip", KEY_GEOIP, "FILE", 0, "A MaxMind database; country and asn rules need one", 0},
        {"intel", KEY_INTEL, "DIR", 0, "Vendor data for the names in vendor rules; the installed set unless told", 0},
        {0},
};

static const struct argp_option explain_options[] = {
        {"device", KEY_DEVICE, "ADDRESS", 0, "The device", 1},
        {"imsi", KEY_IMSI, "DIGITS", 0, "Its IMSI, if known otherwise than by the inventory", 1},
        {"imei", KEY_IMEI, "DIGITS", 0, "Its IMEI", 1},
        {"apn", KEY_APN, "NAME", 0, "Its APN", 1},
        {"inventory", KEY_INVENTORY, "FILE", 0, "CSV with what is known of devices", 1},
        {"peer", KEY_PEER, "ADDRESS|NAME", 0, "The other end; a name counts as resolved by the device", 2},
        {"name", KEY_NAME, "NAME", 0, "The TLS, QUIC or HTTP name that the flow carries", 2},
        {"port", KEY_PORT, "N", 0, "The port that was opened: the peer's, or with --direction in the device's", 2},
        {"device-port", KEY_DEVICE_PORT, "N", 0, "The device's port", 2},
        {"protocol", KEY_PROTOCOL, "WORD", 0, "tcp (default), udp, icmp, icmpv6, sctp, esp, gre or a number", 2},
        {"app", KEY_APP, "NAME", 0, "What was detected", 2},
        {"direction", KEY_DIRECTION, "WORD", 0, "Who opened: out (the device, default), in, unseen", 2},
        {"time", KEY_TIME, "TIME", 0, "When; now unless told", 2},
        {"no-dns", KEY_NO_DNS, NULL, 0, "No DNS answer of the device was seen", 2},
        {"geoip", KEY_GEOIP, "FILE", 0, "A MaxMind database", 3},
        {"intel", KEY_INTEL, "DIR", 0, "Vendor data; the installed set unless told", 3},
        {0},
};

static bool load_intel(const struct policy_options *options, struct loaded *loaded)
{
        char folder[4096];
        const char *installed = folder;
        if (options->intel_folders.count > 0)
                loaded->intel = intel_load(options->intel_folders.items, options->intel_folders.count, stderr);
        else if (!intel_default_folder(folder, sizeof folder))
                return true;
        else
                loaded->intel = intel_load(&installed, 1, stderr);
        return loaded->intel != NULL;
}

static bool load_geo(const struct policy_options *options, struct loaded *loaded)
{
        if (options->geoip_paths.count == 0)
                return true;
        loaded->geo = geo_open(options->geoip_paths.items, options->geoip_paths.count, stderr);
        return loaded->geo != NULL;
}

static void unload(struct loaded *loaded)
{
        policy_destroy(loaded->policy);
        intel_destroy(loaded->intel);
        inventory_destroy(loaded->inventory);
        geo_close(loaded->geo);
}

static void options_clear(struct policy_options *options)
{
        free(options->files.items);
        free(options->geoip_paths.items);
        free(options->intel_folders.items);
}

static unsigned warn_of_vendors(const struct policy *policy, const struct intel *intel, const struct rule_list *rules)
{
        unsigned count = 0;
        for (unsigned i = 0; i < rules->count && intel != NULL; i++) {
                const struct rule *rule = &rules->items[i];
                for (unsigned j = 0; j < rule->vendors.count; j++) {
                        if (intel_vendor(intel, rule->vendors.items[j]) != NULL)
                                continue;
                        fprintf(stderr, "%s:%u:%u: warning: no vendor data of \"%s\": no peer meets rule \"%s\"\n",
                                policy->path, rule->line, rule->column, rule->vendors.items[j], rule->name);
                        count++;
                }
        }
        return count;
}

static unsigned count_lines(const char *text)
{
        unsigned count = 0;
        for (; *text != '\0'; text++)
                count += *text == '\n';
        return count;
}

/* "one policy": its faults or its size. */
static bool check_file(const char *path, const struct loaded *with)
{
        char *text = NULL;
        size_t size;
        FILE *warnings = open_memstream(&text, &size);
        if (warnings == NULL)
                return false;
        struct policy *policy = policy_load(path, with->geo != NULL, stderr, warnings);
        fclose(warnings);
        fputs(text, stderr);
        unsigned count = count_lines(text);
        free(text);
        if (policy == NULL)
                return false;
        for (unsigned i = 0; i < policy->fleet_count; i++) {
                const struct fleet *fleet = &policy->fleets[i];
                count += warn_of_vendors(policy, with->intel, &fleet->deny) +
                         warn_of_vendors(policy, with->intel, &fleet->allow) +
                         warn_of_vendors(policy, with->intel, &fleet->sources) +
                         warn_of_vendors(policy, with->intel, &fleet->receivers);
        }
        printf("%s: ok, %u fleet%s, %u rule%s, %u warning%s\n", path, policy->fleet_count,
               policy->fleet_count == 1 ? "" : "s", policy->rule_count, policy->rule_count == 1 ? "" : "s", count,
               count == 1 ? "" : "s");
        policy_destroy(policy);
        return true;
}

static int check(int argument_count, char **arguments)
{
        static const struct argp argp = {
                .options = check_options,
                .parser = parse_option,
                .args_doc = "FILE...",
                .doc = "Check policies: every fault with file, line and column on standard error. Exit status "
                       "2 when there is one.",
        };
        struct policy_options options = {.protocol = 6};
        struct loaded loaded = {NULL, NULL, NULL, NULL};
        argp_parse(&argp, argument_count, arguments, 0, NULL, &options);
        if (options.apps) {
                app_print_all(stdout);
                options_clear(&options);
                return EXIT_DONE;
        }
        if (options.files.count == 0) {
                fprintf(stderr, "%s: no policy is named\n", arguments[0]);
                options_clear(&options);
                return EXIT_USAGE;
        }
        bool good = load_geo(&options, &loaded);
        good &= load_intel(&options, &loaded);
        for (unsigned i = 0; i < options.files.count; i++)
                good &= check_file(options.files.items[i], &loaded);
        unload(&loaded);
        options_clear(&options);
        return good ? EXIT_DONE : EXIT_USAGE;
}

/* The device resolved the one name that was given as the peer. */
static enum name_evidence resolve(void *context, const char *pattern, bool is_claimed, const char **name)
{
        const char *resolved = context;
        (void)is_claimed;
        if (resolved == NULL || !domain_matches(pattern, resolved))
                return NAME_UNRESOLVED;
        *name = resolved;
        return NAME_BY_DEVICE;
}

struct explained {
        const struct policy_options *options;
        const struct loaded *loaded;
        const struct fleet *fleet;
        struct inventory_facts facts;
        bool has_facts;
        struct policy_subject subject;
        struct contact contact;
        struct geo_facts place;
        const struct intel_vendor *vendors[2];
        int64_t time_ns;
};

static bool take_time(struct explained *e)
{
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        e->time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
        if (e->options->time == NULL || moment_parse(e->options->time, NULL, &e->time_ns))
                return true;
        fprintf(stderr, "--time %s: expected RFC 3339, a date, or Unix seconds\n", e->options->time);
        return false;
}

static const char *first_of(const char *a, const char *b)
{
        return a ? a : b;
}

static bool find_device(struct explained *e)
{
        const struct policy_options *options = e->options;
        struct address *address = &e->subject.address;
        if (options->device == NULL || !address_parse(options->device, address)) {
                fprintf(stderr, "--device %s: expected the device's address\n", options->device ? options->device : "");
                return false;
        }
        struct inventory_subject asked = {.address = address, .imsi = options->imsi, .imei = options->imei, .apn = options->apn};
        e->has_facts = inventory_find_subject(e->loaded->inventory, &asked, e->time_ns, &e->facts);
        e->subject.imsi = first_of(options->imsi, e->has_facts ? e->facts.imsi : NULL);
        e->subject.imei = first_of(options->imei, e->has_facts ? e->facts.imei : NULL);
        e->subject.apn = first_of(options->apn, e->has_facts ? e->facts.apn : NULL);
        e->subject.inventory_fleet = e->has_facts ? e->facts.fleet : NULL;
        e->fleet = policy_fleet_of(e->loaded->policy, &e->subject);
        return true;
}

static void add_vendor(struct explained *e, const struct intel_row *row)
{
        if (row != NULL && !row->shared)
                e->vendors[e->contact.vendor_count++] = row->vendor;
}

/* The peer's fleet, if it is a device too. */
static const char *fleet_of_peer(const struct explained *e, const struct address *peer)
{
        struct inventory_facts facts;
        struct policy_subject subject = {.address = *peer};
        if (inventory_find(e->loaded->inventory, peer, NULL, NULL, e->time_ns, &facts))
                subject = (struct policy_subject){.address = *peer, .apn = facts.apn, .imsi = facts.imsi, .imei = facts.imei,
                                                  .inventory_fleet = facts.fleet};
        const struct fleet *fleet = policy_fleet_of(e->loaded->policy, &subject);
        return fleet ? fleet->name : NULL;
}

static bool find_peer(struct explained *e)
{
        const struct policy_options *options = e->options;
        struct contact *contact = &e->contact;
        if (options->peer == NULL) {
                fprintf(stderr, "--peer: expected the other end's address or name\n");
                return false;
        }
        contact->vendors = e->vendors;
        if (address_parse(options->peer, &contact->peer)) {
                contact->peer = policy_unwrap_nat64(e->loaded->policy, &contact->peer);
                if (geo_lookup(e->loaded->geo, &contact->peer, &e->place)) {
                        contact->country = e->place.country[0] ? e->place.country : NULL;
                        contact->has_asn = e->place.has_asn;
                        contact->asn = e->place.asn;
                }
                contact->peer_fleet = fleet_of_peer(e, &contact->peer);
                add_vendor(e, intel_match_address(e->loaded->intel, &contact->peer, INTEL_ANY));
                contact->resolver = (struct name_resolver){resolve, NULL};
        } else {
                contact->resolver = (struct name_resolver){resolve, (void *)(uintptr_t)options->peer};
                add_vendor(e, intel_match_name(e->loaded->intel, options->peer, INTEL_ANY));
        }
        if (options->name != NULL)
                add_vendor(e, intel_match_name(e->loaded->intel, options->name, INTEL_ANY));
        return true;
}

static void fill_contact(struct explained *e)
{
        const struct policy_options *options = e->options;
        struct contact *contact = &e->contact;
        const char *direction = options->direction ? options->direction : "out";
        contact->start_ns = e->time_ns;
        contact->protocol = (uint8_t)options->protocol;
        contact->has_ports = options->protocol == 6 || options->protocol == 17 || options->protocol == 132;
        contact->opener = strcmp(direction, "out") == 0  ? OPENER_DEVICE
                          : strcmp(direction, "in") == 0 ? OPENER_PEER
                                                         : OPENER_UNSEEN;
        contact->peer_port = (uint16_t)(contact->opener == OPENER_PEER ? 0 : options->port);
        contact->device_port =
                (uint16_t)(contact->opener == OPENER_PEER && !options->device_port ? options->port : options->device_port);
        contact->label = options->app;
        contact->label_is_positive = options->app != NULL;
        contact->name = options->name;
        contact->dns_seen = !options->no_dns;
}

static const char *reason_sentence(enum verdict_reason reason)
{
        static const char *const sentences[] = {
                "the rule fits",
                "what infrastructure opens is no finding",
                "no rule fits, and otherwise is not alert",
                "no section, so nothing is judged",
                "no rule fits",
                "the name is allowed, but the answers for it never held this address",
                "the rule fits, but its until is over",
                "the rule fits but for its app: something else was detected",
                "who opened was not seen, and no rule fits",
                "the rule fits but for its name, and neither a name nor any DNS of the device was seen"};
        return sentences[reason];
}

static void print_verdict(const struct explained *e, const char *what, const struct verdict *verdict)
{
        printf("%-13s %s: %s", what, verdict_kind_text(verdict->kind), reason_sentence(verdict->reason));
        if (verdict->rule != NULL)
                printf("; rule \"%s\" (%s:%u)", verdict->rule->name, e->loaded->policy->path, verdict->rule->line);
        if (verdict->name != NULL)
                printf("; name %s by %s", verdict->name,
                       strcmp(verdict->name_source, "dns") == 0 ? "DNS" : "the flow's own claim");
        putchar('\n');
}

static void print_device(const struct explained *e)
{
        const struct member *member = e->fleet ? fleet_member_of(e->fleet, &e->subject) : NULL;
        printf("%-13s %s", "device", e->options->device);
        if (e->has_facts)
                printf("; inventory line %u%s%s", e->facts.line, e->facts.fleet ? ", fleet column " : "",
                       e->facts.fleet ? e->facts.fleet : "");
        if (e->fleet != NULL)
                printf("\n%-13s %s (%s:%u), by the member in line %u\n", "fleet", e->fleet->name, e->loaded->policy->path,
                       e->fleet->line, member->line);
        else
                printf("\n%-13s unassigned: no fleet's members take it\n", "fleet");
}

static void print_peer(const struct explained *e)
{
        char text[ADDRESS_TEXT_SIZE];
        printf("%-13s %s", "peer", e->options->peer);
        if (!address_is_unspecified(&e->contact.peer) && strcmp(address_text(&e->contact.peer, text), e->options->peer) != 0)
                printf(", unwrapped to %s", text);
        if (e->contact.country != NULL)
                printf(", country %s", e->contact.country);
        if (e->contact.has_asn)
                printf(", AS%u", e->contact.asn);
        for (unsigned i = 0; i < e->contact.vendor_count; i++)
                printf(", vendor %s", e->vendors[i]->name);
        if (e->contact.peer_fleet != NULL)
                printf(", itself of fleet %s", e->contact.peer_fleet);
        putchar('\n');
}

static void print_sections(const struct explained *e)
{
        const struct fleet *fleet = e->fleet;
        if (fleet == NULL || fleet->updates == SECTION_ABSENT) {
                printf("%-13s no section: a pull is update.pull, none is unauthorised\n", "updates");
        } else {
                struct verdict verdict = verdict_of_list(&fleet->sources, &e->contact);
                print_verdict(e, "updates", &verdict);
                if (fleet->window_count > 0)
                        printf("%-13s %s (%s)\n", "window", fleet_window_is_open(fleet, e->time_ns) ? "open" : "closed",
                               fleet->windows_text);
        }
        if (fleet != NULL && fleet_in_maintenance(fleet, e->time_ns))
                printf("%-13s yes\n", "maintenance");
        if (fleet == NULL || fleet->location == SECTION_ABSENT) {
                printf("%-13s no section: every report is a finding\n", "location");
        } else {
                struct verdict verdict = verdict_of_list(&fleet->receivers, &e->contact);
                print_verdict(e, "location", &verdict);
        }
}

static void explain_loaded(struct explained *e)
{
        fill_contact(e);
        struct verdict verdict = verdict_of_contact(e->loaded->policy, e->fleet, &e->contact);
        print_device(e);
        print_peer(e);
        print_verdict(e, "destinations", &verdict);
        print_sections(e);
}

static int explain(int argument_count, char **arguments)
{
        static const struct argp argp = {
                .options = explain_options,
                .parser = parse_option,
                .args_doc = "FILE",
                .doc = "Tell which fleet a device is of, what the policy says of a contact, and which rule "
                       "decides.",
        };
        struct policy_options options = {.protocol = 6};
        struct loaded loaded = {NULL, NULL, NULL, NULL};
        argp_parse(&argp, argument_count, arguments, 0, NULL, &options);
        struct explained explained = {.options = &options, .loaded = &loaded};
        if (options.files.count != 1) {
                fprintf(stderr, "%s: expected one policy\n", arguments[0]);
                options_clear(&options);
                return EXIT_USAGE;
        }
        bool good = load_geo(&options, &loaded);
        good &= load_intel(&options, &loaded);
        loaded.policy = policy_load(options.files.items[0], loaded.geo != NULL, stderr, NULL);
        if (options.inventory_path != NULL) {
                loaded.inventory = inventory_load(options.inventory_path, stderr);
                good &= loaded.inventory != NULL;
        }
        good = good && loaded.policy != NULL && take_time(&explained) && find_device(&explained) && find_peer(&explained);
        if (good)
                explain_loaded(&explained);
        unload(&loaded);
        options_clear(&options);
        return good ? EXIT_DONE : EXIT_USAGE;
}

static bool asks_for_help(const char *word)
{
        return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int policy_command(int argument_count, char **arguments)
{
        static const struct {
                const char *name;
                int (*run)(int argument_count, char **arguments);
        } commands[] = {{"check", check}, {"explain", explain}};
        for (unsigned i = 0; argument_count > 1 && i < sizeof commands / sizeof *commands; i++) {
                if (strcmp(arguments[1], commands[i].name) != 0)
                        continue;
                char title[64];
                snprintf(title, sizeof title, "%s %s", arguments[0], commands[i].name);
                arguments[1] = title;
                return commands[i].run(argument_count - 1, arguments + 1);
        }
        bool help = argument_count > 1 && asks_for_help(arguments[1]);
        fprintf(help ? stdout : stderr,
                "usage: %s check [--apps] [--geoip FILE] FILE...\n"
                "       %s explain FILE --device ADDRESS --peer ADDRESS|NAME ...\n",
                arguments[0], arguments[0]);
        return help ? EXIT_DONE : EXIT_USAGE;
}
