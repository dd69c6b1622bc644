#include "deliver/url.h"

#include <errno.h>
#include <event2/http.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct scheme {
        const char *name;
        bool tls, has_path;
        uint16_t port;
} schemes[] = {
        {"http", false, true, 80},
        {"https", true, true, 443},
        {"syslog", false, false, 601},       /* RFC 3195's syslog-conn: what TCP receivers listen on besides 514 */
        {"syslog+tls", true, false, 6514},   /* RFC 5425, 4.1 */
        {"syslogs", true, false, 6514},
};

static const struct scheme *find_scheme(const char *name)
{
        for (size_t i = 0; name != NULL && i < sizeof schemes / sizeof *schemes; i++)
                if (strcasecmp(schemes[i].name, name) == 0)
                        return &schemes[i];
        return NULL;
}

static bool is_plain(const char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
                        return false;
        return true;
}

static bool take_host(struct url *out, const char *host)
{
        size_t length = host ? strlen(host) : 0;
        if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
                host++;
                length -= 2;
        }
        if (length == 0 || length >= sizeof out->host)
                return false;
        memcpy(out->host, host, length);
        out->host[length] = '\0';
        return true;
}

static bool take_path(struct url *out, const struct scheme *scheme, const struct evhttp_uri *uri)
{
        const char *path = evhttp_uri_get_path(uri), *query = evhttp_uri_get_query(uri);
        bool has_path = path != NULL && path[0] != '\0';
        out->path[0] = '\0';
        if (!scheme->has_path)
                return (!has_path || strcmp(path, "/") == 0) && query == NULL && evhttp_uri_get_fragment(uri) == NULL;
        int length = snprintf(out->path, sizeof out->path, "%s%s%s", has_path ? path : "/", query ? "?" : "", query ? query : "");
        return length > 0 && (size_t)length < sizeof out->path;
}

/* What is wrong with it; NULL: nothing. */
static const char *take_parts(struct url *out, const struct evhttp_uri *uri)
{
        if (uri == NULL)
                return "is no URL";
        const struct scheme *scheme = find_scheme(evhttp_uri_get_scheme(uri));
        if (scheme == NULL)
                return "expected http:// or https://";
        if (evhttp_uri_get_userinfo(uri) != NULL)
                return "has credentials in it: they come from a file that the configuration names";
        if (!take_host(out, evhttp_uri_get_host(uri)))
                return "a host is missing, or too long";
        int port = evhttp_uri_get_port(uri);
        if (port == 0 || port > 65535)
                return "the port is 1 to 65535";
        out->tls = scheme->tls;
        out->port = port < 0 ? scheme->port : (uint16_t)port;
        if (!take_path(out, scheme, uri))
                return scheme->has_path ? "the path is too long" : "nothing may follow host and port";
        return NULL;
}

int url_parse(struct url *out, const char *given, char *error, size_t error_size)
{
        memset(out, 0, sizeof *out);
        struct evhttp_uri *uri = is_plain(given) ? evhttp_uri_parse(given) : NULL;
        const char *wrong = take_parts(out, uri);
        if (uri != NULL)
                evhttp_uri_free(uri);
        if (wrong == NULL)
                return 0;
        snprintf(error, error_size, "%s", wrong); /* without what was given: there may be a password in it */
        return -EINVAL;
}

void url_authority(const struct url *url, char *text, size_t size)
{
        bool is_v6 = strchr(url->host, ':') != NULL, is_http = url->path[0] != '\0';
        int length = snprintf(text, size, "%s%s%s", is_v6 ? "[" : "", url->host, is_v6 ? "]" : "");
        if (is_http && url->port == (url->tls ? 443 : 80))
                return;
        if (length > 0 && (size_t)length < size)
                snprintf(text + length, size - (size_t)length, ":%u", url->port);
}
