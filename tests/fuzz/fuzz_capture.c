/* The reader of captures: any bytes, plain or compressed, are frames within them and then a verdict. */
#include <stdlib.h>

#include "probes/capture.h"
#include "probes/decompressor.h"
#include "probes/interface_names.h"
#include "probes/secret_store.h"
#include "tests/unit/probes/memory_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t touched;

static void read_frames(struct capture *capture, uint64_t *batch)
{
        static struct frame frames[16];
        enum capture_status status = CAPTURE_FRAMES;
        uint64_t total = 0;
        while (status != CAPTURE_ENDED && total < 100000) {
                unsigned count;
                ++*batch;
                status = capture_read(capture, frames, 16, &count);
                for (unsigned i = 0; i < count; i++) {
                        for (uint32_t k = 0; k < frames[i].captured; k++)
                                touched ^= frames[i].bytes[k];
                        if (frames[i].number != ++total)
                                abort();
                }
                if ((status == CAPTURE_FRAMES) != (count > 0))
                        abort();
        }
        if (status == CAPTURE_ENDED && (capture->verdict[0] == '\0' || total != capture->state.tally.packets))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint64_t batch = 0;
        struct byte_source *source = memory_source(data, size);
        struct byte_source_settings source_settings = {.batch = &batch};
        const struct decompressor_kind *kind = decompressor_find(data, size);
        if (kind != NULL && byte_source_decompress(source, kind, &source_settings, &source) != 0)
                return 0;
        struct capture capture;
        struct capture_settings settings = {.names = interface_names_create(), .secrets = secret_store_create()};
        batch = 1;
        if (capture_begin(&capture, source, &settings) != CAPTURE_ENDED)
                read_frames(&capture, &batch);
        byte_source_close(source);
        capture_clear(&capture);
        interface_names_destroy(settings.names);
        secret_store_destroy(settings.secrets);
        return 0;
}
