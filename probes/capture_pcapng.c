/* pcapng files (draft-ietf-opsawg-pcapng): sections of either byte order, each with interfaces of its own; enhanced, simple
 * and obsolete packet blocks. Comments are counted, decryption secrets kept, other blocks skipped by their length.
 *
 * What is no packet but damage, as Wireshark draws the line: lengths that contradict each other, a block above 16 MiB, a
 * packet of an interface that was not described.
 *
 * Left out: section lengths (blocks are walked one by one), name resolution, interface statistics, custom blocks. */
#include "probes/capture.h"

#include <string.h>

#include "base/apart.h"
#include "base/cursor.h"
#include "probes/interface_names.h"
#include "probes/secret_store.h"

enum block_type {
        BLOCK_SECTION = 0x0a0d0d0a,     /* reads the same in both byte orders */
        BLOCK_INTERFACE = 1,
        BLOCK_PACKET = 2,               /* obsolete */
        BLOCK_SIMPLE_PACKET = 3,
        BLOCK_NAMES = 4,
        BLOCK_STATISTICS = 5,
        BLOCK_ENHANCED_PACKET = 6,
        BLOCK_SECRETS = 10,
};

enum { BLOCK_OVERHEAD = 12, SECTION_SIZE_MIN = 28, PACKET_FIELDS = 20, OPTION_END = 0, OPTION_COMMENT = 1 };
enum { IF_NAME = 2, IF_TSRESOL = 9, IF_TSOFFSET = 14 };
enum { INTERFACES_MAX = 65536 };

struct block {
        uint32_t type;
        uint32_t length;        /* with overhead, a multiple of 4 */
        struct cursor body;
};

/* What a block led to. */
enum block_result { BLOCK_FRAME, BLOCK_NO_FRAME, BLOCK_DAMAGED, BLOCK_NO_MEMORY };

static inline uint32_t u32(struct cursor *cursor, bool big)
{
        return big ? cursor_be32(cursor) : cursor_le32(cursor);
}

static inline uint16_t u16(struct cursor *cursor, bool big)
{
        return big ? cursor_be16(cursor) : cursor_le16(cursor);
}

static bool pcapng_matches(const uint8_t magic[4])
{
        static const uint8_t section[4] = {0x0a, 0x0d, 0x0d, 0x0a};
        return memcmp(magic, section, 4) == 0;
}

/* false at the end of the options. */
static bool next_option(struct cursor *options, bool big, uint16_t *code, struct cursor *value)
{
        *code = u16(options, big);
        uint16_t length = u16(options, big);
        *value = cursor_take(options, length);
        cursor_skip(options, (4 - length % 4U) % 4);
        return !value->short_read && *code != OPTION_END;
}

static void count_comments(struct cursor *options, bool big, struct capture_tally *tally)
{
        uint16_t code;
        struct cursor value;
        if (cursor_left(options) < 4)
                return;
        while (next_option(options, big, &code, &value))
                tally->comments += code == OPTION_COMMENT;
}

static enum block_result read_section(struct capture *capture, struct block *block)
{
        bool big = capture->state.big_endian;
        cursor_skip(&block->body, 4);
        uint16_t major = u16(&block->body, big);
        cursor_skip(&block->body, 2 + 8); /* minor version, section length */
        if (block->body.short_read || major != 1)
                return BLOCK_DAMAGED;
        capture->state.interface_count = 0;
        count_comments(&block->body, big, &capture->state.tally);
        return BLOCK_NO_FRAME;
}

/* if_tsresol: the upper bit says which power, the others its negative exponent. */
static void set_resolution(struct capture_interface *interface, uint8_t resolution)
{
        unsigned exponent = resolution & 0x7f;
        if (resolution & 0x80) {
                interface->fraction_bits = (uint8_t)(exponent > 63 ? 63 : exponent);
                interface->multiply = exponent == 0 ? 1000000000 : 1;
                return;
        }
        interface->multiply = interface->divide = 1;
        for (; exponent < 9; exponent++)
                interface->multiply *= 10;
        for (; exponent > 9 && interface->divide < 1000000000000000000U; exponent--)
                interface->divide *= 10;
}

static int64_t clamp_ns(__int128 time_ns)
{
        /* Room for a clock offset stays on both sides. */
        const int64_t limit = INT64_MAX / 2;
        return time_ns > limit ? limit : time_ns < -limit ? -limit : (int64_t)time_ns;
}

