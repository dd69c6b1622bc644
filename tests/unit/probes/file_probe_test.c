#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/decompressor.h"
#include "probes/probe.h"
#include "tests/unit/probes/capture_bytes.h"

static const int64_t second = 1000000000;

static char folder[64];

static int make_folder(void **state)
{
        (void)state;
        strcpy(folder, "/tmp/file_probe_test.XXXXXX");
        return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
        (void)state;
        char command[128];
        snprintf(command, sizeof command, "rm -r %s", folder);
        return system(command);
}

/* The path of a file in the folder; valid until four others were asked for. */
static const char *path_of(const char *name)
{
        static char paths[4][256];
        static unsigned next;
        char *path = paths[next++ % 4];
        snprintf(path, sizeof paths[0], "%s/%s", folder, name);
        return path;
}

static void write_file(const char *name, const void *bytes, size_t length)
{
        FILE *file = fopen(path_of(name), "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, length, file), length);
        assert_int_equal(fclose(file), 0);
}

static void write_capture(const char *name, struct bytes *bytes)
{
        write_file(name, bytes->at, bytes->length);
        bytes_free(bytes);
}

/* `count` packets, the first at `seconds`, then one every `step_ms`; the content tells `packet` + n. */
static struct bytes plain_capture(uint32_t packet, uint32_t count, uint32_t seconds, uint32_t step_ms)
{
        struct bytes bytes = {0};
        add_pcap_header(&bytes, 0xa1b2c3d4, 101);
        for (uint32_t i = 0; i < count; i++) {
                uint64_t ms = (uint64_t)seconds * 1000 + (uint64_t)i * step_ms;
                add_pcap_packet(&bytes, packet + i, (uint32_t)(ms / 1000), (uint32_t)(ms % 1000) * 1000, 40 + i % 200);
        }
        return bytes;
}

struct seen {
        uint64_t frames, wrong_bytes, late;
        uint64_t of_file[8];
        int64_t last_ns;
        uint32_t files[4096];   /* of the first frames: which file they came from */
        uint64_t numbers[4096];
};

static void see(struct seen *seen, const struct frame_batch *batch)
{
        assert_in_range(batch->count, 1, FRAME_BATCH);
        for (unsigned i = 0; i < batch->count; i++) {
                const struct frame *frame = &batch->frames[i];
                uint32_t packet = frame->captured > 0 ? frame->bytes[0] : 0; /* 31 * packet, modulo 256 */
                for (uint32_t place = 0; place < frame->captured; place++)
                        seen->wrong_bytes += frame->bytes[place] != (uint8_t)(packet + place);
                if (seen->frames < 4096) {
                        seen->files[seen->frames] = frame->file;
                        seen->numbers[seen->frames] = frame->number;
                }
                seen->late += seen->frames > 0 && frame->time_ns < seen->last_ns;
                seen->last_ns = frame->time_ns;
                seen->of_file[frame->file % 8]++;
                assert_int_equal(frame->order, ++seen->frames);
        }
}

static struct probe *open_paths(struct file_probe_settings *settings, const char *const *paths, uint32_t count)
{
        struct file_probe_input inputs[8] = {0};
        char error[256];
        for (uint32_t i = 0; i < count; i++)
                inputs[i].path = paths[i];
        settings->inputs = inputs;
        settings->input_count = count;
        struct probe *probe = file_probe_open(settings, error, sizeof error);
        if (probe == NULL)
                fail_msg("%s", error);
        return probe;
}

static void read_to_end(struct probe *probe, struct seen *seen)
{
        static struct frame_batch batch;
        int result;
        memset(seen, 0, sizeof *seen);
        while ((result = probe_next(probe, &batch)) == 1)
                see(seen, &batch);
        assert_int_equal(result, 0);
        assert_int_equal(batch.count, 0);
        assert_int_equal(probe_next(probe, &batch), 0);
        assert_int_equal(seen->wrong_bytes, 0);
}

/* Opens, reads, and leaves the probe for its verdicts. */
static struct probe *read_paths(struct file_probe_settings settings, const char *const *paths, uint32_t count, struct seen *seen)
{
        struct probe *probe = open_paths(&settings, paths, count);
        read_to_end(probe, seen);
        return probe;
}

static void run(const char *command)
{
        int status = system(command);
        if (status != 0)
                fail_msg("%s: status %d", command, status);
}

static void compress_with(const char *program, const char *from, const char *to)
{
        char command[1024];
        snprintf(command, sizeof command, "%s < %s > %s", program, path_of(from), path_of(to));
        run(command);
}

static void one_file_is_read_with_its_verdict(void **state)
{
        (void)state;
        struct bytes bytes = plain_capture(0, 10000, 1000, 10);
        struct seen seen;
        uint64_t done, total, length = bytes.length;
        write_capture("one.pcap", &bytes);
        const char *paths[] = {path_of("one.pcap")};
        struct probe *probe = read_paths((struct file_probe_settings){.merge = 1}, paths, 1, &seen);
        const struct input_verdict *verdict = probe_input(probe, 0);
        assert_int_equal(seen.frames, 10000);
        assert_int_equal(probe_input_count(probe), 1);
        assert_null(probe_input(probe, 1));
        assert_string_equal(verdict->path, paths[0]);
        assert_string_equal(verdict->verdict, "ok");
        assert_string_equal(verdict->link_types, "raw");
        assert_int_equal(verdict->state, INPUT_OK);
        assert_true(verdict->named);
        assert_int_equal(verdict->packets, 10000);
        assert_int_equal(verdict->first_ns, 1000 * second);
        assert_int_equal(verdict->last_ns, 1099990 * (second / 1000));
        assert_int_equal(verdict->bytes, length);
        assert_null(verdict->sha256);
        probe_progress(probe, &done, &total);
        assert_int_equal(done, length);
        assert_int_equal(total, length);
        assert_string_equal(probe_interface_name(probe, 0), "");
        assert_string_equal(probe_interface_name(probe, 9), "");
        probe_destroy(probe);
}

static const struct compression {
        const char *program;
        const struct decompressor_kind *kind;
} compressions[] = {{"gzip -c", &decompressor_gzip}, {"zstd -q -c", &decompressor_zstd}, {"xz -c", &decompressor_xz}};

/* The next one that this build can decompress; begin with NULL. */
static const struct compression *next_compression(const struct compression *last)
{
        const struct compression *end = compressions + sizeof compressions / sizeof compressions[0];
        for (last = last ? last + 1 : compressions; last < end; last++)
                if (last->kind->step != NULL)
                        return last;
        return NULL;
}

static const char *any_compression(void)
{
        const struct compression *first = next_compression(NULL);
        return first != NULL ? first->program : "cat";
}

static void compressed_files_give_the_same_frames(void **state)
{
        (void)state;
        struct bytes bytes = plain_capture(0, 20000, 1000, 10); /* many buffers long */
        write_capture("plain", &bytes);
        for (const struct compression *c = NULL; (c = next_compression(c)) != NULL;) {
                struct seen seen;
                compress_with(c->program, "plain", "no_suffix_at_all");
                const char *paths[] = {path_of("no_suffix_at_all")};
                struct probe *probe = read_paths((struct file_probe_settings){0}, paths, 1, &seen);
                assert_int_equal(seen.frames, 20000);
                assert_int_equal(seen.late, 0);
                assert_string_equal(probe_input(probe, 0)->verdict, "ok");
                probe_destroy(probe);
        }
}

static void concatenated_members_are_one_capture(void **state)
{
        (void)state;
        struct bytes bytes = plain_capture(0, 3000, 1000, 10);
        size_t half = bytes.length / 2 + 3;
        write_file("first", bytes.at, half);
        write_file("second", bytes.at + half, bytes.length - half);
        bytes_free(&bytes);
        for (const struct compression *c = NULL; (c = next_compression(c)) != NULL;) {
                struct seen seen;
                char command[1024];
                compress_with(c->program, "first", "a");
                compress_with(c->program, "second", "b");
                snprintf(command, sizeof command, "cd %s && cat a b > both", folder);
                run(command);
                const char *paths[] = {path_of("both")};
                struct probe *probe = read_paths((struct file_probe_settings){0}, paths, 1, &seen);
                assert_int_equal(seen.frames, 3000);
                assert_string_equal(probe_input(probe, 0)->verdict, "ok");
                probe_destroy(probe);
        }
}

static void copy_changed(const char *from, const char *to, long cut, long flip)
{
        static uint8_t bytes[1 << 20];
        FILE *file = fopen(path_of(from), "rb");
        assert_non_null(file);
        size_t length = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        if (flip > 0)
                bytes[flip] ^= 0xff;
        write_file(to, bytes, cut > 0 ? (size_t)cut : length);
}

static void damage_in_compressed_files_leaves_what_came_before(void **state)
{
        (void)state;
        struct bytes bytes = {0};
        add_pcap_header(&bytes, 0xa1b2c3d4, 101);
        srand(7);
        for (unsigned i = 0; i < 3000; i++) { /* that does not compress */
                add_pcap_record(&bytes, 1000 + i, 0, 100, 100);
                for (unsigned k = 0; k < 25; k++)
                        add_u32(&bytes, (uint32_t)rand());
        }
        write_capture("noise", &bytes);
        for (const struct compression *c = NULL; (c = next_compression(c)) != NULL;) {
                static struct frame_batch batch;
                struct file_probe_settings settings = {0};
                uint64_t frames[2] = {0};
                compress_with(c->program, "noise", "packed");
                copy_changed("packed", "cut", 200000, 0);
                copy_changed("packed", "flipped", 0, 200000);
                const char *paths[] = {path_of("cut"), path_of("flipped")};
                struct probe *probe = open_paths(&settings, paths, 2);
                while (probe_next(probe, &batch) == 1)
                        for (unsigned k = 0; k < batch.count; k++)
                                frames[batch.frames[k].file]++;
                const struct input_verdict *cut = probe_input(probe, 0), *flipped = probe_input(probe, 1);
                assert_memory_equal(cut->verdict, "truncated at byte 200000: ", 26);
                assert_int_equal(cut->state, INPUT_DAMAGED);
                assert_int_equal(flipped->state, INPUT_DAMAGED);
                assert_in_range(frames[0], 1, 2000);
                assert_in_range(frames[1], 1, 3000); /* gzip may notice by its checksum only, at the end */
                assert_int_equal(cut->packets, frames[0]);
                assert_int_equal(flipped->packets, frames[1]);
                probe_destroy(probe);
        }
}

static void compressed_text_is_no_capture_and_a_missing_library_is_told(void **state)
{
        (void)state;
        write_file("text", "nothing to see here, only words", 31);
        for (unsigned i = 0; i < sizeof compressions / sizeof compressions[0]; i++) {
                struct seen seen;
                compress_with(compressions[i].program, "text", "packed");
                const char *paths[] = {path_of("packed")};
                struct probe *probe = read_paths((struct file_probe_settings){0}, paths, 1, &seen);
                bool here = compressions[i].kind->step != NULL;
                assert_string_equal(probe_input(probe, 0)->verdict, here ? "not a capture" :
                                    "cannot be opened: this build lacks the library that decompresses it");
                assert_int_equal(probe_input(probe, 0)->state, here ? INPUT_NOT_CAPTURE : INPUT_UNREADABLE);
                probe_destroy(probe);
        }
}

/* The bytes of `name` come through a pipe in small pieces on standard input. */
static int give_standard_input(const char *name, pid_t *writer)
{
        int ends[2], saved = dup(STDIN_FILENO);
        assert_int_equal(pipe(ends), 0);
        *writer = fork();
        if (*writer == 0) {
                uint8_t piece[777];
                FILE *file = fopen(path_of(name), "rb");
                size_t length;
                while (file != NULL && (length = fread(piece, 1, sizeof piece, file)) > 0)
                        if (write(ends[1], piece, length) < 0)
                                break;
                _exit(0);
        }
        close(ends[1]);
        dup2(ends[0], STDIN_FILENO);
        close(ends[0]);
        return saved;
}

static void read_standard_input(const char *name, uint64_t expected)
{
        struct seen seen;
        pid_t writer;
        int status, saved = give_standard_input(name, &writer);
        const char *paths[] = {"-"};
        struct probe *probe = read_paths((struct file_probe_settings){.digest = 1}, paths, 1, &seen);
        uint64_t done, total;
        dup2(saved, STDIN_FILENO);
        close(saved);
        waitpid(writer, &status, 0);
        assert_int_equal(seen.frames, expected);
        assert_string_equal(probe_input(probe, 0)->verdict, "ok");
        assert_string_equal(probe_input(probe, 0)->path, "-");
        assert_non_null(probe_input(probe, 0)->sha256);
        struct stat file;
        assert_int_equal(stat(path_of(name), &file), 0);
        assert_int_equal(probe_input(probe, 0)->bytes, file.st_size);
        probe_progress(probe, &done, &total);
        assert_int_equal(total, 0);
        assert_int_equal(done, file.st_size);
        probe_destroy(probe);
}

static void standard_input_is_read_plain_and_compressed(void **state)
{
        (void)state;
        struct bytes bytes = plain_capture(0, 12000, 1000, 10);
        write_capture("stream", &bytes);
        read_standard_input("stream", 12000);
        for (const struct compression *c = NULL; (c = next_compression(c)) != NULL;) {
                compress_with(c->program, "stream", "stream.packed");
                read_standard_input("stream.packed", 12000);
        }
}

static void files_are_merged_by_packet_time(void **state)
{
        (void)state;
        struct bytes a = plain_capture(0, 5000, 1000, 10), b = plain_capture(9, 5000, 1010, 10);
        struct bytes c = plain_capture(77, 3000, 1000, 30);
        struct seen seen;
        write_capture("a.pcap", &a);
        write_capture("b.pcap", &b);
        write_capture("c.pcap", &c);
        compress_with(any_compression(), "b.pcap", "b.pcap.gz");
        const char *paths[] = {path_of("c.pcap"), path_of("a.pcap"), path_of("b.pcap.gz")};
        struct probe *probe = read_paths((struct file_probe_settings){.merge = 1}, paths, 3, &seen);
        assert_int_equal(seen.frames, 13000);
        assert_int_equal(seen.late, 0);
        assert_int_equal(seen.of_file[0], 3000);
        assert_int_equal(seen.of_file[1], 5000);
        assert_int_equal(seen.of_file[2], 5000);
        /* equal times: the file named first */
        static const uint32_t first_files[] = {0, 1, 1, 1, 0, 1, 1, 1, 0};
        for (unsigned i = 0; i < 9; i++)
                assert_int_equal(seen.files[i], first_files[i]);
        probe_destroy(probe);
        probe = read_paths((struct file_probe_settings){.merge = 0}, paths, 3, &seen);
        assert_int_equal(seen.frames, 13000);
        assert_int_equal(seen.late, 2);
        for (unsigned i = 0; i < 3000; i++) {
                assert_int_equal(seen.files[i], 0);
                assert_int_equal(seen.numbers[i], i + 1);
        }
        assert_int_equal(seen.files[3000], 1);
        probe_destroy(probe);
}

static void a_clock_offset_moves_its_file_alone(void **state)
{
        (void)state;
        struct bytes a = plain_capture(0, 10, 100, 1000), b = plain_capture(0, 10, 5000, 1000);
        struct seen seen;
        char error[100];
        write_capture("young.pcap", &a);
        write_capture("right.pcap", &b);
        struct file_probe_input inputs[] = {{path_of("young.pcap"), 5000 * second}, {path_of("right.pcap"), 0}};
        struct file_probe_settings settings = {.inputs = inputs, .input_count = 2, .merge = 1};
        struct probe *probe = file_probe_open(&settings, error, sizeof error);
        assert_non_null(probe);
        read_to_end(probe, &seen);
        assert_int_equal(seen.files[0], 1);
        assert_int_equal(seen.files[10], 0);
        assert_int_equal(probe_input(probe, 0)->first_ns, 5100 * second);
        assert_int_equal(probe_input(probe, 1)->first_ns, 5000 * second);
        probe_destroy(probe);
}

static void write_many(uint32_t count, uint32_t packets, uint32_t step_ms, bool overlap)
{
        mkdir(path_of("many"), 0700);
        for (uint32_t i = 0; i < count; i++) {
                char name[64];
                struct bytes bytes = plain_capture(i, packets, overlap ? 1000 : 1000 + i * 10, step_ms);
                if (overlap) /* each a millisecond later than the one before */
                        for (uint32_t k = 0; k < 3; k++)
                                bytes.at[24 + 4 + k] = (uint8_t)((i * 100) >> (8 * k));
                snprintf(name, sizeof name, "many/%05u.pcap", count - 1 - i);
                write_capture(name, &bytes);
        }
}

static void many_files_need_few_descriptors(void **state)
{
        (void)state;
        struct rlimit limit, small;
        struct seen seen;
        getrlimit(RLIMIT_NOFILE, &limit);
        small = limit;
        small.rlim_cur = 64;
        write_many(2000, 3, 5, false);
        const char *paths[] = {path_of("many")};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
        struct probe *probe = read_paths((struct file_probe_settings){.merge = 1}, paths, 1, &seen);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_int_equal(probe_input_count(probe), 2000);
        assert_int_equal(seen.frames, 6000);
        assert_int_equal(seen.late, 0);
        assert_int_equal(seen.files[0], 1999); /* names count down while times go up */
        for (uint32_t i = 0; i < 2000; i++)
                assert_int_equal(probe_input(probe, i)->packets, 3);
        probe_destroy(probe);
}

/* All files overlap all the time and only a few may be open, so they are closed and opened again between frames. */
static void files_that_were_closed_go_on_where_they_stood(void **state)
{
        (void)state;
        static struct seen seen, again;
        write_many(100, 200, 10, true);
        compress_with(any_compression(), "many/00050.pcap", "many/00050.pcap.gz");
        assert_int_equal(unlink(path_of("many/00050.pcap")), 0);
        const char *paths[] = {path_of("many")};
        struct probe *probe = read_paths((struct file_probe_settings){.merge = 1, .descriptors = 7}, paths, 1, &seen);
        assert_int_equal(seen.frames, 100 * 200);
        assert_int_equal(seen.late, 0);
        for (uint32_t i = 0; i < 100; i++) {
                assert_int_equal(probe_input(probe, i)->packets, 200);
                assert_string_equal(probe_input(probe, i)->verdict, "ok");
        }
        probe_destroy(probe);
        probe = read_paths((struct file_probe_settings){.merge = 1, .descriptors = 1000}, paths, 1, &again);
        assert_memory_equal(&seen, &again, sizeof seen);
        probe_destroy(probe);
}

enum { SECTIONS = 4, SECTION_PACKETS = 70 /* more than are read ahead */, SECTION_FILES = 12 };

/* Sections alternate in byte order; each has one interface of its own name and link type, and a secret. */
static void write_sections(const char *name, unsigned file)
{
        struct bytes bytes = {0};
        char interface[16];
        for (unsigned section = 0; section < SECTIONS; section++) {
                snprintf(interface, sizeof interface, "if%u", section);
                add_section(&bytes, section % 2);
                add_interface(&bytes, (uint16_t)(200 + section), 0, interface, 0xff, 0);
                size_t start = begin_block(&bytes, 10);
                add_u32(&bytes, 1);
                add_u32(&bytes, 4);
                add_u32(&bytes, file);
                end_block(&bytes, start);
                for (unsigned k = 0; k < SECTION_PACKETS; k++)
                        add_enhanced(&bytes, 0, (section * SECTION_PACKETS + k) * 1000 + file, k, 30, "c");
        }
        write_capture(name, &bytes);
}

static void sections_and_secrets_survive_being_closed(void **state)
{
        (void)state;
        static struct frame_batch batch;
        struct file_probe_settings settings = {.merge = 1, .descriptors = 3};
        uint64_t frames = 0, numbers[SECTION_FILES] = {0};
        mkdir(path_of("sections"), 0700);
        for (unsigned i = 0; i < SECTION_FILES; i++) {
                char name[64];
                snprintf(name, sizeof name, "sections/%02u", i);
                write_sections(name, i);
        }
        const char *paths[] = {path_of("sections")};
        struct probe *probe = open_paths(&settings, paths, 1);
        while (probe_next(probe, &batch) == 1)
                for (unsigned i = 0; i < batch.count; i++) {
                        const struct frame *frame = &batch.frames[i];
                        unsigned section = (unsigned)(frame->number - 1) / SECTION_PACKETS;
                        char interface[16];
                        snprintf(interface, sizeof interface, "if%u", section);
                        assert_int_equal(frame->file, frames++ % SECTION_FILES);
                        assert_int_equal(frame->number, ++numbers[frame->file]);
                        assert_int_equal(frame->link_type, 200 + section);
                        assert_string_equal(probe_interface_name(probe, frame->interface), interface);
                        assert_int_equal(frame->bytes[29], content_byte((unsigned)(frame->number - 1) % SECTION_PACKETS, 29));
                }
        assert_int_equal(frames, SECTION_FILES * SECTIONS * SECTION_PACKETS);
        for (uint32_t i = 0; i < SECTION_FILES; i++) {
                assert_int_equal(probe_input(probe, i)->packets, SECTIONS * SECTION_PACKETS);
                assert_int_equal(probe_input(probe, i)->comments, SECTIONS * SECTION_PACKETS);
                assert_int_equal(probe_input(probe, i)->secrets, SECTIONS);
        }
        assert_non_null(probe_secret(probe, SECTION_FILES * SECTIONS - 1));
        assert_null(probe_secret(probe, SECTION_FILES * SECTIONS));
        assert_string_equal(probe_interface_name(probe, 5), "");
        probe_destroy(probe);
}

/* A batch of such frames is larger than both buffers of a source: it has to end before one is filled anew. */
static void frames_of_a_batch_stay_valid_together(void **state)
{
        (void)state;
        static struct frame_batch batch;
        enum { COUNT = 400, LENGTH = 9000 };
        for (unsigned file = 0; file < 2; file++) {
                struct bytes bytes = {0};
                add_pcap_header(&bytes, 0xa1b2c3d4, 101);
                for (uint32_t i = 0; i < COUNT; i++)
                        add_pcap_packet(&bytes, 5 * file + i, i, file, LENGTH);
                write_capture(file ? "b" : "a", &bytes);
        }
        compress_with(any_compression(), "b", "packed");
        for (int merge = 0; merge < 2; merge++) {
                struct file_probe_settings settings = {.merge = merge};
                uint64_t frames = 0;
                const char *paths[] = {path_of("a"), path_of("packed")};
                struct probe *probe = open_paths(&settings, paths, 2);
                while (probe_next(probe, &batch) == 1)
                        for (unsigned i = 0; i < batch.count; i++, frames++) {
                                const struct frame *frame = &batch.frames[i];
                                uint32_t packet = 5 * frame->file + (uint32_t)frame->number - 1;
                                for (uint32_t place = 0; place < LENGTH; place += 997)
                                        assert_int_equal(frame->bytes[place], content_byte(packet, place));
                        }
                assert_int_equal(frames, 2 * COUNT);
                probe_destroy(probe);
        }
}

static void a_folder_is_walked_in_the_order_of_names(void **state)
{
        (void)state;
        struct seen seen;
        mkdir(path_of("tree"), 0700);
        mkdir(path_of("tree/b"), 0700);
        mkdir(path_of("tree/empty"), 0700);
        struct bytes a = plain_capture(0, 1, 1, 1), b = plain_capture(0, 2, 1, 1), c = plain_capture(0, 3, 1, 1);
        write_capture("tree/a.pcap", &a);
        write_capture("tree/b/inside", &b);
        write_capture("tree/c.txt", &c);
        write_file("tree/notes", "these are notes", 15);
        write_file("tree/nothing", "", 0);
        assert_int_equal(mkfifo(path_of("tree/pipe"), 0600), 0);
        assert_int_equal(symlink("..", path_of("tree/up")), 0);
        assert_int_equal(symlink("nowhere", path_of("tree/void")), 0);
        const char *paths[] = {path_of("tree")};
        static const struct {
                const char *name;
                enum input_state state;
                uint64_t packets;
        } expected[] = {
                {"tree/a.pcap", INPUT_OK, 1}, {"tree/b/inside", INPUT_OK, 2}, {"tree/c.txt", INPUT_OK, 3},
                {"tree/notes", INPUT_NOT_CAPTURE, 0}, {"tree/nothing", INPUT_EMPTY, 0}, {"tree/pipe", INPUT_NOT_CAPTURE, 0},
                {"tree/void", INPUT_UNREADABLE, 0},
        };
        struct probe *probe = read_paths((struct file_probe_settings){.merge = 1, .digest = 1}, paths, 1, &seen);
        assert_int_equal(seen.frames, 6);
        assert_int_equal(probe_input_count(probe), sizeof expected / sizeof expected[0]);
        for (uint32_t i = 0; i < probe_input_count(probe); i++) {
                const struct input_verdict *verdict = probe_input(probe, i);
                assert_string_equal(verdict->path, path_of(expected[i].name));
                assert_int_equal(verdict->state, expected[i].state);
                assert_int_equal(verdict->packets, expected[i].packets);
                assert_false(verdict->named);
                assert_int_equal(verdict->sha256 != NULL, verdict->state == INPUT_OK || verdict->state == INPUT_EMPTY);
        }
        probe_destroy(probe);
}

static void bad_inputs_have_verdicts_and_the_others_go_on(void **state)
{
        (void)state;
        struct seen seen;
        mkdir(path_of("hollow"), 0700);
        write_file("garbled", "\x8b\x1f" "garbled bytes", 15);
        write_file("empty", "", 0);
        struct bytes good = plain_capture(0, 4, 1, 1);
        write_file("cut", good.at, good.length - 1);
        write_capture("good", &good);
        const char *names[] = {"missing", "garbled", "empty", "cut", "hollow", "good"};
        static const char *const verdicts[] = {"cannot be opened: No such file or directory", "not a capture", "empty",
                                               "truncated at byte 253", "empty: no file in this folder", "ok"};
        char stored[6][256];
        const char *paths[6];
        for (unsigned i = 0; i < 6; i++)
                paths[i] = strcpy(stored[i], path_of(names[i]));
        for (int merge = 0; merge < 2; merge++) {
                struct probe *probe = read_paths((struct file_probe_settings){.merge = merge}, paths, 6, &seen);
                assert_int_equal(seen.frames, 7);
                for (unsigned i = 0; i < 6; i++) {
                        assert_string_equal(probe_input(probe, i)->verdict, verdicts[i]);
                        assert_true(probe_input(probe, i)->named);
                }
                assert_int_equal(probe_input(probe, 0)->state, INPUT_UNREADABLE);
                probe_destroy(probe);
        }
}

static void a_missing_file_alone_has_its_verdict(void **state)
{
        (void)state;
        char error[256], path[256];
        struct file_probe_input input = {.path = strcpy(path, path_of("missing"))};
        struct file_probe_settings settings = {.inputs = &input, .input_count = 1};
        struct frame_batch batch;
        struct probe *probe = file_probe_open(&settings, error, sizeof error);
        assert_non_null(probe);
        assert_int_equal(probe_next(probe, &batch), 0);
        assert_int_equal(probe_input(probe, 0)->state, INPUT_UNREADABLE);
        assert_non_null(strstr(probe_input(probe, 0)->verdict, "No such file or directory"));
        probe_destroy(probe);
}

/* A UDP packet over raw IPv4: to `port`. */
static void add_udp(struct bytes *bytes, uint16_t port)
{
        static const uint8_t head[] = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39};
        add_pcap_record(bytes, 1, 0, 28, 28);
        bytes_add(bytes, head, sizeof head);
        bytes->big_endian = true;
        add_u16(bytes, port);
        bytes->big_endian = false;
        add_u32(bytes, 0x0800);
}

