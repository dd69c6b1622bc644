#include <stdlib.h>

#include "dissectors/location/content.h"
#include "dissectors/location/reading.h"
#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/test.h"

#define assert_near(a, b) assert_float_equal(a, b, 0.00001)

struct expectation {
        enum content_kind kind;
        const char *text;
        double latitude, longitude; /* both 0: a cell only */
        const char *id;             /* NULL: none */
        const char *family;
};

static const struct expectation positions[] = {
        {CONTENT_ANY, "{\"lat\":52.12345,\"lon\":-5.5}", 52.12345, -5.5, NULL, "JSON"},
        {CONTENT_ANY, " \r\n{\"Latitude\" : \"52.12345\", \"Longitude\" : \"5.54321\"}", 52.12345, 5.54321, NULL, "JSON"},
        {CONTENT_ANY, "{ \"id\": \"015262001044848\", \"ts\": \"2023-06-01T03:09:51.362Z\", \"rpt\": \"hf\", \"location\": "
                      "{ \"lat\": 33.91233, \"lon\": -84.20784 }, \"bear\": 70, \"spd\": 2482, \"ign\": \"on\" }",
         33.91233, -84.20784, "015262001044848", "JSON"},
        {CONTENT_ANY, "{\"location\":{\"event\":\"motionchange\",\"timestamp\":\"2021-07-21T08:06:34.444Z\",\"coords\":{\"latitude\":"
                      "-6.1148096,\"longitude\":106.6837015,\"accuracy\":3.8,\"altitude\":35.7}},\"device_id\":\"8737767034\"}",
         -6.1148096, 106.6837015, "8737767034", "JSON"},
        {CONTENT_ANY, "{\"_type\":\"location\",\"tid\":\"AB\",\"lat\":52.5,\"lon\":13.4,\"tst\":1700000000}", 52.5, 13.4, "AB", "JSON"},
        {CONTENT_ANY, "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[13.4125,52.5167,30]}}", 52.5167, 13.4125,
         NULL, "JSON"},
        {CONTENT_ANY, "{\"loc\":[52.5167,13.4125]}", 52.5167, 13.4125, NULL, "JSON"},
        {CONTENT_ANY, "{\"gps\":\"52.5167, 13.4125\"}", 52.5167, 13.4125, NULL, "JSON"},
        {CONTENT_ANY, "{\"payload\":{\"latitude_i\":525167000,\"longitude_i\":134125000}}", 52.5167, 13.4125, NULL, "JSON"},
        {CONTENT_ANY, "{\"gps_lat\":\"52.5167N\",\"gps_lng\":\"13.4125W\"}", 52.5167, -13.4125, NULL, "JSON"},
        {CONTENT_ANY, "{\"position.latitude\":52.5167,\"position.longitude\":13.4125}", 52.5167, 13.4125, NULL, "JSON"},
        {CONTENT_ANY, "[{\"a\":1},{\"lat\":52.5167,\"long\":13.4125}]", 52.5167, 13.4125, NULL, "JSON"},
        {CONTENT_ANY, "{\"imei\":860000000000001,\"nmea\":\"$GNGLL,4650.5156500,N,01246.1059604,E,164414.90,A,A*77\"}", 46.841927,
         12.768433, "860000000000001", "NMEA-0183"},
        {CONTENT_ANY, "{\"lat\":52.5167,\"lon\":13.4125,\"log\":\"cut of", 52.5167, 13.4125, NULL, "JSON"},
        {CONTENT_ANY, "telemetry: {\"lat\":52.5167,\"lon\":13.4125}", 52.5167, 13.4125, NULL, "JSON"},
        {CONTENT_ANY, "{\"n\":1}\n{\"lat\":52.5167,\"lon\":13.4125}\n", 52.5167, 13.4125, NULL, "JSON"},
        {CONTENT_ANY, "{\"rx_metadata\":[{\"location\":{\"latitude\":1.23456,\"longitude\":2.34567}}],\"lat\":52.5167,\"lon\":13.4125}",
         52.5167, 13.4125, NULL, "JSON"},
        {CONTENT_ANY, "{\"a\":{\"lat\":52.5167,\"lon\":13.4125},\"b\":{\"latitude\":52.5167,\"longitude\":13.4125}}", 52.5167, 13.4125, NULL,
         "JSON"},
        {CONTENT_QUERY, "id=902064&lat=42.06288&lon=-88.23412&timestamp=1442068686579&hdop=6.0", 42.06288, -88.23412, "902064", "query"},
        {CONTENT_QUERY, "id=123456&timestamp=1377177267&lat=60.0&lon=30.0", 60, 30, "123456", "query"},
        {CONTENT_QUERY, "id=123456&timestamp=1377177267&location=60.0,30.0", 60, 30, "123456", "query"},
        {CONTENT_QUERY, "id=123456&location=60.01234%2C30.01234", 60.01234, 30.01234, "123456", "query"},
        {CONTENT_QUERY, "token=abc;gnss=gps;datatype=eph;lat=52;lon=10;pacc=5000", 52, 10, NULL, "query"},
        {CONTENT_QUERY, "id=999000000000003&gprmc=$GPRMC,082202.0,A,5006.747329,N,01416.512315,E,0.0,,131018,1.2,E,A*2E", 50.112455,
         14.275205, "999000000000003", "NMEA-0183"},
        {CONTENT_QUERY, "imei=860000000000001&d=%24GNGLL%2C4650.5156500%2CN%2C01246.1059604%2CE%2C164414.90%2CA%2CA*77", 46.841927,
         12.768433, "860000000000001", "NMEA-0183"},
        {CONTENT_ANY, "gps,dev=1 lat=52.5167,lon=13.4125 1700000000", 52.5167, 13.4125, NULL, "key-value"},
        {CONTENT_ANY, "hello\nbatt: 3.7 lat: 52.5167, lng: 13.4125\n", 52.5167, 13.4125, NULL, "key-value"},
        {CONTENT_ANY, "<trkpt lat=\"52.5167\" lon=\"13.4125\"><ele>4</ele>", 52.5167, 13.4125, NULL, "key-value"},
        {CONTENT_ANY, "geo:52.5167,13.4125;u=35", 52.5167, 13.4125, NULL, "key-value"},
        {CONTENT_ANY, "355096030432529$GPRMC,012006,A,4828.10,N,01353.52,E,0.00,0.00,180915,020.3,E*42\r\n", 48.468333, 13.892,
         "355096030432529", "NMEA-0183"},
};

