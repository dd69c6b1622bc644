/* RFC 2865 (header 3, attributes 5), RFC 2866 (accounting), RFC 3162, 4818, 6911 (IPv6), RFC 5176 (disconnect, change of
 * authorization), TS 29.061 clause 16.4.7 (vendor 10415).
 * Left out: passwords, EAP, everything of other vendors, addresses of SGSN and GGSN (they come without a TEID), and the
 * authenticators: without the secret they prove nothing. */
#include "dissectors/session/radius.h"

#include <string.h>

#include "base/address.h"
#include "base/text.h"

enum { HEADER_LENGTH = 20, LENGTH_MOST = 4096, VENDOR_3GPP = 10415, IDENTIFIERS = 256, PLAIN_MSISDN_LEAST = 7, PLAIN_MSISDN_MOST = 15 };

enum code {
        ACCESS_REQUEST = 1, ACCESS_ACCEPT = 2, ACCESS_REJECT = 3, ACCOUNTING_REQUEST = 4, ACCOUNTING_RESPONSE = 5, ACCESS_CHALLENGE = 11,
        DISCONNECT_REQUEST = 40, DISCONNECT_ACK = 41, DISCONNECT_NAK = 42, COA_REQUEST = 43, COA_ACK = 44, COA_NAK = 45
};

enum status { STATUS_START = 1, STATUS_STOP = 2, STATUS_INTERIM = 3, STATUS_ON = 7, STATUS_OFF = 8 };

enum attribute {
        USER_NAME = 1, NAS_IP_ADDRESS = 4, FRAMED_IP_ADDRESS = 8, FRAMED_IP_NETMASK = 9, FRAMED_ROUTE = 22, VENDOR_SPECIFIC = 26,
        CALLED_STATION_ID = 30, CALLING_STATION_ID = 31, NAS_IDENTIFIER = 32, ACCT_STATUS_TYPE = 40, ACCT_SESSION_ID = 44,
        NAS_IPV6_ADDRESS = 95, FRAMED_IPV6_PREFIX = 97, FRAMED_IPV6_ROUTE = 99, DELEGATED_IPV6_PREFIX = 123, FRAMED_IPV6_ADDRESS = 168
};

enum attribute_of_3gpp {
        TGPP_IMSI = 1, TGPP_CHARGING_ID = 2, TGPP_NSAPI = 10, TGPP_SESSION_STOP = 11, TGPP_SGSN_MCC_MNC = 18, TGPP_TEARDOWN = 19,
        TGPP_IMEISV = 20, TGPP_RAT_TYPE = 21, TGPP_USER_LOCATION = 22
};

#define PROCEDURE(name) APNWATCH__V1__SIGNALLING__PROCEDURE__##name
#define PHASE(name) APNWATCH__V1__SIGNALLING__PHASE__##name

static const struct message_kind {
        uint8_t code, procedure, phase;
        bool accepted; /* of a RESPONSE */
} kinds[] = {
        {ACCESS_REQUEST, PROCEDURE(CREATE), PHASE(REQUEST), false}, {ACCESS_ACCEPT, PROCEDURE(OTHER), PHASE(RESPONSE), true},
        {ACCESS_REJECT, PROCEDURE(OTHER), PHASE(RESPONSE), false}, {ACCOUNTING_REQUEST, PROCEDURE(OTHER), PHASE(REQUEST), false},
        {ACCOUNTING_RESPONSE, PROCEDURE(OTHER), PHASE(RESPONSE), true}, {ACCESS_CHALLENGE, PROCEDURE(OTHER), PHASE(RESPONSE), false},
        {DISCONNECT_REQUEST, PROCEDURE(DELETE), PHASE(REQUEST), false}, {DISCONNECT_ACK, PROCEDURE(OTHER), PHASE(RESPONSE), true},
        {DISCONNECT_NAK, PROCEDURE(OTHER), PHASE(RESPONSE), false}, {COA_REQUEST, PROCEDURE(MODIFY), PHASE(REQUEST), false},
        {COA_ACK, PROCEDURE(OTHER), PHASE(RESPONSE), true}, {COA_NAK, PROCEDURE(OTHER), PHASE(RESPONSE), false},
};

