/* One capture being read: a byte source, a format that cuts it into frames, and what is told about it at the end.
 * A capture can be suspended (its source closed) and resumed at a mark, so that more files can be merged than may be open. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/frame.h"
#include "probes/byte_source.h"
#include "probes/frame_filter.h"
#include "probes/probe.h"

struct interface_names;
struct secret_store;

/* Wireshark and libpcap draw the line here too; a larger length is damage. */
enum { CAPTURED_MAX = 262144 };

struct capture_interface {
        uint16_t link_type;
        uint16_t name;                  /* in the names of the run */
        uint32_t snap_length;           /* 0: no limit */
        uint8_t fraction_bits;          /* pcapng, if_tsresol a power of two: 2^-bits seconds a unit; else 0 */
        uint64_t multiply, divide;      /* ... a power of ten: nanoseconds = units * multiply / divide */
        int64_t offset_ns;
        uint64_t plain_units;           /* pcapng: times below are units * multiply + offset_ns without a limit on their way */
};

/* Grows with the frames that were read; goes back with the mark. */
struct capture_tally {
        uint64_t packets;
        uint64_t cut_frames, late_frames, comments, filtered;
        int64_t first_ns, last_ns;      /* earliest and latest */
        int64_t recent_ns;              /* of the latest frame read */
};

struct capture_state {
        uint64_t offset;                /* of the next record; kept at marks only */
        struct capture_tally tally;
        uint32_t interface_count;
        bool big_endian;
};

struct capture_settings {
        uint32_t file;
        int64_t clock_offset_ns;
        struct interface_names *names;
        struct frame_filter *filter;    /* NULL: every frame */
        struct secret_store *secrets;   /* NULL: counted only */
};

enum capture_status {
        CAPTURE_FRAMES,         /* at least one */
        CAPTURE_BUSY,           /* ask again in the next batch */
        CAPTURE_ENDED,          /* see `ending` */
};

enum { CAPTURE_LINK_TYPES = 8 };

struct capture {
        struct capture_settings settings;
        struct byte_source *source;     /* not owned; NULL while suspended */
        const struct capture_format *format;
        struct capture_state state, mark;
        struct capture_interface *interfaces;
        uint32_t interface_room;
        uint32_t time_multiplier;       /* pcap: nanoseconds a unit of the fraction */
        uint32_t record_header;         /* pcap: bytes before a packet */
        uint64_t secrets, secrets_until; /* decryption secrets kept, and up to which offset they were looked at */
        uint16_t link_types[CAPTURE_LINK_TYPES];
        unsigned link_type_count;       /* may be one more than there is room for */
        bool read_to_end;               /* no byte is left in the source */
        enum input_state ending;
        char verdict[192];
};

struct capture_format {
        const char *name;
        bool (*matches)(const uint8_t magic[4]);
        /* Both leave `state` and the source at a record's boundary, or end the capture. read: up to `max` frames, all of
         * them valid until the batch after the one they are handed over in. */
        enum capture_status (*begin)(struct capture *capture);
        enum capture_status (*read)(struct capture *capture, struct frame *frames, unsigned max, unsigned *count);
};

extern const struct capture_format pcap_format, pcapng_format;

/* Recognises the format and reads its header. CAPTURE_FRAMES means that it is one (no frame has been read yet). */
enum capture_status capture_begin(struct capture *capture, struct byte_source *source, const struct capture_settings *settings);

/* Marks the place, then reads. */
enum capture_status capture_read(struct capture *capture, struct frame *frames, unsigned max, unsigned *count);

/* Back to the mark; the source is the caller's again. */
struct byte_source *capture_suspend(struct capture *capture);
/* With a source opened anew: 0 or negative errno. */
int capture_resume(struct capture *capture, struct byte_source *source);
void capture_clear(struct capture *capture);

/* "ethernet, raw": into `text`; NULL when no interface is known. */
const char *capture_link_types(const struct capture *capture, char *text, unsigned size);

/* For the formats. */
enum capture_status capture_damaged(struct capture *capture, uint64_t offset, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
enum capture_status capture_no_memory(struct capture *capture);
enum capture_status capture_not_recognised(struct capture *capture);
/* The source has no more bytes: the end, a cut, or whatever broke the source. `begun`: a record has begun. */
enum capture_status capture_source_ended(struct capture *capture, bool begun);
/* NULL: no memory. */
struct capture_interface *capture_add_interface(struct capture *capture, uint16_t link_type);

static inline void capture_count(struct capture_tally *tally, const struct frame *frame)
{
        int64_t time_ns = frame->time_ns;
        if (tally->packets == 0)
                tally->first_ns = tally->last_ns = time_ns;
        tally->packets++;
        tally->cut_frames += frame->captured < frame->wire;
        tally->late_frames += time_ns < tally->last_ns;
        if (time_ns < tally->first_ns)
                tally->first_ns = time_ns;
        if (time_ns > tally->last_ns)
                tally->last_ns = time_ns;
        tally->recent_ns = time_ns;
}

/* More bytes, unless frames that have been read already would move: those go first. A filter that keeps nothing must not hold
 * a whole file in one batch either. */
static inline enum source_state capture_more(struct capture *capture, size_t need, unsigned frames)
{
        enum { FRUITLESS_MAX = 4 << 20 };
        struct byte_source *source = capture->source;
        if (byte_source_left(source) >= need)
                return SOURCE_READY;
        if (source->steady ? byte_source_offset(source) - capture->mark.offset > FRUITLESS_MAX && frames == 0 : frames > 0)
                return SOURCE_BUSY;
        return source->kind->fill(source, need);
}

/* Records are of any length, so the processor does not guess where the next header lies: the walk waits for memory unless it
 * is told (half the time of the loop, measured). What lies outside the window is not touched by a prefetch. */
static inline void capture_prefetch(const uint8_t *next_record)
{
        enum { AHEAD = 2048, LINE = 64 };
        uintptr_t at = (uintptr_t)next_record + AHEAD;
        __builtin_prefetch((const void *)at);
        __builtin_prefetch((const void *)(at + LINE));
        __builtin_prefetch((const void *)(at + 2 * LINE));
}

/* Whether the frame is to be handed over. */
static inline bool capture_keeps(const struct capture *capture, struct capture_tally *tally, const struct frame *frame)
{
        if (capture->settings.filter == NULL || frame_filter_passes(capture->settings.filter, frame))
                return true;
        tally->filtered++;
        return false;
}
