#!/bin/sh
# The sample that the project ships, made anew: make_sample.sh MKFLEET FOLDER
set -eu
"$1" --scenario sample --seed 2026 --devices 12 --hours 0.5 --microseconds \
        --capture "$2/sample.pcap" --labels "$2/labels.jsonl" --policy "$2/policy.yaml" --inventory "$2/inventory.csv"
