/* SIMs that were seen in sessions: the module that each was in and the places where it was. Bounded: at the limit the SIM of which
 * nothing was heard longest (to the second) goes (counted). Kept over a restart. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "judge/state.h"

enum { SIM_PLACES = 24, SIM_PLACE_TEXT = 40 };

struct sim {
        uint64_t subscriber;      /* IMSI, else telephone number: digits with a 1 in front, as a number; SIM_BY_NUMBER in the latter */
        uint64_t imei;            /* likewise; 0: not known */
        uint32_t used_s;
        uint32_t placed_s;        /* since when it was in no new place; 0: in none yet */
        uint32_t last_area;       /* tracking area + 1; 0: not known */
        uint8_t place_count, place_next;
        bool is_moved;            /* out of the module that it belongs to, unplanned */
        char last_place[SIM_PLACE_TEXT];
        uint32_t places[SIM_PLACES]; /* hashes; the oldest makes room */
};

#define SIM_BY_NUMBER (UINT64_C(1) << 62)

struct sim_table;

struct sim_table *sim_table_create(uint32_t limit);
void sim_table_destroy(struct sim_table *table);

/* The record, made when it is new; good until the next call. By IMSI, where that is "" by telephone number. NULL: it is no number of 6 to
 * 16 digits, or there is no memory. */
struct sim *sim_table_touch(struct sim_table *table, const char *imsi, const char *msisdn, uint32_t now_s);
struct sim *sim_table_find(const struct sim_table *table, const char *imsi, const char *msisdn);

/* Up to 16 digits with a 1 in front; 0: none. The text of it. */
uint64_t digits_number(const char *text);
const char *digits_of(uint64_t number, char text[20]);

bool sim_has_place(const struct sim *sim, uint32_t place);
void sim_add_place(struct sim *sim, uint32_t place);

/* Notes that it is, or is not; how many are. */
void sim_table_note_move(struct sim_table *table, struct sim *sim, bool is_moved);
uint32_t sim_table_moved(const struct sim_table *table);

uint64_t sim_table_evictions(const struct sim_table *table);

int sim_table_save(const struct sim_table *table, struct state_writer *writer);
void sim_table_load(struct sim_table *table, const Apnwatch__V1__SavedSim *saved);
