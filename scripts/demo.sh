#!/bin/bash
# Trains a network on real images, tests it, and says where everything is. Data: $DL_DATA, else
# ../shared/data/fashion-mnist, else Fashion-MNIST from its repository (30 MB, kept in the user's
# cache), else drawn digits. DEMO_EPOCHS (3) says how long to train; DEMO_DEVICE (auto) where.
set -eu
cd "$(dirname "$0")/.."
dl=${DL_BIN:-build/dl}
epochs=${DEMO_EPOCHS:-3}
device=${DEMO_DEVICE:-auto}
out=demo
mkdir -p "$out"

origin=https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/dl/fashion-mnist
files="8d4fb7e6c68d591d4c3dfef9ec88bf0d train-images-idx3-ubyte.gz
25c81989df183df01b3e8a0aad5dffbe train-labels-idx1-ubyte.gz
bef4ecab320f06d8554ea6380940ec79 t10k-images-idx3-ubyte.gz
bb300cfdad3c16e7a12a480ee83cd310 t10k-labels-idx1-ubyte.gz"

md5() {
    if command -v md5sum >/dev/null; then md5sum <"$1"; else command md5 -q "$1"; fi | cut -c-32
}

fetch() {
    if command -v curl >/dev/null; then
        curl -fsSL --connect-timeout 10 --max-time 300 -o "$2" "$1"
    else
        wget -q -T 30 -t 1 -O "$2" "$1"
    fi
}

# Every file there with the right sum; a partial download never gets its final name.
download() {
    mkdir -p "$cache" || return 1
    while read -r sum name; do
        if [ ! -f "$cache/$name" ] || [ "$(md5 "$cache/$name")" != "$sum" ]; then
            fetch "$origin/$name" "$cache/$name.part" 2>/dev/null || return 1
            if [ "$(md5 "$cache/$name.part")" != "$sum" ]; then
                echo "demo: $name: its checksum is wrong" >&2
                rm -f "$cache/$name.part"
                return 1
            fi
            mv "$cache/$name.part" "$cache/$name"
        fi
    done <<<"$files"
}

# The folder to learn from, and what to be tested on.
if [ -n "${DL_DATA:-}" ]; then
    data=$DL_DATA
elif [ -d ../shared/data/fashion-mnist ]; then
    data=../shared/data/fashion-mnist
elif echo "demo: fetching Fashion-MNIST (30 MB)" && download; then
    data=$cache
else
    echo "demo: no download; drawing digits instead"
    data=$out/digits
    rm -rf "$data"
    "$dl" gen --toy digits -n 5000 --seed 1 -o "$data"
fi
test=$data
for candidate in "$data"/t10k-images-idx3-ubyte* "$data"/test; do
    [ -e "$candidate" ] && test=$candidate && break
done

run() {
    echo "\$ $*"
    "$@"
}

rm -f "$out"/model.dlm "$out"/model.dlm.checkpoint
run "$dl" fit --model cnn "$data" -o "$out/model.dlm" --epochs "$epochs" --seed 1 \
    --device "$device" --log "$out/log.csv" --curves "$out/curves.png"
echo
run "$dl" predict "$out/model.dlm" "$test" --device "$device" -o "$out/predictions.csv"
head -n 4 "$out/predictions.csv"
echo
run "$dl" predict "$out/model.dlm" "$test" --device "$device" --score
cat <<EOF

data         $data
tested on    $test
model        $out/model.dlm        (dl info $out/model.dlm)
predictions  $out/predictions.csv
curves       $out/curves.png
log          $out/log.csv
EOF
