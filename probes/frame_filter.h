/* A filter in libpcap's language on the outer frame, compiled once for each link type that appears. */
#pragma once

#include <stdbool.h>

#include "base/frame.h"

struct frame_filter;

/* NULL with libpcap's message when the text is a filter for no link type that apnwatch reads. */
struct frame_filter *frame_filter_create(const char *text, char *error, unsigned error_size);
void frame_filter_destroy(struct frame_filter *filter);

/* A link type that the filter has no meaning for passes nothing; that is told once. */
bool frame_filter_passes(struct frame_filter *filter, const struct frame *frame);
