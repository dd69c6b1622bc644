/* One clock over all inputs, from packet time: a running maximum that ticks once a second.
 *
 * A frame more than an hour ahead waits until the next frame confirms it; until then the clock stands. Frames behind the
 * clock are late: counted, not fatal. Ticks cross a gap second by second for two hours of it, more than any timeout of a
 * flow, and then go to its end in one step, so that a jump of a year costs no more than one of two hours. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct packet_clock {
        bool started;
        int64_t now_ns;
        int64_t tick_ns;      /* the next tick that has not been given */
        int64_t gap_ns;       /* the tick at which a gap of more than an hour began; 0: none */
        int64_t ahead_ns;     /* the jump that waits for confirmation; 0: none */
        uint64_t late_frames, jumps_taken, jumps_refused;
};

#define PACKET_CLOCK_HOUR INT64_C(3600000000000)

/* More than an hour ahead; whether the next time confirms such a leap. */
static inline bool packet_clock_leaps(const struct packet_clock *clock, int64_t frame_ns)
{
        return frame_ns > clock->now_ns + PACKET_CLOCK_HOUR && clock->started;
}

/* A frame that is neither late nor far ahead moves `now_ns`, and that is all. */
static inline bool packet_clock_is_steady(const struct packet_clock *clock)
{
        return clock->started && clock->ahead_ns == 0;
}

bool packet_clock_confirms(int64_t leap_ns, int64_t next_ns);

/* The first frame, a late one, a leap, and the one behind a leap. */
int64_t packet_clock_advance_unusual(struct packet_clock *clock, int64_t frame_ns);

/* The clock as it stands with this frame. */
static inline int64_t packet_clock_advance(struct packet_clock *clock, int64_t frame_ns)
{
        if (frame_ns < clock->now_ns || frame_ns > clock->now_ns + PACKET_CLOCK_HOUR || clock->ahead_ns != 0 || !clock->started)
                return packet_clock_advance_unusual(clock, frame_ns);
        return clock->now_ns = frame_ns;
}

/* The time to keep of a frame: its own, unless that is more than an hour from the clock. */
static inline int64_t packet_clock_stamp(const struct packet_clock *clock, int64_t frame_ns)
{
        bool near = frame_ns <= clock->now_ns + PACKET_CLOCK_HOUR && frame_ns >= clock->now_ns - PACKET_CLOCK_HOUR;
        return near ? frame_ns : clock->now_ns;
}

/* The next tick up to `now_ns`, in `tick_ns`; false when there is none left. Call until false. */
bool packet_clock_tick(struct packet_clock *clock, int64_t now_ns, int64_t *tick_ns);
