/* Which sessions an act speaks of. Private to bindings. */
#pragma once

#include "judge/binding_act.h"

struct wanted {
        struct address ipv4, ipv6;
        bool has_ipv4, has_ipv6;
        uint64_t imsi, msisdn;
        const char *apn;
        uint32_t bearer;
};
struct wanted match_wanted(const struct act *act);

/* The session that a create adds to, since another protocol or interface spoke of the same PDN connection. Sessions that
 * it shows to have ended unseen, because their address or their SIM's bearer is given anew, are ended. STORE_NONE: it is
 * a new one. */
uint32_t match_create(struct act *act, const struct wanted *wanted);

/* Sessions that a header's TEID or SEID, or a session identifier, speaks of, but for those of another SIM. Several PDN
 * connections of a device share those of S11. */
enum { ADDRESSED_MOST = 11 };
struct addressed {
        uint32_t records[ADDRESSED_MOST];
        unsigned count;
};
struct addressed match_addressed(const struct act *act, const struct wanted *wanted);
/* All of a SIM's that nothing said speaks against. */
struct addressed match_sim(const struct act *act, const struct wanted *wanted);

uint32_t match_default_bearer(const struct act *act); /* 0: none is named */
/* Only those that have this bearer; `strict`: also when it is one alone, and none when none has it. */
void match_keep_bearer(struct act *act, struct addressed *list, uint32_t bearer, bool strict);

uint32_t match_name(const struct act *act, const struct said *said); /* endpoint of the session identifier; STORE_NONE */
/* The endpoint that the message is addressed to, in this session; STORE_NONE. */
uint32_t match_receiver(const struct act *act, const struct said *said, uint32_t record);

/* Leaves those that may be the PDN connection that is spoken of, by its APN and addresses. */
void match_keep_pdn(struct act *act, struct addressed *list, const struct wanted *wanted);

/* Whether one of these addresses is somebody's, or was this SIM's a while ago. */
/* What a weak protocol repeats of another SIM's session at this address is older than the strong word that gave the address to one. */
bool match_is_contradicted(const struct act *act, const struct wanted *wanted);
bool match_is_taken(struct act *act, const struct wanted *wanted);
