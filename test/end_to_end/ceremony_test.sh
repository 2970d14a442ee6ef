#!/usr/bin/env bash
# From an empty folder to a served bundle: a root that two of three people must
# sign, one of whose keys is in a PKCS #11 token, and a trustd in MODE_OFFLINE.
# Then a second approval, a new online key, and what must not work.
set -uo pipefail
trustd=$PWD/$1 trustctl=$PWD/$2
# shellcheck source=test/end_to_end/expect.sh
. test/end_to_end/expect.sh

# --- the keys ---------------------------------------------------------------
printf 'correct horse\n' >passphrase
printf '4711\n' >pin
chmod 600 passphrase pin
for person in alice bob; do
  expect 0 "key of $person" "$trustctl" key generate --out $person.pem \
    --passphrase-file passphrase
done
grep -q 'ENCRYPTED' alice.pem || { echo "FAILED: alice.pem is not encrypted"; failures=1; }

module=/usr/lib/softhsm/libsofthsm2.so
mkdir token
echo "directories.tokendir = $scratch/token" >softhsm.conf
export SOFTHSM2_CONF=$scratch/softhsm.conf
softhsm2-util --init-token --free --label keys --so-pin 1234 --pin 4711 >/dev/null
pkcs11-tool --module $module --login --pin 4711 --keypairgen \
  --key-type EC:prime256v1 --label carol --id 01 >/dev/null 2>&1
carol="pkcs11:token=keys;object=carol?module-path=$module"
expect 0 'key of carol' "$trustctl" key show --key "$carol" \
  --passphrase-file pin --public-out carol.pub
says ecdsa-sha2-nistp256

mkdir -p data/keys
expect 0 'online key' "$trustctl" key generate --out data/keys/online.pem \
  --unencrypted
expect 1 'a key is never written over' "$trustctl" key generate \
  --out data/keys/online.pem --unencrypted

# --- the first root and targets ---------------------------------------------
folder="--folder data/ceremony"
printf 'data_dir: data\nmode: MODE_OFFLINE\nlisten_address: 127.0.0.1:0\n' >trustd.yaml
expect 1 'trustd before the ceremony' "$trustd" --config trustd.yaml
says 'has no signed root and targets yet'

expect 0 'first root' "$trustctl" root init $folder \
  --online data/keys/online.pem.pub \
  --key alice.pem.pub --key bob.pem.pub --key carol.pub
expect 3 'a root that nobody has signed' "$trustctl" root publish $folder
expect 0 'alice signs' "$trustctl" root sign $folder --key alice.pem \
  --passphrase-file passphrase --yes
says '1 of 2 needed signatures'
expect 3 'a root that one has signed' "$trustctl" root publish $folder
[ ! -e data/ceremony/1.root.json ] || { echo 'FAILED: half published'; failures=1; }
expect 0 'carol signs' "$trustctl" root sign $folder --key "$carol" \
  --passphrase-file pin --yes
says 'to be signed: for a new repository'
says '2 of 2 needed signatures'
expect 0 'root is published' "$trustctl" root publish $folder

expect 0 'targets are proposed' "$trustctl" targets propose $folder --baked-in
expect 4 'the online key cannot sign targets' "$trustctl" targets sign $folder \
  --key data/keys/online.pem --yes
expect 0 'bob signs' "$trustctl" targets sign $folder --key bob.pem \
  --passphrase-file passphrase --yes
expect 0 'carol signs' "$trustctl" targets sign $folder --key "$carol" \
  --passphrase-file pin --yes
expect 0 'targets are published' "$trustctl" targets publish $folder
expect 0 'status' "$trustctl" root status $folder

# --- served ------------------------------------------------------------------
"$trustd" --config trustd.yaml 2>trustd.log &
service=$!
until_says 'serving sequence 1' trustd.log
address=$(sed -n 's/.*regions, on \([0-9.:]*\).*/\1/p' trustd.log)
show=("$trustctl" bundle show --server "$address" --trusted-root data/ceremony/1.root.json)
expect 0 'a client verifies the bundle' "${show[@]}"
says 'sequence 1'
says FRESH
grep -qs 'PRIVATE' data/keys/root.pem data/keys/targets.pem &&
  { echo 'FAILED: trustd has keys that it must not have'; failures=1; }

