#include "judge/inventory.h"

#include <stdlib.h>
#include <string.h>

#include "base/prefix_trie.h"
#include "judge/inventory_parts.h"

enum { IMEI_DIGITS = 14 }; /* TAC and serial number; what follows is a check digit or a software version */

const char *inventory_text(const struct inventory *inventory, uint32_t offset)
{
        return offset ? inventory->arena + offset : NULL;
}

/* splitmix64's finalizer: every bit of an address must reach the low bits, where slots are chosen */
static uint64_t mix(uint64_t value)
{
        value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ULL;
        value = (value ^ value >> 27) * 0x94d049bb133111ebULL;
        return value ^ value >> 31;
}

static uint64_t hash_digits(const char *text, size_t most)
{
        uint64_t value = 0;
        for (size_t i = 0; i < most && text[i] != '\0'; i++)
                value = value * 31 + (uint8_t)text[i];
        return mix(value);
}

static uint64_t hash_address(const struct address *a)
{
        uint64_t halves[2];
        memcpy(halves, a->bytes, 16);
        return mix(mix(halves[0]) ^ halves[1]);
}

static bool index_create(struct row_index *index, uint32_t rows, uint32_t keys)
{
        uint64_t size = 16;
        while (size < (uint64_t)keys * 2)
                size *= 2;
        index->mask = (uint32_t)(size - 1);
        index->slots = calloc(size, sizeof *index->slots);
        index->next = calloc((size_t)rows + 1, sizeof *index->next);
        return index->slots != NULL && index->next != NULL;
}

static void index_clear(struct row_index *index)
{
        free(index->slots);
        free(index->next);
}

/* Several keys may share a slot's chain; who looks up compares. */
static void index_add(struct row_index *index, uint64_t hash, uint32_t row)
{
        uint32_t *slot = &index->slots[hash & index->mask];
        index->next[row] = *slot;
        *slot = row + 1;
}

static bool add_prefix(struct inventory *inventory, uint32_t row)
{
        const struct inventory_row *r = &inventory->rows[row];
        const struct inventory_row *first = prefix_trie_get(inventory->prefixes, &r->prefix);
        inventory->by_prefix.next[row] = first ? (uint32_t)(first - inventory->rows) + 1 : 0;
        return prefix_trie_insert(inventory->prefixes, &r->prefix, r) == 0;
}

static uint32_t text_of(const struct inventory_row *row, enum inventory_column column)
{
        return row->texts[column - COLUMN_IMSI];
}

bool inventory_index_build(struct inventory *inventory)
{
        uint32_t ips = 0, imsis = 0, imeis = 0;
        for (uint32_t i = 0; i < inventory->count; i++) {
                ips += inventory->rows[i].has_ip;
                imsis += text_of(&inventory->rows[i], COLUMN_IMSI) != 0;
                imeis += text_of(&inventory->rows[i], COLUMN_IMEI) != 0;
        }
        inventory->prefixes = prefix_trie_create();
        inventory->by_prefix.next = calloc((size_t)inventory->count + 1, sizeof *inventory->by_prefix.next);
        if (!index_create(&inventory->by_ip, inventory->count, ips) ||
            !index_create(&inventory->by_imsi, inventory->count, imsis) ||
            !index_create(&inventory->by_imei, inventory->count, imeis) || !inventory->prefixes ||
            !inventory->by_prefix.next)
                return false;
        for (uint32_t i = 0; i < inventory->count; i++) {
                const struct inventory_row *row = &inventory->rows[i];
                uint32_t imsi = text_of(row, COLUMN_IMSI), imei = text_of(row, COLUMN_IMEI);
                if (row->has_ip)
                        index_add(&inventory->by_ip, hash_address(&row->address), i);
                if (row->has_prefix && !add_prefix(inventory, i))
                        return false;
                if (imsi != 0)
                        index_add(&inventory->by_imsi, hash_digits(inventory_text(inventory, imsi), 15), i);
                if (imei != 0)
                        index_add(&inventory->by_imei, hash_digits(inventory_text(inventory, imei), IMEI_DIGITS), i);
        }
        return true;
}

void inventory_index_clear(struct inventory *inventory)
{
        index_clear(&inventory->by_ip);
        index_clear(&inventory->by_imsi);
        index_clear(&inventory->by_imei);
        index_clear(&inventory->by_prefix);
        prefix_trie_destroy(inventory->prefixes);
}

/* Whether row `a` is to be preferred to `b` (NULL: nothing yet), both valid at the moment. */
static bool is_later(const struct inventory_row *a, const struct inventory_row *b)
{
        return b == NULL || a->from_ns > b->from_ns || (a->from_ns == b->from_ns && a->line > b->line);
}

static bool is_valid(const struct inventory_row *row, int64_t time_ns)
{
        return time_ns >= row->from_ns && time_ns < row->until_ns;
}

