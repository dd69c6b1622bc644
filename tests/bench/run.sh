#!/bin/sh
# Measures apnwatch against ndpiReader and tcpdump on captures that it makes, and against the project's targets.
#
#     tests/bench/run.sh [A] [B] [C] [S] [scale] [labels] [pipe] [--runs N] [--keep FOLDER] [--captures FOLDER]
#
# From the top of a build directory, of a build without sanitizers; ndpiReader and tcpdump are needed. Without names all of it.
# The programs run in turn, N times (5); shown are CPU seconds (user and system, median, least and most), packets a CPU second,
# peak memory (RSS, which counts the mapped capture, and anonymous), and ratios of medians. Captures go to a folder in TMPDIR that
# is deleted at the end; --keep leaves them in FOLDER, and takes those that are there. Fails when a target is missed.
set -eu

fault() {
        echo "run.sh: $*" >&2
        exit 2
}

here=$(cd "$(dirname "$0")" && pwd)
runs=5
keep=
captures=$here/../../../shared/captures/general
parts=
while [ $# -gt 0 ]; do
        case $1 in
        --runs) runs=$2; shift ;;
        --keep) keep=$2; shift ;;
        --captures) captures=$2; shift ;;
        A | B | C | S | scale | labels | pipe) parts="$parts $1" ;;
        *) fault "unknown: $1" ;;
        esac
        shift
done
parts=${parts:-A B C S scale labels pipe}

[ -f Makefile ] && [ -x ./apnwatch ] || fault "call it from the top of a build directory, after make"
! grep -q '^SANITIZER_CFLAGS = .*-fsanitize' Makefile || fault "this build has sanitizers; measure one without"
command -v ndpiReader > /dev/null || fault "ndpiReader is needed (Debian: libndpi-bin)"
command -v tcpdump > /dev/null || fault "tcpdump is needed"
make -s tests/traffic/mkfleet tests/bench/measure tests/bench/flow_labels tests/bench/pipe_cost

if [ -n "$keep" ]; then
        mkdir -p "$keep"
        work=$keep
else
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
fi
failed=0

verdict() { # name, value, limit, what
        if awk -v value="$2" -v limit="$3" 'BEGIN { exit !(value > 0 && value + 0 <= limit + 0) }'; then
                echo "$1: $4 $2, at most $3: PASS"
        else
                echo "$1: $4 $2, at most $3: FAIL"
                failed=1
        fi
}

make_capture() { # name, mkfleet's arguments
        name=$1
        shift
        [ -f "$work/$name.pcap" ] || ./tests/traffic/mkfleet "$@" --seed 1 --capture "$work/$name.pcap" --policy "$work/$name.yaml" 2> "$work/$name.made"
}

# Its pages into memory: some machines take away what was not touched for a while.
warm() { # name
        cat "$work/$1.pcap" > /dev/null
}

measure() { # result file, command
        result=$1
        shift
        ./tests/bench/measure "$@" >> "$result"
}

run_apnwatch() { # name
        warm "$1"
        measure "$work/$1.apnwatch" ./apnwatch read -q -j 0 --intel "$here/../../contrib/intel" -p "$work/$1.yaml" -o "jsonl:$work/$1.jsonl" "$work/$1.pcap"
}

# field of all runs: "median least most"
spread() { # file, field
        awk -v field="$2" '{ print $field }' "$1" | sort -n | awk '{ v[NR] = $1 } END {
                print (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2), v[1], v[NR] }'
}

median() {
        spread "$1" "$2" | cut -d ' ' -f 1
}

