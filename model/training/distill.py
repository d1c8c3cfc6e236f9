# SPDX-License-Identifier: Apache-2.0
"""Knowledge distillation from a full-precision teacher (Hinton et al., arXiv 1503.02531).

A teacher that is asked at every step costs as much as a student. Fast knowledge distillation (Shen and Xing,
arXiv 2112.01528) asks it once: every image has a few fixed views (a shift and a mirroring), the student sees no
others, and the teacher's logits of each are kept in files beside its checkpoint.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.errors import InputError, shown
from wsfracbnn.model.files import write_bytes
from wsfracbnn.model.reading import require_file
from wsfracbnn.model.training.augment import flip, random_bits, random_offsets, shift

ANSWERS_LIMIT = 2**30
"""Bytes of a view's file."""

BATCH = 250
"""Images that the teacher is shown at once when its answers are to be kept."""


def load_teacher(path: Path, config: NetworkConfig) -> nn.Module:
    """The network of a checkpoint, frozen and in eval mode.

    Raises:
        InputError: where its images or classes are not those of `config`.
    """
    checkpoint = load_checkpoint(path)
    theirs = checkpoint.config
    for key in ("image_height", "image_width", "image_channels", "classes"):
        if getattr(theirs, key) != getattr(config, key):
            raise InputError(
                f"{path}: teacher's config key '{key}': found {getattr(theirs, key)}, expected {getattr(config, key)}"
            )
    network: nn.Module = checkpoint.network()
    return network.requires_grad_(False).eval()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes: a teacher is who it is by content, not by name."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def distillation_losses(
    logits: Tensor, teacher_logits: Tensor, temperature: float, *, standardized: bool = False
) -> Tensor:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)) of each image: (N, classes) twice -> (N,).

    The factor T^2 keeps the gradient's size independent of the temperature (section 2.1).

    Args:
        logits: of the student.
        teacher_logits: of the teacher.
        temperature: T.
        standardized: take each image's logits to zero mean and unit deviation over the classes first, so that the
            student need not match the teacher's range (Sun et al., arXiv 2403.01427, equation 12).
    """
    said = teacher_logits.to(logits.dtype)
    if standardized:
        logits, said = _standardized(logits), _standardized(said)
    student = F.log_softmax(logits / temperature, dim=1)
    target = F.log_softmax(said / temperature, dim=1)
    return temperature**2 * F.kl_div(student, target, reduction="none", log_target=True).sum(dim=1)


def _standardized(logits: Tensor) -> Tensor:
    deviation, mean = torch.std_mean(logits, dim=1, keepdim=True)
    return (logits - mean) / (deviation + 1e-7)


def teacher_logits(teacher: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """What the teacher says of uint8 or float images (N, C, H, W): logits (N, classes)."""
    with torch.no_grad():
        out: Tensor = teacher(images)
    return out


@dataclass(frozen=True)
class View:
    """How every training image is seen in one epoch, and what the teacher says of it.

    offsets: int64 (2, N), see `shift`.  mirrored: bool (N,).  logits: float16 (N, classes).
    """

    offsets: Tensor
    mirrored: Tensor
    logits: Tensor

    def copy_(self, other: View) -> None:
        """Take over the contents of another view, in place: a recorded step goes on reading the same buffers."""
        for name in ("offsets", "mirrored", "logits"):
            getattr(self, name).copy_(getattr(other, name))


class KeptAnswers:
    """The teacher's logits of every training image in each of some fixed views, computed once.

    A view's file holds float16 (N, classes). Its name says of which teacher, images and augmentation it is, so that
    runs share it and never take a wrong one; it is written whole or not at all.

    Args:
        path: the teacher's checkpoint; files go to `<path>.views/`.
        images: uint8 (N, C, H, W), on the device that trains.
        reach: largest shift in pixels.
        mirror: whether some views are mirrored.
        ask: images (n, C, H, W) to logits (n, classes).
        classes: number of logits.
    """

    def __init__(
        self, path: Path, images: Tensor, reach: int, mirror: bool, ask: Callable[[Tensor], Tensor], classes: int
    ) -> None:
        self.classes = classes
        self.images, self.reach, self.mirror, self.ask = images, reach, mirror, ask
        content = hashlib.sha256(file_digest(path).encode())
        content.update(images.cpu().numpy().tobytes())
        self.prefix = path.with_name(path.name + ".views") / f"{content.hexdigest()[:16]}-shift{reach}-flip{mirror:d}"

    def file(self, number: int) -> Path:
        """Where a view's logits are kept."""
        return self.prefix.with_name(f"{self.prefix.name}-view{number:02d}.npy")

    def view(self, number: int, report: Callable[[str], None]) -> View:
        """View `number` (from 0); the teacher is asked where its answers are not kept yet.

        Raises:
            InputError: the file is damaged.
        """
        count = len(self.images)
        # Drawn on the CPU, so that every kind of device sees the same views.
        generator = torch.Generator().manual_seed(number)
        offsets, mirrored = random_offsets(count, self.reach, generator), random_bits(count, generator)
        if not self.mirror:
            mirrored = torch.zeros_like(mirrored)
        offsets, mirrored = offsets.to(self.images.device), mirrored.to(self.images.device)
        path = self.file(number)
        if path.is_file():
            require_file(path, "the teacher's kept answers", ANSWERS_LIMIT)
        if not path.is_file():
            self._keep(path, offsets, mirrored, lambda done: report(f"teacher, view {number}: {done} of {count}"))
        try:
            logits = np.load(path, allow_pickle=False)
        except Exception as error:  # whatever the reader of a crafted file comes upon
            raise InputError(f"{path}: not the teacher's kept answers ({error}); delete it") from None
        if not isinstance(logits, np.ndarray) or logits.dtype != np.float16 or logits.shape != (count, self.classes):
            raise InputError(f"{path}: found {shown(logits)}, expected float16 ({count}, {self.classes}); delete it")
        if not np.isfinite(logits).all():
            raise InputError(f"{path}: found NaN or infinity, expected the teacher's answers; delete it")
        return View(offsets, mirrored, torch.from_numpy(logits).to(self.images.device))

    def _keep(self, path: Path, offsets: Tensor, mirrored: Tensor, report: Callable[[int], None]) -> None:
        answers = []
        for part in torch.split(torch.arange(len(self.images), device=self.images.device), BATCH):
            seen = flip(shift(self.images[part], offsets[:, part], self.reach), mirrored[part])
            answers.append(self.ask(seen).to(torch.float16).cpu())
            report(int(part[-1]) + 1)
        contents = io.BytesIO()
        np.save(contents, torch.cat(answers).numpy())
        write_bytes(path, contents.getvalue())
