#include "judge/alert_book.h"

#include <stdlib.h>

#include "base/address.h"
#include "base/text.h"
#include "judge/alert_book_parts.h"

enum { ARENA_LEAST = 64 * 1024, ARENA_MOST = 16 << 20 };
static const int64_t revision_pause_ns = INT64_C(600) * 1000000000;

/* What stood in it is gone. False: it is as large as it may be. */
static bool arena_grow(struct wire_arena *arena)
{
        size_t size = arena->size > 0 ? 2 * arena->size : ARENA_LEAST;
        uint8_t *memory = size <= ARENA_MOST ? malloc(size) : NULL;
        if (memory == NULL)
                return false;
        free(arena->memory);
        *arena = (struct wire_arena){.memory = memory, .size = size};
        return true;
}

struct alert_book *alert_book_create(const struct alert_book_settings *settings)
{
        struct alert_book *book = calloc(1, sizeof *book);
        if (book == NULL)
                return NULL;
        book->settings = *settings;
        if (book->settings.limit == 0)
                book->settings.limit = 1;
        book->arena = calloc(1, sizeof *book->arena);
        if (book->arena == NULL || !arena_grow(book->arena)) {
                alert_book_destroy(book);
                return NULL;
        }
        return book;
}

static void hash_text(XXH3_state_t *state, const char *text)
{
        if (text)
                XXH3_128bits_update(state, text, strlen(text));
        XXH3_128bits_update(state, "", 1);
}

static void hash_owner(XXH3_state_t *state, const struct finding *finding)
{
        uint8_t head[2] = {(uint8_t)severity_of(finding->circumstance)->type, (uint8_t)finding->scope};
        XXH3_128bits_update(state, head, sizeof head);
        if (finding->scope == APNWATCH__V1__ALERT__SCOPE__DEVICE && finding->device) {
                uint8_t context[2] = {(uint8_t)finding->device->context, (uint8_t)(finding->device->context >> 8)};
                XXH3_128bits_update(state, context, sizeof context);
                XXH3_128bits_update(state, &finding->device->address, sizeof finding->device->address);
        } else {
                hash_text(state, finding->fleet);
        }
        hash_text(state, finding->peer);
}

static struct cause cause_of(const struct finding *finding)
{
        XXH3_state_t state;
        XXH3_128bits_reset(&state);
        hash_owner(&state, finding);
        uint8_t tail[3] = {finding->protocol, (uint8_t)finding->port, (uint8_t)(finding->port >> 8)};
        XXH3_128bits_update(&state, tail, sizeof tail);
        hash_text(&state, finding->object);
        if (finding->subject != 0)
                XXH3_128bits_update(&state, &finding->subject, sizeof finding->subject);
        return (struct cause){XXH3_128bits_digest(&state)};
}

static void put_le64(uint8_t *out, uint64_t value)
{
        for (int i = 0; i < 8; i++)
                out[i] = (uint8_t)(value >> (8 * i));
}

/* 32 hex digits of type, scope, device or fleet, peer and the order key of the first event. */
static void write_id(char id[33], const struct finding *finding, const struct order *order)
{
        XXH3_state_t state;
        XXH128_canonical_t digest;
        uint8_t key[32];
        XXH3_128bits_reset(&state);
        hash_owner(&state, finding);
        put_le64(key, order->clock);
        put_le64(key + 8, order->frame);
        put_le64(key + 16, order->shard);
        put_le64(key + 24, order->index);
        XXH3_128bits_update(&state, key, sizeof key);
        if (order->life > 0) {
                put_le64(key, order->life);
                XXH3_128bits_update(&state, key, 8);
        }
        XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(&state));
        text_hex(digest.digest, sizeof digest.digest, id);
}

static struct alert **queue_of(struct alert_book *book, const struct alert *alert)
{
        return alert->is_closed ? &book->closed : &book->open[finding_quiet(alert->type)];
}

/* The queue's tail is `prev` of its head (utlist). */
static void enqueue(struct alert_book *book, struct alert *alert)
{
        DL_APPEND(*queue_of(book, alert), alert);
}

static void dequeue(struct alert_book *book, struct alert *alert)
{
        DL_DELETE(*queue_of(book, alert), alert);
}

