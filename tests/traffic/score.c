/* Do the alerts of a run fit the labels of its traffic?
 *
 *     score LABELS ALERTS
 *
 * LABELS are mkfleet's, ALERTS what apnwatch wrote to jsonl:. An alert fits a label by type, device (by address, and by SIM
 * where both know one), peer, severity where one is wanted, and time. Told are labels that nothing fits (missed), decoys
 * that something fits (fooled), and alerts that fit no label (unasked; those of type sensor.* are not counted). Fails when
 * there is any. */
#define _GNU_SOURCE /* strptime, timegm */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINE_SIZE = 1 << 20 };

struct lines {
        json_t **items;
        bool *fitted;
        size_t count, capacity;
};

static bool lines_read(struct lines *lines, const char *path)
{
        static char line[LINE_SIZE];
        json_error_t error;
        FILE *file = fopen(path, "r");
        if (file == NULL) {
                perror(path);
                return false;
        }
        while (fgets(line, sizeof(line), file) != NULL) {
                json_t *item = json_loads(line, 0, &error);
                if (item == NULL) {
                        fprintf(stderr, "%s: line %zu: %s\n", path, lines->count + 1, error.text);
                        fclose(file);
                        return false;
                }
                if (lines->count == lines->capacity) {
                        lines->capacity = lines->capacity * 2 + 256;
                        lines->items = realloc(lines->items, lines->capacity * sizeof(json_t *));
                        if (lines->items == NULL)
                                abort();
                }
                lines->items[lines->count++] = item;
        }
        fclose(file);
        lines->fitted = calloc(lines->count + 1, sizeof(bool));
        return lines->fitted != NULL;
}

static void lines_free(struct lines *lines)
{
        for (size_t i = 0; i < lines->count; i++)
                json_decref(lines->items[i]);
        free(lines->items);
        free(lines->fitted);
}

static const char *text_of(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));
        return text != NULL ? text : "";
}

static bool list_has(const json_t *list, const char *text)
{
        size_t index;
        json_t *item;
        json_array_foreach(list, index,
                           item) if (json_is_string(item) && strcmp(json_string_value(item), text) == 0) return true;
        return false;
}

/* Unix seconds of "2026-03-01T02:03:04.567Z"; -1 when there is none. */
static json_int_t second_of(const json_t *alert, const char *key)
{
        struct tm date = {0};
        const char *text = text_of(alert, key);
        return strptime(text, "%Y-%m-%dT%H:%M:%S", &date) != NULL ? (json_int_t)timegm(&date) : -1;
}

static bool time_fits(const json_t *label, const json_t *alert)
{
        json_int_t from = second_of(alert, "first"), to = second_of(alert, "last");
        if (from < 0)
                from = second_of(alert, "time");
        if (to < from)
                to = from;
        return from <= json_integer_value(json_object_get(label, "t1")) &&
               to >= json_integer_value(json_object_get(label, "t0"));
}

/* An address may have been another SIM's a moment ago. */
static bool sim_fits(const json_t *label, const json_t *device)
{
        const char *wanted = text_of(label, "imsi"), *is = text_of(device, "imsi");
        return wanted[0] == '\0' || is[0] == '\0' || strcmp(wanted, is) == 0;
}

static bool device_fits(const json_t *label, const json_t *alert)
{
        const json_t *device = json_object_get(alert, "device");
        const char *ip = text_of(label, "ip"), *is = text_of(device, "ip");
        if (ip[0] == '\0' || list_has(json_object_get(label, "devices"), is))
                return true;
        if (strcmp(is, ip) == 0)
                return sim_fits(label, device);
        return list_has(json_object_get(alert, "devices"), ip);
}

static bool severity_fits(const json_t *label, const json_t *alert)
{
        const char *wanted = text_of(label, "severity");
        return wanted[0] == '\0' || strcmp(wanted, text_of(alert, "severity")) == 0;
}

static bool peer_fits(const json_t *label, const json_t *alert)
{
        const char *wanted = text_of(label, "peer"), *is = text_of(json_object_get(alert, "peer"), "ip");
        return wanted[0] == '\0' || is[0] == '\0' || strcmp(wanted, is) == 0;
}

static bool alert_fits(const json_t *label, const json_t *alert)
{
        return list_has(json_object_get(label, "types"), text_of(alert, "type")) && device_fits(label, alert) &&
               peer_fits(label, alert) && severity_fits(label, alert) && time_fits(label, alert);
}

static void print_label(const char *verdict, const json_t *label)
{
        char *types = json_dumps(json_object_get(label, "types"), JSON_COMPACT);
        printf("%s: %s %s to %s at %lld: %s\n", verdict, types != NULL ? types : "", text_of(label, "ip"),
               text_of(label, "peer"), (long long)json_integer_value(json_object_get(label, "t0")), text_of(label, "what"));
        free(types);
}

static void print_alert(const char *verdict, const json_t *alert)
{
        const json_t *device = json_object_get(alert, "device");
        printf("%s: %s %s %s %s to %s at %s: %s\n", verdict, text_of(alert, "type"), text_of(alert, "severity"),
               text_of(device, "ip"), text_of(device, "imsi"), text_of(json_object_get(alert, "peer"), "ip"),
               text_of(alert, "time"), text_of(alert, "title"));
}

/* How many faults. */
static unsigned score_label(const json_t *label, struct lines *alerts)
{
        bool decoy = json_is_true(json_object_get(label, "decoy")), fitted = false;
        bool optional = json_is_true(json_object_get(label, "optional"));
        for (size_t i = 0; i < alerts->count; i++) {
                if (!alert_fits(label, alerts->items[i]))
                        continue;
                fitted = true;
                if (decoy)
                        print_alert("fooled", alerts->items[i]);
                else
                        alerts->fitted[i] = true;
        }
        if (decoy && fitted)
                print_label("    by", label);
        if (!decoy && !fitted && !optional)
                print_label("missed", label);
        return decoy == fitted && !optional;
}

int main(int argc, char **argv)
{
        struct lines labels = {0}, alerts = {0};
        unsigned faults = 0, unasked = 0;
        if (argc != 3) {
                fputs("usage: score LABELS ALERTS\n", stderr);
                return 2;
        }
        if (!lines_read(&labels, argv[1]) || !lines_read(&alerts, argv[2]))
                return 2;
        for (size_t i = 0; i < labels.count; i++)
                faults += score_label(labels.items[i], &alerts);
        for (size_t i = 0; i < alerts.count; i++) {
                if (alerts.fitted[i] || strncmp(text_of(alerts.items[i], "type"), "sensor.", 7) == 0)
                        continue;
                print_alert("unasked", alerts.items[i]);
                unasked++;
        }
        printf("score: %zu labels, %zu alerts, %u missed or fooled, %u unasked\n", labels.count, alerts.count, faults,
               unasked);
        lines_free(&labels);
        lines_free(&alerts);
        return faults + unasked == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
