/* What devices and servers say. Each of these writes messages of one protocol into a conversation, or opens a
 * conversation of its own, and tells what sense would read from them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/traffic/conversation.h"
#include "tests/traffic/traffic.h"

/* -- dns.c: a query and its answer. Returns the moment at which the device has the answer. */
struct dns_answer {
        const char *name, *alias;        /* alias NULL: no CNAME */
        struct address addresses[2];     /* all of one family */
        unsigned count;                  /* 0: no such name */
        uint32_t ttl;
};
int64_t dns_lookup(struct traffic *traffic, uint32_t device, const struct dns_answer *answer, int64_t time_ns);
int64_t dns_lookup_service(struct traffic *traffic, uint32_t device, enum service_number service, int64_t time_ns);
/* A name that holds one address. */
int64_t dns_lookup_name(struct traffic *traffic, uint32_t device, const char *name, const struct address *address,
                        int64_t time_ns);

/* -- tls.c */
struct tls_session {
        const char *name;                /* server name; NULL: none sent */
        const char *alpn;                /* NULL: none */
        uint16_t version;                /* as agreed: 0x0301 to 0x0304 */
};
void tls_handshake(struct conversation *c, const struct tls_session *session);
void tls_data(struct conversation *c, const struct tls_session *session, enum direction direction, size_t length);
void tls_close(struct conversation *c, const struct tls_session *session);

/* -- http.c */
struct http_exchange {
        const char *method, *host, *path, *user_agent; /* user_agent NULL: none */
        const char *content_type;        /* of whichever body there is */
        const char *file_name;           /* Content-Disposition; NULL: none */
        const char *request_body;        /* NULL: none */
        size_t upload;                   /* bytes of noise as request body when there is no text */
        const char *response_body;       /* NULL: `download` bytes of noise after `image` */
        size_t download;
        const char *image;               /* first bytes by kind: "zip", "mcuboot", "png", "mp4"; NULL: none */
        unsigned status;                 /* 0: 200 */
        bool chunked;
};
void http_send(struct conversation *c, const struct http_exchange *exchange);

/* -- mqtt.c: 3.1.1 (version 4) or 5 */
void mqtt_connect(struct conversation *c, unsigned version, const char *client);
void mqtt_publish(struct conversation *c, unsigned version, enum direction direction, const char *topic, const char *payload,
                  unsigned qos);
void mqtt_subscribe(struct conversation *c, unsigned version, const char *topic);
void mqtt_ping(struct conversation *c);
void mqtt_disconnect(struct conversation *c);

/* -- coap.c: a confirmable POST and its acknowledgement */
void coap_post(struct conversation *c, const char *path, unsigned content_format, const void *payload, size_t length);

/* -- ntp.c */
void ntp_ask(struct traffic *traffic, uint32_t device, int64_t time_ns);

/* -- dlms.c: the head end reads `registers` registers of a meter (DLMS UA 1000-2, wrapper over TCP 4059) */
void dlms_read(struct traffic *traffic, uint32_t device, unsigned registers, int64_t time_ns);

/* -- telemetry.c: a maker's own binary over UDP */
void telemetry_send(struct traffic *traffic, uint32_t device, const struct address *peer, uint16_t port, unsigned reports,
                    int64_t time_ns);

/* One large datagram, in fragments. */
void telemetry_dump(struct traffic *traffic, uint32_t device, const struct address *peer, uint16_t port, int64_t time_ns);

/* -- ftp.c: control and data connection of one RETR */
struct ftp_download {
        struct address server;
        const char *file, *image;
        size_t size;
};
void ftp_retrieve(struct traffic *traffic, uint32_t device, const struct ftp_download *download, int64_t time_ns);

/* -- positions.c: where the device says that it is */
struct place {
        double latitude, longitude;
};
void nmea_report(struct conversation *c, const struct place *place, bool has_fix);
void json_report(struct conversation *c, enum direction direction, const struct place *place, unsigned style);
void http_query_report(struct conversation *c, const char *host, const struct place *place);
void mqtt_report(struct conversation *c, unsigned version, const struct place *place);
/* Text of a JSON position, as json_report writes it. */
const char *json_position(const struct place *place, unsigned style, char *text, size_t size);

/* -- supl.c: SUPL START in clear (OMA-TS-ULP-V2_0, UPER) */
void supl_start(struct conversation *c, uint32_t device);
