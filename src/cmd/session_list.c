#include "cmd/session_list.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "model/json.h"
#include "model/privacy.h"

enum { HELD_MOST = 1000000, HISTORY_MOST = 64, ROW_SIZE = 512 };

struct session {
        uint64_t number;
        struct binding first;          /* each value as it was first known */
        char *apn;                     /* a binding's own is gone once it has another */
        struct binding_endpoints ends; /* all that it had */
        struct json_buffer history;
        unsigned changes;
        size_t file;
};

/* The place of a session in the order; once it has ended only its text is left. */
struct place {
        struct session *session;
        char *text;
        uint64_t number;
        struct place *prev, *next;
        UT_hash_handle hh;             /* of those that live */
};

struct session_list {
        FILE *out;
        bool json, failed, has_head;
        struct place *live, *order;
        unsigned held;                 /* ended, not yet printed */
        char **files;
        size_t file_count, first_file; /* of the run now */
        struct json_buffer line;
        struct privacy *privacy;       /* NULL: identities as they are */
        bool has_sessions;
};

struct session_list *session_list_create(FILE *out, bool json)
{
        struct session_list *list = calloc(1, sizeof *list);
        if (list == NULL)
                return NULL;
        list->out = out;
        list->json = json;
        return list;
}

void session_list_cover(struct session_list *list, struct privacy *privacy)
{
        list->privacy = privacy;
}

static void free_session(struct session *session)
{
        if (session == NULL)
                return;
        json_buffer_clear(&session->history);
        free(session->apn);
        free(session);
}

static void free_place(struct session_list *list, struct place *place)
{
        DL_DELETE(list->order, place);
        free_session(place->session);
        free(place->text);
        free(place);
}

void session_list_destroy(struct session_list *list)
{
        if (list == NULL)
                return;
        HASH_CLEAR(hh, list->live);
        while (list->order != NULL)
                free_place(list, list->order);
        for (size_t i = 0; i < list->file_count; i++)
                free(list->files[i]);
        free(list->files);
        json_buffer_clear(&list->line);
        free(list);
}

/* A log may hold several runs, each with numbers of its own; a Run without a version goes on with the list before. */
void session_list_run(struct session_list *list, const Apnwatch__V1__Run *run)
{
        if (run->version != NULL || run->n_tap > 0)
                list->first_file = list->file_count;
        char **files = realloc(list->files, (list->file_count + run->n_input + 1) * sizeof *files);
        if (files == NULL) {
                list->failed = true;
                return;
        }
        list->files = files;
        for (size_t i = 0; i < run->n_input; i++)
                list->files[list->file_count++] = strdup(run->input[i]);
}

/* What is known of a session, by its name in the output. */

static const struct {
        enum binding_fact fact;
        const char *key;
} facts[BINDING_FACTS] = {
        {FACT_IMSI, "imsi"}, {FACT_IMEI, "imei"}, {FACT_MSISDN, "msisdn"}, {FACT_APN, "apn"}, {FACT_IPV4, "ipv4"},
        {FACT_IPV6, "ipv6_prefix"}, {FACT_RAT, "rat"}, {FACT_PLMN, "plmn"}, {FACT_CELL, "cell"}, {FACT_AREA, "tracking_area"}};

static const char *fact_text(const struct binding *binding, enum binding_fact fact, char room[PREFIX_TEXT_SIZE])
{
        switch (fact) {
        case FACT_IMSI: return binding->imsi;
        case FACT_IMEI: return binding->imei;
        case FACT_MSISDN: return binding->msisdn;
        case FACT_APN: return binding->apn ? binding->apn : "";
        case FACT_IPV4: return address_is_unspecified(&binding->ipv4) ? "" : address_text(&binding->ipv4, room);
        case FACT_IPV6: return binding->ipv6.length == 0 ? "" : prefix_text(&binding->ipv6, room);
        case FACT_RAT: return binding->rat ? binding->rat : "";
        case FACT_PLMN: return binding_plmn_text(&binding->plmn, room);
        case FACT_CELL: return binding_place_text(&binding->cell, room);
        case FACT_AREA: return binding_place_text(&binding->area, room);
        case BINDING_FACTS: break;
        }
        return "";
}

/* As it may be shown. */
static const char *shown_fact(const struct session_list *list, const struct binding *binding, enum binding_fact fact,
                              char room[PREFIX_TEXT_SIZE])
{
        _Static_assert((int)PRIVACY_IDENTITY_SIZE <= (int)PREFIX_TEXT_SIZE, "a pseudonym fits");
        const char *text = fact_text(binding, fact, room);
        if (list->privacy == NULL || (fact != FACT_IMSI && fact != FACT_IMEI && fact != FACT_MSISDN))
                return text;
        return privacy_identity(list->privacy, text, fact == FACT_IMEI, room);
}

