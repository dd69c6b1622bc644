/* Where sessions were before they moved: a flow is told of seconds after it began, and its device may be elsewhere by then. A ring of
 * the last moves of all sessions. Private to bindings. */
#pragma once

#include "judge/binding_store.h"

struct binding_past;

struct binding_past *binding_past_create(void);
void binding_past_destroy(struct binding_past *past);

/* The session was at `before` until now: its cell, area, network and radio access. */
void binding_past_note(struct binding_past *past, struct session *session, const struct binding *before, int64_t time_ns);

/* These facts as they were at that moment, as far back as is known. */
void binding_past_apply(const struct binding_past *past, const struct session *session, int64_t time_ns, struct binding *binding);
