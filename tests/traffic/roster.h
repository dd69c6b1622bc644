/* Rows of the inventory beside those of the fleets' devices: of devices that belong to incidents. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "tests/traffic/world.h"

struct roster_row {
        uint32_t device;
        const char *imei;        /* NULL: the device's own; "": not said */
        const char *state;       /* NULL: installed */
        bool has_address;
        int64_t from_s, until_s; /* 0: not said */
        const char *ticket;      /* NULL: none */
};

struct roster;
struct roster *roster_create(void);
void roster_destroy(struct roster *roster);

/* Copies; texts but the IMEI are constants. */
void roster_add(struct roster *roster, const struct roster_row *row);
unsigned roster_count(const struct roster *roster);
const struct roster_row *roster_row(const struct roster *roster, unsigned index);
