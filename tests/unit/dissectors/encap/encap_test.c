#include "tests/unit/dissectors/encap/frames.h"

/* What stands inside: IPv4 10.45.0.7 -> 203.0.113.9 (35 bytes), IPv6 2001:db8:20:7::1 -> 2001:db8::35 (55 bytes); each
 * UDP 5683 -> 5683, CoAP GET with token-less id b272 (7 bytes). */
#define UDP_COAP "1633 1633 000f 36b7 40010001b27264 "
#define V4 "4500 0023 0001 0000 40 11 348c 0a2d0007 cb007109 " UDP_COAP
#define V6 "60000000 000f 11 40 20010db8002000070000000000000001 20010db8000000000000000000000035 " UDP_COAP

#define ETH "020000000002 020000000001 "
#define OUT4(length, protocol) "4500 " length " 0001 0000 40 " protocol " 0000 0a420001 0a420002 "
#define OUT6(length, next) "60000000 " length " " next " 40 20010db8ffff00000000000000000001 20010db8ffff00000000000000000002 "
#define LABEL "00064040 "  /* label 100, not the last */
#define BOTTOM "00065140 " /* label 101, bottom of stack */
#define GTP "30ff 0023 00004001 "

static const struct row {
        const char *name;
        uint16_t link;
        const char *hex;
        uint8_t version;
        uint8_t tunnel, depth;
        uint32_t teid;
} rows[] = {
        {"Ethernet", LINK_ETHERNET, ETH "0800" V4, 4, 0, 0, 0},
        {"Ethernet, IPv6", LINK_ETHERNET, ETH "86dd" V6, 6, 0, 0, 0},
        {"802.3 with SNAP", LINK_ETHERNET, ETH "002b aaaa03 000000 0800" V4, 4, 0, 0, 0},
        {"802.3 with SAP 6", LINK_ETHERNET, ETH "0026 060603" V4, 4, 0, 0, 0},
        {"VLAN", LINK_ETHERNET, ETH "8100 0064 0800" V4, 4, 0, 0, 0},
        {"802.1ad", LINK_ETHERNET, ETH "88a8 001e 8100 0064 86dd" V6, 6, 0, 0, 0},
        {"QinQ with 9100", LINK_ETHERNET, ETH "9100 001e 8100 0064 0800" V4, 4, 0, 0, 0},
        {"802.1ah", LINK_ETHERNET, ETH "88e7 00000001" ETH "0800" V4, 4, 0, 0, 0},
        {"MPLS", LINK_ETHERNET, ETH "8847" LABEL BOTTOM V4, 4, 0, 0, 0},
        {"MPLS multicast", LINK_ETHERNET, ETH "8848" BOTTOM V6, 6, 0, 0, 0},
        {"pseudowire with control word", LINK_ETHERNET, ETH "8847" BOTTOM "00000000" ETH "0800" V4, 4, 0, 0, 0},
        {"pseudowire without", LINK_ETHERNET, ETH "8847" BOTTOM ETH "0800" V4, 4, 0, 0, 0},
        {"pseudowire to a MAC that begins with 4", LINK_ETHERNET, ETH "8847" BOTTOM "450000000002 020000000001 8100 0001 0800" V4,
         4, 0, 0, 0},
        {"PPPoE", LINK_ETHERNET, ETH "8864 11 00 0001 0025 0021" V4, 4, 0, 0, 0},
        {"PPPoE, short protocol", LINK_ETHERNET, ETH "8864 11 00 0001 0024 21" V4, 4, 0, 0, 0},
        {"PPPoE in QinQ", LINK_ETHERNET, ETH "8100 0e78 8100 09aa 8864 11 00 0f07 0039 0057" V6, 6, 0, 0, 0},
        {"Linux cooked", LINK_LINUX_SLL, "0000 0001 0006 0012441e7400 0000 0800" V4, 4, 0, 0, 0},
        {"Linux cooked with VLAN", LINK_LINUX_SLL, "0000 0001 0006 0012441e7400 0000 8100 0064 0800" V4, 4, 0, 0, 0},
        {"Linux cooked 2", LINK_LINUX_SLL2, "86dd 0000 00000014 0001 04 06 d2cfc25015ea0000" V6, 6, 0, 0, 0},
        {"raw", LINK_RAW, V4, 4, 0, 0, 0},
        {"raw, IPv6", LINK_RAW, V6, 6, 0, 0, 0},
        {"raw as 12", LINK_RAW_OLD, V4, 4, 0, 0, 0},
        {"raw as 14", LINK_RAW_OPENBSD, V6, 6, 0, 0, 0},
        {"raw IPv4", LINK_IPV4, V4, 4, 0, 0, 0},
        {"raw IPv6", LINK_IPV6, V6, 6, 0, 0, 0},
        {"BSD loopback, little", LINK_NULL, "02000000" V4, 4, 0, 0, 0},
        {"BSD loopback, big", LINK_NULL, "00000002" V4, 4, 0, 0, 0},
        {"BSD loopback of macOS", LINK_NULL, "1e000000" V6, 6, 0, 0, 0},
        {"OpenBSD loopback", LINK_LOOP, "00000018" V6, 6, 0, 0, 0},
        {"PPP", LINK_PPP, "ff03 0021" V4, 4, 0, 0, 0},
        {"PPP without address and control", LINK_PPP, "0057" V6, 6, 0, 0, 0},
        {"PPP, all compressed", LINK_PPP, "21" V4, 4, 0, 0, 0},
        {"PPP with MPLS", LINK_PPP, "ff03 0281" LABEL BOTTOM V4, 4, 0, 0, 0},
        {"PPP in HDLC", LINK_PPP_HDLC, "ff03 0021" V4, 4, 0, 0, 0},
        {"Cisco HDLC", LINK_PPP_HDLC, "0f00 86dd" V6, 6, 0, 0, 0},
        {"PPP with direction", LINK_PPP_WITH_DIR, "01 ff03 0021" V4, 4, 0, 0, 0},
        {"PPPoE without Ethernet", LINK_PPP_ETHER, "11 00 0001 0025 0021" V4, 4, 0, 0, 0},
        {"IPv4 options", LINK_RAW, "4600 0027 0001 4000 40 11 0000 0a2d0007 cb007109 01010100" UDP_COAP, 4, 0, 0, 0},
        {"IPv4 authentication", LINK_RAW,
         "4500 003b 0001 4000 40 33 0000 0a2d0007 cb007109" /* AH: UDP, 24 bytes, SPI, sequence, 12 bytes of check value */
         "11 04 0000 00000001 00000002 000000000000000000000000" UDP_COAP, 4, 0, 0, 0},
        {"IPv6 extension headers", LINK_RAW,
         "60000000 0047 00 40 20010db8002000070000000000000001 20010db8000000000000000000000035"
         "3c 00 010400000000"                                             /* hop-by-hop: PadN */
         "2b 00 010400000000"                                             /* destination options */
         "2c 00 00 00 00000000"                                           /* routing, type 0, none left */
         "33 00 0000 11223344"                                            /* fragment: offset 0, none behind */
         "11 04 0000 00000001 00000002 000000000000000000000000" UDP_COAP /* authentication */, 6, 0, 0, 0},
        {"IP in IP", LINK_ETHERNET, ETH "0800" OUT4("0037", "04") V4, 4, TUNNEL_IPIP, 1, 0},
        {"6in4", LINK_ETHERNET, ETH "0800" OUT4("004b", "29") V6, 6, TUNNEL_IPIP, 1, 0},
        {"4in6", LINK_ETHERNET, ETH "86dd" OUT6("0023", "04") V4, 4, TUNNEL_IPIP, 1, 0},
        {"6in6", LINK_ETHERNET, ETH "86dd" OUT6("0037", "29") V6, 6, TUNNEL_IPIP, 1, 0},
        {"6in6in6", LINK_ETHERNET, ETH "86dd" OUT6("005f", "29") OUT6("0037", "29") V6, 6, TUNNEL_IPIP, 2, 0},
        {"GRE", LINK_RAW, OUT4("003b", "2f") "0000 0800" V4, 4, TUNNEL_GRE, 1, 0},
        {"GRE with checksum, key, sequence", LINK_RAW, OUT4("0047", "2f") "b000 0800 abcd0000 0000006a 00000001" V4, 4,
         TUNNEL_GRE, 1, 0},
        {"GRE over IPv6 with IPv6", LINK_RAW, OUT6("003b", "2f") "0000 86dd" V6, 6, TUNNEL_GRE, 1, 0},
        {"GRE with Ethernet", LINK_RAW, OUT4("0049", "2f") "0000 6558" ETH "0800" V4, 4, TUNNEL_GRE, 1, 0},
        {"GRE with MPLS", LINK_RAW, OUT4("003f", "2f") "0000 8847" BOTTOM V4, 4, TUNNEL_GRE, 1, 0},
        {"ERSPAN II", LINK_RAW, OUT4("0055", "2f") "1000 88be 00000001 1000000100000000" ETH "0800" V4, 4, TUNNEL_GRE, 1, 0},
        {"WCCP", LINK_RAW, OUT4("003f", "2f") "0000 883e 05590048" V4, 4, TUNNEL_GRE, 1, 0},
        {"PPTP", LINK_RAW, OUT4("0049", "2f") "3081 880b 0025 0001 00000001 00000002 0021" V4, 4, TUNNEL_GRE, 1, 0},
        {"GRE in UDP", LINK_RAW, OUT4("0043", "11") "c4a7 1292 002f 0000 0000 0800" V4, 4, TUNNEL_GRE, 1, 0},
        {"L2TP", LINK_RAW, OUT4("0049", "11") "06a5 06a5 0035 0000 0002 0001 0002 ff03 0021" V4, 4, TUNNEL_L2TP, 1, 0},
        {"L2TP to the server", LINK_RAW, OUT4("0049", "11") "c0de 06a5 0035 0000 0002 0001 0002 ff03 0021" V4, 4,
         TUNNEL_L2TP, 1, 0},
        {"L2TP from the server", LINK_RAW, OUT4("0049", "11") "06a5 c0de 0035 0000 0002 0001 0002 ff03 0021" V4, 4,
         TUNNEL_L2TP, 1, 0},
        {"L2TP with length", LINK_RAW, OUT4("004b", "11") "06a5 06a5 0037 0000 4002 002f 0001 0002 ff03 0021" V4, 4,
         TUNNEL_L2TP, 1, 0},
        {"L2TP with all", LINK_RAW, OUT4("0053", "11") "06a5 06a5 003f 0000 4a02 0037 0001 0002 0003 0004 0002 0000 ff03 0021" V4,
         4, TUNNEL_L2TP, 1, 0},
        {"VXLAN", LINK_RAW, OUT4("0055", "11") "b05d 12b5 0041 0000 08000000 00007b00" ETH "0800" V4, 4, TUNNEL_VXLAN, 1, 0},
        {"VXLAN on 8472", LINK_RAW, OUT4("0055", "11") "b05d 2118 0041 0000 08000000 00007b00" ETH "0800" V4, 4, TUNNEL_VXLAN, 1,
         0},
        {"Geneve with an option", LINK_RAW, OUT4("0059", "11") "c6d5 17c1 0045 0000 0100 6558 00007b00 00000000" ETH "0800" V4, 4,
         TUNNEL_GENEVE, 1, 0},
        {"Geneve with IP", LINK_RAW, OUT4("0047", "11") "c6d5 17c1 0033 0000 0000 0800 00007b00" V4, 4, TUNNEL_GENEVE, 1, 0},
        {"GTP-U", LINK_ETHERNET, ETH "0800" OUT4("0047", "11") "0868 0868 0033 0000" GTP V4, 4, TUNNEL_GTPU, 1, 0x4001},
        {"GTP-U from another port", LINK_RAW, OUT4("0047", "11") "c000 0868 0033 0000" GTP V4, 4, TUNNEL_GTPU, 1, 0x4001},
        {"GTP-U with sequence", LINK_RAW, OUT4("004b", "11") "0868 0868 0037 0000 32ff 0027 00004001 00010000" V4, 4, TUNNEL_GTPU,
         1, 0x4001},
        {"GTP-U, next extension without E", LINK_RAW, OUT4("004b", "11") "0868 0868 0037 0000 32ff 0027 00004001 00010085" V4, 4,
         TUNNEL_GTPU, 1, 0x4001},
        {"GTP-U with PDU session container", LINK_RAW,
         OUT4("004f", "11") "0868 0868 003b a0bf 34ff 002b 00004001 0000 00 85 01 1009 00" V4, 4, TUNNEL_GTPU, 1, 0x4001},
        {"GTP-U with two extensions", LINK_RAW,
         OUT4("0053", "11") "0868 0868 003f 0000 36ff 002f 00004001 0001 00 85 01 1009 40 01 0868 00" V4, 4, TUNNEL_GTPU, 1,
         0x4001},
        {"GTP-U with IPv6", LINK_RAW, OUT4("005b", "11") "0868 0868 0047 0000 30ff 0037 12808fb8" V6, 6, TUNNEL_GTPU, 1, 0x12808fb8},
        {"GTP-U over IPv6", LINK_RAW, OUT6("0033", "11") "0868 0868 0033 0000" GTP V4, 4, TUNNEL_GTPU, 1, 0x4001},
        {"GTP-U with less than UDP", LINK_RAW, OUT4("004b", "11") "0868 0868 0037 0000" GTP V4 "00000000", 4, TUNNEL_GTPU, 1,
         0x4001},
        {"GTP-U in GTP-U", LINK_RAW,
         OUT4("006b", "11") "0868 0868 0057 0000 30ff 0047 00001001" OUT4("0047", "11") "0868 0868 0033 0000" GTP V4, 4,
         TUNNEL_GTPU, 2, 0x4001},
        {"GTP-U in VXLAN in VLAN", LINK_ETHERNET,
         ETH "8100 0005 0800" OUT4("0079", "11") "b05d 12b5 0065 0000 08000000 00007b00" ETH "0800" OUT4("0047", "11")
         "0868 0868 0033 0000" GTP V4, 4, TUNNEL_GTPU, 2, 0x4001},
        {"GRE in GTP-U", LINK_RAW, OUT4("005f", "11") "0868 0868 004b 0000 30ff 003b 00000007" OUT4("003b", "2f") "0000 0800" V4, 4,
         TUNNEL_GRE, 2, 7},
};

