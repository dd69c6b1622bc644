/* What an HTTP answer to an alert means for it.
 *
 *     2xx                                    it is delivered
 *     400 406 409 411 413 414 415 422 431    the receiver refuses this alert: tried REFUSED_TRIES times, then counted as a gap
 *     429 503                                not now: Retry-After is honoured, up to RETRY_AFTER_MOST_S
 *     anything else                          the receiver, its address or our credentials are not in order (1xx, 3xx: redirects are
 *                                            not followed; 401, 403, 404, 5xx ...): alerts wait in the outbox until they are
 *
 * That a token has expired or a path is misspelt must not cost alerts; that one alert is too large must not hold up the rest. */
#pragma once

#include <stdint.h>

enum { REFUSED_TRIES = 5, RETRY_AFTER_MOST_S = 300 };

enum webhook_answer {
        WEBHOOK_DELIVERED,
        WEBHOOK_REFUSED,
        WEBHOOK_NOT_NOW,
        WEBHOOK_TROUBLE,
};

enum webhook_answer webhook_answer_of(int status);

/* The pause that a Retry-After asks for: seconds, or a date (IMF-fixdate, RFC 9110, 5.6.7), seen from `now_s`. 0: none, or not to be
 * understood. `value` may be NULL. */
uint32_t webhook_retry_after_s(const char *value, int64_t now_s);
