#include "tests/traffic/capture_writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRITE_BUFFER_SIZE = 1 << 20 };

struct capture_writer {
        FILE *file;
        char *buffer;
        bool microseconds;
        uint64_t bytes;
};

static void put_le32(uint8_t *at, uint32_t value)
{
        for (unsigned i = 0; i < 4; i++)
                at[i] = (uint8_t)(value >> (8 * i));
}

static void write_head(struct capture_writer *writer)
{
        uint8_t head[24] = {0};
        put_le32(head, writer->microseconds ? UINT32_C(0xa1b2c3d4) : UINT32_C(0xa1b23c4d));
        head[4] = 2; /* version 2.4 */
        head[6] = 4;
        put_le32(head + 16, 262144);
        put_le32(head + 20, 1);
        fwrite(head, 1, sizeof(head), writer->file);
        writer->bytes = sizeof(head);
}

struct capture_writer *capture_writer_open(const char *path, bool microseconds)
{
        struct capture_writer *writer = calloc(1, sizeof(*writer));
        if (writer == NULL)
                return NULL;
        writer->microseconds = microseconds;
        writer->file = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
        if (writer->file == NULL) {
                free(writer);
                return NULL;
        }
        writer->buffer = malloc(WRITE_BUFFER_SIZE);
        if (writer->buffer != NULL)
                setvbuf(writer->file, writer->buffer, _IOFBF, WRITE_BUFFER_SIZE);
        write_head(writer);
        return writer;
}

void capture_writer_frame(struct capture_writer *writer, const uint8_t *bytes, size_t length, int64_t time_ns)
{
        uint8_t head[16];
        put_le32(head, (uint32_t)(time_ns / 1000000000));
        put_le32(head + 4, (uint32_t)(time_ns % 1000000000 / (writer->microseconds ? 1000 : 1)));
        put_le32(head + 8, (uint32_t)length);
        put_le32(head + 12, (uint32_t)length);
        fwrite(head, 1, sizeof(head), writer->file);
        fwrite(bytes, 1, length, writer->file);
        writer->bytes += sizeof(head) + length;
}

uint64_t capture_writer_bytes(const struct capture_writer *writer)
{
        return writer->bytes;
}

int capture_writer_close(struct capture_writer *writer)
{
        int error = ferror(writer->file) ? -EIO : 0;
        if (fclose(writer->file) != 0 && error == 0)
                error = errno > 0 ? -errno : -EIO;
        free(writer->buffer);
        free(writer);
        return error;
}
