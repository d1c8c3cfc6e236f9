# SPDX-License-Identifier: Apache-2.0
"""Loaded by a local worker as it starts: a terminal's Ctrl-C, which reaches workers too, is for the command alone."""

from __future__ import annotations

import signal


def dask_setup(worker: object) -> None:
    """Called by dask in the worker's process. The command ends its workers when it ends itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
