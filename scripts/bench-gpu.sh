#!/usr/bin/env bash
# Everything that is claimed of a GPU, measured on it: `scripts/bench-gpu.sh > gpu.md`. Needs dl,
# and for the other side python with torch; without torch its column is empty. Markdown goes to
# stdout, errors to stderr, and a part that fails leaves the others alone. Settings, by environment:
#   DL_BIN            the program                                  build/dl
#   DL_GPU_DEVICE     where dl computes                            the first GPU, else opencl:0
#   DL_PYTHON         python with torch                            python3
#   DL_PEER_DEVICE    where torch computes                         cuda
#   DL_SHARED         folder with bench/peer_torch.py              ../shared
#   DL_GPU_SIZES      edges of the matrix products                 1024,2048,4096,8192
#   DL_GPU_PARTS      what to measure                              all parts, see below
#   DL_GPU_PRECISIONS f32 and what the device is to prove          f32 tf32 bf16
#   DL_GPU_SECONDS    for each workload                            5
#   DL_GPU_TIMEOUT    seconds for one program                      900
set -u
cd "$(dirname "$0")/.." || exit 1
dl=${DL_BIN:-build/dl}
python=${DL_PYTHON:-python3}
peer_device=${DL_PEER_DEVICE:-cuda}
sizes=${DL_GPU_SIZES:-1024,2048,4096,8192}
parts=${DL_GPU_PARTS:-selftest matmul conv elementwise workloads resnet50}
precisions=${DL_GPU_PRECISIONS:-f32 tf32 bf16}
seconds=${DL_GPU_SECONDS:-5}
limit=${DL_GPU_TIMEOUT:-900}
peer=${DL_SHARED:-../shared}/bench/peer_torch.py
workloads="mlp mlp_small cnn resnet18 mobilenet unet lstm gpt"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=""

if ! "$dl" info --devices --json -q > "$work/devices"; then
    echo "bench-gpu: $dl does not run; build it (make build) or set DL_BIN" >&2
    exit 1
fi
device=${DL_GPU_DEVICE:-$("$python" - "$work/devices" <<'PY'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
print(next((r["device"] for r in rows if r["gpu"]), "opencl:0"))
PY
)}

# run FILE COMMAND...: appends what it prints to FILE; its errors are seen and noted, not followed.
run() {
    local file=$1
    shift
    if ! timeout "$limit" "$@" >> "$file"; then
        echo "bench-gpu: failed: $*" >&2
        failed="$failed\n- \`$*\`"
    fi
}

has_torch() {
    [ -n "${torch:-}" ] && [ "$torch" != none ]
}

# pair NAME [OPTION]: the table of $work/NAME.dl beside $work/NAME.torch.
pair() {
    touch "$work/$1.dl" "$work/$1.torch"
    "$python" scripts/peer/gpu_table.py "$work/$1.dl" "$work/$1.torch" ${2:-}
}

# torch_part NAME WHAT PRECISION
torch_part() {
    has_torch && run "$work/$1.torch" "$python" scripts/peer/gpu_torch.py "$2" \
        --precision "$3" --device "$peer_device" --sizes "$sizes"
}

dl_bench() {
    local file=$1
    shift
    run "$file" "$dl" bench "$@" --device "$device" --json -q
}

head_of_report() {
    torch=$("$python" -c "import torch; print(torch.__version__)" 2> /dev/null || echo none)
    echo "# dl on a GPU"
    echo
    echo "- date: $(date -u +%Y-%m-%d)"
    echo "- device: $(grep "\"$device\"" "$work/devices" |
        sed 's/.*"description": *"\([^"]*\)".*/\1/')"
    nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader \
        2> /dev/null | sed 's/^/- nvidia-smi: /'
    echo "- host: $(uname -sm), $(getconf _NPROCESSORS_ONLN) processors"
    local commit
    commit=${DL_COMMIT:-$(git rev-parse --short HEAD 2> /dev/null || echo unknown)}
    echo "- dl: $("$dl" --version), commit $commit"
    echo "- torch: $torch on $peer_device"
    echo
}

# A precision that the device does not prove is named once and left out. It decides which
# precisions the other parts try.
selftest() {
    echo "## Self-test"
    echo
    local precision proven=""
    for precision in $precisions; do
        local lines="$work/selftest.$precision"
        timeout "$limit" "$dl" check --selftest --device "$device" --precision "$precision" \
            --json -v > "$lines" 2> "$lines.errors"
        local status=$?
        if [ $status -eq 0 ]; then
            proven="$proven $precision"
            echo "- $precision: $(grep -c '"primitive"' "$lines") primitives are right"
        elif grep -q '"primitive"' "$lines"; then
            echo "- $precision: WRONG ($status):" \
                "$(grep '"ok": *false' "$lines" |
                    sed 's/.*"primitive": *"\([^"]*\)".*/\1/' | tr '\n' ' ')"
            # f32 is timed even so: what is wrong has been named.
            [ "$precision" = f32 ] && proven="$proven $precision"
            failed="$failed\n- self-test in $precision"
        else
            echo "- $precision: not here: $(tail -n 1 "$lines.errors")"
            cat "$lines.errors" >&2
        fi
    done
    precisions=${proven:-f32}
    echo
}

matmul() {
    echo "## Matrix products"
    for precision in $precisions; do
        printf '\n%s\n\n' "$precision"
        dl_bench "$work/matmul.$precision.dl" matmul --sizes "$sizes" --precision "$precision"
        torch_part "matmul.$precision" matmul "$precision"
        pair "matmul.$precision"
    done
}

conv() {
    echo "## Convolutions of ResNet-50, batch 64"
    for precision in $precisions; do
        printf '\n%s\n\n' "$precision"
        dl_bench "$work/conv.$precision.dl" conv50 --precision "$precision"
        torch_part "conv.$precision" conv50 "$precision"
        pair "conv.$precision"
    done
}

elementwise() {
    printf '## Elementwise, rows and updates, 16 million numbers\n\n'
    dl_bench "$work/elementwise.dl" peak elementwise
    torch_part elementwise elementwise f32
    pair elementwise --copy
}

# torch_workload NAME: without tf32, so that both sides compute the same.
torch_workload() {
    has_torch && [ -f "$peer" ] && NVIDIA_TF32_OVERRIDE=0 run "$work/workloads.torch" \
        "$python" "$peer" "$1" --device "$peer_device" --threads 1 --seconds "$seconds"
}

workloads() {
    printf '## Training, f32 on both sides\n\n'
    [ -f "$peer" ] || echo "bench-gpu: $peer is not there, so torch has no figures here" >&2
    for name in $workloads; do
        dl_bench "$work/workloads.dl" "$name" --seconds "$seconds"
        torch_workload "$name"
    done
    pair workloads
}

resnet50() {
    echo "## Training ResNet-50 on 224x224, batch 64"
    for precision in $precisions; do
        printf '\n%s\n\n' "$precision"
        dl_bench "$work/resnet50.$precision.dl" resnet50 --seconds "$seconds" \
            --precision "$precision"
        torch_part "resnet50.$precision" resnet50 "$precision"
        pair "resnet50.$precision"
    done
}

head_of_report
for part in $parts; do
    case $part in
        selftest | matmul | conv | elementwise | workloads | resnet50) "$part" ;;
        *) echo "bench-gpu: part '$part', expected selftest, matmul, conv, elementwise," \
            "workloads or resnet50" >&2 ;;
    esac
done
if [ -n "$failed" ]; then
    printf '## Failed\n%b\n' "$failed"
    exit 1
fi
