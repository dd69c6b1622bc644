/* A device that asks a SUPL location platform: what begins or describes its question is told as Lookup. ULP stands mostly in
 * TLS (port 7275), where nothing of this can be read; this is for those that do without. SUPL INIT over UDP or SMS is the
 * network's question and left out. */
#include "dissectors/location/supl.h"

#include <stdio.h>

#include "dissectors/location/supl_message.h"

enum { FAILURES_MOST = 3 };

struct supl_state {
        uint8_t failures;
};

static enum recognition supl_recognise(const struct dissection *d, const struct cursor *payload)
{
        struct supl_message message;
        struct cursor at = *payload;
        if (cursor_left(&at) < 6 || at.at[2] < 1 || at.at[2] > 3)
                return NOT_MINE;
        enum dissect_result result = supl_parse(&at, &message);
        if (result == DISSECT_TRUNCATED)
                return d->cut ? NOT_MINE : PERHAPS;
        if (result != DISSECT_OK || cursor_left(&at) > 0) /* the length must be all there is */
                return NOT_MINE;
        if (message.kind == SUPL_START && message.cell == SUPL_NO_CELL && message.subscriber[0] == '\0' && message.length < 20)
                return NOT_MINE; /* too little to be certain */
        return MINE;
}

static bool asks(enum supl_kind kind)
{
        return kind == SUPL_START || kind == SUPL_POS_INIT || kind == SUPL_TRIGGERED_START || kind == SUPL_SET_INIT ||
               kind == SUPL_REPORT;
}

static void tell_cell(Apnwatch__V1__Cell *cell, const struct supl_message *m)
{
        static const char *const kinds[] = {[SUPL_GSM] = "cgi", [SUPL_LTE] = "ecgi"};
        cell->has_mcc = cell->has_mnc = cell->has_id = true;
        cell->mcc = m->mcc;
        cell->mnc = m->mnc;
        cell->id = m->cell_id;
        cell->has_mnc_digits = m->mnc_digits != 0;
        cell->mnc_digits = m->mnc_digits;
        cell->has_area = m->cell != SUPL_WCDMA;
        cell->area = m->area;
        cell->kind = m->cell == SUPL_WCDMA ? NULL : (char *)kinds[m->cell];
}

static void tell(struct dissection *d, const struct supl_message *m, const uint8_t *bytes)
{
        char version[16];
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Lookup lookup = APNWATCH__V1__LOOKUP__INIT;
        Apnwatch__V1__Cell cell = APNWATCH__V1__CELL__INIT;
        Apnwatch__V1__Snippet snippet = APNWATCH__V1__SNIPPET__INIT;
        snprintf(version, sizeof version, "%u.%u.%u", m->major, m->minor, m->service);
        lookup.family = (char *)"SUPL";
        lookup.version = version;
        lookup.message = (char *)supl_kind_name(m->kind);
        lookup.subscriber = m->subscriber[0] != '\0' ? (char *)m->subscriber : NULL;
        if (m->cell != SUPL_NO_CELL) {
                tell_cell(&cell, m);
                lookup.cell = &cell;
        }
        snippet.data.data = (uint8_t *)bytes;
        snippet.data.len = m->length < 512 ? m->length : 512;
        event.body_case = APNWATCH__V1__EVENT__BODY_LOOKUP;
        event.lookup = &lookup;
        event.snippet = &snippet;
        d->services->emit(d, &event);
}

static enum follow supl_dissect(struct dissection *d, void *memory, struct cursor payload)
{
        struct supl_state *state = memory;
        struct cursor at = payload;
        while (cursor_left(&at) > 0) {
                struct supl_message message;
                const uint8_t *bytes = at.at;
                enum dissect_result result = supl_parse(&at, &message);
                if (result == DISSECT_TRUNCATED && !d->cut) {
                        d->consumed = (size_t)(at.at - payload.at);
                        return FOLLOW_MORE;
                }
                if (result != DISSECT_OK)
                        return ++state->failures > FAILURES_MOST ? FOLLOW_DONE : FOLLOW_ON;
                if (d->from_device && asks(message.kind))
                        tell(d, &message, bytes);
        }
        return FOLLOW_ON;
}

const struct dissector supl_dissector = {
        .name = "SUPL",
        .transports = DISSECT_ON_TCP,
        .readable = true,
        .state_size = sizeof(struct supl_state),
        .recognise = supl_recognise,
        .dissect = supl_dissect,
};
