#include "deliver/tail_streams.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deliver/redis_entry.h"

static const char key_head[] = "apnwatch:{", key_end[] = "}:alerts";

void tail_streams_clear(struct tail_streams *streams)
{
        for (unsigned i = 0; i < streams->count; i++) {
                free(streams->streams[i].key);
                free(streams->streams[i].sensor);
        }
        free(streams->streams);
        memset(streams, 0, sizeof *streams);
}

struct tail_stream *tail_streams_find(const struct tail_streams *streams, const char *key, size_t length)
{
        for (unsigned i = 0; i < streams->count; i++)
                if (strlen(streams->streams[i].key) == length && memcmp(streams->streams[i].key, key, length) == 0)
                        return &streams->streams[i];
        return NULL;
}

/* Length of the sensor's name within the key; 0: this is no such key. Keys come from a server: no blanks, nothing that cannot
 * be shown. */
static size_t sensor_length(const char *key, size_t length)
{
        size_t head = sizeof key_head - 1, end = sizeof key_end - 1;
        if (length <= head + end || length > head + end + TAIL_SENSOR_LIMIT || memcmp(key, key_head, head) != 0 ||
            memcmp(key + length - end, key_end, end) != 0)
                return 0;
        for (size_t i = 0; i < length; i++)
                if ((unsigned char)key[i] <= ' ' || (unsigned char)key[i] >= 0x7f)
                        return 0;
        return length - head - end;
}

struct tail_stream *tail_streams_add(struct tail_streams *streams, const char *key, size_t length)
{
        struct tail_stream *known = tail_streams_find(streams, key, length);
        size_t name_length = sensor_length(key, length);
        if (known || name_length == 0)
                return known;
        if (streams->streams == NULL)
                streams->streams = calloc(TAIL_STREAMS, sizeof *streams->streams);
        if (streams->count == TAIL_STREAMS)
                streams->is_full = true;
        if (streams->streams == NULL || streams->is_full)
                return NULL;
        struct tail_stream *stream = &streams->streams[streams->count];
        *stream = (struct tail_stream){.key = strndup(key, length),
                                       .sensor = strndup(key + sizeof key_head - 1, name_length)};
        if (stream->key == NULL || stream->sensor == NULL) {
                free(stream->key);
                free(stream->sensor);
                return NULL;
        }
        streams->count++;
        return stream;
}

struct tail_stream *tail_streams_add_sensor(struct tail_streams *streams, const char *sensor)
{
        char key[TAIL_SENSOR_LIMIT + sizeof key_head + sizeof key_end];
        int length = snprintf(key, sizeof key, "%s%s%s", key_head, sensor, key_end);
        return length < 0 || (size_t)length >= sizeof key ? NULL : tail_streams_add(streams, key, (size_t)length);
}

void tail_streams_reconnected(struct tail_streams *streams)
{
        for (unsigned i = 0; i < streams->count; i++) {
                struct tail_stream *stream = &streams->streams[i];
                stream->has_info = stream->has_group = stream->has_pending_done = stream->is_claimed = false;
                stream->cursor = (struct entry_id){0};
        }
}

int entry_id_compare(struct entry_id a, struct entry_id b)
{
        if (a.ms != b.ms)
                return a.ms < b.ms ? -1 : 1;
        return a.sequence < b.sequence ? -1 : a.sequence > b.sequence;
}

static bool is_read_out(const struct tail_stream *stream, const struct stream_info *info)
{
        return entry_id_compare(info->last_generated, stream->read) == 0;
}

static uint64_t begin_account(struct tail_stream *stream, const struct stream_info *info)
{
        bool is_at_start = stream->read.ms == 0 && stream->read.sequence == 0;
        stream->is_counted = info->has_added && (is_at_start || is_read_out(stream, info));
        stream->count = is_read_out(stream, info) ? info->added : info->added - info->length;
        return 0;
}

/* What stands before the first entry has gone; of it `count` were read. Where all was read, `added` must have been. A server
 * that forgot (FLUSHALL, an old backup) has had fewer: then the account begins anew where it can. */
