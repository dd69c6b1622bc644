/* Left out: policies and charging rules, quotas, authentication vectors, subscribed services, and the addresses of gateways, which come
 * without a TEID. */
#include "dissectors/session/diameter_message.h"

#include <string.h>

#include "base/address.h"
#include "dissectors/session/diameter_avp.h"

enum { FLAG_REQUEST = 0x80, FLAGS_RESERVED = 0x0f, AVPS_MOST = 512, DEPTH_MOST = 4, MESSAGE_MOST = 65536 };

enum application {
        BASE = 0, ACCOUNTING = 3, CREDIT_CONTROL = 4, RX = 16777236, GX = 16777238, S6A = 16777251, S13 = 16777252, S6B = 16777272
};

enum command {
        CAPABILITIES_EXCHANGE = 257, RE_AUTH = 258, AA = 265, ACCOUNTING_RECORD = 271, CREDIT = 272, ABORT_SESSION = 274,
        SESSION_TERMINATION = 275, DEVICE_WATCHDOG = 280, UPDATE_LOCATION = 316, AUTHENTICATION_INFORMATION = 318,
        INSERT_SUBSCRIBER_DATA = 319, NOTIFY_COMMAND = 323, ME_IDENTITY_CHECK = 324
};

/* Codes without a vendor; those below 256 are RADIUS's. */
enum avp_code {
        USER_NAME = 1, FRAMED_IP_ADDRESS = 8, FRAMED_ROUTE = 22, CALLED_STATION_ID = 30, CALLING_STATION_ID = 31, FRAMED_IPV6_PREFIX = 97, FRAMED_IPV6_ROUTE = 99,
        DELEGATED_IPV6_PREFIX = 123, AUTH_APPLICATION_ID = 258, ACCT_APPLICATION_ID = 259, VENDOR_SPECIFIC_APPLICATION_ID = 260,
        SESSION_ID = 263, ORIGIN_HOST = 264, RESULT_CODE = 268, ORIGIN_STATE_ID = 278, EXPERIMENTAL_RESULT = 297,
        EXPERIMENTAL_RESULT_CODE = 298, CC_REQUEST_TYPE = 416, SUBSCRIPTION_ID = 443, SUBSCRIPTION_ID_DATA = 444,
        SUBSCRIPTION_ID_TYPE = 450, USER_EQUIPMENT_INFO = 458, USER_EQUIPMENT_INFO_TYPE = 459, USER_EQUIPMENT_INFO_VALUE = 460,
        ACCOUNTING_RECORD_TYPE = 480, SERVICE_SELECTION = 493, USER_EQUIPMENT_INFO_EXTENSION = 653, USER_EQUIPMENT_INFO_IMEISV = 654,
        USER_EQUIPMENT_INFO_IMEI = 658, SUBSCRIPTION_ID_EXTENSION = 659, SUBSCRIPTION_ID_E164 = 660, SUBSCRIPTION_ID_IMSI = 661
};

/* Codes of vendor 10415; those below 256 are its attributes of RADIUS. */
enum avp_code_of_3gpp {
        TGPP_IMSI = 1, TGPP_CHARGING_ID = 2, TGPP_NSAPI = 10, TGPP_SGSN_MCC_MNC = 18, TGPP_IMEISV = 20, TGPP_RAT_TYPE = 21,
        TGPP_USER_LOCATION = 22, CHARGING_IDENTIFIER_VALUE = 503, MSISDN = 701, SERVICE_INFORMATION = 873, PS_INFORMATION = 874,
        CHARGING_IDENTIFIER_GX = 1022, RAT_TYPE = 1032, ALLOCATION_RETENTION_PRIORITY = 1034, DEFAULT_EPS_BEARER_QOS = 1049,
        PDP_ADDRESS = 1227,
        SUBSCRIPTION_DATA = 1400, TERMINAL_INFORMATION = 1401, IMEI = 1402, VISITED_PLMN_ID = 1407, EPS_LOCATION_INFORMATION = 1496,
        MME_LOCATION_INFORMATION = 1600, CELL_GLOBAL_IDENTITY = 1602, TRACKING_AREA_IDENTITY = 1603
};

#define PROTOCOL(name) APNWATCH__V1__SIGNALLING__PROTOCOL__##name
#define PROCEDURE(name) APNWATCH__V1__SIGNALLING__PROCEDURE__##name
#define PHASE(name) APNWATCH__V1__SIGNALLING__PHASE__##name

