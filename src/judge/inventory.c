#include "judge/inventory.h"

#include <stddef.h>
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

static const char *row_text(const struct inventory *inventory, const struct inventory_row *row, enum inventory_column column)
{
        return inventory_text(inventory, text_of(row, column));
}

/* A row of whole APNs. */
static bool names_apn_alone(const struct inventory_row *row)
{
        return text_of(row, COLUMN_APN) && !row->has_ip && !row->has_prefix && !text_of(row, COLUMN_IMSI) &&
               !text_of(row, COLUMN_IMEI) && !text_of(row, COLUMN_MSISDN);
}

/* The texts by which rows are found, and how much of them counts. */
static const struct text_key {
        enum inventory_column column;
        size_t place; /* of its index in the inventory */
        size_t most;
} text_keys[] = {
        {COLUMN_IMSI, offsetof(struct inventory, by_imsi), 16},
        {COLUMN_IMEI, offsetof(struct inventory, by_imei), IMEI_DIGITS},
        {COLUMN_MSISDN, offsetof(struct inventory, by_msisdn), 16},
        {COLUMN_APN, offsetof(struct inventory, by_apn), 101},
};
enum { TEXT_KEYS = sizeof text_keys / sizeof *text_keys };

static bool has_key(const struct inventory_row *row, const struct text_key *key)
{
        return key->column == COLUMN_APN ? names_apn_alone(row) : text_of(row, key->column) != 0;
}

static bool build_texts(struct inventory *inventory, const struct text_key *key)
{
        struct row_index *index = (struct row_index *)((char *)inventory + key->place);
        uint32_t keys = 0;
        for (uint32_t i = 0; i < inventory->count; i++)
                keys += has_key(&inventory->rows[i], key);
        if (keys == 0)
                return true;
        if (!index_create(index, inventory->count, keys))
                return false;
        for (uint32_t i = 0; i < inventory->count; i++)
                if (has_key(&inventory->rows[i], key))
                        index_add(index, hash_digits(row_text(inventory, &inventory->rows[i], key->column), key->most), i);
        return true;
}

bool inventory_index_build(struct inventory *inventory)
{
        uint32_t ips = 0;
        for (uint32_t i = 0; i < inventory->count; i++)
                ips += inventory->rows[i].has_ip;
        inventory->prefixes = prefix_trie_create();
        inventory->by_prefix.next = calloc((size_t)inventory->count + 1, sizeof *inventory->by_prefix.next);
        if (!index_create(&inventory->by_ip, inventory->count, ips) || !inventory->prefixes || !inventory->by_prefix.next)
                return false;
        for (unsigned i = 0; i < TEXT_KEYS; i++)
                if (!build_texts(inventory, &text_keys[i]))
                        return false;
        for (uint32_t i = 0; i < inventory->count; i++) {
                const struct inventory_row *row = &inventory->rows[i];
                if (row->has_ip)
                        index_add(&inventory->by_ip, hash_address(&row->address), i);
                if (row->has_prefix && !add_prefix(inventory, i))
                        return false;
        }
        return true;
}

void inventory_index_clear(struct inventory *inventory)
{
        for (unsigned i = 0; i < TEXT_KEYS; i++)
                index_clear((struct row_index *)((char *)inventory + text_keys[i].place));
        index_clear(&inventory->by_ip);
        index_clear(&inventory->by_prefix);
        prefix_trie_destroy(inventory->prefixes);
}

/* Whether row `a` is to be preferred to `b` (NULL: nothing yet), both valid at the moment. */
static bool is_later(const struct inventory_row *a, const struct inventory_row *b)
{
        return b == NULL || a->from_ns > b->from_ns || (a->from_ns == b->from_ns && a->line > b->line);
}

static bool is_said(const char *text)
{
        return text != NULL && *text != '\0';
}

static bool is_valid(const struct inventory_row *row, int64_t time_ns)
{
        return time_ns >= row->from_ns && time_ns < row->until_ns;
}

