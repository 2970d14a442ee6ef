# What the tests of files that are given to others share: what a file needs.
# shellcheck shell=bash
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

fail() { echo "FAILED $1"; failures=$((failures + 1)); }

# same NAME WANT GOT: two lists of lines.
same() {
  if ! diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") >"$scratch/diff"; then
    fail "$1 (< wanted, > found):"
    cat "$scratch/diff"
  fi
}

# needs_little FILE: OpenSSL, the compiler's own library and glibc, of which the
# last two are parts, and none newer than the oldest systems have: Amazon Linux
# 2023, RHEL 9, Ubuntu 22.04. What is given to others is built on Debian 12: a
# newer glibc has newer versions of its own.
needs_little() {
  local limits='GLIBC_2.34 GCC_11.0.0 OPENSSL_3.0.0' limit family highest
  if grep -q '^VERSION_CODENAME=trixie' /etc/os-release; then
    limits=${limits#* }
  fi
  same "what $1 needs" 'libcrypto.so.3
libgcc_s.so.1
libc.so.6
ld-linux.so
libm.so.6' \
    "$(readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
      sed 's/^ld-linux-\(x86-64.so.2\|aarch64.so.1\)$/ld-linux.so/' |
      awk '{ order = /crypto/ ? 1 : /gcc_s/ ? 2 : /libc\.so/ ? 3 : 4 }
        { print order, $0 }' | LC_ALL=C sort | cut -d ' ' -f 2)"
  for limit in $limits; do
    family=${limit%%_*}
    highest=$(readelf -VW "$1" | grep -o "Name: ${family}_[0-9.]*" |
      cut -d ' ' -f 2 | sort -V | tail -n 1)
    if [ -z "$highest" ] ||
      [ "$(printf '%s\n' "$highest" "$limit" | sort -V | tail -n 1)" != "$limit" ]; then
      fail "$1 needs '$highest', at most $limit is everywhere"
    fi
  done
}

# weighs_at_most MIB FILE: stripped, in `size`.
weighs_at_most() {
  "${STRIP:-strip}" --strip-unneeded -o "$scratch/stripped" "$2"
  size=$(stat -c %s "$scratch/stripped")
  [ "$size" -le $(($1 * 1024 * 1024)) ] ||
    fail "$2 has $size bytes stripped, more than $1 MiB"
}
