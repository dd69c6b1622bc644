#include "judge/binding_said.h"

#include <string.h>

#include "base/apart.h"
#include "judge/binding_facts.h"

typedef Apnwatch__V1__Signalling signalling_t;

static uint64_t text_key(const char *text, uint64_t seed)
{
        uint64_t key = 1469598103934665603U; /* FNV-1a */
        for (; *text != '\0'; text++)
                key = (key ^ (uint8_t)*text) * 1099511628211U;
        return (key ^ seed) * 1099511628211U;
}

/* What few messages have is read out of line: a message is read rarely enough to find its code gone from the cache. */
/* Six times in a message, and once in its code. */
static APART bool read_address(const ProtobufCBinaryData *from, struct address *out)
{
        return address_from_bytes(from->data, from->len, out);
}

/* Both are kept over a restart. */
static SELDOM void read_names(struct said *said, const signalling_t *from)
{
        if (from->session != NULL)
                said->name = text_key(from->session, said->protocol);
        if (from->node != NULL)
                said->owner = (uint32_t)(text_key(from->node, said->protocol) >> 32) | 1;
}

static APART void read_place(struct binding_place *place, const Apnwatch__V1__Cell *from)
{
        if ((place->kind = binding_place_kind(from->kind)) == 0)
                return;
        place->mcc = (uint16_t)from->mcc;
        place->mnc = (uint16_t)from->mnc;
        place->mnc_digits = (uint8_t)from->mnc_digits;
        place->area = from->area;
        place->id = from->id;
}

/* "262-01": three digits, and two or three. */
static APART void read_plmn(struct binding_plmn *plmn, const char *text)
{
        unsigned numbers[2] = {0}, digits[2] = {0};
        for (unsigned part = 0; *text != '\0'; text++) {
                unsigned digit = (unsigned)*text - '0';
                if (digit > 9 ? part++ > 0 || *text != '-' : digits[part]++ == 3)
                        return;
                if (digit <= 9)
                        numbers[part] = numbers[part] * 10 + digit;
        }
        if (digits[0] != 3 || digits[1] < 2)
                return;
        plmn->mcc = (uint16_t)numbers[0];
        plmn->mnc = (uint16_t)numbers[1];
        plmn->mnc_digits = (uint8_t)digits[1];
}

static void read_who(struct said *said, const signalling_t *from)
{
        if (from->imsi != NULL)
                said->imsi = digits_pack(from->imsi);
        if (from->imei != NULL)
                said->imei = digits_pack(from->imei);
        if (from->msisdn != NULL)
                said->msisdn = digits_pack(from->msisdn);
        said->has_ipv4 = from->has_ipv4 && from->ipv4.len == 4 && read_address(&from->ipv4, &said->ipv4) &&
                         !address_is_unspecified(&said->ipv4);
        said->has_ipv6 = from->has_ipv6_prefix && from->ipv6_prefix.len == 16 && read_address(&from->ipv6_prefix, &said->ipv6);
        said->ipv6_length = (uint8_t)(from->has_ipv6_length && from->ipv6_length <= 128 ? from->ipv6_length : 0);
        if (from->rat != NULL)
                said->rat = binding_rat_number(from->rat);
        if (from->plmn != NULL)
                read_plmn(&said->plmn, from->plmn);
        if (from->cell != NULL)
                read_place(&said->cell, from->cell);
        if (from->area != NULL)
                read_place(&said->area, from->area);
}

static void read_header(struct said *said, const signalling_t *from)
{
        said->protocol = (uint8_t)from->protocol;
        said->procedure = (uint8_t)from->procedure;
        said->phase = (uint8_t)from->phase;
        said->message = from->message;
        (void)read_address(&from->source, &said->source);
        (void)read_address(&from->destination, &said->destination);
        said->source_port = (uint16_t)from->source_port;
        said->destination_port = (uint16_t)from->destination_port;
        said->has_sequence = from->has_sequence;
        said->sequence = from->sequence;
        said->key = from->has_key ? from->key : 0;
        said->cause = from->cause;
        said->is_refused = from->has_accepted && !from->accepted;
        said->is_not_found = signalling_says_not_found(from);
        said->has_recovery = from->has_recovery;
        said->recovery = from->recovery;
        said->has_retains = from->has_retains;
        said->retains = from->has_retains && from->retains;
}

static SELDOM void read_nodes(struct said *said, const signalling_t *from)
{
        if (said->protocol == SAID(PROTOCOL__PFCP) && from->node != NULL && !address_parse(from->node, &said->node))
                memset(&said->node, 0, sizeof said->node);
        if (from->has_restarted)
                (void)read_address(&from->restarted, &said->restarted);
        if (from->has_restarted_at)
                (void)read_address(&from->restarted_at, &said->restarted_at);
}

