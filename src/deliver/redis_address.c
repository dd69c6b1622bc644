#include "deliver/redis_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_name_character(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

/* All of it, digits alone: strtoul would take signs and blanks too. */
static bool parse_number(const char *given, size_t length, uint32_t most, uint32_t *out)
{
        uint64_t value = 0;
        if (length == 0 || length > 10)
                return false;
        for (size_t i = 0; i < length; i++) {
                if (given[i] < '0' || given[i] > '9')
                        return false;
                value = value * 10 + (uint64_t)(given[i] - '0');
        }
        *out = (uint32_t)value;
        return value <= most;
}

static bool name_is_valid(const char *given, size_t length)
{
        if (length == 0 || length > 253 || given[0] == '.' || given[0] == '-')
                return false;
        for (size_t i = 0; i < length; i++)
                if (!is_name_character(given[i]))
                        return false;
        return true;
}

static bool v6_is_valid(const char *name)
{
        unsigned char bytes[16];
        return inet_pton(AF_INET6, name, bytes) == 1;
}

bool redis_host_parse(struct redis_host *out, const char *given, size_t length, uint16_t port)
{
        bool is_v6 = length > 0 && given[0] == '[';
        const char *name = is_v6 ? given + 1 : given;
        const char *end = memchr(given, is_v6 ? ']' : ':', length);
        if (end == NULL && is_v6)
                return false;
        size_t name_length = (size_t)((end ? end : given + length) - name);
        if (name_length >= sizeof out->name)
                return false;
        memcpy(out->name, name, name_length);
        out->name[name_length] = '\0';
        if (is_v6 ? !v6_is_valid(out->name) : !name_is_valid(name, name_length))
                return false;
        const char *rest = is_v6 ? end + 1 : end ? end : given + length;
        size_t rest_length = (size_t)(given + length - rest);
        uint32_t number = port;
        if (rest_length > 0 && (rest[0] != ':' || !parse_number(rest + 1, rest_length - 1, UINT16_MAX, &number)))
                return false;
        out->port = (uint16_t)number;
        return number != 0;
}

bool redis_moved_parse(struct redis_host *out, const char *text, size_t length, const struct redis_host *from)
{
        static const char word[] = "MOVED ";
        const char *end = text + length;
        const char *slot = length > 6 && memcmp(text, word, 6) == 0 ? text + 6 : NULL;
        const char *host = slot ? memchr(slot, ' ', (size_t)(end - slot)) : NULL;
        char given[300];
        if (host == NULL || end - ++host > 280)
                return false;
        const char *colon = end;
        while (colon > host && colon[-1] != ':')
                colon--;
        if (colon-- == host) /* now at the last colon, where there is one */
                return false;
        int host_length = (int)(colon - host), port_length = (int)(end - colon);
        if (host_length == 0)
                host = from->name, host_length = (int)strlen(host);
        bool is_v6 = host[0] != '[' && memchr(host, ':', (size_t)host_length) != NULL;
        int written = snprintf(given, sizeof given, "%s%.*s%s%.*s", is_v6 ? "[" : "", host_length, host, is_v6 ? "]" : "",
                               port_length, colon);
        return written > 0 && (size_t)written < sizeof given && redis_host_parse(out, given, (size_t)written, 0);
}

static int fault(char *error, size_t error_size, const char *what)
{
        snprintf(error, error_size,
                 "%s; expected redis[s]://HOST[:PORT][/DB] or redis[s]://HOST[:PORT],...[/DB]?sentinel=NAME", what);
        return -EINVAL;
}

static const char *parse_hosts(struct redis_address *out, const char *given, size_t length)
{
        uint16_t port = out->sentinel[0] ? 26379 : 6379;
        for (const char *at = given, *end = given + length; at <= end;) {
                const char *comma = memchr(at, ',', (size_t)(end - at));
                size_t host_length = (size_t)((comma ? comma : end) - at);
                if (out->host_count == REDIS_HOSTS)
                        return "more than 8 hosts";
                if (!redis_host_parse(&out->hosts[out->host_count], at, host_length, port))
                        return host_length ? "a host is neither a name nor an address with or without a port (IPv6 stands in "
                                             "brackets)"
                                           : "a host is missing";
                out->host_count++;
                at += host_length + 1;
        }
        return NULL;
}

static const char *parse_query(struct redis_address *out, const char *query)
{
        size_t length = strlen(query);
        if (strncmp(query, "sentinel=", 9) != 0)
                return "what stands behind ? is not sentinel=NAME";
        query += 9, length -= 9;
        if (length >= sizeof out->sentinel || !name_is_valid(query, length))
                return "the name behind sentinel= is none";
        memcpy(out->sentinel, query, length + 1);
        return NULL;
}

int redis_address_parse(struct redis_address *out, const char *given, char *error, size_t error_size)
{
        memset(out, 0, sizeof *out);
        out->tls = strncmp(given, "rediss://", 9) == 0;
        if (!out->tls && strncmp(given, "redis://", 8) != 0)
                return fault(error, error_size, "this is no address of a Redis");
        given += out->tls ? 9 : 8;
        if (strchr(given, '@') != NULL) {
                snprintf(error, error_size, "credentials do not belong into an address, which others can see: "
                                            "use username and password_file of the configuration's redis section");
                return -EINVAL;
        }
        size_t hosts_length = strcspn(given, "/?");
        const char *database = given + hosts_length;
        const char *query = strchr(database, '?');
        const char *what = query ? parse_query(out, query + 1) : NULL;
        if (what == NULL)
                what = parse_hosts(out, given, hosts_length);
        size_t database_length = query ? (size_t)(query - database) : strlen(database);
        if (what == NULL && database_length > 1 &&
            !parse_number(database + 1, database_length - 1, INT32_MAX, &out->database))
                what = "the database is no number";
        if (what == NULL && out->host_count > 1 && !out->sentinel[0])
                what = "several hosts are for Sentinels, and ?sentinel=NAME is missing";
        return what ? fault(error, error_size, what) : 0;
}
