#!/usr/bin/env bash
# What libanchorage.so.1 and libanchorage.a export, need, weigh, and have of
# others.
set -uo pipefail
library=$1 archive=$2 members=$3 header=$4 linked_in=$5
source "${0%/*}/files.sh"

declared=$(tr '\n' ' ' <"$header" |
  grep -o 'ANCHORAGE_API [^;(]*(' | grep -o 'anchorage_[a-z0-9_]*($' |
  tr -d '(' | LC_ALL=C sort -u)
[ "$(wc -l <<<"$declared")" -gt 30 ] || { echo "FAILED: $header"; exit 1; }
# Where the comment of one ends with "Since 1.N.", that node has it. A node's own
# name is an absolute symbol.
same 'the library exports what the header declares' \
  "$(tr '\n' ' ' <"$header" | awk -v RS=';' '
    match($0, /ANCHORAGE_API .*anchorage_[a-z0-9_]*\(/) {
      name = substr($0, RSTART, RLENGTH)
      sub(/\($/, "", name)
      sub(/.*[ *]/, "", name)
      since = match($0, /Since 1\.[0-9]+/) ? substr($0, RSTART + 6, RLENGTH - 6) : "1.0"
      print name "@@ANCHORAGE_" since
    }' | LC_ALL=C sort -u)" \
  "$(nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' |
    LC_ALL=C sort)"
same 'the archive defines what the header declares' "$declared" \
  "$(nm --defined-only --extern-only "$archive" | awk 'NF == 3 { print $3 }' |
    LC_ALL=C sort)"

same 'its name' libanchorage.so.1 \
  "$(readelf -dW "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')"
needs_little "$library"
weighs_at_most 3 "$library"

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
