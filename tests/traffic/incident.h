/* Things that must be found, and decoys that must not. Each writes its traffic and its labels; the scenario says when and to
 * which device it happens. */
#pragma once

#include "tests/traffic/labels.h"
#include "tests/traffic/traffic.h"

enum incident_time {
        ANY_TIME, AT_START, IN_WINDOW, OUT_OF_WINDOW, /* of the meters' updates */
};

struct incident {
        const char *name;
        enum fleet_number fleet;
        enum incident_time when;
        void (*act)(struct traffic *traffic, uint32_t device, int64_t time_ns);
};

struct incident_list {
        const struct incident *items;
        unsigned count;
};

struct incident_list destination_incidents(void);
struct incident_list destination_decoys(void);
struct incident_list update_incidents(void);
struct incident_list update_decoys(void);
struct incident_list location_incidents(void);
struct incident_list location_decoys(void);

/* Puts every one of the list into the timeline, `times` times each; `schedule_named` those of one name only. */
void incidents_schedule(struct traffic *traffic, struct incident_list list, unsigned times);
void incidents_schedule_named(struct traffic *traffic, struct incident_list list, const char *name, unsigned times);

/* A label whose traffic is the conversation until now; before it is closed. */
void expect_alert(const struct conversation *c, const char *types, int64_t start_ns, const char *what);
void expect_nothing(const struct conversation *c, const char *types, int64_t start_ns, const char *what);
/* destination.unlisted, where the scenario's policy judges destinations. */
void expect_unlisted(const struct conversation *c, int64_t start_ns, const char *what);
