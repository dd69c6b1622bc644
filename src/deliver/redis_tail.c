#include "deliver/redis_tail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>
#include <hiredis/hiredis.h>

#include "base/log.h"
#include "base/text.h"
#include "deliver/redis_entry.h"
#include "deliver/tail_entry.h"
#include "deliver/tail_memory.h"
#include "deliver/tail_streams.h"

enum {
        BLOCK_MS = 2000,         /* so often there is time for the rest */
        LOOK_MS = 10000,         /* for streams, and for holes */
        CLAIM_MS = 60000,        /* between claims; and what has been idle for so long is claimed */
        SAVE_MS = 1000,
        ENTRIES_AT_ONCE = 100,   /* of a stream */
        ALL_AT_ONCE = 1000,
        LINES_BYTES = 1 << 20,
        ACKS_AT_ONCE = 1024,
};

struct taken {
        struct entry_id id;
        unsigned stream;
        size_t end;                /* of its line within tail->lines */
};

struct taken_list {
        struct taken *entries;
        unsigned count, size;
};

struct redis_tail {
        struct redis_tail_settings settings;
        struct redis_link *link;
        struct event *timer;       /* while there is no stream to wait for; and to finish from the loop */
        struct tail_streams streams;
        struct tail_memory *memory; /* in a group */
        struct wire_arena arena;
        struct json_buffer lines;
        struct redis_tail_numbers numbers;

        struct taken_list taken;   /* in tail->lines, not yet printed */
        struct taken_list acks;    /* printed; the server does not say yet that it knows */
        unsigned acks_asked;       /* commands in flight, for all of them */

        bool was_well, is_stopping, is_finished, is_over, is_told;
        bool has_news, cannot_claim;
        int result;
        char trouble[600];         /* the last reason told */
        uint64_t look_ms, claim_ms, save_ms; /* when it is due; monotonic */
        bool is_first_look, is_looking, is_checking;
        char scan_cursor[24];
        unsigned at;               /* the stream that a step is about */
        char block_text[12], count_text[12];
        const char **words;
        size_t *lengths;
        char (*ids)[REDIS_ID_SIZE];
};

static void next_step(struct redis_tail *tail);

static uint64_t now_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The end is told from the loop, so that the caller may close in it. */
static void finish(struct redis_tail *tail, int result)
{
        if (tail->is_finished)
                return;
        tail->is_finished = true;
        tail->result = result;
        event_active(tail->timer, EV_TIMEOUT, 0);
}

/* Sends the first `count` of tail->words; with their lengths by strlen. */
static void ask(struct redis_tail *tail, unsigned count, redis_reply_fn reply)
{
        for (unsigned i = 0; i < count; i++)
                tail->lengths[i] = strlen(tail->words[i]);
        int result = redis_link_command(tail->link, count, tail->words, tail->lengths, reply, tail);
        if (result == -ENOMEM)
                redis_link_drop(tail->link, strerror(ENOMEM));
        redis_link_flush(tail->link);
}

static void ask_words(struct redis_tail *tail, redis_reply_fn reply, unsigned count, const char *const *words)
{
        memcpy(tail->words, words, count * sizeof *words);
        ask(tail, count, reply);
}

/* An error that nobody expected: the connection begins anew, which makes a pause, too. */
static bool is_refused(struct redis_tail *tail, const redisReply *reply)
{
        char why[400];
        if (reply->type != REDIS_REPLY_ERROR)
                return false;
        text_escape(reply->str, reply->len, why, sizeof why);
        redis_link_drop(tail->link, why);
        return true;
}

static bool reply_begins(const redisReply *reply, const char *word)
{
        return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, word, strlen(word)) == 0;
}

/* Printing */

static bool save_position(struct redis_tail *tail)
{
        if (tail->settings.position == NULL || !tail->has_news)
                return true;
        tail->has_news = false;
        int result = tail_streams_save(&tail->streams, tail->settings.position);
        if (result == 0)
                return true;
        log_error("%s: %s", tail->settings.position, strerror(-result));
        finish(tail, result);
        return false;
}

