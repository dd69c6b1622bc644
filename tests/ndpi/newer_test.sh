#!/bin/sh
# The classifier's branches for nDPI 4.6 to 5.x compile: against the prototypes of 5.x, and of 4.10 (giveup that tells its guess).
source=$(cd "${srcdir:-.}" && pwd)
headers=$source/tests/ndpi/newer
compile() {
        ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -I"$1" -I"$source/src" -I"$source" "$source/src/sense/classifier.c"
}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
cp "$headers"/*.h "$work"
echo '#define NDPI_GIVEUP_TELLS_GUESS 1' >>"$work/config.h"
sed -i 's/\(ndpi_detection_giveup(.*struct ndpi_flow_struct \*flow\));/\1, u_int8_t *guessed);/' "$work/ndpi_api.h"
compile "$headers" && compile "$work" && echo "classifier: compiles against 5.x and 4.10 prototypes"
