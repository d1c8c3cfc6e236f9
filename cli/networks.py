# SPDX-License-Identifier: Apache-2.0
"""Where a command's network comes from: a checkpoint, which PyTorch reads, or an emitted folder, which needs none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wsfracbnn.model.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from wsfracbnn.gen.emission.vectors import Reference
    from wsfracbnn.model.description import NetworkDescription


def is_described(weights: Path) -> bool:
    """Whether this is an emitted folder, or another with a network's description."""
    return (weights / "net.json").is_file()


def folding_word(weights: Path | None, fold: str | None) -> str:
    """The folding that --fold asks for: without it an emitted folder's own, else `auto`."""
    from wsfracbnn.gen.emission.folder import FOLDING

    if fold is not None:
        return fold
    if weights is not None and is_described(weights) and (weights / FOLDING).is_file():
        return str(weights / FOLDING)
    return "auto"


def description_of(weights: Path, name: str | None = None) -> NetworkDescription:
    """The integer network of a checkpoint or an emitted folder. name: another for it.

    Raises:
        InputError: it cannot be read, or cannot be lowered.
    """
    if is_described(weights):
        from wsfracbnn.model.structure import load_description

        found = load_description(weights)
        return found if name is None else replace(found, name=name)
    from wsfracbnn.model.checkpoint import load_checkpoint
    from wsfracbnn.model.lower import lower_checkpoint

    return lower_checkpoint(load_checkpoint(weights), name)


@dataclass(frozen=True)
class Source:
    """A network and what its golden vectors are made of.

    Attributes:
        images, labels: (n, H, W, colours) uint8 and (n,), or None.
        reference: PyTorch's eval forward, None where the source is no checkpoint, or one of the baseline.
    """

    description: NetworkDescription
    images: NDArray[np.uint8] | None
    labels: NDArray[np.int64] | None
    reference: Reference | None


def source_of(weights: Path, name: str | None, pictures: list[Path] | None) -> Source:
    """A checkpoint with its samples and PyTorch as the reference, or an emitted folder with its own golden images.

    pictures: files to make golden vectors of instead.

    Raises:
        InputError: something cannot be read; or pictures for an emitted folder, which does not say how to prepare them.
    """
    if not is_described(weights):
        return _of_checkpoint(weights, name, pictures)
    from wsfracbnn.gen.emission.folder import VECTORS
    from wsfracbnn.gen.simulation.measured import read_images

    if pictures:
        raise InputError(f"--images: {weights} does not say how pictures are prepared, expected a checkpoint")
    images, labels = read_images(weights / VECTORS)
    return Source(description_of(weights, name), images, labels, None)


def _of_checkpoint(weights: Path, name: str | None, pictures: list[Path] | None) -> Source:
    from wsfracbnn.model.checkpoint import load_checkpoint
    from wsfracbnn.model.data.picture_files import picture_files, read_pictures
    from wsfracbnn.model.exactness import torch_reference
    from wsfracbnn.model.lower import lower_checkpoint

    checkpoint = load_checkpoint(weights)
    description = lower_checkpoint(checkpoint, name)
    images, labels = checkpoint.sample_arrays()
    if pictures:
        images = read_pictures(picture_files(pictures), checkpoint.config.image_shape, checkpoint.pictures)
        labels = None
    # Folded BatchNorm is near what PyTorch computes, and not equal to it.
    return Source(description, images, labels, None if description.multiplied else torch_reference(checkpoint))
