#!/usr/bin/env bash
# Installs and uses the Debian packages of the release that it runs on, which is
# spoilt afterwards: tools/test-packages gives it a fresh folder.
#
# usage: debian.sh PACKAGES
set -uo pipefail
. "$(dirname "$0")/checks.sh"
packages=$1

# deb NAME...: the files of these.
deb() {
  local name
  for name in "$@"; do echo "$packages/${name}"_*"~$release"_*.deb; done
}
add() {
  # shellcheck disable=SC2046 # one word a file
  get $(deb "$@")
}

apt-get update -qq || { echo "0 passed, 1 failed"; exit 1; }

check "README.md's apt install" of_readme "apt install" -y -qq --no-install-recommends
check "a verdict of trustctl" trustctl_verdict trustctl
version() {
  local said installed
  said=$("$1" --version) && installed=$(dpkg-query -Wf '${Version}' "$1") || return
  echo "$said of $installed"
  [[ $said =~ ^(trustctl|trustd)\ ${installed%%-*}\ \(commit\ [0-9a-f]{12}\)$ ]]
}
check "Python" add python3-anchorage
check "a verdict in Python" python_verdict
check "trustctl says its version and commit" version trustctl
pages() {
  dpkg -L trustctl | grep -x '/usr/share/man/man1/trustctl-verify-identity.1.gz' &&
    zcat /usr/share/man/man1/trustctl-verify-identity.1.gz | grep -q minimum.*kind
}
check "its manual pages" pages
check "its units" ls /usr/lib/systemd/system/anchorage-cache@.{service,timer}
check "the validator of initrds" add anchorage-validate
check "it is static and starts" /usr/lib/anchorage/anchorage-validate --help
check "its hooks and its unit" ls \
  /usr/lib/dracut/modules.d/90anchorage/module-setup.sh \
  /usr/share/initramfs-tools/hooks/anchorage-validate \
  /usr/share/initramfs-tools/scripts/init-bottom/anchorage-validate \
  /usr/lib/systemd/system/anchorage-validate.service

# --- trustd, without systemd: what the unit says, by hand

# An older package, which differs in its version alone.
older() {
  dpkg-deb -R "$(deb trustd)" "$scratch/older" &&
    sed -i 's/^Version: .*/Version: 0.9.0-1/' "$scratch/older/DEBIAN/control" &&
    dpkg-deb -b "$scratch/older" "$scratch/older.deb" &&
    get "$scratch/older.deb"
}
# serve FILE: starts it as its user, asks it, stops it; FILE has what it answers.
serve() {
  local pid status=1
  install -d -o nobody -g nogroup -m 0700 /var/lib/trustd
  # shellcheck disable=SC2046 # a command line
  setpriv --reuid nobody --regid nogroup --clear-groups \
    $(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/trustd.service) &
  pid=$!
  for _ in $(seq 100); do
    kill -0 "$pid" || return
    if trustctl bundle show --server 127.0.0.1:7443 \
      --trusted-root /var/lib/trustd/1.root.json >"$1"; then
      status=0
      break
    fi
    sleep 0.2
  done
  kill "$pid" && wait "$pid" && [ "$status" -eq 0 ] && cat "$1"
}
kept() {
  [ "$(tail -n 1 /etc/trustd/trustd.yaml)" = '# ours' ] &&
    [ "$(sha256sum </var/lib/trustd/1.root.json)" = "$root" ]
}
modes() {
  stat -c '%a %U %n' /etc/trustd/keys /etc/trustd/trustd.yaml >"$scratch/modes"
  diff "$scratch/modes" - <<'END'
700 root /etc/trustd/keys
644 root /etc/trustd/trustd.yaml
END
}
check "an older trustd" older
check "trustd's folders" modes
check "it takes its example configuration" \
  trustd --config /etc/trustd/trustd.yaml --check-config
check "it serves" serve "$scratch/served"
echo secret >/etc/trustd/keys/tls.key
echo '# ours' >>/etc/trustd/trustd.yaml
root=$(sha256sum </var/lib/trustd/1.root.json)
check "the upgrade" add trustd
check "trustd says its version and commit" version trustd
check "configuration and state are kept" kept
check "it serves as before" serve "$scratch/again"
check "the same sequence" diff "$scratch/served" "$scratch/again"
check "its removal" apt-get remove -y -qq trustd
check "configuration and state are kept then too" kept
check "its purge" apt-get purge -y -qq trustd
gone() {
  [ ! -e /var/lib/trustd ] && [ ! -e /etc/trustd/trustd.yaml ] &&
    ! dpkg-query -W trustd && [ -e /etc/trustd/keys/tls.key ]
}
check "nothing is left but the keys that people brought" gone

# --- products

check "what products are built with" add libanchorage-dev
check "compilers" get clang cmake g++ libc6-dev make pkg-config
check "README.md's program in C" c_verdict "" ""
check "trustd again" add trustd
check "what the first hour is typed with" get iproute2 openssl
check "the first hour" "$top/test/end_to_end/first_hour_test.sh" \
  "$top/trustd/FIRST_HOUR.md" "$top/test/end_to_end/console.sh"
check "libcurl" get libcurl4
check "products in C and C++, which refresh from it" \
  "$top/test/bindings/bindings.sh" /usr /usr/bin/trustd c cpp

check "debug symbols" add libanchorage1-dbgsym trustctl-dbgsym trustd-dbgsym
symbols() {
  local file id
  for file in /usr/lib/*/libanchorage.so.1 /usr/bin/trustctl /usr/bin/trustd; do
    id=$(readelf -nW "$file" | sed -n 's/.*Build ID: //p')
    readelf -SW "/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug" |
      grep debug_line || return
  done
}
check "they are those of the programs" symbols
licences() {
  local package
  for package in libanchorage1 libanchorage-dev trustctl; do
    grep -q 'Apache License' "/usr/share/doc/$package/copyright" &&
      grep -q '^======== yaml-cpp ' "/usr/share/doc/$package/copyright" || return
  done
}
check "the licences of what is inside" licences
finish
