/* Who is behind a session: identity.imei_change, identity.imei_clone, identity.unknown_device, identity.retired_active and
 * identity.relocated.
 *
 * IMEIs are compared by their first 14 digits (TAC and serial number): the rest is a check digit, which nodes often send as 0, or
 * the software version. Placeholders are nobody's IMEI.
 *
 * imei_change: a SIM in another device than the one it was last seen in, over sessions and restarts; a SIM that was not seen before is
 * compared with the inventory's rows of that SIM. A ticket that is of that time makes it a planned one. There and back again is one.
 *
 * imei_clone: two SIMs with one IMEI in sessions that live at once, and both sent while both lived. Handover and one session seen on
 * two interfaces are one SIM; a profile switch or what roaming leaves behind is silent on one side, whatever servers still send there.
 * Left out: one IMSI in two places; the network takes the later attach for the SIM's only one, and so do bindings (in another module it
 * is an imei_change).
 *
 * unknown_device: a SIM or module, or (where nothing else is known) an address that sends, which neither inventory nor policy lists.
 * Asked only of an inventory that lists by what is known of the device.
 *
 * relocated: for static devices only. Another country or network than ever before; a tracking area, or a site of a known one, in which
 * it had never been, once it had been in no new place for a day of packet time (before that, when it attaches anew in an area whose
 * number is very different). A new cell of a known site is none. Its SIM in a phone, by
 * the TAC where a list says which are (--tac), else by how it talks (judge/phone_sign.h) after it came into another device.
 *
 * Where no IMSI is known the telephone number stands for the SIM. Of who is known from rows of the user's (--bindings) no clones are
 * told. */
#include "base/apart.h"
#include "judge/detectors/detectors.h"

#include <stdio.h>
#include <stdlib.h>

#include "judge/draft.h"
#include "judge/intel.h"
#include "judge/judge_state.h"
#include "judge/phone_sign.h"
#include "judge/session_draft.h"
#include "judge/sim_table.h"
#include "judge/uplink.h"

enum { SIM_LIMIT = 1000000, IMEI_COMPARED = 14, DAY_S = 24 * 3600, SETTLED_S = 1, SHARERS = 8, SHARED_BY_MANY = 4,
       TICKET_DAYS = 31, TAC_DIGITS = 8, SERIAL_DIGITS = 6, FAR_AREAS = 256, MODELS_NEAR = 16 };

static const int64_t SECOND = 1000000000;

struct identity_state {
        struct sim_table *sims;
        bool lists_imsi, lists_imei, lists_msisdn, lists_address; /* the inventory, by what */
        bool lists_retired;
        struct model {
                char tac[TAC_DIGITS];
                const struct intel_tac *listed; /* NULL: it is not */
        } models[MODELS_NEAR]; /* of modules that were asked for lately: fleets have few */
};

static void find_keys(struct identity_state *state, const struct inventory *inventory)
{
        struct inventory_facts facts;
        for (unsigned i = 0; i < inventory_count(inventory); i++) {
                if (!inventory_row(inventory, i, &facts))
                        continue;
                state->lists_imsi |= facts.imsi != NULL;
                state->lists_imei |= facts.imei != NULL;
                state->lists_msisdn |= facts.msisdn != NULL;
                state->lists_address |= facts.has_ip || facts.has_prefix;
                state->lists_retired |= facts.state == STATE_RETIRED;
        }
}

static void *create(struct judge *judge)
{
        struct identity_state *state = calloc(1, sizeof *state);
        if (state && (state->sims = sim_table_create(SIM_LIMIT)) == NULL) {
                free(state);
                return NULL;
        }
        if (state)
                find_keys(state, judge->settings.inventory);
        return state;
}

static void destroy(void *context)
{
        struct identity_state *state = context;
        if (state)
                sim_table_destroy(state->sims);
        free(state);
}

static bool is_same_module(const char *a, const char *b)
{
        return strncmp(a, b, IMEI_COMPARED) == 0;
}

