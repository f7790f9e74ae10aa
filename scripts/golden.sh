#!/bin/bash
# Compares every op family with reference values on every device that is here. DL_GOLDEN names
# the folder with index.json; without it the tests look for ../shared/golden.
set -u
cd "$(dirname "$0")/.."
[ -z "${DL_GOLDEN:-}" ] || DL_GOLDEN=$(cd "$DL_GOLDEN" && pwd) || exit 2
export DL_GOLDEN
status=0
for project in tests/dl.Core.Tests tests/dl.OpenCL.Tests; do
    dotnet test "$project" -c Release -v q -nologo --filter 'FullyQualifiedName~Golden' \
        --logger 'console;verbosity=normal' || status=1
done
exit $status
