#include "tests/unit/judge/court.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "judge/judge_state.h"
#include "tests/unit/test.h"

static void take_alert(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        (void)cause;
        (void)cause_length;
        struct court *court = context;
        size_t size = apnwatch__v1__alert__get_packed_size(alert);
        uint8_t *packed = malloc(size);
        assert_true(court->count < COURT_ALERTS);
        apnwatch__v1__alert__pack(alert, packed);
        court->alerts[court->count++] = apnwatch__v1__alert__unpack(NULL, size, packed);
        free(packed);
}

static struct intel *load_intel(const char *text)
{
        char folder[] = "intel-test-XXXXXX", path[64];
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof path, "%s/test.yaml", folder);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
        const char *folders[] = {folder};
        struct intel *intel = intel_load(folders, 1, stderr);
        unlink(path);
        rmdir(folder);
        assert_non_null(intel);
        return intel;
}

struct court *court_open(const char *policy, const char *intel, const char *inventory)
{
        struct court *court = calloc(1, sizeof *court);
        assert_non_null(court);
        if (policy) {
                court->policy = policy_parse("policy.yaml", policy, strlen(policy), false, stderr, NULL);
                assert_non_null(court->policy);
        }
        if (intel)
                court->intel = load_intel(intel);
        if (inventory) {
                court->inventory = inventory_parse("inventory.csv", inventory, strlen(inventory), stderr);
                assert_non_null(court->inventory);
        }
        court->settings = (struct judge_settings){.policy = court->policy,
                                                  .intel = court->intel,
                                                  .inventory = court->inventory,
                                                  .sensor = "edge-1",
                                                  .alerts = {take_alert, court}};
        court->judge = judge_create(&court->settings);
        assert_non_null(court->judge);
        char *contexts[] = {(char *)"default", (char *)"water"}, *inputs[] = {(char *)"a.pcap"},
             *taps[] = {(char *)"default"};
        Apnwatch__V1__Run run = APNWATCH__V1__RUN__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        run.context = contexts;
        run.n_context = 2;
        run.input = inputs;
        run.n_input = 1;
        run.tap = taps;
        run.n_tap = 1;
        run.version = (char *)"0.1.0";
        event.body_case = APNWATCH__V1__EVENT__BODY_RUN;
        event.run = &run;
        judge_event(court->judge, &event);
        return court;
}

void court_close(struct court *court)
{
        for (unsigned i = 0; i < court->count; i++)
                apnwatch__v1__alert__free_unpacked(court->alerts[i], NULL);
        judge_destroy(court->judge);
        policy_destroy(court->policy);
        intel_destroy(court->intel);
        inventory_destroy(court->inventory);
        free(court);
}

static ProtobufCBinaryData wire_of(const char *text, struct address *storage)
{
        size_t length;
        assert_true(address_parse(text, storage));
        const uint8_t *bytes = address_wire(storage, &length);
        return (ProtobufCBinaryData){length, (uint8_t *)bytes};
}

