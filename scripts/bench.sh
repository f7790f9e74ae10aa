#!/bin/bash
# Times the training workloads on every device of dl and in PyTorch, in alternation, and prints one
# table: medians over the rounds, the best device's ratio to PyTorch, the share of the measured peak
# and the memory of the processes.
#
# usage: scripts/bench.sh [WORKLOAD...]
# ROUNDS (3), SECONDS_EACH (4) for each measurement, DL (build/dl), DEVICES (cpu and opencl:0 where
# there is one), PEER (../shared/bench/peer_torch.py), PYTHON (/usr/bin/python3).
set -eu
cd "$(dirname "$0")/.."
DL=${DL:-build/dl}
PYTHON=${PYTHON:-/usr/bin/python3}
PEER=${PEER:-${DL_SHARED:-../shared}/bench/peer_torch.py}
ROUNDS=${ROUNDS:-3}
SECONDS_EACH=${SECONDS_EACH:-4}
if [ -z "${DEVICES:-}" ]; then
    DEVICES=$("$DL" info --devices 2>/dev/null | awk '$1 == "cpu" || $1 == "opencl:0" { print $1 }')
fi
[ $# -gt 0 ] || set -- mlp mlp_small cnn resnet18 mobilenet unet lstm gpt

peer=yes
if [ ! -f "$PEER" ]; then
    echo "bench: no $PEER: dl alone is timed" >&2
    peer=
elif ! "$PYTHON" -c 'import torch' 2>/dev/null; then
    echo "bench: $PYTHON has no torch (Debian: python3-torch libopenblas0-pthread): dl alone is" \
        "timed" >&2
    peer=
elif ! "$PYTHON" -c 'import torch, time
a = torch.randn(512, 512); a @ a; t = time.perf_counter(); a @ a
raise SystemExit(2 * 512 ** 3 / (time.perf_counter() - t) < 3e10)'; then
    echo "bench: torch computes products with a reference BLAS; install libopenblas0-pthread," \
        "or every ratio flatters dl" >&2
fi

results=$(mktemp)
trap 'rm -f "$results"' EXIT

# field KEY LINE: a number of a JSON line.
field() { sed -n "s/.*\"$1\": *\([-0-9.e+]*\).*/\1/p" <<< "$2"; }

# record SIDE WORKLOAD LINE PEAK_BYTES
record() {
    echo "$1 $2 $(field samples_per_s "$3") $(field step_ms "$3") $4 $(field gflop "$3")" \
        >> "$results"
}

# The peer's line, and its peak memory in bytes.
peer_line() {
    "$PYTHON" - "$PYTHON" "$PEER" "$1" --seconds "$2" <<'PY'
import resource, subprocess, sys
line = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
print(line)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
PY
}

for device in $DEVICES; do
    peak=$("$DL" bench peak --device "$device" --json)
    echo "peak $device $(field gflops "$(head -1 <<< "$peak")")" >> "$results"
done
for workload in "$@"; do
    for device in $DEVICES; do
        # Kernels are compiled here and not while the clock runs.
        "$DL" bench "$workload" --device "$device" --seconds 0 > /dev/null
    done
    for round in $(seq "$ROUNDS"); do
        for device in $DEVICES; do
            line=$("$DL" bench "$workload" --device "$device" --seconds "$SECONDS_EACH" --json)
            record "$device" "$workload" "$line" "$(field peak_bytes "$line")"
        done
        if [ -n "$peer" ]; then
            # The peer tries one thread and two, each for its time.
            out=$(peer_line "$workload" "$SECONDS_EACH")
            record torch "$workload" "$(head -1 <<< "$out")" "$(tail -1 <<< "$out")"
        fi
        [ ! -t 2 ] || printf '\r%-60s\r' "$workload $round/$ROUNDS" >&2
    done
    auto=$("$DL" bench "$workload" --seconds 0 --json)
    echo "auto $workload $(sed -n 's/.*"device": *"\([^"]*\)".*/\1/p' <<< "$auto")" >> "$results"
done

awk -v devices="$DEVICES" -v workloads="$*" -v rounds="$ROUNDS" '
$1 == "peak" { peak[$2] = $3; next }
$1 == "auto" { auto[$2] = $3; next }
{
    key = $1 " " $2
    n[key]++
    value[key, n[key]] = $3
    if ($5 > memory[key]) memory[key] = $5
    if ($6 != "") { gflop[$2] = $6; samples[$2] = $3 * $4 / 1000 }
}
function median(key,   i, j, t, v, count) {
    count = n[key]
    for (i = 1; i <= count; i++) v[i] = value[key, i]
    for (i = 1; i <= count; i++)
        for (j = i + 1; j <= count; j++)
            if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
    return count == 0 ? 0 : count % 2 ? v[(count + 1) / 2] : (v[count / 2] + v[count / 2 + 1]) / 2
}
END {
    count = split(devices, device, /[ \n]+/)
    printf "| workload"
    for (i = 1; i <= count; i++) printf " | %s /s", device[i]
    printf " | torch /s | best/torch | ratios | auto | of peak | dl MiB | torch MiB |\n|"
    for (i = 1; i <= count + 8; i++) printf " --- |"
    printf "\n"
    total = split(workloads, name, " ")
    for (w = 1; w <= total; w++) {
        best = 0
        printf "| %s", name[w]
        for (i = 1; i <= count; i++) {
            m = median(device[i] " " name[w])
            printf " | %.1f", m
            if (m > best) { best = m; on = device[i] }
        }
        torch = median("torch " name[w])
        share = 100 * gflop[name[w]] * best / samples[name[w]] / peak[on]
        low = high = 0
        for (r = 1; r <= rounds && torch; r++) {
            ratio = value[on " " name[w], r] / value["torch " name[w], r]
            if (!low || ratio < low) low = ratio
            if (ratio > high) high = ratio
        }
        if (torch)
            printf " | %.1f | %.2f | %.2f-%.2f", torch, best / torch, low, high
        else
            printf " | - | - | -"
        printf " | %s%s | %.0f %%", auto[name[w]], auto[name[w]] == on ? "" : " (slower)", share
        printf " | %.0f | %s |\n", memory[on " " name[w]] / 1048576, \
            torch ? sprintf("%.0f", memory["torch " name[w]] / 1048576) : "-"
    }
    for (i = 1; i <= count; i++) printf "peak of %s: %.0f GFLOP/s\n", device[i], peak[device[i]]
}' "$results"
