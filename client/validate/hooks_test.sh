#!/usr/bin/env bash
# usage: hooks_test.sh INSTALL PROGRAM
# What the hooks put into an initrd, with the functions of dracut and of
# initramfs-tools that they call replaced; and how their scripts and units go on
# from each exit code of the validator.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/usr
"$1" --program "$2" --prefix "$prefix"
config=$work/etc/anchorage
dracut=$prefix/lib/dracut/modules.d/90anchorage
failures=0

# same WHAT WANT GOT
same() {
  [ "$2" = "$3" ] && return
  failures=$((failures + 1))
  printf 'FAILED: %s\n--- want\n%s\n--- got\n%s\n' "$1" "$2" "$3"
}
# here FILE...: lets files speak of this folder instead of the system's.
here() {
  sed -i -e "s#/usr/lib/anchorage#$prefix/lib/anchorage#g" \
    -e "s#/etc/anchorage#$config#g" \
    -e "s#/usr/share/initramfs-tools/hook-functions#$work/functions#g" \
    -e "s#/scripts/functions#$work/functions#g" \
    -e "s#/proc/sysrq-trigger#$work/sysrq#g" -e "s#/dev/console#$work/console#g" \
    "$@"
}
initramfs=$prefix/share/initramfs-tools
here "$dracut/module-setup.sh" "$dracut/anchorage-validate.sh" \
  "$initramfs/hooks/anchorage-validate" \
  "$initramfs/scripts/init-bottom/anchorage-validate"
