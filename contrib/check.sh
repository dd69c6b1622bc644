#!/bin/sh
# Every test of apnwatch: installs what tests need (apt), then builds and checks with gcc, again under ASan and UBSan, builds
# with clang, looks with clang-tidy, lints the man pages and runs distcheck. Safe to run again. Ends with "N passed, N failed".
# Takes a quarter of an hour on two cores. CHECK_PARTS="gcc sanitizers" runs only those parts.
set -u
cd "$(dirname "$0")/.."
top=$PWD
. contrib/packages.sh
parts=${CHECK_PARTS:-"gcc sanitizers clang tidy man distcheck"}
jobs=$(nproc)
passed=0
failed=0
skipped=0

say "Packages for build and tests (apt)"
# shellcheck disable=SC2086
install_packages $BUILD_PACKAGES $TEST_PACKAGES || exit 1
./bootstrap >bootstrap.log 2>&1 || { tail -20 bootstrap.log; echo "0 passed, 1 failed"; exit 1; }

count() { # log of make check
        p=$(sed -n 's/^# PASS: *//p' "$1" | tail -1)
        f=$(sed -n 's/^# FAIL: *//p' "$1" | tail -1)
        e=$(sed -n 's/^# ERROR: *//p' "$1" | tail -1)
        s=$(sed -n 's/^# SKIP: *//p' "$1" | tail -1)
        if [ -z "$p" ]; then
                failed=$((failed + 1))
                return
        fi
        passed=$((passed + p)); failed=$((failed + f + e)); skipped=$((skipped + s))
}

result() { # name, status, log
        if [ "$2" = 0 ]; then
                passed=$((passed + 1)); echo "PASS: $1"
        else
                failed=$((failed + 1)); echo "FAIL: $1"; tail -30 "$3"
        fi
}

build_in() { # folder, configure arguments...
        folder=$1; shift
        rm -rf "$folder"; mkdir -p "$folder"
        (cd "$folder" && "$top/configure" --enable-werror "$@" && make -j"$jobs") >"$folder.log" 2>&1
}

check_in() { # folder
        (cd "$1" && make -j"$jobs" check) >"$1.check.log" 2>&1
        status=$?
        grep -E '^(FAIL|ERROR|SKIP|XPASS):' "$1.check.log"
        grep -E '^cases over ../shared' "$1.log" "$1.check.log" | sed 's/^[^:]*://' | sort -u
        count "$1.check.log"
        if [ "$status" != 0 ] && ! grep -q '^# FAIL: *[1-9]\|^# ERROR: *[1-9]' "$1.check.log"; then
                failed=$((failed + 1)); tail -30 "$1.check.log"
        fi
}

for part in $parts; do
        say "$part"
        case $part in
        gcc)
                build_in build-gcc; result "build with gcc -Werror" $? build-gcc.log
                check_in build-gcc ;;
        sanitizers)
                build_in build-san --enable-sanitizers CFLAGS="-O1 -g"; result "build with ASan and UBSan" $? build-san.log
                ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1 check_in build-san ;;
        clang)
                build_in build-clang CC=clang; result "build with clang -Werror" $? build-clang.log
                (cd build-clang && make -j"$jobs" check TESTS=) >build-clang.check.log 2>&1; result "tests build with clang" $? build-clang.check.log ;;
        tidy)
                tests/tidy.sh build-gcc >tidy.log 2>&1; result "clang-tidy" $? tidy.log ;;
        man)
                mandoc -T lint -W warning doc/*.[0-9] >man.log 2>&1; result "man pages" $? man.log ;;
        distcheck)
                [ -f build-gcc/Makefile ] || build_in build-gcc
                (cd build-gcc && make distcheck AM_DISTCHECK_CONFIGURE_FLAGS=) >distcheck.log 2>&1; result "make distcheck" $? distcheck.log ;;
        *)
                echo "no such part: $part"; failed=$((failed + 1)) ;;
        esac
done

echo
[ "$skipped" = 0 ] || { echo "$skipped tests were skipped, which counts as failed"; failed=$((failed + skipped)); }
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
