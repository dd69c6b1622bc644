#include "dissectors/app/dtls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink;

static void check_name(struct dissection *d, const uint8_t *name, size_t length, Apnwatch__V1__Flow__NameSource source)
{
        (void)d;
        (void)source;
        uint8_t copy[TLS_NAME_MAX];
        if (length == 0 || length > sizeof copy)
                __builtin_trap();
        memcpy(copy, name, length); /* so that ASan sees a name that is not there */
        sink ^= copy[length / 2];
}

/* Two datagrams of one flow, so that fragments meet. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct dissect_services services = {.name = check_name};
        static uint64_t state[4096 / 8];
        struct dissection d = {.services = &services, .consumed = size};
        struct cursor payload = cursor_of(data, size);
        memset(state, 0, sizeof state);
        (void)dtls_dissector.recognise(&d, &payload);
        (void)dtls_dissector.dissect(&d, state, cursor_take(&payload, size / 2));
        (void)dtls_dissector.dissect(&d, state, payload);
        (void)dtls_dissector.dissect(&d, state, cursor_of(data, size));
        return 0;
}
