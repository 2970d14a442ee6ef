#!/usr/bin/env bash
# Unpacks the rpm and the tar and uses what is in them, on a Debian 12 that is
# spoilt afterwards: tools/test-packages gives it a fresh folder.
#
# usage: elsewhere.sh PACKAGES
set -uo pipefail
. "$(dirname "$0")/checks.sh"
packages=$1

apt-get update -qq || { echo "0 passed, 1 failed"; exit 1; }
check "tools" get cpio gcc libc6-dev libssl3 libssl-dev pkg-config python3 \
  rpm2cpio xz-utils
unpack_rpm() {
  local file
  mkdir -p /opt/rpm && cd /opt/rpm &&
    for file in "$packages"/*.rpm; do rpm2cpio "$file" | cpio -idm || return; done
}
check "the rpm is unpacked" unpack_rpm
check "the tar is unpacked" tar -C /opt -xf "$packages"/anchorage-*-linux-x86_64.tar.xz
usable() {
  local folder=$1 libraries=$2
  check "a verdict in Python, $folder" \
    env PYTHONPATH="$(dirname "$(find "$folder" -type d -path '*-packages/anchorage')")" \
    bash -c '. "$0" && python_verdict' "$top/test/packages/checks.sh"
  check "README.md's program in C, $folder" \
    c_verdict "$libraries/pkgconfig" "$libraries"
  check "what is everywhere is enough, $folder" \
    "$top/tools/packaging/needs_only_what_is_everywhere" "$folder"
  check "the licences of what is inside, $folder" \
    grep -rq 'yaml-cpp\|Jesse Beder' "$folder" --include='*.txt'
}
usable /opt/rpm/usr /opt/rpm/usr/lib64
usable /opt/anchorage-*-linux-x86_64 /opt/anchorage-*-linux-x86_64/lib
finish
