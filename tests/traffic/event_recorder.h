/* An event log of the traffic without its packets: what sense would say, by what the generator knows. Keeps the rules of
 * src/model/event.proto and src/sense/flow_keeper.c for when a flow is told, so that weeks of thousands of devices can be
 * judged in seconds. It leaves out what judge does not read: snippets, tunnels, community IDs, nDPI's applications. */
#pragma once

#include "tests/traffic/packet.h"

struct event_recorder;

/* NULL with errno set when `path` cannot be written. */
struct event_recorder *event_recorder_open(const char *path, int64_t start_ns);
struct packet_output event_recorder_output(struct event_recorder *recorder);

/* Ends all flows. 0, or the negative errno of the first write that failed. */
int event_recorder_close(struct event_recorder *recorder);
/* As dissectors/session would tell it. */
struct signal;
void event_recorder_signal(void *recorder, struct traffic *traffic, const struct signal *signal, int64_t time_ns);
uint64_t event_recorder_events(const struct event_recorder *recorder);
