#include "dissectors/app/http_exchange.h"

#include "base/text.h"

enum { ASKED_AT = 32 * 1024 };

static size_t request_text(const struct http_request *r)
{
        return (size_t)r->path_length + r->host_length + r->agent_length;
}

static void forget_oldest(struct http_exchanges *e)
{
        size_t length = request_text(&e->waiting[0]);
        e->text_length -= (uint16_t)length;
        memmove(e->text, e->text + length, e->text_length);
        e->count--;
        memmove(e->waiting, e->waiting + 1, e->count * sizeof e->waiting[0]);
}

/* Room for `wanted` bytes of `span` at the end of the texts; what does not fit is left out. */
static size_t keep_text(struct http_exchanges *e, const struct cursor *span, size_t most)
{
        size_t length = cursor_left(span), room = HTTP_TEXT - e->text_length;
        length = length < most ? length : most;
        length = length < room ? length : room;
        if (length > 0)
                memcpy(e->text + e->text_length, span->at, length);
        e->text_length += (uint16_t)length;
        return length;
}

/* The texts of one event, escaped. */
struct told_texts {
        char path[HTTP_PATH + 1], host[HTTP_HOST + 1], agent[HTTP_AGENT * TEXT_ESCAPED_MOST + 1];
        char type[HTTP_TYPE * TEXT_ESCAPED_MOST + 1], file[HTTP_FILE * TEXT_ESCAPED_MOST + 1];
};

static char *told_text(const char *bytes, size_t length, char *out, size_t size)
{
        text_escape(bytes, length, out, size);
        return length > 0 ? out : NULL;
}

static char *told_host(const char *bytes, size_t length, char *out, size_t size)
{
        char lower[HTTP_HOST];
        for (size_t i = 0; i < length; i++)
                lower[i] = (char)(bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] | 0x20 : bytes[i]);
        return told_text(lower, length, out, size);
}

static void tell_request(const struct http_exchanges *e, struct told_texts *t, Apnwatch__V1__Transfer *transfer)
{
        const struct http_request *r = &e->waiting[0];
        const char *host = e->text + r->path_length, *agent = host + r->host_length;
        transfer->start = (uint64_t)r->start_ns;
        transfer->method = (char *)http_method_name(r->method);
        transfer->path = told_text(e->text, r->path_length, t->path, sizeof t->path);
        transfer->host = told_host(host, r->host_length, t->host, sizeof t->host);
        transfer->user_agent = told_text(agent, r->agent_length, t->agent, sizeof t->agent);
        transfer->has_request_file = transfer->has_request_frame = true;
        transfer->request_file = r->file;
        transfer->request_frame = r->file_frame;
        transfer->has_range_start = r->has_range;
        transfer->range_start = r->range_start;
}

static void tell(struct http_exchanges *e, struct dissection *d, Apnwatch__V1__Transfer__Phase phase, enum http_ending ending)
{
        struct told_texts t;
        struct http_answer *a = &e->answer;
        Apnwatch__V1__Transfer transfer = APNWATCH__V1__TRANSFER__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        transfer.phase = phase;
        transfer.protocol = (char *)"HTTP";
        transfer.start = (uint64_t)a->start_ns;
        if (e->count > 0)
                tell_request(e, &t, &transfer);
        transfer.has_status = a->status != 0;
        transfer.status = a->status;
        transfer.content_type = told_text(a->content_type, a->type_length, t.type, sizeof t.type);
        transfer.file_name = told_text(a->file_name, a->file_length, t.file, sizeof t.file);
        transfer.has_size = a->has_size;
        transfer.size = a->size;
        transfer.has_moved = a->open;
        transfer.moved = a->moved;
        transfer.has_complete = phase == APNWATCH__V1__TRANSFER__PHASE__ENDED && ending != HTTP_UNKNOWN;
        transfer.complete = a->pushed ? a->whole : ending == HTTP_WHOLE;
        transfer.has_pushed = transfer.pushed = a->pushed;
        transfer.image = (char *)a->image;
        event.body_case = APNWATCH__V1__EVENT__BODY_TRANSFER;
        event.transfer = &transfer;
        d->services->emit(d, &event);
}

