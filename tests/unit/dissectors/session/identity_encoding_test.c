#include "dissectors/session/identity_encoding.h"

#include "tests/unit/dissectors/hex_bytes.h"
#include "tests/unit/test.h"

/* `text` in an allocation of exactly its size. */
static uint8_t *exact(const char *text, size_t *length)
{
        uint8_t bytes[256];
        *length = hex_bytes(text, bytes, sizeof bytes);
        uint8_t *copy = malloc(*length ? *length : 1);
        assert_non_null(copy);
        memcpy(copy, bytes, *length);
        return copy;
}

static void digits_are_read_and_what_is_no_number_is_not(void **state)
{
        (void)state;
        static const struct {
                bool (*read)(const uint8_t *, size_t, char[DIGITS_SIZE]);
                const char *bytes, *digits; /* "": refused */
        } rows[] = {
                {imsi_of_tbcd, "00010100000010f1", "001010000000011"},
                {imsi_of_tbcd, "000101000000101f", ""},                       /* a filler with a digit behind */
                {imsi_of_tbcd, "00010100000001ff", "00101000000010"},
                {imsi_of_tbcd, "62029021436587f9", "262009123456789"},
                {imsi_of_tbcd, "6202902143658709", "2620091234567890"},       /* filled with 0: as sent */
                {imsi_of_tbcd, "620290f1", "2620091"},
                {imsi_of_tbcd, "620290214365a7f9", ""},                       /* a digit of 10 */
                {imsi_of_tbcd, "6202ff", ""},                                 /* 4 digits */
                {imsi_of_tbcd, "", ""},
                {imei_of_tbcd, "5343096089371335", "3534900698733153"},       /* IMEISV */
                {imei_of_tbcd, "53430960893713f5", "353490069873315"},        /* IMEI */
                {imei_of_tbcd, "53430960893713", "35349006987331"},           /* without the last digit */
                {imei_of_tbcd, "534309608937", ""},
                {imei_of_tbcd, "ffffffffffffffff", ""},
                {msisdn_of_tbcd, "947109000010f1", "4917900000011"},
                {msisdn_of_tbcd, "94711c", ""},                               /* '*', '#', a, b, c */
                {msisdn_of_tbcd, "9471090000100123456789", ""},               /* 22 digits */
                {imsi_of_text, "323632303039313233343536373839", "262009123456789"},
                {imsi_of_text, "32363230303931323334353637383900", "262009123456789"}, /* a NUL behind */
                {imsi_of_text, "3236323030393132333435363738ff", ""},
                {msisdn_of_text, "2b3439313739", "49179"},                    /* +49179 */
                {msisdn_of_text, "2b", ""},
                {imei_of_text_or_tbcd, "5343096089371335", "3534900698733153"},
                {imei_of_text_or_tbcd, "33353334393030363938373333313533", "3534900698733153"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                char digits[DIGITS_SIZE];
                size_t length;
                uint8_t *bytes = exact(rows[i].bytes, &length);
                assert_int_equal(rows[i].read(bytes, length, digits), rows[i].digits[0] != '\0');
                assert_string_equal(digits, rows[i].digits);
                free(bytes);
        }
}

static void a_plmn_has_two_or_three_digits_of_mnc(void **state)
{
        (void)state;
        static const struct {
                const char *octets, *text;
        } rows[] = {
                {"00f110", "001-01"}, {"62f210", "262-01"}, {"130062", "310-260"}, {"130000", "310-000"},
                {"ffffff", ""}, {"62f2a0", ""}, {"6ff210", ""}, {"62e210", ""},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct plmn plmn;
                char text[PLMN_TEXT_SIZE];
                size_t length;
                uint8_t *octets = exact(rows[i].octets, &length);
                assert_int_equal(plmn_of_octets(octets, &plmn), rows[i].text[0] != '\0');
                assert_string_equal(plmn_text(&plmn, text), rows[i].text);
                free(octets);
        }
        struct plmn plmn;
        char text[PLMN_TEXT_SIZE];
        assert_true(plmn_of_text((const uint8_t *)"310260", 6, &plmn));
        assert_string_equal(plmn_text(&plmn, text), "310-260");
        assert_true(plmn_of_text((const uint8_t *)"26201", 5, &plmn));
        assert_string_equal(plmn_text(&plmn, text), "262-01");
        assert_false(plmn_of_text((const uint8_t *)"2620", 4, &plmn));
}

static void an_apn_is_its_network_and_its_operator(void **state)
{
        (void)state;
        static const struct {
                const char *bytes, *network, *operator_part;
        } rows[] = {
                {"08 696e7465726e6574", "internet", ""},
                {"03 4d324d 07 6578616d706c65", "m2m.example", ""},                                     /* M2M */
                {"03 696f74 06 6d6e63303031 06 6d6363303031 04 67707273", "iot", "mnc001.mcc001.gprs"},
                {"06 6d6e63303031 06 6d6363303031 04 67707273", "mnc001.mcc001.gprs", ""},              /* nothing else */
                {"03 696f74 06 6d6e63303061 06 6d6363303031 04 67707273", "iot.mnc00a.mcc001.gprs", ""},
                {"03 696f74 00", "iot", ""},                                                            /* the root */
                {"696e7465726e6574", "internet", ""},                                                   /* no lengths at all */
                {"696f742e6d6e633030312e6d63633236322e67707273", "iot", "mnc001.mcc262.gprs"},
                {"03 696f00", "io\\x00", ""},
                {"03 696f74 09 6578", "", ""},                                                          /* a label beyond the end */
                {"00", "", ""}, {"", "", ""}, {"03 696f74 00 03 696f74", "", ""},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct apn apn;
                size_t length;
                uint8_t *bytes = exact(rows[i].bytes, &length);
                assert_int_equal(apn_of_labels(bytes, length, &apn), rows[i].network[0] != '\0');
                assert_string_equal(apn.network, rows[i].network);
                assert_string_equal(apn.operator_part, rows[i].operator_part);
                free(bytes);
        }
}

static void an_apn_longer_than_can_be_is_refused(void **state)
{
        (void)state;
        uint8_t bytes[200];
        struct apn apn;
        memset(bytes, 1, sizeof bytes);
        assert_false(apn_of_labels(bytes, sizeof bytes, &apn));
        memset(bytes, 'a', sizeof bytes);
        assert_false(apn_of_labels(bytes, sizeof bytes, &apn));
        assert_false(apn_of_text(bytes, sizeof bytes, &apn));
        bytes[0] = 100;
        assert_true(apn_of_labels(bytes, 101, &apn));
        assert_int_equal(strlen(apn.network), 100);
}

static void radio_access_has_one_name_whoever_says_it(void **state)
{
        (void)state;
        assert_string_equal(rat_of_gtp(6), "EUTRAN");
        assert_string_equal(rat_of_gtp(8), "NB-IoT");
        assert_string_equal(rat_of_gtp(9), "LTE-M");
        assert_string_equal(rat_of_gtp(51), "NR");
        assert_null(rat_of_gtp(0));
        assert_null(rat_of_gtp(11));
        assert_null(rat_of_gtp(101));
        assert_string_equal(rat_of_diameter(0), "WLAN");
        assert_string_equal(rat_of_diameter(1000), "UTRAN");
        assert_string_equal(rat_of_diameter(1003), "HSPA+");
        assert_string_equal(rat_of_diameter(1004), rat_of_gtp(6));
        assert_string_equal(rat_of_diameter(1005), rat_of_gtp(8));
        assert_string_equal(rat_of_diameter(1007), rat_of_gtp(9));
        assert_null(rat_of_diameter(6));
}

static void place_is(const struct place *place, const char *kind, const char *plmn, int64_t area, int64_t id)
{
        char text[PLMN_TEXT_SIZE];
        if (kind == NULL) {
                assert_null(place->kind);
                return;
        }
        assert_non_null(place->kind);
        assert_string_equal(place->kind, kind);
        assert_string_equal(plmn_text(&place->plmn, text), plmn);
        assert_int_equal(place->has_area ? (int64_t)place->area : -1, area);
        assert_int_equal(place->has_id ? (int64_t)place->id : -1, id);
}

struct location_row {
        const char *bytes;
        const char *cell;
        int64_t cell_area, cell_id;
        const char *area;
        int64_t area_area, area_id;
};

static void check_locations(const struct location_row *rows, size_t count, bool (*read)(const uint8_t *, size_t, struct user_location *))
{
        for (size_t i = 0; i < count; i++) {
                const struct location_row *row = &rows[i];
                struct user_location location;
                size_t length;
                uint8_t *bytes = exact(row->bytes, &length);
                assert_int_equal(read(bytes, length, &location), row->cell != NULL || row->area != NULL);
                place_is(&location.cell, row->cell, "262-01", row->cell_area, row->cell_id);
                place_is(&location.area, row->area, "262-01", row->area_area, row->area_id);
                free(bytes);
        }
}

#define CGI "62f210 0102 0304"
#define SAI "62f210 0506 0708"
#define RAI "62f210 090a 0bff"
#define TAI "62f210 1001"
#define ECGI "62f210 f0012345" /* spare bits set */
#define LAI "62f210 0c0d"
#define MACRO "62f210 000102"

static void every_form_of_gtpv2_location_is_read(void **state)
{
        (void)state;
        static const struct location_row rows[] = {
                {"01" CGI, "cgi", 0x0102, 0x0304, NULL, 0, 0},
                {"02" SAI, "sai", 0x0506, 0x0708, NULL, 0, 0},
                {"04" RAI, NULL, 0, 0, "rai", 0x090a, 0x0b},
                {"08" TAI, NULL, 0, 0, "tai", 0x1001, -1},
                {"10" ECGI, "ecgi", -1, 0x12345, NULL, 0, 0},
                {"18" TAI ECGI, "ecgi", -1, 0x12345, "tai", 0x1001, -1},
                {"20" LAI, NULL, 0, 0, "lai", 0x0c0d, -1},
                {"03" CGI SAI, "cgi", 0x0102, 0x0304, NULL, 0, 0},
                {"24" RAI LAI, NULL, 0, 0, "rai", 0x090a, 0x0b},
                {"ff" CGI SAI RAI TAI ECGI LAI MACRO MACRO, "ecgi", -1, 0x12345, "tai", 0x1001, -1},
                {"18" TAI ECGI "ff00", "ecgi", -1, 0x12345, "tai", 0x1001, -1}, /* of a later release */
                {"18" TAI "62f210 0001", NULL, 0, 0, "tai", 0x1001, -1},        /* half an ECGI */
                {"18 ffffff 1001" ECGI, "ecgi", -1, 0x12345, NULL, 0, 0},       /* no PLMN */
                {"40" MACRO, NULL, 0, 0, NULL, 0, 0},
                {"00", NULL, 0, 0, NULL, 0, 0},
                {"", NULL, 0, 0, NULL, 0, 0},
        };
        check_locations(rows, sizeof rows / sizeof *rows, location_of_gtpv2);
}

static void every_type_of_radius_location_is_read(void **state)
{
        (void)state;
        static const struct location_row rows[] = {
                {"00" CGI, "cgi", 0x0102, 0x0304, NULL, 0, 0},
                {"01" SAI, "sai", 0x0506, 0x0708, NULL, 0, 0},
                {"02 62f210 090a 0b", NULL, 0, 0, "rai", 0x090a, 0x0b},
                {"02" RAI, NULL, 0, 0, "rai", 0x090a, 0x0b},
                {"80" TAI, NULL, 0, 0, "tai", 0x1001, -1},
                {"81" ECGI, "ecgi", -1, 0x12345, NULL, 0, 0},
                {"82" TAI ECGI, "ecgi", -1, 0x12345, "tai", 0x1001, -1},
                {"83" MACRO, NULL, 0, 0, NULL, 0, 0},
                {"84" TAI MACRO, NULL, 0, 0, "tai", 0x1001, -1},
                {"86" TAI MACRO, NULL, 0, 0, "tai", 0x1001, -1},
                {"87 62f210 123456789f", "ncgi", -1, 0x123456789, NULL, 0, 0},
                {"88 62f210 abcdef", NULL, 0, 0, "tai", 0xabcdef, -1},
                {"89 62f210 abcdef 62f210 000000001f", "ncgi", -1, 1, "tai", 0xabcdef, -1},
                {"82" TAI "62f210 01", NULL, 0, 0, "tai", 0x1001, -1},
                {"7f" CGI, NULL, 0, 0, NULL, 0, 0},
                {"383236324632313031303031363246323130303030313233343561", NULL, 0, 0, NULL, 0, 0}, /* an odd count of hex digits */
                {"38323632463231303130303136324632313030303031323334 35", "ecgi", -1, 0x12345, "tai", 0x1001, -1},
                {"30303632663231303031303230333034", "cgi", 0x0102, 0x0304, NULL, 0, 0},
        };
        check_locations(rows, sizeof rows / sizeof *rows, location_of_type);
}

static void a_location_that_was_cut_never_has_half_a_place(void **state)
{
        (void)state;
        static const char whole[] = "ff" CGI SAI RAI TAI ECGI LAI MACRO MACRO;
        uint8_t bytes[64];
        size_t length = hex_bytes(whole, bytes, sizeof bytes);
        for (size_t cut = 0; cut < length; cut++) {
                uint8_t *copy = malloc(cut ? cut : 1);
                struct user_location location;
                assert_non_null(copy);
                memcpy(copy, bytes, cut);
                bool read = location_of_gtpv2(copy, cut, &location);
                assert_int_equal(read, cut >= 8);
                assert_int_equal(location.cell.kind != NULL, cut >= 8);
                assert_int_equal(location.area.kind != NULL, cut >= 22);
                if (cut >= 34)
                        assert_string_equal(location.cell.kind, "ecgi");
                free(copy);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(digits_are_read_and_what_is_no_number_is_not),
                cmocka_unit_test(a_plmn_has_two_or_three_digits_of_mnc),
                cmocka_unit_test(an_apn_is_its_network_and_its_operator),
                cmocka_unit_test(an_apn_longer_than_can_be_is_refused),
                cmocka_unit_test(radio_access_has_one_name_whoever_says_it),
                cmocka_unit_test(every_form_of_gtpv2_location_is_read),
                cmocka_unit_test(every_type_of_radius_location_is_read),
                cmocka_unit_test(a_location_that_was_cut_never_has_half_a_place),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
