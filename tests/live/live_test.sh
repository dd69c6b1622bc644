#!/bin/bash
# The sensor as it runs, on a veth pair in a namespace of its own: what `live` finds in traffic that passes is what `read` finds in
# the same capture; it ends cleanly, goes on after a kill, counts what it drops. Needs root.
set -u
if [ "${1:-}" != inside ]; then
        [ "$(id -u)" = 0 ] || { echo "live_test: needs root, for namespaces and packet sockets: run make check as root"; exit 1; }
        exec unshare --net bash "$0" inside
fi

source=$(cd "${srcdir:-.}" && pwd)
top=$(pwd)
apnwatch=$top/apnwatch
work=$(mktemp -d "${TMPDIR:-/tmp}/apnwatch-live.XXXXXX") || exit 1
failed=0
sensor=

fail() { echo "FAIL $case: $1"; failed=1; }

end_all() {
        [ -z "$sensor" ] || kill -9 "$sensor" 2>/dev/null
        [ "$failed" = 0 ] && rm -rf "$work"
}
trap end_all EXIT

link_up() {
        ip link set lo up && ip link add tx0 type veth peer name rx0 || return 1
        for name in all default tx0 rx0; do # no neighbours are looked for: what is sent is all there is
                echo 1 >"/proc/sys/net/ipv6/conf/$name/disable_ipv6" || return 1
        done
        ip link set tx0 up && ip link set rx0 up
}
link_up || { echo "FAIL: no veth pair"; failed=1; exit 1; }

start_live() { # configuration, arguments...
        configuration=$1; shift
        "$apnwatch" live -i rx0 -c "$configuration" --intel "$source/contrib/intel" "$@" 2>"$work/live.err" >"$work/live.out" &
        sensor=$!
        for _ in $(seq 100); do
                grep -q '^apnwatch: listening' "$work/live.err" && return 0
                kill -0 "$sensor" 2>/dev/null || { fail "it does not start: $(cat "$work/live.err")"; return 1; }
                sleep 0.05
        done
        fail "it is not ready in 5 s: $(cat "$work/live.err")"
        return 1
}

end_live() { # expected status
        kill -TERM "$sensor"
        wait "$sensor"
        status=$?
        sensor=
        [ "$status" = "$1" ] || fail "it ended with $status: $(cat "$work/live.err")"
}

metrics() {
        bash -c 'exec 3<>/dev/tcp/127.0.0.1/9477 && printf "GET /metrics HTTP/1.0\r\n\r\n" >&3 && cat <&3' 2>/dev/null
}

metric() { # name with labels: its value
        metrics | sed -n "s/^$1 \([0-9]*\).*/\1/p"
}

wait_for() { # seconds, command...: until it succeeds
        end=$(($(date +%s) + $1)); shift
        until "$@"; do
                [ "$(date +%s)" -le "$end" ] || return 1
                sleep 0.1
        done
}

causes() { # alerts: type, device and peer of each, once
        awk 'function first(text, key) {
                     if (!match(text, "\"" key "\":\"[^\"]*")) return "-"
                     return substr(text, RSTART + length(key) + 4, RLENGTH - length(key) - 4)
             }
             function part(name) { return match($0, "\"" name "\":\\{") ? substr($0, RSTART) : "" }
             { print first($0, "type"), first(part("device"), "ip"), first(part("peer"), "ip") }' "$1" | sort -u
}

revisions_are_single() { # alerts: no (id, revision) twice
        doubled=$(sed -E 's/.*"id":"([^"]*)","revision":([0-9]+).*/\1 \2/' "$1" | sort | uniq -d | head -3)
        [ -z "$doubled" ] || fail "delivered twice: $doubled"
}

"$top/tests/traffic/mkfleet" --scenario mixed --seed 5 --devices 40 --hours 2 --capture "$work/fleet.pcap" --labels "$work/labels.jsonl" \
        --policy "$work/policy.yaml" --inventory "$work/inventory.csv" >"$work/mkfleet.out" 2>&1 || { case=mkfleet; fail "$(cat "$work/mkfleet.out")"; exit 1; }