static bool taken_add(struct taken_list *list, struct taken taken)
{
        if (list->count == list->size) {
                unsigned size = list->size ? list->size * 2 : 256;
                struct taken *entries = realloc(list->entries, size * sizeof *entries);
                if (entries == NULL)
                        return false;
                list->entries = entries;
                list->size = size;
        }
        list->entries[list->count++] = taken;
        return true;
}

/* So many bytes of the lines stand on the other side now. */
static void note_written(struct redis_tail *tail, size_t written)
{
        for (unsigned i = 0; i < tail->taken.count && tail->taken.entries[i].end <= written; i++) {
                const struct taken *taken = &tail->taken.entries[i];
                struct tail_stream *stream = &tail->streams.streams[taken->stream];
                if (tail->memory == NULL) {
                        stream->written = taken->id;
                        stream->unwritten--;
                } else if (!taken_add(&tail->acks, *taken)) {
                        log_error("no memory to acknowledge what was printed");
                        finish(tail, -ENOMEM);
                }
        }
        tail->has_news |= tail->taken.count > 0;
        tail->taken.count = 0;
}

/* False: nobody reads any more. */
static bool print_lines(struct redis_tail *tail)
{
        if (tail->lines.failed) {
                log_error("no memory for a line");
                finish(tail, -ENOMEM);
        }
        if (!tail->is_finished && !tail->is_stopping) {
                ssize_t written = 0;
                if (tail->lines.length > 0)
                        written = tail->settings.print(tail->settings.context, tail->lines.text, tail->lines.length);
                if (written < 0)
                        finish(tail, (int)written);
                else
                        note_written(tail, (size_t)written);
                if (written >= 0 && (size_t)written < tail->lines.length)
                        redis_tail_stop(tail);
        }
        json_buffer_reset(&tail->lines);
        return !tail->is_finished && !tail->is_stopping;
}

static void tell_foreign(struct redis_tail *tail, const struct tail_stream *stream, struct entry_id id)
{
        char text[REDIS_ID_SIZE];
        redis_id_write(text, id);
        if (tail->numbers.foreign++ == 0)
                log_warning("%s: entry %s is no alert that this version can read; it is passed over, as others of this kind "
                            "will be",
                            stream->key, text);
}

static void tell_missed(struct redis_tail *tail, const struct tail_stream *stream, uint64_t count)
{
        if (count == 0)
                return;
        tail->numbers.missed += count;
        log_warning("%s: %llu entries went before they were read (the server keeps redis.maxlen of them)", stream->key,
                    (unsigned long long)count);
}

static void count_entry(struct redis_tail *tail, const struct tail_stream *stream, enum tail_entry_kind kind,
                        struct entry_id id)
{
        tail->numbers.alerts += kind == TAIL_ENTRY_ALERT;
        tail->numbers.gaps += kind == TAIL_ENTRY_GAP;
        if (kind == TAIL_ENTRY_GONE)
                tell_missed(tail, stream, 1);
        if (kind == TAIL_ENTRY_FOREIGN)
                tell_foreign(tail, stream, id);
}

/* False: the reply is no entry, or nobody reads any more. */
static bool take_entry(struct redis_tail *tail, struct tail_stream *stream, const redisReply *entry, struct entry_id *id)
{
        unsigned index = (unsigned)(stream - tail->streams.streams);
        size_t length = tail->lines.length;
        enum tail_entry_kind kind = tail_entry_write(entry, stream->sensor, &tail->arena, &tail->lines, id);
        if (kind == TAIL_ENTRY_NONE)
                return false;
        bool is_new = tail->memory ? tail_memory_add(tail->memory, index, *id) : entry_id_compare(*id, stream->read) > 0;
        if (is_new)
                count_entry(tail, stream, kind, *id);
        else
                tail->lines.length = length;
        if ((is_new || tail->memory) &&
            !taken_add(&tail->taken, (struct taken){.id = *id, .stream = index, .end = tail->lines.length})) {
                log_error("no memory for what was read");
                finish(tail, -ENOMEM);
                return false;
        }
        if (is_new && tail->memory == NULL) {
                stream->read = *id;
                stream->count++;
                stream->unwritten++;
        }
        return tail->lines.length < LINES_BYTES || print_lines(tail);
}

/* [[id, fields], ...] of one stream. False: something else came, and the connection is gone; or nobody reads. `last` is of
 * the last entry. */
