#!/bin/sh
# The unit as systemd reads it, and how exposed a service with it is: systemd-analyze needs no running systemd for either.
top=${srcdir:-.}
folder=$(mktemp -d) || exit 99
trap 'rm -r "$folder"' EXIT
unit=$folder/apnwatch.service
failed=0

fail() {
        echo "FAIL: $*"
        failed=1
}

# The paths of this machine stand for those of an installation.
make_unit() { # program
        sed -e "s|^ExecStart=@bindir@/apnwatch|ExecStart=$1|" -e 's|@sysconfdir@|/etc|g' "$top/contrib/systemd/apnwatch.service.in" >"$unit"
}

verify() {
        systemd-analyze verify --man=no --recursive-errors=no "$unit" >"$folder/said" 2>&1 && ! [ -s "$folder/said" ]
}

# Unknown keys are warnings only: so nothing may be said at all, and the check must be able to say something.
make_unit /bin/true
verify || { cat "$folder/said"; fail "systemd-analyze verify"; }
sed -i 's/^ProtectClock=/ProtectClocks=/' "$unit"
verify && fail "verify lets an unknown key pass"
grep -q '@' "$top/contrib/systemd/apnwatch.service.in" || fail "no paths to be filled in"

make_unit /bin/true
systemd-analyze security --offline=true --no-pager --threshold=25 "$unit" >"$folder/said" 2>&1 || { tail -3 "$folder/said"; fail "systemd-analyze security above 2.5"; }
tail -1 "$folder/said"
sed -i -e '/^Protect/d' -e '/^CapabilityBoundingSet/d' -e '/^SystemCallFilter/d' "$unit"
systemd-analyze security --offline=true --no-pager --threshold=25 "$unit" >/dev/null 2>&1 && fail "security lets an open unit pass"

# A group that is taken away would take along the call that privileges are given up with.
sed -n 's/^SystemCallFilter=//p' "$top/contrib/systemd/apnwatch.service.in" | tail -1 | grep -qx capset || fail "capset is not the last word"

mkdir "$folder/etc"
systemd-sysusers --root="$folder" - <"$top/contrib/systemd/apnwatch.conf" >"$folder/said" 2>&1 || { cat "$folder/said"; fail "systemd-sysusers"; }
grep -q '^apnwatch:' "$folder/etc/passwd" || fail "no user apnwatch"
exit "$failed"
