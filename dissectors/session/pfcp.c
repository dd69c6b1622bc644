/* TS 29.244 (release 17): header in 7.2.2, messages in 7.4 and 7.5 (types in 7.3), information elements in clause 8.
 * Left out: what says nothing of who, where and through which tunnel (QoS, usage, buffering, multi-access and bridge rules,
 * PFDs), duplicated traffic, and that a rule is removed: a Remove PDR names the rule alone, and its tunnel ends with the session. */
#include "dissectors/session/pfcp.h"

#include <string.h>

#include "base/address.h"

enum { PORT_PFCP = 8805, MESSAGES_MOST = 8, ELEMENTS_MOST = 512, DEPTH_MOST = 4, PENDING = 8 };
enum { FLAG_SEID = 0x01, FLAG_FOLLOW_ON = 0x04, FLAGS_SPARE = 0x18, CAUSE_ACCEPTED = 1, CAUSE_ACCEPTED_LAST = 63 };
enum { TYPE_OF_ENTERPRISE = 0x8000, INTERFACE_ACCESS = 0, INTERFACE_CORE = 1, INTERFACE_CONTROL = 3 };

enum element {
        IE_CREATE_PDR = 1, IE_PDI = 2, IE_CREATE_FAR = 3, IE_FORWARDING_PARAMETERS = 4, IE_CREATED_PDR = 8, IE_UPDATE_PDR = 9,
        IE_UPDATE_FAR = 10, IE_UPDATE_FORWARDING_PARAMETERS = 11, IE_CAUSE = 19, IE_SOURCE_INTERFACE = 20, IE_FTEID = 21,
        IE_NETWORK_INSTANCE = 22, IE_DESTINATION_INTERFACE = 42, IE_PDR_ID = 56, IE_FSEID = 57, IE_NODE_ID = 60, IE_FQ_CSID = 65,
        IE_OUTER_HEADER_CREATION = 84, IE_UE_IP_ADDRESS = 93, IE_RECOVERY_TIME_STAMP = 96, IE_CREATE_TRAFFIC_ENDPOINT = 127,
        IE_CREATED_TRAFFIC_ENDPOINT = 128, IE_UPDATE_TRAFFIC_ENDPOINT = 129, IE_TRAFFIC_ENDPOINT_ID = 131, IE_USER_ID = 141,
        IE_FRAMED_ROUTE = 153, IE_FRAMED_IPV6_ROUTE = 155, IE_APN_DNN = 159, IE_SESSION_RETENTION = 183, IE_RAT_TYPE = 275
};

#define PART(name) APNWATCH__V1__SIGNALLING__SET__PART__##name
#define PROCEDURE(name) APNWATCH__V1__SIGNALLING__PROCEDURE__##name
#define PHASE(name) APNWATCH__V1__SIGNALLING__PHASE__##name
#define PAIR(type, name) [type] = {true, PROCEDURE(name), PHASE(REQUEST)}, [type + 1] = {true, PROCEDURE(name), PHASE(RESPONSE)}

/* Table 7.3-1. */
static const struct message_kind {
        bool known;
        uint8_t procedure, phase;
} kinds[] = {
        PAIR(1, PATH), PAIR(3, OTHER), PAIR(5, PATH), PAIR(7, OTHER), PAIR(9, NODE_DELETE),
        [11] = {true, PROCEDURE(OTHER), PHASE(RESPONSE)}, PAIR(12, OTHER), PAIR(14, NODE_DELETE), PAIR(16, OTHER),
        PAIR(50, CREATE), PAIR(52, MODIFY), PAIR(54, DELETE), PAIR(56, OTHER),
};

struct ie {
        uint16_t type;
        const uint8_t *bytes;
        size_t length;
};

/* What stands in one PDR, FAR or Traffic Endpoint, with the groups in it. */
struct rule {
        bool has_id, has_interface, has_reference;
        uint8_t interface;      /* source interface of packets to match, or destination interface of packets to send */
        uint16_t id, reference; /* reference: the Traffic Endpoint that a PDR names */
        bool is_traffic_endpoint;
        unsigned first_endpoint;
        struct apn instance;
};

