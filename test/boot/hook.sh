# shellcheck shell=bash disable=SC2154
# anchorage-validate in the initrds that Debian's tools make: a system that is as
# its producer signed it boots, another one does not, and PCR8 tells. Sourced by
# tools/test-boot.

[ -x "$validate" ] || fail_setup "there is no $validate" "see --help"

# A small Debian, with what makes initrds. In memory, as its installer waits for
# the disk after each file.
system=$cache/system
if [ ! -e "$system" ]; then
  mkdir -p "$system.partial"
  unshare --mount bash -euo pipefail -s "$system.partial" "$mirror" <<'END' \
    >"$system.log" 2>&1 || fail_setup "debootstrap failed" "see $system.log"
mount -t tmpfs -o size=2g tmpfs /mnt
debootstrap --variant=minbase \
  --include=initramfs-tools,dracut-core,busybox,kmod,udev,systemd,zstd \
  --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
  bookworm /mnt/root "$2"
rm -rf /mnt/root/var/cache/apt/* /mnt/root/var/lib/apt/lists/*
cp -a /mnt/root/. "$1"
END
  mv "$system.partial" "$system"
fi

# The producer of the image, and its product: that system without what only
# makes initrds. libtinfo is the library that will change.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
  -keyout producer.key -out producer.pem -days 30 -subj '/CN=Producer of test-boot' \
  -addext basicConstraints=critical,CA:FALSE \
  -addext keyUsage=critical,digitalSignature \
  -addext extendedKeyUsage=codeSigning 2>/dev/null
mkdir tree
tar -C "$system" --xattrs -cf - --exclude=./usr/share/doc --exclude=./usr/share/man \
  --exclude=./usr/share/locale --exclude=./usr/share/info --exclude=./var/cache \
  --exclude=./usr/lib/dracut --exclude=./usr/share/initramfs-tools \
  --exclude=./usr/share/zoneinfo --exclude=./boot . |
  tar -C tree --xattrs -xpf -
library=usr/lib/x86_64-linux-gnu/libtinfo.so.6.4
install -m 755 "$lab/root_init" tree/usr/sbin/root_init
mkdir -p tree/usr/lib/anchorage
check 'trustctl lists the system' "$trustctl" image manifest tree \
  --product test-boot --version 1.2 --time "$(date -u +%FT%TZ)" \
  --on-mismatch continue --out manifest.json
check 'and its producer signs it' sh -c \
  '"$0" image sign manifest.json --key producer.key --chain producer.pem \
     --out tree/usr/lib/anchorage/image.bundle.json --output json >signed.json' \
  "$trustctl"
expected=$(python3 -c 'import json; print(json.load(open("signed.json"))["pcr8"])') ||
  expected=none
failure=$(python3 -c 'import hashlib
event = hashlib.sha384(b"anchorage-image-manifest/v1/failed").digest()
print(hashlib.sha384(bytes(48) + event).hexdigest())')

filesystem() {  # filesystem FOLDER IMAGE
  rm -f "$2"
  truncate -s "$(($(du -sm "$1" | cut -f 1) * 5 / 4 + 16))M" "$2"
  mke2fs -q -t ext4 -d "$1" "$2"
}
filesystem tree right.ext4

# The same system with the validator's hooks and a kernel, to make initrds in.
cp -a "$system" builder
cp -a "$kernel_package/boot/." builder/boot/
cp -a "$kernel_package/lib/modules" builder/usr/lib/
chroot builder depmod "$release"
"$here/client/validate/install" --program "$validate" --prefix builder/usr
printf 'virtio_pci\nvirtio_blk\n' >>builder/etc/initramfs-tools/modules
sed -i 's/^MODULES=.*/MODULES=list/' builder/etc/initramfs-tools/initramfs.conf
configure() {  # configure ACTION
  mkdir -p builder/etc/anchorage
  cp producer.pem builder/etc/anchorage/
  cat >builder/etc/anchorage/validate.json <<END
{"schema_version": 1, "product": "test-boot", "least_version": "1.1",
 "producers": [{"name": "test-boot", "certificates": ["producer.pem"]}],
 "least_action": "$1", "without_manifest": "$1"}
END
}
in_builder() {
  unshare --mount bash -c 'mount -t proc proc builder/proc &&
    mount --bind /dev builder/dev && exec chroot builder "$@"' - "$@"
}
printf 'console=ttyS0 panic=-1 quiet no_timer_check root=/dev/vda2 rootfstype=ext4 ro %s' \
  init=/usr/sbin/root_init >cmdline.hook
