/* `eve:`: alerts as Suricata's EVE writes them (https://docs.suricata.io/en/latest/output/eve/eve-json-format.html), for
 * what reads that: EveBox, Malcolm, Wazuh, Filebeat. Shared facts have EVE's names; the whole alert of ours stands under
 * "apnwatch".
 *
 * src is who opened the flow, as in Suricata. Left out: pkts_toserver and pkts_toclient (an alert counts packets of both
 * directions together), and everything of a packet (payload, in hex or text). */
#include "deliver/kinds.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/eve_signature.h"
#include "deliver/last_alert.h"
#include "deliver/output.h"
#include "model/json.h"

struct eve {
        struct output *output;
        struct json_buffer line;
};

typedef Apnwatch__V1__Alert alert_t;

static void put_text(struct json_buffer *out, const char *key, const char *text)
{
        if (text == NULL || text[0] == '\0')
                return;
        json_put_key(out, key);
        json_put_string(out, text);
}

static void put_port(struct json_buffer *out, const char *key, bool is_known, uint32_t port)
{
        if (!is_known)
                return;
        json_put_key(out, key);
        json_put_number(out, port);
}

static void put_time(struct json_buffer *out, const char *key, const Apnwatch__V1__Time *time)
{
        char text[JSON_TIME_SIZE];
        json_put_key(out, key);
        json_put_string(out, json_time_text(time->ns, "+0000", text));
}

static bool peer_opened(const alert_t *alert)
{
        return alert->detail && alert->detail->direction && strcmp(alert->detail->direction, "in") == 0;
}

static void put_ends(struct json_buffer *out, const alert_t *alert)
{
        bool turned = peer_opened(alert);
        const char *device = alert->device ? alert->device->ip : NULL;
        const char *peer = alert->peer ? alert->peer->ip : NULL;
        bool has_device_port = alert->flow && alert->flow->has_device_port,
             has_peer_port = alert->peer && alert->peer->has_port;
        uint32_t device_port = has_device_port ? alert->flow->device_port : 0,
                 peer_port = has_peer_port ? alert->peer->port : 0;
        put_text(out, "src_ip", turned ? peer : device);
        put_port(out, "src_port", turned ? has_peer_port : has_device_port, turned ? peer_port : device_port);
        put_text(out, "dest_ip", turned ? device : peer);
        put_port(out, "dest_port", turned ? has_device_port : has_peer_port, turned ? device_port : peer_port);
}

/* Suricata's words for protocols. */
struct word {
        const char *ours, *theirs;
};

static const char *in_their_words(const char *ours, const struct word *words, size_t count)
{
        for (size_t i = 0; ours && i < count; i++)
                if (strcmp(ours, words[i].ours) == 0)
                        return words[i].theirs;
        return ours;
}

static void put_protocols(struct json_buffer *out, const Apnwatch__V1__AlertFlow *flow)
{
        static const struct word transports[] = {
                {"tcp", "TCP"}, {"udp", "UDP"}, {"icmp", "ICMP"}, {"icmpv6", "IPv6-ICMP"}, {"sctp", "SCTP"}, {"esp", "ESP"},
                {"gre", "GRE"},
        };
        static const struct word applications[] = {
                {"ftp_control", "ftp"}, {"ftp_data", "ftp-data"}, {"kerberos", "krb5"}, {"smbv1", "smb"}, {"smbv23", "smb"},
        };
        put_text(out, "proto", in_their_words(flow->protocol, transports, sizeof transports / sizeof *transports));
        if (flow->app == NULL)
                return;
        char name[32]; /* the master's name, without the application behind the dot */
        size_t length = strcspn(flow->app, ".");
        if (length >= sizeof name)
                return;
        for (size_t i = 0; i < length; i++)
                name[i] = (char)tolower((unsigned char)flow->app[i]);
        name[length] = '\0';
        put_text(out, "app_proto", in_their_words(name, applications, sizeof applications / sizeof *applications));
}

