#include "config.h"

#include "judge/tac_learner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "judge/device_table.h"
#include "judge/flow_set.h"
#include "judge/name_pool.h"

enum { DEVICES = 1000000, LESSONS = 65536, TAC_DIGITS = 8, MODULE_DIGITS = 14, TEXT = 96, NAME = 65 };

/* What one device said in one session. */
struct listener {
        uint64_t session;
        char imei[MODULE_DIGITS + 1];   /* "": not known */
        const char *source;             /* of the IMEI; static */
        char vendor[NAME], model[NAME]; /* "": not said */
        char text[TEXT], protocol[NAME]; /* by which it was said */
        uint32_t file;                  /* of files; NAME_NONE: not said */
        uint64_t frame;
};

struct lesson {
        char tac[TAC_DIGITS + 1];
        char vendor[NAME], model[NAME];
        bool has_models;                /* several: none is proposed */
        uint32_t devices;
        const char *source;
        char text[TEXT], protocol[NAME];
        uint32_t file;
        uint64_t frame;
};

struct tac_learner {
        const struct intel *intel;
        struct device_table *devices;
        struct listener *listeners; /* by number of the device */
        uint32_t listener_room;
        struct flow_set *told;      /* pairs of module and vendor */
        struct lesson *lessons;
        uint32_t lesson_count, lesson_room;
        struct name_pool *files;    /* names that were told */
        uint64_t left_out;
};

struct tac_learner *tac_learner_create(const struct intel *intel)
{
        struct tac_learner *learner = calloc(1, sizeof *learner);
        if (learner == NULL)
                return NULL;
        learner->intel = intel;
        learner->devices = device_table_create(DEVICES, NULL, NULL);
        learner->told = flow_set_create(DEVICES);
        learner->files = name_pool_create();
        if (learner->devices != NULL && learner->told != NULL && learner->files != NULL)
                return learner;
        tac_learner_destroy(learner);
        return NULL;
}

void tac_learner_destroy(struct tac_learner *learner)
{
        if (learner == NULL)
                return;
        name_pool_destroy(learner->files);
        free(learner->lessons);
        free(learner->listeners);
        flow_set_destroy(learner->told);
        device_table_destroy(learner->devices);
        free(learner);
}

/* A record that the table gives to another device begins anew, and so does another session of the same. */
static struct listener *listener_of(struct tac_learner *learner, const struct device_word *word)
{
        struct device_key key = {word->address, word->context};
        struct device *device = device_table_touch(learner->devices, &key, (uint32_t)(word->time_ns / 1000000000));
        if (device == NULL)
                return NULL;
        if (device->number >= learner->listener_room) {
                uint32_t room = device->number < 512 ? 1024 : device->number * 2 + 2;
                struct listener *grown = realloc(learner->listeners, room * sizeof *grown);
                if (grown == NULL)
                        return NULL;
                memset(grown + learner->listener_room, 0, (room - learner->listener_room) * sizeof *grown);
                learner->listeners = grown;
                learner->listener_room = room;
        }
        struct listener *listener = &learner->listeners[device->number];
        bool is_new = device->fleet == DEVICE_FLEET_UNKNOWN;
        device->fleet = 0;
        if (is_new || listener->session != word->session)
                *listener = (struct listener){.session = word->session};
        return listener;
}

static struct lesson *lesson_of(struct tac_learner *learner, const struct listener *listener)
{
        for (uint32_t i = 0; i < learner->lesson_count; i++) {
                struct lesson *lesson = &learner->lessons[i];
                if (strcmp(lesson->vendor, listener->vendor) == 0 && memcmp(lesson->tac, listener->imei, TAC_DIGITS) == 0)
                        return lesson;
        }
        if (learner->lesson_count == learner->lesson_room) {
                uint32_t room = learner->lesson_room ? learner->lesson_room * 2 : 64;
                struct lesson *grown = room <= LESSONS ? realloc(learner->lessons, room * sizeof *grown) : NULL;
                if (grown == NULL)
                        return NULL;
                learner->lessons = grown;
                learner->lesson_room = room;
        }
        struct lesson *lesson = &learner->lessons[learner->lesson_count++];
        *lesson = (struct lesson){.source = listener->source, .file = listener->file, .frame = listener->frame};
        memcpy(lesson->tac, listener->imei, TAC_DIGITS);
        memcpy(lesson->vendor, listener->vendor, sizeof lesson->vendor);
        memcpy(lesson->text, listener->text, sizeof lesson->text);
        memcpy(lesson->protocol, listener->protocol, sizeof lesson->protocol);
        return lesson;
}

