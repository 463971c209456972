#!/usr/bin/env bash
# Runs each fuzz target of the module for a while: fuzz.sh 10s
set -euo pipefail
cd "$(dirname "$0")/.."

readonly time=${1:-10s} go=${GO:-go}

# The packages are found by text first: listing compiles a test binary each.
dirs=$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -r -n1 dirname | sort -u || true)
for dir in $dirs; do
	targets=$("$go" test -list '^Fuzz' "$dir")
	for target in $(grep '^Fuzz' <<<"$targets" || true); do
		echo "fuzz: $dir $target"
		"$go" test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$dir"
	done
done
