/* The fleets of the policy as they are seen: who is in them now, what they moved, how much of it could be read. The last one
 * is `unassigned`. A device is bound to its row of the inventory and its fleet when it is first seen, and again when some
 * row of the inventory begins or ends, or when another SIM or module is behind its address. */
#pragma once

#include "judge/bindings.h"
#include "judge/device_table.h"
#include "judge/intel.h"
#include "judge/inventory.h"
#include "judge/policy.h"
#include "judge/state.pb-c.h"
#include "model/event.h"

enum coverage { COVERAGE_READABLE, COVERAGE_NAME_ONLY, COVERAGE_OPAQUE, COVERAGE_ONE_WAY, COVERAGE_UNSEEN, COVERAGES };

enum { FLEET_VENDORS = 32 };

/* How a device is counted among the vendors of its fleet. */
enum vendor_counted { VENDOR_NOT_COUNTED, VENDOR_COUNTED, VENDOR_COUNTED_BY_WORD };

struct fleet_vendor {
        const char *name; /* of the inventory, of the TAC list or of intel */
        uint64_t devices;
};

struct fleet_state {
        const struct fleet *fleet;  /* NULL: unassigned */
        const char *name;
        uint64_t devices;           /* that were seen; one that was evicted and came back counts twice */
        struct fleet_vendor vendors[FLEET_VENDORS];
        unsigned vendor_count;
        uint64_t bytes[COVERAGES];
        uint64_t flows, undetermined; /* flows whose destination was judged; of them those that could not be */
        int64_t blind_first_ns, blind_last_ns; /* starts of the first and the last of those */
        bool asks_vendors;          /* some rule has a vendor */
};

struct fleets;

struct self_reports;
struct fleets *fleets_create(const struct policy *policy, const struct inventory *inventory, const struct intel *intel,
                             const struct self_reports *said);
void fleets_destroy(struct fleets *fleets);

unsigned fleets_count(const struct fleets *fleets); /* with unassigned, the last */
struct fleet_state *fleets_at(struct fleets *fleets, unsigned index);

/* Sees to it that the device's fleet and row are those of `time_ns` and of who it is (`binding` NULL: not known; `apn` NULL: the
 * tap says none), and counts the device once a fleet. */
void fleets_bind(struct fleets *fleets, struct device *device, const struct binding *binding, const char *apn, int64_t time_ns);

/* fleets_bind would change nothing: the session of this stamp (0: of nobody) is the one by which the device was bound, and did not change. */
bool fleets_is_bound(struct fleets *fleets, const struct device *device, uint32_t stamp, int64_t time_ns);

/* The device says, or does no longer say, that this one made it: counted where neither inventory nor TAC tell. */
void fleets_count_said(struct fleets *fleets, struct device *device, const char *vendor, bool is_more);

/* false: not listed. */
bool fleets_facts(const struct fleets *fleets, const struct device *device, struct inventory_facts *out);

/* Over a restart, under the same policy and inventory. */
struct state_writer;
int fleets_save(const struct fleets *fleets, struct state_writer *writer);
void fleets_load(struct fleets *fleets, const Apnwatch__V1__SavedFleet *saved);

/* A flow has ended. */
void fleet_add_coverage(struct fleet_state *state, const Apnwatch__V1__Flow *flow);
const char *coverage_text(enum coverage coverage);
