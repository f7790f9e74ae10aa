#!/bin/bash
# Builds and runs every test project (or those named on the command line) and adds their results up.
# The last line is `N passed, N failed, N skipped`; a project that ends without a result counts as
# one failure. DL_BIN is the program that the black-box tests run.
set -u
cd "$(dirname "$0")/.."
export DL_BIN=${DL_BIN:-$PWD/build/dl}
passed=0 failed=0 skipped=0
projects=("$@")
[ ${#projects[@]} -gt 0 ] || projects=(tests/*.Tests)

log=$(mktemp)
trap 'rm -f "$log"' EXIT
for project in "${projects[@]}"; do
    if ! dotnet build "$project" -c Release -v q -nologo >"$log" 2>&1; then
        grep -E 'error|warning' "$log" | sort -u | head -n 40
        echo "$project: does not build"
        failed=$((failed + 1))
        continue
    fi
    dotnet test "$project" -c Release --no-build -v q -nologo \
        --logger 'console;verbosity=normal' 2>&1 |
        tee "$log" | grep -vE '^ *Passed |^ *$|xUnit.net|^Test Run|^Total tests|^ +(Passed|Total)'
    status=${PIPESTATUS[0]}
    count() { sed -nE "s/^ *$1: *([0-9]+).*/\1/p" "$log" | tail -n 1; }
    total=$(sed -nE 's/^Total tests: *([0-9]+).*/\1/p' "$log" | tail -n 1)
    p=$(count Passed) f=$(count Failed) s=$(count Skipped)
    if [ -z "$total" ] && [ "$status" -eq 0 ] && grep -q 'No test is available' "$log"; then
        continue
    fi
    # A crash leaves no totals, or fewer than were run: it must not pass unseen.
    if [ -z "$total" ] || { [ "$status" -ne 0 ] && [ "${f:-0}" -eq 0 ]; }; then
        echo "$project: ended without a result (status $status)"
        f=$((${f:-0} + 1))
    fi
    echo "$project: ${p:-0} passed, ${f:-0} failed, ${s:-0} skipped"
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
