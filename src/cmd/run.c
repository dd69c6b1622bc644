#include "cmd/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/log.h"
#include "cmd/summary_text.h"
#include "config.h"
#include "deliver/delivery.h"
#include "judge/inventory.h"
#include "judge/report.h"
#include "model/privacy.h"

enum { READ_PATIENCE_S = 30, LIVE_PATIENCE_S = 5, RETENTION_LEAST_S = 300 };

struct run {
        struct settings *settings;
        struct delivery *delivery;
        struct delivery_output *outputs;
        unsigned output_count;
        struct judge *judge;
        struct privacy *privacy;  /* NULL: what leaves is as it is */
        int worst;                /* severity of an alert that was raised; -1: none */
        bool live, is_finished, bad_input, withheld;
};

/* What cannot be made fit to leave does not leave. */
static void withhold(struct run *run)
{
        if (!run->withheld)
                log_error("no memory for pseudonyms: alerts or events are withheld");
        run->withheld = true;
}

static bool names(const char *text, const struct address *wanted)
{
        struct address address;
        return text != NULL && address_parse(text, &address) && address_equal(&address, wanted);
}

/* What is of no device is of all. */
static bool is_asked_for(const struct settings *settings, const Apnwatch__V1__Alert *alert)
{
        const Apnwatch__V1__Device *device = alert->device;
        struct address wanted, address;
        struct inventory_facts facts;
        if (settings->device == NULL || device == NULL)
                return true;
        if (address_parse(settings->device, &wanted))
                return names(device->ip, &wanted) || (alert->peer != NULL && names(alert->peer->ip, &wanted));
        if (device->imsi != NULL)
                return strcmp(device->imsi, settings->device) == 0;
        struct inventory_subject subject = {.address = &address, .apn = device->apn};
        return device->ip != NULL && address_parse(device->ip, &address) &&
               inventory_find_subject(settings->inventory, &subject, (int64_t)alert->time->ns, &facts) && facts.imsi != NULL &&
               strcmp(facts.imsi, settings->device) == 0;
}

static void take_alert(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        struct run *run = context;
        if (!is_asked_for(run->settings, alert))
                return;
        if ((int)alert->severity > run->worst)
                run->worst = (int)alert->severity;
        const Apnwatch__V1__Alert *leaving = privacy_alert(run->privacy, alert);
        if (leaving == NULL) {
                withhold(run);
                return;
        }
        if (leaving != alert)
                judge_report_rename(run->judge, alert->id, leaving->id, leaving->title);
        delivery_alert(run->delivery, leaving, cause, cause_length);
}

/* A named file that is no capture or is empty, any damaged capture: exit status 1, and a line for each. */
static void note_input(struct run *run, const Apnwatch__V1__Input *input)
{
        bool bad = input->state == APNWATCH__V1__INPUT__STATE__DAMAGED ||
                   (input->named && input->state != APNWATCH__V1__INPUT__STATE__OK);
        run->bad_input |= bad;
        if (bad)
                log_error("%s: %s", input->path, input->verdict);
        else if (input->state != APNWATCH__V1__INPUT__STATE__OK)
                log_info("%s: %s", input->path, input->verdict);
}

static void take_event(void *context, const event_t *event)
{
        struct run *run = context;
        if (delivery_wants_events(run->delivery)) {
                const event_t *leaving = privacy_event(run->privacy, event);
                if (leaving != NULL)
                        delivery_event(run->delivery, leaving);
                else
                        withhold(run);
        }
        if (event->body_case == APNWATCH__V1__EVENT__BODY_INPUT)
                note_input(run, event->input);
        judge_event(run->judge, event);
}

static void take_hint(void *context, const struct address *device, uint16_t device_context)
{
        struct run *run = context;
        judge_soon(run->judge, device, device_context);
}

static const char *first_of(const char *one, const char *other)
{
        return one ? one : other;
}

