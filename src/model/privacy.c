#include "config.h"

#include "model/privacy.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/identity_text.h"
#include "model/pseudonym.h"

enum { CHUNK = 16 * 1024, PLANS = 64, FIELDS = 64 };

enum rule {
        RULE_KEEP,       /* neither text nor anything else that could tell */
        RULE_TEXT,
        RULE_NAME,       /* of the user's choice, or words of ours: only what the message names as an identity is taken */
        RULE_ID,         /* of an alert: a hash, which may have been made of identities */
        RULE_IDENTITY,   /* whole */
        RULE_IMEI,       /* whole, and its TAC is kept */
        RULE_DEVICE_ID,  /* either, by its looks */
        RULE_PERHAPS_IMEI, /* an IMEI, else text */
        RULE_COORDINATE,
        RULE_DIGEST,     /* text, unless it is a digest as is expected */
        RULE_DROP,
        RULE_MESSAGE,
};

/* What to do with the fields of one kind of message. */
struct plan {
        const ProtobufCMessageDescriptor *descriptor;
        enum rule rules[FIELDS];
        const struct plan *inside[FIELDS]; /* of RULE_MESSAGE */
        bool changes;                      /* false: there is nothing to do in it, nor below */
        bool names_identities;             /* in it or below */
};

struct chunk {
        struct chunk *next;
        size_t used, size;
        max_align_t bytes[];
};

struct tenant_key {
        char *tenant;
        struct pseudonym_key *key;
};

struct privacy {
        struct pseudonym_key *key;
        struct tenant_key *tenants;
        unsigned tenant_count;
        bool keeps_snippets;
        struct plan plans[PLANS];
        unsigned plan_count;
        const struct plan *alert_plan, *event_plan;
        struct chunk *chunks; /* the newest first; the oldest stays */
        bool failed;          /* no memory: what was made is not whole */
        struct identity_text text;
};

/* Memory of one call */

static struct chunk *add_chunk(struct privacy *privacy, size_t least)
{
        size_t size = least > CHUNK ? least : CHUNK;
        struct chunk *chunk = malloc(sizeof *chunk + size);
        if (chunk == NULL) {
                privacy->failed = true;
                return NULL;
        }
        *chunk = (struct chunk){.next = privacy->chunks, .size = size};
        privacy->chunks = chunk;
        return chunk;
}

static void *take(struct privacy *privacy, size_t size)
{
        struct chunk *chunk = privacy->chunks;
        size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
        if (chunk == NULL || chunk->size - chunk->used < size)
                chunk = add_chunk(privacy, size);
        if (chunk == NULL)
                return NULL;
        void *memory = (char *)chunk->bytes + chunk->used;
        chunk->used += size;
        return memory;
}

/* What the last take() gave is larger than what is needed of it. */
static void give_back(struct privacy *privacy, void *memory, size_t needed)
{
        struct chunk *chunk = privacy->chunks;
        needed = (needed + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
        chunk->used = (size_t)((char *)memory - (char *)chunk->bytes) + needed;
}

static void begin(struct privacy *privacy, struct pseudonym_key *key, bool phones)
{
        while (privacy->chunks != NULL && privacy->chunks->next != NULL) {
                struct chunk *next = privacy->chunks->next;
                free(privacy->chunks);
                privacy->chunks = next;
        }
        if (privacy->chunks != NULL)
                privacy->chunks->used = 0;
        privacy->failed = false;
        privacy->text.key = key;
        privacy->text.known_count = 0;
        privacy->text.phones = phones;
}

/* Plans */

static enum rule rule_of(const ProtobufCFieldDescriptor *field)
{
        static const struct {
                const char *name;
                enum rule rule;
        } named[] = {{"imsi", RULE_IDENTITY}, {"msisdn", RULE_IDENTITY}, {"subscriber", RULE_IDENTITY}, {"imei", RULE_IMEI},
                     {"device_id", RULE_DEVICE_ID}, {"serial", RULE_DEVICE_ID},
                     {"iccid", RULE_IDENTITY}, {"subscribers", RULE_IDENTITY},
                     {"former", RULE_PERHAPS_IMEI}, {"current", RULE_PERHAPS_IMEI}, {"latitude", RULE_COORDINATE},
                     {"longitude", RULE_COORDINATE}, {"snippet", RULE_DROP}, {"id", RULE_ID}, {"policy", RULE_DIGEST},
                     {"sha256", RULE_DIGEST}, {"community_id", RULE_DIGEST}, {"site", RULE_NAME}, {"ticket", RULE_NAME},
                     {"verdict", RULE_NAME},
                     /* Outputs are chosen by these, and judge knows them again. */
                     {"fleet", RULE_KEEP}, {"tenant", RULE_KEEP}, {"sensor", RULE_KEEP}, {"rule", RULE_KEEP}, {"tap", RULE_KEEP},
                     {"context", RULE_KEEP}, {"interface", RULE_KEEP}};
        bool is_text = field->type == PROTOBUF_C_TYPE_STRING;
        for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
                bool fits = named[i].rule == RULE_COORDINATE ? field->type == PROTOBUF_C_TYPE_DOUBLE
                            : named[i].rule == RULE_DROP     ? field->type == PROTOBUF_C_TYPE_MESSAGE
                                                             : is_text;
                if (fits && strcmp(field->name, named[i].name) == 0)
                        return named[i].rule;
        }
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
                return RULE_MESSAGE;
        return is_text ? RULE_TEXT : RULE_KEEP;
}

