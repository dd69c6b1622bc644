#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "judge/intel.h"

static char folder[] = "/tmp/apnwatch-intel-XXXXXX";

static const char first[] =
        "vendor: Quectel\naliases: [QT]\ncontroller: module_vendor\nignore: [www2.quectel.com]\nrows:\n"
        "  - {host: fota.quectel.com, purpose: update, mode: direct, protocol: HTTP, port: 80, confidence: code, source: s}\n"
        "  - {domain_suffix: quectel.com, purpose: management, confidence: vendor-doc, source: s}\n"
        "  - {domain_suffix: quectel.com, purpose: location, confidence: reported, source: s}\n"
        "  - {domain_suffix: iot.quectel.com, purpose: telemetry, confidence: code, source: s}\n"
        "  - {ip: 192.0.2.0/24, purpose: management, confidence: code, source: s}\n"
        "  - {ip: 192.0.2.7, purpose: update, confidence: code, source: s}\n"
        "  - {ip: 192.0.2.7, purpose: location, confidence: code, source: s}\n"
        "  - {url_regex: '(?i)/BG9[0-9][A-Z0-9]+_[0-9.]+\\.bin', purpose: update, mode: indirect, confidence: code, source: s}\n"
        "  - {url_regex: '(?i)/update\\.zip(\\?|$)', purpose: update, weak: true, confidence: vendor-doc, source: s}\n"
        "  - {url_regex: '^/5/[0-9]+/(0|1|2)$', purpose: update, confidence: vendor-doc, source: s}\n"
        "  - {url_regex: 'alpha|omega', purpose: telemetry, confidence: code, source: s}\n"
        "  - {name_regex: '^h-slp\\.mnc[0-9]{3}\\.example$', purpose: agnss, confidence: code, source: s}\n"
        "  - {topic_regex: '^\\$aws/things/[^/]+/jobs/', purpose: update, confidence: code, source: s}\n"
        "  - {user_agent: QUECTEL_MODULE, purpose: management, confidence: code, source: s}\n"
        "  - {content_type: application/vnd.oma.dd+xml, purpose: update, confidence: code, source: s}\n"
        "  - {only_port: 7275, purpose: agnss, confidence: code, source: s}\n"
        "tacs:\n  - {tac: \"86012345\", vendor: Quectel, model: BG96}\n  - {tac: \"01234567\", vendor: Other}\n";

static void write_file(const char *below, const char *name, const char *text)
{
        char path[300];
        snprintf(path, sizeof path, "%s/%s", folder, below);
        mkdir(path, 0700);
        snprintf(path, sizeof path, "%s/%s/%s", folder, below, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
}

static void remove_file(const char *below, const char *name)
{
        char path[300];
        snprintf(path, sizeof path, "%s/%s/%s", folder, below, name);
        unlink(path);
        snprintf(path, sizeof path, "%s/%s", folder, below);
        rmdir(path);
}

static struct intel *load(char **messages, unsigned count, const char *const *below)
{
        char paths[4][300];
        const char *folders[4];
        size_t size;
        FILE *errors = open_memstream(messages, &size);
        for (unsigned i = 0; i < count; i++) {
                snprintf(paths[i], sizeof paths[i], "%s/%s", folder, below[i]);
                folders[i] = paths[i];
        }
        struct intel *intel = intel_load(folders, count, errors);
        fclose(errors);
        return intel;
}

static struct intel *load_first(void)
{
        char *messages;
        write_file("a", "quectel.yaml", first);
        struct intel *intel = load(&messages, 1, (const char *const[]){"a"});
        remove_file("a", "quectel.yaml");
        if (intel == NULL)
                print_error("%s", messages);
        assert_non_null(intel);
        free(messages);
        return intel;
}

static void names_match_the_host_before_the_longest_suffix(void **state)
{
        static const struct {
                const char *name;
                unsigned purposes;
                int purpose; /* -1: none */
        } rows[] = {
                {"fota.quectel.com", INTEL_ANY, INTEL_UPDATE},
                {"fota.quectel.com", INTEL_ONLY(INTEL_MANAGEMENT), INTEL_MANAGEMENT},
                {"quectel.com", INTEL_ANY, INTEL_LOCATION},
                {"x.y.quectel.com", INTEL_ANY, INTEL_LOCATION},
                {"a.iot.quectel.com", INTEL_ANY, INTEL_TELEMETRY},
                {"a.iot.quectel.com", INTEL_ONLY(INTEL_LOCATION), INTEL_LOCATION},
                {"a.iot.quectel.com", INTEL_ONLY(INTEL_UPDATE), -1},
                {"xquectel.com", INTEL_ANY, -1},
                {"com", INTEL_ANY, -1},
                {"www2.quectel.com", INTEL_ANY, -1},
                {"a.www2.quectel.com", INTEL_ANY, -1},
                {"", INTEL_ANY, -1},
                {"x.fota.quectel.com", INTEL_ANY, INTEL_LOCATION},
                {"h-slp.mnc001.example", INTEL_ANY, INTEL_AGNSS},
                {"h-slp.mnc1.example", INTEL_ANY, -1},
                {".", INTEL_ANY, -1},
                {"..quectel.com", INTEL_ANY, INTEL_LOCATION},
        };
        struct intel *intel = load_first();
        (void)state;
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                const struct intel_row *row = intel_match_name(intel, rows[i].name, rows[i].purposes);
                if ((row ? (int)row->purpose : -1) != rows[i].purpose)
                        fail_msg("%s: %s", rows[i].name, row ? intel_purpose_text(row->purpose) : "none");
        }
        assert_null(intel_match_name(NULL, "fota.quectel.com", INTEL_ANY));
        intel_destroy(intel);
}

