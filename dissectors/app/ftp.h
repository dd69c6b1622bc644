/* FTP on any TCP port; see ftp.c and ftp_data.c. */
#pragma once

#include "dissectors/dissector.h"

extern const struct dissector ftp_dissector;      /* the control connection */
extern const struct dissector ftp_data_dissector; /* only for flows that the control connection announced */

enum { FTP_PATH = 320 };

/* What the control connection knows of the object that will move, the start state of ftp_data_dissector. */
struct ftp_transfer {
        int64_t start_ns;
        uint64_t size, range_start, request_frame;
        uint32_t request_file;
        uint16_t path_length;
        uint8_t verb;           /* enum ftp_verb */
        bool has_size, has_range;
        char path[FTP_PATH];
};