static bool take_entries(struct redis_tail *tail, struct tail_stream *stream, const redisReply *entries,
                         struct entry_id *last)
{
        bool is_list = entries->type == REDIS_REPLY_ARRAY;
        for (size_t i = 0; is_list && i < entries->elements; i++)
                if (entries->element[i]->type != REDIS_REPLY_NIL) /* Redis 6 claims what was deleted so */
                        is_list = take_entry(tail, stream, entries->element[i], last);
        if (!is_list && !tail->is_finished && !tail->is_stopping)
                redis_link_drop(tail->link, "what the server says is no list of entries");
        return is_list;
}

/* [[key, entries], ...] */
static bool take_streams(struct redis_tail *tail, const redisReply *reply, struct entry_id *last, size_t *count)
{
        *count = 0;
        if (reply->type == REDIS_REPLY_NIL)
                return true;
        for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
                const redisReply *pair = reply->element[i];
                bool is_pair = pair->type == REDIS_REPLY_ARRAY && pair->elements == 2 &&
                               pair->element[0]->type == REDIS_REPLY_STRING;
                struct tail_stream *stream =
                        is_pair ? tail_streams_find(&tail->streams, pair->element[0]->str, pair->element[0]->len) : NULL;
                if (stream == NULL || pair->element[1]->type != REDIS_REPLY_ARRAY) {
                        redis_link_drop(tail->link, "what the server says is no list of streams");
                        return false;
                }
                if (!take_entries(tail, stream, pair->element[1], last))
                        return false;
                *count += pair->element[1]->elements;
        }
        return print_lines(tail);
}

/* Acknowledging */

static void on_ack(void *context, const redisReply *reply)
{
        struct redis_tail *tail = context;
        if (reply_begins(reply, "NOPERM") && is_refused(tail, reply))
                return; /* other errors: the group is gone, and its pending list with it */
        if (--tail->acks_asked > 0)
                return;
        tail->acks.count = 0;
        if (tail->is_stopping)
                finish(tail, 0);
}

/* All that are there, after a reconnect for the second time. One group of commands at a time: more entries are printed only
 * when a read was answered, and then these were, too. */
static void send_acks(struct redis_tail *tail)
{
        const struct taken_list *acks = &tail->acks;
        for (unsigned i = 0; i < acks->count;) {
                unsigned stream = acks->entries[i].stream, count = 0;
                tail->words[count++] = "XACK";
                tail->words[count++] = tail->streams.streams[stream].key;
                tail->words[count++] = tail->settings.group;
                for (unsigned n = 0; i < acks->count && acks->entries[i].stream == stream && n < ACKS_AT_ONCE; n++, i++) {
                        redis_id_write(tail->ids[n], acks->entries[i].id);
                        tail->words[count++] = tail->ids[n];
                }
                tail->acks_asked++;
                ask(tail, count, on_ack);
        }
}

void redis_tail_stop(struct redis_tail *tail)
{
        static const struct timeval patience = {.tv_sec = 2};
        tail->is_stopping = true;
        if (tail->acks.count == 0 || !redis_link_is_ready(tail->link)) {
                finish(tail, 0);
                return;
        }
        if (tail->acks_asked == 0)
                send_acks(tail);
        evtimer_add(tail->timer, &patience);
}

static void go_on(struct redis_tail *tail)
{
        if (tail->acks.count > 0 && tail->acks_asked == 0)
                send_acks(tail);
        next_step(tail);
}

/* Looking for streams */

static void want(struct redis_tail *tail, struct tail_stream *stream)
{
        if (stream == NULL || stream->is_wanted)
                return;
        stream->is_wanted = true;
        stream->begins_at_end = tail->settings.only_new && tail->is_first_look && stream->read.ms == 0 &&
                                stream->read.sequence == 0;
}

