#include "tests/unit/deliver/outbox_case.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/deliver/sample_alert.h"
#include "tests/unit/test.h"

uint64_t case_now_ms;
static char folder[256], path[300];

void case_begin(void)
{
        const char *base = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/outbox_test.XXXXXX", base ? base : "/tmp");
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof path, "%s/outbox.db", folder);
        case_now_ms = UINT64_C(1772330584567);
}

void case_end(void)
{
        DIR *entries = opendir(folder);
        assert_non_null(entries);
        for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
                if (entry->d_name[0] != '.')
                        unlinkat(dirfd(entries), entry->d_name, 0);
        closedir(entries);
        assert_int_equal(rmdir(folder), 0);
}

const char *case_path(void)
{
        return path;
}

static uint64_t case_clock(void)
{
        return case_now_ms;
}

struct outbox_settings case_settings(void)
{
        return (struct outbox_settings){.path = path, .sensor = "edge-1", .now_ms = case_clock};
}

struct outbox *case_open(const struct outbox_settings *settings)
{
        struct outbox *outbox = NULL;
        char error[512] = "";
        int result = outbox_open(&outbox, settings, error, sizeof error);
        if (result != 0)
                fail_msg("%d: %s", result, error);
        assert_non_null(outbox);
        return outbox;
}

static int add(struct outbox *outbox, unsigned which, uint32_t revision, const char *cause, unsigned title_length)
{
        struct sample_alert sample;
        char id[33], *title = NULL;
        static char fleet_a[] = "a", fleet_b[] = "b";
        sample_alert_fill(&sample);
        snprintf(id, sizeof id, "%016x%016x", which * 2654435761u, which);
        sample.alert.id = id;
        sample.alert.revision = revision;
        sample.alert.fleet = which % 2 ? fleet_b : fleet_a;
        if (title_length > 0) {
                title = malloc(title_length + 1);
                assert_non_null(title);
                memset(title, 'x', title_length);
                title[title_length] = '\0';
                sample.alert.title = title;
        }
        int result = outbox_add(outbox, &sample.alert, cause, cause ? strlen(cause) : 0);
        free(title);
        return result;
}

int case_add(struct outbox *outbox, unsigned which)
{
        return add(outbox, which, 1, NULL, 0);
}

int case_add_revision(struct outbox *outbox, unsigned which, uint32_t revision, const char *cause)
{
        return add(outbox, which, revision, cause, 0);
}

int case_add_sized(struct outbox *outbox, unsigned which, unsigned title_length)
{
        return add(outbox, which, 1, NULL, title_length);
}

void case_fill(struct outbox *outbox, unsigned first, unsigned last, unsigned title_length)
{
        for (unsigned which = first; which <= last; which++)
                assert_int_equal(case_add_sized(outbox, which, title_length), 0);
        assert_int_equal(outbox_commit(outbox), 0);
}

unsigned case_which(const Apnwatch__V1__Alert *alert)
{
        unsigned product, which;
        assert_int_equal(sscanf(alert->id, "%16x%16x", &product, &which), 2);
        assert_int_equal(product, which * 2654435761u);
        return which;
}

static int standard_error = -1;

void case_log_begin(void)
{
        char name[300];
        snprintf(name, sizeof name, "%s/log", folder);
        fflush(stderr);
        standard_error = dup(STDERR_FILENO);
        assert_non_null(freopen(name, "w+", stderr));
}

const char *case_log_end(void)
{
        static char text[8192];
        fflush(stderr);
        rewind(stderr);
        text[fread(text, 1, sizeof text - 1, stderr)] = '\0';
        assert_int_equal(dup2(standard_error, fileno(stderr)), fileno(stderr));
        close(standard_error);
        clearerr(stderr);
        return text;
}

unsigned case_times(const char *text, const char *part)
{
        unsigned times = 0;
        while ((text = strstr(text, part)) != NULL) {
                times++;
                text += strlen(part);
        }
        return times;
}
