/* update.pull, update.unauthorised, update.out_of_window, update.insecure.
 *
 * An update is 32 KiB or more towards the device from a name or address that intel knows for updates, however it is
 * encrypted; or an HTTP or FTP exchange whose host, path, user agent or type is a known vendor's, or that fetches what looks
 * like a firmware image (judge/update_image.h) from anywhere. A smaller answer is a check-in. Parts that are fetched by
 * ranges are added up. Windows are judged by the start of the transfer.
 *
 * Left out: what is inside encrypted updates, CoAP block transfers, hashes of objects, commands that trigger an update. */
#include "judge/detectors/detectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "judge/draft.h"
#include "judge/judge_state.h"
#include "judge/update_source.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { IMAGE_LEAST = 32 * 1024, PART_SLOTS = 4096, TLS_1_2 = 0x0303, DTLS_1_0 = 0xfeff };

struct update_state {
        struct {
                uint64_t key;   /* device, host and path */
                uint64_t moved;
        } parts[PART_SLOTS];    /* a newer object takes the slot of an older one */
};

static void *create(struct judge *judge)
{
        (void)judge;
        return calloc(1, sizeof(struct update_state));
}

static bool begins_with_digit(uint32_t status, uint32_t digit)
{
        return status / 100 == digit;
}

static bool is_ftp(const Apnwatch__V1__Transfer *transfer)
{
        return strcasecmp(transfer->protocol, "FTP") == 0;
}

static bool has_succeeded(const Apnwatch__V1__Transfer *transfer)
{
        if (is_ftp(transfer)) /* 150 opens the data connection, 226 ends it */
                return !transfer->has_status || begins_with_digit(transfer->status, 1) ||
                       begins_with_digit(transfer->status, 2);
        if (transfer->pushed && !transfer->has_status) /* the device has not answered yet */
                return true;
        return transfer->has_status && begins_with_digit(transfer->status, 2);
}

/* From the peer to the device: fetched by the device, or pushed to it. */
static bool goes_to_device(const struct sighting *s, const Apnwatch__V1__Transfer *transfer)
{
        if (is_ftp(transfer)) {
                bool is_server =
                        s->contact.opener == OPENER_PEER && (s->contact.device_port == 21 || s->contact.device_port == 20);
                bool stores = transfer->method &&
                              (strcasecmp(transfer->method, "STOR") == 0 || strcasecmp(transfer->method, "APPE") == 0);
                return is_server ? stores || transfer->pushed : !stores;
        }
        return transfer->pushed || s->contact.opener != OPENER_PEER;
}

static uint64_t object_key(const struct sighting *s, const Apnwatch__V1__Transfer *transfer)
{
        const char *path = transfer->path ? transfer->path : "";
        uint64_t key = XXH3_64bits_withSeed(&s->key.address, sizeof s->key.address, s->key.context);
        key = XXH3_64bits_withSeed(&s->contact.peer, sizeof s->contact.peer, key);
        if (transfer->host)
                key = XXH3_64bits_withSeed(transfer->host, strlen(transfer->host), key);
        return XXH3_64bits_withSeed(path, strlen(path), key);
}

/* Whether enough of the object has moved, with the parts of it that came before. */
static bool is_large(struct update_state *state, const struct sighting *s, const Apnwatch__V1__Transfer *transfer)
{
        if (transfer->moved >= IMAGE_LEAST)
                return true;
        bool is_part = transfer->status == 206 && (!transfer->has_size || transfer->size >= IMAGE_LEAST);
        if (!is_part || transfer->phase != APNWATCH__V1__TRANSFER__PHASE__ENDED)
                return false;
        uint64_t key = object_key(s, transfer);
        unsigned slot = (unsigned)key % PART_SLOTS;
        if (state->parts[slot].key != key) {
                state->parts[slot].key = key;
                state->parts[slot].moved = 0;
        }
        state->parts[slot].moved += transfer->moved;
        return state->parts[slot].moved >= IMAGE_LEAST;
}

struct pull {
        struct sighting *sighting;
        const Apnwatch__V1__Transfer *transfer; /* NULL: not readable */
        struct update_source source;
        int64_t start_ns;
        char object_name[128], object_type[24], evidence[256], path_key[256];
};

