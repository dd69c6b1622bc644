/* Labelled traffic of a fleet: a capture or an event log, what must be found in it, and the policy and inventory that fit.
 * The same arguments give the same bytes. See INTERFACE, "Traffic generator". */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/traffic/benchmark_load.h"
#include "tests/traffic/capture_writer.h"
#include "tests/traffic/event_recorder.h"
#include "tests/traffic/packet.h"
#include "tests/traffic/policy_writer.h"
#include "tests/traffic/roster.h"
#include "tests/traffic/scenario.h"
#include "tests/traffic/session.h"
#include "tests/traffic/timeline.h"
#include "tests/traffic/traffic.h"
#include "tests/traffic/wire.h"

enum { EXIT_USAGE = 2, DEVICES_LIMIT = 1 << 20 };

static const int64_t default_start_s = INT64_C(1772323200); /* 2026-03-01T00:00:00Z, a Sunday */

struct options {
        const struct scenario *scenario;
        const struct benchmark_shape *shape;
        uint64_t seed, devices, packets;
        double hours;
        int64_t start_s;
        bool has_encapsulation, microseconds;
        enum encapsulation encapsulation;
        const char *capture, *events, *labels, *policy, *inventory;
};

static const char usage_text[] =
        "usage: mkfleet --scenario NAME|--shape NAME [--seed N] [--devices N] [--hours N] [--start UNIX]\n"
        "               [--encap plain|gtpu|vlan] [--packets N] [--microseconds]\n"
        "               --capture FILE|--events FILE [--labels FILE] [--policy FILE] [--inventory FILE]\n"
        "       mkfleet --list\n";

static void usage_fault(const char *what, const char *value)
{
        fprintf(stderr, "mkfleet: %s: %s\n%s", what, value, usage_text);
        exit(EXIT_USAGE);
}

static uint64_t parse_number(const char *name, const char *text, uint64_t least, uint64_t most)
{
        char *end;
        errno = 0;
        unsigned long long value = strtoull(text, &end, 10);
        if (errno != 0 || end == text || *end != '\0' || *text == '-' || value < least || value > most)
                usage_fault(name, text);
        return value;
}

static double parse_hours(const char *text)
{
        char *end;
        double value = strtod(text, &end);
        if (end == text || *end != '\0' || !(value > 0 && value <= 24 * 366))
                usage_fault("--hours", text);
        return value;
}

static enum encapsulation parse_encapsulation(const char *text)
{
        static const char *const names[] = {"plain", "gtpu", "vlan"};
        for (unsigned i = 0; i < 3; i++)
                if (strcmp(names[i], text) == 0)
                        return (enum encapsulation)i;
        usage_fault("--encap", text);
        return ENCAPSULATION_PLAIN;
}

static void parse_option(struct options *o, int option, const char *value)
{
        switch (option) {
        case 'S':
                o->scenario = scenario_find(value);
                if (o->scenario == NULL)
                        usage_fault("no such scenario", value);
                break;
        case 'H':
                o->shape = benchmark_find(value);
                if (o->shape == NULL)
                        usage_fault("no such shape", value);
                break;
        case 's': o->seed = parse_number("--seed", value, 0, UINT64_MAX); break;
        case 'd': o->devices = parse_number("--devices", value, 1, DEVICES_LIMIT); break;
        case 'h': o->hours = parse_hours(value); break;
        case 't': o->start_s = (int64_t)parse_number("--start", value, 0, UINT64_C(4102444800)); break;
        case 'n': o->packets = parse_number("--packets", value, 1, UINT64_C(10000000000)); break;
        case 'e':
                o->encapsulation = parse_encapsulation(value);
                o->has_encapsulation = true;
                break;
        case 'u': o->microseconds = true; break;
        case 'c': o->capture = value; break;
        case 'E': o->events = value; break;
        case 'l': o->labels = value; break;
        case 'p': o->policy = value; break;
        case 'i': o->inventory = value; break;
        case 'L':
                scenario_list(stdout);
                benchmark_list(stdout);
                exit(EXIT_SUCCESS);
        default: fputs(usage_text, stderr); exit(EXIT_USAGE);
        }
}

static void parse_options(struct options *o, int argc, char **argv)
{
        static const struct option names[] = {
                {"scenario", required_argument, NULL, 'S'}, {"shape", required_argument, NULL, 'H'},
                {"seed", required_argument, NULL, 's'},     {"devices", required_argument, NULL, 'd'},
                {"hours", required_argument, NULL, 'h'},    {"start", required_argument, NULL, 't'},
                {"packets", required_argument, NULL, 'n'},  {"encap", required_argument, NULL, 'e'},
                {"microseconds", no_argument, NULL, 'u'},   {"capture", required_argument, NULL, 'c'},
                {"events", required_argument, NULL, 'E'},   {"labels", required_argument, NULL, 'l'},
                {"policy", required_argument, NULL, 'p'},   {"inventory", required_argument, NULL, 'i'},
                {"list", no_argument, NULL, 'L'},           {NULL, 0, NULL, 0},
        };
        int option;
        while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
                parse_option(o, option, optarg);
        if (optind < argc)
                usage_fault("unexpected argument", argv[optind]);
        if ((o->scenario == NULL) == (o->shape == NULL))
                usage_fault("wanted", "one of --scenario and --shape");
        if ((o->capture == NULL) == (o->events == NULL))
                usage_fault("wanted", "one of --capture and --events");
}

