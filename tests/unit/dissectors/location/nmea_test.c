#include <stdlib.h>

#include "dissectors/location/nmea.h"
#include "tests/unit/test.h"

#define assert_near(a, b) assert_float_equal(a, b, 0.00001)

static struct cursor text_of(const char *text)
{
        return cursor_of(text, strlen(text));
}

static void a_recommended_minimum_is_read_field_by_field(void **state)
{
        (void)state;
        struct position p;
        struct cursor at = text_of("$GPRMC,122806.00,A,0119.212178,N,10355.000942,W,10.0,,230119,0.0,E,A*34\r\nrest");
        assert_int_equal(nmea_parse(&at, &p), DISSECT_OK);
        assert_string_equal(p.family, "NMEA-0183");
        assert_near(p.latitude, 1.3202030);
        assert_near(p.longitude, -103.9166824);
        assert_true(p.has_coordinates && p.has_speed && p.has_time && !p.has_altitude);
        assert_near(p.speed_kmh, 18.52);
        assert_int_equal(p.time_ns, INT64_C(1548246486000000000));
        assert_int_equal(cursor_left(&p.found), 71);
        assert_int_equal(p.grade, APNWATCH__V1__POSITION__GRADE__CHECKED);
        assert_int_equal(cursor_left(&at), 6);
}

static void the_other_sentences_are_read(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                double latitude, longitude;
                bool checked;
        } sentences[] = {
                {"$GNRMC,164414.90,A,4650.5156500,N,01246.1059604,E,0.018,,091123,,,A,V*15\r\n", 46.841927, 12.768433, true},
                {"$GNGGA,164414.90,4650.5156500,N,01246.1059604,E,1,12,0.84,740.729,M,44.804,M,,*4E\r\n", 46.841927, 12.768433, true},
                {"$GNGLL,4650.5156500,N,01246.1059604,E,164414.90,A,A*77\r\n", 46.841927, 12.768433, true},
                {"$GNGNS,112257.00,3844.24011,S,00908.43828,W,AN,03,10.5,,,,*54\r\n", -38.737335, -9.140638, true},
                {"$PUBX,00,130209.00,3650.51159,N,01346.10602,E,785.947,D3,4.1,5.2,0.163,87.43,-0.054,7.0,0.88,1.21,0.88,24,01012,0*6B",
                 36.841860, 13.768434, true},
                {"$GPGGA,082350.000,5355.0314,N,01044.1271,E,1,10,0.7,-46.0,M,0.0,M,0.0,0000\r\n", 53.917190, 10.735452, false},
                {"$GPRMC,012006,A,4828.10,N,1353.52,E,0.00,0.00,180915,020.3,E*42\r\n", 48.468333, 13.892, true},
                {"$GPRMC,082350.000,A,5355.0314,N,01044.1271,E,26.20,184.27,080518,,\r\n", 53.917190, 10.735452, false},
        };
        for (unsigned i = 0; i < sizeof sentences / sizeof sentences[0]; i++) {
                struct position p;
                struct cursor at = text_of(sentences[i].text);
                assert_int_equal(nmea_parse(&at, &p), DISSECT_OK);
                assert_near(p.latitude, sentences[i].latitude);
                assert_near(p.longitude, sentences[i].longitude);
                assert_int_equal(p.grade, sentences[i].checked ? APNWATCH__V1__POSITION__GRADE__CHECKED
                                                               : APNWATCH__V1__POSITION__GRADE__FRAMED);
        }
}

