# SPDX-License-Identifier: Apache-2.0
"""`make setup`'s environment: one that works is kept, one that does not is recognised and made anew."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wsfracbnn.gen.locations import ROOT

SCRIPTS = ROOT / "scripts"


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(SCRIPTS / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def works(folder: Path) -> bool:
    done = run("venv_works.sh", folder)
    assert done.stdout + done.stderr == ""
    return done.returncode == 0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that works; as it takes seconds to make, each test breaks it and mends it again."""
    folder = tmp_path_factory.mktemp("setup") / "a b" / "venv"
    done = run("create_venv.sh", sys.executable, folder)
    assert done.returncode == 0, done.stderr
    return folder


def packages(folder: Path) -> Path:
    (found,) = folder.glob("lib/python*/site-packages")
    return found


def test_one_that_works_is_kept(made: Path) -> None:
    assert works(made)
    before = (made / "pyvenv.cfg").stat().st_mtime_ns
    done = run("create_venv.sh", "no-such-python", made)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (made / "pyvenv.cfg").stat().st_mtime_ns == before


def dangling(folder: Path) -> None:
    """Python was upgraded and the old one removed."""
    for name in ("python", "python3"):
        (folder / "bin" / name).unlink(missing_ok=True)
        (folder / "bin" / name).symlink_to("/usr/bin/python3.0")


def upgraded(folder: Path) -> None:
    """The link leads to a newer Python, which looks for its packages elsewhere."""
    packages(folder).parent.rename(folder / "lib/python3.0")


def without_pip(folder: Path) -> None:
    """Cut off before pip was there."""
    for path in (*packages(folder).glob("pip*"), *(folder / "bin").glob("pip*")):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def moved(folder: Path) -> None:
    """Its commands begin with the path of before."""
    script = folder / "bin/pip"
    script.write_text(script.read_text().replace(str(folder), str(folder.with_name("elsewhere"))))


def package_gone(folder: Path) -> None:
    (folder / ".installed").write_text("pip\nnumpy\n")


@pytest.mark.parametrize("damage", [dangling, upgraded, without_pip, moved, package_gone])
def test_one_that_does_not_work_is_recognised(made: Path, damage: Callable[[Path], None]) -> None:
    kept = made.with_name("kept")
    shutil.copytree(made, kept, symlinks=True)
    try:
        damage(made)
        assert not works(made)
    finally:
        shutil.rmtree(made)
        kept.rename(made)
    assert works(made)


def test_what_was_installed_is_asked_for(made: Path) -> None:
    (made / ".installed").write_text("pip\n")
    assert works(made)
    (made / ".installed").unlink()


def test_a_dangling_one_is_made_anew(made: Path) -> None:
    dangling(made)
    (made / "bin/left").touch()
    done = run("create_venv.sh", sys.executable, made)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{made}: does not work")
    assert works(made)
    assert not (made / "bin/left").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    done = run("create_venv.sh", sys.executable, tmp_path)
    assert done.returncode == 2
    assert done.stderr == (f"{tmp_path}: is no virtual environment, expected one or nothing there; move it away\n")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_missing_python_is_a_sentence(tmp_path: Path) -> None:
    done = run("create_venv.sh", "no-such-python", tmp_path / "venv")
    assert done.returncode == 2
    assert done.stderr.startswith("no-such-python: not found. Install Python 3.11 or newer")
    assert list(tmp_path.iterdir()) == []


PIP = """#!/bin/sh
# Stands in for the environment's Python: pip fails once, then all goes well.
case "$*" in
*"-m pip"*) echo "pip" >> "$(dirname "$0")/../../log"; [ -e "$(dirname "$0")/../../full" ] && exit 1; exit 0 ;;
-c*) echo numpy ;;
-*) exit 0 ;;
esac
"""


def test_set_up_goes_on_after_an_installation_that_failed(tmp_path: Path) -> None:
    """Half-installed packages never count as installed; what is complete is not touched again."""
    (tmp_path / "scripts").mkdir()
    for name in ("set_up.sh", "create_venv.sh", "venv_works.sh"):
        shutil.copy(SCRIPTS / name, tmp_path / "scripts")
    for name in ("constraints.txt", "pyproject.toml", "full"):
        (tmp_path / name).touch()
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/bin/python").write_text(PIP)
    (tmp_path / "venv/bin/python").chmod(0o755)

    def set_up() -> int:
        command = ["sh", "scripts/set_up.sh", "no-such-python", "venv"]
        return subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode

    def installations() -> int:
        return len((tmp_path / "log").read_text().splitlines())

    assert set_up() != 0
    assert not (tmp_path / "venv/.installed").exists()
    (tmp_path / "full").unlink()
    assert set_up() == 0
    assert (tmp_path / "venv/.installed").read_text() == "numpy\n"
    assert installations() == 2
    assert set_up() == 0
    assert installations() == 2
    (tmp_path / "constraints.txt").touch()
    newer = (tmp_path / "venv/.installed").stat().st_mtime + 10
    os.utime(tmp_path / "constraints.txt", (newer, newer))
    assert set_up() == 0
    assert installations() == 3
