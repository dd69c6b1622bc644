/* TS 29.274 (release 17): header in clause 5, messages in clause 7 (types in 6.1), information elements in clause 8.
 * Left out: what says nothing of who, where and through which tunnel (QoS, TFT, PCO, timers, charging characteristics),
 * forwarding tunnels of a handover but for their F-TEIDs, PMIPv6 and MBMS, and elements of the extended type. */
#include "dissectors/session/gtpv2c.h"

#include <string.h>

#include "base/apart.h"

/* A message walks through much code once, so that most of it is gone from the cache when the next one comes: what few messages have is read
 * out of the way. */
enum { FLAG_PIGGYBACKED = 0x10, FLAG_TEID = 0x08, ELEMENTS_MOST = 512, CAUSE_ACCEPTED = 16, CAUSE_ACCEPTED_LAST = 19 };

enum message_type {
        CREATE_SESSION_REQUEST = 32, CREATE_SESSION_RESPONSE = 33, MODIFY_BEARER_REQUEST = 34, MODIFY_BEARER_RESPONSE = 35,
        DELETE_BEARER_COMMAND = 66, DELETE_BEARER_FAILURE = 67, CREATE_BEARER_REQUEST = 95, CREATE_BEARER_RESPONSE = 96,
        UPDATE_BEARER_REQUEST = 97, UPDATE_BEARER_RESPONSE = 98, DELETE_BEARER_REQUEST = 99, DELETE_BEARER_RESPONSE = 100,
        DELETE_SET_REQUEST = 101, PGW_RESTART_NOTIFICATION = 179
};

enum element {
        IE_IMSI = 1, IE_CAUSE = 2, IE_RECOVERY = 3, IE_APN = 71, IE_EBI = 73, IE_IP_ADDRESS = 74, IE_MEI = 75, IE_MSISDN = 76,
        IE_INDICATION = 77, IE_PAA = 79, IE_RAT = 82, IE_SERVING_NETWORK = 83, IE_ULI = 86, IE_FTEID = 87, IE_BEARER_CONTEXT = 93, IE_CHARGING_ID = 94,
        IE_MM_CONTEXT_EPS = 107, IE_PDN_CONNECTION = 109, IE_FQ_CSID = 132
};

#define PROCEDURE(name) APNWATCH__V1__SIGNALLING__PROCEDURE__##name
#define PHASE(name) APNWATCH__V1__SIGNALLING__PHASE__##name
#define ONE(type, name, of) [type] = {true, PROCEDURE(name), PHASE(of)}
#define PAIR(type, name) ONE(type, name, REQUEST), ONE(type + 1, name, RESPONSE)

/* Table 6.1-1, by type. Command failure indications answer their command. */
static const struct message_kind {
        bool is_known;
        uint8_t procedure, phase;
} kinds[UINT8_MAX + 1] = {
        PAIR(1, PATH), ONE(3, OTHER, RESPONSE),
        PAIR(32, CREATE), PAIR(34, MODIFY), PAIR(36, DELETE), PAIR(38, NOTIFY), PAIR(40, OTHER),
        ONE(64, BEARER, COMMAND), ONE(65, BEARER, RESPONSE),
        ONE(66, BEARER_DELETE, COMMAND), ONE(67, BEARER_DELETE, RESPONSE),
        ONE(68, BEARER, COMMAND), ONE(69, BEARER, RESPONSE),
        ONE(70, OTHER, COMMAND), ONE(73, OTHER, COMMAND),
        PAIR(95, BEARER), PAIR(97, BEARER), PAIR(99, BEARER_DELETE), PAIR(101, NODE_DELETE), PAIR(103, OTHER),
        PAIR(128, RELOCATE), PAIR(130, RELOCATE), ONE(132, RELOCATE, COMMAND),
        PAIR(133, RELOCATE), PAIR(135, RELOCATE), PAIR(137, OTHER), PAIR(139, OTHER), PAIR(149, OTHER),
        ONE(151, OTHER, COMMAND), ONE(152, OTHER, COMMAND), PAIR(153, OTHER), PAIR(155, OTHER),
        PAIR(160, OTHER), PAIR(162, RELEASE), PAIR(164, OTHER), PAIR(166, OTHER), PAIR(168, OTHER), PAIR(170, RELEASE),
        PAIR(176, OTHER), PAIR(179, NODE_DELETE), PAIR(200, OTHER), PAIR(211, MODIFY),
};

