# SPDX-License-Identifier: Apache-2.0
"""Which simulators a test runs in, for `pytest.mark.parametrize`."""

from __future__ import annotations

import pytest

VERILATOR_IF_SLOW = ("icarus", pytest.param("verilator", marks=pytest.mark.slow))
"""Of what Verilator computes in larger tests too: compiling its C++ takes most of a small test's time."""
