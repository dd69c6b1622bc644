#include "tests/traffic/event_recorder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/event_log.h"
#include "model/framing.h"
#include "tests/traffic/flow_record.h"
#include "tests/traffic/signal_event.h"
#include "tests/traffic/traffic.h"

enum { RECORD_BUFFER_SIZE = 8192, WRITE_BUFFER_SIZE = 1 << 20, SHARDS = 64 };

static const int64_t decide_ns = 10 * SECOND_NS, update_ns = 300 * SECOND_NS, activity_ns = 60 * SECOND_NS;

struct timer {
        int64_t second;
        uint64_t id; /* of the flow */
        struct flow_record *record;
};

struct event_recorder {
        FILE *file;
        char *buffer;
        struct timer *timers; /* a binary heap by second, shard, flow */
        size_t timer_count, timer_capacity;
        int64_t clock_ns, tick_s;
        uint64_t frame, next_id, events;
        int shard; /* of the events that are being told; -1: none */
        uint32_t index;
};

static uint32_t shard_of(const struct flow_record *record)
{
        return (uint32_t)(record->id % SHARDS);
}

static bool timer_before(const struct timer *a, const struct timer *b)
{
        if (a->second != b->second)
                return a->second < b->second;
        return a->id % SHARDS != b->id % SHARDS ? a->id % SHARDS < b->id % SHARDS : a->id < b->id;
}

static void timer_add(struct event_recorder *r, struct flow_record *record, int64_t second)
{
        if (r->timer_count == r->timer_capacity) {
                r->timer_capacity = r->timer_capacity * 2 + 1024;
                r->timers = realloc(r->timers, r->timer_capacity * sizeof(struct timer));
                if (r->timers == NULL)
                        abort();
        }
        struct timer timer = {second, record->id, record};
        size_t at = r->timer_count++;
        for (; at > 0 && timer_before(&timer, &r->timers[(at - 1) / 2]); at = (at - 1) / 2)
                r->timers[at] = r->timers[(at - 1) / 2];
        r->timers[at] = timer;
        record->due_s = second;
        record->references++;
}

static struct timer timer_take(struct event_recorder *r)
{
        struct timer first = r->timers[0], last = r->timers[--r->timer_count];
        size_t at = 0;
        for (;;) {
                size_t child = at * 2 + 1;
                if (child >= r->timer_count)
                        break;
                if (child + 1 < r->timer_count && timer_before(&r->timers[child + 1], &r->timers[child]))
                        child++;
                if (!timer_before(&r->timers[child], &last))
                        break;
                r->timers[at] = r->timers[child];
                at = child;
        }
        if (r->timer_count > 0)
                r->timers[at] = last;
        return first;
}

static void emit(struct event_recorder *r, event_t *event)
{
        uint8_t record[RECORD_BUFFER_SIZE];
        event->clock = (uint64_t)r->clock_ns;
        event->has_frame = r->frame != 0;
        event->frame = r->frame;
        event->has_shard = r->shard >= 0;
        event->shard = r->shard >= 0 ? (uint32_t)r->shard : 0;
        event->index = r->index++;
        size_t length = framing_pack(event, record, sizeof(record));
        if (length == 0)
                abort();
        fwrite(record, 1, length, r->file);
        r->events++;
}

/* A new place in the order: a packet, a tick, or the timers of a shard at a tick. */
static void order_begin(struct event_recorder *r, int64_t clock_ns, uint64_t frame, int shard)
{
        r->clock_ns = clock_ns;
        r->frame = frame;
        r->shard = shard;
        r->index = 0;
}

static void emit_news(struct event_recorder *r, struct flow_record *record, Apnwatch__V1__FlowNews__Phase phase,
                      int64_t time_ns, int reason)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__FlowNews news = APNWATCH__V1__FLOW_NEWS__INIT;
        Apnwatch__V1__Flow flow;
        bool end = phase == APNWATCH__V1__FLOW_NEWS__PHASE__END;
        bool final = (record->label_final || end) && !record->final_told;
        flow_record_fill(record, &flow);
        news.phase = phase;
        news.has_reason = reason >= 0;
        news.reason = reason >= 0 ? (Apnwatch__V1__FlowNews__Reason)reason : 0;
        news.has_first = news.first = end && !record->start_told;
        news.has_label_final = news.label_final = final;
        event.flow = &flow;
        event.has_time = true;
        event.time = (uint64_t)time_ns;
        event.has_file = event.has_file_frame = true;
        event.file_frame = record->first_packet;
        event.body_case = APNWATCH__V1__EVENT__BODY_FLOW_NEWS;
        event.flow_news = &news;
        record->final_told |= final;
        record->start_told = true;
        record->update_due = false;
        record->told_ns = r->clock_ns;
        emit(r, &event);
}

