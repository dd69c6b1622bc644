#include "probes/live_clock.h"

#include <time.h>

#include "base/log.h"

enum {
        SECOND_NS = 1000000000,
        SANDWICH_NS = 50000,            /* the three readings of a pair lie closer together, unless somebody came between */
        STEP_NS = 1000000,              /* less is the inaccuracy of such a pair */
        DISORDER_NS = 50000000,         /* frames of one ring are not further out of order (several processors fill it) */
};

static int64_t read_clock(clockid_t clock)
{
        struct timespec now;
        clock_gettime(clock, &now);
        return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

struct live_reading live_reading_now(void)
{
        struct live_reading reading = {0};
        for (unsigned attempt = 0; attempt < 4; attempt++) {
                int64_t before = read_clock(CLOCK_MONOTONIC);
                reading.real_ns = read_clock(CLOCK_REALTIME);
                int64_t after = read_clock(CLOCK_MONOTONIC);
                reading.steady_ns = before + (after - before) / 2;
                if (after - before < SANDWICH_NS)
                        break;
        }
        return reading;
}

void live_clock_start(struct live_clock *clock, struct live_reading now)
{
        *clock = (struct live_clock){.epoch = {.real_ns = now.real_ns, .time_ns = now.real_ns}, .last = now};
}

bool live_clock_update(struct live_clock *clock, struct live_reading now)
{
        int64_t expected = clock->last.real_ns + (now.steady_ns - clock->last.steady_ns);
        int64_t step = now.real_ns - expected;
        bool slowed = live_epoch_time(&clock->epoch, clock->last.real_ns) > clock->last.real_ns;
        clock->last = now;
        if (step > -STEP_NS && step < STEP_NS)
                return false;
        if (step < 0 && !slowed)
                log_warning("the clock was set back by %.3f s: packet times go on at nine tenths of the speed until they meet "
                            "it again", (double)-step / SECOND_NS);
        clock->epoch = (struct live_epoch){.real_ns = now.real_ns, .time_ns = live_epoch_time(&clock->epoch, expected)};
        clock->step_ns = step;
        clock->since_ns = now.steady_ns;
        clock->number++;
        return true;
}

void live_stamp_start(struct live_stamp *stamp, const struct live_clock *clock)
{
        *stamp = (struct live_stamp){.epoch = clock->epoch, .last_real_ns = clock->last.real_ns, .number = clock->number};
}

int64_t live_stamp_drained(struct live_stamp *stamp, const struct live_clock *clock, int64_t delay_ns)
{
        int64_t now = live_epoch_time(&clock->epoch, clock->last.real_ns);
        if (stamp->number != clock->number && clock->last.steady_ns - clock->since_ns > delay_ns)
                live_stamp_advance(stamp, clock);
        /* Frames of before the clock was set may still come, and set forward it leaves them far behind. */
        if (stamp->number != clock->number && now > clock->epoch.time_ns)
                now = clock->epoch.time_ns;
        return now - delay_ns;
}

bool live_stamp_crosses(const struct live_stamp *stamp, const struct live_clock *clock, int64_t real_ns)
{
        int64_t moved = real_ns - stamp->last_real_ns;
        if (clock->step_ns > 0)
                return moved > clock->step_ns / 2;
        int64_t fall = -clock->step_ns / 2;
        return -moved > (fall < DISORDER_NS ? fall : DISORDER_NS);
}
