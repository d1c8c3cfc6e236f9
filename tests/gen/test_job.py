# SPDX-License-Identifier: Apache-2.0
"""What a simulator finds around it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from wsfracbnn.gen.simulation.job import simulator_environment, verilator_number


def test_a_simulator_meets_this_python_before_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = shutil.which("python", path=simulator_environment()["PATH"])
    assert found is not None
    assert Path(found).parent == Path(sys.executable).parent
    monkeypatch.delenv("PATH")
    assert shutil.which("python", path=simulator_environment()["PATH"]) == found


def test_verilator_is_given_a_wide_number_with_its_width() -> None:
    """tb/weight_loader has parameters of 96 bits, which its bench reads back."""
    assert [verilator_number(value) for value in (-3, 0, 2**31 - 1, 2**31)] == ["-3", "0", "2147483647", "32'h80000000"]
    assert verilator_number(5 << 64) == f"67'h5{0:016x}"
