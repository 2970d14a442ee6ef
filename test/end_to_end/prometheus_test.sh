#!/usr/bin/env bash
# The names that rules and the dashboard ask for are those that a trustd has, and
# the manual has them too; alerts as people see and acknowledge them.
set -uo pipefail
trustd=$PWD/$1 trustctl=$PWD/$2 folder=$PWD/trustd
scratch=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; wait 2>/dev/null; rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
failures=0
fail() { echo "FAILED $*"; failures=$((failures + 1)); }

for name in server olga; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout $name.key -out $name.pem -days 2 -subj "/CN=$name" \
    -addext 'subjectAltName=IP:127.0.0.1' 2>/dev/null
done
(umask 077; openssl rand -hex 32 >secret)
cat >trustd.yaml <<'END'
data_dir: data
mode: MODE_ONLINE
listen_address: 127.0.0.1:0
http_listen_address: 127.0.0.1:0
reports: {}
sources: [{name: files, directory: {path: nowhere}}]
admin:
  listen_address: 127.0.0.1:0
  tls: {certificate_path: server.pem, key_path: server.key}
  client_ca_path: olga.pem
  people: [{name: olga, role: ROLE_OPERATOR}]
alerts:
  webhooks:
    - {name: pager, url: 'http://127.0.0.1:9/', allow_loopback_http: true, secret_path: secret}
END
"$trustd" --config trustd.yaml >log 2>&1 &
pid=$!
for _ in $(seq 300); do
  grep -q 'admin service listening' log && grep -q 'alert SOURCE_FAILING' log && break
  sleep 0.1
done
http=$(sed -n 's#.*are on \(http://[^/]*\)/tuf/.*#\1#p' log)
admin=$(sed -n 's/.*admin service listening on \([0-9.:]*\).*/\1/p' log)
[ -n "$http" ] && [ -n "$admin" ] || { cat log; exit 1; }
ask=(--server "$admin" --tls-roots server.pem --client-cert olga.pem --client-key olga.key)

# --- names -------------------------------------------------------------------
curl -sS "$http/metrics" >metrics || fail "no metrics"
sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' metrics | sort -u >real
# There once it has happened.
printf '%s\n' trustd_rpc_failures_total trustd_shed_total trustd_http_requests_total \
  trustd_fleet_failing_senders >>real
grep -oh 'trustd_[a-z_]*' "$folder/prometheus/alerts.rules.yaml" \
  "$folder/prometheus/dashboard.json" |
  sed 's/_\(bucket\|count\|sum\)$//' | sort -u >asked
[ "$(wc -l <asked)" -gt 20 ] || fail "nothing is asked for"
while read -r name; do
  grep -qx "$name" real || fail "$name is asked for, and there is none"
done <asked
while read -r name; do
  grep -q "$name" "$folder/README.md" "$folder/alerts/README.md" "$folder/fleet/README.md" ||
    fail "$name is in no manual"
done <real

# --- alerts, as people have them ------------------------------------------------
"$trustctl" alerts list "${ask[@]}" >out 2>&1 || fail "alerts list: $(cat out)"
grep -q '^WARNING  SOURCE_FAILING  files$' out || fail "it is not open: $(cat out)"
grep -q 'manual: /usr/share/doc/trustd/alerts/ALERTS.md#source_failing' out || fail "no manual: $(cat out)"
[ "$("$trustctl" alerts list "${ask[@]}" --output name)" = source/files ] || fail "no id"
"$trustctl" alerts ack source/files --until 36h --why "their proxy" "${ask[@]}" >out 2>&1
grep -q '^acknowledged  source/files until ' out || fail "ack: $(cat out)"
"$trustctl" alerts list "${ask[@]}" --output json |
  grep -q '"acknowledged_by": "olga"' || fail "nobody knows"
"$trustctl" alerts ack source/other --until 36h --why no "${ask[@]}" >out 2>&1 && fail "acknowledged"
grep -q ALERT_NOT_FOUND out || fail "no reason: $(cat out)"
"$trustctl" alerts ack source/files --until soon --why no "${ask[@]}" >out 2>&1 && fail "acknowledged"
grep -q "such as 36h" out || fail "no hint: $(cat out)"
# Every command that an alert or a rule names is one.
{
  sed -n 's/^ *command: \(trustctl .*\)/\1/p' "$folder/prometheus/alerts.rules.yaml"
  grep -oh '`trustctl [^`]*`' "$folder/alerts/ALERTS.md" | tr -d '`'
} | sed 's/ \(--\|ID\|FOLDER\).*//' | sort -u >commands
while read -r command; do
  # shellcheck disable=SC2086
  "$trustctl" ${command#trustctl } --help >out 2>&1 </dev/null ||
    fail "there is no '$command'"
done <commands

[ $failures -eq 0 ]
