#!/usr/bin/env bash
# The program of README.md prints what stands below it.
set -euo pipefail
product=$PWD/$1 readme=$PWD/$2 vectors=$PWD/test/vectors
cd "$TEST_TMPDIR"
cp "$vectors/real/iid/usw2-2021-teleport-1/rsa2048.b64" rsa2048
cp "$vectors/store_v2/online/1.root.json" root.json
sed -n '/^```text$/,/^```$/p' "$readme" | sed '1d;$d' >want
[ -s want ]
"$product" | diff want -
# It can say no.
sed 's/[A-D]/E/' "$vectors/real/iid/usw2-2021-teleport-1/rsa2048.b64" >rsa2048
! "$product"