enum { ROWS = sizeof rows / sizeof *rows };

static void assert_innermost(const struct row *row, const struct packet *packet)
{
        if (packet->depth != row->depth || packet->source_port != 5683)
                print_error("%s: depth %u, port %u\n", row->name, packet->depth, packet->source_port);
        assert_address(&packet->source, row->version == 4 ? "10.45.0.7" : "2001:db8:20:7::1");
        assert_address(&packet->destination, row->version == 4 ? "203.0.113.9" : "2001:db8::35");
        assert_int_equal(packet->protocol, 17);
        assert_int_equal(packet->source_port, 5683);
        assert_int_equal(packet->destination_port, 5683);
        assert_int_equal(packet->payload_length, 7);
        assert_int_equal(packet->ttl, 64);
        assert_int_equal(packet->tunnel, row->tunnel);
        assert_int_equal(packet->depth, row->depth);
        assert_int_equal(packet->has_teid, row->teid != 0);
        assert_int_equal(packet->teid, row->teid);
        if (row->depth == 0)
                assert_null(packet->outer_ip);
        assert_false(packet->reassembled);
        assert_false(packet->oversized);
        assert_int_equal(packet->tap, 0);
        assert_int_equal(packet->context, 0);
}

static void every_encapsulation_leads_to_the_innermost_packet(void **state)
{
        (void)state;
        struct encap *encap = encap_of_defaults();
        for (unsigned i = 0; i < ROWS; i++) {
                struct packet packet;
                enum encap_result result = peel_hex(encap, rows[i].link, rows[i].hex, &packet);
                if (result != ENCAP_PACKET)
                        print_error("%s: %s\n", rows[i].name, encap_result_name(result));
                assert_int_equal(result, ENCAP_PACKET);
                assert_innermost(&rows[i], &packet);
                assert_false(packet.cut);
                assert_int_equal(packet.payload_captured, 7);
                assert_memory_equal(packet.payload, "\x40\x01\x00\x01\xb2\x72\x64", 7);
                assert_ptr_equal(packet.ip + packet.ip_captured, packet.payload + 7);
        }
        assert_int_equal(encap_counters(encap)->results[ENCAP_PACKET], ROWS);
        assert_int_equal(encap_counters(encap)->by_tunnel[TUNNEL_IPIP], 5);
        encap_destroy(encap);
}