static void addresses_match_the_longest_prefix(void **state)
{
        struct intel *intel = load_first();
        struct address a;
        (void)state;
        address_parse("192.0.2.7", &a);
        assert_int_equal(intel_match_address(intel, &a, INTEL_ANY)->purpose, INTEL_UPDATE);
        assert_int_equal(intel_match_address(intel, &a, INTEL_ONLY(INTEL_LOCATION))->purpose, INTEL_LOCATION);
        address_parse("192.0.2.8", &a);
        assert_int_equal(intel_match_address(intel, &a, INTEL_ANY)->purpose, INTEL_MANAGEMENT);
        address_parse("192.0.3.8", &a);
        assert_null(intel_match_address(intel, &a, INTEL_ANY));
        intel_destroy(intel);
}

static void exchanges_match_by_expressions(void **state)
{
        static const struct {
                const char *scheme, *host, *path, *value; /* NULL: none */
        } rows[] = {
                {"http", "cdn.example", "/fw/bg96MAR02_01.018.bin", "(?i)/BG9[0-9][A-Z0-9]+_[0-9.]+\\.bin"},
                {"ftp", NULL, "update.zip", "(?i)/update\\.zip(\\?|$)"},
                {"http", "x", "/update.zip?x=1", "(?i)/update\\.zip(\\?|$)"},
                {"http", "x", "/update.zipper", NULL},
                {"coap", "x", "/5/0/1", "^/5/[0-9]+/(0|1|2)$"},
                {"coap", "x", "/4/5/0/1", NULL},
                {"http", "x", "/omega", "alpha|omega"},
                {"http", NULL, NULL, NULL},
        };
        struct intel *intel = load_first();
        (void)state;
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                const struct intel_row *row = intel_match_url(intel, rows[i].scheme, rows[i].host, rows[i].path, INTEL_ANY);
                if ((row == NULL) != (rows[i].value == NULL) || (row && strcmp(row->value, rows[i].value) != 0))
                        fail_msg("%s: %s", rows[i].path, row ? row->value : "none");
        }
        char *path = malloc(100000);
        memset(path, 'a', 99999);
        path[99999] = '\0';
        assert_null(intel_match_url(intel, "http", "x", path, INTEL_ANY));
        free(path);
        assert_non_null(intel_match_user_agent(intel, "quectel_module/1.0", INTEL_ANY));
        assert_null(intel_match_user_agent(intel, "my quectel_module", INTEL_ANY));
        assert_non_null(intel_match_content_type(intel, "Application/vnd.oma.dd+xml; charset=utf-8", INTEL_ANY));
        assert_null(intel_match_content_type(intel, "application/vnd.oma.dd+xmlx", INTEL_ANY));
        assert_non_null(intel_match_topic(intel, "$aws/things/t1/jobs/notify", INTEL_ANY));
        assert_true(intel_match_port(intel, 7275, INTEL_ANY)->weak);
        assert_null(intel_match_port(intel, 7276, INTEL_ANY));
        intel_destroy(intel);
}

/* The literal that is looked for first must not be one that a match can lack. */
static void no_syntax_is_taken_for_text(void **state)
{
        static const struct {
                const char *expression, *path;
        } rows[] = {
                {"/fw/[0-9]{10,20}[.]bin", "/fw/01234567890.bin"},
                {"/[0-9a-f]{1,16}$", "/0123abcd"},
                {"\\x2fgate[.]php", "/gate.php"},
                {"/\\p{Latin}pd", "/Upd"},
                {"[[:alpha:]_long]+[.]hex", "/a.hex"},
                {"(?ix) /image [.] upd", "/IMAGE.upd"},
                {"(?#a[b)/comment", "/comment"},
                {"/a\\.zip\\d+\\{text}", "/a.zip7{text}"},
        };
        (void)state;
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                char text[300], *messages;
                snprintf(text, sizeof text,
                         "vendor: X\nrows:\n  - {url_regex: '%s', purpose: update, confidence: code, source: s}\n",
                         rows[i].expression);
                write_file("a", "x.yaml", text);
                struct intel *intel = load(&messages, 1, (const char *const[]){"a"});
                remove_file("a", "x.yaml");
                if (intel == NULL || intel_match_url(intel, "http", "x", rows[i].path, INTEL_ANY) == NULL)
                        fail_msg("%s: %s", rows[i].expression, intel ? "not found" : messages);
                intel_destroy(intel);
                free(messages);
        }
}

