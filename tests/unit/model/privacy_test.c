#include "config.h"

#include "tests/unit/test.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/identity_text.h"
#include "model/privacy.h"
#include "model/pseudonym.h"
#include "tests/unit/model/random_message.h"

static char folder[] = "/tmp/privacy_test.XXXXXX";
static char key_path[64], other_path[64];

static void write_file(const char *path, const void *bytes, size_t length, mode_t mode)
{
        int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
        assert_true(file >= 0);
        assert_int_equal(write(file, bytes, length), length);
        assert_int_equal(fchmod(file, mode), 0);
        close(file);
}

static int make_keys(void **state)
{
        (void)state;
        assert_non_null(mkdtemp(folder));
        snprintf(key_path, sizeof key_path, "%s/key", folder);
        snprintf(other_path, sizeof other_path, "%s/other", folder);
        write_file(key_path, "key of sixteen b\n", 17, 0600);
        write_file(other_path, "another key, long enough", 24, 0600);
        return 0;
}

static int remove_keys(void **state)
{
        (void)state;
        unlink(key_path);
        unlink(other_path);
        return rmdir(folder);
}

static struct privacy *privacy_of(const char *more)
{
        char text[512], error[256] = "";
        struct privacy *privacy = NULL;
        int length = snprintf(text, sizeof text, "privacy: {key_file: %s%s}\n", key_path, more);
        struct configuration *configuration = configuration_parse("test", text, (size_t)length, stderr);
        assert_non_null(configuration);
        assert_int_equal(privacy_create(&privacy, configuration, error, sizeof error), 0);
        assert_non_null(privacy);
        configuration_destroy(configuration);
        return privacy;
}

/* printf '%s' 262011234567890 | openssl dgst -sha256 -hmac 'key of sixteen b' */
static const char imsi_pseudonym[] = "hmac:e9e57f526c890883";
/* of the first 14 digits */
static const char imei_pseudonym[] = "86123405:hmac:2eac07492ecae96a";
static const char msisdn_pseudonym[] = "hmac:c50b96a43e572543";

struct sample {
        Apnwatch__V1__Alert alert;
        Apnwatch__V1__Device device;
        Apnwatch__V1__Detail detail;
        Apnwatch__V1__Peer peer;
        Apnwatch__V1__Object object;
        Apnwatch__V1__Time time;
        Apnwatch__V1__Evidence evidence, *evidences[1];
        char *subscribers[2];
};

static void fill_sample(struct sample *sample)
{
        apnwatch__v1__alert__init(&sample->alert);
        apnwatch__v1__device__init(&sample->device);
        apnwatch__v1__detail__init(&sample->detail);
        apnwatch__v1__peer__init(&sample->peer);
        apnwatch__v1__object__init(&sample->object);
        apnwatch__v1__time__init(&sample->time);
        apnwatch__v1__evidence__init(&sample->evidence);
        sample->alert.id = (char *)"12345678901234567890123456789012";
        sample->alert.type = (char *)"location.report";
        sample->alert.title = (char *)"Position of 4915112345678 to 861234051234560.track.example:80/tcp";
        sample->alert.policy = (char *)"sha256:1234567890123456789012345678901234567890123456789012345678901234";
        sample->alert.time = sample->alert.first = sample->alert.last = &sample->time;
        sample->alert.device = &sample->device;
        sample->device.ip = (char *)"10.20.0.7";
        sample->device.imsi = (char *)"262011234567890";
        sample->device.imei = (char *)"8612340512345607";
        sample->device.msisdn = (char *)"4915112345678";
        sample->alert.detail = &sample->detail;
        sample->detail.path = (char *)"/p?imei=861234051234560&imsi=262011234567890&tel=+4915112345678&at=20260301020304&lat=52.52037";
        sample->detail.user_agent = (char *)"tracker/1.0 (89490200001234567890)";
        sample->detail.has_latitude = sample->detail.has_longitude = true;
        sample->detail.latitude = 52.52037;
        sample->detail.longitude = -13.40495;
        sample->detail.object = &sample->object;
        sample->object.name = (char *)"log-861234051234560.bin";
        sample->object.sha256 = (char *)"1234567890123456789012345678901234567890123456789012345678901234";
        sample->detail.former = (char *)"12345678901234"; /* of no body that gives out IMEIs */
        sample->detail.current = (char *)"ecgi:262-01-168496129";
        sample->subscribers[0] = (char *)"262011234567890";
        sample->subscribers[1] = (char *)"001010000000001";
        sample->detail.subscribers = sample->subscribers;
        sample->detail.n_subscribers = 2;
        sample->alert.peer = &sample->peer;
        sample->peer.name = (char *)"861234051234560.track.example";
        sample->evidence.text = (char *)"position 52.5204, 13.4050";
        sample->evidences[0] = &sample->evidence;
        sample->alert.evidence = sample->evidences;
        sample->alert.n_evidence = 1;
}

