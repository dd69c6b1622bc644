#include "dissectors/app/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink;

static void no_emit(struct dissection *d, event_t *event)
{
        (void)d;
        (void)event;
}

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct dissect_services services = {.emit = no_emit, .name = check_name};
        struct dissection d = {.services = &services, .consumed = size};
        uint64_t state[(TLS_NAME_MAX + 8) / 8] = {0};
        struct cursor payload = cursor_of(data, size);
        tls_dissector.recognise(&d, &payload);
        tls_dissector.dissect(&d, state, payload);
        d.cut = true;
        tls_dissector.dissect(&d, state, payload);
        if (d.consumed > size)
                __builtin_trap();
        return 0;
}
