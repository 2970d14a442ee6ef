#!/usr/bin/env bash
# Runs every command of trustd/backup/README.md, in order and as it stands, on a
# trustd that a client follows, and compares what it prints with what stands
# below it. `systemctl start trustd` and `stop` are of this test.
set -uo pipefail
trustd=$PWD/$1 trustctl=$PWD/$2 page=$PWD/$3
. "$PWD/test/end_to_end/console.sh"
scratch=$(mktemp -d)
trap '[ ! -e "$scratch/pid" ] || kill "$(cat "$scratch/pid")"; rm -rf "$scratch"' EXIT
mkdir "$scratch/bin"
ln -s "$trustd" "$scratch/bin/trustd"
ln -s "$trustctl" "$scratch/bin/trustctl"
export PATH=$scratch/bin:$PATH
cd "$scratch" || exit 1
ran=0
failures=0

die() {
  echo "FAILED: $1"
  [ -e trustd.log ] && tail -20 trustd.log
  exit 1
}

cat >bin/systemctl <<'SH'
#!/usr/bin/env bash
set -euo pipefail
[ "$2" = trustd ]
case $1 in
  start)
    rm -f trustd.log
    trustd --config trustd.yaml >/dev/null 2>trustd.log &
    echo $! >pid
    for _ in $(seq 600); do
      grep -qs 'admin service listening on' trustd.log && exit
      kill -0 "$(cat pid)"
      sleep 0.1
    done
    exit 1 ;;
  stop)
    kill "$(cat pid)"
    while kill -0 "$(cat pid)" 2>/dev/null; do sleep 0.1; done
    rm pid ;;
esac
SH
chmod +x bin/systemctl

# certificate CA NAME EXTENSIONS: NAME.pem and NAME.key, of that CA.
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$2.key" \
    -subj "/CN=$2" -out "$2.csr"
  openssl x509 -req -in "$2.csr" -CA "$1.pem" -CAkey "$1.key" -CAcreateserial \
    -days 60 -extfile <(printf '%s\n' "$3") -out "$2.pem"
}
{
  for ca in servers people; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
      -keyout $ca.key -subj "/CN=$ca" -days 60 -out $ca.pem
  done
  certificate servers trustd "subjectAltName=IP:127.0.0.1"
  certificate people olga "extendedKeyUsage=clientAuth"
  chmod 600 ./*.key
} >setup.log 2>&1 || { cat setup.log; die 'certificates'; }

cat >trustd.yaml <<'YAML'
data_dir: data
mode: MODE_ONLINE
listen_address: 127.0.0.1:0
http_listen_address: 127.0.0.1:0
shutdown_grace: 1s
# So that something is signed after a backup.
validity: {timestamp_interval: 1s}
admin:
  listen_address: 127.0.0.1:0
  tls: {certificate_path: trustd.pem, key_path: trustd.key}
  client_ca_path: people.pem
  people:
    - {name: olga, role: ROLE_OPERATOR}
YAML

# Where it listens now.
addresses() {
  SERVER=$(sed -n 's/.*regions, on \([0-9.:]*\).*/\1/p' trustd.log)
  HTTP=$(sed -n 's|.*http://\([0-9.:]*\)/tuf/.*|\1|p' trustd.log)
  local admin
  admin=$(sed -n 's/.*admin service listening on \([0-9.:]*\).*/\1/p' trustd.log)
  ADMIN="--server $admin --tls-roots servers.pem --client-cert olga.pem --client-key olga.key"
  export SERVER HTTP ADMIN
}

run() {
  ran=$((ran + 1))
  local code=0
  addresses
  case $1 in
    'systemctl stop trustd')
      # Clients have more than any backup.
      for _ in $(seq 100); do
        trustctl bundle fetch --server "$SERVER" --trusted-root data/1.root.json \
          --out client-cache >/dev/null 2>&1 || die 'a client'
        trustctl bundle show --server "$SERVER" \
          --trusted-root data/1.root.json >shown 2>&1 || die 'a client'
        [ ! -e monday/store.head ] || [ -e accepted ] ||
          [ "$(sed -n 's/^timestamp //p' data/store.head)" -le \
            "$(sed -n 's/^timestamp //p' monday/store.head)" ] || break
        [ ! -e accepted ] || break
        sleep 0.1
      done ;;
    *'store accept'*) touch accepted ;;
  esac
  timeout 60 bash -c "$1" >got 2>&1 </dev/null || code=$?
  if [ $code -eq 0 ] && { [ ! -s want ] || matches want got; }; then return; fi
  failures=$((failures + 1))
  echo "FAILED: $1 (exit code $code)"
  diff want got
}

systemctl start trustd || die 'trustd does not start'
inside=false command=
while IFS= read -r line; do
  case "$line" in
    '```console') inside=true command= ;;
    '```'*)
      if $inside && [ -n "$command" ]; then run "$command"; fi
      inside=false command= ;;
    '$ '*)
      if $inside; then
        [ -z "$command" ] || run "$command"
        command=${line#'$ '}
        : >want
      fi ;;
    *) if $inside; then printf '%s\n' "$line" >>want; fi ;;
  esac
done <"$page"

# The client, which never went back, follows.
addresses
trustctl bundle show --server "$SERVER" --trusted-root data/1.root.json \
  --cache client-cache >got 2>&1 || { cat got; die 'a client follows'; }
grep -q 'now .*FRESH' got || { cat got; die 'a client is fresh'; }

# What was wrong with it.
trustctl backup monday $ADMIN >got 2>&1 && die 'a folder is overwritten'
grep -q 'not an empty folder' got || { cat got; die 'and it is said'; }
truncate -s -1 "$(find before-upgrade -name '*.sst' | head -1)"
trustctl backup verify before-upgrade >got 2>&1 && die 'a cut backup verifies'
grep -q BACKUP_CUT got || { cat got; die 'and it is said'; }
systemctl stop trustd
trustd restore before-upgrade --why x --config trustd.yaml >got 2>&1 &&
  die 'a cut backup is restored'
grep -q BACKUP_CUT got || { cat got; die 'and it is said'; }
trustd doctor --config trustd.yaml --output json >got ||
  { cat got; die 'the doctor finds a failure'; }
jq -e '.schema_version == 1 and .result == "warn" and
       (.checks | length) == 17' got >/dev/null || { cat got; die 'JSON'; }
echo 'data_dir: [' >broken.yaml
trustd doctor --config broken.yaml >got && die 'a broken configuration is good'
grep -q CONFIG_INVALID got || { cat got; die 'and it is said'; }

echo "$ran commands, $failures failures"
[ "$failures" -eq 0 ] && [ "$ran" -ge 12 ]
