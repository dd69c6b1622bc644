#define _GNU_SOURCE
#include "deliver/webhook_answer.h"

#include <stddef.h>
#include <time.h>

enum webhook_answer webhook_answer_of(int status)
{
        if (status >= 200 && status < 300)
                return WEBHOOK_DELIVERED;
        switch (status) {
        case 400: case 406: case 409: case 411: case 413: case 414: case 415: case 422: case 431:
                return WEBHOOK_REFUSED;
        case 429: case 503:
                return WEBHOOK_NOT_NOW;
        default:
                return WEBHOOK_TROUBLE;
        }
}

static uint32_t bounded(int64_t seconds)
{
        return seconds <= 0 ? 0 : seconds > RETRY_AFTER_MOST_S ? RETRY_AFTER_MOST_S : (uint32_t)seconds;
}

uint32_t webhook_retry_after_s(const char *value, int64_t now_s)
{
        int64_t seconds = 0;
        if (value == NULL)
                return 0;
        const char *at = value;
        for (; *at >= '0' && *at <= '9'; at++)
                if (seconds <= RETRY_AFTER_MOST_S)
                        seconds = seconds * 10 + (*at - '0');
        if (at != value)
                return *at == '\0' ? bounded(seconds) : 0;
        struct tm date = {.tm_isdst = 0};
        const char *end = strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &date);
        return end != NULL && *end == '\0' ? bounded((int64_t)timegm(&date) - now_s) : 0;
}
