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

static void print_device(FILE *out, const struct traffic *traffic, const struct label *label)
{
        char text[ADDRESS_TEXT_SIZE], imsi[IMSI_SIZE];
        struct address device = label->address != NULL ? *label->address : device_address(traffic->world, label->device);
        if (label->is_anybody)
                return;
        fprintf(out, ",\"ip\":\"%s\"", address_text(&device, text));
        if (label->other_count == 0)
                fprintf(out, ",\"imsi\":\"%s\"", device_imsi(label->device, imsi));
        else
                fprintf(out, ",\"devices\":[\"%s\"", text);
        for (unsigned i = 0; i < label->other_count; i++)
                fprintf(out, ",\"%s\"", address_text(&label->others[i], text));
        if (label->other_count > 0)
                fputs("]", out);
}

void label_write(struct traffic *traffic, const struct label *label)
{
        FILE *out = traffic->labels;
        char text[ADDRESS_TEXT_SIZE];
        if (out == NULL)
                return;
        print_types(out, label->types);
        print_device(out, traffic, label);
        fprintf(out, ",\"t0\":%lld,\"t1\":%lld", (long long)(label->start_ns / SECOND_NS),
                (long long)(label->end_ns / SECOND_NS + LABEL_SLACK_S));
        if (label->peer != NULL)
                fprintf(out, ",\"peer\":\"%s\"", address_text(label->peer, text));
        if (label->peer_name != NULL)
                fprintf(out, ",\"peer_name\":\"%s\"", label->peer_name);
        if (label->severity != NULL)
                fprintf(out, ",\"severity\":\"%s\"", label->severity);
        if (label->optional)
                fputs(",\"optional\":true", out);
        if (label->decoy)
                fputs(",\"decoy\":true", out);
        fprintf(out, ",\"what\":\"%s\"}\n", label->what);
}
