# SPDX-License-Identifier: Apache-2.0
"""How the C library treats the buffers of training on a CPU."""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Parameters of glibc's mallopt (malloc.h)."""
KEPT_BYTES = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process keep large buffers that it frees; returns whether its C library is one that can be asked.

    Every training step asks for the same hundreds of megabytes. glibc maps large buffers one by one and gives each
    back to the kernel when it is freed, so that the next step pays for clearing every page again, which takes longer
    than writing it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all((mallopt(M_MMAP_MAX, 0), mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)))
