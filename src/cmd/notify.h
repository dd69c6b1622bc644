/* Words to the service manager (sd_notify(3)), over the socket that NOTIFY_SOCKET names; without one nothing happens. */
#pragma once

/* "READY=1", "WATCHDOG=1", "STATUS=...", several with a line feed between. Never blocks: what the manager's queue does not take is lost. */
void notify_service(const char *state);

/* How long the manager waits for a WATCHDOG=1 of this process, in milliseconds (tell it twice as often); 0: it does not wait. */
unsigned notify_watchdog_ms(void);
