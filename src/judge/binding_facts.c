#include "judge/binding_facts.h"

#include <endian.h>
#include <string.h>

#include "base/apart.h"

static const char *const rats[] = {NULL, "UTRAN", "GERAN", "WLAN", "GAN", "HSPA+", "EUTRAN", "Virtual", "NB-IoT", "LTE-M", "NR",
                                   NULL};
static const char *const places[BINDING_PLACES + 1] = {[PLACE_ECGI] = "ecgi", [PLACE_NCGI] = "ncgi", [PLACE_CGI] = "cgi",
                                                   [PLACE_SAI] = "sai", [PLACE_TAI] = "tai", [PLACE_RAI] = "rai", [PLACE_LAI] = "lai"};

enum { RATS = sizeof rats / sizeof *rats - 1, DIGITS_MOST = 16, PREFIX_USUAL = 64,
       IMEI_MODULE = 14 };

const char *binding_rat_text(uint8_t rat)
{
        return rat == 0 ? "" : rat < RATS ? rats[rat] : NULL;
}

/* The values of eight characters, the first highest; UINT64_MAX: not all are digits. */
static APART uint64_t read_digits(const char text[8])
{
        uint64_t x;
        memcpy(&x, text, sizeof x);
        x = be64toh(x) ^ 0x3030303030303030;
        if (((x | (x + 0x0606060606060606)) & 0xf0f0f0f0f0f0f0f0) != 0)
                return UINT64_MAX;
        x = (x | x >> 4) & 0x00ff00ff00ff00ff;
        x = (x | x >> 8) & 0x0000ffff0000ffff;
        return (x | x >> 16) & 0xffffffff;
}

uint64_t digits_pack(const char *text)
{
        char digits[DIGITS_MOST];
        size_t length = text ? strnlen(text, DIGITS_MOST + 1) : 0;
        if (length == 0 || length > DIGITS_MOST)
                return 0;
        memset(digits, '0', sizeof digits);
        memcpy(digits, text, length);
        uint64_t high = read_digits(digits), low = read_digits(digits + 8);
        if ((high | low) == UINT64_MAX)
                return 0;
        uint64_t filler = length < DIGITS_MOST ? UINT64_MAX >> length * 4 : 0, packed = high << 32 | low | filler;
        return packed != 0 ? packed : DIGITS_ZEROS;
}

bool imei_is_empty(uint64_t imei)
{
        return imei >> (DIGITS_MOST - IMEI_MODULE) * 4 == 0 || imei == DIGITS_ZEROS;
}

/* Eight nibbles as characters, the highest first; filler becomes zero bytes. All at once, since views are made for every flow. */
static void put_digits(uint32_t nibbles, char text[8])
{
        uint64_t x = nibbles;
        x = (x | x << 16) & 0x0000ffff0000ffff;
        x = (x | x << 8) & 0x00ff00ff00ff00ff;
        x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
        uint64_t is_filler = (x + 0x0606060606060606) >> 4 & 0x0101010101010101; /* 10 and more */
        x = htobe64((x | 0x3030303030303030) & ~(is_filler * 0xff));
        memcpy(text, &x, sizeof x);
}

const char *digits_text(uint64_t digits, char text[17])
{
        if (digits == 0)
                digits = UINT64_MAX;
        else if (digits == DIGITS_ZEROS)
                digits = 0;
        put_digits((uint32_t)(digits >> 32), text);
        put_digits((uint32_t)digits, text + 8);
        text[16] = '\0';
        return text;
}

/* How many digits there are. */
static unsigned digits_length(uint64_t digits)
{
        return digits ? DIGITS_MOST - (unsigned)__builtin_ctzll(~digits | UINT64_C(1) << 63) / 4 : 0;
}

/* The lists end with NULL, and a loop whose end is not known is not unrolled. */
static APART uint8_t number_of(const char *text, const char *const *list)
{
        for (const char *const *at = list + 1; text != NULL && *at != NULL; at++)
                if ((*at)[0] == text[0] && strcmp(*at, text) == 0)
                        return (uint8_t)(at - list);
        return 0;
}

uint8_t binding_rat_number(const char *text)
{
        return number_of(text, rats);
}

uint8_t binding_place_kind(const char *text)
{
        return number_of(text, places);
}

static bool places_are_equal(const struct binding_place *a, const struct binding_place *b)
{
        return a->kind == b->kind && a->mcc == b->mcc && a->mnc == b->mnc && a->mnc_digits == b->mnc_digits && a->area == b->area &&
               a->id == b->id;
}

static char *put_number(char *at, uint64_t number)
{
        char digits[20];
        unsigned count = 0;
        do {
                digits[count++] = (char)('0' + number % 10);
                number /= 10;
        } while (number > 0);
        while (count > 0)
                *at++ = digits[--count];
        return at;
}