# --- a second approval ---------------------------------------------------------
sed 's/"sequence":"1"/"sequence":"2"/' data/ceremony/targets/catalog/v1/*.json >next.json
expect 0 'the next catalog' "$trustctl" targets propose $folder --catalog next.json
says 'against sequence 1'
says 'no anchor changes'
for person in alice bob; do
  expect 0 "$person signs" "$trustctl" targets sign $folder --key $person.pem \
    --passphrase-file passphrase --yes
done
expect 0 'is published' "$trustctl" targets publish $folder
until_says 'published what people have signed: root 1, targets 2, sequence 2' trustd.log
expect 0 'a client gets it' "${show[@]}"
says 'sequence 2'
expect 4 'a lower sequence' "$trustctl" targets propose $folder --baked-in

# --- a key is taken back into use -------------------------------------------------
# approve CATALOG FLAG...: it is proposed, signed by two and published.
approve() {
  local catalog=$1 person
  shift
  expect 0 "$catalog is proposed" "$trustctl" targets propose $folder --catalog "$catalog" "$@"
  for person in alice bob; do
    expect 0 "$person signs $catalog" "$trustctl" targets sign $folder --key $person.pem \
      --passphrase-file passphrase --yes "$@"
  done
  expect 0 "$catalog is published" "$trustctl" targets publish $folder
}
sed 's/"sequence":"2"/"sequence":"3"/; s/STATUS_ACTIVE/STATUS_RETIRED/' next.json >retired.json
sed 's/"sequence":"2"/"sequence":"4"/' next.json >again.json
key=aws//nitro-root/$(grep -o '"spkiSha256":"[0-9a-f]*' next.json | head -1 | cut -d'"' -f4)
approve retired.json
until_says 'sequence 3' trustd.log
expect 0 'it may follow where it is named' "$trustctl" catalog diff retired.json again.json
says "takes back into use  $key"
says 'LEGAL  sequence 3 -> 4'
expect 4 'the other way, it follows nothing' "$trustctl" catalog diff again.json retired.json
says 'SEQUENCE_NOT_HIGHER'
expect 0 'what is served may be followed' "$trustctl" catalog diff "$address" again.json \
  --trusted-root data/ceremony/1.root.json
says 'LEGAL  sequence 3 -> 4'
expect 4 'nobody named it' "$trustctl" targets propose $folder --catalog again.json
says 'REACTIVATED'
expect 1 'no key' "$trustctl" targets propose $folder --catalog again.json --reactivate nitro-root
expect 0 'it is named' "$trustctl" targets propose $folder --catalog again.json --reactivate "$key"
says "takes back into use  $key"
expect 4 'but not by who signs' "$trustctl" targets sign $folder --key alice.pem \
  --passphrase-file passphrase --yes
says "takes back into use  $key"
approve again.json --reactivate "$key"
until_says 'sequence 4' trustd.log
until_says "$(printf %s "${key##*/}")" trustd.log

# --- a new online key ------------------------------------------------------------
expect 0 'next key' "$trustctl" key generate --out data/keys/online.pem.next --unencrypted
expect 0 'draft' "$trustctl" keys rotate timestamp $folder \
  --online data/keys/online.pem.next.pub
expect 0 'alice signs' "$trustctl" root sign $folder --key alice.pem \
  --passphrase-file passphrase --yes
expect 0 'bob signs' "$trustctl" root sign $folder --key bob.pem \
  --passphrase-file passphrase --yes
expect 0 'is published' "$trustctl" root publish $folder
until_says 'published what people have signed: root 2' trustd.log
expect 0 'a client follows from the first root' "${show[@]}"
says FRESH

# --- a key is lost ---------------------------------------------------------------
expect 0 'dave comes' "$trustctl" key generate --out dave.pem --passphrase-file passphrase
for role in root targets; do
  expect 0 "dave for $role" "$trustctl" root add-key $folder --role $role --key dave.pem.pub
  expect 0 "carol goes from $role" "$trustctl" root remove-key $folder --role $role --key carol.pub
done
says '- '
expect 0 'alice signs' "$trustctl" root sign $folder --key alice.pem \
  --passphrase-file passphrase --yes
expect 0 'bob signs' "$trustctl" root sign $folder --key bob.pem \
  --passphrase-file passphrase --yes
expect 0 'is published' "$trustctl" root publish $folder
until_says 'root 3' trustd.log
expect 0 'a client follows' "${show[@]}"

[ "$failures" -eq 0 ] && echo 'the ceremony works'
exit $((failures > 0))
