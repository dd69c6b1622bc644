#include "config.h"

#include "judge/self_report.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "judge/fleets.h"
#include "judge/name_pool.h"

struct self_reports {
        const struct intel *intel;
        struct name_pool *names;
        uint64_t refused;
};

struct self_reports *self_reports_create(const struct intel *intel)
{
        struct self_reports *reports = calloc(1, sizeof *reports);
        if (reports == NULL)
                return NULL;
        reports->intel = intel;
        reports->names = name_pool_create();
        if (reports->names != NULL)
                return reports;
        self_reports_destroy(reports);
        return NULL;
}

void self_reports_destroy(struct self_reports *reports)
{
        if (reports == NULL)
                return;
        name_pool_destroy(reports->names);
        free(reports);
}

uint64_t self_reports_refused(const struct self_reports *reports)
{
        return reports->refused;
}

uint64_t self_reports_bytes(const struct self_reports *reports)
{
        return sizeof *reports + name_pool_bytes(reports->names);
}

bool self_report_is_imei(const char *text)
{
        size_t length = text ? strspn(text, "0123456789") : 0;
        return length >= 14 && length <= 16 && text[length] == '\0' && (length != 15 || text_luhn_fits(text, length));
}

/* Update clients of services and of operators run on anybody's modules. */
static bool is_maker(const struct intel_vendor *vendor)
{
        return vendor->controller != NULL &&
               (strcmp(vendor->controller, "module_vendor") == 0 || strcmp(vendor->controller, "device_maker") == 0);
}

/* What somebody asks of a device has that one's user agent. */
static const char *user_agent_vendor(const struct intel *intel, const event_t *event)
{
        const Apnwatch__V1__Transfer *transfer = event->transfer;
        if (transfer->pushed || transfer->user_agent == NULL || event->flow->opener == APNWATCH__V1__FLOW__OPENER__PEER)
                return NULL;
        const struct intel_row *row = intel_match_user_agent(intel, transfer->user_agent, INTEL_ANY);
        return row != NULL && !row->shared && !row->weak && is_maker(row->vendor) ? row->vendor->name : NULL;
}

/* Does the name stand in the text as a word? "SIMCOM_Ltd" has SIMCom, "Digital" no Digi. */
static bool has_word(const char *text, const char *name)
{
        size_t length = strlen(name);
        for (const char *at = text; length > 0 && (at = strcasestr(at, name)) != NULL; at++) {
                bool begins = at == text || !isalnum((unsigned char)at[-1]);
                if (begins && !isalnum((unsigned char)at[length]))
                        return true;
        }
        return false;
}

/* Makers write "Quectel Wireless Solutions Co., Ltd". The longest name that stands in it. */
static const struct intel_vendor *vendor_in(const struct intel *intel, const char *text)
{
        const struct intel_vendor *found = NULL;
        size_t longest = 0;
        for (unsigned i = 0; i < intel_vendor_count(intel); i++) {
                const struct intel_vendor *vendor = intel_vendor_at(intel, i);
                for (unsigned k = 0; is_maker(vendor) && k <= vendor->alias_count; k++) {
                        const char *name = k == 0 ? vendor->name : vendor->aliases[k - 1];
                        if (strlen(name) > longest && has_word(text, name)) {
                                found = vendor;
                                longest = strlen(name);
                        }
                }
        }
        return found;
}

/* Some protocols are one maker's. */
static const char *protocol_vendor(const struct intel *intel, const char *protocol)
{
        const struct intel_vendor *vendor = intel_vendor(intel, protocol);
        return vendor != NULL && is_maker(vendor) ? vendor->name : NULL;
}

static bool is_said(const char *text)
{
        return text != NULL && text[0] != '\0';
}

/* A name has letters; JT/T 808 has codes of digits too, which say nothing to people. */
static bool is_name(const char *text)
{
        unsigned letters = 0;
        for (; text != NULL && *text != '\0'; text++)
                letters += (*text & 0x80) != 0 || isalpha((unsigned char)*text);
        return letters >= 2;
}

static const char *written_vendor(const struct intel *intel, const Apnwatch__V1__SelfReport *report)
{
        if (!is_name(report->vendor))
                return NULL;
        const struct intel_vendor *vendor = vendor_in(intel, report->vendor);
        return vendor != NULL ? vendor->name : report->vendor;
}

const char *self_report_vendor(const struct intel *intel, const event_t *event, const char **text)
{
        if (intel == NULL)
                return NULL;
        if (event->body_case == APNWATCH__V1__EVENT__BODY_TRANSFER) {
                *text = event->transfer->user_agent;
                return user_agent_vendor(intel, event);
        }
        if (event->body_case != APNWATCH__V1__EVENT__BODY_SELF_REPORT || !event->from_device)
                return NULL;
        const char *vendor = written_vendor(intel, event->self_report);
        *text = vendor != NULL ? event->self_report->vendor : event->self_report->protocol;
        return vendor != NULL ? vendor : protocol_vendor(intel, event->self_report->protocol);
}

/* Texts of a device */

static const char *text_of(const struct self_reports *reports, uint32_t number)
{
        return number > 0 ? name_pool_text(reports->names, number - 1) : NULL;
}

