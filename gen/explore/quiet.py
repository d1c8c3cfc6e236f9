# SPDX-License-Identifier: Apache-2.0
"""What keeps Dask from writing between a command's lines. A local worker loads it as it starts."""

from __future__ import annotations

import logging
import signal

_LOGGERS = ("distributed", "distributed.client", "tornado.application", "bokeh")
"""Those that dask's configuration gives levels of their own."""


def silence() -> None:
    """Leave dask's log to what kills: everything else comes as an outcome or as an exception."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def dask_setup(worker: object) -> None:
    """Called by dask in the worker's process.

    A terminal's Ctrl-C, which reaches workers too, is for the command alone; it ends its workers when it ends itself.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    silence()
