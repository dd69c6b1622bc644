/* Bytes that flow: read from a descriptor, or made by a decompressor from another source.
 *
 * Two buffers. Bytes are added behind what is in the current one; when there is no room, what is left unread moves to the
 * front of the other one, which then is the current. Frames of the batch that is being filled may still point into the old
 * one, so there is one such turn in a batch at most: another gets SOURCE_BUSY. A reader asks for more only when all
 * frames that it read earlier have been handed over, so the buffer that a turn fills anew is free. */
#include "probes/byte_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/decompressor.h"
#include "probes/stream_digest.h"

/* Two of them and what a flow needs stay in the second level of the cache: the bytes are there when they are looked at. */
enum { BUFFER_SIZE = 64 << 10 };

struct buffered_source {
        struct byte_source source;
        uint8_t *buffer[2];
        size_t size[2];
        unsigned current;
        bool ended;
        const uint64_t *batch;
        uint64_t turned_in;     /* the batch of the last turn, from 1 */
        /* Puts up to `room` bytes at `out`; 0 at the end, with source.fault set when that is no good one. */
        size_t (*produce)(struct buffered_source *buffered, uint8_t *out, size_t room);

        int descriptor;         /* of a reading one, else -1 */
        uint64_t bytes_read;
        struct stream_digest *digest;

        struct byte_source *inner; /* of a decompressing one */
        const struct decompressor_kind *decompressor;
        void *state;
        bool between_members;
};

static size_t produce_read(struct buffered_source *buffered, uint8_t *out, size_t room)
{
        ssize_t length;
        do
                length = read(buffered->descriptor, out, room);
        while (length < 0 && errno == EINTR);
        if (length < 0) {
                struct source_fault *fault = &buffered->source.fault;
                snprintf(fault->reason, sizeof fault->reason, "%s", strerror(errno));
                fault->offset = buffered->bytes_read;
                return 0;
        }
        buffered->bytes_read += (uint64_t)length;
        if (buffered->digest != NULL)
                stream_digest_update(buffered->digest, out, (size_t)length);
        return (size_t)length;
}

static void tell_damage(struct buffered_source *buffered, const char *reason)
{
        struct source_fault *fault = &buffered->source.fault;
        fault->offset = buffered->inner->kind->disk_offset(buffered->inner);
        snprintf(fault->reason, sizeof fault->reason, "%s: %s", buffered->decompressor->name, reason);
}

/* The compressed bytes are over. */
static void tell_early_end(struct buffered_source *buffered)
{
        const struct source_fault *below = &buffered->inner->fault;
        if (below->reason[0] != '\0') {
                buffered->source.fault = *below;
        } else if (!buffered->between_members) {
                tell_damage(buffered, "the compressed data ends early");
                buffered->source.fault.truncated = true;
        }
}

static size_t produce_decompressed(struct buffered_source *buffered, uint8_t *out, size_t room)
{
        struct byte_source *inner = buffered->inner;
        for (;;) {
                bool last = byte_source_need(inner, 1) != SOURCE_READY;
                struct decompress_step step = {.in = inner->at, .in_end = inner->end, .out = out, .out_end = out + room,
                                               .last = last};
                enum decompress_state result = DECOMPRESS_MEMBER_END;
                if (!last || !buffered->between_members)
                        result = buffered->decompressor->step(buffered->state, &step);
                bool used = step.in != inner->at;
                inner->at = step.in;
                if (result == DECOMPRESS_DAMAGED) {
                        tell_damage(buffered, step.reason);
                        buffered->ended = true;
                        return (size_t)(step.out - out);
                }
                buffered->between_members = result == DECOMPRESS_MEMBER_END;
                if (step.out != out)
                        return (size_t)(step.out - out);
                if (last || (!used && result == DECOMPRESS_MORE)) {
                        tell_early_end(buffered);
                        return 0;
                }
        }
}

static bool turn(struct buffered_source *buffered, size_t need)
{
        struct byte_source *source = &buffered->source;
        unsigned other = buffered->current ^ 1;
        size_t left = byte_source_left(source);
        if (buffered->size[other] < need) {
                size_t size = need > BUFFER_SIZE ? need + BUFFER_SIZE : BUFFER_SIZE;
                free(buffered->buffer[other]);
                buffered->buffer[other] = malloc(size);
                buffered->size[other] = buffered->buffer[other] != NULL ? size : 0;
                if (buffered->buffer[other] == NULL)
                        return false;
        }
        if (left > 0)
                memcpy(buffered->buffer[other], source->at, left);
        buffered->current = other;
        source->at = buffered->buffer[other];
        source->end = source->at + left;
        return true;
}

static size_t room_behind(const struct buffered_source *buffered)
{
        const uint8_t *buffer = buffered->buffer[buffered->current];
        return buffer == NULL ? 0 : buffered->size[buffered->current] - (size_t)(buffered->source.end - buffer);
}

