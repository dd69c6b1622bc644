#include "judge/severity.h"

#define INFO APNWATCH__V1__ALERT__SEVERITY__INFO
#define LOW APNWATCH__V1__ALERT__SEVERITY__LOW
#define MEDIUM APNWATCH__V1__ALERT__SEVERITY__MEDIUM
#define HIGH APNWATCH__V1__ALERT__SEVERITY__HIGH
#define CRITICAL APNWATCH__V1__ALERT__SEVERITY__CRITICAL
#define CONFIRMED APNWATCH__V1__ALERT__CONFIDENCE__CONFIRMED
#define LIKELY APNWATCH__V1__ALERT__CONFIDENCE__LIKELY
#define POSSIBLE APNWATCH__V1__ALERT__CONFIDENCE__POSSIBLE

static const struct {
        const char *text;
        enum quiet quiet;
} types[FINDING_TYPES] = {
        [DESTINATION_UNLISTED] = {"destination.unlisted", QUIET_DAY},
        [DESTINATION_BLOCKED] = {"destination.blocked", QUIET_DAY},
        [DESTINATION_LATERAL] = {"destination.lateral", QUIET_DAY},
        [ACCESS_INBOUND] = {"access.inbound", QUIET_DAY},
        [UPDATE_PULL] = {"update.pull", QUIET_HOUR},
        [UPDATE_UNAUTHORISED] = {"update.unauthorised", QUIET_HOUR},
        [UPDATE_OUT_OF_WINDOW] = {"update.out_of_window", QUIET_HOUR},
        [UPDATE_INSECURE] = {"update.insecure", QUIET_NEVER},
        [LOCATION_REPORT] = {"location.report", QUIET_DAY},
        [LOCATION_LOOKUP] = {"location.lookup", QUIET_DAY},
        [SENSOR_BLIND] = {"sensor.blind", QUIET_NEVER},
        [SENSOR_LOSS] = {"sensor.loss", QUIET_HOUR},
        [SENSOR_STALL] = {"sensor.stall", QUIET_NEVER},
        [SENSOR_CRASH] = {"sensor.crash", QUIET_DAY},
        [IDENTITY_IMEI_CHANGE] = {"identity.imei_change", QUIET_DAY},
        [IDENTITY_IMEI_CLONE] = {"identity.imei_clone", QUIET_DAY},
        [IDENTITY_UNKNOWN_DEVICE] = {"identity.unknown_device", QUIET_NEVER},
        [IDENTITY_RETIRED_ACTIVE] = {"identity.retired_active", QUIET_DAY},
        [IDENTITY_RELOCATED] = {"identity.relocated", QUIET_DAY},
        [IDENTITY_DISCLOSED] = {"identity.disclosed", QUIET_DAY},
        [GTP_SPOOFED_SOURCE] = {"gtp.spoofed_source", QUIET_HOUR},
        [GTP_NESTED] = {"gtp.nested", QUIET_HOUR},
        [GTP_UNKNOWN_TEID] = {"gtp.unknown_teid", QUIET_HOUR},
        [GTP_SIGNALLING] = {"gtp.signalling", QUIET_HOUR},
};

/* T0885 Commonly Used Port, T0869 Standard Application Layer Protocol, T0886 Remote Services, T0883 Internet Accessible
 * Device, T0822 External Remote Services, T1693.002 Module Firmware (T0839 until v18), T0862 Supply Chain Compromise, T0830
 * Adversary-in-the-Middle, T0882 Theft of Operational Information, T0859 Valid Accounts, T0864 Transient Cyber Asset, T0846 Remote
 * System Discovery, T0855 Unauthorized Command Message. */
