/* What sense reads from the packet that was queued last: label, names of an answer, an object's transfer, a position,
 * a lookup. A capture says it by its bytes, so these calls do nothing then; an event log is made of them. Texts are
 * copied. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

struct conversation;

enum fact_kind { FACT_LABEL, FACT_NAMES, FACT_TRANSFER, FACT_POSITION, FACT_LOOKUP };
enum fact_visibility { FACT_OPAQUE, FACT_NAME_ONLY, FACT_READABLE };
enum fact_name_source { FACT_NO_NAME, FACT_SNI, FACT_HOST };

struct label_fact {
        const char *label;             /* nDPI's name */
        const char *name;              /* NULL: none */
        enum fact_name_source name_source;
        enum fact_visibility visibility;
        uint32_t tls_version;          /* 0: none */
};

struct names_fact {
        const char *question, *alias;  /* NULL: no CNAME */
        uint16_t type;
        uint8_t rcode;
        struct address answers[2];
        unsigned answer_count;
        uint32_t ttl;
};

struct transfer_fact {
        bool ended;
        const char *protocol, *method, *host, *path, *user_agent, *content_type, *image; /* NULL: absent */
        uint32_t status;
        uint64_t size, moved;
        bool pushed;
        int64_t start_ns;
};

struct position_fact {
        double latitude, longitude;
        const char *family, *carrier, *topic, *device_id;
        int grade;                     /* of event.proto */
        bool from_device;
};

struct lookup_fact {
        const char *family, *version, *message, *subscriber; /* NULL: absent */
        bool has_cell;
        uint32_t mcc, mnc, area, cell;
};

struct fact {
        struct fact *next;
        enum fact_kind kind;
        union {
                struct label_fact label;
                struct names_fact names;
                struct transfer_fact transfer;
                struct position_fact position;
                struct lookup_fact lookup;
        };
};

void tell_label(struct conversation *c, const struct label_fact *fact);
void tell_names(struct conversation *c, const struct names_fact *fact);
void tell_transfer(struct conversation *c, const struct transfer_fact *fact);
void tell_position(struct conversation *c, const struct position_fact *fact);
void tell_lookup(struct conversation *c, const struct lookup_fact *fact);
void facts_free(struct fact *facts);
