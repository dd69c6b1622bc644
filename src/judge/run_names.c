#include "judge/run_names.h"

#include <stdlib.h>
#include <string.h>

static char **copy_list(char *const *list, size_t count, size_t *copied)
{
        char **copy = calloc(count ? count : 1, sizeof *copy);
        *copied = copy ? count : 0;
        for (size_t i = 0; i < *copied; i++)
                copy[i] = strdup(list[i]);
        return copy;
}

static void free_list(char **list, size_t count)
{
        for (size_t i = 0; list && i < count; i++)
                free(list[i]);
        free(list);
}

void run_names_clear(struct run_names *names)
{
        free_list(names->taps, names->tap_count);
        free_list(names->contexts, names->context_count);
        free_list(names->inputs, names->input_count);
        free(names->version);
        free(names->ndpi);
        *names = (struct run_names){.taps = NULL};
}

/* More inputs of the run whose names these are. */
static void add_inputs(struct run_names *names, const Apnwatch__V1__Run *run)
{
        char **wider = realloc(names->inputs, (names->input_count + run->n_input + 1) * sizeof *wider);
        if (wider == NULL)
                return;
        names->inputs = wider;
        for (size_t i = 0; i < run->n_input; i++)
                names->inputs[names->input_count++] = strdup(run->input[i]);
}

void run_names_take(struct run_names *names, const Apnwatch__V1__Run *run)
{
        if (run->version == NULL && run->n_tap == 0) {
                add_inputs(names, run);
                return;
        }
        run_names_clear(names);
        names->taps = copy_list(run->tap, run->n_tap, &names->tap_count);
        names->contexts = copy_list(run->context, run->n_context, &names->context_count);
        names->inputs = copy_list(run->input, run->n_input, &names->input_count);
        names->version = run->version ? strdup(run->version) : NULL;
        names->ndpi = run->ndpi ? strdup(run->ndpi) : NULL;
}

const char *run_tap(const struct run_names *names, uint32_t tap)
{
        return tap < names->tap_count ? names->taps[tap] : NULL;
}

const char *run_context(const struct run_names *names, uint32_t context)
{
        return context < names->context_count ? names->contexts[context] : NULL;
}

const char *run_input(const struct run_names *names, uint32_t file)
{
        return file < names->input_count ? names->inputs[file] : NULL;
}
