/* What a message, or a request with its response, does to sessions. Private to bindings. */
#pragma once

#include "judge/binding_act.h"

void procedure_apply(struct act *act);
bool procedure_is_association(const struct said *said); /* PFCP Association Setup: what was before it ends once it is accepted */

/* Its peer told a restart counter: when it differs from the last, what it had is void. */
void procedure_note_recovery(struct act *act, const struct said *said);
