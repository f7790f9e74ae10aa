#!/bin/bash
# Trains on real data and compares with the figures to reach. Data: $DL_SHARED/data or
# ../shared/data. ACCEPT_DEVICES ("cpu opencl:0") says where the image runs go; names on the command
# line (`scripts/accept.sh tables start`) pick parts: tables, images, start, resume, lr-find (not
# among those that run by themselves).
set -u
cd "$(dirname "$0")/.."
dl=$PWD/${DL_BIN:-build/dl}
data=${DL_SHARED:-../shared}/data
devices=${ACCEPT_DEVICES:-cpu opencl:0}
parts=${*:-start tables resume images}
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
                best=$(awk -v a="$best" -v b="${accuracy:-0}" 'BEGIN { print a > b ? a : b }')
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
        tables | images | start | resume) "$part" ;;
        lr-find) lr_find ;;
        *) echo "accept: no part '$part' (tables, images, start, resume, lr-find)" >&2 && exit 2 ;;
    esac
done
exit $failed
