#!/bin/sh
# clang-tidy with a short chosen list over our sources. usage: tidy.sh BUILD-FOLDER
set -u
build=$(cd "${1:-build}" && pwd) || exit 1
cd "$(dirname "$0")/.." || exit 1
checks='-*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,-bugprone-narrowing-conversions,-bugprone-implicit-widening-of-multiplication-result,-bugprone-branch-clone,-bugprone-macro-parentheses,-bugprone-assignment-in-if-condition,-bugprone-suspicious-include,-bugprone-sizeof-expression,-bugprone-not-null-terminated-result,-bugprone-signed-char-misuse,clang-analyzer-core.*,clang-analyzer-unix.*,clang-analyzer-security.insecureAPI.gets,misc-redundant-expression'
find src probes dissectors -name '*.c' | sort | xargs -P "$(nproc)" -n 8 sh -c '
        build=$0; checks=$1; shift
        exec clang-tidy --quiet --checks="$checks" --warnings-as-errors="*" "$@" -- -std=gnu11 -D_GNU_SOURCE -I"$build" -Isrc -I"$build/src" -I. \
                $(pkg-config --cflags libndpi libpcap jansson libprotobuf-c yaml-0.1 libcrypto | sed "s/-I/-isystem /g")' "$build" "$checks"
