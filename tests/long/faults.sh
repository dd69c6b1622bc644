#!/bin/sh
# 60 000 alerts at 5 000 a second while the server and the sensor are killed with -9 four times each, in turns: none lost after its
# commit, none doubled; with both ways of Redis to keep its data. Then how fast 100 000 alerts that waited are carried.
. "${srcdir:-.}/tests/faults/case.sh"
count=${COUNT:-60000} rate=${RATE:-5000}

kill_both() { # appendfsync
        turn=1
        while [ "$turn" -le 4 ]; do
                wait_for_entries $((count * (2 * turn - 1) / 10))
                kill_server
                [ "$1" = always ] || truncate -s -200000 "$work"/server/appendonlydir/*.incr.aof
                sleep 0.3
                start_server --appendonly yes --appendfsync "$1"
                wait_for_entries $((count * 2 * turn / 10))
                kill -9 "$producer"
                wait "$producer" 2>/dev/null || :
                start_producer --count "$count" --rate "$rate" --patience 120
                turn=$((turn + 1))
        done
}

for fsync in everysec always; do
        start_server --appendonly yes --appendfsync "$fsync"
        start_producer --count "$count" --rate "$rate" --patience 120
        kill_both "$fsync"
        finish_producer
        audit
        [ "$(of_account delivered)" = "$count" ] || fail "not all are delivered"
        told 4 8 'output redis:.*: connected again'
        kill_server
        start_over
done

start_server
produce --count 1
kill_server
produce --count 100001 --patience 0 && fail "delivered without a server"
start_server
produce --count 100001
audit
rate=$((100000 * 1000 / $(of_account ms)))
echo "catching up: $rate alerts a second"
[ "$rate" -ge 50000 ] || fail "slower than 50 000 alerts a second"
