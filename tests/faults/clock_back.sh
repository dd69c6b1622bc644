#!/bin/sh
# The clock goes back by ten years while the sensor runs, and is back there when it starts again: IDs still rise.
. "${srcdir:-.}/tests/faults/case.sh"
start_server
produce --count 3000 --rate 3000 --clock-back 315360000
audit
produce --count 4000 --clock-ago 315360000
audit
[ "$(entries)" = 4000 ] || fail "$(entries) entries"
