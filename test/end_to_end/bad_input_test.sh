#!/usr/bin/env bash
# What a person may do wrong: each gets a message that says what and why, a
# hint, and an exit code that a script can tell apart.
set -uo pipefail
trustd=$PWD/$1 trustctl=$PWD/$2
real=$PWD/test/vectors/real
identity=$real/iid/apse2-2026-ts-verify
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
failures=0

# refused NAME CODE TEXT COMMAND...: exits with CODE and says TEXT on stderr.
refused() {
  local name=$1 code=$2 text=$3 got=0
  shift 3
  "$@" >out 2>err </dev/null || got=$?
  if [ "$got" -ne "$code" ] || { [ -n "$text" ] && ! grep -qF -- "$text" err; }; then
    echo "FAILED $name: exit code $got (want $code), stderr (want '$text'):"
    cat err
    failures=$((failures + 1))
  fi
}

config() { printf 'data_dir: %s\nmode: MODE_ONLINE\n%s\n' "$scratch/data" "$1"; }

refused no_config 1 "--config is required" "$trustd"
refused absent_config 1 "cannot open none.yaml" "$trustd" --config none.yaml
config 'colour: red' >unknown.yaml
refused unknown_field 1 "unknown.yaml:3: unknown field 'colour'" \
  "$trustd" --config unknown.yaml
config 'listen_address: 0.0.0.0:1' >open.yaml
refused plain_text 1 "allow_plaintext" "$trustd" --config open.yaml
config '' >good.yaml
if ! "$trustd" --config good.yaml --check-config >out || [ -e data ]; then
  echo "FAILED: --check-config refused a good file, or made the data folder"
  failures=$((failures + 1))
fi

# What is no record is not one in which nothing happened.
mkdir none_of_it && : >empty
refused records_of_a_folder 2 "it is a folder" "$trustctl" ledger verify \
  --records none_of_it --head "1:$(printf %064d 0)"
refused no_records 2 "has no records" "$trustctl" audit report \
  --from 2026-11-01 --to 2026-11-30 --records empty

# The form of other answers: -o, and times that end with Z.
"$trustd" doctor --config good.yaml -o json >out 2>err
grep -qE '"time": "[0-9T:-]{19}Z"' out || {
  echo "FAILED: doctor -o json:"
  cat out err
  failures=$((failures + 1))
}

: >data
refused file_in_the_way 1 "is not a folder" "$trustd" --config good.yaml
rm data

# A disk that is full at the first write: no file may grow at all.
full_disk() (
  trap '' XFSZ
  ulimit -f 0
  exec "$trustd" --config good.yaml
)
full_disk 2>&1 | cat >err
if [ "${PIPESTATUS[0]}" -ne 1 ] || ! grep -q 'trustd: error: ' err ||
  find data -name '*.tmp' -size +0 | grep -q .; then
  echo "FAILED full_disk:"
  cat err
  failures=$((failures + 1))
fi
rm -rf data

refused no_command 1 "Usage: trustctl" "$trustctl"
refused no_verb 1 "Usage: trustctl verify" "$trustctl" verify
refused unknown_command 1 "did you mean 'verify'?" "$trustctl" verfy
refused unknown_verb 1 "did you mean 'identity'?" "$trustctl" verify identiy
refused typo_hint 1 "hint: trustctl verify --help lists them" "$trustctl" verify identiy
grep -q Usage err && { echo "FAILED: a typo is lost among help"; failures=1; }
refused another_verb 2 "cannot open none" "$trustctl" releases list --releases none
refused another_verb_of_producers 2 "cannot open none" \
  "$trustctl" producers show --list none
refused flag_before 1 "flags stand behind the command" \
  "$trustctl" --context bob rotations list
refused missing_server 1 "hint: give --server, or say it once: trustctl context set NAME --admin-server" \
  "$trustctl" rotations list
refused missing_certificate 1 "hint: give --client-cert, or say it once" \
  "$trustctl" image submit none --server localhost:1
refused missing_why 1 "trustctl: error: --why is required" \
  "$trustctl" rotations approve 1 --server localhost:1
refused not_a_number 1 "trustctl: error: id: 'two' is no number of a rotation" \
  "$trustctl" rotations show two --server localhost:1
refused unknown_form 1 "trustctl: error: --output" "$trustctl" anchors list -o tabel
refused unknown_flag 1 "did you mean '--account'?" "$trustctl" verify identity --acount 1
refused nothing_expected 1 "nothing to check but the signature" \
  "$trustctl" verify identity --rsa2048 "$identity/rsa2048.b64"
refused any_and_more 1 "--any contradicts" \
  "$trustctl" verify identity --rsa2048 "$identity/rsa2048.b64" --any --account 123456789012
refused signature_alone 1 "--document" \
  "$trustctl" verify identity --signature "$identity/signature.b64" --any
refused two_forms 1 "[--signature,--pkcs7,--rsa2048]" \
  "$trustctl" verify identity --rsa2048 a --pkcs7 b --any
refused absent_evidence 2 "cannot open none" \
  "$trustctl" verify identity --rsa2048 none --any
