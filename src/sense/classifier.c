/* The only file that includes nDPI. 4.2 to 5.x by what configure found (facts: many prototypes changed in between).
 *
 * Each packet is copied in front of a zero tail, because 4.2 reads a few bytes behind short payloads, and its length fields
 * are set to what was captured, because nDPI drops packets that claim more. Answers from nDPI's caches, which cross flows,
 * and guesses by port or address are told apart from inspection. */
#include "config.h"

#include "sense/classifier.h"

#include <ndpi_main.h>
#include <ndpi_api.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { PACKETS_UDP = 8, PACKETS_TCP = 20, ZERO_TAIL = 64, POOL_LIMIT = 4096, PROTOCOL_LIMIT = 1024 };

struct classification {
        struct classification *next_free;
        uint8_t packets;
        struct ndpi_flow_struct flow; /* last: nDPI says how large it is */
};

struct classifier {
        struct ndpi_detection_module_struct *module; /* NULL: nobody has asked yet */
        bool is_broken;
        struct classification *free_list;
        unsigned free_count;
        uint64_t packets;
        uint8_t scratch[65535 + ZERO_TAIL];
};

static struct ndpi_detection_module_struct *module_create(void)
{
#ifdef NDPI_INIT_TAKES_PREFERENCES
        struct ndpi_detection_module_struct *module = ndpi_init_detection_module(ndpi_dont_init_libgcrypt);
#else
        struct ndpi_detection_module_struct *module = ndpi_init_detection_module(NULL);
#endif
        if (module == NULL)
                return NULL;
#ifdef HAVE_NDPI_SET_PROTOCOL_DETECTION_BITMASK2
        NDPI_PROTOCOL_BITMASK all;
        NDPI_BITMASK_SET_ALL(all);
        ndpi_set_protocol_detection_bitmask2(module, &all);
#endif
        ndpi_finalize_initialization(module);
        return module;
}

/* 20 ms of work and 8 MiB, which a run without a question for nDPI is spared. NULL: it does not start. */
static struct ndpi_detection_module_struct *module_of(struct classifier *classifier)
{
        if (classifier->module != NULL || classifier->is_broken)
                return classifier->module;
        classifier->module = module_create();
        classifier->is_broken = classifier->module == NULL;
        if (classifier->is_broken)
                log_error("nDPI does not start: flows that no dissector knows stay without a label");
        return classifier->module;
}

struct classifier *classifier_create(void)
{
        return calloc(1, sizeof(struct classifier));
}

/* Taking one down costs what starting it costs (100 000 pieces of memory), and mostly the process ends right after: so one that is
 * given back stays until the next is, and the last until the process ends. */
static void module_give_back(struct ndpi_detection_module_struct *module)
{
        static struct ndpi_detection_module_struct *last;
        if (last != NULL)
                ndpi_exit_detection_module(last);
        last = module;
}

void classifier_destroy(struct classifier *classifier)
{
        if (classifier == NULL)
                return;
        while (classifier->free_list != NULL) {
                struct classification *flow = classifier->free_list;
                classifier->free_list = flow->next_free;
                free(flow);
        }
        if (classifier->module != NULL)
                module_give_back(classifier->module);
        free(classifier);
}

static size_t classification_size(void)
{
        size_t flow = ndpi_detection_get_sizeof_ndpi_flow_struct();
        return offsetof(struct classification, flow) + (flow > sizeof(struct ndpi_flow_struct) ? flow : sizeof(struct ndpi_flow_struct));
}

struct classification *classification_start(struct classifier *classifier)
{
        struct classification *flow = classifier->free_list;
        if (module_of(classifier) == NULL)
                return NULL;
        if (flow != NULL) {
                classifier->free_list = flow->next_free;
                classifier->free_count--;
                memset(flow, 0, classification_size());
                return flow;
        }
        return calloc(1, classification_size());
}

void classification_end(struct classifier *classifier, struct classification *flow)
{
        if (flow == NULL)
                return;
        ndpi_free_flow_data(&flow->flow);
        if (classifier->free_count >= POOL_LIMIT) {
                free(flow);
                return;
        }
        flow->next_free = classifier->free_list;
        classifier->free_list = flow;
        classifier->free_count++;
}