static const char *const nothings[] = {
        "{\"x\":52.12345,\"y\":5.54321}",
        "{\"lat\":12,\"lon\":7}",
        "{\"lat\":12,\"lon\":7,\"time\":1700000000}",
        "{\"lat\":12.5,\"lon\":7.5}",
        "{\"lat\":0.532,\"p99\":1.234}",
        "{\"lat\":0.532,\"lng\":\"en\"}",
        "{\"lat\":52.12345,\"gps_lon\":5.54321}",
        "{\"lat\":0.0000,\"lon\":0.0000,\"time\":1700000000}",
        "{\"lat\":92.12345,\"lon\":5.54321}",
        "{\"lat\":52.12345,\"lon\":185.54321}",
        "{\"a\":{\"lat\":52.12345},\"b\":{\"lon\":5.54321}}",
        "{\"lat\":52.12345,\"b\":{\"lon\":5.54321}}",
        "{\"position\":[0.1234,0.5678,0.9123]}",
        "{\"position\":[1,2]}",
        "{\"pos\":\"1.5,2.5\"}",
        "{\"loc\":[1,2,3,4]}",
        "{\"gateways\":[{\"lat\":52.12345,\"lon\":5.54321}]}",
        "{\"geofence\":{\"lat\":52.12345,\"lon\":5.54321}}",
        "{\"_type\":\"waypoint\",\"lat\":52.12345,\"lon\":5.54321}",
        "{\"Latitude\":0,\"Longitude\":0,\"Tem\":27.2}",
        "{\"lat\":\"N/A\",\"lon\":\"N/A\"}",
        "{\"lat\":null,\"lon\":null}",
        "{\"lat\":52.12345,\"lon\":5.54",
        "{\"mcc\":262,\"mnc\":1}",
        "{\"mcc\":262,\"mnc\":1,\"lac\":0,\"cid\":0}",
        "{\"mcc\":99,\"mnc\":1,\"lac\":4660,\"cid\":22136}",
        "latency=52.12345 longest=5.54321",
        "plat=52.12345 colon=5.54321",
        "a=1&b=2", "lat=52&lon=5", "x=52.12345&y=5.54321",
        "{{{{{{{{{{{{{{{{{{{{{{{{{{{{", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "{\"a\":[{\"b\":", "{\"lat\"", "{]}[", "\"lat\":52.12345",
        "", "{}", "short", "\x01\x02{\"lat\":52.12345,\"lon\":5.54321}",
};

static void check(const struct expectation *e)
{
        struct position found[4];
        size_t length = strlen(e->text);
        char *copy = malloc(length);
        memcpy(copy, e->text, length);
        unsigned count = content_find(e->kind, cursor_of(copy, length), found, 4);
        if (count != 1)
                fail_msg("%u found in %s", count, e->text);
        assert_string_equal(found[0].family, e->family);
        assert_true(found[0].has_coordinates);
        assert_near(found[0].latitude, e->latitude);
        assert_near(found[0].longitude, e->longitude);
        assert_int_equal(found[0].id_length, e->id ? strlen(e->id) : 0);
        if (e->id != NULL)
                assert_memory_equal(found[0].id, e->id, strlen(e->id));
        assert_true((const char *)found[0].found.at >= copy && (const char *)found[0].found.end <= copy + length);
        free(copy);
}

