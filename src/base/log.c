#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static enum log_level shown = LOG_LEVEL_WARNING;

void log_set_level(enum log_level level)
{
        shown = level;
}

enum log_level log_level(void)
{
        return shown;
}

__attribute__((format(printf, 2, 0)))
static void write_message(enum log_level level, const char *format, va_list arguments)
{
        static const char *const word[] = {"error: ", "warning: ", "", "debug: "};
        if (level > shown)
                return;
        /* A progress line may stand on the terminal: begin on a clean line. */
        if (isatty(STDERR_FILENO))
                fputs("\r\033[K", stderr);
        fprintf(stderr, "apnwatch: %s", word[level]);
        vfprintf(stderr, format, arguments);
        fputc('\n', stderr);
}

#define LOG_FUNCTION(name, level)                         \
        void name(const char *format, ...)                \
        {                                                 \
                va_list arguments;                        \
                va_start(arguments, format);              \
                write_message(level, format, arguments);  \
                va_end(arguments);                        \
        }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
