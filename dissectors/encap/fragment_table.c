#include "dissectors/encap/fragment_table.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
        BUCKETS = 4096,
        BYTES_MAX = 65535,       /* of a datagram behind its header */
        ALLOCATION_OVERHEAD = 16,
};

struct piece {
        struct piece *next; /* by offset; pieces do not overlap */
        uint32_t offset, length;
        uint8_t bytes[];
};

struct first_fragment {
        struct fragment_origin origin;
        bool has_origin;
        uint32_t length;
        uint8_t header[];
};

struct incomplete {
        struct incomplete *newer;
        struct fragment_incomplete about;
        uint8_t bytes[];
};

struct datagram {
        struct datagram *next_in_bucket;
        struct datagram *older, *newer;
        struct fragment_key key;
        int64_t first_ns;
        struct piece *pieces;
        uint32_t piece_count, fragments;
        uint32_t have;      /* bytes in pieces */
        uint32_t total;     /* known with the last fragment */
        uint32_t charged;   /* of the table's limit */
        bool has_total;
        struct first_fragment *first; /* NULL until it comes */
};

struct fragment_table {
        uint32_t limit, bytes;
        int64_t timeout_ns;
        uint64_t seed;      /* so that nobody outside can fill one bucket */
        uint64_t expired, evicted, incomplete_dropped;
        struct incomplete *incomplete, **incomplete_end;
        unsigned incomplete_count;
        struct datagram *oldest, *newest;
        struct datagram *buckets[BUCKETS];
};

struct fragment_table *fragment_table_create(uint32_t byte_limit, int64_t timeout_ns)
{
        struct fragment_table *table = calloc(1, sizeof *table);
        if (table == NULL)
                return NULL;
        table->limit = byte_limit;
        table->timeout_ns = timeout_ns;
        table->incomplete_end = &table->incomplete;
        if (getrandom(&table->seed, sizeof table->seed, GRND_NONBLOCK) < 0)
                table->seed = (uint64_t)(uintptr_t)table;
        return table;
}

static unsigned bucket_of(const struct fragment_table *table, const struct fragment_key *key)
{
        return XXH3_64bits_withSeed(key, sizeof *key, table->seed) % BUCKETS;
}

static void datagram_free(struct datagram *datagram)
{
        while (datagram->pieces != NULL) {
                struct piece *piece = datagram->pieces;
                datagram->pieces = piece->next;
                free(piece);
        }
        free(datagram->first);
        free(datagram);
}

static void table_remove(struct fragment_table *table, struct datagram *datagram)
{
        struct datagram **link = &table->buckets[bucket_of(table, &datagram->key)];
        while (*link != datagram)
                link = &(*link)->next_in_bucket;
        *link = datagram->next_in_bucket;
        assert((datagram->older == NULL) == (table->oldest == datagram));
        *(datagram->older ? &datagram->older->newer : &table->oldest) = datagram->newer;
        *(datagram->newer ? &datagram->newer->older : &table->newest) = datagram->older;
        table->bytes -= datagram->charged;
        datagram_free(datagram);
}

static struct incomplete *incomplete_pop(struct fragment_table *table)
{
        struct incomplete *incomplete = table->incomplete;
        if (incomplete == NULL)
                return NULL;
        table->incomplete = incomplete->newer;
        if (table->incomplete == NULL)
                table->incomplete_end = &table->incomplete;
        table->incomplete_count--;
        return incomplete;
}

/* Header and bytes up to the first hole. */
static struct incomplete *incomplete_of(const struct datagram *datagram)
{
        const struct first_fragment *first = datagram->first;
        uint32_t whole = 0, end = 0;
        for (const struct piece *piece = datagram->pieces; piece != NULL; piece = piece->next) {
                if (piece->offset == whole)
                        whole += piece->length;
                end = piece->offset + piece->length;
        }
        if (whole > INCOMPLETE_BYTES_MAX)
                whole = INCOMPLETE_BYTES_MAX;
        struct incomplete *incomplete = malloc(sizeof *incomplete + first->length + whole);
        if (incomplete == NULL)
                return NULL;
        incomplete->newer = NULL;
        incomplete->about = (struct fragment_incomplete){
                .origin = first->origin, .header_length = first->length, .captured = first->length + whole,
                .length = first->length + (datagram->has_total ? datagram->total : end + 1),
                .version = datagram->key.version};
        memcpy(incomplete->bytes, first->header, first->length);
        for (const struct piece *piece = datagram->pieces; piece != NULL && piece->offset < whole; piece = piece->next) {
                uint32_t length = piece->length < whole - piece->offset ? piece->length : whole - piece->offset;
                memcpy(incomplete->bytes + first->length + piece->offset, piece->bytes, length);
        }
        return incomplete;
}