static void tell_oldest(struct http_exchanges *e, struct dissection *d, enum http_ending ending)
{
        tell(e, d, APNWATCH__V1__TRANSFER__PHASE__ENDED, ending);
        if (e->count > 0)
                forget_oldest(e);
        e->answer = (struct http_answer){0};
}

void http_exchanges_request(struct http_exchanges *e, struct dissection *d, const struct http_head *head)
{
        if (e->count == HTTP_WAITING) {
                tell_oldest(e, d, HTTP_CUT);
                e->told += e->told < UINT8_MAX;
        }
        struct http_request *r = &e->waiting[e->count++];
        *r = (struct http_request){.start_ns = d->time_ns, .file = d->file, .file_frame = d->file_frame,
                                   .method = (uint8_t)head->method, .has_range = head->has_range,
                                   .range_start = head->range_start};
        size_t host = cursor_left(&head->host), agent = cursor_left(&head->user_agent);
        host = host < HTTP_HOST ? host : HTTP_HOST;
        agent = agent < HTTP_AGENT ? agent : HTTP_AGENT;
        size_t room = HTTP_TEXT - e->text_length, path = room > host + agent ? room - host - agent : 0;
        r->path_length = (uint16_t)keep_text(e, &head->target, path < HTTP_PATH ? path : HTTP_PATH);
        r->host_length = (uint8_t)keep_text(e, &head->host, host);
        r->agent_length = (uint8_t)keep_text(e, &head->user_agent, agent);
}

enum http_method http_exchanges_method(const struct http_exchanges *e)
{
        return e->count > 0 && e->told == 0 ? e->waiting[0].method : HTTP_METHODS;
}

struct cursor http_exchanges_path(const struct http_exchanges *e)
{
        size_t length = 0;
        const char *path = e->text;
        for (unsigned i = 0; i + 1 < e->count; i++)
                path += request_text(&e->waiting[i]);
        if (e->count > 0)
                length = e->waiting[e->count - 1].path_length;
        const char *question = length > 0 ? memchr(path, '?', length) : NULL;
        return cursor_of(path, question ? (size_t)(question - path) : length);
}

static uint8_t copy_span(char *out, size_t size, const struct cursor *span)
{
        size_t length = cursor_left(span) < size ? cursor_left(span) : size;
        if (length > 0)
                memcpy(out, span->at, length);
        return (uint8_t)length;
}

void http_exchanges_describe(struct http_exchanges *e, const struct dissection *d, const struct http_head *head)
{
        struct http_answer *a = &e->answer;
        a->open = true;
        a->start_ns = d->time_ns;
        a->examined = head->encoded || (head->is_response && head->has_range && head->range_start > 0);
        a->type_length = copy_span(a->content_type, sizeof a->content_type, &head->content_type);
        a->file_length = copy_span(a->file_name, sizeof a->file_name, &head->file_name);
        a->has_size = head->has_total || head->has_length;
        a->size = head->has_total ? head->total : head->length;
}

void http_exchanges_moved(struct http_exchanges *e, struct dissection *d, uint64_t count)
{
        struct http_answer *a = &e->answer;
        a->moved += count;
        if (a->asked || a->moved < ASKED_AT)
                return;
        a->asked = true;
        tell(e, d, APNWATCH__V1__TRANSFER__PHASE__ASKED, HTTP_UNKNOWN);
}

void http_exchanges_end(struct http_exchanges *e, struct dissection *d, enum http_ending ending)
{
        if (e->told == 0 && (e->count > 0 || e->answer.open)) {
                tell_oldest(e, d, ending);
                return;
        }
        e->told -= e->told > 0; /* the answer to a request that was told long ago */
        e->answer = (struct http_answer){0};
}

void http_exchanges_give_up(struct http_exchanges *e, struct dissection *d, unsigned keep)
{
        e->told = 0;
        while (e->count > keep)
                tell_oldest(e, d, HTTP_CUT);
}
