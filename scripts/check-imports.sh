#!/bin/bash
# Names depend only leftwards (docs/architecture.md). Each row: a folder, and the namespaces of dl
# that its files may name beside their own. A folder without a row is an error, so a new one has to
# be given its place.
set -u
cd "$(dirname "$0")/.."
shopt -s globstar nullglob

rules() {
    cat <<'ROWS'
src/dl.Core/Tensors     Tensors
src/dl.Core/Ops         Tensors Ops
src/dl.Core/Cpu         Tensors Ops Cpu
src/dl.Core/Layers      Tensors Ops Layers
src/dl.Core/Models      Tensors Ops Layers Models
src/dl.Core/Data        Tensors Data
src/dl.Core/Files       Tensors Ops Layers Models Data Files
src/dl.Core/Tasks       Tensors Ops Layers Models Data Tasks
src/dl.Core/Training    Tensors Ops Layers Models Data Files Tasks Training
src/dl.Core/Generation  Tensors Ops Layers Models Data Files Tasks Training Generation
src/dl.Core/Rl          Tensors Ops Layers Models Data Files Tasks Training Rl
src/dl.Core/Benchmarks  Tensors Ops Layers Models Data Training Benchmarks
src/dl.Core/Verification Tensors Ops Layers Models Files Training Verification
src/dl.OpenCL           Tensors Ops Files OpenCl
src/dl                  *
ROWS
}

bad=0
# Folders and files of the root of dl.Core may name nothing but the root namespace itself.
for folder in src/dl.Core/*/; do
    folder=${folder%/}
    case $folder in */bin | */obj) continue ;; esac
    if ! rules | grep -q "^$folder "; then
        echo "$folder: no row in scripts/check-imports.sh says what it may name"
        bad=1
    fi
done

# names FILE: the second parts of every Dl.X that the file names, comments left out.
names() {
    sed -E 's://.*$::' "$1" | grep -noE '\bDl\.[A-Z][A-Za-z]*' | sort -u
}

while read -r folder allowed; do
    [ "$allowed" = '*' ] && continue
    for file in "$folder"/**/*.cs; do
        case $file in */bin/* | */obj/*) continue ;; esac
        while IFS=: read -r line name; do
            part=${name#Dl.}
            # Dl.DlException and the like: types of the root namespace.
            [ -e "src/dl.Core/$part.cs" ] && continue
            case " $allowed " in
                *" $part "*) ;;
                *) echo "$file:$line: names $name; $folder may name: $allowed" && bad=1 ;;
            esac
        done < <(names "$file")
    done
done < <(rules)
exit $bad
