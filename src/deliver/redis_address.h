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

/* 0 or -EINVAL with a message (which never repeats credentials). `given` begins with redis:// or rediss://. */
int redis_address_parse(struct redis_address *out, const char *given, char *error, size_t error_size);

/* "HOST:PORT" or "[V6]:PORT" of `length` bytes; the port may be absent when `port` is not 0. False: it is neither. */
bool redis_host_parse(struct redis_host *out, const char *given, size_t length, uint16_t port);

/* An error reply "MOVED 3999 127.0.0.1:6381", "MOVED 3999 ::1:6381" or "MOVED 3999 :6381" (the host is that of `from`).
 * False: it is none. */
bool redis_moved_parse(struct redis_host *out, const char *text, size_t length, const struct redis_host *from);