struct reader {
        struct signalling *out;
        struct pfcp_message *message;
        unsigned elements, depth;
        bool malformed;
        bool has_core_instance;
        struct apn instance; /* Network Instance: stands for the DNN when there is none; the core's rather than the access's */
};

static bool next_ie(struct reader *reader, struct cursor *at, struct ie *ie)
{
        if (cursor_left(at) == 0)
                return false;
        if (++reader->elements > ELEMENTS_MOST) {
                reader->malformed = true;
                return false;
        }
        ie->type = cursor_be16(at);
        ie->length = cursor_be16(at);
        ie->bytes = cursor_bytes(at, ie->length);
        return !at->short_read;
}

static bool is_same_endpoint(const struct signalling_endpoint *a, const struct signalling_endpoint *b)
{
        return a->user == b->user && a->key == b->key && a->has_ipv4 == b->has_ipv4 && a->has_ipv6 == b->has_ipv6 &&
               memcmp(a->ipv4, b->ipv4, 4) == 0 && memcmp(a->ipv6, b->ipv6, 16) == 0;
}

/* The same tunnel may serve several rules: it is told once. */
static void add_endpoint(struct signalling *out, bool user, uint64_t key, const uint8_t *ipv4, const uint8_t *ipv6)
{
        struct signalling_endpoint endpoint = {.user = user, .key = key, .has_ipv4 = ipv4 != NULL, .has_ipv6 = ipv6 != NULL};
        if (key == 0 || (ipv4 == NULL && ipv6 == NULL))
                return;
        if (ipv4 != NULL)
                memcpy(endpoint.ipv4, ipv4, 4);
        if (ipv6 != NULL)
                memcpy(endpoint.ipv6, ipv6, 16);
        for (unsigned i = 0; i < out->endpoint_count; i++)
                if (is_same_endpoint(&out->endpoints[i], &endpoint))
                        return;
        struct signalling_endpoint *added = signalling_add_endpoint(out);
        if (added != NULL)
                *added = endpoint;
}

/* 8.2.3. */
static void read_fteid(struct signalling *out, const struct ie *ie)
{
        enum { HAS_IPV4 = 1, HAS_IPV6 = 2, CHOOSE = 4 };
        struct cursor at = cursor_of(ie->bytes, ie->length);
        uint8_t flags = cursor_u8(&at);
        if (flags & CHOOSE)
                return;
        uint32_t key = cursor_be32(&at);
        const uint8_t *ipv4 = flags & HAS_IPV4 ? cursor_bytes(&at, 4) : NULL;
        const uint8_t *ipv6 = flags & HAS_IPV6 ? cursor_bytes(&at, 16) : NULL;
        if (!at.short_read)
                add_endpoint(out, true, key, ipv4, ipv6);
}

/* 8.2.37. */
static void read_fseid(struct signalling *out, const struct ie *ie)
{
        enum { HAS_IPV6 = 1, HAS_IPV4 = 2 };
        struct cursor at = cursor_of(ie->bytes, ie->length);
        uint8_t flags = cursor_u8(&at);
        uint64_t key = cursor_be64(&at);
        const uint8_t *ipv4 = flags & HAS_IPV4 ? cursor_bytes(&at, 4) : NULL;
        const uint8_t *ipv6 = flags & HAS_IPV6 ? cursor_bytes(&at, 16) : NULL;
        if (!at.short_read)
                add_endpoint(out, false, key, ipv4, ipv6);
}

/* 8.2.56: where packets are sent on to. Only GTP-U has a TEID. */
static void read_outer_header(struct signalling *out, const struct ie *ie)
{
        enum { GTPU_IPV4 = 0x01, GTPU_IPV6 = 0x02 };
        struct cursor at = cursor_of(ie->bytes, ie->length);
        uint8_t description = cursor_u8(&at);
        cursor_skip(&at, 1);
        if (!(description & (GTPU_IPV4 | GTPU_IPV6)))
                return;
        uint32_t key = cursor_be32(&at);
        const uint8_t *ipv4 = description & GTPU_IPV4 ? cursor_bytes(&at, 4) : NULL;
        const uint8_t *ipv6 = description & GTPU_IPV6 ? cursor_bytes(&at, 16) : NULL;
        if (!at.short_read)
                add_endpoint(out, true, key, ipv4, ipv6);
}

