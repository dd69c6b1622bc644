#include "judge/self_report.h"

#include <string.h>

bool self_report_is_imei(const char *text)
{
        size_t length = text ? strlen(text) : 0;
        unsigned sum = 0;
        if (length < 14 || length > 16)
                return false;
        for (size_t i = 0; i < length; i++) {
                unsigned digit = (unsigned)(text[i] - '0');
                if (digit > 9)
                        return false;
                if (i % 2 == 1)
                        digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
                sum += digit;
        }
        return length != 15 || sum % 10 == 0;
}

/* Update clients of services and of operators run on anybody's modules. */
static bool is_maker(const struct intel_vendor *vendor)
{
        return vendor->controller != NULL &&
               (strcmp(vendor->controller, "module_vendor") == 0 || strcmp(vendor->controller, "device_maker") == 0);
}

/* What somebody asks of a device has that one's user agent. */
const struct intel_vendor *self_report_vendor(const struct intel *intel, const event_t *event)
{
        const Apnwatch__V1__Transfer *transfer = event->transfer;
        if (event->body_case != APNWATCH__V1__EVENT__BODY_TRANSFER || transfer->pushed || transfer->user_agent == NULL ||
            event->flow->opener == APNWATCH__V1__FLOW__OPENER__PEER)
                return NULL;
        const struct intel_row *row = intel_match_user_agent(intel, transfer->user_agent, INTEL_ANY);
        return row != NULL && !row->shared && !row->weak && is_maker(row->vendor) ? row->vendor : NULL;
}

static void note_user_agent(struct device *device, const struct intel *intel, const event_t *event)
{
        const struct intel_vendor *vendor = device->said_vendor == NULL ? self_report_vendor(intel, event) : NULL;
        if (vendor != NULL)
                device->said_vendor = vendor->name;
}

/* An IMEI says more than a user agent. */
static void note_imei(struct device *device, const struct intel *intel, const char *text)
{
        const struct intel_tac *tac = self_report_is_imei(text) ? intel_tac(intel, text) : NULL;
        if (tac == NULL)
                return;
        device->said_vendor = tac->vendor;
        device->said_model = tac->model;
}

void self_report_note(struct device *device, const struct intel *intel, const event_t *event)
{
        if (intel == NULL)
                return;
        if (event->body_case == APNWATCH__V1__EVENT__BODY_TRANSFER)
                note_user_agent(device, intel, event);
        else if (event->body_case == APNWATCH__V1__EVENT__BODY_POSITION && event->from_device)
                note_imei(device, intel, event->position->device_id);
}
