/* Functions that stay functions, so that the ways of the many packets, messages and events are short: what one of them walks through has to fit
 * the instruction cache (32 KiB). */
#pragma once

#define APART __attribute__((noinline))        /* asked for by some */
#define SELDOM __attribute__((noinline, cold)) /* by few or none; kept small, not fast */
