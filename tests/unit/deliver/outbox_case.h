/* What tests of the outbox and of feeds share: a folder of their own, a clock that they set, alerts by the hundred. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "deliver/outbox.h"

extern uint64_t case_now_ms;  /* what outboxes of case_settings take for the time */

void case_begin(void);        /* a new folder */
void case_end(void);          /* and gone */
const char *case_path(void);  /* of the outbox in it */
struct outbox_settings case_settings(void);
struct outbox *case_open(const struct outbox_settings *settings);  /* or the test fails */

/* Alert `which`: its id follows from it; of fleet "a" or, odd ones, "b". */
int case_add(struct outbox *outbox, unsigned which);
int case_add_revision(struct outbox *outbox, unsigned which, uint32_t revision, const char *cause);
int case_add_sized(struct outbox *outbox, unsigned which, unsigned title_length);
void case_fill(struct outbox *outbox, unsigned first, unsigned last, unsigned title_length); /* added and committed */
unsigned case_which(const Apnwatch__V1__Alert *alert);

void case_log_begin(void);             /* standard error goes to a file of the folder */
const char *case_log_end(void);        /* what was written there; valid until the next call */
unsigned case_times(const char *text, const char *part);
