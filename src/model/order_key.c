#include "model/order_key.h"

#include "base/cursor.h"

struct order_key order_key_of_event(const event_t *event, bool by_file)
{
        return (struct order_key){
                .file = by_file && event->has_file ? event->file : 0,
                .clock = event->clock,
                .frame = event->has_frame ? event->frame : 0,
                .shard = event->has_shard ? event->shard + 1 : 0,
                .index = event->index,
        };
}

static int compare(uint64_t a, uint64_t b)
{
        return (a > b) - (a < b);
}

int order_key_compare(const struct order_key *a, const struct order_key *b)
{
        int order = compare(a->file, b->file);
        if (order == 0)
                order = compare(a->clock, b->clock);
        if (order == 0)
                order = compare(a->frame, b->frame);
        if (order == 0)
                order = compare(a->shard, b->shard);
        return order ? order : compare(a->index, b->index);
}

static uint8_t *write_be(uint8_t *at, uint64_t value, unsigned bytes)
{
        for (unsigned i = bytes; i-- > 0; value >>= 8)
                at[i] = (uint8_t)value;
        return at + bytes;
}

void order_key_pack(const struct order_key *key, uint8_t out[ORDER_KEY_SIZE])
{
        out = write_be(out, key->file, 4);
        out = write_be(out, key->clock, 8);
        out = write_be(out, key->frame, 8);
        out = write_be(out, key->shard, 4);
        write_be(out, key->index, 4);
}

struct order_key order_key_unpack(const uint8_t packed[ORDER_KEY_SIZE])
{
        struct cursor in = cursor_of(packed, ORDER_KEY_SIZE);
        struct order_key key = {.file = cursor_be32(&in)};
        key.clock = cursor_be64(&in);
        key.frame = cursor_be64(&in);
        key.shard = cursor_be32(&in);
        key.index = cursor_be32(&in);
        return key;
}
