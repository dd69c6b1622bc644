/* RFC 1035, 3596. A query for A or AAAA and an answer with compressed names, by a CNAME where the name has one. */
#include <string.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28, NAME_ERROR = 3 };

static void put_name(struct bytes *b, const char *name)
{
        while (*name != '\0') {
                size_t label = strcspn(name, ".");
                bytes_u8(b, (uint8_t)label);
                bytes_put(b, name, label);
                name += label + (name[label] == '.');
        }
        bytes_u8(b, 0);
}

static void put_head(struct bytes *b, uint16_t id, uint16_t flags, uint16_t answers, const char *name, uint16_t type)
{
        bytes_be16(b, id);
        bytes_be16(b, flags);
        bytes_be16(b, 1);
        bytes_be16(b, answers);
        bytes_be32(b, 0);
        put_name(b, name);
        bytes_be16(b, type);
        bytes_be16(b, 1);
}

static void put_record_head(struct bytes *b, uint16_t owner, uint16_t type, uint32_t ttl)
{
        bytes_be16(b, 0xc000 | owner);
        bytes_be16(b, type);
        bytes_be16(b, 1);
        bytes_be32(b, ttl);
}

static void put_answers(struct bytes *b, const struct dns_answer *answer, uint16_t type)
{
        uint16_t owner = 12;
        if (answer->alias != NULL && answer->count > 0) {
                put_record_head(b, owner, TYPE_CNAME, answer->ttl * 4);
                size_t mark = bytes_mark16(b);
                owner = (uint16_t)b->length;
                put_name(b, answer->alias);
                bytes_patch16(b, mark);
        }
        for (unsigned i = 0; i < answer->count; i++) {
                size_t size;
                const uint8_t *address = address_wire(&answer->addresses[i], &size);
                put_record_head(b, owner, type, answer->ttl);
                bytes_be16(b, (uint16_t)size);
                bytes_put(b, address, size);
        }
}

static void tell(struct conversation *c, const struct dns_answer *answer, uint16_t type)
{
        tell_label(c, &(struct label_fact){.label = "DNS", .visibility = FACT_READABLE});
        struct names_fact fact = {.question = answer->name,
                                  .alias = answer->count > 0 ? answer->alias : NULL,
                                  .type = type,
                                  .rcode = answer->count > 0 ? 0 : NAME_ERROR,
                                  .answer_count = answer->count,
                                  .ttl = answer->ttl};
        memcpy(fact.answers, answer->addresses, sizeof(fact.answers));
        tell_names(c, &fact);
}

int64_t dns_lookup(struct traffic *traffic, uint32_t device, const struct dns_answer *answer, int64_t time_ns)
{
        struct world *world = traffic->world;
        struct bytes *b = &traffic->scratch;
        struct contact contact = {
                .device = device, .peer = host_address(world, world->resolver, device), .peer_port = 53, .protocol = IP_UDP};
        struct conversation *c = conversation_open(traffic, &contact, time_ns);
        uint16_t id = (uint16_t)random_u32(&traffic->random), type = device_is_ipv6(world, device) ? TYPE_AAAA : TYPE_A;
        if (answer->count > 0)
                type = address_is_ipv4(&answer->addresses[0]) ? TYPE_A : TYPE_AAAA;
        bytes_clear(b);
        put_head(b, id, 0x0100, 0, answer->name, type);
        conversation_send(c, UP, b->data, b->length);
        bytes_clear(b);
        uint16_t records = (uint16_t)(answer->count + (answer->alias != NULL && answer->count > 0));
        put_head(b, id, answer->count > 0 ? 0x8180 : 0x8180 | NAME_ERROR, records, answer->name, type);
        put_answers(b, answer, type);
        conversation_send(c, DOWN, b->data, b->length);
        tell(c, answer, type);
        int64_t end_ns = c->time_ns + 30 * MS_NS;
        conversation_leave(c);
        return end_ns;
}

int64_t dns_lookup_service(struct traffic *traffic, uint32_t device, enum service_number service, int64_t time_ns)
{
        const struct service *s = &traffic->world->services[service];
        struct dns_answer answer = {
                .name = s->name, .alias = s->alias, .count = 2, .ttl = s->ttl, .addresses = {s->ipv4[0], s->ipv4[1]}};
        if (device_is_ipv6(traffic->world, device)) {
                answer.addresses[0] = s->ipv6;
                answer.count = 1;
        }
        return dns_lookup(traffic, device, &answer, time_ns);
}

int64_t dns_lookup_name(struct traffic *traffic, uint32_t device, const char *name, const struct address *address,
                        int64_t time_ns)
{
        struct dns_answer answer = {.name = name, .count = 1, .ttl = 300, .addresses = {*address}};
        return dns_lookup(traffic, device, &answer, time_ns);
}
