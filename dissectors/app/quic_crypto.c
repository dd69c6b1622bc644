/* Initial packets are protected with keys that anybody on the path can derive (RFC 9001, 5.2). A device's first packet
 * costs a few microseconds here, so nothing is fetched or allocated for it: one set of OpenSSL contexts a process, made at
 * first use (a process that parses has one thread), and HKDF written out with HMAC. */
#include "dissectors/app/quic.h"
#include "dissectors/app/quic_version.h"

#include <openssl/evp.h>

enum { HASH_LENGTH = 32, BLOCK_LENGTH = 64, SALT_LENGTH = 20, SAMPLE_LENGTH = 16, NUMBER_MAX = 4 };

static struct {
        bool tried, ready;
        EVP_MD *sha256;
        EVP_MD_CTX *hash;
        EVP_CIPHER_CTX *header, *payload; /* AES-128-ECB, AES-128-GCM */
} crypto;

static bool crypto_is_ready(void)
{
        if (crypto.tried)
                return crypto.ready;
        crypto.tried = true;
        crypto.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        crypto.hash = EVP_MD_CTX_new();
        crypto.header = EVP_CIPHER_CTX_new();
        crypto.payload = EVP_CIPHER_CTX_new();
        EVP_CIPHER *ecb = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
        EVP_CIPHER *gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
        crypto.ready = crypto.sha256 && crypto.hash && crypto.header && crypto.payload && ecb && gcm &&
                       EVP_EncryptInit_ex2(crypto.header, ecb, NULL, NULL, NULL) == 1 &&
                       EVP_DecryptInit_ex2(crypto.payload, gcm, NULL, NULL, NULL) == 1;
        EVP_CIPHER_free(ecb); /* the contexts hold them */
        EVP_CIPHER_free(gcm);
        return crypto.ready;
}

static bool hash_block(const uint8_t *block, const uint8_t *data, size_t length, uint8_t out[HASH_LENGTH])
{
        return EVP_DigestInit_ex2(crypto.hash, crypto.sha256, NULL) == 1 &&
               EVP_DigestUpdate(crypto.hash, block, BLOCK_LENGTH) == 1 && EVP_DigestUpdate(crypto.hash, data, length) == 1 &&
               EVP_DigestFinal_ex(crypto.hash, out, NULL) == 1;
}

/* HMAC-SHA-256, RFC 2104; no key here is longer than a block. */
static bool authenticate(const uint8_t *key, size_t key_length, const uint8_t *data, size_t length, uint8_t out[HASH_LENGTH])
{
        uint8_t inner[BLOCK_LENGTH], outer[BLOCK_LENGTH];
        for (size_t i = 0; i < BLOCK_LENGTH; i++) {
                uint8_t byte = i < key_length ? key[i] : 0;
                inner[i] = byte ^ 0x36;
                outer[i] = byte ^ 0x5c;
        }
        return hash_block(inner, data, length, out) && hash_block(outer, out, HASH_LENGTH, out);
}

/* HKDF-Expand-Label, RFC 8446, 7.1, with an empty context and one block of output. */
static bool expand_label(const uint8_t secret[HASH_LENGTH], const char *label, uint8_t *out, size_t out_length)
{
        uint8_t info[64], block[HASH_LENGTH];
        size_t label_length = strlen(label), used = 0;
        info[used++] = 0;
        info[used++] = (uint8_t)out_length;
        info[used++] = (uint8_t)(6 + label_length);
        memcpy(info + used, "tls13 ", 6);
        used += 6;
        memcpy(info + used, label, label_length);
        used += label_length;
        info[used++] = 0;
        info[used++] = 1; /* RFC 5869: number of the block */
        if (!authenticate(secret, HASH_LENGTH, info, used, block))
                return false;
        memcpy(out, block, out_length);
        return true;
}

bool quic_derive_client_keys(uint32_t version, const uint8_t *id, size_t id_length, struct quic_keys *keys)
{
        const struct quic_version *row = quic_version_find(version);
        uint8_t initial[HASH_LENGTH], client[HASH_LENGTH];
        return row && crypto_is_ready() && authenticate(row->salt, SALT_LENGTH, id, id_length, initial) &&
               expand_label(initial, "client in", client, sizeof client) &&
               expand_label(client, row->key_label, keys->key, sizeof keys->key) &&
               expand_label(client, row->iv_label, keys->iv, sizeof keys->iv) &&
               expand_label(client, row->header_label, keys->header, sizeof keys->header);
}

/* RFC 9001, 5.4: the mask is the encrypted sample that begins four bytes behind the begin of the packet number. */
static bool open_header(const struct quic_keys *keys, const struct quic_packet *packet, uint8_t *first,
                        uint8_t number[NUMBER_MAX], size_t *number_length)
{
        uint8_t mask[SAMPLE_LENGTH];
        int written;
        const uint8_t *protected_number = packet->bytes + packet->number_offset;
        if (EVP_EncryptInit_ex2(crypto.header, NULL, keys->header, NULL, NULL) != 1 ||
            EVP_EncryptUpdate(crypto.header, mask, &written, protected_number + NUMBER_MAX, SAMPLE_LENGTH) != 1)
                return false;
        *first = packet->bytes[0] ^ (mask[0] & 0x0f);
        *number_length = (*first & 3) + 1U;
        for (size_t i = 0; i < *number_length; i++)
                number[i] = protected_number[i] ^ mask[1 + i];
        return true;
}

static bool add_header(const struct quic_packet *packet, uint8_t first, const uint8_t *number, size_t number_length)
{
        int written;
        return EVP_DecryptUpdate(crypto.payload, NULL, &written, &first, 1) == 1 &&
               EVP_DecryptUpdate(crypto.payload, NULL, &written, packet->bytes + 1, (int)packet->number_offset - 1) == 1 &&
               EVP_DecryptUpdate(crypto.payload, NULL, &written, number, (int)number_length) == 1;
}

long quic_open_initial(const struct quic_keys *keys, const struct quic_packet *packet, uint8_t *plain)
{
        uint8_t first, number[NUMBER_MAX], nonce[QUIC_IV_LENGTH];
        size_t number_length;
        size_t body = packet->length - packet->number_offset;
        if (!crypto_is_ready() || body < NUMBER_MAX + SAMPLE_LENGTH || body > UINT16_MAX ||
            !open_header(keys, packet, &first, number, &number_length))
                return -1;
        const uint8_t *sealed = packet->bytes + packet->number_offset + number_length;
        int length = (int)(body - number_length - QUIC_TAG_LENGTH);
        uint8_t tag[QUIC_TAG_LENGTH];
        memcpy(tag, sealed + length, sizeof tag);
        memcpy(nonce, keys->iv, sizeof nonce);
        for (size_t i = 0; i < number_length; i++)
                nonce[QUIC_IV_LENGTH - number_length + i] ^= number[i];
        int written = 0, last = 0;
        if (EVP_DecryptInit_ex2(crypto.payload, NULL, keys->key, nonce, NULL) != 1 ||
            EVP_CIPHER_CTX_ctrl(crypto.payload, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) != 1 ||
            !add_header(packet, first, number, number_length) ||
            EVP_DecryptUpdate(crypto.payload, plain, &written, sealed, length) != 1 ||
            EVP_DecryptFinal_ex(crypto.payload, plain + written, &last) != 1)
                return -1;
        return written + last;
}
