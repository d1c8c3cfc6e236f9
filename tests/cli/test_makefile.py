# SPDX-License-Identifier: Apache-2.0
"""What `make` passes on: variables that are set, and none of the commands' own defaults."""

from __future__ import annotations

import subprocess

import pytest

from wsfracbnn.gen.locations import ROOT


def command_of(target: str, *variables: str) -> list[str]:
    """The words of the project's command that a target would run; nothing is run."""
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", target, *variables],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    (line,) = (line for line in done.stdout.splitlines() if "--weights" in line)
    return line.split()


@pytest.mark.parametrize("target", ["sim", "emit", "synth", "pnr"])
@pytest.mark.parametrize("network", ["digits", "cifar100"])
def test_a_default_stays_with_its_command(target: str, network: str) -> None:
    words = command_of(target, f"NETWORK={network}")
    assert words[words.index("--weights") + 1] == f"checkpoints/{network}.pt"
    assert not {"--fold", "--mhz", "--images", "--data", "--waves"} & set(words)


def test_the_digits_network_is_routed_on_the_smallest_device() -> None:
    words = command_of("pnr")
    assert words[words.index("--device") + 1] == "ecp5-25f"
    assert "--device" not in command_of("pnr", "NETWORK=cifar100")


@pytest.mark.parametrize(
    ("target", "variable", "option"),
    [
        ("emit", "FOLD=cycles=3000", ["--fold", "cycles=3000"]),
        ("synth", "FOLD=small", ["--fold", "small"]),
        ("pnr", "MHZ=90", ["--mhz", "90"]),
        ("pnr", "DEVICE=ecp5-45f", ["--device", "ecp5-45f"]),
        ("sim", "IMAGES=3", ["--images", "3"]),
        ("sim", "DATA=photos", ["--data", "photos"]),
        ("sim", "WAVES=1", ["--waves"]),
        ("sim", "SIM=icarus", ["--simulator", "icarus"]),
    ],
)
def test_a_variable_reaches_the_command(target: str, variable: str, option: list[str]) -> None:
    words = command_of(target, variable)
    start = words.index(option[0])
    assert words[start : start + len(option)] == option