/* The redis section is for every Redis; what an output says of itself wins. */
static void set_output(struct delivery_output *out, const char *given, const struct output_setting *said,
                       const struct configuration *configuration)
{
        static const struct output_setting nothing;
        bool is_redis = strncmp(given, "redis", 5) == 0;
        if (said == NULL) {
                said = &nothing;
        } else {
                char place[CONFIGURATION_PLACE_SIZE];
                out->place = strdup(configuration_place(configuration, said->sink, place));
                out->filter = (struct sink_filter){
                        .min_severity = said->min_severity > 0 ? said->min_severity : 0,
                        .types = (const char **)said->types, .type_count = said->type_count,
                        .fleets = (const char **)said->fleets, .fleet_count = said->fleet_count,
                        .tenants = (const char **)said->tenants, .tenant_count = said->tenant_count};
        }
        out->given = given;
        out->options = (struct sink_options){.username = said->username, .password_file = said->password_file,
                                             .token_file = said->token_file, .ca = said->ca, .cert = said->cert,
                                             .key = said->key, .json = said->json, .timeout_ms = said->timeout_ms};
        if (!is_redis || configuration == NULL)
                return;
        struct sink_options *options = &out->options;
        options->username = first_of(options->username, configuration->redis_username);
        options->password_file = first_of(options->password_file, configuration->redis_password_file);
        options->ca = first_of(options->ca, configuration->redis_ca);
        options->cert = first_of(options->cert, configuration->redis_cert);
        options->key = first_of(options->key, configuration->redis_key);
        options->maxlen = configuration->redis_maxlen;
        options->json |= configuration->redis_json;
}

/* In `read` the entries of an outbox have IDs that follow from the run alone. */
static struct outbox_settings outbox_of(const struct run *run, const char *sensor)
{
        const struct configuration *configuration = run->settings->configuration;
        struct outbox_settings outbox = {.sensor = sensor, .fixed_ms = run->live ? 0 : 1};
        if (run->live && configuration != NULL) {
                outbox.path = configuration->outbox_path;
                outbox.size_limit = configuration->outbox_size;
                outbox.retention_s = configuration->outbox_retention_s;
                /* What was delivered since the state was saved is adopted after a restart. */
                if (outbox.retention_s != 0 && outbox.retention_s < RETENTION_LEAST_S)
                        outbox.retention_s = RETENTION_LEAST_S;
        }
        return outbox;
}

/* Keys that cannot be read, and outputs of raw bytes that are not named: each told. */
static bool open_privacy(struct run *run, unsigned output_count)
{
        const struct configuration *configuration = run->settings->configuration;
        char error[1024] = "", scheme[32];
        bool good = privacy_create(&run->privacy, configuration, error, sizeof error) == 0;
        if (!good)
                log_error("%s", error);
        for (unsigned i = 0; i < output_count; i++) {
                const char *given = run->outputs[i].given;
                snprintf(scheme, sizeof scheme, "%.*s", (int)strcspn(given, ":"), given);
                if (privacy_allows(configuration, scheme))
                        continue;
                const char *place = run->outputs[i].place;
                log_error("%s%s%s: raw bytes do not leave while privacy is on; expected another output, or %s in privacy.raw",
                          place ? place : "", place ? ": " : "", given, scheme);
                good = false;
        }
        return good;
}

static bool open_delivery(struct run *run, const char *sensor, struct event_base *base)
{
        const struct settings *settings = run->settings;
        const struct configuration *configuration = settings->configuration;
        /* The command line wins: with -o the configuration's outputs are left alone. */
        unsigned configured = settings->outputs.count == 0 && configuration ? configuration->output_count : 0;
        unsigned count = 0;
        run->outputs = calloc(settings->outputs.count + configured + 1, sizeof *run->outputs);
        if (run->outputs == NULL)
                return false;
        for (unsigned i = 0; i < settings->outputs.count; i++)
                set_output(&run->outputs[count++], settings->outputs.items[i], NULL, configuration);
        for (unsigned i = 0; i < configured; i++)
                set_output(&run->outputs[count++], configuration->outputs[i].sink, &configuration->outputs[i], configuration);
        const struct delivery_settings delivery = {
                .run = {.sensor = sensor, .version = PACKAGE_VERSION, .configuration_digest = settings->digest, .append = run->live},
                .outbox = outbox_of(run, sensor), .outputs = run->outputs, .output_count = count, .base = base};
        run->output_count = count;
        run->delivery = open_privacy(run, count) ? delivery_open(&delivery) : NULL;
        return run->delivery != NULL;
}

static void run_free(struct run *run)
{
        (void)delivery_close(run->delivery);
        judge_destroy(run->judge);
        privacy_destroy(run->privacy);
        for (unsigned i = 0; i < run->output_count; i++)
                free(run->outputs[i].place);
        free(run->outputs);
        free(run);
}

