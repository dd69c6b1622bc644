#include "dissectors/app/quic_version.h"

#include <stddef.h>

static const uint8_t salt_v1[] = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                                  0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a}; /* RFC 9001, 5.2 */
static const uint8_t salt_v2[] = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                                  0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9}; /* RFC 9369, 3.3.1 */
static const uint8_t salt_draft_29[] = {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
                                        0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99};
static const uint8_t salt_draft_23[] = {0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
                                        0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02};
static const uint8_t salt_draft_22[] = {0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a,
                                        0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a};

static const struct quic_version versions[] = {
        {0x00000001, 0x00000001, salt_v1, "quic key", "quic iv", "quic hp", 0},
        {0x6b3343cf, 0x6b3343cf, salt_v2, "quicv2 key", "quicv2 iv", "quicv2 hp", 1},
        {0xff000021, 0xff000022, salt_v1, "quic key", "quic iv", "quic hp", 0},        /* drafts 33, 34 */
        {0xff00001d, 0xff000020, salt_draft_29, "quic key", "quic iv", "quic hp", 0},  /* drafts 29 to 32 */
        {0xff000017, 0xff00001c, salt_draft_23, "quic key", "quic iv", "quic hp", 0},  /* drafts 23 to 28 */
        {0xfaceb002, 0xfaceb002, salt_draft_23, "quic key", "quic iv", "quic hp", 0},  /* mvfst, draft 27 */
        {0xfaceb00e, 0xfaceb00e, salt_draft_23, "quic key", "quic iv", "quic hp", 0},  /* mvfst, experimental */
        {0xfaceb001, 0xfaceb001, salt_draft_22, "quic key", "quic iv", "quic hp", 0},  /* mvfst, draft 22 */
};

const struct quic_version *quic_version_find(uint32_t number)
{
        if ((number & 0x0f0f0f0f) == 0x0a0a0a0a) /* RFC 9000, 15: asks for a negotiation; who did so followed draft 29 */
                number = 0xff00001d;
        for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
                if (number >= versions[i].first && number <= versions[i].last)
                        return &versions[i];
        return NULL;
}