static const struct application_kind {
        uint32_t application;
        uint8_t protocol;
} applications[] = {
        {GX, PROTOCOL(GX)}, {RX, PROTOCOL(GX)}, {CREDIT_CONTROL, PROTOCOL(GY)}, {ACCOUNTING, PROTOCOL(GY)}, {S6A, PROTOCOL(S6A)},
        {S13, PROTOCOL(S6A)}, {S6B, PROTOCOL(S6B)},
};

/* Of two AVPs that stand beside each other in any order: a type and a value. */
struct pair {
        bool has_type;
        uint32_t type;
        struct diameter_avp value;
};

struct reader {
        struct signalling *out;
        struct diameter_message *message;
        uint32_t application, command, request_type;
        bool has_request_type, has_application;
        unsigned avps, depth;
        bool malformed;
        struct diameter_avp user_name, calling;
};

static const struct application_kind *application_of(uint32_t application)
{
        for (size_t i = 0; i < sizeof applications / sizeof *applications; i++)
                if (applications[i].application == application)
                        return &applications[i];
        return NULL;
}

static bool next_avp(struct reader *reader, struct cursor *at, struct diameter_avp *avp)
{
        if (reader->avps == AVPS_MOST) {
                reader->malformed |= cursor_left(at) > 0;
                return false;
        }
        reader->avps++;
        return diameter_avp_next(at, avp, &reader->malformed);
}

/* RFC 8506, 8.46: what the data is says the type. */
static void read_subscription(struct signalling *out, const struct pair *pair)
{
        enum { END_USER_E164 = 0, END_USER_IMSI = 1 };
        const struct diameter_avp *data = &pair->value;
        if (!pair->has_type || data->bytes == NULL)
                return;
        if (pair->type == END_USER_IMSI && out->imsi[0] == '\0')
                imsi_of_text(data->bytes, data->length, out->imsi);
        else if (pair->type == END_USER_E164 && out->msisdn[0] == '\0')
                msisdn_of_text(data->bytes, data->length, out->msisdn);
}

/* RFC 8506, 8.49; as digits from most, as TBCD from some. */
static void read_equipment(struct signalling *out, const struct pair *pair)
{
        enum { EQUIPMENT_IMEISV = 0 };
        if ((pair->has_type && pair->type != EQUIPMENT_IMEISV) || pair->value.bytes == NULL || out->imei[0] != '\0')
                return;
        imei_of_text_or_tbcd(pair->value.bytes, pair->value.length, out->imei);
}

static void read_pair(struct reader *reader, const struct diameter_avp *group, uint32_t type, uint32_t value)
{
        struct cursor at = cursor_of(group->bytes, group->length);
        struct pair pair = {.has_type = false};
        struct diameter_avp avp;
        while (next_avp(reader, &at, &avp)) {
                if (avp.vendor == 0 && avp.code == type)
                        pair.has_type = diameter_avp_u32(&avp, &pair.type);
                else if (avp.vendor == 0 && avp.code == value)
                        pair.value = avp;
        }
        reader->malformed |= at.short_read;
        if (group->code == SUBSCRIPTION_ID)
                read_subscription(reader->out, &pair);
        else
                read_equipment(reader->out, &pair);
}

/* A reserved octet, the length in bits, and as many octets of the prefix as that needs, or more. */
static bool read_prefix(const struct diameter_avp *avp, uint8_t prefix[16], unsigned *bits)
{
        struct cursor at = cursor_of(avp->bytes, avp->length);
        cursor_skip(&at, 1);
        *bits = cursor_u8(&at);
        size_t octets = cursor_left(&at);
        if (at.short_read || *bits == 0 || *bits > 128 || octets > 16 || octets * 8 < *bits)
                return false;
        memset(prefix, 0, 16);
        memcpy(prefix, at.at, octets);
        return true;
}

/* RFC 6733, 4.3.1: Address, an octet pair of its family before it. */
static void read_pdp_address(struct signalling *out, const struct diameter_avp *avp)
{
        enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2 };
        struct cursor at = cursor_of(avp->bytes, avp->length);
        uint16_t family = cursor_be16(&at);
        if (family == FAMILY_IPV4 && cursor_left(&at) == 4)
                signalling_set_ipv4(out, at.at);
        else if (family == FAMILY_IPV6 && cursor_left(&at) == 16)
                signalling_set_ipv6(out, at.at, 64);
}

