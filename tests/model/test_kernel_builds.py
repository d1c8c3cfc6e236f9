# SPDX-License-Identifier: Apache-2.0
"""Which library the fused kernels are built as."""

from __future__ import annotations

import platform
import shutil
import subprocess

import pytest

from wsfracbnn.model.networks.kernels import library

AVX2 = frozenset({"sse2", "ssse3", "avx", "avx2", "fma", "bmi2"})
AVX512 = AVX2 | {"avx512f", "avx512bw", "avx512dq", "avx512vl"}


@pytest.mark.parametrize(
    ("flags", "name"), [(AVX2, "AVX2"), (AVX512, "AVX2"), (AVX512 | {"avx512_vnni"}, "AVX-512 VNNI")]
)
def test_the_fastest_build_that_a_cpu_runs_is_chosen(flags: frozenset[str], name: str) -> None:
    assert library.build_for(flags).name == name


@pytest.mark.parametrize(("flags", "missing"), [(AVX2 - {"fma"}, "fma"), (frozenset(), "avx2, fma")])
def test_a_cpu_without_avx2_has_no_kernels(flags: frozenset[str], missing: str) -> None:
    with pytest.raises(library.UnavailableError, match=f"^the CPU has no {missing}$"):
        library.build_for(flags)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="compilers for x86 alone know the flags")
@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no C++ compiler")
@pytest.mark.parametrize("source", library.SOURCES)
@pytest.mark.parametrize("build", library.BUILDS, ids=lambda build: build.name)
def test_every_build_compiles(build: library.Build, source: str) -> None:
    """Also those that this CPU does not run."""
    command = ["c++", *build.flags, "-fsyntax-only", str(library.SOURCE / source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