static void an_alert_leaves_with_pseudonyms(void **state)
{
        struct privacy *privacy = privacy_of(", coordinates: 2");
        struct sample sample, before;
        char expected[512];
        (void)state;
        memset(&sample, 0, sizeof sample);
        fill_sample(&sample);
        before = sample;
        const Apnwatch__V1__Alert *out = privacy_alert(privacy, &sample.alert);
        assert_non_null(out);
        assert_ptr_not_equal(out, &sample.alert);
        assert_memory_equal(&before, &sample, sizeof sample); /* the original stays */
        assert_string_equal(out->device->imsi, imsi_pseudonym);
        assert_string_equal(out->device->imei, imei_pseudonym);
        assert_string_equal(out->device->msisdn, msisdn_pseudonym);
        assert_string_equal(out->device->ip, "10.20.0.7");
        /* The IMEI has 15 digits on the wire and 16 in signalling: one device, one pseudonym. */
        snprintf(expected, sizeof expected, "/p?imei=%s&imsi=%s&tel=+%s&at=20260301020304&lat=52.52", imei_pseudonym, imsi_pseudonym,
                 msisdn_pseudonym);
        assert_string_equal(out->detail->path, expected);
        snprintf(expected, sizeof expected, "Position of %s to %s.track.example:80/tcp", msisdn_pseudonym, imei_pseudonym);
        assert_string_equal(out->title, expected);
        assert_null(strstr(out->detail->user_agent, "8949"));
        assert_non_null(strstr(out->detail->user_agent, "tracker/1.0 (hmac:"));
        assert_true(out->detail->latitude == 52.52 && out->detail->longitude == -13.4);
        assert_string_equal(out->evidence[0]->text, "position 52.52, 13.40");
        snprintf(expected, sizeof expected, "log-%s.bin", imei_pseudonym);
        assert_string_equal(out->detail->object->name, expected);
        assert_non_null(strstr(out->detail->former, "12345678:hmac:"));
        assert_ptr_equal(out->detail->current, sample.detail.current);
        assert_string_equal(out->detail->subscribers[0], imsi_pseudonym);
        assert_non_null(strstr(out->detail->subscribers[1], "hmac:"));
        assert_ptr_equal(out->detail->object->sha256, sample.object.sha256);
        assert_int_equal(strspn(out->id, "0123456789abcdef"), 32);
        assert_string_not_equal(out->id, sample.alert.id);
        assert_ptr_equal(out->policy, sample.alert.policy);
        privacy_destroy(privacy);
}

/* As over a restart: packed into the outbox, unpacked, adopted, and told again. */
static void what_has_pseudonyms_is_passed_on(void **state)
{
        struct privacy *privacy = privacy_of(", coordinates: 2");
        struct sample sample;
        (void)state;
        fill_sample(&sample);
        const Apnwatch__V1__Alert *out = privacy_alert(privacy, &sample.alert);
        size_t length = apnwatch__v1__alert__get_packed_size(out);
        uint8_t *packed = malloc(length);
        apnwatch__v1__alert__pack(out, packed);
        Apnwatch__V1__Alert *again = apnwatch__v1__alert__unpack(NULL, length, packed);
        assert_non_null(again);
        assert_ptr_equal(privacy_alert(privacy, again), again); /* not even copied */
        apnwatch__v1__alert__free_unpacked(again, NULL);
        free(packed);
        privacy_destroy(privacy);
}