static Apnwatch__V1__Alert__State state_of(const struct alert *alert)
{
        if (alert->is_closed)
                return APNWATCH__V1__ALERT__STATE__CLOSE;
        return alert->revision == 1 ? APNWATCH__V1__ALERT__STATE__OPEN : APNWATCH__V1__ALERT__STATE__UPDATE;
}

static void overlay_flow(const struct alert_numbers *numbers, Apnwatch__V1__AlertFlow *flow)
{
        flow->has_bytes_up = flow->has_bytes_down = flow->has_packets = numbers->packets > 0;
        flow->bytes_up = numbers->bytes_up;
        flow->bytes_down = numbers->bytes_down;
        flow->packets = numbers->packets;
}

static uint32_t cadence_of(const struct alert *alert)
{
        if (alert->type != LOCATION_REPORT || alert->reports_spaced < 2)
                return 0;
        return (uint32_t)((alert->last_ns - alert->first_ns) / 1000000000 / (int64_t)(alert->reports_spaced - 1));
}

static void overlay_detail(const struct alert *alert, Apnwatch__V1__Detail *detail)
{
        if (detail->has_answered)
                detail->answered = alert->numbers.answered;
        if (alert->numbers.object_size > 0 && detail->object) {
                detail->object->has_size = true;
                detail->object->size = alert->numbers.object_size;
        }
        if (alert->numbers.flows > 0) {
                detail->has_undetermined = detail->has_flows = true;
                detail->undetermined = alert->numbers.undetermined;
                detail->flows = alert->numbers.flows;
        }
        if (alert->numbers.dropped > 0) {
                detail->has_dropped = true;
                detail->dropped = alert->numbers.dropped;
                detail->has_received = alert->numbers.received > 0;
                detail->received = alert->numbers.received;
        }
        if (alert->numbers.silent_s > 0) {
                detail->has_silent_s = true;
                detail->silent_s = alert->numbers.silent_s;
        }
        detail->cadence_s = cadence_of(alert);
        detail->has_cadence_s = detail->cadence_s > 0;
}

static void add_evidence(const struct alert_book *book, const struct alert *alert, struct composed_alert *out)
{
        Apnwatch__V1__Alert *message = out->message;
        size_t count = message->n_evidence < 1 + MORE_EVIDENCE ? message->n_evidence : 1 + MORE_EVIDENCE;
        for (size_t i = 0; i < count; i++)
                out->evidence[i] = message->evidence[i];
        for (unsigned i = 0; i < alert->more_count && count < 1 + MORE_EVIDENCE; i++) {
                const char *name = book->settings.input_name(book->settings.context, alert->more[i].file);
                apnwatch__v1__evidence__init(&out->extra[i]);
                out->extra[i].file = (char *)name;
                out->extra[i].has_frame = true;
                out->extra[i].frame = alert->more[i].frame;
                out->evidence[count++] = &out->extra[i];
        }
        message->evidence = out->evidence;
        message->n_evidence = count;
}

static Apnwatch__V1__Alert *unpack_alert(struct wire_arena *arena, const struct alert *alert)
{
        ProtobufCMessage *message;
        do
                message = wire_unpack(arena, &apnwatch__v1__alert__descriptor, alert->packed, alert->packed_length);
        while (message == NULL && arena_grow(arena));
        return (Apnwatch__V1__Alert *)message;
}

bool alert_compose(const struct alert_book *book, const struct alert *alert, struct composed_alert *out)
{
        Apnwatch__V1__Alert *message = unpack_alert(book->arena, alert);
        if (message == NULL)
                return false;
        message->revision = alert->revision;
        message->state = state_of(alert);
        message->severity = (Apnwatch__V1__Alert__Severity)alert->severity;
        message->score = alert->score;
        message->confidence = (Apnwatch__V1__Alert__Confidence)alert->confidence;
        message->count = alert->count;
        message->first->ns = (uint64_t)alert->first_ns;
        message->last->ns = (uint64_t)alert->last_ns;
        if (message->flow)
                overlay_flow(&alert->numbers, message->flow);
        if (message->detail)
                overlay_detail(alert, message->detail);
        out->message = message;
        add_evidence(book, alert, out);
        return true;
}

