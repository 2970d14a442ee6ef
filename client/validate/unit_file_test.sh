#!/usr/bin/env bash
# usage: unit_file_test.sh INSTALL PROGRAM
# What the manual promises of the units and hooks, as INSTALL puts them, and
# systemd's and shellcheck's opinions of them where they are installed.
set -euo pipefail
prefix=$TEST_TMPDIR/usr
"$1" --program "$2" --prefix "$prefix"

error() {
  echo "error: $1" >&2
  exit 1
}
# has FILE LINE WHY
has() {
  grep -qE "^$2\$" "$prefix/$1" || error "$1 lacks '$2': $3"
}

[ "$(stat -c %a "$prefix/lib/anchorage/anchorage-validate")" = 755 ] ||
  error "the program cannot be started"

initrd=lib/dracut/modules.d/90anchorage/anchorage-validate-initrd.service
has $initrd 'DefaultDependencies=no' 'there is no sysinit.target to wait for'
has $initrd 'After=.*sysroot.mount' 'the root is there'
has $initrd 'Before=initrd-parse-etc.service.*' 'what reads the root first'
has $initrd 'Before=.*initrd-switch-root.target.*' 'what starts the root'
has $initrd 'FailureAction=poweroff-force' 'a validator that was killed'
has $initrd 'RemainAfterExit=yes' 'a second run finds a register that is used'
has $initrd 'TimeoutStartSec=infinity' 'it has a limit of its own'
has $initrd 'ExecStart=/usr/lib/anchorage/anchorage-validate --initrd .*' 'it'
emergency=lib/dracut/modules.d/90anchorage/emergency.conf
has $emergency 'AssertPathExists=!/run/.*' 'an emergency never boots'
has $emergency 'ExecStopPost=.* poweroff.*' 'a validator that was killed'
late=lib/systemd/system/anchorage-validate.service
has $late 'Before=sysinit.target.*' 'before what it validates'
has $late 'DefaultDependencies=no' 'before sysinit.target'
has $late 'RequiredBy=sysinit.target' 'nothing starts without it'
has $late 'FailureAction=poweroff-force' 'a validator that was killed'
has $late 'ExecStart=.*anchorage-validate --system' 'never a success'

if command -v shellcheck >/dev/null; then
  shellcheck "$prefix"/lib/dracut/modules.d/90anchorage/*.sh \
    "$prefix"/share/initramfs-tools/hooks/* \
    "$prefix"/share/initramfs-tools/scripts/init-bottom/*
else
  echo "not checked: no shellcheck here" >&2
fi
command -v systemd-analyze >/dev/null || {
  echo "not checked: no systemd-analyze here" >&2
  exit 0
}
# The program itself need not be installed.
for unit in $initrd $late; do
  copy=$TEST_TMPDIR/$(basename "$unit")
  sed "s#/usr/lib/anchorage/anchorage-validate#/bin/true#" \
    "$prefix/$unit" >"$copy"
  if [ "$unit" = "$initrd" ]; then
    mkdir "$copy.d"
    cp "$prefix/$emergency" "$copy.d/"
  fi
  systemd-analyze verify --man=no --recursive-errors=no "$copy"
done
