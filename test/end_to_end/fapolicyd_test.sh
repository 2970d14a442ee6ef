#!/usr/bin/env bash
# The trust file of `trustctl image export`, read and written again by Debian's
# fapolicyd-cli: every path, size and digest comes back. Skipped without
# fapolicyd-cli, or without the right to mount; tools/test-fapolicyd installs it.
set -euo pipefail
trustctl=$(realpath "$1")
skip() {
  echo "SKIPPED: $1"
  exit 0
}
command -v fapolicyd-cli >/dev/null || skip "there is no fapolicyd-cli"
unshare --mount true 2>/dev/null || skip "this may not mount"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

mkdir -p image/usr/bin
for name in env 'a b' 'c%d' 'e%20f' $'m\xc3\xbcller' "quote'\"\\"; do
  printf '#!/bin/sh\n# %s\n' "$name" >"image/usr/bin/$name"
  chmod 755 "image/usr/bin/$name"
done
printf '#!/bin/sh\n' >"image/usr/bin/$(printf 'line\nbreak')"

openssl ecparam -name prime256v1 -genkey -noout -out build.key
chmod 600 build.key
openssl req -x509 -new -key build.key -subj "/CN=Build" -days 365 \
  -addext keyUsage=critical,digitalSignature \
  -addext extendedKeyUsage=codeSigning -out build.crt
"$trustctl" image manifest image --product shop --version 1 \
  --time "$(date -u +%Y-%m-%dT%H:%M:%SZ)" --as-seen --out manifest.json
"$trustctl" image sign manifest.json --key build.key --chain build.crt \
  --out bundle.json
"$trustctl" image export bundle.json --producer build.crt --format fapolicyd \
  --out trust 2>warning
grep -q '1 files are left out' warning

# fapolicyd-cli reads every line, removes one, and writes what it has read.
unshare --mount bash -euc '
  mount -t tmpfs none /etc/fapolicyd/trust.d
  cp trust /etc/fapolicyd/trust.d/anchorage
  fapolicyd-cli --file delete /usr/bin/env
  cp /etc/fapolicyd/trust.d/anchorage again'
grep -v '^#' trust | grep -v '^/usr/bin/env ' | sort >want
grep -v '^#' again | sort >got
diff want got
[ "$(wc -l <got)" -eq 5 ]
echo "5 entries came back"
