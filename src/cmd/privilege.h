/* Capabilities: `live` needs CAP_NET_RAW to open interfaces and nothing else. */
#pragma once

/* The parent: all but CAP_NET_RAW (when it has that) are given up for good. 0 or negative errno. */
int privilege_keep_capture(void);
/* A worker: nothing is left, and nothing can be gained (no_new_privs). 0 or negative errno. */
int privilege_keep_nothing(void);
