/* From what a message says to the facts of a session, and from a session to what others see. Private to bindings. */
#pragma once

#include "judge/binding_store.h"

/* Digits as nibbles, the first highest, 0xf behind; 0: none, or more than 16. */
uint64_t digits_pack(const char *text);
const char *digits_text(uint64_t digits, char text[17]);

/* What a message says of who and where goes into the session, as strong as `source` is: bits 1 << enum binding_fact of
 * those that changed. `conflicts` counts facts that were refused. An IMSI, once known, stays. The session must not be
 * linked in the store. */
uint32_t binding_facts_take(struct session *session, struct name_pool *names, const Apnwatch__V1__Signalling *said,
                            enum binding_source source, uint64_t *conflicts);

const char *binding_rat_text(uint8_t rat); /* "" for 0: not known; NULL: no such number */
struct prefix binding_prefix_around(const struct address *address, unsigned length);

struct binding_view {
        struct binding binding;
        struct binding_endpoint control[BINDING_CONTROL], user[BINDING_USER];
};
void binding_view_fill(struct binding_view *view, struct store *store, const struct name_pool *names, uint32_t record);
