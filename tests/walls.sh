#!/bin/sh
# The walls of the house (who may include whom) as a check: an include that goes through one fails, with its place.
# usage: walls.sh [SOURCE-FOLDER]
top=${1:-${srcdir:-.}}
cd "$top" || exit 99
failed=0

wall() { # folder, forbidden rooms
        found=$(grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]+\"($2)/" "$1" --include='*.c' --include='*.h')
        [ -z "$found" ] && return
        echo "$1 must not know $2:"
        echo "$found"
        failed=1
}

wall src/base 'model|sense|judge|deliver|cmd|probes|dissectors'
wall src/model 'sense|judge|deliver|cmd|probes|dissectors'
wall probes 'model|sense|judge|deliver|cmd|dissectors'
wall dissectors 'sense|judge|deliver|cmd|probes'
wall src/sense 'judge|deliver|cmd|probes'
wall src/judge 'sense|deliver|cmd|probes|dissectors'
wall src/deliver 'sense|judge|cmd|probes|dissectors'

ndpi=$(grep -rlE '#[[:space:]]*include[[:space:]]*<ndpi' src probes dissectors | grep -v '^src/sense/classifier.c$')
if [ -n "$ndpi" ]; then
        echo "only src/sense/classifier.c includes nDPI, not: $ndpi"
        failed=1
fi

pieces=$(grep -rnE '(^|[^a-z_])(exit|abort)\(' src probes dissectors --include='*.c' | grep -vE 'src/cmd/(main|settings)\.c|_exit\(' )
if [ -n "$pieces" ]; then
        echo "nothing but main ends the program:"
        echo "$pieces"
        failed=1
fi

# The check itself must be able to fail.
probe=$(mktemp -d) || exit 99
mkdir "$probe/src"
printf '#include "judge/judge.h"\n' >"$probe/src/x.c"
grep -qE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"(judge)/' "$probe/src/x.c" || { echo "the check is blind"; failed=1; }
rm -r "$probe"
[ "$failed" = 0 ] && echo "walls: all stand"
exit "$failed"
