#!/usr/bin/env bash
# tools/install with what was just built, and products in C, C++ and Python
# against that folder alone.
set -euo pipefail
library=$1 archive=$2 trustd=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() {
  echo "FAILED: $1"
  exit 1
}
mkdir "$scratch/built"
ln -s "$PWD/$library" "$scratch/built/libanchorage.so.1"
ln -s "$PWD/$archive" "$scratch/built/libanchorage.a"
folder="$scratch/a folder"
install() {
  tools/install --prefix "$folder" --libdir lib/x86_64-linux-gnu \
    --built "$scratch/$1" >/dev/null
}
# Every file below the folder with its mode, its time and what it is.
listing() { (cd "$folder" && find . -printf '%p %m %y %l %s\n' | LC_ALL=C sort); }

# Everybody may read it, whatever the umask.
(umask 077 && install built)
listing >"$scratch/first"
! grep -vE '^\S+ (755 d|644 f|777 l)' "$scratch/first" | grep -v '/build 755 f' ||
  fail 'modes'
# Again: the same, without what an older one had.
touch "$folder/lib/python3/dist-packages/anchorage/_older.py"
install built
listing | diff "$scratch/first" - || fail 'installed twice'
# One that fails, and one that is interrupted, leave what was there.
mkdir "$scratch/broken" "$scratch/slow"
cp -P "$scratch/built/libanchorage.a" "$scratch/broken"
echo 'no library' >"$scratch/broken/libanchorage.so.1"
! install broken 2>/dev/null || fail 'a library that is none was installed'
listing | diff "$scratch/first" - || fail 'after a failure'
# Who reads this waits for ever.
mkfifo "$scratch/slow/libanchorage.a"
set -m
install slow &
set +m
until compgen -G "$folder/.install.*/new/*" >/dev/null; do sleep 0.1; done
kill -INT -- -$!
wait $! && fail 'interrupted, and no failure'
listing | diff "$scratch/first" - || fail 'after an interruption'

# A folder that the files of CMake and pkg-config cannot name is refused.
for name in 'lib|64' 'lib\64' 'lib&64' 'lib 64' ../lib /lib; do
  ! tools/install --prefix "$folder" --libdir "$name" --built "$scratch/built" \
    2>"$scratch/log" && grep -q '^install: error: --libdir' "$scratch/log" ||
    fail "--libdir '$name'"
done
listing | diff "$scratch/first" - || fail 'after a folder that was refused'

# It works wherever it was moved to: nothing in it says where it is.
! grep -rlF "$scratch" "$folder" || fail 'it knows its folder'
mv "$folder" "$scratch/installed"
test/bindings/bindings.sh "$scratch/installed" "$trustd" c cpp python
