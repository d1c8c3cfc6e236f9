# SPDX-License-Identifier: Apache-2.0
"""Resume files: a trainer's state after an epoch, checked as a whole before any of it is taken over."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import AfterValidator, Field
from torch import Tensor

from wsfracbnn.model.checkpoint_header import plain
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.data.preparation import AS_USUAL, Pictures
from wsfracbnn.model.errors import InputError, shown
from wsfracbnn.model.files import write_bytes
from wsfracbnn.model.reading import Schema, checked
from wsfracbnn.model.tensor_files import read_torch, require_plain
from wsfracbnn.model.training.trainer import Trainer

FILE_LIMIT = 4 * 512 * 2**20
"""Bytes: the largest network, its average and an optimizer's two moments."""

CUDA_GENERATOR_BYTES = 16
"""Of the state of a GPU's generator: a run of a GPU may go on without one."""

MOMENTS = {"SGD": {"momentum_buffer"}, "Adam": {"step", "exp_avg", "exp_avg_sq"}}
MOMENTS["AdamW"] = MOMENTS["Adam"]
"""What an optimizer keeps of each parameter."""


class _Identity(Schema):
    run: dict[str, Annotated[Any, AfterValidator(plain)]]
    config: dict[str, Any]
    pictures: Pictures = AS_USUAL
    contents: dict[str, str]


class _Resume(Schema, arbitrary_types_allowed=True):
    identity: _Identity
    epoch: Annotated[int, Field(ge=0)]
    network: dict[str, Tensor]
    averaged: dict[str, Tensor] | None
    optimizer: dict[str, Any]
    generator: Tensor
    torch_rng: Tensor


def save_state(trainer: Trainer, path: Path) -> None:
    """Write what `load_state` reads, whole or not at all."""
    state = io.BytesIO()
    torch.save({"identity": trainer.identity} | trainer.state_dict(), state)
    write_bytes(path, state.getvalue())


def load_state(trainer: Trainer, path: Path) -> None:
    """Let the trainer go on where the run stood that saved the file, which must be one of the same settings.

    Raises:
        InputError: the file is damaged or of another run; the trainer is as it was.
    """
    raw = read_torch(path, FILE_LIMIT, "a resume file")
    try:
        state = checked(_Resume, raw)
        theirs = NetworkConfig.from_dict(state.identity.config).to_dict()
        _check_identity(state.identity.model_dump() | {"config": theirs}, trainer.identity)
        _check_state(state, trainer)
        trainer.load_state_dict(raw)
    except InputError as error:
        raise InputError(f"{path}: {error}; delete it to start anew") from None


def _check_identity(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """Name every setting that is another one."""
    if differences := _differences(theirs, ours):
        raise InputError(f"belongs to another run ({'; '.join(differences)})")


def _differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """What to say of each key whose values are not equal; of two tables, of each key in them."""
    found = []
    for key in sorted(theirs.keys() | ours.keys()):
        old, new = theirs.get(key), ours.get(key)
        if key in theirs and key in ours and old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            found += _differences(old, new)
        else:
            old, new = (shown(table[key]) if key in table else "missing" for table in (theirs, ours))
            found.append(f"its {key} is {old}, this run's is {new}")
    return found


def _check_state(state: _Resume, trainer: Trainer) -> None:
    if state.epoch > trainer.settings.epochs:
        raise InputError(f"key 'epoch': found {state.epoch}, expected at most {trainer.settings.epochs}")
    _check_like(state.network, trainer.network.state_dict(), "network")
    if (state.averaged is None) != (trainer.averaged is None):
        raise InputError(f"key 'averaged': found {shown(state.averaged)}, expected what 'ema' asks for")
    if state.averaged is not None and trainer.averaged is not None:
        _check_like(state.averaged, trainer.averaged.state_dict(), "averaged")
    _check_moments(state.optimizer, trainer.optimizer)
    here = trainer.batches.generator.get_state().numel()
    _check_generator(state.generator, "generator", {here, CUDA_GENERATOR_BYTES, torch.get_rng_state().numel()})
    _check_generator(state.torch_rng, "torch_rng", {torch.get_rng_state().numel()})


def _check_like(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], what: str) -> None:
    """Raise `InputError` where a state has other tensors, or other shapes, or NaN."""
    require_plain(found, what)
    for key in sorted(set(found) ^ set(expected)):
        raise InputError(f"key '{what}.{key}' is {'unknown' if key in found else 'missing'}")
    for key, tensor in expected.items():
        value, name = found[key], f"key '{what}.{key}'"
        if value.shape != tensor.shape or value.is_floating_point() != tensor.is_floating_point():
            raise InputError(
                f"{name}: found {value.dtype} of shape {tuple(value.shape)}, "
                f"expected {tensor.dtype} of shape {tuple(tensor.shape)}"
            )
        if not torch.isfinite(value).all():
            raise InputError(f"{name}: found NaN or infinity, expected finite numbers")


def _check_moments(found: Mapping[str, Any], optimizer: torch.optim.Optimizer) -> None:
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    moments = found.get("state")
    if not isinstance(moments, dict):
        raise InputError(f"key 'optimizer.state': found {shown(moments)}, expected the moments of each parameter")
    names = MOMENTS[type(optimizer).__name__]
    for number, kept in moments.items():
        if type(number) is not int or not 0 <= number < len(parameters):
            raise InputError(f"key 'optimizer.state': found {shown(number)}, expected 0 to {len(parameters) - 1}")
        if not isinstance(kept, dict) or set(kept) != names:
            raise InputError(
                f"key 'optimizer.state.{number}': found {shown(kept)}, expected {', '.join(sorted(names))}"
            )
        like = {name: torch.zeros(()) if name == "step" else parameters[number] for name in names}
        _check_like(kept, like, f"optimizer.state.{number}")


def _check_generator(state: Tensor, key: str, sizes: set[int]) -> None:
    require_plain({key: state}, "state")
    if state.dtype != torch.uint8 or state.ndim != 1 or state.numel() not in sizes:
        expected = " or ".join(map(str, sorted(sizes)))
        raise InputError(
            f"key '{key}': found {state.dtype} of shape {tuple(state.shape)}, expected uint8 of {expected} bytes"
        )
    if state.numel() == torch.get_rng_state().numel():
        try:
            torch.Generator().set_state(state)
        except RuntimeError:
            raise InputError(f"key '{key}': no state of a generator of random numbers") from None
