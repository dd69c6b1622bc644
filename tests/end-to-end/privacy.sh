#!/bin/sh
# With privacy on nothing that leaves holds an identity of the capture: every output, both summaries, the lists of sessions and TACs.
set -u
source=$(cd "${srcdir:-.}" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/apnwatch-privacy.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
failed=0
APNWATCH_DATA=$source/contrib
export APNWATCH_DATA

fail()
{
        echo "FAIL $1"
        failed=1
}

tests/traffic/mkfleet --scenario identity --seed 5 --devices 40 --hours 2 --encap gtpu --capture "$work/c.pcap" \
        --policy "$work/p.yaml" --inventory "$work/i.csv" 2>/dev/null || exit 1
printf 'sixteen bytes of' >"$work/own.key"
printf 'sixteen bytes if' >"$work/other.key"
chmod 600 "$work/own.key" "$work/other.key"
printf 'sensor: s\nprivacy: {key_file: %s/own.key, coordinates: 1}\n' "$work" >"$work/c.yaml"
printf 'sensor: s\nprivacy: {key_file: %s/other.key, coordinates: 1}\n' "$work" >"$work/o.yaml"
printf 'sensor: s\n' >"$work/plain.yaml"
# IMSI, IMEI without what follows the module's 14 digits, phone number
awk -F, 'NR > 1 {print $2; print substr($3, 1, 14); print $4}' "$work/i.csv" | sort -u | grep . >"$work/identities"
[ "$(wc -l <"$work/identities")" -gt 100 ] || fail "too few identities to look for"

read_it() # folder, configuration
{
        mkdir "$work/$1"
        ./apnwatch read -v -c "$work/$2" -p "$work/p.yaml" --inventory "$work/i.csv" -o "jsonl:$work/$1/jsonl" -o "eve:$work/$1/eve" \
                -o "events:$work/$1/events" -o "summary:$work/$1/summary" "$work/c.pcap" >"$work/$1/out" 2>"$work/$1/err" || fail "read $2"
        ./apnwatch sessions -c "$work/$2" "$work/c.pcap" >"$work/$1/table" || fail "sessions $2"
        ./apnwatch sessions --json -c "$work/$2" "$work/c.pcap" >"$work/$1/sessions" || fail "sessions --json $2"
        ./apnwatch intel learn-tac -c "$work/$2" "$work/c.pcap" >"$work/$1/tacs" || fail "learn-tac $2"
}

read_it clear plain.yaml
read_it covered c.yaml
read_it other o.yaml
for each in jsonl eve events table sessions; do
        grep -qaFf "$work/identities" "$work/clear/$each" || fail "$each: no identity without privacy either"
        grep -qa 'hmac:[0-9a-f]\{16\}' "$work/covered/$each" || fail "$each: no pseudonym"
done
for each in "$work"/covered/*; do
        grep -aoFf "$work/identities" "$each" >"$work/found" && fail "${each##*/}: $(sort -u "$work/found" | head -3 | tr '\n' ' ')"
done

# As many alerts; one pseudonym for one SIM in alerts, events and sessions; another with another key; IDs that nobody can try.
[ "$(wc -l <"$work/clear/jsonl")" = "$(wc -l <"$work/covered/jsonl")" ] || fail "other alerts"
pseudonyms() { grep -ao "$2\"hmac:[0-9a-f]*" "$work/$1" | grep -o 'hmac.*' | sort -u; }
pseudonyms covered/jsonl '"imsi":' >"$work/of_alerts"
pseudonyms covered/sessions '"imsi":' >"$work/of_sessions"
[ -s "$work/of_alerts" ] || fail "no IMSI in alerts"
[ -z "$(comm -23 "$work/of_alerts" "$work/of_sessions")" ] || fail "SIMs of alerts that had no session"
while read -r one; do
        grep -qaF "$one" "$work/covered/events" || fail "$one is not in the events"
done <"$work/of_alerts"
pseudonyms other/jsonl '"imsi":' | comm -12 - "$work/of_alerts" | grep -q . && fail "two keys make the same pseudonym"
ids() { sed 's/^{"id":"\([0-9a-f]*\)".*/\1/' "$work/$1/jsonl" | sort -u; }
for each in covered other; do
        ids $each >"$work/ids_$each"
        [ "$(wc -l <"$work/ids_$each")" = "$(ids clear | wc -l)" ] || fail "$each: alerts share an ID"
        ids clear | comm -12 - "$work/ids_$each" | grep -q . && fail "$each: an ID is not keyed"
done
comm -12 "$work/ids_covered" "$work/ids_other" | grep -q . && fail "two keys make the same ID"
grep -o '"id":"[0-9a-f]*"' "$work/covered/summary" | while read -r id; do
        grep -qF "$id" "$work/covered/jsonl" || echo "$id"
done >"$work/strange"
[ -s "$work/strange" ] && fail "the summary has IDs that no alert has: $(head -3 "$work/strange")"

# The same again: the same.
read_it again c.yaml
cmp "$work/covered/jsonl" "$work/again/jsonl" || fail "the same run gives other alerts"
./apnwatch judge -q -c "$work/c.yaml" -p "$work/p.yaml" -o "jsonl:$work/judged" "events:$work/clear/events" 2>"$work/told" || fail "judge"
[ -s "$work/told" ] && fail "judge warns of a log in clear"
grep -qaFf "$work/identities" "$work/judged" && fail "judge tells identities"
./apnwatch judge -c "$work/c.yaml" -p "$work/p.yaml" -o "jsonl:$work/judged" "events:$work/covered/events" >"$work/out" 2>"$work/told" || fail "judge"
grep -q 'written with privacy on' "$work/told" || fail "judge does not warn of pseudonyms"
exit $failed