uint64_t tail_stream_missed(struct tail_stream *stream, const struct stream_info *info)
{
        if (!info->has_added || info->added < info->length)
                return 0;
        if (!stream->is_counted)
                return begin_account(stream, info);
        if (info->added < stream->count || entry_id_compare(info->last_generated, stream->read) < 0) {
                stream->is_counted = false;
                return 0;
        }
        uint64_t gone = stream->count;
        if (is_read_out(stream, info))
                gone = info->added;
        else if (!info->has_first || entry_id_compare(info->first, stream->read) > 0)
                gone = info->added - info->length;
        uint64_t missed = gone > stream->count ? gone - stream->count : 0;
        stream->count += missed;
        return missed;
}

uint64_t tail_stream_group_missed(struct tail_stream *stream, const struct stream_info *info, const struct group_info *group)
{
        if (!info->has_added || info->added < info->length ||
            (info->has_first && entry_id_compare(info->first, group->delivered) <= 0))
                return 0;
        uint64_t gone = info->added - info->length;
        uint64_t from = stream->told > group->read ? stream->told : group->read;
        if (stream->told > gone)
                stream->told = 0; /* the server forgot */
        if (gone <= from)
                return 0;
        stream->told = gone;
        return gone - from;
}

static bool load_line(struct tail_streams *streams, char *line)
{
        char *rest = line;
        const char *key = strtok_r(rest, " \n", &rest);
        const char *id = key ? strtok_r(rest, " \n", &rest) : NULL;
        const char *count = id ? strtok_r(rest, " \n", &rest) : NULL;
        struct tail_stream *stream = count ? tail_streams_add(streams, key, strlen(key)) : NULL;
        if (stream == NULL || !redis_id_parse(&stream->read, id))
                return false;
        char *end = NULL;
        stream->written = stream->read;
        stream->is_counted = strcmp(count, "-") != 0;
        stream->count = stream->is_counted ? strtoull(count, &end, 10) : 0;
        return end == NULL || *end == '\0';
}

int tail_streams_load(struct tail_streams *streams, const char *path, char *error, size_t error_size)
{
        FILE *file = fopen(path, "re");
        if (file == NULL && errno == ENOENT)
                return 0;
        if (file == NULL) {
                snprintf(error, error_size, "%s: %s", path, strerror(errno));
                return -errno;
        }
        char line[TAIL_SENSOR_LIMIT + 128];
        unsigned number = 0;
        int result = 0;
        while (result == 0 && fgets(line, sizeof line, file) != NULL) {
                number++;
                if (!load_line(streams, line)) {
                        snprintf(error, error_size, "%s:%u: expected KEY ID COUNT", path, number);
                        result = -EINVAL;
                }
        }
        if (result == 0 && ferror(file)) {
                snprintf(error, error_size, "%s: %s", path, strerror(EIO));
                result = -EIO;
        }
        fclose(file);
        return result;
}

static void save_line(const struct tail_stream *stream, FILE *file)
{
        char id[REDIS_ID_SIZE];
        redis_id_write(id, stream->unwritten ? stream->written : stream->read);
        if (stream->is_counted)
                fprintf(file, "%s %s %" PRIu64 "\n", stream->key, id, stream->count - stream->unwritten);
        else
                fprintf(file, "%s %s -\n", stream->key, id);
}

int tail_streams_save(const struct tail_streams *streams, const char *path)
{
        char beside[PATH_MAX];
        int length = snprintf(beside, sizeof beside, "%s.new", path);
        if (length < 0 || (size_t)length >= sizeof beside)
                return -ENAMETOOLONG;
        FILE *file = fopen(beside, "we");
        if (file == NULL)
                return -errno;
        for (unsigned i = 0; i < streams->count; i++)
                save_line(&streams->streams[i], file);
        int result = fflush(file) != 0 || fsync(fileno(file)) != 0 ? -errno : 0;
        if (fclose(file) != 0 && result == 0)
                result = -errno;
        if (result == 0 && rename(beside, path) != 0)
                result = -errno;
        if (result != 0)
                unlink(beside);
        return result;
}