static const struct message_kind *kind_of(uint8_t code)
{
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
                if (kinds[i].code == code)
                        return &kinds[i];
        return NULL;
}

struct attribute_bytes {
        uint8_t type;
        const uint8_t *bytes;
        size_t length;
};

/* What is only understood when all of it is known. */
struct reader {
        struct signalling *out;
        struct radius_message *message;
        struct attribute_bytes user_name, called, calling, ipv6_address, nas_identifier;
        bool malformed;
};

/* Type, length of all three, value. False: no more, or one that cannot be. */
static bool next_attribute(struct cursor *at, struct attribute_bytes *attribute, bool *malformed)
{
        if (cursor_left(at) == 0)
                return false;
        attribute->type = cursor_u8(at);
        uint8_t length = cursor_u8(at);
        if (!at->short_read && length < 2) {
                *malformed = true;
                return false;
        }
        attribute->length = length - 2U;
        attribute->bytes = cursor_bytes(at, attribute->length);
        return !at->short_read;
}

static bool read_be32(const struct attribute_bytes *attribute, uint32_t *out)
{
        struct cursor at = cursor_of(attribute->bytes, attribute->length);
        uint32_t value = cursor_be32(&at);
        if (!at.short_read)
                *out = value;
        return !at.short_read;
}

/* RFC 2865, 5.8: all ones lets the user choose, 255.255.255.254 the gateway. */
static void read_framed_address(struct signalling *out, const struct attribute_bytes *attribute)
{
        uint32_t value;
        if (attribute->length == 4 && read_be32(attribute, &value) && value < 0xfffffffe)
                signalling_set_ipv4(out, attribute->bytes);
}

static void read_netmask(struct signalling *out, const struct attribute_bytes *attribute)
{
        uint32_t mask, length = 0;
        if (attribute->length != 4 || !read_be32(attribute, &mask) || mask == 0xffffffff)
                return;
        while (mask & 0x80000000) {
                mask <<= 1;
                length++;
        }
        out->has_framed_length = mask == 0 && length > 0;
        out->framed_length = out->has_framed_length ? length : 0;
}

/* RFC 3162, 2.3: a reserved octet, the length in bits, and as many octets of the prefix as that needs, or more. */
static bool read_prefix(const struct attribute_bytes *attribute, uint8_t prefix[16], unsigned *bits)
{
        struct cursor at = cursor_of(attribute->bytes, attribute->length);
        cursor_skip(&at, 1);
        *bits = cursor_u8(&at);
        size_t octets = cursor_left(&at);
        if (at.short_read || *bits == 0 || *bits > 128 || octets > 16 || octets * 8 < *bits)
                return false;
        memset(prefix, 0, 16);
        memcpy(prefix, at.at, octets);
        return true;
}

static void set_node(struct signalling *out, const struct attribute_bytes *attribute)
{
        char text[ADDRESS_TEXT_SIZE];
        struct address address;
        if (out->node[0] != '\0' || !address_from_bytes(attribute->bytes, attribute->length, &address))
                return;
        address_text(&address, text);
        signalling_text((const uint8_t *)text, strlen(text), out->node, sizeof out->node);
}

static void read_place(struct signalling *out, const struct attribute_bytes *attribute)
{
        switch (attribute->type) {
        case TGPP_SGSN_MCC_MNC:
                if (out->plmn.mnc_digits == 0)
                        plmn_of_text(attribute->bytes, attribute->length, &out->plmn);
                break;
        case TGPP_RAT_TYPE:
                if (out->rat == NULL && attribute->length > 0) /* some send it as an integer */
                        out->rat = rat_of_gtp(attribute->bytes[attribute->length == 4 ? 3 : 0]);
                break;
        case TGPP_USER_LOCATION:
                if (out->location.cell.kind == NULL && out->location.area.kind == NULL)
                        location_of_type(attribute->bytes, attribute->length, &out->location);
                break;
        default: break;
        }
}

