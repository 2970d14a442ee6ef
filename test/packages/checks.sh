# What the tests of packages share. They run as root, on a system that is spoilt
# afterwards.
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
vectors=$top/test/vectors/real/iid/usw2-2021-teleport-1
scratch=$(mktemp -d)
passed=0 failed=0
release=deb$(. /etc/os-release && echo "$VERSION_ID")

# check NAME COMMAND...: whether it exits with 0.
check() {
  if "${@:2}" >"$scratch/log" 2>&1; then
    echo "ok      $1"
    passed=$((passed + 1))
  else
    echo "FAILED  $1"
    tail -n 50 "$scratch/log"
    failed=$((failed + 1))
  fi
}
finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
  exit
}

# of_readme WORDS: the command of README.md that begins so, run where it says.
of_readme() {
  local command
  command=$(grep "^$1 " "$top/README.md")
  cd / && eval "${command//\~deb12/\~$release}" "${@:2}"
}

get() { apt-get install -y -qq --no-install-recommends "$@"; }

# A verdict of Python's for the real document, and a reason for a changed one.
python_verdict() {
  python3 - "$vectors/rsa2048.b64" "$top/test/bindings/identity.yaml" <<'END'
import base64
import sys
import anchorage

text = open(sys.argv[1]).read()
changed = base64.b64decode(text).replace(b"278576220453", b"278576220454")
client = anchorage.Client()
machine = client.verify_identity(text, policy=sys.argv[2])
assert machine.account_id == "278576220453", machine.account_id
try:
    client.verify_identity(base64.b64encode(changed).decode(), policy=sys.argv[2])
    sys.exit("the changed document was accepted")
except anchorage.Refused as refused:
    assert refused.reason == "DIGEST_MISMATCH", refused.reason
END
}

# trustctl_verdict TRUSTCTL: the same of trustctl.
trustctl_verdict() {
  "$1" verify identity --rsa2048 "$vectors/rsa2048.b64" \
    --policy "$top/test/bindings/identity.yaml" >"$scratch/verdict" &&
    grep '^ACCEPTED  account 278576220453' "$scratch/verdict" || return
  local status=0
  "$1" verify identity --rsa2048 "$vectors/rsa2048.b64" \
    --account 111111111111 >"$scratch/verdict" 2>&1 || status=$?
  [ "$status" -eq 5 ] && grep ACCOUNT_NOT_ALLOWED "$scratch/verdict"
}

# c_verdict PKG_CONFIG_PATH LIBRARIES: the first program of client/c/README.md.
c_verdict() {
  awk '$0 == "```c" { inside = 1; next } inside && $0 == "```" { exit } inside' \
    "$top/client/c/README.md" >"$scratch/product.c"
  # shellcheck disable=SC2046 # flags are words
  cc -std=c99 -o "$scratch/product" "$scratch/product.c" \
    $(PKG_CONFIG_PATH=$1 pkg-config --cflags --libs anchorage) || return
  LD_LIBRARY_PATH=$2 "$scratch/product" "$top/test/bindings/identity.yaml" \
    "$vectors/rsa2048.b64" | grep 'account 278576220453 in us-west-2'
}