static void the_tenant_picks_the_key(void **state)
{
        char more[128];
        struct sample sample;
        (void)state;
        snprintf(more, sizeof more, ", tenants: {water: %s}", other_path);
        struct privacy *privacy = privacy_of(more);
        memset(&sample, 0, sizeof sample);
        fill_sample(&sample);
        sample.alert.tenant = (char *)"gas";
        assert_string_equal(privacy_alert(privacy, &sample.alert)->device->imsi, imsi_pseudonym);
        sample.alert.tenant = (char *)"water";
        const char *of_water = privacy_alert(privacy, &sample.alert)->device->imsi;
        assert_int_equal(strlen(of_water), strlen(imsi_pseudonym));
        assert_string_not_equal(of_water, imsi_pseudonym);
        sample.alert.tenant = NULL;
        assert_string_equal(privacy_alert(privacy, &sample.alert)->device->imsi, imsi_pseudonym);
        privacy_destroy(privacy);
}

static void events_leave_without_identities_and_raw_bytes(void **state)
{
        struct privacy *privacy = privacy_of(", coordinates: 1");
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Position position = APNWATCH__V1__POSITION__INIT;
        Apnwatch__V1__Signalling signalling = APNWATCH__V1__SIGNALLING__INIT;
        Apnwatch__V1__Lookup lookup = APNWATCH__V1__LOOKUP__INIT;
        Apnwatch__V1__Snippet snippet = APNWATCH__V1__SNIPPET__INIT;
        uint8_t bytes[] = "imei 861234051234560";
        (void)state;
        snippet.data = (ProtobufCBinaryData){sizeof bytes, bytes};
        event.snippet = &snippet;
        event.body_case = APNWATCH__V1__EVENT__BODY_POSITION;
        event.position = &position;
        position.family = (char *)"GT06";
        position.device_id = (char *)"8612340512345607";
        position.topic = (char *)"dev/861234051234560/up";
        position.has_latitude = true;
        position.latitude = 52.55;
        const event_t *out = privacy_event(privacy, &event);
        assert_null(out->snippet);
        assert_ptr_equal(event.snippet, &snippet);
        assert_string_equal(out->position->device_id, imei_pseudonym);
        assert_non_null(strstr(out->position->topic, imei_pseudonym));
        assert_true(out->position->latitude == 52.6 && position.latitude == 52.55);
        event.body_case = APNWATCH__V1__EVENT__BODY_SIGNALLING;
        event.signalling = &signalling;
        signalling.imsi = (char *)"262011234567890";
        signalling.imei = (char *)"8612340512345607";
        signalling.msisdn = (char *)"+4915112345678";
        signalling.session = (char *)"pgw;1;4915112345678@x";
        out = privacy_event(privacy, &event);
        assert_string_equal(out->signalling->imsi, imsi_pseudonym);
        assert_true(privacy_was_on(out) && !privacy_was_on(&event));
        assert_string_equal(out->signalling->imei, imei_pseudonym);
        assert_string_equal(out->signalling->msisdn, msisdn_pseudonym);
        assert_non_null(strstr(out->signalling->session, msisdn_pseudonym));
        event.body_case = APNWATCH__V1__EVENT__BODY_LOOKUP;
        event.lookup = &lookup;
        lookup.family = (char *)"SUPL";
        lookup.subscriber = (char *)"4915112345678";
        assert_string_equal(privacy_event(privacy, &event)->lookup->subscriber, msisdn_pseudonym);
        privacy_destroy(privacy);
        privacy = privacy_of(", raw: [\"events:\"]");
        assert_ptr_equal(privacy_event(privacy, &event)->snippet, &snippet);
        privacy_destroy(privacy);
}