static void read_result(struct signalling *out, const struct diameter_avp *avp)
{
        if (out->has_cause || !diameter_avp_u32(avp, &out->cause))
                return;
        out->has_cause = true;
        out->has_accepted = out->phase == PHASE(RESPONSE);
        out->accepted = out->cause / 1000 == 2;
}

/* E-UTRAN-Cell-Global-Identity and Tracking-Area-Identity are coded as behind the type octet of a ULI. */
static void read_coded_place(struct signalling *out, const struct diameter_avp *avp, uint8_t type, size_t length)
{
        uint8_t coded[8] = {type};
        struct user_location location;
        if (avp->length < length || length > sizeof coded - 1)
                return;
        memcpy(coded + 1, avp->bytes, length);
        if (!location_of_type(coded, length + 1, &location))
                return;
        if (location.cell.kind != NULL && out->location.cell.kind == NULL)
                out->location.cell = location.cell;
        if (location.area.kind != NULL && out->location.area.kind == NULL)
                out->location.area = location.area;
}

static void read_place_of_3gpp(struct signalling *out, const struct diameter_avp *avp)
{
        enum { ULI_TAI = 128, ULI_ECGI = 129, TAI_LENGTH = 5, ECGI_LENGTH = 7 };
        uint32_t value;
        switch (avp->code) {
        case RAT_TYPE:
                if (out->rat == NULL && diameter_avp_u32(avp, &value))
                        out->rat = rat_of_diameter(value);
                break;
        case TGPP_RAT_TYPE:
                if (out->rat == NULL && avp->length > 0)
                        out->rat = rat_of_gtp(avp->bytes[0]);
                break;
        case TGPP_USER_LOCATION:
                if (out->location.cell.kind == NULL && out->location.area.kind == NULL)
                        location_of_type(avp->bytes, avp->length, &out->location);
                break;
        case CELL_GLOBAL_IDENTITY: read_coded_place(out, avp, ULI_ECGI, ECGI_LENGTH); break;
        case TRACKING_AREA_IDENTITY: read_coded_place(out, avp, ULI_TAI, TAI_LENGTH); break;
        case TGPP_SGSN_MCC_MNC:
                if (out->plmn.mnc_digits == 0)
                        plmn_of_text(avp->bytes, avp->length, &out->plmn);
                break;
        case VISITED_PLMN_ID:
                if (out->plmn.mnc_digits == 0 && avp->length == 3)
                        plmn_of_octets(avp->bytes, &out->plmn);
                break;
        default: break;
        }
}

static void read_group(struct reader *reader, const struct diameter_avp *group);

static void read_of_3gpp(struct reader *reader, const struct diameter_avp *avp)
{
        struct signalling *out = reader->out;
        switch (avp->code) {
        case SERVICE_INFORMATION: case PS_INFORMATION: case TERMINAL_INFORMATION: case SUBSCRIPTION_DATA: case EPS_LOCATION_INFORMATION:
        case MME_LOCATION_INFORMATION: case CHARGING_IDENTIFIER_GX:
        case DEFAULT_EPS_BEARER_QOS: case ALLOCATION_RETENTION_PRIORITY: /* there are gateways that put the location in here */
                read_group(reader, avp);
                break;
        case TGPP_IMSI:
                if (out->imsi[0] == '\0')
                        imsi_of_text(avp->bytes, avp->length, out->imsi);
                break;
        case TGPP_IMEISV: case IMEI:
                if (out->imei[0] == '\0')
                        imei_of_text_or_tbcd(avp->bytes, avp->length, out->imei);
                break;
        case MSISDN:
                if (out->msisdn[0] == '\0')
                        msisdn_of_tbcd(avp->bytes, avp->length, out->msisdn);
                break;
        case TGPP_CHARGING_ID: case CHARGING_IDENTIFIER_VALUE:
                if (!out->has_charging_id)
                        out->has_charging_id = diameter_avp_u32(avp, &out->charging_id);
                break;
        case TGPP_NSAPI:
                if (avp->length == 1 && avp->bytes[0] >= '5' && avp->bytes[0] <= '9' && !out->has_bearer) {
                        out->has_bearer = true;
                        out->bearer = avp->bytes[0] - '0';
                }
                break;
        case PDP_ADDRESS: read_pdp_address(out, avp); break;
        default: read_place_of_3gpp(out, avp); break;
        }
}

