#include "judge/binding_past.h"

#include <stdlib.h>

enum { MOVES_KEPT = 16384 };

struct move {
        uint64_t session;       /* its number in a run */
        int64_t until_ns;
        struct binding_place cell, area;
        struct binding_plmn plmn;
        const char *rat;
        uint32_t at;            /* how manieth of all moves */
        uint32_t before;        /* the session's move before it; 0: none */
};

struct binding_past {
        struct move moves[MOVES_KEPT];
        uint32_t count;
};

struct binding_past *binding_past_create(void)
{
        return calloc(1, sizeof(struct binding_past));
}

void binding_past_destroy(struct binding_past *past)
{
        free(past);
}

void binding_past_note(struct binding_past *past, struct session *session, const struct binding *before, int64_t time_ns)
{
        if (++past->count == 0)
                past->count = 1;
        past->moves[past->count % MOVES_KEPT] =
                (struct move){.session = session->number, .until_ns = time_ns, .cell = before->cell, .area = before->area, .plmn = before->plmn,
                              .rat = before->rat, .at = past->count, .before = session->past};
        session->past = past->count;
        session->moved_ns = time_ns;
}

void binding_past_apply(const struct binding_past *past, const struct session *session, int64_t time_ns, struct binding *binding)
{
        for (uint32_t at = session->past; at != 0;) {
                const struct move *move = &past->moves[at % MOVES_KEPT];
                if (move->at != at || move->session != session->number || move->until_ns <= time_ns)
                        return;
                binding->cell = move->cell;
                binding->area = move->area;
                binding->plmn = move->plmn;
                binding->rat = move->rat;
                at = move->before;
        }
}
