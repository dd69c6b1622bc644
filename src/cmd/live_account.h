/* What `live` has seen, added up over all its workers, from the events that pass; for the metrics. */
#pragma once

#include "cmd/live_metrics.h"
#include "cmd/run.h"
#include "model/event.h"

struct live_account;

struct live_account *live_account_create(uint64_t memory_ceiling, uint64_t outbox_limit); /* NULL: no memory */
void live_account_destroy(struct live_account *account);
void live_account_event(struct live_account *account, const event_t *event);
void live_account_restart(struct live_account *account); /* a new worker: it counts from nothing */
uint64_t live_account_packets(const struct live_account *account);

/* All metrics, as they stand. */
void live_account_write(struct live_account *account, struct run *run, struct metrics_writer *writer);
