/* Judge over restarts: a scenario of four days, killed at random points. Of each life only the last save and the alerts that were
 * delivered after it are left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "judge/judge_state.h"
#include "judge/state.h"
#include "model/wire.h"
#include "tests/unit/judge/court.h"
#include "tests/unit/test.h"

enum { DEVICES = 12, DELIVERED_LIMIT = 20000, HOUR = 3600, DAYS = 4, FLOWS = 64 };

static const char policy_text[] =
        "version: 1\n"
        "fleets:\n"
        "  - name: meters\n"
        "    members: [{prefix: 10.20.0.0/29}]\n"
        "    destinations:\n"
        "      deny: [{prefix: 203.0.113.0/24}]\n"
        "      allow: [{name: own, domain: \"*.utility.example\", protocol: tcp}, {prefix: 10.0.0.53/32}]\n"
        "    updates: {sources: [{domain: fota.utility.example}]}\n"
        "    location: {}\n"
        "  - name: trackers\n"
        "    members: [{prefix: 10.20.0.8/29}]\n"
        "    destinations: {allow: [{name: track, prefix: 192.0.2.0/24}, {prefix: 10.0.0.53/32}], otherwise: alert}\n";

struct delivered {
        char id[33], cause[200];
        uint32_t revision;
        Apnwatch__V1__Alert__State state;
        uint8_t *packed, *opaque;
        size_t packed_length, opaque_length;
};

/* All lives of one scenario. */
struct lives {
        struct court *court;
        struct delivered delivered[DELIVERED_LIMIT];
        unsigned count;
        FILE *save;          /* the last */
        uint64_t random;
        uint64_t life_flows[FLOWS]; /* numbers in this life; 0: not told yet */
        uint64_t received, received_before, dropped, dropped_before;
        unsigned kills;
};

static void take_alert(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        struct lives *lives = context;
        assert_true(lives->count < DELIVERED_LIMIT);
        struct delivered *d = &lives->delivered[lives->count++];
        const char *peer = alert->peer ? alert->peer->name ? alert->peer->name : alert->peer->ip : "-";
        *d = (struct delivered){.revision = alert->revision, .state = alert->state};
        snprintf(d->id, sizeof d->id, "%s", alert->id);
        snprintf(d->cause, sizeof d->cause, "%s %s %s %s", alert->type, alert->device ? alert->device->ip : "-", peer,
                 alert->detail && alert->detail->interface ? alert->detail->interface : "-");
        d->packed_length = apnwatch__v1__alert__get_packed_size(alert);
        d->packed = malloc(d->packed_length);
        apnwatch__v1__alert__pack(alert, d->packed);
        assert_true(cause_length > 0);
        d->opaque = malloc(cause_length);
        d->opaque_length = cause_length;
        memcpy(d->opaque, cause, cause_length);
}

static void begin_run(struct court *court)
{
        Apnwatch__V1__Run run = APNWATCH__V1__RUN__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        char *contexts[] = {(char *)"default"}, *taps[] = {(char *)"default"};
        run.context = contexts;
        run.tap = taps;
        run.n_context = run.n_tap = 1;
        run.version = (char *)"0.1.0";
        event.body_case = APNWATCH__V1__EVENT__BODY_RUN;
        event.run = &run;
        judge_event(court->judge, &event);
}

static void be_born(struct lives *lives)
{
        struct court *court = lives->court;
        court->judge = judge_create(&court->settings);
        court->next_flow = court->frame = 0;
        memset(lives->life_flows, 0, sizeof lives->life_flows);
        lives->received_before = lives->received;
        lives->dropped_before = lives->dropped;
}

static struct lives *open_lives(const char *policy, uint64_t seed)
{
        struct lives *lives = calloc(1, sizeof *lives);
        lives->court = court_open(policy, NULL, NULL);
        judge_destroy(lives->court->judge);
        lives->court->settings.revisions = true;
        lives->court->settings.stall_s = 300;
        lives->court->settings.alerts = (struct alert_sink){take_alert, lives};
        lives->random = seed;
        be_born(lives);
        begin_run(lives->court);
        return lives;
}

