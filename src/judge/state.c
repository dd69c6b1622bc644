#include "judge/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cursor.h"
#include "model/framing.h"
#include "model/wire.h"

/* Unpacked, a record grows little: what is large in it are bytes. */
enum { HEAD = 8, WRITE_AT = 64 * 1024, BUFFER_SIZE = WRITE_AT + HEAD + STATE_RECORD_LIMIT, ARENA_SIZE = 4 * STATE_RECORD_LIMIT };

int state_writer_open(struct state_writer *writer, int descriptor)
{
        *writer = (struct state_writer){.descriptor = descriptor, .buffer = malloc(BUFFER_SIZE)};
        if (writer->buffer == NULL)
                writer->error = -ENOMEM;
        return writer->error;
}

static void flush(struct state_writer *writer)
{
        for (size_t at = 0; at < writer->used && writer->error == 0;) {
                ssize_t count = write(writer->descriptor, writer->buffer + at, writer->used - at);
                if (count >= 0)
                        at += (size_t)count;
                else if (errno != EINTR)
                        writer->error = -errno;
        }
        writer->used = 0;
}

static void write_le32(uint8_t *at, uint32_t value)
{
        for (unsigned i = 0; i < 4; i++)
                at[i] = (uint8_t)(value >> (8 * i));
}

int state_write(struct state_writer *writer, const Apnwatch__V1__StateRecord *record)
{
        if (writer->error != 0)
                return writer->error;
        uint8_t *head = writer->buffer + writer->used, *body = head + HEAD;
        size_t length = wire_pack(&record->base, body, STATE_RECORD_LIMIT);
        if (length == 0)
                return writer->error = -EMSGSIZE;
        write_le32(head, (uint32_t)length);
        write_le32(head + 4, crc32c(body, length));
        writer->used += HEAD + length;
        writer->records++;
        if (writer->used >= WRITE_AT)
                flush(writer);
        return writer->error;
}

int state_writer_close(struct state_writer *writer)
{
        Apnwatch__V1__StateRecord record = APNWATCH__V1__STATE_RECORD__INIT;
        Apnwatch__V1__StateEnd end = APNWATCH__V1__STATE_END__INIT;
        end.records = writer->records;
        record.body_case = APNWATCH__V1__STATE_RECORD__BODY_END;
        record.end = &end;
        if (state_write(writer, &record) == 0)
                flush(writer);
        free(writer->buffer);
        writer->buffer = NULL;
        return writer->error;
}

struct state_reader {
        int descriptor;
        uint8_t *buffer;
        size_t at, filled;
        uint64_t records;
        struct wire_arena arena;
};

struct state_reader *state_reader_create(int descriptor)
{
        struct state_reader *reader = calloc(1, sizeof *reader);
        if (reader == NULL)
                return NULL;
        reader->descriptor = descriptor;
        reader->buffer = malloc(BUFFER_SIZE);
        reader->arena = (struct wire_arena){.memory = malloc(ARENA_SIZE), .size = ARENA_SIZE};
        if (reader->buffer == NULL || reader->arena.memory == NULL) {
                state_reader_destroy(reader);
                return NULL;
        }
        return reader;
}

void state_reader_destroy(struct state_reader *reader)
{
        if (reader == NULL)
                return;
        free(reader->buffer);
        free(reader->arena.memory);
        free(reader);
}

/* Sees to it that `needed` bytes are there. */
static enum state_result fill(struct state_reader *reader, size_t needed)
{
        if (reader->filled - reader->at >= needed)
                return STATE_RECORD;
        memmove(reader->buffer, reader->buffer + reader->at, reader->filled - reader->at);
        reader->filled -= reader->at;
        reader->at = 0;
        while (reader->filled < needed) {
                ssize_t count = read(reader->descriptor, reader->buffer + reader->filled, BUFFER_SIZE - reader->filled);
                if (count == 0)
                        return STATE_DAMAGED;
                if (count > 0)
                        reader->filled += (size_t)count;
                else if (errno != EINTR)
                        return STATE_FAILED;
        }
        return STATE_RECORD;
}

enum state_result state_next(struct state_reader *reader, const Apnwatch__V1__StateRecord **out)
{
        enum state_result result = fill(reader, HEAD);
        if (result != STATE_RECORD)
                return result;
        struct cursor head = cursor_of(reader->buffer + reader->at, HEAD);
        uint32_t length = cursor_le32(&head), checksum = cursor_le32(&head);
        if (length > STATE_RECORD_LIMIT)
                return STATE_DAMAGED;
        if ((result = fill(reader, HEAD + (size_t)length)) != STATE_RECORD)
                return result;
        const uint8_t *body = reader->buffer + reader->at + HEAD;
        if (crc32c(body, length) != checksum)
                return STATE_DAMAGED;
        const Apnwatch__V1__StateRecord *record = (const Apnwatch__V1__StateRecord *)wire_unpack(
                &reader->arena, &apnwatch__v1__state_record__descriptor, body, length);
        if (record == NULL)
                return STATE_DAMAGED;
        reader->at += HEAD + length;
        *out = record;
        if (record->body_case == APNWATCH__V1__STATE_RECORD__BODY_END)
                return record->end->records == reader->records ? STATE_WHOLE : STATE_DAMAGED;
        reader->records++;
        return STATE_RECORD;
}
