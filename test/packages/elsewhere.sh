#!/usr/bin/env bash
# Installs the rpm, unpacks the tar and uses what is in them, on a Debian 12 that is
# spoilt afterwards: tools/test-packages gives it a fresh folder.
#
# usage: elsewhere.sh PACKAGES
set -uo pipefail
. "$(dirname "$0")/checks.sh"
packages=$1

apt-get update -qq || { echo "0 passed, 1 failed"; exit 1; }
check "tools" get gcc libc6-dev libssl3 libssl-dev pkg-config python3 \
  rpm xz-utils
check "README.md's sums" of_readme "(cd packages"
# What it asks for is dpkg's here, of which Debian's rpm knows nothing.
dnf() { rpm -i --nodeps --force-debian "${@:2}"; }
check "README.md's rpm" of_readme "dnf install"
check "the other rpms" rpm -i --nodeps --force-debian \
  "$packages"/anchorage-devel-*.rpm "$packages"/python3-anchorage-*.rpm \
  "$packages"/anchorage-validate-*.rpm
check "the validator of initrds" /usr/lib/anchorage/anchorage-validate --help
needs() {
  rpm -q --requires anchorage >"$scratch/needs" &&
    ! grep -vE '^(lib(c|m|crypto|gcc_s)\.so\.[136]\(|ld-linux-x86-64\.so\.2\(|rtld\(|rpmlib\()' \
      "$scratch/needs"
}
check "what the rpm asks for" needs
check "README.md's tar" of_readme "tar -C /opt -xf"
# usable FOLDER LIBRARIES FILE...: what was installed there, which is FILE...
usable() {
  local folder=$1 libraries=$2
  check "a verdict in Python, $folder" \
    env LD_LIBRARY_PATH="$libraries" PYTHONPATH="$(dirname "$(find "$folder" -type d -path '*-packages/anchorage')")" \
    bash -c '. "$0" && python_verdict' "$top/test/packages/checks.sh"
  check "README.md's program in C, $folder" \
    c_verdict "$libraries/pkgconfig" "$libraries"
  check "a verdict of trustctl, $folder" trustctl_verdict "$folder/bin/trustctl"
  check "what is everywhere is enough, $folder" \
    "$top/tools/packaging/needs_only_what_is_everywhere" "${@:3}"
  check "the licences of what is inside, $folder" \
    grep -q 'Jesse Beder' "$folder/share/doc/anchorage/licences/yaml_cpp.txt"
}
mapfile -t files < <(rpm -ql anchorage anchorage-devel python3-anchorage)
usable /usr /usr/lib64 "${files[@]}"
folder=$(echo /opt/anchorage-*-linux-x86_64)
usable "$folder" "$folder/lib" "$folder"
more() { ! "$top/tools/packaging/needs_only_what_is_everywhere" /bin/bash; }
check "what needs more, as bash does, is found" more
finish
