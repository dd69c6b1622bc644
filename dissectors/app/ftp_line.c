#include "dissectors/app/ftp_line.h"

#include <strings.h>

enum { LONGEST_LINE = 2048 };

static const char *const verbs[] = {
        [FTP_USER] = "USER", [FTP_PASS] = "PASS", [FTP_CWD] = "CWD",   [FTP_CDUP] = "CDUP", [FTP_PWD] = "PWD",   [FTP_RETR] = "RETR",
        [FTP_STOR] = "STOR", [FTP_APPE] = "APPE", [FTP_STOU] = "STOU", [FTP_LIST] = "LIST", [FTP_NLST] = "NLST",
        [FTP_MLSD] = "MLSD", [FTP_PORT] = "PORT", [FTP_EPRT] = "EPRT", [FTP_PASV] = "PASV", [FTP_EPSV] = "EPSV",
        [FTP_REST] = "REST", [FTP_SIZE] = "SIZE", [FTP_AUTH] = "AUTH", [FTP_QUIT] = "QUIT",
};

const char *ftp_verb_name(enum ftp_verb verb)
{
        return verb > FTP_OTHER && verb <= FTP_QUIT ? verbs[verb] : NULL;
}

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

static enum dissect_result take_line(struct cursor *cursor, struct cursor *line)
{
        size_t left = cursor_left(cursor);
        const uint8_t *end = left > 0 ? memchr(cursor->at, '\n', left) : NULL;
        if (end == NULL)
                return left > LONGEST_LINE ? DISSECT_MALFORMED : DISSECT_TRUNCATED;
        *line = cursor_take(cursor, (size_t)(end - cursor->at));
        cursor_skip(cursor, 1);
        if (line->at < line->end && line->end[-1] == '\r')
                line->end--;
        return DISSECT_OK;
}

enum dissect_result ftp_parse_command(struct cursor *cursor, struct ftp_command *out)
{
        struct cursor line;
        enum dissect_result result = take_line(cursor, &line);
        *out = (struct ftp_command){.verb = FTP_OTHER};
        if (result != DISSECT_OK)
                return result;
        const uint8_t *from = line.at;
        while (cursor_left(&line) > 0 && ((*line.at | 0x20) >= 'a' && (*line.at | 0x20) <= 'z'))
                cursor_skip(&line, 1);
        out->name = cursor_of(from, (size_t)(line.at - from));
        if (cursor_left(&out->name) < 3 || cursor_left(&out->name) > 4 || (cursor_left(&line) > 0 && *line.at != ' '))
                return DISSECT_NO_MATCH;
        cursor_skip(&line, 1);
        out->argument = cursor_of(line.at, cursor_left(&line));
        for (enum ftp_verb verb = FTP_USER; verb <= FTP_QUIT; verb++)
                if (strlen(verbs[verb]) == cursor_left(&out->name) &&
                    strncasecmp(verbs[verb], (const char *)out->name.at, cursor_left(&out->name)) == 0)
                        out->verb = verb;
        return DISSECT_OK;
}

enum dissect_result ftp_parse_reply(struct cursor *cursor, struct ftp_reply *out)
{
        struct cursor line;
        enum dissect_result result = take_line(cursor, &line);
        *out = (struct ftp_reply){0};
        if (result != DISSECT_OK)
                return result;
        if (cursor_left(&line) < 3 || !is_digit(line.at[0]) || !is_digit(line.at[1]) || !is_digit(line.at[2]))
                return DISSECT_NO_MATCH;
        out->code = (uint16_t)((line.at[0] - '0') * 100 + (line.at[1] - '0') * 10 + (line.at[2] - '0'));
        cursor_skip(&line, 3);
        uint8_t next = cursor_u8(&line);
        if (out->code < 100 || out->code > 659 || (!line.short_read && next != ' ' && next != '-'))
                return DISSECT_NO_MATCH;
        out->goes_on = next == '-';
        out->text = cursor_of(line.at, cursor_left(&line));
        return DISSECT_OK;
}

bool ftp_parse_number(struct cursor text, uint64_t *number)
{
        uint64_t n = 0;
        unsigned digits = 0;
        for (; cursor_left(&text) > 0 && is_digit(*text.at) && digits < 18; digits++)
                n = n * 10 + (uint64_t)(cursor_u8(&text) - '0');
        *number = n;
        return digits > 0;
}

/* One of the six numbers and what follows it. */
static bool take_octet(struct cursor *text, bool last, uint8_t *octet)
{
        unsigned n = 0, digits = 0;
        for (; cursor_left(text) > 0 && is_digit(*text->at) && digits < 4; digits++)
                n = n * 10 + (unsigned)(cursor_u8(text) - '0');
        *octet = (uint8_t)n;
        return digits > 0 && n < 256 && (last || cursor_u8(text) == ',');
}

bool ftp_parse_port(struct cursor text, struct address *address, uint16_t *port)
{
        for (; cursor_left(&text) > 0; cursor_skip(&text, 1)) {
                struct cursor at = text;
                uint8_t octets[6];
                unsigned count = 0;
                while (count < 6 && take_octet(&at, count == 5, &octets[count]))
                        count++;
                if (count == 6) {
                        *address = address_of_ipv4(octets);
                        *port = (uint16_t)(octets[4] << 8 | octets[5]);
                        return *port != 0;
                }
                while (cursor_left(&text) > 0 && is_digit(*text.at)) /* not from the middle of a number */
                        cursor_skip(&text, 1);
        }
        return false;
}

static struct cursor take_field(struct cursor *text, uint8_t delimiter)
{
        const uint8_t *from = text->at;
        while (cursor_left(text) > 0 && *text->at != delimiter)
                cursor_skip(text, 1);
        struct cursor field = cursor_of(from, (size_t)(text->at - from));
        cursor_skip(text, 1);
        return field;
}

bool ftp_parse_extended(struct cursor text, bool *has_address, struct address *address, uint16_t *port)
{
        char host[ADDRESS_TEXT_SIZE];
        uint64_t number;
        const uint8_t *open = cursor_left(&text) > 0 ? memchr(text.at, '(', cursor_left(&text)) : NULL;
        if (open != NULL)
                cursor_skip(&text, (size_t)(open + 1 - text.at));
        uint8_t delimiter = cursor_u8(&text);
        if (delimiter < 33 || delimiter > 126)
                return false;
        take_field(&text, delimiter); /* 1: IPv4, 2: IPv6; the address says it, too */
        struct cursor name = take_field(&text, delimiter);
        struct cursor digits = take_field(&text, delimiter);
        if (text.short_read || !ftp_parse_number(digits, &number) || number == 0 || number > 65535)
                return false;
        *port = (uint16_t)number;
        *has_address = cursor_left(&name) > 0;
        if (!*has_address)
                return true;
        if (cursor_left(&name) >= sizeof host)
                return false;
        memcpy(host, name.at, cursor_left(&name));
        host[cursor_left(&name)] = '\0';
        return address_parse(host, address);
}