static void positions_are_found_in_what_devices_write(void **state)
{
        (void)state;
        for (unsigned i = 0; i < sizeof positions / sizeof positions[0]; i++)
                check(&positions[i]);
}

static void ordinary_telemetry_is_no_position(void **state)
{
        (void)state;
        struct position found[4];
        for (unsigned i = 0; i < sizeof nothings / sizeof nothings[0]; i++)
                for (enum content_kind kind = CONTENT_ANY; kind <= CONTENT_LINES; kind++)
                        if (content_find(kind, cursor_of(nothings[i], strlen(nothings[i])), found, 4) != 0)
                                fail_msg("%s", nothings[i]);
}

static void no_cut_text_is_read_over_its_end(void **state)
{
        (void)state;
        struct position found[4];
        for (unsigned i = 0; i < sizeof positions / sizeof positions[0]; i++)
                for (size_t length = 0; length < strlen(positions[i].text); length++) {
                        char *copy = malloc(length ? length : 1);
                        memcpy(copy, positions[i].text, length);
                        content_find(positions[i].kind, cursor_of(copy, length), found, 4);
                        free(copy);
                }
}

static void companions_are_read(void **state)
{
        (void)state;
        struct position p[1];
        static const char text[] = "{\"lat\":52.12345,\"lon\":5.5,\"alt\":-12.5,\"acc\":7,\"tst\":1700000000123,\"wifi\":["
                                   "{\"bssid\":\"aa:bb:cc:dd:ee:ff\",\"rssi\":-60},{\"bssid\":\"aa:bb:cc:dd:ee:fe\",\"rssi\":-70}]}";
        assert_int_equal(content_find(CONTENT_ANY, cursor_of(text, sizeof text - 1), p, 1), 1);
        assert_near(p->altitude_m, -12.5);
        assert_near(p->accuracy_m, 7);
        assert_int_equal(p->time_ns, INT64_C(1700000000123000000));
        assert_int_equal(p->wifi, 2);
        assert_int_equal(p->grade, APNWATCH__V1__POSITION__GRADE__FRAMED);
}

static void serving_cells_are_read(void **state)
{
        (void)state;
        static const struct {
                enum content_kind kind;
                const char *text;
                uint32_t mcc, mnc, area, digits;
                uint64_t cell;
                const char *type;
        } cells[] = {
                {CONTENT_ANY, "{\"homeMobileCountryCode\":310,\"cellTowers\":[{\"cellId\":42,\"locationAreaCode\":415,\"mobileCountryCode\":310,"
                              "\"mobileNetworkCode\":410}]}", 310, 410, 415, 3, 42, NULL},
                {CONTENT_ANY, "{\"lte\":[{\"eci\":33703719,\"mcc\":262,\"mnc\":\"01\",\"tac\":33333,\"rsrp\":-101.5,\"nmr\":[{\"pci\":44}]}]}", 262, 1,
                 33333, 2, 33703719, "ecgi"},
                {CONTENT_ANY, "{\"appId\":\"CELL_POS\",\"data\":{\"lte\":[{\"mcc\":242,\"mnc\":2,\"eci\":21627653,\"tac\":2305},"
                              "{\"mcc\":242,\"mnc\":2,\"eci\":1,\"tac\":1}]}}", 242, 2, 2305, 0, 21627653, "ecgi"},
                {CONTENT_ANY, "{\"token\":\"x\",\"radio\":\"gsm\",\"mcc\":310,\"mnc\":404,\"cells\":[{\"lac\":7033,\"cid\":17811,\"psc\":0}]}", 310, 404,
                 7033, 3, 17811, "cgi"},
                {CONTENT_ANY, "{\"CellTowers\":{\"Lte\":[{\"Mcc\":262,\"Mnc\":1,\"EutranCid\":5000,\"Tac\":77}]}}", 262, 1, 77, 0, 5000, "ecgi"},
                {CONTENT_QUERY, "mcc=460&mnc=1&lac=4660&ci=22136&output=json", 460, 1, 4660, 0, 22136, "cgi"},
                {CONTENT_QUERY, "imei=1&bts=460,01,40977,2205409,-65", 460, 1, 40977, 2, 2205409, NULL},
        };
        for (unsigned i = 0; i < sizeof cells / sizeof cells[0]; i++) {
                struct position p[4];
                if (content_find(cells[i].kind, cursor_of(cells[i].text, strlen(cells[i].text)), p, 4) != 1)
                        fail_msg("%s", cells[i].text);
                assert_true(p->has_cell && !p->has_coordinates);
                assert_int_equal(p->mcc, cells[i].mcc);
                assert_int_equal(p->mnc, cells[i].mnc);
                assert_int_equal(p->area, cells[i].area);
                assert_int_equal(p->cell, cells[i].cell);
                assert_int_equal(p->mnc_digits, cells[i].digits);
                if (cells[i].type == NULL)
                        assert_null(p->cell_kind);
                else
                        assert_string_equal(p->cell_kind, cells[i].type);
        }
}