static const struct severity_row rows[CIRCUMSTANCES] = {
        [UNLISTED_ANSWERED] = {DESTINATION_UNLISTED, MEDIUM, 55, CONFIRMED, {"T0869"},
                "answered"},
        [UNLISTED_UNANSWERED] = {DESTINATION_UNLISTED, LOW, 35, CONFIRMED, {"T0869"},
                "not answered"},
        [UNLISTED_NAME_MISMATCH] = {DESTINATION_UNLISTED, HIGH, 70, LIKELY, {"T0869", "T0830"},
                "an allowed name at an address that was never its own"},
        [BLOCKED_ANSWERED] = {DESTINATION_BLOCKED, HIGH, 80, CONFIRMED, {"T0869"},
                "answered"},
        [BLOCKED_UNANSWERED] = {DESTINATION_BLOCKED, MEDIUM, 60, CONFIRMED, {"T0869"},
                "not answered"},
        [LATERAL_ANSWERED] = {DESTINATION_LATERAL, HIGH, 75, CONFIRMED, {"T0886"},
                "answered"},
        [LATERAL_UNANSWERED] = {DESTINATION_LATERAL, MEDIUM, 50, CONFIRMED, {"T0886"},
                "not answered"},
        [INBOUND_PRIVATE] = {ACCESS_INBOUND, MEDIUM, 60, CONFIRMED, {"T0886"},
                "from a private address"},
        [INBOUND_PUBLIC] = {ACCESS_INBOUND, HIGH, 80, CONFIRMED, {"T0883", "T0822"},
                "from a public address"},
        [PULL_PLANNED] = {UPDATE_PULL, INFO, 10, LIKELY, {NULL},
                "policy plans it"},
        [PULL_DIRECT] = {UPDATE_PULL, MEDIUM, 50, LIKELY, {"T1693.002"},
                "from the module vendor's own service"},
        [PULL_OTHER] = {UPDATE_PULL, LOW, 35, LIKELY, {"T1693.002"},
                "from another source"},
        [UNAUTHORISED_DIRECT] = {UPDATE_UNAUTHORISED, HIGH, 80, LIKELY, {"T1693.002", "T0862"},
                "from the module vendor's own service"},
        [UNAUTHORISED_OTHER] = {UPDATE_UNAUTHORISED, HIGH, 75, LIKELY, {"T1693.002", "T0862"},
                "from another source"},
        [OUT_OF_WINDOW] = {UPDATE_OUT_OF_WINDOW, MEDIUM, 55, LIKELY, {"T1693.002"},
                ""},
        [INSECURE_CLEAR] = {UPDATE_INSECURE, MEDIUM, 55, CONFIRMED, {"T0830"},
                "in clear"},
        [INSECURE_OBSOLETE_TLS] = {UPDATE_INSECURE, LOW, 40, CONFIRMED, {"T0830"},
                "over TLS before 1.2"},
        [REPORT_TO_ALLOWED] = {LOCATION_REPORT, INFO, 15, CONFIRMED, {NULL},
                "policy has no location section and allows the destination"},
        [REPORT_NOT_JUDGED] = {LOCATION_REPORT, MEDIUM, 55, CONFIRMED, {"T0882"},
                "policy has no location section and does not list the destination"},
        [REPORT_FORBIDDEN] = {LOCATION_REPORT, HIGH, 75, CONFIRMED, {"T0882"},
                "not to a receiver that policy names"},
        [REPORT_HEURISTIC] = {LOCATION_REPORT, LOW, 30, POSSIBLE, {"T0882"},
                "a pair of numbers that reads like a position"},
        [REPORT_HEURISTIC_FORBIDDEN] = {LOCATION_REPORT, MEDIUM, 45, POSSIBLE, {"T0882"},
                "such a pair, not to a receiver that policy names"},
        [LOOKUP_TO_ALLOWED] = {LOCATION_LOOKUP, INFO, 10, LIKELY, {NULL},
                "policy has no location section and allows the destination"},
        [LOOKUP_NOT_JUDGED] = {LOCATION_LOOKUP, LOW, 40, LIKELY, {"T0882"},
                "policy has no location section and does not list the destination"},
        [LOOKUP_FORBIDDEN] = {LOCATION_LOOKUP, MEDIUM, 60, LIKELY, {"T0882"},
                "not a receiver that policy names"},
        [LOOKUP_UNANSWERED] = {LOCATION_LOOKUP, LOW, 25, LIKELY, {"T0882"},
                "not answered"},
        [BLIND_PARTLY] = {SENSOR_BLIND, INFO, 10, CONFIRMED, {NULL},
                "some flows could not be judged"},
        [BLIND_MOSTLY] = {SENSOR_BLIND, LOW, 30, CONFIRMED, {NULL},
                "half of the flows or more could not be judged"},
        [LOSS_SOME] = {SENSOR_LOSS, LOW, 30, CONFIRMED, {NULL},
                "read, not whole: above a hundredth of the packets"},
        [LOSS_MUCH] = {SENSOR_LOSS, MEDIUM, 50, CONFIRMED, {NULL},
                "read, not whole: above a tenth of the packets"},
        [DROPPED_SOME] = {SENSOR_LOSS, LOW, 30, CONFIRMED, {NULL},
                "not read: less than a thousandth of the packets"},
        [DROPPED_MORE] = {SENSOR_LOSS, MEDIUM, 50, CONFIRMED, {NULL},
                "not read: a thousandth of the packets or more"},
        [DROPPED_MUCH] = {SENSOR_LOSS, HIGH, 70, CONFIRMED, {NULL},
                "not read: a hundredth of the packets or more"},
        [STALL_SILENT] = {SENSOR_STALL, MEDIUM, 60, CONFIRMED, {NULL},
                "no packets on an interface"},
        [STALL_DOWN] = {SENSOR_STALL, HIGH, 70, CONFIRMED, {NULL},
                "an interface is down or gone"},
        [WORKER_DIED] = {SENSOR_CRASH, HIGH, 75, CONFIRMED, {NULL},
                "a worker died"},
        [WORKER_SILENT] = {SENSOR_CRASH, MEDIUM, 55, CONFIRMED, {NULL},
                "a worker says nothing"},
        [IMEI_CHANGED] = {IDENTITY_IMEI_CHANGE, HIGH, 75, CONFIRMED, {"T0859"},
                "a SIM in another device than before"},
        [IMEI_CHANGE_PLANNED] = {IDENTITY_IMEI_CHANGE, INFO, 10, CONFIRMED, {NULL},
                "the inventory has a ticket for it at that time"},
        [IMEI_NOT_LISTED] = {IDENTITY_IMEI_CHANGE, HIGH, 70, CONFIRMED, {"T0859"},
                "a SIM in another device than the inventory says"},
        [IMEI_CLONED] = {IDENTITY_IMEI_CLONE, HIGH, 80, LIKELY, {"T0859"},
                "two SIMs with one IMEI, both with user traffic at once"},
        [UNKNOWN_SUBSCRIBER] = {IDENTITY_UNKNOWN_DEVICE, MEDIUM, 55, CONFIRMED, {"T0864"},
                "signalling tells who it is"},
        [UNKNOWN_ADDRESS] = {IDENTITY_UNKNOWN_DEVICE, MEDIUM, 45, LIKELY, {"T0864"},
                "nothing but its address is known"},
        [RETIRED_ATTACHED] = {IDENTITY_RETIRED_ACTIVE, MEDIUM, 55, CONFIRMED, {"T0859"},
                "it has a session"},
        [RETIRED_TALKED] = {IDENTITY_RETIRED_ACTIVE, HIGH, 70, CONFIRMED, {"T0859"},
                "it sends"},
        [RELOCATED_COUNTRY] = {IDENTITY_RELOCATED, HIGH, 75, LIKELY, {NULL},
                "in another country"},
        [RELOCATED_NETWORK] = {IDENTITY_RELOCATED, MEDIUM, 55, LIKELY, {NULL},
                "in another network of the country"},
        [RELOCATED_AREA] = {IDENTITY_RELOCATED, MEDIUM, 50, LIKELY, {NULL},
                "in a tracking area where it had not been, after a day in places that it knew"},
        [RELOCATED_CELL] = {IDENTITY_RELOCATED, LOW, 30, POSSIBLE, {NULL},
                "such a site of a known tracking area"},
        [RELOCATED_FAR] = {IDENTITY_RELOCATED, LOW, 35, POSSIBLE, {NULL},
                "attached anew in a tracking area with a very different number, before that day has passed"},
        [RELOCATED_PHONE] = {IDENTITY_RELOCATED, HIGH, 75, LIKELY, {"T0859"},
                "the SIM in a phone, by its TAC"},
        [RELOCATED_PHONE_MAYBE] = {IDENTITY_RELOCATED, MEDIUM, 50, POSSIBLE, {"T0859"},
                "the SIM in another device, which talks like a phone"},
        [DISCLOSED_TO_ALLOWED] = {IDENTITY_DISCLOSED, INFO, 15, CONFIRMED, {NULL},
                "policy allows the destination"},
        [DISCLOSED_IDENTITY] = {IDENTITY_DISCLOSED, MEDIUM, 50, CONFIRMED, {"T0882"},
                "policy does not list the destination, or there is none"},
        [DISCLOSED_MAYBE] = {IDENTITY_DISCLOSED, LOW, 25, POSSIBLE, {"T0882"},
                "digits that read like an identity"},
        [SPOOFED_SOURCE] = {GTP_SPOOFED_SOURCE, HIGH, 75, CONFIRMED, {NULL},
                ""},
        [NESTED_TO_CORE] = {GTP_NESTED, HIGH, 80, CONFIRMED, {"T0855"},
                "towards a node of the core or a private address"},
        [NESTED_ELSEWHERE] = {GTP_NESTED, LOW, 30, CONFIRMED, {NULL},
                "towards the Internet"},
        [UNKNOWN_TEIDS] = {GTP_UNKNOWN_TEID, HIGH, 70, LIKELY, {"T0846"},
                "twenty and more within a minute from one node"},
        [UNKNOWN_TEIDS_SURELY] = {GTP_UNKNOWN_TEID, HIGH, 80, CONFIRMED, {"T0846"},
                "and the node refused them, or they stand one behind the other"},
        [UNKNOWN_CONTROL_TEIDS] = {GTP_UNKNOWN_TEID, HIGH, 80, CONFIRMED, {"T0846"},
                "ten and more of the control plane within a minute, refused"},
        [SIGNALLING_TO_CORE] = {GTP_SIGNALLING, HIGH, 80, CONFIRMED, {"T0855"},
                "towards a node of the core or a private address"},
        [SIGNALLING_ELSEWHERE] = {GTP_SIGNALLING, LOW, 30, CONFIRMED, {NULL},
                "towards the Internet"},
};

