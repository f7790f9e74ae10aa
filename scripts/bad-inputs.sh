#!/bin/bash
# Gives dl what people give it by mistake, and prints a table of what it says: input, exit code,
# message. Each row states the exit code and a part of the message that has to come; a row that
# comes out otherwise, a stack trace, or a file left behind make the script fail. `skipped` stands
# where this machine cannot make the input, with the reason. DL_BIN is the program (build/dl).
set -u
cd "$(dirname "$0")/.."
dl=$(realpath "${DL_BIN:-build/dl}")
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
mkdir "$work/tmp" "$work/run"
export TMPDIR=$work/tmp LC_ALL=C
cd "$work/run" || exit 1
failed=0 rows=0

# row INPUT CODE PART COMMAND: runs a line of shell in which dl is the program, holds exit code and
# message (stderr) to what is expected, and prints a line of the table.
row() {
    local input=$1 code=$2 part=$3 line=$4 got message mark=''
    message=$(dl() { "$dl" "$@"; }; eval "$line" 2>&1 >/dev/null </dev/null)
    got=$?
    message=$(printf '%s' "$message" | tail -n 1 | sed "s#$work/run/##g; s#|#\\\\|#g")
    if [ "$got" != "$code" ] || ! grep -qE -- "$part" <<<"$message" ||
        grep -qE 'internal error|Unhandled|^ +at ' <<<"$message" ||
        [ "$got" -ge 128 ]; then
        mark=" **expected $code, /$part/**"
        failed=$((failed + 1))
    fi
    rows=$((rows + 1))
    line=${line//"${as:-dl}"/dl}
    echo "| $input | \`${line//|/\\|}\` | $got$mark | ${message:-(nothing)} |"
}

# skip INPUT REASON
skip() { echo "| $1 | | skipped | $2 |"; }

# flip FILE BYTE OUT: the lowest bit of a byte, counted from 0, from the end where negative.
flip() {
    local at=$2 byte
    [ "$at" -ge 0 ] || at=$(($(wc -c <"$1") + at))
    byte=$(od -An -tu1 -j "$at" -N 1 "$1")
    cp "$1" "$3"
    # shellcheck disable=SC2059  # the format is the byte
    printf "$(printf '\\%03o' $((byte ^ 1)))" |
        dd of="$3" bs=1 seek="$at" conv=notrunc status=none
}

{
    "$dl" gen --toy moons -n 60 --seed 1 -o moons.csv
    "$dl" gen --toy digits -n 60 --seed 1 -o digits
    for i in 1 2 3 4 5 6 7 8 9 10; do
        echo "$i,red,ant"
        echo "$((i + 20)),blue,bee"
    done | sed '1i size,colour,kind' >table.csv
    "$dl" fit -m linear table.csv --target kind --epochs 2 -o m.dlm -q
    "$dl" fit -m linear moons.csv --epochs 1 -o moons.dlm -q
} >/dev/null || exit 1
fit='dl fit -m linear --epochs 1 -q -o out.dlm'

echo "| input | command | exit code | message |"
echo "| --- | --- | --- | --- |"

# Model files.
size=$(wc -c <m.dlm)
head -c $((size - 1)) m.dlm >cut.dlm
head -c 100 m.dlm >stub.dlm
: >empty.dlm
flip m.dlm -3 weight.dlm
flip m.dlm 300 header.dlm
cat m.dlm table.csv >long.dlm
row 'model cut short by a byte' 3 'cut short' 'dl predict cut.dlm table.csv'
row 'model of which 100 bytes are there' 3 'claims a header' 'dl info stub.dlm'
row 'model of 0 bytes' 3 'has 0 bytes' 'dl predict empty.dlm table.csv'
row 'a bit of a weight flipped' 3 'its checksum is' 'dl predict weight.dlm table.csv'
row 'a bit of the header flipped' 3 'header.dlm: ' 'dl check header.dlm'
row 'bytes behind the model' 3 'follow the last tensor' 'dl info long.dlm'
row 'a table for a model' 3 'is no model file' 'dl predict table.csv table.csv'
row 'a folder for a model' 3 'is a folder, expected a file' 'dl predict digits table.csv'
row 'no model there' 3 'no such file' 'dl predict nowhere.dlm table.csv'

# Tables.
printf 'a,b,k\n1,2,x\n3,y\n5,6,y\n' >ragged.csv
printf 'a,y\n1,2.5\n2,nan\n3,4.5\n4,5.5\n' >nan.csv
printf 'a,b,k\n' >header.csv
: >nothing.csv
printf 'a,a,k\n1,2,x\n2,3,y\n' >twice.csv
row 'ragged CSV' 3 'ragged.csv:3' "$fit ragged.csv"
row 'NaN in the target' 3 'nan.csv:3' "$fit nan.csv --target y --task regression"
row 'CSV with a header alone' 3 'header.csv' "$fit header.csv"
row 'CSV of 0 bytes' 3 'nothing.csv' "$fit nothing.csv"
row 'two columns of one name' 3 "a" "$fit twice.csv"
row 'no such file' 3 'nowhere.csv' "$fit nowhere.csv"
row 'a target that is no column' 2 'kin' "$fit table.csv --target kin"

# Pictures.
mkdir none words bomb mixed
echo text | tee words/a.txt words/b.txt >/dev/null
head -c 300 /dev/urandom >words/c.bin
mkdir -p bomb/a bomb/b mixed/a mixed/b
picture=$(find digits -name '*.png' | head -n 1)
cp "$picture" bomb/b/good.png
printf '%b' '\0211\0120\0116\0107\0015\0012\0032\0012\0000\0000\0000\0015\0111\0110\0104\0122' \
    '\0000\0000\0352\0140\0000\0000\0352\0140\0010\0002\0000\0000\0000\0017\0260\0342\0025' \
    >bomb/a/huge.png
cp "$picture" mixed/b/good.png
head -c 60 "$picture" >mixed/a/cut.png
row 'empty folder' 3 'none' "$fit none"
row 'folder of no pictures' 3 'words' "$fit words"
row 'PNG that claims 60,000 x 60,000 pixels' 3 'huge.png.*60000' "$fit bomb"
row 'PNG cut short' 3 'cut.png' "$fit mixed"

# Predicting.
printf 'size,colour\n3,red\n' >unlabelled.csv
printf 'size,kind\n3,ant\n' >missing.csv
printf 'size,colour,kind,more\n3,red,ant,1\n' >extra.csv
printf 'size,colour,kind\n3,red,wasp\n' >wasp.csv
printf 'size,colour\n3,green\n' >green.csv
row 'label column there' 0 '' 'dl predict m.dlm table.csv'
row 'label column not there' 0 '' 'dl predict m.dlm unlabelled.csv'
row 'label column not there, to score' 3 'kind' 'dl predict m.dlm unlabelled.csv --score'
row 'a label that the model never saw, to score' 3 'wasp' 'dl predict m.dlm wasp.csv --score'
row 'a column is missing' 3 'colour' 'dl predict m.dlm missing.csv'
row 'a column too many' 0 '' 'dl predict m.dlm extra.csv'
row 'a category that the model never saw' 0 '' 'dl predict m.dlm green.csv'

# Where results go.
cp table.csv data.csv
mkdir folder
mkdir occupied.dlm.checkpoint
echo keep >kept.dlm
chmod 400 kept.dlm
row 'full disk, answers' 1 'stdout: ' 'dl predict m.dlm table.csv >/dev/full'
row 'full disk, answers in a file' 1 'the disk is full' 'dl predict m.dlm table.csv -o /dev/full'
row 'full disk, log' 1 'the disk is full' "$fit table.csv --log /dev/full"
row 'full disk, model' 1 'the disk is full' \
    'dl fit -m linear table.csv --epochs 1 -q -o /dev/full'
row 'closed pipe' 0 '' '{ dl predict m.dlm table.csv; code=$?; } | true; exit ${code:-0}'
row '-o in a missing folder' 1 'no folder .*create it' 'dl fit -m linear table.csv -o no/m.dlm'
row '-o is a folder' 1 'is a folder' 'dl fit -m linear table.csv -o folder'
row '-o is the data' 2 'is read as data' 'dl fit -m linear data.csv -o data.csv'
row '-o is write-protected' 1 'write-protected' 'dl fit -m linear table.csv -o kept.dlm'
row 'its checkpoint is a folder' 1 'is a folder' 'dl fit -m linear table.csv -o occupied.dlm'
row '--log in a missing folder' 1 'no folder' "$fit table.csv --log no/l.csv"
row '--report is a folder' 1 'is a folder' "$fit table.csv --report folder"
row '--curves is the data' 2 'is read as data' "$fit data.csv --curves data.csv"
row '--tensorboard is a file' 1 'give a folder' "$fit table.csv --tensorboard data.csv"
row 'predict -o is its input' 2 'is read as' 'dl predict m.dlm data.csv -o data.csv'
row 'predict -o is its model' 2 'is read as' 'dl predict m.dlm data.csv -o m.dlm'
row 'predict -o in a missing folder' 1 'no folder' 'dl predict m.dlm data.csv -o no/p.csv'
row 'predict -o is a folder' 1 'is a folder' 'dl predict m.dlm data.csv -o folder'
row 'gen -o in a missing folder' 1 'no folder' 'dl gen --toy moons -o no/d.csv'
row 'gen -o is a folder with files' 2 'is there already' 'dl gen --toy digits -o digits'
row 'gen -o in a missing folder, pictures' 1 'no folder' 'dl gen --toy digits -o no/d'
row 'gen -o is a table, pictures' 2 'the name of a folder' 'dl gen --toy digits -o data.csv'
row 'fit --members -o is a member' 2 'is read as' 'dl fit --members m.dlm,moons.dlm -o m.dlm'

# Memory.
row 'a limit below one sample' 4 'needs about .*may be used' \
    'dl fit -m mlp:256,256 table.csv --epochs 1 -q -o out.dlm --memory 100K'
row 'a limit that is no size' 2 'a size such as' "$fit table.csv --memory lots"
row 'a device that is not there' 4 'cpu:9' "$fit table.csv --device cpu:9"

# What needs another user, or the right to mount.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$work" "$work/run"
    nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
fi
if [ "$(id -u)" -ne 0 ]; then nobody=env; fi
mkdir -m 755 locked
cp table.csv secret.csv
cp m.dlm secret.dlm
chmod 000 secret.csv secret.dlm
if [ -n "${nobody:-}" ] && $nobody "$dl" --version >/dev/null 2>&1; then
    chmod 555 locked
    as="env HOME=$work/tmp $nobody $dl"
    row 'table that may not be read' 3 'permission' \
        "$as fit -m linear secret.csv --epochs 1 -q -o /dev/null"
    row 'model that may not be read' 3 'no permission' "$as predict secret.dlm table.csv"
    row '-o in a folder that may not be written' 1 'no permission' \
        "$as fit -m linear table.csv --epochs 1 -q -o locked/m.dlm"
else
    skip 'table that may not be read' 'no other user can run the program here'
fi
{ cat table.csv; for i in {1..2000}; do tail -n +2 table.csv; done; } >many.csv
small="$work/small"
mkdir "$small"
if unshare -m mount -t tmpfs -o size=64k none "$small" 2>/dev/null; then
    # The old model stays as it was, and nothing else is left on the disk.
    in_small() {
        echo "unshare -m bash -c 'mount -t tmpfs -o size=64k none $small && cp m.dlm $small/ &&
            \"$dl\" $1; code=\$?; cmp -s m.dlm $small/m.dlm && [ \$(ls -A $small) = m.dlm ] &&
            exit \$code'"
    }
    row_small() {
        local text
        text=$(row "$1" 1 'the disk is full' "$(in_small "$2")")
        [[ $text == *'**expected'* ]] && failed=$((failed + 1))
        rows=$((rows + 1))
        printf '%s' "$text" | tr -d '\n' |
            sed "s#\`unshare.*exit [^\`]*\`#\`$2\`#; s#$small#SMALL#g"
        echo
    }
    row_small 'small disk, fit' "fit -m mlp:256,256 table.csv --epochs 1 -q -o $small/m.dlm"
    row_small 'small disk, predict -o' "predict m.dlm many.csv -o $small/p.csv"
    row_small 'small disk, gen -o' "gen --toy moons -n 5000 -o $small/d.csv"
    row_small 'small disk, gen -o, pictures' "gen --toy digits -n 500 -o $small/d"
else
    skip 'small disk' 'no right to mount one here'
fi

left=$(find . "$TMPDIR" \( -name '.*.tmp' -o -name 'out.dlm.*' -o -name 'dl-*' \) | head -n 5)
if [ -n "$left" ]; then
    echo "left behind: $left" >&2
    failed=$((failed + 1))
fi
echo
echo "$rows bad inputs, $failed not as expected"
[ $failed -eq 0 ]