static void keep_apn(struct session *session, const char *apn)
{
        char *kept = apn != NULL ? strdup(apn) : NULL;
        free(session->apn);
        session->first.apn = session->apn = kept;
}

static void keep_fact(struct session *session, const struct binding *from, enum binding_fact fact)
{
        struct binding *to = &session->first;
        switch (fact) {
        case FACT_IMSI: memcpy(to->imsi, from->imsi, sizeof to->imsi); break;
        case FACT_IMEI: memcpy(to->imei, from->imei, sizeof to->imei); break;
        case FACT_MSISDN: memcpy(to->msisdn, from->msisdn, sizeof to->msisdn); break;
        case FACT_APN: keep_apn(session, from->apn); break;
        case FACT_IPV4: to->ipv4 = from->ipv4; break;
        case FACT_IPV6: to->ipv6 = from->ipv6; break;
        case FACT_RAT: to->rat = from->rat; break;
        case FACT_PLMN: to->plmn = from->plmn; break;
        case FACT_CELL: to->cell = from->cell; break;
        case FACT_AREA: to->area = from->area; break;
        case BINDING_FACTS: break;
        }
        to->sources[fact] = from->sources[fact];
}

static void put_endpoint(struct json_buffer *out, const struct binding_endpoint *endpoint)
{
        char text[ADDRESS_TEXT_SIZE];
        json_put_begin_object(out);
        json_put_key(out, "ip");
        json_put_string(out, address_text(&endpoint->address, text));
        json_put_key(out, endpoint->is_seid ? "seid" : "teid");
        json_put_number(out, endpoint->key);
        json_put_end_object(out);
}

static void put_endpoints(struct json_buffer *out, const char *key, const struct binding_endpoint *endpoints, unsigned count)
{
        if (count == 0)
                return;
        json_put_key(out, key);
        json_put_begin_list(out);
        for (unsigned i = 0; i < count; i++)
                put_endpoint(out, &endpoints[i]);
        json_put_end_list(out);
}

/* Those that are not yet in the session are put behind. The ones that are new come last in `now`'s order or first: the order of
 * a binding's endpoints means nothing. */
static void add_endpoints(struct binding_endpoint *held, uint8_t *count, unsigned most, const struct binding_endpoint *now,
                              unsigned now_count)
{
        for (unsigned i = now_count; i-- > 0 && *count < most;) {
                bool is_held = false;
                for (unsigned k = 0; k < *count; k++)
                        is_held |= held[k].key == now[i].key && address_equal(&held[k].address, &now[i].address);
                if (!is_held)
                        held[(*count)++] = now[i];
        }
}

/* An IMEI that some said without its software version, as others say it: the same one, whole. */
static bool is_completed(const struct session *session, const struct binding_change *change, enum binding_fact fact)
{
        enum { IMEI_MODULE = 14 };
        const char *held = session->first.imei, *now = change->now->imei;
        return fact == FACT_IMEI && strlen(now) > strlen(held) && strncmp(held, now, IMEI_MODULE) == 0;
}

/* A value that was not known before becomes the first; another one is history. */
static void take_change(const struct session_list *list, struct session *session, const struct binding_change *change)
{
        struct json_buffer *history = &session->history;
        char room[PREFIX_TEXT_SIZE], held[PREFIX_TEXT_SIZE];
        uint32_t other = 0;
        for (unsigned i = 0; i < BINDING_FACTS; i++) {
                enum binding_fact fact = facts[i].fact;
                if (!(change->facts & 1U << fact))
                        continue;
                if (fact_text(&session->first, fact, held)[0] == '\0' || is_completed(session, change, fact))
                        keep_fact(session, change->now, fact);
                else if (change->before == NULL ||
                         strcmp(fact_text(change->before, fact, held), fact_text(change->now, fact, room)) != 0)
                        other |= 1U << fact;
        }
        struct binding_endpoints *ends = &session->ends;
        const struct binding_endpoints *now = change->endpoints;
        unsigned controls = ends->control_count, users = ends->user_count;
        if (now != NULL) {
                add_endpoints(ends->control, &ends->control_count, BINDING_CONTROL, now->control, now->control_count);
                add_endpoints(ends->user, &ends->user_count, BINDING_USER, now->user, now->user_count);
        }
        bool endpoints = controls < ends->control_count || users < ends->user_count;
        if (change->news == BINDING_OPENED || (other == 0 && !endpoints) || session->changes++ >= HISTORY_MOST)
                return;
        json_put_begin_object(history);
        json_put_key(history, "time");
        json_put_time(history, (uint64_t)change->time_ns);
        for (unsigned i = 0; i < BINDING_FACTS; i++) {
                if (!(other & 1U << facts[i].fact))
                        continue;
                json_put_key(history, facts[i].key);
                json_put_string(history, shown_fact(list, change->now, facts[i].fact, room));
        }
        put_endpoints(history, "control", ends->control + controls, ends->control_count - controls);
        put_endpoints(history, "user", ends->user + users, ends->user_count - users);
        json_put_end_object(history);
}

