#include "probes/live_ring.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/link_type.h"
#include "base/log.h"
#include "probes/live_offload.h"

enum { SECOND_NS = 1000000000, MILLISECOND_NS = 1000000 };

static void take_frame(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
        struct live_ring *ring = (struct live_ring *)user;
        struct live_queue *queue = ring->queue;
        /* With nanosecond precision tv_usec holds nanoseconds. */
        int64_t real_ns = (int64_t)header->ts.tv_sec * SECOND_NS + header->ts.tv_usec;
        uint8_t *copy = ring->bytes + ring->bytes_used;
        assert(queue->count < FRAME_BATCH && ring->bytes_used + header->caplen <= RING_ROOM);
        memcpy(copy, bytes, header->caplen);
        ring->bytes_used += header->caplen;
        queue->frames[queue->count++] = (struct frame){
                .bytes = copy, .captured = header->caplen, .wire = header->len, .link_type = ring->link_type,
                .time_ns = live_stamp_time(&ring->stamp, &ring->shared->clock, real_ns), .interface = ring->index,
        };
        if (ring->bytes_used > RING_BATCH_BYTES)
                pcap_breakloop(ring->pcap);
}

void live_ring_collect(struct live_ring *ring)
{
        struct live_queue *queue = ring->queue;
        queue->next = queue->count = 0;
        ring->bytes_used = 0;
        if (ring->pcap == NULL) {
                queue->none_before_ns = INT64_MAX;
                return;
        }
        int result = pcap_dispatch(ring->pcap, FRAME_BATCH, take_frame, (u_char *)ring);
        if (result == PCAP_ERROR)
                ring->broken = true;
        if (queue->count == FRAME_BATCH || (result == PCAP_ERROR_BREAK && queue->count > 0)) {
                queue->none_before_ns = queue->frames[queue->count - 1].time_ns;
                return;
        }
        queue->none_before_ns = live_stamp_drained(&ring->stamp, &ring->shared->clock, (int64_t)RING_DELAY_MS * MILLISECOND_NS);
}

/* Since it was last looked at; the first look only says where counting begins. */
static uint64_t newly_missed(struct live_ring *ring)
{
        uint64_t missed = 0, before = ring->missed;
        if (ring->number == 0 || live_link_missed(&ring->shared->link, ring->number, &missed) != 0)
                return 0;
        ring->missed = missed;
        return missed > before ? missed - before : 0;
}

void live_ring_count_drops(struct live_ring *ring)
{
        struct tpacket_stats_v3 counted = {0};
        socklen_t size = sizeof counted;
        if (ring->pcap == NULL)
                return;
        ring->report.dropped_interface += newly_missed(ring);
        /* Each reading sets the kernel's counters to zero, which is why libpcap is not asked: it would have them from then
         * on, in 32 bits. tp_packets holds the dropped ones too. */
        if (getsockopt(ring->descriptor, SOL_PACKET, PACKET_STATISTICS, &counted, &size) == 0)
                ring->report.dropped_kernel += counted.tp_drops;
}

static void close_handle(struct live_ring *ring)
{
        if (ring->pcap == NULL)
                return;
        pcap_close(ring->pcap);
        ring->pcap = NULL;
        ring->descriptor = -1;
}

/* "; there are: eth0, wwan0" */
static void list_interfaces(char *text, unsigned size)
{
        struct if_nameindex *all = if_nameindex();
        size_t used = strlen(text);
        for (unsigned i = 0; all != NULL && all[i].if_index != 0 && used < size; i++)
                used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "; there are: " : ", ", all[i].if_name);
        if (all != NULL)
                if_freenameindex(all);
}

