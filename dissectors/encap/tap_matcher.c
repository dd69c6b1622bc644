#include "dissectors/encap/tap_matcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { INTERFACES_KEPT = 256, NO_INTERFACE = -1 };

/* Names are compared once per interface: what is left are the taps that it may belong to, in order, ended by 0. */
struct candidates {
        int32_t interface;
        uint16_t *taps;
};

struct tap_matcher {
        struct tap_list list;
        const char *(*interface_name)(void *context, uint16_t interface);
        void *interface_context;
        struct candidates kept[INTERFACES_KEPT]; /* by interface modulo their number; a newer one replaces */
        uint16_t numbers[]; /* what the candidates stand in */
};

int tap_matcher_create(const struct encap_settings *settings, struct tap_matcher **out)
{
        unsigned count = settings->taps.count;
        *out = NULL;
        if (count == 0)
                return 0;
        struct tap_matcher *matcher = malloc(sizeof *matcher + sizeof(uint16_t) * INTERFACES_KEPT * (count + 1));
        if (matcher == NULL)
                return -ENOMEM;
        matcher->list = settings->taps;
        matcher->interface_name = settings->interface_name;
        matcher->interface_context = settings->interface_context;
        for (unsigned i = 0; i < INTERFACES_KEPT; i++) {
                matcher->kept[i].interface = NO_INTERFACE;
                matcher->kept[i].taps = &matcher->numbers[(size_t)i * (count + 1)];
        }
        *out = matcher;
        return 0;
}

void tap_matcher_destroy(struct tap_matcher *matcher)
{
        free(matcher);
}

static const uint16_t *tap_matcher_candidates(struct tap_matcher *matcher, uint16_t interface)
{
        struct candidates *kept = &matcher->kept[interface % INTERFACES_KEPT];
        if (kept->interface == interface)
                return kept->taps;
        const char *name = matcher->interface_name ? matcher->interface_name(matcher->interface_context, interface) : NULL;
        unsigned count = 0;
        for (unsigned i = 0; i < matcher->list.count; i++) {
                const char *wanted = matcher->list.taps[i].interface;
                if (wanted == NULL || (name != NULL && strcmp(wanted, name) == 0))
                        kept->taps[count++] = (uint16_t)(i + 1);
        }
        kept->taps[count] = 0;
        kept->interface = interface;
        return kept->taps;
}

static bool prefix_has_either(const struct prefix *prefix, const uint8_t *ip)
{
        struct address source = address_of_ip(ip, false), destination = address_of_ip(ip, true);
        return prefix_contains(prefix, &source) || prefix_contains(prefix, &destination);
}

static bool prefix_matches(const struct prefix *prefix, const struct walk *walk)
{
        if (walk->depth == 0)
                return prefix_has_either(prefix, walk->here->ip);
        return prefix_has_either(prefix, walk->levels[walk->depth - 1].ip) || prefix_contains(prefix, &walk->outermost[0]) ||
               prefix_contains(prefix, &walk->outermost[1]);
}

uint16_t tap_matcher_find(struct tap_matcher *matcher, const struct walk *walk)
{
        for (const uint16_t *number = tap_matcher_candidates(matcher, walk->frame->interface); *number != 0; number++) {
                const struct tap *tap = &matcher->list.taps[*number - 1];
                if ((tap->vlan < 0 || tap->vlan == walk->here->vlan) && (tap->vni < 0 || tap->vni == walk->here->vni) &&
                    (tap->gre_key < 0 || tap->gre_key == walk->here->gre_key) &&
                    (!tap->has_prefix || prefix_matches(&tap->prefix, walk)))
                        return *number;
        }
        return 0;
}

uint16_t tap_matcher_context_of(const struct tap_matcher *matcher, uint16_t tap)
{
        return tap == 0 ? 0 : matcher->list.taps[tap - 1].context;
}
