#include "dissectors/app/http_message.h"

#include <strings.h>

enum { LONGEST_HEAD = DISSECT_HOLD };

static const char *const method_names[HTTP_METHODS] = {
        "GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE",
        "PROPFIND", "PROPPATCH", "REPORT", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK",
};

const char *http_method_name(enum http_method method)
{
        return method < HTTP_METHODS ? method_names[method] : NULL;
}

static bool is_blank(uint8_t c)
{
        return c == ' ' || c == '\t';
}

static struct cursor trimmed(struct cursor span)
{
        while (span.at < span.end && is_blank(span.at[0]))
                span.at++;
        while (span.at < span.end && is_blank(span.end[-1]))
                span.end--;
        return span;
}

bool http_take_line(struct cursor *cursor, struct cursor *line)
{
        size_t left = cursor_left(cursor);
        const uint8_t *end = left > 0 ? memchr(cursor->at, '\n', left) : NULL;
        if (end == NULL)
                return false;
        *line = cursor_take(cursor, (size_t)(end - cursor->at));
        cursor_skip(cursor, 1);
        if (line->at < line->end && line->end[-1] == '\r')
                line->end--;
        return true;
}

/* What stands in front of `separator`, consumed with it; the whole rest when there is none. */
static struct cursor take_until(struct cursor *span, uint8_t separator)
{
        size_t left = cursor_left(span);
        const uint8_t *at = left > 0 ? memchr(span->at, separator, left) : NULL;
        if (at == NULL)
                return cursor_take(span, left);
        struct cursor head = cursor_take(span, (size_t)(at - span->at));
        cursor_skip(span, 1);
        return head;
}

static bool span_is(const struct cursor *span, const char *text)
{
        size_t length = strlen(text);
        return cursor_left(span) == length && strncasecmp((const char *)span->at, text, length) == 0;
}

static bool span_holds(const struct cursor *span, const char *text)
{
        size_t length = strlen(text);
        for (const uint8_t *at = span->at; (size_t)(span->end - at) >= length; at++)
                if (strncasecmp((const char *)at, text, length) == 0)
                        return true;
        return false;
}

/* Decimal digits, consumed; false when there is none or the number does not fit in 63 bits. */
static bool take_number(struct cursor *span, uint64_t *number)
{
        uint64_t n = 0;
        unsigned digits = 0;
        for (; cursor_left(span) > 0 && span->at[0] >= '0' && span->at[0] <= '9'; digits++) {
                if (n > (INT64_MAX - 9) / 10)
                        return false;
                n = n * 10 + (uint64_t)(cursor_u8(span) - '0');
        }
        *number = n;
        return digits > 0;
}

/* "example.com:80", "[2001:db8::1]:80" */
static struct cursor host_of(struct cursor authority)
{
        if (cursor_peek(&authority) == '[') {
                cursor_skip(&authority, 1);
                return take_until(&authority, ']');
        }
        return take_until(&authority, ':');
}

/* bytes=N-M and bytes=N- of a request; bytes A-B/TOTAL, bytes A-B/ * and bytes * /TOTAL of a response (RFC 9110, 14). */
static void parse_range(struct cursor value, bool is_response, struct http_head *out)
{
        if (cursor_left(&value) < 6 || strncasecmp((const char *)value.at, "bytes", 5) != 0)
                return;
        cursor_skip(&value, 6);
        value = trimmed(value);
        out->has_range = take_number(&value, &out->range_start);
        if (!is_response)
                return;
        take_until(&value, '/');
        out->has_total = take_number(&value, &out->total);
}

