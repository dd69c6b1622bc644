/* What XINFO STREAM and XINFO GROUPS say of a stream. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "deliver/outbox.h"

struct redisReply;

/* A stream that is not there is all zeroes. */
struct stream_info {
        uint64_t length;
        bool has_added;          /* Redis 7 and Valkey tell */
        uint64_t added;          /* entries that ever were */
        bool has_first;
        struct entry_id first, last_generated;
};

struct group_info {
        uint64_t read;           /* entries that ever were, up to the last that was delivered */
        struct entry_id delivered;
};

bool stream_info_read(const struct redisReply *reply, struct stream_info *out);
/* False: there is no such group, or the server does not know how much of the stream it has read. */
bool group_info_read(const struct redisReply *reply, const char *group, struct group_info *out);