static void close_lives(struct lives *lives)
{
        for (unsigned i = 0; i < lives->count; i++) {
                free(lives->delivered[i].packed);
                free(lives->delivered[i].opaque);
        }
        if (lives->save)
                fclose(lives->save);
        court_close(lives->court);
        free(lives);
}

static void save(struct lives *lives)
{
        if (lives->save)
                fclose(lives->save);
        lives->save = tmpfile();
        assert_int_equal(judge_save(lives->court->judge, lives->count, fileno(lives->save)), 0);
}

static void kill_and_begin_again(struct lives *lives)
{
        uint64_t number = 0;
        judge_destroy(lives->court->judge);
        be_born(lives);
        if (lives->save) {
                assert_int_equal(lseek(fileno(lives->save), 0, SEEK_SET), 0);
                assert_int_equal(judge_load(lives->court->judge, fileno(lives->save), &number), 0);
        }
        unsigned before = lives->count;
        for (unsigned i = (unsigned)number; i < before; i++) {
                const struct delivered *d = &lives->delivered[i];
                Apnwatch__V1__Alert *alert = apnwatch__v1__alert__unpack(NULL, d->packed_length, d->packed);
                assert_true(judge_adopt(lives->court->judge, alert, d->opaque, d->opaque_length));
                apnwatch__v1__alert__free_unpacked(alert, NULL);
        }
        assert_int_equal(lives->count, before); /* nothing is told by loading */
        begin_run(lives->court);
        lives->kills++;
}

static uint64_t next_random(struct lives *lives)
{
        lives->random ^= lives->random << 13;
        lives->random ^= lives->random >> 7;
        lives->random ^= lives->random << 17;
        return lives->random;
}

/* What sense of this life says: a flow that it has not told yet is told as new. */
static void news(struct lives *lives, unsigned number, const struct court_flow *from, double at_s, bool is_end)
{
        struct court_flow flow = *from;
        bool is_known = lives->life_flows[number] != 0;
        if (!is_known && !is_end)
                flow.start_s = at_s;
        flow.id = lives->life_flows[number];
        flow.last_s = at_s;
        uint64_t id = court_news(lives->court, &flow,
                                 is_end ? APNWATCH__V1__FLOW_NEWS__PHASE__END : APNWATCH__V1__FLOW_NEWS__PHASE__KNOWN, !is_known);
        lives->life_flows[number] = is_end ? 0 : id;
}

static void part_of_image(struct lives *lives, const char *device, double at_s)
{
        struct court_flow flow = {.device = device, .peer = "198.51.100.9", .peer_port = 80, .opener = OUT, .label = "HTTP",
                                  .name = "fw.vendor.example", .is_host = true, .start_s = at_s};
        Apnwatch__V1__Transfer transfer = APNWATCH__V1__TRANSFER__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        transfer.phase = APNWATCH__V1__TRANSFER__PHASE__ENDED;
        transfer.protocol = (char *)"HTTP";
        transfer.start = (uint64_t)COURT_NS(at_s);
        transfer.method = (char *)"GET";
        transfer.host = (char *)"fw.vendor.example";
        transfer.path = (char *)"/fw.bin";
        transfer.image = (char *)"mcuboot";
        transfer.has_status = transfer.has_moved = transfer.has_size = true;
        transfer.status = 206;
        transfer.moved = 4096;
        transfer.size = 1 << 20;
        event.body_case = APNWATCH__V1__EVENT__BODY_TRANSFER;
        event.transfer = &transfer;
        court_event(lives->court, &flow, &event, at_s, false);
}

static void position(struct lives *lives, const char *device, double at_s)
{
        struct court_flow flow = {.device = device, .peer = "198.51.100.20", .peer_port = 5000, .opener = OUT, .start_s = at_s};
        Apnwatch__V1__Position told = APNWATCH__V1__POSITION__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        told.family = (char *)"NMEA-0183";
        told.grade = APNWATCH__V1__POSITION__GRADE__CHECKED;
        told.has_latitude = told.has_longitude = true;
        told.latitude = 48;
        told.longitude = 11;
        event.body_case = APNWATCH__V1__EVENT__BODY_POSITION;
        event.position = &told;
        court_event(lives->court, &flow, &event, at_s, true);
}

