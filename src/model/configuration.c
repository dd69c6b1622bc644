/* The tables of the -c file. */
#include "model/configuration.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/document.h"
#include "base/text.h"
#include "model/apn_text.h"

enum { TAP_LIMIT = 4096, INPUT_LIMIT = 1000000, OUTPUT_LIMIT = 1000, TENANT_LIMIT = 10000, DAY_S = 86400 };

static const char *const roles[] = {"none", "s5",      "s8", "s11",  "s1u", "n3", "n4",
                                    "sgi",  "sgi-nat", "n6", "edge", "lan", NULL};
static const char *const severities[] = {"info", "low", "medium", "high", "critical", NULL};

/* A tap as it is read: text of its own, where struct tap borrows. */
struct tap_entry {
        char *name, *interface, *tenant, *apn;
        struct prefix_list prefixes;
        int64_t vlan, vni, gre_key; /* -1: any */
        uint32_t sampled;
        int role;
        unsigned line, column;
};

/* What is allocated: the configuration first, behind it what it borrows from. */
struct whole {
        struct configuration plain;
        struct tap_entry *taps;
        unsigned tap_count;
        struct document_place *places; /* of values that are checked later */
        unsigned place_count;
};

/* One more than the number, so that an absent one is 0 until finish_tap(). */
static void read_known_number(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        uint32_t number = UINT32_MAX;
        read_number(document, node, field, &number);
        *(int64_t *)at = (int64_t)number + 1;
}

static void finish_tap(struct document *document, const struct yaml_node_s *node, void *at)
{
        struct tap_entry *tap = at;
        tap->line = document_line(node);
        tap->column = document_column(node);
        tap->vlan--;
        tap->vni--;
        tap->gre_key--;
        if (tap->prefixes.count > 1)
                document_error(document, node, "a tap with %u prefixes; expected one", tap->prefixes.count);
}

static const struct text_kind apn_kind = {apn_text_check, "an APN such as meters.utility.example"};

#define TAP(key, reader, member, ...) {key, reader, offsetof(struct tap_entry, member), __VA_ARGS__}
static const struct field tap_fields[] = {
        TAP("name", read_text, name, NULL, 0, 0, true),
        TAP("interface", read_text, interface, NULL, 0, 0, false),
        TAP("vlan", read_known_number, vlan, NULL, 0, 4095, false),
        TAP("vni", read_known_number, vni, NULL, 0, 0xffffff, false),
        TAP("gre_key", read_known_number, gre_key, NULL, 0, UINT32_MAX, false),
        TAP("prefix", read_prefixes, prefixes, NULL, 0, 0, false),
        TAP("role", read_choice, role, roles, 0, 0, false),
        TAP("tenant", read_text, tenant, NULL, 0, 0, false),
        TAP("apn", read_text, apn, &apn_kind, 0, 0, false),
        TAP("sampled", read_number, sampled, NULL, 1, 1000000, false),
        {.key = NULL},
};
static const struct mapping tap_mapping = {.what = "a tap", .fields = tap_fields, .finish = finish_tap};

static void read_clock_offset(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        static const char expected[] = "an offset such as \"+56y 2d\" or -1h30m";
        const char *text = document_text(document, node, expected);
        (void)field;
        if (text != NULL && !duration_parse(text, at))
                document_error(document, node, "\"%.60s\"; expected %s", text, expected);
}

static const struct field input_fields[] = {
        {"file", read_text, offsetof(struct input_setting, file), NULL, 0, 0, true},
        {"clock_offset", read_clock_offset, offsetof(struct input_setting, clock_offset_ns), NULL, 0, 0, false},
        {.key = NULL},
};
static const struct mapping input_mapping = {.what = "an input", .fields = input_fields};

static void read_timeout(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        uint32_t milliseconds = UINT32_MAX;
        read_milliseconds(document, node, field, &milliseconds);
        if (milliseconds == 0)
                document_error(document, node, "a timeout of nothing; expected at least 1ms");
        *(uint32_t *)at = milliseconds;
}

/* Texts into a pointer and a count of the struct at `at`. */
struct list_place {
        size_t items, count;
};

static void read_list(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        const struct list_place *place = field->more;
        struct field texts = {.key = field->key};
        struct string_list list = {0};
        read_texts(document, node, &texts, &list);
        memcpy((char *)at + place->items, &list.items, sizeof list.items);
        memcpy((char *)at + place->count, &list.count, sizeof list.count);
}

static void read_placed_text(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        read_text(document, node, field, at);
        if (*(char **)at != NULL)
                document_note_place(document, node, *(char **)at);
}

