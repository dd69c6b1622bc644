/* Reads interfaces with the live probe for the tests, and says what came, one line an interface at the end:
 *
 *      NAME STATE received N bytes N kernel N interface N late N
 *
 * and then "frames N disorder N numbers N pairs N now N rounds N delay N":
 *      disorder        frames whose time or order fell
 *      numbers         numbers of made frames (sender.c) that came twice or backwards on their interface
 *      pairs           ... that came on another interface before they came on the first
 *      now             times told as now that fell, or that later frames were before
 *      rounds          how often probe_next returned
 *      delay           milliseconds at most between a frame's time and its being handed over
 * "ready" is printed when it reads; every change of a state as "NAME STATE".
 *
 *      reader -i IF [-i IF] [--buffer BYTES] [--snap N] [--filter TEXT] [--idle MS] [--until FRAMES] [--child] [--slow NS]
 *
 * It ends after so many frames, when nothing came for so long after the first frame, or on SIGTERM. --child: opened by a parent
 * that destroys its own copy, read by a child without privilege. */
#include <arpa/inet.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probes/live.h"

enum { LIFE_S = 120, NOBODY = 65534, NUMBER_AT = 14 + 20 + 8 };

struct seen {
        uint64_t frames, disorder, numbers, now;
        int64_t last_ns, told_ns;
        uint64_t last_order;
        uint32_t next_number[LIVE_INTERFACES];
        int states[LIVE_INTERFACES];
        uint64_t rounds;
        uint64_t pairs;
        int64_t delay_ms;
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
        (void)number;
        ended = 1;
}

static int64_t steady_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void look_at(struct seen *seen, const struct frame *frame)
{
        struct timespec wall;
        clock_gettime(CLOCK_REALTIME, &wall);
        int64_t delay_ms = ((int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec - frame->time_ns) / 1000000;
        if (delay_ms > seen->delay_ms)
                seen->delay_ms = delay_ms;
        seen->frames++;
        seen->disorder += frame->time_ns < seen->last_ns || frame->order != seen->last_order + 1;
        seen->now += frame->time_ns < seen->told_ns;
        seen->last_ns = frame->time_ns;
        seen->last_order = frame->order;
        uint32_t number;
        if (frame->captured < NUMBER_AT + sizeof number)
                return;
        memcpy(&number, frame->bytes + NUMBER_AT, sizeof number);
        number = ntohl(number);
        seen->numbers += number < seen->next_number[frame->interface];
        seen->next_number[frame->interface] = number + 1;
        seen->pairs += frame->interface > 0 && number >= seen->next_number[0];
}

static const char *state_word(int state)
{
        return state == LIVE_UP ? "up" : state == LIVE_DOWN ? "down" : "gone";
}

static void tell_states(struct probe *probe, struct seen *seen)
{
        struct live_interface all[LIVE_INTERFACES];
        unsigned count = live_probe_interfaces(probe, all);
        for (unsigned i = 0; i < count; i++) {
                if ((int)all[i].state == seen->states[i])
                        continue;
                seen->states[i] = (int)all[i].state;
                printf("%s %s\n", all[i].name, state_word(seen->states[i]));
                fflush(stdout);
        }
}

static void tell_result(struct probe *probe, const struct seen *seen)
{
        struct live_interface all[LIVE_INTERFACES];
        unsigned count = live_probe_interfaces(probe, all);
        for (unsigned i = 0; i < count; i++)
                printf("%s %s received %llu bytes %llu kernel %llu interface %llu late %llu\n", all[i].name,
                       state_word((int)all[i].state), (unsigned long long)all[i].received, (unsigned long long)all[i].bytes,
                       (unsigned long long)all[i].dropped_kernel, (unsigned long long)all[i].dropped_interface,
                       (unsigned long long)all[i].late);
        printf("frames %llu disorder %llu numbers %llu pairs %llu now %llu rounds %llu delay %lld\n",
               (unsigned long long)seen->frames, (unsigned long long)seen->disorder, (unsigned long long)seen->numbers, (unsigned long long)seen->pairs,
               (unsigned long long)seen->now, (unsigned long long)seen->rounds, (long long)seen->delay_ms);
}

static void work_for(uint64_t nanoseconds)
{
        struct timespec pause = {.tv_sec = (time_t)(nanoseconds / 1000000000), .tv_nsec = (long)(nanoseconds % 1000000000)};
        nanosleep(&pause, NULL);
}

static int read_frames(struct probe *probe, uint64_t until, int64_t idle_ms, uint64_t slow_ns)
{
        alarm(LIFE_S); /* whatever becomes of whoever started it */
        struct seen seen = {0};
        struct frame_batch *batch = calloc(1, sizeof *batch);
        int64_t recent = steady_ms();
        while (batch != NULL && !ended && (until == 0 || seen.frames < until)) {
                if (probe_next(probe, batch) != 1) {
                        puts("probe_next ended");
                        break;
                }
                seen.rounds++;
                for (unsigned i = 0; i < batch->count; i++)
                        look_at(&seen, &batch->frames[i]);
                int64_t told = live_probe_now(probe);
                seen.now += told < seen.told_ns;
                seen.told_ns = told;
                tell_states(probe, &seen);
                int64_t now = steady_ms();
                if (batch->count > 0)
                        recent = now;
                if (batch->count > 0 && slow_ns > 0)
                        work_for(slow_ns * batch->count);
                if (idle_ms > 0 && seen.frames > 0 && now - recent > idle_ms)
                        break;
        }
        tell_result(probe, &seen);
        free(batch);
        return 0;
}

static void drop_privilege(void)
{
        if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
                perror("reader");
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                {"interface", required_argument, NULL, 'i'}, {"buffer", required_argument, NULL, 'b'},
                {"snap", required_argument, NULL, 's'}, {"filter", required_argument, NULL, 'f'},
                {"idle", required_argument, NULL, 'd'}, {"until", required_argument, NULL, 'n'},
                {"child", no_argument, NULL, 'c'}, {"slow", required_argument, NULL, 'w'}, {0},
        };
        struct live_settings settings = {0};
        uint64_t until = 0, slow_ns = 0;
        int64_t idle_ms = 0;
        bool child = false;
        int option;
        while ((option = getopt_long(argc, argv, "i:", options, NULL)) != -1) {
                if (option == 'i' && settings.count < LIVE_INTERFACES)
                        settings.interfaces[settings.count++] = optarg;
                else if (option == 'b')
                        settings.buffer_bytes = (uint32_t)strtoul(optarg, NULL, 10);
                else if (option == 's')
                        settings.snap_length = (uint32_t)strtoul(optarg, NULL, 10);
                else if (option == 'f')
                        settings.filter = optarg;
                else if (option == 'd')
                        idle_ms = strtol(optarg, NULL, 10);
                else if (option == 'n')
                        until = strtoull(optarg, NULL, 10);
                else if (option == 'w')
                        slow_ns = strtoull(optarg, NULL, 10);
                else if (option == 'c')
                        child = true;
                else
                        return 2;
        }
        char error[512];
        struct probe *probe = live_probe_open(&settings, error, sizeof error);
        if (probe == NULL) {
                fprintf(stderr, "%s\n", error);
                return 1;
        }
        signal(SIGTERM, on_signal);
        puts("ready");
        fflush(stdout);
        pid_t reading = child ? fork() : 0;
        if (reading == 0) {
                if (child)
                        drop_privilege();
                int status = read_frames(probe, until, idle_ms, slow_ns);
                probe_destroy(probe);
                return status;
        }
        probe_destroy(probe);
        int status = 1;
        return waitpid(reading, &status, 0) == reading && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
