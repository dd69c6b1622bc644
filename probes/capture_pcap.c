/* pcap files (draft-ietf-opsawg-pcap): both byte orders, micro- and nanoseconds, and Alexey Kuznetzov's variant with longer
 * record headers. This is the hot path of `read`: frames point into the source, nothing is copied.
 *
 * Left out: the FCS length in the upper bits of the link type, and versions before 2.3 (1998), which had both lengths the
 * other way round. */
#include "probes/capture.h"

#include <string.h>

#include "base/cursor.h"

enum { FILE_HEADER = 24, RECORD_HEADER = 16, KUZNETZOV_RECORD_HEADER = 24 };

static const struct pcap_variant {
        uint8_t magic[4];
        bool big_endian;
        uint32_t time_multiplier;
        uint32_t record_header;
} variants[] = {
        {{0xd4, 0xc3, 0xb2, 0xa1}, false, 1000, RECORD_HEADER},
        {{0xa1, 0xb2, 0xc3, 0xd4}, true, 1000, RECORD_HEADER},
        {{0x4d, 0x3c, 0xb2, 0xa1}, false, 1, RECORD_HEADER},
        {{0xa1, 0xb2, 0x3c, 0x4d}, true, 1, RECORD_HEADER},
        {{0x34, 0xcd, 0xb2, 0xa1}, false, 1000, KUZNETZOV_RECORD_HEADER},
        {{0xa1, 0xb2, 0xcd, 0x34}, true, 1000, KUZNETZOV_RECORD_HEADER},
};

static const struct pcap_variant *find_variant(const uint8_t magic[4])
{
        for (unsigned i = 0; i < sizeof variants / sizeof variants[0]; i++)
                if (memcmp(variants[i].magic, magic, 4) == 0)
                        return &variants[i];
        return NULL;
}

static bool pcap_matches(const uint8_t magic[4])
{
        return find_variant(magic) != NULL;
}

static enum capture_status pcap_begin(struct capture *capture)
{
        struct byte_source *source = capture->source;
        const struct pcap_variant *variant = find_variant(source->at);
        if (byte_source_need(source, FILE_HEADER) != SOURCE_READY)
                return capture_source_ended(capture, true);
        struct cursor header = cursor_of(source->at, FILE_HEADER);
        bool big = variant->big_endian;
        cursor_skip(&header, 4);
        unsigned major = big ? cursor_be16(&header) : cursor_le16(&header);
        unsigned minor = big ? cursor_be16(&header) : cursor_le16(&header);
        cursor_skip(&header, 8); /* time zone and accuracy, never used */
        uint32_t snap_length = big ? cursor_be32(&header) : cursor_le32(&header);
        uint32_t link_type = big ? cursor_be32(&header) : cursor_le32(&header);
        if (major != 2)
                return capture_damaged(capture, 4, "pcap version %u.%u does not exist", major, minor);
        capture->state.big_endian = big;
        capture->time_multiplier = variant->time_multiplier;
        capture->record_header = variant->record_header;
        struct capture_interface *interface = capture_add_interface(capture, (uint16_t)link_type);
        if (interface == NULL)
                return capture_no_memory(capture);
        interface->snap_length = snap_length;
        source->at += FILE_HEADER;
        return CAPTURE_FRAMES;
}

struct record {
        uint32_t seconds, fraction, captured, wire;
};

static inline struct record parse_record(const uint8_t *at, bool big)
{
        struct cursor header = cursor_of(at, RECORD_HEADER);
        struct record record;
        record.seconds = big ? cursor_be32(&header) : cursor_le32(&header);
        record.fraction = big ? cursor_be32(&header) : cursor_le32(&header);
        record.captured = big ? cursor_be32(&header) : cursor_le32(&header);
        record.wire = big ? cursor_be32(&header) : cursor_le32(&header);
        return record;
}

static inline void make_frame(const struct capture *capture, const struct record *record, struct frame *frame)
{
        const struct capture_interface *interface = capture->interfaces;
        frame->bytes = capture->source->at + capture->record_header;
        frame->captured = record->captured;
        frame->wire = record->wire;
        frame->time_ns = (int64_t)record->seconds * 1000000000 + (int64_t)record->fraction * capture->time_multiplier +
                         capture->settings.clock_offset_ns;
        frame->link_type = interface->link_type;
        frame->interface = 0;
        frame->file = capture->settings.file;
}

static inline enum capture_status read_records(struct capture *capture, struct frame *frames, unsigned max, unsigned *count,
                                               bool big)
{
        struct byte_source *source = capture->source;
        struct capture_tally tally = capture->state.tally;
        enum source_state state = SOURCE_READY;
        const uint32_t record_header = capture->record_header;
        struct record record = {0};
        unsigned made = 0;
        while (made < max) {
                state = capture_more(capture, record_header, made);
                if (state != SOURCE_READY)
                        break;
                record = parse_record(source->at, big);
                if (record.captured > CAPTURED_MAX)
                        break;
                size_t length = record_header + record.captured;
                state = capture_more(capture, length, made);
                if (state != SOURCE_READY)
                        break;
                struct frame *frame = &frames[made];
                make_frame(capture, &record, frame);
                source->at += length;
                capture_prefetch(source->at);
                capture_count(&tally, frame);
                frame->number = tally.packets;
                made += capture_keeps(capture, &tally, frame);
        }
        capture->state.tally = tally;
        *count = made;
        if (made > 0)
                return CAPTURE_FRAMES;
        if (state == SOURCE_BUSY)
                return CAPTURE_BUSY;
        if (state == SOURCE_SHORT)
                return capture_source_ended(capture, byte_source_left(source) > 0);
        return capture_damaged(capture, byte_source_offset(source), "a packet of %u bytes", record.captured);
}

static enum capture_status pcap_read(struct capture *capture, struct frame *frames, unsigned max, unsigned *count)
{
        /* Two copies of the loop, each without a branch on the byte order. */
        return capture->state.big_endian ? read_records(capture, frames, max, count, true) :
                                           read_records(capture, frames, max, count, false);
}

const struct capture_format pcap_format = {.name = "pcap", .matches = pcap_matches, .begin = pcap_begin, .read = pcap_read};
