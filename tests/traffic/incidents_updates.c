#include <stdio.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"
#include "tests/traffic/incident.h"

#define JUDGED "update.pull update.unauthorised update.out_of_window update.insecure"

static size_t draw_image_size(struct traffic *traffic)
{
        return traffic->image_size + random_below(&traffic->random, (uint32_t)traffic->image_size);
}

static struct conversation *open_vendor(struct traffic *traffic, uint32_t device, enum vendor_number vendor, uint16_t port,
                                        int64_t time_ns)
{
        struct address peer = vendor_address(traffic->world, vendor, device);
        int64_t known_ns = dns_lookup_name(traffic, device, vendor_name(vendor), &peer, time_ns);
        struct contact contact = {.device = device, .peer = peer, .peer_port = port, .protocol = IP_TCP};
        return conversation_open(traffic, &contact, known_ns);
}

static struct conversation *open_named(struct traffic *traffic, uint32_t device, const char *name, uint16_t port,
                                       int64_t time_ns)
{
        struct address peer = stranger_address(traffic->world, device);
        int64_t known_ns = dns_lookup_name(traffic, device, name, &peer, time_ns);
        struct contact contact = {.device = device, .peer = peer, .peer_port = port, .protocol = IP_TCP};
        return conversation_open(traffic, &contact, known_ns);
}

static struct conversation *open_service(struct traffic *traffic, uint32_t device, enum service_number service,
                                         uint16_t port, int64_t time_ns)
{
        int64_t known_ns = dns_lookup_service(traffic, device, service, time_ns);
        struct contact contact = {.device = device,
                                  .peer_port = port,
                                  .protocol = IP_TCP,
                                  .peer = service_address(traffic->world, service, device, 0)};
        return conversation_open(traffic, &contact, known_ns);
}

static void expect_pull(const struct conversation *c, int64_t start_ns, bool in_clear, const char *what)
{
        expect_alert(c, "update.pull", start_ns, what);
        if (in_clear)
                expect_alert(c, "update.insecure", start_ns, what);
        if (device_fleet(c->traffic->world, c->contact.device) != FLEET_TRACKERS)
                expect_alert(c, "update.unauthorised", start_ns, what);
        expect_unlisted(c, start_ns, what);
}

static void pull_over_tls(struct traffic *traffic, uint32_t device, int64_t time_ns, enum vendor_number vendor,
                          uint16_t version)
{
        struct tls_session session = {.name = vendor_name(vendor), .version = version};
        struct conversation *c = open_vendor(traffic, device, vendor, 443, time_ns);
        tls_handshake(c, &session);
        tls_data(c, &session, UP, 260);
        tls_data(c, &session, DOWN, draw_image_size(traffic));
        expect_pull(c, time_ns, version < 0x0303,
                    version < 0x0303 ? "an image from a vendor's service over obsolete TLS"
                                     : "an image from a vendor's service over TLS");
        tls_close(c, &session);
}

static void vendor_over_tls(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        pull_over_tls(traffic, device, time_ns, VENDOR_NORDIC, 0x0304);
}

/* Told once for a host, so all of it happens at the host's IPv4 address. */
static void vendor_over_obsolete_tls(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        if (device_is_ipv6(traffic->world, device))
                return;
        pull_over_tls(traffic, device, time_ns, VENDOR_ADUPS, 0x0301);
}

static void pull_over_http(struct conversation *c, const char *host, const char *path, const char *user_agent,
                           const char *image, bool chunked)
{
        struct http_exchange exchange = {.method = "GET",
                                         .host = host,
                                         .path = path,
                                         .user_agent = user_agent,
                                         .image = image,
                                         .content_type = "application/octet-stream",
                                         .chunked = chunked,
                                         .download = draw_image_size(c->traffic)};
        http_send(c, &exchange);
}

static void module_delta(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        char host[64], path[160];
        snprintf(host, sizeof(host), "files%u.operator.example", traffic->world->strangers);
        snprintf(path, sizeof(path), "/d%u/BG96MAR02A07M1G_01.018.01.018-BG96MAR02A07M1G_01.016.01.016.bin",
                 traffic->world->strangers);
        struct conversation *c = open_named(traffic, device, host, 80, time_ns);
        pull_over_http(c, host, path, "QUECTEL_MODULE", NULL, false);
        expect_pull(c, time_ns, true, "a module fetches its vendor's delta by HTTP");
        conversation_close(c, UP);
}

