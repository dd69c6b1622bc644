/* Rows are sorted by the length of their prefix, the longest first, by address and `from`. Each knows when the last of those before it
 * in its prefix ends, so that the search backwards ends where nothing holds any more. */
#include "judge/binding_rows.h"

#include <stdlib.h>
#include <string.h>

#include "judge/binding_facts.h"
#include "judge/name_pool.h"

enum { ADDRESS_BITS = 128, NETWORK_BITS = 64, NEIGHBOURS_MOST = 64 };

struct row {
        struct address ip;
        int64_t from_ns, until_ns, all_until_ns; /* all: this and those before it */
        uint64_t imsi, imei, msisdn;             /* as digits_pack has them */
        uint32_t apn;
        uint8_t length;
};

/* Those of one length. */
struct section {
        size_t first, end;
        uint8_t length;
};

struct binding_rows {
        struct row *rows;
        size_t count, room;
        struct section sections[ADDRESS_BITS + 1];
        unsigned section_count;
        bool is_sorted;
        struct name_pool *names;
        struct binding found;
};

struct binding_rows *binding_rows_create(void)
{
        struct binding_rows *rows = calloc(1, sizeof *rows);
        if (rows == NULL || (rows->names = name_pool_create()) == NULL) {
                free(rows);
                return NULL;
        }
        rows->is_sorted = true;
        return rows;
}

void binding_rows_destroy(struct binding_rows *rows)
{
        if (rows == NULL)
                return;
        name_pool_destroy(rows->names);
        free(rows->rows);
        free(rows);
}

static uint64_t digits_of(const char *text)
{
        return text ? digits_pack(text) : 0;
}

void binding_rows_add(struct binding_rows *rows, const struct binding_row *row)
{
        if (rows->count == rows->room) {
                size_t room = rows->room ? rows->room * 2 : 256;
                struct row *grown = realloc(rows->rows, room * sizeof *grown);
                if (grown == NULL)
                        return;
                rows->rows = grown;
                rows->room = room;
        }
        struct row *kept = &rows->rows[rows->count++];
        *kept = (struct row){.ip = row->ip, .from_ns = row->from_ns, .until_ns = row->until_ns,
                             .imsi = digits_of(row->imsi), .imei = digits_of(row->imei), .msisdn = digits_of(row->msisdn),
                             .length = row->length ? row->length : ADDRESS_BITS,
                             .apn = row->apn ? name_pool_hold(rows->names, row->apn) : NAME_NONE};
        rows->is_sorted = false;
}

static bool is_same_prefix(const struct row *a, const struct row *b)
{
        return a->length == b->length && address_equal(&a->ip, &b->ip);
}

static int compare(const void *a, const void *b)
{
        const struct row *x = a, *y = b;
        if (x->length != y->length)
                return x->length > y->length ? -1 : 1;
        int order = address_compare(&x->ip, &y->ip);
        if (order == 0)
                order = x->from_ns < y->from_ns ? -1 : x->from_ns > y->from_ns;
        return order;
}

static void sort(struct binding_rows *rows)
{
        if (rows->count > 0)
                qsort(rows->rows, rows->count, sizeof *rows->rows, compare);
        rows->section_count = 0;
        for (size_t i = 0; i < rows->count; i++) {
                struct row *row = &rows->rows[i];
                if (i == 0 || row[-1].length != row->length)
                        rows->sections[rows->section_count++] = (struct section){.first = i, .length = row->length};
                rows->sections[rows->section_count - 1].end = i + 1;
                bool has_before = i > 0 && is_same_prefix(row - 1, row) && row[-1].all_until_ns > row->until_ns;
                row->all_until_ns = has_before ? row[-1].all_until_ns : row->until_ns;
        }
        rows->is_sorted = true;
}

