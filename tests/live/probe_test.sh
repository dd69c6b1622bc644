#!/bin/sh
# The live probe on veth pairs in a network namespace of its own, which goes when this ends. Needs root.
set -eu
if [ "${1:-}" != inside ]; then
        [ "$(id -u)" = 0 ] || { echo "probe_test: needs root, for namespaces and packet sockets: run make check as root"; exit 1; }
        unshare --net true || { echo "probe_test: no network namespaces here: they are needed"; exit 1; }
        exec unshare --net sh "$0" inside
fi
here=$PWD/tests/live
work=$(mktemp -d)
reader=
clear() {
        if [ -n "$reader" ]; then
                kill -CONT "$reader" 2>/dev/null || :
                kill "$reader" 2>/dev/null || :
        fi
        rm -rf "$work"
}
trap clear EXIT
failed=0

# Only what the sender makes counts: an interface that comes up may say things of its own.
start() { # arguments of the reader
        : >"$work/out" # what the one before said is not taken for this one's
        "$here/reader" --filter "udp port 5683 or (vlan and udp port 5683)" "$@" >"$work/out" 2>"$work/err" &
        reader=$!
        await ready
}
await() { # a line of the reader
        tries=0
        until grep -qx "$1" "$work/out"; do
                tries=$((tries + 1))
                [ "$tries" -lt 100 ] || { echo "$title: the reader never said '$1':"; cat "$work/out" "$work/err"; exit 1; }
                sleep 0.05
        done
}
finish() {
        wait "$reader" || { echo "$title: the reader ended with $?"; failed=1; }
        reader=
}
send() {
        "$here/sender" "$@" >"$work/sent"
}
field() { # file, beginning of the line, name of the value: the word behind it
        awk -v begin="$2" -v name="$3" '$1 == begin { for (i = 2; i < NF; i++) if ($i == name) print $(i + 1) }' "$1"
}
equal() { # what, is, should be
        [ "$2" = "$3" ] && return
        echo "$title: $1 is '$2' instead of '$3'"
        cat "$work/out" "$work/err"
        failed=1
}
in_order() {
        for what in disorder numbers pairs now; do
                equal "$what" "$(field "$work/out" frames $what)" 0
        done
}
make_pair() { # name: NAME0, where is sent, and NAME1, where is read
        ip link add "$1"0 type veth peer name "$1"1
        ip link set "$1"0 addrgenmode none up
        ip link set "$1"1 addrgenmode none up
}
make_pair a
make_pair b

title="100 000 packets a second, read by a child without privilege"
start -i a1 --child --until 100000 --idle 3000
send --interface a0 --rate 100000 --count 100000
finish
equal received "$(field "$work/out" a1 received)" 100000
equal bytes "$(field "$work/out" a1 bytes)" "$(field "$work/sent" sent bytes)"
equal drops "$(field "$work/out" a1 kernel)" 0
in_order
grep -q "a1: frames may be longer.*ethtool -K a1 .*tso off" "$work/err" || { echo "no warning about offloads"; failed=1; }

title="stopped while 300 000 come"
start -i a1 --buffer 2097152 --idle 200
kill -STOP "$reader"
send --interface a0 --count 300000
kill -CONT "$reader"
finish
received=$(field "$work/out" a1 received) dropped=$(field "$work/out" a1 kernel)
equal "received and dropped ($received + $dropped)" $((received + dropped)) 300000
[ "$dropped" -gt 100000 ] || { echo "$title: only $dropped were dropped"; failed=1; }
in_order

title="both ends of a pair and a silent interface"
start -i a0 -i a1 -i b1 --until 20000 --idle 3000
send --interface a0 --rate 20000 --count 10000
finish
equal "received at the first" "$(field "$work/out" a0 received)" 10000
equal "received at the second" "$(field "$work/out" a1 received)" 10000
equal late "$(field "$work/out" a0 late)+$(field "$work/out" a1 late)" 0+0
in_order

title="tags of VLANs"
start -i a1 --snap 200 --until 160 --idle 3000
send --interface a0 --count 160 --vlan 77
finish
equal bytes "$(field "$work/out" a1 bytes)" "$(field "$work/sent" sent bytes)"
grep -q "snap length of 200 cuts" "$work/err" || { echo "no warning about the snap length"; failed=1; }

title="long frames: a batch ends by bytes"
ip link set a0 mtu 65535
ip link set a1 mtu 65535
start -i a1 --until 500 --idle 3000
send --interface a0 --rate 20000 --count 500 --payload 60000
finish
equal received "$(field "$work/out" a1 received)" 500
equal bytes "$(field "$work/out" a1 bytes)" "$(field "$work/sent" sent bytes)"
in_order

title="loopback: a frame is one frame, also when it is dropped"
ip link set lo up
start -i lo --buffer 2097152 --idle 200
kill -STOP "$reader"
send --interface lo --count 50000
kill -CONT "$reader"
finish
received=$(field "$work/out" lo received) dropped=$(field "$work/out" lo kernel)
equal "received and dropped ($received + $dropped)" $((received + dropped)) 50000
in_order

title="down, up again, and deleted"
ip link set a1 down
start -i a1 -i b1 --until 1500
await "a1 down"
ip link set a1 up
await "a1 up"
send --interface a0 --rate 20000 --count 500
ip link set a1 down
tries=0
until [ "$(grep -cx "a1 down" "$work/out")" = 2 ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || break
        sleep 0.05
done
ip link set a1 up
tries=0
until [ "$(grep -cx "a1 up" "$work/out")" = 2 ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || break
        sleep 0.05
done
send --interface a0 --rate 20000 --count 500
ip link del a0
await "a1 gone"
send --interface b0 --count 500
finish
equal "states of a1" "$(grep -x 'a1 [a-z]*' "$work/out" | tr '\n' ' ')" "a1 down a1 up a1 down a1 up a1 down a1 gone "
equal received "$(field "$work/out" a1 received)" 1000
equal "received at the other" "$(field "$work/out" b1 received)" 500

title="all gone: no busy loop"
start -i b1
ip link del b0
await "b1 gone"
before=$(awk '{print $14 + $15}' "/proc/$reader/stat")
sleep 0.5
ticks=$(($(awk '{print $14 + $15}' "/proc/$reader/stat") - before))
kill "$reader"
finish
[ "$ticks" -le 5 ] || { echo "$title: $ticks ticks of the processor in half a second"; failed=1; }

title="what cannot be opened"
timeout 5 "$here/reader" -i nothere 2>"$work/err" && failed=1
grep -q "^nothere: no such interface; there are: .*lo" "$work/err" || { echo "$title:"; cat "$work/err"; failed=1; }
timeout 5 "$here/reader" -i lo --filter "udp prot" 2>"$work/err" && failed=1
grep -q "^filter: .*syntax error" "$work/err" || { echo "$title:"; cat "$work/err"; failed=1; }
timeout 5 "$here/reader" -i lo -i lo 2>"$work/err" && failed=1
grep -q "named twice" "$work/err" || { echo "$title:"; cat "$work/err"; failed=1; }
timeout 5 setpriv --reuid 65534 --clear-groups "$here/reader" -i lo 2>"$work/err" && failed=1
grep -q "CAP_NET_RAW is missing" "$work/err" || { echo "$title:"; cat "$work/err"; failed=1; }

[ "$failed" = 0 ] && echo "probe_test: all as it should be"
exit "$failed"
