#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# set_up.sh PYTHON FOLDER: an environment with this project and what constraints.txt pins; one that works and is as new
# as constraints.txt and pyproject.toml stays as it is.
set -eu
stamp=$2/.installed

if [ -f "$stamp" ] && [ -z "$(find constraints.txt pyproject.toml -newer "$stamp")" ] && sh scripts/venv_works.sh "$2"; then
    exit 0
fi
rm -f "$stamp"
sh scripts/create_venv.sh "$1" "$2"
echo "installing Python packages into $2 (the first time takes a few minutes)"
"$2/bin/python" -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[report,test]'
"$2/bin/python" -c 'from importlib import metadata; print(*sorted({d.name for d in metadata.distributions()}), sep="\n")' >"$stamp.partial"
mv "$stamp.partial" "$stamp"
