#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# create_venv.sh PYTHON FOLDER: make a virtual environment unless one is there that works; one that does not is made anew.
set -eu
python=$1
folder=$2

sh "$(dirname "$0")/venv_works.sh" "$folder" && exit 0

if [ -e "$folder/pyvenv.cfg" ]; then
    echo "$folder: does not work (its Python is gone or was upgraded, or it was moved or made in part); making it anew"
elif [ -n "$(find "$folder" ! -type d 2>/dev/null | head -n 1)" ]; then
    echo "$folder: is no virtual environment, expected one or nothing there; move it away" >&2
    exit 2
fi

if ! command -v "$python" >/dev/null 2>&1; then
    echo "$python: not found. Install Python 3.11 or newer, or name it: make setup PYTHON=python3.12" >&2
    exit 2
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "$python is $("$python" --version 2>&1), expected Python 3.11 or newer; name another: make setup PYTHON=python3.12" >&2
    exit 2
fi
"$python" -m venv --clear "$folder" && exit 0

# Debian ships venv as a package of its own.
rm -rf "$folder"
install="apt-get install -y python3-venv"
if [ "$(id -u)" -eq 0 ]; then
    apt-get update -qq && $install -qq
elif sudo -n true 2>/dev/null; then
    sudo apt-get update -qq && sudo $install -qq
else
    echo "Python's venv module is missing; install it with: sudo $install" >&2
    exit 2
fi
"$python" -m venv --clear "$folder"
