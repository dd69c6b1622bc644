/* One captured frame as a probe hands it over. The bytes belong to the probe and live until its next batch. */
#pragma once

#include <stdint.h>

struct frame {
        const uint8_t *bytes;
        uint32_t captured;      /* bytes that are here */
        uint32_t wire;          /* bytes that the frame had on the wire; >= captured unless the file lies */
        int64_t time_ns;        /* Unix time, clock offset of the input already added */
        uint16_t link_type;     /* LINKTYPE_*, see base/link_type.h */
        uint16_t interface;     /* index into the names that the probe knows: of the whole run, not of one file */
        uint32_t file;          /* index of the input file, in the order of the inputs; 0 in `live` */
        uint64_t number;        /* in its file, from 1: what tshark shows as frame.number */
        uint64_t order;         /* in the merged input, from 1 */
};

enum { FRAME_BATCH = 256 };

struct frame_batch {
        unsigned count;
        struct frame frames[FRAME_BATCH];
};