frames=$(tcpdump -r "$work/fleet.pcap" 2>/dev/null | wc -l)
judged="-p $work/policy.yaml --inventory $work/inventory.csv"

cat >"$work/live.yaml" <<TEXT
sensor: edge-1
privacy: off
outbox: {path: $work/outbox.db, size: 16MiB}
metrics: {listen: "127.0.0.1:9477"}
TEXT

case="live finds what read finds in a recording of the same traffic"
# shellcheck disable=SC2086
if start_live "$work/live.yaml" $judged -o "jsonl:$work/live.jsonl" -o "eve:$work/live.eve" -o "events:$work/live.events"; then
        tcpdump -Z root -i rx0 -w "$work/recorded.pcap" --nano -B 65536 2>"$work/tcpdump" &
        recorder=$!
        wait_for 5 grep -q listening "$work/tcpdump" || fail "tcpdump does not listen"
        "$top/tests/live/sender" --interface tx0 --count "$frames" --rate 20000 --capture "$work/fleet.pcap" >"$work/sent" || fail "sender"
        wait_for 10 eval '[ "$(metric "apnwatch_packets_total{interface=\"rx0\"}")" = '"$frames"' ]' ||
                fail "$frames sent, $(metric 'apnwatch_packets_total{interface="rx0"}') seen"
        sleep 0.5
        kill -INT "$recorder" && wait "$recorder"
        metrics >"$work/metrics"
        end_live 0
        # shellcheck disable=SC2086
        "$apnwatch" read -q $judged --intel "$source/contrib/intel" -o "jsonl:$work/read.jsonl" "$work/recorded.pcap" || fail "read failed"
        for what in read live; do causes "$work/$what.jsonl" | grep -v '^sensor[.]' >"$work/$what.causes"; done
        [ -s "$work/read.causes" ] || fail "read found nothing"
        diff "$work/read.causes" "$work/live.causes" >"$work/diff" || fail "findings differ: $(head -5 "$work/diff")"
        revisions_are_single "$work/live.jsonl"
        # shellcheck disable=SC2086
        "$apnwatch" judge -q $judged --intel "$source/contrib/intel" -o "jsonl:$work/again.jsonl" "events:$work/live.events" || fail "its event log is not judged"
        causes "$work/again.jsonl" | grep -v '^sensor[.]' >"$work/again.causes"
        diff "$work/live.causes" "$work/again.causes" >"$work/diff" || fail "its event log gives others: $(head -5 "$work/diff")"
fi

send() { # frames, rate
        "$top/tests/live/sender" --interface tx0 --count "$1" --rate "$2" --capture "$work/fleet.pcap" >"$work/sent" || fail "sender"
}

packets() { metric 'apnwatch_packets_total{interface="rx0"}'; }
drops() { metric 'apnwatch_drops_total{where="kernel"}'; }
worker() { pgrep -P "$sensor" -x apnwatch-sense; }
capabilities() { sed -n 's/^CapPrm:[[:space:]]*//p' "/proc/$1/status"; } # permitted
has_packets() { [ "$(packets)" = "$1" ]; }
adds_up() { [ "$(($(packets) + $(drops)))" = "$1" ]; }
has_alert() { grep -q "\"type\":\"$1\"" "$work/alerts.jsonl"; }