/* Ascending, descending or alternating digits: "12345678901234", "35353535353535". */
static bool is_pattern(const char *digits)
{
        int step = (digits[1] - digits[0] + 10) % 10;
        bool counts = step == 1 || step == 9, repeats = true;
        for (unsigned i = 1; i < IMEI_COMPARED && (counts || repeats); i++) {
                counts = counts && (digits[i] - digits[i - 1] + 10) % 10 == step;
                repeats = repeats && (i < 2 || digits[i] == digits[i - 2]);
        }
        return counts || repeats;
}

/* Zeros, patterns, TAC 00 (test), a serial number of zeros that whole batches leave the factory with, examples of specifications; or no
 * IMEI at all. */
static bool is_placeholder(const char *imei)
{
        static const char known[][IMEI_COMPARED + 1] = {"12345678912345", "49015420323751", "35209900176148"};
        if (strlen(imei) < IMEI_COMPARED || memcmp(imei, "00", 2) == 0 || memcmp(imei + TAC_DIGITS, "000000", SERIAL_DIGITS) == 0 ||
            is_pattern(imei))
                return true;
        for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
                if (memcmp(imei, known[i], IMEI_COMPARED) == 0)
                        return true;
        return false;
}

static const char *subscriber_of(const struct binding *binding)
{
        return binding->imsi[0] ? binding->imsi : binding->msisdn;
}

/* Whom a cause is about. */
static const char *name_of(const struct binding *binding)
{
        const char *subscriber = subscriber_of(binding);
        return subscriber[0] ? subscriber : binding->imei;
}

static bool is_other_subscriber(const struct binding *a, const struct binding *b)
{
        if (a->imsi[0] && b->imsi[0])
                return strcmp(a->imsi, b->imsi) != 0;
        return a->msisdn[0] && b->msisdn[0] && strcmp(a->msisdn, b->msisdn) != 0;
}

static bool is_near(int64_t time_ns, int64_t edge_ns)
{
        int64_t limit_ns = TICKET_DAYS * DAY_S * SECOND;
        bool is_given = edge_ns != INT64_MIN && edge_ns != INT64_MAX;
        return is_given && time_ns / 2 - edge_ns / 2 < limit_ns / 2 && edge_ns / 2 - time_ns / 2 < limit_ns / 2;
}

/* A row that says which module comes is enough; one that says another or none has to begin or end about now: tickets stay in lists. */
static bool is_ticket_of(const struct inventory_facts *row, const struct binding *now, const char *former, int64_t time_ns)
{
        bool is_at_work = row->state == STATE_NOT_SAID || row->state == STATE_INSTALLED || row->state == STATE_MAINTENANCE;
        bool names_other_sim = row->imsi && now->imsi[0] && strcmp(row->imsi, now->imsi) != 0;
        bool names_module = row->imei && is_same_module(row->imei, now->imei);
        bool names_third = row->imei && !names_module && !is_same_module(row->imei, former);
        if (row->ticket == NULL || !is_at_work || names_other_sim || names_third)
                return false;
        if ((names_module && row->imsi) || row->state == STATE_MAINTENANCE)
                return true;
        return is_near(time_ns, row->from_ns) || is_near(time_ns, row->until_ns);
}

/* By a row of this SIM, or of the module that it came into or left. */
static bool is_planned(const struct judge *judge, const struct binding *now, const char *former, int64_t time_ns,
                       struct inventory_facts *row)
{
        const struct inventory_subject subjects[] = {{.imsi = now->imsi}, {.msisdn = now->msisdn}, {.imei = now->imei}, {.imei = former}};
        for (unsigned i = 0; i < sizeof subjects / sizeof *subjects; i++)
                if (inventory_find_subject(judge->settings.inventory, &subjects[i], time_ns, row) &&
                    is_ticket_of(row, now, former, time_ns))
                        return true;
        return false;
}

