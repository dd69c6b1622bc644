/* The ports of tunnels in UDP, and GTP-U's header (3GPP TS 29.281, 5.1). Inside encap only; inline, since the walk and the
 * plain frame read the same. */
#pragma once

#include "base/cursor.h"
#include "dissectors/encap/walk.h"

enum {
        PORT_L2TP = 1701,
        PORT_GTPU = 2152,
        PORT_GRE = 4754,
        PORT_VXLAN = 4789,
        PORT_GENEVE = 6081,
        PORT_VXLAN_OLD = 8472, /* Linux before the assignment */

        GTPU_VERSION_AND_TYPE = 0x30ff, /* version 1, protocol type 1; G-PDU */
        GTPU_HAS_OPTIONAL = 0x07,
        GTPU_HAS_EXTENSION = 0x04,
};

struct gtpu {
        uint32_t teid;
        uint32_t length; /* of what is inside, on the wire; 0: not said */
};

/* The bytes of the extension headers, of which the first, at the cursor, is of type `next`: too many when they do not end
 * before the cursor does. 0: there are none that make sense. */
uint32_t gtpu_extension_bytes(struct cursor at, uint8_t next);

/* By the ports of a UDP header. */
static inline bool udp_is_gtpu(const uint8_t *header)
{
        return be16_at(header + 2) == PORT_GTPU || be16_at(header) == PORT_GTPU;
}

static inline bool udp_may_be_tunnel(const uint8_t *header)
{
        uint16_t source = be16_at(header), destination = be16_at(header + 2);
        return udp_is_gtpu(header) || destination == PORT_L2TP || source == PORT_L2TP || destination == PORT_GRE ||
               destination == PORT_VXLAN || destination == PORT_GENEVE || destination == PORT_VXLAN_OLD;
}

/* RFC 768: behind the length that the header says is no data; 0 is what offloading writes. `left` is behind the header. */
static inline uint32_t udp_left_on_wire(const uint8_t *header, uint32_t left)
{
        uint32_t said = be16_at(header + 4);
        return said >= 8 && said - 8 < left ? said - 8 : left;
}

/* Flags (version 1, protocol type 1, E S PN), type, length of what follows the first 8 bytes, TEID; with any of E, S, PN set
 * sequence number (2), N-PDU number (1), next extension (1), which counts only with E.
 *
 * STEP_IPV4 or STEP_IPV6: what is inside, to which the cursor is moved. STEP_LEAF: it is none. STEP_CUT: there are too few
 * bytes to tell. `left_on_wire` bounds the length; `offloaded` is a length of 0 where nobody wrote one. */
static inline enum step gtpu_read(struct cursor *bytes, uint32_t left_on_wire, bool offloaded, struct gtpu *out)
{
        struct cursor at = *bytes;
        const uint8_t *header = cursor_bytes(&at, 8);
        if (header == NULL)
                return STEP_CUT;
        uint32_t length = be16_at(header + 2);
        if ((be16_at(header) & 0xf0ff) != GTPU_VERSION_AND_TYPE || 8 + length > left_on_wire)
                return STEP_LEAF;
        if (header[0] & GTPU_HAS_OPTIONAL) {
                const uint8_t *optional = cursor_bytes(&at, 4);
                if (optional != NULL && header[0] & GTPU_HAS_EXTENSION && optional[3] != 0) {
                        uint32_t extensions = gtpu_extension_bytes(at, optional[3]);
                        if (extensions == 0)
                                return STEP_LEAF;
                        cursor_skip(&at, extensions);
                }
        }
        if (cursor_left(&at) == 0)
                return STEP_CUT;
        unsigned version = *at.at >> 4;
        if (version != 4 && version != 6)
                return STEP_LEAF; /* Ethernet, PPP and non-IP PDUs do not say what they are */
        uint32_t read = (uint32_t)(at.at - header) - 8; /* of what `length` counts */
        if (read >= length && !(offloaded && length == 0))
                return STEP_LEAF;
        out->teid = be32_at(header + 4);
        out->length = length > 0 ? length - read : 0;
        *bytes = at;
        return version == 4 ? STEP_IPV4 : STEP_IPV6;
}
