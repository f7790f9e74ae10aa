#!/bin/bash
# Trains on real data and compares with the figures to reach. Data: $DL_SHARED/data or
# ../shared/data. ACCEPT_DEVICES ("cpu opencl:0") says where the image runs go, ACCEPT_PICTURES
# (build/pictures) where pictures are left to look at. Names on the command line
# (`scripts/accept.sh tables start`) pick parts:
#   start    how long the program takes to start and to answer for one row
#   tables   tables, by cross-validation or on a held-out fifth
#   spiral   a toy set that no line divides, with the boundary at stages (spiral.png)
#   resume   killed and resumed, the same bits
#   course   initialisers, regularisers and optimisers side by side on Fashion-MNIST
#            (initialisers.png, regularisers.png, optimisers.png), about 2 minutes
#   kills    trainings killed at 200 random moments, and what is left (scripts/kill.sh)
#   images   Fashion-MNIST in full, on each device
#   big      a table of 5 GB within 1 GB of memory; some minutes, and 8 GB of disk below BIG_FOLDER
#            ($TMPDIR, or /tmp), which must not lie in memory itself; BIG_ROWS for fewer rows
#   lr-find  the rate that --lr find takes against a grid; runs only when it is named
set -u
cd "$(dirname "$0")/.."
dl=$PWD/${DL_BIN:-build/dl}
data=${DL_SHARED:-../shared}/data
devices=${ACCEPT_DEVICES:-cpu opencl:0}
parts=${*:-start tables spiral resume kills course images big}
pictures=${ACCEPT_PICTURES:-build/pictures}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

if [ ! -d "$data" ]; then
    echo "accept: no $data here; set DL_SHARED to the folder that has data/" >&2
    exit 1
fi

# value JSON PART KEY: the number of KEY in the object PART, e.g. `value "$line" test accuracy`.
value() {
    printf '%s' "$1" | tr -d ' \n' | sed -nE "s/.*\"$2\":\{[^}]*\"$3\":(-?[0-9.eE+-]+).*/\1/p"
}

# variant JSON NAME PART KEY: the same of one of the variants of a comparison.
variant() {
    value "$(printf '%s' "$1" | sed 's/{"variant":/\n&/g' | grep -F "{\"variant\":\"$2\"")" \
        "$3" "$4"
}

# reach NAME VALUE at-least|at-most LIMIT
reach() {
    if awk -v x="$2" -v how="$3" -v limit="$4" 'BEGIN {
            exit !(x != "" && (how == "at-least" ? x + 0 >= limit : x + 0 <= limit)) }'; then
        printf 'ok    %-44s %-10.10s %s %s\n' "$1" "$2" "$3" "$4"
    else
        printf 'FAIL  %-44s %-10.10s %s %s\n' "$1" "${2:-nothing}" "$3" "$4"
        failed=1
    fi
}

# fit ARGUMENTS...: the JSON line of a training run.
fit() { "$dl" fit "$@" --seed 1 -q --json 2>"$work/error" || cat "$work/error" >&2; }

tables() {
    local t=$data/tabular line
    line=$(fit --model mlp "$t/iris.csv" --target species --folds 5)
    reach "iris, accuracy of 5 folds" "$(value "$line" mean accuracy)" at-least 0.95
    line=$(fit --model mlp "$t/titanic.csv" --target survived --ignore alive --folds 5)
    reach "titanic, accuracy of 5 folds" "$(value "$line" mean accuracy)" at-least 0.80
    line=$(fit --model mlp "$t/penguins.csv" --target species --folds 5)
    reach "penguins, accuracy of 5 folds" "$(value "$line" mean accuracy)" at-least 0.97
    line=$(fit --model mlp "$t/diamonds.csv" --target price --split 0.7,0.1,0.2 \
        -o "$work/diamonds.dlm")
    reach "diamonds, R2 on a fifth" "$(value "$line" test r2)" at-least 0.97
    line=$(fit --model mlp "$t/california-housing.csv" --target median_house_value \
        --split 0.7,0.1,0.2 -o "$work/housing.dlm")
    reach "California housing, RMSE on a fifth" "$(value "$line" test rmse)" at-most 56000
}

images() {
    local device line
    for device in $devices; do
        line=$(fit --model mlp:512,256 "$data/fashion-mnist" --epochs 12 --device "$device" \
            -o "$work/mlp.dlm")
        reach "Fashion-MNIST, mlp:512,256, $device" "$(value "$line" test accuracy)" at-least 0.885
        line=$(fit --model cnn "$data/fashion-mnist" --epochs 12 --device "$device" \
            -o "$work/cnn.dlm")
        reach "Fashion-MNIST, cnn, $device" "$(value "$line" test accuracy)" at-least 0.915
    done
}

