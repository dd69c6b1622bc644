#include <stdio.h>

#include "dissectors/app/http.h"
#include "dissectors/app/http_message.h"
#include "dissectors/app/image_type.h"
#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/test.h"

static const char request_text[] =
        "GET /fota/BG96MAR02A07M1G_01.018.bin?imei=860123 HTTP/1.1\r\n"
        "Host: Fota.Vendor.Example:8080\r\n"
        "User-Agent: QUECTEL_MODULE\r\n"
        "Range: bytes=65536-131071\r\n"
        "Connection: keep-alive\r\n\r\n";

static const char answer_text[] =
        "HTTP/1.1 206 Partial Content\r\n"
        "content-type: application/octet-stream\r\n"
        "Content-Length: 65536\r\n"
        "Content-Range: bytes 65536-131071/400000\r\n"
        "Content-Disposition: attachment; filename=\"fw \\1.bin\"; size=7\r\n\r\n";

static void assert_span(struct cursor span, const char *text)
{
        assert_int_equal(cursor_left(&span), strlen(text));
        assert_memory_equal(span.at, text, strlen(text));
}

static void a_request_is_read_field_by_field(void **state)
{
        (void)state;
        struct http_head head;
        struct cursor at = cursor_of(request_text, sizeof request_text - 1);
        assert_int_equal(http_parse_head(&at, &head), DISSECT_OK);
        assert_int_equal(cursor_left(&at), 0);
        assert_false(head.is_response);
        assert_string_equal(http_method_name(head.method), "GET");
        assert_span(head.target, "/fota/BG96MAR02A07M1G_01.018.bin?imei=860123");
        assert_span(head.host, "Fota.Vendor.Example");
        assert_span(head.user_agent, "QUECTEL_MODULE");
        assert_true(head.has_range);
        assert_int_equal(head.range_start, 65536);
        assert_false(head.has_length || head.chunked || head.upgrade || head.proxied || head.has_total);
}

static void an_answer_is_read_field_by_field(void **state)
{
        (void)state;
        struct http_head head;
        struct cursor at = cursor_of(answer_text, sizeof answer_text - 1);
        assert_int_equal(http_parse_head(&at, &head), DISSECT_OK);
        assert_true(head.is_response);
        assert_int_equal(head.status, 206);
        assert_span(head.content_type, "application/octet-stream");
        assert_span(head.file_name, "fw \\1.bin");
        assert_true(head.has_length && head.has_total && head.has_range);
        assert_int_equal(head.length, 65536);
        assert_int_equal(head.total, 400000);
        assert_int_equal(head.range_start, 65536);
}

static void every_shorter_head_is_truncated(void **state)
{
        (void)state;
        const char *texts[] = {request_text, answer_text};
        for (unsigned t = 0; t < 2; t++)
                for (size_t length = 0; length < strlen(texts[t]); length++) {
                        char *copy = malloc(length ? length : 1);
                        memcpy(copy, texts[t], length);
                        struct cursor at = cursor_of(copy, length);
                        struct http_head head;
                        assert_int_equal(http_parse_head(&at, &head), DISSECT_TRUNCATED);
                        assert_int_equal(cursor_left(&at), length);
                        free(copy);
                }
}

