/* HTTP/1.0 and 1.1 (RFC 9110, RFC 9112) on any TCP port: who is asked for what, and what moves towards the device.
 *
 * Each direction is read message by message: head, then a body by length, by chunks or until the connection closes. Bodies
 * are not read but skipped, so a download costs two calls: one at 32 KiB (Transfer ASKED) and one behind its end. Captures
 * of one direction, gaps and heads above 16 KiB are lived with: after a gap the direction waits for the next first line.
 *
 * What the device sends is looked through for positions: queries, bodies of up to 15 KiB (of longer ones the front), and
 * sentences that an NTRIP client (RTCM 10410.1) sends behind its request.
 *
 * Left out: what runs behind CONNECT and Upgrade (the flow is done with then), trailers' content, multipart bodies' parts. */
#include "dissectors/app/http.h"

#include <strings.h>

#include "dissectors/app/http_exchange.h"
#include "dissectors/app/image_type.h"
#include "dissectors/location/content.h"

enum stage {
        STAGE_HEAD,
        STAGE_BODY,       /* `left` bytes */
        STAGE_CHUNK_SIZE,
        STAGE_CHUNK,      /* `left` bytes and a line end */
        STAGE_CHUNK_END,
        STAGE_TRAILER,
        STAGE_UNTIL_CLOSE,
        STAGE_LOST        /* a gap: until something begins like a message */
};

enum {
        FIRST_PART = 32 * 1024,
        SCAN_WHOLE = 15 * 1024,
        FEW_BYTES = 8           /* enough for most of image_type; a segment mostly brings more */
};
#define UNTIL_CLOSE (UINT64_C(1) << 60)

struct side {
        uint64_t left;     /* of the body or chunk that is being read */
        uint64_t skipping; /* asked of sense at the end of the last call, of `left` */
        uint8_t stage;     /* enum stage */
        bool is_response;  /* of the message that is being read */
        bool to_device;
        bool scan;         /* the body is still to be looked through for positions */
        uint8_t kind;      /* enum content_kind of the body */
};

struct http_state {
        struct side side[2];
        const char *label;
        struct http_exchanges exchanges;
        bool tunnel;       /* CONNECT was accepted, or the protocol changed */
};

enum step { STEP_AGAIN, STEP_MORE, STEP_SKIP, STEP_LOST };

static enum recognition http_recognise(const struct dissection *d, const struct cursor *payload)
{
        (void)d;
        switch (http_check_first_line(payload)) {
        case DISSECT_OK:
                return MINE;
        case DISSECT_TRUNCATED:
                return PERHAPS;
        default:
                return NOT_MINE;
        }
}

static void end_message(struct http_state *state, struct dissection *d, struct side *side, enum http_ending ending)
{
        side->stage = ending == HTTP_CUT ? STAGE_LOST : STAGE_HEAD;
        side->left = side->skipping = 0;
        if (side->is_response)
                http_exchanges_end(&state->exchanges, d, ending);
        else if (side->to_device)
                state->exchanges.answer.whole = ending == HTTP_WHOLE;
}

static bool answer_has_body(const struct http_state *state, const struct http_head *head)
{
        return head->status >= 200 && head->status != 204 && head->status != 304 &&
               http_exchanges_method(&state->exchanges) != HTTP_HEAD;
}

static void scan(struct dissection *d, const struct http_state *state, enum content_kind kind, struct cursor bytes)
{
        struct content content = {.carrier = "HTTP", .topic = http_exchanges_path(&state->exchanges), .kind = kind};
        content_scan(d, &content, bytes);
}

static void scan_target(struct dissection *d, const struct http_state *state, const struct http_head *head)
{
        struct cursor target = head->target;
        while (cursor_left(&target) > 0 && *target.at != '?' && *target.at != ';')
                cursor_skip(&target, 1);
        cursor_skip(&target, 1);
        if (cursor_left(&target) > 0)
                scan(d, state, CONTENT_QUERY, target);
}

