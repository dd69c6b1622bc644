#!/bin/sh
# What devices say of themselves, from packets to alerts, to proposed TACs, and under privacy.
set -u
source=$(cd "${srcdir:-.}" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/apnwatch-self-report.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
failed=0
command -v jq >/dev/null || { echo "jq is not there"; exit 77; }

fail()
{
        echo "FAIL $1"
        failed=1
}

tests/end-to-end/self_report_capture "$work/self.pcap" >"$work/logins" || exit 1
cat >"$work/policy.yaml" <<'POLICY'
version: 1
devices: [10.64.0.0/15]
fleets:
  - name: trackers
    members: [{prefix: 10.64.0.0/15}]
    destinations:
      allow: [{name: server, prefix: 198.51.100.9/32}]
      otherwise: alert
POLICY
printf 'ip,imei\n10.64.1.1,860999990000012\n' >"$work/inventory.csv"
APNWATCH_DATA=$source/contrib
export APNWATCH_DATA

read_it()
{
        out=$1
        shift
        ./apnwatch read -q --policy "$work/policy.yaml" -o "jsonl:$out" "$@" "$work/self.pcap" || fail "read $*"
}

# address -> what the alert about it says of its make
make_of()
{
        jq -r --arg ip "$1" 'select(.type == "destination.unlisted" and .device.ip == $ip) |
                [.device.vendor, .device.model, .device.vendor_source, .device.vendor_protocol, .device.imei] | map(. // "-") | join("|")' "$work/alerts"
}

expect_make()
{
        found=$(make_of "$1")
        [ "$found" = "$2" ] || fail "$1 is $found, expected $2"
}

read_it "$work/alerts" -o "events:$work/events"
count=0
while IFS='|' read -r ip family imei; do
        [ -n "$imei" ] || continue # 86053604 is a BG96 in contrib/intel/tac.yaml
        expect_make "$ip" "Quectel|BG96|device|$family|-"
        count=$((count + 1))
done <"$work/logins"
[ "$count" -ge 30 ] || fail "$count logins with an IMEI"
expect_make 10.64.1.1 'Quectel|BG95-M3|device|LwM2M|-'
expect_make 10.64.1.2 '-|-|-|-|-'

read_it "$work/worker" -j 1
cmp -s "$work/alerts" "$work/worker" || fail "-j 1 gives other alerts"
./apnwatch judge -q --policy "$work/policy.yaml" -o "jsonl:$work/judged" "events:$work/events" || fail judge
cmp -s "$work/alerts" "$work/judged" || fail "judging the log gives other alerts"

./apnwatch intel learn-tac -q --inventory "$work/inventory.csv" "$work/self.pcap" >"$work/learned.yaml" || fail learn-tac
grep -q "  - {tac: \"86099999\", vendor: 'Quectel', model: 'BG95-M3', source: 'learned: LwM2M of 1 device'}" "$work/learned.yaml" ||
        fail "learn-tac does not propose what LwM2M told"

printf 'a key of some length\n' >"$work/key"
chmod 600 "$work/key"
printf 'privacy: {key_file: %s}\n' "$work/key" >"$work/privacy.yaml"
read_it "$work/covered" -c "$work/privacy.yaml" -o "events:$work/covered.events"
for kept in "$work/covered" "$work/covered.events"; do
        if grep -a -q -e 860536041234560 -e 4209951296 -e 13912345678 "$kept"; then
                fail "$(basename "$kept") holds an identity in clear"
        fi
done
grep -a -q '86053604:hmac:' "$work/covered.events" || fail "no pseudonyms in the events"
echo "self report: $count logins"
exit $failed