static void interface(struct lives *lives, unsigned minute, double at_s)
{
        Apnwatch__V1__Link link = APNWATCH__V1__LINK__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        bool is_silent = minute / 60 % 24 == 5; /* an hour a day */
        lives->received += is_silent ? 0 : 100000;
        lives->dropped += minute % 997 < 30 ? 10 : 0;
        link.interface = (char *)"eth1";
        link.state = APNWATCH__V1__LINK__STATE__UP;
        link.received = lives->received - lives->received_before;
        link.dropped_kernel = lives->dropped - lives->dropped_before;
        event.clock = (uint64_t)COURT_NS(at_s);
        event.body_case = APNWATCH__V1__EVENT__BODY_LINK;
        event.link = &link;
        judge_event(lives->court->judge, &event);
}

static void minute_of_device(struct lives *lives, unsigned n, unsigned minute)
{
        char device[16];
        unsigned phase = (minute + 7 * n) % 120, hour = minute / 60;
        double at_s = minute * 60.0 + n;
        struct court_flow own = {.peer = "198.51.100.1", .peer_port = 8883, .opener = OUT, .label = "TLS"};
        struct court_flow bad = {.peer = "198.51.100.77", .peer_port = 443, .opener = OUT, .start_s = at_s};
        struct court_flow denied = {.peer = "203.0.113.7", .peer_port = 80, .opener = OUT, .unanswered = true, .start_s = at_s};
        snprintf(device, sizeof device, "10.20.0.%u", n + 1);
        own.device = bad.device = denied.device = device;
        own.start_s = at_s;
        if (phase == 0)
                court_dns(lives->court, device, "mqtt.utility.example", NULL, "198.51.100.1", 60, at_s);
        if (phase == 1 || phase == 90)
                news(lives, n, &own, at_s, phase == 90);
        if (n % 3 == 0 && hour % 40 < 8 && (phase == 20 || phase == 80))
                news(lives, DEVICES + n, &bad, at_s, phase == 80);
        if (n % 4 == 1 && hour / 24 == 1 && phase == 33) {
                denied.unanswered = hour % 3 != 0;
                news(lives, 2 * DEVICES + n, &denied, at_s, true);
        }
        if (n % 5 == 2 && phase > 60 && phase < 100 && hour < 60)
                part_of_image(lives, device, at_s);
        if (n % 2 == 0 && phase % 6 == 0)
                position(lives, device, at_s);
}

static void tick(struct court *court, double at_s)
{
        Apnwatch__V1__Tick body = APNWATCH__V1__TICK__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        event.clock = (uint64_t)COURT_NS(at_s);
        event.body_case = APNWATCH__V1__EVENT__BODY_TICK;
        event.tick = &body;
        judge_event(court->judge, &event);
}

static void live(struct lives *lives, unsigned kill_one_in)
{
        for (unsigned minute = 0; minute < DAYS * 24 * 60; minute++) {
                tick(lives->court, minute * 60.0);
                interface(lives, minute, minute * 60.0 + 0.5);
                unsigned dies_at = kill_one_in && next_random(lives) % kill_one_in == 0
                                           ? (unsigned)(next_random(lives) % (DEVICES + 1))
                                           : UINT32_MAX;
                for (unsigned n = 0; n < DEVICES; n++) {
                        if (n == dies_at)
                                kill_and_begin_again(lives);
                        minute_of_device(lives, n, minute);
                }
                if (dies_at == DEVICES)
                        kill_and_begin_again(lives);
                if (next_random(lives) % 3 != 0)
                        save(lives);
        }
        for (double at_s = DAYS * 24.0 * HOUR; at_s < (DAYS + 3) * 24.0 * HOUR; at_s += 600)
                tick(lives->court, at_s);
}

static const struct delivered *last_of(const struct lives *lives, const char *id)
{
        for (unsigned i = lives->count; i-- > 0;)
                if (strcmp(lives->delivered[i].id, id) == 0)
                        return &lives->delivered[i];
        return NULL;
}

