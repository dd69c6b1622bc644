#!/bin/sh
# Do apnwatch and ndpiReader call a flow's master protocol the same? Over all captures of a folder, for the flows that ndpiReader
# detected by inspection (its confidence is DPI, not a cache and no guess).
#
#     labels.sh BUILD FOLDER [SHARE]
#
# Prints each flow that differs and the share that agrees; fails below SHARE percent (99.5). ndpiReader keeps a flow to the end
# of its capture where apnwatch times it out and begins another: one of their labels is enough, and where none fits the flow is
# told as split and not compared, since neither part has all the packets. So are flows that apnwatch does not have under the same
# addresses (it looks into tunnels and puts fragments together).
set -eu
build=$1
captures=$2
share=${3:-99.5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# key, label: "TCP 10.0.0.1:80 10.0.0.2:4000<TAB>HTTP", ends sorted, port 0 but for TCP and UDP
their_flows() {
        ndpiReader -i "$1" -v 2 2> /dev/null | awk '
                $4 ~ /^<?->$/ && /\[Confidence: DPI\]/ {
                        a = $3; b = $5
                        match($0, /\[proto: [^]]*\]/)
                        name = substr($0, RSTART + 8, RLENGTH - 9) # "91/TLS" or "91.126/TLS.Google"
                        if (name ~ /^[0-9]+\.[0-9]+\//) sub(/\.[^.]*$/, "", name)
                        sub(/^[^\/]*\//, "", name)
                        print $2 " " (a < b ? a " " b : b " " a) "\t" name
                }'
}

our_flows() {
        "$build/apnwatch" read -q -o "events:$work/events" "$1" > /dev/null 2> "$work/log" || true
        "$build/tests/bench/flow_labels" "$work/events" | awk -F '\t' '
                BEGIN { names["1"] = "ICMP"; names["2"] = "IGMP"; names["6"] = "TCP"; names["17"] = "UDP"; names["58"] = "ICMPV6"; names["112"] = "VRRP" }
                function end(address, port) { return (address ~ /:/ ? "[" address "]" : address) ":" ($1 == 6 || $1 == 17 ? port : 0) }
                {
                        a = end($2, $3); b = end($4, $5)
                        print ($1 in names ? names[$1] : $1) " " (a < b ? a " " b : b " " a) "\t" $6
                }'
}

: > "$work/compared"
find "$captures" -type f \( -name '*.pcap' -o -name '*.pcapng' -o -name '*.cap' \) | sort > "$work/files"
while read -r file; do
        their_flows "$file" > "$work/theirs"
        [ -s "$work/theirs" ] || continue
        our_flows "$file" > "$work/ours"
        awk -F '\t' -v file="$(basename "$file")" '
                NR == FNR { seen[$1]++; labels[$1, $2] = 1; if ($2 != "-" || !($1 in first)) first[$1] = $2; next }
                function verdict() {
                        if (!($1 in seen)) return "absent"
                        if (($1, $2) in labels) return "agrees"
                        return seen[$1] > 1 ? "split" : "differs"
                }
                { print verdict() "\t" file "\t" $1 "\t" $2 "\t" first[$1] }
        ' "$work/ours" "$work/theirs" >> "$work/compared"
done < "$work/files"

awk -F '\t' -v share="$share" '
        { count[$1]++ }
        $1 == "differs" || $1 == "split" { printf "%s: %s: %s: ndpiReader %s, apnwatch %s\n", $2, $1, $3, $4, $5 }
        $1 == "absent" { missing[$2]++ }
        END {
                for (file in missing) printf "%s: %d flows under other addresses\n", file, missing[file]
                total = count["agrees"] + count["differs"]
                percent = total > 0 ? 100 * count["agrees"] / total : 0
                verdict = (percent >= share) ? "PASS" : "FAIL"
                printf "labels: %d of %d flows agree, %.2f%%; %d not compared: %s (at least %s%%)\n", count["agrees"], total, percent,
                        count["absent"] + count["split"], verdict, share
                exit verdict == "FAIL"
        }' "$work/compared"