static void read_placed_size(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        read_size(document, node, field, at);
        document_note_place(document, node, at);
}

#define LIMIT(key, reader, member, ...) {key, reader, offsetof(struct configuration, member), __VA_ARGS__}
static const struct field limits_fields[] = {
        LIMIT("memory", read_placed_size, limit_memory, NULL, 64 << 20, 0, false),
        LIMIT("flows", read_number, limit_flows, NULL, 1024, UINT32_MAX, false),
        LIMIT("devices", read_number, limit_devices, NULL, 64, UINT32_MAX, false),
        LIMIT("sessions", read_number, limit_sessions, NULL, 64, UINT32_MAX, false),
        {.key = NULL},
};
static const struct mapping limits_mapping = {.what = "limits", .fields = limits_fields};

static const struct field timeouts_fields[] = {
        LIMIT("tcp", read_timeout, timeout_tcp_ms, NULL, 0, 0, false),
        LIMIT("udp", read_timeout, timeout_udp_ms, NULL, 0, 0, false),
        LIMIT("other", read_timeout, timeout_other_ms, NULL, 0, 0, false),
        LIMIT("stall", read_timeout, timeout_stall_ms, NULL, 0, 0, false),
        {.key = NULL},
};
static const struct mapping timeouts_mapping = {.what = "timeouts", .fields = timeouts_fields};

static void read_decimals(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        uint32_t decimals = 0;
        read_number(document, node, field, &decimals);
        *(int *)at = (int)decimals;
}

/* "pcap" or "pcap:", as in an output. */
static bool is_raw_kind(const char *text)
{
        static const char *const kinds[] = {"events", "objects", "pcap"};
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
                size_t length = strlen(kinds[i]);
                if (strncmp(text, kinds[i], length) == 0 && (text[length] == '\0' || strcmp(text + length, ":") == 0))
                        return true;
        }
        return false;
}

static const struct list_place raw_place = {offsetof(struct configuration, privacy_raw),
                                            offsetof(struct configuration, privacy_raw_count)};

static void read_raw(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        struct configuration *configuration = at;
        read_list(document, node, field, at);
        for (unsigned i = 0; i < configuration->privacy_raw_count; i++)
                if (!is_raw_kind(configuration->privacy_raw[i]))
                        document_error(document, node, "\"%.60s\"; expected events, objects or pcap", configuration->privacy_raw[i]);
}

/* "water: FILE" */
static void read_tenant_key(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        struct configuration *configuration = at;
        struct privacy_tenant tenant = {.tenant = NULL};
        for (unsigned i = 0; i < configuration->privacy_tenant_count; i++) {
                if (strcmp(configuration->privacy_tenants[i].tenant, field->key) == 0) {
                        document_error(document, node, "a second key for tenant \"%.60s\"; expected one", field->key);
                        return;
                }
        }
        const struct field file = {.key = field->key};
        read_placed_text(document, node, &file, &tenant.key_file);
        if (tenant.key_file == NULL)
                return;
        if (configuration->privacy_tenant_count == TENANT_LIMIT) {
                document_error(document, node, "more tenants; expected at most %d", TENANT_LIMIT);
                free(tenant.key_file);
                return;
        }
        tenant.tenant = document_keep(document, field->key);
        struct privacy_tenant *all = reallocarray(configuration->privacy_tenants, configuration->privacy_tenant_count + 1, sizeof *all);
        if (all != NULL)
                configuration->privacy_tenants = all;
        if (all == NULL || tenant.tenant == NULL) {
                document_error(document, node, "no memory; expected some");
                free(tenant.tenant);
                free(tenant.key_file);
                return;
        }
        all[configuration->privacy_tenant_count++] = tenant;
}

static const struct field no_fields[] = {{.key = NULL}};
static const struct mapping tenant_keys_mapping = {.what = "tenants", .fields = no_fields, .other = read_tenant_key};
static const struct field privacy_fields[] = {
        LIMIT("key_file", read_placed_text, privacy_key_file, NULL, 0, 0, true),
        LIMIT("coordinates", read_decimals, privacy_coordinates, NULL, 0, 6, false),
        {"raw", read_raw, 0, &raw_place, 0, 0, false},
        {"tenants", read_mapping, 0, &tenant_keys_mapping, 0, 0, false},
        {.key = NULL},
};
static const struct mapping privacy_mapping = {.what = "privacy", .fields = privacy_fields};

