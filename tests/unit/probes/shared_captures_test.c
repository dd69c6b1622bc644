/* Reads every capture below ../shared/captures (where that folder exists) and compares each frame with what libpcap makes
 * of the file. libpcap gives up on some pcapng files: on interfaces of different link types, for one. Those are read by us
 * alone, and must be read to their end. */
#include "tests/unit/test.h"

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "probes/probe.h"

static char folder[4096];

/* What libpcap had to say about the file. */
enum oracle { AGREES, CANNOT_READ };

static struct probe *open_probe(const char *path)
{
        char error[256];
        struct file_probe_input input = {.path = path};
        struct file_probe_settings settings = {.inputs = &input, .input_count = 1};
        struct probe *probe = file_probe_open(&settings, error, sizeof error);
        if (probe == NULL)
                fail_msg("%s: %s", path, error);
        return probe;
}

static void compare_frame(const char *path, const struct frame *frame, const struct pcap_pkthdr *header, const uint8_t *bytes)
{
        int64_t time_ns = (int64_t)header->ts.tv_sec * 1000000000 + header->ts.tv_usec;
        if (frame->captured != header->caplen || frame->wire != header->len || frame->time_ns != time_ns)
                fail_msg("%s: frame %llu differs", path, (unsigned long long)frame->number);
        assert_memory_equal(frame->bytes, bytes, frame->captured);
}

static enum oracle compare(const char *path)
{
        static struct frame_batch batch;
        char error[PCAP_ERRBUF_SIZE];
        struct pcap_pkthdr *header;
        const uint8_t *bytes;
        int answer = 0;
        pcap_t *pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, error);
        struct probe *probe = open_probe(path);
        uint64_t compared = 0;
        bool agreeing = pcap != NULL;
        while (probe_next(probe, &batch) == 1)
                for (unsigned i = 0; i < batch.count && agreeing; i++) {
                        answer = pcap_next_ex(pcap, &header, &bytes);
                        agreeing = answer == 1;
                        if (agreeing)
                                compare_frame(path, &batch.frames[i], header, bytes);
                        compared += agreeing;
                }
        assert_string_equal(probe_input(probe, 0)->verdict, "ok");
        if (agreeing)
                assert_int_equal(pcap_next_ex(pcap, &header, &bytes), PCAP_ERROR_BREAK);
        else if (pcap != NULL) /* it failed, not ended */
                assert_int_equal(answer, PCAP_ERROR);
        if (agreeing)
                assert_int_equal(compared, probe_input(probe, 0)->packets);
        if (pcap != NULL)
                pcap_close(pcap);
        probe_destroy(probe);
        return agreeing ? AGREES : CANNOT_READ;
}

static void every_shared_capture_reads_as_libpcap_reads_it(void **state)
{
        (void)state;
        static struct frame_batch batch;
        unsigned agreeing = 0, alone = 0;
        struct probe *probe = open_probe(folder);
        while (probe_next(probe, &batch) == 1)
                continue;
        for (uint32_t i = 0; i < probe_input_count(probe); i++) {
                const struct input_verdict *verdict = probe_input(probe, i);
                if (verdict->state == INPUT_NOT_CAPTURE)
                        continue;
                if (compare(verdict->path) == AGREES)
                        agreeing++;
                else
                        alone++;
        }
        probe_destroy(probe);
        print_message("%u captures as libpcap reads them, %u that it cannot read\n", agreeing, alone);
        assert_true(agreeing > 10 * alone);
}

int main(void)
{
        const char *shared = getenv("APNWATCH_SHARED"), *source = getenv("srcdir");
        if (shared != NULL)
                snprintf(folder, sizeof folder, "%s/captures", shared);
        else
                snprintf(folder, sizeof folder, "%s/../shared/captures", source ? source : ".");
        if (access(folder, R_OK) != 0) {
                printf("no %s here\n", folder);
                return 0;
        }
        const struct CMUnitTest tests[] = {cmocka_unit_test(every_shared_capture_reads_as_libpcap_reads_it)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