static void flow_end(struct event_recorder *r, struct flow_record *record, int reason, int64_t time_ns)
{
        emit_news(r, record, APNWATCH__V1__FLOW_NEWS__PHASE__END, time_ns, reason);
        record->ended = true;
}

static int64_t next_due_ns(const struct flow_record *record)
{
        int64_t due_ns = record->last_ns + flow_record_timeout_ns(record);
        if (record->update_due && record->told_ns + update_ns < due_ns)
                due_ns = record->told_ns + update_ns;
        if (!record->label_final && record->payload[UP] + record->payload[DOWN] > 0 && record->start_ns + decide_ns < due_ns)
                due_ns = record->start_ns + decide_ns;
        return due_ns;
}

static void tell_more(struct event_recorder *r, struct flow_record *record, int64_t tick_ns)
{
        bool waited = tick_ns - record->start_ns >= decide_ns;
        if (!record->label_final && waited && (record->protocol == IP_TCP || record->update_due))
                record->label_final = true;
        if (record->label_final && !record->final_told)
                emit_news(r, record, APNWATCH__V1__FLOW_NEWS__PHASE__KNOWN, tick_ns, -1);
        else if (record->update_due && tick_ns - record->told_ns >= update_ns)
                emit_news(r, record, APNWATCH__V1__FLOW_NEWS__PHASE__UPDATE, record->last_ns, -1);
}

static void flow_due(struct event_recorder *r, struct flow_record *record, int64_t tick_ns)
{
        int64_t ends_ns = record->last_ns + flow_record_timeout_ns(record);
        if (ends_ns <= tick_ns) {
                flow_end(r, record, (int)flow_record_end_reason(record), ends_ns);
                return;
        }
        if (!record->start_told)
                emit_news(r, record, APNWATCH__V1__FLOW_NEWS__PHASE__START, record->start_ns, -1);
        else
                tell_more(r, record, tick_ns);
        int64_t due_ns = next_due_ns(record);
        if (due_ns <= tick_ns)
                due_ns = ends_ns;
        timer_add(r, record, (due_ns + SECOND_NS - 1) / SECOND_NS);
}

static void give_tick(struct event_recorder *r, int64_t second)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Tick tick = APNWATCH__V1__TICK__INIT;
        event.body_case = APNWATCH__V1__EVENT__BODY_TICK;
        event.tick = &tick;
        order_begin(r, second * SECOND_NS, 0, -1);
        emit(r, &event);
        while (r->timer_count > 0 && r->timers[0].second <= second) {
                struct timer timer = timer_take(r);
                struct flow_record *record = timer.record;
                if ((int)shard_of(record) != r->shard)
                        order_begin(r, second * SECOND_NS, 0, (int)shard_of(record));
                if (!record->ended && record->due_s == timer.second)
                        flow_due(r, record, second * SECOND_NS);
                flow_record_release(record);
        }
}

static void give_ticks(struct event_recorder *r, int64_t time_ns)
{
        while (r->tick_s < time_ns / SECOND_NS)
                give_tick(r, ++r->tick_s);
}

static char *text(const char *constant)
{
        return (char *)(uintptr_t)constant;
}

static void emit_fact(struct event_recorder *r, const struct flow_record *record, event_t *event, int64_t time_ns)
{
        Apnwatch__V1__Flow flow;
        flow_record_fill(record, &flow);
        event->flow = &flow;
        event->has_time = true;
        event->time = (uint64_t)time_ns;
        event->has_file = event->has_file_frame = true;
        event->file_frame = r->frame;
        emit(r, event);
}

static void emit_names(struct event_recorder *r, const struct flow_record *record, const struct names_fact *fact,
                       int64_t time_ns)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Names names = APNWATCH__V1__NAMES__INIT;
        Apnwatch__V1__Names__Answer answers[2], *pointers[2];
        char *alias = text(fact->alias);
        for (unsigned i = 0; i < fact->answer_count; i++) {
                size_t size;
                const uint8_t *bytes = address_wire(&fact->answers[i], &size);
                apnwatch__v1__names__answer__init(&answers[i]);
                answers[i].name = fact->alias != NULL ? alias : text(fact->question);
                answers[i].address = (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)bytes};
                answers[i].ttl = fact->ttl;
                pointers[i] = &answers[i];
        }
        names.question = text(fact->question);
        names.has_type = names.has_rcode = true;
        names.type = fact->type;
        names.rcode = fact->rcode;
        names.n_alias = fact->alias != NULL;
        names.alias = &alias;
        names.n_answer = fact->answer_count;
        names.answer = pointers;
        event.body_case = APNWATCH__V1__EVENT__BODY_NAMES;
        event.names = &names;
        emit_fact(r, record, &event, time_ns);
}

