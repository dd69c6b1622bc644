/* No findings: tells what devices say of themselves to whoever learns from it (judge_settings.said), with who they are. */
#include "judge/detectors/detectors.h"
#include "judge/judge_state.h"
#include "judge/self_report.h"

static void take_identity(const struct sighting *s, struct inventory_facts *facts, struct device_word *word)
{
        const struct binding *binding = sighting_binding(s);
        word->session = binding ? binding->number : 0;
        if (binding && binding->imei[0] != '\0') {
                word->imei = binding->imei;
                word->imei_source = binding_source_text((enum binding_source)binding->sources[FACT_IMEI]);
        } else if (fleets_facts(s->judge->fleets, s->device, facts) && facts->imei != NULL) {
                word->imei = facts->imei;
                word->imei_source = "inventory";
        }
}

/* False: it says nothing of use. */
static bool take_words(const struct judge *judge, const event_t *event, struct device_word *word)
{
        const char *id = NULL;
        word->vendor = self_report_vendor(judge->settings.intel, event, &word->text);
        if (event->body_case == APNWATCH__V1__EVENT__BODY_TRANSFER) {
                word->protocol = event->transfer->protocol;
        } else if (event->from_device && event->body_case == APNWATCH__V1__EVENT__BODY_POSITION) {
                id = event->position->device_id;
        } else if (event->from_device && event->body_case == APNWATCH__V1__EVENT__BODY_SELF_REPORT) {
                word->protocol = event->self_report->protocol;
                word->model = event->self_report->model;
                id = event->self_report->imei;
        }
        word->said_imei = self_report_is_imei(id) ? id : NULL;
        return word->vendor != NULL || word->model != NULL || word->said_imei != NULL;
}

static void on_event(struct judge *judge, void *state, struct sighting *s)
{
        const event_t *event = s->event;
        struct inventory_facts facts;
        struct device_word word = {.address = s->key.address, .context = s->key.context, .frame = event->file_frame,
                                   .time_ns = (int64_t)event->clock};
        (void)state;
        if (judge->settings.said == NULL)
                return;
        if (!take_words(judge, event, &word))
                return;
        if (event->has_file)
                word.file = run_input(&judge->run, event->file);
        take_identity(s, &facts, &word);
        judge->settings.said(judge->settings.said_context, &word);
}

const struct detector self_word_detector = {
        .name = "self_word",
        .wants = DETECTOR_WANTS(TRANSFER) | DETECTOR_WANTS(POSITION) | DETECTOR_WANTS(SELF_REPORT),
        .view = AS_TOLD,
        .on_event = on_event,
};
