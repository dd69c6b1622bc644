#include "tests/traffic/facts.h"

#include <stdlib.h>
#include <string.h>

#include "tests/traffic/packet.h"
#include "tests/traffic/traffic.h"

static struct fact *fact_add(struct conversation *c, enum fact_kind kind)
{
        if (!c->traffic->output->wants_facts || c->latest == NULL)
                return NULL;
        struct fact *fact = calloc(1, sizeof(*fact));
        if (fact == NULL)
                abort();
        fact->kind = kind;
        struct fact **end = &c->latest->facts;
        while (*end != NULL)
                end = &(*end)->next;
        *end = fact;
        return fact;
}

static const char *copy(const char *text)
{
        if (text == NULL)
                return NULL;
        char *copied = strdup(text);
        if (copied == NULL)
                abort();
        return copied;
}

void tell_label(struct conversation *c, const struct label_fact *label)
{
        struct fact *fact = fact_add(c, FACT_LABEL);
        if (fact == NULL)
                return;
        fact->label = *label;
        fact->label.label = copy(label->label);
        fact->label.name = copy(label->name);
}

void tell_names(struct conversation *c, const struct names_fact *names)
{
        struct fact *fact = fact_add(c, FACT_NAMES);
        if (fact == NULL)
                return;
        fact->names = *names;
        fact->names.question = copy(names->question);
        fact->names.alias = copy(names->alias);
}

void tell_transfer(struct conversation *c, const struct transfer_fact *transfer)
{
        struct fact *fact = fact_add(c, FACT_TRANSFER);
        if (fact == NULL)
                return;
        struct transfer_fact *t = &fact->transfer;
        *t = *transfer;
        t->protocol = copy(transfer->protocol);
        t->method = copy(transfer->method);
        t->host = copy(transfer->host);
        t->path = copy(transfer->path);
        t->user_agent = copy(transfer->user_agent);
        t->content_type = copy(transfer->content_type);
        t->image = copy(transfer->image);
}

void tell_position(struct conversation *c, const struct position_fact *position)
{
        struct fact *fact = fact_add(c, FACT_POSITION);
        if (fact == NULL)
                return;
        fact->position = *position;
        fact->position.family = copy(position->family);
        fact->position.carrier = copy(position->carrier);
        fact->position.topic = copy(position->topic);
        fact->position.device_id = copy(position->device_id);
}

void tell_lookup(struct conversation *c, const struct lookup_fact *lookup)
{
        struct fact *fact = fact_add(c, FACT_LOOKUP);
        if (fact == NULL)
                return;
        fact->lookup = *lookup;
        fact->lookup.family = copy(lookup->family);
        fact->lookup.version = copy(lookup->version);
        fact->lookup.message = copy(lookup->message);
        fact->lookup.subscriber = copy(lookup->subscriber);
}

static void texts_free(const char *const texts[], unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                free((void *)(uintptr_t)texts[i]);
}

static void fact_free(struct fact *fact)
{
        const struct transfer_fact *t = &fact->transfer;
        const struct position_fact *p = &fact->position;
        const struct lookup_fact *l = &fact->lookup;
        switch (fact->kind) {
        case FACT_LABEL: texts_free((const char *[]){fact->label.label, fact->label.name}, 2); break;
        case FACT_NAMES: texts_free((const char *[]){fact->names.question, fact->names.alias}, 2); break;
        case FACT_TRANSFER:
                texts_free(
                        (const char *[]){t->protocol, t->method, t->host, t->path, t->user_agent, t->content_type, t->image},
                        7);
                break;
        case FACT_POSITION: texts_free((const char *[]){p->family, p->carrier, p->topic, p->device_id}, 4); break;
        case FACT_LOOKUP: texts_free((const char *[]){l->family, l->version, l->message, l->subscriber}, 4); break;
        }
        free(fact);
}

void facts_free(struct fact *facts)
{
        while (facts != NULL) {
                struct fact *next = facts->next;
                fact_free(facts);
                facts = next;
        }
}
