#!/bin/sh
# The same seed gives the same bytes, another seed others; the sample in contrib/sample is what its command makes.
set -eu
mkfleet=./tests/traffic/mkfleet
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fault() {
        echo "repeat_test: $*" >&2
        exit 1
}

make_run() { # scenario seed name
        "$mkfleet" --scenario "$1" --seed "$2" --devices 16 --hours 0.3 --capture "$folder/$3.pcap" --labels "$folder/$3.labels" \
                --policy "$folder/$3.yaml" --inventory "$folder/$3.csv" 2> "$folder/log"
}

for scenario in destinations updates location identity mixed quiet; do
        make_run "$scenario" 7 first
        make_run "$scenario" 7 second
        make_run "$scenario" 8 other
        for kind in pcap labels yaml csv; do
                cmp "$folder/first.$kind" "$folder/second.$kind" || fault "$scenario: $kind differs with the same seed"
        done
        ! cmp -s "$folder/first.pcap" "$folder/other.pcap" || fault "$scenario: two seeds give one capture"
done

mkdir "$folder/sample"
sh "$srcdir/tests/traffic/make_sample.sh" "$mkfleet" "$folder/sample" 2> "$folder/log"
for file in sample.pcap labels.jsonl policy.yaml inventory.csv; do
        cmp "$folder/sample/$file" "$srcdir/contrib/sample/$file" || fault "contrib/sample/$file is not what make_sample.sh makes"
done