static void a_filter_keeps_what_it_says(void **state)
{
        (void)state;
        static struct frame_batch batch;
        struct bytes bytes = {0};
        struct file_probe_settings settings = {.filter = "udp dst port 53"};
        add_pcap_header(&bytes, 0xa1b2c3d4, 101);
        for (unsigned i = 0; i < 9; i++)
                add_udp(&bytes, i % 3 == 1 ? 53 : 123);
        write_capture("udp.pcap", &bytes);
        const char *paths[] = {path_of("udp.pcap")};
        struct probe *probe = open_paths(&settings, paths, 1);
        assert_int_equal(probe_next(probe, &batch), 1);
        assert_int_equal(batch.count, 3);
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(batch.frames[i].number, 2 + 3 * i);
                assert_int_equal(batch.frames[i].order, 1 + i);
        }
        assert_int_equal(probe_next(probe, &batch), 0);
        assert_int_equal(probe_input(probe, 0)->packets, 9);
        assert_int_equal(probe_input(probe, 0)->filtered, 6);
        probe_destroy(probe);
}

static void a_filter_that_does_not_compile_is_told(void **state)
{
        (void)state;
        char error[256] = "", path[256];
        struct bytes bytes = plain_capture(0, 1, 1, 1);
        write_capture("x.pcap", &bytes);
        struct file_probe_input input = {.path = strcpy(path, path_of("x.pcap"))};
        struct file_probe_settings settings = {.inputs = &input, .input_count = 1, .filter = "udp prot 53"};
        assert_null(file_probe_open(&settings, error, sizeof error));
        assert_non_null(strstr(error, "syntax error"));
}

