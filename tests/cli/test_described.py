# SPDX-License-Identifier: Apache-2.0
"""Commands that take an emitted folder instead of a checkpoint, in a Python that has no PyTorch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from wsfracbnn.cli.networks import description_of, source_of
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError

WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from wsfracbnn.cli.app import main; main()"


def wsfracbnn(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command without PyTorch: to import it fails."""
    command = [sys.executable, "-c", WITHOUT_TORCH, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def emitted(tiny: NetworkDescription, tmp_path: Path) -> Path:
    emit(tiny, preset(tiny, "small"), tmp_path / "net")
    return tmp_path


def test_a_folder_is_emitted_again_without_torch(emitted: Path) -> None:
    done = wsfracbnn(emitted, "emit", "--weights", "net", "--fold", "net/fold.json", "--out", "again")
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((emitted / name / "design.json").read_text()) for name in ("net", "again"))
    assert first["build"] == second["build"]
    assert (emitted / "again/rtl/tiny_top.v").read_bytes() == (emitted / "net/rtl/tiny_top.v").read_bytes()
    with np.load(emitted / "net/vectors.npz") as one, np.load(emitted / "again/vectors.npz") as other:
        assert all(np.array_equal(one[key], other[key]) for key in one.files)
    named = wsfracbnn(emitted, "emit", "--weights", "net", "--name", "other", "--out", "other")
    assert named.returncode == 0, named.stderr
    assert (emitted / "other/rtl/other_top.v").is_file()


def test_it_is_drawn_and_made_a_boards_project_without_torch(emitted: Path) -> None:
    done = wsfracbnn(emitted, "draw", "--weights", "net", "--out", "a.svg")
    assert done.returncode == 0, done.stderr
    assert "tiny" in (emitted / "a.svg").read_text()
    done = wsfracbnn(emitted, "board", "ulx3s-25f", "--weights", "net", "--out", "board", "--no-build")
    assert done.returncode == 0, done.stderr


def test_a_checkpoint_without_torch_is_a_sentence(tmp_path: Path) -> None:
    done = wsfracbnn(tmp_path, "emit", "--weights", "digits", "--out", "net")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip().startswith("error: PyTorch is not installed, expected it for checkpoints")
    assert not (tmp_path / "net").exists()


def test_what_a_folder_cannot_give_is_refused(emitted: Path) -> None:
    with pytest.raises(InputError, match="net does not say how pictures are prepared, expected a checkpoint"):
        source_of(emitted / "net", None, [Path("a.png")])
    done = wsfracbnn(emitted, "emit", "--weights", "net", "--out", "net")
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected another folder" in done.stderr
    np.savez(emitted / "net/vectors.npz", images=np.zeros(3))
    with pytest.raises(InputError, match="found no images with labels"):
        source_of(emitted / "net", None, None)
    (emitted / "net/net.json").write_text("{}")
    with pytest.raises(InputError, match=r"net\.json: key 'version'"):
        description_of(emitted / "net")


def test_a_folder_keeps_its_own_folding_where_none_is_asked_for(emitted: Path) -> None:
    for name, fold in (("own", ()), ("auto", ("--fold", "auto"))):
        done = wsfracbnn(emitted, "emit", "--weights", "net", "--out", name, *fold)
        assert done.returncode == 0, done.stderr
    folds = {name: (emitted / name / "fold.json").read_text() for name in ("net", "own", "auto")}
    assert folds["own"] == folds["net"] != folds["auto"]
    for picture, fold in (("own.svg", ()), ("small.svg", ("--fold", "net/fold.json"))):
        done = wsfracbnn(emitted, "draw", "--weights", "net", "--out", picture, *fold)
        assert done.returncode == 0, done.stderr
    assert (emitted / "own.svg").read_bytes() == (emitted / "small.svg").read_bytes()
