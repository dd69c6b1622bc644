/* LwM2M over CoAP (OMA LwM2M 1.0 to 1.2): what a client says of itself, in its registration, in answers to reads and observations of
 * object 3, in Send. */
#pragma once

#include "dissectors/app/coap_message.h"
#include "dissectors/app/lwm2m_content.h"

enum { LWM2M_REQUESTS = 4, LWM2M_TOKEN = 8 };

/* Of a flow. What servers asked and is not answered yet, the oldest first; where there is no room the oldest one that is no observation
 * goes, else the oldest. */
struct lwm2m_state {
        struct lwm2m_request {
                uint8_t token[LWM2M_TOKEN];
                uint8_t token_length;
                bool observes;
                uint16_t id;
                struct lwm2m_path path;
        } requests[LWM2M_REQUESTS];
        uint8_t request_count;
        uint32_t told[LWM2M_TEXTS + 1]; /* hashes of what was told last: texts, name */
};

/* Every message of the flow, in order. What is new is emitted. */
void lwm2m_take(struct dissection *d, struct lwm2m_state *state, const struct coap_message *message, struct cursor datagram);