/* Readers join events of one flow by this number; 53 bits of it survive JavaScript. FNV-1a over the community ID. */
static void put_flow_id(struct json_buffer *out, const char *community_id)
{
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        for (const char *at = community_id; *at; at++)
                hash = (hash ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
        json_put_key(out, "flow_id");
        json_put_number(out, hash >> 11);
}

static void put_list_of_one(struct json_buffer *out, const char *key, const char *text)
{
        json_put_key(out, key);
        json_put_begin_list(out);
        json_put_string(out, text);
        json_put_end_list(out);
}

static const char *severity_word(Apnwatch__V1__Alert__Severity severity)
{
        static const char *const words[] = {"Informational", "Minor", "Major", "Critical", "Critical"};
        return (unsigned)severity < sizeof words / sizeof *words ? words[severity] : words[0];
}

static void put_alert(struct json_buffer *out, const alert_t *alert)
{
        static const uint8_t severities[] = {4, 3, 2, 1, 1}; /* info .. critical; Suricata's 1 is the worst */
        static const char *const confidences[] = {"High", "Medium", "Low"};
        const struct eve_signature *signature = eve_signature_of(alert->type);
        json_put_key(out, "alert");
        json_put_begin_object(out);
        put_text(out, "action", "allowed");
        json_put_key(out, "gid"), json_put_number(out, EVE_GENERATOR);
        json_put_key(out, "signature_id"), json_put_number(out, signature->id);
        json_put_key(out, "rev"), json_put_number(out, signature->revision);
        json_put_key(out, "signature"), json_put_string(out, signature->text);
        put_text(out, "category", signature->category);
        json_put_key(out, "severity"), json_put_number(out, (unsigned)alert->severity < 5 ? severities[alert->severity] : 4);
        json_put_key(out, "metadata");
        json_put_begin_object(out);
        put_list_of_one(out, "signature_severity", severity_word(alert->severity));
        if ((unsigned)alert->confidence < 3)
                put_list_of_one(out, "confidence", confidences[alert->confidence]);
        if (alert->n_attack > 0) {
                json_put_key(out, "mitre_technique_id");
                json_put_begin_list(out);
                for (size_t i = 0; i < alert->n_attack; i++)
                        json_put_string(out, alert->attack[i]);
                json_put_end_list(out);
        }
        json_put_end_object(out);
        json_put_end_object(out);
}

static void put_flow(struct json_buffer *out, const alert_t *alert)
{
        const Apnwatch__V1__AlertFlow *flow = alert->flow;
        bool turned = peer_opened(alert);
        uint64_t to_server = turned ? flow->bytes_down : flow->bytes_up,
                 to_client = turned ? flow->bytes_up : flow->bytes_down;
        json_put_key(out, "flow");
        json_put_begin_object(out);
        if (turned ? flow->has_bytes_down : flow->has_bytes_up)
                json_put_key(out, "bytes_toserver"), json_put_number(out, to_server);
        if (turned ? flow->has_bytes_up : flow->has_bytes_down)
                json_put_key(out, "bytes_toclient"), json_put_number(out, to_client);
        if (flow->start)
                put_time(out, "start", flow->start);
        json_put_end_object(out);
}

/* The name that the device spoke, where EVE keeps it for that protocol. */
static void put_name(struct json_buffer *out, const Apnwatch__V1__Peer *peer, const char *app)
{
        bool is_quic = app && strncmp(app, "QUIC", 4) == 0;
        if (peer->name == NULL || peer->name_source == NULL)
                return;
        bool is_host = strcmp(peer->name_source, "host") == 0;
        if (!is_host && strcmp(peer->name_source, "sni") != 0)
                return;
        json_put_key(out, is_host ? "http" : is_quic ? "quic" : "tls");
        json_put_begin_object(out);
        put_text(out, is_host ? "hostname" : "sni", peer->name);
        json_put_end_object(out);
}

static void put_line(struct json_buffer *out, const alert_t *alert)
{
        const Apnwatch__V1__AlertFlow *flow = alert->flow;
        json_put_begin_object(out);
        put_time(out, "timestamp", alert->time);
        if (flow && flow->community_id && flow->community_id[0])
                put_flow_id(out, flow->community_id);
        if (flow)
                put_text(out, "in_iface", flow->tap);
        put_text(out, "event_type", "alert");
        put_text(out, "host", alert->sensor);
        put_ends(out, alert);
        if (flow) {
                put_protocols(out, flow);
                put_text(out, "community_id", flow->community_id);
        }
        put_alert(out, alert);
        if (alert->peer)
                put_name(out, alert->peer, flow ? flow->app : NULL);
        if (flow)
                put_flow(out, alert);
        json_put_key(out, "apnwatch");
        model_json_write(&alert->base, out);
        json_put_end_object(out);
        json_put_newline(out);
}

static int eve_open(struct sink *sink, const char *target, char *error, unsigned error_size)
{
        struct eve *eve = calloc(1, sizeof *eve);
        if (eve == NULL)
                return -ENOMEM;
        struct output_settings settings = {.append = sink->run && sink->run->append, .lines = true};
        int result = output_open(&eve->output, target, &settings, error, error_size);
        if (result != 0)
                free(eve);
        else
                sink->state = eve;
        return result;
}

static int eve_alert(struct sink *sink, const Apnwatch__V1__Alert *alert)
{
        struct eve *eve = sink->state;
        json_buffer_reset(&eve->line);
        put_line(&eve->line, alert);
        return eve->line.failed ? -ENOMEM : output_write(eve->output, eve->line.text, eve->line.length);
}

static int eve_flush(struct sink *sink)
{
        struct eve *eve = sink->state;
        return output_flush(eve->output);
}

static int eve_reopen(struct sink *sink)
{
        struct eve *eve = sink->state;
        return output_reopen(eve->output);
}

static bool eve_last(struct sink *sink, char id[33], uint32_t *revision)
{
        const struct eve *eve = sink->state;
        const char *path = output_path(eve->output);
        return path != NULL && last_alert_find(path, "apnwatch", id, revision);
}

static int eve_close(struct sink *sink)
{
        struct eve *eve = sink->state;
        int result = output_close(eve->output);
        json_buffer_clear(&eve->line);
        free(eve);
        return result;
}

const struct sink_kind eve_sink_kind = {
        .scheme = "eve",
        .what = "alerts as Suricata's EVE",
        .open = eve_open,
        .alert = eve_alert,
        .flush = eve_flush,
        .reopen = eve_reopen,
        .last = eve_last,
        .close = eve_close,
};
