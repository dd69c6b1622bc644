/* What the wire can hand to vendor data: names, URLs, user agents, topics. First byte picks the purposes; the rest is text. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/intel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct intel *load(void)
{
        char path[1024];
        const char *source = getenv("srcdir"), *folders[] = {path};
        snprintf(path, sizeof path, "%s/contrib/intel", source ? source : ".");
        struct intel *intel = intel_load(folders, 1, stderr);
        if (intel == NULL)
                abort();
        return intel;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct intel *intel;
        intel = intel ? intel : load();
        if (size < 1)
                return 0;
        unsigned purposes = data[0] & INTEL_ANY;
        char *text = malloc(size);
        if (text == NULL)
                return 0;
        memcpy(text, data + 1, size - 1);
        text[size - 1] = '\0';
        const char *path = strchr(text, '/');
        intel_match_name(intel, text, purposes);
        intel_match_url(intel, "http", path ? "host.example" : text, path, purposes);
        intel_match_url(intel, "ftp", NULL, text, purposes);
        intel_match_user_agent(intel, text, purposes);
        intel_match_content_type(intel, text, purposes);
        intel_match_topic(intel, text, purposes);
        intel_tac(intel, text);
        free(text);
        return 0;
}