static void the_digest_is_of_the_file_as_it_lies_there(void **state)
{
        (void)state;
        struct seen seen;
        struct bytes bytes = plain_capture(0, 500, 1, 1);
        uint8_t digest[32];
        char text[65];
        EVP_Digest(bytes.at, bytes.length, digest, NULL, EVP_sha256(), NULL);
        for (unsigned i = 0; i < 32; i++)
                snprintf(text + 2 * i, 3, "%02x", digest[i]);
        write_capture("hashed.pcap", &bytes);
        const char *paths[] = {path_of("hashed.pcap")};
        struct probe *probe = read_paths((struct file_probe_settings){.digest = 1}, paths, 1, &seen);
        assert_string_equal(probe_input(probe, 0)->sha256, text);
        probe_destroy(probe);
}

static uint64_t memory_kib(const char *key)
{
        char line[256];
        unsigned long kib = 0;
        FILE *file = fopen("/proc/self/status", "r");
        assert_non_null(file);
        while (fgets(line, sizeof line, file) != NULL)
                if (strncmp(line, key, strlen(key)) == 0)
                        kib = strtoul(line + strlen(key), NULL, 10);
        fclose(file);
        return kib;
}

enum { LARGE_PACKETS = 1500, LARGE_LENGTH = 65536 }; /* 94 MiB, sparse */

