#include "judge/fleets.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "judge/self_report.h"
#include "judge/state.h"

struct fleets {
        const struct policy *policy;
        const struct inventory *inventory;
        const struct intel *intel;
        const struct self_reports *said;
        struct fleet_state *states;
        unsigned count;
        int64_t *bounds; /* moments at which some row begins or ends, sorted, each once */
        unsigned bound_count;
        uint32_t era;    /* 1 + how many of them are past */
        char **loaded;   /* names of vendors that were loaded */
        unsigned loaded_count;
};

static bool list_asks_vendors(const struct rule_list *list)
{
        for (unsigned i = 0; i < list->count; i++) {
                if (list->items[i].vendors.count > 0)
                        return true;
        }
        return false;
}

static int by_time(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
        return x < y ? -1 : x > y;
}

static int find_bounds(struct fleets *fleets)
{
        unsigned rows = fleets->inventory ? inventory_count(fleets->inventory) : 0, count = 0;
        if (rows == 0)
                return 0;
        int64_t *bounds = malloc(2 * (size_t)rows * sizeof *bounds);
        if (bounds == NULL)
                return -1;
        for (unsigned i = 0; i < rows; i++) {
                struct inventory_facts facts;
                if (!inventory_row(fleets->inventory, i, &facts))
                        continue;
                if (facts.from_ns != INT64_MIN)
                        bounds[count++] = facts.from_ns;
                if (facts.until_ns != INT64_MAX)
                        bounds[count++] = facts.until_ns;
        }
        qsort(bounds, count, sizeof *bounds, by_time);
        for (unsigned i = 0; i < count; i++) {
                if (fleets->bound_count == 0 || bounds[i] != bounds[fleets->bound_count - 1])
                        bounds[fleets->bound_count++] = bounds[i];
        }
        fleets->bounds = bounds;
        return 0;
}

struct fleets *fleets_create(const struct policy *policy, const struct inventory *inventory, const struct intel *intel,
                             const struct self_reports *said)
{
        struct fleets *fleets = calloc(1, sizeof *fleets);
        if (fleets == NULL)
                return NULL;
        *fleets = (struct fleets){.policy = policy, .inventory = inventory, .intel = intel, .said = said, .era = 1};
        fleets->count = (policy ? policy->fleet_count : 0) + 1;
        fleets->states = calloc(fleets->count, sizeof *fleets->states);
        if (fleets->states == NULL || find_bounds(fleets) != 0) {
                fleets_destroy(fleets);
                return NULL;
        }
        for (unsigned i = 0; policy && i < policy->fleet_count; i++) {
                const struct fleet *fleet = &policy->fleets[i];
                fleets->states[i].fleet = fleet;
                fleets->states[i].name = fleet->name;
                fleets->states[i].asks_vendors = list_asks_vendors(&fleet->deny) || list_asks_vendors(&fleet->allow) ||
                                                 list_asks_vendors(&fleet->sources) || list_asks_vendors(&fleet->receivers);
        }
        fleets->states[fleets->count - 1].name = "unassigned";
        return fleets;
}

void fleets_destroy(struct fleets *fleets)
{
        if (fleets == NULL)
                return;
        for (unsigned i = 0; i < fleets->loaded_count; i++)
                free(fleets->loaded[i]);
        free(fleets->loaded);
        free(fleets->states);
        free(fleets->bounds);
        free(fleets);
}

unsigned fleets_count(const struct fleets *fleets)
{
        return fleets->count;
}

struct fleet_state *fleets_at(struct fleets *fleets, unsigned index)
{
        return &fleets->states[index];
}

static const char *known(const char *text)
{
        return text && text[0] ? text : NULL;
}

/* What was seen wins over what is written. */
static const char *first_known(const char *seen, const char *listed)
{
        return known(seen) ? seen : listed;
}

static unsigned index_of(const struct fleets *fleets, const struct policy_subject *subject)
{
        const struct fleet *fleet = policy_fleet_of(fleets->policy, subject);
        return fleet ? fleet->index : fleets->count - 1;
}

static struct fleet_vendor *find_vendor(struct fleet_state *state, const char *name)
{
        for (unsigned i = 0; i < state->vendor_count; i++)
                if (state->vendors[i].name == name || strcmp(state->vendors[i].name, name) == 0)
                        return &state->vendors[i];
        return NULL;
}

/* The name stays as long as we do. */
static bool count_vendor(struct fleet_state *state, const char *name)
{
        struct fleet_vendor *vendor = find_vendor(state, name);
        if (vendor == NULL && state->vendor_count == FLEET_VENDORS)
                return false;
        if (vendor == NULL) {
                vendor = &state->vendors[state->vendor_count++];
                *vendor = (struct fleet_vendor){name, 0};
        }
        vendor->devices++;
        return true;
}

/* Only those that intel names: anybody may write anything. */
static const char *lasting_name(const struct fleets *fleets, const char *vendor)
{
        const struct intel_vendor *known_vendor = vendor ? intel_vendor(fleets->intel, vendor) : NULL;
        return known_vendor ? known_vendor->name : NULL;
}

