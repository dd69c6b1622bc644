#include "probes/live_offload.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/log.h"

/* Ethernet with two VLAN tags. */
enum { LINK_HEADER_MAX = 14 + 4 + 4 };

static uint32_t feature(int descriptor, const char *name, uint32_t command)
{
        struct ethtool_value value = {.cmd = command};
        struct ifreq request = {.ifr_data = (char *)&value};
        snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
        return ioctl(descriptor, SIOCETHTOOL, &request) == 0 ? value.data : 0;
}

static void warn_of_offloads(int descriptor, const char *name)
{
        static const struct {
                const char *word;
                uint32_t command, mask;
        } offloads[] = {
                {"gro", ETHTOOL_GGRO, ~0U},
                {"lro", ETHTOOL_GFLAGS, ETH_FLAG_LRO},
                {"gso", ETHTOOL_GGSO, ~0U},
                {"tso", ETHTOOL_GTSO, ~0U},
        };
        char on[64] = "", off[64] = "";
        for (unsigned i = 0; i < sizeof offloads / sizeof offloads[0]; i++) {
                if ((feature(descriptor, name, offloads[i].command) & offloads[i].mask) == 0)
                        continue;
                size_t used = strlen(on), off_used = strlen(off);
                snprintf(on + used, sizeof on - used, "%s%s", used ? ", " : "", offloads[i].word);
                snprintf(off + off_used, sizeof off - off_used, " %s off", offloads[i].word);
        }
        if (*on != '\0')
                log_warning("%s: frames may be longer than on the wire, since offloads are on (%s); to turn them off: "
                            "ethtool -K %s%s", name, on, name, off);
}

void live_offload_warn(int descriptor, const char *name, uint32_t snap_length)
{
        struct ifreq request = {0};
        if (strlen(name) >= sizeof request.ifr_name)
                return;
        snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
        warn_of_offloads(descriptor, name);
        if (ioctl(descriptor, SIOCGIFMTU, &request) != 0)
                return;
        uint32_t longest = (uint32_t)request.ifr_mtu + LINK_HEADER_MAX;
        if (snap_length < longest)
                log_warning("%s: frames have up to %u bytes, and a snap length of %u cuts them", name, longest, snap_length);
}