static void write_large(const char *name)
{
        struct bytes bytes = {0};
        add_pcap_header(&bytes, 0xa1b2c3d4, 101);
        FILE *file = fopen(path_of(name), "wb");
        assert_non_null(file);
        for (unsigned i = 0; i < LARGE_PACKETS; i++) {
                add_pcap_record(&bytes, i, 0, LARGE_LENGTH, LARGE_LENGTH);
                fwrite(bytes.at, 1, bytes.length, file);
                fseek(file, LARGE_LENGTH, SEEK_CUR);
                bytes.length = 0;
        }
        assert_int_equal(fclose(file), 0);
        assert_int_equal(truncate(path_of(name), 24 + (off_t)LARGE_PACKETS * (LARGE_LENGTH + 16)), 0);
        bytes_free(&bytes);
}

/* Every byte is looked at, so every page has been in memory. */
static void read_large(const char *path, int merge, const char *filter, uint64_t expected)
{
        static struct frame_batch batch;
        uint64_t frames = 0, most = 0, before = memory_kib("VmRSS:"), sum = 0;
        struct file_probe_settings settings = {.merge = merge, .filter = filter};
        struct probe *probe = open_paths(&settings, &path, 1);
        while (probe_next(probe, &batch) == 1) {
                frames += batch.count;
                for (unsigned i = 0; i < batch.count; i++)
                        for (uint32_t k = 0; k < batch.frames[i].captured; k += 4096)
                                sum += batch.frames[i].bytes[k];
                uint64_t now = memory_kib("VmRSS:");
                most = now > most ? now : most;
        }
        assert_int_equal(frames, expected);
        assert_in_range(sum, 0, 25500);
        assert_in_range(most, 0, before + (40 << 10));
        probe_destroy(probe);
}

