#include "dissectors/session/signalling.h"

#include <string.h>

#include "base/apart.h"
#include "base/text.h"

void signalling_init(struct signalling *s, unsigned protocol, unsigned procedure, unsigned phase, uint32_t message)
{
        memset(s, 0, offsetof(struct signalling, apn));
        s->apn.network[0] = s->apn.operator_part[0] = s->session[0] = s->node[0] = '\0';
        s->protocol = (Apnwatch__V1__Signalling__Protocol)protocol;
        s->procedure = (Apnwatch__V1__Signalling__Procedure)procedure;
        s->phase = (Apnwatch__V1__Signalling__Phase)phase;
        s->message = message;
}

struct signalling_endpoint *signalling_add_endpoint(struct signalling *s)
{
        if (s->endpoint_count == SIGNALLING_ENDPOINTS)
                return NULL;
        struct signalling_endpoint *endpoint = &s->endpoints[s->endpoint_count++];
        memset(endpoint, 0, sizeof *endpoint);
        return endpoint;
}

void signalling_add_ended(struct signalling *s, uint32_t bearer)
{
        for (unsigned i = 0; i < s->ended_count; i++)
                if (s->ended_bearer[i] == bearer)
                        return;
        if (s->ended_count < SIGNALLING_ENDED)
                s->ended_bearer[s->ended_count++] = bearer;
}

static bool any_bit(const uint8_t *bytes, size_t length)
{
        uint8_t bits = 0;
        for (size_t i = 0; i < length; i++)
                bits |= bytes[i];
        return bits != 0;
}

void signalling_set_ipv4(struct signalling *s, const uint8_t ipv4[4])
{
        if (s->has_ipv4 || !any_bit(ipv4, 4))
                return;
        s->has_ipv4 = true;
        memcpy(s->ipv4, ipv4, 4);
}

void signalling_set_ipv6(struct signalling *s, const uint8_t ipv6[16], unsigned length)
{
        if (length == 0 || length > 128)
                length = 64;
        uint8_t prefix[16] = {0};
        memcpy(prefix, ipv6, (length + 7) / 8);
        if (length % 8 != 0)
                prefix[length / 8] &= (uint8_t)(0xff00U >> length % 8);
        if (s->has_ipv6 || !any_bit(prefix, 16))
                return;
        s->has_ipv6 = true;
        s->ipv6_length = (uint8_t)length;
        memcpy(s->ipv6_prefix, prefix, 16);
}

void signalling_add_route(struct signalling *s, const uint8_t *address, size_t address_length, unsigned length)
{
        if (s->route_count == SIGNALLING_ROUTES || (address_length != 4 && address_length != 16) || length > 8 * address_length)
                return;
        struct signalling_route *route = &s->routes[s->route_count++];
        memset(route, 0, sizeof *route);
        memcpy(route->address, address, address_length);
        route->address_length = (uint8_t)address_length;
        route->length = (uint8_t)length;
}

/* The length that the class of an IPv4 network implies; of an address with more bits than those, all. */
static unsigned length_of_class(const uint8_t ipv4[4])
{
        unsigned octets = ipv4[0] < 128 ? 1 : ipv4[0] < 192 ? 2 : 3;
        for (unsigned i = octets; i < 4; i++)
                if (ipv4[i] != 0)
                        return 32;
        return 8 * octets;
}

void signalling_add_route_text(struct signalling *s, const uint8_t *bytes, size_t length)
{
        char text[PREFIX_TEXT_SIZE];
        size_t end = 0, size;
        struct prefix prefix;
        while (end < length && bytes[end] != ' ' && bytes[end] != '\0')
                end++;
        if (end == 0 || end >= sizeof text)
                return;
        memcpy(text, bytes, end);
        text[end] = '\0';
        if (!prefix_parse(text, &prefix))
                return;
        const uint8_t *wire = address_wire(&prefix.address, &size);
        unsigned bits = size == 4 ? prefix.length - 96U : prefix.length;
        if (size == 4 && strchr(text, '/') == NULL)
                bits = length_of_class(wire);
        signalling_add_route(s, wire, size, bits);
}

/* TS 29.274, 8.62; TS 29.244, 8.2.46: kind of Node-ID, number of sets; Node-ID; as many sets. */
struct cursor signalling_read_sets(struct signalling *s, unsigned part, struct cursor at)
{
        enum { NODE_IPV6 = 1, NODE_KINDS = 3 };
        uint8_t head = cursor_u8(&at), kind = head >> 4, count = head & 0x0f;
        size_t length = kind == NODE_IPV6 ? 16 : 4;
        const uint8_t *node = cursor_bytes(&at, length);
        for (unsigned i = 0; i < count && kind < NODE_KINDS && node != NULL; i++) {
                uint16_t id = cursor_be16(&at);
                if (at.short_read || s->set_count == SIGNALLING_SETS)
                        break;
                struct signalling_set *set = &s->sets[s->set_count++];
                *set = (struct signalling_set){.part = (uint8_t)part, .node_length = (uint8_t)(1 + length), .node = {kind}, .id = id};
                memcpy(set->node + 1, node, length);
        }
        return at;
}

