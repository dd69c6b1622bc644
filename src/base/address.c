#include "base/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

const uint8_t *address_wire(const struct address *a, size_t *length)
{
        bool ipv4 = address_is_ipv4(a);
        *length = ipv4 ? 4 : 16;
        return ipv4 ? a->bytes + 12 : a->bytes;
}

static char *put_number(char *at, uint8_t number)
{
        if (number >= 100)
                *at++ = (char)('0' + number / 100);
        if (number >= 10)
                *at++ = (char)('0' + number / 10 % 10);
        *at++ = (char)('0' + number % 10);
        return at;
}

const char *address_text(const struct address *a, char text[ADDRESS_TEXT_SIZE])
{
        char *at = text;
        if (!address_is_ipv4(a)) {
                inet_ntop(AF_INET6, a->bytes, text, ADDRESS_TEXT_SIZE);
                return text;
        }
        for (unsigned i = 12; i < 16; i++) {
                at = put_number(at, a->bytes[i]);
                *at++ = i < 15 ? '.' : '\0';
        }
        return text;
}

bool address_parse(const char *text, struct address *out)
{
        uint8_t bytes[16];
        if (inet_pton(AF_INET, text, bytes) == 1)
                *out = address_of_ipv4(bytes);
        else if (inet_pton(AF_INET6, text, bytes) == 1)
                *out = address_of_ipv6(bytes);
        else
                return false;
        return true;
}

static void clear_host_bits(struct address *a, unsigned length)
{
        for (unsigned i = 0; i < 16; i++) {
                unsigned keep = length > i * 8 ? length - i * 8 : 0;
                if (keep < 8)
                        a->bytes[i] &= (uint8_t)(0xff00U >> keep);
        }
}

bool prefix_parse(const char *text, struct prefix *out)
{
        char copy[PREFIX_TEXT_SIZE];
        const char *slash = strchr(text, '/');
        size_t length = slash ? (size_t)(slash - text) : strlen(text);
        if (length == 0 || length >= sizeof copy)
                return false;
        memcpy(copy, text, length);
        copy[length] = '\0';
        if (!address_parse(copy, &out->address))
                return false;
        bool ipv4 = strchr(copy, ':') == NULL;
        unsigned long bits = ipv4 ? 32 : 128;
        if (slash) {
                char *end;
                if (slash[1] < '0' || slash[1] > '9')
                        return false;
                unsigned long given = strtoul(slash + 1, &end, 10);
                if (*end != '\0' || given > bits)
                        return false;
                bits = given;
        }
        out->length = (uint8_t)(ipv4 ? bits + 96 : bits);
        clear_host_bits(&out->address, out->length);
        return true;
}

const char *prefix_text(const struct prefix *p, char text[PREFIX_TEXT_SIZE])
{
        char address[ADDRESS_TEXT_SIZE];
        bool ipv4 = address_is_ipv4(&p->address) && p->length >= 96;
        snprintf(text, PREFIX_TEXT_SIZE, "%s/%u", address_text(&p->address, address), ipv4 ? p->length - 96U : p->length);
        return text;
}

bool address_is_private(const struct address *a)
{
        const uint8_t *b = a->bytes;
        if (!address_is_ipv4(a))
                return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
        b += 12;
        return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
               (b[0] == 100 && (b[1] & 0xc0) == 64) || (b[0] == 169 && b[1] == 254);
}

bool address_is_multicast(const struct address *a)
{
        return address_is_ipv4(a) ? (a->bytes[12] & 0xf0) == 0xe0 : a->bytes[0] == 0xff;
}

bool address_is_broadcast(const struct address *a)
{
        static const uint8_t all[4] = {0xff, 0xff, 0xff, 0xff};
        return address_is_ipv4(a) && memcmp(a->bytes + 12, all, 4) == 0;
}
