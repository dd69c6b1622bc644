#!/bin/sh
# What mkfleet labelled is found and nothing else is: by captures in each encapsulation and by event logs. SCENARIOS, SEEDS,
# DEVICES, HOURS and HOW of the environment make it larger (tests/long/run.sh does).
set -eu
mkfleet=./tests/traffic/mkfleet
folder=$(mktemp -d "${TMPDIR:-/tmp}/apnwatch-labels.XXXXXX")
trap 'rm -rf "$folder"' EXIT
status=0

# What apnwatch is to read; the rest of its command line is $common.
read_what() { # plain|gtpu|vlan|events|gtpu-events|stream, mkfleet's arguments
        how=$1
        shift
        case $how in
        events)
                "$mkfleet" "$@" --events "$folder/events" 2> "$folder/log" || return 1
                ./apnwatch judge "events:$folder/events" $common
                ;;
        gtpu-events)
                "$mkfleet" "$@" --encap gtpu --events "$folder/events" 2> "$folder/log" || return 1
                ./apnwatch judge "events:$folder/events" $common
                ;;
        stream) # no log in between: for weeks
                "$mkfleet" "$@" --events - 2> "$folder/log" | ./apnwatch judge events:- $common
                ;;
        *)
                "$mkfleet" "$@" --encap "$how" --capture "$folder/capture.pcap" 2> "$folder/log" || return 1
                ./apnwatch read "$folder/capture.pcap" $common
                ;;
        esac
}

judge_run() { # scenario seed how
        name="$1, seed $2, $3"
        common="-q --intel $srcdir/contrib/intel -p $folder/policy.yaml --inventory $folder/inventory.csv -o jsonl:$folder/alerts"
        rm -f "$folder/alerts"
        if ! read_what "$3" --scenario "$1" --seed "$2" --devices "${DEVICES:-40}" --hours "${HOURS:-1}" --labels "$folder/labels" \
                --policy "$folder/policy.yaml" --inventory "$folder/inventory.csv" > "$folder/out" 2>&1; then
                echo "$name: failed:"
                cat "$folder/log" "$folder/out"
                status=1
        elif ! ./tests/traffic/score "$folder/labels" "$folder/alerts" > "$folder/score"; then
                echo "$name:"
                cat "$folder/score"
                status=1
        else
                echo "$name: $(tail -n 1 "$folder/score")"
        fi
}

for scenario in ${SCENARIOS:-destinations updates location identity mixed quiet}; do
        for seed in ${SEEDS:-5}; do
                for how in ${HOW:-plain gtpu vlan events gtpu-events}; do
                        judge_run "$scenario" "$seed" "$how"
                done
        done
done
exit $status