static void read_address(struct signalling *out, const struct diameter_avp *avp)
{
        uint8_t prefix[16];
        unsigned bits;
        switch (avp->code) {
        case FRAMED_IP_ADDRESS:
                if (avp->length == 4)
                        signalling_set_ipv4(out, avp->bytes);
                break;
        case FRAMED_IPV6_PREFIX:
                if (read_prefix(avp, prefix, &bits))
                        signalling_set_ipv6(out, prefix, bits);
                break;
        case DELEGATED_IPV6_PREFIX:
                if (read_prefix(avp, prefix, &bits))
                        signalling_add_route(out, prefix, sizeof prefix, bits);
                break;
        case FRAMED_ROUTE: case FRAMED_IPV6_ROUTE: signalling_add_route_text(out, avp->bytes, avp->length); break;
        default: break;
        }
}

/* Of a peer's list the first that is known, or Gx when it is among them: a gateway often lists all that it can. */
static void read_application(struct reader *reader, const struct diameter_avp *avp)
{
        uint32_t value;
        if (reader->application != BASE || !diameter_avp_u32(avp, &value))
                return;
        const struct application_kind *kind = application_of(value);
        if (kind == NULL || (reader->has_application && kind->protocol != PROTOCOL(GX)))
                return;
        reader->has_application = true;
        reader->out->protocol = (Apnwatch__V1__Signalling__Protocol)kind->protocol;
}

/* RFC 8506, 8.52 to 8.63: what Subscription-Id and User-Equipment-Info say, with an AVP for each type. */
static void read_extended_identity(struct signalling *out, const struct diameter_avp *avp)
{
        switch (avp->code) {
        case USER_EQUIPMENT_INFO_IMEISV: case USER_EQUIPMENT_INFO_IMEI:
                if (out->imei[0] == '\0')
                        imei_of_text_or_tbcd(avp->bytes, avp->length, out->imei);
                break;
        case SUBSCRIPTION_ID_E164:
                if (out->msisdn[0] == '\0')
                        msisdn_of_text(avp->bytes, avp->length, out->msisdn);
                break;
        case SUBSCRIPTION_ID_IMSI:
                if (out->imsi[0] == '\0')
                        imsi_of_text(avp->bytes, avp->length, out->imsi);
                break;
        default: break;
        }
}

static void read_base(struct reader *reader, const struct diameter_avp *avp)
{
        struct signalling *out = reader->out;
        uint32_t value;
        switch (avp->code) {
        case VENDOR_SPECIFIC_APPLICATION_ID: case EXPERIMENTAL_RESULT: case USER_EQUIPMENT_INFO_EXTENSION: case SUBSCRIPTION_ID_EXTENSION:
                read_group(reader, avp);
                break;
        case USER_EQUIPMENT_INFO_IMEISV: case USER_EQUIPMENT_INFO_IMEI: case SUBSCRIPTION_ID_E164: case SUBSCRIPTION_ID_IMSI:
                read_extended_identity(out, avp);
                break;
        case AUTH_APPLICATION_ID: case ACCT_APPLICATION_ID: read_application(reader, avp); break;
        case SUBSCRIPTION_ID: read_pair(reader, avp, SUBSCRIPTION_ID_TYPE, SUBSCRIPTION_ID_DATA); break;
        case USER_EQUIPMENT_INFO: read_pair(reader, avp, USER_EQUIPMENT_INFO_TYPE, USER_EQUIPMENT_INFO_VALUE); break;
        case USER_NAME: reader->user_name = *avp; break;
        case CALLING_STATION_ID: reader->calling = *avp; break;
        case CALLED_STATION_ID: case SERVICE_SELECTION:
                if (out->apn.network[0] == '\0')
                        apn_of_text(avp->bytes, avp->length, &out->apn);
                break;
        case SESSION_ID:
                if (out->session[0] == '\0')
                        signalling_text(avp->bytes, avp->length, out->session, sizeof out->session);
                break;
        case ORIGIN_HOST:
                if (out->node[0] == '\0')
                        signalling_text(avp->bytes, avp->length, out->node, sizeof out->node);
                break;
        case RESULT_CODE: case EXPERIMENTAL_RESULT_CODE: read_result(out, avp); break;
        case ORIGIN_STATE_ID:
                if (!out->has_recovery && diameter_avp_u32(avp, &value)) {
                        out->has_recovery = true;
                        out->recovery = value;
                }
                break;
        case CC_REQUEST_TYPE: case ACCOUNTING_RECORD_TYPE:
                reader->has_request_type = diameter_avp_u32(avp, &reader->request_type);
                break;
        default: read_address(out, avp); break;
        }
}

