# SPDX-License-Identifier: Apache-2.0
"""The Python environment that da4ml and NNgen run in, apart from this project's, and steps whose results are kept."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import as_sentence, temporary_folder, write_text
from wsfracbnn.model.supervise import Child

HERE = Path(__file__).parent
CONSTRAINTS = HERE / "constraints.txt"

TOOLS = ("da4ml", "nngen")


def make_environment(folder: Path) -> Path:
    """An environment with the pinned tools, made unless it is there; returns its Python.

    Raises:
        InputError: no environment can be made, or a package cannot be installed.
    """
    python = folder / "bin" / "python"
    done = folder / "installed.txt"
    pins = CONSTRAINTS.read_text()
    if not done.is_file() or done.read_text() != pins:
        run_command(
            ["sh", str(ROOT / "scripts" / "create_venv.sh"), sys.executable, str(folder)], "making an environment"
        )
        install = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-c", str(CONSTRAINTS)]
        run_command([*install, *TOOLS], "installing da4ml and NNgen")
        write_text(done, pins)
    return python


def version_of(tool: str) -> str:
    """The version of a tool that `constraints.txt` pins."""
    pins = dict(line.split("==") for line in CONSTRAINTS.read_text().splitlines() if "==" in line)
    return pins[tool]


def run_exporter(python: Path, script: str, *arguments: str) -> None:
    """Run a script of this folder in the tools' environment.

    Raises:
        InputError: it failed; the sentence has its last line.
    """
    run_command([str(python), str(HERE / script), *arguments], script)


def kept(cache: Path, name: str, inputs: Sequence[str | bytes], make: Callable[[Path], None]) -> Path:
    """The folder of a step with these inputs, which is made where it is not there yet.

    Args:
        inputs: all that the results depend on; their digest is part of the folder's name.
        make: fills a folder, which takes its place when all is in it.
    """
    digest = hashlib.sha256()
    for part in inputs:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8) + data)
    folder = cache / f"{name}-{digest.hexdigest()[:16]}"
    if not folder.is_dir():
        with as_sentence(folder), temporary_folder(folder) as work:
            filled = work / "filled"
            filled.mkdir()
            make(filled)
            filled.rename(folder)
    return folder


def own_text(*names: str) -> list[str]:
    """The text of scripts of this folder, as inputs of what they make."""
    return [(HERE / name).read_text() for name in names]


def run_command(
    command: Sequence[str], what: str, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """Run a command to its end; returns what it printed.

    Args:
        what: it is called in a sentence.
        folder, environment: that it runs in; default this process's.
    Raises:
        InputError: it failed; the sentence has its last line.
    """
    with Child(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        printed = child.communicate()[0].decode(errors="replace")
    if child.returncode != 0:
        lines = printed.strip().splitlines()
        raise InputError(f"{what} failed: {lines[-1] if lines else f'exit code {child.returncode}'}")
    return printed