/* A mapping, or "off". */
static void read_privacy(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        struct configuration *configuration = at;
        (void)field;
        if (document_is_scalar(node)) {
                const char *text = document_text(document, node, "off, or a mapping with key_file");
                if (text != NULL && strcmp(text, "off") != 0)
                        document_error(document, node, "\"%.60s\"; expected off, or a mapping with key_file", text);
                configuration->privacy_off = true;
                return;
        }
        configuration->has_privacy = true;
        document_fill_node(document, node, &privacy_mapping, configuration);
}

static const struct field outbox_fields[] = {
        LIMIT("path", read_text, outbox_path, NULL, 0, 0, true),
        LIMIT("size", read_size, outbox_size, NULL, 1 << 20, 0, false),
        LIMIT("retention", read_seconds, outbox_retention_s, NULL, 60, 3660 * DAY_S, false),
        {.key = NULL},
};
static const struct mapping outbox_mapping = {.what = "outbox", .fields = outbox_fields};

static const struct field redis_fields[] = {
        LIMIT("username", read_text, redis_username, NULL, 0, 0, false),
        LIMIT("password_file", read_text, redis_password_file, NULL, 0, 0, false),
        LIMIT("maxlen", read_number64, redis_maxlen, NULL, 1, 0, false),
        LIMIT("json", read_bool, redis_json, NULL, 0, 0, false),
        LIMIT("ca", read_text, redis_ca, NULL, 0, 0, false),
        LIMIT("cert", read_text, redis_cert, NULL, 0, 0, false),
        LIMIT("key", read_text, redis_key, NULL, 0, 0, false),
        {.key = NULL},
};
static const struct mapping redis_mapping = {.what = "redis", .fields = redis_fields};

static const struct field metrics_fields[] = {
        LIMIT("listen", read_placed_text, metrics_listen, NULL, 0, 0, true),
        {.key = NULL},
};
static const struct mapping metrics_mapping = {.what = "metrics", .fields = metrics_fields};

/* One more than the choice, as with numbers of taps. */
static void read_severity(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        int choice = -1;
        read_choice(document, node, field, &choice);
        *(int *)at = choice + 1;
}

static void finish_output(struct document *document, const struct yaml_node_s *node, void *at)
{
        (void)document;
        (void)node;
        ((struct output_setting *)at)->min_severity--;
}

#define PLACE(items, count) {offsetof(struct output_setting, items), offsetof(struct output_setting, count)}
static const struct list_place type_place = PLACE(types, type_count), fleet_place = PLACE(fleets, fleet_count),
                               tenant_place = PLACE(tenants, tenant_count);
#define OUTPUT(key, reader, member, ...) {key, reader, offsetof(struct output_setting, member), __VA_ARGS__}
static const struct field output_fields[] = {
        OUTPUT("sink", read_placed_text, sink, NULL, 0, 0, true),
        OUTPUT("min_severity", read_severity, min_severity, severities, 0, 0, false),
        {"type", read_list, 0, &type_place, 0, 0, false},
        {"fleet", read_list, 0, &fleet_place, 0, 0, false},
        {"tenant", read_list, 0, &tenant_place, 0, 0, false},
        OUTPUT("json", read_bool, json, NULL, 0, 0, false),
        OUTPUT("username", read_text, username, NULL, 0, 0, false),
        OUTPUT("password_file", read_text, password_file, NULL, 0, 0, false),
        OUTPUT("token_file", read_text, token_file, NULL, 0, 0, false),
        OUTPUT("timeout", read_timeout, timeout_ms, NULL, 0, 0, false),
        OUTPUT("ca", read_text, ca, NULL, 0, 0, false),
        OUTPUT("cert", read_text, cert, NULL, 0, 0, false),
        OUTPUT("key", read_text, key, NULL, 0, 0, false),
        {.key = NULL},
};
static const struct mapping output_mapping = {.what = "an output", .fields = output_fields, .finish = finish_output};

static const struct items_kind tap_items = {&tap_mapping, sizeof(struct tap_entry), offsetof(struct whole, tap_count),
                                            offsetof(struct whole, taps), TAP_LIMIT};
static const struct items_kind input_items = {&input_mapping, sizeof(struct input_setting),
                                              offsetof(struct configuration, input_count),
                                              offsetof(struct configuration, inputs), INPUT_LIMIT};
static const struct items_kind output_items = {&output_mapping, sizeof(struct output_setting),
                                               offsetof(struct configuration, output_count),
                                               offsetof(struct configuration, outputs), OUTPUT_LIMIT};
static const struct list_place geoip_place = {offsetof(struct configuration, geoip),
                                              offsetof(struct configuration, geoip_count)};

