#!/bin/sh
# From a clone to findings on a bare Debian 12: installs what the build needs (apt), builds in build/, and analyses the sample
# capture. Safe to run again. Run as root, or as a user who may sudo.
set -eu
cd "$(dirname "$0")/.."
. contrib/packages.sh

say "Packages for the build (apt)"
# shellcheck disable=SC2086
install_packages $BUILD_PACKAGES

say "Building in build/"
[ -x configure ] && [ configure -nt configure.ac ] || ./bootstrap >build.log 2>&1 || { tail -20 build.log; exit 1; }
mkdir -p build
cd build
[ -f Makefile ] || ../configure >>../build.log 2>&1 || { tail -20 ../build.log; exit 1; }
make -j"$(nproc)" apnwatch >>../build.log 2>&1 || { tail -20 ../build.log; exit 1; }
cd ..
./build/apnwatch --version

say "The sample capture: apnwatch read -p contrib/sample/policy.yaml contrib/sample/sample.pcap"
./build/apnwatch read -p contrib/sample/policy.yaml --inventory contrib/sample/inventory.csv contrib/sample/sample.pcap

say "Now your own"
cat <<'TEXT'
  ./build/apnwatch read YOUR.pcap                      update pulls and location reports, without any policy
  ./build/apnwatch read -o jsonl:alerts.jsonl YOUR.pcap    the same as JSON lines
  ./build/apnwatch read -p POLICY.yaml YOUR.pcap       and what your policy does not allow (doc/apnwatch-policy.5)
TEXT
