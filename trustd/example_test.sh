#!/usr/bin/env bash
# usage: example_test.sh TRUSTD EXAMPLE_YAML
# The example is good as it is, with each of its settings uncommented alone, and
# with all of them; then it starts.
set -euo pipefail
trustd=$PWD/$1
example=$PWD/$2
cd "$TEST_TMPDIR"

# uncommented [FIRST LAST]: the example without the "#" of its settings, in all
# lines or in these alone.
uncommented() { sed "${1:-1},${2:-\$}s/^#\([^ ]\|  \)/\1/" "$example"; }
checked=0
check() {
  "$trustd" --config "$1" --check-config >/dev/null || {
    echo "error: not good with $2:" >&2
    cat "$1" >&2
    exit 1
  }
  checked=$((checked + 1))
}

check "$example" 'nothing uncommented'
# A setting begins at the margin and goes on to the next line that is none.
while read -r line; do
  end=$(awk -v from="$line" 'NR >= from && !/^#([^ ]|  )/ { print NR - 1; exit }' "$example")
  uncommented "$line" "${end:-\$}" >one.yaml
  check one.yaml "line $line to ${end:-the end} uncommented"
done < <(grep -n '^#[^ ]' "$example" | cut -d: -f1)
[ "$checked" -gt 6 ] || { echo "error: only $checked settings were tried" >&2; exit 1; }
uncommented >all.yaml
check all.yaml 'everything uncommented'
# What is a comment then is prose: no setting was left behind.
! grep -E '^# *[a-z_]+: *($|[^ ]+$)' all.yaml || {
  echo "error: these lines look like settings that are not uncommented" >&2
  exit 1
}

# It starts with everything, from files that are there.
mkdir etc
sed "s#/etc/trustd#$PWD/etc#g; s#/var/lib/trustd#$PWD/data#; s#\(127.0.0.1\):[0-9]*#\1:0#" \
  all.yaml >etc/trustd.yaml
for name in tls admin people-ca; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 \
    -subj "/CN=$name" -keyout "etc/$name.key" -out "etc/$name.crt" 2>/dev/null
done
echo '{"mediaType": "application/vnd.anchorage.releases.v1+json", "sequence": "1", "createdTime": "2026-01-01T00:00:00Z"}' \
  >etc/releases.json
# Without a network the sources fail, which stops nobody.
https_proxy=http://127.0.0.1:9 "$trustd" --config etc/trustd.yaml 2>log &
pid=$!
trap 'kill "$pid" 2>/dev/null || true' EXIT
for _ in $(seq 300); do
  ! grep -q 'admin service listening' log || break
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.1
done
grep -q 'admin service listening' log || {
  echo "error: it did not start:" >&2
  cat log >&2
  exit 1
}
kill "$pid"
wait "$pid"