/* Revisions of each id begin with 1 and rise one by one, the last may be a close; nothing comes after it. */
static void assert_revisions_rise(const struct lives *lives)
{
        for (unsigned i = 0; i < lives->count; i++) {
                const struct delivered *d = &lives->delivered[i], *before = NULL;
                for (unsigned j = i; j-- > 0 && before == NULL;)
                        if (strcmp(lives->delivered[j].id, d->id) == 0)
                                before = &lives->delivered[j];
                assert_int_equal(d->revision, before ? before->revision + 1 : 1);
                if (before)
                        assert_int_not_equal(before->state, APNWATCH__V1__ALERT__STATE__CLOSE);
        }
}

/* What is open by the alerts delivered is what the book saves as open, and the other way round. */
static void assert_open_alerts_are_in_the_book(struct lives *lives)
{
        const Apnwatch__V1__StateRecord *record;
        unsigned in_book = 0, told_open = 0;
        save(lives);
        assert_int_equal(lseek(fileno(lives->save), 0, SEEK_SET), 0);
        struct state_reader *reader = state_reader_create(fileno(lives->save));
        while (state_next(reader, &record) == STATE_RECORD) {
                if (record->body_case != APNWATCH__V1__STATE_RECORD__BODY_ALERT)
                        continue;
                Apnwatch__V1__Alert *alert =
                        apnwatch__v1__alert__unpack(NULL, record->alert->alert.len, record->alert->alert.data);
                const struct delivered *last = last_of(lives, alert->id);
                assert_non_null(last);
                assert_int_equal(last->revision, record->alert->revision);
                assert_int_not_equal(last->state, APNWATCH__V1__ALERT__STATE__CLOSE);
                apnwatch__v1__alert__free_unpacked(alert, NULL);
                in_book++;
        }
        state_reader_destroy(reader);
        for (unsigned i = 0; i < lives->count; i++)
                told_open += last_of(lives, lives->delivered[i].id) == &lives->delivered[i] &&
                             lives->delivered[i].state != APNWATCH__V1__ALERT__STATE__CLOSE;
        assert_int_equal(in_book, told_open);
}

static bool has_cause(const struct lives *lives, const char *cause)
{
        for (unsigned i = 0; i < lives->count; i++)
                if (strcmp(lives->delivered[i].cause, cause) == 0)
                        return true;
        return false;
}

/* What was resolved in a moment that is lost makes flows that cannot be judged: no accusation, but sensor.blind. */
static void assert_causes_are_in(const struct lives *lives, const struct lives *other)
{
        for (unsigned i = 0; i < lives->count; i++) {
                const char *cause = lives->delivered[i].cause;
                if (strncmp(cause, "sensor.blind", 12) == 0 || has_cause(other, cause))
                        continue;
                print_error("only in one: %s\n", cause);
                assert_true(false);
        }
}

static unsigned count_openings(const struct lives *lives)
{
        unsigned count = 0;
        for (unsigned i = 0; i < lives->count; i++)
                count += lives->delivered[i].revision == 1;
        return count;
}

static void kills_neither_lose_nor_double_nor_invent(void **state)
{
        (void)state;
        struct lives *whole = open_lives(policy_text, 1);
        live(whole, 0);
        assert_revisions_rise(whole);
        assert_true(count_openings(whole) > 30);
        for (uint64_t seed = 1; seed <= 2; seed++) {
                struct lives *lives = open_lives(policy_text, seed * 7919);
                live(lives, seed % 2 ? 40 : 400);
                assert_true(lives->kills > 5);
                assert_revisions_rise(lives);
                assert_causes_are_in(lives, whole);
                assert_causes_are_in(whole, lives);
                assert_in_range(count_openings(lives), count_openings(whole) - 6, count_openings(whole) + 6);
                assert_open_alerts_are_in_the_book(lives);
                close_lives(lives);
        }
        close_lives(whole);
}