/* The module that the inventory says for this SIM; NULL: none, or this one. */
static const char *other_module_listed(const struct judge *judge, const struct binding *now, int64_t time_ns)
{
        struct inventory_facts row, of_module;
        const struct inventory_subject sim = {.imsi = now->imsi, .msisdn = now->msisdn}, module = {.imei = now->imei};
        if (judge->settings.inventory == NULL || !inventory_find_subject(judge->settings.inventory, &sim, time_ns, &row) || row.imei == NULL ||
            strlen(row.imei) < IMEI_COMPARED || is_same_module(row.imei, now->imei))
                return NULL;
        bool is_its_own = inventory_find_subject(judge->settings.inventory, &module, time_ns, &of_module) && of_module.imsi &&
                          strcmp(of_module.imsi, now->imsi) == 0; /* two rows hold: of before and after */
        return is_its_own ? NULL : row.imei;
}

/* True: nobody planned it. */
static bool tell_change(struct judge *judge, const struct binding_change *change, const char *former, enum circumstance circumstance)
{
        struct session_draft draft;
        struct inventory_facts row;
        char pair[2 * IMEI_COMPARED + 1];
        const char *current = change->now->imei;
        bool is_up = strncmp(former, current, IMEI_COMPARED) < 0;
        snprintf(pair, sizeof pair, "%.*s%.*s", IMEI_COMPARED, is_up ? former : current, IMEI_COMPARED, is_up ? current : former);
        session_draft_begin(&draft, judge, change->now, change->event, circumstance, "SIM in another device");
        bool planned = is_planned(judge, change->now, former, draft.finding.time_ns, &row);
        if (planned) {
                draft.finding.circumstance = IMEI_CHANGE_PLANNED;
                draft.detail.ticket = (char *)row.ticket;
        }
        draft.finding.peer = subscriber_of(change->now);
        draft.finding.object = pair;
        draft.detail.former = (char *)former;
        draft.detail.current = (char *)current;
        session_draft_report(&draft);
        return !planned;
}

/* Back in the module that the inventory says, it has come home. */
static void judge_module(struct judge *judge, struct identity_state *state, struct sim *sim, const struct binding_change *change)
{
        const struct binding *now = change->now;
        char former[20];
        if (sim->imei != 0 && is_same_module(digits_of(sim->imei, former), now->imei)) {
                sim->imei = digits_number(now->imei);
                return;
        }
        const char *listed = other_module_listed(judge, now, change->time_ns);
        if (sim->imei != 0)
                sim_table_note_move(state->sims, sim, tell_change(judge, change, former, IMEI_CHANGED) && (listed || !sim->is_moved));
        else if (listed)
                sim_table_note_move(state->sims, sim, tell_change(judge, change, listed, IMEI_NOT_LISTED));
        sim->imei = digits_number(now->imei);
}

/* FNV-1a over the kind of place and its name. */
static uint32_t place_hash(char kind, const char *name, size_t length)
{
        uint32_t hash = (2166136261U ^ (uint8_t)kind) * 16777619U;
        for (size_t i = 0; i < length; i++)
                hash = (hash ^ (uint8_t)name[i]) * 16777619U;
        return hash;
}

/* The radio site of a cell: LTE's 20 bits of eNB (TS 36.413, 9.2.1.38), of NR the first 24 of 36; of 2G and 3G the cell itself. */
static const char *site_text(const struct binding_place *cell, char text[BINDING_PLACE_SIZE])
{
        struct binding_place site = *cell;
        site.id = (cell->id & 0xfffffffff) >> (cell->kind == PLACE_ECGI ? 8 : cell->kind == PLACE_NCGI ? 12 : 0);
        return binding_place_text(&site, text);
}

enum { COUNTRY, NETWORK, AREA, SITE, PLACE_KINDS };

struct place {
        uint32_t hashes[PLACE_KINDS];
        bool is_known[PLACE_KINDS]; /* whether it was said */
};

static struct place place_of(const struct binding *binding)
{
        struct place place = {.is_known = {false}};
        char plmn[BINDING_PLACE_SIZE], area[BINDING_PLACE_SIZE], site[BINDING_PLACE_SIZE];
        binding_plmn_text(&binding->plmn, plmn);
        binding_place_text(&binding->area, area);
        site_text(&binding->cell, site);
        place.is_known[COUNTRY] = place.is_known[NETWORK] = plmn[0] != '\0';
        place.is_known[AREA] = area[0] != '\0';
        place.is_known[SITE] = site[0] != '\0';
        if (place.is_known[COUNTRY]) {
                place.hashes[COUNTRY] = place_hash('c', plmn, 3);
                place.hashes[NETWORK] = place_hash('n', plmn, strlen(plmn));
        }
        if (place.is_known[AREA])
                place.hashes[AREA] = place_hash('a', area, strlen(area));
        if (place.is_known[SITE])
                place.hashes[SITE] = place_hash('s', site, strlen(site));
        return place;
}

