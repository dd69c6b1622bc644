#include "dissectors/dissector.h"

#include "dissectors/app/dns.h"
#include "dissectors/app/dtls.h"
#include "dissectors/app/ntp.h"
#include "dissectors/app/quic.h"
#include "dissectors/app/tls.h"

#include "dissectors/app/http.h"
#include "dissectors/app/mqtt.h"

const struct dissector *const dissectors[] = {
        &http_dissector,
        &mqtt_dissector,
        &dns_dissector,
        &tls_dissector,
        &dtls_dissector,
        &quic_dissector,
        &ntp_dissector,
        NULL,
};