/* 8.2.62. IPv4 stands before IPv6, unlike in GTPv2-C's PAA. */
static void read_ue_address(struct signalling *out, const struct ie *ie)
{
        enum { HAS_IPV6 = 0x01, HAS_IPV4 = 0x02, HAS_DELEGATION = 0x08, HAS_PREFIX_LENGTH = 0x40 };
        struct cursor at = cursor_of(ie->bytes, ie->length);
        uint8_t flags = cursor_u8(&at);
        const uint8_t *ipv4 = flags & HAS_IPV4 && cursor_left(&at) >= 4 ? cursor_bytes(&at, 4) : NULL;
        const uint8_t *ipv6 = flags & HAS_IPV6 && cursor_left(&at) >= 16 ? cursor_bytes(&at, 16) : NULL;
        unsigned length = 64;
        if (ipv6 != NULL && flags & HAS_DELEGATION) {
                uint8_t bits = cursor_u8(&at);
                length = bits < 64 ? 64U - bits : 64;
        }
        if (ipv6 != NULL && flags & HAS_PREFIX_LENGTH && cursor_left(&at) > 0)
                length = cursor_u8(&at);
        if (ipv4 != NULL)
                signalling_set_ipv4(out, ipv4);
        if (ipv6 != NULL)
                signalling_set_ipv6(out, ipv6, length);
}

/* 8.2.38: an address, or a name as labels. */
static void read_node_id(struct signalling *out, const struct ie *ie)
{
        enum { NODE_IPV4 = 0, NODE_IPV6 = 1, NODE_NAME = 2 };
        struct cursor at = cursor_of(ie->bytes, ie->length);
        uint8_t type = cursor_u8(&at) & 0x0f;
        size_t length = cursor_left(&at);
        struct address address;
        struct apn name;
        char text[ADDRESS_TEXT_SIZE];
        if (out->node[0] != '\0')
                return;
        if ((type == NODE_IPV4 && length == 4) || (type == NODE_IPV6 && length == 16)) {
                address = length == 4 ? address_of_ipv4(at.at) : address_of_ipv6(at.at);
                address_text(&address, text);
                signalling_text((const uint8_t *)text, strlen(text), out->node, sizeof out->node);
        } else if (type == NODE_NAME && apn_of_labels(at.at, length, &name)) {
                signalling_text((const uint8_t *)name.network, strlen(name.network), out->node, sizeof out->node);
        }
}

static bool text_begins(const uint8_t *bytes, size_t length, const char *prefix, size_t *skip)
{
        *skip = strlen(prefix);
        return length >= *skip && memcmp(bytes, prefix, *skip) == 0;
}

/* TS 29.571, 5.3.2: SUPI, GPSI and PEI as text with a prefix. What the digits already said is kept. */
static void read_text_identity(struct signalling *out, const uint8_t *bytes, size_t length)
{
        size_t skip;
        if (text_begins(bytes, length, "imsi-", &skip)) {
                if (out->imsi[0] == '\0')
                        imsi_of_text(bytes + skip, length - skip, out->imsi);
        } else if (text_begins(bytes, length, "msisdn-", &skip)) {
                if (out->msisdn[0] == '\0')
                        msisdn_of_text(bytes + skip, length - skip, out->msisdn);
        } else if (text_begins(bytes, length, "imeisv-", &skip) || text_begins(bytes, length, "imei-", &skip)) {
                if (out->imei[0] == '\0')
                        imei_of_text(bytes + skip, length - skip, out->imei);
        }
}

