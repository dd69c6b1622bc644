#!/bin/sh
# The password is wrong and then put right in its file, without a restart of the sensor. Then the ACL forbids what is not needed:
# that is told and nothing fails.
. "${srcdir:-.}/tests/faults/case.sh"
start_server
redis ACL SETUSER sensor on '>right' resetkeys '~apnwatch:*' -@all +xadd +ping +hello +auth '+xinfo|stream' +client\|setname \
        +multi +exec >/dev/null
printf 'wrong\n' >"$work/password"
start_producer --count 2000 --rate 2000 --username sensor --password-file "$work/password" --patience 60
sleep 0.6
[ "$(redis EXISTS 'apnwatch:{fault}:alerts')" = 0 ] || fail "alerts arrived with a wrong password"
told 1 1 "WRONGPASS"
printf 'right\n' >"$work/password.new"
mv "$work/password.new" "$work/password"
finish_producer
audit
told 1 1 "$trouble"
told 1 1 ":status is not written"
! grep -q right "$log" || fail "the password is in the log"

redis ACL SETUSER sensor -multi -exec >/dev/null
produce --count 3000 --username sensor --password-file "$work/password"
audit
[ "$(entries)" = 3000 ] || fail "$(entries) entries"
told 1 1 "one at a time"
redis ACL SETUSER sensor -xadd >/dev/null
produce --count 3010 --username sensor --password-file "$work/password" --patience 2 && fail "alerts arrived without the right to add"
audit
[ "$(of_account waiting)" = 10 ] || fail "not all wait"
told 1 1 "lacks a right"