static void sentences_of_one_moment_are_one_report(void **state)
{
        (void)state;
        struct position p[4];
        static const char text[] = "$GNRMC,164414.90,A,4650.5156500,N,01246.1059604,E,0.018,,091123,,,A,V*15\r\n"
                                   "$GNGGA,164414.90,4650.5156500,N,01246.1059604,E,1,12,0.84,740.729,M,44.804,M,,*4E\r\n"
                                   "$GNGLL,4650.5156500,N,01246.1059604,E,164414.90,A,A*77\r\n"
                                   "$GNGLL,4651.5156500,N,01246.1059604,E,164415.90,A,A*77\r\n";
        assert_int_equal(content_find(CONTENT_ANY, cursor_of(text, sizeof text - 1), p, 4), 2);
        assert_near(p[0].altitude_m, 740.729);
        assert_true(p[0].has_time);
        assert_near(p[1].latitude, 46.858594);
}

static void a_position_is_emitted_with_its_snippet_and_only_from_the_device(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 5000);
        char text[2000];
        memset(text, ' ', sizeof text);
        text[0] = '{';
        memcpy(text + 1000, "\"lat\":52.12345,\"lon\":5.5,\"imei\":\"860\\u0000\"}", 43);
        struct content content = {.carrier = "UDP", .topic = cursor_of("a/b\xff", 4)};
        sense->d.from_device = false;
        assert_int_equal(content_scan(&sense->d, &content, cursor_of(text, sizeof text)), 0);
        sense->d.from_device = true;
        assert_int_equal(content_scan(&sense->d, &content, cursor_of(text, sizeof text)), 1);
        assert_int_equal(sense->event_count, 1);
        const Apnwatch__V1__Position *p = sense->events[0]->position;
        assert_string_equal(p->family, "JSON");
        assert_string_equal(p->carrier, "UDP");
        assert_string_equal(p->topic, "a/b\\xff");
        assert_string_equal(p->device_id, "860\\\\u0000");
        assert_near(p->latitude, 52.12345);
        assert_false(p->has_altitude_m || p->has_fix_time || p->cell != NULL || p->has_wifi);
        const Apnwatch__V1__Snippet *s = sense->events[0]->snippet;
        assert_int_equal(s->data.len, 512);
        assert_memory_equal(s->data.data + s->offset, "52.12345,\"lon\":5.5", s->length);
        assert_int_equal(s->length, 18);
        fake_sense_close(sense);
}

/* The names stand in order, or some would not be found. */
static void every_name_is_found(void **state)
{
        (void)state;
        static const struct {
                const char *name;
                uint8_t key, variant;
        } names[] = {
                {"Lat", KEY_LATITUDE, 0},
                {"LONGITUDE", KEY_LONGITUDE, 0},
                {"gps_lng", KEY_LONGITUDE, 1},
                {"acc", KEY_ACCURACY, 0},
                {"velocity", KEY_BESIDE, 0},
                {"waypoints", KEY_FOREIGN, 0},
                {"mobileCountryCode", KEY_MCC, 0},
                {"loc", KEY_PAIR, 0},
                {"device-id", KEY_ID, 4},
                {"alt", KEY_ALTITUDE, 0},
                {"utrancid", KEY_CELL, CELL_UNSAID},
                {"vehicleid", KEY_ID, 3},
                {"newRadioCellId", KEY_CELL, CELL_NR},
                {"e", KEY_OTHER, 0},
                {"temperature", KEY_OTHER, 0},
                {"platform", KEY_OTHER, 0},
        };
        for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
                struct key_class key = key_classify(cursor_of(names[i].name, strlen(names[i].name)));
                if (key.key != names[i].key || key.variant != names[i].variant)
                        fail_msg("%s", names[i].name);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(positions_are_found_in_what_devices_write),
                cmocka_unit_test(ordinary_telemetry_is_no_position),
                cmocka_unit_test(no_cut_text_is_read_over_its_end),
                cmocka_unit_test(companions_are_read),
                cmocka_unit_test(every_name_is_found),
                cmocka_unit_test(serving_cells_are_read),
                cmocka_unit_test(sentences_of_one_moment_are_one_report),
                cmocka_unit_test(a_position_is_emitted_with_its_snippet_and_only_from_the_device),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
