/* contrib/schema/alert.schema.json against alert.proto and against what jsonl: writes: every field of the message is a
 * property with the right type, no property is without its field, and produced alerts meet the parts of JSON Schema that the
 * file uses. */
#include "model/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <regex.h>

#include "tests/unit/deliver/sample_alert.h"
#include "tests/unit/test.h"

static json_t *schema;

static const json_t *resolve(const json_t *rule)
{
        const char *reference = json_string_value(json_object_get(rule, "$ref"));
        if (reference == NULL)
                return rule;
        assert_int_equal(strncmp(reference, "#/$defs/", 8), 0);
        const json_t *found = json_object_get(json_object_get(schema, "$defs"), reference + 8);
        assert_non_null(found);
        return found;
}

static bool has_type(const json_t *value, const char *type)
{
        return (strcmp(type, "string") == 0 && json_is_string(value)) ||
               (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
               (strcmp(type, "number") == 0 && json_is_number(value)) ||
               (strcmp(type, "boolean") == 0 && json_is_boolean(value)) ||
               (strcmp(type, "array") == 0 && json_is_array(value)) ||
               (strcmp(type, "object") == 0 && json_is_object(value));
}

static bool meets_pattern(const char *text, const char *pattern)
{
        regex_t compiled;
        assert_int_equal(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB), 0);
        bool found = regexec(&compiled, text, 0, NULL, 0) == 0;
        regfree(&compiled);
        return found;
}

static bool is_one_of(const json_t *value, const json_t *allowed)
{
        size_t index;
        json_t *one;
        json_array_foreach(allowed, index, one)
                if (json_equal(one, value))
                        return true;
        return false;
}

static bool meets(const json_t *value, const json_t *rule, const char *name);

static bool meets_object(const json_t *value, const json_t *rule, const char *name)
{
        const char *key;
        json_t *member, *properties = json_object_get(rule, "properties"), *required;
        size_t index;
        bool good = (json_int_t)json_object_size(value) >= json_integer_value(json_object_get(rule, "minProperties"));
        json_array_foreach(json_object_get(rule, "required"), index, required)
                good &= json_object_get(value, json_string_value(required)) != NULL;
        json_object_foreach((json_t *)(uintptr_t)value, key, member) {
                const json_t *property = json_object_get(properties, key);
                good &= property ? meets(member, property, key)
                                 : !json_is_false(json_object_get(rule, "additionalProperties"));
        }
        if (!good)
                print_message("%s: object\n", name);
        return good;
}

static bool meets_bounds(const json_t *value, const json_t *rule)
{
        const json_t *minimum = json_object_get(rule, "minimum"), *maximum = json_object_get(rule, "maximum");
        if (json_is_number(value))
                return (!minimum || json_number_value(value) >= json_number_value(minimum)) &&
                       (!maximum || json_number_value(value) <= json_number_value(maximum));
        const json_t *most = json_object_get(rule, "maxItems");
        if (json_is_array(value))
                return (json_int_t)json_array_size(value) >= json_integer_value(json_object_get(rule, "minItems")) &&
                       (!most || (json_int_t)json_array_size(value) <= json_integer_value(most));
        if (json_is_string(value))
                return (json_int_t)json_string_length(value) >= json_integer_value(json_object_get(rule, "minLength"));
        return true;
}

static bool meets(const json_t *value, const json_t *rule, const char *name)
{
        rule = resolve(rule);
        const char *type = json_string_value(json_object_get(rule, "type")),
                   *pattern = json_string_value(json_object_get(rule, "pattern"));
        const json_t *allowed = json_object_get(rule, "enum"), *items = json_object_get(rule, "items");
        bool good = (!type || has_type(value, type)) && (!allowed || is_one_of(value, allowed)) &&
                    meets_bounds(value, rule) && (!pattern || meets_pattern(json_string_value(value), pattern));
        size_t index;
        json_t *item;
        if (json_is_array(value) && items)
                json_array_foreach(value, index, item)
                        good &= meets(item, items, name);
        if (json_is_object(value))
                good &= meets_object(value, rule, name);
        if (!good)
                print_message("%s does not meet its rule\n", name);
        return good;
}

static const char *wanted_type(const ProtobufCFieldDescriptor *field)
{
        const ProtobufCMessageDescriptor *message = field->descriptor;
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
        case PROTOBUF_C_TYPE_ENUM:
                return "string";
        case PROTOBUF_C_TYPE_BOOL:
                return "boolean";
        case PROTOBUF_C_TYPE_DOUBLE:
                return "number";
        case PROTOBUF_C_TYPE_MESSAGE:
                return strcmp(message->short_name, "Time") == 0 ? "string" : "object";
        default:
                return "integer";
        }
}