static void learn_model(struct lesson *lesson, const char *model)
{
        if (model[0] == '\0')
                return;
        if (lesson->model[0] == '\0')
                memcpy(lesson->model, model, sizeof lesson->model);
        else if (strcmp(lesson->model, model) != 0)
                lesson->has_models = true;
}

/* A module counts once for each vendor that it names, and for each model of that vendor's. */
static void learn(struct tac_learner *learner, const struct listener *listener)
{
        uint64_t seed = XXH3_64bits(listener->vendor, strlen(listener->vendor));
        uint64_t pair = XXH3_64bits_withSeed(listener->imei, MODULE_DIGITS, seed);
        uint64_t triple = XXH3_64bits_withSeed(listener->model, strlen(listener->model), pair);
        bool is_counted = flow_set_has(learner->told, pair);
        if (is_counted && (listener->model[0] == '\0' || flow_set_has(learner->told, triple)))
                return;
        struct lesson *lesson = lesson_of(learner, listener);
        if (lesson == NULL) {
                learner->left_out++;
                return;
        }
        flow_set_add(learner->told, pair);
        flow_set_add(learner->told, triple);
        lesson->devices += !is_counted;
        learn_model(lesson, listener->model);
}

/* Zeros and the like are nobody's IMEI. */
static bool is_imei(const char *text)
{
        size_t length = text ? strspn(text, "0123456789") : 0;
        return length >= MODULE_DIGITS && text[length] == '\0' && strspn(text, "0") < TAC_DIGITS;
}

static void take_imei(struct listener *listener, const struct device_word *word)
{
        const char *imei = is_imei(word->imei) ? word->imei : word->said_imei;
        bool is_own = imei == word->said_imei;
        if (!is_imei(imei) || (is_own && listener->imei[0] != '\0'))
                return;
        memcpy(listener->imei, imei, MODULE_DIGITS);
        listener->source = is_own ? "its own message" : word->imei_source;
}

/* For YAML and its comments. */
static void take_text(char *out, size_t size, const char *text)
{
        memset(out, 0, size);
        for (size_t i = 0; text != NULL && i + 1 < size && text[i] != '\0'; i++) {
                char letter = text[i];
                out[i] = letter < ' ' || letter > '~' ? '?' : letter;
        }
}

/* Maker and model may come one by one; another maker's model is another's. */
static void take_make(struct tac_learner *learner, struct listener *listener, const struct device_word *word)
{
        char vendor[NAME];
        take_text(vendor, sizeof vendor, word->vendor);
        if (word->vendor != NULL && strcmp(vendor, listener->vendor) != 0)
                listener->model[0] = '\0';
        if (word->model != NULL)
                take_text(listener->model, sizeof listener->model, word->model);
        if (word->vendor == NULL)
                return;
        memcpy(listener->vendor, vendor, sizeof vendor);
        take_text(listener->text, sizeof listener->text, word->text);
        take_text(listener->protocol, sizeof listener->protocol, word->protocol);
        listener->file = word->file ? name_pool_hold(learner->files, word->file) : NAME_NONE;
        listener->frame = word->frame;
}

void tac_learner_hear(struct tac_learner *learner, const struct device_word *word)
{
        struct listener *listener = listener_of(learner, word);
        if (listener == NULL) {
                learner->left_out++;
                return;
        }
        take_imei(listener, word);
        take_make(learner, listener, word);
        if (listener->imei[0] != '\0' && listener->vendor[0] != '\0')
                learn(learner, listener);
}

static int compare_lessons(const void *left, const void *right)
{
        const struct lesson *a = left, *b = right;
        int order = memcmp(a->tac, b->tac, TAC_DIGITS);
        return order ? order : strcmp(a->vendor, b->vendor);
}

/* Lists have "Quectel Wireless Solutions" and "Cinterion", intel "Quectel" and "Telit Cinterion". */
static bool is_same_vendor(const struct tac_learner *learner, const char *said, const char *listed)
{
        const struct intel_vendor *vendor = intel_vendor(learner->intel, said);
        return (vendor != NULL && intel_vendor_is(vendor, listed)) || strcasestr(listed, said) != NULL || strcasestr(said, listed) != NULL;
}

