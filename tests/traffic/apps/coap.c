/* CoAP, RFC 7252. */
#include <string.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"

enum { OPTION_URI_PATH = 11, OPTION_CONTENT_FORMAT = 12 };

static void put_option(struct bytes *b, unsigned delta, const void *value, size_t length)
{
        bytes_u8(b, (uint8_t)(delta << 4 | (length < 13 ? length : 13)));
        if (length >= 13)
                bytes_u8(b, (uint8_t)(length - 13));
        bytes_put(b, value, length);
}

static void put_path(struct bytes *b, const char *path, unsigned content_format)
{
        unsigned last = 0;
        while (*path != '\0') {
                size_t segment = strcspn(path, "/");
                put_option(b, OPTION_URI_PATH - last, path, segment);
                last = OPTION_URI_PATH;
                path += segment + (path[segment] == '/');
        }
        uint8_t format = (uint8_t)content_format;
        put_option(b, OPTION_CONTENT_FORMAT - last, &format, content_format > 0 ? 1 : 0);
}

void coap_post(struct conversation *c, const char *path, unsigned content_format, const void *payload, size_t length)
{
        struct bytes *b = &c->traffic->scratch;
        uint32_t chance = random_u32(&c->traffic->random);
        bytes_clear(b);
        bytes_be16(b, 0x4202); /* confirmable, token of two bytes, POST */
        bytes_be16(b, (uint16_t)chance);
        bytes_be16(b, (uint16_t)(chance >> 16));
        put_path(b, path, content_format);
        bytes_u8(b, 0xff);
        bytes_put(b, payload, length);
        conversation_send(c, UP, b->data, b->length);
        tell_label(c, &(struct label_fact){.label = "COAP", .visibility = FACT_READABLE});
        bytes_clear(b);
        bytes_be16(b, 0x6244); /* acknowledgement, 2.04 */
        bytes_be16(b, (uint16_t)chance);
        bytes_be16(b, (uint16_t)(chance >> 16));
        conversation_send(c, DOWN, b->data, b->length);
}