static void odd_first_lines_are_told_apart(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                enum dissect_result result;
        } odd[] = {
                {"GET / HTTP/1.1\r\n", DISSECT_OK},
                {"GET / HTTP/1.0\n", DISSECT_OK},
                {"GET /a b HTTP/1.1\r\n", DISSECT_OK},
                {"GET http://x/ HTTP/1.1\r\n", DISSECT_OK},
                {"HTTP/1.1 200\r\n", DISSECT_OK},
                {"HTTP/1.0 404 Not Found\r\n", DISSECT_OK},
                {"GET", DISSECT_TRUNCATED},
                {"HTT", DISSECT_TRUNCATED},
                {"POST /a/long/path", DISSECT_TRUNCATED},
                {"GETX / HTTP/1.1\r\n", DISSECT_NO_MATCH},
                {"get / HTTP/1.1\r\n", DISSECT_NO_MATCH},
                {"GET /\r\n", DISSECT_NO_MATCH},
                {"GET / HTTP/2.0\r\n", DISSECT_NO_MATCH},
                {"GET / HTTP/1.1x\r\n", DISSECT_NO_MATCH},
                {"GET HTTP/1.1\r\n", DISSECT_NO_MATCH},
                {"OPTIONS rtsp://x/ RTSP/1.0\r\n", DISSECT_NO_MATCH},
                {"OPTIONS sip:a@b SIP/2.0\r\n", DISSECT_NO_MATCH},
                {"M-SEARCH * HTTP/1.1\r\n", DISSECT_NO_MATCH},
                {"NOTIFY * HTTP/1.1\r\n", DISSECT_NO_MATCH},
                {"PRI * HTTP/2.0\r\n", DISSECT_NO_MATCH},
                {"ICY 200 OK\r\n", DISSECT_NO_MATCH},
                {"HTTP/1.1 20\r\n", DISSECT_NO_MATCH},
                {"HTTP/1.1 OK\r\n", DISSECT_NO_MATCH},
                {"HTTP/2 200\r\n", DISSECT_NO_MATCH},
                {"\x16\x03\x01", DISSECT_NO_MATCH},
                {"", DISSECT_NO_MATCH},
        };
        for (unsigned i = 0; i < sizeof odd / sizeof odd[0]; i++) {
                struct cursor at = cursor_of(odd[i].text, strlen(odd[i].text));
                if (http_check_first_line(&at) != odd[i].result)
                        fail_msg("%s: %d", odd[i].text, http_check_first_line(&at));
        }
}

static void odd_header_values_are_survived(void **state)
{
        (void)state;
        struct http_head head;
        struct cursor at = cursor_of("HTTP/1.1 200 OK\nContent-Length: x\n\n", 35);
        assert_int_equal(http_parse_head(&at, &head), DISSECT_MALFORMED);
        static const char huge[] = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n";
        at = cursor_of(huge, sizeof huge - 1);
        assert_int_equal(http_parse_head(&at, &head), DISSECT_MALFORMED);
        static const char v6[] = "GET http://[2001:db8::1]:80/x HTTP/1.1\r\nHost:other\r\n"
                                 "Range: bytes=-500\r\nno colon\r\n: empty\r\nUpgrade : h2c\r\n\r\nrest";
        at = cursor_of(v6, sizeof v6 - 1);
        assert_int_equal(http_parse_head(&at, &head), DISSECT_OK);
        assert_span(head.host, "2001:db8::1");
        assert_span(head.target, "/x");
        assert_true(head.proxied && head.upgrade);
        assert_false(head.has_range);
        assert_int_equal(cursor_left(&at), 4);
        static const char star[] = "HTTP/1.1 200 OK\r\nContent-Disposition: inline; filename*=UTF-8''f%20w.zip\r\n"
                                   "Content-Range: bytes */77\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n";
        at = cursor_of(star, sizeof star - 1);
        assert_int_equal(http_parse_head(&at, &head), DISSECT_OK);
        assert_span(head.file_name, "f%20w.zip");
        assert_true(head.chunked && head.has_total && !head.has_range);
        assert_int_equal(head.total, 77);
}

static void chunk_sizes_are_read(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                enum dissect_result result;
                uint64_t size;
        } chunks[] = {
                {"0\r\n", DISSECT_OK, 0},
                {"1aF\r\n", DISSECT_OK, 0x1af},
                {"10 \r\n", DISSECT_OK, 16},
                {"10;name=v\r\n", DISSECT_OK, 16},
                {"10", DISSECT_TRUNCATED, 0},
                {"\r\n", DISSECT_MALFORMED, 0},
                {"x\r\n", DISSECT_MALFORMED, 0},
                {"1000000000000000\r\n", DISSECT_MALFORMED, 0},
        };
        for (unsigned i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
                uint64_t size = 0;
                struct cursor at = cursor_of(chunks[i].text, strlen(chunks[i].text));
                assert_int_equal(http_parse_chunk_size(&at, &size), chunks[i].result);
                if (chunks[i].result == DISSECT_OK)
                        assert_int_equal(size, chunks[i].size);
        }
}