static void describe_object(struct pull *pull, struct draft *draft)
{
        const Apnwatch__V1__Transfer *transfer = pull->transfer;
        Apnwatch__V1__Object *object = &draft->object;
        if (transfer == NULL)
                return;
        if (update_image_name(transfer, pull->object_name, sizeof pull->object_name)[0])
                object->name = pull->object_name;
        const char *dot = strrchr(pull->object_name, '.');
        if (transfer->image)
                snprintf(pull->object_type, sizeof pull->object_type, "%s", transfer->image);
        else if (dot && strlen(dot) > 1 && strlen(dot) < 8)
                snprintf(pull->object_type, sizeof pull->object_type, "%s", dot + 1);
        object->type = pull->object_type[0] ? pull->object_type : NULL;
        object->has_size = transfer->has_size || (transfer->has_complete && transfer->complete);
        object->size = transfer->has_size ? transfer->size : transfer->moved;
        if (object->has_size)
                draft->finding.numbers.object_size = object->size;
        draft->detail.object = object;
}

static void describe_transfer(struct pull *pull, struct draft *draft)
{
        const Apnwatch__V1__Transfer *transfer = pull->transfer;
        draft->detail.host = (char *)pull->sighting->contact.name;
        draft->detail.signature = (char *)(transfer ? "not_recognised" : "not_visible");
        if (transfer == NULL)
                return;
        draft->detail.host = transfer->host ? transfer->host : draft->detail.host;
        draft->detail.path = transfer->path;
        draft->detail.user_agent = transfer->user_agent;
        draft->detail.protocol = transfer->protocol;
        snprintf(pull->evidence, sizeof pull->evidence, "%s %.80s%.140s",
                 transfer->method ? transfer->method : transfer->protocol, transfer->host ? transfer->host : "",
                 transfer->path ? transfer->path : "");
        draft->evidence = pull->evidence;
        if (transfer->has_request_frame) {
                draft->finding.has_frame = true;
                draft->finding.file = transfer->request_file;
                draft->finding.frame = transfer->request_frame;
        }
}

static void begin_draft(struct pull *pull, struct draft *draft, enum circumstance circumstance, const char *what)
{
        const struct sighting *s = pull->sighting;
        draft_of_flow(draft, s, circumstance, what);
        draft->rule = pull->source.rule;
        draft->intel = pull->source.row;
        draft->finding.port = 0; /* control and data connections, retries over another port: one source */
        draft->finding.protocol = 0;
        draft->finding.time_ns = pull->start_ns;
        if (s->event->has_time && (int64_t)s->event->time > draft->finding.last_ns && pull->transfer)
                draft->finding.last_ns = (int64_t)s->event->time;
        draft->finding.possible_only = pull->source.row == NULL && pull->source.guess == IMAGE_POSSIBLE;
        draft->detail.mode = (char *)pull->source.mode;
        draft->detail.controller = (char *)pull->source.controller;
        draft->detail.target = (char *)pull->source.target;
        describe_transfer(pull, draft);
        describe_object(pull, draft);
}

static bool is_direct(const struct pull *pull)
{
        return strcmp(pull->source.mode, "direct") == 0;
}

static void tell_pull(struct pull *pull)
{
        struct draft draft;
        bool is_planned = update_is_planned(pull->sighting, &pull->source);
        enum circumstance circumstance = is_planned ? PULL_PLANNED : is_direct(pull) ? PULL_DIRECT : PULL_OTHER;
        begin_draft(pull, &draft, circumstance, is_planned ? "Planned update from" : "Update image from");
        draft_report(&draft);
}

static void tell_unauthorised(struct pull *pull)
{
        struct draft draft;
        if (pull->source.verdict != SOURCE_FORBIDDEN)
                return;
        begin_draft(pull, &draft, is_direct(pull) ? UNAUTHORISED_DIRECT : UNAUTHORISED_OTHER,
                    "Update from a source that policy does not name");
        draft_report(&draft);
}

static void tell_out_of_window(struct pull *pull)
{
        struct draft draft;
        if (pull->source.in_window)
                return;
        begin_draft(pull, &draft, OUT_OF_WINDOW, "Update outside its windows from");
        draft.detail.window = pull->sighting->fleet->windows_text;
        draft_report(&draft);
}

static const char *obsolete_tls(const Apnwatch__V1__Flow *flow)
{
        uint32_t version = flow->has_tls_version ? flow->tls_version : TLS_1_2;
        switch (version) {
        case 0x0002: return "SSL 2.0";
        case 0x0300: return "SSL 3.0";
        case 0x0301: return "TLS 1.0";
        case 0x0302: return "TLS 1.1";
        case DTLS_1_0: return "DTLS 1.0";
        default: return NULL;
        }
}

