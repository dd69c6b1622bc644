#include "cmd/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/prctl.h>

static int apply(bool capture)
{
        capng_get_caps_process();
        bool had_capture = capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW) == 1;
        bool may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1;
        capng_clear(CAPNG_SELECT_ALL);
        if (capture && had_capture)
                capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_RAW, -1);
        /* Who may not shrink the bounding set cannot gain from it either: no_new_privs. */
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
                return -errno;
        return capng_apply(may_bound ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) == 0 ? 0 : -EPERM;
}

int privilege_keep_capture(void)
{
        return apply(true);
}

int privilege_keep_nothing(void)
{
        return apply(false);
}
