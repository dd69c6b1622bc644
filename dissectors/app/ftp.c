/* FTP's control connection (RFC 959, 2428, 3659) on any TCP port: which object will move over which data connection. The
 * commands and replies themselves are not told; what moves is (ftp_data.c).
 *
 * Left out: FXP between two servers, pipelined commands (the last PORT or PASV is taken to be the next transfer's), AUTH TLS
 * (nothing can be read behind it). */
#include "dissectors/app/ftp.h"

#include <netinet/in.h>
#include <strings.h>

#include "dissectors/app/ftp_line.h"

enum { DIRECTORY_MOST = 160, FAILURES_MOST = 16 };

struct ftp_state {
        struct address data_address;
        uint64_t size, range_start;
        uint16_t data_port;
        uint8_t directory_length, failures;
        bool has_data, has_size, has_range, asked_tls, asked_directory, client_known;
        enum direction client;
        char directory[DIRECTORY_MOST];
};

static bool span_holds(const struct cursor *span, const char *text)
{
        size_t length = strlen(text);
        for (const uint8_t *at = span->at; (size_t)(span->end - at) >= length; at++)
                if (strncasecmp((const char *)at, text, length) == 0)
                        return true;
        return false;
}

static bool port_is(const struct dissection *d, uint16_t port)
{
        return d->source_port == port || d->destination_port == port;
}

/* SMTP, NNTP and POP begin alike. */
static bool port_is_mail(const struct dissection *d)
{
        return port_is(d, 25) || port_is(d, 110) || port_is(d, 119) || port_is(d, 465) || port_is(d, 587) || port_is(d, 2525);
}

static enum recognition recognise_greeting(const struct dissection *d, struct cursor at)
{
        struct ftp_reply reply;
        enum dissect_result result = ftp_parse_reply(&at, &reply);
        if (result == DISSECT_TRUNCATED)
                return PERHAPS;
        if (result != DISSECT_OK || reply.code != 220 || port_is_mail(d) || span_holds(&reply.text, "smtp"))
                return NOT_MINE;
        return port_is(d, 21) || span_holds(&reply.text, "ftp") ? MINE : PERHAPS;
}

static enum recognition recognise_login(const struct dissection *d, struct cursor at)
{
        struct ftp_command command;
        enum dissect_result result = ftp_parse_command(&at, &command);
        if (result == DISSECT_TRUNCATED)
                return PERHAPS;
        if (result != DISSECT_OK || port_is_mail(d) || cursor_left(&command.argument) == 0)
                return NOT_MINE;
        if (memchr(command.argument.at, ' ', cursor_left(&command.argument)) != NULL)
                return NOT_MINE; /* IRC's USER has four arguments */
        if (command.verb == FTP_AUTH)
                return span_holds(&command.argument, "TLS") || span_holds(&command.argument, "SSL") ? MINE : NOT_MINE;
        return command.verb == FTP_USER ? MINE : NOT_MINE;
}

static enum recognition ftp_recognise(const struct dissection *d, const struct cursor *payload)
{
        size_t left = cursor_left(payload);
        if (left == 0)
                return NOT_MINE;
        size_t few = left < 3 ? left : 3;
        if (memcmp(payload->at, "220", few) == 0)
                return recognise_greeting(d, *payload);
        uint8_t first = *payload->at;
        if (first != 'U' && first != 'u' && first != 'A' && first != 'a')
                return NOT_MINE;
        few = left < 4 ? left : 4;
        if (strncasecmp((const char *)payload->at, "USER", few) != 0 && strncasecmp((const char *)payload->at, "AUTH", few) != 0)
                return NOT_MINE;
        return recognise_login(d, *payload);
}

static void append(struct ftp_state *state, const struct cursor *name)
{
        size_t length = cursor_left(name), at = state->directory_length;
        bool slash = at == 0 || state->directory[at - 1] != '/';
        if (at + slash + length > DIRECTORY_MOST)
                return;
        if (slash)
                state->directory[at++] = '/';
        if (length > 0)
                memcpy(state->directory + at, name->at, length);
        state->directory_length = (uint8_t)(at + length);
}

static void change_directory(struct ftp_state *state, struct cursor name)
{
        if (cursor_left(&name) == 0 || (cursor_left(&name) == 1 && *name.at == '.'))
                return;
        if (cursor_left(&name) == 2 && cursor_begins(&name, "..")) {
                while (state->directory_length > 0 && state->directory[--state->directory_length] != '/')
                        ;
                return;
        }
        if (*name.at == '/') {
                state->directory_length = 0;
                cursor_skip(&name, 1);
        }
        append(state, &name);
}

/* 257 "/a/b" is the current directory */
static void read_directory(struct ftp_state *state, struct cursor text)
{
        const uint8_t *open = cursor_left(&text) > 0 ? memchr(text.at, '"', cursor_left(&text)) : NULL;
        const uint8_t *close = open ? memchr(open + 1, '"', (size_t)(text.end - open - 1)) : NULL;
        if (close != NULL && open[1] == '/')
                change_directory(state, cursor_of(open + 1, (size_t)(close - open - 1)));
}

static void set_path(const struct ftp_state *state, struct ftp_transfer *transfer, const struct cursor *name)
{
        size_t at = 0, length = cursor_left(name);
        if (length == 0 || *name->at != '/') {
                memcpy(transfer->path, state->directory, state->directory_length);
                at = state->directory_length;
                if (at > 0 && transfer->path[at - 1] != '/')
                        transfer->path[at++] = '/';
        }
        length = length < FTP_PATH - at ? length : FTP_PATH - at;
        if (length > 0)
                memcpy(transfer->path + at, name->at, length);
        transfer->path_length = (uint16_t)(at + length);
}

