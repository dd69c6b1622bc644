#include "model/apn_text.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

enum { APN_CHARACTERS = 100 };

static bool is_like(const char *text, const char *pattern)
{
        for (; *pattern != '\0'; text++, pattern++)
                if (*pattern == '#' ? !isdigit((unsigned char)*text) : *text != *pattern)
                        return false;
        return *text == '\0';
}

static void drop_operator(char *text, size_t length)
{
        static const char *const patterns[] = {".mnc###.mcc###.gprs", ".mnc##.mcc###.gprs"};
        for (unsigned i = 0; i < sizeof patterns / sizeof *patterns; i++) {
                size_t tail = strlen(patterns[i]);
                if (length > tail && is_like(text + length - tail, patterns[i])) {
                        text[length - tail] = '\0';
                        return;
                }
        }
}

void apn_text_reduce(char *text)
{
        size_t length = strlen(text);
        for (char *c = text; *c != '\0'; c++)
                *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        while (length > 0 && text[length - 1] == '.')
                text[--length] = '\0';
        drop_operator(text, length);
}

bool apn_text_check(char *text)
{
        apn_text_reduce(text);
        size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-_");
        return text[length] == '\0' && length > 0 && length <= APN_CHARACTERS;
}
