#include "tests/traffic/policy_writer.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "tests/traffic/roster.h"

const char *window_text(int64_t start_ns, int64_t end_ns, char text[WINDOW_TEXT_SIZE])
{
        time_t start = (time_t)(start_ns / SECOND_NS), end = (time_t)(end_ns / SECOND_NS);
        struct tm from, to;
        char head[16], tail[8];
        gmtime_r(&start, &from);
        gmtime_r(&end, &to);
        strftime(head, sizeof(head), "%a %H:%M", &from);
        strftime(tail, sizeof(tail), "%H:%M", &to);
        snprintf(text, WINDOW_TEXT_SIZE, "%s-%s", head, tail);
        return text;
}

static void write_head(FILE *out)
{
        fputs("version: 1\n"
              "devices: [10.64.0.0/10, \"2001:db8:20::/46\"]\n"
              "infrastructure: [10.0.0.0/24, \"2001:db8:0:1::/64\"]\n"
              "fleets:\n",
              out);
}

static const char deny_rules[] = "      deny:\n"
                                 "        - {name: no-go, prefix: [203.0.113.128/25, \"2001:db8:dead::/48\"]}\n"
                                 "        - {name: advertising, domain: \"*.tracker-ads.example\"}\n"
                                 "        - {name: maker, vendor: Quectel}\n";

static const char common_rules[] =
        "        - {name: resolver, prefix: [10.0.0.53/32, \"2001:db8:0:1::53/128\"], port: 53}\n"
        "        - {name: time, prefix: [10.0.0.123/32, \"2001:db8:0:1::123/128\"], protocol: udp, port: 123}\n";

static const char *const allow_rules[FLEET_COUNT] = {
        [FLEET_METERS] =
                "        - {name: poll, prefix: [192.0.2.10/32, \"2001:db8:fe::10/128\"], protocol: tcp, port: 4059, "
                "direction: in}\n"
                "        - {name: broker, domain: \"*.iot.utility.example\", protocol: tcp, port: [8883, 443], app: TLS}\n"
                "        - {name: readings, domain: coap.iot.utility.example, protocol: udp, port: 5683}\n",
        [FLEET_TRACKERS] =
                "        - {name: telemetry, domain: telemetry.fleet.example, protocol: tcp, port: 1883}\n"
                "        - {name: reports, prefix: [192.0.2.48/32, \"2001:db8:fe::48/128\"], protocol: udp, port: 40123}\n"
                "        - {name: track, domain: track.fleet.example, protocol: tcp, port: [80, 443, 1883]}\n"
                "        - {name: neighbours, fleet: gateways, protocol: udp, port: 5683}\n",
        [FLEET_GATEWAYS] = "        - {name: api, domain: api.fleet.example, protocol: tcp, port: [80, 443]}\n"
                           "        - {name: maps, domain: \"*.maps.example\", protocol: tcp, port: [80, 443]}\n"
                           "        - {name: media, domain: \"*.media.example\", protocol: tcp, port: [80, 443]}\n",
};

static void write_destinations(FILE *out, enum fleet_number fleet)
{
        fprintf(out, "    destinations:\n%s      allow:\n%s%s      otherwise: alert\n", deny_rules, common_rules,
                allow_rules[fleet]);
}

/* Trackers have none on purpose: every pull is told, none is unauthorised. */
static void write_updates(FILE *out, const struct traffic *traffic, enum fleet_number fleet)
{
        char window[WINDOW_TEXT_SIZE];
        if (fleet == FLEET_TRACKERS)
                return;
        fputs("    updates:\n      sources: [{domain: fota.utility.example}]\n", out);
        if (fleet == FLEET_METERS)
                fprintf(out, "      windows: [\"%s\"]\n",
                        window_text(traffic->policy.window_start_ns, traffic->policy.window_end_ns, window));
}

/* Gateways have none on purpose: every report is told. */
static void write_location(FILE *out, enum fleet_number fleet)
{
        if (fleet == FLEET_METERS)
                fputs("    location:\n      receivers: []\n", out);
        if (fleet == FLEET_TRACKERS)
                fputs("    location:\n      receivers: [{domain: track.fleet.example}]\n", out);
}