/* Interface types of 8.22: whose tunnel it is. */
enum role { CONTROL, USER_TO_DEVICE, USER_TO_NETWORK, USER_EITHER, NOT_GTP };
static const uint8_t roles[] = {
        [0] = USER_TO_DEVICE, [1] = USER_TO_NETWORK, [2] = USER_TO_DEVICE, [3] = USER_TO_NETWORK, [4] = USER_TO_DEVICE,
        [5] = USER_TO_NETWORK, [6] = CONTROL, [7] = CONTROL, [8] = NOT_GTP, [9] = NOT_GTP, [10] = CONTROL, [11] = CONTROL,
        [12] = CONTROL, [13] = CONTROL, [14] = CONTROL, [15] = USER_TO_DEVICE, [16] = USER_TO_NETWORK, [17] = CONTROL,
        [18] = CONTROL, [19] = USER_TO_DEVICE, [20] = USER_TO_NETWORK, [21] = USER_TO_DEVICE, [22] = USER_TO_DEVICE,
        [23] = USER_TO_DEVICE, [24] = CONTROL, [25] = CONTROL, [26] = CONTROL, [27] = CONTROL, [28] = USER_TO_NETWORK,
        [29] = USER_TO_DEVICE, [30] = CONTROL, [31] = USER_TO_DEVICE, [32] = CONTROL, [33] = USER_TO_NETWORK,
        [34] = USER_TO_DEVICE, [35] = CONTROL, [36] = CONTROL, [37] = USER_TO_NETWORK, [38] = USER_TO_DEVICE,
        [39] = USER_TO_NETWORK, [40] = CONTROL, [41] = USER_TO_NETWORK,
};

struct ie {
        uint8_t type, instance;
        const uint8_t *bytes;
        size_t length;
};

/* What stands in one Bearer Context. */
struct bearer_context {
        uint8_t instance, ebi, cause;
        bool has_ebi, has_cause;
};

struct reader {
        struct signalling *out;
        struct gtpv2c_message *message;
        struct bearer_context *context; /* whose elements are read; NULL: none */
        unsigned pdn;           /* wanted */
        unsigned elements;
        bool in_pdn;            /* of the wanted one: groups stand in groups no deeper than PDN Connection, Bearer Context */
        bool malformed;
};

static bool cause_is_accepted(uint8_t cause)
{
        return cause >= CAUSE_ACCEPTED && cause <= CAUSE_ACCEPTED_LAST;
}

static APART void read_fteid(const struct reader *reader, const struct ie *ie)
{
        enum { HAS_IPV4 = 0x80, HAS_IPV6 = 0x40, INTERFACE = 0x3f, HEAD = 5 };
        struct cursor at = cursor_of(ie->bytes, ie->length);
        const uint8_t *head = cursor_bytes(&at, HEAD); /* flags, TEID */
        if (head == NULL)
                return;
        uint8_t flags = head[0], interface = flags & INTERFACE;
        uint32_t key = (uint32_t)head[1] << 24 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 8 | head[4];
        const uint8_t *ipv4 = flags & HAS_IPV4 ? cursor_bytes(&at, 4) : NULL;
        const uint8_t *ipv6 = flags & HAS_IPV6 ? cursor_bytes(&at, 16) : NULL;
        unsigned role = reader->context != NULL ? USER_EITHER : CONTROL;
        if (interface < sizeof roles)
                role = roles[interface];
        if (at.short_read || key == 0 || role == NOT_GTP || (ipv4 == NULL && ipv6 == NULL))
                return;
        struct signalling_endpoint *endpoint = signalling_add_endpoint(reader->out);
        if (endpoint == NULL)
                return;
        endpoint->user = role != CONTROL;
        endpoint->key = key;
        endpoint->has_interface = true;
        endpoint->interface = interface;
        endpoint->has_of_network = role == USER_TO_DEVICE || role == USER_TO_NETWORK;
        endpoint->of_network = role == USER_TO_NETWORK;
        if ((endpoint->has_ipv4 = ipv4 != NULL))
                memcpy(endpoint->ipv4, ipv4, 4);
        if ((endpoint->has_ipv6 = ipv6 != NULL))
                memcpy(endpoint->ipv6, ipv6, 16);
}

