#!/bin/sh
# The server is away for longer than the outbox can hold: what had to go is a gap record in the stream. Then the server forgets what
# the outbox no longer has.
. "${srcdir:-.}/tests/faults/case.sh"
start_server
produce --count 500 --size 1048576
kill_server
produce --count 6000 --size 1048576 --patience 1 && fail "delivered without a server"
start_server
produce --count 6000 --size 1048576 || fail "not delivered"
audit
[ "$(of_account gaps)" -gt 0 ] || fail "the outbox held everything"
told 1 1 "outbox.*(full|oldest|size)"
produce --count 7000 --size 1048576 || fail "not delivered"
redis FLUSHALL >/dev/null
produce --count 7001 --size 1048576 || fail "not delivered"
audit
