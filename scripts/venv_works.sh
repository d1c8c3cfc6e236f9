#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# venv_works.sh FOLDER: whether a virtual environment can be used as it is. Prints nothing.
#
# It cannot where its Python is gone or was upgraded, where it was moved or copied (its commands name the Python of
# before), where it was made in part, or where a package is missing that `make setup` installed: FOLDER/.installed lists
# them.
exec "$1/bin/python" - "$1" >/dev/null 2>&1 <<'PROGRAM'
import importlib.metadata
import os
import pathlib
import re
import sys

import pip

assert sys.version_info >= (3, 11)
folder = pathlib.Path(sys.argv[1])
place = re.search(r"/.*/bin(?=/python)", (folder / "bin/pip").read_text())
assert place and os.path.samefile(place[0], folder / "bin")
listed = folder / ".installed"
if listed.is_file():
    assert set(listed.read_text().split()) <= {package.name for package in importlib.metadata.distributions()}
PROGRAM
