#include "cmd/sense_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/progress.h"
#include "config.h"
#include "probes/frame_filter.h"

static const char *interface_name(void *context, uint16_t interface)
{
        return probe_interface_name(context, interface);
}

static Apnwatch__V1__Input__State input_state(enum input_state state)
{
        switch (state) {
        case INPUT_OK: return APNWATCH__V1__INPUT__STATE__OK;
        case INPUT_EMPTY: return APNWATCH__V1__INPUT__STATE__EMPTY;
        case INPUT_DAMAGED: return APNWATCH__V1__INPUT__STATE__DAMAGED;
        case INPUT_NOT_CAPTURE: return APNWATCH__V1__INPUT__STATE__NOT_CAPTURE;
        case INPUT_UNREADABLE: break;
        }
        return APNWATCH__V1__INPUT__STATE__UNREADABLE;
}

static char *text_field(const char *text)
{
        return (char *)(uintptr_t)text;
}

static void tell_input(struct sensor *sensor, uint32_t file, const struct input_verdict *verdict)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Input input = APNWATCH__V1__INPUT__INIT;
        input.file = file;
        input.path = text_field(verdict->path);
        input.state = input_state(verdict->state);
        input.verdict = text_field(verdict->verdict);
        input.has_packets = true;
        input.packets = verdict->packets;
        input.has_first = input.has_last = verdict->packets > 0;
        input.first = (uint64_t)verdict->first_ns;
        input.last = (uint64_t)verdict->last_ns;
        input.link_types = text_field(verdict->link_types);
        input.sha256 = text_field(verdict->sha256);
        input.has_named = true;
        input.named = verdict->named != 0;
        input.has_bytes = true;
        input.bytes = verdict->bytes;
        event.body_case = APNWATCH__V1__EVENT__BODY_INPUT;
        event.input = &input;
        sensor_tell(sensor, &event);
}

static int read_all(struct probe *probe, struct sensor *sensor, bool show_progress)
{
        struct progress progress;
        struct frame_batch batch;
        int result;
        progress_init(&progress, show_progress);
        while ((result = probe_next(probe, &batch)) > 0) {
                sensor_batch(sensor, &batch);
                if (progress_is_due(&progress)) {
                        uint64_t done, total;
                        probe_progress(probe, &done, &total);
                        progress_show(&progress, sensor_packets(sensor), done, total);
                }
        }
        progress_end(&progress);
        if (result < 0)
                log_error("reading stopped: %s", strerror(-result));
        return result < 0 ? EXIT_FAILED : 0;
}

int sense_run(const struct sense_job *job, const struct event_sink *sink)
{
        char error[512] = "";
        struct sensor_settings settings = job->sensor;
        struct sensor *sensor = NULL;
        const char **names = NULL;
        int result = EXIT_USAGE;
        struct probe *probe = file_probe_open(&job->probe, error, sizeof error);
        if (probe == NULL) {
                log_error("%s", error);
                return EXIT_USAGE;
        }
        uint32_t count = probe_input_count(probe);
        names = calloc(count + 1, sizeof *names);
        for (uint32_t i = 0; names != NULL && i < count; i++)
                names[i] = probe_input(probe, i)->path;
        settings.input_names = names;
        settings.input_count = names ? count : 0;
        settings.encap.interface_name = interface_name;
        settings.encap.interface_context = probe;
        settings.version = PACKAGE_VERSION;
        settings.sink = *sink;
        sensor = sensor_create(&settings);
        if (sensor == NULL) {
                log_error("no memory for the flow tables, or nDPI does not start");
                goto fail;
        }
        result = read_all(probe, sensor, job->show_progress);
        sensor_finish(sensor);
        for (uint32_t i = 0; i < count; i++)
                tell_input(sensor, i, probe_input(probe, i));
fail:
        sensor_destroy(sensor);
        probe_destroy(probe);
        free(names);
        return result;
}

struct file_probe_input *sense_inputs(const struct word_list *files, const struct configuration *configuration)
{
        struct file_probe_input *inputs = calloc(files->count + 1, sizeof *inputs);
        for (unsigned i = 0; inputs != NULL && i < files->count; i++)
                inputs[i] = (struct file_probe_input){.path = files->items[i],
                                                      .clock_offset_ns = configuration_clock_offset(configuration, files->items[i])};
        return inputs;
}

bool is_event_log(const char *name)
{
        return strncmp(name, "events:", strlen("events:")) == 0;
}

int event_log_status(struct event_log *log, enum event_log_result result)
{
        if (result == EVENT_LOG_TORN)
                log_warning("%s", event_log_message(log));
        else if (result != EVENT_LOG_END)
                log_error("%s", event_log_message(log));
        return result == EVENT_LOG_END || result == EVENT_LOG_TORN ? EXIT_DONE : EXIT_FAILED;
}

static int read_log(const char *path, const struct event_sink *sink)
{
        char error[512] = "";
        struct event_log *log = event_log_open(path, error, sizeof error);
        enum event_log_result result;
        const event_t *event;
        if (log == NULL) {
                log_error("%s", error);
                return EXIT_FAILED;
        }
        while ((result = event_log_next(log, &event)) == EVENT_LOG_EVENT)
                event_sink_emit(sink, event);
        int status = event_log_status(log, result);
        event_log_close(log);
        return status;
}

int sense_read(struct sense_job *job, const struct word_list *files, const struct configuration *configuration, const struct event_sink *sink)
{
        if (is_event_log(files->items[0]))
                return read_log(files->items[0] + strlen("events:"), sink);
        struct file_probe_input *inputs = sense_inputs(files, configuration);
        if (inputs == NULL)
                return EXIT_FAILED;
        job->probe.inputs = inputs;
        job->probe.input_count = files->count;
        settings_to_sensor(configuration, &job->sensor);
        int status = sense_run(job, sink);
        free(inputs);
        return status;
}

static bool take_time(const char *option, const char *text, int64_t *time_ns)
{
        if (text == NULL || time_parse(text, time_ns))
                return true;
        log_error("%s %s: expected a time such as 2026-03-01T02:03:04Z, or Unix seconds", option, text);
        return false;
}

bool sense_take_times(const char *from, const char *to, struct sensor_settings *sensor)
{
        return take_time("--from", from, &sensor->from_ns) && take_time("--to", to, &sensor->to_ns);
}

bool sense_filter_is_good(const char *text)
{
        char error[512] = "";
        struct frame_filter *filter = text ? frame_filter_create(text, error, sizeof error) : NULL;
        if (text != NULL && filter == NULL)
                log_error("--filter: %s", error);
        frame_filter_destroy(filter);
        return text == NULL || filter != NULL;
}

bool sense_input_is_bad(const Apnwatch__V1__Input *input)
{
        bool bad = input->state == APNWATCH__V1__INPUT__STATE__DAMAGED ||
                   (input->named && input->state != APNWATCH__V1__INPUT__STATE__OK);
        if (bad)
                log_error("%s: %s", input->path, input->verdict);
        return bad;
}