static char *put_plmn(char *at, uint16_t mcc, uint16_t mnc, uint8_t mnc_digits)
{
        unsigned country = mcc % 1000U, network = mnc % 1000U;
        *at++ = (char)('0' + country / 100);
        *at++ = (char)('0' + country / 10 % 10);
        *at++ = (char)('0' + country % 10);
        *at++ = '-';
        if (mnc_digits == 3 || network >= 100)
                *at++ = (char)('0' + network / 100);
        *at++ = (char)('0' + network / 10 % 10);
        *at++ = (char)('0' + network % 10);
        return at;
}

const char *binding_plmn_text(const struct binding_plmn *plmn, char text[BINDING_PLACE_SIZE])
{
        char *end = plmn->mnc_digits == 0 ? text : put_plmn(text, plmn->mcc, plmn->mnc, plmn->mnc_digits);
        *end = '\0';
        return text;
}

/* "cgi:262-01-4660-22136": some have an area and a cell. */
const char *binding_place_text(const struct binding_place *place, char text[BINDING_PLACE_SIZE])
{
        char *at = text;
        text[0] = '\0';
        if (place->kind == 0 || place->kind >= BINDING_PLACES)
                return text;
        const char *kind = places[place->kind];
        bool has_area = place->kind != PLACE_ECGI && place->kind != PLACE_NCGI, is_cell = place->kind <= PLACE_SAI;
        for (const char *from = kind; *from != '\0';)
                *at++ = *from++;
        *at++ = ':';
        at = put_plmn(at, place->mcc, place->mnc, place->mnc_digits);
        if (has_area) {
                *at++ = '-';
                at = put_number(at, place->area & 0xffffff);
        }
        if (is_cell) {
                *at++ = '-';
                at = put_number(at, place->id & 0xfffffffff); /* NCI: 36 bits */
        }
        *at = '\0';
        return text;
}

APART struct prefix binding_prefix_around(const struct address *address, unsigned length)
{
        struct prefix prefix = {.address = *address, .length = (uint8_t)length};
        for (unsigned bit = length; bit < 128; bit = (bit / 8 + 1) * 8)
                prefix.address.bytes[bit / 8] &= (uint8_t)(bit % 8 ? 0xff00 >> bit % 8 : 0);
        return prefix;
}

struct taking {
        struct session *session;
        enum binding_source source;
        uint32_t changed;
        uint64_t *conflicts;
        bool has_stayed;        /* where it is was said long enough ago that another place is news, not an older message */
};

/* Both versions of GTP are spoken by the same gateways of the same session. */
static unsigned strength(uint8_t source)
{
        return source == BINDING_GTPV2C ? BINDING_GTPV1C : source;
}

/* A device moves, and not all interfaces are told of it; who it is does not change. */
static bool is_place(enum binding_fact fact)
{
        return fact == FACT_CELL || fact == FACT_AREA || fact == FACT_PLMN || fact == FACT_RAT;
}

/* May a fact of this source stand where another stood? Notes the source, and whether it is another value. */
static APART bool may_take(struct taking *taking, enum binding_fact fact, bool is_known, bool is_other)
{
        uint8_t *held = &taking->session->sources[fact];
        bool is_stronger = strength(*held) > strength((uint8_t)taking->source);
        if (is_known && is_stronger && !(is_place(fact) && is_other && taking->has_stayed)) {
                *taking->conflicts += is_other;
                return false;
        }
        *held = (uint8_t)taking->source;
        if (!is_known || is_other)
                taking->changed |= 1U << fact;
        return true;
}

static APART void take_digits(struct taking *taking, enum binding_fact fact, uint64_t *held, uint64_t said)
{
        if (said != 0 && may_take(taking, fact, *held != 0, *held != said))
                *held = said;
}

/* The software version, which some say and others do not, makes no other module: the longer form stays. */
static void take_imei(struct taking *taking, uint64_t said)
{
        uint64_t *held = &taking->session->imei;
        bool is_same_module = (*held ^ said) >> (DIGITS_MOST - IMEI_MODULE) * 4 == 0;
        unsigned length_held = digits_length(*held), length_said = digits_length(said);
        if (said == 0)
                return;
        if (imei_is_empty(*held) != imei_is_empty(said)) {
                if (imei_is_empty(said))
                        return;
                *held = 0; /* zeros that stood for it are no fact */
        }
        if (*held == 0 || length_said == length_held || !is_same_module) {
                take_digits(taking, FACT_IMEI, held, said);
        } else if (length_said > length_held) {
                *held = said;
                taking->session->sources[FACT_IMEI] = (uint8_t)taking->source;
                taking->changed |= 1U << FACT_IMEI;
        }
}

static void take_apn(struct taking *taking, struct name_pool *names, const char *apn)
{
        uint32_t *held = &taking->session->apn;
        if (apn == NULL)
                return;
        bool is_other = *held != NAME_NONE && strcmp(name_pool_text(names, *held), apn) != 0;
        if (!may_take(taking, FACT_APN, *held != NAME_NONE, is_other) || (*held != NAME_NONE && !is_other))
                return;
        if (*held != NAME_NONE)
                name_pool_release(names, *held);
        *held = name_pool_hold(names, apn);
}

