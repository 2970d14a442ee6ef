#!/usr/bin/env bash
# Attestation documents that people reported, with the commands of their
# reports. The mock documents are looked for beside the shared vectors; without
# them those cases are left out.
set -uo pipefail
trustctl=$PWD/$1
real=$PWD/test/vectors/real
cases=${ANCHORAGE_SHARED_VECTORS:+$(dirname "$ANCHORAGE_SHARED_VECTORS")/cases}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
ran=0
failures=0

# expect NAME CODE TEXT COMMAND...
expect() {
  local name=$1 want=$2 text=$3 out code=0
  shift 3
  ran=$((ran + 1))
  out=$("$@" 2>&1 </dev/null) || code=$?
  if [ "$code" -ne "$want" ] || [[ $out != *"$text"* ]]; then
    echo "FAILED: $name: exit code $code, not $want with '$text':"
    echo "$out"
    failures=$((failures + 1))
  fi
}

enclave=("$trustctl" verify attestation --type enclave --at-document-time)

# An empty public key is there, and is none.
document=$real/nitro-enclave/nitrite-6c096a02.cbor
expect empty_key 0 "ACCEPTED" \
  "${enclave[@]}" --document "$document" --any --allow-debug
expect empty_key_json 0 '"public_key": "",' \
  "${enclave[@]}" --document "$document" --any --allow-debug --output json
printf '%s\n' 'type: TYPE_ENCLAVE' 'public_key: {present: true}' \
  'allow_debug: {why: a case}' 'ignore_the_rest: a case' >present.yaml
expect empty_key_expected 4 "PUBLIC_KEY_MISMATCH" \
  "${enclave[@]}" --document "$document" --policy present.yaml
printf '%s\n' 'type: TYPE_ENCLAVE' "public_key: {hex: ''}" \
  'allow_debug: {why: a case}' 'ignore_the_rest: a case' >empty.yaml
expect empty_key_is_expected 0 "ACCEPTED" \
  "${enclave[@]}" --document "$document" --policy empty.yaml
expect empty_key_other 4 "PUBLIC_KEY_MISMATCH" \
  "${enclave[@]}" --document "$document" --public-key 00 --allow-debug
expect empty_key_inspect 0 "enclave attestation document" \
  "$trustctl" inspect "$document"

# What newer documents have.
for name in bedrock-542a3239 bedrock-7743a3dd tkhq-proofs-b1086cbb \
  tkhq-proofs-ce1e1c6e tkhq-tvc-277e236b; do
  expect "$name" 0 "ACCEPTED" "${enclave[@]}" --strict --any \
    --document "$real/nitro-enclave/$name.cbor"
done

# A document that would be refused for its form is shown, with the reason.
sed 's/SHA384/SHA999/' "$document" >odd.cbor
expect odd_inspect 0 "problem: DIGEST_UNSUPPORTED" "$trustctl" inspect odd.cbor
expect odd_inspect_fields 0 "digest: SHA999" "$trustctl" inspect odd.cbor
expect odd_verify 2 "DIGEST_UNSUPPORTED" \
  "${enclave[@]}" --document odd.cbor --any
head -c 3000 "$document" >cut.cbor
expect cut_inspect 2 "no evidence" "$trustctl" inspect cut.cbor

# GovCloud has a root of its own, and only it accepts there.
expect two_roots 0 "aws-us-gov" "$trustctl" anchors list --kind nitro-root
expect other_partition 3 "PARTITION_MISMATCH" \
  "${enclave[@]}" --document "$document" --any --partition aws-us-gov
expect third_partition 3 "PARTITION_MISMATCH" \
  "${enclave[@]}" --document "$document" --any --partition aws-cn

if [ -n "$cases" ] && [ -d "$cases/02-govcloud-partition" ]; then
  folder=$cases/01-empty-public-key
  expect mock_empty_key 0 "ACCEPTED" "${enclave[@]}" --any \
    --document "$folder/mock.cbor" --root "$folder/mock.root.pem"
  folder=$cases/02-govcloud-partition
  mock=("${enclave[@]}" --any --document "$folder/mock.cbor"
    --root "$folder/mock.root.pem")
  expect govcloud 0 "region us-gov-west-1" \
    "${mock[@]}" --partition aws-us-gov --strict
  expect govcloud_as_aws 3 "LEAF_NAME" "${mock[@]}" --partition aws
  expect govcloud_by_default 3 "LEAF_NAME" "${mock[@]}"
else
  echo "without the mock documents of the cases"
fi

echo "$ran commands, $failures failures"
[ "$failures" -eq 0 ]
