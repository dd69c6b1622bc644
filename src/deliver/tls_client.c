#include "deliver/tls_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct tls_client {
        SSL_CTX *context;
};

/* A key with a passphrase would otherwise be asked for on the terminal. */
static int refuse_passphrase(char *text, int size, int is_writing, void *context)
{
        (void)text, (void)size, (void)is_writing, (void)context;
        return -1;
}

static const char *reason_of(unsigned long code)
{
        if (ERR_SYSTEM_ERROR(code))
                return strerror(ERR_GET_REASON(code));
        const char *reason = ERR_reason_error_string(code);
        return reason ? reason : "unknown error";
}

static int file_fault(const char *what, const char *path, char *error, size_t error_size)
{
        unsigned long code = ERR_get_error();
        snprintf(error, error_size, "%s %s: %s", what, path, reason_of(code));
        ERR_clear_error();
        return ERR_SYSTEM_ERROR(code) ? -ERR_GET_REASON(code) : -EINVAL;
}

static int load_files(SSL_CTX *context, const struct tls_client_settings *settings, char *error, size_t error_size)
{
        ERR_clear_error();
        if (settings->ca && SSL_CTX_load_verify_file(context, settings->ca) != 1)
                return file_fault("ca", settings->ca, error, error_size);
        if (!settings->ca && SSL_CTX_set_default_verify_paths(context) != 1)
                return file_fault("ca", "of the system", error, error_size);
        if (!settings->cert)
                return 0;
        if (SSL_CTX_use_certificate_chain_file(context, settings->cert) != 1)
                return file_fault("cert", settings->cert, error, error_size);
        if (SSL_CTX_use_PrivateKey_file(context, settings->key, SSL_FILETYPE_PEM) != 1)
                return file_fault("key", settings->key, error, error_size);
        return 0; /* that they belong together was asked by the call for the key */
}

int tls_client_create(struct tls_client **out, const struct tls_client_settings *settings, char *error, size_t error_size)
{
        *out = NULL;
        if (!settings->cert != !settings->key) {
                snprintf(error, error_size, "cert and key: expected both or none");
                return -EINVAL;
        }
        struct tls_client *client = calloc(1, sizeof *client);
        if (client == NULL || (client->context = SSL_CTX_new(TLS_client_method())) == NULL) {
                snprintf(error, error_size, "TLS: %s", strerror(ENOMEM));
                free(client);
                return -ENOMEM;
        }
        SSL_CTX_set_min_proto_version(client->context, TLS1_2_VERSION);
        SSL_CTX_set_verify(client->context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_default_passwd_cb(client->context, refuse_passphrase);
        int result = load_files(client->context, settings, error, error_size);
        if (result != 0) {
                tls_client_destroy(client);
                return result;
        }
        *out = client;
        return 0;
}

void tls_client_destroy(struct tls_client *client)
{
        if (client == NULL)
                return;
        SSL_CTX_free(client->context);
        free(client);
}

static bool is_address(const char *host)
{
        unsigned char bytes[16];
        return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* Whom the certificate must be for. An address is looked for among the certificate's addresses and not sent as SNI (RFC 6066,
 * 3). */
static bool expect_host(SSL *ssl, const char *host)
{
        if (is_address(host))
                return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
        char name[256];
        size_t length = strlen(host);
        if (length > 0 && host[length - 1] == '.')
                length--; /* the root's dot is in no certificate */
        if (length == 0 || length >= sizeof name)
                return false;
        memcpy(name, host, length);
        name[length] = '\0';
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct bufferevent *tls_client_bufferevent(struct tls_client *client, struct event_base *base, const char *host)
{
        if (client == NULL)
                return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
        SSL *ssl = SSL_new(client->context);
        if (ssl == NULL || !expect_host(ssl, host)) {
                SSL_free(ssl);
                return NULL;
        }
        struct bufferevent *stream =
                bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
        if (stream == NULL) {
                SSL_free(ssl);
                return NULL;
        }
        /* A server that is killed sends no close_notify; our protocols frame what they send, so a cut is seen all the same.
         */
        bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
        return stream;
}

void tls_client_reason(struct bufferevent *stream, char *text, size_t size)
{
        text[0] = '\0';
        SSL *ssl = bufferevent_openssl_get_ssl(stream);
        if (ssl == NULL)
                return;
        unsigned long first = 0, code;
        while ((code = bufferevent_get_openssl_error(stream)) != 0)
                if (first == 0 && (ERR_GET_LIB(code) != 0 || ERR_SYSTEM_ERROR(code)))
                        first = code; /* libevent adds what SSL_get_error said, which belongs to no library */
        long verified = SSL_get_verify_result(ssl);
        if (verified != X509_V_OK)
                snprintf(text, size, "certificate verify failed: %s", X509_verify_cert_error_string(verified));
        else if (first && ERR_GET_REASON(first) == SSL_R_WRONG_VERSION_NUMBER)
                snprintf(text, size, "TLS: %s (is this a port for TLS?)", reason_of(first));
        else if (first)
                snprintf(text, size, "TLS: %s", reason_of(first));
}