static int explain(pcap_t *pcap, const char *name, int result, char *error, unsigned error_size)
{
        switch (result) {
        case PCAP_ERROR_NO_SUCH_DEVICE:
                snprintf(error, error_size, "%s: no such interface", name);
                list_interfaces(error, error_size);
                return -ENODEV;
        case PCAP_ERROR_PERM_DENIED:
        case PCAP_ERROR_PROMISC_PERM_DENIED:
                snprintf(error, error_size, "%s: CAP_NET_RAW is missing: run as root, or setcap cap_net_raw+ep the program", name);
                return -EPERM;
        case PCAP_ERROR_IFACE_NOT_UP:
                snprintf(error, error_size, "%s is down", name);
                return -ENETDOWN;
        default:
                snprintf(error, error_size, "%s: %s", name, *pcap_geterr(pcap) ? pcap_geterr(pcap) : pcap_statustostr(result));
                return -EIO;
        }
}

static int set_filter(pcap_t *pcap, const char *name, const char *text, char *error, unsigned error_size)
{
        struct bpf_program program;
        if (pcap_compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) != 0) {
                snprintf(error, error_size, "%s: filter: %s", name, pcap_geterr(pcap));
                return -EINVAL;
        }
        int result = pcap_setfilter(pcap, &program);
        if (result != 0)
                snprintf(error, error_size, "%s: filter: %s", name, pcap_geterr(pcap));
        pcap_freecode(&program);
        return result == 0 ? 0 : -EINVAL;
}

static int activate(pcap_t *pcap, const char *name, const struct live_settings *settings, char *error, unsigned error_size)
{
        if (settings->buffer_bytes > INT32_MAX) {
                snprintf(error, error_size, "a ring of %u bytes is too large", settings->buffer_bytes);
                return -EINVAL;
        }
        if (settings->snap_length > RING_SNAP_LENGTH) {
                snprintf(error, error_size, "a snap length of %u is too large: at most %u", settings->snap_length,
                         RING_SNAP_LENGTH);
                return -EINVAL;
        }
        pcap_set_snaplen(pcap, (int)settings->snap_length);
        pcap_set_promisc(pcap, !settings->no_promiscuous);
        pcap_set_timeout(pcap, RING_TIMEOUT_MS);
        pcap_set_buffer_size(pcap, (int)settings->buffer_bytes);
        pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
        int result = pcap_activate(pcap);
        if (result < 0)
                return explain(pcap, name, result, error, error_size);
        if (result > 0)
                log_warning("%s: %s", name, result == PCAP_WARNING ? pcap_geterr(pcap) : pcap_statustostr(result));
        if (settings->filter != NULL && (result = set_filter(pcap, name, settings->filter, error, error_size)) != 0)
                return result;
        char reason[PCAP_ERRBUF_SIZE];
        if (pcap_setnonblock(pcap, 1, reason) != 0) {
                snprintf(error, error_size, "%s: %s", name, reason);
                return -EIO;
        }
        return 0;
}

/* 0: all of them. Negative: it is gone. */
static int bound_interface(const struct live_ring *ring)
{
        struct sockaddr_ll bound = {0};
        socklen_t size = sizeof bound;
        return getsockname(ring->descriptor, (struct sockaddr *)&bound, &size) == 0 ? bound.sll_ifindex : -1;
}

static short interface_flags(int descriptor, const char *name)
{
        struct ifreq request = {0};
        snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
        return ioctl(descriptor, SIOCGIFFLAGS, &request) == 0 ? request.ifr_flags : 0;
}

/* By number, since an interface may be given another name while it is read. */
static bool is_up(const struct live_ring *ring)
{
        struct ifreq request = {.ifr_ifindex = (int)ring->number};
        return ring->number == 0 || (ioctl(ring->descriptor, SIOCGIFNAME, &request) == 0 &&
                                     (interface_flags(ring->descriptor, request.ifr_name) & IFF_UP));
}

/* Each frame on it goes out and comes in. libpcap leaves the former out, but only after it has taken room in the ring, or has
 * been counted as dropped. */
