#!/bin/bash
# Feeds every parser damaged inputs: COUNT (100000) each, number SEED (from the clock) and those
# that follow; PARSERS ("png jpeg") picks some. What fails is kept in build/fuzz/PARSER-SEED.bin,
# with the line that makes it again; build/fuzz/report.txt keeps seeds and figures of all runs.
set -u
cd "$(dirname "$0")/.."
export DL_FUZZ_COUNT=${COUNT:-100000}
export DL_FUZZ_SEED=${SEED:-$(($(date +%s) % 1000000000))}
export DL_FUZZ_PARSERS=${PARSERS:-}
mkdir -p build/fuzz
echo "COUNT=$DL_FUZZ_COUNT SEED=$DL_FUZZ_SEED PARSERS='$DL_FUZZ_PARSERS'" |
    tee -a build/fuzz/report.txt
before=$(wc -l <build/fuzz/report.txt)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
for project in tests/dl.Core.Tests tests/dl.Tests; do
    # A parser that crashes the process or never ends fails the run as well.
    dotnet test "$project" -c Release -v q -nologo --filter 'FullyQualifiedName~FuzzTests' \
        >"$log" 2>&1 || { failed=1; grep -vE '^ *$|^ +at |^Test run for' "$log"; }
done
tail -n "+$((before + 1))" build/fuzz/report.txt
exit $failed