/* The packet in the scratch buffer with lengths that hold; its length there. */
static uint16_t scratch_packet(struct classifier *classifier, const uint8_t *ip, uint32_t captured, uint32_t length)
{
        uint8_t *copy = classifier->scratch;
        uint32_t take = captured < length ? captured : length;
        if (take > 65535)
                take = 65535;
        memcpy(copy, ip, take);
        memset(copy + take, 0, ZERO_TAIL);
        if (take >= length && length <= 65535)
                return (uint16_t)take;
        if (take >= 20 && copy[0] >> 4 == 4) {
                unsigned header = (copy[0] & 15U) * 4;
                copy[2] = (uint8_t)(take >> 8);
                copy[3] = (uint8_t)take;
                if (copy[9] == IPPROTO_UDP && header + 8 <= take) {
                        copy[header + 4] = (uint8_t)((take - header) >> 8);
                        copy[header + 5] = (uint8_t)(take - header);
                }
        } else if (take >= 48 && copy[0] >> 4 == 6) {
                copy[4] = (uint8_t)((take - 40) >> 8);
                copy[5] = (uint8_t)(take - 40);
                if (copy[6] == IPPROTO_UDP) {
                        copy[44] = (uint8_t)((take - 40) >> 8);
                        copy[45] = (uint8_t)(take - 40);
                }
        }
        return (uint16_t)take;
}

static enum label_trust trust_of(const struct classification *flow)
{
        switch ((int)flow->flow.confidence) {
        case NDPI_CONFIDENCE_DPI:
#ifdef NDPI_HAS_CONFIDENCE_DPI_PARTIAL
        case NDPI_CONFIDENCE_DPI_PARTIAL:
#endif
                return LABEL_INSPECTED;
        case NDPI_CONFIDENCE_DPI_CACHE:
#ifdef NDPI_HAS_CONFIDENCE_DPI_PARTIAL_CACHE
        case NDPI_CONFIDENCE_DPI_PARTIAL_CACHE:
#endif
                return LABEL_CACHED;
        default:
                return LABEL_GUESSED;
        }
}

static void label_set(struct classifier *classifier, const struct classification *flow, ndpi_protocol protocol, struct label *label)
{
#ifdef NDPI_RESULT_HAS_PROTO
        unsigned master = protocol.proto.master_protocol, app = protocol.proto.app_protocol;
#else
        unsigned master = protocol.master_protocol, app = protocol.app_protocol;
#endif
        *label = (struct label){.trust = LABEL_NONE};
        if (master == NDPI_PROTOCOL_UNKNOWN) {
                master = app;
                app = NDPI_PROTOCOL_UNKNOWN;
        }
        if (master == NDPI_PROTOCOL_UNKNOWN || master >= PROTOCOL_LIMIT)
                return;
        label->master = ndpi_get_proto_name(classifier->module, (u_int16_t)master);
        if (app != NDPI_PROTOCOL_UNKNOWN && app != master && app < PROTOCOL_LIMIT)
                label->application = ndpi_get_proto_name(classifier->module, (u_int16_t)app);
        label->trust = trust_of(flow);
}

void classification_give_up(struct classifier *classifier, struct classification *flow, struct label *label)
{
#if defined NDPI_GIVEUP_TAKES_GUESS
        u_int8_t guessed = 0;
        ndpi_protocol protocol = ndpi_detection_giveup(classifier->module, &flow->flow, 1, &guessed);
#elif defined NDPI_GIVEUP_TELLS_GUESS
        u_int8_t guessed = 0;
        ndpi_protocol protocol = ndpi_detection_giveup(classifier->module, &flow->flow, &guessed);
#else
        ndpi_protocol protocol = ndpi_detection_giveup(classifier->module, &flow->flow);
#endif
        label_set(classifier, flow, protocol, label);
}

static ndpi_protocol process(struct classifier *classifier, struct classification *flow, uint16_t size, u_int64_t time_ms, bool from_opener)
{
#ifdef NDPI_HAS_INPUT_INFO
        struct ndpi_flow_input_info info = {.in_pkt_dir = from_opener ? NDPI_IN_PKT_DIR_C_TO_S : NDPI_IN_PKT_DIR_S_TO_C,
                                            .seen_flow_beginning = 0};
        return ndpi_detection_process_packet(classifier->module, &flow->flow, classifier->scratch, size, time_ms, &info);
#else
        (void)from_opener; /* 4.2 deduces it: the first packet is the client's */
        return ndpi_detection_process_packet(classifier->module, &flow->flow, classifier->scratch, size, time_ms);
#endif
}

