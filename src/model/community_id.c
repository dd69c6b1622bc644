#include "model/community_id.h"

#include <endian.h>

#include "base/text.h"

enum { ICMP = 1, TCP = 6, UDP = 17, ICMPV6 = 58, SCTP = 132 };

struct ends {
        const struct address *source, *destination;
        uint16_t sport, dport;
        bool has_ports;
        bool is_one_way; /* an ICMP message that has no answering type: never turned around */
};

/* The specification's pairs of question and answer. */
static bool answering_type(uint8_t protocol, uint16_t type, uint16_t *answer)
{
        static const uint8_t icmp[][2] = {{0, 8}, {13, 14}, {15, 16}, {9, 10}, {17, 18}};
        static const uint8_t icmpv6[][2] = {{128, 129}, {133, 134}, {135, 136}, {130, 131}, {139, 140}, {144, 145}};
        const uint8_t (*pairs)[2] = protocol == ICMP ? icmp : icmpv6;
        size_t count = protocol == ICMP ? sizeof icmp / sizeof *icmp : sizeof icmpv6 / sizeof *icmpv6;
        for (size_t i = 0; i < count; i++)
                for (unsigned side = 0; side < 2; side++)
                        if (pairs[i][side] == type) {
                                *answer = pairs[i][!side];
                                return true;
                        }
        return false;
}

static void find_ports(struct ends *ends, uint8_t protocol)
{
        uint16_t answer;
        ends->has_ports = protocol == TCP || protocol == UDP || protocol == SCTP || protocol == ICMP || protocol == ICMPV6;
        if (protocol != ICMP && protocol != ICMPV6)
                return;
        if (answering_type(protocol, ends->sport, &answer))
                ends->dport = answer;
        else
                ends->is_one_way = true;
}

static void put_in_order(struct ends *ends)
{
        int order = address_compare(ends->source, ends->destination);
        bool is_ordered = order < 0 || (order == 0 && (!ends->has_ports || ends->sport <= ends->dport));
        if (ends->is_one_way || is_ordered)
                return;
        const struct address *source = ends->source;
        uint16_t sport = ends->sport;
        ends->source = ends->destination;
        ends->destination = source;
        ends->sport = ends->dport;
        ends->dport = sport;
}

static uint8_t *put_address(uint8_t *at, const struct address *address)
{
        size_t length;
        const uint8_t *bytes = address_wire(address, &length);
        memcpy(at, bytes, length);
        return at + length;
}

static uint8_t *put_port(uint8_t *at, uint16_t port)
{
        *at++ = (uint8_t)(port >> 8);
        *at++ = (uint8_t)port;
        return at;
}

static uint32_t rotated(uint32_t word, unsigned bits)
{
        return word << bits | word >> (32 - bits);
}

/* SHA-1 (FIPS 180-4, 6.1.2) of what fits one block. A library's ready-made digest costs more to look up, to set up and to take
 * down than this one block, and SHA-1 keeps no secret here. */
enum { BLOCK_SIZE = 64, ONE_BLOCK_MOST = BLOCK_SIZE - 9 };

static void sha1_of_one_block(const uint8_t *bytes, size_t length, uint8_t out[COMMUNITY_ID_DIGEST_SIZE])
{
        static const uint32_t constants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
        uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}, words[80];
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
        uint8_t block[BLOCK_SIZE] = {0};
        memcpy(block, bytes, length);
        block[length] = 0x80;
        block[BLOCK_SIZE - 2] = (uint8_t)(length * 8 >> 8);
        block[BLOCK_SIZE - 1] = (uint8_t)(length * 8);
        memcpy(words, block, sizeof block);
        for (unsigned i = 0; i < 16; i++)
                words[i] = be32toh(words[i]);
        for (unsigned i = 16; i < 80; i++)
                words[i] = rotated(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
        for (unsigned i = 0; i < 80; i++) {
                uint32_t mixed = i < 20 ? d ^ (b & (c ^ d)) : i >= 40 && i < 60 ? (b & c) | (d & (b | c)) : b ^ c ^ d;
                uint32_t next = rotated(a, 5) + mixed + e + constants[i / 20] + words[i];
                e = d, d = c, c = rotated(b, 30), b = a, a = next;
        }
        const uint32_t sums[5] = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e};
        for (unsigned i = 0; i < 5; i++) {
                uint32_t big_endian = htobe32(sums[i]);
                memcpy(out + 4 * i, &big_endian, 4);
        }
}

void community_id_digest(const struct address *source, const struct address *destination, uint16_t sport, uint16_t dport,
                         uint8_t protocol, uint8_t out[COMMUNITY_ID_DIGEST_SIZE])
{
        struct ends ends = {.source = source, .destination = destination, .sport = sport, .dport = dport};
        find_ports(&ends, protocol);
        put_in_order(&ends);
        uint8_t bytes[2 + 16 + 16 + 2 + 4] = {0, 0}; /* the seed */
        _Static_assert(sizeof bytes <= ONE_BLOCK_MOST, "one block");
        uint8_t *at = put_address(put_address(bytes + 2, ends.source), ends.destination);
        *at++ = protocol;
        *at++ = 0;
        if (ends.has_ports)
                at = put_port(put_port(at, ends.sport), ends.dport);
        sha1_of_one_block(bytes, (size_t)(at - bytes), out);
}

const char *community_id_text(const struct address *source, const struct address *destination, uint16_t sport,
                              uint16_t dport, uint8_t protocol, char out[COMMUNITY_ID_SIZE])
{
        uint8_t digest[COMMUNITY_ID_DIGEST_SIZE];
        community_id_digest(source, destination, sport, dport, protocol, digest);
        out[0] = '1';
        out[1] = ':';
        text_base64(digest, sizeof digest, out + 2);
        return out;
}
