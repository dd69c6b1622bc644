/* Families that write text: what stands in front, where the IMEI is, how it ends. A line is at most so long, and printable. */
#include <ctype.h>

#include "dissectors/tracker/checksum.h"
#include "dissectors/tracker/tracker.h"

enum { LINE_MOST = 1024, IMEI_DIGITS = 15 };

/* Up to the terminator, which is consumed with line ends behind it. */
static enum dissect_result take_line(struct cursor *at, const char *terminators, struct cursor *line)
{
        const uint8_t *from = at->at;
        for (const uint8_t *c = from; c < at->end && c < from + LINE_MOST; c++) {
                if (*c != '\0' && strchr(terminators, *c) != NULL) {
                        *line = cursor_of(from, (size_t)(c - from));
                        cursor_skip(at, (size_t)(c - from) + 1);
                        while (cursor_left(at) > 0 && (*at->at == '\r' || *at->at == '\n'))
                                cursor_skip(at, 1);
                        return DISSECT_OK;
                }
                if (*c < 0x20 || *c > 0x7e)
                        return DISSECT_NO_MATCH;
        }
        return cursor_left(at) < LINE_MOST ? DISSECT_TRUNCATED : DISSECT_NO_MATCH;
}

/* The front of a text that may still become `text`. */
static enum dissect_result take_text(struct cursor *at, const char *text)
{
        size_t length = strlen(text), there = cursor_left(at) < length ? cursor_left(at) : length;
        if (there > 0 && memcmp(at->at, text, there) != 0)
                return DISSECT_NO_MATCH;
        if (there < length)
                return DISSECT_TRUNCATED;
        cursor_skip(at, length);
        return DISSECT_OK;
}

static enum dissect_result take_message(struct cursor *at, const char *head, const char *terminators, struct cursor *line)
{
        enum dissect_result result = take_text(at, head);
        return result == DISSECT_OK ? take_line(at, terminators, line) : result;
}

static struct cursor take_field(struct cursor *line, uint8_t separator)
{
        const uint8_t *from = line->at, *end = cursor_left(line) > 0 ? memchr(from, separator, cursor_left(line)) : NULL;
        size_t length = end != NULL ? (size_t)(end - from) : cursor_left(line);
        cursor_skip(line, length + (end != NULL));
        return cursor_of(from, length);
}

static bool are_all(const struct cursor *field, int (*is)(int c), size_t least, size_t most)
{
        for (const uint8_t *c = field->at; c < field->end; c++)
                if (!is(*c))
                        return false;
        return cursor_left(field) >= least && cursor_left(field) <= most;
}

static int is_capital(int c)
{
        return isupper(c) || isdigit(c);
}

/* An IMEI, or else what the family calls the device. */
static void take_id(struct nameplate *plate, struct cursor id)
{
        if (!nameplate_take_imei(plate, id.at, cursor_left(&id)))
                plate->id = id;
}

/* Queclink:   +RESP:GTxxx, (or +ACK, +BUFF) version, IMEI, name, ...$   GTVER: type, firmware, hardware; GTCID: ICCID. */
static enum dissect_result queclink_read(struct cursor *at, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        static const char *const heads[] = {"+RESP:GT", "+ACK:GT", "+BUFF:GT"};
        struct cursor line, from = *at;
        enum dissect_result result = DISSECT_NO_MATCH;
        (void)is_datagram;
        (void)scratch;
        for (unsigned i = 0; i < 3 && result == DISSECT_NO_MATCH; i++)
                result = take_text(&from, heads[i]);
        if (result != DISSECT_OK || (result = take_line(&from, "$", &line)) != DISSECT_OK)
                return result;
        struct cursor command = take_field(&line, ','), version = take_field(&line, ','), id = version;
        if (cursor_left(&version) != IMEI_DIGITS)
                id = take_field(&line, ',');
        if (!are_all(&command, is_capital, 3, 3) || !are_all(&version, isxdigit, 4, IMEI_DIGITS) ||
            !are_all(&id, isdigit, IMEI_DIGITS, IMEI_DIGITS))
                return DISSECT_NO_MATCH;
        take_id(plate, id);
        (void)take_field(&line, ','); /* its name, as somebody wrote it */
        if (cursor_begins(&command, "VER")) {
                plate->model = take_field(&line, ',');
                plate->firmware = take_field(&line, ',');
        } else if (cursor_begins(&command, "CID")) {
                nameplate_take_digits(plate->iccid, take_field(&line, ','), 18, 20);
        }
        *at = from;
        return DISSECT_OK;
}