static void what_has_no_fix_or_is_no_sentence_is_none(void **state)
{
        (void)state;
        static const char *const odd[] = {
                "$GPRMC,122806.0,V,0119.212178,N,10355.000942,E,0.0,,230119,0.0,E,N*2F\r\n",
                "$GPRMC,122806.0,V,,,,,,,230119,,,N*53\r\n",
                "$GPGGA,082350.000,,,,,0,00,,,M,,M,,*7A\r\n",
                "$GPGGA,082350.000,5355.0314,N,01044.1271,E,0,10,0.7,-46.0,M,0.0,M,,\r\n",
                "$GPGLL,4650.5156500,N,01246.1059604,E,164414.90,V,A*60\r\n",
                "$GNGNS,112257.00,3844.24011,N,00908.43828,W,NN,03,10.5,,,,*49\r\n",
                "$PUBX,00,130209.00,3650.51159,N,01346.10602,E,785.947,NF,4.1,5.2,0.163*6D\r\n",
                "$PUBX,03,11,23,-,,,45,010*0D\r\n",
                "$GPRMC,122806.0,A,0000.0000,N,00000.0000,E,0.0,,230119,0.0,E,A*27\r\n",
                "$GPRMC,122806.0,A,9119.212178,N,10355.000942,E,0.0,,230119,0.0,E,A*27\r\n",
                "$GPRMC,122806.0,A,0160.212178,N,10355.000942,E,0.0,,230119,0.0,E,A*27\r\n",
                "$GPRMC,122806.0,A,19.212178,N,10355.000942,E,0.0,,230119,0.0,E,A*27\r\n",
                "$GPRMC,122806.0,A,0119.212178,E,10355.000942,N,0.0,,230119,0.0,E,A*27\r\n",
                "$GPRMC,122806.0,A,0119.2x2178,N,10355.000942,E,0.0,,230119,0.0,E,A*27\r\n",
                "$XXRMC,122806.0,A,0119.212178,N,10355.000942,E,0.0,,230119,0.0,E,A*27\r\n",
                "$GPRMCX,122806.0,A,0119.212178,N,10355.000942,E,0.0,,230119\r\n",
                "$GPGSV,3,1,11,03,03,111,00,04,15,270,00*74\r\n",
                "!AIVDM,1,1,,A,14eG;o@034o8sd<L9i:a;WF>062D,0*7D\r\n",
                "$\r\n", "$$$\r\n", "$GP\x01RMC\r\n",
        };
        for (unsigned i = 0; i < sizeof odd / sizeof odd[0]; i++) {
                struct position p;
                struct cursor at = text_of(odd[i]);
                if (nmea_parse(&at, &p) != DISSECT_NO_MATCH)
                        fail_msg("%s", odd[i]);
        }
}

static void every_shorter_sentence_is_truncated_until_its_fields_are_there(void **state)
{
        (void)state;
        static const char text[] = "$GPRMC,122806.0,A,0119.212178,N,10355.000942,E,0.0,,230119,0.0,E,A*27\r\n";
        size_t needed = strlen("$GPRMC,122806.0,A,0119.212178,N,10355.000942,E,");
        for (size_t length = 0; length < sizeof text - 1; length++) {
                char *copy = malloc(length ? length : 1);
                struct position p;
                memcpy(copy, text, length);
                struct cursor at = cursor_of(copy, length);
                enum dissect_result result = nmea_parse(&at, &p);
                assert_int_equal(result, length < needed ? DISSECT_TRUNCATED : DISSECT_OK);
                if (result == DISSECT_OK)
                        assert_near(p.longitude, 103.9166824);
                free(copy);
        }
}

static void sentences_are_found_within_text_with_the_id_in_front(void **state)
{
        (void)state;
        struct position p;
        struct cursor text = text_of("noise $GPGSV,1*00 355096030432529$GPGGA,000000.00,3136.599,S,5213.981\r\n"
                                     "355096030432529$GPGGA,000000.00,3136.599,S,05213.981,W,1,7,2.13,250.00,M\r\n"
                                     "4711/022789000688081/$GPRMC,133343,A,5308.56325,N,01029.12850,E,0,0,290316,,*1A\r\n");
        assert_true(nmea_find(&text, &p));
        assert_near(p.latitude, -31.609983);
        assert_near(p.altitude_m, 250);
        assert_int_equal(p.id_length, 15);
        assert_memory_equal(p.id, "355096030432529", 15);
        assert_true(nmea_find(&text, &p));
        assert_memory_equal(p.id, "022789000688081", 15);
        assert_false(nmea_find(&text, &p));
}

static void a_right_checksum_makes_any_sentence_certain(void **state)
{
        (void)state;
        struct cursor right = text_of("$GPGSV,3,1,11,03,03,111,00,04,15,270,00,06,01,010,00,13,06,292,00*74\r\n");
        struct cursor wrong = text_of("$GPGSV,3,1,11,03,03,111,00,04,15,270,00,06,01,010,00,13,06,292,00*75\r\n");
        struct cursor no = text_of("$GPGSV,3,1,11,03,03,111,00");
        assert_true(nmea_is_checked_sentence(&right));
        assert_false(nmea_is_checked_sentence(&wrong));
        assert_false(nmea_is_checked_sentence(&no));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_recommended_minimum_is_read_field_by_field),
                cmocka_unit_test(the_other_sentences_are_read),
                cmocka_unit_test(what_has_no_fix_or_is_no_sentence_is_none),
                cmocka_unit_test(every_shorter_sentence_is_truncated_until_its_fields_are_there),
                cmocka_unit_test(sentences_are_found_within_text_with_the_id_in_front),
                cmocka_unit_test(a_right_checksum_makes_any_sentence_certain),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
