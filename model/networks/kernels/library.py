# SPDX-License-Identifier: Apache-2.0
"""Builds the C++ kernels with the system's compiler, once for each source, and calls them.

The library needs no header of torch and is called through ctypes: it takes addresses of tensors, which its callers
keep alive. It is built under a name of its own and then renamed, so that processes that start together do not
meet a half-written file, and there is no lock that a killed one could leave behind.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent
SOURCES = ("wsfracbnn.cpp", "fracbnn.cpp")
HEADERS = (
    *("vectors.h", "vectors_avx512.h", "vectors_avx2.h", "blocks.h", "sign_dots.h", "sign_tables.h"),
    *("convolution.h", "passes.h"),
)
FLAGS = (
    "-std=c++17",
    "-O3",
    "-ffp-contract=off",  # each operation rounds as PyTorch's does
    "-fopenmp",
    "-fPIC",
    "-shared",
)
FUNCTIONS = (
    *("wsfracbnn_forward", "wsfracbnn_backward", "fracbnn_forward", "fracbnn_backward"),
    *("input_sums_forward", "input_sums_backward"),
)
COMPILE_SECONDS = 300

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Build:
    """A library for CPUs that have `cpu_flags`, as /proc/cpuinfo names them."""

    name: str
    compiler_flags: tuple[str, ...]
    cpu_flags: frozenset[str]

    @property
    def flags(self) -> tuple[str, ...]:
        """All of the compiler's."""
        return *FLAGS, *self.compiler_flags


BUILDS = (
    Build(
        "AVX-512 VNNI",
        ("-march=cascadelake",),  # the first CPU with it: any later one runs the same library
        frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "fma"}),
    ),
    Build("AVX2", ("-mavx2", "-mfma"), frozenset({"avx2", "fma"})),
)
"""The fastest first."""


class UnavailableError(Exception):
    """Why there are no kernels here, in a sentence."""


def _layout(integers: str, addresses: str, floats: str = "") -> list[tuple[str, Any]]:
    """Fields of a C structure by their names: int32_t first, then float, then pointers."""
    kinds = ((integers, ctypes.c_int32), (floats, ctypes.c_float), (addresses, ctypes.c_void_p))
    return [(name, kind) for names, kind in kinds for name in names.split()]


class Stage(ctypes.Structure):
    """`Stage` of wsfracbnn.cpp."""

    _fields_ = _layout(
        integers="in_channels out_channels height width stride binary bits in_step out_step",
        floats="unit gate_scale sum_slope",
        addresses="plane of_in of_out x next sums gates gate_gradient plane_gradient in_gradient out_gradient",
    )


class Input(ctypes.Structure):
    """`Input` of wsfracbnn.cpp."""

    _fields_ = _layout(
        integers="colours levels out_channels height width bits",
        addresses="level plane of_out next sums plane_gradient out_gradient",
    )


class FracStage(ctypes.Structure):
    """`FracStage` of fracbnn.cpp."""

    _fields_ = _layout(
        integers="images in_channels out_channels height width stride binary",
        floats="eps gate_scale sum_slope",
        addresses="x plane constants sums z next gates statistics of_next of_gates of_y of_x of_plane of_constants",
    )


@cache
def load() -> ctypes.CDLL:
    """The library, built where it is not yet. Raises `UnavailableError`."""
    build = build_for(cpu_flags())
    source = "".join((SOURCE / name).read_text() for name in (*SOURCES, *HEADERS))
    key = hashlib.sha256("\n".join((source, *build.flags)).encode()).hexdigest()[:16]
    path = _cache_folder() / f"kernels-{key}.so"
    if not path.is_file():
        _compile(build, path)
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise UnavailableError(f"the built library does not load: {error}") from None
    for name in FUNCTIONS:
        getattr(library, name).restype = None
    return library


@cache
def available() -> bool:
    """Whether the kernels can be used; says once, in the log, why not."""
    try:
        load()
    except UnavailableError as reason:
        _log.warning("training without fused kernels: %s", reason)
        return False
    return True


def build_for(flags: Set[str]) -> Build:
    """The fastest build that runs on a CPU with these flags. Raises `UnavailableError`."""
    for build in BUILDS:
        if build.cpu_flags <= flags:
            return build
    missing = sorted(BUILDS[-1].cpu_flags - flags)
    raise UnavailableError(f"the CPU has no {', '.join(missing)}")


def cpu_flags() -> set[str]:
    """What this CPU has. Raises `UnavailableError`."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        raise UnavailableError("they are for Linux") from None
    return next((set(line.split(":", 1)[1].split()) for line in lines if line.startswith("flags")), set())


def _cache_folder() -> Path:
    """Where torch keeps compiled extensions."""
    root = os.environ.get("TORCH_EXTENSIONS_DIR")
    base = Path(root) if root else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "torch_extensions"
    return base / "wsfracbnn"


def _compile(build: Build, path: Path) -> None:
    compiler = shutil.which(os.environ.get("CXX") or "c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        raise UnavailableError("there is no C++ compiler (c++, g++ or clang++)")
    _log.info("building %s for %s", path, build.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            built = Path(folder) / path.name
            command = [compiler, *build.flags, *(str(SOURCE / name) for name in SOURCES), "-o", str(built)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False)
            if done.returncode != 0:
                raise UnavailableError(f"{compiler} failed: {done.stderr.strip()[-400:]}")
            built.replace(path)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"the library could not be built: {error}") from None


def lanes(channels: int) -> int:
    """Channels filled up to whole vectors of the library."""
    width: int = load().vector_lanes()
    return (channels + width - 1) // width * width
