#!/usr/bin/env bash
# A trustd's repository over HTTP, and a copy of it on a web server of its own,
# as trustctl reads, exports and refuses them.
set -uo pipefail
trustd=$PWD/$1 trustctl=$PWD/$2 later=$PWD/$3 unit=$PWD/$4 readme=$PWD/$5
scratch=$(mktemp -d)
cd "$scratch" || exit 1
failures=0
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
  rm -rf "$scratch"
}
trap cleanup EXIT

# check NAME CODE TEXT COMMAND...: exits with CODE and says TEXT.
check() {
  local name=$1 code=$2 text=$3 got=0
  shift 3
  "$@" >out 2>&1 </dev/null || got=$?
  if [ "$got" -ne "$code" ] || ! grep -qF -- "$text" out; then
    echo "FAILED $name: exit code $got (want $code), output (want '$text'):"
    cat out
    failures=$((failures + 1))
  fi
}

# start COMMAND...: runs trustd until it serves; sets grpc, http and pid.
start() {
  : >log
  "$trustd" --config trustd.yaml 2>log &
  pid=$!
  pids+=("$pid")
  for _ in $(seq 300); do
    grpc=$(sed -n 's/.*serving sequence .* on \([^ ]*:[0-9]*\)$/\1/p' log)
    http=$(sed -n 's#.*the same files are on \(http://.*/tuf/\)$#\1#p' log)
    [ -z "$grpc" ] || [ -z "$http" ] || return 0
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  echo "FAILED: trustd does not serve"
  cat log
  exit 1
}
stop() { kill -TERM "$pid" && wait "$pid"; }

printf 'data_dir: data\nmode: MODE_ONLINE\nlisten_address: 127.0.0.1:0\n' >trustd.yaml
echo 'http_listen_address: 127.0.0.1:0' >>trustd.yaml
start
root=(--trusted-root data/1.root.json)

check over_http 0 "now    origin SERVER  sequence 1  FRESH" \
  "$trustctl" bundle show --server "$http" "${root[@]}"
check without_its_slash 0 "fetched  sequence 1" \
  "$trustctl" bundle fetch --server "${http%/}" "${root[@]}" --out cache
check from_the_cache 0 "first  origin CACHE" \
  "$trustctl" bundle show --cache cache "${root[@]}"
check cache_shown 0 "floor     catalog 1, releases 0" "$trustctl" cache show cache
check cache_verified 0 "usable    sequence 1  FRESH" \
  "$trustctl" cache verify cache "${root[@]}"
cp -r cache cut && truncate -s 100 cut/last_verified.bundle
check cache_cut 2 "the cache was not used" \
  "$trustctl" cache verify cut "${root[@]}"
# A set that was vouched for 100 days ago: a client refuses live attestations.
echo AAAA >document
attestation=(env SECONDS_LATER=8640000 LD_PRELOAD="$later"
  ASAN_OPTIONS=verify_asan_link_order=0
  "$trustctl" verify attestation --document document --type enclave
  --any --cache cache "${root[@]}")
check expired_refused 6 "ANCHORS_EXPIRED" "${attestation[@]}"
check expired_served 2 "REJECTED" "${attestation[@]}" --when-expired serve
check expired_recorded 2 "REJECTED" "${attestation[@]}" --at-document-time
check cache_reset 0 "files removed from cut" "$trustctl" cache reset cut
check cache_empty 2 "the cache is empty" \
  "$trustctl" cache verify cut "${root[@]}"
check no_folder 2 "none is no folder" "$trustctl" cache show none
check not_a_repository 6 "FILE_NOT_ON_SERVER" \
  "$trustctl" bundle show --server "${http}none/" "${root[@]}"

# The cache of a host: the commands of the manual and of the unit.
here() {
  sed -e "s#https://trust.vendor.example/tuf/#$http#; s#/usr/bin/##" \
    -e "s#%C#$PWD/var#; s#/var/cache#$PWD/var#; s#/etc#$PWD/etc#; s#%i#product#g"
}
mkdir -p etc/anchorage bin
ln -s "$trustctl" bin/trustctl
export PATH=$PWD/bin:$PATH
sed -n 's/^    \(echo SERVER=.*\|cp 1[.]root[.]json .*\)$/\1/p' "$readme" | here >configure
cp data/1.root.json .
bash -e configure && [ -s etc/anchorage/product.conf ] &&
  [ -s etc/anchorage/product.root.json ] ||
  { echo "FAILED: the manual makes no configuration"; failures=$((failures + 1)); }
sed -n 's/^    \(trustctl cache refresh .*\)$/\1/p' "$readme" | here >refresh
check refresh_of_the_manual 0 "refreshed  sequence 1  FRESH" bash -e refresh
sed -n 's/^ExecStart=//p' "$unit" | here >exec_start
check refresh_of_the_unit 0 "unchanged  sequence 1  FRESH" \
  bash -c '. etc/anchorage/product.conf; export SERVER; bash -e exec_start'