static void deliver(struct alert_book *book, struct alert *alert)
{
        struct composed_alert composed;
        uint8_t cause[CAUSE_ROOM];
        if (!alert_compose(book, alert, &composed))
                return;
        Apnwatch__V1__Alert *message = composed.message;
        if (alert->devices) {
                message->devices = device_set_texts(alert->devices, &message->n_devices);
                message->has_device_count = true;
                message->device_count = device_set_count(alert->devices);
        }
        size_t cause_length = book->settings.revisions ? alert_pack_cause(alert, cause) : 0;
        book->settings.deliver(book->settings.context, message, cause_length > 0 ? cause : NULL, cause_length);
        if (alert->devices)
                free(message->devices);
}

static void clear_due(struct alert_book *book, struct alert *alert)
{
        if (alert->is_due)
                DL_DELETE2(book->due, alert, due_prev, due_next);
        alert->is_due = false;
}

static void revise(struct alert_book *book, struct alert *alert, int64_t clock_ns)
{
        clear_due(book, alert);
        alert->revision++;
        alert->revised_ns = clock_ns;
        alert->told_count = alert->count;
        alert->told_severity = alert->severity;
        alert->is_dirty = false;
        if (book->settings.revisions)
                deliver(book, alert);
}

static void revise_when_due(struct alert_book *book, struct alert *alert, int64_t clock_ns)
{
        if (alert->severity <= alert->told_severity && alert->count < 2 * alert->told_count)
                return;
        if (clock_ns - alert->revised_ns >= revision_pause_ns) {
                revise(book, alert, clock_ns);
        } else if (!alert->is_due) {
                alert->is_due = true;
                DL_APPEND2(book->due, alert, due_prev, due_next);
        }
}

static void forget_cause(struct alert_book *book, struct alert *alert)
{
        if (alert->has_cause)
                HASH_DEL(book->by_cause, alert);
        alert->has_cause = false;
}

void alert_book_remove(struct alert_book *book, struct alert *alert)
{
        clear_due(book, alert);
        forget_cause(book, alert);
        dequeue(book, alert);
        device_set_destroy(alert->devices);
        free(alert);
        book->count--;
}

void alert_book_insert(struct alert_book *book, struct alert *alert, bool is_due)
{
        struct alert **queue = queue_of(book, alert), *at = *queue ? (*queue)->prev : NULL;
        while (at && at->active_ns > alert->active_ns)
                at = at == *queue ? NULL : at->prev;
        if (at)
                DL_APPEND_ELEM(*queue, at, alert);
        else
                DL_PREPEND(*queue, alert);
        HASH_ADD(hh, book->by_cause, cause, sizeof alert->cause, alert);
        alert->has_cause = true;
        book->tally[alert->type][alert->severity]++;
        book->count++;
        if (is_due)
                DL_APPEND2(book->due, alert, due_prev, due_next);
        alert->is_due = is_due;
}

/* A closed alert stays known by its cause, so that the late end of a flow that it counted opens no new one. */
static void close_alert(struct alert_book *book, struct alert *alert, int64_t clock_ns)
{
        dequeue(book, alert);
        alert->is_closed = true;
        enqueue(book, alert);
        revise(book, alert, clock_ns);
}

static struct alert *alert_to_evict(const struct alert_book *book)
{
        if (book->closed)
                return book->closed;
        struct alert *silent = NULL;
        for (int i = 0; i < QUIET_CLASSES; i++) {
                struct alert *head = book->open[i];
                if (head && (silent == NULL || head->active_ns < silent->active_ns))
                        silent = head;
        }
        return silent;
}

static void make_room(struct alert_book *book, int64_t clock_ns)
{
        while (book->count >= book->settings.limit) {
                struct alert *alert = alert_to_evict(book);
                if (!alert->is_closed)
                        close_alert(book, alert, clock_ns);
                if (!book->settings.revisions)
                        deliver(book, alert);
                alert_book_remove(book, alert);
                book->evictions++;
        }
}

static struct order order_of(const struct alert_book *book, const event_t *event)
{
        bool again = book->settings.revisions && event->clock <= book->floor;
        return (struct order){event->clock, event->frame, event->shard, event->index, again ? book->life : 0};
}

static size_t pack_message(struct wire_arena *arena, const Apnwatch__V1__Alert *message)
{
        size_t length;
        do
                length = wire_pack(&message->base, arena->memory, arena->size);
        while (length == 0 && arena_grow(arena));
        return length;
}