/* filename="x", filename=x, filename*=UTF-8''x (RFC 6266); the extended form is kept percent-encoded. */
static void parse_disposition(struct cursor value, struct http_head *out)
{
        while (cursor_left(&value) > 0) {
                struct cursor parameter = trimmed(take_until(&value, ';'));
                struct cursor name = trimmed(take_until(&parameter, '='));
                parameter = trimmed(parameter);
                if (span_is(&name, "filename*")) {
                        take_until(&parameter, '\'');
                        take_until(&parameter, '\'');
                } else if (!span_is(&name, "filename")) {
                        continue;
                }
                if (cursor_peek(&parameter) == '"') {
                        cursor_skip(&parameter, 1);
                        parameter = take_until(&parameter, '"');
                }
                if (cursor_left(&out->file_name) == 0)
                        out->file_name = parameter;
        }
}

static enum dissect_result parse_header(struct cursor line, struct http_head *out)
{
        struct cursor name = trimmed(take_until(&line, ':'));
        struct cursor value = trimmed(line);
        switch (cursor_peek(&name) | 0x20) {
        case 'h':
                if (span_is(&name, "Host") && cursor_left(&out->host) == 0)
                        out->host = host_of(value);
                break;
        case 'u':
                if (span_is(&name, "User-Agent"))
                        out->user_agent = value;
                else if (span_is(&name, "Upgrade"))
                        out->upgrade = true;
                break;
        case 'r':
                if (!out->is_response && span_is(&name, "Range"))
                        parse_range(value, false, out);
                break;
        case 't':
                if (span_is(&name, "Transfer-Encoding"))
                        out->chunked = span_holds(&value, "chunked");
                break;
        case 'c':
                if (span_is(&name, "Content-Length")) {
                        out->has_length = take_number(&value, &out->length);
                        if (!out->has_length)
                                return DISSECT_MALFORMED;
                } else if (span_is(&name, "Content-Encoding")) {
                        out->encoded = !span_is(&value, "identity");
                } else if (span_is(&name, "Content-Type")) {
                        out->content_type = value;
                } else if (out->is_response && span_is(&name, "Content-Range")) {
                        parse_range(value, true, out);
                } else if (span_is(&name, "Content-Disposition")) {
                        parse_disposition(value, out);
                }
                break;
        default:
                break;
        }
        return DISSECT_OK;
}

static bool take_version(struct cursor *span)
{
        if (!cursor_begins(span, "HTTP/1.") || cursor_left(span) < 8 || (span->at[7] != '0' && span->at[7] != '1'))
                return false;
        cursor_skip(span, 8);
        return true;
}

static enum dissect_result parse_status_line(struct cursor line, struct http_head *out)
{
        uint64_t status;
        if (!take_version(&line) || cursor_u8(&line) != ' ' || !take_number(&line, &status) || status < 100 || status > 999)
                return DISSECT_NO_MATCH;
        if (cursor_left(&line) > 0 && cursor_peek(&line) != ' ')
                return DISSECT_NO_MATCH;
        out->is_response = true;
        out->status = (uint16_t)status;
        return DISSECT_OK;
}

static enum http_method method_of(const struct cursor *word)
{
        for (unsigned i = 0; i < HTTP_METHODS; i++)
                if (cursor_left(word) == strlen(method_names[i]) && cursor_begins(word, method_names[i]))
                        return i;
        return HTTP_METHODS;
}

/* Absolute form: the authority goes before Host (RFC 9112, 3.2.2). CONNECT has nothing but an authority. */
static void split_target(struct http_head *out)
{
        struct cursor target = out->target;
        if (out->method == HTTP_CONNECT) {
                out->host = host_of(target);
                return;
        }
        if (cursor_left(&target) < 7 || strncasecmp((const char *)target.at, "http://", 7) != 0)
                return;
        cursor_skip(&target, 7);
        const uint8_t *slash = cursor_left(&target) > 0 ? memchr(target.at, '/', cursor_left(&target)) : NULL;
        size_t length = slash ? (size_t)(slash - target.at) : cursor_left(&target);
        out->host = host_of(cursor_take(&target, length));
        out->target = target;
        out->proxied = true;
}

