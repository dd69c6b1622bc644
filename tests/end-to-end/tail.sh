#!/bin/bash
# apnwatch tail as a program: what it prints, how it ends, where it goes on. What happens to servers is in redis_tail_test.
set -u
# A signal at the very end may come while LeakSanitizer stops the process, which then stands for ever: leaks are the unit tests'.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"

apnwatch=$(pwd)/apnwatch
work=$(mktemp -d "${TMPDIR:-/tmp}/apnwatch-tail.XXXXXX") || exit 1
server='' failed=0
trap '[ -z "$server" ] || { kill "$server"; wait "$server"; }; rm -rf "$work"' EXIT
cd "$work" || exit 1

check() # what it is, what it should be, what it was
{
        [ "$2" = "$3" ] && return
        echo "FAIL $1: expected \"$2\", got \"$3\""
        failed=1
}

fails() # exit status, words of the message, arguments
{
        status=$1 told=$2
        shift 2
        timeout 20 "$apnwatch" tail "$@" >out 2>err
        check "tail $*" "$status" $?
        grep -q -- "$told" err || check "tail $*: message" "$told" "$(cat err)"
        check "tail $*: standard output" "" "$(cat out)"
}

start_server()
{
        for port in $(shuf -i 20000-30000 -n 20); do
                redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$work" --logfile "$work/log" &
                server=$!
                for _ in $(seq 100); do
                        redis-cli -p "$port" ping >/dev/null 2>&1 && kill -0 "$server" 2>/dev/null && return
                        kill -0 "$server" 2>/dev/null || break
                        sleep 0.05
                done
                kill "$server" 2>/dev/null
        done
        echo "FAIL no redis-server"
        exit 1
}

# Gap records are entries that a shell can write.
add() # from, to
{
        seq "$1" "$2" | sed 's/.*/XADD apnwatch:{edge-1}:alerts 1-& gap_from 1-1 gap_to 1-2 count &/' | redis-cli -p "$port" >/dev/null
}

start_server
url=redis://127.0.0.1:$port

fails 2 'no source is named'
fails 2 'not built yet' case:x.case
fails 2 'no address of a Redis' http://127.0.0.1
fails 2 'password_file' redis://user:hunter2@127.0.0.1
fails 2 'keeps the position of a group' --group g --position p "$url"
fails 2 'is for --group' --consumer c "$url"
fails 2 'No such file' --password-file "$work/none" "$url"
fails 2 'needs a password_file' --username u "$url"
fails 2 'none/position' --position "$work/none/position" "$url"
fails 1 'refused' --no-follow redis://127.0.0.1:1
fails 0 '' --no-follow "$url"

add 1 3000
first='{"sensor":"edge-1","gap_from":"1-1","gap_to":"1-2","count":1}'
check 'all lines' 3000 "$("$apnwatch" tail --no-follow "$url" | wc -l)"
check 'a reader that leaves' "$first" "$(timeout 20 "$apnwatch" tail "$url" | head -1)"
printf 'redis: {username: default, password_file: %s}\n' "$work/password" >config.yaml
echo secret >password
redis-cli -p "$port" config set requirepass secret >/dev/null
check 'credentials of the configuration' "$first" "$("$apnwatch" tail --no-follow -c config.yaml "$url" | head -1)"
redis-cli -p "$port" -a secret --no-auth-warning config set requirepass '' >/dev/null

# A reader that stands still: a signal ends the waiting, with the line that is under way, and a later run has the rest.
mkfifo slow
"$apnwatch" tail --position position "$url" >slow 2>err &
tail=$!
exec 5<slow
sleep 1
kill -TERM $tail
cat <&5 >first-part &
wait $tail
check 'a slow reader: status' 0 $?
exec 5<&-
wait $!
"$apnwatch" tail --no-follow --position position "$url" >second-part
parts="$(wc -l <first-part) $(wc -l <second-part)"
[ "${parts% *}" -gt 0 ] && [ "${parts#* }" -gt 0 ] || check 'a slow reader: two parts' 'lines in both' "$parts"
"$apnwatch" tail --no-follow "$url" | cmp - <(cat first-part second-part) || check 'a slow reader: parts' same different

# Waiting for nothing, it notices signals and a reader that has gone.
for signal in INT TERM; do
        "$apnwatch" tail --new "$url" >out 2>err &
        tail=$!
        sleep 0.5
        kill -$signal $tail
        wait $tail
        check "SIG$signal" 0 $?
        check "SIG$signal: messages" '' "$(cat err)"
done
mkfifo pipe
timeout 20 "$apnwatch" tail --new "$url" >pipe 2>err &
tail=$!
: <pipe
wait $tail
check 'a reader that has gone' 0 $?
timeout 20 "$apnwatch" tail --no-follow "$url" >/dev/full 2>err
check 'a full disk' 1 $?

# Trimmed under the reader.
redis-cli -p "$port" xtrim 'apnwatch:{edge-1}:alerts' maxlen 2000 >/dev/null
printf 'apnwatch:{edge-1}:alerts 1-500 500\n' >position
check 'trimmed' 2000 "$("$apnwatch" tail --no-follow --position position "$url" 2>err | wc -l)"
grep -q '500 entries went before they were read' err || check 'trimmed: message' '500 entries' "$(cat err)"

# A group: killed at any time, each line comes at least once; ended by a signal, exactly once.
for _ in 1 2 3 4 5; do
        timeout --signal TERM 0.4 "$apnwatch" tail --group siem --consumer a "$url" | head -n 100000 >>group 2>/dev/null
done
add 3001 3100
"$apnwatch" tail --no-follow --group siem --consumer a "$url" >>group
check 'a group' "2100 2100" "$(wc -l <group) $(sort -u group | wc -l)"
check 'a group: nothing is pending' 0 "$(redis-cli -p "$port" xpending 'apnwatch:{edge-1}:alerts' siem | head -1)"

[ $failed = 0 ] && echo "tail: all as it should be"
exit $failed