/* Time that was set back and comes a second time: no id is made twice. */
static void a_clock_set_back_makes_no_id_twice(void **state)
{
        (void)state;
        struct lives *lives = open_lives(policy_text, 5);
        for (unsigned life = 0; life < 4; life++) {
                for (unsigned minute = 0; minute < 30 * 60; minute++) {
                        tick(lives->court, minute * 60.0);
                        interface(lives, minute, minute * 60.0 + 0.5);
                        for (unsigned n = 0; n < DEVICES; n++)
                                minute_of_device(lives, n, minute);
                        if (minute % 100 == 50)
                                save(lives);
                }
                if (life != 1)
                        kill_and_begin_again(lives); /* else only the clock jumps */
        }
        assert_revisions_rise(lives);
        assert_open_alerts_are_in_the_book(lives);
        close_lives(lives);
}

static void write_saved(struct lives *lives, uint8_t **bytes, size_t *length)
{
        save(lives);
        *length = (size_t)lseek(fileno(lives->save), 0, SEEK_END);
        *bytes = malloc(*length);
        assert_int_equal(pread(fileno(lives->save), *bytes, *length, 0), (ssize_t)*length);
}

static int load_bytes(struct judge *judge, const uint8_t *bytes, size_t length)
{
        uint64_t number = 0;
        FILE *file = tmpfile();
        assert_int_equal(write(fileno(file), bytes, length), (ssize_t)length);
        assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
        int result = judge_load(judge, fileno(file), &number);
        fclose(file);
        return result;
}

static struct lives *after_a_day(void)
{
        struct lives *lives = open_lives(policy_text, 3);
        for (unsigned minute = 0; minute < 26 * 60; minute++)
                for (unsigned n = 0; n < DEVICES; n++)
                        minute_of_device(lives, n, minute);
        return lives;
}

static void half_a_file_and_flipped_bits_are_found_out(void **state)
{
        (void)state;
        struct lives *lives = after_a_day();
        uint8_t *bytes;
        size_t length;
        log_set_level(LOG_LEVEL_ERROR);
        write_saved(lives, &bytes, &length);
        struct judge *judge = judge_create(&lives->court->settings);
        for (size_t cut = 0; cut < length; cut += 1 + length / 64)
                assert_true(load_bytes(judge, bytes, cut) < 0);
        for (size_t at = 0; at < length; at += 1 + length / 64) {
                bytes[at] ^= 0x10;
                assert_true(load_bytes(judge, bytes, length) < 0);
                bytes[at] ^= 0x10;
        }
        assert_int_equal(device_table_count(judge->devices), 0);
        assert_int_equal(names_count(judge->names), 0);
        assert_int_equal(load_bytes(judge, bytes, length), 0);
        assert_int_equal(device_table_count(judge->devices), device_table_count(lives->court->judge->devices));
        assert_int_equal(names_count(judge->names), names_count(lives->court->judge->names));
        judge_destroy(judge);
        free(bytes);
        close_lives(lives);
}

static size_t saved_again(const struct judge *judge, uint8_t *bytes, size_t room)
{
        FILE *file = tmpfile();
        assert_int_equal(judge_save(judge, 7, fileno(file)), 0);
        ssize_t length = pread(fileno(file), bytes, room, 0);
        fclose(file);
        return (size_t)length;
}

static void what_is_loaded_is_saved_the_same(void **state)
{
        (void)state;
        static uint8_t first[1 << 20], second[1 << 20];
        struct lives *lives = after_a_day();
        size_t length = saved_again(lives->court->judge, first, sizeof first);
        struct judge *judge = judge_create(&lives->court->settings);
        assert_int_equal(load_bytes(judge, first, length), 0);
        assert_int_equal(saved_again(judge, second, sizeof second), length);
        size_t head = 8 + (first[0] | (size_t)first[1] << 8); /* tells that it is another life */
        assert_memory_equal(first + head, second + head, length - head);
        judge_destroy(judge);
        close_lives(lives);
}