row() { # name, tool, packets
        set -- "$1" "$2" "$3" $(spread "$work/$1.$2" 1) $(median "$work/$1.$2" 2) $(median "$work/$1.$2" 3) "$(awk '$5 != 0' "$work/$1.$2" | wc -l)"
        printf '%-9s %-12s %8.2f [%.2f-%.2f] CPU s  %7.2f Mpackets/CPU s  %8.1f MiB RSS  %8.1f MiB anonymous%s\n' "$1" "$2" "$4" "$5" "$6" \
                "$(awk -v p="$3" -v s="$4" 'BEGIN { print p / s / 1e6 }')" "$(awk -v k="$7" 'BEGIN { print k / 1024 }')" \
                "$(awk -v k="$8" 'BEGIN { print k / 1024 }')" "$([ "$9" -eq 0 ] || echo "  ($9 runs failed)")"
        [ "$9" -eq 0 ] || failed=1
}

ratio() { # file, file, field
        awk -v a="$(median "$1" "$3")" -v b="$(median "$2" "$3")" 'BEGIN { printf "%.4f", (b > 0) ? a / b : 99 }'
}

alert_share() { # name: flows for one alert, told because the target says so
        flows=$(sed -n 's/.* \([0-9]*\) flows.*/\1/p' "$work/$1.made")
        alerts=$(wc -l < "$work/$1.jsonl")
        echo "$1: $alerts alerts of $flows flows"
        [ "$((alerts * 100))" -ge "$flows" ] || { echo "$1: fewer than one alert in 100 flows: FAIL"; failed=1; }
}

compare_shape() { # name, packets, ndpiReader's option or ""
        name=$1
        make_capture "$name" --shape "$name"
        rm -f "$work/$name.apnwatch" "$work/$name.ndpiReader" "$work/$name.tcpdump"
        for run in $(seq "$runs"); do
                run_apnwatch "$name"
                warm "$name"
                measure "$work/$name.ndpiReader" ndpiReader -q $3 -i "$work/$name.pcap"
                warm "$name"
                measure "$work/$name.tcpdump" tcpdump -Z root -r "$work/$name.pcap" -w /dev/null 2> /dev/null
        done
        for tool in apnwatch ndpiReader tcpdump; do
                row "$name" "$tool" "$2"
        done
        alert_share "$name"
        echo "$name: CPU of tcpdump times $(ratio "$work/$name.apnwatch" "$work/$name.tcpdump" 1)"
        verdict "$name" "$(ratio "$work/$name.apnwatch" "$work/$name.ndpiReader" 1)" 0.1667 "share of ndpiReader's CPU"
        [ "$name" != C ] || verdict C "$(ratio "$work/C.apnwatch" "$work/C.ndpiReader" 2)" 0.25 "share of ndpiReader's memory (RSS)"
        [ -n "$keep" ] || rm -f "$work/$name.pcap"
}

compare_scale() {
        make_capture few --shape scale --devices 10000
        make_capture many --shape scale --devices 500000
        rm -f "$work/few.apnwatch" "$work/many.apnwatch"
        for run in $(seq "$runs"); do
                run_apnwatch few
                run_apnwatch many
        done
        row few apnwatch 5000000
        row many apnwatch 5000000
        verdict scale "$(ratio "$work/many.apnwatch" "$work/few.apnwatch" 1)" 1.5 "a packet among 500 000 devices costs, of one among 10 000, times"
        [ -n "$keep" ] || rm -f "$work/few.pcap" "$work/many.pcap"
}

measure_pipe() {
        for run in $(seq "$runs"); do
                ./tests/bench/pipe_cost
        done > "$work/pipe"
        cat "$work/pipe"
        sed 's/^pipe: \([0-9.]*\).*/\1/' "$work/pipe" > "$work/pipe.us"
        verdict pipe "$(median "$work/pipe.us" 1)" 1.0 "microseconds an event"
}

for part in $parts; do
        case $part in
        A | B | S) compare_shape "$part" 3000000 "$([ "$part" = A ] || echo -t)" ;;
        C) compare_shape C 5000000 "" ;;
        scale) compare_scale ;;
        labels) sh "$here/labels.sh" . "$captures" || failed=1 ;;
        pipe) measure_pipe ;;
        esac
done
exit $failed
