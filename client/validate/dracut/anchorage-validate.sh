#!/bin/sh
# usage: run by dracut without systemd, before the root is started
#
# Exit code 3: a shell at the console, and then no boot all the same. Any other:
# the validator could not power off, is not there, or was killed.

/usr/lib/anchorage/anchorage-validate --initrd --root "${NEWROOT:-/sysroot}" \
  </dev/null >/dev/console 2>&1
case $? in
  0) ;;
  3)
    while :; do
      emergency_shell -n anchorage "The image is not what its producer signed."
    done
    ;;
  *)
    while :; do
      poweroff -f -n
      echo o >/proc/sysrq-trigger
      sleep 1
    done
    ;;
esac