static void emit_transfer(struct event_recorder *r, const struct flow_record *record, const struct transfer_fact *fact,
                          int64_t time_ns)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Transfer transfer = APNWATCH__V1__TRANSFER__INIT;
        transfer.phase = fact->ended ? APNWATCH__V1__TRANSFER__PHASE__ENDED : APNWATCH__V1__TRANSFER__PHASE__ASKED;
        transfer.protocol = text(fact->protocol);
        transfer.start = (uint64_t)fact->start_ns;
        transfer.method = text(fact->method);
        transfer.host = text(fact->host);
        transfer.path = text(fact->path);
        transfer.user_agent = text(fact->user_agent);
        transfer.content_type = text(fact->content_type);
        transfer.image = text(fact->image);
        transfer.has_status = fact->status != 0;
        transfer.status = fact->status;
        transfer.has_size = transfer.has_moved = true;
        transfer.size = fact->size;
        transfer.moved = fact->moved;
        transfer.has_complete = transfer.complete = fact->ended;
        transfer.has_pushed = transfer.pushed = fact->pushed;
        event.body_case = APNWATCH__V1__EVENT__BODY_TRANSFER;
        event.transfer = &transfer;
        emit_fact(r, record, &event, time_ns);
}

static void emit_position(struct event_recorder *r, const struct flow_record *record, const struct position_fact *fact,
                          int64_t time_ns)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Position position = APNWATCH__V1__POSITION__INIT;
        position.has_latitude = position.has_longitude = true;
        position.latitude = fact->latitude;
        position.longitude = fact->longitude;
        position.family = text(fact->family);
        position.carrier = text(fact->carrier);
        position.topic = text(fact->topic);
        position.device_id = text(fact->device_id);
        position.grade = (Apnwatch__V1__Position__Grade)fact->grade;
        event.has_from_device = true;
        event.from_device = fact->from_device;
        event.body_case = APNWATCH__V1__EVENT__BODY_POSITION;
        event.position = &position;
        emit_fact(r, record, &event, time_ns);
}

static void emit_lookup(struct event_recorder *r, const struct flow_record *record, const struct lookup_fact *fact,
                        int64_t time_ns)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Lookup lookup = APNWATCH__V1__LOOKUP__INIT;
        Apnwatch__V1__Cell cell = APNWATCH__V1__CELL__INIT;
        cell.has_mcc = cell.has_mnc = cell.has_area = cell.has_id = true;
        cell.mcc = fact->mcc;
        cell.mnc = fact->mnc;
        cell.area = fact->area;
        cell.id = fact->cell;
        lookup.family = text(fact->family);
        lookup.version = text(fact->version);
        lookup.message = text(fact->message);
        lookup.subscriber = text(fact->subscriber);
        lookup.cell = fact->has_cell ? &cell : NULL;
        event.has_from_device = event.from_device = true;
        event.body_case = APNWATCH__V1__EVENT__BODY_LOOKUP;
        event.lookup = &lookup;
        emit_fact(r, record, &event, time_ns);
}

static void tell_facts(struct event_recorder *r, struct flow_record *record, const struct fact *fact, int64_t time_ns)
{
        for (; fact != NULL; fact = fact->next) {
                switch (fact->kind) {
                case FACT_LABEL: flow_record_label(record, &fact->label); break;
                case FACT_NAMES: emit_names(r, record, &fact->names, time_ns); break;
                case FACT_TRANSFER: emit_transfer(r, record, &fact->transfer, time_ns); break;
                case FACT_POSITION: emit_position(r, record, &fact->position, time_ns); break;
                case FACT_LOOKUP: emit_lookup(r, record, &fact->lookup, time_ns); break;
                }
        }
}

/* The record of the packet's conversation, begun when there is none or the flow was over. */
static struct flow_record *record_of(struct event_recorder *r, const struct packet *packet, uint64_t number, int64_t time_ns)
{
        struct conversation *c = packet->conversation;
        if (c->record != NULL && !c->record->ended)
                return c->record;
        if (c->record != NULL)
                flow_record_release(c->record);
        c->record = flow_record_create(packet, ++r->next_id, number, time_ns);
        timer_add(r, c->record, time_ns / SECOND_NS + 1);
        return c->record;
}

