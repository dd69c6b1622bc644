/* Left out: percent escapes (no path here has any), folded lines (RFC 9112, 5.2: obsolete, refused), trailers, bodies. */
#include "deliver/http_request.h"

#include <strings.h>

/* Up to the line feed, without it and a carriage return before it. False: there is none. */
static bool take_line(struct cursor *cursor, struct cursor *line)
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

/* What stands in front of `separator`, which is consumed too. False: it is not there. */
static bool take_until(struct cursor *span, uint8_t separator, struct cursor *out)
{
        size_t left = cursor_left(span);
        const uint8_t *at = left > 0 ? memchr(span->at, separator, left) : NULL;
        if (at == NULL)
                return false;
        *out = cursor_take(span, (size_t)(at - span->at));
        cursor_skip(span, 1);
        return true;
}

static bool span_is(const struct cursor *span, const char *text)
{
        size_t length = strlen(text);
        return cursor_left(span) == length && strncasecmp((const char *)span->at, text, length) == 0;
}

/* RFC 9110, 5.6.2 */
static bool is_token(const struct cursor *span)
{
        for (const uint8_t *at = span->at; at < span->end; at++)
                if (*at <= 0x20 || *at >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", *at) != NULL)
                        return false;
        return cursor_left(span) > 0;
}

static bool has_control(const struct cursor *span)
{
        for (const uint8_t *at = span->at; at < span->end; at++)
                if ((*at < 0x20 && *at != '\t') || *at == 0x7f)
                        return true;
        return false;
}

/* origin-form or absolute-form (3.2.1, 3.2.2) */
static void read_path(struct cursor target, struct http_request *out)
{
        static const char scheme[] = "http://";
        if (cursor_left(&target) >= sizeof scheme - 1 && strncasecmp((const char *)target.at, scheme, sizeof scheme - 1) == 0) {
                cursor_skip(&target, sizeof scheme - 1);
                while (target.at < target.end && target.at[0] != '/')
                        target.at++;
        }
        size_t length = cursor_left(&target);
        const uint8_t *query = length > 0 ? memchr(target.at, '?', length) : NULL;
        if (query != NULL)
                length = (size_t)(query - target.at);
        if (length == 0 || length >= sizeof out->path || target.at[0] != '/')
                return;
        memcpy(out->path, target.at, length);
        out->path[length] = '\0';
}

static enum http_request_result read_request_line(struct cursor line, struct http_request *out, bool *needs_host)
{
        struct cursor method, target;
        if (has_control(&line) || !take_until(&line, ' ', &method) || !take_until(&line, ' ', &target) || !is_token(&method) ||
            cursor_left(&target) == 0)
                return HTTP_REQUEST_MALFORMED;
        if (cursor_left(&line) != 8 || !cursor_begins(&line, "HTTP/"))
                return HTTP_REQUEST_MALFORMED;
        *needs_host = cursor_begins(&line, "HTTP/1.1");
        if (!*needs_host && !cursor_begins(&line, "HTTP/1.0"))
                return HTTP_REQUEST_OTHER_VERSION;
        /* Methods are case-sensitive (RFC 9110, 9.1). */
        out->is_get = cursor_left(&method) == 3 && cursor_begins(&method, "GET");
        out->is_head = cursor_left(&method) == 4 && cursor_begins(&method, "HEAD");
        read_path(target, out);
        return HTTP_REQUEST_WHOLE;
}

static bool read_field(struct cursor line, struct http_request *out, unsigned *hosts)
{
        struct cursor name;
        if (has_control(&line) || !take_until(&line, ':', &name) || !is_token(&name))
                return false;
        while (line.at < line.end && (line.at[0] == ' ' || line.at[0] == '\t'))
                line.at++;
        if (span_is(&name, "Host"))
                ++*hosts;
        if (span_is(&name, "Transfer-Encoding") || (span_is(&name, "Content-Length") && !span_is(&line, "0")))
                out->has_body = true;
        return true;
}

enum http_request_result http_request_parse(struct cursor *bytes, struct http_request *out)
{
        struct cursor rest = *bytes, line = {0};
        bool needs_host = false;
        unsigned hosts = 0;
        memset(out, 0, sizeof *out);
        do { /* empty lines in front are passed over (2.2) */
                if (!take_line(&rest, &line))
                        return HTTP_REQUEST_INCOMPLETE;
        } while (cursor_left(&line) == 0);

        enum http_request_result result = read_request_line(line, out, &needs_host);
        while (result == HTTP_REQUEST_WHOLE) {
                if (!take_line(&rest, &line))
                        return HTTP_REQUEST_INCOMPLETE;
                if (cursor_left(&line) == 0)
                        break;
                if (!read_field(line, out, &hosts))
                        result = HTTP_REQUEST_MALFORMED;
        }
        if (result == HTTP_REQUEST_WHOLE && (hosts > 1 || (needs_host && hosts == 0)))
                result = HTTP_REQUEST_MALFORMED; /* RFC 9112, 3.2 */
        *bytes = rest;
        return result;
}