static void read_avps(struct reader *reader, struct cursor *at)
{
        struct diameter_avp avp;
        while (next_avp(reader, at, &avp)) {
                if (avp.vendor == 0)
                        read_base(reader, &avp);
                else if (avp.vendor == DIAMETER_VENDOR_3GPP)
                        read_of_3gpp(reader, &avp);
        }
}

static void read_group(struct reader *reader, const struct diameter_avp *group)
{
        struct cursor at = cursor_of(group->bytes, group->length);
        if (reader->depth == DEPTH_MOST)
                return;
        reader->depth++;
        read_avps(reader, &at);
        reader->depth--;
        reader->malformed |= at.short_read;
}

/* The user's name is the IMSI (S6a), or a network access identifier with it in front, one digit before that tells the method
 * of authentication (TS 23.003, clause 19.3.2). In Gx and Gy it is what the gateway was told: there a phone number may stand. */
static void imsi_of_user_name(const struct diameter_avp *name, bool is_any, char out[DIGITS_SIZE])
{
        enum { IMSI_USUAL = 15 };
        size_t digits = 0;
        while (digits < name->length && name->bytes[digits] >= '0' && name->bytes[digits] <= '9')
                digits++;
        bool has_realm = digits < name->length && name->bytes[digits] == '@';
        bool has_method = has_realm && digits == IMSI_USUAL + 1 && strchr("0123456", name->bytes[0]) != NULL;
        if ((digits < name->length && !has_realm) || (is_any && digits - has_method != IMSI_USUAL))
                return;
        imsi_of_text(name->bytes + has_method, digits - has_method, out);
}

/* A number with its country, not the address of a station. */
static void msisdn_of_calling(const struct diameter_avp *calling, char out[DIGITS_SIZE])
{
        enum { NUMBER_LEAST = 7, NUMBER_MOST = 15 };
        if (!msisdn_of_text(calling->bytes, calling->length, out))
                return;
        size_t length = strlen(out);
        if (out[0] == '0' || length < NUMBER_LEAST || length > NUMBER_MOST)
                out[0] = '\0';
}

static unsigned procedure_of_record(const struct reader *reader)
{
        static const uint8_t of_credit[] = {PROCEDURE(OTHER), PROCEDURE(CREATE), PROCEDURE(MODIFY), PROCEDURE(DELETE),
                                            PROCEDURE(NOTIFY)};
        static const uint8_t of_accounting[] = {PROCEDURE(OTHER), PROCEDURE(NOTIFY), PROCEDURE(CREATE), PROCEDURE(MODIFY),
                                                PROCEDURE(DELETE)};
        uint32_t type = reader->has_request_type && reader->request_type < sizeof of_credit ? reader->request_type : 0;
        return reader->command == CREDIT ? of_credit[type] : of_accounting[type];
}

/* Sessions of Rx are those of an application over the IP-CAN session, and end for themselves. */
static unsigned procedure_of(const struct reader *reader)
{
        bool is_rx = reader->application == RX;
        switch (reader->command) {
        case CREDIT: case ACCOUNTING_RECORD: return procedure_of_record(reader);
        case AA: return is_rx ? PROCEDURE(NOTIFY) : PROCEDURE(CREATE);
        case RE_AUTH: return is_rx ? PROCEDURE(OTHER) : PROCEDURE(MODIFY);
        case ABORT_SESSION: case SESSION_TERMINATION: return is_rx ? PROCEDURE(OTHER) : PROCEDURE(DELETE);
        case UPDATE_LOCATION: case AUTHENTICATION_INFORMATION: case INSERT_SUBSCRIBER_DATA: case NOTIFY_COMMAND: case ME_IDENTITY_CHECK:
                return PROCEDURE(SUBSCRIBER);
        case CAPABILITIES_EXCHANGE: case DEVICE_WATCHDOG: return PROCEDURE(PATH);
        default: return PROCEDURE(OTHER);
        }
}

