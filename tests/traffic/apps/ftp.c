/* FTP, RFC 959: a module that fetches one file; PASV for IPv4, EPSV (RFC 2428) for IPv6. */
#include <stdio.h>
#include <string.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"

static void say(struct conversation *c, enum direction direction, const char *line)
{
        struct bytes *b = &c->traffic->scratch;
        bytes_clear(b);
        bytes_print(b, "%s\r\n", line);
        conversation_send(c, direction, b->data, b->length);
}

static void log_in(struct conversation *c)
{
        say(c, DOWN, "220 FTP server ready");
        tell_label(c, &(struct label_fact){.label = "FTP_CONTROL", .visibility = FACT_READABLE});
        say(c, UP, "USER ota");
        say(c, DOWN, "331 Please specify the password.");
        say(c, UP, "PASS ota2026");
        say(c, DOWN, "230 Login successful.");
        say(c, UP, "TYPE I");
        say(c, DOWN, "200 Switching to Binary mode.");
}

static void open_port(struct conversation *c, const struct address *server, uint16_t port)
{
        char line[96];
        if (!address_is_ipv4(server)) {
                say(c, UP, "EPSV");
                snprintf(line, sizeof(line), "229 Entering Extended Passive Mode (|||%u|)", port);
        } else {
                const uint8_t *a = server->bytes + 12;
                say(c, UP, "PASV");
                snprintf(line, sizeof(line), "227 Entering Passive Mode (%u,%u,%u,%u,%u,%u).", a[0], a[1], a[2], a[3],
                         port >> 8, port & 255);
        }
        say(c, DOWN, line);
}

/* The file itself; returns when it was through. */
static int64_t send_file(struct traffic *traffic, uint32_t device, const struct ftp_download *d, uint16_t port,
                         int64_t time_ns)
{
        static const uint8_t zip[] = {'P', 'K', 3, 4, 20, 0, 0, 0, 8, 0};
        struct contact contact = {.device = device, .peer = d->server, .peer_port = port, .protocol = IP_TCP};
        struct conversation *c = conversation_open(traffic, &contact, time_ns);
        struct transfer_fact fact = {.protocol = "FTP",
                                     .method = "RETR",
                                     .path = d->file,
                                     .size = d->size,
                                     .image = d->image,
                                     .start_ns = time_ns};
        size_t early = d->size > 34000 ? 34000 : d->size;
        c->time_ns += 40 * MS_NS;
        conversation_send(c, DOWN, zip, sizeof(zip));
        conversation_send_noise(c, DOWN, early - sizeof(zip));
        fact.moved = early;
        if (d->size > early)
                tell_transfer(c, &fact);
        conversation_send_noise(c, DOWN, d->size - early);
        fact.ended = true;
        fact.moved = d->size;
        int64_t end_ns = c->time_ns;
        conversation_close(c, DOWN);
        tell_transfer(c, &fact);
        return end_ns + 100 * MS_NS;
}

void ftp_retrieve(struct traffic *traffic, uint32_t device, const struct ftp_download *d, int64_t time_ns)
{
        char line[320];
        struct contact contact = {.device = device, .peer = d->server, .peer_port = 21, .protocol = IP_TCP};
        struct conversation *c = conversation_open(traffic, &contact, time_ns);
        uint16_t port = (uint16_t)(40000 + random_below(&traffic->random, 20000));
        log_in(c);
        open_port(c, &d->server, port);
        snprintf(line, sizeof(line), "RETR %s", d->file);
        say(c, UP, line);
        int64_t end_ns = send_file(traffic, device, d, port, c->time_ns + 20 * MS_NS);
        snprintf(line, sizeof(line), "150 Opening BINARY mode data connection for %s (%zu bytes).", d->file, d->size);
        say(c, DOWN, line);
        conversation_wait(c, end_ns > c->time_ns ? end_ns - c->time_ns : 0);
        say(c, DOWN, "226 Transfer complete.");
        say(c, UP, "QUIT");
        say(c, DOWN, "221 Goodbye.");
        conversation_close(c, DOWN);
}