static void images_are_known_by_their_first_bytes(void **state)
{
        (void)state;
        static const struct {
                const char *bytes;
                size_t length;
                uint64_t size;
                const char *name;
        } images[] = {
                {"PK\x03\x04....", 8, 0, "zip"},
                {"\x1f\x8b\x08\x00", 4, 0, "gzip"},
                {"\x3d\xb8\xf3\x96", 4, 0, "mcuboot"},
                {"CrAU\0\0\0\0", 8, 0, "android-ota"},
                {"\x27\x05\x19\x56", 4, 0, "uimage"},
                {"hsqs", 4, 0, "squashfs"},
                {"\xd0\x0d\xfe\xed", 4, 0, "device-tree"},
                {"BSDIFF40", 8, 0, "bsdiff"},
                {"\x7f" "ELF", 4, 0, "elf"},
                {":10010000214601360121470136007EFE09D2190140\r\n", 45, 0, "intel-hex"},
                {":10010000214601360121470136007EFE09D2190141\r\n", 45, 0, NULL},
                {"S00F000068656C6C6F202020202000003C\r\n", 36, 0, "s-record"},
                {"S00F000068656C6C6F202020202000003D\r\n", 36, 0, NULL},
                {"\xec\xdf......\x00\x04\x00\x00hash", 16, 1024, "eigencomm-delta"},
                {"\xec\xdf......\x00\x04\x00\x00hash", 16, 1025, NULL},
                {"PK\x03", 3, 0, NULL},
                {"<html>", 6, 0, NULL},
                {"\xec", 1, 0, NULL},
                {"", 0, 0, NULL},
        };
        for (unsigned i = 0; i < sizeof images / sizeof images[0]; i++) {
                uint8_t *copy = malloc(images[i].length ? images[i].length : 1);
                memcpy(copy, images[i].bytes, images[i].length);
                const char *name = image_type(cursor_of(copy, images[i].length), images[i].size);
                if (images[i].name == NULL)
                        assert_null(name);
                else
                        assert_string_equal(name, images[i].name);
                free(copy);
        }
}

static const Apnwatch__V1__Transfer *transfer_of(const struct fake_sense *sense, unsigned index)
{
        assert_true(index < sense->event_count);
        assert_int_equal(sense->events[index]->body_case, APNWATCH__V1__EVENT__BODY_TRANSFER);
        return sense->events[index]->transfer;
}

static void a_download_is_told_at_32_kib_and_at_its_end(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 8080);
        static uint8_t body[65536] = {'P', 'K', 3, 4};
        fake_sense_text(sense, FROM_OPENER, request_text);
        assert_string_equal(sense->label, "HTTP");
        assert_string_equal(sense->name, "fota.vendor.example");
        fake_sense_send(sense, TO_OPENER, answer_text, 40);
        fake_sense_text(sense, TO_OPENER, answer_text + 40);
        assert_int_equal(sense->event_count, 0);
        for (size_t at = 0; at < sizeof body; at += 1024)
                fake_sense_send(sense, TO_OPENER, body + at, 1024);
        assert_int_equal(sense->event_count, 2);
        assert_true(sense->calls < 8); /* the body was skipped, not read */
        for (unsigned i = 0; i < 2; i++) {
                const Apnwatch__V1__Transfer *t = transfer_of(sense, i);
                assert_int_equal(t->phase, i);
                assert_string_equal(t->protocol, "HTTP");
                assert_string_equal(t->method, "GET");
                assert_string_equal(t->host, "fota.vendor.example");
                assert_string_equal(t->path, "/fota/BG96MAR02A07M1G_01.018.bin?imei=860123");
                assert_string_equal(t->user_agent, "QUECTEL_MODULE");
                assert_string_equal(t->content_type, "application/octet-stream");
                assert_string_equal(t->file_name, "fw \\\\1.bin");
                assert_int_equal(t->status, 206);
                assert_int_equal(t->size, 400000);
                assert_int_equal(t->range_start, 65536);
                assert_int_equal(t->moved, i == 0 ? 32768 : 65536);
                assert_int_equal(t->start, 1700000000000000000);
                assert_int_equal(t->request_frame, 2);
                assert_false(t->pushed);
                assert_null(t->image); /* from the middle of an object: its first bytes say nothing */
        }
        assert_false(transfer_of(sense, 0)->has_complete);
        assert_true(transfer_of(sense, 1)->complete);
        fake_sense_end(sense);
        assert_int_equal(sense->event_count, 2);
        fake_sense_close(sense);
}

