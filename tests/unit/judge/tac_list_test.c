#include "judge/tac_list.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/test.h"

static struct tac_list *load(const char *text)
{
        return tac_list_parse("tacs.csv", text, strlen(text), stderr);
}

static void check(const struct tac_list *list, const char *imei, const char *vendor, const char *model)
{
        const struct intel_tac *tac = tac_list_find(list, imei);
        assert_non_null(tac);
        assert_memory_equal(tac->tac, imei, 8);
        assert_string_equal(tac->vendor, vendor);
        if (model != NULL)
                assert_string_equal(tac->model, model);
        else
                assert_null(tac->model);
}

static void a_plain_list_has_its_columns_in_any_order(void **state)
{
        (void)state;
        struct tac_list *list = load("\xef\xbb\xbfmodel,note,tac,vendor\r\n\"BG96, \"\"M\"\"\",x,86012345,Quectel\r\n\r\n,,01147000,Apple\r\n");
        assert_int_equal(tac_list_count(list), 2);
        check(list, "860123450000017", "Quectel", "BG96, \"M\"");
        check(list, "01147000", "Apple", NULL);
        assert_null(tac_list_find(list, "86012346"));
        assert_null(tac_list_find(list, "8601234"));
        assert_string_equal(tac_list_at(list, 0)->tac, "01147000");
        assert_int_equal(strlen(tac_list_digest(list)), 71);
        tac_list_destroy(list);
        assert_null(tac_list_find(NULL, "86012345"));
        assert_string_equal(tac_list_digest(NULL), "");
}

static void the_layout_of_the_gsma_with_its_many_columns(void **state)
{
        (void)state;
        struct tac_list *list = load("TAC|Manufacturer|Model Name|Marketing Name|Brand Name|Device Type|LPWAN|Bands\n"
                                     "86012345|Quectel Wireless Solutions Co., Ltd|BG96|BG96 module|Quectel|Module|Cat-M1|LTE FDD BAND 1\n"
                                     "35000001|Not Known|10\" tablet|Tab|Maker|Tablet||\n"
                                     "35000002|Maker|Not Known|NA|Not Known|Modem||\n");
        assert_int_equal(tac_list_count(list), 3);
        check(list, "86012345", "Quectel Wireless Solutions Co., Ltd", "BG96");
        check(list, "35000001", "Maker", "10\" tablet");
        check(list, "35000002", "Maker", NULL);
        tac_list_destroy(list);
        list = load("deviceType;standardised_manufacturer;manufacturer;marketingName;tac\n\"Module\";Telit;Telit Inc.;ME910;35000001\n");
        check(list, "35000001", "Telit", "ME910");
        tac_list_destroy(list);
        list = load("tac\tmanufacturer\tmodelName\n35000001\tTelit\tME910 G1\n");
        check(list, "35000001", "Telit", "ME910 G1");
        tac_list_destroy(list);
}

static void the_type_says_which_are_phones(void **state)
{
        (void)state;
        static const struct {
                const char *type;
                bool is_phone;
        } rows[] = {{"Smartphone", true}, {"Mobile Phone/Feature phone", true}, {"Feature Phone", true}, {"HANDHELD", true}, {"Tablet", true},
                    {"Module", false}, {"Modem", false}, {"IoT Device", false}, {"Headphone", false}, {"Vehicle", false}, {"", false}};
        static const char *const headers[] = {"tac,vendor,type\n", "TAC,Manufacturer,Device Type\n", "tac,manufacturer,Equipment Type\n"};
        for (unsigned header = 0; header < 3; header++) {
                for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                        char text[160];
                        snprintf(text, sizeof text, "%s35000001,Maker,%s\n", headers[header], rows[i].type);
                        struct tac_list *list = load(text);
                        assert_int_equal(tac_list_find(list, "35000001")->is_phone, rows[i].is_phone);
                        tac_list_destroy(list);
                }
        }
}

static void a_long_field_of_a_column_that_is_not_read_is_no_fault(void **state)
{
        (void)state;
        char text[2048] = "tac,vendor,bands\n35000001,Telit,";
        memset(text + strlen(text), 'x', 1000);
        struct tac_list *list = load(text);
        check(list, "35000001", "Telit", NULL);
        tac_list_destroy(list);
}

static void expect_faults(const char *text, const char *faults)
{
        char *told = NULL;
        size_t length;
        FILE *errors = open_memstream(&told, &length);
        assert_null(tac_list_parse("tacs.csv", text, strlen(text), errors));
        fclose(errors);
        assert_string_equal(told, faults);
        free(told);
}