folder=var/anchorage/product
[ "$(stat -c %a "$folder" "$folder/last_verified.bundle" | paste -sd ' ')" = '755 644' ] ||
  { echo "FAILED: not for every reader"; failures=$((failures + 1)); }
check refreshed_as_json 0 '"new": false' \
  "$trustctl" cache refresh "$folder" --server "$http" "${root[@]}" -o json
check taken 0 "first  origin CACHE" \
  "$trustctl" bundle show --cache "$folder" "${root[@]}"
check refresh_from_nobody 6 "no new bundle from http://127.0.0.1:1/" \
  "$trustctl" cache refresh "$folder" --server http://127.0.0.1:1/ "${root[@]}"
secret=http://name:secret@127.0.0.1:1/
check refresh_with_a_password 6 "no new bundle from ...@127.0.0.1:1/: " \
  "$trustctl" cache refresh "$folder" --server "$secret" "${root[@]}"
check show_with_a_password 6 "no new bundle from ...@127.0.0.1:1/: " \
  "$trustctl" bundle show --server "$secret" "${root[@]}"
check list_with_a_password 0 "no new bundle from ...@127.0.0.1:1/: " \
  "$trustctl" anchors list --server "$secret" "${root[@]}"
check refresh_of_any_name 0 '"folder": "var/' \
  "$trustctl" cache refresh $'var/\xff' --server "$http" "${root[@]}" -o json
cp -r "$folder" var/damaged && echo damaged >var/damaged/last_verified.bundle
check refresh_of_a_damaged_one 0 "warning: the cache was not used: " \
  "$trustctl" cache refresh var/damaged --server "$http" "${root[@]}"
sed 's/"sig": *"../"sig": "00/' data/1.root.json >other.json
check refresh_of_another 1 "" \
  "$trustctl" cache refresh "$folder" --server "$http" --trusted-root other.json
chmod 775 "$folder"
check refresh_of_a_group 1 "chmod go-w" \
  "$trustctl" cache refresh "$folder" --server "$http" "${root[@]}"
check refresh_of_a_group_from_nobody 6 "chmod go-w" \
  "$trustctl" cache refresh "$folder" --server http://127.0.0.1:1/ "${root[@]}"
chmod 755 "$folder"
# An older program holds the lock as long as it runs.
rm "$folder/last_verified.bundle"
check refresh_beside_a_writer 6 "uses the folder" flock "$folder/lock" \
  "$trustctl" cache refresh "$folder" --server "$http" "${root[@]}"
check refresh_mends 0 "refreshed  sequence 1" \
  "$trustctl" cache refresh "$folder" --server "$http" "${root[@]}"
check no_refresh_without_a_server 1 "--server" \
  "$trustctl" cache refresh "$folder" "${root[@]}"

# The same files, whichever way they were fetched.
check over_grpc 0 "root 1 to from-grpc: 5 files written, 0 unchanged" \
  "$trustctl" repository export --server "$grpc" "${root[@]}" from-grpc
check from_http 0 "root 1 to from-http: 5 files written, 0 unchanged" \
  "$trustctl" repository export --server "$http" "${root[@]}" from-http
diff -r from-grpc/tuf from-http/tuf || failures=$((failures + 1))
check again 0 "0 files written, 5 unchanged" \
  "$trustctl" repository export --server "$http" "${root[@]}" from-grpc
check as_json 0 '"timestamp_version": 1' \
  "$trustctl" repository export --server "$http" "${root[@]}" from-grpc -o json
check no_folder 1 "DIR" \
  "$trustctl" repository export --server "$http" "${root[@]}"

# What does not verify is not written.
sed 's/"sig": *"../"sig": "00/' data/1.root.json >other.json
check another_root 3 "nothing was changed in none" \
  "$trustctl" repository export --server "$http" --trusted-root other.json none
[ ! -e none ] || { echo "FAILED: none was made"; failures=$((failures + 1)); }

# A trustd that signs again: the copy goes forward, and never back.
cp -r data older
stop
mkdir lists
printf '{"mediaType": "application/vnd.anchorage.releases.v1+json", "sequence": "1", "createdTime": "2026-01-01T00:00:00Z"}' >lists/releases.json
echo 'releases_path: lists/releases.json' >>trustd.yaml
start
check forward 0 "targets 2  root 1 to from-grpc: 4 files written, 2 unchanged" \
  "$trustctl" repository export --server "$grpc" "${root[@]}" from-grpc
stop
rm -r data
mv older data
sed -i '/releases_path/d' trustd.yaml
start
check never_back 4 "would take readers back" \
  "$trustctl" repository export --server "$grpc" "${root[@]}" from-grpc
stop
[ "$failures" -eq 0 ]
