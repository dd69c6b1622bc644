#include "deliver/redis_refusal.h"

#include <stdio.h>
#include <string.h>

static const struct {
        const char *prefix, *words;
} refusals[] = {
        {"OOM ", "the server's memory is full (maxmemory)"},
        {"MISCONF ", "the server cannot save its data to disk and takes no writes"},
        {"NOREPLICAS ", "the server has too few replicas and takes no writes"},
};

const char *redis_refusal_text(const char *reply, const char *key, char *text, size_t size)
{
        for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
                if (strncmp(reply, refusals[i].prefix, strlen(refusals[i].prefix)) == 0) {
                        snprintf(text, size, "%s", refusals[i].words);
                        return text;
                }
        if (strncmp(reply, "NOPERM ", 7) == 0)
                snprintf(text, size, "the user of the sensor lacks a right at the server: %s", reply + 7);
        else if (strncmp(reply, "WRONGTYPE ", 10) == 0)
                snprintf(text, size, "%s is there already and is no stream", key);
        else if (strstr(reply, "equal or smaller than the target stream top item") != NULL)
                snprintf(text, size, "someone else writes to %s; is there a second sensor of this name?", key);
        else
                snprintf(text, size, "the server refuses: %s", reply);
        return text;
}