static bool is_identity(enum rule rule)
{
        return rule == RULE_IDENTITY || rule == RULE_IMEI || rule == RULE_DEVICE_ID;
}

/* Messages do not contain themselves. NULL: more kinds or fields than there is room for, which a test would see. */
static const struct plan *plan_of(struct privacy *privacy, const ProtobufCMessageDescriptor *descriptor)
{
        for (unsigned i = 0; i < privacy->plan_count; i++)
                if (privacy->plans[i].descriptor == descriptor)
                        return &privacy->plans[i];
        if (privacy->plan_count == PLANS || descriptor->n_fields > FIELDS)
                return NULL;
        struct plan *plan = &privacy->plans[privacy->plan_count++];
        plan->descriptor = descriptor;
        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                plan->rules[i] = rule_of(&descriptor->fields[i]);
                if (plan->rules[i] == RULE_MESSAGE) {
                        plan->inside[i] = plan_of(privacy, descriptor->fields[i].descriptor);
                        if (plan->inside[i] == NULL)
                                return NULL;
                        plan->names_identities |= plan->inside[i]->names_identities;
                        if (!plan->inside[i]->changes)
                                plan->rules[i] = RULE_KEEP;
                }
                plan->names_identities |= is_identity(plan->rules[i]);
                plan->changes |= plan->rules[i] != RULE_KEEP;
        }
        return plan;
}

/* A field that is there: its values, of which a list has several. */
struct values {
        const void *first;
        size_t count;
};

static struct values values_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
        const char *bytes = (const char *)message;
        const void *member = bytes + field->offset, *quantifier = bytes + field->quantifier_offset;
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
                return (struct values){*(const void *const *)member, *(const size_t *)quantifier};
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
                return (struct values){member, *(const uint32_t *)quantifier == field->id};
        if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
                return (struct values){member, *(const void *const *)member != NULL};
        return (struct values){member, field->label == PROTOBUF_C_LABEL_REQUIRED || *(const protobuf_c_boolean *)quantifier};
}

static void collect_identities(struct privacy *privacy, const struct plan *plan, const ProtobufCMessage *message)
{
        for (unsigned i = 0; plan->names_identities && i < plan->descriptor->n_fields; i++) {
                if (!is_identity(plan->rules[i]) && (plan->inside[i] == NULL || !plan->inside[i]->names_identities))
                        continue;
                struct values values = values_of(message, &plan->descriptor->fields[i]);
                for (size_t k = 0; k < values.count; k++) {
                        const void *value = ((const void *const *)values.first)[k];
                        if (value != NULL && plan->inside[i] != NULL)
                                collect_identities(privacy, plan->inside[i], value);
                        else
                                identity_text_know(&privacy->text, value, plan->rules[i] == RULE_IMEI ||
                                                   (plan->rules[i] == RULE_DEVICE_ID && value != NULL &&
                                                    digits_look_like_imei(value, strspn(value, "0123456789"))));
                }
        }
}

/* Values */

static char *cover_text(struct privacy *privacy, char *text)
{
        size_t room = identity_text_room(strlen(text));
        bool changed;
        char *out = take(privacy, room);
        if (out == NULL)
                return text;
        size_t length = identity_text_cover(&privacy->text, text, out, &changed);
        give_back(privacy, out, changed ? length + 1 : 0);
        return changed ? out : text;
}

static bool is_covered(const char *value)
{
        size_t covered = pseudonym_length(value);
        return *value == '\0' || (covered > 0 && value[covered] == '\0');
}

