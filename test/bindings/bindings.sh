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
# Programs in C are run by ANCHORAGE_TEST_RUN, such as an emulator.
set -uo pipefail
# The real folder where a test runs among links.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$top/test/end_to_end/console.sh"
dir=$(realpath "$1") trustd=$(realpath "$2")
shift 2
scratch=$(mktemp -d)
trustd_pid=
cleanup() {
  [ -z "$trustd_pid" ] || kill "$trustd_pid" 2>/dev/null
  rm -rf "$scratch"
}
trap cleanup EXIT
failures=0
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
arguments=("$ANCHORAGE_TEST_VECTORS" "$top/test/bindings/identity.yaml"
  "$top/test/bindings/attestation.yaml" "$url" "$ANCHORAGE_TEST_ROOT")
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$dir" -name anchorage.pc | head -n 1)")
PYTHON=${PYTHON:-/usr/bin/python3}

# block FILE LANGUAGE N: the Nth code block of that language.
block() {
  awk -v fence="\`\`\`$2" -v n="$3" '
    $0 == "```" { inside = 0 }
    inside && seen == n { print }
    $0 == fence { inside = 1; seen++ }' "$1"
}
# readme FILE LANGUAGE N: that block, with the places that a test has.
readme() {
  block "$@" | sed -e "s#https://trust.example.com/tuf/#$url#" \
    -e "s#/etc/product/root.json#$ANCHORAGE_TEST_ROOT#" \
    -e "s#/var/cache/product#$scratch/cache#"
}
# shows NAME README N COMMAND...: prints what the Nth block "text" says.
shows() {
  local name=$1 file=$2 n=$3
  shift 3
  block "$file" text "$n" >want
  "$@" >got 2>&1 || fail "$name: exit code $?"
  [ -s want ] && matches want got || { fail "$name"; diff want got; }
}
# evidence FOLDER: what the READMEs' code reads.
evidence() {
  mkdir -p "$1"
  cp "$ANCHORAGE_TEST_VECTORS/iid/usw2-2021-teleport-1/rsa2048.b64" "$1/rsa2048"
  cp "$ANCHORAGE_TEST_VECTORS/nitro-tpm/live-usw2-i-000fa553.cbor" \
    "$1/document.cbor"
}
# policies README FOLDER: the policies that stand in it.
policies() {
  block "$1" yaml 1 >"$2/licence.yaml"
  block "$1" yaml 2 >"$2/image.yaml"
}

part_c() {
  local readme=$top/client/c/README.md line
  cp -rL "$top/test/bindings/c" c && block "$readme" c 1 >c/product.c &&
    make -s -C c >log.c 2>&1 ||
    { fail "make"; cat log.c; return; }
  local program identity
  for program in consumer consumer-static; do
    # shellcheck disable=SC2086 # words
    ${ANCHORAGE_TEST_RUN:-} "c/$program" "${arguments[@]}" || fail "$program"
  done
  ! readelf -d c/consumer-static | grep -q 'libanchorage' ||
    fail "consumer-static has the shared library"
  # It stands there what the README's program says of each machine.
  for identity in apse2-2026-ts-verify usw2-2021-teleport-1; do
    # shellcheck disable=SC2086 # words
    line=$(${ANCHORAGE_TEST_RUN:-} c/product <"$ANCHORAGE_TEST_VECTORS/iid/$identity/rsa2048.b64")
    [ -n "$line" ] && grep -qF "$line" "$readme" || fail "README: $line"
  done
}

part_cpp() {
  local readme=$top/client/cpp/README.md
  mkdir -p examples && evidence examples && policies "$readme" examples
  readme "$readme" cpp 1 >examples/identity.cc
  readme "$readme" cpp 2 >examples/attestation.cc
  cp -rL "$top/test/bindings/cpp" cpp &&
    cmake -S cpp -B cpp/build -DCMAKE_PREFIX_PATH="$dir" \
      -DEXAMPLES="$scratch/examples" >log.cpp 2>&1 &&
    cmake --build cpp/build >>log.cpp 2>&1 ||
    { fail "cmake"; cat log.cpp; return; }
  local program
  for program in consumer consumer-static; do
    "cpp/build/$program" "${arguments[@]}" || fail "$program"
  done
  for program in 1:identity 2:attestation; do
    shows "README, ${program#*:}" "$readme" "${program%%:*}" \
      env -C examples "../cpp/build/${program#*:}"
  done
}

part_python() {
  local readme=$top/client/python/README.md
  export PYTHONPATH PYTHONDONTWRITEBYTECODE=1
  PYTHONPATH=$(find "$dir" -type d -name dist-packages | head -n 1)
  "$PYTHON" "$top/client/python/tests/anchorage_test.py" || fail "unittest"
  mkdir -p python && evidence python && policies "$readme" python
  local n
  for n in 1 2; do
    readme "$readme" python "$n" >"python/$n.py"
    shows "README, block $n" "$readme" "$n" env -C python "$PYTHON" "$n.py"
  done
  # A wheel is the same bytes each time, and all that a product needs.
  for n in 1 2; do
    "$PYTHON" "$top/client/python/make_wheel" --from "$dir" \
      --out "wheel$n" >/dev/null || fail "make_wheel"
  done
  cmp wheel1/*.whl wheel2/*.whl || fail "wheels differ"
  mkdir unpacked &&
    "$PYTHON" -m zipfile -e wheel1/anchorage-*-py3-none-linux_x86_64.whl unpacked &&
    PYTHONPATH=$PWD/unpacked "$PYTHON" -c '
import anchorage
print("wheel:", anchorage.version)
assert anchorage.__file__.startswith("'"$PWD"'/unpacked/")
anchorage.Client().state()' || fail "the wheel, unpacked"
}

# other NAME TOOL: the tests of client/NAME, where TOOL is installed.
other() {
  if [ ! -x "$top/client/$1/test" ]; then
    echo "$1: no client/$1/test"
  elif ! command -v "$2" >/dev/null; then
    echo "$1: skipped, $2 is not installed"
  else
    "$top/client/$1/test" "$dir" || fail "client/$1/test"
  fi
}
part_go() { other go go; }
part_node() { other node node; }

for part in "$@"; do
  echo "--- $part"
  "part_$part"
  cd "$scratch" || exit 1
done
echo "$failures failures"
[ "$failures" -eq 0 ]