static void complete_options(struct options *o)
{
        const struct benchmark_shape *shape = o->shape;
        if (o->devices == 0)
                o->devices = shape != NULL ? shape->devices : 100;
        if (o->hours == 0)
                o->hours = shape != NULL ? shape->hours : 1;
        if (o->packets == 0 && shape != NULL)
                o->packets = shape->packets;
        if (!o->has_encapsulation && shape != NULL)
                o->encapsulation = shape->encapsulation;
        if (!o->has_encapsulation && o->scenario != NULL && o->scenario->policy.identity)
                o->encapsulation = ENCAPSULATION_GTPU;
}

static uint8_t *make_noise(struct random_stream *random)
{
        uint8_t *noise = malloc(NOISE_SIZE);
        if (noise == NULL)
                abort();
        for (size_t i = 0; i < NOISE_SIZE; i += 8) {
                uint64_t value = random_u64(random);
                memcpy(noise + i, &value, 8);
        }
        return noise;
}

static void write_packet(void *context, const struct packet *packet, int64_t time_ns)
{
        wire_send(context, packet, time_ns);
}

static void write_signal(void *context, struct traffic *traffic, const struct signal *signal, int64_t time_ns)
{
        wire_send_signal(context, traffic, signal, time_ns);
}

static void write_frame(void *context, const uint8_t *bytes, size_t length, int64_t time_ns)
{
        capture_writer_frame(context, bytes, length, time_ns);
}

static void fault(const char *path, int error)
{
        fprintf(stderr, "mkfleet: %s: %s\n", path, strerror(-error));
        exit(EXIT_FAILURE);
}

static void run(const struct options *o, struct traffic *traffic)
{
        if (o->scenario != NULL)
                scenario_prepare(o->scenario, traffic);
        else
                benchmark_start(o->shape, traffic);
        int error = o->policy != NULL ? policy_write(traffic, o->policy) : 0;
        if (error < 0)
                fault(o->policy, error);
        error = o->inventory != NULL ? inventory_write(traffic, o->inventory) : 0;
        if (error < 0)
                fault(o->inventory, error);
        while (timeline_step(traffic->timeline))
                ;
}

static void write_capture(const struct options *o, struct traffic *traffic)
{
        struct capture_writer *writer = capture_writer_open(o->capture, o->microseconds);
        if (writer == NULL)
                fault(o->capture, -errno);
        struct wire wire = {.encapsulation = o->encapsulation, .frame = write_frame, .context = writer};
        struct packet_output output = {
                .packet = write_packet, .signal = write_signal, .context = &wire, .wants_payload = true};
        traffic->output = &output;
        run(o, traffic);
        uint64_t bytes = capture_writer_bytes(writer);
        int error = capture_writer_close(writer);
        if (error < 0)
                fault(o->capture, error);
        fprintf(stderr, "mkfleet: %u frames, %llu flows, %llu bytes\n", wire.frames, (unsigned long long)traffic->flows,
                (unsigned long long)bytes);
}

static void write_events(const struct options *o, struct traffic *traffic)
{
        struct event_recorder *recorder = event_recorder_open(o->events, traffic->start_ns);
        if (recorder == NULL)
                fault(o->events, -errno);
        struct packet_output output = event_recorder_output(recorder);
        traffic->output = &output;
        run(o, traffic);
        uint64_t events = event_recorder_events(recorder);
        int error = event_recorder_close(recorder);
        if (error < 0)
                fault(o->events, error);
        fprintf(stderr, "mkfleet: %llu events, %llu flows\n", (unsigned long long)events,
                (unsigned long long)traffic->flows);
}

/* Scenarios are signalled where their traffic has tunnels; `identity` always is, and some shapes. */
static void plan_sessions(const struct options *o, struct traffic *traffic)
{
        traffic->has_tunnels = o->encapsulation == ENCAPSULATION_GTPU;
        bool is_signalled = o->scenario != NULL ? traffic->has_tunnels || o->scenario->policy.identity : o->shape->calm > 0;
        if (!is_signalled)
                return;
        traffic->sessions = sessions_create(traffic->world, o->seed);
        if (traffic->sessions == NULL)
                abort();
}

int main(int argc, char **argv)
{
        struct options o = {.seed = 1, .start_s = default_start_s};
        parse_options(&o, argc, argv);
        complete_options(&o);
        struct traffic traffic = {.seed = o.seed,
                                  .start_ns = o.start_s * SECOND_NS,
                                  .random = {o.seed},
                                  .packet_limit = o.packets,
                                  .image_size = 96 * 1024};
        traffic.end_ns = traffic.start_ns + (int64_t)(o.hours * (double)HOUR_NS);
        traffic.seasoned = true;
        traffic.world = world_create((uint32_t)o.devices, o.shape != NULL);
        traffic.timeline = timeline_create();
        traffic.roster = roster_create();
        if (traffic.world == NULL || traffic.timeline == NULL || traffic.roster == NULL)
                abort();
        plan_sessions(&o, &traffic);
        uint8_t *noise = make_noise(&traffic.random);
        traffic.noise = noise;
        traffic.labels = o.labels != NULL ? fopen(o.labels, "w") : NULL;
        if (o.labels != NULL && traffic.labels == NULL)
                fault(o.labels, -errno);
        if (o.capture != NULL)
                write_capture(&o, &traffic);
        else
                write_events(&o, &traffic);
        if (traffic.labels != NULL && fclose(traffic.labels) != 0)
                fault(o.labels, -errno);
        timeline_destroy(traffic.timeline);
        sessions_destroy(traffic.sessions);
        roster_destroy(traffic.roster);
        world_destroy(traffic.world);
        bytes_free(&traffic.scratch);
        free(noise);
        return EXIT_SUCCESS;
}
