/* An IP address of either family in 16 bytes, network order. IPv4 stands as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), so that
 * tables, tries and keys know one shape only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct address {
        uint8_t bytes[16];
};

struct prefix {
        struct address address; /* bits behind `length` are zero */
        uint8_t length;         /* 0 to 128; an IPv4 /8 is 104 */
};

enum { ADDRESS_TEXT_SIZE = 46, PREFIX_TEXT_SIZE = 50 };

/* In words, since this is done for every packet and they are read so. */
static inline struct address address_of_ipv4(const uint8_t bytes[4])
{
        static const uint8_t mapped[4] = {0, 0, 0xff, 0xff};
        uint64_t high = 0;
        uint32_t low[2];
        struct address a;
        memcpy(&low[0], mapped, 4);
        memcpy(&low[1], bytes, 4);
        memcpy(a.bytes, &high, 8);
        memcpy(a.bytes + 8, low, 8);
        return a;
}

static inline struct address address_of_ipv6(const uint8_t bytes[16])
{
        struct address a;
        memcpy(a.bytes, bytes, 16);
        return a;
}

static inline bool address_is_ipv4(const struct address *a)
{
        uint64_t high; /* in words, since this is asked for every packet */
        uint32_t middle;
        static const uint8_t mapped[4] = {0, 0, 0xff, 0xff};
        uint32_t wanted;
        memcpy(&high, a->bytes, 8);
        memcpy(&middle, a->bytes + 8, 4);
        memcpy(&wanted, mapped, 4);
        return high == 0 && middle == wanted;
}

static inline bool address_equal(const struct address *a, const struct address *b)
{
        uint64_t a0, a1, b0, b1; /* no arrays: those would get a guard of the stack */
        memcpy(&a0, a->bytes, 8);
        memcpy(&a1, a->bytes + 8, 8);
        memcpy(&b0, b->bytes, 8);
        memcpy(&b1, b->bytes + 8, 8);
        return ((a0 ^ b0) | (a1 ^ b1)) == 0;
}

static inline int address_compare(const struct address *a, const struct address *b)
{
        return memcmp(a->bytes, b->bytes, 16);
}

/* From 4 or 16 wire bytes (as events carry them); false for any other length. */
static inline bool address_from_bytes(const uint8_t *bytes, size_t length, struct address *out)
{
        if (length == 4)
                *out = address_of_ipv4(bytes);
        else if (length == 16)
                *out = address_of_ipv6(bytes);
        return length == 4 || length == 16;
}

/* The wire form: pointer into `a` and its length, 4 or 16. */
const uint8_t *address_wire(const struct address *a, size_t *length);

/* Text as inet_ntop writes it; an IPv4 address without the ::ffff: in front. Returns `text`. */
const char *address_text(const struct address *a, char text[ADDRESS_TEXT_SIZE]);

/* false when `text` is not an IPv4 or IPv6 address. */
bool address_parse(const char *text, struct address *out);

/* "10.0.0.0/8", "2001:db8::/32", or an address alone (all bits). Host bits are cleared.
 * false when it is neither or the length is out of range. */
bool prefix_parse(const char *text, struct prefix *out);
const char *prefix_text(const struct prefix *p, char text[PREFIX_TEXT_SIZE]);

/* The eight bytes as one number, the first the highest. */
static inline uint64_t address_word(const struct address *a, unsigned half)
{
        uint64_t word;
        memcpy(&word, a->bytes + half * 8, 8);
        return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(word) : word;
}

static inline bool prefix_contains(const struct prefix *p, const struct address *a)
{
        unsigned high = p->length < 64 ? p->length : 64, low = p->length - high;
        uint64_t differing = high ? (address_word(&p->address, 0) ^ address_word(a, 0)) >> (64 - high) : 0;
        if (low)
                differing |= (address_word(&p->address, 1) ^ address_word(a, 1)) >> (64 - low);
        return differing == 0;
}

/* RFC 1918, RFC 6598 (CGNAT), RFC 4193 (ULA), link-local of both families. */
bool address_is_private(const struct address *a);
bool address_is_multicast(const struct address *a);
bool address_is_broadcast(const struct address *a); /* 255.255.255.255 */

/* Zero in either family. */
static inline bool address_is_unspecified(const struct address *a)
{
        static const uint8_t mapped[8] = {[2] = 0xff, [3] = 0xff};
        uint64_t high, low, ipv4;
        memcpy(&high, a->bytes, 8);
        memcpy(&low, a->bytes + 8, 8);
        memcpy(&ipv4, mapped, 8);
        return high == 0 && (low == 0 || low == ipv4);
}
