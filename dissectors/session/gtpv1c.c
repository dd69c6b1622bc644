/* TS 29.060 (release 17): header in clause 6, messages in clause 7.1 to 7.5, information elements in clause 7.7.
 * Left out: what says nothing of who, where and through which tunnel (QoS, TFT, PCO, triplets, MBMS), the tunnels that forward
 * packets during a handover (TEID Data II), and GTP' and GTPv0. Elements of type and value alone have their length by type, so
 * that behind one that is not known nothing more can be read. */
#include "dissectors/session/gtpv1c.h"

#include <string.h>

enum {
        FLAG_PT = 0x10, FLAG_EXTENSION = 0x04, FLAG_SEQUENCE = 0x02, FLAG_NPDU = 0x01, EXTENSIONS_MOST = 8, ELEMENTS_MOST = 512,
        CAUSE_ACCEPTED = 128, CAUSE_ACCEPTED_LAST = 191, GSN_ADDRESSES = 4, LAC_NONE = 0xfffe
};

enum { UPDATE_RESPONSE = 19 };

enum element {
        IE_CAUSE = 1, IE_IMSI = 2, IE_RAI = 3, IE_RECOVERY = 14, IE_TEID_DATA = 16, IE_TEID_CONTROL = 17, IE_TEARDOWN = 19,
        IE_NSAPI = 20, IE_CHARGING_ID = 127, IE_END_USER_ADDRESS = 128, IE_PDP_CONTEXT = 130, IE_APN = 131, IE_GSN_ADDRESS = 133,
        IE_MSISDN = 134, IE_RAT = 151, IE_ULI = 152, IE_IMEI = 154
};

#define PROCEDURE(name) APNWATCH__V1__SIGNALLING__PROCEDURE__##name
#define PHASE(name) APNWATCH__V1__SIGNALLING__PHASE__##name
#define PAIR(type, name) {type, PROCEDURE(name), PHASE(REQUEST)}, {type + 1, PROCEDURE(name), PHASE(RESPONSE)}

/* Table 1. */
static const struct message_kind {
        uint8_t type, procedure, phase;
} kinds[] = {
        PAIR(1, PATH), {3, PROCEDURE(OTHER), PHASE(RESPONSE)}, PAIR(4, OTHER), PAIR(6, OTHER),
        PAIR(16, CREATE), PAIR(18, MODIFY), PAIR(20, DELETE), PAIR(22, BEARER), PAIR(27, OTHER), PAIR(29, OTHER),
        {31, PROCEDURE(OTHER), PHASE(COMMAND)}, PAIR(32, OTHER), PAIR(34, OTHER), PAIR(36, OTHER), PAIR(48, RELOCATE),
        PAIR(50, RELOCATE), {52, PROCEDURE(RELOCATE), PHASE(COMMAND)}, PAIR(53, RELOCATE), {55, PROCEDURE(RELOCATE), PHASE(REQUEST)},
        PAIR(56, OTHER), {58, PROCEDURE(OTHER), PHASE(COMMAND)}, {59, PROCEDURE(RELOCATE), PHASE(RESPONSE)},
        {60, PROCEDURE(OTHER), PHASE(COMMAND)}, PAIR(61, OTHER), {70, PROCEDURE(OTHER), PHASE(COMMAND)}, PAIR(96, OTHER),
        PAIR(98, OTHER), PAIR(100, OTHER), PAIR(102, OTHER), PAIR(104, OTHER), PAIR(112, OTHER), PAIR(114, OTHER),
        PAIR(116, OTHER), PAIR(118, OTHER), PAIR(120, OTHER), PAIR(128, NOTIFY),
};

static const struct message_kind *kind_of(uint8_t type)
{
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
                if (kinds[i].type == type)
                        return &kinds[i];
        return NULL;
}

/* Table 37: lengths of elements of type and value alone. 0: not known. */
static const uint8_t value_lengths[128] = {
        [1] = 1, [2] = 8, [3] = 6, [4] = 4, [5] = 4, [8] = 1, [9] = 28, [11] = 1, [12] = 3, [13] = 1, [14] = 1, [15] = 1,
        [16] = 4, [17] = 4, [18] = 5, [19] = 1, [20] = 1, [21] = 1, [22] = 9, [23] = 1, [24] = 1, [25] = 2, [26] = 2,
        [27] = 2, [28] = 2, [29] = 1, [117] = 10, [118] = 11, [119] = 1, [120] = 2, [121] = 10, [126] = 1, [127] = 4,
};

struct ie {
        uint8_t type;
        const uint8_t *bytes;
        size_t length;
};