/* 8.2.101: each behind an octet of length, in the order of their flags. */
static void read_user_id(struct signalling *out, const struct ie *ie)
{
        enum { HAS_IMSI = 0x01, HAS_IMEI = 0x02, HAS_MSISDN = 0x04, HAS_NAI = 0x08, HAS_SUPI = 0x10, HAS_GPSI = 0x20, HAS_PEI = 0x40 };
        struct cursor at = cursor_of(ie->bytes, ie->length);
        uint8_t flags = cursor_u8(&at);
        for (unsigned flag = HAS_IMSI; flag <= HAS_PEI; flag <<= 1) {
                if (!(flags & flag))
                        continue;
                size_t length = cursor_u8(&at);
                const uint8_t *bytes = cursor_bytes(&at, length);
                if (bytes == NULL || length == 0)
                        continue;
                if (flag == HAS_IMSI && out->imsi[0] == '\0')
                        imsi_of_tbcd(bytes, length, out->imsi);
                else if (flag == HAS_IMEI && out->imei[0] == '\0')
                        imei_of_tbcd(bytes, length, out->imei);
                else if (flag == HAS_MSISDN && out->msisdn[0] == '\0')
                        msisdn_of_tbcd(bytes, length, out->msisdn);
                else if (flag >= HAS_SUPI)
                        read_text_identity(out, bytes, length);
        }
}

static void read_rule_element(struct reader *reader, const struct ie *ie, struct rule *rule);

static void read_group(struct reader *reader, const struct ie *group, struct rule *rule)
{
        struct cursor at = cursor_of(group->bytes, group->length);
        struct ie ie;
        if (reader->depth == DEPTH_MOST)
                return;
        reader->depth++;
        while (next_ie(reader, &at, &ie))
                if (!(ie.type & TYPE_OF_ENTERPRISE))
                        read_rule_element(reader, &ie, rule);
        reader->depth--;
        reader->malformed |= at.short_read;
}

static void read_rule_element(struct reader *reader, const struct ie *ie, struct rule *rule)
{
        struct cursor at = cursor_of(ie->bytes, ie->length);
        switch (ie->type) {
        case IE_PDI: case IE_FORWARDING_PARAMETERS: case IE_UPDATE_FORWARDING_PARAMETERS:
                read_group(reader, ie, rule);
                break;
        case IE_SOURCE_INTERFACE: case IE_DESTINATION_INTERFACE:
                rule->interface = cursor_u8(&at) & 0x0f;
                rule->has_interface = !at.short_read;
                break;
        case IE_PDR_ID:
                rule->id = cursor_be16(&at);
                rule->has_id = !at.short_read;
                break;
        case IE_TRAFFIC_ENDPOINT_ID:
                *(rule->is_traffic_endpoint ? &rule->id : &rule->reference) = cursor_u8(&at);
                *(rule->is_traffic_endpoint ? &rule->has_id : &rule->has_reference) = !at.short_read;
                break;
        case IE_NETWORK_INSTANCE:
                apn_of_labels(ie->bytes, ie->length, &rule->instance);
                break;
        case IE_FTEID: read_fteid(reader->out, ie); break;
        case IE_OUTER_HEADER_CREATION: read_outer_header(reader->out, ie); break;
        case IE_UE_IP_ADDRESS: read_ue_address(reader->out, ie); break;
        case IE_FRAMED_ROUTE: case IE_FRAMED_IPV6_ROUTE: signalling_add_route_text(reader->out, ie->bytes, ie->length); break;
        default: break;
        }
}

static void note_rule(struct pfcp_message *message, const struct pfcp_rule *rule)
{
        if (message->rule_count < PFCP_RULES)
                message->rules[message->rule_count++] = *rule;
}

/* Packets of the device come in from the access side, and are sent on to the core's or the control plane's. */
static void close_rule(struct reader *reader, const struct rule *rule, bool sends)
{
        struct signalling *out = reader->out;
        bool from_access = rule->interface == INTERFACE_ACCESS;
        bool from_network = rule->interface == INTERFACE_CORE || rule->interface == INTERFACE_CONTROL;
        bool known = rule->has_interface && (from_access || from_network);
        struct pfcp_rule note = {.id = rule->id, .is_traffic_endpoint = rule->is_traffic_endpoint, .side_known = known,
                                 .of_network = sends ? !from_access : from_access};
        for (unsigned i = rule->first_endpoint; i < out->endpoint_count; i++) {
                out->endpoints[i].has_of_network = known;
                out->endpoints[i].of_network = known && note.of_network;
                note.has_endpoint = true;
                note.endpoint = (uint8_t)i;
        }
        if (rule->has_id && !sends)
                note_rule(reader->message, &note);
        if (rule->has_reference && known)
                note_rule(reader->message, &(struct pfcp_rule){.id = rule->reference, .is_traffic_endpoint = true, .side_known = true,
                                                               .of_network = note.of_network});
        bool of_core = rule->has_interface && rule->interface == INTERFACE_CORE;
        if (rule->instance.network[0] != '\0' && (reader->instance.network[0] == '\0' || (of_core && !reader->has_core_instance))) {
                reader->instance = rule->instance;
                reader->has_core_instance = of_core;
        }
}

