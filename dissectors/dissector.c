#include "dissectors/dissector.h"

#include "dissectors/app/dns.h"
#include "dissectors/app/dtls.h"
#include "dissectors/app/ntp.h"
#include "dissectors/app/quic.h"
#include "dissectors/app/tls.h"

#include "dissectors/app/coap.h"
#include "dissectors/app/dlms.h"
#include "dissectors/app/ftp.h"
#include "dissectors/app/http.h"
#include "dissectors/app/mqtt.h"

#include "dissectors/location/plain.h"
#include "dissectors/location/supl.h"

#include "dissectors/session/diameter.h"
#include "dissectors/session/gtpc.h"
#include "dissectors/session/gtpu.h"
#include "dissectors/session/pfcp.h"
#include "dissectors/session/radius.h"

#include "dissectors/tracker/tracker.h"

const struct dissector *const dissectors[] = {
        &gtpc_dissector, /* before CoAP, which some of its messages look like */
        &gtpu_dissector,
        &pfcp_dissector,
        &radius_dissector,
        &diameter_dissector,
        &http_dissector,
        &mqtt_dissector,
        &ftp_dissector,
        &coap_dissector,
        &dlms_dissector,
        &dns_dissector,
        &tls_dissector,
        &dtls_dissector,
        &quic_dissector,
        &ntp_dissector,
        &supl_dissector,
        &tracker_dissector,
        &nmea_dissector,
        &plain_dissector, /* last: any text could be more than text */
        NULL,
};
