#!/bin/bash
# Puts anchorage-validate and what it expects into an initrd of dracut's.
#
# usage: /usr/lib/dracut/modules.d/90anchorage/module-setup.sh, read by dracut
#
# Without a configuration it does nothing; with one that is not valid, no initrd
# is made, because one without a validator would boot anything, and one with it
# nothing.

# shellcheck disable=SC2154  # dracut sets what is not set here

validator=/usr/lib/anchorage/anchorage-validate
config=/etc/anchorage/validate.json

# called by dracut
check() {
  [ -e "${dracutsysrootdir:-}$config" ]
}

# called by dracut
depends() {
  return 0
}

# called by dracut
installkernel() {
  # The driver of the TPM, which may be a module.
  instmods '=drivers/char/tpm'
}

# called by dracut
install() {
  local checked kind value action
  checked=$("$validator" --check --config "${dracutsysrootdir:-}$config") || {
    dfatal "anchorage: $config is not valid, so no initrd is made"
    exit 1
  }
  inst_simple "$validator"
  while read -r kind value; do
    case "$kind" in
      file) inst_simple "$value" ;;
      action) action=$value ;;
    esac
  done <<<"$checked"

  if ! dracut_module_included systemd; then
    # Before every other hook of this point.
    inst_hook pre-pivot 00 "$moddir/anchorage-validate.sh"
    return 0
  fi
  local unit=anchorage-validate-initrd.service
  local units=$initdir$systemdsystemunitdir
  inst_simple "$moddir/$unit" "$systemdsystemunitdir/$unit"
  # What reads the tree first, and what starts it.
  for needs in initrd-parse-etc.service initrd-switch-root.target; do
    mkdir -p "$units/$needs.requires"
    ln -sf "../$unit" "$units/$needs.requires/$unit"
  done
  [ "$action" = power-off ] ||
    inst_simple "$moddir/emergency.conf" \
      "$systemdsystemunitdir/$unit.d/emergency.conf"
}