static void read_rule(struct reader *reader, const struct ie *ie, bool sends, bool is_traffic_endpoint)
{
        struct rule rule = {.is_traffic_endpoint = is_traffic_endpoint, .first_endpoint = reader->out->endpoint_count};
        read_group(reader, ie, &rule);
        close_rule(reader, &rule, sends);
}

static void read_cause(struct signalling *out, const struct ie *ie)
{
        if (ie->length == 0 || out->has_cause)
                return;
        out->has_cause = true;
        out->cause = ie->bytes[0];
        out->has_accepted = out->phase == PHASE(RESPONSE);
        out->accepted = out->cause >= CAUSE_ACCEPTED && out->cause <= CAUSE_ACCEPTED_LAST;
}

static void read_recovery(struct signalling *out, const struct ie *ie)
{
        struct cursor at = cursor_of(ie->bytes, ie->length);
        out->recovery = cursor_be32(&at);
        out->has_recovery = !at.short_read;
}

/* Other groups (table 8.1.2-1): reports, usage and buffering rules, ... */
static bool is_other_group(uint16_t type)
{
        static const uint16_t groups[] = {5, 6, 7, 12, 13, 14, 15, 16, 17, 18, 51, 54, 58, 59, 68, 77, 78, 79, 80, 83, 85, 86, 87, 99,
                                          102, 105, 130, 132, 143, 147, 165, 166, 167, 168, 169, 175, 176, 187, 188, 195, 205};
        for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
                if (groups[i] == type)
                        return true;
        return false;
}

static void read_user_element(struct reader *reader, const struct ie *ie)
{
        struct signalling *out = reader->out;
        switch (ie->type) {
        case IE_USER_ID: read_user_id(out, ie); break;
        case IE_UE_IP_ADDRESS: read_ue_address(out, ie); break;
        case IE_APN_DNN:
                if (out->apn.network[0] == '\0')
                        apn_of_labels(ie->bytes, ie->length, &out->apn);
                break;
        case IE_NETWORK_INSTANCE:
                if (reader->instance.network[0] == '\0')
                        apn_of_labels(ie->bytes, ie->length, &reader->instance);
                break;
        case IE_RAT_TYPE:
                if (out->rat == NULL && ie->length > 0)
                        out->rat = rat_of_gtp(ie->bytes[0]);
                break;
        default: break;
        }
}

/* What they say of the user counts; their tunnels do not. */
static void read_other_group(struct reader *reader, const struct ie *group)
{
        struct cursor at = cursor_of(group->bytes, group->length);
        struct ie ie;
        if (reader->depth == DEPTH_MOST)
                return;
        reader->depth++;
        while (next_ie(reader, &at, &ie)) {
                if (is_other_group(ie.type))
                        read_other_group(reader, &ie);
                else
                        read_user_element(reader, &ie);
        }
        reader->depth--;
        reader->malformed |= at.short_read;
}

/* 8.2.46: as in GTPv2-C, and behind the sets whose they are. Where that is not told (release 13) it
 * is taken for the user plane's, for which nothing depends on it. */
static void read_sets(struct signalling *out, const struct ie *ie)
{
        static const uint8_t parts[] = {PART(SERVING), PART(SGW), PART(PGW), PART(SERVING), PART(SERVING), PART(USER)};
        unsigned first = out->set_count;
        struct cursor at = signalling_read_sets(out, PART(USER), cursor_of(ie->bytes, ie->length));
        if (cursor_left(&at) == 0)
                return;
        uint8_t node = cursor_u8(&at) & 0x0f;
        for (unsigned i = first; i < out->set_count && node < sizeof parts; i++)
                out->sets[i].part = parts[node];
}