/* Cut into segments of every size, the same exchanges must come out. */
static void pipelined_exchanges_come_out_alike_however_they_are_cut(void **state)
{
        (void)state;
        static const char requests[] = "GET /a HTTP/1.1\r\nHost: x\r\n\r\nHEAD /b HTTP/1.1\r\nHost: x\r\n\r\n"
                                       "POST /c HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody\r\nGET /d HTTP/1.0\r\n\r\n";
        static const char answers[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nPK\x03\x04\r\n3;x\r\nabc\r\n0\r\nT: x\r\n\r\n"
                                      "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
                                      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
                                      "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end";
        for (size_t size = 1; size < 120; size++) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 80);
                for (size_t at = 0; at < strlen(requests); at += size)
                        fake_sense_send(sense, FROM_OPENER, requests + at,
                                        strlen(requests) - at < size ? strlen(requests) - at : size);
                for (size_t at = 0; at < strlen(answers); at += size)
                        fake_sense_send(sense, TO_OPENER, answers + at,
                                        strlen(answers) - at < size ? strlen(answers) - at : size);
                fake_sense_end(sense);
                assert_int_equal(sense->event_count, 4);
                const Apnwatch__V1__Transfer *a = transfer_of(sense, 0), *b = transfer_of(sense, 1);
                const Apnwatch__V1__Transfer *c = transfer_of(sense, 2), *e = transfer_of(sense, 3);
                assert_string_equal(a->path, "/a");
                assert_int_equal(a->moved, 7);
                assert_string_equal(a->image, "zip");
                assert_false(a->has_size);
                assert_true(a->complete && b->complete && c->complete);
                assert_string_equal(b->method, "HEAD");
                assert_int_equal(b->size, 1000);
                assert_int_equal(b->moved, 0);
                assert_string_equal(c->path, "/c");
                assert_null(c->host);
                assert_int_equal(c->status, 204);
                assert_string_equal(e->path, "/d");
                assert_string_equal(e->content_type, "text/plain");
                assert_int_equal(e->moved, 13);
                assert_false(e->has_complete);
                fake_sense_close(sense);
        }
}

static void what_is_unfinished_at_the_end_is_told(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 80);
        fake_sense_text(sense, FROM_OPENER, "GET /a HTTP/1.1\r\n\r\n");
        fake_sense_text(sense, TO_OPENER, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        fake_sense_send(sense, TO_OPENER, request_text, 100);
        fake_sense_lose(sense, TO_OPENER, 300);
        fake_sense_send(sense, TO_OPENER, request_text, 50);
        fake_sense_end(sense);
        assert_int_equal(sense->event_count, 1);
        assert_int_equal(transfer_of(sense, 0)->moved, 450);
        assert_true(transfer_of(sense, 0)->has_complete && !transfer_of(sense, 0)->complete);
        fake_sense_close(sense);
}

static void one_direction_alone_is_enough(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 80);
        char text[64];
        for (unsigned i = 0; i < 20; i++) {
                snprintf(text, sizeof text, "GET /%u HTTP/1.1\r\nHost: h\r\n\r\n", i);
                fake_sense_text(sense, FROM_OPENER, text);
        }
        fake_sense_end(sense);
        assert_int_equal(sense->event_count, 20);
        for (unsigned i = 0; i < 20; i++) {
                snprintf(text, sizeof text, "/%u", i);
                assert_string_equal(transfer_of(sense, i)->path, text);
                assert_false(transfer_of(sense, i)->has_status || transfer_of(sense, i)->complete);
        }
        fake_sense_close(sense);

        sense = fake_sense_open(IPPROTO_TCP, 80);
        fake_sense_text(sense, TO_OPENER, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
        assert_int_equal(sense->event_count, 2);
        assert_null(transfer_of(sense, 0)->path);
        assert_int_equal(transfer_of(sense, 0)->moved, 5);
        assert_int_equal(transfer_of(sense, 1)->status, 404);
        assert_int_equal(transfer_of(sense, 1)->start, 1700000000000000000);
        fake_sense_close(sense);
}

static void a_body_put_on_the_device_is_pushed(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 80);
        static uint8_t body[40000] = {0x3d, 0xb8, 0xf3, 0x96};
        sense->device_opens = false;
        fake_sense_text(sense, FROM_OPENER, "PUT /firmware HTTP/1.1\r\nHost: 10.20.0.7\r\nContent-Length: 40000\r\n\r\n");
        fake_sense_send(sense, FROM_OPENER, body, sizeof body);
        fake_sense_text(sense, TO_OPENER, "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok");
        assert_int_equal(sense->event_count, 2);
        assert_int_equal(transfer_of(sense, 0)->phase, APNWATCH__V1__TRANSFER__PHASE__ASKED);
        assert_true(transfer_of(sense, 0)->pushed);
        const Apnwatch__V1__Transfer *t = transfer_of(sense, 1);
        assert_true(t->pushed && t->complete);
        assert_string_equal(sense->name, ""); /* Host names the device */
        assert_string_equal(t->image, "mcuboot");
        assert_int_equal(t->moved, 40000);
        assert_int_equal(t->size, 40000);
        assert_int_equal(t->status, 201);
        fake_sense_close(sense);
}