void court_event(struct court *court, const struct court_flow *from, event_t *event, double at_s, bool from_device)
{
        Apnwatch__V1__Flow flow = APNWATCH__V1__FLOW__INIT;
        struct address device, peer;
        double last_s = from->last_s > from->start_s ? from->last_s : from->start_s;
        flow.id = from->id ? from->id : ++court->next_flow;
        flow.start = (uint64_t)(COURT_NS(0) + (int64_t)(from->start_s * 1e9));
        flow.last = (uint64_t)(COURT_NS(0) + (int64_t)(last_s * 1e9));
        flow.device = wire_of(from->device, &device);
        flow.peer = wire_of(from->peer, &peer);
        flow.protocol = from->protocol ? from->protocol : 6;
        flow.has_device_port = flow.has_peer_port = flow.protocol == 6 || flow.protocol == 17;
        flow.device_port = from->device_port ? from->device_port : 40000;
        flow.peer_port = from->peer_port;
        flow.has_context = true;
        flow.context = from->context;
        flow.has_tap = from->tap != 0;
        flow.tap = from->tap;
        flow.opener = from->opener;
        flow.answered = flow.has_answered = true;
        flow.answered = !from->unanswered;
        flow.peer_is_device = flow.has_peer_is_device = from->peer_is_device;
        flow.has_packets_up = flow.has_packets_down = true;
        flow.packets_up = 3;
        flow.has_last_up_s = from->last_up_s != 0;
        flow.last_up_s = (uint32_t)(COURT_EPOCH_S + from->last_up_s);
        flow.packets_down = from->unanswered ? 0 : 2;
        flow.bytes_up = from->bytes_up ? from->bytes_up : 300;
        flow.has_payload_down = true;
        flow.payload_down = from->payload_down;
        flow.bytes_down = from->payload_down + (from->unanswered ? 0 : 80);
        flow.label = (char *)from->label;
        flow.application = (char *)from->application;
        flow.has_label_source = from->label != NULL;
        flow.label_source = from->label_source ? from->label_source : APNWATCH__V1__FLOW__LABEL_SOURCE__DISSECTOR;
        flow.name = (char *)from->name;
        flow.has_name_source = from->name != NULL;
        flow.name_source = from->is_host ? APNWATCH__V1__FLOW__NAME_SOURCE__HOST : APNWATCH__V1__FLOW__NAME_SOURCE__SNI;
        flow.has_tls_version = from->tls_version != 0;
        flow.tls_version = from->tls_version;
        flow.has_icmp_type = (flow.protocol == 1 || flow.protocol == 58) && from->icmp_type >= 0;
        flow.icmp_type = (uint32_t)from->icmp_type;
        flow.has_visibility = true;
        flow.visibility = from->is_host ? APNWATCH__V1__FLOW__VISIBILITY__READABLE
                          : from->name  ? APNWATCH__V1__FLOW__VISIBILITY__NAME_ONLY
                                        : APNWATCH__V1__FLOW__VISIBILITY__OPAQUE;
        flow.has_teid_up = from->teid_up != 0;
        flow.teid_up = from->teid_up;
        flow.has_teid_down = from->teid_down != 0;
        flow.teid_down = from->teid_down;
        struct address tunnel_source, tunnel_destination;
        if ((flow.has_tunnel_source = flow.has_tunnel_destination = from->tunnel_source != NULL)) {
                flow.tunnel_source = wire_of(from->tunnel_source, &tunnel_source);
                flow.tunnel_destination = wire_of(from->tunnel_destination, &tunnel_destination);
        }
        flow.has_first_file = flow.has_first_frame = true;
        flow.first_frame = ++court->frame;
        event->clock = (uint64_t)(COURT_NS(0) + (int64_t)(at_s * 1e9));
        event->has_frame = event->has_file = event->has_file_frame = event->has_time = true;
        event->frame = event->file_frame = court->frame;
        event->time = event->clock;
        event->has_from_device = true;
        event->from_device = from_device;
        event->flow = &flow;
        judge_event(court->judge, event);
}

uint64_t court_news(struct court *court, const struct court_flow *flow, Apnwatch__V1__FlowNews__Phase phase,
                    bool label_final)
{
        Apnwatch__V1__FlowNews news = APNWATCH__V1__FLOW_NEWS__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        news.phase = phase;
        news.has_label_final = label_final;
        news.label_final = label_final;
        event.body_case = APNWATCH__V1__EVENT__BODY_FLOW_NEWS;
        event.flow_news = &news;
        double last_s = flow->last_s > flow->start_s ? flow->last_s : flow->start_s;
        court_event(court, flow, &event, last_s + 1, true);
        return flow->id ? flow->id : court->next_flow;
}

uint64_t court_flow(struct court *court, const struct court_flow *flow)
{
        return court_news(court, flow, APNWATCH__V1__FLOW_NEWS__PHASE__END, true);
}

void court_dns(struct court *court, const char *device, const char *name, const char *alias, const char *address,
               uint32_t ttl, double at_s)
{
        struct court_flow flow = {
                .device = device, .peer = "10.0.0.53", .protocol = 17, .peer_port = 53, .opener = OUT, .start_s = at_s};
        Apnwatch__V1__Names names = APNWATCH__V1__NAMES__INIT;
        Apnwatch__V1__Names__Answer answer = APNWATCH__V1__NAMES__ANSWER__INIT, *answers[] = {&answer};
        char *aliases[] = {(char *)alias};
        struct address storage;
        event_t event = APNWATCH__V1__EVENT__INIT;
        answer.name = (char *)(alias ? alias : name);
        answer.address = wire_of(address, &storage);
        answer.ttl = ttl;
        names.question = (char *)name;
        names.alias = aliases;
        names.n_alias = alias != NULL;
        names.answer = answers;
        names.n_answer = 1;
        event.body_case = APNWATCH__V1__EVENT__BODY_NAMES;
        event.names = &names;
        court_event(court, &flow, &event, at_s, false);
}

