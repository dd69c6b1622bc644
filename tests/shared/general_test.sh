#!/bin/sh
# Over the public captures beside the checkout: master protocols agree with ndpiReader's; nothing there pulls an update or reports
# a location, so that no such alert is raised, under no policy and under one with empty sections; -j 1 says the same as -j 0.
set -u
source=$(cd "${srcdir:-.}" && pwd)
captures=$source/../shared/captures
work=$(mktemp -d "${TMPDIR:-/tmp}/apnwatch-shared.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
APNWATCH_DATA=$source/contrib
export APNWATCH_DATA
failed=0

# ASan slows nDPI down, and its own finds are not ours to fix here: labels are compared by the plain build alone.
if ! grep -q 'fsanitize' Makefile 2>/dev/null || ! grep -q '^SANITIZER_CFLAGS = -fsanitize' Makefile; then
        sh "$source/tests/bench/labels.sh" "$PWD" "$captures/general" 99.5 || failed=1
fi

cat >"$work/empty.yaml" <<'YAML'
version: 1
fleets:
  - name: everybody
    members: [{prefix: 0.0.0.0/0}, {prefix: "::/0"}]
    updates: {}
    location: {}
YAML

files=0
for file in "$captures"/general/*.pcap* "$captures"/general/*.cap; do
        files=$((files + 1))
        for policy in "" "-p $work/empty.yaml"; do
                # shellcheck disable=SC2086
                ./apnwatch read -q $policy -o "jsonl:$work/alerts.jsonl" "$file" 2>"$work/errors"
                status=$?
                if [ "$status" -gt 1 ]; then
                        echo "$file: exit $status"; cat "$work/errors"; failed=1
                fi
                if grep -E '"type":"(update|location)' "$work/alerts.jsonl"; then
                        echo "$file: a false finding"; failed=1
                fi
        done
done
[ "$files" -gt 100 ] || { echo "only $files captures were read"; failed=1; }

for folder in general control-plane; do
        for j in 0 1; do
                ./apnwatch read -q -j $j -p "$work/empty.yaml" -o "jsonl:$work/$j.jsonl" -o "events:$work/$j.events" "$captures/$folder" 2>"$work/errors"
                status=$?
                [ "$status" -le 1 ] || { echo "$folder -j $j: exit $status"; cat "$work/errors"; failed=1; }
        done
        cmp "$work/0.jsonl" "$work/1.jsonl" || failed=1
        cmp "$work/0.events" "$work/1.events" || failed=1
done
echo "$files captures looked through"
exit $failed
