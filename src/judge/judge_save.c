/* judge_save, judge_load, judge_adopt: judge over a restart. Flows are not saved: sense begins new ones, with new numbers. */
#include "judge/judge.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "judge/judge_state.h"
#include "judge/state.h"

#define PUT(saved, field, value) ((saved)->field = (value), (saved)->has_##field = (saved)->field != 0)

static void write_head(const struct judge *judge, uint64_t number, struct state_writer *writer)
{
        Apnwatch__V1__StateRecord record = APNWATCH__V1__STATE_RECORD__INIT;
        Apnwatch__V1__StateHead head = APNWATCH__V1__STATE_HEAD__INIT;
        head.version = STATE_VERSION;
        head.number = number;
        head.clock = (uint64_t)judge->clock_ns;
        head.sensor = (char *)judge->settings.sensor;
        head.policy = judge->policy ? (char *)judge->policy->digest : NULL;
        head.inventory = judge->settings.inventory ? (char *)inventory_digest(judge->settings.inventory) : NULL;
        head.context = judge->run.contexts;
        head.n_context = judge->run.context_count;
        alert_book_save_head(judge->book, &head);
        record.body_case = APNWATCH__V1__STATE_RECORD__BODY_HEAD;
        record.head = &head;
        state_write(writer, &record);
}

struct saving {
        const struct judge *judge;
        struct state_writer writer;
};

static void write_device(void *context, struct device *device)
{
        struct saving *saving = context;
        struct said_make said = self_report_make(saving->judge->self_reports, device);
        Apnwatch__V1__StateRecord record = APNWATCH__V1__STATE_RECORD__INIT;
        Apnwatch__V1__SavedDevice saved = APNWATCH__V1__SAVED_DEVICE__INIT;
        saved.address = (ProtobufCBinaryData){sizeof device->address.bytes, device->address.bytes};
        PUT(&saved, context, device->context);
        saved.has_fleet = device->fleet != DEVICE_FLEET_UNKNOWN;
        saved.fleet = device->fleet;
        PUT(&saved, used_s, device->used_s);
        PUT(&saved, dns_since_s, device->dns_since_s);
        PUT(&saved, names_since_s, device->names_since_s);
        PUT(&saved, alerts, device->alerts);
        PUT(&saved, worst, device->worst);
        PUT(&saved, said_strength, device->said_strength);
        PUT(&saved, vendor_counted, device->vendor_counted);
        saved.said_vendor = (char *)said.vendor;
        saved.said_model = (char *)said.model;
        saved.said_protocol = (char *)said.protocol;
        record.body_case = APNWATCH__V1__STATE_RECORD__BODY_DEVICE;
        record.device = &saved;
        state_write(&saving->writer, &record);
}

int judge_save(const struct judge *judge, uint64_t number, int descriptor)
{
        struct saving saving = {.judge = judge};
        struct state_writer *writer = &saving.writer;
        if (state_writer_open(writer, descriptor) != 0)
                return writer->error;
        write_head(judge, number, writer);
        device_table_each(judge->devices, write_device, &saving);
        fleets_save(judge->fleets, writer);
        names_save(judge->names, writer);
        bindings_save(judge->bindings, writer);
        alert_book_save(judge->book, writer);
        for (unsigned i = 0; detectors[i]; i++) {
                if (detectors[i]->save)
                        detectors[i]->save(judge->detector_states[i], writer);
        }
        return state_writer_close(writer);
}

struct loading {
        struct judge *judge;
        struct names_load *names;
        bool same_fleets; /* policy and inventory are those of the save */
        uint64_t number, left_out;
};

