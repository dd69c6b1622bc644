#!/bin/sh
# A certificate of another authority, one for another name, none of our own: nothing is delivered and each is told. Then all is right.
. "${srcdir:-.}/tests/faults/case.sh"
authority() { # name
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -keyout "$work/$1.key" \
                -out "$work/$1.pem" 2>/dev/null
}
certificate() { # name, subject alternative name, authority
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$1.key" -subj "/CN=$1" -out "$work/$1.csr" \
                2>/dev/null
        printf 'subjectAltName=%s\n' "$2" >"$work/$1.ext"
        openssl x509 -req -days 2 -in "$work/$1.csr" -CA "$work/$3.pem" -CAkey "$work/$3.key" -CAcreateserial -out "$work/$1.pem" \
                -extfile "$work/$1.ext" 2>/dev/null
}
authority ours
authority theirs
certificate server IP:127.0.0.1 ours
certificate other DNS:redis.example ours
certificate sensor DNS:sensor.example ours
tls_port=$(pick_port)
secure() { # certificate
        start_server --tls-port "$tls_port" --tls-cert-file "$work/$1.pem" --tls-key-file "$work/$1.key" \
                --tls-ca-cert-file "$work/ours.pem" --tls-auth-clients yes
        url=rediss://127.0.0.1:$tls_port
}
refused() { # pattern, OPTION...
        pattern=$1
        shift
        : >"$log"
        produce --patience 1 "$@" && fail "alerts arrived: $pattern"
        audit
        [ "$(of_account delivered)" = 0 ] || fail "delivered: $pattern"
        told 1 1 "$pattern"
        told 1 1 "$trouble"
}
secure server
own="--cert $work/sensor.pem --key $work/sensor.key"
refused "certificate verify failed|unable to get" --count 1000 --ca "$work/theirs.pem" $own
refused "certificate required" --count 1000 --ca "$work/ours.pem"
kill_server
secure other
refused "mismatch" --count 1000 --ca "$work/ours.pem" $own
kill_server
secure server
produce --count 3000 --ca "$work/ours.pem" $own || fail "TLS does not work"
audit
[ "$(entries)" = 3000 ] || fail "$(entries) entries"
