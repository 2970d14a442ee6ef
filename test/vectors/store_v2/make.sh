#!/usr/bin/env bash
# Makes the folders beside this file again, or those in FOLDER, with the programs
# of an earlier commit: what a trustd and a client of then leave on a disk.
#
# usage: make.sh TRUSTD TRUSTCTL [FOLDER]
#
# Needs jq, openssl and two free ports of the loopback interface.
set -euo pipefail
trustd=$(realpath "$1") trustctl=$(realpath "$2")
here=$(cd "${3:-$(dirname "$0")}" && pwd)
scratch=$(mktemp -d)
service=
trap '[ -z "$service" ] || kill "$service"; rm -rf "$scratch"' EXIT
cd "$scratch"

# certificate CA NAME EXTENSIONS: NAME.pem and NAME.key, of that CA.
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout "$2.key" -subj "/CN=$2" -out "$2.csr"
  openssl x509 -req -in "$2.csr" -CA "$1.pem" -CAkey "$1.key" -CAcreateserial \
    -days 2 -extfile <(printf '%s\n' "$3") -out "$2.pem"
}
for ca in servers people; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout $ca.key -subj "/CN=$ca" -days 2 -out $ca.pem
done 2>openssl.log
{
  certificate servers trustd "subjectAltName=IP:127.0.0.1"
  for person in alice olga; do
    certificate people $person "extendedKeyUsage=clientAuth"
  done
} 2>>openssl.log
chmod 600 ./*.key

# new_key REGION KIND BITS: the source shows another key.
new_key() {
  openssl req -x509 -newkey "rsa:$3" -nodes -keyout aws.key -days 3650 \
    -subj "/C=US/O=Not AWS/CN=$1 $2" -out next.pem 2>>openssl.log
  mv next.pem "aws/aws/$1/$2.pem"
}

# What a trustd says, and what one of schema 2 said.
listens='admin service listening on|people decide on'
# start NAME: trustd on NAME.yaml.
start() {
  "$trustd" --config "$1.yaml" 2>"$1.log" &
  service=$!
  for _ in $(seq 100); do
    grep -Eq "$listens" "$1.log" && break
    kill -0 "$service"
    sleep 0.1
  done
  server=$(sed -n 's/.*regions, on \([0-9.:]*\).*/\1/p' "$1.log")
  admin=$(sed -En "s/.*($listens) ([0-9.:]*).*/\2/p" "$1.log")
}
stop() {
  kill "$service"
  wait "$service" || true
  service=
}
# as PERSON COMMAND...
as() {
  local person=$1
  shift
  "$trustctl" "$@" --server "$admin" --tls-roots servers.pem \
    --client-cert "$person.pem" --client-key "$person.key"
}
look() {
  as olga sources poll
  sleep 2
}
# number CLASS KIND: of the open rotation.
number() {
  as olga rotations list --open --class "$1" --kind "$2" --output json |
    jq -r '.rotations[0].id'
}
key_of() {
  jq -r --arg region "$1" --arg kind "$2" '.anchors[] |
    select(.slot.region == $region and .slot.kind == $kind) | .spkiSha256' \
    first.json
}

config() {
  cat >"$1.yaml" <<YAML
data_dir: $1
mode: $2
listen_address: 127.0.0.1:0
shutdown_grace: 1s
$3
rotations: {approvals: 2}
sources:
  - name: folder
    directory: {path: aws}
admin:
  listen_address: 127.0.0.1:0
  tls: {certificate_path: trustd.pem, key_path: trustd.key}
  client_ca_path: people.pem
  people:
    - {name: alice, role: ROLE_APPROVER}
    - {name: olga, role: ROLE_OPERATOR}
YAML
}

# --- four regions of what is built in, and a source that shows them -------------
mkdir -p aws/aws
config seed MODE_ONLINE ''
start seed
"$trustctl" repository export --server "$server" \
  --trusted-root seed/1.root.json exported >/dev/null
stop
jq -c '.anchors |= map(select(.slot.partition == "aws" and
  (.slot.region | IN("eu-west-1", "eu-west-2", "eu-south-1", "eu-north-1"))))' \
  "$(find exported -name '*.anchors.json')" >first.json
