/* The text exposition format, 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/. Histograms, summaries and
 * timestamps are left out: nothing here has them. */
#include "deliver/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Label sets are bounded, so that this is met by a mistake only: then there is no text instead of a large one. */
enum { TEXT_LIMIT = 8 << 20, FAMILY_NAME_SIZE = 96, LABEL_LIMIT = 512, FIRST_CAPACITY = 16 << 10 };

struct metrics_writer {
        char *text;
        size_t length, capacity;
        bool failed;
        char family[FAMILY_NAME_SIZE];
};

static void put(struct metrics_writer *writer, const char *bytes, size_t length)
{
        if (writer->failed || writer->length + length >= TEXT_LIMIT) {
                writer->failed = true;
                return;
        }
        if (writer->length + length >= writer->capacity) {
                size_t capacity = writer->capacity ? writer->capacity : FIRST_CAPACITY;
                while (capacity <= writer->length + length)
                        capacity *= 2;
                char *text = realloc(writer->text, capacity);
                if (text == NULL) {
                        writer->failed = true;
                        return;
                }
                writer->text = text;
                writer->capacity = capacity;
        }
        memcpy(writer->text + writer->length, bytes, length);
        writer->length += length;
        writer->text[writer->length] = '\0';
}

static void put_text(struct metrics_writer *writer, const char *text)
{
        put(writer, text, strlen(text));
}

/* Backslash and line feed, in labels the quote too, have escapes of the format's own. What is not UTF-8, which a scraper refuses, and
 * other control characters become \xNN first, which the backslash's escape then carries as it is. */
static void put_escaped(struct metrics_writer *writer, const char *value, bool is_label)
{
        const uint8_t *at = (const uint8_t *)value;
        for (size_t i = 0, length = strnlen(value, LABEL_LIMIT); i < length;) {
                unsigned taken = text_character(at + i, length - i);
                char piece[TEXT_ESCAPED_MOST + 1];
                if (taken == 0) {
                        text_escape(at + i, 1, piece, sizeof piece);
                        put(writer, "\\", 1);
                        put_text(writer, piece);
                        taken = 1;
                } else if (at[i] == '\n') {
                        put(writer, "\\n", 2);
                } else if (at[i] == '\\' || (at[i] == '"' && is_label)) {
                        put(writer, "\\", 1);
                        put(writer, value + i, 1);
                } else if (at[i] < 0x20 || at[i] == 0x7f) {
                        text_escape(at + i, 1, piece, sizeof piece);
                        put(writer, "\\", 1);
                        put_text(writer, piece);
                } else {
                        put(writer, value + i, taken);
                }
                i += taken;
        }
}

static bool is_name(const char *name)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyz_", digits[] = "0123456789";
        if (*name == '\0' || strchr(letters, *name) == NULL)
                return false;
        for (; *name != '\0'; name++)
                if (strchr(letters, *name) == NULL && strchr(digits, *name) == NULL)
                        return false;
        return true;
}

static bool ends_in_total(const char *name)
{
        size_t length = strlen(name);
        return length > 6 && strcmp(name + length - 6, "_total") == 0;
}

void metrics_family(struct metrics_writer *writer, const char *name, enum metric_type type, const char *help)
{
        assert(is_name(name) && strncmp(name, "apnwatch_", 9) == 0 && strlen(name) < sizeof writer->family);
        assert(ends_in_total(name) == (type == METRIC_COUNTER));
        snprintf(writer->family, sizeof writer->family, "%s", name);
        put_text(writer, "# HELP ");
        put_text(writer, name);
        put_text(writer, " ");
        put_escaped(writer, help, false);
        put_text(writer, "\n# TYPE ");
        put_text(writer, name);
        put_text(writer, type == METRIC_COUNTER ? " counter\n" : " gauge\n");
}

static void put_sample(struct metrics_writer *writer, const char *value, va_list labels)
{
        const char *label;
        bool first = true;
        assert(writer->family[0] != '\0');
        put_text(writer, writer->family);
        while ((label = va_arg(labels, const char *)) != NULL) {
                const char *text = va_arg(labels, const char *);
                assert(is_name(label) && text != NULL);
                put_text(writer, first ? "{" : ",");
                put_text(writer, label);
                put_text(writer, "=\"");
                put_escaped(writer, text, true);
                put_text(writer, "\"");
                first = false;
        }
        put_text(writer, first ? " " : "} ");
        put_text(writer, value);
        put_text(writer, "\n");
}

void metrics_count(struct metrics_writer *writer, uint64_t value, ...)
{
        char text[24];
        va_list labels;
        snprintf(text, sizeof text, "%llu", (unsigned long long)value);
        va_start(labels, value);
        put_sample(writer, text, labels);
        va_end(labels);
}

void metrics_measure(struct metrics_writer *writer, double value, ...)
{
        char text[32];
        va_list labels;
        if (isnan(value))
                snprintf(text, sizeof text, "NaN");
        else if (isinf(value))
                snprintf(text, sizeof text, value > 0 ? "+Inf" : "-Inf");
        else if (snprintf(text, sizeof text, "%.15g", value) > 0 && strtod(text, NULL) != value)
                snprintf(text, sizeof text, "%.17g", value);
        va_start(labels, value);
        put_sample(writer, text, labels);
        va_end(labels);
}

char *metrics_text(metrics_collect_fn collect, void *context, size_t *length)
{
        struct metrics_writer writer = {.text = NULL};
        put(&writer, "", 0);
        collect(context, &writer);
        if (writer.failed) {
                free(writer.text);
                return NULL;
        }
        *length = writer.length;
        return writer.text;
}
