#include "dissectors/location/supl_message.h"

enum { SHORTEST = 10, LONGEST = 16384, HEADER = 5 };

static const char *const kind_names[SUPL_KINDS] = {
        "SUPL INIT", "SUPL START", "SUPL RESPONSE", "SUPL POS INIT", "SUPL POS", "SUPL END", "SUPL AUTH REQ", "SUPL AUTH RESP",
        "SUPL TRIGGERED START", "SUPL TRIGGERED RESPONSE", "SUPL TRIGGERED STOP", "SUPL NOTIFY", "SUPL NOTIFY RESPONSE",
        "SUPL SET INIT", "SUPL REPORT",
};

const char *supl_kind_name(enum supl_kind kind)
{
        return kind < SUPL_KINDS ? kind_names[kind] : NULL;
}

/* PER packs fields without regard to octets: the most significant bit first. */
struct bits {
        struct cursor at;
        uint8_t octet;
        unsigned left; /* bits of `octet` that were not taken yet */
};

static uint32_t take(struct bits *b, unsigned count)
{
        uint32_t value = 0;
        while (count-- > 0) {
                if (b->left == 0) {
                        b->octet = cursor_u8(&b->at);
                        b->left = 8;
                }
                value = value << 1 | (b->octet >> --b->left & 1U);
        }
        return b->at.short_read ? 0 : value;
}

static void skip(struct bits *b, unsigned count)
{
        while (count > 0 && !b->at.short_read) {
                unsigned some = count < 32 ? count : 32;
                take(b, some);
                count -= some;
        }
}

/* Length of an open type (X.691, 11.9): up to 127 in one octet, up to 16383 in two. */
static unsigned open_length(struct bits *b)
{
        unsigned length = take(b, 8);
        return length & 0x80 ? (length & 0x3f) << 8 | take(b, 8) : length;
}

/* What later versions added to a sequence whose extension bit was set (X.691, 19.7 to 19.9). */
static void skip_additions(struct bits *b, bool extended)
{
        if (!extended)
                return;
        if (take(b, 1)) { /* more than 64 additions: nobody has these */
                cursor_fail(&b->at);
                return;
        }
        unsigned count = take(b, 6) + 1, present = 0;
        for (unsigned i = 0; i < count; i++)
                present += take(b, 1);
        for (unsigned i = 0; i < present && !b->at.short_read; i++)
                skip(b, open_length(b) * 8);
}

/* TBCD: the low nibble first, F fills. */
static void take_digits(struct bits *b, char digits[17])
{
        unsigned length = 0;
        bool odd = false;
        for (unsigned i = 0; i < 8; i++) {
                uint32_t octet = take(b, 8);
                unsigned nibbles[2] = {octet & 0x0f, octet >> 4};
                for (unsigned n = 0; n < 2; n++) {
                        if (nibbles[n] < 10 && length < 16)
                                digits[length++] = (char)('0' + nibbles[n]);
                        odd |= nibbles[n] > 9 && nibbles[n] != 15;
                }
        }
        digits[odd || length < 5 ? 0 : length] = '\0';
}

static bool take_ip(struct bits *b)
{
        skip(b, take(b, 1) ? 128 : 32);
        return true;
}

/* SETId: msisdn, mdn, min, imsi, nai, iPAddress, ..., ver2-imei */
static bool take_set_id(struct bits *b, struct supl_message *out)
{
        if (take(b, 1)) {
                if (take(b, 7) != 0)
                        return false;
                skip(b, open_length(b) * 8);
                return true;
        }
        switch (take(b, 3)) {
        case 0:
        case 1:
        case 3:
                take_digits(b, out->subscriber);
                return true;
        case 2:
                skip(b, 34);
                return true;
        case 4:
                skip(b, (take(b, 10) + 1) * 7);
                return true;
        case 5:
                return take_ip(b);
        default:
                return false;
        }
}

static bool take_slp_id(struct bits *b)
{
        skip(b, 32);
        if (take(b, 1))
                return false;
        if (!take(b, 1))
                return take_ip(b);
        skip(b, (take(b, 8) + 1) * 6);
        return true;
}

/* posTechnology, prefMethod, posProtocol */
static void skip_capabilities(struct bits *b)
{
        bool extended = take(b, 1);
        bool inner = take(b, 1);
        skip(b, 7);
        skip_additions(b, inner);
        skip(b, 2);
        inner = take(b, 1);
        skip(b, 3);
        skip_additions(b, inner);
        skip_additions(b, extended);
}

static bool network_is_possible(const struct supl_message *m)
{
        return m->mcc >= 200 && m->mcc <= 799 && m->mnc <= 999;
}