# median N COMMAND...: milliseconds of the whole process.
median() {
    local n=$1 i from to
    shift
    for ((i = 0; i < n; i++)); do
        from=$(date +%s%N)
        "$@" >/dev/null 2>&1
        to=$(date +%s%N)
        echo $(((to - from) / 10000))
    done | sort -n |
        awk '{ a[NR] = $1 } END { print (a[int((NR + 1) / 2)] + a[int(NR / 2) + 1]) / 200 }'
}

start() {
    reach "dl --help, ms" "$(median 10 "$dl" --help)" at-most 80
    fit --model mlp "$data/tabular/iris.csv" --target species --epochs 2 \
        -o "$work/row.dlm" >/dev/null
    head -n 2 "$data/tabular/iris.csv" >"$work/row.csv"
    reach "dl predict of one row, ms" \
        "$(median 10 "$dl" predict "$work/row.dlm" "$work/row.csv")" at-most 200
}

# Killed hard in the middle and resumed, a run ends with the bits of one that was not.
resume() {
    local device train same tries
    train=(--model mlp:64 "$data/fashion-mnist" --epochs 6 --seed 1 -q --checkpoint-every 1)
    for device in $devices; do
        "$dl" fit "${train[@]}" --device "$device" -o "$work/whole.dlm" >/dev/null || continue
        rm -f "$work"/killed.dlm*
        "$dl" fit "${train[@]}" --device "$device" -o "$work/killed.dlm" >/dev/null &
        tries=0
        while [ ! -f "$work/killed.dlm.checkpoint" ] && [ $tries -lt 600 ]; do
            sleep 0.1
            tries=$((tries + 1))
        done
        sleep 0.3
        kill -9 $! 2>/dev/null
        wait $! 2>/dev/null
        # 137: it was still running, so there is something to resume.
        if [ $? -ne 137 ]; then
            reach "killed in time, $device" 0 at-least 1
            continue
        fi
        "$dl" fit "${train[@]}" --device "$device" -o "$work/killed.dlm" --resume >/dev/null
        same=$(cmp -s "$work/whole.dlm" "$work/killed.dlm" && echo 1 || echo 0)
        reach "killed and resumed, same bits, $device" "$same" at-least 1
    done
}

spiral() {
    local line
    mkdir -p "$pictures"
    "$dl" gen --toy spiral -n 1000 --seed 1 -o "$work/spiral.csv"
    line=$(fit --model mlp:64,64 "$work/spiral.csv" --test 0.2 --optimizer adam --lr 0.01 \
        --epochs 60 --boundary "$pictures/spiral.png" -o "$work/spiral.dlm")
    reach "spiral, mlp:64,64" "$(value "$line" test accuracy)" at-least 0.95
}

# The experiments of a first course on networks, a line each.
course() {
    mkdir -p "$pictures"
    initialisers
    regularisers
    optimisers
    echo "      pictures: $pictures"
}

# Peak memory is what the kernel has seen (VmHWM), asked for until the program is gone.
big() {
    local rows=${BIG_ROWS:-27000000} folder free need table peak=0 now pid line text seconds
    folder=$(mktemp -d "${BIG_FOLDER:-${TMPDIR:-/tmp}}/dl-big-XXXXXX") || return
    need=$((rows / 1000 * 300)) free=$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')
    if [ ! -r /proc/self/status ] || [ "$free" -lt $((need / 1024 * 1000)) ]; then
        rm -rf "$folder"
        echo "      big: left out; it needs /proc and $((need / 1000000)) GB below ${folder%/*}"
        return
    fi
    table=$folder/big.csv
    "$dl" gen --toy crowd -n "$rows" --seed 1 -q -o "$table"
    "$dl" fit --model mlp "$table" --epochs 1 --val 0.01 --test 0.01 --seed 1 --json \
        --scratch "$folder" -o "$work/big.dlm" >"$work/big.json" 2>"$work/big.log" &
    pid=$!
    while kill -0 $pid 2>/dev/null; do
        now=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null)
        peak=${now:-$peak}
        sleep 0.2
    done
    wait $pid || cat "$work/big.log" >&2
    line=$(cat "$work/big.json") text=$(grep '^table:' "$work/big.log")
    seconds=$(printf '%s' "$line" | sed -nE 's/.*"seconds":([0-9.]+).*/\1/p')
    echo "      $text"
    reach "big, reading, MB/s" "$(printf '%s' "$text" | sed -nE 's|.* ([0-9]+) MB/s.*|\1|p')" \
        at-least 20
    reach "big, training, rows/s" \
        "$(awk -v n="$rows" -v s="${seconds:-0}" 'BEGIN { print s ? 0.98 * n / s : "" }')" \
        at-least 50000
    reach "big, peak memory, MiB" "$((peak / 1024))" at-most 1024
    reach "big, accuracy on a hundredth" "$(value "$line" test accuracy)" at-least 0.9
    reach "big, left in its folder" "$(find "$folder" -name '.*' -type f | wc -l)" at-most 0
    rm -rf "$folder"
}

