/* Where a sink is reached: http, https, syslog (TCP) and syslog+tls (also syslogs). A name or an address, IPv6 in brackets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct url {
        bool tls;
        char host[256];  /* without brackets */
        uint16_t port;   /* the scheme's own when none is given */
        char path[2048]; /* http: with the query, "/" at least; syslog: "" */
};

/* 0 or -EINVAL with a message. Credentials in it are refused: they come from a file. */
int url_parse(struct url *out, const char *given, char *error, size_t error_size);

/* "HOST" or "HOST:PORT" when the port is not the scheme's own, an IPv6 address in brackets: a Host header, a message. */
void url_authority(const struct url *url, char *text, size_t size);
