#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/document.h"

struct part {
        char *name;
        uint32_t number;
        unsigned line;
};

struct thing {
        char *name;
        bool on;
        uint32_t number, seconds, milliseconds;
        uint64_t size, number64;
        int choice;
        struct string_list texts;
        struct prefix_list prefixes;
        struct number_list numbers;
        struct part part, *parts;
        unsigned part_count;
        unsigned others;
};

static void finish_part(struct document *document, const struct yaml_node_s *node, void *at)
{
        (void)document;
        ((struct part *)at)->line = document_line(node);
}

static void read_other(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        (void)document;
        (void)node;
        assert_non_null(field->key);
        ((struct thing *)at)->others++;
}

static const char *const colours[] = {"red", "green", "blue", NULL};
static const struct field part_fields[] = {
        {"name", read_text, offsetof(struct part, name), NULL, 0, 0, true},
        {"number", read_number, offsetof(struct part, number), NULL, 0, 0, false},
        {.key = NULL},
};
static const struct mapping part_mapping = {.what = "a part", .fields = part_fields, .finish = finish_part};
static const struct items_kind part_items = {&part_mapping, sizeof(struct part), offsetof(struct thing, part_count),
                                             offsetof(struct thing, parts), 100};
#define THING(key, reader, member, ...) {key, reader, offsetof(struct thing, member), __VA_ARGS__}
static const struct field thing_fields[] = {
        THING("name", read_text, name, NULL, 0, 0, false),
        THING("on", read_bool, on, NULL, 0, 0, false),
        THING("number", read_number, number, NULL, 5, 10, false),
        THING("number64", read_number64, number64, NULL, 0, 0, false),
        THING("seconds", read_seconds, seconds, NULL, 0, 0, false),
        THING("milliseconds", read_milliseconds, milliseconds, NULL, 0, 0, false),
        THING("size", read_size, size, NULL, 0, 0, false),
        THING("choice", read_choice, choice, colours, 0, 0, false),
        THING("texts", read_texts, texts, NULL, 0, 0, false),
        THING("prefixes", read_prefixes, prefixes, NULL, 0, 0, false),
        THING("numbers", read_numbers, numbers, NULL, 0, 100, false),
        THING("part", read_mapping, part, &part_mapping, 0, 0, false),
        THING("parts", read_items, parts, &part_items, 0, 0, false),
        {.key = NULL},
};
static const struct mapping strict = {.what = "a thing", .fields = thing_fields};
static const struct mapping lenient = {.what = "a thing", .fields = thing_fields, .other = read_other};

static void clear(struct thing *thing)
{
        free(thing->name);
        string_list_clear(&thing->texts);
        prefix_list_clear(&thing->prefixes);
        number_list_clear(&thing->numbers);
        free(thing->part.name);
        for (unsigned i = 0; i < thing->part_count; i++)
                free(thing->parts[i].name);
        free(thing->parts);
}

/* What a text says in messages; the thing is dropped unless wanted. */
static char *messages_of(const char *text, size_t length, const struct mapping *mapping, struct thing *out)
{
        char *messages = NULL;
        size_t size;
        struct thing thing = {0};
        FILE *errors = open_memstream(&messages, &size);
        struct document *document = document_parse("f.yaml", text, length, errors, NULL);
        if (document != NULL)
                document_fill(document, mapping, &thing);
        document_destroy(document);
        fclose(errors);
        if (out != NULL)
                *out = thing;
        else
                clear(&thing);
        return messages;
}

static void assert_says(const char *text, const char *expected)
{
        char *messages = messages_of(text, strlen(text), &strict, NULL);
        if (strcmp(messages, expected) != 0)
                print_error("for:\n%s\ngot:\n%s", text, messages);
        assert_string_equal(messages, expected);
        free(messages);
}