/* NTRIP 2.0 has the rover's sentence in a header, Ntrip-GGA. */
static void scan_ntrip_head(struct dissection *d, const struct http_state *state, const struct http_head *head, struct cursor text)
{
        if (cursor_left(&head->user_agent) >= 5 && strncasecmp((const char *)head->user_agent.at, "NTRIP", 5) == 0)
                scan(d, state, CONTENT_LINES, text);
}

static bool is_form(const struct http_head *head)
{
        static const char form[] = "application/x-www-form-urlencoded";
        return cursor_left(&head->content_type) >= sizeof form - 1 &&
               strncasecmp((const char *)head->content_type.at, form, sizeof form - 1) == 0;
}

static void begin_body(struct http_state *state, struct dissection *d, struct side *side, const struct http_head *head)
{
        bool until_close = head->is_response && !head->has_length;
        side->left = until_close ? UNTIL_CLOSE : head->length;
        side->scan = !side->to_device && !head->encoded;
        side->kind = is_form(head) ? CONTENT_QUERY : CONTENT_ANY;
        side->stage = head->chunked ? STAGE_CHUNK_SIZE : until_close ? STAGE_UNTIL_CLOSE : STAGE_BODY;
        if (!head->chunked && side->left == 0)
                end_message(state, d, side, HTTP_WHOLE);
}

static void begin_request(struct http_state *state, struct dissection *d, struct side *side, const struct http_head *head)
{
        struct http_exchanges *e = &state->exchanges;
        http_exchanges_request(e, d, head);
        if (!side->to_device && cursor_left(&head->host) > 0) /* else it names the device */
                d->services->name(d, head->host.at, cursor_left(&head->host), APNWATCH__V1__FLOW__NAME_SOURCE__HOST);
        if (!side->to_device)
                scan_target(d, state, head);
        if (head->method == HTTP_CONNECT)
                state->label = "HTTP_Connect";
        if (head->proxied)
                d->application = "HTTP_Proxy";
        if (side->to_device && (head->chunked || (head->has_length && head->length > 0))) {
                http_exchanges_describe(e, d, head);
                e->answer.pushed = true;
        }
        begin_body(state, d, side, head);
}

static enum step begin_answer(struct http_state *state, struct dissection *d, struct side *side, const struct http_head *head)
{
        struct http_exchanges *e = &state->exchanges;
        if (head->status < 200 && head->status != 101) /* an interim answer */
                return STEP_AGAIN;
        bool connected = http_exchanges_method(e) == HTTP_CONNECT && head->status < 300;
        if (!e->answer.pushed)
                http_exchanges_describe(e, d, head);
        e->answer.status = head->status;
        if (connected || head->status == 101) {
                state->tunnel = true;
                end_message(state, d, side, HTTP_WHOLE);
        } else if (answer_has_body(state, head)) {
                begin_body(state, d, side, head);
        } else {
                end_message(state, d, side, HTTP_WHOLE);
        }
        return STEP_AGAIN;
}

static enum step read_head(struct http_state *state, struct dissection *d, struct side *side, struct cursor *at)
{
        struct http_head head;
        struct cursor message = *at;
        while (cursor_peek(&message) == '\r' || cursor_peek(&message) == '\n')
                cursor_skip(&message, 1);
        if (cursor_left(&message) == 0) {
                *at = message;
                return STEP_AGAIN;
        }
        enum dissect_result result = http_check_first_line(&message);
        bool begun = result == DISSECT_OK;
        if (begun)
                result = http_parse_head(&message, &head);
        if (result == DISSECT_TRUNCATED && begun && d->cut && !head.is_response) {
                begin_request(state, d, side, &head); /* what the capture left of it: its end is lost */
                side->stage = STAGE_LOST;
                cursor_skip(at, cursor_left(at));
                return STEP_AGAIN;
        }
        if (result == DISSECT_TRUNCATED)
                return STEP_MORE;
        if (result != DISSECT_OK)
                return STEP_LOST;
        struct cursor text = cursor_of(at->at, (size_t)(message.at - at->at));
        *at = message;
        side->is_response = head.is_response;
        if (head.is_response)
                return begin_answer(state, d, side, &head);
        begin_request(state, d, side, &head);
        scan_ntrip_head(d, state, &head, text);
        return STEP_AGAIN;
}

