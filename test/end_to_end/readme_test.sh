#!/usr/bin/env bash
# Runs every command of every README's console blocks and compares what it
# prints with what stands below it. A line "..." stands for any lines, and
# "..." within a line for any text.
set -uo pipefail
trustd=$PWD/$1 trustctl=$PWD/$2 make_boot_files=$PWD/$3
top=$PWD
. "$top/test/end_to_end/console.sh"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/bin"
ln -s "$trustd" "$scratch/bin/trustd"
ln -s "$trustctl" "$scratch/bin/trustctl"
export PATH=$scratch/bin:$PATH XDG_CONFIG_HOME=$scratch/config
ran=0
failures=0

# run README COMMAND: runs it and compares its output with the file "want".
run() {
  ran=$((ran + 1))
  local code=0
  bash -c "$2" >got 2>&1 </dev/null || code=$?
  # An answer that is refused is shown with its exit code.
  if [ $code -eq 0 ] && { [ ! -s want ] || matches want got; }; then return; fi
  failures=$((failures + 1))
  echo "FAILED in $1: $2 (exit code $code)"
  diff want got
}

while read -r readme; do
  mkdir -p "$scratch/work"
  cd "$scratch/work" || exit 1
  for folder in "$top"/test/vectors/real/*/ \
    "$top"/test/vectors/store_v2/online/store \
    "$top"/test/vectors/record/march.jsonl; do
    ln -sfn "$folder" .
  done
  "$make_boot_files" . || exit 1
  # The repository's folder, from its top, and a data_dir.
  mkdir -p test/vectors data
  ln -sfn "$top/test/vectors/real" test/vectors/real
  ln -sfn "$top/test/vectors/store_v2/online/store" data/store
  inside=false command=
  while IFS= read -r line; do
    case "$line" in
      '```console') inside=true command= ;;
      '```'*)
        if $inside && [ -n "$command" ]; then run "$readme" "$command"; fi
        inside=false command= ;;
      '$ '*)
        if $inside; then
          [ -z "$command" ] || run "$readme" "$command"
          command=${line#'$ '}
          : >want
        fi ;;
      *) if $inside; then printf '%s\n' "$line" >>want; fi ;;
    esac
  done <"$top/$readme"
  cd "$top" || exit 1
  rm -rf "$scratch/work" "$scratch/config"
done < <(find . -name '*.md' | sort)

echo "$ran commands, $failures failures"
[ "$failures" -eq 0 ] && [ "$ran" -ge 8 ]
