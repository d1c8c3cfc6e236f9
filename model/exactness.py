# SPDX-License-Identifier: Apache-2.0
"""PyTorch's eval forward of a checkpoint as plain arrays, to hold golden vectors against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from wsfracbnn.model.checkpoint import Checkpoint
from wsfracbnn.model.description import Ints
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.networks.wsfracbnn import WSFracBNN

BATCH = 16
"""Images at once: a float64 convolution takes much memory for each."""


def torch_reference(checkpoint: Checkpoint) -> Callable[[NDArray[np.uint8]], dict[str, Ints]]:
    """What computes the streams of the eval forward of a WSFracBNN checkpoint.

    It takes images (n, H, W, colours) and gives 'input', 'stage_01', ... (n, H', W', C), and 'logits' (n, classes).

    Raises:
        InputError: the checkpoint holds the baseline, whose BatchNorm PyTorch computes in floating point.
    """
    network = checkpoint.network()
    if not isinstance(network, WSFracBNN):
        raise InputError(
            f"key 'model': found '{checkpoint.model}', whose BatchNorm PyTorch computes in floating point; expected "
            "'wsfracbnn'; what emit writes of it compares with the integer model alone: make sim in that folder"
        )

    def streams_of(images: NDArray[np.uint8]) -> dict[str, Ints]:
        batches = []
        with _one_thread():
            for start in range(0, len(images), BATCH):
                pixels = torch.from_numpy(images[start : start + BATCH]).permute(0, 3, 1, 2)
                batches.append({name: _array(stream) for name, stream in network.trace(pixels).items()})
        return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}

    return streams_of


@contextmanager
def _one_thread() -> Iterator[None]:
    """Layers of a few images are small: on a busy machine threads wait for each other longer than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _array(stream: torch.Tensor) -> Ints:
    """(n, C, H, W) to the hardware's order, pixel-major; logits as they are."""
    found: Ints = (stream.permute(0, 2, 3, 1) if stream.ndim == 4 else stream).numpy()
    return found