static void a_child_can_save_while_the_judge_goes_on(void **state)
{
        (void)state;
        static uint8_t first[1 << 20], second[1 << 20];
        struct lives *lives = after_a_day();
        size_t length = saved_again(lives->court->judge, first, sizeof first);
        FILE *file = tmpfile();
        pid_t child = fork();
        if (child == 0)
                _exit(judge_save(lives->court->judge, 7, fileno(file)) == 0 ? 0 : 1);
        for (unsigned n = 0; n < DEVICES; n++)
                minute_of_device(lives, n, 26 * 60);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(pread(fileno(file), second, sizeof second, 0), (ssize_t)length);
        assert_memory_equal(first, second, length);
        fclose(file);
        close_lives(lives);
}

static void another_sensor_or_a_newer_version_is_left_out(void **state)
{
        (void)state;
        struct lives *lives = after_a_day();
        uint8_t *bytes;
        size_t length;
        log_set_level(LOG_LEVEL_ERROR);
        write_saved(lives, &bytes, &length);
        struct judge_settings settings = lives->court->settings;
        settings.sensor = "edge-2";
        struct judge *judge = judge_create(&settings);
        assert_true(load_bytes(judge, bytes, length) < 0);
        judge_destroy(judge);
        free(bytes);
        FILE *file = tmpfile();
        struct state_writer writer;
        Apnwatch__V1__StateRecord record = APNWATCH__V1__STATE_RECORD__INIT;
        Apnwatch__V1__StateHead head = APNWATCH__V1__STATE_HEAD__INIT;
        record.body_case = APNWATCH__V1__STATE_RECORD__BODY_HEAD;
        record.head = &head;
        head.sensor = (char *)"edge-1";
        head.version = STATE_VERSION + 1;
        assert_int_equal(state_writer_open(&writer, fileno(file)), 0);
        state_write(&writer, &record);
        assert_int_equal(state_writer_close(&writer), 0);
        uint64_t number = 0;
        lseek(fileno(file), 0, SEEK_SET);
        judge = judge_create(&lives->court->settings);
        assert_true(judge_load(judge, fileno(file), &number) < 0);
        judge_destroy(judge);
        fclose(file);
        close_lives(lives);
}

static void another_policy_keeps_alerts_and_names_and_leaves_fleets(void **state)
{
        (void)state;
        struct lives *lives = after_a_day();
        uint8_t *bytes;
        size_t length;
        log_set_level(LOG_LEVEL_ERROR);
        write_saved(lives, &bytes, &length);
        unsigned before = lives->count;
        struct judge_settings settings = lives->court->settings;
        settings.policy = NULL;
        struct judge *old = lives->court->judge, *judge = judge_create(&settings);
        assert_int_equal(load_bytes(judge, bytes, length), 0);
        assert_int_equal(device_table_count(judge->devices), device_table_count(old->devices));
        assert_in_range(names_count(judge->names), 1, names_count(old->names) - 1);
        assert_int_equal(fleets_at(judge->fleets, 0)->flows, 0);
        judge_destroy(old);
        lives->court->judge = judge;
        begin_run(lives->court);
        for (double at_s = 27.0 * HOUR; at_s < 60.0 * HOUR; at_s += 600)
                tick(lives->court, at_s);
        assert_true(lives->count > before); /* what was open is closed by quiet */
        judge_finish(judge);
        assert_revisions_rise(lives);
        assert_open_alerts_are_in_the_book(lives);
        free(bytes);
        close_lives(lives);
}

