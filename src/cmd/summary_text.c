#include "cmd/summary_text.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "judge/report.h"

enum { WIDTH = 80, INPUTS_SHOWN = 8, VENDORS_SHOWN = 3 };

static const char *count_text(uint64_t value, char text[32])
{
        char digits[24];
        int length = snprintf(digits, sizeof digits, "%" PRIu64, value), at = 0;
        for (int i = 0; i < length; i++) {
                if (i > 0 && (length - i) % 3 == 0)
                        text[at++] = ' ';
                text[at++] = digits[i];
        }
        text[at] = '\0';
        return text;
}

static const char *time_text(int64_t time_ns, char text[32])
{
        time_t seconds = (time_t)(time_ns / 1000000000);
        struct tm parts;
        if (gmtime_r(&seconds, &parts) == NULL || strftime(text, 32, "%Y-%m-%d %H:%M:%S", &parts) == 0)
                text[0] = '\0';
        return text;
}

/* The text in at most `width` columns, its middle left out; bytes are columns, names here are ASCII for the most part. */
static const char *cut_text(const char *text, size_t width, char out[WIDTH + 1])
{
        size_t length = strlen(text);
        if (length <= width)
                return text;
        size_t front = (width - 3) / 2, back = width - 3 - front;
        while (front > 0 && ((unsigned char)text[front] & 0xc0) == 0x80)
                front--;
        while (back > 0 && ((unsigned char)text[length - back] & 0xc0) == 0x80)
                back--;
        memcpy(out, text, front);
        memcpy(out + front, "...", 3);
        memcpy(out + front + 3, text + length - back, back + 1);
        return out;
}

static const char *last_part(const char *path)
{
        const char *slash = strrchr(path, '/');
        return slash && slash[1] ? slash + 1 : path;
}

static void print_inputs(const struct judge_report *report, FILE *out)
{
        char packets[32], first[32], last[32], cut[WIDTH + 1];
        unsigned good = 0;
        for (unsigned i = 0; i < report->input_count; i++)
                good += strcmp(report->inputs[i].state, "ok") == 0;
        if (report->input_count == 0)
                return; /* live */
        fprintf(out, "%s packets in %u %s", count_text(report->packets, packets), good, good == 1 ? "capture" : "captures");
        if (report->first_ns != 0)
                fprintf(out, ", %s to %s UTC", time_text(report->first_ns, first), time_text(report->last_ns, last));
        fputc('\n', out);
        unsigned shown = 0, passed_over = 0;
        for (unsigned i = 0; i < report->input_count; i++) {
                const struct report_input *input = &report->inputs[i];
                bool fine = strcmp(input->state, "ok") == 0 || (!input->named && strcmp(input->state, "not_capture") == 0);
                passed_over += fine && strcmp(input->state, "ok") != 0;
                if (fine || shown++ >= INPUTS_SHOWN)
                        continue;
                fprintf(out, "  %s: ", cut_text(input->path, 36, cut));
                fprintf(out, "%s\n", cut_text(input->verdict, 40, cut));
        }
        if (shown > INPUTS_SHOWN)
                fprintf(out, "  and %u more inputs that could not be read whole\n", shown - INPUTS_SHOWN);
        if (passed_over > 0)
                fprintf(out, "  %u other files in folders were passed over\n", passed_over);
}

static void print_fleets(const struct judge_report *report, FILE *out)
{
        char number[32], cut[WIDTH + 1];
        if (report->devices == 0)
                return;
        fputs("\nFleet                 Devices   readable  name only  opaque  one-way  Vendors\n", out);
        for (unsigned i = 0; i < report->fleet_count; i++) {
                const struct fleet_state *fleet = report->fleets[i];
                uint64_t total = 0;
                if (fleet->fleet == NULL && fleet->devices == 0)
                        continue;
                for (int c = 0; c < COVERAGES; c++)
                        total += fleet->bytes[c];
                fprintf(out, "%-20s %8s", cut_text(fleet->name, 20, cut), count_text(fleet->devices, number));
                static const int widths[] = {9, 9, 6, 7};
                for (int c = 0; c <= COVERAGE_ONE_WAY; c++) {
                        if (total == 0)
                                fprintf(out, "  %*s", widths[c], "-");
                        else
                                fprintf(out, "  %*.0f%%", widths[c] - 1, 100.0 * (double)fleet->bytes[c] / (double)total);
                }
                fputs("  ", out);
                for (unsigned v = 0; v < fleet->vendor_count && v < VENDORS_SHOWN; v++)
                        fprintf(out, "%s%s", v ? ", " : "", cut_text(fleet->vendors[v].name, 12, cut));
                fputs(fleet->vendor_count == 0 ? "-\n" : fleet->vendor_count > VENDORS_SHOWN ? " ...\n" : "\n", out);
        }
        for (unsigned i = 0; i < report->fleet_count; i++)
                if (report->fleets[i]->undetermined > 0)
                        fprintf(out, "  %s: %s of %" PRIu64 " flows undetermined (start or names were not seen)\n",
                                cut_text(report->fleets[i]->name, 20, cut), count_text(report->fleets[i]->undetermined, number),
                                report->fleets[i]->flows);
}

