#!/bin/bash
# Kills trainings (SIGKILL) at random moments and looks at what is left:
#   - the model is the old one, the new one, or was never there; never half of one;
#   - the same line (with --resume, where that goes) ends with the bits of a run that was let be;
#   - then nothing lies beside the model, and nothing in TMPDIR.
# COUNT (200) kills in all, the moments drawn from SEED (from the clock), spread evenly over more
# than the time that each kind of training takes. Kinds, in turn:
#   single    one model, a checkpoint after every epoch
#   twice     the same, its resumed run killed as well
#   ensemble  two members
#   folds     cross-validation, then a model of all data
#   variants  two ways to train, the better one kept
# DL_BIN is the program (build/dl). `kill.sh` prints a table and fails where anything was wrong.
set -u
cd "$(dirname "$0")/.."
dl=$(realpath "${DL_BIN:-build/dl}")
count=${COUNT:-200}
seed=${SEED:-$(($(date +%s) % 100000))}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tmp" "$work/run"
export TMPDIR=$work/tmp
# The runtime keeps a socket for debuggers in TMPDIR, which a killed process cannot remove.
export DOTNET_EnableDiagnostics=0
cd "$work/run" || exit 1
RANDOM=$seed
"$dl" gen --toy moons -n 600 --seed 1 -o ../moons.csv || exit 1
"$dl" fit -m mlp:4 ../moons.csv --epochs 1 -o ../old.dlm -q >/dev/null || exit 1

kinds=(single twice ensemble folds variants)
declare -A more=(
    [single]='' [twice]='' [ensemble]='--ensemble 2' [folds]='--folds 2'
    [variants]='--variant lr=0.01 --variant lr=0.001'
)
declare -A took nothing old new checkpoints temporaries resumed

# train KIND FILE OPTION...: the training of a kind, in place of this shell.
train() {
    local kind=$1 file=$2
    shift 2
    # shellcheck disable=SC2086  # a list of options
    exec "$dl" fit -m mlp:32,32 ../moons.csv --epochs 30 --patience 0 --checkpoint-every 1 \
        --seed 3 -j 2 ${more[$kind]} -o "$file" -q "$@" >/dev/null
}

failed=0
wrong() {
    echo "FAIL  kill $i ($kind, after $delay ms): $1" >&2
    failed=$((failed + 1))
}

# begin_and_kill OPTION...: trains KIND for a random time.
begin_and_kill() {
    delay=$((RANDOM * took[$kind] * 11 / 10 / 32768))
    train "$kind" m.dlm "$@" 2>/dev/null &
    sleep "$((delay / 1000)).$(printf %03d $((delay % 1000)))"
    kill -KILL $! 2>/dev/null
    wait $! 2>/dev/null
    if [ ! -e m.dlm ]; then
        nothing[$kind]=$((nothing[$kind] + 1))
    elif cmp -s m.dlm ../old.dlm; then
        old[$kind]=$((old[$kind] + 1))
    elif cmp -s m.dlm "../$kind.dlm"; then
        new[$kind]=$((new[$kind] + 1))
    else
        wrong "m.dlm is neither the old nor the new model"
    fi
    compgen -G '*.checkpoint' >/dev/null && checkpoints[$kind]=$((checkpoints[$kind] + 1))
    [ -n "$(find . -name '.*.tmp')" ] && temporaries[$kind]=$((temporaries[$kind] + 1))
    return 0
}

for kind in "${kinds[@]}"; do
    # The shortest of three: the machine may have other things to do.
    took[$kind]=1000000
    for i in 1 2 3; do
        from=$(date +%s%N)
        (train "$kind" "../$kind.dlm") || exit 1
        ms=$((($(date +%s%N) - from) / 1000000))
        [ $ms -lt "${took[$kind]}" ] && took[$kind]=$ms
    done
    nothing[$kind]=0 old[$kind]=0 new[$kind]=0
    checkpoints[$kind]=0 temporaries[$kind]=0 resumed[$kind]=0
done
echo "SEED=$seed COUNT=$count"

for ((i = 1; i <= count; i++)); do
    kind=${kinds[i % ${#kinds[@]}]}
    rm -f ./* ./.*.tmp
    [ $((RANDOM % 2)) -eq 0 ] && cp ../old.dlm m.dlm
    begin_and_kill
    resume=(--resume)
    case $kind in folds | variants) resume=() ;; esac
    [ "$kind" = twice ] && begin_and_kill --resume
    if ! (train "$kind" m.dlm "${resume[@]}") 2>../error; then
        wrong "it cannot go on: $(cat ../error)"
    elif ! cmp -s m.dlm "../$kind.dlm"; then
        wrong "resumed, it ends with other bits"
    else
        resumed[$kind]=$((resumed[$kind] + 1))
    fi
    left=$(find . -type f ! -name m.dlm -printf '%f ')
    [ -z "$left" ] || wrong "left beside the model: $left"
    left=$(ls -A "$TMPDIR")
    [ -z "$left" ] || wrong "left in TMPDIR: $left"
done

echo "| training | ms | found: nothing | old | new | checkpoint | part of a file | same bits |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- |"
for kind in "${kinds[@]}"; do
    echo "| $kind | ${took[$kind]} | ${nothing[$kind]} | ${old[$kind]} | ${new[$kind]} |" \
        "${checkpoints[$kind]} | ${temporaries[$kind]} | ${resumed[$kind]} |"
done
echo "$count trainings killed, $failed failures"
[ $failed -eq 0 ]