/* One alert for many devices of a fleet: each is counted once over all lives. */
static void devices_of_a_fleets_alert_are_counted_once(void **state)
{
        (void)state;
        static const char policy[] = "version: 1\nfleets:\n  - name: all\n    members: [{prefix: 10.20.0.0/16}]\n"
                                     "    destinations: {allow: [{name: own, prefix: 198.51.100.20/32}]}\n";
        struct lives *lives = open_lives(policy, 9);
        char device[16];
        double at_s = 0;
        for (unsigned i = 0; i < 6000; i++) {
                unsigned n = i % 2 ? i / 2 : i / 3;
                snprintf(device, sizeof device, "10.20.%u.%u", n / 250, n % 250 + 1);
                position(lives, device, at_s++);
                if (i % 700 == 650)
                        save(lives);
                if (i % 700 == 690)
                        kill_and_begin_again(lives);
        }
        judge_finish(lives->court->judge);
        const struct delivered *last = last_of(lives, lives->delivered[0].id);
        Apnwatch__V1__Alert *alert = apnwatch__v1__alert__unpack(NULL, last->packed_length, last->packed);
        assert_string_equal(alert->type, "location.report");
        assert_int_equal(alert->count, 6000 - 8 * 40); /* what came between a save and its kill grew no revision */
        assert_int_equal(alert->n_devices, 1000);
        assert_in_range(alert->device_count, 2900, 3000); /* some of the moment before a kill may be taken for each other */
        assert_revisions_rise(lives);
        assert_open_alerts_are_in_the_book(lives);
        apnwatch__v1__alert__free_unpacked(alert, NULL);
        close_lives(lives);
}

/* A state that was saved, a kill, and what sense tells first in the next life. */
static struct lives *born_again(struct lives *lives)
{
        save(lives);
        kill_and_begin_again(lives);
        return lives;
}

static unsigned count_type(const struct lives *lives, const char *type)
{
        unsigned count = 0;
        for (unsigned i = 0; i < lives->count; i++)
                count += strncmp(lives->delivered[i].cause, type, strlen(type)) == 0;
        return count;
}

/* While it did not run, devices may have resolved the name: an address that is new for it accuses nobody for a while. */
static void answers_that_were_missed_accuse_nobody(void **state)
{
        (void)state;
        struct lives *lives = open_lives(policy_text, 2);
        struct court_flow flow = {.device = "10.20.0.1", .peer = "198.51.100.99", .peer_port = 8883, .opener = OUT, .label = "TLS",
                                  .name = "mqtt.utility.example"};
        court_dns(lives->court, "10.20.0.2", "mqtt.utility.example", NULL, "198.51.100.1", 60, 10);
        flow.start_s = 20;
        court_flow(lives->court, &flow);
        assert_int_equal(count_type(lives, "destination.unlisted"), 1); /* high: a name at an address that is not its own */
        born_again(lives);
        flow.device = "10.20.0.3";
        flow.start_s = 60;
        court_flow(lives->court, &flow);
        assert_int_equal(count_type(lives, "destination.unlisted"), 1);
        flow.start_s = 26 * HOUR;
        court_flow(lives->court, &flow);
        assert_int_equal(count_type(lives, "destination.unlisted"), 2);
        close_lives(lives);
}

/* An address without a name is accused only when DNS of its device was seen: since the hole. */
static void dns_before_the_kill_is_not_dns_of_this_life(void **state)
{
        (void)state;
        struct lives *lives = open_lives(policy_text, 2);
        struct court_flow flow = {.device = "10.20.0.1", .peer = "198.51.100.99", .peer_port = 8883, .opener = OUT};
        court_dns(lives->court, "10.20.0.1", "mqtt.utility.example", NULL, "198.51.100.1", 60, 10);
        born_again(lives);
        flow.start_s = 20;
        court_flow(lives->court, &flow);
        assert_int_equal(count_type(lives, "destination.unlisted"), 0);
        flow.peer = "198.51.100.1"; /* resolved in the life before: allowed */
        flow.start_s = 30;
        court_flow(lives->court, &flow);
        court_dns(lives->court, "10.20.0.1", "mqtt.utility.example", NULL, "198.51.100.1", 60, 40);
        flow.peer = "198.51.100.98";
        flow.start_s = 50;
        court_flow(lives->court, &flow);
        assert_int_equal(count_type(lives, "destination.unlisted"), 1);
        assert_int_equal(fleets_at(lives->court->judge->fleets, 0)->undetermined, 1);
        close_lives(lives);
}

