#!/bin/sh
# What judge says of who is behind sessions and tunnels, over the public captures beside the checkout: the two with abuse give the
# alerts that were put into them, every other one with signalling or tunnels none of these types.
set -u
source=$(cd "${srcdir:-.}" && pwd)
captures=$source/../shared/captures/control-plane
work=$(mktemp -d "${TMPDIR:-/tmp}/apnwatch-identity.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
APNWATCH_DATA=$source/contrib
export APNWATCH_DATA
failed=0

types_of()
{
        ./apnwatch read -q -o "jsonl:$work/alerts" "$1" 2>"$work/errors"
        [ $? -le 1 ] || { echo "$1: not read"; cat "$work/errors"; failed=1; }
        jq -r 'select(.type | test("^(identity|gtp)\\.")) | "\(.type) \(.severity) \(.device.ip // .peer.ip) \(.count)"' "$work/alerts" | sort | paste -sd,
}

expect()
{
        found=$(types_of "$captures/$1")
        [ "$found" = "$2" ] || { echo "$1: $found, expected $2"; failed=1; }
}

expect syn_abuse_imsi_imei_change_clone.pcap 'identity.imei_change high 10.45.1.2 1'
expect syn_abuse_inner_spoof_gtp_in_gtp.pcap \
        'gtp.nested high 10.45.0.7 1,gtp.signalling high 10.45.0.7 1,gtp.signalling high 10.45.0.7 1,gtp.spoofed_source high 10.45.0.7 1,gtp.unknown_teid high 10.66.0.200 32'
# Telephones that register by SIP in clear, with IMSI, IMEI and number.
expect open5gs_ipsec_reg.pcapng \
        'identity.disclosed medium 192.168.101.5 1,identity.disclosed medium 192.168.101.5 1,identity.disclosed medium 192.168.101.5 1'
expect open5gs_nonipsec_reg.pcapng 'identity.disclosed medium 192.168.101.2 1,identity.disclosed medium 192.168.101.2 1'
{
        sed -n 's/.*"file": "\([^"]*\)".*/\1/p' "$captures/oracle.jsonl"
        (cd "$captures" && ls -- *gtp* *pfcp* *radius* *iameter* *gre* *sctp* *open5gs*)
} | sort -u | grep -v -e '^syn_abuse_' -e '^open5gs_.*ipsec_reg' >"$work/files"
count=0
while read -r capture; do
        expect "$capture" ''
        count=$((count + 1))
done <"$work/files"
echo "identity: $count captures without abuse"
[ "$count" -ge 40 ] || failed=1
exit $failed