/* Meitrack:   $$ | flag | length, decimal, from the comma to the end | ,IMEI,command,...* | sum, hex | CR LF */
static enum dissect_result meitrack_read(struct cursor *at, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct cursor from = *at;
        size_t length = 0, digits = 0;
        (void)is_datagram;
        (void)scratch;
        enum dissect_result result = take_text(&from, "$$");
        if (result != DISSECT_OK)
                return result;
        uint8_t flag = cursor_u8(&from);
        for (; digits < 4 && isdigit(cursor_peek(&from)); digits++)
                length = length * 10 + cursor_u8(&from) - '0';
        if (!from.short_read && cursor_left(&from) > 0 && (flag < 'A' || flag > 'z' || digits == 0 || cursor_peek(&from) != ','))
                return DISSECT_NO_MATCH;
        struct cursor body = cursor_take(&from, length);
        if (from.short_read || length == 0)
                return length <= 2048 ? DISSECT_TRUNCATED : DISSECT_NO_MATCH;
        if (length < 1 + IMEI_DIGITS + 1 + 5 || memcmp(body.end - 2, "\r\n", 2) != 0 || body.end[-5] != '*')
                return DISSECT_NO_MATCH;
        static const char hex[] = "0123456789ABCDEF";
        uint8_t sum = sum_of(cursor_of(at->at, (size_t)(body.end - 4 - at->at)));
        if (toupper(body.end[-4]) != hex[sum >> 4] || toupper(body.end[-3]) != hex[sum & 15])
                return DISSECT_NO_MATCH;
        cursor_skip(&body, 1);
        struct cursor id = take_field(&body, ',');
        if (!are_all(&id, isdigit, IMEI_DIGITS, IMEI_DIGITS))
                return DISSECT_NO_MATCH;
        take_id(plate, id);
        *at = from;
        return DISSECT_OK;
}

/* Coban (GPS103):   ##,imei:IMEI,A;   imei:IMEI,event,...;   IMEI; alone keeps the connection. */
static enum dissect_result coban_read(struct cursor *at, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct cursor line, from = *at;
        (void)scratch;
        bool is_bare = isdigit(cursor_peek(&from)); /* in a stream it comes behind a login */
        enum dissect_result result = is_bare ? DISSECT_OK : take_text(&from, cursor_peek(&from) == '#' ? "##,imei:" : "imei:");
        if (is_bare && !is_datagram)
                return DISSECT_NO_MATCH;
        if (result != DISSECT_OK || (result = take_line(&from, ";", &line)) != DISSECT_OK)
                return result;
        struct cursor id = take_field(&line, ',');
        bool has_more = cursor_left(&line) > 0;
        if (!are_all(&id, isdigit, IMEI_DIGITS, IMEI_DIGITS) || is_bare == has_more)
                return DISSECT_NO_MATCH;
        take_id(plate, id);
        if (is_bare && (plate->imei[0] == '\0' || cursor_left(&from) > 0))
                return DISSECT_NO_MATCH;
        *at = from;
        return DISSECT_OK;
}

