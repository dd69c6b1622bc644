#include "dissectors/app/coap_message.h"

enum {
        OPTION_URI_HOST = 3, OPTION_OBSERVE = 6, OPTION_URI_PATH = 11, OPTION_CONTENT_FORMAT = 12, OPTION_URI_QUERY = 15,
        OPTION_BLOCK2 = 23, OPTION_BLOCK1 = 27
};

/* Options and the lengths that their values may have. */
static const struct {
        uint16_t number, least, most;
} options[] = {
        {1, 0, 8},        /* If-Match */
        {3, 1, 255},      /* Uri-Host */
        {4, 1, 8},        /* ETag */
        {5, 0, 0},        /* If-None-Match */
        {6, 0, 3},        /* Observe */
        {7, 0, 2},        /* Uri-Port */
        {8, 0, 255},      /* Location-Path */
        {9, 0, 255},      /* OSCORE */
        {11, 0, 255},     /* Uri-Path */
        {12, 0, 2},       /* Content-Format */
        {14, 0, 4},       /* Max-Age */
        {15, 0, 255},     /* Uri-Query */
        {16, 1, 1},       /* Hop-Limit */
        {17, 0, 2},       /* Accept */
        {19, 0, 3},       /* Q-Block1 */
        {20, 0, 255},     /* Location-Query */
        {23, 0, 3},       /* Block2 */
        {27, 0, 3},       /* Block1 */
        {28, 0, 4},       /* Size2 */
        {31, 0, 3},       /* Q-Block2 */
        {35, 1, 1034},    /* Proxy-Uri */
        {39, 1, 255},     /* Proxy-Scheme */
        {60, 0, 4},       /* Size1 */
        {252, 1, 40},     /* Echo */
        {258, 0, 1},      /* No-Response */
        {292, 0, 8},      /* Request-Tag */
        {2048, 0, 255},   /* of vendors, in wide use: Eclipse, Leshan */
        {2049, 0, 255},
        {2053, 0, 255},
};

static bool code_is_known(uint8_t code)
{
        uint8_t detail = code & 0x1f;
        switch (code >> 5) {
        case 0:
                return detail <= 7;
        case 2:
                return (detail >= 1 && detail <= 5) || detail == 31;
        case 4:
                return detail <= 6 || detail == 8 || detail == 9 || detail == 12 || detail == 13 || detail == 15 || detail == 22 ||
                       detail == 29;
        case 5:
                return detail <= 5 || detail == 8;
        default:
                return false;
        }
}

static bool option_is_possible(uint32_t number, size_t length)
{
        for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++)
                if (options[i].number == number)
                        return length >= options[i].least && length <= options[i].most;
        return false;
}

/* A nibble of an option's head: 13 and 14 extend it, 15 is reserved (RFC 7252, 3.1). */
static uint32_t extended(struct cursor *at, unsigned nibble)
{
        if (nibble == 13)
                return 13U + cursor_u8(at);
        if (nibble == 14)
                return 269U + cursor_be16(at);
        return nibble;
}

static bool is_text(const struct cursor *value)
{
        for (const uint8_t *at = value->at; at < value->end; at++)
                if (*at < 0x20 || *at == 0x7f)
                        return false;
        return true;
}

/* The last four bits say its size and whether more come (RFC 7959, 2.2). */
static uint32_t block_number(struct cursor value)
{
        uint32_t number = 0;
        while (cursor_left(&value) > 0)
                number = number << 8 | cursor_u8(&value);
        return number >> 4;
}

static bool keep_option(struct coap_message *out, uint32_t number, struct cursor value)
{
        switch (number) {
        case OPTION_URI_HOST:
                out->host = value;
                return is_text(&value);
        case OPTION_URI_PATH:
                if (out->path_count < COAP_PATHS)
                        out->path[out->path_count++] = value;
                return is_text(&value);
        case OPTION_URI_QUERY:
                if (out->query_count < COAP_QUERIES)
                        out->query[out->query_count++] = value;
                return is_text(&value);
        case OPTION_CONTENT_FORMAT:
                out->has_format = true;
                out->format = cursor_left(&value) == 2 ? cursor_be16(&value) : cursor_left(&value) == 1 ? cursor_u8(&value) : 0;
                return true;
        case OPTION_OBSERVE:
                out->observe = true;
                return true;
        case OPTION_BLOCK1:
                out->has_block1 = true;
                out->block1 = block_number(value);
                return true;
        case OPTION_BLOCK2:
                out->has_block2 = true;
                out->block2 = block_number(value);
                return true;
        default:
                return true;
        }
}

static enum dissect_result parse_options(struct cursor *at, struct coap_message *out)
{
        uint32_t number = 0;
        while (cursor_left(at) > 0) {
                uint8_t head = cursor_u8(at);
                if (head == 0xff) {
                        out->payload = cursor_of(at->at, cursor_left(at));
                        cursor_skip(at, cursor_left(at));
                        return cursor_left(&out->payload) > 0 ? DISSECT_OK : DISSECT_MALFORMED;
                }
                if (head >> 4 == 15 || (head & 15) == 15)
                        return DISSECT_NO_MATCH;
                number += extended(at, head >> 4);
                size_t length = extended(at, head & 15);
                if (at->short_read)
                        return DISSECT_TRUNCATED;
                if (!option_is_possible(number, length))
                        return DISSECT_NO_MATCH;
                struct cursor value = cursor_take(at, length);
                if (at->short_read)
                        return DISSECT_TRUNCATED;
                if (!keep_option(out, number, value))
                        return DISSECT_NO_MATCH;
        }
        return DISSECT_OK;
}

enum dissect_result coap_parse(struct cursor *cursor, struct coap_message *out)
{
        struct cursor at = *cursor;
        uint8_t first = cursor_u8(&at);
        *out = (struct coap_message){.type = first >> 4 & 3, .code = cursor_u8(&at), .id = cursor_be16(&at)};
        if (cursor_left(cursor) > 0 && (first >> 6 != 1 || (first & 15) > 8))
                return DISSECT_NO_MATCH;
        if (cursor_left(cursor) > 1 && !code_is_known(out->code))
                return DISSECT_NO_MATCH;
        if (coap_is_request(out) && out->type > COAP_NON) /* an answer of the messaging layer asks nothing */
                return DISSECT_NO_MATCH;
        out->token = cursor_take(&at, first & 15);
        if (at.short_read)
                return DISSECT_TRUNCATED;
        if (out->code == 0 && (cursor_left(&at) > 0 || cursor_left(&out->token) > 0 || out->type == COAP_NON))
                return DISSECT_NO_MATCH;
        if (out->code != 0 && out->type == COAP_RST)
                return DISSECT_NO_MATCH;
        enum dissect_result result = parse_options(&at, out);
        if (result == DISSECT_OK)
                *cursor = at;
        return result;
}