static char *cover_identity(struct privacy *privacy, char *value, enum rule rule)
{
        char *out = is_covered(value) ? NULL : take(privacy, PSEUDONYM_SIZE);
        if (out == NULL)
                return value;
        const char *plain = value + (*value == '+');
        size_t length = strlen(plain), digits = strspn(plain, "0123456789");
        bool keep_tac = rule == RULE_IMEI ? digits >= PSEUDONYM_MODULE
                                          : rule == RULE_DEVICE_ID && digits == length && digits_look_like_imei(plain, length);
        out[pseudonym_write(privacy->text.key, plain, length, keep_tac, out)] = '\0';
        return out;
}

static char *cover_name(struct privacy *privacy, char *name)
{
        privacy->text.only_known = true;
        char *covered = cover_text(privacy, name);
        privacy->text.only_known = false;
        return covered;
}

static char *cover_id(struct privacy *privacy, char *id)
{
        if (strlen(id) != KEYED_ID_DIGITS || id[strspn(id, "0123456789abcdef")] != '\0')
                return cover_text(privacy, id);
        char *out = take(privacy, KEYED_ID_DIGITS + 1);
        if (out == NULL)
                return id;
        if (!pseudonym_key_id(privacy->text.key, id, out))
                privacy->failed = true;
        if (strcmp(out, id) != 0)
                return out;
        give_back(privacy, out, 0);
        return id;
}

static bool is_imei_shaped(const char *text)
{
        size_t digits = strspn(text, "0123456789");
        return text[digits] == '\0' && digits >= PSEUDONYM_MODULE && digits <= 16;
}

static bool is_digest(const char *text)
{
        static const char hex[] = "0123456789abcdef";
        if (strncmp(text, "1:", 2) == 0) /* a community ID: base64 of 20 bytes */
                return strlen(text) == 30 && text[29] == '=';
        bool has_name = strncmp(text, "sha256:", 7) == 0;
        size_t length = strspn(text + (has_name ? 7 : 0), hex);
        return text[(has_name ? 7 : 0) + length] == '\0' && (length == 64 || (length == 32 && !has_name));
}

static ProtobufCMessage *cover_message(struct privacy *privacy, const struct plan *plan, ProtobufCMessage *message);

static void *cover_pointer(struct privacy *privacy, const struct plan *plan, unsigned index, void *value)
{
        enum rule rule = plan->rules[index];
        if (rule == RULE_MESSAGE)
                return cover_message(privacy, plan->inside[index], value);
        if (rule == RULE_PERHAPS_IMEI)
                rule = is_imei_shaped(value) ? RULE_IMEI : RULE_TEXT;
        if (is_identity(rule))
                return cover_identity(privacy, value, rule);
        if (rule == RULE_ID)
                return cover_id(privacy, value);
        if (rule == RULE_NAME)
                return cover_name(privacy, value);
        return rule == RULE_DIGEST && is_digest(value) ? value : cover_text(privacy, value);
}

/* The copy of `message` that is changed: made before the first change. */
static char *own_copy(struct privacy *privacy, const struct plan *plan, const ProtobufCMessage *message, char **copy)
{
        if (*copy == NULL && (*copy = take(privacy, plan->descriptor->sizeof_message)) != NULL)
                memcpy(*copy, message, plan->descriptor->sizeof_message);
        return *copy;
}

static void cover_list(struct privacy *privacy, const struct plan *plan, unsigned index, const ProtobufCMessage *message,
                       char **copy)
{
        const ProtobufCFieldDescriptor *field = &plan->descriptor->fields[index];
        struct values values = values_of(message, field);
        void *const *items = (void *const *)values.first;
        void **own = NULL;
        for (size_t i = 0; i < values.count && !privacy->failed; i++) {
                void *covered = cover_pointer(privacy, plan, index, items[i]);
                if (covered == items[i])
                        continue;
                if (own == NULL && (own = take(privacy, values.count * sizeof *own)) != NULL)
                        memcpy(own, items, values.count * sizeof *own);
                if (own != NULL)
                        own[i] = covered;
        }
        if (own != NULL && own_copy(privacy, plan, message, copy) != NULL)
                memcpy(*copy + field->offset, &own, sizeof own);
}