static void after_a_gap_the_next_message_is_found(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 80);
        fake_sense_text(sense, FROM_OPENER, "GET /1 HTTP/1.1\r\n\r\n");
        fake_sense_text(sense, FROM_OPENER, "GET /2 HTTP/1.1\r\n\r\n");
        fake_sense_text(sense, TO_OPENER, "HTTP/1.1 200 OK\r\nContent-");
        fake_sense_lose(sense, TO_OPENER, 500);
        fake_sense_text(sense, TO_OPENER, "rest of some body");
        fake_sense_text(sense, TO_OPENER, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
        assert_int_equal(sense->event_count, 2);
        assert_string_equal(transfer_of(sense, 0)->path, "/1");
        assert_false(transfer_of(sense, 0)->has_status);
        assert_string_equal(transfer_of(sense, 1)->path, "/2");
        assert_int_equal(transfer_of(sense, 1)->status, 404);
        fake_sense_close(sense);
}

static void of_a_request_that_the_capture_cut_its_front_is_told(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 80);
        sense->d.cut = true;
        for (unsigned i = 0; i < 2; i++) {
                fake_sense_text(sense, FROM_OPENER, "GET /fw.bin HTTP/1.1\r\nHost: a.example\r\nUser-Ag");
                fake_sense_lose(sense, FROM_OPENER, 60);
        }
        fake_sense_end(sense);
        assert_int_equal(sense->event_count, 2);
        assert_string_equal(transfer_of(sense, 1)->path, "/fw.bin");
        assert_string_equal(transfer_of(sense, 1)->host, "a.example");
        assert_string_equal(sense->name, "a.example");
        fake_sense_close(sense);
}

