dnl APNWATCH_OPTIONAL(name, VARIABLE, pkg-config name, what for)
AC_DEFUN([APNWATCH_OPTIONAL], [
  AC_ARG_WITH([$1], [AS_HELP_STRING([--without-$1], [leave out lib$1 ($4)])], [], [with_$1=check])
  have_$1=no
  AS_IF([test "x$with_$1" != xno], [
    PKG_CHECK_MODULES([$2], [$3], [have_$1=yes], [
      AS_IF([test "x$with_$1" = xyes], [AC_MSG_ERROR([--with-$1 was given, but $3 is not there])])])])
  AS_IF([test "$have_$1" = yes], [
    AC_DEFINE([HAVE_$2], [1], [Define to 1 for $4.])
    features_in="$features_in, $1 `$PKG_CONFIG --modversion $3`"
  ], [features_out="$features_out, $1 ($4)"])
  AM_CONDITIONAL([HAVE_$2], [test "$have_$1" = yes])
])

dnl Warnings are ours, flags are the user's.
AC_DEFUN([APNWATCH_WARNINGS], [
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [warnings end the build])], [], [enable_werror=no])
  WARNING_CFLAGS="-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2 -Wundef"
  AS_IF([test "x$enable_werror" = xyes], [WARNING_CFLAGS="$WARNING_CFLAGS -Werror"])
  AC_SUBST([WARNING_CFLAGS])
])

AC_DEFUN([APNWATCH_SANITIZERS], [
  AC_ARG_ENABLE([sanitizers], [AS_HELP_STRING([--enable-sanitizers], [build with ASan and UBSan])], [], [enable_sanitizers=no])
  SANITIZER_CFLAGS=
  AS_IF([test "x$enable_sanitizers" = xyes],
    [SANITIZER_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"],
    [SANITIZER_CFLAGS="-fstack-protector-strong"])
  AC_SUBST([SANITIZER_CFLAGS])
  AC_ARG_ENABLE([fuzzers], [AS_HELP_STRING([--enable-fuzzers], [link the fuzz targets with libFuzzer (clang)])], [], [enable_fuzzers=no])
  AM_CONDITIONAL([ENABLE_FUZZERS], [test "x$enable_fuzzers" = xyes])
  FUZZER_CFLAGS=
  AS_IF([test "x$enable_fuzzers" = xyes], [FUZZER_CFLAGS="-fsanitize=fuzzer-no-link"])
  FUZZER_LIBS=
  AS_IF([test "x$enable_fuzzers" = xyes], [FUZZER_LIBS="-fsanitize=fuzzer"])
  AC_SUBST([FUZZER_CFLAGS])
  AC_SUBST([FUZZER_LIBS])
])

dnl The program is optimised as a whole (a sixth less CPU on the packet path); tests take the same objects as they are, since some
dnl put functions of their own in place of others.
AC_DEFUN([APNWATCH_LTO], [
  AC_ARG_ENABLE([lto], [AS_HELP_STRING([--disable-lto], [do not optimise over all files at the end (gcc)])], [], [enable_lto=auto])
  AS_IF([test "x$enable_sanitizers$enable_fuzzers" != xnono], [enable_lto=no])
  LTO_CFLAGS= LTO_LDFLAGS= LTO_OFF=
  AS_IF([test "x$enable_lto" != xno], [
    AC_MSG_CHECKING([whether $CC optimises at link time])
    saved_CFLAGS=$CFLAGS saved_LDFLAGS=$LDFLAGS
    CFLAGS="$CFLAGS -flto -ffat-lto-objects -Werror" LDFLAGS="$LDFLAGS -flto=auto"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[]], [[]])], [
      LTO_CFLAGS="-flto -ffat-lto-objects" LTO_LDFLAGS="-flto=auto" LTO_OFF=-fno-lto
      AC_MSG_RESULT([yes])], [
      AC_MSG_RESULT([no])
      AS_IF([test "x$enable_lto" = xyes], [AC_MSG_ERROR([--enable-lto, and $CC cannot])])])
    CFLAGS=$saved_CFLAGS LDFLAGS=$saved_LDFLAGS])
  AC_SUBST([LTO_CFLAGS])
  AC_SUBST([LTO_LDFLAGS])
  AC_SUBST([LTO_OFF])
])

dnl APNWATCH_NDPI_TRY(what, macro, statement)
AC_DEFUN([APNWATCH_NDPI_TRY], [
  AC_MSG_CHECKING([nDPI: $1])
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <ndpi_main.h>
#include <ndpi_api.h>]], [[$3]])],
    [AC_MSG_RESULT([yes]); AC_DEFINE([$2], [1], [nDPI: $1])], [AC_MSG_RESULT([no])])])

dnl nDPI 4.2 to 5.x by what the headers can do, not by version numbers.
AC_DEFUN([APNWATCH_NDPI], [
  NDPI_SYSTEM_CFLAGS=`echo "$NDPI_CFLAGS" | sed 's/-I/-isystem /g'`
  AC_SUBST([NDPI_SYSTEM_CFLAGS])
  ndpi_saved_CPPFLAGS=$CPPFLAGS; ndpi_saved_LIBS=$LIBS
  CPPFLAGS="$CPPFLAGS $NDPI_CFLAGS"; LIBS="$NDPI_LIBS $LIBS"
  APNWATCH_NDPI_TRY([process_packet takes input_info], [NDPI_HAS_INPUT_INFO],
    [struct ndpi_flow_input_info info; (void)ndpi_detection_process_packet(NULL, NULL, NULL, 0, 0, &info);])
  APNWATCH_NDPI_TRY([giveup takes a guess argument], [NDPI_GIVEUP_TAKES_GUESS],
    [u_int8_t guessed; (void)ndpi_detection_giveup(NULL, NULL, 1, &guessed);])
  APNWATCH_NDPI_TRY([giveup tells whether it guessed], [NDPI_GIVEUP_TELLS_GUESS],
    [u_int8_t guessed; (void)ndpi_detection_giveup(NULL, NULL, &guessed);])
  APNWATCH_NDPI_TRY([init takes preferences], [NDPI_INIT_TAKES_PREFERENCES], [(void)ndpi_init_detection_module(ndpi_no_prefs);])
  APNWATCH_NDPI_TRY([result has .proto], [NDPI_RESULT_HAS_PROTO], [ndpi_protocol p; (void)p.proto.master_protocol;])
  APNWATCH_NDPI_TRY([result has .state], [NDPI_RESULT_HAS_STATE], [ndpi_protocol p; (void)p.state;])
  APNWATCH_NDPI_TRY([DNS cache confidence is named DPI_CACHE], [NDPI_HAS_CONFIDENCE_DPI_CACHE], [(void)NDPI_CONFIDENCE_DPI_CACHE;])
  APNWATCH_NDPI_TRY([partial DPI confidence], [NDPI_HAS_CONFIDENCE_DPI_PARTIAL], [(void)NDPI_CONFIDENCE_DPI_PARTIAL;])
  APNWATCH_NDPI_TRY([partial cached DPI confidence], [NDPI_HAS_CONFIDENCE_DPI_PARTIAL_CACHE], [(void)NDPI_CONFIDENCE_DPI_PARTIAL_CACHE;])
  AC_CHECK_FUNCS([ndpi_set_protocol_detection_bitmask2 ndpi_set_config ndpi_extra_dissection_possible])
  CPPFLAGS=$ndpi_saved_CPPFLAGS; LIBS=$ndpi_saved_LIBS
])
