#!/bin/sh
# The server hangs (SIGSTOP), longer than the link waits for an answer, and goes on.
. "${srcdir:-.}/tests/faults/case.sh"
start_server
start_producer --count 4000 --rate 1000
wait_for_entries 1000
kill -STOP "$server"
sleep 6
kill -CONT "$server"
finish_producer
audit
[ "$(of_account waiting)" = 0 ] || fail "alerts still wait"
told 1 1 "nothing heard for"
told 1 1 "$trouble"
told 1 1 "$well"