static void close_message(struct reader *reader)
{
        struct signalling *out = reader->out;
        const struct application_kind *kind = application_of(reader->application);
        bool of_records = reader->command == CREDIT || reader->command == ACCOUNTING_RECORD;
        reader->message->names_protocol = kind != NULL || reader->has_application;
        if (kind != NULL)
                out->protocol = (Apnwatch__V1__Signalling__Protocol)kind->protocol;
        out->procedure = (Apnwatch__V1__Signalling__Procedure)procedure_of(reader);
        reader->message->is_answer_of_unknown = of_records && out->phase == PHASE(RESPONSE) && !reader->has_request_type;
        reader->message->is_told = kind != NULL || (out->procedure == PROCEDURE(PATH) && out->has_recovery);
        if (out->msisdn[0] == '\0' && kind != NULL)
                msisdn_of_calling(&reader->calling, out->msisdn);
        if (out->imsi[0] == '\0' && kind != NULL)
                imsi_of_user_name(&reader->user_name, out->protocol == PROTOCOL(GX) || out->protocol == PROTOCOL(GY), out->imsi);
}

static bool is_known_command(uint32_t command)
{
        return (command >= 257 && command <= 258) || command == 265 || command == 268 || (command >= 271 && command <= 275) ||
               command == 280 || command == 282 || (command >= 283 && command <= 309) || (command >= 316 && command <= 324) ||
               (command >= 8388608 && command <= 8388740);
}

bool diameter_is_plausible(const struct cursor *payload)
{
        struct cursor at = *payload;
        size_t left = cursor_left(&at);
        uint8_t version = cursor_u8(&at);
        uint32_t length = cursor_be24(&at);
        if (left == 0 || version != 1 || (left >= 4 && (length < DIAMETER_HEADER || length % 4 != 0 || length > MESSAGE_MOST)))
                return false;
        uint8_t flags = cursor_u8(&at);
        if (left >= 5 && flags & FLAGS_RESERVED)
                return false;
        uint32_t command = cursor_be24(&at);
        if (left >= 8 && !is_known_command(command))
                return false;
        cursor_skip(&at, 12);
        if (left < DIAMETER_HEADER + 8 || length < DIAMETER_HEADER + 8)
                return true;
        uint32_t code = cursor_be32(&at);
        uint8_t avp_flags = cursor_u8(&at);
        uint32_t avp_length = cursor_be24(&at);
        return code > 0 && code < 10000 && !(avp_flags & 0x1f) && avp_length >= 8 && avp_length <= length - DIAMETER_HEADER;
}

static enum dissect_result read_header(struct cursor *at, struct reader *reader, struct cursor *avps, bool *cut)
{
        uint8_t version = cursor_u8(at);
        uint32_t length = cursor_be24(at);
        uint8_t flags = cursor_u8(at);
        reader->command = cursor_be24(at);
        reader->application = cursor_be32(at);
        uint32_t hop_by_hop = cursor_be32(at);
        cursor_skip(at, 4); /* end-to-end */
        if (at->short_read)
                return DISSECT_TRUNCATED;
        if (version != 1)
                return DISSECT_NO_MATCH;
        if (length < DIAMETER_HEADER)
                return DISSECT_MALFORMED;
        reader->message->length = length;
        *cut = length - DIAMETER_HEADER > cursor_left(at);
        *avps = cursor_take(at, *cut ? cursor_left(at) : length - DIAMETER_HEADER);
        signalling_init(reader->out, PROTOCOL(GX), PROCEDURE(OTHER), flags & FLAG_REQUEST ? PHASE(REQUEST) : PHASE(RESPONSE),
                        reader->command);
        reader->out->has_sequence = true;
        reader->out->sequence = hop_by_hop;
        return DISSECT_OK;
}

enum dissect_result diameter_parse(struct cursor *at, struct signalling *out, struct diameter_message *message)
{
        struct reader reader = {.out = out, .message = message};
        struct cursor avps;
        bool cut;
        *message = (struct diameter_message){.length = 0};
        signalling_init(out, PROTOCOL(GX), PROCEDURE(OTHER), PHASE(COMMAND), 0);
        enum dissect_result result = read_header(at, &reader, &avps, &cut);
        if (result != DISSECT_OK)
                return result;
        read_avps(&reader, &avps);
        close_message(&reader);
        if (reader.malformed || (avps.short_read && !cut))
                return DISSECT_MALFORMED;
        return cut ? DISSECT_TRUNCATED : DISSECT_OK;
}