static void print_alerts(const struct judge_report *report, FILE *out)
{
        uint64_t total = 0, rows[FINDING_TYPES] = {0};
        for (int type = 0; type < FINDING_TYPES; type++)
                for (int severity = 0; severity < REPORT_SEVERITIES; severity++)
                        rows[type] += report->alerts[type][severity];
        for (int type = 0; type < FINDING_TYPES; type++)
                total += rows[type];
        if (total == 0) {
                fputs("\nNo alerts.\n", out);
                return;
        }
        fputs("\nAlerts                     critical    high  medium     low    info\n", out);
        for (int type = 0; type < FINDING_TYPES; type++) {
                if (rows[type] == 0)
                        continue;
                fprintf(out, "%-26s", finding_type_text((enum finding_type)type));
                for (int severity = REPORT_SEVERITIES - 1; severity >= 0; severity--) {
                        uint64_t count = report->alerts[type][severity];
                        int width = severity == REPORT_SEVERITIES - 1 ? 9 : 7;
                        if (count > 0)
                                fprintf(out, "%*" PRIu64 " ", width, count);
                        else
                                fprintf(out, "%*s ", width, "-");
                }
                fputc('\n', out);
        }
        fprintf(out, "%-26s", "devices by worst alert");
        for (int severity = REPORT_SEVERITIES - 1; severity >= 0; severity--)
                fprintf(out, "%*" PRIu64 " ", severity == REPORT_SEVERITIES - 1 ? 9 : 7, report->devices_by_severity[severity]);
        fputc('\n', out);
}

static void print_top(const struct judge_report *report, FILE *out)
{
        char when[32], cut[WIDTH + 1], place[WIDTH];
        if (report->top_count > 0)
                fputs("\nTop findings\n", out);
        for (unsigned i = 0; i < report->top_count; i++) {
                const struct report_finding *finding = &report->top[i];
                fprintf(out, "%2u. %-8s %3u  %-24s %s\n", i + 1, severity_text(finding->severity), finding->score, finding->type,
                        finding->device  ? finding->device
                        : finding->fleet ? finding->fleet
                        : finding->peer  ? finding->peer
                                         : ""); /* a node of the network */
                fprintf(out, "    %s\n", cut_text(finding->title, WIDTH - 4, cut));
                place[0] = '\0';
                if (finding->file != NULL && finding->has_frame)
                        snprintf(place, sizeof place, ", %.40s frame %" PRIu64, last_part(finding->file), finding->frame);
                fprintf(out, "    %s%s", time_text(finding->time_ns, when), place);
                if (finding->count > 1)
                        fprintf(out, ", %" PRIu64 " times", finding->count);
                fputc('\n', out);
        }
}

/* "loss.cut_frames" as "cut frames"; what is no loss but worth a word has one of its own. NULL: not told here. */
static const char *loss_text(const char *name, char text[64])
{
        if (strcmp(name, "frames.oversized") == 0)
                return "offloaded (oversized) frames";
        if (strcmp(name, "frames.duplicate") == 0)
                return "mirror duplicates, counted once";
        if (strncmp(name, "loss.", 5) != 0)
                return NULL;
        snprintf(text, 64, "%s", name + 5);
        for (char *c = text; *c != '\0'; c++)
                if (*c == '_')
                        *c = ' ';
        return text;
}

static void print_losses(const struct judge_report *report, FILE *out)
{
        bool any = false;
        char number[32], text[64];
        for (unsigned i = 0; i < report->counter_count; i++) {
                const struct report_counter *counter = &report->counters[i];
                const char *what = counter->value > 0 ? loss_text(counter->name, text) : NULL;
                if (what == NULL)
                        continue;
                if (!any)
                        fputs("\nNot seen whole, or seen oddly\n", out);
                fprintf(out, "%12s  %s\n", count_text(counter->value, number), what);
                any = true;
        }
}

void summary_text_print(const struct judge_report *report, FILE *out)
{
        print_inputs(report, out);
        print_fleets(report, out);
        print_alerts(report, out);
        print_top(report, out);
        print_losses(report, out);
}