static void assert_same_names(const json_t *rule, const ProtobufCMessageDescriptor *message)
{
        const json_t *properties = json_object_get(rule, "properties");
        for (unsigned i = 0; i < message->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &message->fields[i];
                const json_t *property = json_object_get(properties, field->name);
                if (property == NULL)
                        fail_msg("the schema has no %s.%s", message->short_name, field->name);
                property = resolve(property);
                if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                        assert_string_equal(json_string_value(json_object_get(property, "type")), "array");
                        property = resolve(json_object_get(property, "items"));
                }
                const char *type = json_string_value(json_object_get(property, "type"));
                if (type == NULL) { /* an enum: of strings */
                        assert_true(json_is_string(json_array_get(json_object_get(property, "enum"), 0)));
                        type = "string";
                }
                if (strcmp(type, wanted_type(field)) != 0)
                        fail_msg("%s.%s is %s in the schema", message->short_name, field->name, type);
                if (strcmp(type, "object") == 0)
                        assert_same_names(property, field->descriptor);
                if (field->type == PROTOBUF_C_TYPE_ENUM) {
                        const ProtobufCEnumDescriptor *values = field->descriptor;
                        assert_int_equal(json_array_size(json_object_get(property, "enum")), values->n_values);
                }
                bool is_required = false;
                size_t index;
                json_t *name;
                json_array_foreach(json_object_get(rule, "required"), index, name)
                        is_required |= strcmp(json_string_value(name), field->name) == 0;
                assert_int_equal(is_required, field->label == PROTOBUF_C_LABEL_REQUIRED);
        }
        assert_int_equal(json_object_size(properties), message->n_fields);
}

static void the_schema_names_every_field_and_no_other(void **state)
{
        (void)state;
        assert_same_names(schema, &apnwatch__v1__alert__descriptor);
}

static json_t *as_json(const struct sample_alert *sample)
{
        struct json_buffer line = {0};
        model_json_write(&sample->alert.base, &line);
        json_t *value = json_loadb(line.text, line.length, JSON_REJECT_DUPLICATES, NULL);
        json_buffer_clear(&line);
        assert_non_null(value);
        return value;
}

static void produced_alerts_meet_it(void **state)
{
        (void)state;
        struct sample_alert sample;
        sample_alert_fill(&sample);
        char digest[] = "sha256:00";
        sample.alert.policy = digest;
        json_t *full = as_json(&sample);
        assert_true(meets(full, schema, "the full alert"));
        sample_alert_fill_least(&sample);
        json_t *least = as_json(&sample);
        assert_true(meets(least, schema, "the least alert"));
        json_decref(full);
        json_decref(least);
}

static void what_is_wrong_does_not_meet_it(void **state)
{
        (void)state;
        struct sample_alert sample;
        static const struct {
                const char *key, *value;
        } wrong[] = {
                {"severity", "\"grave\""},
                {"score", "101"},
                {"score", "\"5\""},
                {"time", "\"2026-03-01\""},
                {"id", "\"\""},
                {"extra", "1"},
                {"device", "{}"},
                {"device", "{\"imsi\":262011234567890}"},
                {"devices", "[]"},
                {"attack", "[\"X1\"]"},
                {"count", "0"},
                {"first", "null"},
                {"peer", "{\"port\":65536}"},
        };
        sample_alert_fill(&sample);
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
                json_t *alert = as_json(&sample);
                json_object_set_new(alert, wrong[i].key, json_loads(wrong[i].value, JSON_DECODE_ANY, NULL));
                if (meets(alert, schema, "(expected)"))
                        fail_msg("%s: %s meets the schema", wrong[i].key, wrong[i].value);
                json_decref(alert);
        }
        json_t *alert = as_json(&sample);
        json_object_del(alert, "scope");
        assert_false(meets(alert, schema, "(expected) without scope"));
        json_decref(alert);
}

static int load_schema(void **state)
{
        (void)state;
        char path[4096];
        json_error_t error;
        const char *source = getenv("srcdir");
        snprintf(path, sizeof path, "%s/contrib/schema/alert.schema.json", source ? source : ".");
        schema = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
        if (schema == NULL)
                print_error("%s:%d: %s\n", path, error.line, error.text);
        return schema ? 0 : -1;
}

static int drop_schema(void **state)
{
        (void)state;
        json_decref(schema);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_schema_names_every_field_and_no_other),
                cmocka_unit_test(produced_alerts_meet_it),
                cmocka_unit_test(what_is_wrong_does_not_meet_it),
        };
        return cmocka_run_group_tests(tests, load_schema, drop_schema);
}