static unsigned take_decimal(struct bits *b, unsigned digits)
{
        unsigned n = 0;
        for (unsigned i = 0; i < digits; i++) {
                unsigned digit = take(b, 4);
                n = digit > 9 ? 9999 : n * 10 + digit;
        }
        return n > 999 ? 1000 : n;
}

static void take_lte_cell(struct bits *b, struct supl_message *out)
{
        skip(b, 5);
        skip(b, 1);
        out->mcc = take(b, 1) ? (uint16_t)take_decimal(b, 3) : 1000;
        out->mnc_digits = (uint8_t)(2 + take(b, 1));
        out->mnc = (uint16_t)take_decimal(b, out->mnc_digits);
        out->cell_id = take(b, 28);
        skip(b, 9);
        out->area = (uint16_t)take(b, 16);
        out->cell = SUPL_LTE;
}

/* CellInfo: gsmCell, wcdmaCell, cdmaCell, ..., ver2-CellInfo-extension */
static void take_cell(struct bits *b, struct supl_message *out)
{
        bool extended = take(b, 1);
        unsigned choice = extended ? take(b, 7) : take(b, 2);
        if (extended && choice == 0) {
                open_length(b);
                if (!take(b, 1) && take(b, 3) == 2)
                        take_lte_cell(b, out);
        } else if (!extended && choice < 2) {
                skip(b, choice == 0 ? 3 : 4);
                out->mcc = (uint16_t)take(b, 10);
                out->mnc = (uint16_t)take(b, 10);
                out->area = choice == 0 ? (uint16_t)take(b, 16) : 0;
                out->cell_id = take(b, choice == 0 ? 16 : 28);
                out->cell = choice == 0 ? SUPL_GSM : SUPL_WCDMA;
        }
        if (b->at.short_read || !network_is_possible(out))
                out->cell = SUPL_NO_CELL;
}

static void take_location(struct bits *b, struct supl_message *out)
{
        if (out->kind == SUPL_START) {
                skip(b, 2); /* extension, quality of position */
        } else {
                skip(b, 1);
                if (take(b, 1)) /* requested assistance data: not worth its length here */
                        return;
                skip(b, 3);
        }
        skip_capabilities(b);
        skip(b, 1); /* LocationId's extension */
        take_cell(b, out);
}

/* Who may be in the session at this message: the device alone when it begins, the network alone in INIT, later both. */
static bool session_is_possible(unsigned session, enum supl_kind kind)
{
        switch (kind) {
        case SUPL_START:
        case SUPL_TRIGGERED_START:
        case SUPL_SET_INIT:
                return session == 2;
        case SUPL_INIT:
                return session == 1;
        case SUPL_END:
        case SUPL_REPORT:
                return session >= 1;
        default:
                return session == 3;
        }
}

static enum dissect_result parse_body(struct cursor body, struct supl_message *out)
{
        struct bits b = {.at = body};
        unsigned session = take(&b, 2);
        if (session & 2) {
                skip(&b, 16);
                if (!take_set_id(&b, out))
                        return DISSECT_NO_MATCH;
        }
        if ((session & 1) && !take_slp_id(&b))
                return DISSECT_NO_MATCH;
        bool extended = take(&b, 1);
        unsigned choice = extended ? 8 + take(&b, 7) : take(&b, 3);
        if (b.at.short_read || choice >= SUPL_KINDS)
                return DISSECT_NO_MATCH;
        out->kind = (enum supl_kind)choice;
        if (!session_is_possible(session, out->kind))
                return DISSECT_NO_MATCH;
        if (out->kind == SUPL_START || out->kind == SUPL_POS_INIT)
                take_location(&b, out);
        return DISSECT_OK;
}

enum dissect_result supl_parse(struct cursor *cursor, struct supl_message *out)
{
        struct cursor at = *cursor;
        size_t left = cursor_left(&at);
        *out = (struct supl_message){.length = cursor_be16(&at), .major = cursor_u8(&at), .minor = cursor_u8(&at),
                                     .service = cursor_u8(&at)};
        if (left >= 2 && (out->length < SHORTEST || out->length > LONGEST))
                return DISSECT_NO_MATCH;
        if ((left >= 3 && (out->major < 1 || out->major > 3)) || (left >= 4 && out->minor > 9) || (left >= 5 && out->service > 9))
                return DISSECT_NO_MATCH;
        if (left >= 6 && at.at[0] >> 6 == 0) /* a session without anybody */
                return DISSECT_NO_MATCH;
        if (left < 2 || left < out->length)
                return DISSECT_TRUNCATED;
        struct cursor body = cursor_take(&at, out->length - HEADER);
        enum dissect_result result = parse_body(body, out);
        if (result == DISSECT_OK)
                *cursor = at;
        return result;
}