hook_uki() {  # hook_uki INITRD UKI
  "$lab/make_uki" "$(stub_in bookworm)" "$kernel" "$1" cmdline.hook os-release "$2"
}
export BOOT_MEMORY=512
# boots NAME IMAGE ROOT: a guest with this root file system
boots() {
  disk "$2" "linux=$3"
  boot "$1" $open_variables
}
extended() {  # extended NAME VALUE: into PCR8, once, and the value that gives
  local events
  events=$("$lab/report.py" extends "$guests/$1" 8)
  echo "extended: $events"
  [ "$(python3 -c 'import hashlib, sys
value = bytes(48)
for event in sys.argv[1:]:
    value = hashlib.sha384(value + bytes.fromhex(event)).digest()
print(value.hex(), len(sys.argv) - 1)' $events)" = "$2 1" ]
}
right() {  # right NAME: the boot of an image that is right
  check "$1: the system runs" has 'BOOT OK' "$guests/$1/report"
  check "$1: PCR8 is what 'trustctl image sign' printed" \
    [ "$(register "$1" 8)" = "$expected" ]
  check "$1: PCR4 is that of the image" sh -c \
    '"$0" measure uki "$1" --output json >measured.json &&
     "$2" compare "$3" measured.json 4 12 13' \
    "$trustctl" "$2" "$lab/report.py" "$guests/$1"
}
wrong() {  # wrong NAME TEXT: the boot of one that is not
  check "$1: the system does not run" has_not 'BOOT OK' "$guests/$1/report"
  check "$1: it says why" has "$2" "$guests/$1/console"
  check "$1: PCR8 was extended once, with the failure" extended "$1" "$failure"
}

# One byte of one library, in the file system.
cp right.ext4 changed.ext4
block=$(debugfs -R "blocks /$library" changed.ext4 2>/dev/null | cut -d ' ' -f 1)
flip changed.ext4 $((block * $(debugfs -R stats changed.ext4 2>/dev/null |
  sed -n 's/^Block size: *//p') + 100))

configure power-off
check 'mkinitramfs makes an initrd with the hook' \
  in_builder mkinitramfs -o /power-off.img "$release"
hook_uki builder/power-off.img power-off.efi
boots right power-off.efi right.ext4
right right power-off.efi
boots changed power-off.efi changed.ext4
wrong changed "$library"

check 'dracut makes an initrd with the module' in_builder dracut --quiet --force \
  --no-hostonly --no-hostonly-cmdline --add-drivers 'virtio_pci virtio_blk ext4' \
  --add anchorage --omit 'network cifs nfs nbd iscsi lvm mdraid multipath plymouth' \
  --kver "$release" /dracut.img
hook_uki builder/dracut.img dracut.efi
boots dracut-right dracut.efi right.ext4
right dracut-right dracut.efi
boots dracut-changed dracut.efi changed.ext4
wrong dracut-changed "$library"

# No manifest at all.
cp right.ext4 bare.ext4
debugfs -w -R 'rm /usr/lib/anchorage/image.bundle.json' bare.ext4 2>/dev/null
boots bare power-off.efi bare.ext4
wrong bare MANIFEST_MISSING

# Where the initrd lets a wrong system boot, the register still tells. This one is
# wrong in many ways, some of which take a disk and a kernel of one's own.
cp -a tree many
cd many
setcap cap_sys_admin+ep usr/bin/ls
chmod u+s usr/bin/find
chown 1000 usr/bin/cut
rm usr/bin/factor usr/bin/sort usr/bin/shuf usr/bin/tac
mknod usr/bin/sort c 1 3
mknod usr/bin/shuf c 0 0
mkfifo usr/bin/tac
ln -sfn /usr/bin/perl etc/alternatives/awk
ln usr/bin/cat usr/bin/kitten
printf more >>"$library"
echo /usr/lib/nothing.so >etc/ld.so.preload
cp "$library" usr/lib/x86_64-linux-gnu/added
chmod 644 usr/lib/x86_64-linux-gnu/added
printf '#!/bin/sh\n' >usr/bin/$'a\e[2J\nb'
cd ..
filesystem many many.ext4
# The kernel cannot make sense of where this file's content is.
debugfs -w -R 'set_inode_field /usr/bin/tail block[0] 0' many.ext4 2>/dev/null
rm -r many

configure continue
check 'mkinitramfs makes an initrd that goes on' \
  in_builder mkinitramfs -o /continue.img "$release"
hook_uki builder/continue.img continue.efi
boots many continue.efi many.ext4
check 'many: the system runs' has 'BOOT OK' "$guests/many/report"
check 'many: PCR8 is that of a failure' [ "$(register many 8)" = "$failure" ]
found=0
while read -r difference; do
  check "many: $difference" has "anchorage-validate: $difference" \
    "$guests/many/console"
  found=$((found + 1))
done <<END
CAPABILITY usr/bin/ls
MODE usr/bin/find
OWNER usr/bin/cut
MISSING usr/bin/factor
TYPE usr/bin/sort
TYPE usr/bin/shuf
TYPE usr/bin/tac
LINK etc/alternatives/awk
ADDED usr/bin/kitten
CONTENT $library
ADDED etc/ld.so.preload
ADDED usr/lib/x86_64-linux-gnu/added
ADDED usr/bin/a\\x1b[2J\\nb
UNREADABLE usr/bin/tail
END
check 'many: nothing else differs' has "TREE_DIFFERS: differences: $found" \
  "$guests/many/console"