static void vendors_have_aliases_and_tacs(void **state)
{
        struct intel *intel = load_first();
        (void)state;
        assert_string_equal(intel_vendor(intel, "qt")->name, "Quectel");
        assert_string_equal(intel_vendor(intel, "QUECTEL")->controller, "module_vendor");
        assert_null(intel_vendor(intel, "SIMCom"));
        assert_string_equal(intel_tac(intel, "8601234512345601")->model, "BG96");
        assert_null(intel_tac(intel, "01234567")->model);
        assert_null(intel_tac(intel, "0123456"));
        assert_null(intel_tac(intel, "11111111"));
        intel_destroy(intel);
}

static void later_folders_replace_add_and_take_away(void **state)
{
        char *messages;
        (void)state;
        write_file("a", "quectel.yaml", first);
        write_file(
                "b", "mine.yaml",
                "vendor: quectel\nrows:\n"
                "  - {host: fota.quectel.com, purpose: update, mode: indirect, protocol: HTTP, port: 80, confidence: code, source: t}\n"
                "  - {domain_suffix: iot.quectel.com, purpose: telemetry, disabled: true, confidence: code, source: t}\n"
                "  - {host: new.example, purpose: update, confidence: code, source: t}\n");
        struct intel *before = load(&messages, 1, (const char *const[]){"a"});
        free(messages);
        struct intel *intel = load(&messages, 2, (const char *const[]){"a", "b"});
        assert_string_equal(messages, "");
        assert_non_null(intel);
        assert_int_equal(intel_row_count(intel), intel_row_count(before));
        assert_int_equal(intel_vendor_count(intel), 1);
        assert_int_equal(intel_match_name(intel, "fota.quectel.com", INTEL_ANY)->mode, INTEL_INDIRECT);
        assert_int_equal(intel_match_name(intel, "a.iot.quectel.com", INTEL_ANY)->purpose, INTEL_LOCATION);
        assert_non_null(intel_match_name(intel, "new.example", INTEL_ANY));
        assert_string_not_equal(intel_digest(intel), intel_digest(before));
        free(messages);
        intel_destroy(intel);
        intel_destroy(before);
        remove_file("a", "quectel.yaml");
        remove_file("b", "mine.yaml");
}

static void every_fault_is_told(void **state)
{
        static const char *const expected[] = {
                "/a/bad.yaml:3:5: a row with 2 things to match", ":4:15: \"magic\"; expected update, agnss",
                ":5:12: \"nodots\"; expected a name", ":6:5: no \"source\" in a row", ":7:27: \"7000000\"; expected a port",
                ":9:11: \"1234\"; expected a TAC",
        };
        char *messages;
        (void)state;
        write_file("a", "bad.yaml",
                   "vendor: X\nrows:\n  - {host: a.b, ip: 192.0.2.1, purpose: update, confidence: code, source: s}\n"
                   "  - {purpose: magic, host: a.b, confidence: code, source: s}\n"
                   "  - {host: nodots, purpose: update, confidence: code, source: s}\n"
                   "  - {host: a.b, purpose: update, confidence: code}\n"
                   "  - {          only_port: 7000000, purpose: update, confidence: code, source: s}\n"
                   "tacs:\n  - {tac: 1234, vendor: X}\n");
        assert_null(load(&messages, 1, (const char *const[]){"a"}));
        for (unsigned i = 0; i < sizeof expected / sizeof *expected; i++)
                if (strstr(messages, expected[i]) == NULL)
                        fail_msg("%s is not in\n%s", expected[i], messages);
        free(messages);
        write_file("a", "bad.yaml",
                   "vendor: X\nrows:\n  - {url_regex: 'a(b', purpose: update, confidence: code, source: s}\n");
        assert_null(load(&messages, 1, (const char *const[]){"a"}));
        assert_non_null(strstr(messages, "bad.yaml:3:5: expression \"a(b\": missing closing parenthesis at character 4"));
        free(messages);
        remove_file("a", "bad.yaml");
        assert_null(load(&messages, 1, (const char *const[]){"nowhere"}));
        assert_non_null(strstr(messages, "nowhere: No such file"));
        free(messages);
}