static void vendor_http(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        char path[96];
        snprintf(path, sizeof(path), "/download/xyDelta-%u.zip", random_below(&traffic->random, 100000));
        struct conversation *c = open_vendor(traffic, device, VENDOR_MEIG, 9090, time_ns);
        pull_over_http(c, "iotsvr.meigsmart.com:9090", path, NULL, "zip", false);
        expect_pull(c, time_ns, true, "an image from a vendor's service by HTTP");
        conversation_close(c, DOWN);
}

static void image_from_anywhere(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        char host[64], path[96];
        snprintf(host, sizeof(host), "downloads%u.maker.example", traffic->world->strangers);
        snprintf(path, sizeof(path), "/images/router-firmware-2.4.%u.bin", traffic->world->strangers);
        struct conversation *c = open_named(traffic, device, host, 80, time_ns);
        pull_over_http(c, host, path, "curl/7.88.1", "mcuboot", traffic->world->strangers % 2 == 0);
        expect_pull(c, time_ns, true, "an image from any host by HTTP");
        conversation_close(c, UP);
}

static void delta_by_ftp(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct ftp_download download = {.server = stranger_address(traffic->world, device),
                                        .image = "zip",
                                        .file = "/B02V04_161220_B02V04_161128_SIM7600CE-A.zip",
                                        .size = draw_image_size(traffic)};
        char host[64];
        snprintf(host, sizeof(host), "ftp%u.operator.example", traffic->world->strangers);
        int64_t known_ns = dns_lookup_name(traffic, device, host, &download.server, time_ns);
        ftp_retrieve(traffic, device, &download, known_ns);
        static const char *const types[] = {"update.pull", "update.insecure", "destination.unlisted"};
        for (unsigned i = 0; i < (traffic->policy.destinations ? 3u : 2u); i++)
                label_write(traffic, &(struct label){.types = types[i],
                                                     .what = "a module fetches its vendor's delta by FTP",
                                                     .device = device,
                                                     .peer = &download.server,
                                                     .start_ns = time_ns,
                                                     .end_ns = known_ns + MINUTE_NS});
}

static struct conversation *own_update(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        char path[96];
        struct conversation *c = open_service(traffic, device, SERVICE_FOTA, 80, time_ns);
        snprintf(path, sizeof(path), "/meters/mfw-%u.%u.bin", device, random_below(&traffic->random, 1000));
        pull_over_http(c, traffic->world->services[SERVICE_FOTA].name, path, "meter/3.1", "mcuboot", false);
        expect_alert(c, "update.pull", time_ns, "an image from the fleet's own source");
        expect_alert(c, "update.insecure", time_ns, "an image from the fleet's own source in clear");
        return c;
}

static void in_window(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct conversation *c = own_update(traffic, device, time_ns);
        expect_nothing(c, "update.unauthorised update.out_of_window destination.unlisted", time_ns,
                       "an authorised update within its window");
        conversation_close(c, UP);
}

static void out_of_window(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct conversation *c = own_update(traffic, device, time_ns);
        expect_alert(c, "update.out_of_window", time_ns, "an authorised update outside its window");
        expect_nothing(c, "update.unauthorised destination.unlisted", time_ns, "an authorised update");
        conversation_close(c, UP);
}

struct incident_list update_incidents(void)
{
        static const struct incident incidents[] = {
                {"vendor-over-tls", FLEET_GATEWAYS, ANY_TIME, vendor_over_tls},
                {"vendor-over-tls", FLEET_TRACKERS, ANY_TIME, vendor_over_tls},
                {"vendor-over-obsolete-tls", FLEET_GATEWAYS, ANY_TIME, vendor_over_obsolete_tls},
                {"module-delta", FLEET_TRACKERS, ANY_TIME, module_delta},
                {"module-delta", FLEET_METERS, IN_WINDOW, module_delta},
                {"vendor-http", FLEET_TRACKERS, ANY_TIME, vendor_http},
                {"image-from-anywhere", FLEET_GATEWAYS, ANY_TIME, image_from_anywhere},
                {"delta-by-ftp", FLEET_TRACKERS, ANY_TIME, delta_by_ftp},
                {"in-window", FLEET_METERS, IN_WINDOW, in_window},
                {"out-of-window", FLEET_METERS, OUT_OF_WINDOW, out_of_window},
        };
        return (struct incident_list){incidents, sizeof(incidents) / sizeof(incidents[0])};
}