struct reader {
        struct signalling *out;
        struct gtpv1c_message *message;
        unsigned pdp;
        uint32_t teid_data, teid_control;
        const uint8_t *gsn[GSN_ADDRESSES]; /* in order */
        uint8_t gsn_length[GSN_ADDRESSES];
        unsigned gsn_count, nsapi_count;
};

static void read_cause(struct signalling *out, uint8_t cause)
{
        if (out->has_cause)
                return;
        out->has_cause = true;
        out->cause = cause;
        out->has_accepted = out->phase == PHASE(RESPONSE);
        out->accepted = cause >= CAUSE_ACCEPTED && cause <= CAUSE_ACCEPTED_LAST;
}

/* 7.7.27. What follows the type number is empty when the address is dynamic. */
static void read_address(struct signalling *out, uint8_t organisation, uint8_t number, struct cursor at)
{
        enum { IETF = 1, IPV4 = 0x21, IPV6 = 0x57, IPV4V6 = 0x8d };
        size_t length = cursor_left(&at);
        if ((organisation & 0x0f) != IETF)
                return;
        bool with_ipv4 = number == IPV4 || (number == IPV4V6 && length != 16);
        bool with_ipv6 = number == IPV6 || (number == IPV4V6 && length >= 16);
        const uint8_t *ipv4 = with_ipv4 ? cursor_bytes(&at, 4) : NULL;
        const uint8_t *ipv6 = with_ipv6 ? cursor_bytes(&at, 16) : NULL;
        if (ipv4 != NULL)
                signalling_set_ipv4(out, ipv4);
        if (ipv6 != NULL)
                signalling_set_ipv6(out, ipv6, 64);
}

static void read_end_user_address(struct signalling *out, const struct ie *ie)
{
        struct cursor at = cursor_of(ie->bytes, ie->length);
        uint8_t organisation = cursor_u8(&at), number = cursor_u8(&at);
        read_address(out, organisation, number, at);
}

/* Of its LAC 0xfffe only the network is meant. */
static void read_rai(struct signalling *out, const struct ie *ie)
{
        struct user_location location;
        if (!location_of_rai(ie->bytes, ie->length, &location))
                return;
        out->plmn = location.area.plmn;
        if (out->location.area.kind == NULL && location.area.area != LAC_NONE)
                out->location.area = location.area;
}

static void read_location(struct signalling *out, const struct ie *ie)
{
        struct user_location location;
        if (out->location.cell.kind != NULL || !location_of_type(ie->bytes, ie->length, &location))
                return;
        out->location.cell = location.cell;
        if (location.area.kind != NULL)
                out->location.area = location.area;
}

/* The second is the one it is linked to (7.3.1). */
static void read_nsapi(struct reader *reader, const struct ie *ie)
{
        struct signalling *out = reader->out;
        uint8_t nsapi = ie->bytes[0] & 0x0f;
        if (reader->nsapi_count++ == 0) {
                out->has_bearer = true;
                out->bearer = nsapi;
        } else if (!out->has_linked_bearer) {
                out->has_linked_bearer = true;
                out->linked_bearer = nsapi;
        }
}

static void read_gsn_address(struct reader *reader, const struct ie *ie)
{
        if (reader->gsn_count == GSN_ADDRESSES || (ie->length != 4 && ie->length != 16))
                return;
        reader->gsn[reader->gsn_count] = ie->bytes;
        reader->gsn_length[reader->gsn_count++] = (uint8_t)ie->length;
}

static void set_address(struct signalling_endpoint *endpoint, const uint8_t *bytes, size_t length)
{
        if (length == 4 && !endpoint->has_ipv4) {
                endpoint->has_ipv4 = true;
                memcpy(endpoint->ipv4, bytes, 4);
        } else if (length == 16 && !endpoint->has_ipv6) {
                endpoint->has_ipv6 = true;
                memcpy(endpoint->ipv6, bytes, 16);
        }
}

static void add_uplink(struct signalling *out, bool user, uint32_t key, const uint8_t *bytes, size_t length)
{
        if (key == 0 || (length != 4 && length != 16) || bytes == NULL)
                return;
        struct signalling_endpoint *endpoint = signalling_add_endpoint(out);
        if (endpoint == NULL)
                return;
        endpoint->user = user;
        endpoint->key = key;
        endpoint->has_of_network = endpoint->of_network = endpoint->has_bearer = user;
        endpoint->bearer = user ? out->bearer : 0;
        set_address(endpoint, bytes, length);
}

