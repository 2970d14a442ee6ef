#!/usr/bin/env bash
# Builds and runs products of others against an installed folder alone, with a
# trustd to refresh from.
#
# usage: bindings.sh DIR TRUSTD PART...
#   DIR      what tools/install made
#   TRUSTD   the program
#   PART     c, cpp, python, go or node
#
# client/go/test and client/node/test are run with DIR; they and the tests of
# Python find in the environment
#   ANCHORAGE_TEST_VECTORS  test/vectors/real
#   ANCHORAGE_TEST_POLICIES the folder of identity.yaml and attestation.yaml
#   ANCHORAGE_TEST_URL      a repository over HTTP
#   ANCHORAGE_TEST_ROOT     the file of its root.json
#   ANCHORAGE_TEST_IMDS     the URL of a metadata service, where
#                           ANCHORAGE_TEST_FAKE_IMDS is the program fake_imds
# and as the caller has it:
#   ANCHORAGE_TEST_ATTEST   the program fake_nitro_tpm_attest
# Programs in C are run by ANCHORAGE_TEST_RUN, such as an emulator.
set -uo pipefail
# The real folder where a test runs among links.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$top/test/end_to_end/console.sh"
dir=$(realpath "$1") trustd=$(realpath "$2")
fake_imds=${ANCHORAGE_TEST_FAKE_IMDS:+$(realpath "$ANCHORAGE_TEST_FAKE_IMDS")}
shift 2
scratch=$(mktemp -d)
trustd_pid='' imds_pid=''
cleanup() {
  local pid
  for pid in $trustd_pid $imds_pid; do kill "$pid" 2>/dev/null; done
  rm -rf "$scratch"
}
trap cleanup EXIT
failures=0 ran=0
fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

cd "$scratch" || exit 1
cat >trustd.yaml <<YAML
data_dir: data
mode: MODE_ONLINE
listen_address: 127.0.0.1:0
http_listen_address: 127.0.0.1:0
YAML
"$trustd" --config trustd.yaml 2>log &
trustd_pid=$!
url=
for _ in $(seq 300); do
  url=$(sed -n 's#.*\(http://127[^ ]*/tuf/\).*#\1#p' log)
  [ -z "$url" ] || break
  kill -0 "$trustd_pid" 2>/dev/null || break
  sleep 0.1
done
[ -n "$url" ] || { echo "FAILED: trustd does not serve"; cat log; exit 1; }

export ANCHORAGE_TEST_VECTORS=$top/test/vectors/real
export ANCHORAGE_TEST_POLICIES=$top/test/bindings
export ANCHORAGE_TEST_URL=$url
export ANCHORAGE_TEST_ROOT=$scratch/data/1.root.json
if [ -n "$fake_imds" ]; then
  "$fake_imds" --evidence \
    "$ANCHORAGE_TEST_VECTORS/iid/usw2-2021-teleport-1" >imds &
  imds_pid=$!
  for _ in $(seq 300); do
    ! grep -q '^ready$' imds || break
    kill -0 "$imds_pid" 2>/dev/null || break
    sleep 0.1
  done
  ANCHORAGE_TEST_IMDS=$(grep -m 1 http imds) ||
    { echo "FAILED: fake_imds does not serve"; exit 1; }
  export ANCHORAGE_TEST_IMDS
fi
arguments=("$ANCHORAGE_TEST_VECTORS" "$top/test/bindings/identity.yaml"
  "$top/test/bindings/attestation.yaml" "$url" "$ANCHORAGE_TEST_ROOT")
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$dir" -name anchorage.pc | head -n 1)")
libraries=$(dirname "$PKG_CONFIG_PATH")
PYTHON=${PYTHON:-/usr/bin/python3}

# What a README's commands need that is not there: it is done, or far away.
TOKEN=token
tools/install() { [ "$*" = "--prefix $dir" ]; }
client/python/make_wheel() { "$PYTHON" "$top/$FUNCNAME" "$@"; }
# Stricter than the README's; CC may be words, for another architecture.
# shellcheck disable=SC2086
cc() { command ${CC:-cc} -Wall -Wextra -Werror "$@"; }
curl() { cat "$ANCHORAGE_TEST_VECTORS/iid/usw2-2021-teleport-1/rsa2048.b64"; }