void fleets_count_said(struct fleets *fleets, struct device *device, const char *vendor, bool is_more)
{
        const char *name = lasting_name(fleets, vendor);
        if (device->fleet >= fleets->count || name == NULL)
                return;
        struct fleet_state *state = &fleets->states[device->fleet];
        if (is_more && device->vendor_counted == VENDOR_NOT_COUNTED && count_vendor(state, name))
                device->vendor_counted = VENDOR_COUNTED_BY_WORD;
        struct fleet_vendor *counted = is_more || device->vendor_counted != VENDOR_COUNTED_BY_WORD ? NULL : find_vendor(state, name);
        if (counted == NULL)
                return;
        if (--counted->devices == 0)
                *counted = state->vendors[--state->vendor_count];
        device->vendor_counted = VENDOR_NOT_COUNTED;
}

static void count_device(struct fleets *fleets, struct device *device, const char *listed_vendor, const char *imei)
{
        struct fleet_state *state = &fleets->states[device->fleet];
        const struct intel_tac *tac = listed_vendor == NULL && imei ? intel_tac(fleets->intel, imei) : NULL;
        const char *vendor = tac ? tac->vendor : listed_vendor;
        state->devices++;
        device->vendor_counted = vendor && count_vendor(state, vendor) ? VENDOR_COUNTED : VENDOR_NOT_COUNTED;
        if (vendor == NULL)
                fleets_count_said(fleets, device, self_report_make(fleets->said, device).vendor, true);
}

static uint32_t identity_of(const struct binding *binding)
{
        if (binding == NULL)
                return 0;
        uint64_t apn = binding->apn ? XXH3_64bits(binding->apn, strlen(binding->apn)) : 0;
        bool has_imsi = binding->imsi[0] != '\0';
        uint64_t sim = XXH3_64bits_withSeed(has_imsi ? binding->imsi : binding->msisdn, sizeof binding->imsi, apn);
        return (uint32_t)XXH3_64bits_withSeed(binding->imei, sizeof binding->imei, sim) | 1;
}

/* Another SIM or module has the address now: what was learned of the one before is not its own. */
static void note_identity(struct device *device, const struct binding *binding, uint32_t identity, int64_t time_ns)
{
        if (binding != NULL && binding->number > device->session) {
                if (device->session != 0 && device->identity != identity) {
                        device->dns_since_s = 0;
                        device->names_since_s = (uint32_t)(time_ns / 1000000000);
                        device->said_strength = SAID_NOTHING;
                }
                device->session = binding->number;
        }
        device->identity = identity;
}

static void bind_anew(struct fleets *fleets, struct device *device, const struct binding *binding, const char *apn, int64_t time_ns)
{
        struct inventory_facts facts = {.imsi = NULL};
        const char *imsi = binding ? known(binding->imsi) : NULL, *imei = binding ? known(binding->imei) : NULL;
        struct inventory_subject asked = {.address = &device->address, .imsi = imsi, .imei = imei, .msisdn = binding ? binding->msisdn : NULL,
                                          .apn = first_known(binding ? binding->apn : NULL, apn)};
        bool listed = inventory_find_subject(fleets->inventory, &asked, time_ns, &facts);
        device->inventory_row = listed ? facts.row : DEVICE_NO_ROW;
        imei = first_known(imei, facts.imei);
        struct policy_subject subject = {.address = device->address, .imsi = first_known(imsi, facts.imsi), .imei = imei,
                                         .apn = first_known(binding ? binding->apn : NULL, first_known(apn, facts.apn)),
                                         .inventory_fleet = facts.fleet};
        unsigned index = index_of(fleets, &subject);
        if (device->fleet == index)
                return;
        device->fleet = (uint16_t)index;
        count_device(fleets, device, facts.vendor, imei);
}

