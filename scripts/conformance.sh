#!/bin/bash
# Reads every Parquet, PNG, JPEG and WebP file below CORPUS (../shared/data) and says of each
# whether it was read right; docs/conformance.md has the rules. PEER is another reader of pictures:
# a command, or `pillow` (python3-pil). STRICT=1: bad files that can be read count as wrong. SIZE=N:
# pictures are compared after both have resized them to N by N.
set -eu
cd "$(dirname "$0")/.."
CORPUS=${CORPUS:-${DL_SHARED:-../shared}/data}
PEER=${PEER:-}
[ "$PEER" != pillow ] || PEER="${PYTHON:-/usr/bin/python3} scripts/peer/read_pictures.py"
dotnet build tests/dl.Conformance -c Release -v q -nologo >/dev/null ||
    dotnet build tests/dl.Conformance -c Release -v q -nologo
arguments=("$CORPUS")
[ -z "$PEER" ] || arguments+=(--peer "$PEER")
[ -z "${SIZE:-}" ] || arguments+=(--size "$SIZE")
[ "${STRICT:-0}" != 1 ] || arguments+=(--strict)
exec dotnet tests/dl.Conformance/bin/Release/net10.0/dl.Conformance.dll "${arguments[@]}"