static bool is_same(const char *a, const char *b)
{
        return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Whether every record is whole and the head is for us: only then anything is taken. */
static int check_file(const struct judge *judge, struct state_reader *reader)
{
        const Apnwatch__V1__StateRecord *record;
        enum state_result result = state_next(reader, &record);
        if (result == STATE_RECORD && record->body_case == APNWATCH__V1__STATE_RECORD__BODY_HEAD) {
                if (record->head->version > STATE_VERSION || record->head->clock >= JUDGE_TIME_LIMIT) {
                        log_warning("the saved state is of a newer version; beginning without it");
                        return -EPROTONOSUPPORT;
                }
                if (!is_same(record->head->sensor, judge->settings.sensor)) {
                        log_warning("the saved state is of another sensor, %s; beginning without it",
                                    record->head->sensor ? record->head->sensor : "one without a name");
                        return -EXDEV;
                }
                while (result == STATE_RECORD)
                        result = state_next(reader, &record);
                if (result == STATE_WHOLE)
                        return 0;
        }
        int error = result == STATE_FAILED ? -errno : -EBADMSG;
        log_warning("the saved state %s; beginning without it",
                    result == STATE_FAILED ? strerror(-error) : "is cut short or damaged");
        return error;
}

static void take_head(struct loading *loading, const Apnwatch__V1__StateHead *head)
{
        struct judge *judge = loading->judge;
        const char *policy = judge->policy ? judge->policy->digest : NULL;
        const char *inventory = judge->settings.inventory ? inventory_digest(judge->settings.inventory) : NULL;
        Apnwatch__V1__Run run = APNWATCH__V1__RUN__INIT;
        loading->same_fleets = is_same(head->policy, policy) && is_same(head->inventory, inventory);
        loading->number = head->number;
        judge->clock_ns = (int64_t)head->clock;
        run.context = head->context;
        run.n_context = head->n_context;
        run.version = (char *)"";
        run_names_take(&judge->run, &run);
        judge->is_loaded = true;
        alert_book_load_head(judge->book, head);
        if (!loading->same_fleets)
                log_warning("policy or inventory is another one than before: open alerts and what devices resolved are kept, "
                            "what was known of fleets is not");
}

static void take_device(struct loading *loading, const Apnwatch__V1__SavedDevice *saved)
{
        struct judge *judge = loading->judge;
        struct device_key key = {.context = (uint16_t)saved->context};
        if (saved->address.len != sizeof key.address.bytes)
                return;
        memcpy(key.address.bytes, saved->address.data, sizeof key.address.bytes);
        struct device *device = device_table_touch(judge->devices, &key, saved->used_s);
        if (device == NULL)
                return;
        if (loading->same_fleets && saved->has_fleet && saved->fleet < fleets_count(judge->fleets))
                device->fleet = (uint16_t)saved->fleet; /* counted already; bound when it is seen */
        device->dns_since_s = saved->dns_since_s;
        device->names_since_s = saved->names_since_s;
        device->alerts = (uint16_t)saved->alerts;
        device->worst = saved->worst <= APNWATCH__V1__ALERT__SEVERITY__CRITICAL + 1 ? (uint8_t)saved->worst : 0;
        if (saved->said_strength <= SAID_BY_IMEI)
                self_report_restore(judge->self_reports, device, (enum said_strength)saved->said_strength,
                                    &(struct said_make){saved->said_vendor, saved->said_model, saved->said_protocol});
        if (loading->same_fleets && saved->vendor_counted <= VENDOR_COUNTED_BY_WORD)
                device->vendor_counted = (uint8_t)saved->vendor_counted;
}

static bool take_by_detector(struct judge *judge, const Apnwatch__V1__StateRecord *record)
{
        for (unsigned i = 0; detectors[i]; i++) {
                if (detectors[i]->load && detectors[i]->load(judge->detector_states[i], record))
                        return true;
        }
        return false;
}

static void take_record(struct loading *loading, const Apnwatch__V1__StateRecord *record)
{
        struct judge *judge = loading->judge;
        switch (record->body_case) {
        case APNWATCH__V1__STATE_RECORD__BODY_HEAD:
                take_head(loading, record->head);
                break;
        case APNWATCH__V1__STATE_RECORD__BODY_DEVICE:
                take_device(loading, record->device);
                break;
        case APNWATCH__V1__STATE_RECORD__BODY_FLEET:
                if (loading->same_fleets)
                        fleets_load(judge->fleets, record->fleet);
                break;
        case APNWATCH__V1__STATE_RECORD__BODY_NAME:
                names_load_name(loading->names, record->name);
                break;
        case APNWATCH__V1__STATE_RECORD__BODY_ANSWER:
                if (loading->same_fleets || !record->answer->is_fleet)
                        names_load_answer(loading->names, record->answer);
                break;
        case APNWATCH__V1__STATE_RECORD__BODY_RESOLVED:
                if (loading->same_fleets)
                        names_load_resolved(loading->names, record->resolved);
                break;
        case APNWATCH__V1__STATE_RECORD__BODY_ALERT:
                loading->left_out += !alert_book_load(judge->book, record->alert);
                break;
        case APNWATCH__V1__STATE_RECORD__BODY_SESSION:
                judge->has_identity |= bindings_load(judge->bindings, record->session);
                break;
        case APNWATCH__V1__STATE_RECORD__BODY_DEVICES:
                alert_book_load_devices(judge->book, record->devices);
                break;
        default:
                loading->left_out += !take_by_detector(judge, record);
        }
}

static int take_file(struct loading *loading, int descriptor)
{
        const Apnwatch__V1__StateRecord *record;
        struct state_reader *reader = state_reader_create(descriptor);
        loading->names = names_load_begin(loading->judge->names);
        while (reader && loading->names && state_next(reader, &record) == STATE_RECORD)
                take_record(loading, record);
        int error = reader && loading->names ? 0 : -ENOMEM;
        names_load_end(loading->names);
        state_reader_destroy(reader);
        if (loading->left_out > 0)
                log_warning("%llu records of the saved state are of no use here", (unsigned long long)loading->left_out);
        return error;
}

int judge_load(struct judge *judge, int descriptor, uint64_t *number)
{
        struct loading loading = {.judge = judge};
        off_t start = lseek(descriptor, 0, SEEK_CUR);
        if (start < 0)
                return -errno;
        struct state_reader *reader = state_reader_create(descriptor);
        if (reader == NULL)
                return -ENOMEM;
        int error = check_file(judge, reader);
        state_reader_destroy(reader);
        if (error == 0 && lseek(descriptor, start, SEEK_SET) != start)
                error = -errno;
        if (error == 0)
                error = take_file(&loading, descriptor);
        if (error == 0)
                *number = loading.number;
        return error;
}

bool judge_adopt(struct judge *judge, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        return alert_book_adopt(judge->book, alert, cause, cause_length);
}