static void check_in(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct tls_session session = {.name = vendor_name(VENDOR_REDSTONE), .version = 0x0304};
        struct conversation *c = open_vendor(traffic, device, VENDOR_REDSTONE, 443, time_ns);
        tls_handshake(c, &session);
        tls_data(c, &session, UP, 300);
        tls_data(c, &session, DOWN, 900);
        expect_nothing(c, JUDGED, time_ns, "a vendor's service is asked and has nothing new");
        expect_unlisted(c, time_ns, "a vendor's service is asked");
        tls_close(c, &session);
}

static void fetch(struct traffic *traffic, uint32_t device, int64_t time_ns, enum service_number service,
                  const struct http_exchange *plan, const char *what)
{
        struct http_exchange exchange = *plan;
        struct conversation *c = open_service(traffic, device, service, 80, time_ns);
        exchange.host = traffic->world->services[service].name;
        http_send(c, &exchange);
        expect_nothing(c, JUDGED, time_ns, what);
        conversation_close(c, UP);
}

static void small_manifest(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct http_exchange exchange = {.method = "GET",
                                         .path = "/fota/latest.json",
                                         .user_agent = "gateway/4.2",
                                         .content_type = "application/json",
                                         .response_body = "{\"version\":\"2.4.1\",\"newer\":false}"};
        fetch(traffic, device, time_ns, SERVICE_API, &exchange, "a small answer to a question for updates");
}

static void missing_image(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct http_exchange exchange = {.method = "GET",
                                         .path = "/images/router-firmware-9.9.bin",
                                         .user_agent = "gateway/4.2",
                                         .status = 404,
                                         .content_type = "text/html",
                                         .response_body = "<html>not found</html>"};
        fetch(traffic, device, time_ns, SERVICE_API, &exchange, "an image that is not there");
}

static void video(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct http_exchange exchange = {.method = "GET",
                                         .path = "/live/segment-00042.mp4",
                                         .user_agent = "player/1.0",
                                         .content_type = "video/mp4",
                                         .image = "mp4",
                                         .download = 300000};
        fetch(traffic, device, time_ns, SERVICE_VIDEO, &exchange, "a large video");
}

static void map_tile(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct http_exchange exchange = {.method = "GET",
                                         .path = "/14/8800/5373.png",
                                         .user_agent = "map/1.7",
                                         .content_type = "image/png",
                                         .image = "png",
                                         .download = 60000};
        fetch(traffic, device, time_ns, SERVICE_TILES, &exchange, "a map tile");
}

static void upload(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct http_exchange exchange = {.method = "POST",
                                         .path = "/v2/pictures",
                                         .user_agent = "gateway/4.2",
                                         .content_type = "application/octet-stream",
                                         .upload = 150000,
                                         .response_body = "stored"};
        fetch(traffic, device, time_ns, SERVICE_API, &exchange, "an upload");
}

static void large_answer(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct tls_session session = {.name = traffic->world->services[SERVICE_API].name, .version = 0x0304};
        struct conversation *c = open_service(traffic, device, SERVICE_API, 443, time_ns);
        tls_handshake(c, &session);
        tls_data(c, &session, UP, 300);
        tls_data(c, &session, DOWN, 200000);
        expect_nothing(c, JUDGED, time_ns, "a large answer over TLS from the fleet's own service");
        tls_close(c, &session);
}

struct incident_list update_decoys(void)
{
        static const struct incident decoys[] = {
                {"small-manifest", FLEET_GATEWAYS, ANY_TIME, small_manifest},
                {"missing-image", FLEET_GATEWAYS, ANY_TIME, missing_image},
                {"video", FLEET_GATEWAYS, ANY_TIME, video},
                {"map-tile", FLEET_GATEWAYS, ANY_TIME, map_tile},
                {"upload", FLEET_GATEWAYS, ANY_TIME, upload},
                {"large-answer", FLEET_GATEWAYS, ANY_TIME, large_answer},
                {"check-in", FLEET_GATEWAYS, ANY_TIME, check_in},
        };
        return (struct incident_list){decoys, sizeof(decoys) / sizeof(decoys[0])};
}