/* The datagram will not become whole any more. `limit` of those whose first fragment came wait; the oldest are dropped. */
static void table_lose(struct fragment_table *table, struct datagram *datagram, unsigned limit)
{
        if (datagram->first != NULL && datagram->first->has_origin) {
                struct incomplete *incomplete = incomplete_of(datagram);
                while (table->incomplete_count >= limit) {
                        free(incomplete_pop(table));
                        table->incomplete_dropped++;
                }
                if (incomplete != NULL) {
                        *table->incomplete_end = incomplete;
                        table->incomplete_end = &incomplete->newer;
                        table->incomplete_count++;
                } else {
                        table->incomplete_dropped++;
                }
        }
        table_remove(table, datagram);
}

bool fragment_table_take_incomplete(struct fragment_table *table, struct fragment_incomplete *out, uint8_t *datagram)
{
        struct incomplete *incomplete = incomplete_pop(table);
        if (incomplete == NULL)
                return false;
        *out = incomplete->about;
        memcpy(datagram, incomplete->bytes, out->captured);
        free(incomplete);
        return true;
}

void fragment_table_destroy(struct fragment_table *table)
{
        if (table == NULL)
                return;
        while (table->incomplete != NULL)
                free(incomplete_pop(table));
        while (table->oldest != NULL)
                table_remove(table, table->oldest);
        free(table);
}

static bool is_expired(const struct fragment_table *table, const struct datagram *datagram, int64_t clock_ns)
{
        return clock_ns > datagram->first_ns &&
               (uint64_t)clock_ns - (uint64_t)datagram->first_ns > (uint64_t)table->timeout_ns;
}

void fragment_table_expire(struct fragment_table *table, int64_t clock_ns)
{
        while (table->oldest != NULL && is_expired(table, table->oldest, clock_ns)) {
                table->expired += table->oldest->fragments;
                table_lose(table, table->oldest, clock_ns == INT64_MAX ? UINT_MAX : INCOMPLETE_MAX);
        }
}

static struct datagram *table_find(const struct fragment_table *table, const struct fragment_key *key)
{
        struct datagram *datagram = table->buckets[bucket_of(table, key)];
        while (datagram != NULL && memcmp(&datagram->key, key, sizeof *key) != 0)
                datagram = datagram->next_in_bucket;
        return datagram;
}

static void charge(struct fragment_table *table, struct datagram *datagram, size_t bytes)
{
        datagram->charged += (uint32_t)bytes + ALLOCATION_OVERHEAD;
        table->bytes += (uint32_t)bytes + ALLOCATION_OVERHEAD;
}

static struct datagram *table_insert(struct fragment_table *table, const struct fragment_key *key, int64_t clock_ns)
{
        struct datagram *datagram = calloc(1, sizeof *datagram);
        if (datagram == NULL)
                return NULL;
        datagram->key = *key;
        datagram->first_ns = clock_ns;
        struct datagram **bucket = &table->buckets[bucket_of(table, key)];
        datagram->next_in_bucket = *bucket;
        *bucket = datagram;
        datagram->older = table->newest;
        *(table->newest ? &table->newest->newer : &table->oldest) = datagram;
        table->newest = datagram;
        charge(table, datagram, sizeof *datagram);
        return datagram;
}

static bool piece_insert(struct fragment_table *table, struct datagram *datagram, struct piece **link, uint32_t offset,
                         const uint8_t *bytes, uint32_t length)
{
        struct piece *piece = malloc(sizeof *piece + length);
        if (piece == NULL)
                return false;
        piece->offset = offset;
        piece->length = length;
        memcpy(piece->bytes, bytes, length);
        piece->next = *link;
        *link = piece;
        datagram->piece_count++;
        datagram->have += length;
        charge(table, datagram, sizeof *piece + length);
        return true;
}

/* Fills the holes between the pieces that are there. */
static bool datagram_fill(struct fragment_table *table, struct datagram *datagram, const struct fragment *fragment)
{
        uint32_t at = fragment->offset, end = fragment->offset + fragment->length;
        struct piece **link = &datagram->pieces;
        while (at < end) {
                while (*link != NULL && (*link)->offset + (*link)->length <= at)
                        link = &(*link)->next;
                uint32_t hole_end = *link != NULL && (*link)->offset < end ? (*link)->offset : end;
                if (hole_end > at) {
                        if (datagram->piece_count >= FRAGMENT_PIECES_MAX)
                                return false;
                        const uint8_t *bytes = fragment->bytes + (at - fragment->offset);
                        if (!piece_insert(table, datagram, link, at, bytes, hole_end - at))
                                return false;
                        link = &(*link)->next;
                }
                at = hole_end;
                if (at < end) /* a piece stands here */
                        at = (*link)->offset + (*link)->length;
        }
        return true;
}

