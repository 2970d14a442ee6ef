#!/usr/bin/env bash
# tools/install with what was just built, and products in C and Python against
# that folder alone.
set -euo pipefail
library=$1 archive=$2 trustd=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/built"
ln -s "$PWD/$library" "$scratch/built/libanchorage.so.1"
ln -s "$PWD/$archive" "$scratch/built/libanchorage.a"
tools/install --prefix "$scratch/first" --libdir lib/x86_64-linux-gnu \
  --built "$scratch/built"
# It works wherever it was moved to.
mv "$scratch/first" "$scratch/installed"
test/bindings/bindings.sh "$scratch/installed" "$trustd" c python