static void ignore_outgoing_on_loopback(const struct live_ring *ring)
{
        int on = 1;
        if (interface_flags(ring->descriptor, ring->report.name) & IFF_LOOPBACK)
                setsockopt(ring->descriptor, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
}

static int open_handle(struct live_ring *ring, char *error, unsigned error_size)
{
        const struct live_settings *settings = &ring->shared->settings;
        char reason[PCAP_ERRBUF_SIZE];
        pcap_t *pcap = pcap_create(ring->report.name, reason);
        if (pcap == NULL) {
                snprintf(error, error_size, "%s: %s", ring->report.name, reason);
                return -ENOMEM;
        }
        int result = activate(pcap, ring->report.name, settings, error, error_size);
        if (result != 0) {
                pcap_close(pcap);
                return result;
        }
        ring->pcap = pcap;
        ring->descriptor = pcap_get_selectable_fd(pcap);
        /* Files and libpcap number raw IP differently. */
        ring->link_type = pcap_datalink(pcap) == DLT_RAW ? LINK_RAW : (uint16_t)pcap_datalink(pcap);
        ring->report.state = LIVE_UP;
        live_stamp_start(&ring->stamp, &ring->shared->clock);
        ring->number = bound_interface(ring) > 0 ? (unsigned)bound_interface(ring) : 0;
        newly_missed(ring);
        ignore_outgoing_on_loopback(ring);
        live_offload_warn(ring->descriptor, ring->report.name, settings->snap_length);
        return 0;
}

int live_ring_open(struct live_ring *ring, struct live_shared *shared, unsigned index, struct live_queue *queue, char *error,
                   unsigned error_size)
{
        snprintf(error, error_size, "no memory");
        *ring = (struct live_ring){
                .index = (uint16_t)index, .queue = queue, .shared = shared, .descriptor = -1,
                .report = {.state = LIVE_DOWN},
        };
        ring->report.name = strdup(shared->settings.interfaces[index]);
        ring->bytes = malloc(RING_ROOM);
        queue->frames = calloc(FRAME_BATCH, sizeof *queue->frames);
        if (ring->report.name == NULL || ring->bytes == NULL || queue->frames == NULL)
                return -ENOMEM;
        int result = open_handle(ring, error, error_size);
        if (result != -ENETDOWN)
                return result;
        log_warning("%s: it is read from when it is up", error);
        return 0;
}

/* Without reading the counters: the reader may be another process by now, and they are its own. */
void live_ring_clear(struct live_ring *ring)
{
        close_handle(ring);
        free((char *)ring->report.name);
        free(ring->bytes);
        free(ring->queue->frames);
        ring->queue->frames = NULL;
}

static void set_state(struct live_ring *ring, int state)
{
        static const char *const words[] = {[LIVE_UP] = "up again", [LIVE_DOWN] = "down", [LIVE_GONE] = "gone"};
        if ((int)ring->report.state == state)
                return;
        ring->report.state = state;
        log_warning("%s is %s", ring->report.name, words[state]);
}

/* It was down when the probe was opened. Whoever reads may not have the right to open it any more. */
static void open_late(struct live_ring *ring)
{
        char error[256];
        int control = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (control < 0)
                return;
        bool up = interface_flags(control, ring->report.name) & IFF_UP;
        close(control);
        if (!up)
                return;
        int result = open_handle(ring, error, sizeof error);
        if (result != 0 && result != -ENETDOWN)
                set_state(ring, LIVE_GONE);
}

void live_ring_check(struct live_ring *ring)
{
        ring->broken = false;
        if (ring->report.state == LIVE_GONE)
                return;
        if (ring->pcap == NULL) {
                open_late(ring);
                return;
        }
        int pending;
        socklen_t size = sizeof pending;
        getsockopt(ring->descriptor, SOL_SOCKET, SO_ERROR, &pending, &size); /* else it would end every poll */
        if (bound_interface(ring) >= 0) {
                set_state(ring, is_up(ring) ? LIVE_UP : LIVE_DOWN);
                return;
        }
        int64_t now = ring->shared->clock.last.steady_ns;
        set_state(ring, LIVE_DOWN);
        if (ring->gone_after_ns == 0) {
                ring->gone_after_ns = now + (int64_t)RING_DELAY_MS * MILLISECOND_NS;
        } else if (now > ring->gone_after_ns && ring->queue->count == 0) {
                set_state(ring, LIVE_GONE);
                live_ring_count_drops(ring);
                close_handle(ring);
        }
}
