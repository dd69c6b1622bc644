dnl Where the unit and its user go; below the prefix unless told, so that an unprivileged make install works.
AC_DEFUN([APNWATCH_SYSTEMD], [
  AC_ARG_WITH([systemdsystemunitdir],
    [AS_HELP_STRING([--with-systemdsystemunitdir=DIR], [for the systemd unit (PREFIX/lib/systemd/system); no: not installed])],
    [], [with_systemdsystemunitdir=yes])
  AC_ARG_WITH([sysusersdir], [AS_HELP_STRING([--with-sysusersdir=DIR], [for its user (PREFIX/lib/sysusers.d)])], [], [with_sysusersdir=yes])
  AS_IF([test "x$with_systemdsystemunitdir" = xyes], [with_systemdsystemunitdir='${prefix}/lib/systemd/system'])
  AS_IF([test "x$with_sysusersdir" = xyes], [with_sysusersdir='${prefix}/lib/sysusers.d'])
  AC_SUBST([systemdsystemunitdir], [$with_systemdsystemunitdir])
  AC_SUBST([sysusersdir], [$with_sysusersdir])
  AM_CONDITIONAL([INSTALL_UNIT], [test "x$with_systemdsystemunitdir" != xno])
])