static void print_evidence(const struct tac_learner *learner, const struct lesson *lesson, FILE *out)
{
        bool is_agent = strcmp(lesson->protocol, "HTTP") == 0;
        fprintf(out, "%u device%s with %s \"%s\"", lesson->devices, lesson->devices == 1 ? "" : "s", is_agent ? "user agent" : lesson->protocol,
                lesson->text);
        if (lesson->file != NAME_NONE) {
                fputs(", first in ", out);
                for (const char *at = name_pool_text(learner->files, lesson->file); *at != '\0'; at++)
                        fputc((unsigned char)*at < ' ' || *at == 0x7f ? '?' : *at, out);
                fprintf(out, " frame %" PRIu64, lesson->frame);
        }
        fprintf(out, "; IMEI by %s\n", lesson->source ? lesson->source : "signalling");
}

static void print_quoted(const char *text, FILE *out)
{
        fputc('\'', out);
        for (; *text != '\0'; text++) {
                if (*text == '\'')
                        fputc('\'', out);
                fputc(*text, out);
        }
        fputc('\'', out);
}

static void print_row(const struct tac_learner *learner, const struct lesson *lesson, FILE *out)
{
        fputs("  # ", out);
        print_evidence(learner, lesson, out);
        fprintf(out, "  - {tac: \"%s\", vendor: ", lesson->tac);
        print_quoted(lesson->vendor, out);
        if (lesson->model[0] != '\0' && !lesson->has_models) {
                fputs(", model: ", out);
                print_quoted(lesson->model, out);
        }
        bool is_agent = strcmp(lesson->protocol, "HTTP") == 0;
        fprintf(out, ", source: 'learned: %s of %u device%s'}\n", is_agent ? "user agent" : lesson->protocol, lesson->devices,
                lesson->devices == 1 ? "" : "s");
}

static void print_contradiction(const struct tac_learner *learner, const struct lesson *lessons, unsigned count,
                                const struct intel_tac *listed, FILE *out)
{
        fprintf(out, "  # Not proposed: %s", lessons->tac);
        if (listed != NULL)
                fprintf(out, " is listed as %s's, and devices say otherwise (their makers may put TACs of their own on modules):\n",
                        listed->vendor);
        else
                fputs(", since its devices name several vendors:\n", out);
        for (unsigned i = 0; i < count; i++) {
                fprintf(out, "  #   %s: ", lessons[i].vendor);
                print_evidence(learner, &lessons[i], out);
        }
}

/* Lessons of one TAC: 1 when a row is proposed. */
static unsigned print_tac(const struct tac_learner *learner, const struct lesson *lessons, unsigned count, FILE *out)
{
        const struct intel_tac *listed = intel_tac(learner->intel, lessons->tac);
        unsigned same = 0;
        for (unsigned i = 0; i < count; i++)
                same += listed != NULL && is_same_vendor(learner, lessons[i].vendor, listed->vendor);
        if (same == count)
                return 0;
        if (count > 1 || listed != NULL) {
                print_contradiction(learner, lessons, count, listed, out);
                return 0;
        }
        print_row(learner, lessons, out);
        return 1;
}

unsigned tac_learner_print(struct tac_learner *learner, FILE *out)
{
        unsigned proposed = 0;
        fputs("# Learned by `apnwatch intel learn-tac` from what devices say of themselves; nothing was applied. Look it over,\n"
              "# then keep it as a .yaml in a folder of its own and name that with --intel beside the installed one.\n"
              "tacs:\n", out);
        if (learner->lesson_count > 0)
                qsort(learner->lessons, learner->lesson_count, sizeof *learner->lessons, compare_lessons);
        for (uint32_t i = 0, next; i < learner->lesson_count; i = next) {
                for (next = i + 1; next < learner->lesson_count &&
                                   memcmp(learner->lessons[i].tac, learner->lessons[next].tac, TAC_DIGITS) == 0;)
                        next++;
                proposed += print_tac(learner, &learner->lessons[i], next - i, out);
        }
        if (proposed == 0)
                fputs("  []\n", out);
        return proposed;
}

uint64_t tac_learner_left_out(const struct tac_learner *learner)
{
        return learner->left_out + device_table_evictions(learner->devices);
}
