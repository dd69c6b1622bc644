#!/bin/sh
# Replies arrive byte by byte; then connections end in the middle of a reply, each a little later than the last.
. "${srcdir:-.}/tests/faults/case.sh"
start_server
start_proxy dribble
produce --count 3000 || fail "not delivered byte by byte"
audit
told 0 0 "$trouble"
kill_server
start_over
start_server
start_proxy cut 4001
produce --count 6000 --rate 3000 --patience 60 || fail "not delivered over connections that end"
audit
[ "$(entries)" = 6000 ] || fail "$(entries) entries"
told 1 20 "the server closed the connection|reset by peer"
