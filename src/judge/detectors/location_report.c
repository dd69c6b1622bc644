/* location.report: a position or serving cell leaves the device readable. All positions for one receiver are one alert,
 * whose count is that of the positions and whose cadence is the mean time between them. */
#include "judge/detectors/detectors.h"

#include <inttypes.h>
#include <stdio.h>

#include "judge/judge_state.h"
#include "judge/location_rules.h"

enum { CELL_TEXT_SIZE = 64 };

/* "ecgi:262-01-168496129"; NULL when the message leaves open what kind of cell it is. */
static const char *cell_text(const Apnwatch__V1__Cell *cell, char text[CELL_TEXT_SIZE])
{
        if (cell == NULL || !cell->has_mcc || !cell->has_mnc || !cell->has_id)
                return NULL;
        int digits = cell->mnc_digits == 3 || cell->mnc > 99 ? 3 : 2;
        const char *kind = cell->kind;
        if (kind == NULL && cell->has_area && cell->id <= UINT16_MAX)
                kind = "cgi";
        if (kind == NULL)
                return NULL;
        bool has_area = strcmp(kind, "cgi") == 0 || strcmp(kind, "sai") == 0;
        if (has_area && cell->has_area)
                snprintf(text, CELL_TEXT_SIZE, "%s:%03u-%0*u-%u-%" PRIu64, kind, cell->mcc, digits, cell->mnc, cell->area,
                         cell->id);
        else if (!has_area)
                snprintf(text, CELL_TEXT_SIZE, "%s:%03u-%0*u-%" PRIu64, kind, cell->mcc, digits, cell->mnc, cell->id);
        else
                return NULL;
        return text;
}

static enum circumstance circumstance_of(enum receiver_verdict receiver, const Apnwatch__V1__Position *position)
{
        bool is_heuristic = position->grade == APNWATCH__V1__POSITION__GRADE__HEURISTIC;
        if (receiver == RECEIVER_ALLOWED)
                return REPORT_TO_ALLOWED;
        if (receiver == RECEIVER_FORBIDDEN)
                return is_heuristic ? REPORT_HEURISTIC_FORBIDDEN : REPORT_FORBIDDEN;
        return is_heuristic ? REPORT_HEURISTIC : REPORT_NOT_JUDGED;
}

static const char *evidence_text(const Apnwatch__V1__Position *position, char text[96])
{
        if (position->has_latitude && position->has_longitude)
                snprintf(text, 96, "%.40s position %.4f, %.4f", position->family, position->latitude, position->longitude);
        else
                snprintf(text, 96, "%.40s serving cell", position->family);
        return text;
}

static void on_event(struct judge *judge, void *state, struct sighting *s)
{
        (void)judge, (void)state;
        const Apnwatch__V1__Position *position = s->event->position;
        const char *rule;
        char cell[CELL_TEXT_SIZE], evidence[96];
        struct draft draft;
        if (!s->event->from_device || sighting_from_infrastructure(s))
                return;
        enum receiver_verdict receiver = location_receiver(s, &rule);
        if (receiver == RECEIVER_NAMED || receiver == RECEIVER_UNDETERMINED)
                return;
        draft_of_flow(&draft, s, circumstance_of(receiver, position),
                      position->has_latitude ? "Position readable on its way to" : "Serving cell readable on its way to");
        draft_at_event(&draft);
        draft.rule = rule;
        draft.evidence = evidence_text(position, evidence);
        draft.finding.every_time = true;
        draft.finding.object = position->has_latitude ? "position" : "cell";
        if (receiver == RECEIVER_ALLOWED)
                draft_once_a_fleet(&draft);
        Apnwatch__V1__Detail *detail = &draft.detail;
        detail->has_latitude = position->has_latitude;
        detail->latitude = position->latitude;
        detail->has_longitude = position->has_longitude;
        detail->longitude = position->longitude;
        detail->cell = (char *)cell_text(position->cell, cell);
        detail->protocol = position->carrier;
        detail->family = position->family;
        detail->host = s->contact.name ? (char *)s->contact.name : NULL;
        detail->path = position->topic;
        draft_report(&draft);
}

const struct detector location_report_detector = {
        .name = "location.report",
        .wants = DETECTOR_WANTS(POSITION),
        .view = AS_TOLD,
        .on_event = on_event,
};
