#include "tests/unit/deliver/test_certificates.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/unit/test.h"

struct authority {
        EVP_PKEY *key;
        X509 *certificate;
};

static void add_extension(X509 *certificate, int nid, const char *value)
{
        X509V3_CTX context;
        X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        assert_non_null(extension);
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
}

/* Signed by the authority, or by itself. `names` as in subjectAltName; NULL: an authority. */
static X509 *make_certificate(EVP_PKEY *key, const struct authority *authority, const char *common_name, const char *names)
{
        static long serial = 1;
        X509 *certificate = X509_new();
        assert_non_null(certificate);
        X509_set_version(certificate, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
        X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
        X509_NAME *name = X509_get_subject_name(certificate);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1, -1, 0);
        X509_set_issuer_name(certificate, authority ? X509_get_subject_name(authority->certificate) : name);
        X509_set_pubkey(certificate, key);
        if (names)
                add_extension(certificate, NID_subject_alt_name, names);
        else
                add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
        assert_true(X509_sign(certificate, authority ? authority->key : key, EVP_sha256()) > 0);
        return certificate;
}

static void write_certificate(char *path, const char *folder, const char *name, X509 *certificate)
{
        snprintf(path, 128, "%s/%s", folder, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(PEM_write_X509(file, certificate), 1);
        assert_int_equal(fclose(file), 0);
}

static void write_key(char *path, const char *folder, const char *name, EVP_PKEY *key)
{
        snprintf(path, 128, "%s/%s", folder, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
        assert_int_equal(fclose(file), 0);
}

void test_certificates_make(struct test_certificates *out, const char *folder)
{
        struct authority authority = {.key = EVP_EC_gen("P-256")};
        EVP_PKEY *other = EVP_EC_gen("P-256"), *server = EVP_EC_gen("P-256"), *client = EVP_EC_gen("P-256");
        authority.certificate = make_certificate(authority.key, NULL, "apnwatch test authority", NULL);
        X509 *other_ca = make_certificate(other, NULL, "another authority", NULL);
        X509 *here = make_certificate(server, &authority, "redis", "DNS:localhost,IP:127.0.0.1");
        X509 *elsewhere = make_certificate(server, &authority, "localhost", "DNS:elsewhere.example,IP:192.0.2.1");
        X509 *own = make_certificate(client, &authority, "sensor", "DNS:sensor.example");
        write_certificate(out->ca, folder, "ca.pem", authority.certificate);
        write_certificate(out->other_ca, folder, "other-ca.pem", other_ca);
        write_certificate(out->server_cert, folder, "server.pem", here);
        write_certificate(out->elsewhere_cert, folder, "elsewhere.pem", elsewhere);
        write_certificate(out->client_cert, folder, "client.pem", own);
        write_key(out->server_key, folder, "server.key", server);
        write_key(out->client_key, folder, "client.key", client);
        X509 *certificates[] = {authority.certificate, other_ca, here, elsewhere, own};
        EVP_PKEY *keys[] = {authority.key, other, server, client};
        for (unsigned i = 0; i < sizeof certificates / sizeof *certificates; i++)
                X509_free(certificates[i]);
        for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
                EVP_PKEY_free(keys[i]);
}
