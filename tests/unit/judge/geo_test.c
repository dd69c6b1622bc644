#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "judge/geo.h"

/* A MaxMind database by hand (https://maxmind.github.io/MaxMind-DB/): an IPv4 tree that knows one /24, its record, and the
 * metadata that the library wants. */
struct bytes {
        uint8_t at[4096];
        size_t used;
};

static void put(struct bytes *out, const void *data, size_t length)
{
        assert_true(out->used + length <= sizeof out->at);
        memcpy(out->at + out->used, data, length);
        out->used += length;
}

static void put_text(struct bytes *out, const char *text)
{
        uint8_t control = (uint8_t)(2 << 5 | strlen(text)); /* type 2, below 29 bytes */
        put(out, &control, 1);
        put(out, text, strlen(text));
}

static void put_map(struct bytes *out, unsigned pairs)
{
        uint8_t control = (uint8_t)(7 << 5 | pairs);
        put(out, &control, 1);
}

static void put_u16(struct bytes *out, unsigned value)
{
        uint8_t data[3] = {5 << 5 | 2, (uint8_t)(value >> 8), (uint8_t)value};
        put(out, data, 3);
}

static void put_u32(struct bytes *out, uint32_t value)
{
        uint8_t data[5] = {6 << 5 | 4, (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                           (uint8_t)value};
        put(out, data, 5);
}

static void put_record(struct bytes *out, uint32_t value)
{
        uint8_t data[3] = {(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
        put(out, data, 3);
}

static void put_tree(struct bytes *out, const uint8_t address[4], unsigned length)
{
        static const uint8_t separator[16];
        for (unsigned i = 0; i < length; i++) {
                uint32_t next = i + 1 < length ? i + 1 : length + 16; /* the first record of the data section */
                bool bit = address[i / 8] >> (7 - i % 8) & 1;
                put_record(out, bit ? length : next);
                put_record(out, bit ? next : length);
        }
        put(out, separator, sizeof separator);
}

static void put_metadata(struct bytes *out, unsigned nodes)
{
        static const uint8_t epoch[] = {0 << 5 | 1, 9 - 7, 1}; /* uint64, one byte: 1 */
        static const uint8_t no_items[] = {0 << 5 | 0, 11 - 7}; /* array of none */
        put(out, "\xab\xcd\xefMaxMind.com", 14);
        put_map(out, 9);
        put_text(out, "binary_format_major_version");
        put_u16(out, 2);
        put_text(out, "binary_format_minor_version");
        put_u16(out, 0);
        put_text(out, "build_epoch");
        put(out, epoch, sizeof epoch);
        put_text(out, "database_type");
        put_text(out, "test");
        put_text(out, "description");
        put_map(out, 0);
        put_text(out, "ip_version");
        put_u16(out, 4);
        put_text(out, "languages");
        put(out, no_items, sizeof no_items);
        put_text(out, "node_count");
        put_u32(out, nodes);
        put_text(out, "record_size");
        put_u16(out, 24);
}

static void write_file(char *path, const struct bytes *bytes)
{
        int file = mkstemp(path);
        assert_true(file >= 0);
        assert_int_equal(write(file, bytes->at, bytes->used), bytes->used);
        close(file);
}

static struct geo_facts look(const struct geo *geo, const char *text, bool expected)
{
        struct geo_facts facts;
        struct address a;
        assert_true(address_parse(text, &a));
        assert_int_equal(geo_lookup(geo, &a, &facts), expected);
        return facts;
}

static void each_file_gives_what_it_knows(void **state)
{
        static const uint8_t address[4] = {198, 51, 100, 0};
        static struct bytes country, asn;
        char country_path[] = "/tmp/apnwatch-geo-XXXXXX", asn_path[] = "/tmp/apnwatch-geo-XXXXXX";
        (void)state;
        put_tree(&country, address, 24);
        put_map(&country, 1);
        put_text(&country, "country");
        put_map(&country, 1);
        put_text(&country, "iso_code");
        put_text(&country, "xx");
        put_metadata(&country, 24);
        put_tree(&asn, address, 25);
        put_map(&asn, 1);
        put_text(&asn, "autonomous_system_number");
        put_u32(&asn, 64500);
        put_metadata(&asn, 25);
        write_file(country_path, &country);
        write_file(asn_path, &asn);
        struct geo *geo = geo_open((const char *const[]){country_path, asn_path}, 2, stderr);
        assert_non_null(geo);
        struct geo_facts facts = look(geo, "198.51.100.7", true);
        assert_string_equal(facts.country, "XX");
        assert_true(facts.has_asn);
        assert_int_equal(facts.asn, 64500);
        facts = look(geo, "198.51.100.200", true); /* beyond the /25 */
        assert_string_equal(facts.country, "XX");
        assert_false(facts.has_asn);
        look(geo, "198.51.101.7", false);
        look(geo, "2001:db8::1", false);
        look(NULL, "198.51.100.7", false);
        geo_close(geo);
        unlink(country_path);
        unlink(asn_path);
}

static void a_file_that_is_no_database_is_told(void **state)
{
        static struct bytes nothing;
        char path[] = "/tmp/apnwatch-geo-XXXXXX", *messages;
        size_t size;
        FILE *errors = open_memstream(&messages, &size);
        (void)state;
        put(&nothing, "nothing of it", 13);
        write_file(path, &nothing);
        assert_null(geo_open((const char *const[]){path, "/nowhere/x.mmdb"}, 2, errors));
        fclose(errors);
        unlink(path);
        assert_non_null(strstr(messages, path));
        assert_non_null(strstr(messages, "/nowhere/x.mmdb"));
        free(messages);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_file_gives_what_it_knows),
                cmocka_unit_test(a_file_that_is_no_database_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
