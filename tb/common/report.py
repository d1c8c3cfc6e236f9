# SPDX-License-Identifier: Apache-2.0
"""Inside the simulator: what a test says when something differs, and what does it again."""

from __future__ import annotations

import os

import cocotb

SEED = int(os.environ.get("COCOTB_RANDOM_SEED", "1"))


def same(what: str, expected: object, got: object) -> None:
    """Compare, and say everything that is needed to look into a difference."""
    if expected != got:
        raise AssertionError(
            f"{cocotb.top._name} {what}: expected {expected}, got {got}; seed {SEED}; "
            f"reproduce: {os.environ.get('REPRODUCE', 'pytest')}"
        )
