# SPDX-License-Identifier: Apache-2.0
"""Several processes as one: what `torchrun` started, and how a global batch is shared out.

Every process draws the same random numbers and augments the whole global batch, then keeps its share; losses are
weighted so that DistributedDataParallel's mean over processes is the mean over the global batch. One process and
several therefore train alike, up to the order of floating-point additions.
"""

from __future__ import annotations

import gc
import importlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from wsfracbnn.model.errors import InputError, shown
from wsfracbnn.model.training.host_memory import keep_freed_memory


@dataclass(frozen=True)
class World:
    """This process (`rank`) among `size`, on `device`."""

    rank: int
    size: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process prints and writes files."""
        return self.rank == 0

    def share(self, batch: Tensor) -> Tensor:
        """This process's part of the global batch, along the first dimension."""
        return batch[self.rank :: self.size]

    def total(self, value: Tensor) -> Tensor:
        """The sum of a detached tensor over all processes."""
        value = value.detach().clone()
        if self.size > 1:
            dist.all_reduce(value)
        return value

    def agree(self, flag: bool) -> bool:
        """Whether any process raised its flag."""
        return bool(self.total(torch.tensor(float(flag), device=self.device)) > 0)

    def wrap(self, module: nn.Module) -> nn.Module:
        """`module` with its gradients averaged over the processes, BatchNorm statistics included."""
        if self.size == 1:
            return module
        if any(isinstance(m, nn.BatchNorm2d) for m in module.modules()):
            if self.device.type != "cuda":
                raise InputError("BatchNorm over several processes needs GPUs; train this model in one process")
            module = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        ids = [self.device.index] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(module, device_ids=ids)


@contextmanager
def joined_world(device: str = "auto") -> Iterator[World]:
    """Join the processes that torchrun started (RANK, WORLD_SIZE, LOCAL_RANK), or be alone.

    On a CPU, the process keeps the buffers that it frees (model/training/host_memory.py). What was made with the World
    (a Trainer) belongs to a function that has returned when the block ends: see `_leave`.

    device: "auto" takes this process's GPU where there is one; or "cpu", "cuda".
    """
    size = _from_environment("WORLD_SIZE", 1, least=1)
    rank, local = _from_environment("RANK", 0, least=0), _from_environment("LOCAL_RANK", 0, least=0)
    if rank >= size:
        raise InputError(f"environment variable RANK: found {rank}, expected less than WORLD_SIZE, which is {size}")
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"--device: found '{device}', expected auto, cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device: found 'cuda', but this torch sees no GPU")
    use_cuda = torch.cuda.is_available() and device != "cpu"
    place = torch.device("cuda", local) if use_cuda else torch.device("cpu")
    if size > 1:
        # Imported later, as torch.compile and DistributedDataParallel do, it keeps the group for ever in the default
        # arguments of its functions.
        importlib.import_module("torch.distributed.nn.functional")
        dist.init_process_group("nccl" if use_cuda else "gloo")
    if use_cuda:
        torch.cuda.set_device(place)
        torch.backends.cudnn.benchmark = True  # every convolution of a step comes back thousands of times
    else:
        keep_freed_memory()
    try:
        yield World(rank, size, place)
    finally:
        if size > 1:
            _leave()


def _from_environment(name: str, default: int, least: int) -> int:
    text = os.environ.get(name, str(default))
    if not re.fullmatch(r"\d{1,6}", text, re.ASCII) or int(text) < least:
        raise InputError(f"environment variable {name}: found {shown(text)}, expected an integer from {least}")
    return int(text)


def _leave() -> None:
    """Destroy the process group and join its threads.

    Gloo's threads let go of a tensor some time after a sum is there, and take Python's lock for it: one that does so
    while the interpreter ends aborts the process, and torchrun then ends the others before they have saved. Only the
    group's last owner joins the threads, and each DistributedDataParallel that lives is one.
    """
    gc.collect()
    dist.destroy_process_group()