/* 7.7.29: what the old SGSN knows of a context, with the GGSN's tunnels. */
static void read_pdp_context(struct reader *reader, const struct ie *ie)
{
        struct signalling *out = reader->out;
        struct cursor at = cursor_of(ie->bytes, ie->length);
        if (reader->message->pdp_count++ != reader->pdp)
                return;
        uint8_t nsapi = cursor_u8(&at) & 0x0f;
        cursor_skip(&at, 1);                          /* SAPI */
        for (unsigned i = 0; i < 3; i++)
                cursor_skip(&at, cursor_u8(&at));     /* QoS: subscribed, requested, negotiated */
        cursor_skip(&at, 2 + 2 + 1 + 1);              /* SND, SNU, N-PDU numbers */
        uint32_t teid_control = cursor_be32(&at);
        uint32_t teid_data = cursor_be32(&at);
        cursor_skip(&at, 1);                          /* PDP context identifier */
        uint8_t organisation = cursor_u8(&at), number = cursor_u8(&at);
        struct cursor address = cursor_take(&at, cursor_u8(&at));
        struct cursor control = cursor_take(&at, cursor_u8(&at));
        struct cursor user = cursor_take(&at, cursor_u8(&at));
        struct cursor apn = cursor_take(&at, cursor_u8(&at));
        if (at.short_read)
                return;
        out->has_bearer = true;
        out->bearer = nsapi;
        read_address(out, organisation, number, address);
        apn_of_labels(apn.at, cursor_left(&apn), &out->apn);
        add_uplink(out, false, teid_control, control.at, cursor_left(&control));
        add_uplink(out, true, teid_data, user.at, cursor_left(&user));
}

static void read_value(struct reader *reader, const struct ie *ie)
{
        struct signalling *out = reader->out;
        struct cursor at = cursor_of(ie->bytes, ie->length);
        switch (ie->type) {
        case IE_CAUSE:
                read_cause(out, cursor_u8(&at));
                break;
        case IE_IMSI:
                if (out->imsi[0] == '\0')
                        imsi_of_tbcd(ie->bytes, ie->length, out->imsi);
                break;
        case IE_RAI:
                read_rai(out, ie);
                break;
        case IE_RECOVERY:
                out->has_recovery = true;
                out->recovery = cursor_u8(&at);
                break;
        case IE_TEID_DATA:
                reader->teid_data = cursor_be32(&at);
                break;
        case IE_TEID_CONTROL:
                reader->teid_control = cursor_be32(&at);
                break;
        case IE_TEARDOWN:
                out->has_teardown = true;
                out->teardown = cursor_u8(&at) & 1;
                break;
        case IE_NSAPI:
                read_nsapi(reader, ie);
                break;
        case IE_CHARGING_ID:
                out->has_charging_id = true;
                out->charging_id = cursor_be32(&at);
                break;
        default:
                break;
        }
}

static void read_variable(struct reader *reader, const struct ie *ie)
{
        struct signalling *out = reader->out;
        switch (ie->type) {
        case IE_END_USER_ADDRESS:
                read_end_user_address(out, ie);
                break;
        case IE_PDP_CONTEXT:
                read_pdp_context(reader, ie);
                break;
        case IE_APN:
                if (out->apn.network[0] == '\0')
                        apn_of_labels(ie->bytes, ie->length, &out->apn);
                break;
        case IE_GSN_ADDRESS:
                read_gsn_address(reader, ie);
                break;
        case IE_MSISDN:
                if (out->msisdn[0] == '\0' && ie->length > 1) /* behind the type of number */
                        msisdn_of_tbcd(ie->bytes + 1, ie->length - 1, out->msisdn);
                break;
        case IE_RAT:
                if (out->rat == NULL && ie->length > 0)
                        out->rat = rat_of_gtp(ie->bytes[0]);
                break;
        case IE_ULI:
                read_location(out, ie);
                break;
        case IE_IMEI:
                if (out->imei[0] == '\0')
                        imei_of_tbcd(ie->bytes, ie->length, out->imei);
                break;
        default:
                break;
        }
}

static void add_endpoint(struct reader *reader, bool user, uint32_t key, unsigned first)
{
        struct signalling *out = reader->out;
        if (key == 0 || (first >= reader->gsn_count && reader->gsn_count > 0))
                return;
        struct signalling_endpoint *endpoint = signalling_add_endpoint(out);
        if (endpoint == NULL)
                return;
        endpoint->user = user;
        endpoint->key = key;
        for (unsigned i = first; i < reader->gsn_count; i += 2) /* the second pair are the alternatives of the other family */
                set_address(endpoint, reader->gsn[i], reader->gsn_length[i]);
        if (!user)
                return;
        endpoint->has_bearer = out->has_bearer;
        endpoint->bearer = out->bearer;
        bool known = out->procedure == PROCEDURE(CREATE) || out->procedure == PROCEDURE(MODIFY);
        /* An Update's answer comes from the SGSN when it has no TEID and address for control (7.3.4). */
        bool no_control = reader->teid_control == 0 && reader->gsn_count < 2;
        bool of_sgsn = out->phase == PHASE(REQUEST) || (out->message == UPDATE_RESPONSE && no_control);
        endpoint->has_of_network = known;
        endpoint->of_network = known && !of_sgsn;
}