static void put_sources(struct json_buffer *out, const struct binding *first)
{
        char room[PREFIX_TEXT_SIZE];
        json_put_key(out, "sources");
        json_put_begin_object(out);
        for (unsigned i = 0; i < BINDING_FACTS; i++) {
                const char *source = binding_source_text((enum binding_source)first->sources[facts[i].fact]);
                if (source == NULL || fact_text(first, facts[i].fact, room)[0] == '\0')
                        continue;
                json_put_key(out, facts[i].key);
                json_put_string(out, source);
        }
        json_put_end_object(out);
}

static void put_json(struct session_list *list, const struct session *session, const struct binding_change *change)
{
        const struct binding *first = &session->first;
        struct json_buffer *out = &list->line;
        char room[PREFIX_TEXT_SIZE];
        json_put_begin_object(out);
        json_put_key(out, "start");
        json_put_time(out, (uint64_t)first->first_ns);
        json_put_key(out, "end");
        json_put_time(out, (uint64_t)change->time_ns);
        json_put_key(out, "end_reason");
        json_put_string(out, binding_end_text(change->end));
        for (unsigned i = 0; i < BINDING_FACTS; i++) {
                const char *text = shown_fact(list, first, facts[i].fact, room);
                if (text[0] == '\0')
                        continue;
                json_put_key(out, facts[i].key);
                json_put_string(out, text);
        }
        json_put_key(out, "protocol");
        json_put_string(out, binding_source_text((enum binding_source)first->protocol));
        put_sources(out, first);
        put_endpoints(out, "control", session->ends.control, session->ends.control_count);
        put_endpoints(out, "user", session->ends.user, session->ends.user_count);
        if (session->history.length > 0) {
                json_put_key(out, "history");
                json_put_begin_list(out);
                json_put_raw(out, session->history.text, session->history.length);
                json_put_end_list(out);
        }
        if (session->file < list->file_count) {
                json_put_key(out, "file");
                json_put_string(out, list->files[session->file]);
        }
        if (first->file_frame != 0) {
                json_put_key(out, "frame");
                json_put_number(out, first->file_frame);
        }
        json_put_end_object(out);
}

struct row {
        const char *start, *end, *imsi, *imei, *msisdn, *rat, *cell, *reason, *apn, *address;
};

/* What has no usual length stands last. */
static void write_row(const struct session_list *list, const struct row *row, char text[ROW_SIZE])
{
        enum { PSEUDONYM_COLUMN = 21, PSEUDONYM_WITH_TAC = 30 };
        int width = list->privacy ? PSEUDONYM_COLUMN : 15, imei_width = list->privacy ? PSEUDONYM_WITH_TAC : 16;
        snprintf(text, ROW_SIZE, "%-19s %-19s %-*s %-*s %-*s %-7s %-27s %-12s %-24s %s", row->start, row->end, width, row->imsi,
                 imei_width, row->imei, width, row->msisdn, row->rat, row->cell, row->reason, row->apn, row->address);
}

static const char *or_dash(const char *text)
{
        return text != NULL && text[0] ? text : "-";
}

static const char *second_text(int64_t time_ns, char text[JSON_TIME_SIZE])
{
        json_time_text((uint64_t)time_ns, "Z", text);
        text[19] = '\0';
        return text;
}

