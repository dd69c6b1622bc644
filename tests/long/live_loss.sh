#!/bin/bash
# Loss of the sensor against loss of tcpdump, both on the same interface at the same time with rings of 64 MiB: frames of devices at
# rising rates, the last beyond what the sender can do, over a veth pair in a network namespace of its own. Fails when the sensor loses
# more, or when what it received and what it says was dropped are not together what was sent. From the top of a build directory, as root.
# Environment: RATES, SECONDS_EACH.
set -u
if [ "${1:-}" != inside ]; then
        [ "$(id -u)" = 0 ] && unshare --net true || { echo "live_loss: needs root and network namespaces"; exit 1; }
        exec unshare --net bash "$0" inside
fi
source=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
top=$PWD
work=$(mktemp -d)
rates=${RATES:-"25000 50000 100000 200000 300000 600000"}
seconds=${SECONDS_EACH:-6}
started=()
failed=0

clear() {
        for process in "${started[@]}"; do kill "$process" 2>/dev/null; done
        wait
        rm -rf "$work"
}
trap clear EXIT
give_up() { echo "live_loss: $1"; cat "$work/live.err" "$work/tcpdump.err" 2>/dev/null; exit 1; }

wait_for() { # command...: until it succeeds, ten seconds at most
        for _ in $(seq 100); do
                "$@" && return 0
                sleep 0.1
        done
        return 1
}
metrics() {
        { printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 && cat <&3; } 3<>/dev/tcp/127.0.0.1/9477 2>/dev/null
}
metric() { # name with its labels
        metrics | awk -v name="$1" '$1 == name { print $2 }'
}
all_accounted() { # frames that were sent
        received=$(metric 'apnwatch_packets_total{interface="v1"}')
        dropped=$(metric 'apnwatch_drops_total{where="kernel"}')
        [ -n "$received" ] && [ -n "$dropped" ] && [ $((received + dropped)) = "$1" ]
}

ip link set lo up
ip link add v0 type veth peer name v1
for end in v0 v1; do ip link set "$end" addrgenmode none up; done
"$top/tests/traffic/mkfleet" --scenario mixed --seed 11 --devices 500 --hours 4 --capture "$work/fleet.pcap" \
        --labels "$work/labels" --policy "$work/policy.yaml" --inventory "$work/inventory.csv" >"$work/mkfleet.out" 2>&1 || give_up "mkfleet failed"
printf 'sensor: loss\nprivacy: off\noutbox: {path: %s/outbox.db, size: 64MiB}\nmetrics: {listen: "127.0.0.1:9477"}\n' "$work" >"$work/live.yaml"

one_rate() {
        local count=$((rate * seconds)) sensor recorder captured
        rm -f "$work"/outbox.db* "$work/alerts.jsonl"
        "$top/apnwatch" live -i v1 -c "$work/live.yaml" --intel "$source/contrib/intel" -p "$work/policy.yaml" --inventory "$work/inventory.csv" \
                -o "jsonl:$work/alerts.jsonl" 2>"$work/live.err" &
        sensor=$!
        tcpdump -Z root -i v1 -B 65536 -w /dev/null 2>"$work/tcpdump.err" &
        recorder=$!
        started=("$sensor" "$recorder")
        wait_for grep -q '^apnwatch: listening' "$work/live.err" || give_up "the sensor does not start"
        wait_for grep -q listening "$work/tcpdump.err" || give_up "tcpdump does not start"
        "$top/tests/live/sender" --interface v0 --rate "$rate" --count "$count" --capture "$work/fleet.pcap" >"$work/sent" || give_up "the sender failed"
        wait_for all_accounted "$count" || { echo "at $rate a second: $count sent, but $received received and $dropped dropped"; failed=1; }
        sleep 0.5
        kill -INT "$recorder" && wait "$recorder"
        kill -TERM "$sensor" && wait "$sensor" || { echo "at $rate a second: the sensor ended with $?"; failed=1; }
        started=()
        captured=$(awk '/packets captured/ { print $1 }' "$work/tcpdump.err")
        awk -v rate="$rate" -v count="$count" -v ours="$received" -v dropped="$dropped" -v theirs="$captured" '{
                printf "asked %d a second, sent %d in %s s: lost by the sensor %d (counted %d), by tcpdump %d\n", rate, count, $8,
                       count - ours, dropped, count - theirs }' "$work/sent"
        [ $((count - received)) -le $((count - captured)) ] || { echo "at $rate a second the sensor lost more"; failed=1; }
}

for rate in $rates; do one_rate; done
exit "$failed"