static void take_addresses(struct taking *taking, const struct said *said)
{
        struct session *session = taking->session;
        if (said->has_ipv4 &&
            may_take(taking, FACT_IPV4, !address_is_unspecified(&session->ipv4), !address_equal(&session->ipv4, &said->ipv4)))
                session->ipv4 = said->ipv4;
        if (!said->has_ipv6)
                return;
        unsigned length = said->ipv6_length > 0 && said->ipv6_length < PREFIX_USUAL ? said->ipv6_length : PREFIX_USUAL;
        struct prefix prefix = binding_prefix_around(&said->ipv6, length);
        bool is_other = session->ipv6.length != prefix.length || !address_equal(&session->ipv6.address, &prefix.address);
        if (may_take(taking, FACT_IPV6, session->ipv6.length > 0, is_other))
                session->ipv6 = prefix;
}

static APART void take_place(struct taking *taking, enum binding_fact fact, struct binding_place *held, const struct binding_place *said)
{
        if (said->kind != 0 && may_take(taking, fact, held->kind != 0, !places_are_equal(held, said)))
                *held = *said;
}

static void take_plmn(struct taking *taking, const struct binding_plmn *said)
{
        struct binding_plmn *held = &taking->session->plmn;
        bool is_other = held->mcc != said->mcc || held->mnc != said->mnc || held->mnc_digits != said->mnc_digits;
        if (said->mnc_digits != 0 && may_take(taking, FACT_PLMN, held->mnc_digits != 0, is_other))
                *held = *said;
}

uint32_t binding_facts_take(struct session *session, struct name_pool *names, const struct said *said, enum binding_source source,
                            int64_t stayed_ns, uint64_t *conflicts)
{
        static const int64_t stay_ns = INT64_C(30000000000); /* a message that is repeated is older by less */
        struct taking taking = {session, source, 0, conflicts, stayed_ns > stay_ns};
        if (session->imsi == 0 || said->imsi == session->imsi)
                take_digits(&taking, FACT_IMSI, &session->imsi, said->imsi);
        else
                *conflicts += said->imsi != 0;
        take_imei(&taking, said->imei);
        take_digits(&taking, FACT_MSISDN, &session->msisdn, said->msisdn);
        take_apn(&taking, names, said_apn(said));
        take_addresses(&taking, said);
        if (said->rat != 0 && may_take(&taking, FACT_RAT, session->rat != 0, session->rat != said->rat))
                session->rat = said->rat;
        take_plmn(&taking, &said->plmn);
        take_place(&taking, FACT_CELL, &session->cell, &said->cell);
        take_place(&taking, FACT_AREA, &session->area, &said->area);
        return taking.changed;
}

void binding_endpoints_fill(struct binding_endpoints *out, struct store *store, uint32_t session)
{
        out->control_count = out->user_count = 0;
        for (uint32_t record = store_session(store, session)->endpoints; record != STORE_NONE;
             record = store_endpoint(store, record)->next) {
                const struct endpoint *endpoint = store_endpoint(store, record);
                bool user = endpoint->kind == ENDPOINT_USER;
                uint8_t *count = user ? &out->user_count : &out->control_count;
                if (endpoint->kind == ENDPOINT_NAME || endpoint->node == STORE_NONE || *count == (user ? BINDING_USER : BINDING_CONTROL))
                        continue;
                struct binding_endpoint *shown = user ? &out->user[*count] : &out->control[*count];
                ++*count;
                shown->address = *store_node_address(store, endpoint->node);
                shown->key = endpoint->key;
                shown->bearer = endpoint->bearer;
                shown->of_network = endpoint->of_network;
                shown->is_released = endpoint->is_released;
                shown->is_seid = endpoint->kind == ENDPOINT_SEID;
        }
}

void binding_fill(struct binding *binding, struct store *store, const struct name_pool *names, uint32_t record)
{
        const struct session *session = store_session(store, record);
        const struct session_life *life = store_life(store, record);
        binding->number = session->number;
        digits_text(session->imsi, binding->imsi);
        digits_text(session->imei, binding->imei);
        digits_text(session->msisdn, binding->msisdn);
        binding->apn = session->apn == NAME_NONE ? NULL : name_pool_text(names, session->apn);
        binding->ipv4 = session->ipv4;
        binding->ipv6 = session->ipv6;
        binding->rat = rats[session->rat];
        binding->plmn = session->plmn;
        binding->cell = session->cell;
        binding->area = session->area;
        binding->moved_ns = session->moved_ns;
        memcpy(binding->sources, session->sources, sizeof binding->sources);
        binding->first_ns = life->first_ns;
        binding->last_ns = life->last_ns;
        binding->sent_ns = life->sent_ns;
        binding->context = session->context;
        binding->protocol = session->protocol;
        binding->bearer = session->bearer;
        binding->file = session->file;
        binding->file_frame = session->file_frame;
        binding->record = record;
        binding->stamp = life->stamp;
}
