#include "dissectors/app/quic.h"

#include <openssl/evp.h>

#include "tests/unit/dissectors/app/quic_vectors.h"
#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/dissectors/hex_bytes.h"
#include "tests/unit/test.h"

enum { DATAGRAM = 1200, HELLO = 241 };

static const uint8_t client_id[8] = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};

static enum dissect_result parse_packet(struct cursor *datagram, void *packet)
{
        return quic_parse_packet(datagram, packet);
}

static void every_field_of_the_published_packet_is_read(void **state)
{
        (void)state;
        uint8_t bytes[DATAGRAM];
        struct quic_packet packet;
        struct cursor datagram = cursor_of(bytes, hex_bytes(initial_v1, bytes, sizeof bytes));
        assert_int_equal(quic_parse_packet(&datagram, &packet), DISSECT_OK);
        assert_int_equal(cursor_left(&datagram), 0);
        assert_int_equal(packet.type, QUIC_INITIAL);
        assert_int_equal(packet.version, 1);
        assert_int_equal(packet.destination_length, 8);
        assert_memory_equal(packet.destination, client_id, 8);
        assert_int_equal(packet.source_length, 0);
        assert_ptr_equal(packet.bytes, bytes);
        assert_int_equal(packet.number_offset, 18);
        assert_int_equal(packet.length, DATAGRAM);
}

/* RFC 9001, A.1 and RFC 9369, A.1. */
static void keys_are_the_published_ones(void **state)
{
        (void)state;
        static const struct { uint32_t version; const char *key, *iv, *header; } rows[] = {
                {1, "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c",
                 "9f50449e04a0e810283a1e9933adedd2"},
                {0x6b3343cf, "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f",
                 "45b95e15235d6f45a6b19cbcb0294ba9"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct quic_keys keys;
                uint8_t bytes[16];
                assert_true(quic_derive_client_keys(rows[i].version, client_id, sizeof client_id, &keys));
                hex_bytes(rows[i].key, bytes, sizeof bytes);
                assert_memory_equal(keys.key, bytes, 16);
                hex_bytes(rows[i].iv, bytes, sizeof bytes);
                assert_memory_equal(keys.iv, bytes, 12);
                hex_bytes(rows[i].header, bytes, sizeof bytes);
                assert_memory_equal(keys.header, bytes, 16);
        }
        struct quic_keys keys;
        assert_false(quic_derive_client_keys(0xbabababb, client_id, sizeof client_id, &keys));
}

static void every_shorter_packet_is_truncated(void **state)
{
        (void)state;
        uint8_t bytes[DATAGRAM];
        struct quic_packet packet;
        hex_bytes(initial_v1, bytes, sizeof bytes);
        for (size_t cut = 0; cut < DATAGRAM; cut++)
                assert_int_equal(parse_exactly(parse_packet, bytes, cut, &packet), DISSECT_TRUNCATED);
}

/* The hello of the published packet: a CRYPTO frame at offset 0, whose header has four bytes. */
static void read_hello(uint8_t hello[HELLO])
{
        uint8_t bytes[DATAGRAM], plain[DATAGRAM];
        struct quic_packet packet;
        struct quic_keys keys;
        struct cursor datagram = cursor_of(bytes, hex_bytes(initial_v1, bytes, sizeof bytes));
        assert_int_equal(quic_parse_packet(&datagram, &packet), DISSECT_OK);
        assert_true(quic_derive_client_keys(1, client_id, sizeof client_id, &keys));
        assert_int_equal(quic_open_initial(&keys, &packet, plain), 1162);
        memcpy(hello, plain + 4, HELLO);
}

static void seal(const struct quic_keys *keys, uint8_t *packet, size_t header, uint32_t number, size_t frames)
{
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        uint8_t nonce[12], mask[16];
        int written;
        memcpy(nonce, keys->iv, sizeof nonce);
        for (unsigned i = 0; i < 4; i++)
                nonce[8 + i] ^= (uint8_t)(number >> (24 - 8 * i));
        assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), NULL, keys->key, nonce), 1);
        assert_int_equal(EVP_EncryptUpdate(context, NULL, &written, packet, (int)header), 1);
        assert_int_equal(EVP_EncryptUpdate(context, packet + header, &written, packet + header, (int)frames), 1);
        assert_int_equal(EVP_EncryptFinal_ex(context, packet + header + frames, &written), 1);
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, packet + header + frames);
        assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, keys->header, NULL), 1);
        assert_int_equal(EVP_EncryptUpdate(context, mask, &written, packet + header, 16), 1);
        packet[0] ^= mask[0] & 0x0f;
        for (unsigned i = 0; i < 4; i++)
                packet[header - 4 + i] ^= mask[1 + i];
        EVP_CIPHER_CTX_free(context);
}

