#!/usr/bin/env bash
# trustd --replay on a store that a running trustd has open: what it says, and
# that it leaves the store as it is.
set -uo pipefail
trustd=$PWD/$1 vectors=$PWD/test/vectors/store_v2
. "$PWD/test/end_to_end/console.sh"
scratch=$(mktemp -d)
service=
trap '[ -z "$service" ] || kill "$service"; rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
failures=0
fail() {
  failures=$((failures + 1))
  echo "FAILED: $1"
}

cp -rL "$vectors/online" data
chmod -R u+w data && chmod 600 data/keys/*.pem
config() {
  printf 'data_dir: data\nmode: MODE_ONLINE\nlisten_address: 127.0.0.1:0\n%s\n' \
    "$2" >"$1.yaml"
}
config now 'rotations: {approvals: 2}'
config one 'rotations: {approvals: 1}'
config rule 'rotations: {approvals: 2, rules: [{class: RE_KEY, action: ACTION_PUBLISH_AFTER, sources: 1}]}'
config strict 'rotations: {approvals: 3}'

"$trustd" --config now.yaml 2>trustd.log &
service=$!
for _ in $(seq 100); do
  grep -q 'serving sequence' trustd.log && break
  sleep 0.1
done
grep -q 'serving sequence' trustd.log || { cat trustd.log; exit 1; }
sums() { find data -type f -exec sha256sum {} + | sort -k2; }
sums >before

# says NAME: the replay of NAME.yaml prints the lines of standard input.
says() {
  cat >want
  "$trustd" --replay data/store --policy "$1.yaml" >got 2>&1 ||
    fail "$1: exit code $?"
  matches want got || { fail "$1"; diff want got; }
}
says one <<'TEXT'
rotation 1  RE_KEY  aws/eu-west-1/iid-rsa2048  found ..., folder
  happened: published at once, ..., by alice, olga
  one.yaml: the same: published at once, ..., by alice
rotation 2  RE_KEY  aws/eu-west-2/iid-rsa1024  found ..., folder
  happened: ...
  one.yaml: published at once, ..., by alice
... records, ... Polls that showed nothing new are not on the record.
2 rotations: 1 the same; 0 published without people that were not; 0 not published without people that were; 0 at another time; 1 otherwise.
TEXT
says rule <<'TEXT'
rotation 1  RE_KEY  aws/eu-west-1/iid-rsa2048  found ..., folder
  happened: published at once, ..., by alice, olga
  rule.yaml: published at once, ..., without people: 1 of 1 sources and 0 live proofs agree, seen for 0 of 0
rotation 2  RE_KEY  aws/eu-west-2/iid-rsa1024  found ..., folder
  happened: ...
  rule.yaml: published at once, ..., without people: 1 of 1 sources and 0 live proofs agree, seen for 0 of 0
...
2 rotations: 0 the same; 2 published without people that were not; 0 not published without people that were; 0 at another time; 0 otherwise.
TEXT
says strict <<'TEXT'
rotation 1  RE_KEY  aws/eu-west-1/iid-rsa2048  found ..., folder
  happened: published at once, ..., by alice, olga
  strict.yaml: held for people (2 approved): the policy holds RE_KEY
...
TEXT
sums >after
diff before after || fail 'the store is not as it was'

# refuses TEXT ARGS...: exit code 1, with a message that has TEXT.
refuses() {
  local text=$1
  shift
  "$trustd" "$@" >got 2>&1
  [ $? -eq 1 ] || fail "$*: exit code"
  grep -q -- "$text" got || { fail "$*"; cat got; }
}
refuses 'there is no store' --replay data --policy one.yaml
refuses 'nowhere.yaml' --replay data/store --policy nowhere.yaml
refuses '--policy' --replay data/store
refuses '--replay' --policy one.yaml
refuses '--config' --replay data/store --policy one.yaml --config now.yaml
refuses '--config'

[ $failures -eq 0 ]