static void every_shape_is_read(void **state)
{
        static const char text[] = "name: x\non: yes\nnumber: 7\nnumber64: 18446744073709551615\nseconds: 1h30m\n"
                                   "milliseconds: 1500ms\nsize: 4GiB\nchoice: blue\ntexts: one\n"
                                   "prefixes: [10.0.0.0/8, '2001:db8::/32']\nnumbers: 7\npart: {name: inner}\n"
                                   "parts:\n  - {name: a, number: 1}\n  - name: b\n";
        struct thing thing;
        char *messages = messages_of(text, strlen(text), &strict, &thing);
        (void)state;
        assert_string_equal(messages, "");
        assert_string_equal(thing.name, "x");
        assert_true(thing.on);
        assert_int_equal(thing.number, 7);
        assert_true(thing.number64 == UINT64_MAX);
        assert_int_equal(thing.seconds, 5400);
        assert_int_equal(thing.milliseconds, 1500);
        assert_true(thing.size == 4ULL << 30);
        assert_int_equal(thing.choice, 2);
        assert_int_equal(thing.texts.count, 1);
        assert_int_equal(thing.prefixes.count, 2);
        assert_int_equal(thing.prefixes.items[0].length, 104);
        assert_int_equal(thing.numbers.count, 1);
        assert_string_equal(thing.part.name, "inner");
        assert_int_equal(thing.part_count, 2);
        assert_int_equal(thing.parts[1].line, 15);
        free(messages);
        clear(&thing);
}

static void every_fault_is_told_with_its_place(void **state)
{
        (void)state;
        assert_says("nam: x\n", "f.yaml:1:1: unknown key \"nam\" in a thing; expected \"name\"?\n");
        assert_says("name: x\nname: y\n", "f.yaml:2:1: \"name\" stands a second time in a thing; expected once\n");
        assert_says("on: maybe\n", "f.yaml:1:5: \"maybe\"; expected true or false\n");
        assert_says("number: 11\n", "f.yaml:1:9: \"11\"; expected a number from 5 to 10\n");
        assert_says("number: [7]\n", "f.yaml:1:9: a list; expected a number\n");
        assert_says("name:\n", "f.yaml:1:6: no value; expected text\n");
        assert_says("choice: pink\n", "f.yaml:1:9: \"pink\"; expected red, green or blue\n");
        assert_says("prefixes: [10.0.0.0/33]\n",
                    "f.yaml:1:12: \"10.0.0.0/33\"; expected an address or prefix such as 10.0.0.0/8 or 2001:db8::/32\n");
        assert_says("parts:\n  - {number: 1}\n", "f.yaml:2:5: no \"name\" in a part; expected it\n");
        assert_says("part: 7\n", "f.yaml:1:7: a value where a part stands; expected a mapping of keys\n");
        assert_says("size: 4 gigs\n", "f.yaml:1:7: \"4 gigs\"; expected a size such as 64MiB or 4GiB\n");
        assert_says("[1, 2]\n", "f.yaml:1:1: a list where a thing stands; expected a mapping of keys\n");
        assert_says("name: \"a\\0b\"\n", "f.yaml:1:7: a NUL in the text; expected text\n");
}

static void a_file_that_is_no_yaml_is_told_once(void **state)
{
        (void)state;
        assert_says("", "f.yaml:1:1: the file is empty; expected a mapping of keys\n");
        assert_says("# nothing\n", "f.yaml:1:1: the file is empty; expected a mapping of keys\n");
        assert_says("a: [1\n",
                    "f.yaml:2:1: not YAML: did not find expected ',' or ']' while parsing a flow sequence (from line 1); "
                    "expected YAML 1.1\n");
        assert_says("name: *nobody\n", "f.yaml:1:7: not YAML: found undefined alias; expected YAML 1.1\n");
        assert_says("name: x\n---\nname: y\n", "f.yaml:3:1: a second document in the file; expected one\n");
        assert_says("name: x\nname: \xff\n", "f.yaml:2:7: not YAML: invalid leading UTF-8 octet; expected YAML 1.1\n");
}

static void twenty_faults_are_twenty_messages(void **state)
{
        char text[2000] = "";
        (void)state;
        for (unsigned i = 0; i < 20; i++)
                sprintf(text + strlen(text), "wrong%u: 1\n", i);
        char *messages = messages_of(text, strlen(text), &strict, NULL);
        unsigned lines = 0;
        for (const char *at = messages; (at = strchr(at, '\n')) != NULL; at++)
                lines++;
        assert_int_equal(lines, 20);
        free(messages);
}

