/* Runs a fuzz target as an ordinary test: over each file of its corpus, over each file cut at many places, and over
 * seeded mutations of it, each in an allocation of exactly its size so that ASan sees an over-read.
 *
 * The corpus of fuzz_dns is tests/fuzz/corpus/dns below $srcdir. FUZZ_MUTATIONS sets how many mutations a file (256). */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t random_state = 88172645463325252ULL;

static uint64_t random_next(void)
{
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return random_state;
}

static void run_copy(const uint8_t *data, size_t size)
{
        uint8_t *copy = malloc(size ? size : 1);
        if (copy == NULL)
                abort();
        memcpy(copy, data, size);
        LLVMFuzzerTestOneInput(copy, size);
        free(copy);
}

static void run_mutated(const uint8_t *data, size_t size)
{
        uint8_t *copy = malloc(size ? size : 1);
        if (copy == NULL)
                abort();
        memcpy(copy, data, size);
        unsigned changes = 1 + (unsigned)(random_next() % 6);
        for (unsigned i = 0; i < changes && size > 0; i++) {
                static const uint8_t telling[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x40, 0xc0};
                uint64_t r = random_next();
                size_t at = (size_t)(r >> 16) % size;
                if ((r & 3) == 0)
                        copy[at] = telling[(r >> 8) % sizeof telling];
                else if ((r & 3) == 1)
                        copy[at] ^= (uint8_t)(1U << (r >> 8 & 7));
                else if ((r & 3) == 2)
                        copy[at] = (uint8_t)(r >> 8);
                else
                        size = 1 + (size_t)(r >> 16) % size;
        }
        run_copy(copy, size);
        free(copy);
}

static int run_file(const char *path, unsigned long mutations)
{
        FILE *file = fopen(path, "rb");
        if (file == NULL)
                return -1;
        static uint8_t data[1 << 20];
        size_t size = fread(data, 1, sizeof data, file);
        fclose(file);
        run_copy(data, size);
        size_t step = size > 2048 ? size / 1024 : 1;
        for (size_t cut = 0; cut < size; cut += step)
                run_copy(data, cut);
        for (unsigned long i = 0; i < mutations; i++)
                run_mutated(data, size);
        return 0;
}

int main(int argument_count, char **arguments)
{
        const char *name = strrchr(arguments[0], '/');
        name = name ? name + 1 : arguments[0];
        name = strncmp(name, "fuzz_", 5) == 0 ? name + 5 : name;
        const char *source = getenv("srcdir");
        const char *wanted = getenv("FUZZ_MUTATIONS");
        unsigned long mutations = wanted ? strtoul(wanted, NULL, 10) : 256;
        unsigned files = 0;
        for (int i = 1; i < argument_count; i++, files++)
                if (run_file(arguments[i], mutations) != 0) {
                        fprintf(stderr, "%s: %s\n", arguments[i], strerror(errno));
                        return 1;
                }
        if (argument_count > 1)
                return 0;
        char folder[4096];
        snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", source ? source : ".", name);
        struct dirent **entries;
        int count = scandir(folder, &entries, NULL, alphasort);
        for (int i = 0; i < count; i++) {
                char path[8192];
                snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
                if (entries[i]->d_name[0] != '.') {
                        if (run_file(path, mutations) != 0)
                                return 1;
                        files++;
                }
                free(entries[i]);
        }
        if (count > 0)
                free(entries);
        if (files == 0) {
                fprintf(stderr, "%s: no corpus\n", folder);
                return 1;
        }
        printf("%s: %u files, %lu mutations each\n", name, files, mutations);
        return 0;
}
