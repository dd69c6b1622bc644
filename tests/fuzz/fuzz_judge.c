/* Judge reads what comes through a pipe from a process that parses hostile bytes: any message that unpacks must be taken.
 * The input is a run of events, each with its length (u16, little endian) in front. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cursor.h"
#include "judge/judge.h"
#include "judge/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy_text[] =
        "version: 1\n"
        "devices: [10.0.0.0/8]\n"
        "fleets:\n"
        "  - name: a\n"
        "    members: [{prefix: 10.64.0.0/10}]\n"
        "    destinations:\n"
        "      deny: [{domain: \"*.evil.example\"}]\n"
        "      allow: [{domain: \"*.utility.example\", protocol: tcp}, {prefix: 192.0.2.0/24}]\n"
        "    updates: {sources: [{domain: fota.utility.example}], windows: [\"Sun 01:00-05:00\"]}\n"
        "    location: {receivers: [{domain: track.utility.example}]}\n";

static const char intel_text[] = "vendor: Quectel\n"
                                 "controller: module_vendor\n"
                                 "rows:\n"
                                 "  - {user_agent: QUECTEL_MODULE, purpose: management, confidence: code, source: fuzz}\n"
                                 "tacs:\n"
                                 "  - {tac: \"86053604\", vendor: Quectel, model: BG96}\n";

static struct intel *load_intel(void)
{
        char folder[] = "/tmp/fuzz_judge.XXXXXX", path[64];
        if (mkdtemp(folder) == NULL)
                abort();
        snprintf(path, sizeof path, "%s/quectel.yaml", folder);
        FILE *file = fopen(path, "w");
        if (file == NULL || fputs(intel_text, file) < 0 || fclose(file) != 0)
                abort();
        const char *folders[] = {folder};
        struct intel *intel = intel_load(folders, 1, stderr);
        unlink(path);
        rmdir(folder);
        if (intel == NULL)
                abort();
        return intel;
}

static void take_alert(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        (void)cause;
        (void)cause_length;
        size_t *bytes = context;
        *bytes += apnwatch__v1__alert__get_packed_size(alert);
}

static void feed(struct judge *judge, struct cursor *at)
{
        while (cursor_left(at) > 2) {
                size_t length = cursor_le16(at);
                struct cursor body = cursor_take(at, length);
                if (body.short_read)
                        return;
                event_t *event = apnwatch__v1__event__unpack(NULL, cursor_left(&body), body.at);
                if (event)
                        judge_event(judge, event);
                if (event)
                        apnwatch__v1__event__free_unpacked(event, NULL);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct policy *policy;
        static struct intel *intel;
        size_t bytes = 0;
        if (policy == NULL) {
                policy = policy_parse("policy", policy_text, strlen(policy_text), false, stderr, NULL);
                intel = load_intel();
        }
        struct judge_settings settings = {.policy = policy,
                                          .intel = intel,
                                          .sensor = "fuzz",
                                          .alerts = {take_alert, &bytes},
                                          .revisions = size % 2,
                                          .device_limit = 64,
                                          .name_limit = 32,
                                          .alert_limit = 4};
        struct judge *judge = judge_create(&settings);
        struct cursor at = cursor_of(data, size);
        feed(judge, &at);
        judge_finish(judge);
        free(judge_report_json(judge_report(judge)));
        judge_destroy(judge);
        return 0;
}