/* PDN Address Allocation, 8.14. */
static APART void read_paa(struct signalling *out, const struct ie *ie)
{
        enum { PAA_IPV4 = 1, PAA_IPV6 = 2, PAA_IPV4V6 = 3 };
        struct cursor at = cursor_of(ie->bytes, ie->length);
        uint8_t type = cursor_u8(&at) & 7;
        const uint8_t *ipv4 = NULL, *ipv6 = NULL;
        uint8_t prefix_length = 0;
        if (type == PAA_IPV6 || type == PAA_IPV4V6) {
                prefix_length = cursor_u8(&at);
                ipv6 = cursor_bytes(&at, 16);
        }
        if (type == PAA_IPV4 || type == PAA_IPV4V6)
                ipv4 = cursor_bytes(&at, 4);
        if (ipv6 != NULL)
                signalling_set_ipv6(out, ipv6, prefix_length);
        if (ipv4 != NULL)
                signalling_set_ipv4(out, ipv4);
}

/* IP Address within a PDN Connection: the UE's; of IPv6 the prefix and the interface identifier that was given. */
static void read_pdn_address(struct signalling *out, const struct ie *ie)
{
        if (ie->length == 4)
                signalling_set_ipv4(out, ie->bytes);
        else if (ie->length == 16)
                signalling_set_ipv6(out, ie->bytes, 64);
}

static void read_cause(struct signalling *out, const struct ie *ie)
{
        if (ie->length == 0 || out->has_cause)
                return;
        out->has_cause = true;
        out->cause = ie->bytes[0];
        out->has_accepted = out->phase == PHASE(RESPONSE);
        out->accepted = cause_is_accepted(ie->bytes[0]);
}

/* EPS Bearer ID outside of a Bearer Context. Instance 0 names the default bearer, of which BEARER messages add and end others;
 * instance 1 bearers that end (7.2.9.2), or the one that is meant. */
static void read_ebi(struct signalling *out, const struct ie *ie)
{
        uint8_t ebi = ie->length > 0 ? ie->bytes[0] & 0x0f : 0;
        bool of_bearers = out->procedure == PROCEDURE(BEARER) || out->procedure == PROCEDURE(BEARER_DELETE);
        if (ebi == 0 || ie->instance > 1)
                return;
        if (ie->instance == 1 && out->message == DELETE_BEARER_REQUEST) {
                signalling_add_ended(out, ebi);
        } else if (ie->instance == 0 && of_bearers) {
                out->has_linked_bearer = true;
                out->linked_bearer = ebi;
        } else {
                out->has_bearer = true;
                out->bearer = ebi;
        }
}

static SELDOM void skip_vectors(struct cursor *at, unsigned quintuplets, unsigned quadruplets)
{
        for (unsigned i = 0; i < quadruplets; i++) {
                cursor_skip(at, 16);            /* RAND */
                cursor_skip(at, cursor_u8(at)); /* XRES */
                cursor_skip(at, cursor_u8(at)); /* AUTN */
                cursor_skip(at, 32);            /* K_ASME */
        }
        for (unsigned i = 0; i < quintuplets; i++) {
                cursor_skip(at, 16);            /* RAND */
                cursor_skip(at, cursor_u8(at)); /* XRES */
                cursor_skip(at, 32);            /* CK, IK */
                cursor_skip(at, cursor_u8(at)); /* AUTN */
        }
}

