/* Positions as devices say them: NMEA-0183 sentences, JSON of several styles, a query string (as OsmAnd has it), MQTT. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"

enum { GRADE_CHECKED, GRADE_FRAMED };

static void put_sentence(struct bytes *b, const char *body)
{
        uint8_t sum = 0;
        for (const char *at = body; *at != '\0'; at++)
                sum ^= (uint8_t)*at;
        bytes_print(b, "$%s*%02X\r\n", body, sum);
}

/* ddmm.mmmm,N: degrees and minutes, the hemisphere behind a comma. */
static void angle_text(double angle, int digits, char positive, char negative, char *text, size_t size)
{
        double absolute = fabs(angle);
        int degrees = (int)absolute;
        snprintf(text, size, "%0*d%07.4f,%c", digits, degrees, (absolute - degrees) * 60, angle < 0 ? negative : positive);
}

void nmea_report(struct conversation *c, const struct place *place, bool has_fix)
{
        struct bytes *b = &c->traffic->scratch;
        char latitude[24], longitude[24], body[160];
        time_t seconds = (time_t)(c->time_ns / SECOND_NS);
        struct tm date;
        gmtime_r(&seconds, &date);
        angle_text(place->latitude, 2, 'N', 'S', latitude, sizeof(latitude));
        angle_text(place->longitude, 3, 'E', 'W', longitude, sizeof(longitude));
        bytes_clear(b);
        snprintf(body, sizeof(body), "GPRMC,%02d%02d%02d.00,%s,%s,%s,%s,%s,%02d%02d%02d,,,%c", date.tm_hour, date.tm_min,
                 date.tm_sec, has_fix ? "A" : "V", has_fix ? latitude : ",", has_fix ? longitude : ",",
                 has_fix ? "12.4" : "", has_fix ? "77.5" : "", date.tm_mday, date.tm_mon + 1, date.tm_year % 100,
                 has_fix ? 'A' : 'N');
        put_sentence(b, body);
        snprintf(body, sizeof(body), "GPGGA,%02d%02d%02d.00,%s,%s,%d,%s,%s,M,%s,M,,", date.tm_hour, date.tm_min, date.tm_sec,
                 has_fix ? latitude : ",", has_fix ? longitude : ",", has_fix ? 1 : 0, has_fix ? "08,1.02" : "00,99.99",
                 has_fix ? "55.2" : "", has_fix ? "46.9" : "");
        put_sentence(b, body);
        conversation_send(c, UP, b->data, b->length);
        if (has_fix)
                tell_position(c, &(struct position_fact){.latitude = place->latitude,
                                                         .longitude = place->longitude,
                                                         .family = "NMEA-0183",
                                                         .carrier = c->contact.protocol == IP_TCP ? "TCP" : "UDP",
                                                         .grade = GRADE_CHECKED,
                                                         .from_device = true});
}

const char *json_position(const struct place *place, unsigned style, char *text, size_t size)
{
        switch (style % 3) {
        case 0:
                snprintf(text, size, "{\"lat\":%.6f,\"lon\":%.6f,\"speed\":12.5,\"battery\":87}", place->latitude,
                         place->longitude);
                break;
        case 1:
                snprintf(text, size, "{\"device\":\"unit-7\",\"latitude\":%.6f,\"longitude\":%.6f,\"accuracy\":8}",
                         place->latitude, place->longitude);
                break;
        default:
                snprintf(text, size, "{\"id\":42,\"position\":{\"lat\":%.5f,\"lng\":%.5f},\"fix\":true}", place->latitude,
                         place->longitude);
        }
        return text;
}

void json_report(struct conversation *c, enum direction direction, const struct place *place, unsigned style)
{
        char text[160];
        json_position(place, style, text, sizeof(text));
        conversation_send(c, direction, text, strlen(text));
        tell_position(c, &(struct position_fact){.latitude = place->latitude,
                                                 .longitude = place->longitude,
                                                 .family = "JSON",
                                                 .carrier = c->contact.protocol == IP_TCP ? "TCP" : "UDP",
                                                 .grade = GRADE_FRAMED,
                                                 .from_device = direction == UP});
}

void http_query_report(struct conversation *c, const char *host, const struct place *place)
{
        char path[160];
        snprintf(path, sizeof(path), "/?id=%u&lat=%.6f&lon=%.6f&timestamp=%lld&speed=7.2", 900000 + c->contact.device,
                 place->latitude, place->longitude, (long long)(c->time_ns / SECOND_NS));
        struct http_exchange exchange = {.method = "GET",
                                         .host = host,
                                         .path = path,
                                         .user_agent = "tracker/2.1",
                                         .content_type = "text/plain",
                                         .response_body = "OK"};
        http_send(c, &exchange);
        tell_position(c, &(struct position_fact){.latitude = place->latitude,
                                                 .longitude = place->longitude,
                                                 .family = "query",
                                                 .carrier = "HTTP",
                                                 .topic = path,
                                                 .grade = GRADE_FRAMED,
                                                 .from_device = true});
}

void mqtt_report(struct conversation *c, unsigned version, const struct place *place)
{
        char text[160], topic[64];
        snprintf(topic, sizeof(topic), "devices/%u/location", c->contact.device);
        json_position(place, c->contact.device, text, sizeof(text));
        mqtt_publish(c, version, UP, topic, text, 1);
        tell_position(c, &(struct position_fact){.latitude = place->latitude,
                                                 .longitude = place->longitude,
                                                 .family = "JSON",
                                                 .carrier = "MQTT",
                                                 .topic = topic,
                                                 .grade = GRADE_FRAMED,
                                                 .from_device = true});
}