static void on_scan(void *context, const redisReply *reply)
{
        struct redis_tail *tail = context;
        if (is_refused(tail, reply))
                return;
        bool is_scan = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                       reply->element[0]->type == REDIS_REPLY_STRING && reply->element[0]->len < sizeof tail->scan_cursor &&
                       reply->element[1]->type == REDIS_REPLY_ARRAY;
        if (!is_scan) {
                redis_link_drop(tail->link, "what the server says is no answer to SCAN");
                return;
        }
        const redisReply *keys = reply->element[1];
        bool was_full = tail->streams.is_full;
        for (size_t i = 0; i < keys->elements; i++)
                if (keys->element[i]->type == REDIS_REPLY_STRING)
                        want(tail, tail_streams_add(&tail->streams, keys->element[i]->str, keys->element[i]->len));
        if (tail->streams.is_full && !was_full)
                log_warning("there are more than %d streams; the rest is not read", TAIL_STREAMS);
        strcpy(tail->scan_cursor, reply->element[0]->str);
        tail->is_looking = strcmp(tail->scan_cursor, "0") != 0;
        tail->is_first_look &= tail->is_looking;
        next_step(tail);
}

static void scan(struct redis_tail *tail)
{
        ask_words(tail, on_scan, 8,
                  (const char *[]){"SCAN", tail->scan_cursor, "MATCH", "apnwatch:{*}:alerts", "COUNT", "1000", "TYPE",
                                   "stream"});
}

/* What a stream holds */

static void on_info(void *context, const redisReply *reply)
{
        struct redis_tail *tail = context;
        struct tail_stream *stream = &tail->streams.streams[tail->at];
        struct stream_info info = {.has_added = true};
        stream->has_info = true;
        bool is_there = stream_info_read(reply, &info);
        bool is_known = is_there || reply_begins(reply, "ERR no such key");
        if (!is_known)
                log_debug("%s: XINFO STREAM is refused: what goes before it is read will not be told", stream->key);
        if (stream->begins_at_end && is_known) {
                stream->read = stream->written = info.last_generated;
                tail->has_news = true;
        }
        if (stream->begins_at_end && !is_known && is_refused(tail, reply))
                return;
        stream->begins_at_end = false;
        if (is_known && !tail->settings.group)
                tell_missed(tail, stream, tail_stream_missed(stream, &info));
        next_step(tail);
}

static void on_group_info(void *context, const redisReply *reply)
{
        struct redis_tail *tail = context;
        struct tail_stream *stream = &tail->streams.streams[tail->at];
        struct stream_info info;
        struct group_info group;
        stream->has_info = true;
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 && stream_info_read(reply->element[0], &info) &&
            group_info_read(reply->element[1], tail->settings.group, &group))
                tell_missed(tail, stream, tail_stream_group_missed(stream, &info, &group));
        next_step(tail);
}

/* In a group XINFO GROUPS, too: as one transaction, so that both speak of the same moment. */
static void ask_info(struct redis_tail *tail, struct tail_stream *stream)
{
        if (tail->settings.group == NULL) {
                ask_words(tail, on_info, 3, (const char *[]){"XINFO", "STREAM", stream->key});
                return;
        }
        ask_words(tail, NULL, 1, (const char *[]){"MULTI"});
        ask_words(tail, NULL, 3, (const char *[]){"XINFO", "STREAM", stream->key});
        ask_words(tail, NULL, 3, (const char *[]){"XINFO", "GROUPS", stream->key});
        ask_words(tail, on_group_info, 1, (const char *[]){"EXEC"});
}

/* Groups */

static void on_group(void *context, const redisReply *reply)
{
        struct redis_tail *tail = context;
        if (!reply_begins(reply, "BUSYGROUP") && is_refused(tail, reply))
                return;
        tail->streams.streams[tail->at].has_group = true;
        next_step(tail);
}

static void make_group(struct redis_tail *tail, struct tail_stream *stream)
{
        const char *from = stream->begins_at_end ? "$" : "0";
        stream->begins_at_end = false;
        ask_words(tail, on_group, 6,
                  (const char *[]){"XGROUP", "CREATE", stream->key, tail->settings.group, from, "MKSTREAM"});
}

/* FLUSHALL took the group, too. */
static bool group_is_gone(struct redis_tail *tail, const redisReply *reply)
{
        if (!reply_begins(reply, "NOGROUP"))
                return false;
        log_warning("Redis %s: group %s is gone, it is made again", redis_link_peer(tail->link), tail->settings.group);
        tail_streams_reconnected(&tail->streams);
        next_step(tail);
        return true;
}