/* What the place is to a SIM that was somewhere before; CIRCUMSTANCES: nothing to tell. */
static enum circumstance judge_place(const struct sim *sim, const struct place *place, bool is_settled)
{
        static const enum circumstance circumstances[PLACE_KINDS] = {RELOCATED_COUNTRY, RELOCATED_NETWORK, RELOCATED_AREA, RELOCATED_CELL};
        for (unsigned i = 0; i < PLACE_KINDS; i++) {
                bool tells = i <= NETWORK || is_settled;
                if (place->is_known[i] && !sim_has_place(sim, place->hashes[i]) && tells)
                        return circumstances[i];
        }
        return CIRCUMSTANCES;
}

/* Neighbours mostly have numbers next to each other; and a device that only sees another cell need not attach anew. */
static bool is_far(const struct sim *sim, const struct binding *now, const struct place *place)
{
        if (sim->last_area == 0 || now->area.kind != PLACE_TAI || sim_has_place(sim, place->hashes[AREA]) ||
            (place->is_known[SITE] && sim_has_place(sim, place->hashes[SITE])))
                return false;
        uint32_t before = sim->last_area - 1, area = now->area.area;
        return (area > before ? area - before : before - area) >= FAR_AREAS;
}

static bool is_static(const struct judge *judge, const struct binding *binding, int64_t time_ns)
{
        struct inventory_facts facts;
        if (binding_facts(judge, binding, time_ns, &facts) && facts.mobility != MOBILITY_NOT_SAID)
                return facts.mobility == MOBILITY_STATIC;
        const struct fleet *fleet = binding_fleet(judge, binding, time_ns);
        return fleet && fleet->is_static;
}

static const char *finest_place(const struct binding *binding, char text[BINDING_PLACE_SIZE])
{
        if (binding->cell.kind != 0)
                return binding_place_text(&binding->cell, text);
        return binding->area.kind != 0 ? binding_place_text(&binding->area, text) : binding_plmn_text(&binding->plmn, text);
}

static void tell_relocation(struct judge *judge, struct sim *sim, const struct binding_change *change, enum circumstance circumstance)
{
        struct session_draft draft;
        char place[BINDING_PLACE_SIZE];
        session_draft_begin(&draft, judge, change->now, change->event, circumstance, "Static device in another place");
        draft.finding.peer = subscriber_of(change->now);
        draft.detail.former = sim->last_place[0] ? sim->last_place : NULL;
        draft.detail.current = (char *)finest_place(change->now, place);
        session_draft_report(&draft);
}

static void judge_location(struct judge *judge, struct sim *sim, const struct binding_change *change)
{
        const struct binding *now = change->now;
        uint32_t now_s = (uint32_t)(change->time_ns / SECOND);
        bool is_somewhere = now->plmn.mnc_digits != 0 || now->area.kind != 0 || now->cell.kind != 0, is_new = false;
        if (!is_somewhere || !is_static(judge, now, change->time_ns))
                return;
        struct place place = place_of(now);
        if (sim->place_count > 0) {
                bool is_settled = now_s >= sim->placed_s + DAY_S;
                enum circumstance circumstance = judge_place(sim, &place, is_settled);
                if (circumstance == CIRCUMSTANCES && change->news == BINDING_OPENED && is_far(sim, now, &place))
                        circumstance = RELOCATED_FAR;
                if (circumstance != CIRCUMSTANCES)
                        tell_relocation(judge, sim, change, circumstance);
        }
        for (unsigned i = 0; i < PLACE_KINDS; i++) {
                if (!place.is_known[i])
                        continue;
                is_new |= !sim_has_place(sim, place.hashes[i]);
                sim_add_place(sim, place.hashes[i]);
        }
        if (is_new)
                sim->placed_s = now_s;
        if (now->area.kind == PLACE_TAI)
                sim->last_area = now->area.area + 1;
        finest_place(now, sim->last_place);
}