static void import_bindings(struct run *run)
{
        const struct binding_import *import = run->settings->bindings;
        for (uint32_t i = 0; import != NULL && i < binding_import_count(import); i++) {
                struct binding_row row;
                binding_import_row(import, i, &row);
                judge_import_binding(run->judge, &row);
        }
}

struct run *run_open(struct settings *settings, const char *sensor, struct event_base *base)
{
        const struct configuration *configuration = settings->configuration;
        struct run *run = calloc(1, sizeof *run);
        if (run == NULL)
                return NULL;
        run->settings = settings;
        run->worst = -1;
        run->live = base != NULL;
        struct judge_settings judge = {.policy = settings->policy, .intel = settings->intel, .inventory = settings->inventory,
                                       .geo = settings->geo, .sensor = sensor, .alerts = {.alert = take_alert, .context = run},
                                       .revisions = run->live, .nat = settings->nat_log};
        if (configuration != NULL) {
                judge.device_limit = configuration->limit_devices;
                judge.session_limit = configuration->limit_sessions;
                judge.taps = configuration->taps;
                judge.stall_s = (configuration->timeout_stall_ms + 999) / 1000;
        }
        if (!open_delivery(run, sensor, base) || (run->judge = judge_create(&judge)) == NULL) {
                run_free(run);
                return NULL;
        }
        import_bindings(run);
        return run;
}

struct event_sink run_events(struct run *run)
{
        return (struct event_sink){.event = take_event, .soon = take_hint, .context = run};
}

bool run_wants_digests(const struct run *run)
{
        return delivery_wants_summary(run->delivery);
}

struct judge *run_judge(struct run *run)
{
        return run->judge;
}

struct delivery *run_delivery(struct run *run)
{
        return run->delivery;
}

static void print_summary(struct run *run, const struct judge_report *report, FILE *out)
{
        char *text = NULL;
        size_t length;
        if (run->privacy == NULL) {
                summary_text_print(report, out);
                return;
        }
        FILE *lines = open_memstream(&text, &length);
        if (lines == NULL)
                return;
        summary_text_print(report, lines);
        bool whole = fclose(lines) == 0;
        const char *leaving = whole ? privacy_text(run->privacy, text) : NULL;
        if (leaving != NULL)
                fputs(leaving, out);
        free(text);
}

static void tell_summary(struct run *run)
{
        const struct judge_report *report = judge_report(run->judge);
        if (delivery_wants_summary(run->delivery)) {
                char *json = judge_report_json(report);
                const char *leaving = json ? privacy_json(run->privacy, json) : NULL;
                if (leaving != NULL)
                        delivery_summary(run->delivery, leaving);
                free(json);
        }
        if (!run->settings->quiet)
                print_summary(run, report, delivery_uses_standard_output(run->delivery) ? stderr : stdout);
}

void run_finish(struct run *run)
{
        if (run->is_finished)
                return;
        run->is_finished = true;
        judge_finish(run->judge);
        tell_summary(run);
}

/* Servers get what they are still to have; what does not go out any more is lost in `read`, and kept by an outbox in `live`. */
static bool deliver_rest(struct run *run)
{
        uint64_t left = delivery_drain(run->delivery, run->live ? LIVE_PATIENCE_S : READ_PATIENCE_S);
        if (left > 0 && !run->live)
                log_error("%" PRIu64 " alerts could not be delivered; run the same again to go on where it stopped", left);
        else if (left > 0)
                log_warning("%" PRIu64 " alerts wait in the outbox", left);
        return left == 0 || run->live;
}

int run_close(struct run *run, int status)
{
        bool failed = false;
        int fail_on = run->settings->fail_on;
        if (status != EXIT_USAGE) { /* else nothing has run */
                run_finish(run);
                failed = !deliver_rest(run);
        }
        if (fflush(stdout) != 0 && status == EXIT_DONE)
                failed = true;
        failed |= delivery_close(run->delivery) != 0;
        run->delivery = NULL;
        if (status == EXIT_DONE && (failed || run->bad_input || run->withheld))
                status = EXIT_FAILED;
        if (status == EXIT_DONE && fail_on >= 0 && run->worst >= fail_on)
                status = EXIT_RAISED;
        run_free(run);
        return status;
}