static bool datagram_take_header(struct fragment_table *table, struct datagram *datagram, const struct fragment *fragment)
{
        if (fragment->offset != 0 || datagram->first != NULL)
                return true;
        if (fragment->header_length > FRAGMENT_HEADER_MAX)
                return false;
        struct first_fragment *first = malloc(sizeof *first + fragment->header_length);
        if (first == NULL)
                return false;
        first->has_origin = fragment->origin != NULL;
        if (first->has_origin)
                first->origin = *fragment->origin;
        first->length = fragment->header_length;
        memcpy(first->header, fragment->header, first->length);
        datagram->first = first;
        charge(table, datagram, sizeof *first + first->length);
        return true;
}

static uint32_t datagram_join(const struct datagram *datagram, uint8_t *out)
{
        const struct first_fragment *first = datagram->first;
        memcpy(out, first->header, first->length);
        for (const struct piece *piece = datagram->pieces; piece != NULL; piece = piece->next)
                memcpy(out + first->length + piece->offset, piece->bytes, piece->length);
        return first->length + datagram->total;
}

/* Whether the fragment agrees with what is known about the datagram's end: the first word about it stays. */
static bool datagram_agrees(const struct datagram *datagram, const struct fragment *fragment)
{
        uint32_t end = fragment->offset + fragment->length;
        if (datagram->has_total)
                return end <= datagram->total && (!fragment->last || end == datagram->total);
        if (!fragment->last)
                return true;
        for (const struct piece *piece = datagram->pieces; piece != NULL; piece = piece->next)
                if (piece->offset + piece->length > end)
                        return false;
        return true;
}

/* The oldest go first; the one that just grew stays. */
static void table_make_room(struct fragment_table *table, const struct datagram *keep)
{
        struct datagram *datagram = table->oldest;
        while (table->bytes > table->limit && datagram != NULL) {
                struct datagram *newer = datagram->newer;
                if (datagram != keep) {
                        table->evicted += datagram->fragments;
                        table_lose(table, datagram, INCOMPLETE_MAX);
                }
                datagram = newer;
        }
}

static enum fragment_outcome table_give_up(struct fragment_table *table, struct datagram *datagram)
{
        table->evicted += datagram->fragments;
        table_lose(table, datagram, INCOMPLETE_MAX);
        return FRAGMENT_REFUSED;
}

enum fragment_outcome fragment_table_add(struct fragment_table *table, const struct fragment *fragment, int64_t clock_ns,
                                         uint8_t *datagram_bytes, uint32_t *length)
{
        fragment_table_expire(table, clock_ns);
        if (fragment->length == 0 || fragment->offset + fragment->length > BYTES_MAX)
                return FRAGMENT_REFUSED;
        struct datagram *datagram = table_find(table, &fragment->key);
        if (datagram == NULL)
                datagram = table_insert(table, &fragment->key, clock_ns);
        if (datagram == NULL)
                return FRAGMENT_REFUSED;
        if (!datagram_agrees(datagram, fragment))
                return FRAGMENT_REFUSED;
        datagram->fragments++;
        if (!datagram_take_header(table, datagram, fragment) || !datagram_fill(table, datagram, fragment))
                return table_give_up(table, datagram);
        if (fragment->last) {
                datagram->has_total = true;
                datagram->total = fragment->offset + fragment->length;
        }
        if (datagram->has_total && datagram->have == datagram->total && datagram->first != NULL) {
                *length = datagram_join(datagram, datagram_bytes);
                table_remove(table, datagram);
                return FRAGMENT_COMPLETE;
        }
        table_make_room(table, datagram);
        return table->bytes > table->limit ? table_give_up(table, datagram) : FRAGMENT_HELD;
}

uint64_t fragment_table_expired(const struct fragment_table *table)
{
        return table->expired;
}

uint64_t fragment_table_evicted(const struct fragment_table *table)
{
        return table->evicted;
}

uint64_t fragment_table_incomplete_dropped(const struct fragment_table *table)
{
        return table->incomplete_dropped;
}

uint32_t fragment_table_bytes(const struct fragment_table *table)
{
        return table->bytes;
}