static void put_row(struct session_list *list, const struct session *session, const struct binding_change *change)
{
        const struct binding *first = &session->first;
        char text[ROW_SIZE], start[JSON_TIME_SIZE], end[JSON_TIME_SIZE], ipv4[PREFIX_TEXT_SIZE], ipv6[PREFIX_TEXT_SIZE];
        char both[2 * PREFIX_TEXT_SIZE], apn[104], cell[PREFIX_TEXT_SIZE], imsi[PREFIX_TEXT_SIZE], imei[PREFIX_TEXT_SIZE];
        char msisdn[PREFIX_TEXT_SIZE];
        const char *a = fact_text(first, FACT_IPV4, ipv4), *b = fact_text(first, FACT_IPV6, ipv6);
        snprintf(both, sizeof both, "%s%s%s", a, a[0] && b[0] ? "," : "", b);
        snprintf(apn, sizeof apn, "%s", or_dash(first->apn));
        for (char *at = apn; *at != '\0'; at++)
                if (*at <= ' ' || *at > '~')
                        *at = '?'; /* a terminal obeys what it is sent */
        const struct row row = {.start = second_text(first->first_ns, start), .end = second_text(change->time_ns, end),
                                .imsi = or_dash(shown_fact(list, first, FACT_IMSI, imsi)),
                                .imei = or_dash(shown_fact(list, first, FACT_IMEI, imei)),
                                .msisdn = or_dash(shown_fact(list, first, FACT_MSISDN, msisdn)), .rat = or_dash(first->rat),
                                .cell = or_dash(fact_text(first, FACT_CELL, cell)), .reason = binding_end_text(change->end),
                                .apn = apn, .address = or_dash(both)};
        write_row(list, &row, text);
        json_put_raw(&list->line, text, strlen(text));
}

static void print_head(struct session_list *list)
{
        static const struct row head = {"START (UTC)", "END (UTC)", "IMSI", "IMEI", "MSISDN", "RAT", "CELL", "ENDED", "APN", "ADDRESS"};
        char text[ROW_SIZE];
        write_row(list, &head, text);
        list->failed |= fprintf(list->out, "%s\n", text) < 0;
}

static void print_place(struct session_list *list, struct place *place)
{
        if (!list->json && !list->has_head)
                print_head(list);
        list->has_head = true;
        list->failed |= fprintf(list->out, "%s\n", place->text) < 0;
        free_place(list, place);
        list->held--;
}

static void print_ended(struct session_list *list)
{
        while (list->order != NULL && list->order->text != NULL)
                print_place(list, list->order);
        if (list->held < HELD_MOST)
                return;
        struct place *place, *next;
        DL_FOREACH_SAFE(list->order, place, next)
                if (place->text != NULL)
                        print_place(list, place);
}

static void end_place(struct session_list *list, struct place *place, const struct binding_change *change)
{
        json_buffer_reset(&list->line);
        if (list->json)
                put_json(list, place->session, change);
        else
                put_row(list, place->session, change);
        const char *text = place->session->history.failed ? NULL : json_buffer_text(&list->line);
        HASH_DEL(list->live, place);
        free_session(place->session);
        place->session = NULL;
        if (text == NULL || (place->text = strdup(text)) == NULL) {
                list->failed = true;
                free_place(list, place);
                return;
        }
        list->held++;
        print_ended(list);
}

/* Starts come nearly in order: a request that waited for its response began before others that did not. */
static struct place *add_place(struct session_list *list, const struct binding *binding)
{
        struct place *place = calloc(1, sizeof *place), *before = list->order ? list->order->prev : NULL;
        if (place == NULL || (place->session = calloc(1, sizeof *place->session)) == NULL) {
                free(place);
                list->failed = true;
                return NULL;
        }
        struct session *session = place->session;
        list->has_sessions = true;
        place->number = session->number = binding->number;
        session->first = *binding;
        keep_apn(session, binding->apn);
        session->file = list->first_file + binding->file;
        while (before != NULL && before->session != NULL && before->session->first.first_ns > binding->first_ns)
                before = before == list->order ? NULL : before->prev;
        if (before == NULL)
                DL_PREPEND(list->order, place);
        else
                DL_APPEND_ELEM(list->order, before, place);
        HASH_ADD(hh, list->live, number, sizeof place->number, place);
        return place;
}

void session_list_changed(void *context, const struct binding_change *change)
{
        struct session_list *list = context;
        struct place *place;
        uint64_t number = change->now->number;
        HASH_FIND(hh, list->live, &number, sizeof number, place);
        if (place == NULL && (change->news != BINDING_OPENED || (place = add_place(list, change->now)) == NULL))
                return;
        if (change->news == BINDING_CLOSED)
                end_place(list, place, change);
        else
                take_change(list, place->session, change);
}

bool session_list_is_empty(const struct session_list *list)
{
        return !list->has_sessions;
}

bool session_list_failed(const struct session_list *list)
{
        return list->failed || ferror(list->out);
}
