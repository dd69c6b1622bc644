#include "judge/intel_check.h"

#include <stdlib.h>
#include <string.h>

#include "judge/intel_parts.h"

static void warn(FILE *out, const struct intel_row *row, const char *what)
{
        fprintf(out, "%s:%u:1: warning: %s %s: %s\n", row->file, row->line, intel_kind_text(row->kind), row->value, what);
}

static unsigned check_row(const struct intel *intel, const struct intel_row *row, FILE *out)
{
        unsigned count = 0;
        if (row->regex != NULL && !intel_regex_has_literal(row->regex) && row->kind == INTEL_URL) {
                warn(out, row, "no four characters in a row that every match holds, so it is tried on every exchange");
                count++;
        }
        if (row->shared && row->mode == INTEL_DIRECT) {
                warn(out, row, "shared with others and direct: a shared host does not decide the mode");
                count++;
        }
        if (row->kind == INTEL_HOST || row->kind == INTEL_SUFFIX) {
                bool ignored;
                name_table_find(intel->names, row->value, INTEL_ANY, &ignored);
                if (ignored) {
                        warn(out, row, "never found, since a file ignores it");
                        count++;
                }
        }
        return count;
}

static int compare_values(const void *left, const void *right)
{
        const struct intel_row *a = *(const struct intel_row *const *)left, *b = *(const struct intel_row *const *)right;
        int order = (int)a->kind - (int)b->kind;
        order = order ? order : strcmp(a->value, b->value);
        order = order ? order : (int)a->purpose - (int)b->purpose;
        return order ? order : (a > b) - (a < b);
}

/* Names and addresses that two vendors claim for one purpose: one of them is never seen. */
static unsigned check_claims(const struct intel *intel, FILE *out)
{
        unsigned count = 0;
        const struct intel_row **sorted = calloc(intel->row_count + 1, sizeof *sorted);
        if (sorted == NULL)
                return 0;
        for (unsigned i = 0; i < intel->row_count; i++)
                sorted[i] = &intel->rows[i];
        qsort(sorted, intel->row_count, sizeof *sorted, compare_values);
        for (unsigned i = 1; i < intel->row_count; i++) {
                const struct intel_row *a = sorted[i - 1], *b = sorted[i];
                bool named = b->kind == INTEL_HOST || b->kind == INTEL_SUFFIX || b->kind == INTEL_ADDRESS;
                if (!named || a->kind != b->kind || a->purpose != b->purpose || strcmp(a->value, b->value) != 0 ||
                    a->vendor == b->vendor)
                        continue;
                fprintf(out, "%s:%u:1: warning: %s %s: %s claims it too (%s:%u)\n", b->file, b->line,
                        intel_kind_text(b->kind), b->value, a->vendor->name, a->file, a->line);
                count++;
        }
        free(sorted);
        return count;
}

unsigned intel_check(const struct intel *intel, FILE *warnings)
{
        unsigned count = 0;
        for (unsigned i = 0; i < intel->row_count; i++)
                count += check_row(intel, &intel->rows[i], warnings);
        for (unsigned i = 0; i < intel->vendor_count; i++) {
                if (intel->vendors[i]->controller != NULL)
                        continue;
                fprintf(warnings, "warning: vendor %s has no controller\n", intel->vendors[i]->name);
                count++;
        }
        return count + check_claims(intel, warnings);
}
