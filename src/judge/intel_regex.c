/* Expressions of intel over text from the wire: work is bounded by PCRE2's limits, and most expressions are passed over
 * because a literal that they need does not stand in the text. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <ctype.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "judge/intel_parts.h"

enum { MATCH_LIMIT = 20000, GRAM = 4, NEEDLE_SIZE = 64 };

struct intel_regex {
        pcre2_code *code;
        bool wants_path;
        unsigned gram_count;
        uint16_t grams[8]; /* bits that must be set */
};

struct intel_matcher {
        pcre2_match_data *data;
        pcre2_match_context *context;
};

struct intel_matcher *intel_matcher_create(void)
{
        struct intel_matcher *matcher = calloc(1, sizeof *matcher);
        if (matcher == NULL)
                return NULL;
        matcher->data = pcre2_match_data_create(1, NULL);
        matcher->context = pcre2_match_context_create(NULL);
        if (matcher->data == NULL || matcher->context == NULL) {
                intel_matcher_destroy(matcher);
                return NULL;
        }
        pcre2_set_match_limit(matcher->context, MATCH_LIMIT);
        pcre2_set_depth_limit(matcher->context, 250);
        return matcher;
}

void intel_matcher_destroy(struct intel_matcher *matcher)
{
        if (matcher == NULL)
                return;
        pcre2_match_data_free(matcher->data);
        pcre2_match_context_free(matcher->context);
        free(matcher);
}

static uint16_t gram_bit(const char *text)
{
        uint32_t word = 0;
        for (unsigned i = 0; i < GRAM; i++)
                word = word << 8 | (uint8_t)tolower((unsigned char)text[i]);
        return (uint16_t)(word * 2654435761U >> 22);
}

struct text_grams text_grams_of(const char *text, size_t length)
{
        struct text_grams grams = {{0}};
        uint32_t word = 0;
        for (size_t i = 0; i < length; i++) {
                uint8_t byte = (uint8_t)text[i];
                word = word << 8 | (byte >= 'A' && byte <= 'Z' ? byte | 0x20U : byte);
                uint32_t bit = word * 2654435761U >> 22;
                if (i + 1 >= GRAM)
                        grams.bits[bit / 64] |= (uint64_t)1 << bit % 64;
        }
        return grams;
}

bool intel_regex_may_match(const struct intel_regex *regex, const struct text_grams *grams)
{
        for (unsigned i = 0; i < regex->gram_count; i++)
                if (!(grams->bits[regex->grams[i] / 64] >> regex->grams[i] % 64 & 1))
                        return false;
        return true;
}

/* One past the group or class that begins at `at`. */
static const char *skip_bracket(const char *at)
{
        unsigned depth = 0;
        bool class = false;
        for (; *at != '\0'; at++) {
                if (*at == '\\' && at[1] != '\0') {
                        at++;
                } else if (class) {
                        class = *at != ']';
                } else if (*at == '[') {
                        class = true;
                        at += at[1] == '^';
                        at += at[1] == ']';
                } else {
                        depth += *at == '(';
                        depth -= *at == ')';
                }
                if (depth == 0 && !class)
                        return at + 1;
        }
        return at;
}

/* The character that the pattern demands at `*at`, which is moved on; 0 when it is no plain one. */
static char plain_character(const char **at)
{
        char c = **at;
        if (c == '(' || c == '[') {
                *at = skip_bracket(*at);
                return '\0';
        }
        (*at)++;
        if (c == '{') /* a count */
                *at += strcspn(*at, "}");
        if (c == '\\' && **at != '\0') {
                c = *(*at)++;
                return isalnum((unsigned char)c) ? '\0' : c;
        }
        return strchr("^$.*+?{}|)]", c) ? '\0' : c;
}

/* Whether `pattern` is written without what the search for a needle does not read: escapes with an operand (\x2f, \p{Lu}),
 * quotes, classes by name, comments, and blanks that mean nothing. */
static bool is_readable(const char *pattern)
{
        for (const char *at = pattern; *at != '\0'; at++) {
                if (*at == '\\' && at[1] != '\0') {
                        at++;
                        if (isalnum((unsigned char)*at) && strchr("dDwWsSbBhHvVRAZzGtnrfae", *at) == NULL)
                                return false;
                } else if (strncmp(at, "[:", 2) == 0 || strncmp(at, "(?#", 3) == 0) {
                        return false;
                } else if (strncmp(at, "(?", 2) == 0) {
                        size_t flags = strspn(at + 2, "^-imnsxJU");
                        if (memchr(at + 2, 'x', flags) != NULL)
                                return false;
                }
        }
        return true;
}

/* The longest run of plain characters that every match holds; its length, 0 when none is found easily. */
static size_t find_needle(const char *pattern, char needle[NEEDLE_SIZE])
{
        char run[NEEDLE_SIZE];
        size_t length = 0, best = 0;
        if (!is_readable(pattern))
                return 0;
        for (const char *at = pattern; *at != '\0';) {
                if (*at == '|')
                        return 0; /* nothing is demanded by all branches */
                char c = plain_character(&at);
                bool optional = *at == '?' || *at == '*' || *at == '{';
                if (c != '\0' && !optional && length < NEEDLE_SIZE)
                        run[length++] = c;
                if (length > best) {
                        memcpy(needle, run, length);
                        best = length;
                }
                if (c == '\0' || optional || *at == '+')
                        length = 0;
        }
        return best;
}

struct intel_regex *intel_regex_create(const char *pattern, char *message, size_t size)
{
        int code;
        PCRE2_SIZE offset;
        char needle[NEEDLE_SIZE];
        struct intel_regex *regex = calloc(1, sizeof *regex);
        snprintf(message, size, "not enough memory");
        if (regex == NULL)
                return NULL;
        regex->code =
                pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_NEVER_BACKSLASH_C, &code, &offset, NULL);
        if (regex->code == NULL) {
                PCRE2_UCHAR text[128];
                pcre2_get_error_message(code, text, sizeof text);
                snprintf(message, size, "%s at character %zu", (char *)text, offset + 1);
                free(regex);
                return NULL;
        }
        (void)pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE); /* where that is not to be had it is interpreted */
        const char *body = strncmp(pattern, "(?i)", 4) == 0 ? pattern + 4 : pattern;
        regex->wants_path = strncmp(body, "^/", 2) == 0;
        size_t length = find_needle(pattern, needle);
        for (size_t i = 0; i + GRAM <= length && regex->gram_count < 8; i++)
                regex->grams[regex->gram_count++] = gram_bit(needle + i);
        return regex;
}

void intel_regex_destroy(struct intel_regex *regex)
{
        if (regex == NULL)
                return;
        pcre2_code_free(regex->code);
        free(regex);
}

bool intel_regex_matches(const struct intel_regex *regex, struct intel_matcher *matcher, const char *text, size_t length)
{
        return pcre2_match(regex->code, (PCRE2_SPTR)text, length, 0, 0, matcher->data, matcher->context) >= 0;
}

bool intel_regex_wants_path(const struct intel_regex *regex)
{
        return regex->wants_path;
}

bool intel_regex_has_literal(const struct intel_regex *regex)
{
        return regex->gram_count > 0;
}