static void cover_coordinate(struct privacy *privacy, const struct plan *plan, unsigned index, const ProtobufCMessage *message,
                             char **copy)
{
        const ProtobufCFieldDescriptor *field = &plan->descriptor->fields[index];
        double value, scale = pow(10, privacy->text.decimals);
        memcpy(&value, (const char *)message + field->offset, sizeof value);
        double rounded = round(value * scale) / scale;
        if (privacy->text.decimals < 0 || !isfinite(value) || !isfinite(rounded) || !(fabs(rounded - value) > 0))
                return;
        if (own_copy(privacy, plan, message, copy) != NULL)
                memcpy(*copy + field->offset, &rounded, sizeof rounded);
}

static void cover_field(struct privacy *privacy, const struct plan *plan, unsigned index, const ProtobufCMessage *message,
                        char **copy)
{
        const ProtobufCFieldDescriptor *field = &plan->descriptor->fields[index];
        static void *const nothing;
        if (plan->rules[index] == RULE_KEEP || (plan->rules[index] == RULE_DROP && privacy->keeps_snippets))
                return;
        struct values values = values_of(message, field);
        if (values.count == 0)
                return;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                cover_list(privacy, plan, index, message, copy);
        } else if (plan->rules[index] == RULE_COORDINATE) {
                cover_coordinate(privacy, plan, index, message, copy);
        } else if (plan->rules[index] == RULE_DROP) {
                if (own_copy(privacy, plan, message, copy) != NULL)
                        memcpy(*copy + field->offset, &nothing, sizeof nothing);
        } else {
                void *value = *(void *const *)values.first, *covered = cover_pointer(privacy, plan, index, value);
                if (covered != value && own_copy(privacy, plan, message, copy) != NULL)
                        memcpy(*copy + field->offset, &covered, sizeof covered);
        }
}

static ProtobufCMessage *cover_message(struct privacy *privacy, const struct plan *plan, ProtobufCMessage *message)
{
        char *copy = NULL;
        for (unsigned i = 0; i < plan->descriptor->n_fields && !privacy->failed; i++)
                cover_field(privacy, plan, i, message, &copy);
        return copy != NULL ? (ProtobufCMessage *)(void *)copy : message;
}

static const void *cover_whole(struct privacy *privacy, struct pseudonym_key *key, const struct plan *plan,
                               const ProtobufCMessage *message)
{
        begin(privacy, key, true);
        collect_identities(privacy, plan, message);
        const void *covered = cover_message(privacy, plan, (ProtobufCMessage *)(uintptr_t)message);
        return privacy->failed ? NULL : covered;
}

static struct pseudonym_key *key_of(const struct privacy *privacy, const char *tenant)
{
        for (unsigned i = 0; tenant != NULL && i < privacy->tenant_count; i++)
                if (strcmp(privacy->tenants[i].tenant, tenant) == 0)
                        return privacy->tenants[i].key;
        return privacy->key;
}

const Apnwatch__V1__Alert *privacy_alert(struct privacy *privacy, const Apnwatch__V1__Alert *alert)
{
        if (privacy == NULL)
                return alert;
        return cover_whole(privacy, key_of(privacy, alert->tenant), privacy->alert_plan, &alert->base);
}

const event_t *privacy_event(struct privacy *privacy, const event_t *event)
{
        if (privacy == NULL)
                return event;
        return cover_whole(privacy, privacy->key, privacy->event_plan, &event->base);
}

const char *privacy_identity(struct privacy *privacy, const char *value, bool is_imei, char out[PRIVACY_IDENTITY_SIZE])
{
        if (privacy == NULL || is_covered(value))
                return value;
        value += *value == '+';
        bool keep_tac = is_imei && strspn(value, "0123456789") >= PSEUDONYM_MODULE;
        out[pseudonym_write(privacy->key, value, strlen(value), keep_tac, out)] = '\0';
        return out;
}

const char *privacy_text(struct privacy *privacy, const char *text)
{
        if (privacy == NULL)
                return text;
        begin(privacy, privacy->key, false);
        const char *covered = cover_text(privacy, (char *)(uintptr_t)text);
        return privacy->failed ? NULL : covered;
}

/* One string literal, up to its closing quote or the end; what stands behind a backslash stays. */
static const char *cover_literal(struct privacy *privacy, char *at, char **to)
{
        for (;;) {
                bool changed;
                size_t length = strcspn(at, "\\\"");
                char behind = at[length];
                at[length] = '\0';
                bool is_whole = behind == '"' && is_digest(at);
                *to = is_whole ? stpcpy(*to, at) : *to + identity_text_cover(&privacy->text, at, *to, &changed);
                at[length] = behind;
                at += length;
                if (behind != '\\' || at[1] == '\0')
                        return at;
                size_t escape = at[1] == 'u' ? strnlen(at, 6) : 2;
                *to = mempcpy(*to, at, escape);
                at += escape;
        }
}