static void padding_is_not_payload(void **state)
{
        (void)state;
        struct encap *encap = encap_of_defaults();
        struct packet packet;
        assert_int_equal(peel_hex(encap, LINK_ETHERNET, ETH "0800" V4 "0000000000000000000000", &packet), ENCAP_PACKET);
        assert_int_equal(packet.payload_captured, 7);
        assert_int_equal(packet.ip_captured, 35);
        encap_destroy(encap);
}

/* A snap length that cuts: either the innermost packet with what there is of it, or "cut"; never the packet around it. */
static void every_cut_frame_is_cut_or_the_innermost(void **state)
{
        (void)state;
        struct encap *encap = encap_of_defaults();
        static struct bytes bytes;
        for (unsigned i = 0; i < ROWS; i++) {
                bytes_of_hex(&bytes, rows[i].hex);
                struct frame frame = frame_of(&bytes, rows[i].link);
                for (frame.captured = 0; frame.captured < frame.wire; frame.captured++) {
                        struct packet packet;
                        enum encap_result result = peel_frame(encap, frame, &packet);
                        if (result != ENCAP_CUT && result != ENCAP_PACKET)
                                print_error("%s at %u: %s\n", rows[i].name, frame.captured, encap_result_name(result));
                        assert_true(result == ENCAP_CUT || result == ENCAP_PACKET);
                        if (result == ENCAP_PACKET) {
                                assert_innermost(&rows[i], &packet);
                                assert_true(packet.cut || packet.payload_captured == 7);
                        }
                }
        }
        encap_destroy(encap);
}

