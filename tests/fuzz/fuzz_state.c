/* The saved state passes a checksum; what it says may be anything all the same: of an older version, of a disk that lies. The
 * input is a list of records, each with its length (u16, little endian) in front. They become a whole file, which is loaded; each
 * that is an alert is adopted too. The judge has to go on, to finish and to save. */
#define _GNU_SOURCE /* memfd_create */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/log.h"
#include "judge/judge.h"
#include "judge/state.h"
#include "model/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy_text[] = "version: 1\n"
                                  "fleets:\n"
                                  "  - name: meters\n"
                                  "    members: [{prefix: 10.20.0.0/29}]\n"
                                  "    destinations: {allow: [{domain: \"*.utility.example\"}]}\n";

static void take_alert(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        (void)cause;
        size_t *bytes = context;
        *bytes += apnwatch__v1__alert__get_packed_size(alert) + cause_length;
}

static void adopt(struct judge *judge, const Apnwatch__V1__SavedAlert *saved)
{
        uint8_t cause[4096] = {1};
        Apnwatch__V1__SavedAlert bare = *saved;
        bare.has_alert = false;
        size_t length = wire_pack(&bare.base, cause + 1, sizeof cause - 1);
        Apnwatch__V1__Alert *alert =
                saved->has_alert ? apnwatch__v1__alert__unpack(NULL, saved->alert.len, saved->alert.data) : NULL;
        if (alert) {
                judge_adopt(judge, alert, cause, length + 1);
                apnwatch__v1__alert__free_unpacked(alert, NULL);
        }
}

/* Head first, whatever the input has. */
static void write_file(int descriptor, struct judge *judge, const uint8_t *data, size_t size)
{
        struct state_writer writer;
        struct cursor at = cursor_of(data, size);
        Apnwatch__V1__StateRecord first = APNWATCH__V1__STATE_RECORD__INIT;
        Apnwatch__V1__StateHead head = APNWATCH__V1__STATE_HEAD__INIT;
        head.version = STATE_VERSION;
        head.clock = UINT64_C(1772400000) * 1000000000;
        first.body_case = APNWATCH__V1__STATE_RECORD__BODY_HEAD;
        first.head = &head;
        if (state_writer_open(&writer, descriptor) != 0)
                abort();
        state_write(&writer, &first);
        while (cursor_left(&at) > 2) {
                size_t length = cursor_le16(&at);
                struct cursor body = cursor_take(&at, length);
                if (body.short_read)
                        break;
                Apnwatch__V1__StateRecord *record = apnwatch__v1__state_record__unpack(NULL, cursor_left(&body), body.at);
                if (record && record->body_case != APNWATCH__V1__STATE_RECORD__BODY_END &&
                    record->body_case != APNWATCH__V1__STATE_RECORD__BODY__NOT_SET)
                        state_write(&writer, record);
                if (record && record->body_case == APNWATCH__V1__STATE_RECORD__BODY_ALERT)
                        adopt(judge, record->alert);
                if (record)
                        apnwatch__v1__state_record__free_unpacked(record, NULL);
        }
        state_writer_close(&writer);
}

static void go_on(struct judge *judge, int descriptor)
{
        static const uint64_t clocks[] = {UINT64_C(1772400600), UINT64_C(1772500000), UINT64_C(1772300000)};
        Apnwatch__V1__Tick tick = APNWATCH__V1__TICK__INIT;
        for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
                event_t event = APNWATCH__V1__EVENT__INIT;
                event.clock = clocks[i] * 1000000000;
                event.body_case = APNWATCH__V1__EVENT__BODY_TICK;
                event.tick = &tick;
                judge_event(judge, &event);
        }
        judge_finish(judge);
        if (ftruncate(descriptor, 0) != 0 || lseek(descriptor, 0, SEEK_SET) != 0 || judge_save(judge, 2, descriptor) != 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct policy *policy;
        size_t bytes = 0;
        uint64_t number = 0;
        if (policy == NULL)
                policy = policy_parse("policy", policy_text, strlen(policy_text), false, stderr, NULL);
        log_set_level(LOG_LEVEL_ERROR);
        struct judge_settings settings = {.policy = size % 2 ? policy : NULL,
                                          .alerts = {take_alert, &bytes},
                                          .revisions = true,
                                          .device_limit = 64,
                                          .name_limit = 32,
                                          .alert_limit = 4};
        struct judge *judge = judge_create(&settings), *adopting = judge_create(&settings);
        int descriptor = memfd_create("state", 0);
        if (descriptor < 0)
                abort();
        write_file(descriptor, adopting, data, size);
        lseek(descriptor, 0, SEEK_SET);
        (void)judge_load(judge, descriptor, &number); /* the input may have another head of its own */
        go_on(judge, descriptor);
        go_on(adopting, descriptor);
        close(descriptor);
        judge_destroy(judge);
        judge_destroy(adopting);
        return 0;
}