/* Nearly all interfaces count micro- or nanoseconds, and no time is near the limits. */
static void set_plain_units(struct capture_interface *interface)
{
        const uint64_t range_ns = INT64_MAX / 4;
        bool plain = interface->fraction_bits == 0 && interface->divide == 1 && interface->multiply > 0 &&
                     interface->offset_ns > -(int64_t)range_ns && interface->offset_ns < (int64_t)range_ns;
        interface->plain_units = plain ? range_ns / interface->multiply : 0;
}

static int64_t odd_time(const struct capture_interface *interface, uint64_t units)
{
        __int128 time_ns;
        if (interface->fraction_bits > 0) {
                uint64_t fraction = units & ((UINT64_C(1) << interface->fraction_bits) - 1);
                time_ns = (__int128)(units >> interface->fraction_bits) * 1000000000 +
                          (int64_t)(((unsigned __int128)fraction * 1000000000) >> interface->fraction_bits);
        } else if (interface->divide > 1) {
                time_ns = units / interface->divide;
        } else {
                time_ns = (__int128)units * interface->multiply;
        }
        return clamp_ns(time_ns + interface->offset_ns);
}

static inline int64_t packet_time(const struct capture *capture, const struct capture_interface *interface, uint64_t units)
{
        int64_t time_ns = units < interface->plain_units ? (int64_t)(units * interface->multiply) + interface->offset_ns :
                                                           odd_time(interface, units);
        return time_ns + capture->settings.clock_offset_ns;
}

static enum block_result read_interface(struct capture *capture, struct block *block)
{
        bool big = capture->state.big_endian;
        uint16_t link_type = u16(&block->body, big);
        cursor_skip(&block->body, 2);
        uint32_t snap_length = u32(&block->body, big);
        if (block->body.short_read || capture->state.interface_count == INTERFACES_MAX)
                return BLOCK_DAMAGED;
        struct capture_interface *interface = capture_add_interface(capture, link_type);
        if (interface == NULL)
                return BLOCK_NO_MEMORY;
        interface->snap_length = snap_length;
        uint16_t code;
        struct cursor value;
        while (next_option(&block->body, big, &code, &value)) {
                size_t length = cursor_left(&value);
                if (code == IF_NAME) {
                        interface->name = interface_names_add(capture->settings.names, (const char *)value.at, length);
                } else if (code == IF_TSRESOL && length >= 1) {
                        set_resolution(interface, cursor_u8(&value));
                } else if (code == IF_TSOFFSET && length >= 8) {
                        int64_t seconds = (int64_t)(big ? cursor_be64(&value) : cursor_le64(&value));
                        interface->offset_ns = clamp_ns((__int128)seconds * 1000000000);
                } else if (code == OPTION_COMMENT) {
                        capture->state.tally.comments++;
                }
        }
        set_plain_units(interface);
        return BLOCK_NO_FRAME;
}

static enum block_result read_secrets(struct capture *capture, struct block *block, uint64_t offset)
{
        bool big = capture->state.big_endian;
        uint32_t type = u32(&block->body, big), length = u32(&block->body, big);
        const uint8_t *bytes = cursor_bytes(&block->body, length);
        if (bytes == NULL)
                return BLOCK_DAMAGED;
        /* A file that is resumed at a mark shows blocks again. */
        if (offset >= capture->secrets_until) {
                capture->secrets_until = offset + block->length;
                struct secret_store *store = capture->settings.secrets;
                if (store != NULL)
                        capture->secrets += secret_store_add(store, capture->settings.file, type, bytes, length);
        }
        cursor_skip(&block->body, (4 - length % 4) % 4);
        count_comments(&block->body, big, &capture->state.tally);
        return BLOCK_NO_FRAME;
}

static enum block_result read_names(struct capture *capture, struct block *block)
{
        bool big = capture->state.big_endian;
        uint16_t code;
        struct cursor record;
        while (next_option(&block->body, big, &code, &record)) /* records have the shape of options, and the same end */
                continue;
        count_comments(&block->body, big, &capture->state.tally);
        return BLOCK_NO_FRAME;
}

static enum block_result read_statistics(struct capture *capture, struct block *block)
{
        cursor_skip(&block->body, 12);
        count_comments(&block->body, capture->state.big_endian, &capture->state.tally);
        return BLOCK_NO_FRAME;
}

static inline void frame_place(const struct capture *capture, struct frame *frame, uint32_t number, uint64_t units)
{
        const struct capture_interface *interface = &capture->interfaces[number];
        frame->time_ns = packet_time(capture, interface, units);
        frame->link_type = interface->link_type;
        frame->interface = interface->name;
        frame->file = capture->settings.file;
}

