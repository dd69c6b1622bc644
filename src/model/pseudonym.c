#include "model/pseudonym.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/log.h"
#include "base/text.h"

enum { KEY_LEAST = 16, KEY_MOST = 4096, DIGEST_LENGTH = 32, SHOWN = 8, CHECK_BYTES = 4 };

static const char mark[] = "hmac:";

struct pseudonym_key {
        EVP_MAC_CTX *mac; /* keyed; begins anew for each pseudonym */
};

static EVP_MAC_CTX *keyed_mac(const unsigned char *key, size_t length)
{
        char digest[] = "SHA256";
        const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                         OSSL_PARAM_construct_end()};
        EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
        EVP_MAC_CTX *mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
        EVP_MAC_free(hmac);
        if (mac != NULL && EVP_MAC_init(mac, key, length, parameters) == 1)
                return mac;
        EVP_MAC_CTX_free(mac);
        return NULL;
}

/* The bytes of the file, at most `size`; negative errno. */
static ssize_t read_key(const char *path, unsigned char *bytes, size_t size)
{
        struct stat status;
        size_t length = 0;
        ssize_t count = 0;
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0)
                return -errno;
        if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & (S_IRGRP | S_IROTH)) != 0)
                log_warning("%s: the key of the pseudonyms may be read by others (mode %04o); expected 0600 or 0400", path,
                            (unsigned)status.st_mode & 07777);
        while (length < size && ((count = read(file, bytes + length, size - length)) > 0 || (count < 0 && errno == EINTR)))
                length += count > 0 ? (size_t)count : 0;
        int error = errno;
        close(file);
        return count < 0 ? -error : (ssize_t)length;
}

struct pseudonym_key *pseudonym_key_load(const char *path, char *error, size_t size)
{
        unsigned char bytes[KEY_MOST + 1];
        struct pseudonym_key *key = NULL;
        ssize_t length = read_key(path, bytes, sizeof bytes);
        if (length < 0) {
                snprintf(error, size, "%s: %s", path, strerror((int)-length));
                return NULL;
        }
        if (length > KEY_MOST) {
                snprintf(error, size, "%s: expected a key of at most %d bytes", path, KEY_MOST);
                length = 0;
        } else {
                if (length > 0 && bytes[length - 1] == '\n')
                        length--;
                if (length > 0 && bytes[length - 1] == '\r')
                        length--;
                if (length < KEY_LEAST)
                        snprintf(error, size, "%s: a key of %zd bytes; expected at least %d", path, length, KEY_LEAST);
        }
        if (length >= KEY_LEAST) {
                key = calloc(1, sizeof *key);
                if (key != NULL && (key->mac = keyed_mac(bytes, (size_t)length)) == NULL) {
                        free(key);
                        key = NULL;
                }
                if (key == NULL)
                        snprintf(error, size, "%s: no memory, or no HMAC in this OpenSSL", path);
        }
        OPENSSL_cleanse(bytes, sizeof bytes);
        return key;
}

void pseudonym_key_destroy(struct pseudonym_key *key)
{
        if (key == NULL)
                return;
        EVP_MAC_CTX_free(key->mac);
        free(key);
}

static bool digest_of(struct pseudonym_key *key, const char *purpose, const char *value, size_t length,
                      unsigned char digest[DIGEST_LENGTH])
{
        size_t written = 0;
        return EVP_MAC_init(key->mac, NULL, 0, NULL) == 1 &&
               EVP_MAC_update(key->mac, (const unsigned char *)purpose, strlen(purpose)) == 1 &&
               EVP_MAC_update(key->mac, (const unsigned char *)value, length) == 1 &&
               EVP_MAC_final(key->mac, digest, &written, DIGEST_LENGTH) == 1 && written == DIGEST_LENGTH;
}

bool pseudonym_key_id(struct pseudonym_key *key, const char *id, char out[KEYED_ID_DIGITS + 1])
{
        unsigned char digest[DIGEST_LENGTH];
        char check[2 * CHECK_BYTES + 1];
        enum { BODY = KEYED_ID_DIGITS - 2 * CHECK_BYTES };
        memcpy(out, id, KEYED_ID_DIGITS);
        out[KEYED_ID_DIGITS] = '\0';
        if (!digest_of(key, "id check:", out, BODY, digest))
                return false;
        text_hex(digest, CHECK_BYTES, check);
        if (memcmp(check, out + BODY, sizeof check - 1) == 0)
                return true;
        if (!digest_of(key, "id:", id, KEYED_ID_DIGITS, digest))
                return false;
        text_hex(digest, BODY / 2, out);
        if (!digest_of(key, "id check:", out, BODY, digest))
                return false;
        text_hex(digest, CHECK_BYTES, out + BODY);
        return true;
}

size_t pseudonym_write(struct pseudonym_key *key, const char *value, size_t length, bool keep_tac, char out[PSEUDONYM_SIZE])
{
        unsigned char digest[DIGEST_LENGTH];
        size_t at = 0;
        if (keep_tac)
                length = PSEUDONYM_MODULE;
        if (!digest_of(key, "", value, length, digest))
                return 0;
        if (keep_tac) {
                memcpy(out, value, PSEUDONYM_TAC);
                out[PSEUDONYM_TAC] = ':';
                at = PSEUDONYM_TAC + 1;
        }
        memcpy(out + at, mark, sizeof mark - 1);
        at += sizeof mark - 1;
        text_hex(digest, SHOWN, out + at);
        return at + 2 * SHOWN;
}

size_t pseudonym_length(const char *text)
{
        size_t tac = strspn(text, "0123456789");
        size_t front = tac == PSEUDONYM_TAC && text[tac] == ':' ? tac + 1 : 0;
        if (strncmp(text + front, mark, sizeof mark - 1) != 0)
                return 0;
        const char *hex = text + front + sizeof mark - 1;
        size_t digits = 0;
        while (digits < 2 * SHOWN && hex[digits] != '\0' && strchr("0123456789abcdef", hex[digits]) != NULL)
                digits++;
        return digits == 2 * SHOWN ? front + sizeof mark - 1 + digits : 0;
}

bool digits_look_like_imei(const char *digits, size_t length)
{
        static const char *const bodies[] = {"01", "35", "86", "91", "98", "99"};
        bool known = false;
        if (length < 14 || length > 16)
                return false;
        for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
                known |= memcmp(digits, bodies[i], 2) == 0;
        if (!known || length != 15)
                return known;
        return digits[14] == '0' || text_luhn_fits(digits, length);
}
