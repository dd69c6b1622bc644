# What apt installs for apnwatch on Debian 12, and how: read by quickstart.sh and check.sh.

BUILD_PACKAGES="autoconf automake make gcc pkg-config libc6-dev
libpcap-dev libndpi-dev libhiredis-dev libevent-dev libprotobuf-c-dev protobuf-c-compiler libjansson-dev libyaml-dev
libsqlite3-dev libssl-dev libcap-ng-dev libpcre2-dev libxxhash-dev uthash-dev tzdata libcsv3 libcsv-dev
zlib1g-dev libzstd-dev liblzma-dev libmaxminddb-dev"

TEST_PACKAGES="libcmocka-dev tzdata clang clang-tidy libclang-rt-14-dev tshark libndpi-bin mandoc redis-server prometheus sqlite3 openssl iproute2 systemd procps util-linux tcpreplay tcpdump xz-utils zstd gzip"

say() {
        printf '\n== %s\n' "$*"
}

# Installs those of the named packages that are not there yet; asks apt only when one is missing.
install_packages() {
        missing=
        for package in "$@"; do
                state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=
                [ "$state" = installed ] || missing="$missing $package"
        done
        [ -n "$missing" ] || { echo "all packages are there"; return 0; }
        as_root=
        if [ "$(id -u)" != 0 ]; then
                command -v sudo >/dev/null || { echo "root or sudo is needed to install:$missing" >&2; return 1; }
                as_root=sudo
        fi
        echo "installing:$missing"
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq || echo "apt-get update failed; going on with the lists that are there" >&2
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
