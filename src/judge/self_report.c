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

static void note_user_agent(struct device *device, const struct intel *intel, const Apnwatch__V1__Transfer *transfer)
{
        const struct intel_row *row;
        if (transfer->pushed || transfer->user_agent == NULL || device->said_vendor != NULL)
                return;
        row = intel_match_user_agent(intel, transfer->user_agent, INTEL_ANY);
        if (row != NULL && !row->shared && is_maker(row->vendor))
                device->said_vendor = row->vendor->name;
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
                note_user_agent(device, intel, event->transfer);
        else if (event->body_case == APNWATCH__V1__EVENT__BODY_POSITION && event->from_device)
                note_imei(device, intel, event->position->device_id);
}
