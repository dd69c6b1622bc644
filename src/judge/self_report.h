/* What a device says of its own make: its user agent, or the IMEI in a message of its own. Weaker than inventory and TAC of a signalled
 * IMEI. Private to src/judge. */
#pragma once

#include "judge/device_table.h"
#include "judge/intel.h"
#include "model/event.h"

/* Keeps vendor and model with the device when this event, of a flow of its, says them. Texts are intel's. */
void self_report_note(struct device *device, const struct intel *intel, const event_t *event);

/* Whose module's or device's user agent this event, a transfer that the device asked for, has; NULL: no maker's. */
const struct intel_vendor *self_report_vendor(const struct intel *intel, const event_t *event);

/* 14 to 16 digits, of 15 the last as Luhn wants it: an IMEI that somebody wrote. False: it is no such. */
bool self_report_is_imei(const char *text);
