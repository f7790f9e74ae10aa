#!/bin/bash
# Pictures a second from files into batches, dl beside Pillow, in alternation: medians of the
# rounds. Pillow runs with one process and with as many as there are cores, with draft mode and
# without; its best counts.
#
# usage: scripts/bench-images.sh [DIR]   (../shared/data/flowers/train)
# ROUNDS (3), SECONDS_EACH (3), SIZE (224), DL (build/dl), PYTHON (/usr/bin/python3)
set -eu
cd "$(dirname "$0")/.."
DL=${DL:-build/dl}
PYTHON=${PYTHON:-/usr/bin/python3}
ROUNDS=${ROUNDS:-3}
SECONDS_EACH=${SECONDS_EACH:-3}
SIZE=${SIZE:-224}
DIR=${1:-${DL_SHARED:-../shared}/data/flowers/train}
peer=scripts/peer/images_pillow.py
"$PYTHON" -c 'import PIL, numpy' 2>/dev/null || {
    echo "bench-images: $PYTHON has no PIL and numpy (Debian: python3-pil python3-numpy)" >&2
    exit 1
}
results=$(mktemp)
trap 'rm -f "$results"' EXIT

# record NAME LINE
record() { echo "$1 $(sed -n 's/.*"samples_per_s": *\([0-9.]*\).*/\1/p' <<< "$2")" >> "$results"; }

for _ in $(seq "$ROUNDS"); do
    record dl "$("$DL" bench images "$DIR" --image-size "$SIZE" --seconds "$SECONDS_EACH" --json)"
    for processes in $(echo "1 $(nproc)" | tr ' ' '\n' | sort -nu); do
        for draft in '' --draft; do
            record "pillow/$processes$draft" "$("$PYTHON" $peer "$DIR" --image-size "$SIZE" \
                --seconds "$SECONDS_EACH" --processes "$processes" $draft)"
        done
    done
done

sort -k1,1 -k2,2n "$results" | awk '
{ n[$1]++; value[$1, n[$1]] = $2 }
END {
    for (name in n) {
        k = n[name]
        m = k % 2 ? value[name, (k + 1) / 2] : (value[name, k / 2] + value[name, k / 2 + 1]) / 2
        printf "%-18s %8.1f images/s  (%.1f to %.1f)\n", name, m, value[name, 1], value[name, k] \
            | "sort"
        if (name == "dl") own = m
        else if (m > best) best = m
    }
    close("sort")
    printf "dl / best of Pillow: %.2f\n", own / best
}'