# here TEXT: the text with the places that a test has.
here() {
  local text=$1
  text=${text//\/opt\/anchorage\/lib\/pkgconfig/$PKG_CONFIG_PATH}
  text=${text//\/opt\/anchorage\/lib/$libraries}
  text=${text//\/opt\/anchorage/$dir}
  text=${text//https:\/\/trust.example.com\/tuf\//$url}
  [[ $text != '$ ./'* ]] || text="\$ ${ANCHORAGE_TEST_RUN:-} ${text#'$ '}"
  text=${text//\/etc\/product\/root.json/$ANCHORAGE_TEST_ROOT}
  echo "${text//\/var\/cache\/product/$PWD/cache}"
}

# run README COMMAND: runs it here and compares what it prints with "want".
run() {
  ran=$((ran + 1))
  eval "$2" >got 2>&1 </dev/null || { fail "$1: $2: exit code $?"; cat got; }
  [ ! -s want ] || matches want got ||
    { fail "$1: $2"; diff want got; }
}

# readme FILE: writes each block whose first line names a file, and runs the
# commands of the blocks "console" beside them, which print what stands below
# them. A block is one or the other.
readme() {
  local file=$1 line fence='' name='' command=''
  ran=0
  mkdir readme && cd readme || return
  cp "$ANCHORAGE_TEST_VECTORS/nitro-tpm/live-usw2-i-000fa553.cbor" document.cbor
  : >commands
  while IFS= read -r line; do
    case "$fence:$line" in
      ':```'*) fence=${line#'```'} name='' ;;
      *:'```') fence='' ;;
      :*) ;;
      console:*) here "$line" >>commands ;;
      *)
        if [ -z "$name" ]; then
          name=$(sed -nE 's,^(#|//) ([A-Za-z]+\.[a-z]+)$,\2,p' <<<"$line")
          [ -n "$name" ] || { fail "$file: a block without a name: $line"; name=x; }
          : >"$name"
        fi
        here "$line" >>"$name" ;;
    esac
  done <"$file"
  while IFS= read -r line; do
    case "$line" in
      '$ '*)
        [ -z "$command" ] || run "$file" "$command"
        command=${line#'$ '}
        : >want ;;
      *) printf '%s\n' "$line" >>want ;;
    esac
  done <commands
  run "$file" "$command"
  [ "$ran" -ge 3 ] || fail "$file: $ran commands"
  cd ..
}

# whole FILE...: they call all that anchorage.h declares but the callback, of
# which there is none yet, and the getters of what anchorage_identity_field()
# has by name.
whole() {
  local name missing=()
  while read -r name; do
    grep -qwE "$name|\"${name#anchorage_}\"" "$@" || missing+=("$name")
  done < <(grep -oE 'anchorage_[a-z0-9_]+\(' "$dir/include/anchorage/anchorage.h" |
    tr -d '(' | LC_ALL=C sort -u |
    grep -vE '_events?_|_identity_(account_id|image_id|instance_id|instance_type|region)$')
  [ ${#missing[@]} -eq 0 ] || fail "$* leaves out ${missing[*]}"
}

part_c() {
  local program
  cp -L "$top/test/bindings/c/"* .
  make -s >log 2>&1 || { fail "make"; cat log; return; }
  for program in consumer consumer-static; do
    # shellcheck disable=SC2086 # words
    ${ANCHORAGE_TEST_RUN:-} "./$program" "${arguments[@]}" || fail "$program"
  done
  ! readelf -d consumer-static | grep -q 'libanchorage' ||
    fail "consumer-static has the shared library"
  readme "$top/client/c/README.md"
}

part_cpp() {
  whole "$dir/include/anchorage/anchorage.hpp"
  cp -L "$top/test/bindings/cpp/"* .
  cmake -S . -B build -DCMAKE_PREFIX_PATH="$dir" >log 2>&1 &&
    cmake --build build >>log 2>&1 || { fail "cmake"; cat log; return; }
  local program
  for program in consumer consumer-static; do
    "build/$program" "${arguments[@]}" || fail "$program"
  done
  # In every standard from the oldest on, by both compilers, whatever a product
  # has warnings for.
  local compiler standard
  for compiler in g++ clang++; do
    for standard in 17 20 2b; do
      "$compiler" "-std=c++$standard" -fsyntax-only -fno-exceptions -fno-rtti \
        -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
        -Wold-style-cast -Werror "-I$dir/include" consumer.cc ||
        fail "$compiler, C++$standard"
    done
  done
  readme "$top/client/cpp/README.md"
}

part_python() {
  export PYTHONDONTWRITEBYTECODE=1
  whole "$top/client/python/anchorage/_library.py"
  PYTHONPATH=$(find "$dir" -type d -name dist-packages) \
    "$PYTHON" "$top/client/python/tests/anchorage_test.py" || fail "unittest"
  # A wheel is the same bytes each time.
  local n
  for n in 1 2; do
    client/python/make_wheel --from "$dir" --out "wheel$n" >/dev/null ||
      fail "make_wheel"
  done
  cmp wheel1/*.whl wheel2/*.whl || fail "wheels differ"
  # As a product has it: a folder of its own, and nothing from a network.
  "$PYTHON" -m venv venv >log 2>&1 || { fail "venv"; cat log; return; }
  . venv/bin/activate
  readme "$top/client/python/README.md"
  python3 -c 'import anchorage
assert anchorage.__file__.startswith("'"$PWD"'/venv/")' || fail "another package"
  deactivate
}

# other NAME: the tests of client/NAME, and its README with what was installed.
other() {
  "$top/client/$1/test" "$dir" || fail "client/$1/test"
  readme "$top/client/$1/README.md"
}
part_go() {
  export GOFLAGS='' GOPROXY=off GOWORK=off CGO_ENABLED=1
  whole "$top"/client/go/{anchorage,instance,verify}.go
  other go
}
part_node() {
  export npm_config_offline=true npm_config_audit=false
  whole "$top"/client/node/*.c
  other node
}

for part in "$@"; do
  echo "--- $part"
  mkdir "$scratch/$part" && cd "$scratch/$part" || exit 1
  "part_$part"
done
echo "$failures failures"
[ "$failures" -eq 0 ]
