/* Writes a capture in which devices say who they are: each login of tests/unit/dissectors/tracker/logins.h from 10.64.0.1 on, in two
 * segments where it is TCP; an LwM2M client at 10.64.1.1 that registers and is read, one at 10.64.1.2 that is only written to. Some time
 * later each of them opens a connection to 203.0.113.9. */
#include <stdio.h>
#include <string.h>

#include "tests/traffic/capture_writer.h"
#include "tests/unit/dissectors/tracker/logins.h"

enum { HEAD = 14 + 20, TCP_HEAD = 20, UDP_HEAD = 8, SYN = 0x02, ACK = 0x10, PUSH = 0x18 };
enum { SERVER = 0xc6336409, ELSEWHERE = 0xcb007109, FIRST = 0x0a400001, CLIENT = 0x0a400101 };

struct writing {
        struct capture_writer *writer;
        int64_t time_ns;
};

static void put16(uint8_t *at, unsigned value)
{
        at[0] = (uint8_t)(value >> 8);
        at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
        put16(at, value >> 16);
        put16(at + 2, value & 0xffff);
}

static uint16_t checksum(const uint8_t *bytes, size_t length)
{
        uint32_t sum = 0;
        for (size_t i = 0; i < length; i += 2)
                sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        return (uint16_t)~sum;
}

static void send_ip(struct writing *w, uint32_t from, uint32_t to, uint8_t protocol, uint8_t frame[1500], size_t length)
{
        uint8_t *ip = frame + 14;
        memset(frame, 2, 12);
        put16(frame + 12, 0x0800);
        memset(ip, 0, 20);
        ip[0] = 0x45;
        put16(ip + 2, (unsigned)(20 + length));
        ip[8] = 64;
        ip[9] = protocol;
        put32(ip + 12, from);
        put32(ip + 16, to);
        put16(ip + 10, checksum(ip, 20));
        w->time_ns += 20000000;
        capture_writer_frame(w->writer, frame, HEAD + length, w->time_ns);
}

static void send_udp(struct writing *w, uint32_t from, uint32_t to, unsigned from_port, unsigned to_port, const void *bytes, size_t length)
{
        uint8_t frame[1500], *udp = frame + HEAD;
        put16(udp, from_port);
        put16(udp + 2, to_port);
        put16(udp + 4, (unsigned)(UDP_HEAD + length));
        put16(udp + 6, 0); /* no check sum (RFC 768) */
        memcpy(udp + UDP_HEAD, bytes, length);
        send_ip(w, from, to, IPPROTO_UDP, frame, UDP_HEAD + length);
}

struct segment {
        uint32_t from, to, sequence, acknowledged;
        unsigned from_port, to_port, flags;
};

static void send_tcp(struct writing *w, const struct segment *s, const void *bytes, size_t length)
{
        uint8_t frame[1500], *tcp = frame + HEAD;
        memset(tcp, 0, TCP_HEAD);
        put16(tcp, s->from_port);
        put16(tcp + 2, s->to_port);
        put32(tcp + 4, s->sequence);
        put32(tcp + 8, s->acknowledged);
        tcp[12] = 0x50;
        tcp[13] = (uint8_t)s->flags;
        put16(tcp + 14, 8192);
        memcpy(tcp + TCP_HEAD, bytes, length);
        send_ip(w, s->from, s->to, IPPROTO_TCP, frame, TCP_HEAD + length);
}

/* From the handshake to the server's answer; without bytes the handshake alone. */
static void converse(struct writing *w, uint32_t device, uint32_t server, unsigned port, const char *bytes, size_t length)
{
        struct segment up = {device, server, 1000, 0, 40000 + port, port, SYN};
        struct segment down = {server, device, 5000, 1001, port, 40000 + port, SYN | ACK};
        size_t half = length / 2;
        send_tcp(w, &up, "", 0);
        send_tcp(w, &down, "", 0);
        up.sequence++, up.acknowledged = 5001, up.flags = ACK;
        send_tcp(w, &up, "", 0);
        if (length == 0)
                return;
        up.flags = down.flags = PUSH;
        send_tcp(w, &up, bytes, half);
        up.sequence += (uint32_t)half;
        send_tcp(w, &up, bytes + half, length - half);
        down.sequence++, down.acknowledged = (uint32_t)(1001 + length);
        send_tcp(w, &down, "\x01", 1);
}

static void lwm2m(struct writing *w)
{
        /* POST /rd?ep=meter-7; GET /3/0, token 11, and its answer in TLV; PUT /3/0/1, written by the server */
        static const char registration[] = "\x41\x02\x00\x01\x07\xb2rd\x4a" "ep=meter-7";
        static const char read[] = "\x41\x01\x00\x02\x11\xb1" "3\x01" "0";
        static const char answer[] = "\x61\x45\x00\x02\x11\xc2\x2d\x16\xff"
                                     "\xc8\x00\x1aQuectel Wireless Solutions\xc7\x01" "BG95-M3\xc3\x03" "2.0";
        static const char write[] = "\x41\x03\x00\x02\x12\xb1" "3\x01" "0\x01" "1\x10\xff" "BG95-M3", changed[] = "\x61\x44\x00\x02\x12";
        send_udp(w, CLIENT, SERVER, 56830, 5683, registration, sizeof registration - 1);
        send_udp(w, SERVER, CLIENT, 5683, 56830, read, sizeof read - 1);
        send_udp(w, CLIENT, SERVER, 56830, 5683, answer, sizeof answer - 1);
        send_udp(w, SERVER, CLIENT + 1, 5683, 56830, write, sizeof write - 1);
        send_udp(w, CLIENT + 1, SERVER, 56830, 5683, changed, sizeof changed - 1);
}

int main(int argument_count, char **arguments)
{
        struct writing w = {.time_ns = INT64_C(1772323200) * 1000000000};
        w.writer = argument_count == 2 ? capture_writer_open(arguments[1], false) : NULL;
        if (w.writer == NULL)
                return 1;
        for (unsigned i = 0; i < LOGINS; i++) {
                if (logins[i].protocol == IPPROTO_TCP)
                        converse(&w, FIRST + i, SERVER, 5023, logins[i].bytes, logins[i].length);
                else
                        send_udp(&w, FIRST + i, SERVER, 40000, 5023, logins[i].bytes, logins[i].length);
                /* what is to be found, for the script: address, protocol, IMEI or nothing */
                printf("10.64.0.%u|%s|%s\n", i + 1, logins[i].family, logins[i].imei ? logins[i].imei : "");
        }
        lwm2m(&w);
        for (unsigned i = 0; i < LOGINS; i++)
                converse(&w, FIRST + i, ELSEWHERE, 443, "", 0);
        converse(&w, CLIENT, ELSEWHERE, 443, "", 0);
        converse(&w, CLIENT + 1, ELSEWHERE, 443, "", 0);
        return capture_writer_close(w.writer) == 0 ? 0 : 1;
}