static void read_bearers(struct said *said, const signalling_t *from)
{
        said->bearer = (uint8_t)(from->has_bearer ? from->bearer : 0);
        said->has_linked_bearer = from->has_linked_bearer;
        said->linked_bearer = (uint8_t)from->linked_bearer;
        said->teardown = from->has_teardown && from->teardown;
}

static SELDOM void read_ended(struct said *said, const signalling_t *from)
{
        for (size_t i = 0; i < from->n_ended_bearer && said->ended_count < SAID_ENDED; i++)
                said->ended[said->ended_count++] = (uint8_t)from->ended_bearer[i];
}

static void read_ends(struct said *said, const signalling_t *from)
{
        size_t count = from->n_endpoint < SAID_ENDS ? from->n_endpoint : SAID_ENDS;
        struct said_end *end = said->ends;
        said->end_count = (uint8_t)count;
        for (size_t i = 0; i < count; i++, end++) {
                const Apnwatch__V1__Signalling__Endpoint *told = from->endpoint[i];
                struct address *address = end->addresses;
                memset(end, 0, sizeof *end);
                end->key = told->key;
                end->user = told->user;
                end->bearer = (uint8_t)(told->has_bearer ? told->bearer : 0);
                end->interface = told->has_interface ? (uint8_t)told->interface : INTERFACE_UNKNOWN;
                end->side_known = told->has_of_network;
                end->of_network = told->of_network;
                if (told->has_ipv4)
                        address += read_address(&told->ipv4, address);
                if (told->has_ipv6)
                        address += read_address(&told->ipv6, address);
                end->address_count = (uint8_t)(address - end->addresses);
        }
}

static SELDOM void read_sets(struct said *said, const signalling_t *from)
{
        struct said_set *first = (struct said_set *)said_sets(said), *at = first;
        for (size_t i = 0; i < from->n_set && at < first + SAID_SETS; i++) {
                bool is_known = from->set[i]->part <= SAID(SET__PART__USER);
                memset(at, 0, sizeof *at);
                at->part = (uint8_t)from->set[i]->part;
                at += is_known && binding_set_of(from->set[i], &at->set);
        }
        said->set_count = (uint8_t)(at - first);
}

static struct prefix *read_route(struct prefix *at, const struct address *address, unsigned length)
{
        bool is_ipv4 = address_is_ipv4(address);
        if (length > (is_ipv4 ? 32 : 128))
                return at;
        *at = binding_prefix_around(address, length + (is_ipv4 ? 96 : 0));
        return at + 1;
}

/* Framed-Route, delegated prefixes, and a network in place of a host address. */
static SELDOM void read_routes(struct said *said, const signalling_t *from)
{
        struct prefix *first = (struct prefix *)said_routes(said), *at = first;
        struct address address;
        for (size_t i = 0; i < from->n_framed_route && at < first + SAID_ROUTES - 1; i++)
                if (read_address(&from->framed_route[i]->address, &address))
                        at = read_route(at, &address, from->framed_route[i]->length);
        if (from->has_framed_length && from->framed_length > 0 && from->framed_length < 32 && said->has_ipv4)
                at = read_route(at, &said->ipv4, from->framed_length);
        said->route_count = (uint8_t)(at - first);
}

/* Behind it zeros, so that the whole can be hashed in steps. */
static void read_apn(struct said *said, const char *apn)
{
        size_t length = apn ? strnlen(apn, SAID_APN) : 0;
        char *at = (char *)(said_routes(said) + said->route_count);
        size_t size = ((size_t)(at - (char *)said) + length + SAID_STEP) / SAID_STEP * SAID_STEP;
        if (length > 0)
                memcpy(at, apn, length);
        memset(at + length, 0, (size_t)((char *)said + size - at) - length);
        said->apn_length = (uint8_t)length;
        said->size = (uint16_t)size;
}

void said_read(struct said *room, const signalling_t *from)
{
        memset(room, 0, sizeof *room);
        read_header(room, from);
        if (is_named(room))
                read_names(room, from);
        else if (from->node != NULL || from->has_restarted || from->has_restarted_at)
                read_nodes(room, from);
        read_who(room, from);
        read_bearers(room, from);
        if (from->n_ended_bearer > 0)
                read_ended(room, from);
        read_ends(room, from);
        if (from->n_set > 0)
                read_sets(room, from);
        if (from->n_framed_route > 0 || from->has_framed_length)
                read_routes(room, from);
        read_apn(room, from->apn);
}