static void on_pending(void *context, const redisReply *reply)
{
        struct redis_tail *tail = context;
        struct tail_stream *stream = &tail->streams.streams[tail->at];
        size_t count;
        if (group_is_gone(tail, reply) || is_refused(tail, reply) || !take_streams(tail, reply, &stream->cursor, &count))
                return;
        if (count == 0) {
                stream->has_pending_done = true;
                stream->cursor = (struct entry_id){0};
        }
        go_on(tail);
}

static void ask_pending(struct redis_tail *tail, struct tail_stream *stream)
{
        char from[REDIS_ID_SIZE];
        redis_id_write(from, stream->cursor);
        ask_words(tail, on_pending, 9,
                  (const char *[]){"XREADGROUP", "GROUP", tail->settings.group, tail->settings.consumer, "COUNT", "100",
                                   "STREAMS", stream->key, from});
}

/* [next, entries, deleted] */
static void on_claim(void *context, const redisReply *reply)
{
        struct redis_tail *tail = context;
        struct tail_stream *stream = &tail->streams.streams[tail->at];
        struct entry_id last, cursor;
        if (reply_begins(reply, "ERR unknown command")) {
                tail->cannot_claim = true; /* before Redis 6.2 */
                log_warning("Redis %s has no XAUTOCLAIM: what other consumers leave behind is not taken over",
                            redis_link_peer(tail->link));
                next_step(tail);
                return;
        }
        if (group_is_gone(tail, reply) || is_refused(tail, reply))
                return;
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2 || reply->element[0]->type != REDIS_REPLY_STRING ||
            !redis_id_parse(&cursor, reply->element[0]->str)) {
                redis_link_drop(tail->link, "what the server says is no answer to XAUTOCLAIM");
                return;
        }
        if (!take_entries(tail, stream, reply->element[1], &last) || !print_lines(tail))
                return;
        if (reply->elements > 2 && reply->element[2]->type == REDIS_REPLY_ARRAY)
                tell_missed(tail, stream, reply->element[2]->elements);
        stream->cursor = cursor;
        stream->is_claimed = cursor.ms == 0 && cursor.sequence == 0;
        go_on(tail);
}

static void claim(struct redis_tail *tail, struct tail_stream *stream)
{
        char from[REDIS_ID_SIZE], idle[12];
        redis_id_write(from, stream->cursor);
        snprintf(idle, sizeof idle, "%d", CLAIM_MS);
        ask_words(tail, on_claim, 8,
                  (const char *[]){"XAUTOCLAIM", stream->key, tail->settings.group, tail->settings.consumer, idle, from,
                                   "COUNT", "100"});
}

/* Reading */

/* Only now: a server that lets us in may still refuse everything. */
static void note_well(struct redis_tail *tail)
{
        if (tail->trouble[0])
                log_warning("Redis %s: reading again", redis_link_peer(tail->link));
        tail->trouble[0] = '\0';
        tail->was_well = true;
}

static void on_entries(void *context, const redisReply *reply)
{
        struct redis_tail *tail = context;
        struct entry_id last;
        size_t count;
        if (group_is_gone(tail, reply) || is_refused(tail, reply) || !take_streams(tail, reply, &last, &count))
                return;
        tail->is_over = tail->settings.ends && count == 0;
        note_well(tail);
        go_on(tail);
}

static unsigned wanted_count(const struct redis_tail *tail)
{
        unsigned count = 0;
        for (unsigned i = 0; i < tail->streams.count; i++)
                count += tail->streams.streams[i].is_wanted;
        return count;
}

