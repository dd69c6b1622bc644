/* redis://HOST[:PORT][/DB], rediss:// for TLS, IPv6 in brackets; behind Sentinels, whose addresses are then given:
 * redis://HOST[:PORT],HOST[:PORT],...[/DB]?sentinel=NAME. Credentials in it are refused: they come from a file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REDIS_HOSTS = 8 };

struct redis_address {
        struct redis_host { char name[256]; uint16_t port; } hosts[REDIS_HOSTS]; /* port 6379, Sentinels 26379 unless told */
        unsigned host_count;     /* 1 without Sentinels */
        char sentinel[128];      /* name of the master that Sentinels are asked for; "": none */
        uint32_t database;
        bool tls;
};

/* 0 or -EINVAL with a message. `given` begins with redis:// or rediss://. */
int redis_address_parse(struct redis_address *out, const char *given, char *error, size_t error_size);