void signalling_text(const uint8_t *bytes, size_t length, char *out, size_t size)
{
        size_t over = length >= size ? length - size + 1 : 0;
        text_escape(bytes + over, length - over, out, size);
}

/* What few messages have is filled in out of the way of the others. */
static APART Apnwatch__V1__Cell *place_fill(Apnwatch__V1__Cell *cell, const struct place *place)
{
        apnwatch__v1__cell__init(cell);
        cell->kind = (char *)place->kind;
        cell->has_mcc = cell->has_mnc = cell->has_mnc_digits = true;
        cell->mcc = place->plmn.mcc;
        cell->mnc = place->plmn.mnc;
        cell->mnc_digits = place->plmn.mnc_digits;
        cell->has_area = place->has_area;
        cell->area = place->area;
        cell->has_id = place->has_id;
        cell->id = place->id;
        return cell;
}

static void endpoint_fill(Apnwatch__V1__Signalling__Endpoint *out, const struct signalling_endpoint *endpoint)
{
        apnwatch__v1__signalling__endpoint__init(out);
        out->user = endpoint->user;
        out->key = endpoint->key;
        out->has_ipv4 = endpoint->has_ipv4;
        out->ipv4 = (ProtobufCBinaryData){.data = (uint8_t *)endpoint->ipv4, .len = 4};
        out->has_ipv6 = endpoint->has_ipv6;
        out->ipv6 = (ProtobufCBinaryData){.data = (uint8_t *)endpoint->ipv6, .len = 16};
        out->has_bearer = endpoint->has_bearer;
        out->bearer = endpoint->bearer;
        out->has_interface = endpoint->has_interface;
        out->interface = endpoint->interface;
        out->has_of_network = endpoint->has_of_network;
        out->of_network = endpoint->of_network;
}

static char *text_or_null(const char *text)
{
        return text[0] != '\0' ? (char *)text : NULL;
}

static void fill_identity(Apnwatch__V1__Signalling *out, const struct signalling *s)
{
        out->imsi = text_or_null(s->imsi);
        out->imei = text_or_null(s->imei);
        out->msisdn = text_or_null(s->msisdn);
        out->apn = text_or_null(s->apn.network);
        out->apn_operator = text_or_null(s->apn.operator_part);
        out->rat = (char *)s->rat;
        out->has_ipv4 = s->has_ipv4;
        out->ipv4 = (ProtobufCBinaryData){.data = (uint8_t *)s->ipv4, .len = 4};
        out->has_ipv6_prefix = out->has_ipv6_length = s->has_ipv6;
        out->ipv6_prefix = (ProtobufCBinaryData){.data = (uint8_t *)s->ipv6_prefix, .len = 16};
        out->ipv6_length = s->ipv6_length;
}

static void fill_numbers(Apnwatch__V1__Signalling *out, const struct signalling *s)
{
        out->has_sequence = s->has_sequence;
        out->sequence = s->sequence;
        out->has_key = s->has_key;
        out->key = s->key;
        out->has_accepted = s->has_accepted;
        out->accepted = s->accepted;
        out->has_cause = s->has_cause;
        out->cause = s->cause;
        out->has_bearer = s->has_bearer;
        out->bearer = s->bearer;
        out->has_linked_bearer = s->has_linked_bearer;
        out->linked_bearer = s->linked_bearer;
        out->has_recovery = s->has_recovery;
        out->recovery = s->recovery;
        out->has_charging_id = s->has_charging_id;
        out->charging_id = s->charging_id;
        out->n_ended_bearer = s->ended_count;
        out->ended_bearer = (uint32_t *)s->ended_bearer;
        out->has_retains = s->has_retains;
        out->retains = s->retains;
}

static void fill_transport(Apnwatch__V1__Signalling *out, const struct dissection *d)
{
        out->source.data = (uint8_t *)address_wire(&d->source, &out->source.len);
        out->destination.data = (uint8_t *)address_wire(&d->destination, &out->destination.len);
        out->has_source_port = out->has_destination_port = true;
        out->source_port = d->source_port;
        out->destination_port = d->destination_port;
}