static void read_entries(struct redis_tail *tail, unsigned wanted)
{
        unsigned count = 0, each = ALL_AT_ONCE / wanted, at = 0;
        each = each > ENTRIES_AT_ONCE ? ENTRIES_AT_ONCE : each < 1 ? 1 : each;
        snprintf(tail->count_text, sizeof tail->count_text, "%u", each);
        snprintf(tail->block_text, sizeof tail->block_text, "%d", BLOCK_MS);
        if (tail->settings.group) {
                const char *head[] = {"XREADGROUP", "GROUP", tail->settings.group, tail->settings.consumer};
                memcpy(tail->words, head, sizeof head);
                count = 4;
        } else {
                tail->words[count++] = "XREAD";
        }
        tail->words[count++] = "COUNT", tail->words[count++] = tail->count_text;
        if (!tail->settings.ends)
                tail->words[count++] = "BLOCK", tail->words[count++] = tail->block_text;
        tail->words[count++] = "STREAMS";
        for (unsigned i = 0; i < tail->streams.count; i++) {
                const struct tail_stream *stream = &tail->streams.streams[i];
                if (!stream->is_wanted)
                        continue;
                redis_id_write(tail->ids[at], stream->read);
                tail->words[count + at] = stream->key;
                tail->words[count + wanted + at] = tail->settings.group ? ">" : tail->ids[at];
                at++;
        }
        ask(tail, count + 2 * wanted, on_entries);
        if (!tail->settings.ends)
                redis_link_expect_block(tail->link, BLOCK_MS);
}

/* The first wanted stream that still lacks something; false: none does. */
static bool stream_step(struct redis_tail *tail)
{
        bool is_group = tail->settings.group != NULL;
        for (tail->at = 0; tail->at < tail->streams.count; tail->at++) {
                struct tail_stream *stream = &tail->streams.streams[tail->at];
                if (!stream->is_wanted)
                        continue;
                if (is_group && !stream->has_group)
                        make_group(tail, stream);
                else if (!stream->has_info)
                        ask_info(tail, stream);
                else if (is_group && !stream->has_pending_done)
                        ask_pending(tail, stream);
                else if (is_group && !stream->is_claimed && !tail->cannot_claim)
                        claim(tail, stream);
                else
                        continue;
                return true;
        }
        return false;
}

/* What falls due by the clock. */
static void note_time(struct redis_tail *tail)
{
        uint64_t now = now_ms();
        if (now >= tail->look_ms) {
                tail->look_ms = now + LOOK_MS;
                if (!tail->is_looking)
                        strcpy(tail->scan_cursor, "0");
                tail->is_looking |= tail->settings.sensor == NULL;
                for (unsigned i = 0; i < tail->streams.count; i++)
                        tail->streams.streams[i].has_info = false;
        }
        if (now >= tail->claim_ms) {
                tail->claim_ms = now + CLAIM_MS;
                for (unsigned i = 0; i < tail->streams.count; i++)
                        tail->streams.streams[i].is_claimed = false;
        }
        if (now >= tail->save_ms) {
                tail->save_ms = now + SAVE_MS;
                save_position(tail);
        }
}

/* At the end once more: what went while it was read. */
static void end_step(struct redis_tail *tail)
{
        if (tail->is_checking) {
                finish(tail, 0);
                return;
        }
        tail->is_checking = true;
        for (unsigned i = 0; i < tail->streams.count; i++)
                tail->streams.streams[i].has_info = false;
        next_step(tail);
}

static void next_step(struct redis_tail *tail)
{
        if (!tail->is_checking)
                note_time(tail);
        if (tail->is_finished || tail->is_stopping || !redis_link_is_ready(tail->link))
                return;
        unsigned wanted = wanted_count(tail);
        if (tail->is_looking) {
                scan(tail);
        } else if (wanted == 0 && tail->settings.ends) {
                finish(tail, 0);
        } else if (wanted == 0) {
                static const struct timeval second = {.tv_sec = 1};
                tail->look_ms = 0;
                evtimer_add(tail->timer, &second);
        } else if (!stream_step(tail)) {
                if (tail->is_over && tail->acks.count == 0)
                        end_step(tail);
                else
                        read_entries(tail, wanted);
        }
}

static void on_timer(evutil_socket_t socket, short events, void *context)
{
        (void)socket, (void)events;
        struct redis_tail *tail = context;
        if (tail->is_stopping)
                finish(tail, 0); /* the acknowledgements took too long */
        if (!tail->is_finished) {
                next_step(tail);
        } else if (!tail->is_told) {
                tail->is_told = true;
                tail->settings.finished(tail->settings.context, tail->result);
        }
}

/* The link */

static void on_ready(void *context)
{
        struct redis_tail *tail = context;
        go_on(tail);
}