static enum dissect_result parse_request_line(struct cursor line, struct http_head *out)
{
        struct cursor word = take_until(&line, ' ');
        out->method = method_of(&word);
        if (out->method == HTTP_METHODS)
                return DISSECT_NO_MATCH;
        const uint8_t *end = line.end; /* a target may hold blanks, wrongly: the version is the last word */
        while (end > line.at && end[-1] != ' ')
                end--;
        if (end <= line.at + 1)
                return DISSECT_NO_MATCH;
        struct cursor version = cursor_of(end, (size_t)(line.end - end));
        if (!take_version(&version) || cursor_left(&version) > 0)
                return DISSECT_NO_MATCH;
        out->target = cursor_of(line.at, (size_t)(end - 1 - line.at));
        split_target(out);
        return DISSECT_OK;
}

static enum dissect_result parse_first_line(struct cursor line, struct http_head *out)
{
        return cursor_peek(&line) == 'H' && cursor_begins(&line, "HTTP/") ? parse_status_line(line, out)
                                                                          : parse_request_line(line, out);
}

enum dissect_result http_parse_head(struct cursor *cursor, struct http_head *out)
{
        struct cursor at = *cursor, line;
        *out = (struct http_head){.method = HTTP_METHODS};
        do {
                if (!http_take_line(&at, &line))
                        return cursor_left(cursor) >= LONGEST_HEAD ? DISSECT_MALFORMED : DISSECT_TRUNCATED;
        } while (cursor_left(&line) == 0);
        enum dissect_result result = parse_first_line(line, out);
        if (result != DISSECT_OK)
                return result;
        while (http_take_line(&at, &line)) {
                if (cursor_left(&line) == 0) {
                        *cursor = at;
                        return DISSECT_OK;
                }
                result = parse_header(line, out);
                if (result != DISSECT_OK)
                        return result;
        }
        return cursor_left(cursor) >= LONGEST_HEAD ? DISSECT_MALFORMED : DISSECT_TRUNCATED;
}

/* Could more bytes make this the start of a first line? */
static bool may_begin(const struct cursor *cursor)
{
        size_t left = cursor_left(cursor);
        if (left == 0 || strncmp("HTTP/1.", (const char *)cursor->at, left < 7 ? left : 7) == 0)
                return true;
        for (unsigned i = 0; i < HTTP_METHODS; i++) {
                size_t length = strlen(method_names[i]);
                if (memcmp(method_names[i], cursor->at, left < length ? left : length) == 0 &&
                    (left <= length || cursor->at[length] == ' '))
                        return true;
        }
        return false;
}

enum dissect_result http_check_first_line(const struct cursor *cursor)
{
        struct cursor at = *cursor, line;
        struct http_head head = {.method = HTTP_METHODS};
        if (cursor_left(&at) == 0 || at.at[0] < 'C' || at.at[0] > 'U' || !may_begin(&at))
                return DISSECT_NO_MATCH;
        if (http_take_line(&at, &line))
                return parse_first_line(line, &head);
        return cursor_left(cursor) >= LONGEST_HEAD ? DISSECT_NO_MATCH : DISSECT_TRUNCATED;
}

enum dissect_result http_parse_chunk_size(struct cursor *cursor, uint64_t *size)
{
        struct cursor at = *cursor, line;
        if (!http_take_line(&at, &line))
                return cursor_left(cursor) > 1024 ? DISSECT_MALFORMED : DISSECT_TRUNCATED;
        unsigned digits = 0;
        uint64_t n = 0;
        for (; cursor_left(&line) > 0 && digits < 15; digits++) {
                uint8_t c = cursor_peek(&line);
                uint8_t low = c | 0x20;
                if (c >= '0' && c <= '9')
                        n = n << 4 | (uint64_t)(c - '0');
                else if (low >= 'a' && low <= 'f')
                        n = n << 4 | (uint64_t)(low - 'a' + 10);
                else
                        break;
                cursor_skip(&line, 1);
        }
        line = trimmed(line);
        if (digits == 0 || (cursor_left(&line) > 0 && cursor_peek(&line) != ';'))
                return DISSECT_MALFORMED;
        *size = n;
        *cursor = at;
        return DISSECT_OK;
}
