#!/bin/sh
# The master dies and a Sentinel makes a replica master that had not got the last alerts: they are sent again.
. "${srcdir:-.}/tests/faults/case.sh"
start_server
master=$server
replica_port=$(pick_port)
launch replica "$replica_port" --replicaof 127.0.0.1 "$port" || fail "no replica"
sentinel_port=$(pick_port)
mkdir -p "$work/sentinel"
cat >"$work/sentinel/sentinel.conf" <<END
port $sentinel_port
bind 127.0.0.1
dir $work/sentinel
sentinel monitor alerts 127.0.0.1 $port 1
sentinel down-after-milliseconds alerts 500
sentinel failover-timeout alerts 3000
END
redis-server "$work/sentinel/sentinel.conf" --sentinel >"$work/sentinel.out" 2>&1 &
processes="$processes $!"
url="redis://127.0.0.1:$sentinel_port/?sentinel=alerts"
start_producer --count 5000 --rate 1000 --patience 60
wait_for_entries 1000
tries=0
until redis-cli -p "$sentinel_port" SENTINEL REPLICAS alerts 2>/dev/null | grep -q "^$replica_port\$"; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || fail "the Sentinel does not see the replica"
        sleep 0.05
done
# From here on the replica gets nothing more: its link is cut and its next attempts are refused.
redis-cli -p "$replica_port" CONFIG SET masteruser nobody masterauth wrong >/dev/null
redis CLIENT KILL TYPE replica >/dev/null
had=$(entries)
wait_for_entries $((had + 500))
stale=$(redis-cli -p "$replica_port" XLEN 'apnwatch:{fault}:alerts')
kill -9 "$master"
port=$replica_port
finish_producer
audit
[ "$stale" -lt $((had + 500)) ] || fail "the replica was not stale"
[ "$(entries)" = 5000 ] || fail "$(entries) entries"
[ "$(of_account rewinds)" -ge 1 ] || fail "nothing was sent again"
told 1 6 "$trouble"