/* One datagram: an Initial packet with part of the hello in it, between PING and PADDING. The destination id is not the one
 * that the keys come from when `id` is another. */
static void write_datagram(uint8_t datagram[DATAGRAM], const uint8_t id[8], uint32_t number, const uint8_t *hello,
                           size_t begin, size_t end)
{
        struct quic_keys keys;
        assert_true(quic_derive_client_keys(1, client_id, sizeof client_id, &keys));
        size_t header = 1 + 4 + 1 + 8 + 1 + 1 + 2 + 4;
        size_t frames = DATAGRAM - header - 16;
        uint16_t length = (uint16_t)(4 + frames + 16);
        memset(datagram, 0, DATAGRAM);
        memcpy(datagram, "\xc3\0\0\0\1\x08", 6);
        memcpy(datagram + 6, id, 8);
        datagram[16] = (uint8_t)(0x40 | length >> 8);
        datagram[17] = (uint8_t)length;
        datagram[20] = (uint8_t)(number >> 8);
        datagram[21] = (uint8_t)number;
        uint8_t frame[] = {1, 6, (uint8_t)(0x40 | begin >> 8), (uint8_t)begin, 0x40, (uint8_t)(end - begin)};
        memcpy(datagram + header, frame, sizeof frame);
        memcpy(datagram + header + sizeof frame, hello + begin, end - begin);
        seal(&keys, datagram, header, number, frames);
}

static void published_packets_decode_to_example_com(void **state)
{
        (void)state;
        static const char *const rows[] = {initial_v1, initial_v2};
        for (size_t i = 0; i < 2; i++) {
                uint8_t bytes[DATAGRAM];
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 4433);
                fake_sense_send(sense, FROM_OPENER, bytes, hex_bytes(rows[i], bytes, sizeof bytes));
                assert_string_equal(sense->label, "QUIC");
                assert_string_equal(sense->name, "example.com");
                assert_int_equal(sense->name_source, APNWATCH__V1__FLOW__NAME_SOURCE__SNI);
                assert_int_equal(sense->d.tls_version, 0x0304);
                assert_true(sense->encrypted);
                assert_int_equal(sense->phase, FAKE_SETTLED);
                fake_sense_close(sense);
        }
}

static void alpn_of_the_published_hello_is_read(void **state)
{
        (void)state;
        uint8_t hello[HELLO];
        read_hello(hello);
        struct cursor body = cursor_of(hello + 4, HELLO - 4);
        struct tls_client_hello out;
        assert_int_equal(tls_parse_client_hello(&body, false, &out), DISSECT_OK);
        assert_int_equal(out.alpn_length, 4);
        assert_memory_equal(out.alpn, "alpn", 4);
        assert_int_equal(out.version, 0x0304);
}

static void a_hello_over_several_packets_in_any_order_is_read(void **state)
{
        (void)state;
        static const uint8_t server_id[8] = {1, 2, 3, 4, 5, 6, 7, 8};
        uint8_t hello[HELLO], datagram[DATAGRAM];
        read_hello(hello);
        for (unsigned order = 0; order < 2; order++) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 443);
                for (unsigned i = 0; i < 3; i++) {
                        size_t begin = (order ? 2 - i : i) * 81;
                        assert_string_equal(sense->name, "");
                        size_t end = begin + 81 < HELLO ? begin + 81 : HELLO;
                        write_datagram(datagram, i == 2 ? server_id : client_id, i, hello, begin, end);
                        fake_sense_send(sense, FROM_OPENER, datagram, DATAGRAM);
                        if (i == 0)
                                fake_sense_send(sense, TO_OPENER, datagram, DATAGRAM);
                }
                assert_string_equal(sense->name, "example.com");
                assert_int_equal(sense->phase, FAKE_SETTLED);
                fake_sense_close(sense);
        }
}

static void the_front_of_an_unfinished_hello_is_read_at_the_end(void **state)
{
        (void)state;
        uint8_t hello[HELLO], datagram[DATAGRAM];
        read_hello(hello);
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 443);
        write_datagram(datagram, client_id, 0, hello, 0, 100);
        fake_sense_send(sense, FROM_OPENER, datagram, DATAGRAM);
        assert_string_equal(sense->name, "");
        fake_sense_end(sense);
        assert_string_equal(sense->name, "example.com");
        fake_sense_close(sense);
}

static void a_damaged_packet_is_quic_without_a_name(void **state)
{
        (void)state;
        uint8_t bytes[DATAGRAM];
        hex_bytes(initial_v1, bytes, sizeof bytes);
        bytes[700] ^= 1;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 443);
        for (unsigned i = 0; i < 32 && sense->phase != FAKE_SETTLED; i++)
                fake_sense_send(sense, FROM_OPENER, bytes, DATAGRAM);
        assert_string_equal(sense->label, "QUIC");
        assert_string_equal(sense->name, "");
        assert_int_equal(sense->phase, FAKE_SETTLED);
        fake_sense_close(sense);
}