static void read_of_3gpp(struct signalling *out, const struct attribute_bytes *attribute)
{
        switch (attribute->type) {
        case TGPP_IMSI:
                if (out->imsi[0] == '\0')
                        imsi_of_text(attribute->bytes, attribute->length, out->imsi);
                break;
        case TGPP_IMEISV:
                if (out->imei[0] == '\0')
                        imei_of_text_or_tbcd(attribute->bytes, attribute->length, out->imei);
                break;
        case TGPP_CHARGING_ID:
                if (!out->has_charging_id)
                        out->has_charging_id = read_be32(attribute, &out->charging_id);
                break;
        case TGPP_NSAPI: /* one digit of text, hexadecimal */
                if (out->has_bearer || attribute->length != 1)
                        break;
                out->has_bearer = attribute->bytes[0] >= '5' && attribute->bytes[0] <= '9';
                out->bearer = out->has_bearer ? attribute->bytes[0] - '0' : 0;
                if ((attribute->bytes[0] | 0x20) >= 'a' && (attribute->bytes[0] | 0x20) <= 'f') {
                        out->has_bearer = true;
                        out->bearer = (uint32_t)(attribute->bytes[0] | 0x20) - 'a' + 10;
                }
                break;
        case TGPP_SESSION_STOP: case TGPP_TEARDOWN:
                out->has_teardown = out->teardown = attribute->length > 0 && attribute->bytes[0] != 0;
                break;
        default:
                read_place(out, attribute);
                break;
        }
}

/* Several attributes of a vendor may share one. */
static void read_vendor(struct reader *reader, const struct attribute_bytes *attribute)
{
        struct cursor at = cursor_of(attribute->bytes, attribute->length);
        struct attribute_bytes inner;
        if (cursor_be32(&at) != VENDOR_3GPP || at.short_read)
                return;
        reader->message->is_of_3gpp = true;
        while (next_attribute(&at, &inner, &reader->malformed))
                read_of_3gpp(reader->out, &inner);
        reader->malformed |= at.short_read;
}

static void read_addresses(struct reader *reader, const struct attribute_bytes *attribute)
{
        struct signalling *out = reader->out;
        uint8_t prefix[16];
        unsigned bits;
        switch (attribute->type) {
        case FRAMED_IP_ADDRESS: read_framed_address(out, attribute); break;
        case FRAMED_IP_NETMASK: read_netmask(out, attribute); break;
        case FRAMED_IPV6_ADDRESS: reader->ipv6_address = *attribute; break;
        case FRAMED_IPV6_PREFIX:
                if (read_prefix(attribute, prefix, &bits))
                        signalling_set_ipv6(out, prefix, bits);
                break;
        case DELEGATED_IPV6_PREFIX: /* behind the device, beside its own */
                if (read_prefix(attribute, prefix, &bits))
                        signalling_add_route(out, prefix, sizeof prefix, bits);
                break;
        case FRAMED_ROUTE: case FRAMED_IPV6_ROUTE:
                signalling_add_route_text(out, attribute->bytes, attribute->length);
                break;
        default: break;
        }
}

static void read_attribute(struct reader *reader, const struct attribute_bytes *attribute)
{
        struct signalling *out = reader->out;
        switch (attribute->type) {
        case USER_NAME: reader->user_name = *attribute; break;
        case CALLED_STATION_ID: reader->called = *attribute; break;
        case CALLING_STATION_ID: reader->calling = *attribute; break;
        case NAS_IDENTIFIER: reader->nas_identifier = *attribute; break;
        case NAS_IP_ADDRESS: case NAS_IPV6_ADDRESS: set_node(out, attribute); break;
        case VENDOR_SPECIFIC: read_vendor(reader, attribute); break;
        case ACCT_SESSION_ID: signalling_text(attribute->bytes, attribute->length, out->session, sizeof out->session); break;
        case ACCT_STATUS_TYPE: reader->message->has_status = read_be32(attribute, &reader->message->status); break;
        default: read_addresses(reader, attribute); break;
        }
}

