#!/bin/sh
# apnwatch-config(5) against the tables that read the file: every key has its entry under the right heading, and there is no other.
top=${srcdir:-.}
page=$top/doc/apnwatch-config.5
source=$top/src/model/configuration.c
failed=0

mandoc -T lint -W warning "$page" || failed=1

# SECTION key, from the tables: static const struct field tap_fields[] = { TAP("name", read_text, ...
awk '/^static const struct field [a-z]*_fields\[\]/ { table = $5; sub(/_fields.*/, "", table) }
     /^};/ { table = "" }
     table != "" && match($0, /"[a-z0-9_]+", read_/) { print table, substr($0, RSTART + 1, RLENGTH - 9) }' "$source" |
        sed -e 's/^tap /TAPS /' -e 's/^input /INPUTS /' -e 's/^output /OUTPUTS /' -e 's/^whole /TOP LEVEL /' |
        sed -e 's/^limits /LIMITS /' -e 's/^timeouts /TIMEOUTS /' -e 's/^privacy /PRIVACY /' -e 's/^outbox /OUTBOX /' \
                -e 's/^redis /REDIS /' -e 's/^metrics /METRICS /' | sort >configuration_keys.$$
# The same from the page: .Sh SECTION, .It Ic key [, Ic key]
awk '/^\.Sh / { section = substr($0, 5) }
     /^\.It Ic / { for (i = 3; i <= NF; i++) if ($i != "Ic" && $i != ",") print section, $i }' "$page" | sort >page_keys.$$

count=$(wc -l <configuration_keys.$$)
[ "$count" -ge 50 ] || { echo "only $count keys were found in $source"; failed=1; }
if ! diff configuration_keys.$$ page_keys.$$ >differences.$$; then
        echo "< only in the tables, > only in the page:"
        cat differences.$$
        failed=1
fi
rm -f configuration_keys.$$ page_keys.$$ differences.$$
echo "$count keys"
exit "$failed"
