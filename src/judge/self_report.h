/* What devices say of their own make: their IMEI in a message of their own, LwM2M's texts or a tracker's, their user agent, in this order
 * of weight. Weaker than inventory and TAC of a signalled IMEI; an IMEI that a device says is never who it is.
 *
 * Texts are held once, as long as some device needs them: at most SELF_REPORT_TEXTS of SELF_REPORT_LENGTH bytes; what is new beyond is
 * refused and counted. Private to src/judge. */
#pragma once

#include "judge/device_table.h"
#include "judge/intel.h"
#include "model/event.h"

enum { SELF_REPORT_TEXTS = 65536, SELF_REPORT_LENGTH = 256 };

/* How a device's make is known; device.said_strength. */
enum said_strength { SAID_NOTHING, SAID_BY_AGENT, SAID_BY_TEXT, SAID_BY_IMEI };

struct fleets;
struct self_reports;

struct self_reports *self_reports_create(const struct intel *intel); /* NULL: no memory */
void self_reports_destroy(struct self_reports *reports);
uint64_t self_reports_refused(const struct self_reports *reports);
uint64_t self_reports_bytes(const struct self_reports *reports);

/* Keeps vendor and model with the device when this event, of a flow of its, says them, and counts the vendor in its fleet where nothing
 * better is known. */
void self_report_note(struct self_reports *reports, struct fleets *fleets, struct device *device, const event_t *event);

/* The record goes. */
void self_report_forget(struct self_reports *reports, struct device *device);

/* As it is known; NULL: not said. The protocol is the one of the message. Good until the next note. */
struct said_make {
        const char *vendor, *model, *protocol;
};
struct said_make self_report_make(const struct self_reports *reports, const struct device *device);

/* Of a saved record. */
void self_report_restore(struct self_reports *reports, struct device *device, enum said_strength strength, const struct said_make *make);

/* Who made the device by the words of this event: a maker as intel calls it, else as the device writes it. NULL: it does not say, or not
 * by what it writes. `*text` is what it wrote. */
const char *self_report_vendor(const struct intel *intel, const event_t *event, const char **text);

/* 14 to 16 digits, of 15 the last as Luhn wants it: an IMEI that somebody wrote. False: it is no such. */
bool self_report_is_imei(const char *text);
