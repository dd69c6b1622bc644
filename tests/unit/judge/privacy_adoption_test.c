/* Alerts come back from the outbox with pseudonyms in them: the next revision says the same pseudonyms, and nothing in clear. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/json.h"
#include "model/privacy.h"
#include "tests/unit/judge/court.h"
#include "tests/unit/test.h"

enum { KEPT = 8 };

/* What the outbox holds. */
struct outbox {
        struct privacy *privacy;
        unsigned count;
        struct entry {
                uint8_t *packed, cause[4096];
                size_t packed_length, cause_length;
        } entries[KEPT];
};

static void take_alert(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        struct outbox *outbox = context;
        assert_true(outbox->count < KEPT && cause_length <= sizeof outbox->entries[0].cause);
        struct entry *entry = &outbox->entries[outbox->count++];
        const Apnwatch__V1__Alert *leaving = privacy_alert(outbox->privacy, alert);
        assert_non_null(leaving);
        entry->packed = malloc(apnwatch__v1__alert__get_packed_size(leaving));
        entry->packed_length = apnwatch__v1__alert__pack(leaving, entry->packed);
        memcpy(entry->cause, cause, cause_length);
        entry->cause_length = cause_length;
}

static Apnwatch__V1__Alert *entry_alert(const struct entry *entry)
{
        Apnwatch__V1__Alert *alert = apnwatch__v1__alert__unpack(NULL, entry->packed_length, entry->packed);
        assert_non_null(alert);
        return alert;
}

static void assert_nothing_is_clear(const struct entry *entry)
{
        struct json_buffer json = {.text = NULL};
        Apnwatch__V1__Alert *alert = entry_alert(entry);
        model_json_write(&alert->base, &json);
        const char *text = json_buffer_text(&json);
        assert_non_null(strstr(text, "86123405:hmac:"));
        assert_null(strstr(text, "262011234567890"));
        assert_null(strstr(text, "861234051234560"));
        assert_null(strstr(text, "4915112345678"));
        json_buffer_clear(&json);
        apnwatch__v1__alert__free_unpacked(alert, NULL);
}

static struct privacy *open_privacy(void)
{
        char path[] = "/tmp/privacy_adoption.XXXXXX", text[128], error[256];
        struct privacy *privacy = NULL;
        int file = mkstemp(path);
        assert_true(file >= 0 && write(file, "sixteen bytes of", 16) == 16);
        close(file);
        int length = snprintf(text, sizeof text, "privacy: {key_file: %s, coordinates: 1}\n", path);
        struct configuration *configuration = configuration_parse("test", text, (size_t)length, stderr);
        assert_non_null(configuration);
        assert_int_equal(privacy_create(&privacy, configuration, error, sizeof error), 0);
        configuration_destroy(configuration);
        unlink(path);
        return privacy;
}

static struct judge *begin_life(struct court *court, struct outbox *outbox)
{
        judge_destroy(court->judge);
        court->settings.revisions = true;
        court->settings.alerts = (struct alert_sink){take_alert, outbox};
        return court->judge = judge_create(&court->settings);
}

/* Flows to one peer that is not listed, whose name holds the device's IMEI. */
static void talk(struct court *court, double from_s, unsigned flows)
{
        for (unsigned i = 0; i < flows; i++)
                court_flow(court, &(struct court_flow){.device = "10.20.0.7", .peer = "198.51.100.9", .device_port = 40000, .peer_port = 443,
                                                       .opener = OUT, .label = "TLS", .name = "861234051234560.evil.example",
                                                       .start_s = from_s + i * 20, .last_s = from_s + i * 20 + 1});
        court_wait(court, from_s + 3600);
}

static void run_lives(bool with_save)
{
        struct outbox outbox = {.privacy = open_privacy()};
        struct court *court = court_open("version: 1\nfleets: [{name: m, members: [{prefix: 10.20.0.0/16}], destinations: {allow: [{prefix: 192.0.2.0/24}]}}]\n",
                                         NULL, "ip,imsi,imei,msisdn\n10.20.0.7,262011234567890,8612340512345601,4915112345678\n");
        FILE *save = tmpfile();
        uint64_t number;
        begin_life(court, &outbox);
        if (with_save) /* the save is of a time when the alert was open, in clear */
                talk(court, 0, 1);
        assert_int_equal(judge_save(court->judge, outbox.count, fileno(save)), 0);
        talk(court, 4000, 4);
        unsigned before = outbox.count;
        assert_true(before > (with_save ? 1 : 0));
        begin_life(court, &outbox);
        assert_int_equal(lseek(fileno(save), 0, SEEK_SET), 0);
        assert_int_equal(judge_load(court->judge, fileno(save), &number), 0);
        for (unsigned i = (unsigned)number; i < before; i++) {
                Apnwatch__V1__Alert *alert = entry_alert(&outbox.entries[i]);
                assert_true(judge_adopt(court->judge, alert, outbox.entries[i].cause, outbox.entries[i].cause_length));
                apnwatch__v1__alert__free_unpacked(alert, NULL);
        }
        talk(court, 12000, 20);
        assert_true(outbox.count > before);
        Apnwatch__V1__Alert *first = entry_alert(&outbox.entries[0]), *last = entry_alert(&outbox.entries[outbox.count - 1]);
        assert_string_equal(first->id, last->id);
        assert_true(last->revision > first->revision);
        assert_string_equal(first->device->imsi, last->device->imsi);
        assert_string_equal(first->device->imei, last->device->imei);
        assert_string_equal(first->device->msisdn, last->device->msisdn);
        assert_string_equal(first->title, last->title);
        assert_string_equal(first->peer->name, last->peer->name);
        for (unsigned i = 0; i < outbox.count; i++) {
                assert_nothing_is_clear(&outbox.entries[i]);
                free(outbox.entries[i].packed);
        }
        apnwatch__v1__alert__free_unpacked(first, NULL);
        apnwatch__v1__alert__free_unpacked(last, NULL);
        privacy_destroy(outbox.privacy);
        fclose(save);
        court_close(court);
}

static void an_adopted_alert_goes_on_with_its_pseudonyms(void **state)
{
        (void)state;
        run_lives(false);
}

static void a_save_in_clear_and_entries_with_pseudonyms_do_not_mix(void **state)
{
        (void)state;
        run_lives(true);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_adopted_alert_goes_on_with_its_pseudonyms),
                cmocka_unit_test(a_save_in_clear_and_entries_with_pseudonyms_do_not_mix),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