static void tell_phone(struct judge *judge, const struct binding *binding, const event_t *event, enum circumstance circumstance,
                       const char *evidence)
{
        struct session_draft draft;
        session_draft_begin(&draft, judge, binding, event, circumstance, "SIM of a static device in a phone");
        draft.finding.peer = subscriber_of(binding);
        draft.finding.object = "phone";
        draft.detail.current = (char *)binding->imei;
        draft.evidence = evidence;
        session_draft_report(&draft);
}

/* By its TAC; not the operator's own, which the inventory lists with the SIM. */
static void judge_phone(struct judge *judge, struct identity_state *state, const struct binding_change *change)
{
        const struct binding *now = change->now;
        struct inventory_facts facts;
        struct model *model = &state->models[(now->imei[TAC_DIGITS - 1] ^ now->imei[TAC_DIGITS - 2] << 1) % MODELS_NEAR];
        if (memcmp(model->tac, now->imei, TAC_DIGITS) != 0) {
                memcpy(model->tac, now->imei, TAC_DIGITS);
                model->listed = intel_tac(judge->settings.intel, now->imei);
        }
        if (model->listed == NULL || !model->listed->is_phone || !is_static(judge, now, change->time_ns))
                return;
        if (!binding_facts(judge, now, change->time_ns, &facts) || facts.imei == NULL || !is_same_module(facts.imei, now->imei))
                tell_phone(judge, now, change->event, RELOCATED_PHONE, NULL);
}

static void judge_listing(struct judge *judge, const struct identity_state *state, const struct binding_change *change)
{
        const struct binding *now = change->now;
        struct inventory_facts facts;
        struct device_key key;
        struct session_draft draft;
        bool is_asked = (state->lists_imsi && now->imsi[0]) || (state->lists_imei && now->imei[0]) ||
                        (state->lists_msisdn && now->msisdn[0]) || (state->lists_address && binding_key(now, &key));
        if (!is_asked || binding_facts(judge, now, change->time_ns, &facts) || binding_fleet(judge, now, change->time_ns))
                return;
        session_draft_begin(&draft, judge, now, change->event, UNKNOWN_SUBSCRIBER, "Device that nobody listed");
        draft.finding.peer = name_of(now);
        draft.finding.flow = FINDING_ONCE;
        session_draft_report(&draft);
}

/* The SIM or the module: a retired meter with a new SIM is a retired meter. */
static bool is_retired(const struct judge *judge, const struct binding *binding, int64_t time_ns)
{
        const struct inventory *inventory = judge->settings.inventory;
        struct inventory_facts facts;
        struct device_key key;
        if (binding->imsi[0] && inventory_find(inventory, NULL, binding->imsi, NULL, time_ns, &facts)) {
                if (facts.state == STATE_RETIRED)
                        return true;
                if (facts.imei && is_same_module(facts.imei, binding->imei))
                        return false; /* taken into use again, with this SIM */
        }
        if (binding->imei[0] && !is_placeholder(binding->imei) && inventory_find(inventory, NULL, NULL, binding->imei, time_ns, &facts) &&
            facts.state == STATE_RETIRED)
                return true;
        return binding_key(binding, &key) && binding_facts(judge, binding, time_ns, &facts) && facts.state == STATE_RETIRED;
}

static void judge_retirement(struct judge *judge, const struct binding_change *change)
{
        struct session_draft draft;
        if (!is_retired(judge, change->now, change->time_ns))
                return;
        session_draft_begin(&draft, judge, change->now, change->event, RETIRED_ATTACHED, "Retired device is active");
        draft.finding.peer = name_of(change->now);
        session_draft_report(&draft);
}

enum { WHO = 1U << FACT_IMSI | 1U << FACT_IMEI | 1U << FACT_MSISDN, WHERE = 1U << FACT_PLMN | 1U << FACT_AREA | 1U << FACT_CELL };