static enum source_state buffered_fill(struct byte_source *source, size_t need)
{
        struct buffered_source *buffered = (struct buffered_source *)source;
        size_t left = byte_source_left(source);
        if (!buffered->ended && room_behind(buffered) < need - left) {
                if (buffered->batch != NULL && buffered->turned_in == *buffered->batch)
                        return SOURCE_BUSY;
                if (!turn(buffered, need)) {
                        snprintf(source->fault.reason, sizeof source->fault.reason, "no memory");
                        source->fault.offset = source->kind->disk_offset(source);
                        buffered->ended = true;
                }
                if (buffered->batch != NULL)
                        buffered->turned_in = *buffered->batch;
        }
        while (byte_source_left(source) < need && !buffered->ended) {
                uint8_t *out = buffered->buffer[buffered->current] + (source->end - buffered->buffer[buffered->current]);
                size_t made = buffered->produce(buffered, out, room_behind(buffered));
                if (made == 0)
                        buffered->ended = true;
                source->end += made;
                source->end_offset += made;
        }
        return byte_source_left(source) >= need ? SOURCE_READY : SOURCE_SHORT;
}

/* Nothing points into the buffers yet, so they may turn as often as they like. */
static int buffered_seek(struct byte_source *source, uint64_t offset)
{
        struct buffered_source *buffered = (struct buffered_source *)source;
        const uint64_t *batch = buffered->batch;
        if (buffered->inner == NULL && source->seekable && offset > source->end_offset) {
                if (lseek(buffered->descriptor, (off_t)offset, SEEK_SET) < 0)
                        return -errno;
                source->at = source->end;
                source->end_offset = buffered->bytes_read = offset;
        }
        buffered->batch = NULL;
        while (byte_source_offset(source) < offset) {
                if (byte_source_need(source, 1) != SOURCE_READY)
                        break;
                uint64_t skip = offset - byte_source_offset(source);
                source->at += skip < byte_source_left(source) ? skip : byte_source_left(source);
        }
        buffered->batch = batch;
        return byte_source_offset(source) == offset ? 0 : -EIO;
}

static uint64_t buffered_disk_offset(const struct byte_source *source)
{
        const struct buffered_source *buffered = (const struct buffered_source *)source;
        if (buffered->inner != NULL)
                return buffered->inner->kind->disk_offset(buffered->inner);
        return buffered->bytes_read;
}

static size_t buffered_memory(const struct byte_source *source)
{
        const struct buffered_source *buffered = (const struct buffered_source *)source;
        size_t memory = sizeof *buffered + buffered->size[0] + buffered->size[1];
        if (buffered->inner != NULL)
                memory += buffered->inner->kind->memory(buffered->inner) + buffered->decompressor->memory(buffered->state);
        return memory;
}

static void buffered_close(struct byte_source *source)
{
        struct buffered_source *buffered = (struct buffered_source *)source;
        if (buffered->state != NULL)
                buffered->decompressor->destroy(buffered->state);
        byte_source_close(buffered->inner);
        if (buffered->descriptor >= 0)
                close(buffered->descriptor);
        free(buffered->buffer[0]);
        free(buffered->buffer[1]);
        free(buffered);
}

static const struct byte_source_kind buffered_kind = {
        .fill = buffered_fill, .seek = buffered_seek, .disk_offset = buffered_disk_offset, .memory = buffered_memory,
        .close = buffered_close,
};

static struct buffered_source *create(const struct byte_source_settings *settings)
{
        struct buffered_source *buffered = calloc(1, sizeof *buffered);
        if (buffered == NULL)
                return NULL;
        buffered->source.kind = &buffered_kind;
        buffered->descriptor = -1;
        buffered->batch = settings->batch;
        return buffered;
}

int byte_source_read(int descriptor, const struct byte_source_settings *settings, struct byte_source **out)
{
        struct buffered_source *buffered = create(settings);
        if (buffered == NULL) {
                close(descriptor);
                return -ENOMEM;
        }
        buffered->descriptor = descriptor;
        buffered->source.holds_descriptor = true;
        buffered->digest = settings->digest;
        buffered->produce = produce_read;
        *out = &buffered->source;
        return 0;
}

int byte_source_decompress(struct byte_source *inner, const struct decompressor_kind *kind,
                           const struct byte_source_settings *settings, struct byte_source **out)
{
        struct buffered_source *buffered = create(settings);
        int result = buffered != NULL ? kind->create(&buffered->state) : -ENOMEM;
        if (result != 0) {
                free(buffered);
                byte_source_close(inner);
                return result;
        }
        /* Frames never point into what is compressed: its buffers may turn at will. */
        if (!inner->steady)
                ((struct buffered_source *)inner)->batch = NULL;
        buffered->inner = inner;
        buffered->decompressor = kind;
        buffered->produce = produce_decompressed;
        buffered->source.seekable = inner->seekable;
        buffered->source.holds_descriptor = inner->holds_descriptor;
        buffered->source.decompressed = true;
        *out = &buffered->source;
        return 0;
}