const struct severity_row *severity_of(enum circumstance circumstance)
{
        return &rows[circumstance];
}

const char *finding_type_text(enum finding_type type)
{
        return types[type].text;
}

enum quiet finding_quiet(enum finding_type type)
{
        return types[type].quiet;
}

int64_t quiet_ns(enum quiet quiet)
{
        static const int64_t hour_ns = INT64_C(3600) * 1000000000;
        return quiet == QUIET_HOUR ? hour_ns : quiet == QUIET_DAY ? 24 * hour_ns : INT64_MAX;
}

const char *severity_text(int severity)
{
        static const char *const texts[] = {"info", "low", "medium", "high", "critical"};
        return severity >= 0 && severity <= CRITICAL ? texts[severity] : "unknown";
}

void severity_print(FILE *out)
{
        static const char *const confidences[] = {"confirmed", "likely", "possible"};
        for (int i = 0; i < CIRCUMSTANCES; i++) {
                const struct severity_row *row = &rows[i];
                fprintf(out, "%-24s %-8s %3u  %s", finding_type_text(row->type), severity_text(row->severity), row->score,
                        confidences[row->confidence]);
                for (int a = 0; a < 3 && row->attack[a]; a++)
                        fprintf(out, "%s%s", a ? " " : ", ", row->attack[a]);
                fprintf(out, "\n");
                if (row->when[0])
                        fprintf(out, "        %s\n", row->when);
        }
}