static void unknown_keys_may_be_taken(void **state)
{
        struct thing thing;
        (void)state;
        char *messages = messages_of("x: 1\ny: 2\nname: z\n", 18, &lenient, &thing);
        assert_string_equal(messages, "");
        assert_int_equal(thing.others, 2);
        free(messages);
        clear(&thing);
}

static void a_mapping_inside_itself_ends(void **state)
{
        (void)state;
        assert_says("part: &p {name: x, other: *p}\n",
                    "f.yaml:1:20: unknown key \"other\" in a part; expected one of name, number\n");
        assert_says("parts: &p [*p]\n", "f.yaml:1:8: a list where a part stands; expected a mapping of keys\n");
}

static void depth_is_bounded_before_it_costs(void **state)
{
        enum { DEPTH = 200000 };
        char *text = malloc(DEPTH);
        (void)state;
        memset(text, '[', DEPTH);
        char *messages = messages_of(text, DEPTH, &strict, NULL);
        assert_string_equal(messages, "f.yaml:1:101: too deep; expected at most 100 levels\n");
        free(messages);
        free(text);
}

static void what_is_deep_and_short_is_refused_by_who_reads(void **state)
{
        enum { DEPTH = 500 };
        char text[6 + 2 * DEPTH];
        struct thing thing = {0};
        (void)state;
        memcpy(text, "part: ", 6);
        memset(text + 6, '[', DEPTH);
        memset(text + 6 + DEPTH, ']', DEPTH);
        char *messages = messages_of(text, sizeof text, &strict, &thing);
        assert_string_equal(messages, "f.yaml:1:7: a list where a part stands; expected a mapping of keys\n");
        free(messages);
        clear(&thing);
}

static void a_list_used_very_often_is_refused(void **state)
{
        enum { ITEMS = 20000, USES = 60 };
        size_t room = ITEMS * 2 + USES * 40 + 1000;
        char *text = malloc(room), *at = text;
        (void)state;
        at += sprintf(at, "texts: &a [");
        for (unsigned i = 0; i < ITEMS; i++)
                at += sprintf(at, "x,");
        at += sprintf(at, "]\n");
        struct thing thing = {0};
        char *messages = NULL;
        size_t size;
        FILE *errors = open_memstream(&messages, &size);
        struct document *document = document_parse("f.yaml", text, (size_t)(at - text), errors, NULL);
        for (unsigned i = 0; i < USES; i++) {
                document_fill(document, &strict, &thing);
                clear(&thing);
                memset(&thing, 0, sizeof thing);
        }
        assert_int_equal(document_error_count(document), 1);
        document_destroy(document);
        fclose(errors);
        assert_non_null(strstr(messages, "too many values, aliases counted"));
        free(messages);
        free(text);
}

static void durations_have_units(void **state)
{
        static const struct {
                const char *text;
                bool valid;
                int64_t seconds;
        } rows[] = {
                {"90", true, 90},
                {"15m", true, 900},
                {"1h30m", true, 5400},
                {"2d", true, 172800},
                {"+56y 2d", true, 1766188800},
                {"-1h", true, -3600},
                {"", false, 0},
                {"m", false, 0},
                {"5 parsecs", false, 0},
                {"99999999999999999999", false, 0},
                {"400y", false, 0},
                {"1w", true, 604800},
                {"10min", true, 600},
        };
        (void)state;
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                int64_t ns = 0;
                bool valid = duration_parse(rows[i].text, &ns);
                if (valid != rows[i].valid || (valid && ns != rows[i].seconds * 1000000000))
                        fail_msg("%s", rows[i].text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_shape_is_read),
                cmocka_unit_test(every_fault_is_told_with_its_place),
                cmocka_unit_test(a_file_that_is_no_yaml_is_told_once),
                cmocka_unit_test(twenty_faults_are_twenty_messages),
                cmocka_unit_test(unknown_keys_may_be_taken),
                cmocka_unit_test(a_mapping_inside_itself_ends),
                cmocka_unit_test(depth_is_bounded_before_it_costs),
                cmocka_unit_test(what_is_deep_and_short_is_refused_by_who_reads),
                cmocka_unit_test(a_list_used_very_often_is_refused),
                cmocka_unit_test(durations_have_units),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