/* GSN addresses have no mark: the first is for control, the second for user traffic; alone it is for what has a TEID. An
 * answer to an Update may leave them out: they stay as they were. */
static void add_endpoints(struct reader *reader)
{
        bool user_alone = reader->gsn_count == 1 && reader->teid_control == 0;
        add_endpoint(reader, false, reader->teid_control, 0);
        add_endpoint(reader, true, reader->teid_data, user_alone ? 0 : 1);
}

/* False: an element leads beyond the end. */
static bool read_elements(struct reader *reader, struct cursor *at)
{
        struct ie ie;
        for (unsigned i = 0; cursor_left(at) > 0; i++) {
                ie.type = cursor_u8(at);
                bool variable = ie.type >= 128;
                ie.length = variable ? cursor_be16(at) : value_lengths[ie.type];
                if ((!variable && ie.length == 0) || i == ELEMENTS_MOST)
                        return true;
                ie.bytes = cursor_bytes(at, ie.length);
                if (at->short_read)
                        return false;
                if (variable)
                        read_variable(reader, &ie);
                else
                        read_value(reader, &ie);
        }
        return !at->short_read;
}

/* Lengths are in units of 4 octets, with the length and the next type. */
bool gtpv1_skip_extensions(struct cursor *at, uint8_t next)
{
        for (unsigned i = 0; next != 0 && !at->short_read; i++) {
                uint8_t length = cursor_u8(at);
                if ((length == 0 && !at->short_read) || i == EXTENSIONS_MOST)
                        return false;
                if (length > 0)
                        cursor_skip(at, length * 4U - 2);
                next = cursor_u8(at);
        }
        return true;
}

static enum dissect_result read_header(struct cursor *at, struct signalling *out, struct cursor *elements, bool *cut)
{
        uint8_t flags = cursor_u8(at), type = cursor_u8(at);
        uint16_t length = cursor_be16(at);
        uint32_t key = cursor_be32(at);
        if (at->short_read)
                return DISSECT_TRUNCATED;
        if (flags >> 5 != 1 || !(flags & FLAG_PT))
                return DISSECT_NO_MATCH;
        *cut = length > cursor_left(at);
        struct cursor body = cursor_take(at, *cut ? cursor_left(at) : length);
        const struct message_kind *kind = kind_of(type);
        if (kind == NULL)
                return DISSECT_NO_MATCH;
        uint16_t sequence = 0;
        if (flags & (FLAG_EXTENSION | FLAG_SEQUENCE | FLAG_NPDU)) {
                sequence = cursor_be16(&body);
                cursor_skip(&body, 1);
                uint8_t next = cursor_u8(&body);
                if (flags & FLAG_EXTENSION && !gtpv1_skip_extensions(&body, next))
                        return DISSECT_MALFORMED;
        }
        *elements = body;
        if (body.short_read)
                return *cut ? DISSECT_TRUNCATED : DISSECT_MALFORMED;
        signalling_init(out, APNWATCH__V1__SIGNALLING__PROTOCOL__GTPV1C, kind->procedure, kind->phase, type);
        out->has_key = true;
        out->key = key;
        out->has_sequence = flags & FLAG_SEQUENCE;
        out->sequence = out->has_sequence ? sequence : 0;
        return DISSECT_OK;
}

enum dissect_result gtpv1c_parse(struct cursor *at, unsigned pdp, struct signalling *out, struct gtpv1c_message *message)
{
        struct cursor elements;
        bool cut;
        *message = (struct gtpv1c_message){.pdp_count = 0};
        signalling_init(out, APNWATCH__V1__SIGNALLING__PROTOCOL__GTPV1C, PROCEDURE(OTHER), PHASE(COMMAND), 0);
        enum dissect_result result = read_header(at, out, &elements, &cut);
        if (result != DISSECT_OK)
                return result;
        struct reader reader = {.out = out, .message = message, .pdp = pdp};
        if (!read_elements(&reader, &elements) && !cut)
                return DISSECT_MALFORMED;
        add_endpoints(&reader);
        return cut ? DISSECT_TRUNCATED : DISSECT_OK;
}
