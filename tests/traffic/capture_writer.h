/* A pcap file, Ethernet, nanoseconds or microseconds, little endian. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture_writer;

/* "-" is standard output; NULL with errno set when `path` cannot be written. */
struct capture_writer *capture_writer_open(const char *path, bool microseconds);
void capture_writer_frame(struct capture_writer *writer, const uint8_t *bytes, size_t length, int64_t time_ns);
uint64_t capture_writer_bytes(const struct capture_writer *writer);

/* 0, or the negative errno of the first write that failed. */
int capture_writer_close(struct capture_writer *writer);