static void texts_are_searched(void **state)
{
        static const struct {
                const char *from, *to; /* a * stands for 16 hex digits */
        } texts[] = {
                {"", ""},
                {"no digits, h, hm, hmac:, hmac:12", "no digits, h, hm, hmac:, hmac:12"},
                {"1234567890123", "1234567890123"},                   /* Unix milliseconds */
                {"1767225600000000 1767225600000000000", "1767225600000000 1767225600000000000"},
                {"20260301020304 20260301020304567", "20260301020304 20260301020304567"},
                {"20261301020304", "hmac:*"},                         /* no thirteenth month */
                {"353490069873319", "35349006:hmac:*"},               /* TS 23.003's check digit is right */
                {"353490069873310", "35349006:hmac:*"},               /* 0 in its place */
                {"353490069873312", "hmac:*"},
                {"262011234567890", "hmac:*"},
                {"n1861234051234560", "nhmac:*"},
                {"x262011234567890y", "xhmac:*y"},
                {"89490200001234567890", "hmac:*"},
                {"35349006987331926201123456789089490200001234567890", "hmac:*"}, /* three in a row */
                {"35349006:hmac:0123456789012345", "35349006:hmac:0123456789012345"},
                {"hmac:0123456789012345", "hmac:0123456789012345"},
                {"353490069873319:hmac:0123456789012345", "35349006:hmac:*:hmac:0123456789012345"},
                {"10.20.0.7 2001:db8::1 1.2.34567", "10.20.0.7 2001:db8::1 1.2.34567"},
                {"52.52037,-13.404954 9.5 181.12345", "52.52,-13.40 9.5 181.12345"},
                {"1.262011234567890", "1.26"},
                {"%38%36%31%32%33%34%30%35%31%32%33%34%35%36%30", "86123405:hmac:*"},
                {"x%2F2620112345%367890", "x%2Fhmac:*"},
                {"%31%32", "%31%32"},
                {"%20861234051234560", "%2086123405:hmac:*"},
                {"urn:gsma:imei:86123405-123456-0;svn=01", "urn:gsma:imei:86123405:hmac:*;svn=01"},
                {"35-349006-987331-9, 353490 06 987331", "35349006:hmac:*, 35349006:hmac:*"},
                {"35349006%2D987331%2d9", "35349006:hmac:*"},
                {"2026-03-01 02-03-04 861234-05", "2026-03-01 02-03-04 861234-05"},
                {"35-349006-98733-19", "35-349006-98733-19"},
                {"0262011234567890@nai.epc.example", "0hmac:*@nai.epc.example"},
                {"6262011234567890%40nai.epc.example", "6hmac:*%40nai.epc.example"},
                {"$GPRMC,5231.2222,N,01324.2972,E; 5231.2222,Nx 5299.2222,N", "$GPRMC,5231.0,N,01324.0,E; 5231.2222,Nx 5299.2222,N"},
        };
        struct privacy *privacy = privacy_of(", coordinates: 2");
        (void)state;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                const char *covered = privacy_text(privacy, texts[i].from), *at = covered;
                char *again = strdup(covered);
                for (const char *to = texts[i].to; *to != '\0'; to++) {
                        if (*to == '*') {
                                assert_int_equal(strspn(at, "0123456789abcdef"), 16);
                                at += 16;
                        } else if (*at++ != *to) {
                                fail_msg("%s became %s; expected %s", texts[i].from, covered, texts[i].to);
                        }
                }
                assert_string_equal(at, "");
                assert_string_equal(privacy_text(privacy, again), again);
                free(again);
        }
        privacy_destroy(privacy);
}

/* What a device writes about others, or before anything says whose it is. */
static void phone_numbers_are_taken(void **state)
{
        static const struct {
                const char *from, *to; /* a * stands for 16 hex digits */
        } texts[] = {
                {"dev/4915112345678/pos", "dev/hmac:*/pos"},
                {"m4915112345678.example", "mhmac:*.example"},
                {"tel=%2B49151123456", "tel=%2Bhmac:*"},
                {"tel=%34%39%31%35%31%31%32%33%34%35%36%37%38", "tel=hmac:*"},
                {"+49 151 12345678, +12-34", "+hmac:*, +12-34"},
                {"015112345678 12125551234", "hmac:* hmac:*"},
                {"+1234567 123456789", "+1234567 123456789"},
                {"msisdn=12345678&imsi=001011&tel: \"12345678\"&n=12345678&tel=12345", "msisdn=hmac:*&imsi=hmac:*&tel: \"hmac:*\"&n=12345678&tel=12345"},
                {"1772330000 1772330000123", "1772330000 1772330000123"},              /* Unix time */
                {"260301020304 202603010203 2603010203 v1+20260301", "260301020304 202603010203 2603010203 v1+20260301"},
                {"550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000"},
                {"d41d8cd98f00b204e9800998ecf8427e0000000000ab", "d41d8cd98f00b204e9800998ecf8427e0000000000ab"},
                {"ncgi:262-01-12345678901", "ncgi:262-01-12345678901"},
                {"192.168.100.200:65535", "192.168.100.200:65535"},
        };
        struct privacy *privacy = privacy_of("");
        Apnwatch__V1__Lookup lookup = APNWATCH__V1__LOOKUP__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        (void)state;
        event.body_case = APNWATCH__V1__EVENT__BODY_LOOKUP;
        event.lookup = &lookup;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                lookup.family = (char *)(uintptr_t)texts[i].from;
                const char *covered = privacy_event(privacy, &event)->lookup->family, *at = covered;
                for (const char *to = texts[i].to; *to != '\0'; to++) {
                        if (*to == '*') {
                                assert_int_equal(strspn(at, "0123456789abcdef"), 16);
                                at += 16;
                        } else if (*at++ != *to) {
                                fail_msg("%s became %s; expected %s", texts[i].from, covered, texts[i].to);
                        }
                }
                assert_string_equal(at, "");
        }
        privacy_destroy(privacy);
}

