#include "sense/clock.h"

static const int64_t SECOND = 1000000000;
static const int64_t HOUR = PACKET_CLOCK_HOUR;

static void start(struct packet_clock *clock, int64_t frame_ns)
{
        clock->started = true;
        clock->now_ns = frame_ns;
        clock->tick_ns = frame_ns / SECOND * SECOND + SECOND;
}

bool packet_clock_confirms(int64_t leap_ns, int64_t next_ns)
{
        return next_ns >= leap_ns - HOUR;
}

/* True when the jump is confirmed by this frame, which lies ahead as well. */
static bool jump_is_confirmed(struct packet_clock *clock, int64_t frame_ns)
{
        bool confirmed = clock->ahead_ns != 0 && packet_clock_confirms(clock->ahead_ns, frame_ns);
        if (confirmed) {
                clock->ahead_ns = 0;
                clock->jumps_taken++;
        } else {
                clock->jumps_refused += clock->ahead_ns != 0;
                clock->ahead_ns = frame_ns;
        }
        return confirmed;
}

int64_t packet_clock_advance_unusual(struct packet_clock *clock, int64_t frame_ns)
{
        if (!clock->started)
                start(clock, frame_ns);
        if (frame_ns < clock->now_ns) {
                clock->late_frames++;
        } else if (frame_ns <= clock->now_ns + HOUR) {
                clock->now_ns = frame_ns;
        } else if (jump_is_confirmed(clock, frame_ns)) {
                clock->now_ns = frame_ns;
                return clock->now_ns;
        } else {
                return clock->now_ns;
        }
        if (clock->ahead_ns != 0) {
                clock->ahead_ns = 0;
                clock->jumps_refused++;
        }
        return clock->now_ns;
}

bool packet_clock_tick(struct packet_clock *clock, int64_t now_ns, int64_t *tick_ns)
{
        if (clock->tick_ns > now_ns)
                return false;
        *tick_ns = clock->tick_ns;
        clock->tick_ns += SECOND;
        if (now_ns - clock->tick_ns <= HOUR)
                clock->gap_ns = 0;
        else if (clock->gap_ns == 0)
                clock->gap_ns = clock->tick_ns;
        else if (clock->tick_ns - clock->gap_ns > 2 * HOUR)
                clock->tick_ns = now_ns / SECOND * SECOND;
        return true;
}
