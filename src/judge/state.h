/* The file in which judge survives a restart: records of src/judge/state.proto, the first a head, the last an end.
 *
 *     length  u32 little endian, of the packed record; at most STATE_RECORD_LIMIT
 *     crc     u32 little endian, CRC-32C of the packed record
 *     record  packed apnwatch.v1.StateRecord
 *
 * The writer needs one allocation at its beginning and write(2). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "judge/state.pb-c.h"

enum { STATE_VERSION = 1, STATE_RECORD_LIMIT = 128 * 1024 };

struct state_writer {
        int descriptor, error; /* error: 0, or the negative errno that stopped it */
        uint8_t *buffer;
        size_t used;
        uint64_t records;
};

int state_writer_open(struct state_writer *writer, int descriptor);

/* 0 or negative errno. After a failure nothing more is written. */
int state_write(struct state_writer *writer, const Apnwatch__V1__StateRecord *record);

/* Ends the file and frees. 0 or the first failure. */
int state_writer_close(struct state_writer *writer);

struct state_reader;

/* NULL without memory. */
struct state_reader *state_reader_create(int descriptor);
void state_reader_destroy(struct state_reader *reader);

enum state_result {
        STATE_RECORD,  /* `*record` lives until the next call */
        STATE_WHOLE,   /* the end record stood where it should */
        STATE_DAMAGED, /* cut, or a record is none */
        STATE_FAILED,  /* read(2) failed; errno says why */
};

enum state_result state_next(struct state_reader *reader, const Apnwatch__V1__StateRecord **record);
