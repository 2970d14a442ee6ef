#!/usr/bin/env bash
# trustctl instance attest, with a /dev/nsm that is preloaded, and with a program
# in place of nitro-tpm-attest.
set -uo pipefail
trustctl=$PWD/$1
nsm=$PWD/$2
program=$(readlink -f "$3")
manual=$PWD/$4
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
export FAKE_NSM=$scratch
failures=0

# expect NAME CODE TEXT COMMAND...
expect() {
  local name=$1 want=$2 text=$3 out code=0
  shift 3
  out=$("$@" 2>&1 </dev/null | tr -d '\0'; exit "${PIPESTATUS[0]}") || code=$?
  if [ "$code" -ne "$want" ] || [[ $out != *"$text"* ]]; then
    echo "FAILED: $name: exit code $code, not $want with '$text':"
    echo "$out" | head -20
    failures=$((failures + 1))
  fi
}
in_enclave() { LD_PRELOAD=$nsm "$@"; }

# An enclave's document, and the answer around it.
printf '\1\2\3\4' >nonce
"$program" --enclave --nonce nonce >document
size=$(stat -c %s document)
{
  printf '\xa1\x6bAttestation\xa1\x68document\x59'
  printf "\\x$(printf %02x $((size >> 8)))\\x$(printf %02x $((size & 255)))"
  cat document
} >answer
{
  printf '\xa1\x6bAttestation\xa3\x69user_data\xf6'
  printf '\x65nonce\x44\1\2\3\4\x6apublic_key\xf6'
} >request

expect nsm 0 '' \
  in_enclave "$trustctl" instance attest --nonce 01020304 --out got
expect nsm_document 0 '' cmp document got
expect nsm_file 0 '' \
  in_enclave "$trustctl" instance attest --nonce-file nonce --out got
in_enclave "$trustctl" instance attest --nonce 01020304 >got
expect nsm_standard_output 0 '' cmp document got
expect nsm_json 0 '"source": "nsm"' \
  in_enclave "$trustctl" instance attest --nonce 01020304 --output json
in_enclave "$trustctl" instance attest --nonce 01020304 --output json |
  sed -n 's/.*"document": "\(.*\)".*/\1/p' | base64 -d >got
expect nsm_json_document 0 '' cmp document got
expect nsm_says_no 6 'ATTESTATION_REFUSED: the Nitro Secure Module says InvalidArgument' \
  in_enclave "$trustctl" instance attest --nonce 05
# What the manual shows, as it stands.
awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$manual" >commands
[ -s commands ] || { echo "FAILED: $manual shows no command"; exit 1; }
ln -s "$trustctl" trustctl
expect manual 0 'nonce: 01020304' \
  env PATH="$scratch:$PATH" LD_PRELOAD="$nsm" bash -e commands

touch forbidden
expect nsm_forbidden 5 'ATTESTATION_FORBIDDEN: /dev/nsm: Operation not permitted' \
  in_enclave "$trustctl" instance attest --nonce 01020304
rm forbidden
# Whatever else may be there.
expect nsm_alone 6 'ATTESTATION_REFUSED' \
  in_enclave "$trustctl" instance attest --program "$program"
head -c 4000 answer >cut && mv cut answer
expect nsm_cut 2 'ATTESTATION_ANSWER_INVALID' \
  in_enclave "$trustctl" instance attest --nonce 01020304

if [ -e /dev/nsm ]; then
  echo "the program is left out: this is an enclave"
else
  attest=("$trustctl" instance attest --program "$program")
  printf 'of the session' >user_data
  openssl genrsa 2>/dev/null | openssl rsa -pubout -out key.pem 2>/dev/null
  openssl rsa -pubin -in key.pem -outform DER -out key.der 2>/dev/null
  expect program 0 '' "${attest[@]}" --nonce 0102 --user-data-file user_data \
    --public-key-file key.pem --out got
  key=$(od -An -v -tx1 key.der | tr -d ' \n')
  expect program_holds_the_key 0 "$key" "$trustctl" inspect got --output json
  expect program_json 0 '"source": "program"' "${attest[@]}" --output json
  expect program_fails 6 'ATTESTATION_REFUSED' \
    "$trustctl" instance attest --program /bin/false
  expect program_prints_garbage 2 'ATTESTATION_ANSWER_INVALID' \
    "$trustctl" instance attest --program /bin/echo
  mkdir -m 777 open
  cp "$program" open
  expect program_of_others 5 'ATTESTATION_FORBIDDEN' \
    "$trustctl" instance attest --program "$scratch/open/${program##*/}"
  expect none 2 'ATTESTATION_ABSENT' \
    "$trustctl" instance attest --program /none/nitro-tpm-attest
  expect too_long 1 'at most 1024' \
    "${attest[@]}" --nonce "$(head -c 2050 /dev/zero | tr '\0' 0)"
  expect relative 1 'no absolute path' \
    "$trustctl" instance attest --program nitro-tpm-attest
  expect timeout 1 'timeout' "${attest[@]}" --timeout 11m
fi

[ "$failures" -eq 0 ]
