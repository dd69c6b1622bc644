#!/bin/sh
# The server's memory is full, then there is more of it.
. "${srcdir:-.}/tests/faults/case.sh"
start_server --maxmemory-policy noeviction
start_producer --count 6000 --rate 3000 --patience 60
wait_for_entries 1000
redis CONFIG SET maxmemory 3mb >/dev/null
sleep 1.5
held=$(entries)
[ "$held" -lt 6000 ] || fail "the server took everything"
redis CONFIG SET maxmemory 0 >/dev/null
finish_producer
audit
[ "$(entries)" = 6000 ] || fail "$(entries) entries"
told 1 3 "memory is full"
told 1 3 "$trouble"