static SELDOM void fill_sets(Apnwatch__V1__Signalling *out, const struct signalling *s, Apnwatch__V1__Signalling__Set *sets)
{
        for (unsigned i = 0; i < s->set_count; i++) {
                apnwatch__v1__signalling__set__init(&sets[i]);
                sets[i].part = (Apnwatch__V1__Signalling__Set__Part)s->sets[i].part;
                sets[i].node = (ProtobufCBinaryData){.data = (uint8_t *)s->sets[i].node, .len = s->sets[i].node_length};
                sets[i].id = s->sets[i].id;
                out->set[out->n_set++] = &sets[i];
        }
}

static SELDOM void fill_routes(Apnwatch__V1__Signalling *out, const struct signalling *s, Apnwatch__V1__Signalling__Prefix *routes)
{
        for (unsigned i = 0; i < s->route_count; i++) {
                apnwatch__v1__signalling__prefix__init(&routes[i]);
                routes[i].address = (ProtobufCBinaryData){.data = (uint8_t *)s->routes[i].address, .len = s->routes[i].address_length};
                routes[i].length = s->routes[i].length;
                out->framed_route[out->n_framed_route++] = &routes[i];
        }
}

static SELDOM void fill_restarted(Apnwatch__V1__Signalling *out, const struct signalling *s)
{
        out->has_restarted = s->restarted_length > 0;
        out->restarted = (ProtobufCBinaryData){.data = (uint8_t *)s->restarted, .len = s->restarted_length};
        out->has_restarted_at = s->restarted_at_length > 0;
        out->restarted_at = (ProtobufCBinaryData){.data = (uint8_t *)s->restarted_at, .len = s->restarted_at_length};
}

/* What GTPv2-C, the most frequent, does not have. */
static SELDOM void fill_others(Apnwatch__V1__Signalling *out, const struct signalling *s)
{
        out->session = text_or_null(s->session);
        out->node = text_or_null(s->node);
        out->has_teardown = s->has_teardown;
        out->teardown = s->teardown;
        out->has_framed_length = s->has_framed_length;
        out->framed_length = s->framed_length;
}

static void send_event(struct dissection *d, Apnwatch__V1__Signalling *signalling)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        event.body_case = APNWATCH__V1__EVENT__BODY_SIGNALLING;
        event.signalling = signalling;
        d->services->emit(d, &event);
}

static const struct plmn *serving_plmn(const struct signalling *s)
{
        if (s->plmn.mnc_digits != 0)
                return &s->plmn;
        return s->location.cell.kind != NULL ? &s->location.cell.plmn : &s->location.area.plmn;
}

void signalling_emit(struct dissection *d, const struct signalling *s)
{
        Apnwatch__V1__Signalling out;
        Apnwatch__V1__Cell cell, area;
        Apnwatch__V1__Signalling__Endpoint endpoints[SIGNALLING_ENDPOINTS], *endpoint_list[SIGNALLING_ENDPOINTS];
        Apnwatch__V1__Signalling__Prefix routes[SIGNALLING_ROUTES], *route_list[SIGNALLING_ROUTES];
        Apnwatch__V1__Signalling__Set sets[SIGNALLING_SETS], *set_list[SIGNALLING_SETS];
        char plmn[PLMN_TEXT_SIZE];
        if (d->tunnelled)
                return;
        apnwatch__v1__signalling__init(&out);
        out.endpoint = endpoint_list;
        out.framed_route = route_list;
        out.set = set_list;
        out.protocol = s->protocol;
        out.procedure = s->procedure;
        out.phase = s->phase;
        out.message = s->message;
        fill_transport(&out, d);
        fill_identity(&out, s);
        fill_numbers(&out, s);
        if (s->protocol != APNWATCH__V1__SIGNALLING__PROTOCOL__GTPV2C)
                fill_others(&out, s);
        if (s->restarted_length > 0 || s->restarted_at_length > 0)
                fill_restarted(&out, s);
        out.plmn = text_or_null(plmn_text(serving_plmn(s), plmn));
        if (s->location.cell.kind != NULL)
                out.cell = place_fill(&cell, &s->location.cell);
        if (s->location.area.kind != NULL)
                out.area = place_fill(&area, &s->location.area);
        for (unsigned i = 0; i < s->endpoint_count; i++) {
                if (s->endpoints[i].key == 0)
                        continue;
                endpoint_fill(&endpoints[i], &s->endpoints[i]);
                endpoint_list[out.n_endpoint++] = &endpoints[i];
        }
        if (s->route_count > 0)
                fill_routes(&out, s, routes);
        if (s->set_count > 0)
                fill_sets(&out, s, sets);
        send_event(d, &out);
}