/* A TCP segment without payload in the scratch buffer; its length. */
static uint16_t scratch_segment(struct classifier *classifier, const struct address *from, const struct address *to, uint16_t from_port,
                                uint16_t to_port, uint8_t flags)
{
        uint8_t *ip = classifier->scratch;
        bool ipv4 = address_is_ipv4(from) && address_is_ipv4(to);
        unsigned header = ipv4 ? 20 : 40;
        memset(ip, 0, header + 20 + ZERO_TAIL);
        if (ipv4) {
                ip[0] = 0x45;
                ip[3] = 40;
                ip[8] = 64;
                ip[9] = IPPROTO_TCP;
                memcpy(ip + 12, from->bytes + 12, 4);
                memcpy(ip + 16, to->bytes + 12, 4);
        } else {
                ip[0] = 0x60;
                ip[5] = 20;
                ip[6] = IPPROTO_TCP;
                ip[7] = 64;
                memcpy(ip + 8, from->bytes, 16);
                memcpy(ip + 24, to->bytes, 16);
        }
        uint8_t *tcp = ip + header;
        tcp[0] = (uint8_t)(from_port >> 8);
        tcp[1] = (uint8_t)from_port;
        tcp[2] = (uint8_t)(to_port >> 8);
        tcp[3] = (uint8_t)to_port;
        tcp[12] = 0x50;
        tcp[13] = flags;
        tcp[14] = 0xff;
        return (uint16_t)(header + 20);
}

void classification_handshake(struct classifier *classifier, struct classification *flow, const struct address *client,
                              const struct address *server, uint16_t client_port, uint16_t server_port, int64_t time_ns)
{
        u_int64_t time_ms = (u_int64_t)(time_ns / 1000000);
        uint16_t size = scratch_segment(classifier, client, server, client_port, server_port, 0x02);
        (void)process(classifier, flow, size, time_ms, true);
        size = scratch_segment(classifier, server, client, server_port, client_port, 0x12);
        (void)process(classifier, flow, size, time_ms, false);
        size = scratch_segment(classifier, client, server, client_port, server_port, 0x10);
        (void)process(classifier, flow, size, time_ms, true);
}

static bool more_may_be_learnt(struct classifier *classifier, struct classification *flow)
{
#ifdef HAVE_NDPI_EXTRA_DISSECTION_POSSIBLE
        return ndpi_extra_dissection_possible(classifier->module, &flow->flow);
#else
        (void)classifier;
        return flow->flow.extra_packets_func != NULL;
#endif
}

bool classification_packet(struct classifier *classifier, struct classification *flow, const uint8_t *ip, uint32_t captured,
                           uint32_t length, int64_t time_ns, bool from_opener, struct label *label)
{
        uint16_t size = scratch_packet(classifier, ip, captured, length);
        u_int64_t time_ms = (u_int64_t)(time_ns / 1000000);
        classifier->packets++;
        flow->packets++;
        ndpi_protocol protocol = process(classifier, flow, size, time_ms, from_opener);
        label_set(classifier, flow, protocol, label);
        unsigned limit = (ip[0] >> 4 == 4 ? ip[9] : ip[6]) == IPPROTO_UDP ? PACKETS_UDP : PACKETS_TCP;
        if (label->master != NULL && !more_may_be_learnt(classifier, flow))
                return true;
        if (flow->packets < limit)
                return false;
        if (label->master == NULL)
                classification_give_up(classifier, flow, label);
        return true;
}

const char *classifier_application_of_name(struct classifier *classifier, const char *name)
{
        ndpi_protocol_match_result result;
        char copy[256];
        size_t length = strlen(name);
        if (length >= sizeof copy || module_of(classifier) == NULL)
                return NULL;
        memcpy(copy, name, length + 1);
        u_int16_t protocol = ndpi_match_string_subprotocol(classifier->module, copy, (u_int)length, &result);
        if (protocol == NDPI_PROTOCOL_UNKNOWN || protocol >= PROTOCOL_LIMIT)
                return NULL;
        return ndpi_get_proto_name(classifier->module, protocol);
}

bool label_is_encrypted(const char *master)
{
        static const char *const names[] = {"TLS", "DTLS", "QUIC", "SSH", "WireGuard", "OpenVPN", "IPsec", "IPSEC", "ESP", "Tor", "FTPS",
                                            "SMTPS", "POPS", "IMAPS", "LDAPS", "CiscoVPN", "Tailscale", "SoftEther", "DoH_DoT",
                                            "WhatsAppCall", "Signal", "SRTP", "DNScrypt", "Tinc", "ZeroTier"};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (strcmp(names[i], master) == 0)
                        return true;
        return false;
}

const char *classifier_version(void)
{
        return ndpi_revision();
}

uint64_t classifier_packets(const struct classifier *classifier)
{
        return classifier->packets;
}