static enum block_result finish_frame(struct capture *capture, struct block *block, uint32_t number, uint64_t units,
                                      struct frame *frame)
{
        if (number >= capture->state.interface_count || frame->captured > CAPTURED_MAX)
                return BLOCK_DAMAGED;
        frame->bytes = cursor_bytes(&block->body, frame->captured);
        if (frame->bytes == NULL)
                return BLOCK_DAMAGED;
        frame_place(capture, frame, number, units);
        if (cursor_left(&block->body) >= 8) {
                cursor_skip(&block->body, (4 - frame->captured % 4) % 4);
                count_comments(&block->body, capture->state.big_endian, &capture->state.tally);
        }
        return BLOCK_FRAME;
}

static enum block_result read_packet(struct capture *capture, struct block *block, struct frame *frame, bool enhanced)
{
        bool big = capture->state.big_endian;
        struct cursor fields = cursor_take(&block->body, PACKET_FIELDS);
        if (fields.short_read)
                return BLOCK_DAMAGED;
        uint32_t number;
        if (enhanced) {
                number = u32(&fields, big);
        } else {
                number = u16(&fields, big);
                cursor_skip(&fields, 2); /* drops */
        }
        uint64_t high = u32(&fields, big);
        uint64_t units = high << 32 | u32(&fields, big);
        frame->captured = u32(&fields, big);
        frame->wire = u32(&fields, big);
        return finish_frame(capture, block, number, units, frame);
}

/* No time and no captured length: the time stands still, and the length follows from the block's and the snap length. */
static enum block_result read_simple_packet(struct capture *capture, struct block *block, struct frame *frame)
{
        frame->wire = u32(&block->body, capture->state.big_endian);
        if (block->body.short_read || capture->state.interface_count == 0)
                return BLOCK_DAMAGED;
        const struct capture_interface *interface = &capture->interfaces[0];
        frame->captured = frame->wire;
        if (interface->snap_length != 0 && frame->captured > interface->snap_length)
                frame->captured = interface->snap_length;
        enum block_result result = finish_frame(capture, block, 0, 0, frame);
        frame->time_ns = capture->state.tally.recent_ns;
        return result;
}

static APART enum block_result read_block(struct capture *capture, struct block *block, uint64_t offset, struct frame *frame)
{
        switch (block->type) {
        case BLOCK_ENHANCED_PACKET:
                return read_packet(capture, block, frame, true);
        case BLOCK_PACKET:
                return read_packet(capture, block, frame, false);
        case BLOCK_SIMPLE_PACKET:
                return read_simple_packet(capture, block, frame);
        case BLOCK_SECTION:
                return read_section(capture, block);
        case BLOCK_INTERFACE:
                return read_interface(capture, block);
        case BLOCK_SECRETS:
                return read_secrets(capture, block, offset);
        case BLOCK_NAMES:
                return read_names(capture, block);
        case BLOCK_STATISTICS:
                return read_statistics(capture, block);
        default:
                return BLOCK_NO_FRAME;
        }
}

/* A section header carries the byte order in which its own length is to be read. */
static bool set_byte_order(struct capture *capture, const uint8_t *at)
{
        static const uint8_t little[4] = {0x4d, 0x3c, 0x2b, 0x1a}, big[4] = {0x1a, 0x2b, 0x3c, 0x4d};
        capture->state.big_endian = memcmp(at + 8, big, 4) == 0;
        return capture->state.big_endian || memcmp(at + 8, little, 4) == 0;
}

static enum capture_status pcapng_begin(struct capture *capture)
{
        struct byte_source *source = capture->source;
        if (byte_source_need(source, BLOCK_OVERHEAD) != SOURCE_READY)
                return capture_source_ended(capture, true);
        /* Any text may begin with the type's four line ends. The section is then read as any block. */
        return set_byte_order(capture, source->at) ? CAPTURE_FRAMES : capture_not_recognised(capture);
}

enum cut_result { CUT_BLOCK, CUT_SECTION_NEXT, CUT_SHORT, CUT_BUSY, CUT_DAMAGED };