/* What the detector drafted, completed and packed behind a new record. */
static struct alert *pack_alert(struct alert_book *book, const struct finding *finding, const event_t *event)
{
        const struct severity_row *row = severity_of(finding->circumstance);
        struct order order = order_of(book, event);
        char id[33], address[ADDRESS_TEXT_SIZE], *devices[1] = {address};
        Apnwatch__V1__Time time = APNWATCH__V1__TIME__INIT;
        Apnwatch__V1__Alert message = APNWATCH__V1__ALERT__INIT;
        time.ns = (uint64_t)finding->time_ns;
        message.title = (char *)"";
        finding->draft(finding->context, &message);
        write_id(id, finding, &order);
        message.id = id;
        message.sensor = (char *)book->settings.sensor;
        message.type = (char *)finding_type_text(row->type);
        message.scope = finding->scope;
        message.time = message.first = message.last = &time;
        message.attack = (char **)row->attack;
        while (message.n_attack < 3 && row->attack[message.n_attack])
                message.n_attack++;
        if (finding->scope == APNWATCH__V1__ALERT__SCOPE__DEVICE && finding->device) {
                address_text(&finding->device->address, address);
                message.devices = devices;
                message.n_devices = 1;
                message.has_device_count = true;
                message.device_count = 1;
        }
        size_t length = pack_message(book->arena, &message);
        struct alert *alert = length > 0 ? calloc(1, sizeof *alert + length) : NULL;
        if (alert == NULL)
                return NULL;
        memcpy(alert->packed, book->arena->memory, length);
        alert->packed_length = (uint32_t)length;
        alert->type = row->type;
        alert->order = order;
        return alert;
}

static uint8_t confidence_of(const struct finding *finding)
{
        if (finding->possible_only)
                return APNWATCH__V1__ALERT__CONFIDENCE__POSSIBLE;
        return (uint8_t)severity_of(finding->circumstance)->confidence;
}

static void raise_severity(struct alert_book *book, struct alert *alert, const struct finding *finding)
{
        const struct severity_row *row = severity_of(finding->circumstance);
        if (row->severity > alert->severity) {
                book->tally[alert->type][alert->severity]--;
                book->tally[alert->type][row->severity]++;
                alert->severity = (uint8_t)row->severity;
        }
        if (row->score > alert->score)
                alert->score = row->score;
        if (confidence_of(finding) < alert->confidence) /* CONFIRMED is the least number */
                alert->confidence = confidence_of(finding);
}

static bool open_alert(struct alert_book *book, const struct finding *finding, struct cause cause, const event_t *event)
{
        const struct severity_row *row = severity_of(finding->circumstance);
        int64_t clock_ns = (int64_t)event->clock;
        make_room(book, clock_ns);
        struct alert *alert = pack_alert(book, finding, event);
        if (alert == NULL)
                return false;
        alert->cause = cause;
        alert->severity = (uint8_t)row->severity;
        alert->score = row->score;
        alert->confidence = confidence_of(finding);
        alert->count = alert->reports_spaced = 1;
        alert->first_ns = finding->time_ns;
        alert->last_ns = finding->last_ns > finding->time_ns ? finding->last_ns : finding->time_ns;
        alert->active_ns = clock_ns;
        alert->first_flow = alert->recent_flows[0] = finding->flow;
        alert->numbers = finding->numbers;
        alert->last_file = finding->file;
        alert->last_frame = finding->frame;
        if (finding->scope != APNWATCH__V1__ALERT__SCOPE__DEVICE && finding->device)
                alert->devices = device_set_add(NULL, finding->device);
        book->tally[alert->type][alert->severity]++;
        book->count++;
        HASH_ADD(hh, book->by_cause, cause, sizeof alert->cause, alert);
        alert->has_cause = true;
        enqueue(book, alert);
        revise(book, alert, clock_ns);
        return true;
}

static bool knows_flow(const struct alert *alert, uint64_t flow)
{
        for (unsigned i = 0; i < RECENT_FLOWS; i++) {
                if (alert->recent_flows[i] == flow)
                        return flow != 0;
        }
        return false;
}

static void remember_flow(struct alert *alert, uint64_t flow)
{
        memmove(alert->recent_flows + 1, alert->recent_flows, sizeof alert->recent_flows - sizeof *alert->recent_flows);
        alert->recent_flows[0] = flow;
}

