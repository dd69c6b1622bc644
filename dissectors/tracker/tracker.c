/* Order costs nothing: a table by the first byte finds the few families that a flow may belong to, and for nearly all flows none. After
 * the login the flow is followed for a while, since some say more in the next messages (model, ICCID, version). */
#include "dissectors/tracker/tracker.h"

#include <netinet/in.h>

enum { MESSAGES_MOST = 16, MESSAGE_MOST = 4096 };

static const struct tracker_family *const families[] = {
        &gt06_family, &teltonika_family, &teltonika_udp_family, &jt808_family, &egts_family, &galileosky_family, &ruptela_family,
        &eelink_family, &eelink_udp_family, &ulbotech_family, &topflytech_family, &eview_family, &arnavi_family, &atrack_family,
        &navis_family, &queclink_family, &meitrack_family, &coban_family, &h02_family, &watch_family, &wialon_family, &tk103_family,
        &gosafe_family, &atrack_text_family,
};

enum { FAMILIES = sizeof families / sizeof families[0] };

struct tracker_state {
        uint32_t told;
        uint8_t family; /* 1 + index; 0: not known yet */
        uint8_t messages;
};

static bool is_first(const struct tracker_family *family, uint8_t byte)
{
        static const char hex[] = "0123456789abcdef";
        for (const char *at = family->first; *at != '\0'; at += 2)
                if (at[0] == hex[byte >> 4] && at[1] == hex[byte & 15])
                        return true;
        return false;
}

/* Bit i: a message of families[i] may begin with this byte. */
static uint32_t families_of(uint8_t byte)
{
        static uint32_t table[256];
        static bool is_ready;
        for (unsigned value = 0; !is_ready && value < 256; value++)
                for (unsigned i = 0; i < FAMILIES; i++)
                        table[value] |= is_first(families[i], (uint8_t)value) ? 1U << i : 0;
        is_ready = true;
        return table[byte];
}

static enum dissect_result read_one(const struct tracker_family *family, const struct dissection *d, struct cursor *at,
                                    struct tracker_scratch *scratch, struct nameplate *plate)
{
        *plate = (struct nameplate){.protocol = family->protocol};
        return family->read(at, d->protocol == IPPROTO_UDP, scratch, plate);
}

static bool says_something(const struct nameplate *plate)
{
        return !nameplate_is_empty(plate) || cursor_left(&plate->id) > 0;
}

static enum recognition tracker_recognise(const struct dissection *d, const struct cursor *payload)
{
        uint32_t candidates = cursor_left(payload) > 0 ? families_of(*payload->at) : 0;
        if (candidates == 0 || !d->from_device || d->cut)
                return NOT_MINE;
        bool is_front = false;
        uint8_t transport = d->protocol == IPPROTO_TCP ? DISSECT_ON_TCP : DISSECT_ON_UDP;
        for (unsigned i = 0; candidates >> i != 0; i++) {
                struct tracker_scratch scratch;
                struct nameplate plate;
                struct cursor at = *payload;
                if (!(candidates >> i & 1) || !(families[i]->transports & transport))
                        continue;
                enum dissect_result result = read_one(families[i], d, &at, &scratch, &plate);
                if (result == DISSECT_OK && says_something(&plate))
                        return MINE;
                is_front |= result == DISSECT_TRUNCATED;
        }
        return is_front && d->protocol == IPPROTO_TCP && cursor_left(payload) < MESSAGE_MOST ? PERHAPS : NOT_MINE;
}

static uint32_t hash_text(uint32_t hash, const void *bytes, size_t length)
{
        const uint8_t *at = bytes;
        for (size_t i = 0; i < length; i++)
                hash = (hash ^ at[i]) * 16777619U; /* FNV-1a */
        return (hash ^ 0xff) * 16777619U;
}

static uint32_t hash_plate(const struct nameplate *plate)
{
        const struct cursor *texts[] = {&plate->vendor, &plate->model, &plate->firmware, &plate->serial, &plate->id};
        const char *digits[] = {plate->imei, plate->imsi, plate->iccid, plate->msisdn};
        uint32_t hash = 2166136261U;
        for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++)
                hash = hash_text(hash, texts[i]->at, cursor_left(texts[i]));
        for (unsigned i = 0; i < sizeof digits / sizeof digits[0]; i++)
                hash = hash_text(hash, digits[i], strlen(digits[i]));
        return hash;
}

/* What every message repeats is told once. */
static void tell(struct dissection *d, struct tracker_state *state, const struct nameplate *plate, struct cursor message)
{
        uint32_t hash = hash_plate(plate);
        bool is_name_only = nameplate_is_empty(plate) && state->told != 0;
        if (!says_something(plate) || is_name_only || hash == state->told)
                return;
        state->told = hash;
        nameplate_emit(d, plate, message);
}

static bool find_family(const struct dissection *d, struct tracker_state *state, struct cursor payload)
{
        uint32_t candidates = cursor_left(&payload) > 0 ? families_of(*payload.at) : 0;
        for (unsigned i = 0; state->family == 0 && candidates >> i != 0; i++) {
                struct tracker_scratch scratch;
                struct nameplate plate;
                struct cursor at = payload;
                if ((candidates >> i & 1) && read_one(families[i], d, &at, &scratch, &plate) == DISSECT_OK && says_something(&plate))
                        state->family = (uint8_t)(i + 1);
        }
        return state->family != 0;
}

static enum follow tracker_dissect(struct dissection *d, void *memory, struct cursor payload)
{
        struct tracker_state *state = memory;
        if (!d->from_device)
                return FOLLOW_ON;
        if (d->gap || d->cut || !find_family(d, state, payload))
                return FOLLOW_DONE;
        struct cursor at = payload;
        while (cursor_left(&at) > 0) {
                struct tracker_scratch scratch;
                struct nameplate plate;
                const struct cursor from = at;
                enum dissect_result result = read_one(families[state->family - 1], d, &at, &scratch, &plate);
                if (result == DISSECT_TRUNCATED && d->protocol == IPPROTO_TCP) {
                        d->consumed = (size_t)(from.at - payload.at);
                        return cursor_left(&from) < MESSAGE_MOST ? FOLLOW_MORE : FOLLOW_DONE;
                }
                if (result != DISSECT_OK || at.at == from.at || ++state->messages > MESSAGES_MOST)
                        return FOLLOW_DONE;
                tell(d, state, &plate, cursor_of(from.at, (size_t)(at.at - from.at)));
        }
        return FOLLOW_ON;
}

const struct dissector tracker_dissector = {
        .name = NULL, /* nDPI has no name for any of them */
        .transports = DISSECT_ON_TCP | DISSECT_ON_UDP,
        .readable = true,
        .state_size = sizeof(struct tracker_state),
        .recognise = tracker_recognise,
        .dissect = tracker_dissect,
};
