#!/bin/sh
# What mkfleet labelled is found and nothing else is: by captures in each encapsulation and by event logs. SEEDS, DEVICES and
# HOURS of the environment make it larger (tests/long/run.sh does).
set -eu
mkfleet=./tests/traffic/mkfleet
folder=$(mktemp -d "${TMPDIR:-/tmp}/apnwatch-labels.XXXXXX")
trap 'rm -rf "$folder"' EXIT
status=0

# scenario seed encapsulation|events
judge_run() {
        set -- "$1" "$2" "$3" --scenario "$1" --seed "$2" --devices "${DEVICES:-40}" --hours "${HOURS:-1}" --labels "$folder/labels" \
                --policy "$folder/policy.yaml" --inventory "$folder/inventory.csv"
        name="$1, seed $2, $3"
        how=$3
        shift 3
        if [ "$how" = events ]; then
                "$mkfleet" "$@" --events "$folder/events" 2> "$folder/log"
                set -- judge "events:$folder/events"
        else
                "$mkfleet" "$@" --encap "$how" --capture "$folder/capture.pcap" 2> "$folder/log"
                set -- read "$folder/capture.pcap"
        fi
        rm -f "$folder/alerts"
        if ! ./apnwatch "$@" -q --intel "$srcdir/contrib/intel" -p "$folder/policy.yaml" --inventory "$folder/inventory.csv" \
                -o "jsonl:$folder/alerts" > "$folder/log" 2>&1; then
                echo "$name: apnwatch failed:"
                cat "$folder/log"
                status=1
        elif ! ./tests/traffic/score "$folder/labels" "$folder/alerts" > "$folder/score"; then
                echo "$name:"
                cat "$folder/score"
                status=1
        else
                echo "$name: $(tail -n 1 "$folder/score")"
        fi
}

for scenario in destinations updates location mixed quiet; do
        for seed in ${SEEDS:-5}; do
                for how in ${HOW:-plain gtpu vlan events}; do
                        judge_run "$scenario" "$seed" "$how"
                done
        done
done
exit $status
