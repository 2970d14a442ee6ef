#!/usr/bin/env bash
# A manifest of an image from its producer to a client: signed, submitted to a
# trustd in MODE_OFFLINE, listed by people in a ceremony, fetched, and the disk
# verified by the signed index. Then what must not work: an older index, a
# withdrawn image, a ceremony that leaves the index out.
set -uo pipefail
trustd=$PWD/$1 trustctl=$PWD/$2 make_manifest=$PWD/$3 output=$PWD/$4
# shellcheck source=test/end_to_end/expect.sh
. test/end_to_end/expect.sh

# holds COMMAND ARGUMENT...: its JSON has what OUTPUT.md says, and its names.
held=0
holds() {
  local name members member
  IFS='|' read -r name members < <(sed -n "/<!-- members of images: begin/,/end/s/^| \`$1\` |//p" "$output" | tr -d '\` ')
  # shellcheck disable=SC2086  # A command is several words.
  expect 0 "$1 for programs" "$trustctl" $1 "${@:2}" --output json && mv out json
  for member in ${members//[,|]/ }; do
    jq -e ".$member != null" json >/dev/null ||
      { echo "FAILED: $1 has no $member"; cat json; failures=$((failures + 1)); }
  done
  # shellcheck disable=SC2086
  [ "$(jq -r ".$name" json)" = "$("$trustctl" $1 "${@:2}" --output name)" ] ||
    { echo "FAILED: $1 names another $name"; failures=$((failures + 1)); }
  held=$((held + 1))
}

# --- a repository, people, and a trustd --------------------------------------
for key in root targets; do
  expect 0 "key of $key" "$trustctl" key generate --out $key.pem --unencrypted
done
mkdir -p data/keys
expect 0 'online key' "$trustctl" key generate --out data/keys/online.pem \
  --unencrypted
folder="--folder data/ceremony"
expect 0 'root init' "$trustctl" root init $folder \
  --online data/keys/online.pem.pub --key root.pem.pub
expect 0 'root sign' "$trustctl" root sign $folder --key root.pem --yes
expect 0 'root publish' "$trustctl" root publish $folder

# ceremony ARGUMENT...: the next targets.
ceremony() {
  expect 0 "propose $*" "$trustctl" targets propose $folder "$@" &&
    cp out proposed
  expect 0 'sign' "$trustctl" targets sign $folder --key root.pem --yes
  expect 0 'publish' "$trustctl" targets publish $folder
}

digest=$("$make_manifest" acme ledger 1.2 m.bundle acme-ca.pem) || exit 1
expect 0 'a producer' "$trustctl" producers add acme --product ledger \
  --certificate acme-ca.pem
says 'producers.json has sequence 1'
says 'nothing is signed yet'
expect 0 'producers' "$trustctl" producers list --list producers.json
says 'acme  ACTIVE  ledger'
# Nobody can use a certificate of RSA, which a file may have all the same.
openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -subj /CN=rsa \
  -addext keyUsage=critical,keyCertSign -outform DER -out rsa.der 2>/dev/null
jq -c --arg der "$(base64 -w0 rsa.der)" --arg sha256 "$(sha256sum <rsa.der | cut -c1-64)" \
  '.producers[0].certificates = [{$der, $sha256}]' producers.json >rsa.json
expect 3 'a first list that nobody can use' "$trustctl" targets propose $folder \
  --baked-in --producers rsa.json
says 'a certificate that is new in the list'
ceremony --baked-in --producers producers.json
grep -qF '+ acme ACTIVE for ledger' proposed ||
  { echo 'FAILED: people do not see the producer'; cat proposed; failures=1; }

expect 0 'people' "$trustctl" pki init --unencrypted
printf 'data_dir: data\nmode: MODE_OFFLINE\nlisten_address: 127.0.0.1:0\nimages: {}\n' >trustd.yaml
"$trustctl" pki server 127.0.0.1 >>trustd.yaml || failures=$((failures + 1))
sed -i 's/listen_address: 127.0.0.1:7444/listen_address: 127.0.0.1:0/' trustd.yaml
sed -i 's/^  people:/  unix_socket: {path: admin.sock}\n&/' trustd.yaml
"$trustctl" pki issue alice --role approver >>trustd.yaml ||
  failures=$((failures + 1))
"$trustctl" pki issue builder --role producer --product ledger >>trustd.yaml ||
  failures=$((failures + 1))
grep -qF 'products: ["ledger"]' trustd.yaml ||
  { echo 'FAILED: the line has no products'; cat trustd.yaml; failures=1; }
start() {
  # What the one before said must not be read as this one's.
  : >trustd.log
  "$trustd" --config trustd.yaml 2>trustd.log &
  service=$!
  until_says 'admin service listening on 1' trustd.log
  [ "$failures" -eq 0 ] || exit 1
  address=$(sed -n 's/.*regions, on \([0-9.:]*\).*/\1/p' trustd.log)
  admin=$(sed -n 's/.*admin service listening on \([0-9.:]*\).*/\1/p' trustd.log)
}
start
reader=(--server "$address")
client=(--server "$address" --trusted-root data/ceremony/1.root.json)
credentials=(--tls-roots pki/ca.pem --client-cert pki/people/builder.pem
  --client-key pki/people/builder.key)
people=(--server "$admin" "${credentials[@]}")

# --- submitted: unlisted -----------------------------------------------------
printf 'the disk of ledger 1.2' >ledger.raw
expect 0 'submit' "$trustctl" image submit m.bundle "${people[@]}"
says "manifest   $digest"
says unlisted
holds 'image submit' m.bundle "${people[@]}"
mkdir tree && printf '#!/bin/sh\n' >tree/run
expect 0 'a manifest' "$trustctl" image manifest tree --product ledger \
  --version 1 --time 2026-11-30T00:00:00Z --as-seen --out unsigned.json
expect 2 'an unsigned one' "$trustctl" image submit unsigned.json "${people[@]}"
says 'sign it with trustctl image sign'
[ "$(grep -o BUNDLE_MALFORMED out | wc -l)" -eq 1 ] ||
  { echo 'FAILED: the reason is not said once'; cat out; failures=1; }
"$make_manifest" acme signer 1.0 other.bundle ignored.pem >/dev/null
expect 5 'another product' "$trustctl" image submit other.bundle "${people[@]}"
says PRODUCT_NOT
"$make_manifest" mallory ledger 9.9 mallory.bundle ignored.pem >/dev/null
expect 5 'a stranger' "$trustctl" image submit mallory.bundle "${people[@]}"
says PRODUCER_NOT_TRUSTED
[ "$(grep -o PRODUCER_NOT_TRUSTED out | wc -l)" -eq 1 ] ||
  { echo 'FAILED: the reason is not said once'; cat out; failures=1; }
expect 0 'list' "$trustctl" image list "${reader[@]}"
says 'unlisted'
says "$digest"
# A restart keeps it.
kill "$service"; wait "$service"
start
reader=(--server "$address")
client=(--server "$address" --trusted-root data/ceremony/1.root.json)

# So does a backup.
expect 0 'backup' "$trustctl" backup copy --server "unix:$scratch/admin.sock"
sed 's/data_dir: data/data_dir: restored/; s/admin.sock/other.sock/' trustd.yaml |
  sed 's/^mode: .*/&\nceremony_dir: data\/ceremony/' >restored.yaml
mkdir -p restored/keys
cp data/keys/online.pem restored/keys/
expect 0 'restore' "$trustd" restore copy --why 'a drill' --config restored.yaml
"$trustd" --config restored.yaml 2>restored.log &
other=$!
until_says 'regions, on' restored.log
expect 0 'fetch from what was restored' "$trustctl" image fetch "$digest" \
  --server "$(sed -n 's/.*regions, on \([0-9.:]*\).*/\1/p' restored.log)" \
  --out restored.bundle
cmp m.bundle restored.bundle || { echo 'FAILED: not restored'; failures=1; }
kill "$other"; wait "$other"

# --- listed by people ----------------------------------------------------------
expect 0 'fetch' "$trustctl" image fetch "$digest" "${reader[@]}" \
  --out fetched.bundle --entry entry.json
cmp m.bundle fetched.bundle || { echo 'FAILED: another bundle'; failures=1; }
holds 'image fetch' "$digest" "${reader[@]}" --out again.bundle
expect 1 'an entry is verified' "$trustctl" image index add entry.json
expect 0 'add' "$trustctl" image index add entry.json --bundle fetched.bundle \
  --producers producers.json --disk ledger.raw \
  --at eu-west-1/123456789012/ami-0123456789abcdef0
cp images.json images-1.json
ceremony --again --producers producers.json --images images.json
grep -qF '+ ledger 1.2 ACTIVE of acme' proposed ||
  { echo 'FAILED: people do not see the image'; cat proposed; failures=1; }
until_listed() {
  for _ in $(seq 100); do
    "$trustctl" image list "${reader[@]}" --output json 2>&1 |
      grep -q "\"index_sequence\": *$1" && return
    sleep 0.2
  done
  echo "FAILED: index $1 is not served"; failures=$((failures + 1))
}
until_listed 1

expect 0 'find by image id' "$trustctl" image find "${reader[@]}" \
  --image-id ami-0123456789abcdef0
says 'ledger 1.2 of acme  ACTIVE  listed'
expect 0 'find by disk' "$trustctl" image find "${reader[@]}" --disk ledger.raw
says "$digest"
holds 'image find' "${reader[@]}" --disk ledger.raw
holds 'image list' "${reader[@]}"
holds 'image verify --disk' ledger.raw "${client[@]}"
expect 0 'verify the disk' "$trustctl" image verify --disk ledger.raw \
  "${client[@]}" --cache cache
says 'ACCEPTED  ledger 1.2 of acme'
printf 'x' >>ledger.raw
expect 3 'another disk' "$trustctl" image verify --disk ledger.raw "${client[@]}"
says IMAGE_UNKNOWN
printf 'the disk of ledger 1.2' >ledger.raw

# --- withdrawn, for good ---------------------------------------------------------
expect 0 'withdraw' "$trustctl" image index withdraw "$digest" --notes 'CVE-1'
ceremony --again --producers producers.json --images images.json
grep -qF 'notes CVE-1' proposed ||
  { echo 'FAILED: people do not see the notes'; cat proposed; failures=1; }
until_listed 2
expect 5 'a withdrawn disk' "$trustctl" image verify --disk ledger.raw \
  "${client[@]}" --cache cache
says IMAGE_WITHDRAWN
expect 4 'an older index' "$trustctl" targets propose $folder --again \
  --producers producers.json --images images-1.json
says 'was signed already'
sed 's/"sequence":"2"/"sequence":"3"/; s/STATUS_WITHDRAWN/STATUS_ACTIVE/' \
  images.json >undone.json
expect 4 'a withdrawal that is undone' "$trustctl" targets propose $folder \
  --again --producers producers.json --images undone.json
says WITHDRAWN_UNDONE

# --- the producer's key is lost ----------------------------------------------------
expect 0 'revoke' "$trustctl" producers revoke acme
ceremony --again --producers producers.json --images images.json
for _ in $(seq 50); do
  "$trustctl" producers list "${client[@]}" 2>&1 | grep -q REVOKED && break
  sleep 0.2
done
"$make_manifest" acme ledger 1.3 next.bundle ignored.pem >/dev/null
expect 5 'a new manifest of it' "$trustctl" image submit next.bundle \
  --server "$admin" "${credentials[@]}"
says PRODUCER_REVOKED

[ "$held" -eq "$(sed -n '/<!-- members of images: begin/,/end/p' "$output" | grep -c '^| `')" ] ||
  { echo "FAILED: OUTPUT.md has other commands"; failures=$((failures + 1)); }
[ "$failures" -eq 0 ] && echo OK
exit "$failures"