/* 8.38, figure 8.38-5: what one MME hands to the next. Of the six kinds of MM Context the one of EPS to EPS. */
static SELDOM void read_mm_context(struct signalling *out, const struct ie *ie)
{
        enum { HAS_NH = 0x10, HAS_DRX = 0x08, HAS_USED_AMBR = 0x02, HAS_SUBSCRIBED_AMBR = 0x80 };
        struct cursor at = cursor_of(ie->bytes, ie->length);
        uint8_t first = cursor_u8(&at), second = cursor_u8(&at), third = cursor_u8(&at);
        cursor_skip(&at, 3 + 3 + 32);           /* NAS counts, K_ASME */
        skip_vectors(&at, second >> 5, second >> 2 & 7);
        if (first & HAS_DRX)
                cursor_skip(&at, 2);
        if (first & HAS_NH)
                cursor_skip(&at, 32 + 1);       /* and NCC */
        if (third & HAS_SUBSCRIBED_AMBR)
                cursor_skip(&at, 8);
        if (second & HAS_USED_AMBR)
                cursor_skip(&at, 8);
        cursor_skip(&at, cursor_u8(&at));       /* UE network capability */
        cursor_skip(&at, cursor_u8(&at));       /* MS network capability */
        size_t length = cursor_u8(&at);
        const uint8_t *mei = cursor_bytes(&at, length);
        if (mei != NULL && length > 0 && out->imei[0] == '\0')
                imei_of_tbcd(mei, length, out->imei);
}

static void read_place(struct signalling *out, const struct ie *ie)
{
        if (out->location.cell.kind == NULL && out->location.area.kind == NULL)
                location_of_gtpv2(ie->bytes, ie->length, &out->location);
}

/* Indication, 8.12, of a Delete Session Request (7.2.9.1): the PGW is told too (OI), or the serving gateway alone (SI, or no OI). */
static void read_indication(struct signalling *out, const struct ie *ie)
{
        enum { OI = 0x08, SI = 0x02, DELETE_SESSION_REQUEST = 36 };
        if (out->message != DELETE_SESSION_REQUEST || ie->instance != 0 || ie->length < 2)
                return;
        out->has_retains = true;
        out->retains = !(ie->bytes[0] & OI) || ie->bytes[1] & SI;
}

static void read_recovery(struct signalling *out, const struct ie *ie)
{
        if ((out->has_recovery = ie->length > 0))
                out->recovery = ie->bytes[0];
}

static void read_charging_id(struct signalling *out, const struct ie *ie)
{
        struct cursor at = cursor_of(ie->bytes, ie->length);
        if (out->has_charging_id)
                return;
        out->charging_id = cursor_be32(&at);
        out->has_charging_id = !at.short_read;
}

static void read_bearer_element(struct reader *reader, const struct ie *ie)
{
        struct bearer_context *context = reader->context;
        if (ie->type == IE_FTEID) {
                read_fteid(reader, ie);
        } else if (ie->instance != 0 || ie->length == 0) {
                return;
        } else if (ie->type == IE_EBI) {
                context->ebi = ie->bytes[0] & 0x0f;
                context->has_ebi = context->ebi != 0;
        } else if (ie->type == IE_CAUSE) {
                context->cause = ie->bytes[0];
                context->has_cause = true;
        } else if (ie->type == IE_CHARGING_ID) {
                read_charging_id(reader->out, ie);
        }
}

/* The bearer is known once the whole context was read. Instance 1 lists bearers that go (7.2.1, 7.2.7); what was refused has
 * no tunnels. */
static void close_bearer_context(struct signalling *out, const struct bearer_context *context, unsigned first_endpoint)
{
        bool goes = context->instance != 0 || out->message == DELETE_BEARER_COMMAND || out->message == DELETE_BEARER_FAILURE ||
                    out->message == DELETE_BEARER_RESPONSE;
        bool refused = context->has_cause && out->phase == PHASE(RESPONSE) && !cause_is_accepted(context->cause);
        if (goes || refused)
                out->endpoint_count = (uint8_t)first_endpoint;
        for (unsigned i = first_endpoint; i < out->endpoint_count; i++) {
                out->endpoints[i].has_bearer = context->has_ebi;
                out->endpoints[i].bearer = context->ebi;
        }
        if (!context->has_ebi)
                return;
        if (goes && !refused) {
                signalling_add_ended(out, context->ebi);
        } else if (!goes && !out->has_bearer) {
                out->has_bearer = true;
                out->bearer = context->ebi;
        }
}

static void read_elements(struct reader *reader, struct cursor *from, const uint8_t *until);

static void read_group(struct reader *reader, const struct ie *group)
{
        struct cursor at = cursor_of(group->bytes, group->length);
        read_elements(reader, &at, at.end);
        reader->malformed |= at.short_read;
}