static void take_numbers(struct alert *alert, const struct finding *finding)
{
        struct alert_numbers *numbers = &alert->numbers;
        const struct alert_numbers *fresh = &finding->numbers;
        if (finding->flow == alert->first_flow && fresh->packets >= numbers->packets) {
                numbers->bytes_up = fresh->bytes_up;
                numbers->bytes_down = fresh->bytes_down;
                numbers->packets = fresh->packets;
        }
        if (fresh->object_size > numbers->object_size)
                numbers->object_size = fresh->object_size;
        if (fresh->flows > 0) {
                numbers->undetermined = fresh->undetermined;
                numbers->flows = fresh->flows;
        }
        numbers->dropped += fresh->dropped;
        numbers->received += fresh->received;
        if (fresh->silent_s > 0)
                numbers->silent_s = fresh->silent_s;
        numbers->answered |= fresh->answered;
}

static void take_evidence(struct alert *alert, const struct finding *finding)
{
        bool is_new = finding->frame != alert->last_frame || finding->file != alert->last_file;
        if (finding->has_frame && is_new && alert->more_count + alert->more_packed < MORE_EVIDENCE) {
                alert->more[alert->more_count].file = finding->file;
                alert->more[alert->more_count++].frame = finding->frame;
        }
        alert->last_file = finding->file;
        alert->last_frame = finding->frame;
}

static void grow_alert(struct alert_book *book, struct alert *alert, const struct finding *finding, int64_t clock_ns)
{
        bool counts = finding->counts && (finding->every_time || !knows_flow(alert, finding->flow));
        if (counts) {
                alert->count++;
                if (finding->time_ns / 1000000000 > alert->last_ns / 1000000000)
                        alert->reports_spaced++;
                take_evidence(alert, finding);
                if (finding->flow != 0 && !knows_flow(alert, finding->flow))
                        remember_flow(alert, finding->flow);
                if (alert->devices && finding->device)
                        alert->devices = device_set_add(alert->devices, finding->device);
        }
        take_numbers(alert, finding);
        raise_severity(book, alert, finding);
        if (finding->time_ns < alert->first_ns)
                alert->first_ns = finding->time_ns;
        if (finding->last_ns > alert->last_ns && (counts || !finding->every_time))
                alert->last_ns = finding->last_ns;
        alert->active_ns = clock_ns;
        alert->is_dirty = true;
        dequeue(book, alert);
        enqueue(book, alert);
        revise_when_due(book, alert, clock_ns);
}

/* Where time goes back, what opens until it has caught up could get an id that there was already. */
static void watch_clock(struct alert_book *book, uint64_t clock)
{
        if (book->allows_late)
                return;
        if (clock < book->clock) {
                book->life++;
                if (book->clock > book->floor)
                        book->floor = book->clock;
        }
        book->clock = clock;
}

void alert_book_allow_late(struct alert_book *book, bool allow)
{
        book->allows_late = allow;
}

bool alert_book_report(struct alert_book *book, const struct finding *finding, const event_t *event)
{
        watch_clock(book, event->clock);
        struct cause cause = cause_of(finding);
        struct alert *alert;
        HASH_FIND(hh, book->by_cause, &cause, sizeof cause, alert);
        if (alert && !alert->is_closed) {
                grow_alert(book, alert, finding, (int64_t)event->clock);
                return false;
        }
        if (!finding->counts || (alert && !finding->every_time && knows_flow(alert, finding->flow)))
                return false;
        if (alert)
                forget_cause(book, alert);
        return open_alert(book, finding, cause, event);
}

bool alert_book_settle(struct alert_book *book, const struct finding *finding, const event_t *event)
{
        struct cause cause = cause_of(finding);
        struct alert *alert;
        HASH_FIND(hh, book->by_cause, &cause, sizeof cause, alert);
        if (alert == NULL || alert->is_closed)
                return false;
        take_numbers(alert, finding);
        if (finding->last_ns > alert->last_ns)
                alert->last_ns = finding->last_ns;
        close_alert(book, alert, (int64_t)event->clock);
        return true;
}

