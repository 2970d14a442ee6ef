# shellcheck shell=bash disable=SC2154
# The same with the stubs of later releases of Debian: 257 of 13, and 258 or
# newer of its next. Sourced by tools/test-boot.

for later in trixie forky; do
  if ! fetch $later systemd-boot-efi; then
    echo "skip  $later: its stub cannot be fetched"
    continue
  fi
  echo "      $later: $(strings "$(stub_in $later)" | grep -F LoaderInfo)"
  uki $later $later.efi
  disk $later.efi
  reports $later $open_variables
  computed $later $later.efi '4 7 11 12 13' "${no_keys[@]}"
  replayed $later $later.efi "${no_keys[@]}"
  sign $later.efi $later-signed.efi
  disk $later-signed.efi
  reports $later-secure $snakeoil_variables
  keys_of $later-secure
  computed $later-secure $later-signed.efi '4 7 11 12 13' "${keys[@]}"
  replayed $later-secure $later-signed.efi "${keys[@]}"
done
