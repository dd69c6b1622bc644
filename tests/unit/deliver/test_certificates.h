/* Authorities and certificates for one run of a test, as PEM files in a folder. */
#pragma once

struct test_certificates {
        char ca[128], other_ca[128];                     /* the second has signed nothing */
        char server_cert[128], server_key[128];          /* for localhost and 127.0.0.1 */
        char elsewhere_cert[128];                        /* the same key, for elsewhere.example and 192.0.2.1 */
        char client_cert[128], client_key[128];
};

void test_certificates_make(struct test_certificates *out, const char *folder); /* a failure ends the test */
