/* Rows are sorted by outside address, kind, first port, last port and `from`. A kind is a protocol and the size of the port range as
 * a power of two: within one kind, ranges that hold a port begin at most so many ports before it, so that few are looked at,
 * however the NAT hands out ports (blocks, single ports, whole addresses). The rows of one range follow each other in time; each
 * knows the row before it that lasted longer, so that rows that have ended are passed over at once. */
#include "config.h"

#include "judge/nat_log.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "judge/table_file.h"

enum column { FROM, UNTIL, INSIDE, OUTSIDE, PORT_FIRST, PORT_LAST, PROTOCOL, COLUMNS };
enum { ANY_PROTOCOL = 256, SIZES = 17, KINDS = (ANY_PROTOCOL + 1) * SIZES, PORT_MOST = 65535, NO_ROW = -1 };

static const char *const columns[COLUMNS + 1] = {"from", "until", "inside", "outside", "port_first", "port_last", "protocol", NULL};

struct nat_row {
        struct address outside, inside;
        int64_t from_ns, until_ns;
        uint16_t kind, port_first, port_last;
        uint32_t number;  /* in the file */
        int32_t longer;   /* the last row before it in its range that ends later; NO_ROW: none */
};

struct nat_log {
        struct nat_row *rows;
        uint32_t count, room;
        uint16_t *kinds;  /* that there are */
        unsigned kind_count;
        char digest[7 + DIGEST_TEXT_SIZE];
};

static int compare_numbers(int64_t a, int64_t b)
{
        return a < b ? -1 : a > b;
}

/* Rows of one range are equal. */
static int compare_ranges(const struct nat_row *a, const struct nat_row *b)
{
        int order = address_compare(&a->outside, &b->outside);
        if (order == 0)
                order = compare_numbers(a->kind, b->kind);
        if (order == 0)
                order = compare_numbers(a->port_first, b->port_first);
        return order ? order : compare_numbers(a->port_last, b->port_last);
}

static int compare_rows(const void *a, const void *b)
{
        const struct nat_row *x = a, *y = b;
        int order = compare_ranges(x, y);
        if (order == 0)
                order = compare_numbers(x->from_ns, y->from_ns);
        return order ? order : compare_numbers(x->number, y->number);
}

/* Of as many ports as 2^size at least, and less than twice that. */
static unsigned size_of(unsigned first, unsigned last)
{
        return 31 - (unsigned)__builtin_clz(last - first + 1);
}

static bool read_protocol(struct table_file *table, const char *text, uint32_t *protocol)
{
        static const struct {
                const char *name;
                uint32_t number;
        } names[] = {{"", ANY_PROTOCOL}, {"any", ANY_PROTOCOL}, {"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"icmpv6", 58}, {"sctp", 132},
                     {"esp", 50}, {"gre", 47}};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                if (strcasecmp(text, names[i].name) == 0) {
                        *protocol = names[i].number;
                        return true;
                }
        }
        if (text[strspn(text, "0123456789")] == '\0')
                return table_file_number(table, PROTOCOL, text, 255, protocol);
        table_file_error(table, PROTOCOL, "protocol \"%.60s\"; expected tcp, udp, icmp, icmpv6, sctp, esp, gre, any or a number", text);
        return false;
}

static void read_ports(struct table_file *table, const char *const *fields, uint32_t *first, uint32_t *last)
{
        *first = 0;
        *last = PORT_MOST;
        if (*fields[PORT_FIRST] == '\0' && *fields[PORT_LAST] != '\0') {
                table_file_error(table, PORT_LAST, "port_last without port_first; expected both");
                return;
        }
        if (!table_file_number(table, PORT_FIRST, fields[PORT_FIRST], PORT_MOST, first))
                return;
        if (*fields[PORT_FIRST] != '\0')
                *last = *first;
        if (table_file_number(table, PORT_LAST, fields[PORT_LAST], PORT_MOST, last) && *last < *first)
                table_file_error(table, PORT_LAST, "port_last %u is below port_first %u; expected it not to be", *last, *first);
        if (*last < *first)
                *last = *first; /* told */
}

static bool grow(struct nat_log *log)
{
        uint64_t room = log->room ? (uint64_t)log->room * 2 : 1024;
        if (log->count < log->room)
                return true;
        struct nat_row *rows = room <= INT32_MAX ? realloc(log->rows, room * sizeof *rows) : NULL;
        if (rows == NULL)
                return false;
        log->rows = rows;
        log->room = (uint32_t)room;
        return true;
}

static bool take_row(void *context, struct table_file *table, const char *const *fields)
{
        struct nat_log *log = context;
        struct nat_row row = {.from_ns = INT64_MIN, .until_ns = INT64_MAX, .number = log->count, .longer = NO_ROW};
        uint32_t first, last, protocol = ANY_PROTOCOL;
        bool has_time = table_file_time(table, FROM, fields[FROM], false, &row.from_ns);
        has_time &= table_file_time(table, UNTIL, fields[UNTIL], true, &row.until_ns);
        if (has_time && row.from_ns >= row.until_ns)
                table_file_error(table, UNTIL, "from is not before until; expected it to be");
        for (enum column column = INSIDE; column <= OUTSIDE; column++) {
                if (*fields[column] == '\0')
                        table_file_error(table, column, "a row without %s; expected an address", columns[column]);
                else
                        (void)table_file_address(table, column, fields[column], column == INSIDE ? &row.inside : &row.outside);
        }
        (void)read_protocol(table, fields[PROTOCOL], &protocol);
        read_ports(table, fields, &first, &last);
        row.port_first = (uint16_t)first;
        row.port_last = (uint16_t)last;
        row.kind = (uint16_t)(protocol * SIZES + size_of(first, last));
        if (!grow(log))
                return false;
        log->rows[log->count++] = row;
        return true;
}