/* The same where the frame itself ends too early; what comes out is free, but nothing beyond the end may be read. */
static void every_shorter_frame_is_read_within_its_bounds(void **state)
{
        (void)state;
        struct encap *encap = encap_of_defaults();
        static struct bytes bytes;
        for (unsigned i = 0; i < ROWS; i++) {
                bytes_of_hex(&bytes, rows[i].hex);
                while (bytes.length-- > 0) {
                        struct packet packet;
                        peel_frame(encap, frame_of(&bytes, rows[i].link), &packet);
                }
        }
        encap_destroy(encap);
}

static void a_port_alone_makes_no_tunnel(void **state)
{
        (void)state;
        static const struct { const char *name, *hex; } odd[] = {
                {"GTP-U echo", OUT4("0028", "11") "0868 0868 0014 0000 3201 0004 00000000 00010000"},
                {"GTP-U end marker", OUT4("0024", "11") "0868 0868 0010 0000 30fe 0000 00004001"},
                {"GTP-U error indication", OUT4("0024", "11") "0868 0868 0010 0000 301a 0000 00004001"},
                {"extension of length 0", OUT4("0029", "11") "0868 0868 0015 0000 36ff00340000000100 0000ff00"},
                {"extension of length 255", OUT4("0029", "11") "0868 0868 0015 0000 36ff00340000000100 0000ffff"},
                {"extension of length 0, length right",
                 OUT4("004f", "11") "0868 0868 003b 0000 34ff 002b 00004001 00000085 00000000" V4},
                {"chain without end", OUT4("0053", "11") "0868 0868 003f 0000 34ff 002f 00004001 00000085 01000085 01000085" V4},
                {"GTP-U that says more than UDP", OUT4("0047", "11") "0868 0868 0033 0000 30ff 0024 00004001" V4},
                {"GTP version 2", OUT4("0047", "11") "0868 0868 0033 0000 50ff 0023 00004001" V4},
                {"GTP prime", OUT4("0047", "11") "0868 0868 0033 0000 20ff 0023 00004001" V4},
                {"non-IP inside", OUT4("0028", "11") "0868 0868 0014 0000 30ff 0004 00004001 01020304"},
                {"inner length beyond", OUT4("0038", "11") "0868 0868 0024 0000 30ff 0014 00004001 4500 0023 0001 0000 40 11 348c "
                                        "0a2d0007 cb007109"},
                {"inner header length 4", OUT4("0038", "11") "0868 0868 0024 0000 30ff 0014 00004001 4100 0014 0001 0000 40 11 "
                                          "348c 0a2d0007 cb007109"},
                {"inner length 0", OUT4("0038", "11") "0868 0868 0024 0000 30ff 0014 00004001 4500 0000 0001 0000 40 11 348c "
                                   "0a2d0007 cb007109"},
                {"VXLAN without I", OUT4("0055", "11") "b05d 12b5 0041 0000 00000000 00007b00" ETH "0800" V4},
                {"VXLAN with ARP", OUT4("0034", "11") "b05d 12b5 0020 0000 08000000 00007b00" ETH "0806 0001"},
                {"L2TP control", OUT4("0028", "11") "06a5 06a5 0014 0000 c802 000c 0001 0000 0002 0003"},
                {"L2TP with LCP", OUT4("0026", "11") "06a5 06a5 0012 0000 0002 0001 0002 c021 0101"},
                {"L2TP version 3", OUT4("0049", "11") "06a5 06a5 0035 0000 0003 0001 0002 ff03 0021" V4},
                {"Geneve version 1", OUT4("0047", "11") "c6d5 17c1 0033 0000 4000 0800 00007b00" V4},
                {"Geneve options beyond", OUT4("0024", "11") "c6d5 17c1 0010 0000 3f00 0800 00007b00"},
                {"nothing in it", OUT4("001c", "11") "0868 0868 0008 0000"},
        };
        struct encap *encap = encap_of_defaults();
        for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++) {
                struct packet packet;
                enum encap_result result = peel_hex(encap, LINK_RAW, odd[i].hex, &packet);
                if (result != ENCAP_PACKET || packet.depth != 0)
                        print_error("%s: %s\n", odd[i].name, encap_result_name(result));
                assert_int_equal(result, ENCAP_PACKET);
                assert_int_equal(packet.depth, 0);
                assert_int_equal(packet.tunnel, TUNNEL_NONE);
                assert_false(packet.has_teid);
                assert_int_equal(packet.protocol, 17);
                assert_address(&packet.source, "10.66.0.1");
        }
        encap_destroy(encap);
}