static void put_text(struct self_reports *reports, uint32_t *number, const char *text)
{
        uint32_t before = *number;
        *number = 0;
        if (is_said(text)) {
                bool is_short = strnlen(text, SELF_REPORT_LENGTH + 1) <= SELF_REPORT_LENGTH; /* the pipe may say anything */
                uint32_t name = is_short ? name_pool_hold(reports->names, text) : NAME_NONE;
                if (name != NAME_NONE && name >= SELF_REPORT_TEXTS) {
                        name_pool_release(reports->names, name);
                        name = NAME_NONE;
                }
                reports->refused += name == NAME_NONE;
                *number = name == NAME_NONE ? 0 : name + 1;
        }
        if (before > 0)
                name_pool_release(reports->names, before - 1);
}

static void put_make(struct self_reports *reports, struct device *device, const struct said_make *make)
{
        put_text(reports, &device->said_vendor, make->vendor);
        put_text(reports, &device->said_model, make->model);
        put_text(reports, &device->said_protocol, make->protocol);
}

void self_report_forget(struct self_reports *reports, struct device *device)
{
        static const struct said_make nothing;
        put_make(reports, device, &nothing);
        device->said_strength = SAID_NOTHING;
}

struct said_make self_report_make(const struct self_reports *reports, const struct device *device)
{
        struct said_make make = {NULL, NULL, NULL};
        if (device->said_strength == SAID_NOTHING) /* what it said was of who had the address before */
                return make;
        make.vendor = text_of(reports, device->said_vendor);
        make.model = text_of(reports, device->said_model);
        make.protocol = text_of(reports, device->said_protocol);
        return make;
}

void self_report_restore(struct self_reports *reports, struct device *device, enum said_strength strength, const struct said_make *make)
{
        device->said_strength = (uint8_t)strength;
        put_make(reports, device, make);
}

static bool is_same(const char *a, const char *b)
{
        return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Maker and model may come one by one; another maker's model is another's. Of user agents the first stays. */
static void take_make(struct self_reports *reports, struct fleets *fleets, struct device *device, enum said_strength strength,
                      struct said_make make)
{
        struct said_make before = self_report_make(reports, device);
        if (strength < device->said_strength || (strength == SAID_BY_AGENT && before.vendor != NULL))
                return;
        if (strength == SAID_BY_TEXT) {
                bool is_other = is_said(make.vendor) && !is_same(make.vendor, before.vendor);
                make.vendor = is_said(make.vendor) ? make.vendor : before.vendor;
                make.model = is_said(make.model) || is_other ? make.model : before.model;
        }
        bool is_news = !is_same(make.vendor, before.vendor);
        if (is_news && before.vendor != NULL)
                fleets_count_said(fleets, device, before.vendor, false);
        if (is_news || !is_same(make.model, before.model) || !is_same(make.protocol, before.protocol))
                put_make(reports, device, &make);
        device->said_strength = (uint8_t)strength;
        if (is_news && make.vendor != NULL)
                fleets_count_said(fleets, device, make.vendor, true);
}

/* An IMEI says more than a user agent. */
static bool take_imei(struct self_reports *reports, struct fleets *fleets, struct device *device, const char *imei, const char *protocol)
{
        const struct intel_tac *tac = self_report_is_imei(imei) ? intel_tac(reports->intel, imei) : NULL;
        if (tac != NULL)
                take_make(reports, fleets, device, SAID_BY_IMEI, (struct said_make){tac->vendor, tac->model, protocol});
        return tac != NULL;
}

static void take_report(struct self_reports *reports, struct fleets *fleets, struct device *device, const Apnwatch__V1__SelfReport *report)
{
        const char *vendor = written_vendor(reports->intel, report), *protocol = report->protocol;
        if (take_imei(reports, fleets, device, report->imei, protocol))
                return;
        if (vendor != NULL || is_said(report->model))
                take_make(reports, fleets, device, SAID_BY_TEXT, (struct said_make){vendor, report->model, protocol});
        else if ((vendor = protocol_vendor(reports->intel, protocol)) != NULL)
                take_make(reports, fleets, device, SAID_BY_AGENT, (struct said_make){vendor, NULL, protocol});
}

void self_report_note(struct self_reports *reports, struct fleets *fleets, struct device *device, const event_t *event)
{
        if (reports->intel == NULL)
                return;
        if (event->body_case == APNWATCH__V1__EVENT__BODY_TRANSFER) {
                const char *vendor = device->said_strength < SAID_BY_AGENT ? user_agent_vendor(reports->intel, event) : NULL;
                if (vendor != NULL)
                        take_make(reports, fleets, device, SAID_BY_AGENT, (struct said_make){vendor, NULL, event->transfer->protocol});
        } else if (event->body_case == APNWATCH__V1__EVENT__BODY_POSITION && event->from_device) {
                (void)take_imei(reports, fleets, device, event->position->device_id, event->position->family);
        } else if (event->body_case == APNWATCH__V1__EVENT__BODY_SELF_REPORT && event->from_device) {
                take_report(reports, fleets, device, event->self_report);
        }
}
