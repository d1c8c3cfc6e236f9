# SPDX-License-Identifier: Apache-2.0
"""The machine's processors."""

from __future__ import annotations

import os


def processors() -> int:
    """How many this process may run on, which taskset or a container may have made fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