jq -r '.anchors[] | select(.status == null or .status == "ANCHOR_STATUS_ACTIVE") |
  [.slot.region, .slot.kind, (.certificates[] | select(.superseded | not) | .der)] |
  @tsv' first.json |
while IFS=$'\t' read -r region kind der; do
  kind=$(tr '_' '-' <<<"${kind#ANCHOR_KIND_}" | tr '[:upper:]' '[:lower:]')
  mkdir -p "aws/aws/$region"
  printf '%s' "$der" | base64 -d | openssl x509 -inform DER \
    -out "aws/aws/$region/$kind.pem"
done
cp -r aws aws.first

# --- MODE_ONLINE ------------------------------------------------------------------
config online MODE_ONLINE 'initial_catalog_path: first.json'
start online
look
# A new key that two people approve, and one that waits for the second.
new_key eu-west-1 iid-rsa2048 2048
new_key eu-west-2 iid-rsa1024 1024
look
published=$(number RE_KEY iid-rsa2048)
open=$(number RE_KEY iid-rsa1024)
for person in alice olga; do
  as $person rotations approve "$published" --yes --why 'AWS announced it'
done
as alice rotations approve "$open" --yes --why 'AWS announced this, too'
# Programs of schema 2 have no such flag.
last_key=$("$trustctl" anchors revoke --help | grep -o -m 1 -e --last-key || true)
as olga anchors revoke "$(key_of eu-south-1 ANCHOR_KIND_IID_RSA2048)" \
  --partition aws --region eu-south-1 --kind iid-rsa2048 --yes --why 'a leak' \
  $last_key
as olga anchors retire "$(key_of eu-north-1 ANCHOR_KIND_IID_RSA1024)" \
  --partition aws --region eu-north-1 --kind iid-rsa1024 --yes \
  --until 2026-12-31T00:00:00Z --accept-until 2027-12-31T00:00:00Z \
  --why 'no instance of then is left in a year' $last_key
"$trustctl" bundle fetch --server "$server" \
  --trusted-root online/1.root.json --out cache
stop
cp -r aws online.aws

# --- MODE_OFFLINE -----------------------------------------------------------------
rm -rf aws && cp -r aws.first aws
mkdir -p offline/keys
{
  "$trustctl" key generate --out offline/keys/online.pem --unencrypted
  for person in alice bob; do
    "$trustctl" key generate --out $person.root.pem --unencrypted
  done
  "$trustctl" root init --folder offline/ceremony \
    --online offline/keys/online.pem.pub --key alice.root.pem.pub \
    --key bob.root.pem.pub
  for draft in root targets; do
    [ $draft = root ] ||
      "$trustctl" targets propose --folder offline/ceremony --catalog first.json
    for person in alice bob; do
      "$trustctl" $draft sign --folder offline/ceremony \
        --key $person.root.pem --yes
    done
    "$trustctl" $draft publish --folder offline/ceremony
  done
} >ceremony.log 2>&1 || { cat ceremony.log; exit 1; }
config offline MODE_OFFLINE 'ceremony_dir: offline/ceremony'
start offline
look
new_key eu-west-1 iid-rsa2048 2048
look
approved=$(number RE_KEY iid-rsa2048)
for person in alice olga; do
  as $person rotations approve "$approved" --yes --why 'AWS announced it'
done
for _ in $(seq 100); do
  [ -e offline/proposal.json ] && break
  sleep 0.1
done
stop
cp -r aws offline.aws

# --- what is kept -------------------------------------------------------------------
for folder in online offline cache online.aws offline.aws; do
  rm -rf "${here:?}/$folder"
  rm -rf "$folder"/store/LOG* "$folder"/store/LOCK "$folder"/LOCK \
    "$folder"/lock "$folder"/sources
  cp -r "$folder" "$here/$folder"
done
cp online/1.root.json "$here/cache.root.json"
date -u +%Y-%m-%dT%H:%M:%SZ >"$here/made"
