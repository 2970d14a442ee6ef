#!/usr/bin/env bash
# libanchorage.so.1 is as client/c/abi says, and tools/abi tells what breaks
# programs that are built already from what is only new. The description is
# changed here instead of the library: what it has more is gone from the library.
set -uo pipefail
library=$1 abi=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

# expect CODE TEXT WHAT [OPTION]...: tools/abi ends with CODE and says TEXT.
expect() {
  local code=$1 text=$2 what=$3 got=0
  shift 3
  tools/abi --library "$library" "$@" >"$scratch/out" 2>&1 || got=$?
  if [ "$got" != "$code" ] || ! grep -qe "$text" "$scratch/out"; then
    echo "FAILED $what: exit code $got, not $code with '$text':"
    cat "$scratch/out"
    failures=$((failures + 1))
  fi
}
# says CODE TEXT WHAT FILE SED: with a description in which SED changed FILE.
says() {
  rm -rf "$scratch/abi"
  cp -rL "$abi" "$scratch/abi"
  chmod -R u+w "$scratch/abi"
  sed -i -e "$5" "$scratch/abi/$4"
  if cmp -s "$scratch/abi/$4" "$abi/$4"; then
    echo "FAILED $3: it changed nothing"
    failures=$((failures + 1))
  fi
  expect "$1" "$2" "$3" --abi "$scratch/abi"
}
# The identifier of a type in the description: type ELEMENT NAME.
type() { sed -n "s/.*<$1 name='$2' .*\bid='\([^']*\)'.*/\1/p" "$abi/functions.xml"; }
# The identifier of a parameter's type: of FUNCTION NAME.
of() {
  sed -n "/<function-decl name='$1'/,/<\/function-decl>/s/.*type-id='\(.*\)' name='$2'.*/\1/p" \
    "$abi/functions.xml"
}
note="/<function-decl name='anchorage_identity_note'/,/<\/function-decl>/"

expect 0 'is as' 'the library that was built'

says 1 'Removed function' 'a function that is gone' functions.xml \
  "/anchorage_identity_note/s/identity_note/identity_remark/g"
says 1 'parameter 2 of type' 'another type of an argument' functions.xml \
  "$note s/$(type typedef-decl size_t)/$(type typedef-decl int32_t)/"
says 1 'parameter 1 of type' 'another handle' functions.xml \
  "$note s/$(of anchorage_identity_note identity)/$(of anchorage_attestation_note attestation)/"
says 1 'was removed' 'an argument less' functions.xml \
  "$note s/.*name='index'.*/&\n&/"
says 1 'return type changed' 'another result' functions.xml \
  "$note s/return type-id='[^']*'/return type-id='$(type typedef-decl int32_t)'/"
says 1 'SONAME changed' 'another soname' functions.xml 's/so\.1/so.2/'
says 1 'gone or changed: ANCHORAGE_USAGE = 9' 'another number' numbers \
  's/\(USAGE =\) 1/\1 9/'
says 1 'gone or changed: ANCHORAGE_Z = 1' 'a number that is gone' numbers \
  '$aANCHORAGE_Z = 1'

without="/<elf-symbol name='anchorage_identity_note'/d;${note}d"
says 2 'run tools/abi --update' 'a new function' functions.xml "$without"
expect 0 'added to' '--update with a new function' --abi "$scratch/abi" --update
expect 0 'is as' 'what was written' --abi "$scratch/abi"
says 2 'new: ANCHORAGE_USAGE = 1' 'a new number' numbers /USAGE/d
says 1 'Removed function' 'one is gone, another new' functions.xml \
  "$without;/anchorage_identity_form/s/identity_form/identity_shape/g"
expect 1 'breaks programs' '--update when one is gone' --abi "$scratch/abi" --update
expect 0 'written anew' '--replace when one is gone' --abi "$scratch/abi" --replace
expect 0 'is as' 'what was written' --abi "$scratch/abi"

"${STRIP:-strip}" -o "$scratch/stripped.so" "$library"
expect 3 'is it stripped' 'a library without types' --library "$scratch/stripped.so"

# Types are the header's alone: a handle is no more than a name.
if grep '<class-decl' "$abi/functions.xml" | grep -v "is-declaration-only='yes'" ||
  grep -E "<(member|data-member|enum|union)|filepath=|std::" "$abi/functions.xml"; then
  echo 'FAILED: the description has what the header hides'
  failures=$((failures + 1))
fi
# A number that is counted from the one before would be in no description.
if awk '/^enum \{/, /\}/' client/c/anchorage.h | sed 's,/\*.*,,' |
  grep -oE '\bANCHORAGE_[A-Z0-9_]+( = -?[0-9]+)?' | grep -v =; then
  echo 'FAILED: these enumerators have no number'
  failures=$((failures + 1))
fi

echo "$failures failures"
[ "$failures" -eq 0 ]
