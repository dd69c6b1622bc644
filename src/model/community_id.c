#include "model/community_id.h"

#define OPENSSL_SUPPRESS_DEPRECATED /* EVP looks a digest up, sets it up and takes it down: 4 900 instructions for one block of SHA-1 */
#include <openssl/sha.h>

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

void community_id_digest(const struct address *source, const struct address *destination, uint16_t sport, uint16_t dport,
                         uint8_t protocol, uint8_t out[COMMUNITY_ID_DIGEST_SIZE])
{
        struct ends ends = {.source = source, .destination = destination, .sport = sport, .dport = dport};
        find_ports(&ends, protocol);
        put_in_order(&ends);
        uint8_t bytes[2 + 16 + 16 + 2 + 4] = {0, 0}; /* the seed */
        uint8_t *at = put_address(put_address(bytes + 2, ends.source), ends.destination);
        *at++ = protocol;
        *at++ = 0;
        if (ends.has_ports)
                at = put_port(put_port(at, ends.sport), ends.dport);
        SHA_CTX hash;
        (void)SHA1_Init(&hash); /* these three cannot fail */
        (void)SHA1_Update(&hash, bytes, (size_t)(at - bytes));
        (void)SHA1_Final(out, &hash);
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
