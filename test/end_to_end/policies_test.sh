#!/usr/bin/env bash
# What trustctl takes for a policy, for a document and for a release, and what
# it refuses or warns of, over AWS's own documents. Prints a table.
set -uo pipefail
trustctl=$PWD/$1
real=$PWD/test/vectors/real
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
failures=0

# row NAME CODE TEXT COMMAND...: exits with CODE, and says TEXT somewhere; or,
# where TEXT begins with "!", says the rest nowhere.
row() {
  local name=$1 code=$2 text=$3 got=0 answer=as_expected
  shift 3
  "$@" >out 2>&1 </dev/null || got=$?
  if [ "$got" -ne "$code" ] ||
    { [[ $text != !* ]] && ! grep -qF -- "$text" out; } ||
    { [[ $text == !* ]] && grep -qF -- "${text#!}" out; }; then
    answer="FAILED (exit code $got, '$text'): $*"
    failures=$((failures + 1))
    cat out
  fi
  printf '%-32s exit %s  %s\n' "$name" "$code" "$answer"
}

tpm=$real/nitro-tpm/live-usw2-i-000fa553.cbor
on_tpm=("$trustctl" verify attestation --type nitrotpm --at-document-time --document)
zeros=$(printf '%096d' 0)
ones=${zeros//0/f}
others=${zeros//0/a}
"${on_tpm[@]}" "$tpm" --any --output json >facts.json
pcr() { sed -n "s/.*\"PCR$1\": \"\([0-9a-f]*\)\".*/\1/p" facts.json; }

# --- Measurements that every instance has, or that anybody can set -----------

unsafe() {
  row "$1" 1 "PCR4 with PCR12 = 0, or PCR7 with Secure Boot on" \
    "${on_tpm[@]}" "$tpm" "${@:2}"
}
for index in $(seq 0 23); do
  case $index in 4) continue ;; esac
  unsafe "pcr$index of a document" --pcr "$index=$(pcr "$index")"
done
unsafe "pcr16 set by anybody" --pcr "16=$others"
unsafe "pcr23 set by anybody" --pcr "23=$others"
unsafe "pcr12 of a command line" --pcr "12=$others"
unsafe "all constants together" --pcr "0=$(pcr 0)" --pcr "2=$(pcr 2)" \
  --pcr "7=$(pcr 7)" --pcr "12=$zeros" --pcr "17=$ones" --pcr "23=$zeros"
for index in 0 7 12 17 23; do
  printf 'type: TYPE_NITRO_TPM\ncondition: {key: NitroTPMPCR%s, values: ["%s"]}\nignore_the_rest: x\n' \
    "$index" "$(pcr "$index")" >unsafe.yaml
  unsafe "pcr$index in YAML" --policy unsafe.yaml
  printf '{"type": "TYPE_NITRO_TPM", "condition": {"key": "NitroTPMPCR%s", "values": ["%s"]}, "ignore_the_rest": "x"}\n' \
    "$index" "$(pcr "$index")" >unsafe.json
  unsafe "pcr$index in JSON" --policy unsafe.json
  printf '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringEqualsIgnoreCase": {"kms:RecipientAttestation:NitroTPMPCR%s": "%s"}}}]}\n' \
    "$index" "$(pcr "$index")" >kms.json
  unsafe "pcr$index in a key policy" --policy kms.json
done
row "pcr4 alone" 1 "expect PCR12 = 0 as well" \
  "${on_tpm[@]}" "$tpm" --pcr "4=$(pcr 4)"
row "pcr4 and pcr12" 0 "!warning" \
  "${on_tpm[@]}" "$tpm" --pcr "4=$(pcr 4)" --pcr "12=$zeros"
row "pcr7 of other keys" 5 "warning: PCR7 is taken for that of Secure Boot" \
  "${on_tpm[@]}" "$tpm" --pcr "7=$others"
row "pcr4 and pcr7 of other keys" 5 "PCR_MISMATCH" \
  "${on_tpm[@]}" "$tpm" --pcr "4=$(pcr 4)" --pcr "7=$others"
printf '{"Measurements": {"HashAlgorithm": "SHA384", "PCR12": "%s"}}' "$zeros" >printed.json
row "release without an image" 2 "PCR4, which measures the image, is missing" \
  "$trustctl" releases import --product a --name 1 --list none.json \
  printed.json
printf '{"Measurements": {"HashAlgorithm": "SHA384", "PCR4": "%s", "PCR7": "%s"}}' "$others" "$(pcr 7)" >printed.json
row "release of an open command line" 5 "leaves the kernel's command line" \
  "$trustctl" releases import --product a --name 1 --list none.json \
  printed.json

enclave=$real/nitro-enclave/bedrock-542a3239.cbor
on_enclave=("$trustctl" verify attestation --type enclave --at-document-time --document)
"${on_enclave[@]}" "$enclave" --any --output json >facts.json
kernel=$(pcr 1) image=$(pcr 0) application=$(pcr 2)
row "enclave: the kernel alone" 1 "expect PCR0, PCR1 with PCR2, or PCR8" \
  "${on_enclave[@]}" "$enclave" --pcr "1=$kernel"
row "enclave: nothing is set" 1 "expect PCR0, PCR1 with PCR2, or PCR8" \
  "${on_enclave[@]}" "$enclave" --pcr "8=$zeros" --pcr "16=$zeros"
row "enclave: the image" 0 "!warning" \
  "${on_enclave[@]}" "$enclave" --pcr "0=$image"
row "enclave: kernel, application" 0 "!warning" \
  "${on_enclave[@]}" "$enclave" --pcr "1=$kernel" --pcr "2=$application"
row "enclave: the application" 0 "warning: PCR2 measures the application" \
  "${on_enclave[@]}" "$enclave" --pcr "2=$application"
printf '{"Measurements": {"HashAlgorithm": "SHA384", "PCR0": "%s"}}' "$zeros" >printed.json
row "release of a debug image" 5 "expect PCR0, PCR1 with PCR2, or PCR8" \
  "$trustctl" releases import --product a --name 1 --list none.json --type enclave \
  printed.json
# A list that was signed before this was asked is read, with a warning.
printf '{"mediaType":"application/vnd.anchorage.releases.v1+json","sequence":"1","createdTime":"2026-01-01T00:00:00Z","releases":[{"product":"a","name":"0","type":"RELEASE_TYPE_ENCLAVE","measurements":{"0":"%s"},"status":"RELEASE_STATUS_ACTIVE"},{"product":"a","name":"1","type":"RELEASE_TYPE_ENCLAVE","measurements":{"0":"%s"},"status":"RELEASE_STATUS_ACTIVE"}]}' \
  "$zeros" "$image" >before.json
row "list of before" 0 "warning: release 0 of a" \
  "${on_enclave[@]}" "$enclave" --release a --releases before.json
printf '{"Measurements": {"HashAlgorithm": "SHA384", "PCR0": "%s"}}' "$others" >printed.json
row "list of before, added to" 0 "warning: release 0 of a" \
  "$trustctl" releases import --product a --name 2 --list before.json --type enclave \
  printed.json
row "list of before, marked" 0 "RETIRED" \
  "$trustctl" releases mark --product a --name 0 --status RETIRED --list before.json
row "list of before, marked again" 5 "expect PCR0" \
  "$trustctl" releases mark --product a --name 0 --status ACTIVE --list before.json

# --- What the policy ignores ------------------------------------------------

row "trace of what is ignored" 0 \
  "nonce                 ignored: no flag of trustctl asks for it" \
  "${on_enclave[@]}" "$enclave" --pcr "0=$image"

# --- Key policies as AWS's tools print them ---------------------------------

"${on_tpm[@]}" "$tpm" --any --output json >facts.json
statement='{"Sid": "App", "Effect": "Allow", "Principal": {"AWS": "%s"}, "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringEqualsIgnoreCase": {"kms:RecipientAttestation:NitroTPMPCR4": "%s", "kms:RecipientAttestation:NitroTPMPCR12": "%s"%s}}}'
extensions=', "kms:RecipientAttestation:NitroTPMPCR13": "'$zeros'"'
# key_policy PRINCIPAL [STATEMENT]
key_policy() {
  printf '{"Version": "2012-10-17", "Statement": ['
  # shellcheck disable=SC2059
  printf "$statement" "$1" "$(pcr 4)" "$zeros" "$extensions"
  printf '%s]}' "${2:-}"
}
app=arn:aws:iam::123456789012:role/app
key_policy "$app" >plain.json
printf '{"Policy": "%s", "PolicyName": "default"}' \
  "$(key_policy "$app" | sed 's/"/\\"/g')" >envelope.json
{ printf '\xef\xbb\xbf'; cat plain.json; } >bom.json
{ printf '\xff\xfe'; sed 's/./&\x00/g' plain.json; } >utf16.json
key_policy "*" >anybody.json
key_policy "$app" ', {"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"}' >admin.json
extensions='' key_policy "$app" >open.json
row "key policy that says nothing of extensions" 0 "nothing is said of PCR13" \
  "${on_tpm[@]}" "$tpm" --policy open.json
row "key policy" 0 "!warning" "${on_tpm[@]}" "$tpm" --policy plain.json
row "key policy of get-key-policy" 0 ACCEPTED \
  "${on_tpm[@]}" "$tpm" --policy envelope.json
row "key policy behind a BOM" 0 ACCEPTED "${on_tpm[@]}" "$tpm" --policy bom.json
row "key policy in UTF-16" 1 "save it as UTF-8" \
  "${on_tpm[@]}" "$tpm" --policy utf16.json
row "key policy for anybody" 0 "warning: the key policy's statement 'App' names no account" \
  "${on_tpm[@]}" "$tpm" --policy anybody.json
row "key policy for IAM" 0 "allows kms:Decrypt without an attestation document" \
  "${on_tpm[@]}" "$tpm" --policy admin.json
row "key policy that may be changed" 0 "allows kms:PutKeyPolicy" \
  "${on_tpm[@]}" "$tpm" --policy admin.json

# --- Documents as people have them ------------------------------------------

hex=$(od -An -v -tx1 "$tpm" | tr -d ' \n')
base64=$(base64 -w 0 "$tpm")
printf '0x%s' "$hex" >hex
tr '+/' '-_' <<<"${base64%%=*}" >base64url
printf '{"ok": true, "attestation": {"document": "%s"}}' "$base64" >answer.json
printf '"%s"\n' "$base64" >string.json
{ printf '\xef\xbb\xbf'; printf '%s\r\n' "$base64"; } >bom.b64
printf '["%s", "%s"]' "$base64" "$hex" >two.json
for file in hex base64url answer.json string.json bom.b64; do
  row "document in $file" 0 ACCEPTED "${on_tpm[@]}" "$file" --any
done
row "two documents in one JSON" 2 "has 2 texts" "${on_tpm[@]}" two.json --any

# --- What is expected of a session, in files --------------------------------

: >empty
printf 'a nonce' >nonce
"$trustctl" key generate --out key.pem --unencrypted >/dev/null
for flag in nonce user-data public-key; do
  row "--$flag-file of nothing" 1 "empty is empty" \
    "${on_tpm[@]}" "$tpm" "--$flag-file" empty
  row "--$flag-file that is absent" 1 "cannot open none" \
    "${on_tpm[@]}" "$tpm" "--$flag-file" none
  row "--$flag and --$flag-file" 1 "excludes" \
    "${on_tpm[@]}" "$tpm" "--$flag-file" nonce "--$flag" 00
done
# shellcheck disable=SC2059
printf "$(sed -n 's/.*"nonce": "\([0-9a-f]*\)".*/\1/p' facts.json | sed 's/../\\x&/g')" >its_nonce
row "--nonce-file" 0 ACCEPTED "${on_tpm[@]}" "$tpm" --nonce-file its_nonce
row "--nonce-file of another" 4 NONCE_MISMATCH \
  "${on_tpm[@]}" "$tpm" --nonce-file nonce
row "--user-data-file" 4 USER_DATA_MISMATCH \
  "${on_tpm[@]}" "$tpm" --user-data-file nonce
row "--public-key-file in PEM" 4 PUBLIC_KEY_MISMATCH \
  "${on_tpm[@]}" "$tpm" --public-key-file key.pem.pub
row "--public-key-file of a private key" 1 "" \
  "${on_tpm[@]}" "$tpm" --public-key-file key.pem
row "--instance" 0 ACCEPTED \
  "${on_tpm[@]}" "$tpm" --instance i-000fa553dad58a9f1 --region us-west-2
row "--instance of another" 5 INSTANCE_NOT_ALLOWED \
  "${on_tpm[@]}" "$tpm" --instance i-0
row "--region of another" 5 REGION_NOT_ALLOWED \
  "${on_tpm[@]}" "$tpm" --region us-east-1
row "--clock-leeway" 4 "" "$trustctl" verify attestation --type nitrotpm \
  --document "$tpm" --region us-west-2 --clock-leeway 5m
row "--clock-leeway without a bound" 1 "0 to 10 minutes" \
  "${on_tpm[@]}" "$tpm" --region us-west-2 --clock-leeway 1h

# --- What an identity policy has --------------------------------------------

identity=("$trustctl" verify identity
  --rsa2048 "$real/iid/apse2-2026-ts-verify/rsa2048.b64")
"${identity[@]}" --any --output json >facts.json
fact() { sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p" facts.json | head -1; }
row "--instance-type" 0 ACCEPTED "${identity[@]}" \
  --instance-type "$(fact instance_type)" --architecture "$(fact architecture)" \
  --partition aws
row "--instance-type of another" 5 INSTANCE_TYPE_NOT_ALLOWED \
  "${identity[@]}" --instance-type m0.nano
row "--architecture of another" 5 ARCHITECTURE_NOT_ALLOWED \
  "${identity[@]}" --architecture s390x
row "--partition of another" 5 PARTITION_NOT_ALLOWED \
  "${identity[@]}" --partition aws-cn
row "--billing-product" 5 BILLING_PRODUCT_NOT_ALLOWED \
  "${identity[@]}" --billing-product bp-6ba54002
row "--any-billing-product" 5 BILLING_PRODUCT_NOT_ALLOWED \
  "${identity[@]}" --any-billing-product bp-6ba54002
row "--any-product-code" 5 PRODUCT_CODE_NOT_ALLOWED \
  "${identity[@]}" --any-product-code 4i20ezfza3p7xx2kt2g8weu2u
row "any and all product codes" 1 "excludes" \
  "${identity[@]}" --any-product-code a --product-code a
row "--clock-leeway by itself" 1 "requires --max-age" \
  "${identity[@]}" --clock-leeway 1m

# --- The same as a file -----------------------------------------------------

cat >licence.yaml <<POLICY
regions: [$(fact region)]
instance_types: [$(fact instance_type)]
minimum_kind: iid-rsa2048
ignore_the_rest: the licence is for any account
POLICY
row "identity policy" 0 ACCEPTED "${identity[@]}" --policy licence.yaml
echo '{"partitions": ["aws"], "ignore_the_rest": "a test"}' >licence.json
row "identity policy in JSON" 0 ACCEPTED "${identity[@]}" --policy licence.json
echo 'authenticity_only: a test' >any.yaml
row "identity policy for anybody" 0 ACCEPTED "${identity[@]}" --policy any.yaml
echo 'product_codes: {any_of: [abc]}
ignore_the_rest: a test' >code.yaml
row "identity policy of another" 5 \
  "product-codes: none in the document, one of [abc] expected" \
  "${identity[@]}" --policy code.yaml
echo 'regoins: [a]' >typo.yaml
row "identity policy with a typo" 1 "typo.yaml:1: unknown field 'regoins'" \
  "${identity[@]}" --policy typo.yaml
echo 'regions: [a]' >short.yaml
row "identity policy that says too little" 1 "(POLICY_INCOMPLETE)" \
  "${identity[@]}" --policy short.yaml
row "identity policy and a flag" 1 "excludes" \
  "${identity[@]}" --policy any.yaml --region a
row "identity policy and --any" 1 "excludes" \
  "${identity[@]}" --policy any.yaml --any
row "identity policy that is not there" 1 "none.yaml" \
  "${identity[@]}" --policy none.yaml

# --- What image builds print ------------------------------------------------

enclave_printed=$(printf '"Measurements": {"HashAlgorithm": "Sha384 { ... }", "PCR0": "%s", "PCR1": "%s", "PCR2": "%s"}' \
  "$others" "$ones" "$others")
printf '[{"EnclaveName": "a", "Flags": "NONE", %s}]' "$enclave_printed" >running.json
{ printf '\xef\xbb\xbf'; printf '{%s}' "$enclave_printed"; } >build.json
printf '{"PCR8": "%s"}' "$others" >signer.json
printf '{"PCR": "%s"}' "$others" >unnamed.json
import=("$trustctl" releases import --product e --list made.json)
row "import of describe-enclaves" 0 "3 measurements" \
  "${import[@]}" --name 1 running.json
row "import behind a BOM" 0 "3 measurements" "${import[@]}" --name 2 build.json
row "import of a build and its signer" 0 "4 measurements" \
  "${import[@]}" --name 3 build.json signer.json
row "import of a signer alone" 2 "PCR0, which measures the image, is missing" \
  "${import[@]}" --name 4 signer.json
row "import of a PCR without a number" 2 "does not say which PCR" \
  "${import[@]}" --name 4 build.json unnamed.json
printf '{"PCR0": "%s"}' "$ones" >other.json
row "import of files that differ" 2 "PCR0 differs" \
  "${import[@]}" --name 4 --type enclave build.json other.json

echo "$failures failures"
[ "$failures" -eq 0 ]