const char *privacy_json(struct privacy *privacy, const char *json)
{
        if (privacy == NULL)
                return json;
        begin(privacy, privacy->key, false);
        size_t length = strlen(json);
        char *from = take(privacy, length + 1), *out = take(privacy, identity_text_room(length)), *to = out;
        if (from == NULL || out == NULL)
                return NULL;
        memcpy(from, json, length + 1);
        for (const char *at = from; *at != '\0';) {
                *to++ = *at++;
                if (to[-1] != '"')
                        continue;
                at = cover_literal(privacy, from + (at - from), &to);
                if (*at != '\0')
                        *to++ = *at++;
        }
        *to = '\0';
        return out;
}

/* Life */

/* NULL: told with the place where the configuration names the file. */
static struct pseudonym_key *load_key(const struct configuration *configuration, const char *path, char *error, size_t size)
{
        char place[CONFIGURATION_PLACE_SIZE], why[512] = "";
        struct pseudonym_key *key = pseudonym_key_load(path, why, sizeof why);
        if (key == NULL)
                snprintf(error, size, "%s: key of the pseudonyms: %s", configuration_place(configuration, path, place), why);
        return key;
}

static int load_keys(struct privacy *privacy, const struct configuration *configuration, char *error, size_t size)
{
        privacy->key = load_key(configuration, configuration->privacy_key_file, error, size);
        if (privacy->key == NULL)
                return -EINVAL;
        privacy->tenants = calloc(configuration->privacy_tenant_count + 1, sizeof *privacy->tenants);
        if (privacy->tenants == NULL)
                return -ENOMEM;
        for (unsigned i = 0; i < configuration->privacy_tenant_count; i++) {
                const struct privacy_tenant *tenant = &configuration->privacy_tenants[i];
                struct tenant_key *own = &privacy->tenants[privacy->tenant_count++];
                own->key = load_key(configuration, tenant->key_file, error, size);
                own->tenant = strdup(tenant->tenant);
                if (own->key == NULL || own->tenant == NULL)
                        return own->key ? -ENOMEM : -EINVAL;
        }
        return 0;
}

int privacy_create(struct privacy **out, const struct configuration *configuration, char *error, size_t size)
{
        *out = NULL;
        if (configuration == NULL || !configuration->has_privacy)
                return 0;
        struct privacy *privacy = calloc(1, sizeof *privacy);
        int result = -ENOMEM;
        snprintf(error, size, "%s", strerror(ENOMEM));
        if (privacy == NULL)
                return result;
        privacy->text.decimals = configuration->privacy_coordinates;
        privacy->keeps_snippets = configuration_names_raw(configuration, "events");
        privacy->alert_plan = plan_of(privacy, &apnwatch__v1__alert__descriptor);
        privacy->event_plan = plan_of(privacy, &apnwatch__v1__event__descriptor);
        if (privacy->alert_plan != NULL && privacy->event_plan != NULL)
                result = load_keys(privacy, configuration, error, size);
        if (result == 0)
                *out = privacy;
        else
                privacy_destroy(privacy);
        return result;
}

void privacy_destroy(struct privacy *privacy)
{
        if (privacy == NULL)
                return;
        for (unsigned i = 0; i < privacy->tenant_count; i++) {
                pseudonym_key_destroy(privacy->tenants[i].key);
                free(privacy->tenants[i].tenant);
        }
        free(privacy->tenants);
        pseudonym_key_destroy(privacy->key);
        while (privacy->chunks != NULL) {
                struct chunk *next = privacy->chunks->next;
                free(privacy->chunks);
                privacy->chunks = next;
        }
        free(privacy);
}

bool privacy_was_on(const event_t *event)
{
        const Apnwatch__V1__Signalling *said = event->body_case == APNWATCH__V1__EVENT__BODY_SIGNALLING ? event->signalling : NULL;
        if (said == NULL)
                return false;
        return (said->imsi && pseudonym_length(said->imsi) > 0) || (said->imei && pseudonym_length(said->imei) > 0) ||
               (said->msisdn && pseudonym_length(said->msisdn) > 0);
}

bool privacy_allows(const struct configuration *configuration, const char *sink_scheme)
{
        bool is_raw = strcmp(sink_scheme, "objects") == 0 || strcmp(sink_scheme, "pcap") == 0;
        return configuration == NULL || !configuration->has_privacy || !is_raw || configuration_names_raw(configuration, sink_scheme);
}