static void recorder_packet(void *context, const struct packet *packet, int64_t time_ns)
{
        struct event_recorder *r = context;
        uint64_t number = packet->conversation->traffic->packets;
        give_ticks(r, time_ns);
        order_begin(r, time_ns, number, -1);
        struct flow_record *record = record_of(r, packet, number, time_ns);
        bool was_closed = flow_record_is_closed(record), silent = time_ns - record->last_ns >= activity_ns;
        bool was_final = record->label_final;
        tell_facts(r, record, packet->facts, time_ns);
        flow_record_count(record, packet, time_ns);
        if (!record->start_told)
                return;
        if (!was_final && record->label_final)
                timer_add(r, record, time_ns / SECOND_NS + 1);
        else if (!was_closed && flow_record_is_closed(record))
                timer_add(r, record, (time_ns + 2 * SECOND_NS) / SECOND_NS + 1);
        if (silent)
                emit_news(r, record, APNWATCH__V1__FLOW_NEWS__PHASE__ACTIVITY, time_ns, -1);
}

void event_recorder_signal(void *context, struct traffic *traffic, const struct signal *signal, int64_t time_ns)
{
        struct event_recorder *r = context;
        give_ticks(r, time_ns);
        order_begin(r, time_ns, traffic->packets, -1);
        for (; signal != NULL; signal = signal->piggyback) {
                struct signal_event made;
                signal_event_fill(signal, &made);
                made.event.has_time = true;
                made.event.time = (uint64_t)time_ns;
                made.event.has_file = made.event.has_file_frame = true;
                made.event.file_frame = r->frame;
                emit(r, &made.event);
        }
}

static void conversation_over(void *context, struct conversation *c)
{
        (void)context;
        if (c->record != NULL)
                flow_record_release(c->record);
}

static void write_head(struct event_recorder *r)
{
        uint8_t head[EVENT_LOG_HEAD_LIMIT];
        struct event_log_head texts = {.sensor = "mkfleet", .version = "mkfleet"};
        fwrite(head, 1, event_log_head_pack(&texts, head), r->file);
        char *names[] = {text("default")}, *inputs[] = {text("mkfleet")};
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Run run = APNWATCH__V1__RUN__INIT;
        run.n_tap = run.n_context = run.n_input = 1;
        run.tap = run.context = names;
        run.input = inputs;
        run.version = text("mkfleet");
        event.body_case = APNWATCH__V1__EVENT__BODY_RUN;
        event.run = &run;
        emit(r, &event);
}

struct event_recorder *event_recorder_open(const char *path, int64_t start_ns)
{
        struct event_recorder *r = calloc(1, sizeof(*r));
        if (r == NULL)
                return NULL;
        r->file = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
        if (r->file == NULL) {
                free(r);
                return NULL;
        }
        r->buffer = malloc(WRITE_BUFFER_SIZE);
        if (r->buffer != NULL)
                setvbuf(r->file, r->buffer, _IOFBF, WRITE_BUFFER_SIZE);
        r->tick_s = start_ns / SECOND_NS;
        order_begin(r, start_ns, 0, -1);
        write_head(r);
        return r;
}

struct packet_output event_recorder_output(struct event_recorder *recorder)
{
        return (struct packet_output){.packet = recorder_packet,
                                      .signal = event_recorder_signal,
                                      .over = conversation_over,
                                      .context = recorder,
                                      .wants_facts = true};
}

static void tell_input(struct event_recorder *r, uint64_t packets)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Input input = APNWATCH__V1__INPUT__INIT;
        input.path = text("mkfleet");
        input.state = APNWATCH__V1__INPUT__STATE__OK;
        input.verdict = text("ok");
        input.has_packets = true;
        input.packets = packets;
        input.has_last = true;
        input.last = (uint64_t)r->clock_ns;
        event.body_case = APNWATCH__V1__EVENT__BODY_INPUT;
        event.input = &input;
        order_begin(r, r->clock_ns, UINT64_MAX, SHARDS - 1);
        r->index = UINT32_MAX;
        emit(r, &event);
}

static void end_all(struct event_recorder *r)
{
        int64_t clock_ns = r->clock_ns;
        while (r->timer_count > 0) {
                struct timer timer = timer_take(r);
                struct flow_record *record = timer.record;
                int reason = flow_record_is_closed(record) ? (int)flow_record_end_reason(record)
                                                           : APNWATCH__V1__FLOW_NEWS__REASON__INPUT_END;
                order_begin(r, clock_ns, UINT64_MAX, 0);
                r->index = (uint32_t)r->next_id++;
                if (!record->ended)
                        flow_end(r, record, reason, record->last_ns);
                flow_record_release(record);
        }
}

int event_recorder_close(struct event_recorder *r)
{
        uint64_t packets = r->frame;
        end_all(r);
        tell_input(r, packets);
        int error = ferror(r->file) ? -EIO : 0;
        if (fclose(r->file) != 0 && error == 0)
                error = errno > 0 ? -errno : -EIO;
        free(r->buffer);
        free(r->timers);
        free(r);
        return error;
}

uint64_t event_recorder_events(const struct event_recorder *recorder)
{
        return recorder->events;
}
