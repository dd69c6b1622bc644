/* Keyed pseudonyms: HMAC-SHA-256 (RFC 2104) of an identity as it is written, its first 8 bytes as "hmac:0123456789abcdef". An
 * IMEI keeps its first eight digits, which name the model and not the device: "86012345:hmac:0123456789abcdef", made of its first
 * 14, which are the module in IMEI and IMEISV alike. The same key makes the same pseudonym in every run and on every sensor. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pseudonym_key;

/* All of the file is the key, without a line end behind it: 16 to 4096 bytes. It is read once. A file that others may read is
 * warned of. NULL with a message, which never holds any of the key. */
struct pseudonym_key *pseudonym_key_load(const char *path, char *error, size_t size) __attribute__((warn_unused_result));
void pseudonym_key_destroy(struct pseudonym_key *key);

enum { PSEUDONYM_TAC = 8, PSEUDONYM_MODULE = 14, PSEUDONYM_SIZE = PSEUDONYM_TAC + 1 + 5 + 16 + 1 };

/* Writes the pseudonym, without a NUL; its length, or 0 when OpenSSL fails. With `keep_tac`
 * `value` is an IMEI: at least 14 digits. */
size_t pseudonym_write(struct pseudonym_key *key, const char *value, size_t length, bool keep_tac, char out[PSEUDONYM_SIZE]);

/* The keyed form of an alert's ID of 32 hex digits, so that nobody without the key can try which identities an ID was made of. Its
 * last eight digits follow from the others: one that has this form already stays. False when OpenSSL fails. */
enum { KEYED_ID_DIGITS = 32 };
bool pseudonym_key_id(struct pseudonym_key *key, const char *id, char out[KEYED_ID_DIGITS + 1]);

/* How many bytes of `text` are a pseudonym of either form that begins here; 0: none does. */
size_t pseudonym_length(const char *text);

/* Whether so many digits look like an IMEI: 14 to 16 of them, allocated by a body that allocates IMEIs (TS 23.003 6.2, GSMA
 * TS.06), and of 15 the last is the check digit or 0. */
bool digits_look_like_imei(const char *digits, size_t length);
