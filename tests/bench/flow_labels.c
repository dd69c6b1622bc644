/* Each flow of an event log and how it was labelled, one line at its end, separated by tabs:
 *
 *     protocol  device  port  peer  port  label  application  source of the label
 *
 * tests/bench/labels.sh compares them with ndpiReader's. */
#include <stdio.h>
#include <stdlib.h>

#include "base/address.h"
#include "model/event_log.h"

static void print_end(const ProtobufCBinaryData *bytes, uint32_t port)
{
        struct address address;
        char text[ADDRESS_TEXT_SIZE];
        if (address_from_bytes(bytes->data, bytes->len, &address))
                printf("\t%s\t%u", address_text(&address, text), port);
        else
                printf("\t?\t%u", port);
}

static const char *source_name(const Apnwatch__V1__Flow *flow)
{
        static const char *const names[] = {"none", "dissector", "inspected", "cached", "guessed"};
        return flow->has_label_source && (unsigned)flow->label_source < 5 ? names[flow->label_source] : "none";
}

static void print_flow(const Apnwatch__V1__Flow *flow)
{
        printf("%u", flow->protocol);
        print_end(&flow->device, flow->device_port);
        print_end(&flow->peer, flow->peer_port);
        printf("\t%s\t%s\t%s\n", flow->label ? flow->label : "-", flow->application ? flow->application : "-",
               source_name(flow));
}

int main(int argc, char **argv)
{
        char error[256];
        if (argc != 2) {
                fputs("usage: flow_labels EVENTS\n", stderr);
                return 2;
        }
        struct event_log *log = event_log_open(argv[1], error, sizeof(error));
        if (log == NULL) {
                fprintf(stderr, "flow_labels: %s\n", error);
                return 1;
        }
        const event_t *event;
        enum event_log_result result;
        while ((result = event_log_next(log, &event)) == EVENT_LOG_EVENT)
                if (event->body_case == APNWATCH__V1__EVENT__BODY_FLOW_NEWS && event->flow != NULL &&
                    event->flow_news->phase == APNWATCH__V1__FLOW_NEWS__PHASE__END)
                        print_flow(event->flow);
        if (result != EVENT_LOG_END)
                fprintf(stderr, "flow_labels: %s\n", event_log_message(log));
        event_log_close(log);
        return result == EVENT_LOG_END ? EXIT_SUCCESS : EXIT_FAILURE;
}
