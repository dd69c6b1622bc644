#!/bin/sh
# A capture in, alerts out: runs ./apnwatch over each line of cases.list. The list says how a line is written.
# APNWATCH_REGENERATE=1 writes expected/ anew instead of comparing; arguments name the cases to run. Works in a folder of its own
# that is kept when a case fails.
set -u

source=$(cd "${srcdir:-.}" && pwd)
here=$source/tests/end-to-end
apnwatch=$(pwd)/apnwatch
mkfleet=$(pwd)/tests/traffic/mkfleet
sort_json=$(pwd)/tests/end-to-end/sort_json
list=${APNWATCH_CASES:-$here/cases.list}
work=$(mktemp -d "${TMPDIR:-/tmp}/apnwatch-end-to-end.XXXXXX") || exit 1
failed=0
run=0

fail()
{
        echo "FAIL $name: $1"
        case_failed=1
}

trim()
{
        printf '%s' "$1" | sed 's/^[[:space:]]*//; s/[[:space:]]*$//'
}

# Makes or finds the capture; sets $capture.
find_capture()
{
        case $1 in
        "mkfleet "*)
                capture=$folder/$name.pcap
                # shellcheck disable=SC2086 # words of the list
                "$mkfleet" ${1#mkfleet } --capture "$capture" --labels "$folder/labels.jsonl" --policy "$folder/policy.yaml" \
                        --inventory "$folder/inventory.csv" >"$folder/mkfleet.out" 2>&1 || fail "mkfleet: $(cat "$folder/mkfleet.out")"
                ;;
        "cut "*)
                # shellcheck disable=SC2086
                set -- $1
                capture=$folder/cut.pcap
                head -c "$2" "$source/$3" >"$capture" || fail "no $3"
                ;;
        *) capture=$source/$1 ;;
        esac
}

fill_in()
{
        printf '%s' "$1" | sed "s|{policy}|$folder/policy.yaml|g; s|{inventory}|$folder/inventory.csv|g; s|{sample}|$source/contrib/sample|g; s|{here}|$here|g; s|{work}|$folder|g"
}

# apnwatch with the case's options; $1 is where alerts go, the rest stands before the capture.
analyse()
{
        alerts=$1
        shift
        # shellcheck disable=SC2086
        timeout 300 "$apnwatch" read -o "jsonl:$alerts" "$@" $options $capture >"$folder/stdout" 2>"$folder/stderr" </dev/null
}

check_alerts()
{
        expected=$here/expected/$name.json
        "$sort_json" <"$folder/alerts.jsonl" >"$folder/sorted.json" || fail "no JSON lines"
        if [ "${APNWATCH_REGENERATE:-0}" = 1 ]; then
                mkdir -p "$here/expected" && cp "$folder/sorted.json" "$expected" && echo "wrote $expected"
        elif ! diff -u "$expected" "$folder/sorted.json" >"$folder/diff"; then
                fail "alerts differ (- expected, + found)"
                head -n 40 "$folder/diff"
        fi
}

# -j 0 and -j 1 give the same bytes, alerts and events.
check_workers()
{
        analyse "$folder/logged.jsonl" -j 0 -o "events:$folder/run.events"
        cmp -s "$folder/alerts.jsonl" "$folder/logged.jsonl" || fail "alerts differ when an event log is written too"
        analyse "$folder/worker.jsonl" -j 1 -o "events:$folder/worker.events"
        cmp -s "$folder/alerts.jsonl" "$folder/worker.jsonl" || fail "-j 1 gives other alerts than -j 0"
        cmp -s "$folder/run.events" "$folder/worker.events" || fail "-j 1 gives other events than -j 0"
}

# Judging the log of the run gives the bytes of the run.
check_judged()
{
        # shellcheck disable=SC2086
        timeout 300 "$apnwatch" judge -o "jsonl:$folder/judged.jsonl" $options "events:$folder/run.events" >"$folder/stdout" 2>"$folder/stderr" </dev/null
        cmp -s "$folder/alerts.jsonl" "$folder/judged.jsonl" || fail "judging the log gives other alerts than the run"
}

check()
{
        case $1 in
        alerts) check_alerts ;;
        workers) check_workers ;;
        agree)
                check_workers
                check_judged
                ;;
        status=*) [ "$status" = "${1#status=}" ] || fail "exit status $status, expected ${1#status=}: $(head -c 500 "$folder/stderr")" ;;
        says=*)
                wanted=$(printf '%s' "${1#says=}" | tr _ ' ')
                grep -q -- "$wanted" "$folder/stderr.first" || fail "standard error does not say: $wanted"
                ;;
        *) fail "no such check: $1" ;;
        esac
}

run_case()
{
        case_failed=0
        folder=$work/$name
        mkdir "$folder" || exit 1
        find_capture "$1"
        options="--intel $source/contrib/intel $(fill_in "$2")" # not what happens to be installed
        [ "$case_failed" = 0 ] && analyse "$folder/alerts.jsonl" -j 0
        status=$?
        if [ "$case_failed" = 0 ]; then
                cp "$folder/stderr" "$folder/stderr.first"
                case $3 in
                *status=*) ;;
                *) check status=0 ;;
                esac
                for one in $3; do
                        check "$one"
                done
        fi
        run=$((run + 1))
        if [ "$case_failed" = 0 ]; then
                echo "ok   $name"
                rm -rf "$folder"
        else
                failed=$((failed + 1))
        fi
}

wanted_cases=" $* "
while IFS='|' read -r name capture_words option_words checks; do
        name=$(trim "$name")
        case $name in
        '' | '#'*) continue ;;
        esac
        case $wanted_cases in
        "  " | *" $name "*) run_case "$(trim "$capture_words")" "$(trim "$option_words")" "$(trim "$checks")" ;;
        esac
done <"$list"

if [ "$run" = 0 ]; then
        echo "no case was run"
        failed=1
fi
echo "$run cases, $failed failed"
if [ "$failed" != 0 ]; then
        echo "what failed is kept in $work"
        exit 1
fi
rm -rf "$work"
