# SPDX-License-Identifier: Apache-2.0
"""The trainer: two-step schedule, distillation, adaptive gradient clipping, one process or several.

Step one trains with 2-bit activations and standardized real weights, step two with binary weights ("BNN - BN = ?",
arXiv 2104.08215, section 4); the quantized scales, slopes and residual stream are in the forward pass throughout.

The dataset lives on the device as uint8, augmentation is batched there, and within an epoch nothing waits for the
device except the progress bar, every `READ_EVERY` steps. On a GPU a step is one CUDA graph (model/cuda_graph.py).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from wsfracbnn.model.augment import mix_images, random_cutout, random_flip, random_shift
from wsfracbnn.model.checkpoint import MODELS, AnyNetwork, Checkpoint
from wsfracbnn.model.clipping import clip_gradients_adaptively
from wsfracbnn.model.config import ARCHITECTURES, NetworkConfig
from wsfracbnn.model.cuda_graph import CudaGraphStep
from wsfracbnn.model.data import Dataset
from wsfracbnn.model.distill import distillation_losses, load_teacher, teacher_logits
from wsfracbnn.model.distributed import World
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.fine_tune import begin_with
from wsfracbnn.model.lower import lower_network
from wsfracbnn.model.measure import image_tensor, measure, measure_float
from wsfracbnn.model.mixed_precision import mixed_precision
from wsfracbnn.model.network import WSFracBNN
from wsfracbnn.model.resnet import ResNet
from wsfracbnn.model.schedules import learning_rate
from wsfracbnn.model.settings import Run

SAMPLES = 8
"""Test images that travel inside the checkpoint, so that an emitted folder can prove itself on real data."""
READ_EVERY = 20
"""Steps between two looks at the running figures; each look waits for the device."""


_Run = Callable[[Tensor], Any]
"""A module, or what torch.compile makes of it."""


class _Forward(nn.Module):
    """Logits and gate means as the outputs of one call, as DistributedDataParallel and torch.compile want them."""

    def __init__(self, network: AnyNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.network(images)
        return logits, self.network.gate_means()


class Trainer:
    """Trains one network on one dataset, an epoch at a call; model/fit.py runs them to the end.

    Args:
        run: what to train and how.
        dataset: its images and labels.
        world: the processes that train together; default this one alone.
        config: the network's shape, where it is not one of the named architectures.
        compiled: fuse the forward and backward passes with torch.compile.
        graphs: record a step as a CUDA graph; for one process on a GPU.
    """

    def __init__(
        self,
        run: Run,
        dataset: Dataset,
        *,
        world: World | None = None,
        config: NetworkConfig | None = None,
        compiled: bool = False,
        graphs: bool = False,
    ) -> None:
        self.spec, self.dataset = run, dataset
        self.world = world or World(0, 1, torch.device("cpu"))
        self.settings = settings = run.settings
        self.config = replace(
            config or _config_of(run, dataset), weight_standardization=settings.weight_standardization
        )
        _check_shapes(self.config, dataset)
        device = self.world.device
        torch.manual_seed(settings.seed)
        self.generator = torch.Generator(device).manual_seed(settings.seed)
        self.images = image_tensor(dataset.train_images).to(device)
        self.labels = torch.from_numpy(dataset.train_labels).to(device)
        self.network: AnyNetwork = MODELS[run.model](self.config)
        _channels_last(self.network, device)
        if run.start_from:
            begin_with(self.network, Path(run.start_from))
        else:
            self.network.calibrate(self.images[self._permutation()[:512]])
            if isinstance(self.network, WSFracBNN):
                self.network.set_gate_thresholds(settings.gate_start)
        clips = settings.agc > 0 and isinstance(self.network, WSFracBNN)
        self.clipped = [p for n, p in self.network.named_parameters() if clips and n.endswith("conv.weight")]
        self._clip = torch.compile(clip_gradients_adaptively) if compiled else clip_gradients_adaptively
        self.teacher: nn.Module | None = None
        if run.teacher:
            self.teacher = load_teacher(Path(run.teacher), self.config)
            _channels_last(self.teacher, device)
        self.averaged: AveragedModel | None = None
        self.epoch = 0
        self.graphs = graphs
        forward, teacher = self.world.wrap(_Forward(self.network)), self.teacher
        self.step: Callable[[Tensor], Tensor] = partial(self._step, forward, teacher)
        """Trains on a batch of any size."""
        self.fused_step = self.step
        """Trains on a full batch, the one size that is compiled for."""
        if compiled:
            self.fused_step = partial(
                self._step, torch.compile(forward), None if teacher is None else torch.compile(teacher)
            )
        self._new_optimizer()

    def _permutation(self) -> Tensor:
        return torch.randperm(len(self.images), generator=self.generator, device=self.world.device)

    def _new_optimizer(self) -> None:
        """Fresh moments, fresh averages and a fresh recording for the step that begins or goes on at `epoch`."""
        s = self.settings
        # A recorded step reads its rate, and counts its steps, on the device.
        rate: Any = torch.tensor(s.learning_rate, device=self.world.device) if self.graphs else s.learning_rate
        recordable: dict[str, Any] = {"fused": True} if self.graphs else {}
        second_step = self.epoch >= s.switch_epoch
        decay = s.binary_weight_decay if second_step and s.binary_weight_decay >= 0 else s.weight_decay
        decayed = [p for n, p in self.network.named_parameters() if _is_decayed(n)]
        others = [p for n, p in self.network.named_parameters() if not _is_decayed(n)]
        groups = [{"params": decayed, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
        if s.optimizer == "sgd":
            self.optimizer: torch.optim.Optimizer = torch.optim.SGD(
                groups, lr=rate, momentum=s.momentum, nesterov=True, **recordable
            )
        else:
            kind = torch.optim.AdamW if s.optimizer == "adamw" else torch.optim.Adam
            self.optimizer = kind(groups, lr=rate, capturable=self.graphs, **recordable)
        if s.ema > 0:
            average = get_ema_multi_avg_fn(s.ema)  # type: ignore[no-untyped-call]
            self.averaged = AveragedModel(
                _fresh_copy(self.network, self.world.device), multi_avg_fn=average, use_buffers=True
            )
        self.full_step: Callable[[Tensor], Tensor] = (
            CudaGraphStep(self.fused_step, self.generator) if self.graphs else self.fused_step
        )

    def _augment(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Images, both labels and the first one's share, for a global batch of image numbers."""
        s = self.settings
        images, labels = random_shift(self.images[index], s.shift, self.generator), self.labels[index]
        if s.flip:
            images = random_flip(images, self.generator)
        images = random_cutout(images, s.cutout, self.generator)
        if s.mix == "none":
            return images, labels, labels, torch.ones((), device=images.device)
        images, partner, share = mix_images(images, s.mix, s.mix_alpha, self.generator)
        return images, labels, labels[partner], share

    def _loss(self, logits: Tensor, said: Tensor | None, labels: Tensor, partners: Tensor, share: Tensor) -> Tensor:
        """The loss of each image, shape (N,); `said` are the teacher's logits."""
        s = self.settings

        def entropy(target: Tensor) -> Tensor:
            return F.cross_entropy(logits, target, label_smoothing=s.label_smoothing, reduction="none")

        losses = entropy(labels)
        if s.mix != "none":
            losses = share * losses + (1 - share) * entropy(partners)
        if said is not None:
            losses = (1 - s.distill_weight) * losses + s.distill_weight * distillation_losses(
                logits, said, s.temperature
            )
        return losses

    def _step(self, forward: _Run, teacher: _Run | None, index: Tensor) -> Tensor:
        """Train on one global batch; returns its sums of loss, correct images and mean gate fraction (times images)."""
        s, world = self.settings, self.world
        batch = self._augment(index)
        images, labels, partners = (world.share(t) for t in batch[:3])
        with mixed_precision(s.precision == "mixed"):
            with self._autocast(self.network):
                logits, gates = forward(images.contiguous(memory_format=torch.channels_last))
                with self._autocast(self.teacher):
                    said = None if teacher is None else teacher_logits(teacher, images)
                losses = self._loss(logits.float(), said, labels, partners, batch[3])
            # Each process's loss is weighted so that the mean over processes is that over the global batch.
            weight = world.size / len(index)
            loss = losses.sum() * weight
            gate_sums = world.total(gates * len(images))
            if s.gate_weight > 0 and len(gates) > 0:
                # The gradient of (gates - target)^2 with `gates` the mean over the global batch.
                slope = 2 * (gate_sums / len(index) - s.gate_target)
                loss = loss + s.gate_weight * (slope * gates).sum() * len(images) * weight
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        self._clip(self.clipped, s.agc)
        self.optimizer.step()
        gate_sum = gate_sums.mean() if len(gates) else torch.zeros((), device=world.device)
        correct = (logits.argmax(1) == labels).sum()
        return torch.stack((losses.detach().sum(), correct.float(), gate_sum / world.size))

    def _autocast(self, network: nn.Module | None) -> torch.autocast:
        """bfloat16 for a full-precision network; the binary networks convert by themselves."""
        mixed = self.settings.precision == "mixed" and isinstance(network, ResNet)
        return torch.autocast(self.world.device.type, torch.bfloat16, enabled=mixed)

    def train_epoch(self, report: Callable[[int, str], None]) -> dict[str, float]:
        """One pass over the images; `report` is told the steps done and a line of running figures."""
        s = self.settings
        if self.epoch == s.switch_epoch and self.epoch > 0:
            self._new_optimizer()  # step two starts with fresh moments
        for network in self._networks():
            network.set_binary_weights(self.epoch >= s.switch_epoch)
        self.network.train()
        batches = [b for b in torch.split(self._permutation(), s.batch_size) if len(b) >= self.world.size]
        sums, seen, start = torch.zeros(3, device=self.world.device), 0, time.monotonic()
        for step, index in enumerate(batches):
            rate = learning_rate(s, self.epoch + step / len(batches))
            for group in self.optimizer.param_groups:
                group["lr"] = group["lr"].fill_(rate) if isinstance(group["lr"], Tensor) else rate
            sums += self.full_step(index) if len(index) == s.batch_size else self.step(index)
            if self.averaged is not None:
                self.averaged.update_parameters(self.network)
            seen += len(index)
            if (step + 1) % READ_EVERY == 0 or step + 1 == len(batches):
                loss, correct, gate = (self.world.total(sums) / seen).tolist()
                speed = seen / (time.monotonic() - start)
                report(step + 1, f"loss {loss:.3f}  train {100 * correct:.1f} %  gates {gate:.2f}  {speed:.0f} img/s")
        self.epoch += 1
        return {
            "loss": loss,
            "train_accuracy": 100 * correct,
            "gate_fraction": gate,
            "lr": rate,
            "images_per_s": round(speed, 1),
        }

    def _networks(self) -> list[AnyNetwork]:
        """The trained network and its average."""
        return [self.network] if self.averaged is None else [self.network, self.averaged.module]  # type: ignore[list-item]

    @property
    def evaluated(self) -> AnyNetwork:
        """The network that is tested and saved: the averaged one where there is one."""
        return self._networks()[-1]

    @torch.no_grad()
    def test_accuracy(self) -> float:
        """Percent of the test images that the eval forward classifies correctly."""
        return measure_float(self.evaluated.eval(), self.dataset, self.world.device)[0]

    def checkpoint(self) -> Checkpoint:
        """The network as it stands, measured on the whole test set (by the integer model for WSFracBNN)."""
        network = _fresh_copy(self.evaluated, torch.device("cpu")).eval()
        if isinstance(network, WSFracBNN):
            description = lower_network(network, self.spec.network_name, self.dataset.class_names)
            accuracy, fractions = measure(description, self.dataset)
        else:
            accuracy, fractions = measure_float(network.to(self.world.device), self.dataset, self.world.device)
        spread = np.linspace(0, len(self.dataset.test_images) - 1, SAMPLES).astype(int)
        return Checkpoint(
            name=self.spec.network_name,
            model=self.spec.model,
            config=self.config,
            state={k: v.detach().cpu().contiguous().clone() for k, v in network.state_dict().items()},
            class_names=self.dataset.class_names,
            training=self.spec.record(),
            test_accuracy=accuracy,
            gate_fractions=tuple(fractions) or None,
            samples={
                "images": torch.from_numpy(self.dataset.test_images[spread].copy()),
                "labels": torch.from_numpy(self.dataset.test_labels[spread].copy()),
            },
        )

    @property
    def identity(self) -> dict[str, Any]:
        """What the trainer of a state that is loaded must have been made with."""
        return {"run": self.spec.record(), "config": self.config.to_dict()}

    def state_dict(self) -> dict[str, Any]:
        """All that the next epoch depends on, random numbers included."""
        return {
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "averaged": None if self.averaged is None else self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "torch_rng": torch.get_rng_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the trainer stood whose `state_dict` this is; its `identity` must be this one's.

        The result is the same as that of a run left alone where both trained on the same kind of device.
        """
        self.network.load_state_dict(state["network"])
        self.epoch = state["epoch"]
        if self.epoch != self.settings.switch_epoch:
            self._new_optimizer()  # with the weight decay of the step that the state was saved in
        # The groups' options are ours: a run may go on on another device, where steps are recorded or not.
        self.optimizer.load_state_dict(
            {**state["optimizer"], "param_groups": self.optimizer.state_dict()["param_groups"]}
        )
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        drawn = state["generator"].cpu()
        if drawn.shape == self.generator.get_state().shape:
            self.generator.set_state(drawn)
        else:  # of another kind of device, whose random numbers this one cannot go on with
            self.generator.manual_seed(self.settings.seed + self.epoch)
        torch.set_rng_state(state["torch_rng"].cpu())


def _is_decayed(name: str) -> bool:
    """Weight decay is for the weights of convolutions and head."""
    return re.search(r"(conv\d?|head)\.weight$", name) is not None


def _channels_last(module: nn.Module, device: torch.device) -> None:
    """Move to the device, in the memory format that its convolutions are fastest in."""
    module.to(device)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _fresh_copy(network: AnyNetwork, device: torch.device) -> AnyNetwork:
    """A network of the same state without the graph of its last forward pass."""
    copy = type(network)(network.config).to(device)
    copy.load_state_dict(network.state_dict())
    return copy


def _config_of(run: Run, dataset: Dataset) -> NetworkConfig:
    build = ARCHITECTURES[run.arch]
    classes = len(dataset.class_names)
    return build(classes, run.width) if run.width else build(classes)  # type: ignore[call-arg]


def _check_shapes(config: NetworkConfig, dataset: Dataset) -> None:
    shape = (config.image_height, config.image_width, config.image_channels)
    if dataset.train_images.shape[1:] != shape or len(dataset.class_names) != config.classes:
        raise InputError(
            f"dataset '{dataset.name}' has images of {dataset.train_images.shape[1:]} in "
            f"{len(dataset.class_names)} classes, the network expects {shape} in {config.classes}"
        )
