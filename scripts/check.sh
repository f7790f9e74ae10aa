#!/bin/bash
# What a reader would object to before reading: formatting, direction of imports, stale man pages,
# long files and lines, large files in git. Warnings are errors in every build.
set -u
cd "$(dirname "$0")/.."
failed=0

# step NAME COMMAND...: runs a check, shows what it found.
step() {
    local name=$1 out
    shift
    if out=$("$@" 2>&1); then
        echo "ok    $name"
    else
        echo "FAIL  $name"
        printf '%s\n' "$out" | head -n 40 | sed 's/^/      /'
        failed=1
    fi
}

sources() { git ls-files --cached --others --exclude-standard -- "$@"; }

formatting() {
    dotnet format whitespace dl.sln --verify-no-changes --no-restore
}

build() { dotnet build dl.sln -c Release -v q -nologo; }

man_pages() {
    local fresh status=0 page
    fresh=$(mktemp -d)
    build/dl man man/templates "$fresh" || status=1
    for page in "$fresh"/*; do
        diff -u "man/${page##*/}" "$page" | head -n 20
        cmp -s "man/${page##*/}" "$page" || status=1
    done
    rm -r "$fresh"
    [ $status -eq 0 ] || echo "run make man, and commit what changed"
    return $status
}

man_roff() {
    command -v man >/dev/null || return 0
    local page found=0
    for page in man/*.[15]; do
        if man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null | grep .; then
            echo "^ $page" && found=1
        fi
    done
    return $found
}

# 500 lines a file and 100 columns, for what is written by hand.
lines() {
    sources '*.cs' '*.cl' '*.sh' '*.in' | while read -r file; do
        [ -f "$file" ] || continue
        awk -v file="$file" '
            length($0) > 100 { print file ":" NR ": " length($0) " columns, at most 100" }
            / $/ && file !~ /\.in$/ { print file ":" NR ": blank at the end" }
            /\r$/ { print file ":" NR ": carriage return" }
            END { if (NR > 500) print file ": " NR " lines, at most 500" }' "$file"
    done | grep . && return 1
    return 0
}

large_files() {
    sources | while read -r file; do
        [ -f "$file" ] && [ "$(wc -c <"$file")" -gt 307200 ] && echo "$file: over 300 kB"
    done | grep . && return 1
    return 0
}

left_over() {
    git grep -nE 'TODO|FIXME|XXX|NotImplementedException' -- src kernels tests \
        ':!scripts/check.sh' && return 1
    return 0
}

step "builds without warnings" build
step "formatting" formatting
step "direction of imports" scripts/check-imports.sh
step "man pages are fresh" man_pages
step "man pages format" man_roff
step "lines and columns" lines
step "no large files" large_files
step "nothing left undone" left_over
exit $failed
