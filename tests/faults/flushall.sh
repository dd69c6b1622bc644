#!/bin/sh
# Everything on the server is deleted while alerts come, and once more while none do: the outbox still has them all.
. "${srcdir:-.}/tests/faults/case.sh"
start_server
start_producer --count 6000 --rate 2000
wait_for_entries 2000
redis FLUSHALL >/dev/null
finish_producer
audit
told 1 1 "lost the stream|no longer has"
[ "$(of_account rewinds)" -ge 1 ] || fail "nothing was sent again"
[ "$(entries)" = 6000 ] || fail "$(entries) entries"

redis FLUSHALL >/dev/null
produce --count 6001
audit
[ "$(entries)" = 6001 ] || fail "$(entries) entries"