static void every_fault_is_told_with_its_place(void **state)
{
        (void)state;
        expect_faults("vendor,tac\nA,8601234\n,86012345\nA,86012345x\nA,860123450\n",
                      "tacs.csv:2:2: tac \"8601234\"; expected 8 digits (a spreadsheet may have taken the 0 in front away)\n"
                      "tacs.csv:3:1: TAC 86012345 without a vendor; expected one\n"
                      "tacs.csv:4:2: tac \"86012345x\"; expected 8 digits\n"
                      "tacs.csv:5:2: tac \"860123450\"; expected 8 digits\n");
        expect_faults("vendor,model\nA,B\n", "tacs.csv:1:1: no column \"tac\" in the header; expected tac, vendor and model, or the GSMA's "
                                             "tac, manufacturer and modelName\n");
        expect_faults("tac,TAC,vendor\n", "tacs.csv:1:2: a second column \"tac\"; expected one\n");
        expect_faults("tac,vendor,model\n86012345,A,B\n86012346,A,B\n86012345,A,C\n",
                      "tacs.csv:4:1: TAC 86012345 again, with another vendor or model than in line 2; expected one\n");
        expect_faults("tac,vendor\n86012345,\xff\n", "tacs.csv:2:2: 1 bytes that are no text; expected UTF-8, less than 256 bytes\n");
}

static void the_same_again_is_no_fault(void **state)
{
        (void)state;
        struct tac_list *list = load("tac,vendor,model\n86012345,Quectel,BG96\n86012345,quectel,bg96\n");
        assert_int_equal(tac_list_count(list), 1);
        tac_list_destroy(list);
        list = load("tac,vendor\n");
        assert_non_null(list);
        assert_int_equal(tac_list_count(list), 0);
        assert_null(tac_list_find(list, "86012345"));
        tac_list_destroy(list);
}

static void write_file(const char *path, const char *text)
{
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        assert_int_equal(fclose(file), 0);
}

static void a_later_file_wins_and_all_win_over_what_is_shipped(void **state)
{
        (void)state;
        char folder[] = "tac-list-test-XXXXXX", paths[3][64];
        assert_non_null(mkdtemp(folder));
        const char *names[] = {"a.csv", "b.csv", "tac.yaml"};
        for (unsigned i = 0; i < 3; i++)
                snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
        write_file(paths[0], "tac,vendor,model\n86012345,First,One\n86012346,First,Two\n");
        write_file(paths[1], "tac,vendor\n86012345,Second\n");
        write_file(paths[2], "licence: none\ntacs:\n  - {tac: \"86012345\", vendor: Shipped}\n  - {tac: \"86012399\", vendor: Shipped}\n");
        const char *const lists[] = {paths[0], paths[1]}, *const folders[] = {folder};
        struct tac_list *list = tac_list_load(lists, 2, stderr), *other = tac_list_load(lists, 1, stderr);
        struct intel *intel = intel_load(folders, 1, stderr), *empty = intel_load(NULL, 0, stderr);
        check(list, "86012345", "Second", NULL);
        check(list, "86012346", "First", "Two");
        assert_string_not_equal(tac_list_digest(list), tac_list_digest(other));
        assert_string_equal(intel_tac(intel, "860123450000017")->vendor, "Shipped");
        intel_prefer_tacs(intel, list);
        intel_prefer_tacs(empty, list);
        assert_string_equal(intel_tac(intel, "860123450000017")->vendor, "Second");
        assert_string_equal(intel_tac(intel, "860123990000017")->vendor, "Shipped");
        assert_null(intel_tac(intel, "860123"));
        assert_string_equal(intel_tac(empty, "860123450000017")->vendor, "Second");
        assert_null(intel_tac(empty, "860123990000017"));
        intel_destroy(intel);
        intel_destroy(empty);
        tac_list_destroy(list);
        tac_list_destroy(other);
        for (unsigned i = 0; i < 3; i++)
                unlink(paths[i]);
        rmdir(folder);
}

static void many_rows(void **state)
{
        (void)state;
        char *text = NULL;
        size_t length;
        FILE *file = open_memstream(&text, &length);
        fputs("tac,vendor,model\n", file);
        for (unsigned i = 50000; i-- > 0;)
                fprintf(file, "%08u,vendor %u,model %u\n", i * 7, i % 10, i);
        fclose(file);
        struct tac_list *list = load(text);
        assert_int_equal(tac_list_count(list), 50000);
        check(list, "00349993", "vendor 9", "model 49999");
        check(list, "00000000", "vendor 0", "model 0");
        assert_null(tac_list_find(list, "00000001"));
        tac_list_destroy(list);
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_plain_list_has_its_columns_in_any_order),
                cmocka_unit_test(the_layout_of_the_gsma_with_its_many_columns),
                cmocka_unit_test(the_type_says_which_are_phones),
                cmocka_unit_test(a_long_field_of_a_column_that_is_not_read_is_no_fault),
                cmocka_unit_test(every_fault_is_told_with_its_place),
                cmocka_unit_test(the_same_again_is_no_fault),
                cmocka_unit_test(a_later_file_wins_and_all_win_over_what_is_shipped),
                cmocka_unit_test(many_rows),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
