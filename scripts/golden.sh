#!/bin/bash
# Compares every op family with reference values on every device that is here. DL_GOLDEN names
# the folder with index.json; without it ../shared/golden, else the small set of the tests.
set -u
cd "$(dirname "$0")/.."
dl=${DL_BIN:-build/dl}
folder=${DL_GOLDEN:-${DL_SHARED:-../shared}/golden}
[ -n "${DL_GOLDEN:-}" ] || [ -d "$folder" ] || folder=tests/fixtures/golden
status=0
for device in $("$dl" info --devices -q | cut -d' ' -f1); do
    "$dl" check --golden "$folder" --device "$device" || status=1
done
exit $status
