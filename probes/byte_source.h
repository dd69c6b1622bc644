/* The bytes of one capture, in order, decompressed. A reader takes them from `at` up to `end` and asks for more when a record
 * does not fit; what it asked for then lies in one piece. Kinds: a file mapped as a moving window (byte_source_mapped.c), and
 * whatever flows through bounded buffers: a file or pipe that is read, or what a decompressor makes of another source
 * (byte_source_buffered.c).
 *
 * Many files at one time are mapped: that needs neither a descriptor nor a buffer each. A file by itself is read: 65 ns a
 * packet of 290 bytes against 105 ns mapped (3.4 million packets in the page cache, Zen 3; filling the page table costs what
 * the copy costs, but the copy leaves the bytes in the cache for whoever looks at them next), and no SIGBUS when it becomes
 * shorter. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byte_source;

enum source_state {
        SOURCE_READY,   /* the bytes are there */
        SOURCE_SHORT,   /* the source ended (or broke, see byte_source_fault) before that many */
        SOURCE_BUSY,    /* only after the next batch: the buffer is needed by frames of this one */
};

/* Why a source ended before its end. */
struct source_fault {
        char reason[96];        /* empty: it did not */
        uint64_t offset;        /* in the file as it lies on disk */
        bool truncated;         /* it just stops, as opposed to bytes that make no sense */
};

struct byte_source_kind {
        enum source_state (*fill)(struct byte_source *source, size_t need);
        int (*seek)(struct byte_source *source, uint64_t offset);       /* forward only, -errno; before anything was read */
        uint64_t (*disk_offset)(const struct byte_source *source);
        size_t (*memory)(const struct byte_source *source);             /* anonymous bytes that it holds */
        void (*close)(struct byte_source *source);
};

struct byte_source {
        const uint8_t *at;      /* the next byte */
        const uint8_t *end;     /* of what is in memory */
        uint64_t end_offset;    /* of `end`, in the capture */
        bool steady;            /* bytes once in memory stay where they are until the source is closed */
        bool seekable;          /* can be closed, opened again and brought to an offset */
        bool decompressed;
        bool holds_descriptor;
        const struct byte_source_kind *kind;
        struct source_fault fault;
        struct byte_source *next_retired; /* for whoever closes it later */
};

struct byte_source_settings {
        bool map;               /* plain files: mapped, else read into buffers */
        size_t window;          /* bytes mapped at one time */
        const uint64_t *batch;  /* number of the batch that is being filled: frames point into the buffers until it changes */
        struct stream_digest *digest; /* takes what is read, unless it is mapped; NULL: nobody asks */
};

/* Largest piece that is asked for at once: a pcapng block. */
enum { SOURCE_NEED_MAX = 16 << 20 };

/* `path` "-" is standard input. Compression is recognised by content. 0 or negative errno; -ENOTSUP: this build lacks the
 * library. */
int byte_source_open(const char *path, const struct byte_source_settings *settings, struct byte_source **out);
void byte_source_close(struct byte_source *source);

static inline size_t byte_source_left(const struct byte_source *source)
{
        return (size_t)(source->end - source->at);
}

static inline uint64_t byte_source_offset(const struct byte_source *source)
{
        return source->end_offset - byte_source_left(source);
}

/* At least `need` bytes from `at` on; with SOURCE_SHORT all there are. */
static inline enum source_state byte_source_need(struct byte_source *source, size_t need)
{
        return byte_source_left(source) >= need ? SOURCE_READY : source->kind->fill(source, need);
}

/* The kinds. They own the descriptor, or the inner source, also when they fail. */
int byte_source_map(int descriptor, uint64_t size, const struct byte_source_settings *settings, struct byte_source **out);
int byte_source_read(int descriptor, const struct byte_source_settings *settings, struct byte_source **out);

struct decompressor_kind;
int byte_source_decompress(struct byte_source *inner, const struct decompressor_kind *kind,
                           const struct byte_source_settings *settings, struct byte_source **out);