/* H02 and relatives:   *XX,id of 10 to 15 digits,command,...#   EasyTrack writes *ET. */
static enum dissect_result h02_read(struct cursor *at, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct cursor line, from = *at;
        (void)is_datagram;
        (void)scratch;
        enum dissect_result result = take_message(&from, "*", "#", &line);
        if (result != DISSECT_OK)
                return result;
        struct cursor maker = take_field(&line, ','), id = take_field(&line, ','), command = take_field(&line, ',');
        if (!are_all(&maker, is_capital, 2, 2) || !isupper(maker.at[0]) || !are_all(&id, isdigit, 10, IMEI_DIGITS) ||
            !are_all(&command, is_capital, 2, 8))
                return DISSECT_NO_MATCH;
        if (cursor_begins(&maker, "ET"))
                plate->protocol = "EasyTrack";
        take_id(plate, id);
        *at = from;
        return DISSECT_OK;
}

/* Watches of children and the old:   [XX*id of 10 to 15 digits*(index, 4 hex *)length, 4 hex*content] */
static enum dissect_result watch_read(struct cursor *at, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct cursor from = *at;
        (void)is_datagram;
        (void)scratch;
        enum { HEAD_MOST = 1 + 2 + 1 + IMEI_DIGITS + 1 + 5 + 5 };
        cursor_skip(&from, 1);
        bool is_short = cursor_left(at) < HEAD_MOST && memchr(at->at, ']', cursor_left(at)) == NULL;
        bool is_front = cursor_left(&from) < 3 || (is_capital(from.at[0]) && is_capital(from.at[1]) && from.at[2] == '*');
        struct cursor maker = take_field(&from, '*'), id = take_field(&from, '*'), length_text = take_field(&from, '*');
        if (!are_all(&maker, is_capital, 2, 2) || !are_all(&id, isdigit, 10, IMEI_DIGITS) || !are_all(&length_text, isxdigit, 4, 4))
                return is_short && is_front ? DISSECT_TRUNCATED : DISSECT_NO_MATCH;
        size_t length = 0;
        struct cursor second = from, index = take_field(&second, '*');
        if (are_all(&index, isxdigit, 4, 4) && cursor_left(&second) > 0) {
                length_text = index;
                from = second;
        }
        for (const uint8_t *c = length_text.at; c < length_text.end; c++)
                length = length * 16 + (size_t)(isdigit(*c) ? *c - '0' : (*c | 0x20) - 'a' + 10);
        cursor_skip(&from, length);
        uint8_t last = cursor_u8(&from);
        if (from.short_read)
                return length < 2048 ? DISSECT_TRUNCATED : DISSECT_NO_MATCH;
        if (last != ']')
                return DISSECT_NO_MATCH;
        take_id(plate, id);
        *at = from;
        return DISSECT_OK;
}

/* Wialon IPS:   #L#id;password   #L#2.0;id;password;sum   CR LF */
static enum dissect_result wialon_read(struct cursor *at, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct cursor line, from = *at;
        (void)is_datagram;
        (void)scratch;
        enum dissect_result result = take_message(&from, "#L#", "\r\n", &line);
        if (result != DISSECT_OK)
                return result;
        struct cursor id = take_field(&line, ';');
        if (cursor_begins(&id, "2."))
                id = take_field(&line, ';');
        if (!are_all(&id, isalnum, 4, 40) || cursor_left(&line) == 0)
                return DISSECT_NO_MATCH;
        take_id(plate, id);
        *at = from;
        return DISSECT_OK;
}