static const struct field whole_fields[] = {
        LIMIT("sensor", read_text, sensor, NULL, 0, 0, false),
        {"taps", read_items, offsetof(struct whole, taps), &tap_items, 0, 0, false},
        LIMIT("inputs", read_items, inputs, &input_items, 0, 0, false),
        {"limits", read_mapping, 0, &limits_mapping, 0, 0, false},
        {"timeouts", read_mapping, 0, &timeouts_mapping, 0, 0, false},
        {"privacy", read_privacy, 0, NULL, 0, 0, false},
        {"geoip", read_list, 0, &geoip_place, 0, 0, false},
        {"outbox", read_mapping, 0, &outbox_mapping, 0, 0, false},
        {"redis", read_mapping, 0, &redis_mapping, 0, 0, false},
        LIMIT("retention", read_seconds, retention_s, NULL, 60, 3660 * DAY_S, false),
        LIMIT("outputs", read_items, outputs, &output_items, 0, 0, false),
        {"metrics", read_mapping, 0, &metrics_mapping, 0, 0, false},
        {.key = NULL},
};
static const struct mapping whole_mapping = {.what = "a configuration", .fields = whole_fields};

static bool same(const char *a, const char *b)
{
        return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The context of taps[index]: that of an earlier tap with its tenant and APN, else a new one. A tap that says neither sees
 * the addresses that all see: context 0. */
static uint16_t context_of(struct document *document, struct configuration *configuration, const struct tap *taps,
                           unsigned index)
{
        const struct tap *tap = &taps[index];
        char name[256];
        if (tap->tenant == NULL && tap->apn == NULL)
                return 0;
        for (unsigned i = 0; i < index; i++)
                if (same(taps[i].tenant, tap->tenant) && same(taps[i].apn, tap->apn))
                        return taps[i].context;
        snprintf(name, sizeof name, "%s%s%s", tap->tenant ? tap->tenant : "", tap->tenant && tap->apn ? "/" : "",
                 tap->apn ? tap->apn : "");
        configuration->context_names[configuration->context_count] = document_keep(document, name);
        return (uint16_t)configuration->context_count++;
}

static struct tap tap_of(const struct tap_entry *entry)
{
        struct tap tap = {.name = entry->name,
                          .interface = entry->interface,
                          .vlan = (int)entry->vlan,
                          .vni = entry->vni,
                          .gre_key = entry->gre_key,
                          .has_prefix = entry->prefixes.count > 0,
                          .role = (enum tap_role)entry->role,
                          .tenant = entry->tenant,
                          .apn = entry->apn,
                          .sampled = entry->sampled ? entry->sampled : 1};
        if (tap.has_prefix)
                tap.prefix = entry->prefixes.items[0];
        return tap;
}

static void check_tap_names(struct document *document, const struct whole *whole)
{
        for (unsigned i = 0; i < whole->tap_count; i++)
                for (unsigned j = 0; j < i; j++)
                        if (whole->taps[i].name != NULL && same(whole->taps[i].name, whole->taps[j].name))
                                document_error_at(document, whole->taps[i].line, whole->taps[i].column,
                                                  "a second tap named \"%.60s\"; expected a name of its own",
                                                  whole->taps[i].name);
}

static void settle_taps(struct document *document, struct whole *whole)
{
        struct configuration *configuration = &whole->plain;
        struct tap *taps = document_allocate(document, whole->tap_count, sizeof *taps);
        configuration->taps = (struct tap_list){.taps = taps, .count = 0};
        configuration->context_names =
                document_allocate(document, whole->tap_count + 1, sizeof *configuration->context_names);
        if (taps == NULL || configuration->context_names == NULL)
                return;
        check_tap_names(document, whole);
        configuration->context_names[configuration->context_count++] = document_keep(document, "default");
        for (unsigned i = 0; i < whole->tap_count; i++) {
                taps[i] = tap_of(&whole->taps[i]);
                taps[i].context = context_of(document, configuration, taps, i);
                configuration->taps.count++;
        }
}

struct configuration *configuration_parse(const char *path, const void *bytes, size_t length, FILE *errors)
{
        uint8_t digest[DIGEST_SIZE];
        char hex[DIGEST_TEXT_SIZE];
        struct document *document = document_parse(path, bytes, length, errors, NULL);
        if (document == NULL)
                return NULL;
        struct whole *whole = document_allocate(document, 1, sizeof *whole);
        bool good = whole != NULL;
        if (good) {
                struct configuration *configuration = &whole->plain;
                configuration->privacy_coordinates = -1;
                configuration->path = document_keep(document, path);
                digest_sha256(bytes, length, digest);
                text_hex(digest, sizeof digest, hex);
                snprintf(configuration->digest, sizeof configuration->digest, "sha256:%s", hex);
                document_fill(document, &whole_mapping, whole);
                settle_taps(document, whole);
                whole->places = document_take_places(document, &whole->place_count);
                good = document_error_count(document) == 0;
        }
        document_destroy(document);
        if (good)
                return &whole->plain;
        configuration_destroy(whole ? &whole->plain : NULL);
        return NULL;
}

struct configuration *configuration_load(const char *path, FILE *errors)
{
        size_t length;
        char *bytes = document_read_file(path, DOCUMENT_SIZE_LIMIT, &length, errors);
        struct configuration *configuration = bytes ? configuration_parse(path, bytes, length, errors) : NULL;
        free(bytes);
        return configuration;
}

static void free_texts(char **items, unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                free(items[i]);
        free(items);
}

static void output_clear(struct output_setting *output)
{
        char *const texts[] = {output->sink, output->username, output->password_file, output->token_file, output->ca,
                               output->cert, output->key};
        for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
                free(texts[i]);
        free_texts(output->types, output->type_count);
        free_texts(output->fleets, output->fleet_count);
        free_texts(output->tenants, output->tenant_count);
}

static void taps_clear(struct whole *whole)
{
        for (unsigned i = 0; i < whole->tap_count; i++) {
                free(whole->taps[i].name);
                free(whole->taps[i].interface);
                free(whole->taps[i].tenant);
                free(whole->taps[i].apn);
                prefix_list_clear(&whole->taps[i].prefixes);
        }
        free(whole->taps);
}

void configuration_destroy(struct configuration *configuration)
{
        if (configuration == NULL)
                return;
        char *const texts[] = {
                configuration->path,          configuration->sensor,         configuration->privacy_key_file,
                configuration->outbox_path,   configuration->redis_username, configuration->redis_password_file,
                configuration->redis_ca,      configuration->redis_cert,     configuration->redis_key,
                configuration->metrics_listen};
        for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
                free(texts[i]);
        for (unsigned i = 0; i < configuration->input_count; i++)
                free(configuration->inputs[i].file);
        free(configuration->inputs);
        for (unsigned i = 0; i < configuration->output_count; i++)
                output_clear(&configuration->outputs[i]);
        free(configuration->outputs);
        free_texts(configuration->privacy_raw, configuration->privacy_raw_count);
        for (unsigned i = 0; i < configuration->privacy_tenant_count; i++) {
                free(configuration->privacy_tenants[i].tenant);
                free(configuration->privacy_tenants[i].key_file);
        }
        free(configuration->privacy_tenants);
        free_texts(configuration->geoip, configuration->geoip_count);
        free_texts(configuration->context_names, configuration->context_count);
        free((void *)(uintptr_t)configuration->taps.taps);
        struct whole *whole = (struct whole *)(void *)configuration;
        taps_clear(whole);
        free(whole->places);
        free(whole);
}

const char *configuration_place(const struct configuration *configuration, const void *value, char text[CONFIGURATION_PLACE_SIZE])
{
        const struct whole *whole = (const struct whole *)(const void *)configuration;
        snprintf(text, CONFIGURATION_PLACE_SIZE, "%s", configuration->path);
        for (unsigned i = 0; value != NULL && i < whole->place_count; i++)
                if (whole->places[i].value == value)
                        snprintf(text, CONFIGURATION_PLACE_SIZE, "%s:%u:%u", configuration->path, whole->places[i].line,
                                 whole->places[i].column);
        return text;
}

int64_t configuration_clock_offset(const struct configuration *configuration, const char *path)
{
        const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
        for (unsigned i = 0; configuration != NULL && i < configuration->input_count; i++) {
                const char *file = configuration->inputs[i].file;
                if (strcmp(file, path) == 0 || strcmp(file, last) == 0)
                        return configuration->inputs[i].clock_offset_ns;
        }
        return 0;
}

bool configuration_names_raw(const struct configuration *configuration, const char *scheme)
{
        size_t length = strlen(scheme);
        for (unsigned i = 0; configuration != NULL && i < configuration->privacy_raw_count; i++) {
                const char *named = configuration->privacy_raw[i];
                if (strncmp(named, scheme, length) == 0 && (named[length] == '\0' || strcmp(named + length, ":") == 0))
                        return true;
        }
        return false;
}
