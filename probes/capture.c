#include "probes/capture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/link_name.h"

static const struct capture_format *const formats[] = {&pcap_format, &pcapng_format};

enum capture_status capture_damaged(struct capture *capture, uint64_t offset, const char *format, ...)
{
        int length = snprintf(capture->verdict, sizeof capture->verdict, "damaged at byte %llu%s: ", (unsigned long long)offset,
                              capture->source->decompressed ? " of the decompressed data" : "");
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(capture->verdict + length, sizeof capture->verdict - (size_t)length, format, arguments);
        va_end(arguments);
        capture->ending = INPUT_DAMAGED;
        return CAPTURE_ENDED;
}

enum capture_status capture_no_memory(struct capture *capture)
{
        return capture_damaged(capture, byte_source_offset(capture->source), "no memory for it");
}

enum capture_status capture_source_ended(struct capture *capture, bool begun)
{
        const struct byte_source *source = capture->source;
        const struct source_fault *fault = &source->fault;
        capture->read_to_end = fault->reason[0] == '\0';
        if (!capture->read_to_end) {
                snprintf(capture->verdict, sizeof capture->verdict, fault->truncated ? "truncated at byte %llu: %s" :
                         "damaged at byte %llu: %s", (unsigned long long)fault->offset, fault->reason);
                capture->ending = INPUT_DAMAGED;
        } else if (begun) {
                snprintf(capture->verdict, sizeof capture->verdict, "truncated at byte %llu%s",
                         (unsigned long long)source->end_offset, source->decompressed ? " of the decompressed data" : "");
                capture->ending = INPUT_DAMAGED;
        } else {
                strcpy(capture->verdict, "ok");
                capture->ending = INPUT_OK;
        }
        return CAPTURE_ENDED;
}

static void note_link_type(struct capture *capture, uint16_t link_type)
{
        unsigned known = capture->link_type_count < CAPTURE_LINK_TYPES ? capture->link_type_count : CAPTURE_LINK_TYPES;
        for (unsigned i = 0; i < known; i++)
                if (capture->link_types[i] == link_type)
                        return;
        if (known < CAPTURE_LINK_TYPES)
                capture->link_types[known] = link_type;
        capture->link_type_count = known + 1;
}

struct capture_interface *capture_add_interface(struct capture *capture, uint16_t link_type)
{
        if (capture->state.interface_count == capture->interface_room) {
                uint32_t room = capture->interface_room ? 2 * capture->interface_room : 1;
                struct capture_interface *grown = realloc(capture->interfaces, room * sizeof *grown);
                if (grown == NULL)
                        return NULL;
                capture->interfaces = grown;
                capture->interface_room = room;
        }
        note_link_type(capture, link_type);
        struct capture_interface *interface = &capture->interfaces[capture->state.interface_count++];
        *interface = (struct capture_interface){.link_type = link_type, .multiply = 1000, .divide = 1};
        return interface;
}

enum capture_status capture_not_recognised(struct capture *capture)
{
        const struct source_fault *fault = &capture->source->fault;
        capture->ending = INPUT_NOT_CAPTURE;
        strcpy(capture->verdict, "not a capture");
        if (fault->reason[0] != '\0')
                return capture_source_ended(capture, true);
        if (byte_source_left(capture->source) == 0) {
                capture->ending = INPUT_EMPTY;
                strcpy(capture->verdict, "empty");
        }
        return CAPTURE_ENDED;
}

enum capture_status capture_begin(struct capture *capture, struct byte_source *source, const struct capture_settings *settings)
{
        *capture = (struct capture){.settings = *settings, .source = source};
        if (byte_source_need(source, 4) != SOURCE_READY)
                return capture_not_recognised(capture);
        for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
                if (formats[i]->matches(source->at)) {
                        capture->format = formats[i];
                        return capture->format->begin(capture);
                }
        return capture_not_recognised(capture);
}

enum capture_status capture_read(struct capture *capture, struct frame *frames, unsigned max, unsigned *count)
{
        *count = 0;
        capture->mark = capture->state;
        capture->mark.offset = byte_source_offset(capture->source);
        return capture->format->read(capture, frames, max, count);
}

struct byte_source *capture_suspend(struct capture *capture)
{
        struct byte_source *source = capture->source;
        capture->state = capture->mark;
        capture->source = NULL;
        return source;
}

int capture_resume(struct capture *capture, struct byte_source *source)
{
        int result = source->kind->seek(source, capture->mark.offset);
        if (result == 0)
                capture->source = source;
        return result;
}

void capture_clear(struct capture *capture)
{
        free(capture->interfaces);
        capture->interfaces = NULL;
}

const char *capture_link_types(const struct capture *capture, char *text, unsigned size)
{
        size_t length = 0;
        for (unsigned i = 0; i < capture->link_type_count && length < size; i++) {
                char name[LINK_NAME_SIZE];
                const char *word = i < CAPTURE_LINK_TYPES ? link_name(capture->link_types[i], name) : "others";
                length += (size_t)snprintf(text + length, size - length, "%s%s", i > 0 ? ", " : "", word);
        }
        return length > 0 ? text : NULL;
}
