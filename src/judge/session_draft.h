/* A finding about who holds a session rather than about a flow: what the alert says is taken from the binding. As judge/draft.h
 * otherwise. */
#pragma once

#include "judge/alert_book.h"
#include "judge/bindings.h"
#include "judge/inventory.h"

struct judge;
struct fleet;
struct sighting;

struct session_draft {
        struct judge *judge;
        const struct binding *binding;
        const event_t *event;          /* NULL: none told it */
        const char *what;              /* the title, without any identity */
        const char *evidence;          /* text; NULL: none. No identity in it */
        const struct sighting *sighting; /* the flow that shows it; NULL: none */
        const struct binding *other;   /* whose device it is about as well; NULL: nobody's */
        const struct address *peer;    /* whom the alert names instead of the flow's peer; NULL: the flow's */
        const struct fleet *fleet;     /* whose device it is; NULL: unassigned */
        Apnwatch__V1__Detail detail;
        struct finding finding;        /* cause: `peer` (say who), `object`; the address is none of it: it changes */
};

void session_draft_begin(struct session_draft *draft, struct judge *judge, const struct binding *binding, const event_t *event,
                         enum circumstance circumstance, const char *what);
bool session_draft_report(struct session_draft *draft);

/* The address that stands for the session: IPv4, else the IPv6 prefix. False: none is known. */
bool binding_key(const struct binding *binding, struct device_key *out);

/* What the inventory says of the SIM, the module or the address at the moment; whose fleet it is. */
bool binding_facts(const struct judge *judge, const struct binding *binding, int64_t time_ns, struct inventory_facts *out);
const struct fleet *binding_fleet(const struct judge *judge, const struct binding *binding, int64_t time_ns);
