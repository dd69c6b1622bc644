#!/bin/bash
# The whole sensor, 5000 alerts a second into Redis, four kills -9 of the server and four of the sensor: what was committed to the outbox is in the
# stream, once. Needs root. From the top of a build directory.
set -u
if [ "${1:-}" != inside ]; then
        [ "$(id -u)" = 0 ] || { echo "live_kills: needs root"; exit 1; }
        make -s apnwatch tests/live/sender || exit 1
        exec unshare --net bash "$0" inside
fi
top=$(pwd)
source=$(cd "${srcdir:-.}" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/apnwatch-kills.XXXXXX") || exit 1
sensor='' server='' sending=''
end_all() {
        for process in $sensor $server $sending; do kill -9 "$process" 2>/dev/null; done
        rm -rf "$work"
}
trap end_all EXIT
ip link set lo up && ip link add tx0 type veth peer name rx0 && ip link set tx0 up && ip link set rx0 up || { echo "no veth pair"; exit 1; }

cat >"$work/live.yaml" <<TEXT
sensor: edge-1
privacy: off
outbox: {path: $work/outbox.db, size: 512MiB}
redis: {maxlen: 1000000}
timeouts: {udp: 1s}
TEXT
cat >"$work/policy.yaml" <<TEXT
version: 1
devices: [10.20.0.0/16]
fleets:
  - name: all
    members: [{prefix: 10.20.0.0/16}]
    destinations: {allow: [{name: none, prefix: 192.0.2.1/32}]}
TEXT

start_server() {
        redis-server --port 6379 --dir "$work" --save "" --appendonly yes --appendfsync "$1" >>"$work/redis.log" 2>&1 &
        server=$!
}
start_sensor() {
        "$top/apnwatch" live -i rx0 -c "$work/live.yaml" -p "$work/policy.yaml" --intel "$source/contrib/intel" \
                -o redis://127.0.0.1:6379 2>>"$work/live.err" &
        sensor=$!
}

start_server everysec
start_sensor
sleep 2
"$top/tests/live/sender" --interface tx0 --count 65000 --rate 5000 >"$work/sent" &
sending=$!
for turn in 1 2 3 4; do
        sleep 1.7
        kill -9 "$server"; wait "$server" 2>/dev/null
        sleep 0.3
        if [ $((turn % 2)) = 0 ]; then start_server everysec; else start_server always; fi
        sleep 1
        kill -9 "$sensor"; wait "$sensor" 2>/dev/null
        start_sensor
done
wait "$sending"
sleep 10
bash -c 'exec 3<>/dev/tcp/127.0.0.1/9477 && printf "GET /metrics HTTP/1.0\r\n\r\n" >&3 && cat <&3' >"$work/metrics"
kill -TERM "$sensor"
wait "$sensor" || { echo "the sensor ended with $?"; exit 1; }

"$top/apnwatch" tail --no-follow --sensor edge-1 redis://127.0.0.1:6379 >"$work/stream.jsonl" || exit 1
sed -E 's/.*"id":"([^"]*)","revision":([0-9]+).*/\1 \2/' "$work/stream.jsonl" | sort >"$work/stream"
sqlite3 -separator ' ' "$work/outbox.db" 'SELECT lower(hex(id)), revision FROM entry' | sort >"$work/committed"
committed=$(wc -l <"$work/committed")
lost=$(comm -23 "$work/committed" "$work/stream" | wc -l)
strange=$(comm -13 "$work/committed" "$work/stream" | wc -l)
doubled=$(uniq -d "$work/stream" | wc -l)
echo "committed $committed, lost $lost, doubled $doubled, in the stream only $strange"
grep -E '^apnwatch_(alerts_committed|outbox_waiting|sink_(delivered|gaps))' "$work/metrics"
[ "$committed" -gt 20000 ] && [ "$lost" = 0 ] && [ "$doubled" = 0 ] && [ "$strange" = 0 ]
