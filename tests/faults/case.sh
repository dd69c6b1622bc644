# Sourced by every case: a redis-server, producers and what they said. Everything lives in $work and ends with the case.
# From the top of the build directory, where tests/faults/producer, audit and proxy are.
set -eu
tools=$PWD/tests/faults
[ -x "$tools/producer" ] || { echo "run from the top of a build directory, after make check"; exit 99; }
for tool in redis-server redis-cli; do
        command -v $tool >/dev/null || { echo "$tool is needed (see TEST_PACKAGES in contrib/packages.sh)"; exit 99; }
done
work=$(mktemp -d)
processes= # of ours, to be ended
port=
server=
log=$work/log
outbox=$work/outbox.db
trouble='output rediss?:.*; [0-9]+ alerts wait' # what the log says of a connection that is lost
well='output rediss?:.*: connected again'
: >"$log"

end_all() {
        status=$?
        trap - EXIT
        for process in $processes; do
                kill -CONT "$process" 2>/dev/null || :
                kill -9 "$process" 2>/dev/null || :
        done
        if [ "$status" != 0 ]; then
                echo "--- log"
                tail -n 60 "$log"
                for extra in "$work"/*.out; do
                        [ -f "$extra" ] && { echo "--- $extra"; tail -n 20 "$extra"; }
                done
        fi
        ! [ -d "$work/disk" ] || umount "$work/disk" || :
        rm -rf "$work"
        exit "$status"
}
trap end_all EXIT
trap 'exit 1' HUP INT TERM

fail() {
        echo "FAILED: $*"
        exit 1
}

# Below the ports that the kernel gives to clients; the server itself finds out whether it is free.
pick_port() {
        od -An -N2 -tu2 /dev/urandom | awk '{print 10000 + $1 % 20000}'
}

redis() { # command...
        redis-cli -p "$port" "$@"
}

answers() { # port
        [ "$(redis-cli -p "$1" PING 2>/dev/null)" = PONG ] || redis-cli -p "$1" PING 2>&1 | grep -q NOAUTH
}

# A server of its own folder under $work; sets $started. usage: launch NAME PORT OPTION...
launch() {
        name=$1 on=$2
        shift 2
        mkdir -p "$work/$name"
        redis-server --port "$on" --bind 127.0.0.1 --dir "$work/$name" --save '' --daemonize no "$@" >>"$work/$name.out" 2>&1 &
        started=$!
        processes="$processes $started"
        tries=0
        while kill -0 "$started" 2>/dev/null; do
                answers "$on" && return 0
                tries=$((tries + 1))
                [ "$tries" -lt 200 ] || break
                sleep 0.05
        done
        return 1
}

start_server() { # OPTION...: the same port and data again when it was there before
        if [ -n "$port" ]; then
                launch server "$port" "$@" || fail "the server does not start again"
        else
                attempts=0
                port=$(pick_port)
                until launch server "$port" "$@"; do
                        attempts=$((attempts + 1))
                        [ "$attempts" -lt 10 ] || fail "no server on any port"
                        port=$(pick_port)
                done
        fi
        server=$started
        url=redis://127.0.0.1:$port
}

kill_server() {
        kill -9 "$server"
        wait "$server" 2>/dev/null || :
}

# Runs to its end in the foreground: 0 when nothing waits any more.
produce() { # OPTION...
        "$tools/producer" --outbox "$outbox" --commit-log "$work/committed" --redis "$url" "$@" >"$work/account" 2>>"$log"
}

start_producer() { # OPTION...
        "$tools/producer" --outbox "$outbox" --commit-log "$work/committed" --redis "$url" "$@" >"$work/account" 2>>"$log" &
        producer=$!
        processes="$processes $producer"
}

finish_producer() {
        wait "$producer" || fail "the producer could not deliver everything: $(cat "$work/account")"
}

audit() { # OPTION...
        cat "$work/account"
        "$tools/audit" --port "$port" --account "$work/account" --outbox "$outbox" --commit-log "$work/committed" "$@" ||
                fail "the account does not hold"
}

of_account() { # name
        sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$work/account"
}

# The log says it so often.
told() { # least, most, pattern
        found=$(grep -cE -- "$3" "$log" || :)
        if [ "$found" -lt "$1" ] || [ "$found" -gt "$2" ]; then
                fail "the log says $found times, not $1 to $2: $3"
        fi
}

entries() {
        redis XLEN 'apnwatch:{fault}:alerts'
}

wait_for_entries() { # at least so many
        tries=0
        until [ "$(entries 2>/dev/null || echo 0)" -ge "$1" ]; do
                tries=$((tries + 1))
                [ "$tries" -lt 400 ] || fail "there are $(entries) entries, not $1"
                sleep 0.05
        done
}

# Between producers and the server, for the producers that start from now on. usage: start_proxy dribble | cut N
start_proxy() {
        rm -f "$work/proxy.port"
        "$tools/proxy" "$port" "$@" >"$work/proxy.port" &
        processes="$processes $!"
        tries=0
        until [ -s "$work/proxy.port" ]; do
                tries=$((tries + 1))
                [ "$tries" -lt 200 ] || fail "no proxy"
                sleep 0.05
        done
        url=redis://127.0.0.1:$(cat "$work/proxy.port")
}

# An empty server (on the same port) and an empty outbox.
start_over() {
        rm -rf "$work/server" "$work/committed" "$outbox" "$outbox"-*
        : >"$log"
}