static void on_binding(struct judge *judge, void *context, const struct binding_change *change)
{
        struct identity_state *state = context;
        const struct binding *now = change->now;
        bool is_opening = change->news == BINDING_OPENED, is_other = is_opening || (change->facts & WHO) != 0;
        bool has_module = is_other && !is_placeholder(now->imei);
        if (change->news == BINDING_CLOSED || (subscriber_of(now)[0] == '\0' && now->imei[0] == '\0'))
                return;
        if (is_other) {
                judge_listing(judge, state, change);
                if (state->lists_retired)
                        judge_retirement(judge, change);
                if (has_module)
                        judge_phone(judge, state, change);
        }
        struct sim *sim = sim_table_touch(state->sims, now->imsi, now->msisdn, (uint32_t)(change->time_ns / SECOND));
        if (sim == NULL)
                return;
        if (has_module)
                judge_module(judge, state, sim, change);
        if (is_other || (change->facts & WHERE) != 0)
                judge_location(judge, sim, change);
}

static bool sends(const struct sighting *s)
{
        bool is_opener = s->contact.opener == OPENER_DEVICE;
        return s->flow->packets_up > 0 && (is_opener || s->flow->answered) && !address_is_unspecified(&s->key.address);
}

/* Rows of the user's (--bindings) open no session: who sends is looked at when the SIM, or the module that it is in, is another. */
static APART void judge_row(struct judge *judge, struct identity_state *state, const struct sighting *s)
{
        const struct binding *now = sighting_binding(s);
        const struct sim *sim = sim_table_find(state->sims, now->imsi, now->msisdn);
        char module[20];
        if (sim != NULL && (is_placeholder(now->imei) || (sim->imei != 0 && is_same_module(digits_of(sim->imei, module), now->imei))))
                return;
        on_binding(judge, state, &(struct binding_change){.news = BINDING_OPENED, .now = now, .event = s->event,
                                                          .time_ns = (int64_t)s->flow->start});
}

/* Both sent since both lived; a moment for signalling and packets of different taps. */
static bool sent_since(const struct binding *binding, int64_t overlap_ns)
{
        return binding->sent_ns >= overlap_ns + SETTLED_S * SECOND;
}

static void tell_clone(struct judge *judge, struct sighting *s, const struct binding *own, const struct binding *other, bool is_shared)
{
        struct session_draft draft;
        char module[IMEI_COMPARED + 1], *subscribers[2] = {(char *)subscriber_of(own), (char *)subscriber_of(other)};
        snprintf(module, sizeof module, "%.*s", IMEI_COMPARED, own->imei);
        session_draft_begin(&draft, judge, own, s->event, IMEI_CLONED, "One IMEI live in two places");
        draft.other = other;
        draft.finding.peer = module;
        draft.finding.flow = s->flow->id + 1;
        draft.finding.possible_only = is_shared;
        draft.detail.subscribers = subscribers;
        draft.detail.n_subscribers = 2;
        session_draft_report(&draft);
}

/* What comes from the device in a flow comes after its start. */
static int64_t sent_in(const Apnwatch__V1__Flow *flow)
{
        int64_t last_ns = (int64_t)flow->last_up_s * SECOND;
        return last_ns > (int64_t)flow->start ? last_ns : (int64_t)flow->start;
}

/* Others may have its module's number. */
static SELDOM void judge_clone(struct judge *judge, struct sighting *s)
{
        struct binding others[SHARERS], now;
        const struct binding *own = &now;
        bindings_show(judge->bindings, &s->owner->holder, s->owner->time_ns, &now);
        if (is_placeholder(own->imei))
                return;
        unsigned count = bindings_of_imei(judge->bindings, own->imei, others, SHARERS), found = SHARERS, sharers = 0;
        for (unsigned i = 0; i < count; i++) {
                int64_t overlap_ns = others[i].first_ns > own->first_ns ? others[i].first_ns : own->first_ns;
                if (!is_other_subscriber(&others[i], own))
                        continue;
                sharers++;
                if (sent_since(own, overlap_ns) && sent_since(&others[i], overlap_ns) && found == SHARERS)
                        found = i;
        }
        if (found < SHARERS) /* many: modules that all left the factory with one number */
                tell_clone(judge, s, own, &others[found], sharers >= SHARED_BY_MANY);
}