static void read_element(struct reader *reader, const struct ie *ie)
{
        struct signalling *out = reader->out;
        switch (ie->type) {
        case IE_FQ_CSID: read_sets(out, ie); break;
        case IE_SESSION_RETENTION: out->has_retains = out->retains = true; break;
        case IE_CREATE_PDR: case IE_UPDATE_PDR: case IE_CREATED_PDR: read_rule(reader, ie, false, false); break;
        case IE_CREATE_FAR: case IE_UPDATE_FAR: read_rule(reader, ie, true, false); break;
        case IE_CREATE_TRAFFIC_ENDPOINT: case IE_CREATED_TRAFFIC_ENDPOINT: case IE_UPDATE_TRAFFIC_ENDPOINT:
                read_rule(reader, ie, false, true);
                break;
        case IE_CAUSE: read_cause(out, ie); break;
        case IE_FSEID: read_fseid(out, ie); break;
        case IE_NODE_ID: read_node_id(out, ie); break;
        case IE_RECOVERY_TIME_STAMP: read_recovery(out, ie); break;
        default:
                if (is_other_group(ie->type))
                        read_other_group(reader, ie);
                else
                        read_user_element(reader, ie);
                break;
        }
}

static void set_side(struct signalling *out, const struct pfcp_rule *rule, bool of_network)
{
        struct signalling_endpoint *endpoint = &out->endpoints[rule->endpoint];
        if (!rule->has_endpoint || rule->endpoint >= out->endpoint_count || endpoint->has_of_network)
                return;
        endpoint->has_of_network = true;
        endpoint->of_network = of_network;
}

static bool is_same_rule(const struct pfcp_rule *a, const struct pfcp_rule *b)
{
        return a->id == b->id && a->is_traffic_endpoint == b->is_traffic_endpoint;
}

/* Sides that `known` rules say for the same rules in `message`. */
static void join_rules(struct signalling *out, const struct pfcp_message *message, const struct pfcp_rule *known, unsigned known_count)
{
        for (unsigned i = 0; i < message->rule_count; i++)
                for (unsigned j = 0; j < known_count; j++)
                        if (known[j].side_known && is_same_rule(&message->rules[i], &known[j]))
                                set_side(out, &message->rules[i], known[j].of_network);
}

static enum dissect_result read_header(struct cursor *at, struct signalling *out, struct pfcp_message *message,
                                       struct cursor *elements, bool *cut)
{
        uint8_t flags = cursor_u8(at), type = cursor_u8(at);
        uint16_t length = cursor_be16(at);
        if (at->short_read)
                return DISSECT_TRUNCATED;
        if (flags >> 5 != 1 || type >= sizeof kinds / sizeof *kinds || !kinds[type].known)
                return DISSECT_NO_MATCH;
        if (length < (flags & FLAG_SEID ? 12 : 4))
                return DISSECT_MALFORMED;
        *cut = length > cursor_left(at);
        *elements = cursor_take(at, *cut ? cursor_left(at) : length);
        message->followed = flags & FLAG_FOLLOW_ON && !*cut;
        signalling_init(out, APNWATCH__V1__SIGNALLING__PROTOCOL__PFCP, kinds[type].procedure, kinds[type].phase, type);
        out->has_key = flags & FLAG_SEID;
        if (out->has_key)
                out->key = cursor_be64(elements);
        out->sequence = cursor_be24(elements);
        out->has_sequence = true;
        cursor_skip(elements, 1);
        if (!elements->short_read)
                return DISSECT_OK;
        out->message = 0;
        return DISSECT_TRUNCATED;
}