static void write_fleet(FILE *out, const struct traffic *traffic, enum fleet_number fleet)
{
        static const char *const members[FLEET_COUNT] = {
                "      - {prefix: [10.64.0.0/12, \"2001:db8:20::/48\"]}\n",
                "      - {inventory: trackers}\n",
                "      - {imei_tac: [\"86888803\"]}\n",
        };
        static const char *const prefixes[FLEET_COUNT] = { /* of benchmarks, which load no inventory */
                "      - {prefix: 10.64.0.0/12}\n",
                "      - {prefix: 10.80.0.0/12}\n",
                "      - {prefix: 10.96.0.0/12}\n",
        };
        fprintf(out, "  - name: %s\n    tenant: demo\n    mobility: %s\n    members:\n%s", fleet_name(fleet),
                fleet == FLEET_METERS ? "static" : "mobile", traffic->world->ipv4_only ? prefixes[fleet] : members[fleet]);
        if (traffic->policy.destinations)
                write_destinations(out, fleet);
        if (traffic->policy.updates)
                write_updates(out, traffic, fleet);
        if (traffic->policy.location)
                write_location(out, fleet);
}

static int close_file(FILE *out)
{
        int failed = ferror(out);
        if (fclose(out) != 0)
                return errno > 0 ? -errno : -EIO;
        return failed ? -EIO : 0;
}

int policy_write(const struct traffic *traffic, const char *path)
{
        FILE *out = fopen(path, "w");
        if (out == NULL)
                return -errno;
        write_head(out);
        for (unsigned fleet = 0; fleet < FLEET_COUNT; fleet++)
                write_fleet(out, traffic, fleet);
        return close_file(out);
}

static void write_device(FILE *out, const struct world *world, uint32_t device)
{
        static const struct {
                const char *apn, *vendor, *model;
        } kinds[FLEET_COUNT] = {
                {"meters.utility.example", "Quectel", "BG95"},
                {"trackers.fleet.example", "Cinterion", "BGS2-E"},
                {"gateways.fleet.example", "MeiG", "SLM332"},
        };
        char ip[ADDRESS_TEXT_SIZE], imsi[IMSI_SIZE], imei[IMEI_SIZE];
        struct address address = device_address(world, device);
        enum fleet_number fleet = device_fleet(world, device);
        fprintf(out, "%s,%s,%s,4999%08u,%s,%s,demo,%s,%s,site-%02u,%s,installed", address_text(&address, ip),
                device_imsi(device, imsi), device_imei(world, device, imei), device + 1, kinds[fleet].apn, fleet_name(fleet),
                kinds[fleet].vendor, kinds[fleet].model, device % 40, fleet == FLEET_METERS ? "static" : "mobile");
}

static void write_date(FILE *out, int64_t second)
{
        char date[32] = "";
        time_t time = (time_t)second;
        struct tm parts;
        if (second != 0)
                strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&time, &parts));
        fprintf(out, ",%s", date);
}

static void write_extra(FILE *out, const struct traffic *traffic, const struct roster_row *row)
{
        char ip[ADDRESS_TEXT_SIZE], imsi[IMSI_SIZE], imei[IMEI_SIZE];
        struct address address = device_address(traffic->world, row->device);
        enum fleet_number fleet = device_fleet(traffic->world, row->device);
        fprintf(out, "%s,%s,%s,4999%08u,%s,%s,demo,,,site-%02u,%s,%s", row->has_address ? address_text(&address, ip) : "",
                device_imsi(row->device, imsi),
                row->imei != NULL ? row->imei : device_imei(traffic->world, row->device, imei), row->device + 1,
                fleet_apn(fleet), fleet == FLEET_NONE ? "" : fleet_name(fleet), row->device % 40,
                fleet == FLEET_METERS ? "static" : "mobile", row->state != NULL ? row->state : "installed");
        if (traffic->policy.identity) {
                write_date(out, row->from_s);
                write_date(out, row->until_s);
                fprintf(out, ",%s", row->ticket != NULL ? row->ticket : "");
        }
        fputs("\n", out);
}

int inventory_write(const struct traffic *traffic, const char *path)
{
        FILE *out = fopen(path, "w");
        if (out == NULL)
                return -errno;
        fprintf(out, "ip,imsi,imei,msisdn,apn,fleet,tenant,vendor,model,site,mobility,state%s\n",
                traffic->policy.identity ? ",from,until,ticket" : "");
        for (uint32_t device = 0; device < traffic->world->devices; device++) {
                write_device(out, traffic->world, device);
                fputs(traffic->policy.identity ? ",,,\n" : "\n", out);
        }
        for (unsigned i = 0; i < roster_count(traffic->roster); i++)
                write_extra(out, traffic, roster_row(traffic->roster, i));
        return close_file(out);
}
