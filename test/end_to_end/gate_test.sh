#!/usr/bin/env bash
# What once brought a wrong certificate or key into use, or locked a right one
# out: each on a trustd of its own, over a folder as its source, with people who
# use trustctl. It needs nothing of a trustd but what every version has, so that
# an older one can be given, to see what it did.
#
# usage: gate_test.sh TRUSTD TRUSTCTL CERTIFICATES [CASE]...
#   CERTIFICATES  the folder anchors/baked/certificates
#   CASE          a function of this file below "what went wrong" (default: all)
set -uo pipefail
trustd=$(realpath "$1") trustctl=$(realpath "$2") certificates=$(realpath "$3")
shift 3
scratch=$(mktemp -d)
service=
trap '[ -z "$service" ] || kill "$service"; rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
failures=0

fail() {
  failures=$((failures + 1))
  echo "FAILED: $case: $1"
}

# --- certificates ----------------------------------------------------------------
# pem REGION KIND: the certificate that is pinned there.
pem() { echo "$certificates/$1.$2.pem"; }
fingerprint() { openssl x509 -in "$1" -outform DER | sha256sum | cut -d ' ' -f 1; }
key_of() {
  openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER |
    sha256sum | cut -d ' ' -f 1
}

# forged PEM: another certificate over its key, which that key never signed,
# with a hundred years to go.
forged() {
  [ -e thief.key ] || openssl genrsa -out thief.key 2048 2>/dev/null
  openssl x509 -in "$1" -noout -pubkey >victim.pub
  openssl req -new -key thief.key -out forged.csr \
    -subj '/C=US/ST=Washington State/L=Seattle/O=Amazon Web Services LLC'
  openssl x509 -req -in forged.csr -signkey thief.key -days 36500 \
    -force_pubkey victim.pub 2>/dev/null
}

# own NAME DAYS: another certificate of a key of ours, made when it is first named.
own() {
  [ -e "$1.aws" ] || openssl genrsa -out "$1.aws" 2048 2>/dev/null
  openssl req -new -x509 -key "$1.aws" -days "$2" \
    -subj '/C=US/ST=Washington State/L=Seattle/O=Amazon Web Services LLC'
}

# --- people ------------------------------------------------------------------------
{
  for ca in servers people; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
      -keyout $ca.key -subj "/CN=$ca" -days 2 -out $ca.pem
  done
  certify() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
      -keyout "$2.key" -subj "/CN=$2" -out "$2.csr"
    openssl x509 -req -in "$2.csr" -CA "$1.pem" -CAkey "$1.key" \
      -CAcreateserial -days 2 -extfile <(echo "$3") -out "$2.pem"
  }
  certify servers trustd 'subjectAltName=IP:127.0.0.1'
  for person in alice bob carol; do
    certify people $person 'extendedKeyUsage=clientAuth'
  done
  chmod 600 ./*.key
} >people.log 2>&1 || { cat people.log; exit 1; }

# as PERSON COMMAND...: of trustctl.
as() {
  local person=$1
  shift
  "$trustctl" "$@" --server "$admin" --tls-roots servers.pem \
    --client-cert "$person.pem" --client-key "$person.key" 2>&1
}

# --- a trustd ------------------------------------------------------------------------
# world CASE [NAME=VALUE]...: a fresh one, which reads the folder page1.
#   approvals  how many people approve (1)
#   people     who they are (alice bob)
#   sources    how many folders it reads (1): page1, page2
world() {
  case=$1 approvals=1 people='alice bob' sources=1
  shift
  [ $# -eq 0 ] || declare -g "$@"
  stop
  rm -rf data page? log
  local i file region kind
  for i in $(seq $sources); do
    for file in "$certificates"/*.rsa2048.pem "$certificates"/*.rsa1024.pem; do
      region=$(basename "$file") kind=iid-${file%.pem}
      kind=iid-${kind##*.} region=${region%%.*}
      case $region in cn-* | us-gov-* | eusc-*) continue ;; esac
      mkdir -p "page$i/aws/$region"
      cp "$file" "page$i/aws/$region/$kind.pem"
    done
  done
  configure
  start
}

configure() {
  {
    printf '%s\n' 'data_dir: data' 'mode: MODE_ONLINE' 'shutdown_grace: 1s' \
      'listen_address: 127.0.0.1:0' 'rotations:' "  approvals: $approvals" sources:
    local i person
    for i in $(seq $sources); do
      printf '%s\n' "  - name: page$i" '    partitions: [aws]' \
        '    kinds: [iid-rsa2048, iid-rsa1024]' '    directory: {path: '"page$i}"
    done
    printf '%s\n' admin: '  listen_address: 127.0.0.1:0' \
      '  tls: {certificate_path: trustd.pem, key_path: trustd.key}' \
      '  client_ca_path: people.pem' '  people:'
    for person in $people; do
      printf '%s\n' "    - {name: $person, role: ROLE_OPERATOR}"
    done
  } >trustd.yaml
}

start() {
  : >log
  "$trustd" --config trustd.yaml 2>>log &
  service=$!
  for _ in $(seq 300); do
    admin=$(sed -n 's/.*people decide on \([0-9.:]*\).*/\1/p;
                    s/.*admin service listening on \([0-9.:]*\).*/\1/p' log)
    [ -z "$admin" ] || break
    kill -0 "$service" 2>/dev/null || { cat log; fail 'trustd does not start'; return 1; }
    sleep 0.1
  done
  server=$(sed -n 's/.*regions, on \([0-9.:]*\).*/\1/p' log)
}
stop() {
  [ -n "$service" ] || return 0
  kill "$service"
  wait "$service" 2>/dev/null
  service=
}

