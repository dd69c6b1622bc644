/* Packet time of live frames: the wall clock's, except that it never goes back. When the clock of the machine is set back, packet
 * time goes on from where it was at nine tenths of the speed until the two meet. Steps are found by comparing the wall clock with
 * the steady one: whatever slews the one slews the other, so the distance between them changes only when the clock is set (a leap
 * second and a resume from sleep count as that). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct live_reading {
        int64_t real_ns, steady_ns;
};

/* Between two settings of the clock: at wall time real_ns packet time was time_ns. */
struct live_epoch {
        int64_t real_ns, time_ns;
};

struct live_clock {
        struct live_epoch epoch;
        struct live_reading last;
        int64_t step_ns;        /* by which the clock was set when this epoch began, negative: back */
        int64_t since_ns;       /* steady, when that was found */
        unsigned number;        /* of the epoch */
};

/* Which epoch the frames of one interface have reached: those that lie in the ring when the clock is set are of the one before. */
struct live_stamp {
        struct live_epoch epoch;
        int64_t last_real_ns;
        unsigned number;
};

struct live_reading live_reading_now(void);

void live_clock_start(struct live_clock *clock, struct live_reading now);
/* To be called often: what lies between two readings cannot be told apart. True: the clock was set (back: logged, once until
 * packet time has met the clock again). */
bool live_clock_update(struct live_clock *clock, struct live_reading now);

static inline int64_t live_epoch_time(const struct live_epoch *epoch, int64_t real_ns)
{
        if (epoch->time_ns <= epoch->real_ns)
                return real_ns;
        int64_t passed = real_ns - epoch->real_ns;
        int64_t slowed = epoch->time_ns + passed - passed / 10;
        return slowed > real_ns ? slowed : real_ns;
}

void live_stamp_start(struct live_stamp *stamp, const struct live_clock *clock);
/* Nothing is left in the ring that was stamped longer than this before the latest reading. Returns the earliest packet time that
 * the next frame can have. */
int64_t live_stamp_drained(struct live_stamp *stamp, const struct live_clock *clock, int64_t delay_ns);
/* Whether a frame with this stamp, the next one of the ring, is of the clock's epoch, when the stamp is of an earlier one. */
bool live_stamp_crosses(const struct live_stamp *stamp, const struct live_clock *clock, int64_t real_ns);

static inline void live_stamp_advance(struct live_stamp *stamp, const struct live_clock *clock)
{
        stamp->epoch = clock->epoch;
        stamp->number = clock->number;
}

/* Packet time of the ring's next frame. */
static inline int64_t live_stamp_time(struct live_stamp *stamp, const struct live_clock *clock, int64_t real_ns)
{
        if (stamp->number != clock->number && live_stamp_crosses(stamp, clock, real_ns))
                live_stamp_advance(stamp, clock);
        stamp->last_real_ns = real_ns;
        return live_epoch_time(&stamp->epoch, real_ns);
}