static void a_large_file_stays_a_window(void **state)
{
        (void)state;
        write_large("large.pcap");
        read_large(path_of("large.pcap"), 0, NULL, LARGE_PACKETS);
        mkdir(path_of("wide"), 0700);
        assert_int_equal(rename(path_of("large.pcap"), path_of("wide/large.pcap")), 0);
        for (unsigned i = 0; i < 60; i++) { /* so many that they are mapped */
                char name[64];
                struct bytes bytes = plain_capture(i, 1, i * 50, 0);
                snprintf(name, sizeof name, "wide/%u", i);
                write_capture(name, &bytes);
        }
        read_large(path_of("wide"), 1, NULL, LARGE_PACKETS + 60);
        read_large(path_of("wide"), 1, "udp port 53", 0);
}

static void digests_do_not_depend_on_how_a_file_was_read(void **state)
{
        (void)state;
        struct seen seen;
        struct bytes a = plain_capture(0, 900, 1, 1), b = plain_capture(0, 900, 1, 1);
        write_capture("a", &a);
        write_capture("b", &b);
        copy_changed("a", "cut", 5000, 0);
        const char *paths[] = {path_of("a"), path_of("b"), path_of("cut")};
        struct probe *probe = read_paths((struct file_probe_settings){.digest = 1}, paths, 3, &seen);
        for (unsigned descriptors = 1; descriptors < 4; descriptors++) {
                struct file_probe_settings settings = {.digest = 1, .merge = 1, .descriptors = descriptors};
                struct probe *other = read_paths(settings, paths, 3, &seen);
                for (uint32_t i = 0; i < 3; i++)
                        assert_string_equal(probe_input(other, i)->sha256, probe_input(probe, i)->sha256);
                probe_destroy(other);
        }
        assert_string_equal(probe_input(probe, 0)->sha256, probe_input(probe, 1)->sha256);
        assert_string_not_equal(probe_input(probe, 0)->sha256, probe_input(probe, 2)->sha256);
        probe_destroy(probe);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
        const struct CMUnitTest tests[] = {
                TEST(one_file_is_read_with_its_verdict),
                TEST(compressed_files_give_the_same_frames),
                TEST(concatenated_members_are_one_capture),
                TEST(damage_in_compressed_files_leaves_what_came_before),
                TEST(compressed_text_is_no_capture_and_a_missing_library_is_told),
                TEST(standard_input_is_read_plain_and_compressed),
                TEST(files_are_merged_by_packet_time),
                TEST(a_clock_offset_moves_its_file_alone),
                TEST(many_files_need_few_descriptors),
                TEST(files_that_were_closed_go_on_where_they_stood),
                TEST(sections_and_secrets_survive_being_closed),
                TEST(frames_of_a_batch_stay_valid_together),
                TEST(a_folder_is_walked_in_the_order_of_names),
                TEST(bad_inputs_have_verdicts_and_the_others_go_on),
                TEST(a_missing_file_alone_has_its_verdict),
                TEST(a_filter_keeps_what_it_says),
                TEST(a_filter_that_does_not_compile_is_told),
                TEST(the_digest_is_of_the_file_as_it_lies_there),
                TEST(digests_do_not_depend_on_how_a_file_was_read),
                TEST(a_large_file_stays_a_window),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