/* An ID is a hash over identities: without the key it must not be possible to try them. */
static void an_id_is_keyed_once(void **state)
{
        char more[128], first[KEYED_ID_DIGITS + 1];
        struct sample sample;
        (void)state;
        snprintf(more, sizeof more, ", tenants: {water: %s}", other_path);
        struct privacy *privacy = privacy_of(more);
        memset(&sample, 0, sizeof sample);
        fill_sample(&sample);
        snprintf(first, sizeof first, "%s", privacy_alert(privacy, &sample.alert)->id);
        /* printf '%s' id:12345678901234567890123456789012 | openssl dgst -sha256 -hmac 'key of sixteen b' */
        assert_memory_equal(first, "05e42a72a6201830ebd68164", 24);
        sample.alert.id = first;
        assert_ptr_equal(privacy_alert(privacy, &sample.alert)->id, first);
        sample.alert.tenant = (char *)"water"; /* another key: not known to be keyed */
        assert_string_not_equal(privacy_alert(privacy, &sample.alert)->id, first);
        sample.alert.tenant = NULL;
        first[31] = first[31] == '0' ? '1' : '0';
        assert_string_not_equal(privacy_alert(privacy, &sample.alert)->id, first);
        privacy_destroy(privacy);
}

static void names_of_the_users_choice_stay(void **state)
{
        struct privacy *privacy = privacy_of("");
        struct sample sample;
        (void)state;
        memset(&sample, 0, sizeof sample);
        fill_sample(&sample);
        sample.alert.fleet = (char *)"meters-4915112345678";
        sample.device.site = (char *)"DE00056266802123456789012345678";
        assert_ptr_equal(privacy_alert(privacy, &sample.alert)->fleet, sample.alert.fleet);
        assert_ptr_equal(privacy_alert(privacy, &sample.alert)->device->site, sample.device.site);
        sample.device.site = (char *)"SIM 262011234567890"; /* the device's own */
        assert_null(strstr(privacy_alert(privacy, &sample.alert)->device->site, "2620"));
        privacy_destroy(privacy);
}

static void json_stays_json(void **state)
{
        struct privacy *privacy = privacy_of("");
        (void)state;
        const char *out = privacy_json(privacy, "{\"bytes\":123456789012345678,\"sha256\":\"1234567890123456789012345678901234567890123456789012345678901234\","
                                                "\"t\":\"\\\"262011234567890\\u001f1234567890123\\\\\",\"n\":52.12345}");
        char expected[512];
        snprintf(expected, sizeof expected, "{\"bytes\":123456789012345678,\"sha256\":\"1234567890123456789012345678901234567890123456789012345678901234\","
                 "\"t\":\"\\\"%s\\u001f1234567890123\\\\\",\"n\":52.12345}", imsi_pseudonym);
        assert_string_equal(out, expected);
        assert_string_equal(privacy_json(privacy, "{\"cut"), "{\"cut");
        assert_string_equal(privacy_json(privacy, "{\"cut\\"), "{\"cut\\");
        privacy_destroy(privacy);
}

/* Random messages */

static bool is_run(const char *text, const char **end)
{
        *end = text + strspn(text, "0123456789");
        return *end - text >= 14;
}

/* No run that could be an identity, and none of the identities that were put in. */
static void assert_text_tells_nothing(const char *text, const char *identity)
{
        const char *end;
        if (strstr(text, identity) != NULL)
                fail_msg("%s stands in %s", identity, text);
        for (const char *at = text; *at != '\0';) {
                size_t covered = pseudonym_length(at);
                if (covered > 0) {
                        at += covered;
                } else if (is_run(at, &end)) {
                        fail_msg("a run of digits in %s", text);
                } else {
                        at = end > at ? end : at + 1;
                }
        }
}