static void a_tunnel_without_ip_inside_is_the_packet_around_it(void **state)
{
        (void)state;
        static const struct { const char *hex; uint8_t protocol, depth; } odd[] = {
                {OUT4("0018", "2f") "0000 0000", 47, 0},                                      /* GRE keep-alive */
                {OUT4("0020", "2f") "2081 880b 0000 0001 00000001", 47, 0},          /* PPTP acknowledgement, no payload */
                {OUT4("0020", "2f") "0000 6558" "ffffffffffff 0200", 47, 0},                  /* too short for a frame */
                {OUT4("001c", "04") "0102030405060708", 4, 0},                                /* no IP in IP */
                {OUT4("003b", "2f") "4000 0800" V4, 47, 0},                                   /* source route: not followed */
                {OUT4("0030", "29") OUT4("001c", "29") "0102030405060708", 41, 0},            /* IPv4 where IPv6 is said */
                {OUT4("0030", "04") OUT4("001c", "04") "0102030405060708", 4, 1},             /* the inner of two is */
        };
        struct encap *encap = encap_of_defaults();
        for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++) {
                struct packet packet;
                assert_int_equal(peel_hex(encap, LINK_RAW, odd[i].hex, &packet), ENCAP_PACKET);
                assert_int_equal(packet.protocol, odd[i].protocol);
                assert_int_equal(packet.depth, odd[i].depth);
        }
        encap_destroy(encap);
}

static void what_is_no_ip_is_told_apart(void **state)
{
        (void)state;
        static const struct { uint16_t link; const char *hex; enum encap_result result; } odd[] = {
                {LINK_ETHERNET, ETH "0806 0001080006040001", ENCAP_NOT_IP},             /* ARP */
                {LINK_ETHERNET, ETH "88cc 0207", ENCAP_NOT_IP},                         /* LLDP */
                {LINK_ETHERNET, ETH "0026 424203 000000", ENCAP_NOT_IP},                /* spanning tree */
                {LINK_ETHERNET, ETH "8863 1109 0000 0000", ENCAP_NOT_IP},               /* PPPoE discovery */
                {LINK_ETHERNET, ETH "8864 1100 0001 0006 c021 0101 0004", ENCAP_NOT_IP}, /* LCP */
                {LINK_ETHERNET, ETH "8847" BOTTOM "f0f1f2f3", ENCAP_NOT_IP},
                {LINK_NULL, "ff000000 00", ENCAP_NOT_IP},
                {LINK_LINUX_SLL, "0000 0118 0000 0000000000000000 000c 00", ENCAP_NOT_IP}, /* CAN */
                {147, V4, ENCAP_UNKNOWN_LINK},
                {LINK_RAW, "", ENCAP_MALFORMED},
                {LINK_RAW, "50", ENCAP_MALFORMED},
                {LINK_ETHERNET, "020000", ENCAP_MALFORMED},
                {LINK_ETHERNET, ETH "0800 6500", ENCAP_MALFORMED},
                {LINK_ETHERNET, ETH "0800" V6, ENCAP_MALFORMED},                        /* the type says IPv4 */
                {LINK_RAW, "4400 0023 0001 0000 40 11 348c 0a2d0007 cb007109" UDP_COAP, ENCAP_MALFORMED}, /* 16 byte header */
                {LINK_RAW, "4500 0010 0001 0000 40 11 348c 0a2d0007 cb007109" UDP_COAP, ENCAP_MALFORMED}, /* 16 byte packet */
                {LINK_RAW, "4500 001a 0001 0000 40 11 348c 0a2d0007 cb007109 1633 1633 0006", ENCAP_MALFORMED},
                {LINK_RAW, "4500 001c 0001 0000 40 11 348c 0a2d0007 cb007109 1633 1633 0006 0000", ENCAP_MALFORMED},
                {LINK_RAW, "4500 0028 0001 0000 40 06 348c 0a2d0007 cb007109 16331633 00000001 00000002 4018 2000 00000000",
                 ENCAP_MALFORMED},                                                      /* TCP header of 16 bytes */
                {LINK_RAW, "4500 0028 0001 0000 40 06 348c 0a2d0007 cb007109 16331633 00000001 00000002 6018 2000 00000000",
                 ENCAP_MALFORMED},                                                      /* of 24 in 20 */
        };
        struct encap *encap = encap_of_defaults();
        for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++) {
                struct packet packet;
                enum encap_result result = peel_hex(encap, odd[i].link, odd[i].hex, &packet);
                if (result != odd[i].result)
                        print_error("%s: %s\n", odd[i].hex, encap_result_name(result));
                assert_int_equal(result, odd[i].result);
        }
        encap_destroy(encap);
}