/* "00-19-06-EA-B8-8C", with or without a name behind it: a station of a Wi-Fi. */
static bool is_hardware_address(const struct attribute_bytes *text)
{
        if (text->length < 17)
                return false;
        for (unsigned i = 2; i < 17; i += 3)
                if (text->bytes[i] != '-' && text->bytes[i] != ':' && text->bytes[i] != '.')
                        return false;
        return true;
}

/* 15 digits, alone or before a realm, that begin as a country does and are not a module's IMEI. */
static bool imsi_of_user_name(const struct attribute_bytes *name, char out[DIGITS_SIZE])
{
        char digits[DIGITS_SIZE];
        if (name->length < 15 || (name->length > 15 && name->bytes[15] != '@') || !imsi_of_text(name->bytes, 15, digits))
                return false;
        bool of_country = (digits[0] >= '2' && digits[0] <= '7') || strncmp(digits, "901", 3) == 0;
        bool of_module = strncmp(digits, "35", 2) == 0 && text_luhn_fits(digits, 15);
        if (!of_country || of_module)
                return false;
        memcpy(out, digits, DIGITS_SIZE);
        return true;
}

/* Without an attribute of 3GPP beside it a number must look like one of E.164, which begins with no 0. */
static bool msisdn_of_calling(const struct attribute_bytes *calling, bool is_of_3gpp, char out[DIGITS_SIZE])
{
        if (!msisdn_of_text(calling->bytes, calling->length, out))
                return false;
        size_t length = strlen(out);
        if (is_of_3gpp || (out[0] != '0' && length >= PLAIN_MSISDN_LEAST && length <= PLAIN_MSISDN_MOST))
                return true;
        out[0] = '\0';
        return false;
}

static void set_procedure(struct signalling *out, const struct radius_message *message)
{
        if (out->message != ACCOUNTING_REQUEST || !message->has_status)
                return;
        switch (message->status) {
        case STATUS_START: out->procedure = PROCEDURE(CREATE); break;
        case STATUS_STOP: out->procedure = PROCEDURE(DELETE); break;
        case STATUS_INTERIM: out->procedure = PROCEDURE(MODIFY); break;
        case STATUS_ON: case STATUS_OFF: out->procedure = PROCEDURE(NODE_DELETE); break;
        default: break;
        }
}

static void close_message(struct reader *reader)
{
        struct signalling *out = reader->out;
        struct radius_message *message = reader->message;
        bool is_3gpp = message->is_of_3gpp;
        bool has_msisdn = msisdn_of_calling(&reader->calling, is_3gpp, out->msisdn);
        if (out->imsi[0] == '\0')
                imsi_of_user_name(&reader->user_name, out->imsi);
        if (!is_hardware_address(&reader->called))
                apn_of_text(reader->called.bytes, reader->called.length, &out->apn);
        if (reader->ipv6_address.length == 16)
                signalling_set_ipv6(out, reader->ipv6_address.bytes, 128);
        if (out->node[0] == '\0')
                signalling_text(reader->nas_identifier.bytes, reader->nas_identifier.length, out->node, sizeof out->node);
        set_procedure(out, message);
        message->names_subscriber = is_3gpp || has_msisdn || out->imsi[0] != '\0' || out->procedure == PROCEDURE(NODE_DELETE);
}

static enum dissect_result read_header(struct cursor *at, struct signalling *out, struct cursor *attributes, bool *cut)
{
        uint8_t code = cursor_u8(at), identifier = cursor_u8(at);
        uint16_t length = cursor_be16(at);
        cursor_skip(at, 16); /* authenticator */
        if (at->short_read)
                return DISSECT_TRUNCATED;
        const struct message_kind *kind = kind_of(code);
        if (kind == NULL)
                return DISSECT_NO_MATCH;
        if (length < HEADER_LENGTH || length > LENGTH_MOST)
                return DISSECT_MALFORMED;
        size_t wanted = length - (size_t)HEADER_LENGTH;
        *cut = wanted > cursor_left(at);
        *attributes = cursor_take(at, *cut ? cursor_left(at) : wanted);
        signalling_init(out, APNWATCH__V1__SIGNALLING__PROTOCOL__RADIUS, kind->procedure, kind->phase, code);
        out->has_sequence = true;
        out->sequence = identifier;
        out->has_accepted = kind->phase == PHASE(RESPONSE) && code != ACCESS_CHALLENGE;
        out->accepted = kind->accepted;
        return DISSECT_OK;
}