/* Of a SIM that left its module. */
static SELDOM void judge_talk(struct judge *judge, const struct identity_state *state, const struct sighting *s)
{
        const char *sign = phone_sign_of_event(s->event);
        const struct binding *now = sighting_binding(s);
        const struct sim *sim = sign ? sim_table_find(state->sims, now->imsi, now->msisdn) : NULL;
        if (sim == NULL || !sim->is_moved || !is_static(judge, now, (int64_t)s->flow->start))
                return;
        tell_phone(judge, now, s->event, RELOCATED_PHONE_MAYBE, sign);
}

/* For findings about the device, whatever it talks to. */
static void tell_of_flow(const struct sighting *s, enum circumstance circumstance, const char *what)
{
        struct draft draft;
        draft_of_flow(&draft, s, circumstance, what);
        draft.finding.peer = NULL;
        draft.finding.port = 0;
        draft.finding.protocol = 0;
        draft_report(&draft);
}

static APART void judge_address(struct judge *judge, const struct identity_state *state, const struct sighting *s)
{
        struct inventory_facts facts;
        bool is_listed = fleets_facts(judge->fleets, s->device, &facts);
        if (is_listed && facts.state == STATE_RETIRED) {
                tell_of_flow(s, RETIRED_TALKED, "Retired device is active");
                return;
        }
        struct uplink uplink; /* of somebody who is known, whatever address he writes */
        if (!is_listed && s->fleet == NULL && state->lists_address && sighting_is_device_side(s) && !uplink_of_flow(judge->bindings, s->flow, &uplink))
                tell_of_flow(s, UNKNOWN_ADDRESS, "Device that nobody listed");
}

static void tell_retired_talk(struct judge *judge, struct sighting *s)
{
        struct session_draft draft;
        const struct binding *now = sighting_binding(s);
        session_draft_begin(&draft, judge, now, s->event, RETIRED_TALKED, "Retired device is active");
        draft.finding.peer = name_of(now);
        draft.finding.flow = s->flow->id + 1;
        session_draft_report(&draft);
}

static void on_event(struct judge *judge, void *context, struct sighting *s)
{
        struct identity_state *state = context;
        if (s->owner && sim_table_moved(state->sims) > 0)
                judge_talk(judge, state, s);
        if (s->event->body_case != APNWATCH__V1__EVENT__BODY_FLOW_NEWS)
                return;
        if (s->owner && s->owner->holder.record != 0) {
                if (s->flow->packets_up > 0 && bindings_note_sent(judge->bindings, &s->owner->holder, sent_in(s->flow)))
                        judge_clone(judge, s);
        } else if (s->owner && s->event->flow_news->label_final && sends(s)) {
                judge_row(judge, state, s);
        }
        if (judge->settings.inventory == NULL || !s->event->flow_news->label_final || !sends(s))
                return;
        if (!s->owner)
                judge_address(judge, state, s);
        else if (state->lists_retired && is_retired(judge, sighting_binding(s), (int64_t)s->flow->start))
                tell_retired_talk(judge, s);
}

static void counters(void *context, void (*add)(void *context, const char *name, uint64_t value), void *to)
{
        const struct identity_state *state = context;
        add(to, "judge.identity.sims_evicted", sim_table_evictions(state->sims));
}

static int save(const void *context, struct state_writer *writer)
{
        const struct identity_state *state = context;
        return sim_table_save(state->sims, writer);
}

static bool load(void *context, const Apnwatch__V1__StateRecord *record)
{
        struct identity_state *state = context;
        if (record->body_case != APNWATCH__V1__STATE_RECORD__BODY_SIM)
                return false;
        sim_table_load(state->sims, record->sim);
        return true;
}

const struct detector identity_detector = {
        .name = "identity",
        .wants = DETECTOR_WANTS(FLOW_NEWS) | DETECTOR_WANTS(TRANSFER),
        .view = AS_TOLD,
        .create = create,
        .destroy = destroy,
        .on_event = on_event,
        .on_binding = on_binding,
        .counters = counters,
        .save = save,
        .load = load,
};
