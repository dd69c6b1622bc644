/* SIMs that were seen in sessions: the module that each was in and the places where it was. Bounded: at the limit the SIM of which
 * nothing was heard longest goes (counted). Kept over a restart. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "judge/state.h"

enum { SIM_PLACES = 24, SIM_PLACE_TEXT = 40 };

struct sim {
        uint64_t imsi;            /* digits with a 1 in front, as a number */
        uint64_t imei;            /* likewise; 0: not known */
        uint32_t used_s;
        uint32_t placed_s;        /* since when it was in no new place; 0: in none yet */
        uint32_t places[SIM_PLACES]; /* hashes; the oldest makes room */
        uint8_t place_count, place_next;
        char last_place[SIM_PLACE_TEXT];
};

struct sim_table;

struct sim_table *sim_table_create(uint32_t limit);
void sim_table_destroy(struct sim_table *table);

/* The record, made when it is new; good until the next call. NULL: `imsi` is no number of 6 to 16 digits, or there is no memory. */
struct sim *sim_table_touch(struct sim_table *table, const char *imsi, uint32_t now_s);
struct sim *sim_table_find(const struct sim_table *table, const char *imsi);

/* Up to 16 digits with a 1 in front; 0: none. The text of it. */
uint64_t digits_number(const char *text);
const char *digits_of(uint64_t number, char text[20]);

bool sim_has_place(const struct sim *sim, uint32_t place);
void sim_add_place(struct sim *sim, uint32_t place);

uint64_t sim_table_evictions(const struct sim_table *table);

int sim_table_save(const struct sim_table *table, struct state_writer *writer);
void sim_table_load(struct sim_table *table, const Apnwatch__V1__SavedSim *saved);