enum dissect_result radius_parse(struct cursor *at, struct signalling *out, struct radius_message *message)
{
        struct cursor attributes;
        struct attribute_bytes attribute;
        bool cut;
        *message = (struct radius_message){.status = 0};
        signalling_init(out, APNWATCH__V1__SIGNALLING__PROTOCOL__RADIUS, PROCEDURE(OTHER), PHASE(COMMAND), 0);
        enum dissect_result result = read_header(at, out, &attributes, &cut);
        if (result != DISSECT_OK)
                return result;
        struct reader reader = {.out = out, .message = message};
        while (next_attribute(&attributes, &attribute, &reader.malformed))
                read_attribute(&reader, &attribute);
        close_message(&reader);
        if (reader.malformed || (attributes.short_read && !cut))
                return DISSECT_MALFORMED;
        return cut ? DISSECT_TRUNCATED : DISSECT_OK;
}

static bool is_port(uint16_t port)
{
        static const uint16_t ports[] = {1645, 1646, 1700, 1812, 1813, 3799};
        for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
                if (ports[i] == port)
                        return true;
        return false;
}

static enum recognition radius_recognise(const struct dissection *d, const struct cursor *payload)
{
        struct cursor at = *payload;
        struct signalling s;
        struct radius_message message;
        if (is_port(d->source_port) || is_port(d->destination_port)) {
                enum dissect_result result = radius_parse(&at, &s, &message);
                if (result == DISSECT_OK || (result == DISSECT_TRUNCATED && d->cut && s.message != 0))
                        return MINE;
                return result == DISSECT_MALFORMED || result == DISSECT_TRUNCATED ? PERHAPS : NOT_MINE;
        }
        if (cursor_left(payload) < HEADER_LENGTH || (size_t)(payload->at[2] << 8 | payload->at[3]) != cursor_left(payload))
                return NOT_MINE;
        if (radius_parse(&at, &s, &message) != DISSECT_OK)
                return NOT_MINE;
        bool of_subscriber = message.is_of_3gpp && (s.imsi[0] != '\0' || s.msisdn[0] != '\0');
        bool of_session = s.message == ACCOUNTING_REQUEST && message.has_status && s.session[0] != '\0';
        return of_subscriber || of_session ? MINE : NOT_MINE;
}

/* The procedure of requests that were told, by direction and identifier; 0: none, else one more. */
struct radius_flow {
        uint8_t procedure[2][IDENTIFIERS];
};

static bool join_request(struct radius_flow *flow, const struct dissection *d, struct signalling *s, bool tells)
{
        bool is_request = s->phase == PHASE(REQUEST);
        uint8_t *procedure = &flow->procedure[is_request ? d->direction : !d->direction][s->sequence % IDENTIFIERS];
        if (is_request) {
                *procedure = tells ? (uint8_t)(s->procedure + 1) : 0;
                return tells;
        }
        if (s->message == ACCESS_CHALLENGE)
                return false;
        if (*procedure != 0)
                s->procedure = (Apnwatch__V1__Signalling__Procedure)(*procedure - 1);
        return tells || *procedure != 0;
}

static enum follow radius_dissect(struct dissection *d, void *state, struct cursor payload)
{
        struct signalling s;
        struct radius_message message;
        if (d->tunnelled)
                return FOLLOW_DONE;
        enum dissect_result result = radius_parse(&payload, &s, &message);
        if (s.message == 0 || !(result == DISSECT_OK || (result == DISSECT_TRUNCATED && d->cut)))
                return FOLLOW_ON;
        if (join_request(state, d, &s, message.names_subscriber))
                signalling_emit(d, &s);
        return FOLLOW_ON;
}

const struct dissector radius_dissector = {
        .name = "Radius",
        .transports = DISSECT_ON_UDP,
        .readable = true,
        .is_signalling = true,
        .state_size = sizeof(struct radius_flow),
        .recognise = radius_recognise,
        .dissect = radius_dissect,
};
