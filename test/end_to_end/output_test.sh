#!/usr/bin/env bash
# What commands print for programs, in every form, against OUTPUT.md.
set -uo pipefail
trustctl=$PWD/$1 make_boot_files=$PWD/$3
real=$PWD/test/vectors/real
oms=$PWD/test/vectors/oms
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME=$scratch TERM=xterm
unset XDG_CONFIG_HOME NO_COLOR
sed -n '/<!-- members: begin/,/<!-- members: end/s/^| `\(.*\) |$/\1/p' "$2" >"$scratch/members"
cd "$scratch" || exit 1
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

mkdir model
cp "$oms"/signme-* model
echo more >model/more

# The arguments of an example of each command of the page.
declare -A arguments=(
  ['verify identity']="--rsa2048 $real/iid/apse2-2026-ts-verify/rsa2048.b64 --any"
  ['verify attestation']="--document $real/nitro-tpm/live-usw2-i-000fa553.cbor --type nitrotpm --any --at-document-time"
  ['anchors list']='' ['bundle show']='' ['releases show']=''
  ['catalog diff']='catalog.json next.json'
  ['image manifest']="model --product shop --version 1 --time 2026-11-30T00:00:00Z --scope everything --as-seen --out manifest.json"
  ['image verify']="model --manifest $oms/v1.1.0.json --producer $oms/signer.pem --at 2026-11-30T00:00:00Z --as-seen"
  ['measure uki']='shop.efi' ['measure eventlog']='machine.log'
  ['measure image']='shop.raw' ['image lint']='image'
  ['key show']='--key alice.pem' ['inspect']="$real/nitro-tpm/live-usw2-i-000fa553.cbor"
  ['producers list']='--list producers.json' ['image index show']=''
  ['image show']="$oms/v1.1.0.json"
  ['instance check']='--attestation ignore' ['selftest']='' ['context list']='' ['context show']='prod'
)
"$make_boot_files" .
"$trustctl" producers add shop --product shop --certificate "$oms/signer.pem" >out 2>&1 &&
  "$trustctl" image index floor shop 1.2 >out 2>&1 || fail "no lists: $(cat out)"
mkdir -p image/usr/sbin && touch image/usr/sbin/sshd
"$trustctl" key generate --out alice.pem --unencrypted >/dev/null
XDG_CONFIG_HOME=$scratch/xdg "$trustctl" context set prod --server trustd:7443 >/dev/null
{
  "$trustctl" root init --folder c --online alice.pem.pub --key alice.pem.pub --threshold 1 &&
    "$trustctl" root sign --folder c --key alice.pem --yes &&
    "$trustctl" root publish --folder c &&
    "$trustctl" targets propose --folder c --baked-in
} >out 2>err || fail "no catalog: $(cat err)"
cp "$(grep -rl ANCHOR_STATUS_ACTIVE c | head -1)" catalog.json
sed 's/"sequence":"1"/"sequence":"2"/; s/ANCHOR_STATUS_ACTIVE/ANCHOR_STATUS_REVOKED/' catalog.json >next.json

checks='
import json, sys
object, members, name, names = json.load(open("json")), sys.argv[1], sys.argv[2], open("name").read().split("\n")[:-1]
assert list(object)[0] == "schema_version" and object["schema_version"] == 1, "no schema_version"
for member in members.replace("`", "").split(", "):
    assert member in object, "no member " + member
rows = [object]
for step in name.strip("`").split("."):
    field, _, is_list = step.partition("[]")
    rows = [row[field] for row in rows if field in row]
    if "[]" in step:
        rows = [one for row in rows for one in row]
assert [str(one) for one in rows] == names, ("names", rows[:3], names[:3])
'
while IFS='|' read -r command name members; do
  command=$(sed 's/` *$//' <<<"$command")
  [ -n "${arguments[$command]+set}" ] || { fail "$command has no example here"; continue; }
  configuration=$scratch/none
  case $command in context*) configuration=$scratch/xdg ;; esac
  for form in json yaml table name; do
    # shellcheck disable=SC2086  # Several words.
    XDG_CONFIG_HOME=$configuration "$trustctl" $command ${arguments[$command]} \
      --output "$form" >"$form" 2>err
  done
  python3 -c "$checks" "$(xargs <<<"$members" | tr -d '\n')" "$(xargs <<<"$name")" || fail "$command: json, name"
  [[ $(head -2 yaml) == $'---\nschema_version: 1' ]] || fail "$command: yaml"
  [[ $(head -1 table) =~ ^[A-Z][A-Z\ ]+$ ]] || fail "$command: table without a head"
  grep -q $'\x1b' json yaml table name && fail "$command: colours in a file"
done <members
[ "$(wc -l <members)" -ge 10 ] || fail "the page has only $(wc -l <members) commands"

# A table in a pipe is whole, and on a terminal as wide as that.
"$trustctl" anchors list -o table --no-headers >whole
grep -q EU-WEST whole && fail "a head with --no-headers"
grep -qE '[0-9a-f]{64}$' whole || fail "a cut table in a pipe"
narrow=$(script -qec "COLUMNS=60 $trustctl anchors list --region eu-west-1 -o table" /dev/null)
grep -q '\.\.\.' <<<"$narrow" || fail "a table that does not fit: $narrow"
grep -q $'\x1b\\[1m' <<<"$narrow" || fail "no colours on a terminal"
for quiet in NO_COLOR=1 TERM=dumb; do
  # shellcheck disable=SC2086
  script -qec "$quiet $trustctl anchors list --region eu-west-1 -o table" /dev/null |
    grep -c $'\x1b' >/dev/null && fail "colours with $quiet"
done

# What is printed can be given back.
for kind in iid-rsa2048 IID_RSA2048 ANCHOR_KIND_IID_RSA2048; do
  for status in ACTIVE active ANCHOR_STATUS_ACTIVE; do
    "$trustctl" anchors list --region eu-west-1 --kind "$kind" --status "$status" |
      grep -qx '1 anchors' || fail "$kind, $status"
  done
done

# --watch goes on; what fails ends it.
timeout 3 "$trustctl" bundle show --watch=1s >watched
[ "$(grep -c ^first watched)" -ge 2 ] || fail "--watch prints once"
timeout 20 "$trustctl" bundle show --watch 1s --cache none/none >/dev/null 2>&1
[ $? -ne 124 ] || fail "--watch goes on after a failure"

# Standard output as a file, and full.
"$trustctl" key generate --out - --unencrypted >out
grep -q 'BEGIN PRIVATE KEY' out || fail "key generate --out -"
"$trustctl" key show --key alice.pem --public-out - >out
[ "$(head -1 out)" = '-----BEGIN PUBLIC KEY-----' ] || fail "key show --public-out -"
"$trustctl" anchors list >/dev/full 2>err && fail "a full disk is no success"

echo "$failures failures"
[ "$failures" -eq 0 ]
