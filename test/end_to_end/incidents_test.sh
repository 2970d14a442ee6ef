#!/usr/bin/env bash
# Runs every command of trustd/INCIDENTS.md, in order and as it stands, on a
# trustd in MODE_OFFLINE that has served a client, and compares what it prints
# with what stands below it. A line "..." stands for any lines, and "..." within
# a line for any text.
set -uo pipefail
trustd=$PWD/$1 trustctl=$PWD/$2 page=$PWD/$3 show_timestamp=$PWD/$4
. "$PWD/test/end_to_end/console.sh"
scratch=$(mktemp -d)
service=
trap '[ -z "$service" ] || kill "$service"; rm -rf "$scratch"' EXIT
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

# --- what there was before -----------------------------------------------------
mkdir -p data/keys
{
  for person in alice bob carol; do
    trustctl key generate --out $person.pem --unencrypted || exit
  done
  trustctl key generate --out data/keys/online.pem --unencrypted
  trustctl root init --folder ceremony --online data/keys/online.pem.pub \
    --key alice.pem.pub --key bob.pem.pub --key carol.pem.pub
  for person in alice bob; do
    trustctl root sign --folder ceremony --key $person.pem --yes
  done
  trustctl root publish --folder ceremony
  trustctl targets propose --folder ceremony --baked-in
  for person in alice bob; do
    trustctl targets sign --folder ceremony --key $person.pem --yes
  done
  trustctl targets publish --folder ceremony
} >setup.log 2>&1 || { cat setup.log; die 'set-up'; }

# certificate CA NAME EXTENSIONS: NAME.pem and NAME.key, of that CA.
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$2.key" \
    -subj "/CN=$2" -out "$2.csr"
  openssl x509 -req -in "$2.csr" -CA "$1.pem" -CAkey "$1.key" -CAcreateserial \
    -days 2 -extfile <(printf '%s\n' "$3") -out "$2.pem"
}
{
  for ca in servers people; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
      -keyout $ca.key -subj "/CN=$ca" -days 2 -out $ca.pem
  done
  certificate servers trustd "subjectAltName=IP:127.0.0.1"
  certificate people olga "extendedKeyUsage=clientAuth"
  chmod 600 ./*.key
} >>setup.log 2>&1 || { cat setup.log; die 'certificates'; }

cat >trustd.yaml <<'YAML'
data_dir: data
ceremony_dir: ceremony
mode: MODE_OFFLINE
listen_address: 127.0.0.1:0
http_listen_address: 127.0.0.1:0
shutdown_grace: 1s
reports: {}
admin:
  listen_address: 127.0.0.1:0
  tls: {certificate_path: trustd.pem, key_path: trustd.key}
  client_ca_path: people.pem
  people:
    - {name: olga, role: ROLE_OPERATOR}
YAML

start() {
  # What the one before said must not be read as this one's.
  rm -f trustd.log
  trustd --config trustd.yaml 2>trustd.log &
  service=$!
  for _ in $(seq 600); do
    grep -qs 'admin service listening on' trustd.log && break
    kill -0 "$service" 2>/dev/null || die 'trustd does not start'
    sleep 0.1
  done
  export SERVER=$(sed -n 's/.*regions, on \([0-9.:]*\).*/\1/p' trustd.log)
  export HTTP=$(sed -n 's|.*http://\([0-9.:]*\)/tuf/.*|\1|p' trustd.log)
  local admin
  admin=$(sed -n 's/.*admin service listening on \([0-9.:]*\).*/\1/p' trustd.log)
  export ADMIN="--server $admin --tls-roots servers.pem --client-cert olga.pem --client-key olga.key"
}
stop() {
  kill "$service"
  wait "$service" 2>/dev/null
  service=
}

start
stop
# A backup, and then what happens after it.
cp -r data/store monday
start
cp data/1.root.json .

# --- the page --------------------------------------------------------------------
run() {
  ran=$((ran + 1))
  # A variable that one command sets is there for the next.
  printf '%s\n' "$1" >command
  { timeout 60 bash -c "[ ! -e env ] || . ./env; . ./command; declare -p KEY >env 2>/dev/null; exit 0" \
      || echo "timed out"; } >got 2>&1 </dev/null
  if [ ! -s want ] || matches want got; then
    ! grep -q 'error:\|timed out' got && return
  fi
  failures=$((failures + 1))
  echo "FAILED: $1"
  diff want got
}

inside=false command=
while IFS= read -r line; do
  case "$line" in
    '## The online key is stolen')
      # Its thief shows a timestamp that nothing can follow.
      "$show_timestamp" "$SERVER" data/keys/online.pem 9007199254740991 \
        || die 'the forged timestamp'
      [ "$(curl -sS "http://$HTTP/healthz")" = \
        'serving, and signing nothing: see the log' ] \
        || die 'the forged timestamp is not noticed' ;;
    '## A key of AWS is stolen')
      [ "$(curl -sS "http://$HTTP/healthz")" = ok ] \
        || die 'the next root does not end it' ;;
    '## The store went back')
      # A client has the newest; the store is put back.
      trustctl bundle fetch --server "$SERVER" --trusted-root 1.root.json \
        --out client-cache >/dev/null 2>&1 || die 'a client'
      stop
      rm -rf data/store
      cp -r monday data/store
      start
      for _ in $(seq 100); do
        grep -q 'the store went back' trustd.log && break
        sleep 0.1
      done
      grep -q 'the store went back' trustd.log || die 'trustd noticed nothing' ;;
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

# What clients make of all of it, from the first root on.
trustctl bundle show --server "$SERVER" --trusted-root 1.root.json \
  --cache client-cache >got 2>&1 || { cat got; die 'a client follows'; }
grep -q 'now .*sequence 3 .*FRESH' got || { cat got; failures=$((failures + 1)); }

echo "$ran commands, $failures failures"
[ "$failures" -eq 0 ] && [ "$ran" -ge 25 ]
