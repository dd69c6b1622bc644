/* Sends frames on an interface at a stated rate: those of a capture, over and over, or made ones of the sizes that IoT devices
 * send (UDP from 10.20.0.0/16 with a running number in the payload). Prints one line: how many were sent, and how often the
 * kernel refused one (its queue was full; such a frame is sent again).
 *
 *      sender --interface IF --count N [--rate PPS] [--capture FILE | --vlan ID --payload BYTES] */
#define _GNU_SOURCE 1 /* sendmmsg */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, MADE_ROOM = 65536, PAYLOAD_MAX = 65000, SECOND_NS = 1000000000, HEADERS = 14 + 20 + 8 };

struct stock {
        struct iovec *frames;
        size_t count, room;     /* 0: frames are made */
        unsigned vlan;          /* made ones carry it; 0: none */
        uint16_t payload;       /* ... have so many bytes of it; 0: what devices send */
};

struct tally {
        uint64_t sent, bytes, refused;
};

static int fail(const char *what)
{
        fprintf(stderr, "sender: %s: %s\n", what, strerror(errno));
        return 1;
}

static int64_t now_ns(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

static int add_frame(struct stock *stock, const uint8_t *bytes, size_t length)
{
        if (stock->count == stock->room) {
                stock->room = stock->room ? 2 * stock->room : 1024;
                struct iovec *grown = realloc(stock->frames, stock->room * sizeof *grown);
                if (grown == NULL)
                        return -1;
                stock->frames = grown;
        }
        uint8_t *copy = malloc(length);
        if (copy == NULL)
                return -1;
        memcpy(copy, bytes, length);
        stock->frames[stock->count++] = (struct iovec){.iov_base = copy, .iov_len = length};
        return 0;
}

static int load_capture(struct stock *stock, const char *path, size_t longest)
{
        char error[PCAP_ERRBUF_SIZE];
        pcap_t *pcap = pcap_open_offline(path, error);
        if (pcap == NULL) {
                fprintf(stderr, "sender: %s\n", error);
                return -1;
        }
        struct pcap_pkthdr *header;
        const u_char *bytes;
        int result;
        while ((result = pcap_next_ex(pcap, &header, &bytes)) == 1)
                if (header->caplen <= longest && header->caplen >= sizeof(struct ether_header) &&
                    add_frame(stock, bytes, header->caplen) != 0)
                        result = -1;
        pcap_close(pcap);
        return stock->count > 0 && result == PCAP_ERROR_BREAK ? 0 : -1;
}

static uint16_t ip_checksum(const uint8_t *header)
{
        uint32_t sum = 0;
        for (unsigned i = 0; i < 20; i += 2)
                sum += (uint32_t)header[i] << 8 | header[i + 1];
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        return (uint16_t)~sum;
}

/* UDP checksum 0: none. */
static size_t make_frame(uint8_t *frame, uint32_t number, unsigned vlan, uint16_t told_payload)
{
        /* Half of what such devices send is below 100 bytes. */
        static const uint16_t payloads[] = {18, 24, 30, 36, 44, 44, 52, 60, 64, 80, 120, 160, 220, 300, 512, 1200};
        static const uint8_t link[] = {0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 0x08, 0x00};
        uint16_t payload = told_payload ? told_payload : payloads[number % (sizeof payloads / sizeof payloads[0])];
        uint16_t ip_length = (uint16_t)(20 + 8 + payload), udp_length = (uint16_t)(8 + payload);
        uint16_t device = (uint16_t)(number % 10007);
        memset(frame, 0, (size_t)HEADERS + payload);
        memcpy(frame, link, sizeof link);
        uint8_t *ip = frame + sizeof link, *udp = ip + 20;
        const uint8_t header[] = {0x45, 0, (uint8_t)(ip_length >> 8), (uint8_t)ip_length, (uint8_t)(number >> 8), (uint8_t)number, 0x40, 0,
                                  64, 17, 0, 0, 10, 20, (uint8_t)(device >> 8), (uint8_t)device, 198, 51, 100, (uint8_t)(number % 7)};
        memcpy(ip, header, sizeof header);
        uint16_t sum = htons(ip_checksum(ip));
        memcpy(ip + 10, &sum, sizeof sum);
        const uint8_t ports[] = {0xc3, 0x50, 0x16, 0x33, (uint8_t)(udp_length >> 8), (uint8_t)udp_length, 0, 0};
        memcpy(udp, ports, sizeof ports);
        uint32_t wire_number = htonl(number);
        memcpy(udp + 8, &wire_number, sizeof wire_number);
        if (vlan == 0)
                return (size_t)HEADERS + payload;
        const uint8_t tag[] = {0x81, 0x00, (uint8_t)(vlan >> 8), (uint8_t)vlan};
        memmove(frame + 12 + sizeof tag, frame + 12, (size_t)HEADERS + payload - 12);
        memcpy(frame + 12, tag, sizeof tag);
        return (size_t)HEADERS + payload + sizeof tag;
}

static unsigned prepare(struct mmsghdr *messages, struct iovec *vectors, uint8_t (*made)[MADE_ROOM], const struct stock *stock,
                        uint64_t first, uint64_t left)
{
        unsigned count = left < BATCH ? (unsigned)left : BATCH;
        for (unsigned i = 0; i < count; i++) {
                if (stock->count > 0)
                        vectors[i] = stock->frames[(first + i) % stock->count];
                else
                        vectors[i] = (struct iovec){
                                .iov_base = made[i],
                                .iov_len = make_frame(made[i], (uint32_t)(first + i), stock->vlan, stock->payload),
                        };
                messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &vectors[i], .msg_iovlen = 1}};
        }
        return count;
}

