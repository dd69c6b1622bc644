/* Between the files that make the inventory; nobody else includes it. */
#pragma once

#include "judge/inventory.h"

struct prefix_trie;

enum inventory_column {
        COLUMN_IP, COLUMN_PREFIX, COLUMN_FROM, COLUMN_UNTIL, COLUMN_MOBILITY, COLUMN_STATE,
        /* from here on text that is kept */
        COLUMN_IMSI, COLUMN_IMEI, COLUMN_MSISDN, COLUMN_APN, COLUMN_FLEET, COLUMN_TENANT, COLUMN_VENDOR, COLUMN_MODEL,
        COLUMN_SITE, COLUMN_TICKET, COLUMNS
};

enum { TEXT_COLUMNS = COLUMNS - COLUMN_IMSI, EXTRA_LIMIT = 64 };

/* Text as offsets into one arena, 0 for none: a row of eleven pointers would be twice as large. */
struct inventory_row {
        struct address address;
        int64_t from_ns, until_ns;
        uint32_t texts[TEXT_COLUMNS];
        uint32_t line;
        struct prefix prefix;
        bool has_ip, has_prefix;
        uint8_t mobility, state;
};

/* Rows with one key, found by hash: slots and `next` hold row + 1; 0 ends. */
struct row_index {
        uint32_t *slots, *next;
        uint32_t mask;
};

struct inventory {
        struct inventory_row *rows;
        uint32_t count, room;
        uint32_t *extras; /* extra_count a row */
        char *extra_names[EXTRA_LIMIT];
        unsigned extra_count;
        char *arena;
        uint32_t arena_used, arena_room;
        char digest[72];

        struct row_index by_ip, by_imsi, by_imei, by_msisdn, by_apn;
        struct row_index by_prefix; /* `next` alone */
        struct prefix_trie *prefixes;
};

/* inventory.c, once all rows are there. */
bool inventory_index_build(struct inventory *inventory);
void inventory_index_clear(struct inventory *inventory);

const char *inventory_text(const struct inventory *inventory, uint32_t offset);
