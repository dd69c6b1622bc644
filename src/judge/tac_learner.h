/* Learns from devices whose IMEI is known and which say who made them: rows for a list of TACs, proposed to people,
 * never applied.
 *
 * The IMEI comes from signalling, imported bindings or the inventory, else from a message of the device's own; the
 * vendor from its HTTP user agent, as intel knows it, from LwM2M's object 3 or from a tracker's login; the model from the
 * latter two, when all devices of the TAC say the same. All may come in any order while address and session stay the
 * same. TACs that intel or the user lists under that vendor are left out; where they contradict, or devices of one TAC
 * name several vendors, that is told and not proposed.
 *
 * Bounded: a million devices, the one silent longest goes first; 65536 pairs of TAC and vendor. */
#pragma once

#include <stdio.h>

#include "judge/judge.h"

struct tac_learner;

struct tac_learner *tac_learner_create(const struct intel *intel); /* NULL: no memory */
void tac_learner_destroy(struct tac_learner *learner);

void tac_learner_hear(struct tac_learner *learner, const struct device_word *word);

/* What was learned in the layout of contrib/intel/tac.yaml, evidence in comments. The number of rows proposed. */
unsigned tac_learner_print(struct tac_learner *learner, FILE *out);

/* Devices and pairs for which there was no room. */
uint64_t tac_learner_left_out(const struct tac_learner *learner);