/* Real exchanges of each shape of expression: also that passing over by literals loses none. */
static const struct {
        const char *scheme, *host, *path, *vendor;
} exchanges[] = {
        {"http", "iot1.xtracloud.net", "/xtra3grc.bin", "Qualcomm"},
        {"http", "any.example", "/qtang2/xtra2.bin?x", "Qualcomm"},
        {"https", "quec-pro-oss.oss-cn-shanghai.aliyuncs.com", "/fota/9000/Update_X", "Quectel"},
        {"ftp", NULL, "fbf_dfota.bin", "SIMCom"},
        {"ftp", "192.0.2.1", "B02V04_161220_B02V04_161128_SIM7600CE-A.zip", "SIMCom"},
        {"http", "iotsvr.meigsmart.com:9090", "/download/xyDelta", "MeiG"},
        {"http", "iot.openluat.com", "/api/site/firmware_upgrade?imei=1", "AirM2M (Luat/OpenLuat)"},
        {"http", "wpepodownload.mediatek.com", "/EPO_GPS_3_1.DAT?vendor=QUECTEL", "MediaTek EPO"},
        {"https", "online-live1.services.u-blox.com", "/GetOnlineData.ashx?token=x", "u-blox"},
        {"http", "gllto.glpals.com", "/7day/v5/latest/lto2.dat", "Broadcom LTO"},
        {"https", "a.example", "/mfw_nrf9151_update_from_2.0.2_to_2.0.3.bin", "Nordic"},
        {"https", "quickspot.io", "/firmware/GP02RBAQ-DM_LR8.2.0.3-60186_to_LR8.2.1.0-61488_Bootrom.dup", "Sequans"},
        {"http", "h", "/tenant/controller/v1/dev1/deploymentBase/7", "Eclipse hawkBit"},
        {"http", "h", "/x?mcc=460&mnc=1&lac=1A2B&ci=99FF", "Generic location API"},
        {"coap", NULL, "/5/0/2", "LwM2M (any)"},
};

/* The installed set of this source tree. */
static void our_own_set_is_sound(void **state)
{
        char path[600];
        const char *source = getenv("srcdir");
        snprintf(path, sizeof path, "%s/contrib/intel", source ? source : ".");
        const char *folders[] = {path};
        struct intel *intel = intel_load(folders, 1, stderr);
        (void)state;
        assert_non_null(intel);
        assert_true(intel_row_count(intel) > 300);
        assert_string_equal(intel_match_name(intel, "queclocator.com", INTEL_ANY)->vendor->name, "Quectel");
        assert_null(intel_match_name(intel, "www2.quectel.com", INTEL_ANY));
        assert_null(intel_match_name(intel, "medicaldevicehq.com", INTEL_ANY));
        assert_true(intel_match_name(intel, "www.googleapis.com", INTEL_ANY)->shared);
        assert_true(intel_match_name(intel, "abc123-ats.iot.eu-west-1.amazonaws.com", INTEL_ANY)->shared);
        assert_int_equal(intel_match_name(intel, "supl.google.com", INTEL_ANY)->purpose, INTEL_AGNSS);
        assert_int_equal(intel_match_name(intel, "fm.teltonika.lt", INTEL_ANY)->purpose, INTEL_UPDATE);
        assert_int_equal(intel_match_url(intel, "http", "any.example", "/EC200ACNHAR01A02M16.bin", INTEL_ANY)->mode,
                         INTEL_INDIRECT);
        assert_true(intel_match_url(intel, "http", "any.example", "/update.zip", INTEL_ANY)->weak);
        assert_null(intel_match_url(intel, "http", "any.example", "/index.html", INTEL_ANY));
        for (unsigned i = 0; i < sizeof exchanges / sizeof *exchanges; i++) {
                const struct intel_row *row =
                        intel_match_url(intel, exchanges[i].scheme, exchanges[i].host, exchanges[i].path, INTEL_ANY);
                if (row == NULL || strcmp(row->vendor->name, exchanges[i].vendor) != 0)
                        fail_msg("%s: %s", exchanges[i].path, row ? row->vendor->name : "none");
        }
        assert_non_null(intel_tac(intel, "356495041234567"));
        intel_destroy(intel);
}

static int make_folder(void **state)
{
        (void)state;
        return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
        (void)state;
        return rmdir(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_match_the_host_before_the_longest_suffix),
                cmocka_unit_test(addresses_match_the_longest_prefix),
                cmocka_unit_test(exchanges_match_by_expressions),
                cmocka_unit_test(no_syntax_is_taken_for_text),
                cmocka_unit_test(vendors_have_aliases_and_tacs),
                cmocka_unit_test(later_folders_replace_add_and_take_away),
                cmocka_unit_test(every_fault_is_told),
                cmocka_unit_test(our_own_set_is_sound),
        };
        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