static int send_prepared(int descriptor, struct mmsghdr *messages, unsigned count, struct tally *tally)
{
        unsigned done = 0;
        while (done < count) {
                int sent = sendmmsg(descriptor, messages + done, count - done, 0);
                if (sent < 0 && errno == EINTR)
                        continue;
                if (sent < 0 && errno == ENOBUFS) {
                        tally->refused++;
                        usleep(100);
                        continue;
                }
                if (sent < 0)
                        return -1;
                for (unsigned i = done; i < done + (unsigned)sent; i++)
                        tally->bytes += messages[i].msg_len;
                done += (unsigned)sent;
                tally->sent += (unsigned)sent;
        }
        return 0;
}

static int send_all(int descriptor, const struct stock *stock, uint64_t count, uint64_t rate, struct tally *tally)
{
        static uint8_t made[BATCH][MADE_ROOM];
        struct mmsghdr messages[BATCH];
        struct iovec vectors[BATCH];
        int64_t start = now_ns();
        while (tally->sent < count) {
                uint64_t due = count;
                if (rate > 0)
                        due = (uint64_t)((double)(now_ns() - start) / SECOND_NS * (double)rate) + 1;
                if (tally->sent >= due) {
                        usleep(200);
                        continue;
                }
                uint64_t left = (due < count ? due : count) - tally->sent;
                unsigned prepared = prepare(messages, vectors, made, stock, tally->sent, left);
                if (send_prepared(descriptor, messages, prepared, tally) != 0)
                        return -1;
        }
        return 0;
}

static int open_socket(const char *name, size_t *longest)
{
        int descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
        struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
        if (descriptor < 0 || address.sll_ifindex == 0 || bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0)
                return -1;
        struct ifreq request = {0};
        snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
        if (ioctl(descriptor, SIOCGIFMTU, &request) != 0)
                return -1;
        *longest = (size_t)request.ifr_mtu + sizeof(struct ether_header);
        return descriptor;
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                {"interface", required_argument, NULL, 'i'}, {"rate", required_argument, NULL, 'r'},
                {"count", required_argument, NULL, 'n'}, {"capture", required_argument, NULL, 'f'},
                {"vlan", required_argument, NULL, 'v'}, {"payload", required_argument, NULL, 'p'}, {0},
        };
        const char *name = NULL, *capture = NULL;
        uint64_t rate = 0, count = 0;
        struct stock stock = {0};
        int option;
        while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
                if (option == 'i')
                        name = optarg;
                else if (option == 'f')
                        capture = optarg;
                else if (option == 'r')
                        rate = strtoull(optarg, NULL, 10);
                else if (option == 'n')
                        count = strtoull(optarg, NULL, 10);
                else if (option == 'v')
                        stock.vlan = (unsigned)strtoul(optarg, NULL, 10);
                else if (option == 'p')
                        stock.payload = (uint16_t)strtoul(optarg, NULL, 10);
                else
                        return 2;
        }
        if (name == NULL || count == 0 || stock.payload > PAYLOAD_MAX) {
                fprintf(stderr, "usage: sender --interface IF --count N [--rate PPS] [--capture FILE | --vlan ID --payload BYTES]\n");
                return 2;
        }
        size_t longest = 0;
        int descriptor = open_socket(name, &longest);
        if (descriptor < 0)
                return fail(name);
        if (capture != NULL && load_capture(&stock, capture, longest) != 0) {
                fprintf(stderr, "sender: %s cannot be sent\n", capture);
                return 1;
        }
        struct tally tally = {0};
        int64_t start = now_ns();
        int result = send_all(descriptor, &stock, count, rate, &tally);
        int reason = errno;
        double seconds = (double)(now_ns() - start) / SECOND_NS;
        printf("sent %llu bytes %llu refused %llu seconds %.3f\n", (unsigned long long)tally.sent, (unsigned long long)tally.bytes,
               (unsigned long long)tally.refused, seconds);
        for (size_t i = 0; i < stock.count; i++)
                free(stock.frames[i].iov_base);
        free(stock.frames);
        close(descriptor);
        errno = reason;
        return result == 0 ? 0 : fail("send");
}