/* The next block of the source, whole, not consumed. */
static APART enum cut_result cut_block(struct capture *capture, unsigned frames, struct block *block)
{
        struct byte_source *source = capture->source;
        enum source_state state = capture_more(capture, BLOCK_OVERHEAD, frames);
        if (state != SOURCE_READY)
                return state == SOURCE_BUSY ? CUT_BUSY : CUT_SHORT;
        struct cursor head = cursor_of(source->at, BLOCK_OVERHEAD);
        block->type = u32(&head, capture->state.big_endian);
        if (block->type == BLOCK_SECTION) {
                if (frames > 0)
                        return CUT_SECTION_NEXT;
                if (!set_byte_order(capture, source->at))
                        return CUT_DAMAGED;
        }
        bool big = capture->state.big_endian;
        uint32_t told = u32(&head, big);
        unsigned least = block->type == BLOCK_SECTION ? SECTION_SIZE_MIN : BLOCK_OVERHEAD;
        if (told > SOURCE_NEED_MAX - 4 || told < least)
                return CUT_DAMAGED;
        block->length = (told + 3) & ~3U; /* some writers forget to count the padding */
        state = capture_more(capture, block->length, frames);
        if (state != SOURCE_READY)
                return state == SOURCE_BUSY ? CUT_BUSY : CUT_SHORT;
        block->body = cursor_of(source->at + 8, block->length - BLOCK_OVERHEAD);
        struct cursor tail = cursor_of(source->at + block->length - 4, 4);
        return u32(&tail, big) == told ? CUT_BLOCK : CUT_DAMAGED;
}

/* Nearly all blocks are packets without options in a little-endian section, whole in memory: those are read in one straight line.
 * False: nothing has happened, and the long way decides. */
static inline bool read_usual(const struct capture *capture, struct frame *frame, uint32_t *length)
{
        enum { FRONT = 8 + PACKET_FIELDS };
        const struct byte_source *source = capture->source;
        size_t left = byte_source_left(source);
        if (left < FRONT + 4 || capture->state.big_endian)
                return false;
        struct cursor fields = cursor_of(source->at, FRONT);
        uint32_t type = cursor_le32(&fields), told = cursor_le32(&fields), number = cursor_le32(&fields);
        uint64_t high = cursor_le32(&fields), units = high << 32 | cursor_le32(&fields);
        uint32_t captured = cursor_le32(&fields), wire = cursor_le32(&fields);
        if (type != BLOCK_ENHANCED_PACKET || captured > CAPTURED_MAX || told != ((FRONT + captured + 3) & ~3U) + 4 || told > left ||
            number >= capture->state.interface_count)
                return false;
        struct cursor tail = cursor_of(source->at + told - 4, 4);
        if (cursor_le32(&tail) != told)
                return false;
        frame->bytes = fields.at;
        frame->captured = captured;
        frame->wire = wire;
        frame_place(capture, frame, number, units);
        *length = told;
        return true;
}

static inline void take_frame(struct capture *capture, struct frame *frame, unsigned *made)
{
        struct capture_tally *tally = &capture->state.tally;
        capture_count(tally, frame);
        frame->number = tally->packets;
        *made += capture_keeps(capture, tally, frame);
}

static enum capture_status ended(struct capture *capture, enum cut_result cut, const struct block *block)
{
        if (cut == CUT_BUSY)
                return CAPTURE_BUSY;
        if (cut == CUT_SHORT)
                return capture_source_ended(capture, byte_source_left(capture->source) > 0);
        return capture_damaged(capture, byte_source_offset(capture->source), "a block of type 0x%x that makes no sense",
                               block->type);
}

static enum capture_status pcapng_read(struct capture *capture, struct frame *frames, unsigned max, unsigned *count)
{
        struct byte_source *source = capture->source;
        struct block block = {0};
        enum cut_result cut = CUT_BLOCK;
        enum block_result result = BLOCK_NO_FRAME;
        unsigned made = 0;
        while (made < max) {
                struct frame *frame = &frames[made];
                if (read_usual(capture, frame, &block.length)) {
                        result = BLOCK_FRAME;
                } else {
                        cut = cut_block(capture, made, &block);
                        if (cut != CUT_BLOCK)
                                break;
                        result = read_block(capture, &block, byte_source_offset(source), frame);
                        if (result == BLOCK_DAMAGED || result == BLOCK_NO_MEMORY)
                                break;
                }
                source->at += block.length;
                capture_prefetch(source->at);
                if (result == BLOCK_FRAME)
                        take_frame(capture, frame, &made);
        }
        *count = made;
        if (made > 0)
                return CAPTURE_FRAMES;
        return result == BLOCK_NO_MEMORY ? capture_no_memory(capture) : ended(capture, cut, &block);
}

const struct capture_format pcapng_format = {
        .name = "pcapng", .matches = pcapng_matches, .begin = pcapng_begin, .read = pcapng_read,
};