static void tunnels_end_the_reading(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 8080);
        fake_sense_text(sense, FROM_OPENER, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
        assert_string_equal(sense->label, "HTTP_Connect");
        fake_sense_text(sense, TO_OPENER, "HTTP/1.1 200 OK\r\n\r\n\x16\x03\x03");
        assert_int_equal(sense->phase, FAKE_SETTLED);
        assert_string_equal(sense->name, "a.example");
        assert_int_equal(sense->event_count, 1);
        assert_string_equal(transfer_of(sense, 0)->method, "CONNECT");
        fake_sense_close(sense);

        sense = fake_sense_open(IPPROTO_TCP, 80);
        fake_sense_text(sense, FROM_OPENER, "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
        fake_sense_text(sense, TO_OPENER, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05Hello");
        assert_int_equal(sense->phase, FAKE_SETTLED);
        assert_int_equal(transfer_of(sense, 0)->status, 101);
        fake_sense_close(sense);
}

static void a_head_that_does_not_end_is_given_up(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 80);
        fake_sense_text(sense, FROM_OPENER, "GET / HTTP/1.1\r\n");
        for (unsigned i = 0; i < 1000; i++)
                fake_sense_text(sense, FROM_OPENER, "X-Padding: aaaaaaaaaaaaaaaaaaaaaa\r\n");
        fake_sense_text(sense, FROM_OPENER, "GET /next HTTP/1.1\r\n\r\n");
        fake_sense_end(sense);
        assert_int_equal(sense->event_count, 1);
        assert_string_equal(transfer_of(sense, 0)->path, "/next");
        fake_sense_close(sense);
}

static const Apnwatch__V1__Position *position_of(const struct fake_sense *sense, unsigned index)
{
        assert_true(index < sense->event_count);
        assert_int_equal(sense->events[index]->body_case, APNWATCH__V1__EVENT__BODY_POSITION);
        return sense->events[index]->position;
}

static void positions_of_the_device_are_reported(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 80);
        static const char json[] = "{\"imei\":\"860000000000001\",\"lat\":52.5167,\"lon\":13.4125}";
        char text[512];
        fake_sense_text(sense, FROM_OPENER, "GET /report/a?id=902064&lat=42.06288&lon=-88.23412 HTTP/1.1\r\nHost: t.example\r\n\r\n");
        assert_int_equal(sense->event_count, 1);
        assert_string_equal(position_of(sense, 0)->family, "query");
        assert_string_equal(position_of(sense, 0)->carrier, "HTTP");
        assert_string_equal(position_of(sense, 0)->topic, "/report/a");
        assert_string_equal(position_of(sense, 0)->device_id, "902064");
        fake_sense_text(sense, TO_OPENER, "HTTP/1.1 200 OK\r\nContent-Length: 34\r\n\r\n{\"lat\":11.11111,\"lon\":22.22222222}");
        assert_int_equal(sense->event_count, 2); /* a Transfer; the answer's place is not the device's */
        snprintf(text, sizeof text, "POST /v1 HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", sizeof json - 1);
        fake_sense_text(sense, FROM_OPENER, text);
        fake_sense_send(sense, FROM_OPENER, json, 30);
        assert_int_equal(sense->event_count, 2);
        fake_sense_text(sense, FROM_OPENER, json + 30);
        assert_int_equal(sense->event_count, 3);
        assert_string_equal(position_of(sense, 2)->family, "JSON");
        assert_string_equal(position_of(sense, 2)->topic, "/v1");
        assert_string_equal(position_of(sense, 2)->device_id, "860000000000001");
        fake_sense_text(sense, FROM_OPENER, "POST /f HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                                            "Transfer-Encoding: chunked\r\n\r\n1b\r\nlat=52.51670&lon=13.4125&t=1\r\n0\r\n\r\n");
        assert_int_equal(sense->event_count, 4);
        assert_string_equal(position_of(sense, 3)->family, "query");
        fake_sense_close(sense);

        sense = fake_sense_open(IPPROTO_TCP, 2101);
        fake_sense_text(sense, FROM_OPENER, "GET /mount HTTP/1.0\r\nUser-Agent: NTRIP x\r\nNtrip-GGA: "
                                            "$GNGLL,4651.5156500,N,01246.1059604,E,164414.90,A,A*77\r\n\r\n");
        assert_int_equal(sense->event_count, 1);
        fake_sense_text(sense, TO_OPENER, "ICY 200 OK\r\n\r\n\xd3");
        fake_sense_text(sense, FROM_OPENER, "$GNGLL,4650.5156500,N,01246.1059604,E,164414.90,A,A*77\r\n");
        assert_int_equal(sense->event_count, 2);
        assert_int_equal(position_of(sense, 1)->grade, APNWATCH__V1__POSITION__GRADE__CHECKED);
        fake_sense_close(sense);

        sense = fake_sense_open(IPPROTO_TCP, 80); /* the device answers where it is */
        sense->device_opens = false;
        fake_sense_text(sense, FROM_OPENER, "GET /where?lat=52.5167&lon=13.4125 HTTP/1.1\r\n\r\n");
        assert_int_equal(sense->event_count, 0);
        fake_sense_text(sense, TO_OPENER, "HTTP/1.0 200 OK\r\n\r\n{\"lat\":52.5167,\"lon\":13.4125}");
        assert_int_equal(sense->event_count, 1);
        assert_string_equal(position_of(sense, 0)->topic, "/where");
        fake_sense_close(sense);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_request_is_read_field_by_field),
                cmocka_unit_test(an_answer_is_read_field_by_field),
                cmocka_unit_test(every_shorter_head_is_truncated),
                cmocka_unit_test(odd_first_lines_are_told_apart),
                cmocka_unit_test(odd_header_values_are_survived),
                cmocka_unit_test(chunk_sizes_are_read),
                cmocka_unit_test(images_are_known_by_their_first_bytes),
                cmocka_unit_test(a_download_is_told_at_32_kib_and_at_its_end),
                cmocka_unit_test(pipelined_exchanges_come_out_alike_however_they_are_cut),
                cmocka_unit_test(what_is_unfinished_at_the_end_is_told),
                cmocka_unit_test(one_direction_alone_is_enough),
                cmocka_unit_test(a_body_put_on_the_device_is_pushed),
                cmocka_unit_test(after_a_gap_the_next_message_is_found),
                cmocka_unit_test(of_a_request_that_the_capture_cut_its_front_is_told),
                cmocka_unit_test(tunnels_end_the_reading),
                cmocka_unit_test(a_head_that_does_not_end_is_given_up),
                cmocka_unit_test(positions_of_the_device_are_reported),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