void court_wait(struct court *court, double until_s)
{
        Apnwatch__V1__Tick tick = APNWATCH__V1__TICK__INIT;
        for (double at = (double)(court->judge->clock_ns / 1000000000 - COURT_EPOCH_S); at <= until_s; at += 600) {
                event_t event = APNWATCH__V1__EVENT__INIT;
                event.clock = (uint64_t)COURT_NS(at < 0 ? 0 : at);
                event.body_case = APNWATCH__V1__EVENT__BODY_TICK;
                event.tick = &tick;
                judge_event(court->judge, &event);
                if (at < 0)
                        at = 0;
        }
}

const char *court_types(struct court *court)
{
        judge_finish(court->judge);
        court->types[0] = '\0';
        for (unsigned i = 0; i < court->count; i++) {
                size_t length = strlen(court->types);
                snprintf(court->types + length, sizeof court->types - length, "%s%s", i ? " " : "", court->alerts[i]->type);
        }
        return court->types;
}

const Apnwatch__V1__Alert *court_alert(const struct court *court, const char *type)
{
        const Apnwatch__V1__Alert *found = NULL;
        for (unsigned i = 0; i < court->count; i++) {
                if (strcmp(court->alerts[i]->type, type) == 0) {
                        assert_null(found);
                        found = court->alerts[i];
                }
        }
        assert_non_null(found);
        return found;
}

static void plmn_of(const char *text, Apnwatch__V1__Cell *cell)
{
        cell->has_mcc = cell->has_mnc = cell->has_mnc_digits = true;
        cell->mcc = (uint32_t)strtoul(text, NULL, 10);
        cell->mnc = (uint32_t)strtoul(text + 4, NULL, 10);
        cell->mnc_digits = (uint32_t)strlen(text + 4);
}

void court_signalling(struct court *court, Apnwatch__V1__Signalling *signalling, double at_s)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        event.clock = event.time = (uint64_t)(COURT_NS(0) + (int64_t)(at_s * 1e9));
        event.has_frame = event.has_file = event.has_file_frame = event.has_time = true;
        event.frame = event.file_frame = ++court->frame;
        event.body_case = APNWATCH__V1__EVENT__BODY_SIGNALLING;
        event.signalling = signalling;
        judge_event(court->judge, &event);
}

enum { CONTROL, USER, NODES = 2 };

struct message {
        Apnwatch__V1__Signalling body;
        Apnwatch__V1__Signalling__Endpoint ends[2], *list[2];
        struct address nodes[NODES], ue;
};

/* From the serving gateway (a request) or the packet gateway. */
static void message_init(struct message *message, bool is_request, Apnwatch__V1__Signalling__Procedure procedure, uint32_t number)
{
        Apnwatch__V1__Signalling *body = &message->body;
        apnwatch__v1__signalling__init(body);
        body->protocol = APNWATCH__V1__SIGNALLING__PROTOCOL__GTPV2C;
        body->procedure = procedure;
        body->phase = is_request ? APNWATCH__V1__SIGNALLING__PHASE__REQUEST : APNWATCH__V1__SIGNALLING__PHASE__RESPONSE;
        body->message = number;
        ProtobufCBinaryData serving = wire_of("10.66.0.1", &message->nodes[0]), gateway = wire_of("10.66.0.2", &message->nodes[1]);
        body->source = is_request ? serving : gateway;
        body->destination = is_request ? gateway : serving;
        body->has_source_port = body->has_destination_port = body->has_sequence = true;
        body->source_port = body->destination_port = 2123;
}

static void add_ends(struct message *message, uint32_t key, bool of_network)
{
        Apnwatch__V1__Signalling *body = &message->body;
        for (unsigned i = 0; i < 2; i++) {
                Apnwatch__V1__Signalling__Endpoint *end = message->list[i] = &message->ends[i];
                apnwatch__v1__signalling__endpoint__init(end);
                end->user = i == USER;
                end->has_ipv4 = end->has_interface = true;
                end->ipv4 = body->source;
                end->key = key;
                end->interface = of_network ? (i == USER ? 5 : 7) : (i == USER ? 4 : 6);
                end->has_bearer = end->has_of_network = i == USER;
                end->bearer = 5;
                end->of_network = of_network;
        }
        body->endpoint = message->list;
        body->n_endpoint = 2;
}