static void announce(struct ftp_state *state, struct dissection *d, const struct ftp_command *command)
{
        struct ftp_transfer transfer = {.start_ns = d->time_ns, .request_file = d->file, .request_frame = d->file_frame,
                                        .verb = (uint8_t)command->verb, .has_size = state->has_size, .size = state->size,
                                        .has_range = state->has_range, .range_start = state->range_start};
        if (state->has_data) {
                set_path(state, &transfer, &command->argument);
                d->services->expect(d, &state->data_address, state->data_port, IPPROTO_TCP, &ftp_data_dissector, &transfer,
                                    sizeof transfer);
        }
        state->has_data = state->has_size = state->has_range = false;
}

/* Behind a translator a PASV server may name an address of its own network: then the control connection's is the right one. */
static void set_data(struct ftp_state *state, const struct address *named, uint16_t port, const struct address *control)
{
        bool better = address_is_unspecified(named) || (address_is_private(named) && !address_is_private(control));
        state->data_address = better ? *control : *named;
        state->data_port = port;
        state->has_data = true;
}

static void read_command(struct ftp_state *state, struct dissection *d, const struct ftp_command *command)
{
        struct address address;
        uint16_t port;
        bool has_address;
        switch (command->verb) {
        case FTP_CWD:
                change_directory(state, command->argument);
                break;
        case FTP_CDUP:
                change_directory(state, cursor_of("..", 2));
                break;
        case FTP_PORT:
                if (ftp_parse_port(command->argument, &address, &port))
                        set_data(state, &address, port, &d->source);
                break;
        case FTP_EPRT:
                if (ftp_parse_extended(command->argument, &has_address, &address, &port) && has_address)
                        set_data(state, &address, port, &d->source);
                break;
        case FTP_REST:
                state->has_range = ftp_parse_number(command->argument, &state->range_start) && state->range_start > 0;
                break;
        case FTP_AUTH:
                state->asked_tls = true;
                break;
        case FTP_PWD:
                state->asked_directory = true;
                break;
        case FTP_RETR:
        case FTP_STOR:
        case FTP_APPE:
        case FTP_STOU:
        case FTP_LIST:
        case FTP_NLST:
        case FTP_MLSD:
                announce(state, d, command);
                break;
        case FTP_OTHER:
        case FTP_USER:
        case FTP_PASS:
        case FTP_PASV:
        case FTP_EPSV:
        case FTP_SIZE:
        case FTP_QUIT:
                break;
        }
}

/* False: from here on TLS. */
static bool read_reply(struct ftp_state *state, struct dissection *d, const struct ftp_reply *reply)
{
        struct address address;
        uint16_t port;
        bool has_address;
        switch (reply->code) {
        case 213:
                state->has_size = ftp_parse_number(reply->text, &state->size);
                break;
        case 227:
                if (ftp_parse_port(reply->text, &address, &port))
                        set_data(state, &address, port, &d->source);
                break;
        case 229:
                if (ftp_parse_extended(reply->text, &has_address, &address, &port))
                        set_data(state, has_address ? &address : &d->source, port, &d->source);
                break;
        case 257:
                if (state->asked_directory) /* MKD's answer looks alike */
                        read_directory(state, reply->text);
                state->asked_directory = false;
                break;
        case 234:
                return !state->asked_tls;
        default:
                break;
        }
        return true;
}

/* The client is who sends commands: told by the first line of either. */
static void find_client(struct ftp_state *state, const struct dissection *d, const struct cursor *line)
{
        bool replies = cursor_peek(line) >= '0' && cursor_peek(line) <= '9';
        state->client = replies == (d->direction == FROM_OPENER) ? TO_OPENER : FROM_OPENER;
        state->client_known = true;
}

static enum dissect_result read_line(struct ftp_state *state, struct dissection *d, struct cursor *at)
{
        struct ftp_command command;
        struct ftp_reply reply;
        enum dissect_result result;
        if (d->direction == state->client) {
                result = ftp_parse_command(at, &command);
                if (result == DISSECT_OK)
                        read_command(state, d, &command);
        } else {
                result = ftp_parse_reply(at, &reply);
                if (result == DISSECT_OK && !read_reply(state, d, &reply))
                        d->encrypted = true;
                if (result == DISSECT_NO_MATCH) /* an inner line of a long reply */
                        result = DISSECT_OK;
        }
        return result;
}

static enum follow ftp_dissect(struct dissection *d, void *memory, struct cursor payload)
{
        struct ftp_state *state = memory;
        struct cursor at = payload;
        if (!state->client_known && cursor_left(&payload) > 0)
                find_client(state, d, &payload);
        while (cursor_left(&at) > 0 && !d->encrypted) {
                enum dissect_result result = read_line(state, d, &at);
                if (result == DISSECT_TRUNCATED && !d->cut) {
                        d->consumed = (size_t)(at.at - payload.at);
                        return FOLLOW_MORE;
                }
                if (result != DISSECT_OK && ++state->failures > FAILURES_MOST)
                        return FOLLOW_DONE;
                if (result == DISSECT_TRUNCATED || result == DISSECT_MALFORMED)
                        break;
        }
        return d->encrypted ? FOLLOW_DONE : FOLLOW_ON;
}

const struct dissector ftp_dissector = {
        .name = "FTP_CONTROL",
        .transports = DISSECT_ON_TCP,
        .readable = true,
        .state_size = sizeof(struct ftp_state),
        .recognise = ftp_recognise,
        .dissect = ftp_dissect,
};
