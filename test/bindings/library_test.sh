#!/usr/bin/env bash
# What libanchorage.so.1 and libanchorage.a export, need, weigh, and have of
# others.
set -uo pipefail
library=$1 archive=$2 members=$3 header=$4 linked_in=$5
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

# same NAME WANT GOT: two lists of lines.
same() {
  if ! diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") >"$scratch/diff"; then
    echo "FAILED $1 (< wanted, > found):"
    cat "$scratch/diff"
    failures=$((failures + 1))
  fi
}

declared=$(tr '\n' ' ' <"$header" |
  grep -o 'ANCHORAGE_API [^;(]*(' | grep -o 'anchorage_[a-z0-9_]*($' |
  tr -d '(' | LC_ALL=C sort -u)
[ "$(wc -l <<<"$declared")" -gt 30 ] || { echo "FAILED: $header"; exit 1; }
# A node's own name is an absolute symbol.
same 'the library exports what the header declares' \
  "$(sed 's/$/@@ANCHORAGE_1.0/' <<<"$declared")" \
  "$(nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' |
    LC_ALL=C sort)"
same 'the archive defines what the header declares' "$declared" \
  "$(nm --defined-only --extern-only "$archive" | awk 'NF == 3 { print $3 }' |
    LC_ALL=C sort)"

same 'its name' libanchorage.so.1 \
  "$(readelf -dW "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')"
# The last two are parts of glibc.
same 'what it needs' 'libcrypto.so.3
libgcc_s.so.1
libc.so.6
ld-linux.so
libm.so.6' \
  "$(readelf -dW "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
    sed 's/^ld-linux-\(x86-64.so.2\|aarch64.so.1\)$/ld-linux.so/' |
    awk '{ order = /crypto/ ? 1 : /gcc_s/ ? 2 : /libc\.so/ ? 3 : 4 }
      { print order, $0 }' | LC_ALL=C sort | cut -d ' ' -f 2)"

# The oldest systems: Amazon Linux 2023, RHEL 9, Ubuntu 22.04.
for limit in GLIBC_2.34 GCC_11.0.0 OPENSSL_3.0.0; do
  family=${limit%%_*}
  highest=$(readelf -VW "$library" | grep -o "Name: ${family}_[0-9.]*" |
    cut -d ' ' -f 2 | sort -V | tail -n 1)
  if [ -z "$highest" ] ||
    [ "$(printf '%s\n' "$highest" "$limit" | sort -V | tail -n 1)" != "$limit" ]; then
    echo "FAILED: needs '$highest', at most $limit is everywhere"
    failures=$((failures + 1))
  fi
done

"${STRIP:-strip}" --strip-unneeded -o "$scratch/stripped" "$library"
size=$(stat -c %s "$scratch/stripped")
if [ "$size" -gt $((3 * 1024 * 1024)) ]; then
  echo "FAILED: $size bytes stripped, more than 3 MiB"
  failures=$((failures + 1))
fi

# libstdc++ is in the shared library alone, and is no file of the archive's.
same 'what is linked in' \
  "$(grep -v '^#' "$linked_in" | cut -f 1 | LC_ALL=C sort)" \
  "$({
    cut -d ' ' -f 1 "$members" | grep -v '^anchorage$'
    nm -C --defined-only "$library" |
      sed -n 's/.* std::terminate()$/libstdc++/p'
  } | LC_ALL=C sort -u)"

echo "$size bytes stripped, $(wc -l <<<"$declared") functions, $failures failures"
[ "$failures" -eq 0 ]