# Has every folder polled, twice: what one poll brings may be judged by the next.
poll() {
  local i
  sleep 0.1
  for i in $(seq $sources) $(seq $sources); do
    as alice sources poll "page$i" >/dev/null || fail "poll of page$i"
  done
  sleep 0.5
}

# show PEM REGION KIND [PAGE]: on the page from now on; PEM may hold several.
show() { cp "$1" "${4:-page1}/aws/$2/$3.pem"; }

# anchors REGION KIND: the anchors that clients get there, a line each: status,
# key, and the certificates in use; "-" before one that is superseded.
anchors() {
  rm -rf public
  "$trustctl" repository export --server "$server" \
    --trusted-root data/1.root.json public >/dev/null 2>&1 ||
    fail 'clients are not served'
  sed 's/{"slot":/\n&/g' $(ls -t public/tuf/targets/catalog/v1/*.json | head -1) |
    awk -v region="\"region\":\"$1\"" \
      -v kind="\"kind\":\"ANCHOR_KIND_$(tr a-z- A-Z_ <<<"$2")\"" '
      function value(text, name) {
        if (!match(text, "\"" name "\":\"[^\"]*")) return ""
        return substr(text, RSTART + length(name) + 4, RLENGTH - length(name) - 4)
      }
      index($0, region) && index($0, kind) {
        line = value($0, "status") " " value($0, "spkiSha256")
        n = split($0, part, /\{"der":/)
        for (i = 2; i <= n; i++)
          line = line " " (part[i] ~ /"superseded":true/ ? "-" : "") value(part[i], "sha256")
        sub("ANCHOR_STATUS_", "", line)
        print line
      }'
}
in_use() { anchors "$1" "$2" | grep -q " $(fingerprint "$3")"; }
open_rotations() { as alice rotations list --open --output name; }

# --- what went wrong -------------------------------------------------------------
forged_then_both() {
  world "a forged certificate, then with the genuine one"
  local genuine region=eu-west-1 kind=iid-rsa2048
  genuine=$(pem $region rsa2048)
  forged "$genuine" >forged.pem
  show forged.pem $region $kind
  poll
  cat forged.pem "$genuine" >both.pem
  show both.pem $region $kind
  poll
  in_use $region $kind forged.pem && fail 'the forged one is in use'
  in_use $region $kind "$genuine" || fail 'the genuine one is not in use'
}

forged_in_one_of_two() {
  world "two sources, one of which shows a forged certificate" sources=2
  local genuine region=eu-west-1 kind=iid-rsa2048
  genuine=$(pem $region rsa2048)
  forged "$genuine" >forged.pem
  show forged.pem $region $kind page1
  poll
  show forged.pem $region $kind page2
  poll
  show "$genuine" $region $kind page2
  poll
  in_use $region $kind forged.pem && fail 'the forged one is in use'
  in_use $region $kind "$genuine" || fail 'the genuine one is not in use'
}

wrong_key_retired() {
  world "the wrong key is retired" approvals=2
  local genuine key region=eu-west-1 kind=iid-rsa2048 slot
  genuine=$(pem $region rsa2048) key=$(key_of "$(pem $region rsa2048)")
  slot="--partition aws --region $region --kind $kind --yes"
  as alice anchors retire $key $slot --why mistaken --last-key >/dev/null ||
    fail 'one person does not retire'
  anchors $region $kind | grep -q "^RETIRED $key" || fail 'it is not retired'
  as alice anchors add "$genuine" $slot --why back >/dev/null &&
    fail 'to add it again is answered with success, and it stays RETIRED'
  as alice anchors reactivate $key $slot --why mistaken >/dev/null ||
    fail 'there is no way back'
  anchors $region $kind | grep -q "^RETIRED $key" || fail 'one person brought it back'
  as bob anchors reactivate $key $slot --why mistaken >/dev/null
  anchors $region $kind | grep -q "^ACTIVE $key" || fail 'two people do not bring it back'
}

one_person_adds() {
  world "one person adds where two must approve" approvals=2
  own added 1000 >added.pem
  local region=eu-west-1 kind=iid-rsa2048
  as alice anchors add added.pem --partition aws --region $region --kind $kind \
    --why mine --yes >/dev/null
  in_use $region $kind added.pem && fail 'it is in use'
}

one_region_under_others() {
  world "one region's certificate under the sixteen that share its key"
  local region shared changed=()
  shared=$(key_of "$(pem us-east-1 rsa1024)")
  for region in $(ls page1/aws); do
    [ -e "page1/aws/$region/iid-rsa1024.pem" ] || continue
    [ "$(key_of "page1/aws/$region/iid-rsa1024.pem")" = "$shared" ] || continue
    changed+=("$region")
    show "$(pem us-east-1 rsa1024)" "$region" iid-rsa1024
  done
  poll
  for region in "${changed[@]}"; do
    show "$(pem "$region" rsa1024)" "$region" iid-rsa1024
  done
  poll
  [ "${#changed[@]}" -eq 17 ] || fail "${#changed[@]} regions share the key"
  for region in eu-west-1 us-west-2; do
    in_use "$region" iid-rsa1024 "$(pem "$region" rsa1024)" ||
      fail "the certificate of $region is not in use"
  done
  [ -z "$(open_rotations)" ] ||
    fail "$(open_rotations | wc -l) rotations stay open, and nobody can close them"
}

swaps() {
  world "fifteen swaps, then a re-issue"
  local i region=eu-west-1 kind=iid-rsa2048
  own ours 900 >first.pem
  as alice anchors add first.pem --partition aws --region $region --kind $kind \
    --why ours --yes >/dev/null
  for i in $(seq 16); do
    own ours $((900 + i)) >next.pem
    cat next.pem "$(pem $region rsa2048)" >page.pem
    show page.pem $region $kind
    poll
  done
  own ours 2000 >last.pem
  as alice anchors add last.pem --partition aws --region $region --kind $kind \
    --why ours --yes >added.log || { cat added.log; fail 'an add is refused for good'; }
  in_use $region $kind last.pem || fail 'what a person adds is not in use'
}

who_left() {
  world "who approved and left" approvals=2
  local id region=eu-west-1 kind=iid-rsa2048
  own re-key 1000 >re-key.pem
  show re-key.pem $region $kind
  poll
  id=$(open_rotations)
  as alice rotations approve "$id" --why 'looks right' --yes >/dev/null || fail 'alice approves'
  stop
  people='bob carol'
  configure
  start
  as bob rotations approve "$id" --why 'looks right' --yes >/dev/null
  in_use $region $kind re-key.pem && fail 'the approval of who left counts'
}

before_the_hold() {
  world "an approval of before a hold" approvals=2 people='alice bob carol'
  local id region=eu-west-1 kind=iid-rsa2048
  own re-key 1000 >re-key.pem
  show re-key.pem $region $kind
  poll
  id=$(open_rotations)
  as alice rotations approve "$id" --why 'looks right' --yes >/dev/null || fail 'alice approves'
  as bob rotations hold "$id" --why wait >/dev/null || fail 'bob holds'
  as carol rotations approve "$id" --why 'looks right' --yes >/dev/null
  in_use $region $kind re-key.pem && fail 'the approval of before the hold counts'
}

wrong_targets_key() {
  world "a key that the root does not name"
  stop
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
    -out data/keys/targets.pem 2>/dev/null
  timeout 20 "$trustd" --config trustd.yaml 2>log &
  service=$!
  for _ in $(seq 50); do
    kill -0 "$service" 2>/dev/null || { service=; return; }
    sleep 0.1
  done
  fail 'it starts, and fails at the first revocation'
}

more_than_eight() {
  world "nine certificates in a slot"
  local i genuine region=eu-west-1 kind=iid-rsa2048
  genuine=$(pem $region rsa2048)
  cp "$genuine" nine.pem
  for i in $(seq 9); do
    own "nine$i" 1000 >one.pem
    cat one.pem >>nine.pem
  done
  show nine.pem $region $kind
  poll
  local id
  for id in $(open_rotations); do
    as alice rotations approve "$id" --why 'looks right' --yes >/dev/null
  done
  [ "$(anchors $region $kind | wc -l)" -eq 1 ] ||
    fail "$(anchors $region $kind | wc -l) keys are in: some of what was shown is applied"
}

cases=(forged_then_both forged_in_one_of_two wrong_key_retired one_person_adds
  one_region_under_others swaps who_left before_the_hold wrong_targets_key
  more_than_eight)
[ $# -eq 0 ] || cases=("$@")
for each in "${cases[@]}"; do
  before=$failures
  "$each"
  [ "$failures" -gt "$before" ] || echo "ok: $case"
done
echo "${#cases[@]} cases, $failures failures"
[ "$failures" -eq 0 ]
