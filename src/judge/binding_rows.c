#include "judge/binding_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/name_pool.h"

struct row {
        struct address ip;
        int64_t from_ns, until_ns;
        uint32_t apn;
        char imsi[17], imei[17], msisdn[17];
};

struct binding_rows {
        struct row *rows;
        size_t count, room;
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

static void copy(char out[17], const char *text)
{
        snprintf(out, 17, "%s", text ? text : "");
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
                             .apn = row->apn ? name_pool_hold(rows->names, row->apn) : NAME_NONE};
        copy(kept->imsi, row->imsi);
        copy(kept->imei, row->imei);
        copy(kept->msisdn, row->msisdn);
        rows->is_sorted = false;
}

static int compare(const void *a, const void *b)
{
        const struct row *x = a, *y = b;
        int order = address_compare(&x->ip, &y->ip);
        if (order == 0)
                order = x->from_ns < y->from_ns ? -1 : x->from_ns > y->from_ns;
        return order;
}

/* The first row that does not begin before (address, time]: one behind those of interest. */
static size_t behind(const struct binding_rows *rows, const struct address *address, int64_t time_ns)
{
        size_t low = 0, high = rows->count;
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
        copy(found->imsi, row->imsi);
        copy(found->imei, row->imei);
        copy(found->msisdn, row->msisdn);
        found->apn = row->apn == NAME_NONE ? NULL : name_pool_text(rows->names, row->apn);
        if (address_is_ipv4(&row->ip))
                found->ipv4 = row->ip;
        else
                found->ipv6 = (struct prefix){row->ip, 128};
        for (unsigned i = 0; i < BINDING_FACTS; i++)
                found->sources[i] = BINDING_IMPORTED;
        found->first_ns = row->from_ns;
        found->last_ns = row->until_ns;
        found->protocol = BINDING_IMPORTED;
}

const struct binding *binding_rows_find(struct binding_rows *rows, const char *apn, const struct address *address, int64_t time_ns)
{
        if (!rows->is_sorted)
                qsort(rows->rows, rows->count, sizeof *rows->rows, compare);
        rows->is_sorted = true;
        for (size_t at = behind(rows, address, time_ns); at-- > 0 && address_equal(&rows->rows[at].ip, address);) {
                const struct row *row = &rows->rows[at];
                const char *held = row->apn == NAME_NONE ? NULL : name_pool_text(rows->names, row->apn);
                if (time_ns >= row->until_ns || (apn != NULL && held != NULL && strcmp(apn, held) != 0))
                        continue;
                fill(rows, row);
                return &rows->found;
        }
        return NULL;
}
