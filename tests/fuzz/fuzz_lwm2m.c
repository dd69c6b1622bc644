#include "dissectors/app/lwm2m_content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const int formats[] = {11542, 110, 112, 11544, 0, 60, 11543, -1};
        static const struct lwm2m_path asked[] = {
                {.count = 0}, {.ids = {3}, .count = 1}, {.ids = {3, 0}, .count = 2}, {.ids = {3, 0, 1}, .count = 3}};
        struct lwm2m_device device;
        struct cursor text = cursor_of(data, size);
        struct lwm2m_path path;
        (void)lwm2m_path_parse(text, &path);
        if (size == 0)
                return 0;
        for (unsigned i = 0; i < 5; i++)
                (void)lwm2m_content_parse(formats[data[0] & 7], i < 4 ? &asked[i] : NULL, cursor_of(data + 1, size - 1), &device);
        return 0;
}
