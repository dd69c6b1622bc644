#include "tests/traffic/labels.h"

#include <string.h>

enum { LABEL_SLACK_S = 300 };

static void print_types(FILE *out, const char *types)
{
        fputs("{\"types\":[", out);
        for (const char *at = types; *at != '\0';) {
                size_t length = strcspn(at, " ");
                fprintf(out, "%s\"%.*s\"", at == types ? "" : ",", (int)length, at);
                at += length + (at[length] == ' ');
        }
        fputs("]", out);
}

void label_write(struct traffic *traffic, const struct label *label)
{
        FILE *out = traffic->labels;
        char text[ADDRESS_TEXT_SIZE], imsi[IMSI_SIZE];
        if (out == NULL)
                return;
        struct address device = device_address(traffic->world, label->device);
        print_types(out, label->types);
        fprintf(out, ",\"ip\":\"%s\",\"imsi\":\"%s\",\"t0\":%lld,\"t1\":%lld", address_text(&device, text),
                device_imsi(label->device, imsi), (long long)(label->start_ns / SECOND_NS),
                (long long)(label->end_ns / SECOND_NS + LABEL_SLACK_S));
        if (label->peer != NULL)
                fprintf(out, ",\"peer\":\"%s\"", address_text(label->peer, text));
        if (label->peer_name != NULL)
                fprintf(out, ",\"peer_name\":\"%s\"", label->peer_name);
        if (label->decoy)
                fputs(",\"decoy\":true", out);
        fprintf(out, ",\"what\":\"%s\"}\n", label->what);
}