rm -f "$work"/outbox.db*
case="privileges, a stopped worker, a killed worker, rotation"
# shellcheck disable=SC2086
if start_live "$work/live.yaml" $judged --buffer 2MiB -o "jsonl:$work/alerts.jsonl"; then
        first=$(worker)
        [ "$(capabilities "$sensor")" = 0000000000002000 ] || fail "the parent has $(capabilities "$sensor"), not CAP_NET_RAW alone"
        [ "$(capabilities "$first")" = 0000000000000000 ] || fail "the worker has $(capabilities "$first")"
        kill -STOP "$first"
        send 200000 150000
        kill -CONT "$first"
        wait_for 10 adds_up 200000 || fail "200000 sent, $(packets) seen and $(drops) counted as dropped"
        [ "$(drops)" -gt 0 ] || fail "nothing was dropped: the test does not test"
        wait_for 15 has_alert sensor.loss || fail "no sensor.loss"
        kill -KILL "$first"
        is_restarted() { [ "$(metric apnwatch_worker_restarts_total)" = 1 ]; }
        wait_for 10 is_restarted || fail "no new worker"
        [ "$(worker)" != "$first" ] || fail "process $first still stands"
        wait_for 5 has_alert sensor.crash || fail "no sensor.crash"
        before=$(packets)
        send 1000 20000
        wait_for 5 has_packets $((before + 1000)) || fail "the new worker sees $(packets), not $((before + 1000))"
        mv "$work/alerts.jsonl" "$work/alerts.1"
        kill -USR1 "$sensor"
        wait_for 5 test -e "$work/alerts.jsonl" || fail "no new file after SIGUSR1"
        "$apnwatch" live -i lo -c "$work/live.yaml" -o "jsonl:$work/other.jsonl" 2>"$work/other.err"
        [ $? = 2 ] && grep -q 'outbox' "$work/other.err" || fail "a second sensor takes the same outbox: $(cat "$work/other.err")"
        end_live 0
        cat "$work/alerts.1" "$work/alerts.jsonl" >"$work/all.jsonl"
        revisions_are_single "$work/all.jsonl"
fi

rm -f "$work"/outbox.db* "$work"/*.jsonl
case="killed at random points, it goes on where it was"
lives=0
for pause in 0.4 0.7 0.3 0.9; do
        # shellcheck disable=SC2086
        start_live "$work/live.yaml" $judged -o "jsonl:$work/alerts.jsonl" || break
        "$top/tests/live/sender" --interface tx0 --count "$frames" --rate 10000 --capture "$work/fleet.pcap" >"$work/sent" &
        sending=$!
        sleep $pause
        kill -KILL "$sensor"
        wait "$sensor" 2>/dev/null
        wait "$sending"
        lives=$((lives + 1))
done
[ "$lives" = 4 ] || fail "only $lives lives"
# shellcheck disable=SC2086
if start_live "$work/live.yaml" $judged -o "jsonl:$work/alerts.jsonl"; then
        waits_no_more() { [ "$(metric apnwatch_outbox_waiting)" = 0 ]; }
        wait_for 5 waits_no_more || fail "alerts wait"
        committed=$(metric apnwatch_alerts_committed_total)
        end_live 0
        lines=$(wc -l <"$work/alerts.jsonl")
        [ "$lines" -gt 5 ] && [ "$lines" = "$committed" ] || fail "$committed alerts were committed, $lines stand in the file"
        revisions_are_single "$work/alerts.jsonl"
fi

case="what cannot be opened"
refused() { # what must be said, arguments...
        said=$1; shift
        "$apnwatch" live "$@" >"$work/refused" 2>&1
        [ $? = 2 ] && grep -q "$said" "$work/refused" || fail "not refused with \"$said\": $(cat "$work/refused")"
}
refused 'no-such-interface' -i no-such-interface -c "$work/live.yaml" -o "jsonl:$work/x.jsonl"
refused 'no interface' -o "jsonl:$work/x.jsonl"
refused 'no output' -i lo
refused 'filter' -i lo -f 'tcp port' -o "jsonl:$work/x.jsonl"
refused 'privacy: {key_file: FILE}.*privacy: off' -i lo -o "jsonl:$work/x.jsonl"
printf 'privacy: {key_file: %s}\n' "$work/no-key" >"$work/keyless.yaml"
refused 'no-key' -i lo -c "$work/keyless.yaml" -o "jsonl:$work/x.jsonl"
printf 'privacy: off\nlimits: {memory: 200MiB}\n' >"$work/small.yaml"
refused 'limits.memory' -i lo -c "$work/small.yaml" -o "jsonl:$work/x.jsonl"

exit $failed