static void other_contexts_are_other_devices(void **state)
{
        (void)state;
        struct lives *lives = after_a_day();
        uint8_t *bytes;
        size_t length;
        write_saved(lives, &bytes, &length);
        unsigned before = lives->count;
        judge_destroy(lives->court->judge);
        be_born(lives);
        assert_int_equal(load_bytes(lives->court->judge, bytes, length), 0);
        Apnwatch__V1__Run run = APNWATCH__V1__RUN__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        char *contexts[] = {(char *)"default", (char *)"water"};
        run.context = contexts;
        run.n_context = 2;
        run.version = (char *)"0.1.0";
        event.body_case = APNWATCH__V1__EVENT__BODY_RUN;
        event.run = &run;
        judge_event(lives->court->judge, &event);
        assert_int_equal(names_count(lives->court->judge->names), 0);
        position(lives, "10.20.0.1", 26.5 * HOUR); /* was reported before; the alert of then belongs to whoever had the address */
        assert_int_equal(lives->count, before + 1);
        assert_int_equal(lives->delivered[before].revision, 1);
        for (double at_s = 27.0 * HOUR; at_s < 60.0 * HOUR; at_s += 600)
                tick(lives->court, at_s);
        assert_revisions_rise(lives);
        assert_open_alerts_are_in_the_book(lives);
        free(bytes);
        close_lives(lives);
}

/* The parent tells that the worker died before any said what time it is. */
static void an_incident_without_a_time_closes_nothing(void **state)
{
        (void)state;
        struct lives *lives = born_again(after_a_day());
        Apnwatch__V1__Incident incident = APNWATCH__V1__INCIDENT__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        unsigned before = lives->count;
        incident.kind = APNWATCH__V1__INCIDENT__KIND__WORKER_DIED;
        event.body_case = APNWATCH__V1__EVENT__BODY_INCIDENT;
        event.incident = &incident;
        judge_event(lives->court->judge, &event);
        assert_int_equal(lives->count, before + 1);
        assert_int_equal(count_type(lives, "sensor.crash"), 1);
        assert_open_alerts_are_in_the_book(lives);
        close_lives(lives);
}

static void a_cause_that_is_none_is_refused(void **state)
{
        (void)state;
        struct lives *lives = after_a_day();
        struct delivered *d = &lives->delivered[0];
        Apnwatch__V1__Alert *alert = apnwatch__v1__alert__unpack(NULL, d->packed_length, d->packed);
        struct judge *judge = judge_create(&lives->court->settings);
        assert_false(judge_adopt(judge, alert, NULL, 0));
        for (size_t cut = 0; cut < 60; cut++)
                assert_false(judge_adopt(judge, alert, d->opaque, cut));
        d->opaque[0]++;
        assert_false(judge_adopt(judge, alert, d->opaque, d->opaque_length));
        d->opaque[0]--;
        assert_true(judge_adopt(judge, alert, d->opaque, d->opaque_length));
        alert->state = APNWATCH__V1__ALERT__STATE__CLOSE;
        judge_destroy(judge);
        apnwatch__v1__alert__free_unpacked(alert, NULL);
        close_lives(lives);
}

static void what_is_saved_has_shapes_that_are_known(void **state)
{
        (void)state;
        assert_true(wire_knows(&apnwatch__v1__state_record__descriptor));
        assert_true(wire_knows(&apnwatch__v1__saved_alert__descriptor));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_saved_has_shapes_that_are_known),
                cmocka_unit_test(kills_neither_lose_nor_double_nor_invent),
                cmocka_unit_test(a_clock_set_back_makes_no_id_twice),
                cmocka_unit_test(half_a_file_and_flipped_bits_are_found_out),
                cmocka_unit_test(what_is_loaded_is_saved_the_same),
                cmocka_unit_test(a_child_can_save_while_the_judge_goes_on),
                cmocka_unit_test(another_sensor_or_a_newer_version_is_left_out),
                cmocka_unit_test(another_policy_keeps_alerts_and_names_and_leaves_fleets),
                cmocka_unit_test(devices_of_a_fleets_alert_are_counted_once),
                cmocka_unit_test(answers_that_were_missed_accuse_nobody),
                cmocka_unit_test(dns_before_the_kill_is_not_dns_of_this_life),
                cmocka_unit_test(other_contexts_are_other_devices),
                cmocka_unit_test(an_incident_without_a_time_closes_nothing),
                cmocka_unit_test(a_cause_that_is_none_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
