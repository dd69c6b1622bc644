#include "judge/update_source.h"

#include <string.h>
#include <strings.h>

#include "judge/judge_state.h"

#define UPDATE INTEL_ONLY(INTEL_UPDATE)
#define LOCATE (INTEL_ONLY(INTEL_AGNSS) | INTEL_ONLY(INTEL_LOCATION))

static const char *scheme_of(const Apnwatch__V1__Transfer *transfer)
{
        return strcasecmp(transfer->protocol, "FTP") == 0    ? "ftp"
               : strcasecmp(transfer->protocol, "CoAP") == 0 ? "coap"
                                                             : "http";
}

/* Assistance data comes in files too (xtra2.bin): no firmware. */
static bool is_assistance(const struct sighting *s, const Apnwatch__V1__Transfer *transfer)
{
        const struct intel *intel = s->judge->settings.intel;
        const struct intel_row *row = intel_match_url(intel, scheme_of(transfer), transfer->host, transfer->path, LOCATE);
        return (row && !row->weak) || sighting_intel(s, LOCATE) != NULL;
}

static const struct intel_row *row_of_transfer(const struct sighting *s, const Apnwatch__V1__Transfer *transfer,
                                               enum image_guess guess)
{
        const struct intel *intel = s->judge->settings.intel;
        const struct intel_row *row = intel_match_url(intel, scheme_of(transfer), transfer->host, transfer->path, UPDATE);
        if (row && (!row->weak || guess != IMAGE_NO))
                return row;
        if (transfer->user_agent && (row = intel_match_user_agent(intel, transfer->user_agent, UPDATE)) && !row->weak)
                return row;
        if (transfer->content_type && (row = intel_match_content_type(intel, transfer->content_type, UPDATE)) && !row->weak)
                return row;
        return NULL;
}

static enum source_verdict judge_source(struct sighting *s, const char **rule)
{
        const struct fleet *fleet = s->fleet;
        if (fleet == NULL || fleet->updates == SECTION_ABSENT)
                return SOURCE_ANY;
        if (fleet->updates == SECTION_EMPTY)
                return SOURCE_FORBIDDEN;
        sighting_verdict(s); /* prepares country and vendors */
        struct verdict verdict = verdict_of_list(&fleet->sources, &s->contact);
        *rule = verdict.rule_name;
        if (verdict.kind == VERDICT_ALLOWED)
                return SOURCE_NAMED;
        return verdict.kind == VERDICT_UNDETERMINED ? SOURCE_UNDETERMINED : SOURCE_FORBIDDEN;
}

static bool is_in_window(const struct fleet *fleet, int64_t start_ns)
{
        return fleet == NULL || fleet->updates != SECTION_GIVEN || fleet_window_is_open(fleet, start_ns) ||
               fleet_in_maintenance(fleet, start_ns);
}

/* The row tells where the object is fetched from (a host, an address), not only what it is called. */
static bool names_the_place(const struct intel_row *row)
{
        return row && !row->shared &&
               (row->kind == INTEL_HOST || row->kind == INTEL_SUFFIX || row->kind == INTEL_NAME_REGEX ||
                row->kind == INTEL_ADDRESS || row->mode == INTEL_DIRECT);
}

static bool is_own_source(struct sighting *s, const struct update_source *source)
{
        const struct verdict *destination = sighting_verdict(s);
        return source->verdict == SOURCE_NAMED ||
               (destination->kind == VERDICT_ALLOWED && destination->reason == REASON_RULE);
}

static const char *controller_of_vendor(const struct intel_vendor *vendor)
{
        static const char *const known[] = {"module_vendor", "device_maker", "operator", "fleet"};
        for (unsigned i = 0; vendor->controller && i < sizeof known / sizeof *known; i++) {
                if (strcmp(vendor->controller, known[i]) == 0)
                        return known[i];
        }
        return "unknown";
}

static const char *target_of(const struct update_source *source, const Apnwatch__V1__Transfer *transfer)
{
        const char *controller = source->row ? source->row->vendor->controller : NULL;
        if (transfer && transfer->image && strcmp(transfer->image, "mcuboot") == 0)
                return "device"; /* an application's image, MCUboot's */
        if (controller && strcmp(controller, "module_vendor") == 0)
                return "module";
        if (controller && strcmp(controller, "device_maker") == 0)
                return "device";
        return "unknown";
}

static void describe(struct sighting *s, const Apnwatch__V1__Transfer *transfer, struct update_source *source)
{
        source->mode = source->controller = "unknown";
        if (names_the_place(source->row) && source->row->mode != INTEL_MODE_UNKNOWN) {
                source->mode = intel_mode_text(source->row->mode);
                source->controller = controller_of_vendor(source->row->vendor);
        } else if (is_own_source(s, source)) {
                source->mode = "indirect";
                source->controller = "fleet";
        } else if (source->row && source->row->mode == INTEL_INDIRECT) {
                source->mode = "indirect"; /* the vendor's object on somebody else's host */
        }
        source->target = target_of(source, transfer);
}

bool update_source_of(struct sighting *s, const Apnwatch__V1__Transfer *transfer, int64_t start_ns,
                      struct update_source *out)
{
        *out = (struct update_source){.guess = IMAGE_NO};
        out->row = sighting_intel(s, UPDATE);
        if (transfer && out->row == NULL) {
                out->guess = update_image_guess(transfer);
                out->row = row_of_transfer(s, transfer, out->guess);
                if ((out->row == NULL && out->guess == IMAGE_NO) || is_assistance(s, transfer))
                        return false;
        }
        if (transfer == NULL && out->row == NULL)
                return false;
        out->verdict = judge_source(s, &out->rule);
        out->in_window = is_in_window(s->fleet, start_ns);
        describe(s, transfer, out);
        return true;
}

bool update_is_planned(const struct sighting *s, const struct update_source *source)
{
        return s->fleet && s->fleet->updates == SECTION_GIVEN && source->in_window &&
               source->verdict == SOURCE_NAMED;
}
