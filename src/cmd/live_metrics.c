#include "cmd/live_metrics.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { SINK_LABEL_SIZE = 256, OUTBOX_DEFAULT_LIMIT = 1 << 30 };

/* The families of one value without labels. */
static void tell_gauge(struct metrics_writer *writer, const char *name, uint64_t value, const char *help)
{
        metrics_family(writer, name, METRIC_GAUGE, help);
        metrics_count(writer, value, NULL);
}

static void tell_counter(struct metrics_writer *writer, const char *name, uint64_t value, const char *help)
{
        metrics_family(writer, name, METRIC_COUNTER, help);
        metrics_count(writer, value, NULL);
}

static void tell_process(struct metrics_writer *writer, const struct live_numbers *numbers)
{
        metrics_family(writer, "apnwatch_build_info", METRIC_GAUGE, "1, with the versions of apnwatch and nDPI.");
        metrics_count(writer, 1, "version", numbers->version, "ndpi", numbers->ndpi, NULL);
        metrics_family(writer, "apnwatch_start_time_seconds", METRIC_GAUGE, "When the sensor started, Unix time.");
        metrics_measure(writer, (double)numbers->start_ns / 1e9, NULL);
        tell_counter(writer, "apnwatch_worker_restarts_total", numbers->worker_restarts,
                     "Times that a worker process was started again.");
        tell_gauge(writer, "apnwatch_memory_ceiling_bytes", numbers->memory_ceiling,
                   "What the tables may take at most, computed at start.");
        tell_gauge(writer, "apnwatch_resident_memory_bytes", numbers->memory_resident,
                   "Resident memory of the parent and its workers.");
}

static void tell_interfaces(struct metrics_writer *writer, const struct live_numbers *numbers)
{
        static const char *const states[LIVE_LINK_STATES] = {"up", "down", "gone"};
        const struct live_interface_numbers *end = numbers->interfaces + numbers->interface_count, *link;
        metrics_family(writer, "apnwatch_packets_total", METRIC_COUNTER, "Packets that sense was handed.");
        for (link = numbers->interfaces; link < end; link++)
                metrics_count(writer, link->packets, "interface", link->name, NULL);
        metrics_family(writer, "apnwatch_bytes_total", METRIC_COUNTER, "Bytes of these packets, as on the wire.");
        for (link = numbers->interfaces; link < end; link++)
                metrics_count(writer, link->bytes, "interface", link->name, NULL);
        metrics_family(writer, "apnwatch_interface_drops_total", METRIC_COUNTER,
                       "Packets lost: kernel, the ring was full; interface, the driver's own count.");
        for (link = numbers->interfaces; link < end; link++) {
                metrics_count(writer, link->dropped_kernel, "interface", link->name, "where", "kernel", NULL);
                metrics_count(writer, link->dropped_interface, "interface", link->name, "where", "interface", NULL);
        }
        metrics_family(writer, "apnwatch_interface_state", METRIC_GAUGE, "1 for the state that the interface is in: up, down or gone.");
        for (link = numbers->interfaces; link < end; link++)
                for (int state = 0; state < LIVE_LINK_STATES; state++)
                        metrics_count(writer, (int)link->state == state, "interface", link->name, "state", states[state], NULL);
        metrics_family(writer, "apnwatch_last_packet_timestamp_seconds", METRIC_GAUGE, "Time of the last packet; absent before the first.");
        for (link = numbers->interfaces; link < end; link++)
                if (link->last_packet_ns != 0)
                        metrics_measure(writer, (double)link->last_packet_ns / 1e9, "interface", link->name, NULL);
}

