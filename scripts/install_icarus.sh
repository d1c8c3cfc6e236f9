#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install Icarus Verilog, which is needed, and ccache, which spares Verilator most of its compilation, through apt where
# that is allowed; else say what to type.
set -eu

missing=""
command -v iverilog >/dev/null 2>&1 || missing="iverilog"
command -v ccache >/dev/null 2>&1 || missing="$missing ccache"
[ -z "$missing" ] && exit 0

needed() { # nothing is said and nothing fails for the want of ccache alone
    command -v iverilog >/dev/null 2>&1 && exit 0
    echo "$1" >&2
    exit 2
}

command -v apt-get >/dev/null 2>&1 ||
    needed "Icarus Verilog is not installed and there is no apt-get; install iverilog 11 or newer with your package manager"
if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    needed "Icarus Verilog is not installed; type: sudo apt-get update && sudo apt-get install -y iverilog ccache"
fi
echo "installing through apt:" $missing
# A package of the two may be unknown to an old Debian; one at a time, neither keeps the other away.
$as_root apt-get update -qq || true
for package in $missing; do
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package" >/dev/null || true
done
needed "Icarus Verilog is not installed and apt-get could not install it; see its message above"