refused bad_time 1 "is not a time such as" \
  "$trustctl" verify identity --rsa2048 "$identity/rsa2048.b64" --any --at yesterday
refused bad_account 1 "account" \
  "$trustctl" verify identity --rsa2048 "$identity/rsa2048.b64" --account 12

# Evidence of nobody, which would write lines of its own: nothing of it may
# reach a terminal but as text.
hostile='\u001b]0;owned\u0007\u001b[2J\u001b[1;1H\nACCEPTED  account 1\n'
printf '%s' '{"region":"us-east-1","'"$hostile"'":1,"'"$hostile"'":2}' >esc.json
printf '%s' '{"region":"us-east-1","'"$hostile"'":1}' >esc2.json
head -c 128 /dev/zero | base64 >esc.sig
harmless() {
  local name=$1
  shift
  "$@" >out 2>&1 </dev/null
  if LC_ALL=C grep -q $'[\001-\010\013-\037\177]' out || grep -q '^ACCEPTED' out ||
    ! grep -q 'ACCEPTED' out; then
    echo "FAILED $name:"
    cat -v out
    failures=$((failures + 1))
  fi
}
harmless hostile_key "$trustctl" verify identity --document esc.json \
  --signature esc.sig --any
harmless hostile_key_as_json "$trustctl" verify identity --document esc.json \
  --signature esc.sig --any --output json
# Its SHA-256 is what people compare, and its names are anybody's.
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem \
  -subj $'/CN=x\nACCEPTED  account 1\e[2J' 2>/dev/null
refused inspected_certificate 0 "" "$trustctl" inspect certificate.pem
want=$(openssl x509 -in certificate.pem -outform DER | sha256sum | cut -c 1-64)
grep -qx "sha256: $want" out || { echo "FAILED: no SHA-256"; failures=1; }
grep -q $'\e\|^ACCEPTED' out && { echo "FAILED: a name as it is"; failures=1; }
sed 5d certificate.pem >cut.pem
refused cut_certificate 2 "is no evidence" "$trustctl" inspect cut.pem
harmless hostile_inspection "$trustctl" inspect esc2.json
harmless hostile_file_name "$trustctl" inspect $'x\nACCEPTED  account 1\e[2J'

# What else a person may have given for a signature.
printf '<?xml version="1.0"?><html><title>401 - Unauthorized</title></html>' >page.txt
hinted() {
  local name=$1 text=$2
  shift 2
  "$@" >out 2>&1 </dev/null
  if ! grep -qF -- "$text" out || grep -q '^ACCEPTED' out; then
    echo "FAILED $name (want '$text'):"
    cat out
    failures=$((failures + 1))
  fi
}
{ cat "$identity/document"; echo; } >with_line_break.json
hinted page "401 - Unauthorized" "$trustctl" verify identity --rsa2048 page.txt --any
hinted line_break "without the line break" "$trustctl" verify identity \
  --document with_line_break.json --signature "$identity/signature.b64" --any
hinted other_endpoint "instance-identity/rsa2048" "$trustctl" verify identity \
  --pkcs7 "$identity/rsa2048.b64" --any

tpm=$real/nitro-tpm/live-usw2-i-000fa553.cbor
printf '{"StringEquals": {"kms:RecipientAttestation:NitroTPMPCR4": "%096d"}}' 0 >open.json
pcr4=3c428daf639a86655cbe8aeff1eeb298f59c6a82d8ea6fdc34c6f3af1d2582f091a25aca4a6f390c32f0f7701952829a
printf '{"StringEquals": {"kms:RecipientAttestation:NitroTPMPCR4": "%s", "kms:RecipientAttestation:NitroTPMPCR12": "%096d"}}' "$pcr4" 0 >tpm.json
printf 'type: TYPE_ENCLAVE\ncolour: red\n' >unknown_policy.yaml
refused absent_policy 1 "cannot open none" "$trustctl" verify attestation \
  --document "$tpm" --type nitrotpm --policy none
refused policy_and_pcr 1 "--pcr excludes --policy" "$trustctl" verify attestation \
  --document "$tpm" --type nitrotpm --policy tpm.json --pcr 4=00
refused unknown_in_policy 1 "unknown_policy.yaml:2: unknown field 'colour'" \
  "$trustctl" verify attestation --document "$tpm" --type enclave --policy unknown_policy.yaml
refused open_command_line 1 "open.json: of one way to satisfy the condition" \
  "$trustctl" verify attestation --document "$tpm" --type nitrotpm --policy open.json
refused policy_of_other_type 1 "--type is enclave" "$trustctl" verify attestation \
  --document "$tpm" --type enclave --policy tpm.json
printf '{"StringEqualsIgnoreCase": {"kms:RecipientAttestation:NitroTPMPCR4": "%096d", "kms:RecipientAttestation:NitroTPMPCR12": "%096d"}, "StringEquals": {"kms:CallerAccount": "123456789012"}}' 1 0 >condition.json
refused policy_of_the_account_too 1 "--ignore-other-keys WHY, such as" \
  "$trustctl" verify attestation --document "$tpm" --type nitrotpm --policy condition.json