/* Once for each host and path of a fleet; a query may hold what is the device's own. */
static void tell_insecure(struct pull *pull)
{
        struct draft draft;
        const Apnwatch__V1__Transfer *transfer = pull->transfer;
        const char *transport = transfer ? transfer->protocol : obsolete_tls(pull->sighting->flow);
        if (transport == NULL)
                return;
        begin_draft(pull, &draft, transfer ? INSECURE_CLEAR : INSECURE_OBSOLETE_TLS,
                    transfer ? "Update image in clear from" : "Update over obsolete TLS from");
        draft.is_about_fleet = true;
        draft.detail.transport = (char *)transport;
        if (transfer && transfer->path) {
                snprintf(pull->path_key, sizeof pull->path_key, "%.*s", (int)strcspn(transfer->path, "?#"), transfer->path);
                draft.finding.object = pull->path_key;
        }
        if (transfer && transfer->host)
                draft.finding.peer = transfer->host;
        draft_report(&draft);
}

static void tell(struct pull *pull)
{
        tell_pull(pull);
        tell_unauthorised(pull);
        tell_out_of_window(pull);
        tell_insecure(pull);
}

static void on_transfer(struct update_state *state, struct sighting *s)
{
        const Apnwatch__V1__Transfer *transfer = s->event->transfer;
        struct address address;
        if (!goes_to_device(s, transfer) || !has_succeeded(transfer) || !is_large(state, s, transfer))
                return;
        if (transfer->host && !address_parse(transfer->host, &address))
                sighting_set_name(s, transfer->host);
        struct pull pull = {.sighting = s, .transfer = transfer, .start_ns = (int64_t)transfer->start};
        if (update_source_of(s, transfer, pull.start_ns, &pull.source))
                tell(&pull);
}

static bool is_about_volume(const Apnwatch__V1__FlowNews *news)
{
        return news->phase == APNWATCH__V1__FLOW_NEWS__PHASE__UPDATE || news->phase == APNWATCH__V1__FLOW_NEWS__PHASE__END;
}

static uint64_t moved_to_device(const struct sighting *s)
{
        const Apnwatch__V1__Flow *flow = s->flow;
        if (flow->has_payload_down || flow->has_payload_up)
                return s->is_swapped ? flow->payload_up : flow->payload_down;
        return s->is_swapped ? flow->bytes_up : flow->bytes_down;
}

static void on_flow(struct sighting *s)
{
        if (!is_about_volume(s->event->flow_news) || moved_to_device(s) < IMAGE_LEAST)
                return;
        struct pull pull = {.sighting = s, .start_ns = (int64_t)s->flow->start};
        if (update_source_of(s, NULL, pull.start_ns, &pull.source))
                tell(&pull);
}

static void on_event(struct judge *judge, void *state, struct sighting *s)
{
        (void)judge;
        if (sighting_from_infrastructure(s))
                return;
        if (s->event->body_case == APNWATCH__V1__EVENT__BODY_TRANSFER)
                on_transfer(state, s);
        else
                on_flow(s);
}

static int save(const void *context, struct state_writer *writer)
{
        const struct update_state *state = context;
        Apnwatch__V1__StateRecord record = APNWATCH__V1__STATE_RECORD__INIT;
        Apnwatch__V1__SavedPart saved = APNWATCH__V1__SAVED_PART__INIT;
        record.body_case = APNWATCH__V1__STATE_RECORD__BODY_UPDATE_PART;
        record.update_part = &saved;
        for (unsigned i = 0; i < PART_SLOTS; i++) {
                saved.key = state->parts[i].key;
                saved.moved = state->parts[i].moved;
                if (saved.moved > 0)
                        state_write(writer, &record);
        }
        return writer->error;
}

static bool load(void *context, const Apnwatch__V1__StateRecord *record)
{
        struct update_state *state = context;
        if (record->body_case != APNWATCH__V1__STATE_RECORD__BODY_UPDATE_PART)
                return false;
        unsigned slot = (unsigned)record->update_part->key % PART_SLOTS;
        state->parts[slot].key = record->update_part->key;
        state->parts[slot].moved = record->update_part->moved;
        return true;
}

const struct detector update_detector = {
        .name = "update",
        .wants = DETECTOR_WANTS(FLOW_NEWS) | DETECTOR_WANTS(TRANSFER),
        .view = OPENER_FIRST,
        .create = create,
        .destroy = free,
        .on_event = on_event,
        .save = save,
        .load = load,
};