static void on_lost(void *context, const char *why)
{
        struct redis_tail *tail = context;
        evtimer_del(tail->timer);
        tail->acks_asked = 0;
        tail->is_over = tail->is_checking = tail->is_looking = false;
        tail->look_ms = 0;
        tail_streams_reconnected(&tail->streams);
        print_lines(tail); /* what came before the fault is good */
        if (tail->settings.ends && !tail->was_well) {
                log_error("Redis %s", why);
                finish(tail, -ENOTCONN);
        } else if (tail->is_stopping) {
                finish(tail, 0);
        } else if (strcmp(tail->trouble, why) != 0) {
                log_warning("Redis %s; trying again", why);
                snprintf(tail->trouble, sizeof tail->trouble, "%s", why);
        }
        if (tail->is_finished)
                event_active(tail->timer, EV_TIMEOUT, 0);
}

static int open_streams(struct redis_tail *tail, char *error, size_t error_size)
{
        const struct redis_tail_settings *settings = &tail->settings;
        int result = settings->position ? tail_streams_load(&tail->streams, settings->position, error, error_size) : 0;
        if (result == 0 && settings->position && (result = tail_streams_save(&tail->streams, settings->position)) != 0)
                snprintf(error, error_size, "%s: %s", settings->position, strerror(-result));
        tail->is_first_look = true;
        if (result == 0 && settings->sensor) {
                struct tail_stream *stream = tail_streams_add_sensor(&tail->streams, settings->sensor);
                if (stream == NULL) {
                        snprintf(error, error_size, "%s: this is no name of a sensor", settings->sensor);
                        return -EINVAL;
                }
                want(tail, stream);
        }
        return result;
}

static bool allocate(struct redis_tail *tail, struct event_base *base)
{
        enum { WORDS = 2 * TAIL_STREAMS + 16 };
        tail->timer = evtimer_new(base, on_timer, tail);
        tail->arena.memory = malloc(TAIL_ARENA_SIZE);
        tail->arena.size = TAIL_ARENA_SIZE;
        tail->words = calloc(WORDS, sizeof *tail->words);
        tail->lengths = calloc(WORDS, sizeof *tail->lengths);
        tail->ids = calloc(ACKS_AT_ONCE, sizeof *tail->ids);
        tail->memory = tail->settings.group ? tail_memory_create() : NULL;
        return tail->timer && tail->arena.memory && tail->words && tail->lengths && tail->ids &&
               (tail->memory || !tail->settings.group);
}

static void free_tail(struct redis_tail *tail)
{
        redis_link_destroy(tail->link);
        if (tail->timer)
                event_free(tail->timer);
        tail_streams_clear(&tail->streams);
        tail_memory_destroy(tail->memory);
        json_buffer_clear(&tail->lines);
        free(tail->arena.memory);
        free(tail->acks.entries);
        free(tail->taken.entries);
        free(tail->words);
        free(tail->lengths);
        free(tail->ids);
        free(tail);
}

int redis_tail_open(struct redis_tail **out, struct event_base *base, const struct redis_tail_settings *settings, char *error,
                    size_t error_size)
{
        struct redis_tail *tail = calloc(1, sizeof *tail);
        *out = NULL;
        if (tail == NULL)
                return -ENOMEM;
        tail->settings = *settings;
        tail->settings.link.ready = on_ready;
        tail->settings.link.lost = on_lost;
        tail->settings.link.context = tail;
        int result = allocate(tail, base) ? 0 : -ENOMEM;
        if (result != 0)
                snprintf(error, error_size, "%s", strerror(-result));
        if (result == 0)
                result = open_streams(tail, error, error_size);
        if (result == 0)
                result = redis_link_create(&tail->link, base, &tail->settings.link, error, error_size);
        if (result != 0) {
                free_tail(tail);
                return result;
        }
        redis_link_start(tail->link);
        *out = tail;
        return 0;
}

void redis_tail_numbers(const struct redis_tail *tail, struct redis_tail_numbers *out)
{
        *out = tail->numbers;
}

int redis_tail_close(struct redis_tail *tail)
{
        if (tail == NULL)
                return 0;
        int result = 0;
        if (tail->settings.position)
                result = tail_streams_save(&tail->streams, tail->settings.position);
        free_tail(tail);
        return result;
}
