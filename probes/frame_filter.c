#include "probes/frame_filter.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/link_type.h"
#include "base/log.h"

enum { PROGRAMS_MAX = 16, SNAP_LENGTH = 262144 };

struct compiled {
        uint16_t link_type;
        bool usable;
        struct bpf_program program;
};

struct frame_filter {
        char *text;
        struct compiled programs[PROGRAMS_MAX];
        unsigned count;
        unsigned recent;        /* the last one used: captures change their link type rarely */
};

/* Files and libpcap number raw IP differently; the other types that a filter knows are the same. */
static int dlt_of(uint16_t link_type)
{
        return link_type == LINK_RAW ? DLT_RAW : link_type;
}

static bool compile(const char *text, uint16_t link_type, struct bpf_program *program, char *error, unsigned error_size)
{
        pcap_t *dead = pcap_open_dead(dlt_of(link_type), SNAP_LENGTH);
        if (dead == NULL) {
                snprintf(error, error_size, "no memory");
                return false;
        }
        bool compiled = pcap_compile(dead, program, text, 1, PCAP_NETMASK_UNKNOWN) == 0;
        if (!compiled)
                snprintf(error, error_size, "%s", pcap_geterr(dead));
        pcap_close(dead);
        return compiled;
}

struct frame_filter *frame_filter_create(const char *text, char *error, unsigned error_size)
{
        static const uint16_t tried[] = {LINK_ETHERNET, LINK_RAW, LINK_LINUX_SLL, LINK_LINUX_SLL2, LINK_NULL, LINK_PPP};
        bool usable = false;
        for (unsigned i = 0; i < sizeof tried / sizeof tried[0] && !usable; i++) {
                struct bpf_program program;
                char other[PCAP_ERRBUF_SIZE];
                /* Ethernet's message is the one that people can use. */
                usable = compile(text, tried[i], &program, i == 0 ? error : other, i == 0 ? error_size : sizeof other);
                if (usable)
                        pcap_freecode(&program);
        }
        if (!usable)
                return NULL;
        struct frame_filter *filter = calloc(1, sizeof *filter);
        if (filter != NULL)
                filter->text = strdup(text);
        if (filter == NULL || filter->text == NULL) {
                snprintf(error, error_size, "no memory");
                frame_filter_destroy(filter);
                return NULL;
        }
        return filter;
}

void frame_filter_destroy(struct frame_filter *filter)
{
        if (filter == NULL)
                return;
        for (unsigned i = 0; i < filter->count; i++)
                if (filter->programs[i].usable)
                        pcap_freecode(&filter->programs[i].program);
        free(filter->text);
        free(filter);
}

static unsigned program_for(struct frame_filter *filter, uint16_t link_type)
{
        for (unsigned i = 0; i < filter->count; i++)
                if (filter->programs[i].link_type == link_type)
                        return i;
        /* A capture with more link types than that is an odd one: the last slot is compiled again. */
        unsigned slot = filter->count < PROGRAMS_MAX ? filter->count++ : PROGRAMS_MAX - 1;
        struct compiled *compiled = &filter->programs[slot];
        if (compiled->usable)
                pcap_freecode(&compiled->program);
        char error[PCAP_ERRBUF_SIZE];
        compiled->link_type = link_type;
        compiled->usable = compile(filter->text, link_type, &compiled->program, error, sizeof error);
        if (!compiled->usable)
                log_warning("the filter passes no frame of link type %u: %s", link_type, error);
        return slot;
}

bool frame_filter_passes(struct frame_filter *filter, const struct frame *frame)
{
        if (filter->recent >= filter->count || filter->programs[filter->recent].link_type != frame->link_type)
                filter->recent = program_for(filter, frame->link_type);
        const struct compiled *compiled = &filter->programs[filter->recent];
        return compiled->usable && bpf_filter(compiled->program.bf_insns, frame->bytes, frame->wire, frame->captured) != 0;
}
