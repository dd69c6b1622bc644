#include "tests/traffic/signal_event.h"

#include <stdio.h>

#define PROCEDURE(name) APNWATCH__V1__SIGNALLING__PROCEDURE__##name

static Apnwatch__V1__Signalling__Procedure procedure_of(uint8_t message)
{
        switch (message) {
        case CREATE_SESSION_REQUEST:
        case CREATE_SESSION_RESPONSE: return PROCEDURE(CREATE);
        case MODIFY_BEARER_REQUEST:
        case MODIFY_BEARER_RESPONSE: return PROCEDURE(MODIFY);
        case DELETE_SESSION_REQUEST:
        case DELETE_SESSION_RESPONSE: return PROCEDURE(DELETE);
        case CREATE_BEARER_REQUEST:
        case CREATE_BEARER_RESPONSE: return PROCEDURE(BEARER);
        default: return PROCEDURE(PATH);
        }
}

static char *text(const char *constant)
{
        return constant != NULL && constant[0] != '\0' ? (char *)(uintptr_t)constant : NULL;
}

static ProtobufCBinaryData address_field(const struct address *address)
{
        size_t length;
        const uint8_t *bytes = address_wire(address, &length);
        return (ProtobufCBinaryData){length, (uint8_t *)(uintptr_t)bytes};
}

static void fill_cell(struct signal_event *out, const struct signal *signal)
{
        apnwatch__v1__cell__init(&out->cell);
        apnwatch__v1__cell__init(&out->area);
        Apnwatch__V1__Cell *cells[2] = {&out->cell, &out->area};
        for (unsigned i = 0; i < 2; i++) {
                cells[i]->has_mcc = cells[i]->has_mnc = cells[i]->has_mnc_digits = true;
                cells[i]->mcc = signal->cell.mcc;
                cells[i]->mnc = signal->cell.mnc;
                cells[i]->mnc_digits = 2;
        }
        out->cell.kind = text("ecgi");
        out->cell.has_id = true;
        out->cell.id = signal->cell.cell;
        out->area.kind = text("tai");
        out->area.has_area = true;
        out->area.area = signal->cell.tracking_area;
        out->signalling.cell = &out->cell;
        out->signalling.area = &out->area;
        snprintf(out->plmn, sizeof(out->plmn), "%03u-%02u", signal->cell.mcc % 1000U, signal->cell.mnc % 100U);
        out->signalling.plmn = out->plmn;
        out->signalling.rat = text(signal->radio == RADIO_NB_IOT  ? "NB-IoT"
                                   : signal->radio == RADIO_LTE_M ? "LTE-M"
                                                                  : "EUTRAN");
}

static void add_endpoint(struct signal_event *out, const struct tunnel_endpoint *endpoint, const struct signal *signal)
{
        if (endpoint->teid == 0)
                return;
        size_t at = out->signalling.n_endpoint++;
        Apnwatch__V1__Signalling__Endpoint *made = &out->endpoints[at];
        out->endpoint_pointers[at] = made;
        apnwatch__v1__signalling__endpoint__init(made);
        made->user = endpoint->interface == S5_SGW_USER || endpoint->interface == S5_PGW_USER;
        made->has_ipv4 = true;
        made->ipv4 = address_field(&endpoint->address);
        made->key = endpoint->teid;
        made->has_interface = true;
        made->interface = endpoint->interface;
        made->has_of_network = made->user;
        made->of_network = endpoint->interface == S5_PGW_USER;
        made->has_bearer = made->user && signal->bearer != 0;
        made->bearer = signal->bearer;
}

static void fill_addresses(Apnwatch__V1__Signalling *out, const struct signal *signal)
{
        if (!signal->is_given)
                return;
        out->has_ipv4 = signal->has_ipv4;
        if (signal->has_ipv4)
                out->ipv4 = address_field(&signal->ipv4);
        out->has_ipv6_prefix = out->has_ipv6_length = signal->has_ipv6;
        if (signal->has_ipv6)
                out->ipv6_prefix = address_field(&signal->ipv6);
        out->ipv6_length = 64;
}

static void fill_head(Apnwatch__V1__Signalling *out, const struct signal *signal)
{
        bool is_response = signal->message == ECHO_ANSWERED || signal->cause != 0;
        out->protocol = APNWATCH__V1__SIGNALLING__PROTOCOL__GTPV2C;
        out->procedure = procedure_of(signal->message);
        out->phase = is_response ? APNWATCH__V1__SIGNALLING__PHASE__RESPONSE : APNWATCH__V1__SIGNALLING__PHASE__REQUEST;
        out->message = signal->message;
        out->source = address_field(&signal->source);
        out->destination = address_field(&signal->destination);
        out->has_source_port = out->has_destination_port = true;
        out->source_port = out->destination_port = SIGNAL_PORT;
        out->has_sequence = true;
        out->sequence = signal->sequence;
        out->has_key = signal->message > ECHO_ANSWERED;
        out->key = signal->teid;
        out->has_cause = out->has_accepted = signal->cause != 0;
        out->cause = signal->cause;
        out->accepted = signal->cause == SIGNAL_ACCEPTED;
        out->has_recovery = signal->recovery != 0;
        out->recovery = signal->recovery;
}

void signal_event_fill(const struct signal *signal, struct signal_event *out)
{
        Apnwatch__V1__Signalling *s = &out->signalling;
        apnwatch__v1__event__init(&out->event);
        apnwatch__v1__signalling__init(s);
        fill_head(s, signal);
        s->imsi = text(signal->imsi);
        s->imei = text(signal->imei);
        s->msisdn = text(signal->msisdn);
        s->apn = text(signal->apn);
        s->apn_operator = text(signal->apn_operator);
        s->endpoint = out->endpoint_pointers;
        if (signal->radio != 0)
                fill_cell(out, signal);
        fill_addresses(s, signal);
        add_endpoint(out, &signal->control, signal);
        add_endpoint(out, &signal->user[0], signal);
        add_endpoint(out, &signal->user[1], signal);
        s->has_bearer = signal->bearer != 0;
        s->bearer = signal->bearer;
        s->has_linked_bearer = signal->linked_bearer != 0;
        s->linked_bearer = signal->linked_bearer;
        out->event.body_case = APNWATCH__V1__EVENT__BODY_SIGNALLING;
        out->event.signalling = s;
}
