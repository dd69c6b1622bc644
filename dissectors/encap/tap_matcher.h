/* Which configured tap a frame belongs to: the first whose conditions all hold. Inside encap only. */
#pragma once

#include "dissectors/encap/walk.h"

/* `*out` is NULL when no taps are configured. 0 or -ENOMEM. Strings and prefixes are borrowed. */
int tap_matcher_create(const struct encap_settings *settings, struct tap_matcher **out);
void tap_matcher_destroy(struct tap_matcher *matcher);

/* Its number, from 1; 0 when none matches. A prefix is looked for in the addresses of the tunnel around
 * the IP packet at hand and of the outermost one; where there is no tunnel, in the packet's own. */
uint16_t tap_matcher_find(struct tap_matcher *matcher, const struct walk *walk);
uint16_t tap_matcher_context_of(const struct tap_matcher *matcher, uint16_t tap);

static inline uint16_t tap_matcher_context(struct tap_matcher *matcher, const struct walk *walk)
{
        return matcher ? tap_matcher_context_of(matcher, tap_matcher_find(matcher, walk)) : 0;
}
