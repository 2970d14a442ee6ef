# What the tests of manuals share: a console block against what was printed.
# shellcheck shell=bash

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
