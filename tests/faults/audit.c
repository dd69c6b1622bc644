/* The account of a test of faults. Reads what a producer said at its end, what its outbox still holds and what stands in the stream,
 * and demands that every committed alert is in the stream, in the range of a gap record, or waiting in the outbox: exactly one
 * of them for each, and no (id, revision) twice. Says in one line what it found.
 *
 *     audit --port N --account FILE --outbox FILE [--commit-log FILE] [--password WORD] */
#include <getopt.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/outbox.h"
#include "deliver/redis_entry.h"
#include "tests/faults/synthetic_alert.h"

static const char stream_key[] = "apnwatch:{fault}:alerts";

struct place { /* of one alert */
        uint8_t in_stream, in_gap, is_held;
};

struct audit {
        uint64_t committed, delivered, filtered, gaps, waiting;
        struct place *places;    /* by number; [0] is not used */
        struct entry_id last;
        uint64_t faults, entries, gap_records;
};

static void __attribute__((format(printf, 2, 3))) complain(struct audit *audit, const char *format, ...)
{
        if (audit->faults++ >= 20)
                return;
        va_list arguments;
        va_start(arguments, format);
        vprintf(format, arguments);
        va_end(arguments);
        putchar('\n');
}

static bool read_account(struct audit *audit, const char *path)
{
        json_t *account = json_load_file(path, 0, NULL);
        if (account == NULL)
                return false;
        audit->committed = (uint64_t)json_integer_value(json_object_get(account, "committed"));
        audit->delivered = (uint64_t)json_integer_value(json_object_get(account, "delivered"));
        audit->filtered = (uint64_t)json_integer_value(json_object_get(account, "filtered"));
        audit->gaps = (uint64_t)json_integer_value(json_object_get(account, "gaps"));
        audit->waiting = (uint64_t)json_integer_value(json_object_get(account, "waiting"));
        json_decref(account);
        audit->places = calloc(audit->committed + 1, sizeof *audit->places);
        return audit->places != NULL;
}

static void check_commit_log(struct audit *audit, const char *path)
{
        FILE *file = fopen(path, "r");
        uint64_t logged = 0;
        if (file == NULL || fscanf(file, "%" SCNu64, &logged) != 1)
                complain(audit, "%s cannot be read", path);
        if (file)
                fclose(file);
        if (logged > audit->committed)
                complain(audit, "%" PRIu64 " alerts were committed, the account knows of %" PRIu64, logged, audit->committed);
}

static bool take_held(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        struct audit *audit = context;
        (void)cause;
        (void)cause_length;
        uint64_t number = strtoull(alert->id + 16, NULL, 16) * 3 + alert->revision;
        if (number == 0 || number > audit->committed)
                complain(audit, "the outbox holds alert %" PRIu64 ", which was not committed", number);
        else if (audit->places[number].is_held++)
                complain(audit, "the outbox holds alert %" PRIu64 " twice", number);
        return true;
}

static void read_outbox(struct audit *audit, const char *path)
{
        struct outbox_settings settings = {.path = path, .sensor = "fault"};
        struct outbox *outbox;
        char error[512] = "";
        if (outbox_open(&outbox, &settings, error, sizeof error) != 0) {
                complain(audit, "%s", error);
                return;
        }
        outbox_replay(outbox, 0, take_held, audit);
        outbox_close(outbox);
}

static const redisReply *field_of(const redisReply *fields, const char *name)
{
        for (size_t i = 0; i + 1 < fields->elements; i += 2)
                if (strcmp(fields->element[i]->str, name) == 0)
                        return fields->element[i + 1];
        return NULL;
}

static void check_alert(struct audit *audit, uint64_t number, const redisReply *fields)
{
        static const char *const names[] = {"pb", "id", "revision", "type", "severity", "tenant", "fleet", "device", "peer", "time"};
        char id[33];
        uint32_t revision;
        synthetic_alert_name(number, id, &revision);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (fields->elements < 2 * (i + 1) || strcmp(fields->element[2 * i]->str, names[i]) != 0) {
                        complain(audit, "entry of alert %" PRIu64 ": field %zu is not %s", number, i + 1, names[i]);
                        return;
                }
        const redisReply *pb = fields->element[1];
        Apnwatch__V1__Alert *alert = apnwatch__v1__alert__unpack(NULL, pb->len, (const uint8_t *)pb->str);
        if (alert == NULL || strcmp(alert->id, id) != 0 || alert->revision != revision ||
            strcmp(fields->element[3]->str, id) != 0 || strtoul(fields->element[5]->str, NULL, 10) != revision)
                complain(audit, "entry of alert %" PRIu64 " holds another", number);
        if (alert)
                apnwatch__v1__alert__free_unpacked(alert, NULL);
        if (audit->places[number].in_stream++)
                complain(audit, "alert %" PRIu64 " is in the stream twice", number);
}