static void tell_drops(struct metrics_writer *writer, const struct live_numbers *numbers)
{
        uint64_t kernel = 0, interface = 0;
        for (unsigned i = 0; i < numbers->interface_count; i++) {
                kernel += numbers->interfaces[i].dropped_kernel;
                interface += numbers->interfaces[i].dropped_interface;
        }
        metrics_family(writer, "apnwatch_drops_total", METRIC_COUNTER,
                       "What was lost before judge saw it: packets by kernel and interface, events by the pipe from the worker.");
        metrics_count(writer, kernel, "where", "kernel", NULL);
        metrics_count(writer, interface, "where", "interface", NULL);
        metrics_count(writer, numbers->pipe_losses, "where", "pipe", NULL);
}

static bool is_told(const struct live_named_number *counters, unsigned index)
{
        const char *name = counters[index].name;
        size_t length = strnlen(name, 64);
        if (index >= LIVE_COUNTERS_TOLD || length == 0 || length == 64 || strcmp(name, "other") == 0 ||
            strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") != length)
                return false;
        for (unsigned i = 0; i < index; i++)
                if (strcmp(counters[i].name, name) == 0)
                        return false;
        return true;
}

static void tell_sense(struct metrics_writer *writer, const struct live_numbers *numbers)
{
        uint64_t other = 0;
        metrics_family(writer, "apnwatch_sense_total", METRIC_COUNTER,
                       "Sense's own counters; those that begin with loss. are what it could not keep or read.");
        for (unsigned i = 0; i < numbers->sense_count; i++) {
                if (is_told(numbers->sense, i))
                        metrics_count(writer, numbers->sense[i].value, "counter", numbers->sense[i].name, NULL);
                else
                        other += numbers->sense[i].value;
        }
        metrics_count(writer, other, "counter", "other", NULL);
}

static void tell_judge(struct metrics_writer *writer, const struct live_numbers *numbers)
{
        tell_counter(writer, "apnwatch_events_total", numbers->events, "Events that judge was given.");
        tell_gauge(writer, "apnwatch_flows", numbers->flows, "Flows in the table.");
        metrics_family(writer, "apnwatch_devices", METRIC_GAUGE, "Devices seen, by fleet.");
        for (unsigned i = 0; i < numbers->fleet_count; i++)
                metrics_count(writer, numbers->fleets[i].value, "fleet", numbers->fleets[i].name, NULL);
        metrics_family(writer, "apnwatch_alerts_total", METRIC_COUNTER, "Alerts raised; further revisions do not count.");
        for (const struct live_alert_numbers *alert = numbers->alerts, *end = alert + numbers->alert_count; alert < end; alert++)
                metrics_count(writer, alert->count, "type", alert->type, "severity", alert->severity, NULL);
}

static void tell_outbox(struct metrics_writer *writer, const struct live_numbers *numbers)
{
        uint64_t most = 0;
        for (unsigned i = 0; i < numbers->sink_count; i++)
                most = numbers->sinks[i].numbers.waiting > most ? numbers->sinks[i].numbers.waiting : most;
        tell_counter(writer, "apnwatch_alerts_committed_total", numbers->outbox.committed,
                     "Revisions of alerts committed to the outbox; of each sink delivered, filtered, gaps and waiting add up to it.");
        tell_gauge(writer, "apnwatch_outbox_waiting", most, "Entries that the sink with the longest queue waits for.");
        tell_gauge(writer, "apnwatch_outbox_entries", numbers->outbox.held,
                   "Entries that the outbox holds, those kept after delivery included.");
        tell_gauge(writer, "apnwatch_outbox_bytes", numbers->outbox.bytes, "Bytes of the outbox in use.");
        tell_gauge(writer, "apnwatch_outbox_limit_bytes", numbers->outbox_limit ? numbers->outbox_limit : OUTBOX_DEFAULT_LIMIT,
                   "Its size at most.");
        tell_counter(writer, "apnwatch_outbox_refused_total", numbers->outbox.refused, "Revisions that it had already.");
        tell_gauge(writer, "apnwatch_outbox_failing", numbers->outbox.is_failing,
                   "1 while commits fail (disk full); alerts wait in memory.");
}

/* The URL of a webhook is a secret with many services: what stands behind its host is left out. Two sinks never have the
 * same label. */
static void sink_label(const struct live_numbers *numbers, unsigned index, char *out, size_t size)
{
        const char *name = numbers->sinks[index].name;
        unsigned same = 1;
        for (unsigned i = 0; i < index; i++)
                same += strcmp(numbers->sinks[i].name, name) == 0;
        int length = (int)strnlen(name, SINK_LABEL_SIZE - 32);
        const char *host = strncmp(name, "webhook:", 8) == 0 ? strstr(name, "://") : NULL;
        if (host != NULL) {
                host += 3 + strcspn(host + 3, "/?#");
                for (unsigned i = 0; i < index; i++)
                        same += strcmp(numbers->sinks[i].name, name) != 0 &&
                                strncmp(numbers->sinks[i].name, name, (size_t)(host - name)) == 0;
                length = host - name < length ? (int)(host - name) : length;
        }
        if (same > 1)
                snprintf(out, size, "%.*s (%u)", length, name, same);
        else
                snprintf(out, size, "%.*s", length, name);
}

/* The families with one value a sink, which stands in its feed's numbers. */
static const struct sink_family {
        const char *name;
        enum metric_type type;
        size_t offset;
        const char *help;
} sink_families[] = {
        {"apnwatch_sink_delivered_total", METRIC_COUNTER, offsetof(struct feed_numbers, delivered),
         "Entries that the sink has acknowledged."},
        {"apnwatch_sink_filtered_total", METRIC_COUNTER, offsetof(struct feed_numbers, filtered),
         "Entries that the sink's filter does not want."},
        {"apnwatch_sink_gaps_total", METRIC_COUNTER, offsetof(struct feed_numbers, gaps),
         "Entries that the outbox could not hold until the sink had them."},
        {"apnwatch_sink_waiting", METRIC_GAUGE, offsetof(struct feed_numbers, waiting),
         "Committed entries that the sink does not have yet."},
        {"apnwatch_sink_in_flight", METRIC_GAUGE, offsetof(struct feed_numbers, in_flight), "Of these, sent and not acknowledged."},
        {"apnwatch_sink_rewinds_total", METRIC_COUNTER, offsetof(struct feed_numbers, rewinds), "Times that entries were taken again."},
        {"apnwatch_sink_reconnects_total", METRIC_COUNTER, offsetof(struct feed_numbers, reconnects), "Connections made anew."},
};

static void tell_sinks(struct metrics_writer *writer, const struct live_numbers *numbers)
{
        char label[SINK_LABEL_SIZE];
        for (unsigned f = 0; f < sizeof sink_families / sizeof *sink_families; f++) {
                const struct sink_family *family = &sink_families[f];
                metrics_family(writer, family->name, family->type, family->help);
                for (unsigned i = 0; i < numbers->sink_count; i++) {
                        uint64_t value;
                        memcpy(&value, (const char *)&numbers->sinks[i].numbers + family->offset, sizeof value);
                        sink_label(numbers, i, label, sizeof label);
                        metrics_count(writer, value, "sink", label, NULL);
                }
        }
        metrics_family(writer, "apnwatch_sink_connected", METRIC_GAUGE, "1 while the sink is connected and well.");
        for (unsigned i = 0; i < numbers->sink_count; i++) {
                sink_label(numbers, i, label, sizeof label);
                metrics_count(writer, numbers->sinks[i].numbers.is_connected, "sink", label, NULL);
        }
}

void live_metrics_collect(void *context, struct metrics_writer *writer)
{
        const struct live_numbers *numbers = context;
        tell_process(writer, numbers);
        tell_interfaces(writer, numbers);
        tell_drops(writer, numbers);
        tell_sense(writer, numbers);
        tell_judge(writer, numbers);
        tell_outbox(writer, numbers);
        tell_sinks(writer, numbers);
}
