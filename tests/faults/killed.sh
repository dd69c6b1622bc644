#!/bin/sh
# The server is killed with -9 under load and starts again with what its append-only file kept. With appendfsync everysec the end of
# the file goes too, as when the machine loses power: entries that were acknowledged. With always nothing goes, but replies are lost.
. "${srcdir:-.}/tests/faults/case.sh"
kills=${KILLS:-2} count=${COUNT:-4000} rate=${RATE:-2000}
for fsync in ${FSYNC:-everysec always}; do
        start_server --appendonly yes --appendfsync "$fsync"
        start_producer --count "$count" --rate "$rate" --patience 60
        kill_no=1
        while [ "$kill_no" -le "$kills" ]; do
                wait_for_entries $((count * kill_no / (kills + 2)))
                kill_server
                [ "$fsync" = always ] || truncate -s -100000 "$work"/server/appendonlydir/*.incr.aof
                sleep "${PAUSE:-0.2}"
                start_server --appendonly yes --appendfsync "$fsync"
                kill_no=$((kill_no + 1))
        done
        finish_producer
        audit
        [ "$(of_account waiting)" = 0 ] || fail "alerts still wait"
        told 1 $((kills * 3)) "$trouble" # closed, refused, loading
        told "$kills" "$kills" "$well"
        [ "$fsync" = always ] || told "$kills" "$kills" "it has lost alerts that it had taken"
        kill_server
        start_over
done
