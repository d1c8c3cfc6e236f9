# SPDX-License-Identifier: Apache-2.0
"""Random networks, each simulated with as many frames of all kinds as its size allows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.digest import digest_of
from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.emission.folder import emit, emitted_sources
from wsfracbnn.gen.simulation.job import CocotbJob
from wsfracbnn.model import golden
from wsfracbnn.model.files import write_text

from ..random_networks.example import Example
from ..random_networks.search import search

HERE = Path(__file__).parent
SOURCES = "rtl", "templates", "gen", "model", "tb/common", "tests/random_networks", "tests/soak", "tests/soft_errors"
BENCH = "bench_soak"

CYCLES = 150_000
"""Of a network's simulation, about: small networks have many frames, and no network takes long."""

LEAST, MOST = 5, 100
"""Frames of a network."""


class WrongError(AssertionError):
    """A wrong result, a frame that was not flagged, or a stream that breaks its protocol; says which."""


@dataclass(frozen=True)
class Soaked:
    """What was checked of one network: see bench_soak.Counts."""

    number: int
    frames: int
    good: int
    bad: int
    cut: int
    resets: int
    cycles: int


def example_of(seed: int, number: int) -> Example | None:
    """The network of a seed and a number, as tests.random_networks draws it.

    None: one for Verilator, which is too large, or one whose weights come through a port, which a reset would leave
    half loaded.
    """
    found: list[Example] = []
    search(seed, number, found.append)
    if not found or found[0].simulator != "icarus":
        return None
    return None if '"loaded"' in found[0].folding.text() else found[0]


def with_edges(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The images, and those of all pixels at either end of their range, and of both by turns: (n + 3, ...) uint8."""
    shape = images.shape[1:]
    turns = (np.arange(np.prod(shape)) % 2 * 255).reshape(shape)
    return np.concatenate([images, np.stack([np.zeros(shape), np.full(shape, 255), turns]).astype(np.uint8)])


def frames_for(cycles: int) -> int:
    """Frames of a network whose image takes so many cycles."""
    return max(LEAST, min(MOST, CYCLES // (8 * cycles)))


def soak(example: Example, seed: int, number: int, folder: Path, most: int = MOST) -> Soaked:
    """Emit a network into `folder`/net and soak it with at most `most` frames.

    Raises:
        WrongError: something is not as it must be.
    """
    return simulate(prepare(example, folder), seed, number, folder, most)


def prepare(example: Example, folder: Path) -> AcceleratorDesign:
    """Emit the network, and leave images with their golden results in `folder`/soak.npz."""
    design = emit(example.description, example.folding, folder / "net", example.images)
    images = with_edges(example.images)
    trace = golden.run(example.description, images)
    np.savez(folder / "soak.npz", images=images, logits=trace.logits, classes=trace.classes)
    return design


def simulate(design: AcceleratorDesign, seed: int, number: int, folder: Path, most: int) -> Soaked:
    """Soak what `prepare` has left in `folder`.

    Raises:
        WrongError: something is not as it must be.
    """
    net, build = folder / "net", folder / "build"
    build.mkdir(exist_ok=True)
    job = CocotbJob(
        simulator="icarus",
        sources=tuple(emitted_sources(net)),
        toplevel=design.top,
        module=BENCH,
        search=HERE,
        build=build,
        variables={
            "SOAK_IN": str(folder / "soak.npz"),
            "SOAK_OUT": str(folder / "soak.json"),
            "SOAK_FRAMES": str(min(most, frames_for(design.cycles))),
            "SOAK_CYCLES": str(design.cycles),
            "COCOTB_RANDOM_SEED": str(seed * 1_000_003 + number),
            "REPRODUCE": command(seed, number),
        },
    )
    code = job.start().wait()
    if failures := job.failures(["soaks"]):
        raise WrongError("\n".join(failures))
    if code:
        raise WrongError(f"the simulator ended with exit code {code}, see {job.log}")
    return Soaked(number, **json.loads((folder / "soak.json").read_text()))


def command(seed: int, number: int) -> str:
    """What does one network again."""
    return f"python -m tests.soak --seed {seed} --only {number}"


class Record:
    """The networks done so far, in a file that is written behind each of them.

    What was done with other sources does not count.
    """

    def __init__(self, path: Path, sources: str) -> None:
        self.path, self.sources = path, sources
        self.done: list[Soaked] = []
        if path.is_file():
            held: Any = json.loads(path.read_text())
            if held["sources"] == sources:
                self.done = [Soaked(**row) for row in held["networks"]]

    def add(self, soaked: Soaked) -> None:
        self.done.append(soaked)
        rows = [asdict(row) for row in self.done]
        write_text(self.path, json.dumps({"sources": self.sources, "networks": rows}, indent=1) + "\n")

    def total(self, name: str) -> int:
        """Sum of a count over all networks."""
        return sum(int(getattr(row, name)) for row in self.done)


def sources_digest() -> str:
    """Hash of all that an outcome depends on."""
    return digest_of(SOURCES, {".v", ".j2", ".py", ".cpp"})[:16]