/* A flow is told of after others that began later: then rows that began in between do not hold for it. */
static uint32_t era_at(struct fleets *fleets, int64_t time_ns)
{
        while (fleets->era - 1 < fleets->bound_count && fleets->bounds[fleets->era - 1] <= time_ns)
                fleets->era++;
        uint32_t low = 0, high = fleets->era - 1;
        if (high == 0 || fleets->bounds[high - 1] <= time_ns)
                return fleets->era;
        while (low < high) {
                uint32_t middle = (low + high) / 2;
                if (fleets->bounds[middle] <= time_ns)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low + 1;
}

bool fleets_is_bound(struct fleets *fleets, const struct device *device, uint32_t stamp, int64_t time_ns)
{
        return device->bound_stamp == stamp && (stamp != 0 || device->identity == 0) && device->binding_era == era_at(fleets, time_ns);
}

void fleets_bind(struct fleets *fleets, struct device *device, const struct binding *binding, const char *apn, int64_t time_ns)
{
        uint32_t identity = identity_of(binding);
        uint32_t era = era_at(fleets, time_ns);
        device->bound_stamp = binding ? binding->stamp : 0;
        if (device->binding_era == era && device->identity == identity)
                return;
        note_identity(device, binding, identity, time_ns);
        device->binding_era = era;
        bind_anew(fleets, device, binding, apn, time_ns);
}

bool fleets_facts(const struct fleets *fleets, const struct device *device, struct inventory_facts *out)
{
        return fleets->inventory && device->inventory_row != DEVICE_NO_ROW &&
               inventory_row(fleets->inventory, device->inventory_row, out);
}

static void write_fleet(const struct fleet_state *state, uint32_t index, struct state_writer *writer)
{
        Apnwatch__V1__StateRecord record = APNWATCH__V1__STATE_RECORD__INIT;
        Apnwatch__V1__SavedFleet saved = APNWATCH__V1__SAVED_FLEET__INIT;
        Apnwatch__V1__SavedFleet__Vendor vendors[FLEET_VENDORS], *list[FLEET_VENDORS];
        for (unsigned i = 0; i < state->vendor_count; i++) {
                apnwatch__v1__saved_fleet__vendor__init(&vendors[i]);
                vendors[i].name = (char *)state->vendors[i].name;
                vendors[i].devices = state->vendors[i].devices;
                list[i] = &vendors[i];
        }
        saved.index = index;
        saved.vendor = list;
        saved.n_vendor = state->vendor_count;
        saved.has_devices = saved.has_flows = saved.has_undetermined = true;
        saved.devices = state->devices;
        saved.flows = state->flows;
        saved.undetermined = state->undetermined;
        saved.has_readable = saved.has_name_only = saved.has_opaque = saved.has_one_way = saved.has_unseen = true;
        saved.readable = state->bytes[COVERAGE_READABLE];
        saved.name_only = state->bytes[COVERAGE_NAME_ONLY];
        saved.opaque = state->bytes[COVERAGE_OPAQUE];
        saved.one_way = state->bytes[COVERAGE_ONE_WAY];
        saved.unseen = state->bytes[COVERAGE_UNSEEN];
        saved.has_blind_first = saved.has_blind_last = state->undetermined > 0;
        saved.blind_first = (uint64_t)state->blind_first_ns;
        saved.blind_last = (uint64_t)state->blind_last_ns;
        record.body_case = APNWATCH__V1__STATE_RECORD__BODY_FLEET;
        record.fleet = &saved;
        state_write(writer, &record);
}

int fleets_save(const struct fleets *fleets, struct state_writer *writer)
{
        for (unsigned i = 0; i < fleets->count; i++)
                write_fleet(&fleets->states[i], i, writer);
        return writer->error;
}

static const char *keep_text(struct fleets *fleets, const char *text)
{
        char **wider = realloc(fleets->loaded, (fleets->loaded_count + 1) * sizeof *wider);
        char *copy = wider ? strdup(text) : NULL;
        if (wider)
                fleets->loaded = wider;
        if (copy)
                fleets->loaded[fleets->loaded_count++] = copy;
        return copy;
}

void fleets_load(struct fleets *fleets, const Apnwatch__V1__SavedFleet *saved)
{
        if (saved->index >= fleets->count)
                return;
        struct fleet_state *state = &fleets->states[saved->index];
        state->vendor_count = 0;
        for (size_t i = 0; i < saved->n_vendor && i < FLEET_VENDORS; i++) {
                const char *name = keep_text(fleets, saved->vendor[i]->name);
                if (name)
                        state->vendors[state->vendor_count++] = (struct fleet_vendor){name, saved->vendor[i]->devices};
        }
        state->devices = saved->devices;
        state->flows = saved->flows;
        state->undetermined = saved->undetermined;
        state->bytes[COVERAGE_READABLE] = saved->readable;
        state->bytes[COVERAGE_NAME_ONLY] = saved->name_only;
        state->bytes[COVERAGE_OPAQUE] = saved->opaque;
        state->bytes[COVERAGE_ONE_WAY] = saved->one_way;
        state->bytes[COVERAGE_UNSEEN] = saved->unseen;
        state->blind_first_ns = (int64_t)saved->blind_first;
        state->blind_last_ns = (int64_t)saved->blind_last;
}

/* What could be seen of a flow is decided by the best that is known; one-way and unseen only explain what stayed opaque. */
static enum coverage coverage_of(const Apnwatch__V1__Flow *flow)
{
        if (flow->has_visibility && flow->visibility == APNWATCH__V1__FLOW__VISIBILITY__READABLE)
                return COVERAGE_READABLE;
        if (flow->has_visibility && flow->visibility == APNWATCH__V1__FLOW__VISIBILITY__NAME_ONLY)
                return COVERAGE_NAME_ONLY;
        if (flow->packets_up == 0 || flow->packets_down == 0)
                return COVERAGE_ONE_WAY;
        if (flow->opener == APNWATCH__V1__FLOW__OPENER__UNSEEN)
                return COVERAGE_UNSEEN;
        return COVERAGE_OPAQUE;
}

void fleet_add_coverage(struct fleet_state *state, const Apnwatch__V1__Flow *flow)
{
        state->bytes[coverage_of(flow)] += flow->bytes_up + flow->bytes_down;
}

const char *coverage_text(enum coverage coverage)
{
        static const char *const texts[COVERAGES] = {"readable", "name_only", "opaque", "one_way", "unseen"};
        return texts[coverage];
}