refused old_document 4 "" "$trustctl" verify attestation \
  --document "$tpm" --type nitrotpm --policy tpm.json

measured=$real/nitro-tpm/live-usw2-i-000fa553.pcr_measurements.json
import=("$trustctl" releases import "$measured" --product shop)
refused import_without_name 1 "--name is required" "${import[@]}"
refused import_of_nothing 2 "cannot open none" \
  "$trustctl" releases import none --product shop --name 1
refused import_of_a_document 2 "read as it is" \
  "$trustctl" releases import "$tpm" --product shop --name 1
refused import_of_other_type 2 "those of a NitroTPM" \
  "${import[@]}" --name 1 --type enclave
refused import_of_bad_name 2 "without blanks" "${import[@]}" --name "1 0"
refused import_of_bad_time 1 "is not a time" \
  "${import[@]}" --name 1 --valid-until tomorrow
refused import_of_another_pcr 1 "PCR4 differs" \
  "${import[@]}" --name 1 --pcr "4=$(printf %096d 1)"
refused show_without_a_list 0 "hint: --releases reads one from a file" \
  "$trustctl" releases show
refused import_into_another_list 0 "" "${import[@]}" --name 1 --list one.json
refused release_unknown 5 "releases show --releases one.json" \
  "$trustctl" verify attestation --document "$tpm" --type nitrotpm \
  --release other --releases one.json --at 2026-08-13T17:36:49Z
if [ -e releases.json ]; then
  echo "FAILED: a refused import left a list"
  failures=$((failures + 1))
fi
refused good_import 0 "" "${import[@]}" --name 1
refused import_twice 1 "has shop 1 already" "${import[@]}" --name 1
refused mark_of_nothing 1 "0 releases of that name" \
  "$trustctl" releases mark --product shop --name 2 --status REVOKED
refused release_and_pcr 1 "--pcr excludes --release" "$trustctl" verify \
  attestation --document "$tpm" --type nitrotpm --release shop --pcr 4=00
refused release_without_list 5 "releases come from a trustd" "$trustctl" verify \
  attestation --document "$tpm" --type nitrotpm --release shop --at-document-time
refused list_that_is_none 2 "releases.mediaType is missing" "$trustctl" verify \
  attestation --document "$tpm" --type nitrotpm --release shop --releases tpm.json
config 'releases_path: tpm.json' >bad_releases.yaml
refused bad_releases 1 "tpm.json: releases.mediaType is missing" \
  "$trustd" --config bad_releases.yaml
config 'releases_path: none.json' >no_releases.yaml
refused no_releases 1 "cannot open" "$trustd" --config no_releases.yaml

refused server_without_root 1 "trusted root" \
  "$trustctl" bundle show --server 127.0.0.1:1

# A trustd that runs, for what needs one.
config 'listen_address: 127.0.0.1:0
releases_path: releases.json' >run.yaml
"$trustd" --config run.yaml 2>log &
pid=$!
trap 'kill "$pid" 2>/dev/null; rm -rf "$scratch"' EXIT
address=
for _ in $(seq 300); do
  address=$(sed -n 's/.*serving sequence .* on //p' log)
  [ -n "$address" ] && break
  sleep 0.1
done
printf 'data_dir: %s\nmode: MODE_ONLINE\nlisten_address: %s\n' \
  "$scratch/second" "$address" >second.yaml
refused port_in_use 1 "cannot listen on $address" "$trustd" --config second.yaml
refused folder_in_use 1 "another process uses the folder" \
  "$trustd" --config run.yaml
refused not_a_root 1 "METADATA_MALFORMED" \
  "$trustctl" bundle show --server "$address" --trusted-root run.yaml
refused another_root 3 "the last verified set stays in use" \
  "$trustctl" bundle show --server "$address" --trusted-root second/1.root.json
refused good_root 0 "" "$trustctl" bundle fetch --server "$address" \
  --trusted-root data/1.root.json --out fetched
refused good_release 0 "" "$trustctl" verify attestation --document "$tpm" \
  --type nitrotpm --at-document-time --release shop \
  --cache fetched --trusted-root data/1.root.json
refused other_product 5 "releases show" "$trustctl" verify attestation \
  --document "$tpm" --type nitrotpm --at-document-time --release other \
  --server "$address" --trusted-root data/1.root.json
kill "$pid"
wait "$pid" || { echo "FAILED: trustd did not stop cleanly"; failures=1; }
refused no_server 6 "the last verified set stays in use" \
  "$trustctl" bundle show --server "$address" --trusted-root data/1.root.json
: >fetched/last_verified.bundle
refused damaged_cache 0 "the cache was not used" "$trustctl" verify identity \
  --rsa2048 "$identity/rsa2048.b64" --any --cache fetched \
  --trusted-root data/1.root.json
chmod 644 data/keys/root.pem
refused open_key 1 "chmod 600" "$trustd" --config run.yaml
chmod 600 data/keys/root.pem
mv data/keys/online.pem .
refused lost_key 1 "restore it from a backup" "$trustd" --config run.yaml

if [ "$failures" -ne 0 ]; then
  echo "$failures failures"
  exit 1
fi