static const struct inventory_row *find_text(const struct inventory *inventory, const struct row_index *index,
                                             enum inventory_column column, const char *text, size_t most, int64_t time_ns)
{
        const struct inventory_row *best = NULL;
        if (text == NULL || *text == '\0')
                return NULL;
        uint64_t hash = hash_digits(text, most);
        for (uint32_t at = index->slots[hash & index->mask]; at != 0; at = index->next[at - 1]) {
                const struct inventory_row *row = &inventory->rows[at - 1];
                if (is_valid(row, time_ns) && strncmp(inventory_text(inventory, text_of(row, column)), text, most) == 0 &&
                    is_later(row, best))
                        best = row;
        }
        return best;
}

static const struct inventory_row *find_address(const struct inventory *inventory, const struct address *address,
                                                int64_t time_ns)
{
        const struct inventory_row *best = NULL;
        const struct row_index *index = &inventory->by_ip;
        for (uint32_t at = index->slots[hash_address(address) & index->mask]; at != 0; at = index->next[at - 1]) {
                const struct inventory_row *row = &inventory->rows[at - 1];
                if (is_valid(row, time_ns) && address_equal(&row->address, address) && is_later(row, best))
                        best = row;
        }
        return best;
}

static const struct inventory_row *find_prefix(const struct inventory *inventory, const struct address *address,
                                               int64_t time_ns)
{
        const struct inventory_row *first = prefix_trie_find(inventory->prefixes, address), *best = NULL;
        for (uint32_t at = first ? (uint32_t)(first - inventory->rows) + 1 : 0; at != 0;
             at = inventory->by_prefix.next[at - 1]) {
                const struct inventory_row *row = &inventory->rows[at - 1];
                if (is_valid(row, time_ns) && is_later(row, best))
                        best = row;
        }
        return best;
}

bool inventory_row(const struct inventory *inventory, unsigned index, struct inventory_facts *out)
{
        if (inventory == NULL || index >= inventory->count)
                return false;
        const struct inventory_row *row = &inventory->rows[index];
        *out = (struct inventory_facts){
                .imsi = inventory_text(inventory, text_of(row, COLUMN_IMSI)),
                .imei = inventory_text(inventory, text_of(row, COLUMN_IMEI)),
                .msisdn = inventory_text(inventory, text_of(row, COLUMN_MSISDN)),
                .apn = inventory_text(inventory, text_of(row, COLUMN_APN)),
                .fleet = inventory_text(inventory, text_of(row, COLUMN_FLEET)),
                .tenant = inventory_text(inventory, text_of(row, COLUMN_TENANT)),
                .vendor = inventory_text(inventory, text_of(row, COLUMN_VENDOR)),
                .model = inventory_text(inventory, text_of(row, COLUMN_MODEL)),
                .site = inventory_text(inventory, text_of(row, COLUMN_SITE)),
                .ticket = inventory_text(inventory, text_of(row, COLUMN_TICKET)),
                .mobility = row->mobility, .state = row->state, .has_ip = row->has_ip, .has_prefix = row->has_prefix,
                .from_ns = row->from_ns, .until_ns = row->until_ns, .row = index, .line = row->line};
        if (row->has_ip)
                out->ip = row->address;
        if (row->has_prefix)
                out->prefix = row->prefix;
        return true;
}

bool inventory_find(const struct inventory *inventory, const struct address *address, const char *imsi, const char *imei,
                    int64_t time_ns, struct inventory_facts *out)
{
        const struct inventory_row *row = NULL;
        if (inventory == NULL)
                return false;
        row = find_text(inventory, &inventory->by_imsi, COLUMN_IMSI, imsi, 16, time_ns);
        row = row ? row : find_text(inventory, &inventory->by_imei, COLUMN_IMEI, imei, IMEI_DIGITS, time_ns);
        if (row == NULL && address != NULL)
                row = find_address(inventory, address, time_ns);
        if (row == NULL && address != NULL)
                row = find_prefix(inventory, address, time_ns);
        return row != NULL && inventory_row(inventory, (unsigned)(row - inventory->rows), out);
}

void inventory_destroy(struct inventory *inventory)
{
        if (inventory == NULL)
                return;
        inventory_index_clear(inventory);
        for (unsigned i = 0; i < inventory->extra_count; i++)
                free(inventory->extra_names[i]);
        free(inventory->rows);
        free(inventory->extras);
        free(inventory->arena);
        free(inventory);
}

unsigned inventory_count(const struct inventory *inventory)
{
        return inventory ? inventory->count : 0;
}

unsigned inventory_extra_count(const struct inventory *inventory)
{
        return inventory ? inventory->extra_count : 0;
}

const char *inventory_extra_name(const struct inventory *inventory, unsigned column)
{
        return inventory->extra_names[column];
}

const char *inventory_extra(const struct inventory *inventory, unsigned row, unsigned column)
{
        return inventory_text(inventory, inventory->extras[(size_t)row * inventory->extra_count + column]);
}

const char *inventory_state_text(enum inventory_state state)
{
        static const char *const texts[] = {NULL, "stock", "installed", "maintenance", "test", "retired"};
        return texts[state];
}

const char *inventory_digest(const struct inventory *inventory)
{
        return inventory->digest;
}