static const struct inventory_row *find_text(const struct inventory *inventory, const struct text_key *key, const char *text,
                                             int64_t time_ns)
{
        const struct row_index *index = (const struct row_index *)((const char *)inventory + key->place);
        const struct inventory_row *best = NULL;
        if (!is_said(text) || index->slots == NULL)
                return NULL;
        uint64_t hash = hash_digits(text, key->most);
        for (uint32_t at = index->slots[hash & index->mask]; at != 0; at = index->next[at - 1]) {
                const struct inventory_row *row = &inventory->rows[at - 1];
                if (is_valid(row, time_ns) && strncmp(row_text(inventory, row, key->column), text, key->most) == 0 && is_later(row, best))
                        best = row;
        }
        return best;
}

/* The best of the rows of an address or a prefix. */
struct choice {
        const struct inventory *inventory;
        const struct inventory_subject *subject;
        int64_t time_ns;
        const struct inventory_row *best;
        bool is_ambiguous; /* rows of several APNs, and the device's is not known */
};

static void consider(struct choice *choice, const struct inventory_row *row)
{
        const char *imsi = row_text(choice->inventory, row, COLUMN_IMSI), *apn = row_text(choice->inventory, row, COLUMN_APN);
        const struct inventory_subject *subject = choice->subject;
        if (!is_valid(row, choice->time_ns) || (imsi && is_said(subject->imsi) && strcmp(imsi, subject->imsi) != 0) ||
            (apn && is_said(subject->apn) && strcmp(apn, subject->apn) != 0))
                return;
        if (choice->best != NULL && !is_said(subject->apn))
                choice->is_ambiguous |= text_of(row, COLUMN_APN) != text_of(choice->best, COLUMN_APN);
        if (is_later(row, choice->best))
                choice->best = row;
}

static void find_address(struct choice *choice)
{
        const struct row_index *index = &choice->inventory->by_ip;
        const struct address *address = choice->subject->address;
        for (uint32_t at = index->slots[hash_address(address) & index->mask]; at != 0; at = index->next[at - 1])
                if (address_equal(&choice->inventory->rows[at - 1].address, address))
                        consider(choice, &choice->inventory->rows[at - 1]);
}

static void find_prefix(struct choice *choice)
{
        const struct inventory *inventory = choice->inventory;
        const struct inventory_row *first = prefix_trie_find(inventory->prefixes, choice->subject->address);
        while (first != NULL && choice->best == NULL) {
                for (uint32_t at = (uint32_t)(first - inventory->rows) + 1; at != 0; at = inventory->by_prefix.next[at - 1])
                        consider(choice, &inventory->rows[at - 1]);
                first = prefix_trie_find_below(inventory->prefixes, choice->subject->address, first->prefix.length);
        }
}

static const struct inventory_row *find_place(const struct inventory *inventory, const struct inventory_subject *subject, int64_t time_ns)
{
        struct choice choice = {.inventory = inventory, .subject = subject, .time_ns = time_ns};
        if (subject->address == NULL)
                return NULL;
        find_address(&choice);
        if (choice.best == NULL)
                find_prefix(&choice);
        return choice.is_ambiguous ? NULL : choice.best;
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

bool inventory_find_subject(const struct inventory *inventory, const struct inventory_subject *subject, int64_t time_ns,
                            struct inventory_facts *out)
{
        const char *const texts[TEXT_KEYS] = {subject->imsi, subject->imei, subject->msisdn, subject->apn};
        const struct inventory_row *row = NULL;
        if (inventory == NULL)
                return false;
        for (unsigned i = 0; i < TEXT_KEYS && row == NULL; i++) {
                if (text_keys[i].column == COLUMN_APN)
                        row = find_place(inventory, subject, time_ns);
                row = row ? row : find_text(inventory, &text_keys[i], texts[i], time_ns);
        }
        return row != NULL && inventory_row(inventory, (unsigned)(row - inventory->rows), out);
}

bool inventory_find(const struct inventory *inventory, const struct address *address, const char *imsi, const char *imei,
                    int64_t time_ns, struct inventory_facts *out)
{
        struct inventory_subject subject = {.address = address, .imsi = imsi, .imei = imei};
        return inventory_find_subject(inventory, &subject, time_ns, out);
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