sed -i "s#/run/#$work/#" "$dracut/emergency.conf"
# Nothing here may reach the machine that this runs on.
! grep -rn '/proc/\|/dev/console' "$dracut"/*.sh "$initramfs" ||
  exit 1

# configure ACTION [WITHOUT]: a configuration with a certificate in a file, where
# a tree differs and where there is no manifest.
configure() {
  mkdir -p "$config"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -subj /CN=example -keyout /dev/null -out "$config/example.pem" 2>/dev/null
  cat >"$config/validate.json" <<END
{"schema_version": 1, "product": "ledger", "least_version": "1",
 "producers": [{"name": "Example", "certificates": ["example.pem"]}],
 "least_action": "$1", "without_manifest": "${2:-$1}"}
END
}

# --- initramfs-tools ---

cat >"$work/functions" <<'END'
copy_exec() { echo "exec $1 $2"; }
copy_file() { echo "file $2"; }
copy_modules_dir() { echo "modules $1"; }
panic() { echo panic; exit 9; }
END
hook() { "$initramfs/hooks/anchorage-validate" "$@" 2>&1; }
same 'prereqs of the hook' '' "$(hook prereqs)"
same 'no configuration, no validator' '' "$(hook)"
configure power-off
same 'what the hook copies' "exec $prefix/lib/anchorage/anchorage-validate $prefix/lib/anchorage/anchorage-validate
file $config/validate.json
file $config/example.pem
modules kernel/drivers/char/tpm" "$(hook)"
configure milder
code=0
hook >/dev/null || code=$?
same 'a configuration that is not valid ends the hook' 1 "$code"

# --- dracut ---

# module [WITHOUT]: what install() does, with or without systemd.
module() {
  (
    dracut_module_included() { [ -z "${without:-}" ]; }
    dfatal() { echo fatal; }
    inst_simple() { echo "simple ${1#"$work"/} ${2:-}"; }
    inst_hook() { echo "hook $1 $2"; }
    instmods() { echo "modules $1"; }
    without=${1:-}
    # shellcheck disable=SC2034
    initdir=$work/init systemdsystemunitdir=/units moddir=$dracut
    # shellcheck source=/dev/null
    . "$dracut/module-setup.sh"
    check || { echo "not included"; exit 0; }
    installkernel
    install
  ) 2>/dev/null
}
rm -r "$config"
same 'no configuration, no module' 'not included' "$(module)"
configure power-off
relative=usr/lib/dracut/modules.d/90anchorage
copied="modules =drivers/char/tpm
simple usr/lib/anchorage/anchorage-validate 
simple etc/anchorage/validate.json 
simple etc/anchorage/example.pem "
unit=/units/anchorage-validate-initrd.service
same 'with systemd' "$copied
simple $relative/anchorage-validate-initrd.service $unit" "$(module)"
for needs in initrd-parse-etc.service initrd-switch-root.target; do
  same "what $needs requires" ../anchorage-validate-initrd.service \
    "$(readlink "$work/init/units/$needs.requires/anchorage-validate-initrd.service")"
done
same 'without systemd' "$copied
hook pre-pivot 00" "$(module without)"
# Only where neither may be milder, nothing but a power off can follow: a manifest
# may demand an emergency where the configuration lets the boot go on.
for least in power-off emergency continue; do
  for without in power-off emergency continue; do
    configure $least $without
    conf="
simple $relative/emergency.conf $unit.d/emergency.conf"
    [ $least$without != power-offpower-off ] || conf=
    same "least_action $least, without_manifest $without" "$copied
simple $relative/anchorage-validate-initrd.service $unit$conf" "$(module)"
  done
done
configure milder
same 'a configuration that is not valid ends dracut' 'fatal' \
  "$(module | tail -n 1)"

# --- How the scripts go on ---

mkdir "$work/bin"
printf '#!/bin/sh\necho off\nexit 1\n' >"$work/bin/poweroff"
# Where it would wait for ever, the test ends.
printf '#!/bin/sh\nkill -KILL $PPID\n' >"$work/bin/sleep"
chmod 755 "$work"/bin/*
# validator CODE: one that ends so.
validator() {
  printf '#!/bin/sh\necho "$@" >"%s/arguments"\nexit %s\n' "$work" "$1" \
    >"$prefix/lib/anchorage/anchorage-validate"
  chmod 755 "$prefix/lib/anchorage/anchorage-validate"
}
# goes_on SHELL...: what a script prints, and "on" where it ends by itself.
goes_on() {
  (
    PATH=$work/bin:$PATH
    rm -f "$work/sysrq"
    "$@" 2>/dev/null && echo on
    cat "$work/sysrq" 2>/dev/null || true
  ) 2>/dev/null
}
bottom() { rootmnt=/root "$initramfs/scripts/init-bottom/anchorage-validate"; }
pivot() {
  NEWROOT=/sysroot sh -c \
    'emergency_shell() { echo shell "$1"; exit 9; }; . "$0"' \
    "$dracut/anchorage-validate.sh"
}
for script in bottom pivot; do
  validator 0
  same "$script: 0" on "$(goes_on $script)"
  for code in 1 4 5 137; do
    validator $code
    same "$script: $code" $'off\no' "$(goes_on $script)"
  done
  rm "$prefix/lib/anchorage/anchorage-validate"
  same "$script: no validator" $'off\no' "$(goes_on $script)"
done
validator 3
same 'bottom: 3' panic "$(goes_on bottom)"
same 'bottom: arguments' '--initrd --root /root' "$(cat "$work/arguments")"
same 'pivot: 3' 'shell -n' "$(goes_on pivot)"
same 'pivot: arguments' '--initrd --root /sysroot' "$(cat "$work/arguments")"
same 'prereqs of the script' '' \
  "$("$initramfs/scripts/init-bottom/anchorage-validate" prereqs)"

# With systemd the unit itself powers off, whatever failed, but where the
# configuration is milder: then what is run after it decides.
same 'the unit' FailureAction=poweroff-force \
  "$(grep FailureAction "$dracut/anchorage-validate-initrd.service")"
# Once there was a failure, nothing starts that requires the unit.
same 'emergency.conf' "FailureAction=none
OnFailure=emergency.target
AssertPathExists=!$work/anchorage-validate.failed" \
  "$(grep -E '^(FailureAction|OnFailure|Assert.*)=' "$dracut/emergency.conf")"
printf '#!/bin/sh\necho "$@"\n' >"$work/bin/systemctl"
chmod 755 "$work/bin/systemctl"
after=$(sed -n "s#^ExecStopPost=/bin/sh -c '\(.*\)'\$#\1#p" \
  "$dracut/emergency.conf" | sed 's/[$][$]/$/g')
[ -n "$after" ] || exit 1
# stopped RESULT STATUS: what follows, and "marked" where it is a failure.
stopped() {
  rm -f "$work/anchorage-validate.failed"
  PATH=$work/bin:$PATH SERVICE_RESULT=$1 EXIT_STATUS=$2 sh -c "$after"
  [ ! -e "$work/anchorage-validate.failed" ] || echo marked
}
off='--force --force poweroff'
same 'systemd: 0' '' "$(stopped success 0)"
same 'systemd: 3' marked "$(stopped exit-code 3)"
for code in 1 4 5 203; do
  same "systemd: $code" "$off"$'\nmarked' "$(stopped exit-code $code)"
done
same 'systemd: killed' "$off"$'\nmarked' "$(stopped signal KILL)"

[ $failures -eq 0 ] || exit 1
echo "the hooks are as they should be"
