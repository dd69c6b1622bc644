#!/bin/sh
# What sense reads of GTP-C against Wireshark's answers (oracle.jsonl) over the public captures beside the checkout: at least 99% of
# the values of IMSI, IMEI, MSISDN, APN, UE address, RAT and cell, and no other value than Wireshark's.
set -u
source=$(cd "${srcdir:-.}" && pwd)
captures=$source/../shared/captures/control-plane
work=$(mktemp -d "${TMPDIR:-/tmp}/apnwatch-signalling.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
APNWATCH_DATA=$source/contrib
export APNWATCH_DATA
failed=0

sed -n 's/.*"file": "\([^"]*\)", "kind": "gtpv[12][^"]*".*/\1/p' "$captures/oracle.jsonl" | sort -u >"$work/files"
while read -r file; do
        ./apnwatch read -q -o "jsonl:$work/alerts" -o "events:$work/events" "$captures/$file" 2>"$work/errors"
        [ $? -le 1 ] || { echo "$file: not read"; cat "$work/errors"; failed=1; }
        ./tests/shared/signalling_oracle "$work/events" "$captures/oracle.jsonl" "$file" >>"$work/all" || { echo "$file: not compared"; failed=1; }
        rm -f "$work/events" "$work/alerts"
done <"$work/files"
grep , "$work/all"
awk '!/,/ { right += $1; total += $2; wrong += $3 }
     END { printf "signalling: %d of %d values as Wireshark has them, %d other\n", right, total, wrong
           exit !(total > 300 && right >= 0.99 * total && wrong == 0) }' "$work/all" || failed=1
exit $failed