static void read_bearer_context(struct reader *reader, const struct ie *group)
{
        struct bearer_context context = {.instance = group->instance};
        unsigned first_endpoint = reader->out->endpoint_count;
        reader->context = &context;
        read_group(reader, group);
        reader->context = NULL;
        close_bearer_context(reader->out, &context, first_endpoint);
}

#define PART(name) APNWATCH__V1__SIGNALLING__SET__PART__##name

/* Whose set it is depends on the message and the instance: 7.2.1 to 7.2.16, 7.9.1. */
static SELDOM void read_sets(struct signalling *out, const struct ie *ie)
{
        static const uint8_t of_set[] = {PART(SERVING), PART(SGW), PART(PGW), PART(SERVING), PART(SERVING)};
        static const uint8_t towards_pgw[] = {PART(SERVING), PART(SGW), PART(SERVING), PART(SERVING)};
        static const uint8_t from_pgw[] = {PART(PGW), PART(SGW)};
        struct cursor at = cursor_of(ie->bytes, ie->length);
        switch (out->message) {
        case DELETE_SET_REQUEST:
                if (ie->instance < sizeof of_set)
                        signalling_read_sets(out, of_set[ie->instance], at);
                break;
        case CREATE_SESSION_REQUEST: case MODIFY_BEARER_REQUEST: case CREATE_BEARER_RESPONSE: case UPDATE_BEARER_RESPONSE:
                if (ie->instance < sizeof towards_pgw)
                        signalling_read_sets(out, towards_pgw[ie->instance], at);
                break;
        case CREATE_SESSION_RESPONSE: case MODIFY_BEARER_RESPONSE: case CREATE_BEARER_REQUEST: case UPDATE_BEARER_REQUEST:
                if (ie->instance < sizeof from_pgw)
                        signalling_read_sets(out, from_pgw[ie->instance], at);
                break;
        default:
                break;
        }
}

/* 7.9.5: the packet gateway that restarted, and the serving one as the MME knows it. */
static SELDOM void read_restarted(struct signalling *out, const struct ie *ie)
{
        if ((ie->length != 4 && ie->length != 16) || ie->instance > 1)
                return;
        memcpy(ie->instance == 0 ? out->restarted : out->restarted_at, ie->bytes, ie->length);
        *(ie->instance == 0 ? &out->restarted_length : &out->restarted_at_length) = (uint8_t)ie->length;
}

static SELDOM void read_pdn_connection(struct reader *reader, const struct ie *group)
{
        if (reader->in_pdn || reader->message->pdn_count++ != reader->pdn)
                return;
        reader->in_pdn = true;
        read_group(reader, group);
        reader->in_pdn = false;
}

static SELDOM void read_ip_address(const struct reader *reader, const struct ie *ie)
{
        if (reader->in_pdn && ie->instance <= 1)
                read_pdn_address(reader->out, ie);
        else if (reader->out->message == PGW_RESTART_NOTIFICATION)
                read_restarted(reader->out, ie);
}

static void read_element(struct reader *reader, const struct ie *ie)
{
        struct signalling *out = reader->out;
        bool is_first = ie->instance == 0;
        switch (ie->type) {
        case IE_IMSI: if (out->imsi[0] == '\0') imsi_of_tbcd(ie->bytes, ie->length, out->imsi); break;
        case IE_CAUSE: if (is_first) read_cause(out, ie); break;
        case IE_RECOVERY: if (is_first) read_recovery(out, ie); break;
        case IE_APN: if (out->apn.network[0] == '\0') apn_of_labels(ie->bytes, ie->length, &out->apn); break;
        case IE_EBI: read_ebi(out, ie); break;
        case IE_IP_ADDRESS: read_ip_address(reader, ie); break;
        case IE_MEI: if (out->imei[0] == '\0') imei_of_tbcd(ie->bytes, ie->length, out->imei); break;
        case IE_MSISDN: if (out->msisdn[0] == '\0') msisdn_of_tbcd(ie->bytes, ie->length, out->msisdn); break;
        case IE_INDICATION: if (is_first) read_indication(out, ie); break;
        case IE_PAA: read_paa(out, ie); break;
        case IE_RAT: if (out->rat == NULL && ie->length > 0) out->rat = rat_of_gtp(ie->bytes[0]); break;
        case IE_SERVING_NETWORK: if (out->plmn.mnc_digits == 0 && ie->length >= 3) plmn_of_octets(ie->bytes, &out->plmn); break;
        case IE_ULI: read_place(out, ie); break;
        case IE_FTEID: read_fteid(reader, ie); break;
        case IE_BEARER_CONTEXT: read_bearer_context(reader, ie); break;
        case IE_CHARGING_ID: if (is_first) read_charging_id(out, ie); break;
        case IE_MM_CONTEXT_EPS: read_mm_context(out, ie); break;
        case IE_PDN_CONNECTION: read_pdn_connection(reader, ie); break;
        case IE_FQ_CSID: read_sets(out, ie); break;
        default: break;
        }
}

