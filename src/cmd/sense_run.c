#include "cmd/sense_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/progress.h"
#include "cmd/settings.h"
#include "config.h"

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