enum dissect_result pfcp_parse(struct cursor *at, struct signalling *out, struct pfcp_message *message)
{
        struct cursor elements;
        struct ie ie;
        bool cut;
        *message = (struct pfcp_message){.followed = false};
        signalling_init(out, APNWATCH__V1__SIGNALLING__PROTOCOL__PFCP, PROCEDURE(OTHER), PHASE(COMMAND), 0);
        enum dissect_result result = read_header(at, out, message, &elements, &cut);
        if (result != DISSECT_OK)
                return result;
        struct reader reader = {.out = out, .message = message};
        while (next_ie(&reader, &elements, &ie))
                if (!(ie.type & TYPE_OF_ENTERPRISE))
                        read_element(&reader, &ie);
        if (out->apn.network[0] == '\0')
                out->apn = reader.instance;
        join_rules(out, message, message->rules, message->rule_count);
        if (reader.malformed || (elements.short_read && !cut))
                return DISSECT_MALFORMED;
        return cut ? DISSECT_TRUNCATED : DISSECT_OK;
}

static bool has_valid_flags(const struct cursor *payload)
{
        uint8_t flags = cursor_peek(payload);
        return flags >> 5 == 1 && !(flags & FLAGS_SPARE);
}

static enum recognition pfcp_recognise(const struct dissection *d, const struct cursor *payload)
{
        struct cursor at = *payload;
        struct signalling s;
        struct pfcp_message message;
        bool known_port = d->source_port == PORT_PFCP || d->destination_port == PORT_PFCP;
        if (!has_valid_flags(payload) || (!known_port && cursor_peek(payload) & FLAG_FOLLOW_ON))
                return NOT_MINE;
        enum dissect_result result = pfcp_parse(&at, &s, &message);
        if (known_port && (result == DISSECT_OK || (result == DISSECT_TRUNCATED && d->cut)))
                return MINE;
        if (known_port)
                return PERHAPS;
        bool changes = s.procedure == PROCEDURE(CREATE) || s.procedure == PROCEDURE(MODIFY);
        return result == DISSECT_OK && cursor_left(&at) == 0 && changes && s.endpoint_count > 0 ? MINE : NOT_MINE;
}

/* Requests whose answers may say where tunnels end, the last few. */
struct pfcp_flow {
        struct pending {
                uint32_t sequence;
                uint8_t direction, rule_count;
                struct pfcp_rule rules[PFCP_RULES];
        } pending[PENDING];
        unsigned next;
};

static void join_request(struct pfcp_flow *flow, const struct dissection *d, struct signalling *s, const struct pfcp_message *message)
{
        if (message->rule_count == 0)
                return;
        if (s->phase == PHASE(REQUEST)) {
                struct pending *pending = &flow->pending[flow->next++ % PENDING];
                pending->sequence = (uint32_t)s->sequence;
                pending->direction = (uint8_t)d->direction;
                pending->rule_count = message->rule_count;
                memcpy(pending->rules, message->rules, sizeof pending->rules);
                return;
        }
        for (unsigned i = 1; i <= PENDING; i++) {
                const struct pending *pending = &flow->pending[(flow->next - i) % PENDING];
                if (pending->rule_count == 0 || pending->sequence != s->sequence || pending->direction == d->direction)
                        continue;
                join_rules(s, message, pending->rules, pending->rule_count);
                return;
        }
}

static enum follow pfcp_dissect(struct dissection *d, void *state, struct cursor payload)
{
        struct signalling s;
        struct pfcp_message message = {.followed = true};
        if (d->tunnelled)
                return FOLLOW_DONE;
        for (unsigned i = 0; message.followed && i < MESSAGES_MOST && cursor_left(&payload) > 0; i++) {
                enum dissect_result result = pfcp_parse(&payload, &s, &message);
                if (s.message == 0 || !(result == DISSECT_OK || (result == DISSECT_TRUNCATED && d->cut)))
                        continue;
                join_request(state, d, &s, &message);
                signalling_emit(d, &s);
        }
        return FOLLOW_ON;
}

const struct dissector pfcp_dissector = {
        .name = "PFCP",
        .transports = DISSECT_ON_UDP,
        .readable = true,
        .is_signalling = true,
        .state_size = sizeof(struct pfcp_flow),
        .recognise = pfcp_recognise,
        .dissect = pfcp_dissect,
};
