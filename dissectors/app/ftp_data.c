/* FTP's data connection: one object, from the first byte to the last. It is not read but skipped, as HTTP's bodies are. */
#include "dissectors/app/ftp.h"

#include "base/text.h"
#include "dissectors/app/ftp_line.h"
#include "dissectors/app/image_type.h"

enum { ASKED_AT = 32 * 1024, PATH_TEXT = 1025 };
#define UNTIL_CLOSE (UINT64_C(1) << 60)

struct ftp_data {
        struct ftp_transfer transfer; /* first: the start state */
        const char *image;
        uint64_t moved, skipping;
        enum direction direction;
        bool begun, to_device, asked;
};

static bool is_object(const struct ftp_data *data)
{
        return data->transfer.verb == FTP_RETR || data->transfer.verb == FTP_STOR || data->transfer.verb == FTP_APPE ||
               data->transfer.verb == FTP_STOU;
}

static void tell(const struct ftp_data *data, struct dissection *d, Apnwatch__V1__Transfer__Phase phase)
{
        const struct ftp_transfer *t = &data->transfer;
        Apnwatch__V1__Transfer transfer = APNWATCH__V1__TRANSFER__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        char path[PATH_TEXT];
        text_escape(t->path, t->path_length, path, sizeof path);
        transfer.phase = phase;
        transfer.protocol = (char *)"FTP";
        transfer.start = (uint64_t)t->start_ns;
        transfer.method = (char *)ftp_verb_name(t->verb);
        transfer.path = t->path_length > 0 ? path : NULL;
        transfer.has_size = t->has_size;
        transfer.size = t->size;
        transfer.has_range_start = t->has_range;
        transfer.range_start = t->range_start;
        transfer.has_moved = true;
        transfer.moved = data->moved;
        transfer.has_complete = phase == APNWATCH__V1__TRANSFER__PHASE__ENDED && t->has_size && data->to_device;
        transfer.complete = data->moved + (t->has_range ? t->range_start : 0) >= t->size;
        transfer.has_pushed = transfer.pushed = data->to_device && t->verb != FTP_RETR;
        transfer.image = (char *)data->image;
        transfer.has_request_file = transfer.has_request_frame = true;
        transfer.request_file = t->request_file;
        transfer.request_frame = t->request_frame;
        event.body_case = APNWATCH__V1__EVENT__BODY_TRANSFER;
        event.transfer = &transfer;
        d->services->emit(d, &event);
}

static void count(struct ftp_data *data, struct dissection *d, uint64_t moved)
{
        if (!data->to_device)
                return;
        data->moved += moved;
        if (data->asked || data->moved < ASKED_AT)
                return;
        data->asked = true;
        tell(data, d, APNWATCH__V1__TRANSFER__PHASE__ASKED);
}

static void begin(struct ftp_data *data, struct dissection *d, const struct cursor *payload)
{
        data->begun = true;
        data->direction = d->direction;
        data->to_device = !d->from_device;
        if (data->to_device && !data->transfer.has_range && !d->gap)
                data->image = image_type(*payload, data->transfer.has_size ? data->transfer.size : 0);
}

static enum follow ftp_data_dissect(struct dissection *d, void *memory, struct cursor payload)
{
        struct ftp_data *data = memory;
        if (!is_object(data))
                return FOLLOW_DONE;
        if (!data->begun && cursor_left(&payload) > 0)
                begin(data, d, &payload);
        if (!data->begun || d->direction != data->direction)
                return FOLLOW_ON;
        count(data, d, data->skipping);
        count(data, d, cursor_left(&payload));
        data->skipping = data->to_device && !data->asked ? ASKED_AT - data->moved : UNTIL_CLOSE;
        d->skip = data->skipping;
        return FOLLOW_ON;
}

static void ftp_data_end(struct dissection *d, void *memory)
{
        struct ftp_data *data = memory;
        if (!is_object(data))
                return;
        if (data->begun && data->skipping > d->skip_left[data->direction])
                count(data, d, data->skipping - d->skip_left[data->direction]);
        tell(data, d, APNWATCH__V1__TRANSFER__PHASE__ENDED);
}

static enum recognition ftp_data_recognise(const struct dissection *d, const struct cursor *payload)
{
        (void)d;
        (void)payload;
        return NOT_MINE; /* nothing in the bytes says what they are */
}

const struct dissector ftp_data_dissector = {
        .name = "FTP_DATA",
        .transports = DISSECT_ON_TCP,
        .readable = true,
        .state_size = sizeof(struct ftp_data),
        .recognise = ftp_data_recognise,
        .dissect = ftp_data_dissect,
        .end = ftp_data_end,
};
_Static_assert(sizeof(struct ftp_transfer) <= 512, "what sense keeps with an expectation is bounded");
