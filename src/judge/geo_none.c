/* Built without libmaxminddb: a file that is named is a fault, and nothing is known of any address. */
#include "judge/geo.h"

#include <string.h>

struct geo *geo_open(const char *const *paths, unsigned count, FILE *errors)
{
        for (unsigned i = 0; i < count; i++)
                fprintf(errors, "%s: this apnwatch was built without libmaxminddb; expected no --geoip\n", paths[i]);
        return NULL;
}

void geo_close(struct geo *geo)
{
        (void)geo;
}

bool geo_lookup(const struct geo *geo, const struct address *address, struct geo_facts *out)
{
        (void)geo;
        (void)address;
        memset(out, 0, sizeof *out);
        return false;
}