static void transport_headers_are_read(void **state)
{
        (void)state;
        struct encap *encap = encap_of_defaults();
        struct packet packet;
        assert_int_equal(peel_hex(encap, LINK_RAW, /* TCP: SYN with 4 bytes of options, 2 bytes of payload */
                                  "4500 002e 0001 4000 3f 06 0000 0a2d0007 cb007109"
                                  "c001 01bb 01020304 0a0b0c0d 6002 2000 0000 0000 020405b4 4869", &packet), ENCAP_PACKET);
        assert_int_equal(packet.source_port, 0xc001);
        assert_int_equal(packet.destination_port, 443);
        assert_int_equal(packet.sequence, 0x01020304);
        assert_int_equal(packet.acknowledgement, 0x0a0b0c0d);
        assert_int_equal(packet.tcp_flags, 0x02);
        assert_int_equal(packet.ttl, 63);
        assert_int_equal(packet.payload_length, 2);
        assert_memory_equal(packet.payload, "Hi", 2);
        assert_int_equal(peel_hex(encap, LINK_RAW, /* ICMP: time exceeded */
                                  "4500 001c 0001 0000 40 01 0000 0a2d0007 cb007109 0b00 f4ff 00000000", &packet), ENCAP_PACKET);
        assert_int_equal(packet.icmp_type, 11);
        assert_int_equal(packet.icmp_code, 0);
        assert_int_equal(packet.source_port, 0);
        assert_int_equal(packet.payload_length, 8);
        assert_int_equal(peel_hex(encap, LINK_RAW, /* SCTP: ports, tag, checksum, 4 bytes of a chunk */
                                  "4500 0024 0001 0000 40 84 0000 0a2d0007 cb007109 0b59 0b5a 00000001 00000002 0a000004", &packet),
                         ENCAP_PACKET);
        assert_int_equal(packet.source_port, 2905);
        assert_int_equal(packet.destination_port, 2906);
        assert_int_equal(packet.payload_length, 4);
        assert_int_equal(peel_hex(encap, LINK_RAW, /* ESP: SPI and sequence are its payload */
                                  "4500 001c 0001 0000 40 32 0000 0a2d0007 cb007109 00000001 00000002", &packet), ENCAP_PACKET);
        assert_int_equal(packet.protocol, 50);
        assert_int_equal(packet.source_port, 0);
        assert_int_equal(packet.payload_length, 8);
        encap_destroy(encap);
}

static void a_snap_length_of_64_keeps_what_is_there(void **state)
{
        (void)state;
        static struct bytes bytes;
        struct encap *encap = encap_of_defaults();
        struct packet packet;
        bytes_of_hex(&bytes, ETH "0800 4500 05dc 0001 4000 3f 06 0000 0a2d0007 cb007109" /* TCP with 12 bytes of options */
                     "c001 01bb 01020304 0a0b0c0d 8018 2000 0000 0000 0101080a00000001 00");
        struct frame frame = frame_of(&bytes, LINK_ETHERNET);
        frame.wire = 1514;
        assert_int_equal(peel_frame(encap, frame, &packet), ENCAP_PACKET);
        assert_true(packet.cut);
        assert_int_equal(packet.payload_captured, 0);
        assert_int_equal(packet.payload_length, 1500 - 20 - 32);
        assert_int_equal(packet.ip_length, 1500);
        assert_int_equal(packet.ip_captured, frame.captured - 14);
        assert_int_equal(encap_counters(encap)->cut, 1);
        encap_destroy(encap);
}

static void offloaded_frames_are_told(void **state)
{
        (void)state;
        static struct bytes bytes;
        struct encap *encap = encap_of_defaults();
        struct packet packet;
        bytes_of_hex(&bytes, ETH "0800 4500 0000 0001 4000 3f 06 0000 0a2d0007 cb007109" /* length 0: TSO */
                     "c001 01bb 01020304 0a0b0c0d 5018 2000 0000 0000");
        bytes.length += 3000;
        assert_int_equal(peel_frame(encap, frame_of(&bytes, LINK_ETHERNET), &packet), ENCAP_PACKET);
        assert_true(packet.oversized);
        assert_int_equal(packet.payload_length, 3000);
        assert_int_equal(packet.ip_length, 3040);
        bytes.at[16] = 0x75; /* 30000: GRO */
        bytes.at[17] = 0x30;
        bytes.length = 14 + 30000;
        assert_int_equal(peel_frame(encap, frame_of(&bytes, LINK_ETHERNET), &packet), ENCAP_PACKET);
        assert_true(packet.oversized);
        assert_int_equal(packet.payload_length, 30000 - 40);
        bytes_of_hex(&bytes, ETH "86dd 60000000 0000 06 40 20010db8002000070000000000000001 20010db8000000000000000000000035"
                     "c001 01bb 01020304 0a0b0c0d 5018 2000 0000 0000");
        memset(bytes.at + bytes.length, 0, 66000); /* BIG TCP */
        bytes.length += 66000;
        assert_int_equal(peel_frame(encap, frame_of(&bytes, LINK_ETHERNET), &packet), ENCAP_PACKET);
        assert_true(packet.oversized);
        assert_int_equal(packet.payload_length, 66000);
        assert_int_equal(encap_counters(encap)->oversized, 3);
        encap_destroy(encap);
}

