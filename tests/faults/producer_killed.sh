#!/bin/sh
# The sensor is killed with -9 at any moment and starts again: what it had committed is delivered, and once.
. "${srcdir:-.}/tests/faults/case.sh"
start_server
for pause in 0.31 0.47 0.29 0.53 0.38; do
        start_producer --count 6000 --rate 2000
        sleep $pause
        kill -9 "$producer"
        wait "$producer" 2>/dev/null || :
done
produce --count 6000
audit
[ "$(of_account waiting)" = 0 ] || fail "alerts still wait"
