/* Texts, and alerts and events as they are packed, through the privacy stage: no run of digits that could be an identity comes
 * out, and what came out is not changed a second time. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/identity_text.h"
#include "model/privacy.h"
#include "model/pseudonym.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct privacy *begin(void)
{
        char path[] = "/tmp/fuzz_privacy.XXXXXX", text[128], error[256];
        struct privacy *privacy = NULL;
        int file = mkstemp(path);
        if (file < 0 || write(file, "sixteen bytes of", 16) != 16)
                abort();
        close(file);
        int length = snprintf(text, sizeof text, "privacy: {key_file: %s, coordinates: 2}\n", path);
        struct configuration *configuration = configuration_parse("fuzz", text, (size_t)length, stderr);
        if (configuration == NULL || privacy_create(&privacy, configuration, error, sizeof error) != 0)
                abort();
        unlink(path);
        configuration_destroy(configuration);
        return privacy;
}

/* 14, 16, 17 and 19 digits may be a time; 15 never are. */
static void assert_tells_nothing(const char *text)
{
        for (const char *at = text; *at != '\0';) {
                size_t run = strspn(at, "0123456789"), covered = pseudonym_length(at);
                if (covered == 0 && (run == 15 || run == 18 || run > 19))
                        abort();
                at += covered > 0 ? covered : run > 0 ? run : 1;
        }
}

static void take_text(struct privacy *privacy, const char *text)
{
        char *json = strdup(privacy_json(privacy, text));
        char *covered = strdup(privacy_text(privacy, text));
        if (json == NULL || covered == NULL || strlen(covered) >= identity_text_room(strlen(text)))
                abort();
        assert_tells_nothing(covered);
        if (strcmp(privacy_text(privacy, covered), covered) != 0)
                abort();
        free(json);
        free(covered);
}

static void take_again(struct privacy *privacy, const ProtobufCMessage *message)
{
        size_t length = protobuf_c_message_get_packed_size(message);
        uint8_t *packed = malloc(length ? length : 1);
        if (packed == NULL || protobuf_c_message_pack(message, packed) != length)
                abort();
        ProtobufCMessage *again = protobuf_c_message_unpack(message->descriptor, NULL, length, packed);
        if (again == NULL)
                abort();
        if (message->descriptor == &apnwatch__v1__alert__descriptor)
                (void)privacy_alert(privacy, (Apnwatch__V1__Alert *)again);
        else
                (void)privacy_event(privacy, (event_t *)again);
        protobuf_c_message_free_unpacked(again, NULL);
        free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct privacy *privacy;
        if (privacy == NULL)
                privacy = begin();
        char *text = malloc(size + 1);
        if (text == NULL)
                abort();
        memcpy(text, data, size);
        text[size] = '\0';
        take_text(privacy, text);
        free(text);
        Apnwatch__V1__Alert *alert = apnwatch__v1__alert__unpack(NULL, size, data);
        if (alert != NULL) {
                take_again(privacy, &privacy_alert(privacy, alert)->base);
                apnwatch__v1__alert__free_unpacked(alert, NULL);
        }
        event_t *event = apnwatch__v1__event__unpack(NULL, size, data);
        if (event != NULL) {
                take_again(privacy, &privacy_event(privacy, event)->base);
                apnwatch__v1__event__free_unpacked(event, NULL);
        }
        return 0;
}