/* IPv4 in IPv4 `tunnels` times, an empty ESP packet within. */
static void nested(struct bytes *bytes, unsigned tunnels)
{
        bytes->length = 0;
        for (unsigned left = tunnels + 1; left > 0; left--) {
                uint8_t header[20] = {0x45, 0, (uint8_t)(left * 20 >> 8), (uint8_t)(left * 20), 0, 1, 0, 0, 64,
                                      left > 1 ? 4 : 50, 0, 0, 10, 0, 0, (uint8_t)left, 10, 0, 0, 99};
                bytes_add(bytes, header, sizeof header);
        }
}

static void too_many_tunnels_are_too_deep(void **state)
{
        (void)state;
        static struct bytes bytes;
        struct packet packet;
        struct encap *encap = encap_of_defaults();
        nested(&bytes, 8);
        assert_int_equal(peel_frame(encap, frame_of(&bytes, LINK_RAW), &packet), ENCAP_PACKET);
        assert_int_equal(packet.depth, 8);
        assert_int_equal(packet.protocol, 50);
        assert_outer(&packet, false, "10.0.0.2");
        nested(&bytes, 9);
        assert_int_equal(peel_frame(encap, frame_of(&bytes, LINK_RAW), &packet), ENCAP_TOO_DEEP);
        encap_destroy(encap);
        struct encap_settings settings = {.depth_limit = 200};
        encap = encap_create(&settings);
        nested(&bytes, 16);
        assert_int_equal(peel_frame(encap, frame_of(&bytes, LINK_RAW), &packet), ENCAP_PACKET);
        nested(&bytes, 17);
        assert_int_equal(peel_frame(encap, frame_of(&bytes, LINK_RAW), &packet), ENCAP_TOO_DEEP);
        bytes_of_hex(&bytes, ETH);
        for (unsigned i = 0; i < 100; i++) /* tags without end */
                bytes_add_hex(&bytes, "8100 0001");
        assert_int_equal(peel_frame(encap, frame_of(&bytes, LINK_ETHERNET), &packet), ENCAP_TOO_DEEP);
        encap_destroy(encap);
}

static const char *name_of_interface(void *context, uint16_t interface)
{
        assert_string_equal(context, "names");
        return interface == 1 ? "eth1" : interface == 257 ? "eth257" : NULL;
}

static struct packet peel_on(struct encap *encap, uint16_t interface, uint16_t link_type, const char *hex)
{
        static struct bytes bytes;
        struct packet packet;
        bytes_of_hex(&bytes, hex);
        struct frame frame = frame_of(&bytes, link_type);
        frame.interface = interface;
        assert_int_equal(peel_frame(encap, frame, &packet), ENCAP_PACKET);
        return packet;
}

#define ANY .vlan = -1, .vni = -1, .gre_key = -1

static void the_first_tap_that_matches_gives_the_context(void **state)
{
        (void)state;
        struct tap taps[] = {
                {.name = "vlan", ANY, .context = 11},
                {.name = "eth1", .interface = "eth1", ANY, .context = 12},
                {.name = "vni", ANY, .context = 13},
                {.name = "key", ANY, .context = 14},
                {.name = "outer", ANY, .has_prefix = true, .context = 15},
                {.name = "eth257", .interface = "eth257", ANY, .context = 16},
        };
        taps[0].vlan = 100;
        taps[2].vni = 0x7b;
        taps[3].gre_key = 0x6a;
        assert_true(prefix_parse("10.66.0.2/32", &taps[4].prefix));
        struct encap_settings settings = {.taps = {taps, sizeof taps / sizeof *taps}, .interface_name = name_of_interface,
                                          .interface_context = (void *)(uintptr_t)"names"};
        struct encap *encap = encap_create(&settings);
        static const struct { uint16_t interface, link; const char *hex; unsigned tap; } cases[] = {
                {0, LINK_ETHERNET, ETH "0800" V4, 0},
                {1, LINK_ETHERNET, ETH "0800" V4, 2},
                {257, LINK_ETHERNET, ETH "0800" V4, 6}, /* shares its place in the cache with 1 */
                {1, LINK_ETHERNET, ETH "8100 0064 0800" V4, 1},
                {0, LINK_ETHERNET, ETH "8100 0064 8100 0065 0800" V4, 0}, /* the innermost counts */
                {0, LINK_RAW, OUT4("0055", "11") "b05d 12b5 0041 0000 08000000 00007b00" ETH "0800" V4, 3},
                {0, LINK_RAW, OUT4("0055", "11") "b05d 12b5 0041 0000 08000000 00007c00" ETH "0800" V4, 5},
                {0, LINK_RAW, OUT4("003f", "2f") "2000 0800 0000006a" V4, 4},
                {0, LINK_RAW, OUT4("0047", "11") "0868 0868 0033 0000" GTP V4, 5},
                {0, LINK_RAW, OUT4("0028", "11") "084b 084b 0014 0000 3201 0004 00000000 00010000", 5}, /* no tunnel: its own */
                {0, LINK_RAW, OUT4("005f", "11") "0868 0868 004b 0000 30ff 003b 00000007"
                 "4500 003b 0001 0000 40 2f 0000 0a420009 0a420008 0000 0800" V4, 5}, /* the outermost of two */
                {0, LINK_RAW, OUT6("003b", "2f") "0000 86dd" V6, 0},
        };
        for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct packet packet = peel_on(encap, cases[i].interface, cases[i].link, cases[i].hex);
                assert_int_equal(packet.tap, cases[i].tap);
                assert_int_equal(packet.context, cases[i].tap == 0 ? 0 : taps[cases[i].tap - 1].context);
        }
        encap_destroy(encap);
}

