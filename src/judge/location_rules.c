#include "judge/location_rules.h"

enum receiver_verdict location_receiver(struct sighting *s, const char **rule)
{
        *rule = NULL;
        if (s->fleet && s->fleet->location == SECTION_EMPTY)
                return RECEIVER_FORBIDDEN;
        const struct verdict *destination = sighting_verdict(s);
        if (s->fleet && s->fleet->location == SECTION_GIVEN) {
                struct verdict verdict = verdict_of_list(&s->fleet->receivers, &s->contact);
                *rule = verdict.rule_name;
                if (verdict.kind == VERDICT_ALLOWED)
                        return RECEIVER_NAMED;
                return verdict.kind == VERDICT_UNDETERMINED ? RECEIVER_UNDETERMINED : RECEIVER_FORBIDDEN;
        }
        *rule = destination->rule_name;
        bool is_allowed = destination->kind == VERDICT_ALLOWED && destination->reason == REASON_RULE;
        return is_allowed ? RECEIVER_ALLOWED : RECEIVER_NOT_JUDGED;
}

void draft_once_a_fleet(struct draft *draft)
{
        draft->is_about_fleet = true;
        draft->finding.protocol = 0;
        draft->finding.port = 0;
        draft->finding.object = NULL;
}
