/* A disk that fails when a test says so: a VFS of SQLite before the machine's, the default from faulty_disk_begin on. */
#pragma once

#include <stdbool.h>

extern int faulty_disk_write;   /* what writing gives from now on: SQLITE_FULL, SQLITE_IOERR_WRITE; 0: it works */
extern int faulty_disk_sync;    /* the same for fsync */
extern unsigned faulty_disk_syncs; /* how often that was asked for */

void faulty_disk_begin(void);
void faulty_disk_end(void);
