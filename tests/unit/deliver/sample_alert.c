#include "tests/unit/deliver/sample_alert.h"

#include <string.h>

#define TEXT(literal) ((char *)(uintptr_t)(literal))

static const uint64_t at_ns = UINT64_C(1772330584567891234); /* 2026-03-01T02:03:04.567891234Z */

void sample_alert_fill_least(struct sample_alert *sample)
{
        memset(sample, 0, sizeof *sample);
        Apnwatch__V1__Alert *alert = &sample->alert;
        apnwatch__v1__alert__init(alert);
        apnwatch__v1__time__init(&sample->time);
        sample->time.ns = at_ns;
        sample->first = sample->last = sample->start = sample->time;
        alert->id = TEXT("9f2c0123456789abcdef0123456789ab");
        alert->revision = 1;
        alert->time = &sample->time;
        alert->type = TEXT("destination.unlisted");
        alert->severity = APNWATCH__V1__ALERT__SEVERITY__MEDIUM;
        alert->score = 55;
        alert->confidence = APNWATCH__V1__ALERT__CONFIDENCE__LIKELY;
        alert->title = TEXT("10.20.0.7 talks to fota.vendor.example");
        alert->count = 1;
        alert->first = &sample->first;
        alert->last = &sample->last;
}

static void fill_ends(struct sample_alert *sample)
{
        Apnwatch__V1__Device *device = &sample->device;
        apnwatch__v1__device__init(device);
        device->ip = TEXT("10.20.0.7");
        device->imsi = TEXT("262011234567890");
        device->imei = TEXT("8612340512345601");
        device->msisdn = TEXT("4915112345678");
        device->apn = TEXT("meters.utility.example");
        device->vendor = TEXT("Quectel");
        device->model = TEXT("BG95-M3");
        device->rat = TEXT("NB-IoT");
        device->plmn = TEXT("262-01");
        device->cell = TEXT("ecgi:262-01-168496129");
        device->site = TEXT("cellar 3");
        device->context = TEXT("water");
        Apnwatch__V1__Peer *peer = &sample->peer;
        apnwatch__v1__peer__init(peer);
        peer->ip = TEXT("198.51.100.9");
        peer->has_port = peer->has_asn = 1;
        peer->port = 443;
        peer->name = TEXT("fota.vendor.example");
        peer->name_source = TEXT("sni");
        peer->country = TEXT("DE");
        peer->asn = 64500;
        peer->vendor = TEXT("Quectel");
        peer->purpose = TEXT("update");
}

static void fill_flow(struct sample_alert *sample)
{
        Apnwatch__V1__AlertFlow *flow = &sample->flow;
        apnwatch__v1__alert_flow__init(flow);
        flow->community_id = TEXT("1:wCb3OG7yAFWelaUydu0D+125CLM=");
        flow->protocol = TEXT("tcp");
        flow->app = TEXT("TLS.Google");
        flow->start = &sample->start;
        flow->has_bytes_up = flow->has_bytes_down = flow->has_packets = flow->has_teid_up = flow->has_teid_down =
                flow->has_device_port = 1;
        flow->bytes_up = 1616;
        flow->bytes_down = UINT64_C(8044000000);
        flow->packets = 25;
        flow->tap = TEXT("sgi-1");
        flow->teid_up = 1;
        flow->teid_down = 4294967295;
        flow->device_port = 50096;
}

static void fill_detail(struct sample_alert *sample)
{
        Apnwatch__V1__Detail *detail = &sample->detail;
        apnwatch__v1__detail__init(detail);
        apnwatch__v1__object__init(&sample->object);
        sample->object.has_size = 1;
        sample->object.size = 1048576;
        sample->object.type = TEXT("zip");
        sample->object.sha256 = TEXT("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        sample->object.name = TEXT("fw.bin");
        detail->object = &sample->object;
        detail->has_answered = detail->answered = 1;
        detail->direction = TEXT("out");
        detail->reason = TEXT("not_listed");
        detail->has_latitude = detail->has_longitude = detail->has_cadence_s = 1;
        detail->latitude = 52.520008;
        detail->longitude = -13.404954;
        detail->cadence_s = 60;
        detail->user_agent = TEXT("agent \"x\"");
        detail->path = TEXT("/fw/\xc3\xa9.bin");
}

void sample_alert_fill(struct sample_alert *sample)
{
        sample_alert_fill_least(sample);
        fill_ends(sample);
        fill_flow(sample);
        fill_detail(sample);
        Apnwatch__V1__Alert *alert = &sample->alert;
        alert->revision = 2;
        alert->state = APNWATCH__V1__ALERT__STATE__UPDATE;
        alert->sensor = TEXT("edge-1");
        alert->tenant = TEXT("north-power");
        alert->fleet = TEXT("meters-north");
        alert->rule = TEXT("otherwise");
        alert->policy = TEXT("sha256:00");
        alert->device = &sample->device;
        alert->peer = &sample->peer;
        alert->flow = &sample->flow;
        alert->detail = &sample->detail;
        apnwatch__v1__evidence__init(&sample->evidence);
        sample->evidence.file = TEXT("a.pcap");
        sample->evidence.has_frame = 1;
        sample->evidence.frame = 1234;
        sample->evidence.text = TEXT("GET /fw");
        sample->evidence_list[0] = &sample->evidence;
        alert->evidence = sample->evidence_list;
        alert->n_evidence = 1;
        sample->attack[0] = TEXT("T1693.002");
        sample->attack[1] = TEXT("T0885");
        alert->attack = sample->attack;
        alert->n_attack = 2;
        sample->devices[0] = TEXT("10.20.0.7");
        sample->devices[1] = TEXT("2001:db8::7");
        alert->devices = sample->devices;
        alert->n_devices = 2;
        alert->has_device_count = 1;
        alert->device_count = 2;
}
