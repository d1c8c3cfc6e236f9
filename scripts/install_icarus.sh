#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install Icarus Verilog through apt where that is allowed; else say what to type.
set -eu

command -v iverilog >/dev/null 2>&1 && exit 0

install="apt-get install -y iverilog"
if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" -eq 0 ]; then
        echo "installing Icarus Verilog"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq && $install -qq >/dev/null && exit 0
    elif sudo -n true 2>/dev/null; then
        echo "installing Icarus Verilog"
        sudo apt-get update -qq && sudo env DEBIAN_FRONTEND=noninteractive $install -qq >/dev/null && exit 0
    fi
    echo "Icarus Verilog is not installed; type: sudo apt-get update && sudo $install" >&2
else
    echo "Icarus Verilog is not installed and there is no apt-get; install iverilog 11 or newer with your package manager" >&2
fi
exit 2