static void count_body(struct http_state *state, struct dissection *d, struct side *side, uint64_t count)
{
        side->left -= count;
        if (side->to_device)
                http_exchanges_moved(&state->exchanges, d, count);
}

/* The first bytes of a body towards the device say what it is. false: not enough of them are here yet. */
static bool examine_body(struct http_state *state, const struct dissection *d, const struct side *side, const struct cursor *at)
{
        struct http_answer *a = &state->exchanges.answer;
        size_t here = cursor_left(at) < side->left ? cursor_left(at) : (size_t)side->left;
        if (a->examined || !side->to_device)
                return true;
        if (here < FEW_BYTES && here < side->left && !d->cut)
                return false;
        a->examined = true;
        a->image = image_type(cursor_of(at->at, here), a->has_size ? a->size : 0);
        return true;
}

/* A body of the device's. false: it is worth waiting for all of it. */
static bool scan_body(const struct http_state *state, struct dissection *d, struct side *side, const struct cursor *at)
{
        size_t here = cursor_left(at) < side->left ? cursor_left(at) : (size_t)side->left;
        if (!side->scan)
                return true;
        if (here < side->left && side->left <= SCAN_WHOLE && !d->cut && cursor_peek(at) >= ' ' && cursor_peek(at) < 0x7f)
                return false;
        side->scan = side->stage == STAGE_CHUNK; /* each chunk by itself */
        scan(d, state, side->kind, cursor_of(at->at, here));
        return true;
}

static void end_body(struct http_state *state, struct dissection *d, struct side *side)
{
        if (side->stage == STAGE_CHUNK)
                side->stage = STAGE_CHUNK_END;
        else
                end_message(state, d, side, HTTP_WHOLE);
}

static enum step read_body(struct http_state *state, struct dissection *d, struct side *side, struct cursor *at)
{
        if (side->left > 0 && (!examine_body(state, d, side, at) || !scan_body(state, d, side, at)))
                return STEP_MORE;
        size_t here = cursor_left(at) < side->left ? cursor_left(at) : (size_t)side->left;
        cursor_skip(at, here);
        count_body(state, d, side, here);
        if (side->left > 0)
                return STEP_SKIP;
        end_body(state, d, side);
        return STEP_AGAIN;
}

static enum step read_chunk_size(struct side *side, struct cursor *at)
{
        enum dissect_result result = http_parse_chunk_size(at, &side->left);
        if (result != DISSECT_OK)
                return result == DISSECT_TRUNCATED ? STEP_MORE : STEP_LOST;
        side->stage = side->left > 0 ? STAGE_CHUNK : STAGE_TRAILER;
        return STEP_AGAIN;
}

static enum step read_line(struct http_state *state, struct dissection *d, struct side *side, struct cursor *at)
{
        struct cursor line;
        if (!http_take_line(at, &line))
                return cursor_left(at) > 1024 ? STEP_LOST : STEP_MORE;
        if (side->stage == STAGE_CHUNK_END && cursor_left(&line) > 0)
                return STEP_LOST;
        if (side->stage == STAGE_CHUNK_END)
                side->stage = STAGE_CHUNK_SIZE;
        else if (cursor_left(&line) == 0)
                end_message(state, d, side, HTTP_WHOLE);
        return STEP_AGAIN;
}

/* Behind a gap: does a message begin here? Of the requests that wait, only the youngest can be the one that is answered. */
static enum step find_head(struct http_state *state, struct dissection *d, struct side *side, struct cursor *at)
{
        if (http_check_first_line(at) != DISSECT_OK)
                return STEP_LOST;
        side->stage = STAGE_HEAD;
        if (cursor_begins(at, "HTTP/"))
                http_exchanges_give_up(&state->exchanges, d, 1);
        return STEP_AGAIN;
}

