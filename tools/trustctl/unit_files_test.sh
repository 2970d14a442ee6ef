#!/usr/bin/env bash
# usage: unit_files_test.sh SERVICE TIMER README
# What the manual promises of the units, and systemd's own opinion of them where
# systemd is installed.
set -euo pipefail
service=$1 timer=$2 readme=$3

# has FILE LINE WHY
has() {
  grep -qE "^$2\$" "$1" || {
    echo "error: $1 lacks '$2': $3" >&2
    exit 1
  }
}
has "$service" 'User=root' 'a folder of another user is that user'"'"'s alone'
has "$service" 'CapabilityBoundingSet=' 'it needs no right of root'"'"'s'
has "$service" 'CacheDirectory=anchorage/%i' 'the folder is made'
has "$service" 'CacheDirectoryMode=0755' 'readers need no right to write'
has "$service" 'ProtectSystem=strict' 'it writes nowhere else'
has "$timer" 'Persistent=yes' 'it catches up after the host was off'
has "$timer" 'RandomizedDelaySec=1h' 'a fleet does not ask together'
has "$readme" '    systemctl enable --now anchorage-cache@product[.]timer' \
  'the command that is run here'

command -v systemd-analyze >/dev/null || exit 0
# The program itself need not be installed. An instance is named, so that what
# stands for its name is read too.
units=$TEST_TMPDIR/root/etc/systemd/system
mkdir -p "$units"
cp "$timer" "$units/"
sed 's#/usr/bin/trustctl#/bin/true#' "$service" >"$units/$(basename "$service")"
cd "$units"
for unit in *@.*; do
  cp "$unit" "${unit/@/@product}"
  systemd-analyze verify --man=no "./${unit/@/@product}"
  rm "${unit/@/@product}"
done
systemd-analyze calendar "$(sed -n "s/^OnCalendar=//p" ./*.timer)" >/dev/null
systemctl --root "$TEST_TMPDIR/root" enable anchorage-cache@product.timer
[ -L timers.target.wants/anchorage-cache@product.timer ]