# From zeros no hidden unit ever answers (and from any constant all would answer alike), so what
# is learnt is the share of each class: a tenth.
initialisers() {
    local line init
    line=$(fit --model mlp:256,128 "$data/fashion-mnist" --epochs 5 --variant init=zeros \
        --variant init=xavier_normal --variant init=he_normal \
        --curves "$pictures/initialisers.png")
    reach "init=zeros learns nothing" "$(variant "$line" init=zeros test accuracy)" at-most 0.11
    for init in xavier_normal he_normal; do
        reach "init=$init" "$(variant "$line" "init=$init" test accuracy)" at-least 0.85
    done
}

# 5000 pictures, learnt by heart in 40 epochs unless something keeps the network from it. The gap
# is that of the last epoch, validation loss - training loss.
regularisers() {
    local line plain name log=$work/regularisers
    line=$(fit --model mlp:256,128 "$data/fashion-mnist/t10k-images-idx3-ubyte.gz" \
        --split 0.5,0.25,0.25 --epochs 40 --schedule constant --patience 0 --variant plain \
        --variant dropout=0.5 --variant weight-decay=3e-3 --variant patience=3 \
        --log "$log.csv" --curves "$pictures/regularisers.png")
    plain=$(gap "$log.csv")
    reach "overfitting without regularisation, gap" "$plain" at-least 0.5
    reach "dropout=0.5, gap" "$(gap "$log-2.csv")" at-most "$(part_of "$plain" 0.5)"
    reach "weight-decay=3e-3, gap" "$(gap "$log-3.csv")" at-most "$(part_of "$plain" 0.8)"
    reach "patience=3 stops, gap" "$(gap "$log-4.csv")" at-most "$(part_of "$plain" 0.5)"
    reach "patience=3 stops, epochs" "$(tail -n 1 "$log-4.csv" | cut -d , -f 1)" at-most 20
    for name in plain dropout=0.5 weight-decay=3e-3 patience=3; do
        reach "$name, 5000 pictures" "$(variant "$line" "$name" test accuracy)" at-least 0.8
    done
}

# gap FILE.csv: validation loss - training loss of the last epoch of a --log.
gap() { tail -n 1 "$1" | awk -F , '{ print $3 - $2 }'; }

part_of() { awk -v x="$1" -v share="$2" 'BEGIN { print x * share }'; }

optimisers() {
    local line name names="sgd momentum adagrad rmsprop adam adamw nadam lion" variants=()
    for name in $names; do
        variants+=(--variant "optimizer=$name")
    done
    line=$(fit --model mlp:256,128 "$data/fashion-mnist" --epochs 5 "${variants[@]}" \
        --curves "$pictures/optimisers.png")
    for name in $names; do
        reach "optimizer=$name" "$(variant "$line" "optimizer=$name" test accuracy)" at-least 0.85
    done
}

# The rate that --lr find takes, against the best of a grid of half decades. LR_FIND_MODELS says
# which models, each with its epochs: "mlp=4 cnn=2".
lr_find() {
    local model epochs optimizer rate line accuracy best found
    for model in ${LR_FIND_MODELS:-mlp=4 cnn=2}; do
        epochs=${model#*=} model=${model%=*}
        for optimizer in adam sgd; do
            best=0
            for rate in 1e-4 3.16e-4 1e-3 3.16e-3 1e-2 3.16e-2 1e-1; do
                line=$(fit --model "$model" "$data/fashion-mnist" --epochs "$epochs" \
                    --optimizer "$optimizer" --lr "$rate" -o "$work/rate.dlm")
                accuracy=$(value "$line" test accuracy)
                printf '      %-4s %-5s rate %-9s accuracy %.4f\n' \
                    "$model" "$optimizer" "$rate" "${accuracy:-0}"
                best=$(awk -v a="$best" -v b="${accuracy:-0}" 'BEGIN { print (a > b ? a : b) }')
            done
            line=$(fit --model "$model" "$data/fashion-mnist" --epochs "$epochs" \
                --optimizer "$optimizer" --lr find -o "$work/rate.dlm")
            found=$("$dl" info "$work/rate.dlm" --json | tr -d ' \n' |
                sed -nE 's/.*"hyperparameters":\{[^}]*"lr":([0-9.eE+-]+).*/\1/p')
            reach "lr find, $model, $optimizer, rate $found" "$(value "$line" test accuracy)" \
                at-least "$(awk -v x="$best" 'BEGIN { print x - 0.005 }')"
        done
    done
}

for part in $parts; do
    case $part in
        tables | images | start | resume | spiral | course | big) "$part" ;;
        kills) COUNT=${COUNT:-200} DL_BIN=$dl scripts/kill.sh || failed=1 ;;
        lr-find) lr_find ;;
        *)
            echo "accept: no part '$part' (start, tables, spiral, resume, kills, course, images," \
                "big, lr-find)" >&2
            exit 2
            ;;
    esac
done
exit $failed
