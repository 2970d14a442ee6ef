#!/usr/bin/env bash
# Writes march.jsonl again: the record of a re-key, from the day on which it was
# seen until it was published, as `trustctl ledger export` writes it.
#
# usage: test/vectors/record/make.sh     needs protoc
set -euo pipefail
cd "$(dirname "$0")/../../.."

index=0
# record SECONDS FACT: appends one, FACT being in protobuf's text format.
record() {
  printf '{"index":%d,"record":"%s"}\n' "$index" \
    "$(printf 'time { seconds: %d } %s' "$1" "$2" |
      protoc -I. --encode=anchorage.v1.LedgerRecord \
        proto/anchorage/v1/ledger.proto | base64 -w0)"
  index=$((index + 1))
}

old=$(printf old | sha256sum | cut -c1-64)
new=$(printf new | sha256sum | cut -c1-64)
effect=$(printf effect | sha256sum | cut -c1-64)
slot='slot { partition: "aws" region: "us-east-1" kind: ANCHOR_KIND_IID_RSA2048 }'
# The people's certificates.
of() { printf '%s' "$1" | sha256sum | cut -c1-64; }
# 2026-03-03 08:00 UTC.
seen=1772524800

{
  record $((seen - 86400 * 30)) "publication { sequence: 4 targets_version: 6
    catalog_sha256: \"$(of catalog-4)\" }"
  record $seen "observation { source: \"aws-docs\"
    location: \"https://docs.example.com/regions-certs.md\"
    content_sha256: \"$(of page)\" entries { $slot sha256: \"$new\" } }"
  record $seen "detection { id: 17 change_id: \"$(of change)\"
    rotation_class: ROTATION_CLASS_RE_KEY $slot
    state: ROTATION_STATE_DETECTED detected_time { seconds: $seen }
    source: \"aws-docs\" location: \"https://docs.example.com/regions-certs.md\"
    reason: \"seen by aws-docs\" effect_sha256: \"$effect\"
    pinned_spki_sha256: \"$old\" pinned_certificate_sha256: \"$(of old-cert)\"
    observed { sha256: \"$(of new-cert)\" spki_sha256: \"$new\" }
    diff: \"aws/us-east-1/iid-rsa2048: another key\" }"
  record $seen "stance { rotation_id: 17 stance { source: \"aws-docs\"
    stance: STANCE_AGREES since_time { seconds: $seen } } }"
  record $((seen + 3600)) "stance { rotation_id: 17 stance { source: \"mirror-eu\"
    stance: STANCE_AGREES since_time { seconds: $((seen + 3600)) } } }"
  record $((seen + 3600)) "state { rotation_id: 17
    state: ROTATION_STATE_CORROBORATED
    reason: \"2 sources and 0 instances say so\" }"
  record $((seen + 7200)) "decision { rotation_id: 17 decision { kind: KIND_HOLD
    by: \"carol\" why: \"asking AWS\" time { seconds: $((seen + 7200)) }
    certificate_sha256: \"$(of carol)\" } }"
  record $((seen + 90000)) "proof { rotation_id: 17 proof {
    instance_id: \"i-0123456789abcdef0\" submitter: \"instance-ines\"
    received_time { seconds: $((seen + 90000)) } spki_sha256: \"$new\" } }"
  record $((seen + 93600)) "decision { rotation_id: 17 approvals_needed: 2
    decision { kind: KIND_APPROVE by: \"bob\" why: \"seen on two of our instances\"
    time { seconds: $((seen + 93600)) } effect_sha256: \"$effect\"
    certificate_sha256: \"$(of bob)\" } }"
  record $((seen + 94260)) "decision { rotation_id: 17 approvals_needed: 2
    decision { kind: KIND_APPROVE by: \"alice\" why: \"AWS support case 1234\"
    time { seconds: $((seen + 94260)) } effect_sha256: \"$effect\"
    certificate_sha256: \"$(of alice)\" } }"
  record $((seen + 94260)) "state { rotation_id: 17
    state: ROTATION_STATE_APPROVED reason: \"approved by 2 people\" }"
  record $((seen + 94260)) "publication { sequence: 5 targets_version: 7
    catalog_sha256: \"$(of catalog-5)\" rotation_ids: 17 }"
  record $((seen + 94260)) "state { rotation_id: 17
    state: ROTATION_STATE_PUBLISHED reason: \"in sequence 5\" }"
} >test/vectors/record/march.jsonl
