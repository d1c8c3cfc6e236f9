# SPDX-License-Identifier: Apache-2.0
"""A whole training step recorded once as a CUDA graph and replayed.

A small network's step is hundreds of kernels of a few microseconds, which the host cannot launch as fast as a GPU runs
them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

WARM_UP = 3
"""Steps that run one by one before the recording: they compile, choose algorithms and allocate what stays."""


class CudaGraphStep:
    """Runs `step(index)`, recorded after `WARM_UP` calls, with every kernel of it launched by one call.

    Args:
        step: trains on the images of `index` and returns a tensor; it neither waits for the device nor allocates
            anything that outlives it, but for what its first calls allocate.
        generator: the random numbers that it draws, which go on in a replay as they would without.
    """

    def __init__(self, step: Callable[[Tensor], Tensor], generator: torch.Generator) -> None:
        self.step, self.generator = step, generator
        self.stream = torch.cuda.Stream(generator.device)  # type: ignore[no-untyped-call]
        self.calls = 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, index: Tensor) -> Tensor:
        """index: of the same shape at every call. The result is overwritten by the next call."""
        self.calls += 1
        if self.calls <= WARM_UP:
            return self._warm_up(index)
        if self.graph is None:
            self._record(index)
        self.index.copy_(index)
        assert self.graph is not None
        self.graph.replay()
        return self.result

    def _warm_up(self, index: Tensor) -> Tensor:
        """One step on the stream of the recording, so that autograd's nodes belong to it."""
        current = torch.cuda.current_stream(index.device)
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream):
            result = self.step(index)
        current.wait_stream(self.stream)
        return result

    def _record(self, index: Tensor) -> None:
        """Record the step without running it."""
        self.index = index.clone()
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.generator)
        with torch.cuda.graph(graph, stream=self.stream):
            self.result = self.step(self.index)
        self.graph = graph