static void assert_same(const struct packet *a, const struct packet *b)
{
        assert_true(address_equal(&a->source, &b->source) && address_equal(&a->destination, &b->destination));
        assert_int_equal(a->ip_captured, b->ip_captured);
        assert_int_equal(a->ip_length, b->ip_length);
        assert_int_equal(a->payload_captured, b->payload_captured);
        assert_int_equal(a->payload_length, b->payload_length);
        assert_int_equal(a->protocol, b->protocol);
        assert_int_equal(a->source_port, b->source_port);
        assert_int_equal(a->destination_port, b->destination_port);
        assert_int_equal(a->sequence, b->sequence);
        assert_int_equal(a->tcp_flags, b->tcp_flags);
        assert_int_equal(a->depth, b->depth);
        assert_int_equal(a->tunnel, b->tunnel);
        assert_int_equal(a->teid, b->teid);
        assert_int_equal(a->has_teid << 3 | a->cut << 2 | a->oversized << 1 | a->reassembled,
                         b->has_teid << 3 | b->cut << 2 | b->oversized << 1 | b->reassembled);
}

static void peel_both_ways(struct encap *plain, struct encap *walking, struct frame frame)
{
        struct packet packet, walked;
        enum encap_result result = peel_frame(plain, frame, &packet);
        ptrdiff_t payload = result == ENCAP_PACKET ? packet.payload - packet.ip : 0;
        assert_int_equal(peel_frame(walking, frame, &walked), result);
        if (result != ENCAP_PACKET)
                return;
        assert_same(&packet, &walked);
        assert_int_equal(walked.payload - walked.ip, payload);
}

/* A tap to which nothing belongs makes every frame go the long way. Each byte is wrong in turn, each end comes too early. */
static void a_plain_frame_is_what_the_walk_makes_of_it(void **state)
{
        (void)state;
        static const uint8_t wrong[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
        static const char *const frames[] = {
                ETH "0800" V4, ETH "0800" OUT4("0047", "11") "0868 0868 0033 0000" GTP V4,
                ETH "8100 0064 0800" OUT4("0047", "11") "0868 0868 0033 0000" GTP V4, ETH "88a8 001e 8100 0064 0800" V4,
                ETH "8100 0001 8100 0002 8100 0003 0800" V4,
                ETH "0800" OUT4("006b", "11") "0868 0868 0057 0000 30ff 0047 00004002 "
                    OUT4("0047", "11") "0868 0868 0033 0000" GTP V4,
                ETH "0800" OUT4("0049", "11") "06a5 c0de 0035 0000 0002 0001 0002 ff03 0021" V4,
                ETH "0800" OUT4("004f", "11") "0868 0868 003b 0000 34ff 002b 00004001 00010085 01001000" V4,
                ETH "0800 4500 0032 0001 4000 3f 06 0000 0a2d0007 cb007109 "
                "c001 01bb 01020304 0a0b0c0d 7018 2000 0000 0000 0101 080a 0000 0001 4869",
        };
        struct tap nowhere = {.name = "nowhere", .interface = "none", .vlan = -1, .vni = -1, .gre_key = -1};
        struct encap_settings settings = {.taps = {&nowhere, 1}};
        struct encap *plain = encap_of_defaults(), *walking = encap_create(&settings);
        static struct bytes bytes;
        for (unsigned i = 0; i < sizeof frames / sizeof *frames; i++) {
                bytes_of_hex(&bytes, frames[i]);
                struct frame frame = frame_of(&bytes, LINK_ETHERNET);
                for (size_t at = 0; at < bytes.length * sizeof wrong; at++) {
                        bytes.at[at / sizeof wrong] ^= wrong[at % sizeof wrong];
                        peel_both_ways(plain, walking, frame);
                        bytes.at[at / sizeof wrong] ^= wrong[at % sizeof wrong];
                }
                for (; frame.captured > 0; frame.captured--) {
                        peel_both_ways(plain, walking, frame);
                        peel_both_ways(plain, walking, (struct frame){.bytes = bytes.at, .captured = frame.captured,
                                                                      .wire = frame.captured, .link_type = LINK_ETHERNET});
                }
        }
        encap_destroy(plain);
        encap_destroy(walking);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_encapsulation_leads_to_the_innermost_packet),
                cmocka_unit_test(padding_is_not_payload),
                cmocka_unit_test(every_cut_frame_is_cut_or_the_innermost),
                cmocka_unit_test(every_shorter_frame_is_read_within_its_bounds),
                cmocka_unit_test(a_port_alone_makes_no_tunnel),
                cmocka_unit_test(a_tunnel_without_ip_inside_is_the_packet_around_it),
                cmocka_unit_test(what_is_no_ip_is_told_apart),
                cmocka_unit_test(transport_headers_are_read),
                cmocka_unit_test(a_snap_length_of_64_keeps_what_is_there),
                cmocka_unit_test(offloaded_frames_are_told),
                cmocka_unit_test(too_many_tunnels_are_too_deep),
                cmocka_unit_test(the_first_tap_that_matches_gives_the_context),
                cmocka_unit_test(a_plain_frame_is_what_the_walk_makes_of_it),
        };
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        free(frame_at_hand);
        return failed;
}
