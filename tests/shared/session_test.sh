#!/bin/sh
# `apnwatch sessions` against Wireshark's answers (oracle.jsonl) over the public captures beside the checkout: averaged over protocols and
# captures at least 99% of the values of IMSI, IMEI, MSISDN, APN, UE address, RAT and cell, and no other value than Wireshark's.
set -u
source=$(cd "${srcdir:-.}" && pwd)
captures=$source/../shared/captures/control-plane
work=$(mktemp -d "${TMPDIR:-/tmp}/apnwatch-sessions.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
failed=0

sed -n 's/.*"file": "\([^"]*\)", "kind": "[a-z0-9]*".*/\1/p' "$captures/oracle.jsonl" | sort -u >"$work/files"
while read -r file; do
        ./apnwatch sessions -q --json "$captures/$file" >"$work/sessions" 2>"$work/errors"
        [ $? -le 1 ] || { echo "$file: not read"; cat "$work/errors"; failed=1; }
        ./tests/shared/session_oracle "$work/sessions" "$captures/oracle.jsonl" "$file" >>"$work/all" || { echo "$file: not compared"; failed=1; }
done <"$work/files"
grep , "$work/all"
# Each protocol in each capture counts as much as any other.
awk '!/,/ { share[$1] += $2 / $3; captures[$1]++; right += $2; total += $3; wrong += $4 }
     END { for (name in share) { printf "%s: %.2f%% in %d captures\n", name, 100 * share[name] / captures[name], captures[name]
                                 sum += share[name] / captures[name]; names++ }
           printf "sessions: %d of %d values as Wireshark has them, %d other\n", right, total, wrong
           exit !(names >= 2 && total > 150 && sum >= 0.99 * names && wrong == 0) }' "$work/all" || failed=1
exit $failed
