#!/usr/bin/env bash
# anchorage.h in the oldest standards that it is for, without a warning.
set -euo pipefail
header=$1

tried=0
for compiler in gcc clang; do
  command -v "$compiler" >/dev/null || continue
  for standard in c:c99 c:c17 c++:c++11 c++:c++20; do
    "$compiler" -x "${standard%%:*}" "-std=${standard#*:}" -fsyntax-only \
      -pedantic-errors -Wall -Wextra -Wconversion -Wundef -Werror - <<C
#include "$PWD/$header"
#include "$PWD/$header"
int main(void) {
  return anchorage_version_number() < ANCHORAGE_VERSION_NUMBER;
}
C
    tried=$((tried + 1))
  done
done
[ "$tried" -gt 0 ] || { echo "FAILED: no compiler"; exit 1; }