void alert_book_begin_anew(struct alert_book *book, int64_t clock_ns, int64_t new_clock_ns)
{
        for (int i = 0; i < QUIET_CLASSES; i++) {
                while (i != QUIET_NEVER && book->open[i])
                        close_alert(book, book->open[i], clock_ns);
        }
        struct alert *alert;
        DL_FOREACH(book->open[QUIET_NEVER], alert)
        {
                if (book->settings.revisions && alert->revised_ns > new_clock_ns)
                        alert->revised_ns = new_clock_ns;
        }
}

static void forget_flows(struct alert *alert)
{
        alert->first_flow = 0;
        for (unsigned i = 0; i < RECENT_FLOWS; i++)
                if (alert->recent_flows[i] != FINDING_ONCE)
                        alert->recent_flows[i] = 0;
}

void alert_book_new_run(struct alert_book *book, bool other_contexts)
{
        struct alert *alert, *next;
        HASH_ITER(hh, book->by_cause, alert, next)
        {
                forget_flows(alert);
                if (other_contexts)
                        forget_cause(book, alert);
        }
}

void alert_book_tick(struct alert_book *book, int64_t clock_ns)
{
        for (int i = 0; i < QUIET_CLASSES; i++) {
                int64_t quiet = quiet_ns((enum quiet)i);
                while (book->open[i] && clock_ns - book->open[i]->active_ns >= quiet)
                        close_alert(book, book->open[i], clock_ns);
        }
        struct alert *alert, *next;
        DL_FOREACH_SAFE2(book->due, alert, next, due_next)
        {
                if (clock_ns - alert->revised_ns >= revision_pause_ns)
                        revise(book, alert, clock_ns);
        }
        /* In `live` what is closed was delivered; it is known for another day, in case that a flow of it ends late. */
        while (book->settings.revisions && book->closed && clock_ns - book->closed->active_ns >= 2 * quiet_ns(QUIET_DAY))
                alert_book_remove(book, book->closed);
}

static int by_order(const void *a, const void *b)
{
        const struct order *x = &(*(struct alert *const *)a)->order, *y = &(*(struct alert *const *)b)->order;
        if (x->clock != y->clock)
                return x->clock < y->clock ? -1 : 1;
        if (x->frame != y->frame)
                return x->frame < y->frame ? -1 : 1;
        if (x->shard != y->shard)
                return x->shard < y->shard ? -1 : 1;
        if (x->index != y->index)
                return x->index < y->index ? -1 : 1;
        int type = (int)(*(struct alert *const *)a)->type - (int)(*(struct alert *const *)b)->type;
        return type ? type : memcmp(*(struct alert *const *)a, *(struct alert *const *)b, sizeof(struct cause));
}

static void collect(struct alert *queue, struct alert **all, uint32_t *count)
{
        struct alert *alert;
        DL_FOREACH(queue, alert)
        {
                all[(*count)++] = alert;
        }
}

void alert_book_finish(struct alert_book *book)
{
        uint32_t count = 0;
        struct alert **all = malloc((book->count ? book->count : 1) * sizeof(struct alert *));
        if (all == NULL)
                return;
        for (int i = 0; i < QUIET_CLASSES; i++)
                collect(book->open[i], all, &count);
        collect(book->closed, all, &count);
        qsort(all, count, sizeof *all, by_order);
        for (uint32_t i = 0; i < count; i++) {
                if (all[i]->is_dirty) /* delivers in `live` */
                        revise(book, all[i], all[i]->active_ns);
                if (book->settings.revisions)
                        continue; /* what is open stays open: it is saved, and goes on in the next run */
                deliver(book, all[i]);
                alert_book_remove(book, all[i]);
        }
        free(all);
}

/* Without taking them out one by one: the whole book goes. */
static void destroy_queue(struct alert *queue)
{
        while (queue != NULL) {
                struct alert *next = queue->next;
                device_set_destroy(queue->devices);
                free(queue);
                queue = next;
        }
}

void alert_book_destroy(struct alert_book *book)
{
        if (book == NULL)
                return;
        HASH_CLEAR(hh, book->by_cause);
        for (int i = 0; i < QUIET_CLASSES; i++)
                destroy_queue(book->open[i]);
        destroy_queue(book->closed);
        if (book->arena != NULL)
                free(book->arena->memory);
        free(book->arena);
        free(book);
}

uint64_t alert_book_count(const struct alert_book *book, enum finding_type type, int severity)
{
        return book->tally[type][severity];
}

uint64_t alert_book_evictions(const struct alert_book *book)
{
        return book->evictions;
}
