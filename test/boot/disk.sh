# shellcheck shell=bash disable=SC2154
# A disk as it ships: its UKI names the root hash of a dm-verity partition.
# Sourced by tools/test-boot.

mkdir -p root/usr/bin
cp "$(command -v busybox)" root/usr/bin/
mksquashfs root root.squashfs -quiet -no-progress -all-root -reproducible \
  >/dev/null
hash=$(veritysetup format root.squashfs root.verity |
  sed -n 's/^Root hash:[[:space:]]*//p')
printf 'console=ttyS0 panic=-1 quiet no_timer_check roothash=%s' "$hash" >cmdline.verity
"$lab/make_uki" "$(stub_in bookworm)" "$kernel" report.img cmdline.verity \
  os-release verity.efi
# The partitions of a root hash bear its halves as names.
guid() { sed -E 's/^(.{8})(.{4})(.{4})(.{4})(.{12})$/\1-\2-\3-\4-\5/' <<<"$1"; }
disk verity.efi \
  "4f68bce3-e8cd-4db1-96e7-fbcaf984b709, uuid=$(guid "${hash:0:32}")=root.squashfs" \
  "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5, uuid=$(guid "${hash:32}")=root.verity"
cp disk.raw shipped.raw

reports disk $open_variables
check 'trustctl measures the disk' sh -c \
  '"$0" measure image shipped.raw "$@" --output json >measured.json' \
  "$trustctl" "${no_keys[@]}"
check 'it found the root hash' has "$hash" measured.json
check 'registers 4, 7, 11, 12, 13 are those that were computed' \
  "$lab/report.py" compare "$guests/disk" measured.json 4 7 11 12 13

start_of() {  # start_of PARTITION, in bytes
  echo $((512 * $(sfdisk --dump shipped.raw |
    sed -n "s/^shipped.raw$1 : start= *\([0-9]*\),.*/\1/p")))
}
flip shipped.raw $(($(start_of 2) + 5000))
check 'a byte changed in the root is refused' says verity \
  "$trustctl" measure image shipped.raw
flip shipped.raw $(($(start_of 2) + 5000))
check 'and taken once it is as it was' sh -c \
  '"$0" measure image shipped.raw >/dev/null' "$trustctl"
flip shipped.raw $(($(start_of 3) + 5000))
check 'a byte changed in the hash tree is refused' says verity \
  "$trustctl" measure image shipped.raw
rm -f shipped.raw
