#!/bin/sh
# Looks for what dl uses from the system and installs what is missing where it can (Debian and
# relatives, as root). Only the .NET SDK has to be there; the rest is optional and never fails a
# run. Quiet when nothing is missing. `--sdk-only` looks for the SDK alone; DL_SETUP=no installs
# nothing.
set -u

if ! dotnet --version >/dev/null 2>&1; then
    echo "setup: no .NET SDK 10 found; get it from https://dot.net/download" \
        "(README.md, 'Install', has the lines for Debian)" >&2
    exit 1
fi
[ "${1:-}" = --sdk-only ] && exit 0
[ "$(uname -s)" = Linux ] || exit 0

PATH=$PATH:/sbin:/usr/sbin
libraries=$(ldconfig -p 2>/dev/null)
missing=

# need LIBRARY PACKAGE: adds PACKAGE when the loader does not know LIBRARY.
need() {
    case $libraries in
        *"$1"*) ;;
        *) missing="$missing $2" ;;
    esac
}

need libOpenCL.so.1 ocl-icd-libopencl1
need libturbojpeg.so.0 libturbojpeg0
need libwebp.so.7 libwebp7
# Any OpenCL driver will do; PoCL computes on the processor.
ls /etc/OpenCL/vendors/*.icd >/dev/null 2>&1 || missing="$missing pocl-opencl-icd"
[ -n "$missing" ] || exit 0

if [ "${DL_SETUP:-}" = no ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "setup: not installed:$missing (optional: OpenCL devices, JPEG and WebP images);" \
        "on Debian: apt-get install$missing" >&2
    exit 0
fi

log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # a list of packages
install() { timeout 300 apt-get install -y --no-install-recommends $missing >"$log" 2>&1; }
if install || { timeout 120 apt-get update >"$log" 2>&1 && install; }; then
    echo "setup: installed$missing" >&2
else
    echo "setup: could not install$missing; going on without (log: $log)" >&2
    exit 0
fi
rm -f "$log"