static const struct table_kind kind = {.columns = columns, .required = 1 << INSIDE | 1 << OUTSIDE,
                                       .expected = "from, until, inside, outside, port_first, port_last and protocol", .row = take_row};

static void link_rows(struct nat_log *log)
{
        for (uint32_t i = 1; i < log->count; i++) {
                struct nat_row *row = &log->rows[i];
                int32_t before = compare_ranges(row, row - 1) == 0 ? (int32_t)i - 1 : NO_ROW;
                while (before != NO_ROW && log->rows[before].until_ns <= row->until_ns)
                        before = log->rows[before].longer;
                row->longer = before;
        }
}

static bool list_kinds(struct nat_log *log)
{
        bool *seen = calloc(KINDS, sizeof *seen);
        log->kinds = malloc(KINDS * sizeof *log->kinds);
        if (seen != NULL && log->kinds != NULL) {
                for (uint32_t i = 0; i < log->count; i++) {
                        if (!seen[log->rows[i].kind])
                                log->kinds[log->kind_count++] = log->rows[i].kind;
                        seen[log->rows[i].kind] = true;
                }
        }
        free(seen);
        return seen != NULL && log->kinds != NULL;
}

static struct nat_log *finish(const char *path, struct nat_log *log, bool good, FILE *errors)
{
        if (good && log->count > 0)
                qsort(log->rows, log->count, sizeof *log->rows, compare_rows);
        if (good && !list_kinds(log)) {
                fprintf(errors, "%s: not enough memory\n", path);
                good = false;
        }
        if (!good) {
                nat_log_destroy(log);
                return NULL;
        }
        link_rows(log);
        return log;
}

struct nat_log *nat_log_load(const char *path, FILE *errors)
{
        struct nat_log *log = calloc(1, sizeof *log);
        return finish(path, log, log != NULL && table_file_load(path, &kind, log, errors, log->digest), errors);
}

struct nat_log *nat_log_parse(const char *path, const void *bytes, size_t length, FILE *errors)
{
        struct nat_log *log = calloc(1, sizeof *log);
        return finish(path, log, log != NULL && table_file_parse(path, bytes, length, &kind, log, errors, log->digest), errors);
}

void nat_log_destroy(struct nat_log *log)
{
        if (log == NULL)
                return;
        free(log->rows);
        free(log->kinds);
        free(log);
}

/* How many rows come before `wanted`. */
static uint32_t rows_before(const struct nat_log *log, const struct nat_row *wanted)
{
        uint32_t low = 0, high = log->count;
        while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                if (compare_rows(&log->rows[middle], wanted) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* In the range of `key`, at its time: the row with the latest `from` that holds. */
static const struct nat_row *find_in_range(const struct nat_log *log, struct nat_row *key, int64_t time_ns)
{
        key->from_ns = time_ns;
        key->number = UINT32_MAX;
        int32_t at = (int32_t)rows_before(log, key) - 1;
        if (at >= 0 && compare_ranges(&log->rows[at], key) != 0)
                return NULL;
        while (at != NO_ROW && log->rows[at].until_ns <= time_ns)
                at = log->rows[at].longer;
        return at == NO_ROW ? NULL : &log->rows[at];
}

static bool wins(const struct nat_row *row, const struct nat_row *best)
{
        if (row == NULL || best == NULL)
                return best == NULL;
        return row->from_ns != best->from_ns ? row->from_ns > best->from_ns : row->number > best->number;
}

static const struct nat_row *find_in_kind(const struct nat_log *log, uint16_t row_kind, const struct address *outside, uint16_t port,
                                          int64_t time_ns)
{
        const struct nat_row *best = NULL;
        unsigned reach = 2U << row_kind % SIZES;
        struct nat_row key = {.outside = *outside, .kind = row_kind, .port_first = port, .port_last = PORT_MOST, .from_ns = INT64_MAX,
                              .number = UINT32_MAX};
        for (uint32_t at = rows_before(log, &key); at > 0; at = rows_before(log, &key)) {
                const struct nat_row *row = &log->rows[at - 1];
                if (row->kind != row_kind || !address_equal(&row->outside, outside) || row->port_first + reach <= port)
                        break;
                key.port_first = row->port_first;
                key.port_last = row->port_last;
                const struct nat_row *found = row->port_last >= port ? find_in_range(log, &key, time_ns) : NULL;
                if (wins(found, best))
                        best = found;
                key.from_ns = INT64_MIN; /* on to the range before */
                key.number = 0;
        }
        return best;
}

bool nat_log_find(const struct nat_log *log, const struct address *outside, uint16_t port, uint8_t protocol, int64_t time_ns,
                  struct address *inside)
{
        const struct nat_row *best = NULL;
        for (unsigned i = 0; log != NULL && i < log->kind_count; i++) {
                unsigned of_kind = log->kinds[i] / SIZES;
                if (of_kind != protocol && of_kind != ANY_PROTOCOL)
                        continue;
                const struct nat_row *found = find_in_kind(log, log->kinds[i], outside, port, time_ns);
                if (found != NULL && wins(found, best))
                        best = found;
        }
        if (best != NULL)
                *inside = best->inside;
        return best != NULL;
}

uint32_t nat_log_count(const struct nat_log *log)
{
        return log ? log->count : 0;
}

const char *nat_log_digest(const struct nat_log *log)
{
        return log ? log->digest : "";
}
