/* What `apnwatch sessions` prints: each session with the values it had first and what changed, in the order of their
 * starts.
 *
 * A session is printed when it and all that began before it have ended. At most a million ended ones wait for such; then
 * they are printed before their turn. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "judge/bindings.h"

struct session_list;

/* NULL: no memory. `json`: JSON lines as INTERFACE has them, else a table for people. */
struct session_list *session_list_create(FILE *out, bool json);
/* From now on with pseudonyms. Borrowed. */
struct privacy;
void session_list_cover(struct session_list *list, struct privacy *privacy);
/* What has not ended is not printed: bindings_finish comes before. */
void session_list_destroy(struct session_list *list);

/* What the numbers of files in coming events stand for. */
void session_list_run(struct session_list *list, const Apnwatch__V1__Run *run);

/* To be `changed` of struct bindings_settings; `context` is the list. */
void session_list_changed(void *context, const struct binding_change *change);

bool session_list_is_empty(const struct session_list *list);  /* there was no session */
bool session_list_failed(const struct session_list *list); /* memory or the output */