/* The first row of a section that does not begin before (address, time]: one behind those of interest. */
static size_t behind(const struct binding_rows *rows, const struct section *section, const struct address *address, int64_t time_ns)
{
        size_t low = section->first, high = section->end;
        while (low < high) {
                size_t middle = (low + high) / 2;
                int order = address_compare(&rows->rows[middle].ip, address);
                if (order < 0 || (order == 0 && rows->rows[middle].from_ns <= time_ns))
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static void fill(struct binding_rows *rows, const struct row *row)
{
        struct binding *found = &rows->found;
        memset(found, 0, sizeof *found);
        digits_text(row->imsi, found->imsi);
        digits_text(row->imei, found->imei);
        digits_text(row->msisdn, found->msisdn);
        found->apn = row->apn == NAME_NONE ? NULL : name_pool_text(rows->names, row->apn);
        if (address_is_ipv4(&row->ip) && row->length == ADDRESS_BITS)
                found->ipv4 = row->ip;
        else if (!address_is_ipv4(&row->ip))
                found->ipv6 = (struct prefix){row->ip, row->length};
        for (unsigned i = 0; i < BINDING_FACTS; i++)
                found->sources[i] = BINDING_IMPORTED;
        found->first_ns = row->from_ns;
        found->last_ns = row->until_ns;
        found->protocol = BINDING_IMPORTED;
}

static bool is_same_device(const struct row *a, const struct row *b)
{
        return a->imsi == b->imsi && a->msisdn == b->msisdn && (a->imsi != 0 || a->msisdn != 0 || a->imei == b->imei);
}

struct pick {
        const char *apn; /* NULL: not known */
        int64_t time_ns;
        const struct row *row;
        bool is_ambiguous;
};

/* Whether the search goes on: without an APN, rows of others may hold as well. */
static bool pick_row(const struct binding_rows *rows, const struct row *row, struct pick *pick)
{
        const char *held = row->apn == NAME_NONE ? NULL : name_pool_text(rows->names, row->apn);
        if (pick->time_ns >= row->until_ns || pick->time_ns < row->from_ns ||
            (pick->apn != NULL && held != NULL && strcmp(pick->apn, held) != 0))
                return true;
        if (pick->row == NULL)
                pick->row = row;
        else if (row->apn != pick->row->apn && row->apn != NAME_NONE && pick->row->apn != NAME_NONE && !is_same_device(row, pick->row))
                pick->is_ambiguous = true;
        return pick->apn == NULL && held != NULL && !pick->is_ambiguous;
}

static void look_in(const struct binding_rows *rows, const struct section *section, const struct address *address, struct pick *pick)
{
        struct address begin = *address;
        for (unsigned bit = section->length; bit < ADDRESS_BITS; bit++)
                begin.bytes[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
        for (size_t at = behind(rows, section, &begin, pick->time_ns); at-- > section->first;) {
                const struct row *row = &rows->rows[at];
                if (!address_equal(&row->ip, &begin) || row->all_until_ns <= pick->time_ns || !pick_row(rows, row, pick))
                        return;
        }
}

static void look_beside(const struct binding_rows *rows, const struct section *section, const struct address *address, struct pick *pick)
{
        struct prefix network = {*address, NETWORK_BITS};
        struct address begin = *address;
        memset(begin.bytes + NETWORK_BITS / 8, 0, sizeof begin.bytes - NETWORK_BITS / 8);
        size_t at = behind(rows, section, &begin, INT64_MIN), seen = 0;
        for (; at < section->end && seen < NEIGHBOURS_MOST && prefix_contains(&network, &rows->rows[at].ip); at++, seen++) {
                const struct row *before = pick->row;
                pick->row = NULL;
                (void)pick_row(rows, &rows->rows[at], pick);
                pick->is_ambiguous |= before != NULL && pick->row != NULL && !is_same_device(before, pick->row);
                pick->row = pick->row ? pick->row : before;
        }
        pick->is_ambiguous |= seen == NEIGHBOURS_MOST;
}

const struct binding *binding_rows_find(struct binding_rows *rows, const char *apn, const struct address *address, int64_t time_ns)
{
        struct pick pick = {.apn = apn, .time_ns = time_ns};
        if (!rows->is_sorted)
                sort(rows);
        unsigned at = 0;
        for (; at < rows->section_count && rows->sections[at].length >= NETWORK_BITS && pick.row == NULL; at++)
                look_in(rows, &rows->sections[at], address, &pick);
        if (pick.row == NULL && at > 0 && rows->sections[0].length == ADDRESS_BITS && !address_is_ipv4(address))
                look_beside(rows, &rows->sections[0], address, &pick);
        for (; at < rows->section_count && pick.row == NULL && !pick.is_ambiguous; at++)
                look_in(rows, &rows->sections[at], address, &pick);
        if (pick.row == NULL || pick.is_ambiguous)
                return NULL;
        fill(rows, pick.row);
        return &rows->found;
}
