#!/bin/sh
# What takes longer than a check may: many seeds, a fleet of thousands for weeks. From the top of a build directory; the end of its
# output is committed as tests/long/last-result.txt (--record does that).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
srcdir=$(cd "$here/../.." && pwd)
export srcdir
[ -x ./apnwatch ] && [ -f Makefile ] || { echo "run.sh: call it from the top of a build directory, after make" >&2; exit 2; }
make -s tests/unit/judge/binding_load_test tests/traffic/mkfleet tests/traffic/score tests/live/sender tests/faults/producer tests/faults/audit tests/faults/proxy

result=$(mktemp)
trap 'rm -f "$result"' EXIT
status=0

part() { # title, command
        title=$1
        shift
        started=$(date +%s)
        if "$@" > "$result.part" 2>&1; then verdict=PASS; else verdict=FAIL status=1; fi
        cat "$result.part"
        echo "$title: $verdict in $(($(date +%s) - started)) s" | tee -a "$result"
        rm -f "$result.part"
}

part "a million bound sessions" ./tests/unit/judge/binding_load_test 1000000 50000
part "twenty seeds of each scenario, captures" env SEEDS="$(seq -s ' ' 101 120)" HOW=plain sh "$srcdir/tests/traffic/labels_test.sh"
part "twenty seeds of each scenario, event logs" env SEEDS="$(seq -s ' ' 101 120)" HOW=events sh "$srcdir/tests/traffic/labels_test.sh"
part "a day of 500 devices inside GTP-U" env DEVICES=500 HOURS=24 HOW=gtpu SCENARIOS="mixed quiet" SEEDS=7 sh "$srcdir/tests/traffic/labels_test.sh"
part "two weeks of 2000 devices, event logs" env DEVICES=2000 HOURS=336 HOW=stream SCENARIOS=mixed SEEDS=8 sh "$srcdir/tests/traffic/labels_test.sh"
part "loss of the sensor and of tcpdump on one interface" bash "$srcdir/tests/long/live_loss.sh"
part "the whole sensor, 5000 alerts a second through eight kills" bash "$srcdir/tests/long/live_kills.sh"
part "60 000 alerts through eight kills, catching up" sh "$srcdir/tests/long/faults.sh"

if [ "${1:-}" = --record ]; then
        { date -u +%Y-%m-%d; ./apnwatch --version | head -n 1; cat "$result"; } > "$here/last-result.txt"
fi
exit $status