/* Those of a message or a group, as far as they begin before `until`, which is not behind the end; one that leads beyond that is a short
 * read. */
static void read_elements(struct reader *reader, struct cursor *from, const uint8_t *until)
{
        struct cursor at = *from;
        struct ie ie;
        while (at.at < until) {
                const uint8_t *head = cursor_bytes(&at, 4);
                if (head == NULL)
                        break;
                ie.type = head[0];
                ie.length = (size_t)head[1] << 8 | head[2];
                ie.instance = head[3] & 0x0f;
                ie.bytes = cursor_bytes(&at, ie.length);
                if (ie.bytes == NULL)
                        break;
                if (++reader->elements > ELEMENTS_MOST) {
                        reader->malformed = true;
                        break;
                }
                if (reader->context != NULL)
                        read_bearer_element(reader, &ie);
                else
                        read_element(reader, &ie);
        }
        *from = at;
}

/* The front of a message: whose it is, and the cursor over its elements. */
static enum dissect_result read_header(struct cursor *at, struct signalling *out, struct gtpv2c_message *message,
                                       struct cursor *elements, const uint8_t **end, bool *cut)
{
        uint8_t flags = cursor_u8(at), type = cursor_u8(at);
        uint16_t length = cursor_be16(at);
        if (at->short_read)
                return DISSECT_TRUNCATED;
        if (flags >> 5 != 2)
                return DISSECT_NO_MATCH;
        if (length < (flags & FLAG_TEID ? 8 : 4))
                return DISSECT_MALFORMED;
        *cut = length > cursor_left(at);
        struct cursor body = cursor_take(at, *cut ? cursor_left(at) : length);
        *end = body.end;
        message->piggybacked = flags & FLAG_PIGGYBACKED && !*cut;
        const struct message_kind *kind = &kinds[type];
        if (!kind->is_known)
                return DISSECT_NO_MATCH;
        if (!message->piggybacked) /* there are stacks that count too few: the last element may end behind the message */
                body.end = at->end;
        out->procedure = (Apnwatch__V1__Signalling__Procedure)kind->procedure;
        out->phase = (Apnwatch__V1__Signalling__Phase)kind->phase;
        out->message = type;
        out->has_key = flags & FLAG_TEID;
        if (out->has_key)
                out->key = cursor_be32(&body);
        out->sequence = cursor_be24(&body);
        out->has_sequence = true;
        cursor_skip(&body, 1);
        *elements = body;
        if (!body.short_read)
                return DISSECT_OK;
        out->message = 0;
        return DISSECT_TRUNCATED;
}

enum dissect_result gtpv2c_parse(struct cursor *at, unsigned pdn, struct signalling *out, struct gtpv2c_message *message)
{
        struct cursor elements;
        const uint8_t *end;
        bool cut;
        *message = (struct gtpv2c_message){.pdn_count = 0};
        signalling_init(out, APNWATCH__V1__SIGNALLING__PROTOCOL__GTPV2C, PROCEDURE(OTHER), PHASE(COMMAND), 0);
        enum dissect_result result = read_header(at, out, message, &elements, &end, &cut);
        if (result != DISSECT_OK)
                return result;
        struct reader reader = {.out = out, .message = message, .pdn = pdn};
        read_elements(&reader, &elements, end);
        if (elements.at > at->at)
                at->at = elements.at;
        if (reader.malformed || (elements.short_read && !cut))
                return DISSECT_MALFORMED;
        return cut ? DISSECT_TRUNCATED : DISSECT_OK;
}