/* TK103:   (id of 12 digits, command of two capitals and two digits, content)   BP00, BP05: the content begins with the IMEI. */
static enum dissect_result tk103_read(struct cursor *at, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        enum { ID = 12, COMMAND = 4 };
        struct cursor line, from = *at;
        (void)is_datagram;
        (void)scratch;
        enum dissect_result result = take_message(&from, "(", ")", &line);
        if (result != DISSECT_OK)
                return result;
        struct cursor id = cursor_take(&line, ID), command = cursor_take(&line, COMMAND);
        if (line.short_read || !are_all(&id, isdigit, ID, ID) || !isupper(command.at[0]) || !isupper(command.at[1]) ||
            !isdigit(command.at[2]) || !is_capital(command.at[3]))
                return DISSECT_NO_MATCH;
        plate->id = id;
        if ((cursor_begins(&command, "BP00") || cursor_begins(&command, "BP05")) && cursor_left(&line) >= IMEI_DIGITS)
                (void)nameplate_take_imei(plate, line.at, IMEI_DIGITS);
        *at = from;
        return DISSECT_OK;
}

/* GoSafe:   *GSnn,IMEI,time,...,SYS:model;hardware;firmware,...# */
static enum dissect_result gosafe_read(struct cursor *at, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct cursor line, from = *at;
        (void)is_datagram;
        (void)scratch;
        enum dissect_result result = take_message(&from, "*GS", "#", &line);
        if (result != DISSECT_OK)
                return result;
        struct cursor version = take_field(&line, ','), id = take_field(&line, ',');
        if (!are_all(&version, isdigit, 2, 2) || !are_all(&id, isdigit, IMEI_DIGITS, IMEI_DIGITS))
                return DISSECT_NO_MATCH;
        take_id(plate, id);
        while (cursor_left(&line) > 0) {
                struct cursor field = take_field(&line, ',');
                if (!cursor_begins(&field, "SYS:"))
                        continue;
                cursor_skip(&field, 4);
                plate->model = take_field(&field, ';');
                (void)take_field(&field, ';');
                plate->firmware = take_field(&field, ';');
                break;
        }
        *at = from;
        return DISSECT_OK;
}

/* Atrack's text:   @P,check,length,sequence,IMEI,... CR LF */
static enum dissect_result atrack_text_read(struct cursor *at, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct cursor line, from = *at;
        (void)is_datagram;
        (void)scratch;
        enum dissect_result result = take_message(&from, "@P,", "\r\n", &line);
        if (result != DISSECT_OK)
                return result;
        struct cursor check = take_field(&line, ','), length = take_field(&line, ',');
        struct cursor sequence = take_field(&line, ','), id = take_field(&line, ',');
        if (!are_all(&check, isxdigit, 2, 4) || !are_all(&length, isdigit, 1, 4) || !are_all(&sequence, isdigit, 1, 5) ||
            !are_all(&id, isdigit, IMEI_DIGITS, IMEI_DIGITS) || cursor_left(&line) == 0)
                return DISSECT_NO_MATCH;
        take_id(plate, id);
        *at = from;
        return DISSECT_OK;
}

enum { BOTH = DISSECT_ON_TCP | DISSECT_ON_UDP };

const struct tracker_family queclink_family = {.protocol = "Queclink", .first = "2b", .transports = BOTH, .read = queclink_read};
const struct tracker_family meitrack_family = {.protocol = "Meitrack", .first = "24", .transports = BOTH, .read = meitrack_read};
const struct tracker_family coban_family = {
        .protocol = "Coban", .first = "236930313233343536373839", .transports = BOTH, .read = coban_read};
const struct tracker_family h02_family = {.protocol = "H02", .first = "2a", .transports = BOTH, .read = h02_read};
const struct tracker_family watch_family = {.protocol = "Watch", .first = "5b", .transports = BOTH, .read = watch_read};
const struct tracker_family wialon_family = {.protocol = "Wialon IPS", .first = "23", .transports = BOTH, .read = wialon_read};
const struct tracker_family tk103_family = {.protocol = "TK103", .first = "28", .transports = BOTH, .read = tk103_read};
const struct tracker_family gosafe_family = {.protocol = "GoSafe", .first = "2a", .transports = BOTH, .read = gosafe_read};
const struct tracker_family atrack_text_family = {.protocol = "Atrack", .first = "40", .transports = BOTH, .read = atrack_text_read};