struct whereabouts {
        Apnwatch__V1__Cell cell, area;
};

static void set_whereabouts(struct message *request, const struct court_session *session, struct whereabouts *out)
{
        *out = (struct whereabouts){APNWATCH__V1__CELL__INIT, APNWATCH__V1__CELL__INIT};
        if (session->plmn && session->cell) {
                plmn_of(session->plmn, &out->cell);
                out->cell.has_id = true;
                out->cell.id = session->cell;
                out->cell.kind = (char *)"ecgi";
                request->body.cell = &out->cell;
        }
        if (session->plmn && session->area) {
                plmn_of(session->plmn, &out->area);
                out->area.has_area = true;
                out->area.area = session->area;
                out->area.kind = (char *)"tai";
                request->body.area = &out->area;
        }
}

void court_attach(struct court *court, const struct court_session *session)
{
        struct message request, response;
        struct whereabouts where;
        uint64_t sequence = court->frame + 1;
        message_init(&request, true, APNWATCH__V1__SIGNALLING__PROCEDURE__CREATE, 32);
        request.body.sequence = sequence;
        request.body.imsi = (char *)session->imsi;
        request.body.imei = (char *)session->imei;
        request.body.apn = (char *)(session->apn ? session->apn : "meters.example");
        request.body.plmn = (char *)session->plmn;
        request.body.has_bearer = true;
        request.body.bearer = 5;
        set_whereabouts(&request, session, &where);
        add_ends(&request, session->teid + 0x10000, false);
        court_signalling(court, &request.body, session->at_s);
        message_init(&response, false, APNWATCH__V1__SIGNALLING__PROCEDURE__CREATE, 33);
        response.body.sequence = sequence;
        response.body.has_accepted = response.body.accepted = response.body.has_key = true;
        response.body.key = session->teid + 0x10000;
        add_ends(&response, session->teid, true);
        if ((response.body.has_ipv4 = session->ip != NULL))
                response.body.ipv4 = wire_of(session->ip, &response.ue);
        court_signalling(court, &response.body, session->at_s + 0.05);
}

void court_account(struct court *court, const struct court_session *session)
{
        enum { ACCOUNTING_REQUEST = 4 };
        struct message message;
        message_init(&message, true, APNWATCH__V1__SIGNALLING__PROCEDURE__CREATE, ACCOUNTING_REQUEST);
        message.body.protocol = APNWATCH__V1__SIGNALLING__PROTOCOL__RADIUS; /* believed without an answer */
        message.body.imsi = (char *)session->imsi;
        message.body.has_ipv4 = true;
        message.body.ipv4 = wire_of(session->ip, &message.ue);
        court_signalling(court, &message.body, session->at_s);
}

void court_move(struct court *court, const struct court_session *session)
{
        struct message request, response;
        struct whereabouts where;
        uint64_t sequence = court->frame + 1;
        message_init(&request, true, APNWATCH__V1__SIGNALLING__PROCEDURE__MODIFY, 34);
        request.body.sequence = sequence;
        request.body.has_key = true;
        request.body.key = session->teid;
        request.body.plmn = (char *)session->plmn;
        set_whereabouts(&request, session, &where);
        court_signalling(court, &request.body, session->at_s);
        message_init(&response, false, APNWATCH__V1__SIGNALLING__PROCEDURE__MODIFY, 35);
        response.body.sequence = sequence;
        response.body.has_accepted = response.body.accepted = response.body.has_key = true;
        response.body.key = session->teid + 0x10000;
        court_signalling(court, &response.body, session->at_s + 0.05);
}

void court_detach(struct court *court, const struct court_session *session)
{
        struct message request, response;
        uint64_t sequence = court->frame + 1;
        message_init(&request, true, APNWATCH__V1__SIGNALLING__PROCEDURE__DELETE, 36);
        request.body.sequence = sequence;
        request.body.has_key = true;
        request.body.key = session->teid;
        court_signalling(court, &request.body, session->at_s);
        message_init(&response, false, APNWATCH__V1__SIGNALLING__PROCEDURE__DELETE, 37);
        response.body.sequence = sequence;
        response.body.has_accepted = response.body.accepted = response.body.has_key = true;
        response.body.key = session->teid + 0x10000;
        court_signalling(court, &response.body, session->at_s + 0.05);
}
