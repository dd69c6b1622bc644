#include "probes/live_link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_BYTES = 16384, ANSWERS_MAX = 8 };

int live_link_open(struct live_link *link)
{
        *link = (struct live_link){.descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
        return link->descriptor >= 0 ? 0 : -errno;
}

void live_link_close(struct live_link *link)
{
        if (link->descriptor >= 0)
                close(link->descriptor);
        link->descriptor = -1;
}

static int read_missed(struct nlmsghdr *answer, uint64_t *missed)
{
        int left = (int)IFLA_PAYLOAD(answer);
        for (struct rtattr *attribute = IFLA_RTA((struct ifinfomsg *)NLMSG_DATA(answer)); RTA_OK(attribute, left);
             attribute = RTA_NEXT(attribute, left)) {
                /* Older kernels send fewer counters. */
                struct rtnl_link_stats64 counters = {0};
                size_t size = RTA_PAYLOAD(attribute);
                if (attribute->rta_type != IFLA_STATS64)
                        continue;
                memcpy(&counters, RTA_DATA(attribute), size < sizeof counters ? size : sizeof counters);
                /* rx_dropped would hold what the stack behind us had no use for, too. */
                *missed = counters.rx_missed_errors + counters.rx_fifo_errors;
                return 0;
        }
        return -ENODATA;
}

/* One answer, or -EAGAIN when it is of an earlier question. */
static int receive_answer(const struct live_link *link, uint64_t *missed)
{
        _Alignas(struct nlmsghdr) char bytes[ANSWER_BYTES];
        ssize_t received = recv(link->descriptor, bytes, sizeof bytes, MSG_DONTWAIT);
        struct nlmsghdr *answer = (struct nlmsghdr *)bytes;
        if (received < 0)
                return -errno;
        if (!NLMSG_OK(answer, (size_t)received))
                return -EBADMSG;
        if (answer->nlmsg_seq != link->sequence)
                return -EAGAIN;
        if (answer->nlmsg_type == NLMSG_ERROR)
                return ((struct nlmsgerr *)NLMSG_DATA(answer))->error;
        return answer->nlmsg_type == RTM_NEWLINK ? read_missed(answer, missed) : -EBADMSG;
}

int live_link_missed(struct live_link *link, unsigned interface, uint64_t *missed)
{
        struct {
                struct nlmsghdr header;
                struct ifinfomsg link;
        } question = {
                .header = {.nlmsg_len = sizeof question, .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST,
                           .nlmsg_seq = ++link->sequence},
                .link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)interface},
        };
        if (send(link->descriptor, &question, sizeof question, 0) < 0)
                return -errno;
        /* The kernel has answered when send returns. */
        int result = -EAGAIN;
        for (unsigned i = 0; i < ANSWERS_MAX && result == -EAGAIN; i++)
                result = receive_answer(link, missed);
        return result;
}
