/* From what a message says to the facts of a session, and from a session to what others see. Private to bindings. */
#pragma once

#include "judge/binding_said.h"
#include "judge/binding_store.h"

/* Digits as nibbles, the first highest, 0xf behind; 0: none, or more than 16. Sixteen zeros have a number of their own. */
#define DIGITS_ZEROS UINT64_C(0xeeeeeeeeeeeeeeee)
uint64_t digits_pack(const char *text);
bool imei_is_empty(uint64_t imei); /* none, or zeros that stand for it */
const char *digits_text(uint64_t digits, char text[17]);

/* Numbers of texts as events have them; 0: none, or no such text. */
uint8_t binding_rat_number(const char *text);
uint8_t binding_place_kind(const char *text);

/* What a message says of who and where goes into the session, as strong as `source` is: bits 1 << enum binding_fact of
 * those that changed; where it is may be said by a weaker source too, once it stayed there for a while: `stayed_ns`.
 * `conflicts` counts facts that were refused. An IMSI, once known, stays. What the
 * session is found by may be among them: the caller links it anew. */
uint32_t binding_facts_take(struct session *session, struct name_pool *names, const struct said *said,
                            enum binding_source source, int64_t stayed_ns, uint64_t *conflicts);

const char *binding_rat_text(uint8_t rat); /* "" for 0: not known; NULL: no such number */
struct prefix binding_prefix_around(const struct address *address, unsigned length);

/* What others see of a session; of its endpoints the newest. */
void binding_fill(struct binding *binding, struct store *store, const struct name_pool *names, uint32_t record);
void binding_endpoints_fill(struct binding_endpoints *out, struct store *store, uint32_t session);