static void check_gap(struct audit *audit, const redisReply *fields, const redisReply *from)
{
        const redisReply *to = field_of(fields, "gap_to"), *count = field_of(fields, "count");
        struct entry_id first, last;
        audit->gap_records++;
        if (to == NULL || count == NULL || !redis_id_parse(&first, from->str) || !redis_id_parse(&last, to->str) ||
            first.sequence > last.sequence || last.sequence > audit->committed ||
            strtoull(count->str, NULL, 10) != last.sequence - first.sequence + 1) {
                complain(audit, "a gap record from %s to %s that says %s", from->str, to ? to->str : "", count ? count->str : "");
                return;
        }
        for (uint64_t number = first.sequence; number <= last.sequence; number++)
                if (audit->places[number].in_gap++)
                        complain(audit, "alert %" PRIu64 " is in two gaps", number);
}

static void check_entry(struct audit *audit, const redisReply *entry)
{
        struct entry_id id;
        audit->entries++;
        if (!redis_id_parse(&id, entry->element[0]->str) || id.ms < audit->last.ms || id.sequence <= audit->last.sequence)
                complain(audit, "entry %s comes behind %" PRIu64 "-%" PRIu64, entry->element[0]->str, audit->last.ms,
                         audit->last.sequence);
        audit->last = id;
        const redisReply *fields = entry->element[1], *gap_from = field_of(fields, "gap_from");
        if (gap_from)
                check_gap(audit, fields, gap_from);
        else if (id.sequence == 0 || id.sequence > audit->committed)
                complain(audit, "entry %s was never committed", entry->element[0]->str);
        else
                check_alert(audit, id.sequence, fields);
}

/* The stream, a page at a time. */
static void read_stream(struct audit *audit, redisContext *redis)
{
        char begin[REDIS_ID_SIZE + 1] = "-";
        for (bool more = true; more;) {
                redisReply *page = redisCommand(redis, "XRANGE %s %s + COUNT 1000", stream_key, begin);
                if (page == NULL || page->type != REDIS_REPLY_ARRAY) {
                        complain(audit, "the stream cannot be read: %s", page ? page->str : redis->errstr);
                        return;
                }
                for (size_t i = 0; i < page->elements; i++)
                        check_entry(audit, page->element[i]);
                more = page->elements > 0;
                if (more)
                        snprintf(begin, sizeof begin, "(%s", page->element[page->elements - 1]->element[0]->str);
                freeReplyObject(page);
        }
}

static void check_places(struct audit *audit)
{
        uint64_t done = audit->delivered + audit->filtered + audit->gaps, in_stream = 0, in_gap = 0;
        if (done + audit->waiting != audit->committed)
                complain(audit, "delivered, filtered, gaps and waiting are %" PRIu64 ", committed %" PRIu64, done + audit->waiting,
                         audit->committed);
        for (uint64_t number = 1; number <= audit->committed; number++) {
                const struct place *place = &audit->places[number];
                unsigned times = (unsigned)(place->in_stream + place->in_gap);
                if (number <= done) {
                        in_stream += place->in_stream;
                        in_gap += place->in_gap;
                        if (times != 1)
                                complain(audit, "alert %" PRIu64 " arrived %u times", number, times);
                } else if (!place->is_held || times > 1) { /* may be there already, with its reply lost */
                        complain(audit, "alert %" PRIu64 " should wait, but the outbox %s it", number, place->is_held ? "doubled" : "lost");
                }
        }
        if (in_stream != audit->delivered || in_gap != audit->gaps)
                complain(audit, "%" PRIu64 " alerts and gaps of %" PRIu64 " are there, the account says %" PRIu64 " and %" PRIu64, in_stream,
                         in_gap, audit->delivered, audit->gaps);
}

static redisContext *connect_to(int port, const char *password)
{
        redisContext *redis = redisConnect("127.0.0.1", port);
        if (redis == NULL || redis->err != 0)
                return NULL;
        if (password != NULL) {
                redisReply *reply = redisCommand(redis, "AUTH %s", password);
                freeReplyObject(reply);
        }
        return redis;
}

int main(int argc, char **argv)
{
        static const struct option options[] = {{"port", 1, NULL, 'p'}, {"account", 1, NULL, 'a'}, {"outbox", 1, NULL, 'o'},
                                                {"commit-log", 1, NULL, 'c'}, {"password", 1, NULL, 'w'}, {NULL, 0, NULL, 0}};
        const char *account = NULL, *outbox = NULL, *commit_log = NULL, *password = NULL;
        int port = 0;
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
                switch (option) {
                case 'p': port = atoi(optarg); break;
                case 'a': account = optarg; break;
                case 'o': outbox = optarg; break;
                case 'c': commit_log = optarg; break;
                case 'w': password = optarg; break;
                default: return 2;
                }
        struct audit audit = {0};
        redisContext *redis = connect_to(port, password);
        if (account == NULL || outbox == NULL || redis == NULL || !read_account(&audit, account)) {
                printf("audit: no server, no account or no outbox\n");
                return 2;
        }
        if (commit_log)
                check_commit_log(&audit, commit_log);
        read_outbox(&audit, outbox);
        read_stream(&audit, redis);
        check_places(&audit);
        printf("committed %" PRIu64 " = delivered %" PRIu64 " + gaps %" PRIu64 " (%" PRIu64 " records) + waiting %" PRIu64
               "; entries %" PRIu64 ", faults %" PRIu64 "\n",
               audit.committed, audit.delivered, audit.gaps, audit.gap_records, audit.waiting, audit.entries, audit.faults);
        redisFree(redis);
        free(audit.places);
        return audit.faults != 0;
}
