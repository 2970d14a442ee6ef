# shellcheck shell=bash disable=SC2154
# A UKI with Debian 12's stub, with Secure Boot off and on; then what can be
# added to its boot without changing it. Sourced by tools/test-boot.

disk report.efi
reports open $open_variables
computed open report.efi '4 7 11 12 13' "${no_keys[@]}"
replayed open report.efi "${no_keys[@]}"

disk signed.efi
reports secure $snakeoil_variables
keys_of secure
computed secure signed.efi '4 7 11 12 13' "${keys[@]}"
replayed secure signed.efi "${keys[@]}"
check 'the kernel inside is measured only without Secure Boot' \
  other_register open secure 4
check 'nor would the firmware start the unsigned file' says IMAGE_NOT_AUTHORIZED \
  "$trustctl" measure uki report.efi "${keys[@]}"
digest() {  # digest IMAGE FIELD: an Authenticode digest that trustctl computed
  "$trustctl" measure uki "$1" --output json 2>/dev/null |
    sed -n "s/.*\"$2\": \"\([0-9a-f]*\)\".*/\1/p"
}
check "the unsigned file's digest once signed is the signed one's" \
  [ "$(digest report.efi authenticode_once_signed)" = \
  "$(digest signed.efi authenticode)" ]

# One byte of the operating system's name.
at=$(grep -abo 'ID=test-boot' report.efi | head -n 1 | cut -d : -f 1)
cp report.efi flipped.efi
flip flipped.efi $((at + 3))
disk flipped.efi
reports flipped $open_variables
check 'a byte flipped in the file is another PCR4' other_register open flipped 4
computed flipped flipped.efi '4 7 11 12 13' "${no_keys[@]}"
check 'and the log tells it from what was expected' says PCR4 \
  "$trustctl" measure eventlog "$guests/flipped/log.bin" --uki report.efi

cp signed.efi changed.efi
flip changed.efi $((at + 3))
disk changed.efi
check 'with Secure Boot the flipped file does not start' exits 3 \
  env BOOT_UNTIL='failed to load .*Access Denied' "$lab/guest" disk.raw \
  $snakeoil_variables tpm "$guests/changed"
check 'and trustctl says so' says IMAGE_SIGNATURE_OF_ANOTHER \
  "$trustctl" measure uki changed.efi "${keys[@]}"

# What the owner of the machine adds: a command line from a boot variable.
cp $open_variables variables
"$lab/boot_option.py" variables '\EFI\BOOT\BOOTX64.EFI' \
  'console=ttyS0 panic=-1 quiet no_timer_check init=/bin/sh'
disk report.efi
reports command-line variables
check 'the kernel has the other command line' \
  has 'cmdline console=ttyS0 panic=-1 quiet no_timer_check init=/bin/sh' \
  "$guests/command-line/report"
check 'PCR4 does not tell' same_register open command-line 4
check 'PCR12 tells' is_not_zero command-line 12
check 'the log says what was added' says init=/bin/sh "$trustctl" measure \
  eventlog "$guests/command-line/log.bin" --uki report.efi --explain

# Files beside the image, with Secure Boot.
add() {  # add NAME FILE TELLING SILENT
  mkdir -p "extra/$(dirname "$2")"
  echo 'anything' >"extra/$2"
  disk signed.efi
  rm -r extra
  reports "$1" $snakeoil_variables
  check "$1: PCR4 and PCR7 do not tell" sh -c '[ "$1 $2" = "$3 $4" ]' - \
    "$(register secure 4)" "$(register secure 7)" "$(register "$1" 4)" \
    "$(register "$1" 7)"
  check "$1: PCR$3 tells" is_not_zero "$1" "$3"
  check "$1: PCR$4 does not" is_zero "$1" "$4"
  check "$1: the log differs from what was computed" says "PCR$3" \
    "$trustctl" measure eventlog "$guests/$1/log.bin" --uki signed.efi "${keys[@]}"
}
add extension EFI/BOOT/BOOTX64.EFI.extra.d/added.raw 13 12
add credential EFI/BOOT/BOOTX64.EFI.extra.d/added.cred 12 13