static void *const *items_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t *count)
{
        const char *bytes = (const char *)message;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                *count = *(const size_t *)(const void *)(bytes + field->quantifier_offset);
                return *(void *const *const *)(const void *)(bytes + field->offset);
        }
        *count = !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
                 *(const uint32_t *)(const void *)(bytes + field->quantifier_offset) == field->id;
        return (void *const *)(const void *)(bytes + field->offset);
}

/* What the user named, and what we say of a file. */
static bool is_name(const ProtobufCFieldDescriptor *field)
{
        static const char *const names[] = {"fleet", "tenant", "sensor", "rule", "tap", "context", "interface", "site", "ticket", "verdict"};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (strcmp(field->name, names[i]) == 0)
                        return true;
        return false;
}

typedef void text_visitor(void *context, char **text);

static unsigned each_text(const ProtobufCMessage *message, text_visitor *visit, void *context)
{
        unsigned texts = 0;
        for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
                if ((field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE) || is_name(field))
                        continue;
                size_t count;
                void *const *items = items_of(message, field, &count);
                for (size_t k = 0; k < count; k++) {
                        if (items[k] == NULL)
                                continue;
                        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
                                texts += each_text(items[k], visit, context);
                        else
                                visit(context, (char **)(uintptr_t)&items[k]), texts++;
                }
        }
        return texts;
}

struct planting {
        struct random_source random;
        const char *identity;
};

static void plant(void *context, char **text)
{
        struct planting *planting = context;
        uint64_t choice = random_source_next(&planting->random) % 4;
        char *longer = NULL;
        if (choice == 0)
                return;
        if (asprintf(&longer, "%.*s=%s;%s", (int)(random_source_next(&planting->random) % 20), choice == 1 ? "" : *text,
                     planting->identity, choice == 3 ? *text : "") < 0)
                abort();
        free(*text);
        *text = longer;
}

static void check_text(void *context, char **text)
{
        assert_text_tells_nothing(*text, context);
}

static void nothing_that_looks_like_an_identity_leaves(void **state)
{
        static const char *const identities[] = {"861234051234560", "8612340512345607", "86123405123456", "262011234567890",
                                                 "310410123456789", "89490200001234567890", "8949020000123456789"};
        struct privacy *privacy = privacy_of(", coordinates: 2");
        struct planting planting = {.random = {.state = 77}};
        unsigned texts = 0, count = sizeof identities / sizeof *identities;
        (void)state;
        for (unsigned i = 0; i < 1500; i++) {
                planting.identity = identities[i % count];
                bool is_alert = i / count % 2;
                ProtobufCMessage *message = random_message(
                        &planting.random, is_alert ? &apnwatch__v1__alert__descriptor : &apnwatch__v1__event__descriptor, 2);
                each_text(message, plant, &planting);
                const ProtobufCMessage *out = is_alert ? &privacy_alert(privacy, (Apnwatch__V1__Alert *)message)->base
                                                       : &privacy_event(privacy, (event_t *)message)->base;
                assert_non_null(out);
                texts += each_text(out, check_text, (void *)(uintptr_t)planting.identity);
                size_t length = protobuf_c_message_get_packed_size(out); /* ASan reads every byte of it */
                uint8_t *packed = malloc(length);
                assert_int_equal(protobuf_c_message_pack(out, packed), length);
                ProtobufCMessage *again = protobuf_c_message_unpack(out->descriptor, NULL, length, packed);
                const ProtobufCMessage *twice = is_alert ? &privacy_alert(privacy, (Apnwatch__V1__Alert *)again)->base
                                                         : &privacy_event(privacy, (event_t *)again)->base;
                if (is_alert) /* an event's text may, by chance, hold what another pseudonym's device is known by */
                        assert_ptr_equal(twice, again);
                protobuf_c_message_free_unpacked(again, NULL);
                free(packed);
                protobuf_c_message_free_unpacked(message, NULL);
        }
        assert_true(texts > 20000);
        privacy_destroy(privacy);
}

/* Keys */

