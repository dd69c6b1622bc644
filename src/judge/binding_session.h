/* A session's life: opened, changed, ended, freed; listeners are told. Private to bindings. */
#pragma once

#include "judge/binding_act.h"

uint32_t session_open(struct act *act); /* STORE_NONE: no memory. Listeners hear of it by session_update */
/* Facts, tunnels and networks of what was said go into the session. `shared`: see tunnels_take. */
enum session_place { SESSION_NEW, SESSION_HELD, SESSION_SHARED };
void session_update(struct act *act, uint32_t record, enum session_place place);
/* What is used lives. Its place in the order of last use is renewed every five minutes, or sixteenth of the time after which it is
 * given up when silent. */
void session_use(struct bindings *bindings, uint32_t record, int64_t time_ns);
void session_end(struct bindings *bindings, uint32_t record, enum binding_end end, const event_t *event, int64_t time_ns);
void session_free(struct bindings *bindings, uint32_t record);

enum binding_source session_strongest(const struct session *session); /* source that spoke of it */
