#!/usr/bin/env bash
# Runs every command of every README's console blocks and compares what it
# prints with what stands below it. A line "..." stands for any lines, and
# "..." within a line for any text.
set -uo pipefail
trustd=$PWD/$1 trustctl=$PWD/$2
top=$PWD
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/bin"
ln -s "$trustd" "$scratch/bin/trustd"
ln -s "$trustctl" "$scratch/bin/trustctl"
export PATH=$scratch/bin:$PATH
ran=0
failures=0

# matches WANT GOT: whether the lines of the file GOT are those of WANT.
matches() {
  awk '
    function fits(want, got,    parts, n, i, at) {
      n = split(want, parts, /\.\.\./)
      if (n < 2) return want == got
      if (substr(got, 1, length(parts[1])) != parts[1]) return 0
      got = substr(got, length(parts[1]) + 1)
      for (i = 2; i < n; i++) {
        at = index(got, parts[i])
        if (!at) return 0
        got = substr(got, at + length(parts[i]))
      }
      return length(got) >= length(parts[n]) &&
             substr(got, length(got) - length(parts[n]) + 1) == parts[n]
    }
    function rest(w, g) {
      for (; w <= wants; w++) {
        if (want[w] == "...") {
          for (; g <= gots + 1; g++) if (rest(w + 1, g)) return 1
          return 0
        }
        if (g > gots || !fits(want[w], got[g])) return 0
        g++
      }
      return g > gots
    }
    FNR == NR { want[++wants] = $0; next }
    { got[++gots] = $0 }
    END { exit !rest(1, 1) }' "$1" "$2"
}

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
  for folder in "$top"/test/vectors/real/*/; do ln -sfn "$folder" .; done
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
  rm -rf "$scratch/work"
done < <(find . -name '*.md' | sort)

echo "$ran commands, $failures failures"
[ "$failures" -eq 0 ] && [ "$ran" -ge 8 ]
