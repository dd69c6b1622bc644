#include "tests/unit/cmd/sample_numbers.h"

static const struct live_interface_numbers interfaces[] = {
        {.name = "eth1", .state = LIVE_LINK_UP, .packets = 1000, .bytes = 123456, .dropped_kernel = 3, .dropped_interface = 1,
         .last_packet_ns = 1782345678123456789},
        {.name = "eth2", .state = LIVE_LINK_GONE, .packets = 5, .bytes = 300, .dropped_kernel = 4, .dropped_interface = 2},
};

static const struct live_named_number sense[] = {
        {"loss.late_frames", 7}, {"flows.opened", 40}, {"Odd name", 1}, {"loss.late_frames", 2}, {"other", 4},
};

static const struct live_named_number fleets[] = {{"meters \"north\"", 12}, {"unassigned", 1}};

static const struct live_alert_numbers alerts[] = {
        {"destination.unlisted", "medium", 9}, {"destination.unlisted", "high", 0}, {"sensor.loss", "low", 1}};

static const struct delivery_sink sinks[] = {
        {"redis://127.0.0.1:6379",
         {.delivered = 5, .filtered = 2, .gaps = 1, .waiting = 2, .in_flight = 1, .rewinds = 3, .reconnects = 4, .is_connected = true}},
        {"jsonl:/var/log/apnwatch/alerts.jsonl", {.delivered = 10, .is_connected = true}},
        {"webhook:https://hooks.example/services/T0/SECRET", {.waiting = 10}},
        {"webhook:https://hooks.example/services/T0/OTHER?token=SECRET", {.waiting = 9, .filtered = 1}},
};

const struct live_numbers sample_numbers = {
        .version = "0.1.0",
        .ndpi = "4.2.0",
        .start_ns = 1782345600000000000,
        .interfaces = interfaces,
        .interface_count = 2,
        .pipe_losses = 6,
        .sense = sense,
        .sense_count = 5,
        .fleets = fleets,
        .fleet_count = 2,
        .flows = 33,
        .events = 4000,
        .alerts = alerts,
        .alert_count = 3,
        .outbox = {.committed = 10, .refused = 1, .bytes = 4096, .held = 10},
        .outbox_limit = 1 << 29,
        .sinks = sinks,
        .sink_count = 4,
        .worker_restarts = 1,
        .memory_ceiling = 1 << 30,
        .memory_resident = 50 << 20,
};
