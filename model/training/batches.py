# SPDX-License-Identifier: Apache-2.0
"""What a training step is shown: images on the device, augmented there in batches, with their labels.

The dataset lives on the device as uint8, so that nothing is copied to it during an epoch, unless it is a
large one of the user's own, which is read from its file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from wsfracbnn.model.data.dataset import Dataset, Images
from wsfracbnn.model.measure import image_tensor
from wsfracbnn.model.training.augment import flip, mix_images, random_cutout, random_flip, random_shift, shift
from wsfracbnn.model.training.distill import KeptAnswers, View
from wsfracbnn.model.training.settings import TrainConfig


@dataclass(frozen=True)
class Batch:
    """A global batch of N images.

    images: (N, C, H, W) uint8, float32 where they are mixed.  labels, partners: int64 (N,), both labels of an image.
    share: a scalar, of the first label.  said: the teacher's logits (N, classes) where they are kept, or None.
    """

    images: Tensor
    labels: Tensor
    partners: Tensor
    share: Tensor
    said: Tensor | None


class StreamedImages:
    """Images that lie in a file, of which some are read at a time: what `Batches` asks of a tensor of all of them.

    Args:
        images: (N, H, W, C) uint8.
        device: where they are sent.
    """

    def __init__(self, images: Images, device: torch.device) -> None:
        self.all, self.device = images, device

    def __len__(self) -> int:
        return len(self.all)

    def __getitem__(self, index: Tensor) -> Tensor:
        """The images of these numbers, (n, C, H, W) uint8."""
        return image_tensor(self.all[index.cpu().numpy()]).to(self.device)


class Batches:
    """The training images in random order and, where a teacher's answers are kept, in the view of the epoch.

    Args:
        dataset: its training images and labels.
        settings: augmentation, batch size and seed.
        device: where they live, and where random numbers are drawn.
    """

    def __init__(self, dataset: Dataset, settings: TrainConfig, device: torch.device) -> None:
        self.settings = settings
        self.generator = torch.Generator(device).manual_seed(settings.seed)
        self.images: Tensor | StreamedImages = (
            StreamedImages(dataset.train_images, device)
            if dataset.is_streamed
            else image_tensor(dataset.train_images).to(device)
        )
        self.labels = torch.from_numpy(dataset.train_labels).to(device)
        self.view: View | None = None

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def permutation(self) -> Tensor:
        """All image numbers in random order."""
        return torch.randperm(len(self), generator=self.generator, device=self.images.device)

    def sample(self, count: int) -> Tensor:
        """Some images as they are: (count, C, H, W) uint8."""
        return self.images[self.permutation()[:count]]

    def epoch(self, at_least: int) -> list[Tensor]:
        """Image numbers of each batch of an epoch; the last one is left out where it has fewer than `at_least`."""
        return [b for b in torch.split(self.permutation(), self.settings.batch_size) if len(b) >= at_least]

    def take_view(self, answers: KeptAnswers, number: int, report: Callable[[str], None]) -> None:
        """See the images in view `number` from now on; its buffers stay where they are for a recorded step."""
        view = answers.view(number, report)
        if self.view is None:
            self.view = view
        else:
            self.view.copy_(view)

    def batch(self, index: Tensor) -> Batch:
        """The images of these numbers, augmented."""
        s, view = self.settings, self.view
        images, labels = self.images[index], self.labels[index]
        whole = torch.ones((), device=images.device)
        if view is not None:
            seen = flip(shift(images, view.offsets[:, index], s.shift), view.mirrored[index])
            return Batch(seen, labels, labels, whole, view.logits[index])
        images = random_shift(images, s.shift, self.generator)
        if s.flip:
            images = random_flip(images, self.generator)
        images = random_cutout(images, s.cutout, self.generator)
        if s.mix == "none":
            return Batch(images, labels, labels, whole, None)
        images, partner, share = mix_images(images, s.mix, s.mix_alpha, self.generator)
        return Batch(images, labels, labels[partner], share, None)

    def restore(self, drawn: Tensor, epoch: int) -> None:
        """Go on with the random numbers of a generator's state; one of another kind of device cannot be taken."""
        drawn = drawn.cpu()
        if drawn.shape == self.generator.get_state().shape:
            self.generator.set_state(drawn)
        else:
            self.generator.manual_seed(self.settings.seed + epoch)