static enum step read_step(struct http_state *state, struct dissection *d, struct side *side, struct cursor *at)
{
        switch ((enum stage)side->stage) {
        case STAGE_HEAD:
                return read_head(state, d, side, at);
        case STAGE_BODY:
        case STAGE_CHUNK:
        case STAGE_UNTIL_CLOSE:
                return read_body(state, d, side, at);
        case STAGE_CHUNK_SIZE:
                return read_chunk_size(side, at);
        case STAGE_CHUNK_END:
        case STAGE_TRAILER:
                return read_line(state, d, side, at);
        case STAGE_LOST:
                break;
        }
        return find_head(state, d, side, at);
}

static void lose(struct http_state *state, struct dissection *d, struct side *side)
{
        if (side->stage != STAGE_HEAD && side->stage != STAGE_LOST)
                end_message(state, d, side, HTTP_CUT);
        side->stage = STAGE_LOST;
}

/* What is left of a body is skipped up to its end, or first up to the point where a download is told. */
static uint64_t skip_length(const struct http_state *state, const struct side *side)
{
        const struct http_answer *a = &state->exchanges.answer;
        if (side->to_device && !a->asked && a->moved + side->left > FIRST_PART)
                return FIRST_PART - a->moved;
        return side->left;
}

/* What was asked to be skipped has passed. */
static void end_skip(struct http_state *state, struct dissection *d, struct side *side)
{
        uint64_t passed = side->skipping;
        side->skipping = 0;
        if (passed == 0)
                return;
        count_body(state, d, side, passed);
        if (side->left == 0)
                end_body(state, d, side);
}

static enum follow http_dissect(struct dissection *d, void *memory, struct cursor payload)
{
        struct http_state *state = memory;
        struct side *side = &state->side[d->direction];
        struct cursor at = payload;
        enum step step = STEP_AGAIN;
        side->to_device = !d->from_device;
        end_skip(state, d, side);
        if (d->gap)
                lose(state, d, side);
        while (step == STEP_AGAIN && cursor_left(&at) > 0 && !state->tunnel) {
                step = read_step(state, d, side, &at);
                if (step == STEP_LOST) {
                        lose(state, d, side);
                        scan(d, state, CONTENT_LINES, at);
                        cursor_skip(&at, cursor_left(&at));
                }
        }
        d->label = state->label;
        d->consumed = (size_t)(at.at - payload.at);
        if (state->tunnel)
                return FOLLOW_DONE;
        if (step == STEP_SKIP)
                d->skip = side->skipping = skip_length(state, side);
        return step == STEP_MORE ? FOLLOW_MORE : FOLLOW_ON;
}

static void http_end(struct dissection *d, void *memory)
{
        struct http_state *state = memory;
        for (enum direction direction = FROM_OPENER; direction <= TO_OPENER; direction++) {
                struct side *side = &state->side[direction];
                uint64_t seen = side->skipping > d->skip_left[direction] ? side->skipping - d->skip_left[direction] : 0;
                if (seen > 0 && side->to_device)
                        http_exchanges_moved(&state->exchanges, d, seen);
                if (side->is_response && side->stage == STAGE_UNTIL_CLOSE)
                        http_exchanges_end(&state->exchanges, d, HTTP_UNKNOWN);
                else if (side->is_response && side->stage != STAGE_HEAD && side->stage != STAGE_LOST)
                        http_exchanges_end(&state->exchanges, d, HTTP_CUT);
        }
        http_exchanges_give_up(&state->exchanges, d, 0);
}

const struct dissector http_dissector = {
        .name = "HTTP",
        .transports = DISSECT_ON_TCP,
        .readable = true,
        .state_size = sizeof(struct http_state),
        .recognise = http_recognise,
        .dissect = http_dissect,
        .end = http_end,
};
_Static_assert(sizeof(struct http_state) <= 2048, "the state of a flow is bounded");
