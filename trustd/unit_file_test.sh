#!/usr/bin/env bash
# usage: unit_file_test.sh TRUSTD_SERVICE
# What the manual promises of the unit file, and systemd's own opinion of it
# where systemd is installed.
set -euo pipefail
unit=$1

# has LINE WHY
has() {
  grep -qE "^$1\$" "$unit" || {
    echo "error: $unit lacks '$1': $2" >&2
    exit 1
  }
}
has 'ExecReload=/bin/kill -HUP [$]MAINPID' 'systemctl reload'
has 'Type=notify' 'what follows it starts when it listens'
has 'WatchdogSec=2min' 'a trustd that hangs is started again'
has 'LimitNOFILE=[0-9]{6,}' 'two descriptors a connection'
has 'LimitCORE=0' 'keys are in its memory'
has 'LoadCredential=keys:/etc/trustd/keys' "a dynamic user cannot read root's 0600"

command -v systemd-analyze >/dev/null || {
  echo "skipped: no systemd-analyze here" >&2
  exit 0
}
# The program itself need not be installed.
sed 's#/usr/bin/trustd#/bin/true#' "$unit" >"$TEST_TMPDIR/trustd.service"
systemd-analyze verify "$TEST_TMPDIR/trustd.service"
# What is left is what it needs: the network, the host's files and sockets.
systemd-analyze security --offline=true --threshold=20 "$TEST_TMPDIR/trustd.service" >&2