static void keys_are_checked(void **state)
{
        char error[256], path[80];
        struct pseudonym_key *key;
        char out[PSEUDONYM_SIZE], same[PSEUDONYM_SIZE];
        (void)state;
        snprintf(path, sizeof path, "%s/short", folder);
        assert_null(pseudonym_key_load(path, error, sizeof error));
        assert_non_null(strstr(error, "No such file"));
        write_file(path, "fifteen bytes !\n", 16, 0600);
        assert_null(pseudonym_key_load(path, error, sizeof error));
        assert_non_null(strstr(error, "expected at least 16"));
        assert_null(strstr(error, "fifteen bytes"));
        char *large = calloc(1, 5000);
        write_file(path, large, 5000, 0600);
        assert_null(pseudonym_key_load(path, error, sizeof error));
        assert_non_null(strstr(error, "at most 4096"));
        free(large);
        write_file(path, "key of sixteen b\r\n", 18, 0600); /* the line end is not the key */
        key = pseudonym_key_load(path, error, sizeof error);
        assert_non_null(key);
        unlink(path);
        out[pseudonym_write(key, "262011234567890", 15, false, out)] = '\0';
        same[pseudonym_write(key, "262011234567890", 15, false, same)] = '\0';
        assert_string_equal(out, imsi_pseudonym);
        assert_string_equal(same, imsi_pseudonym);
        pseudonym_key_destroy(key);
}

static void a_key_that_others_may_read_is_warned_of(void **state)
{
        char error[256], said[512] = "", path[80];
        (void)state;
        snprintf(path, sizeof path, "%s/open", folder);
        for (unsigned open_to_others = 0; open_to_others < 2; open_to_others++) {
                write_file(path, "key of sixteen b\n", 17, open_to_others ? 0644 : 0600);
                fflush(stderr);
                int saved = dup(STDERR_FILENO), ends[2];
                assert_int_equal(pipe(ends), 0);
                dup2(ends[1], STDERR_FILENO);
                close(ends[1]);
                struct pseudonym_key *key = pseudonym_key_load(path, error, sizeof error);
                fflush(stderr);
                dup2(saved, STDERR_FILENO);
                close(saved);
                ssize_t length = read(ends[0], said, sizeof said - 1);
                said[length > 0 ? length : 0] = '\0';
                close(ends[0]);
                assert_non_null(key);
                assert_int_equal(strstr(said, "may be read by others") != NULL, open_to_others);
                assert_null(strstr(said, "key of sixteen b"));
                pseudonym_key_destroy(key);
        }
        unlink(path);
}

static void raw_outputs_have_to_be_named(void **state)
{
        static const char off[] = "privacy: off\n", on[] = "privacy: {key_file: k}\n", named[] = "privacy: {key_file: k, raw: [\"pcap:\"]}\n";
        struct configuration *configuration;
        struct privacy *privacy;
        char error[128];
        (void)state;
        assert_true(privacy_allows(NULL, "pcap"));
        configuration = configuration_parse("c", off, sizeof off - 1, stderr);
        assert_true(privacy_allows(configuration, "pcap"));
        assert_int_equal(privacy_create(&privacy, configuration, error, sizeof error), 0);
        assert_null(privacy);
        assert_null(privacy_alert(NULL, NULL));
        configuration_destroy(configuration);
        configuration = configuration_parse("c", on, sizeof on - 1, stderr);
        assert_false(privacy_allows(configuration, "pcap"));
        assert_false(privacy_allows(configuration, "objects"));
        assert_true(privacy_allows(configuration, "jsonl"));
        assert_true(privacy_allows(configuration, "events"));
        assert_true(privacy_create(&privacy, configuration, error, sizeof error) < 0);
        assert_null(privacy);
        configuration_destroy(configuration);
        configuration = configuration_parse("c", named, sizeof named - 1, stderr);
        assert_true(privacy_allows(configuration, "pcap"));
        assert_false(privacy_allows(configuration, "objects"));
        configuration_destroy(configuration);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_alert_leaves_with_pseudonyms),
                cmocka_unit_test(what_has_pseudonyms_is_passed_on),
                cmocka_unit_test(the_tenant_picks_the_key),
                cmocka_unit_test(events_leave_without_identities_and_raw_bytes),
                cmocka_unit_test(texts_are_searched),
                cmocka_unit_test(phone_numbers_are_taken),
                cmocka_unit_test(an_id_is_keyed_once),
                cmocka_unit_test(names_of_the_users_choice_stay),
                cmocka_unit_test(json_stays_json),
                cmocka_unit_test(nothing_that_looks_like_an_identity_leaves),
                cmocka_unit_test(keys_are_checked),
                cmocka_unit_test(a_key_that_others_may_read_is_warned_of),
                cmocka_unit_test(raw_outputs_have_to_be_named),
        };
        return cmocka_run_group_tests(tests, make_keys, remove_keys);
}