static void a_packet_cut_by_the_capture_is_quic_without_a_name(void **state)
{
        (void)state;
        uint8_t bytes[DATAGRAM];
        hex_bytes(initial_v1, bytes, sizeof bytes);
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 443);
        sense->d.cut = true;
        fake_sense_send(sense, FROM_OPENER, bytes, 96);
        assert_string_equal(sense->label, "QUIC");
        assert_string_equal(sense->name, "");
        fake_sense_close(sense);
}

static void odd_frames_are_told_apart(void **state)
{
        (void)state;
        static const struct { const char *what, *bytes; enum dissect_result result; unsigned front; } rows[] = {
                {"padding and ping", "00 01 00", DISSECT_OK, 0},
                {"acknowledgement with a range, then crypto", "02 05 00 01 00 00 00 06 00 02 0102", DISSECT_OK, 2},
                {"acknowledgement with ECN, then crypto", "03 05 00 00 00 08 08 08 06 00 02 0102", DISSECT_OK, 2},
                {"crypto that runs over the packet", "06 00 03 0102", DISSECT_TRUNCATED, 0},
                {"a frame that Initial packets never have", "06 00 01 01 08", DISSECT_MALFORMED, 1},
                {"a close, whose text is not read", "1c 01 00 04 08080808", DISSECT_OK, 0},
                {"an offset beyond all room", "06 ffffffffffffffff 01 01", DISSECT_OK, 0},
                {"a length beyond all room", "06 00 ffffffffffffffff 01", DISSECT_TRUNCATED, 0},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                uint8_t bytes[64];
                struct hello_buffer hello = {0};
                struct cursor frames = cursor_of(bytes, hex_bytes(rows[i].bytes, bytes, sizeof bytes));
                enum dissect_result result = quic_parse_frames(&frames, &hello);
                if (result != rows[i].result || hello.front != rows[i].front)
                        fail_msg("%s: %d, %u", rows[i].what, result, hello.front);
        }
}

static void what_only_looks_like_quic_is_left_to_others(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                size_t at;
                uint8_t byte;
                size_t length;
                enum recognition expected;
        } rows[] = {
                {"the published packet", 0, 0xc0, DATAGRAM, MINE},
                {"a short header", 0, 0x40, DATAGRAM, NOT_MINE},
                {"a version that is not known", 2, 0x0a, DATAGRAM, NOT_MINE},
                {"an id of 21 bytes", 5, 21, DATAGRAM, NOT_MINE},
                {"a datagram that ends early", 0, 0xc0, DATAGRAM - 1, NOT_MINE},
                {"a Retry", 0, 0xf0, DATAGRAM, NOT_MINE},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                uint8_t bytes[DATAGRAM];
                hex_bytes(initial_v1, bytes, sizeof bytes);
                bytes[rows[i].at] = rows[i].byte;
                struct dissection d = {.protocol = IPPROTO_UDP};
                struct cursor payload = cursor_of(bytes, rows[i].length);
                if (quic_dissector.recognise(&d, &payload) != rows[i].expected)
                        fail_msg("%s", rows[i].what);
        }
}

static void a_version_that_asks_for_a_negotiation_is_quic(void **state)
{
        (void)state;
        uint8_t bytes[DATAGRAM];
        hex_bytes(initial_v1, bytes, sizeof bytes);
        memcpy(bytes + 1, "\x1a\x2a\xba\xfa", 4);
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 443);
        fake_sense_send(sense, FROM_OPENER, bytes, DATAGRAM);
        assert_string_equal(sense->label, "QUIC");
        assert_string_equal(sense->name, "");
        hex_bytes(initial_v1, bytes, sizeof bytes);
        fake_sense_send(sense, FROM_OPENER, bytes, DATAGRAM);
        assert_string_equal(sense->name, "example.com");
        fake_sense_close(sense);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_field_of_the_published_packet_is_read),
                cmocka_unit_test(keys_are_the_published_ones),
                cmocka_unit_test(every_shorter_packet_is_truncated),
                cmocka_unit_test(published_packets_decode_to_example_com),
                cmocka_unit_test(alpn_of_the_published_hello_is_read),
                cmocka_unit_test(a_hello_over_several_packets_in_any_order_is_read),
                cmocka_unit_test(the_front_of_an_unfinished_hello_is_read_at_the_end),
                cmocka_unit_test(a_damaged_packet_is_quic_without_a_name),
                cmocka_unit_test(a_packet_cut_by_the_capture_is_quic_without_a_name),
                cmocka_unit_test(odd_frames_are_told_apart),
                cmocka_unit_test(what_only_looks_like_quic_is_left_to_others),
                cmocka_unit_test(a_version_that_asks_for_a_negotiation_is_quic),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
