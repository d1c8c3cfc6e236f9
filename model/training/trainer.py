# SPDX-License-Identifier: Apache-2.0
"""The trainer: two-step schedule, distillation, adaptive gradient clipping, one process or several.

Step one trains with 2-bit activations and standardized real weights, step two with binary weights ("BNN - BN = ?",
arXiv 2104.08215, section 4); the quantized scales, slopes and residual stream are in the forward pass throughout.

The dataset lives on the device as uint8, augmentation is batched there, and within an epoch nothing waits for the
device except the progress bar, every `READ_EVERY` steps. On a GPU a step is one CUDA graph (`cuda_graph`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from wsfracbnn.model.checkpoint import Checkpoint
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.lower import lower_network
from wsfracbnn.model.measure import measure, measure_float
from wsfracbnn.model.networks.fracbnn import BinaryConv2d, FractionalConv2d, MatchedFracBNN
from wsfracbnn.model.networks.kernels import switch
from wsfracbnn.model.networks.layers import BinaryWSConv2d, GatedConv2d
from wsfracbnn.model.networks.mixed_precision import mixed_precision
from wsfracbnn.model.networks.registry import MODELS, AnyNetwork
from wsfracbnn.model.networks.resnet import ResNet
from wsfracbnn.model.networks.wsfracbnn import WSFracBNN
from wsfracbnn.model.training.batches import Batches
from wsfracbnn.model.training.clipping import clip_gradients_adaptively
from wsfracbnn.model.training.cuda_graph import CudaGraphStep
from wsfracbnn.model.training.distill import KeptAnswers, file_digest, load_teacher, teacher_logits
from wsfracbnn.model.training.distributed import World
from wsfracbnn.model.training.fine_tune import begin_with
from wsfracbnn.model.training.learnt_from import require_validation_unseen
from wsfracbnn.model.training.losses import gate_term, image_losses
from wsfracbnn.model.training.optimizers import make_optimizer, set_rate
from wsfracbnn.model.training.schedules import learning_rate
from wsfracbnn.model.training.settings import Run

SAMPLES = 8
"""Test images that travel inside the checkpoint, so that an emitted folder can prove itself on real data."""
CALIBRATION_IMAGES = 512
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
    """Trains one network on one dataset, an epoch at a call; model/training/fit.py runs them to the end.

    Args:
        run: what to train and how.
        dataset: its images and labels.
        world: the processes that train together; default this one alone.
        config: the network's shape, where it is not one of the named architectures.
        compiled: fuse the forward and backward passes with torch.compile.
        graphs: record a step as a CUDA graph; for one process on a GPU.
        kernels: on a CPU, in mixed precision, train a binary network in the fused kernels of `networks.kernels` where
            they can be built; its passes are not compiled then.
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
        kernels: bool = True,
    ) -> None:
        if run.settings.validation_share > 0:
            require_validation_unseen(run)
            dataset = dataset.with_validation(run.settings.validation_share)
        self.run, self.settings, self.dataset = run, run.settings, dataset
        if not run.turns_binary:  # one step, whose schedule is the whole run's
            self.settings = replace(run.settings, binary_from=0.0, binary_rate=1.0)
        self.world = world or World(0, 1, torch.device("cpu"))
        shape = config or run.config(len(dataset.class_names))
        self.network_config = replace(shape, weight_standardization=run.settings.weight_standardization)
        _check_shapes(self.network_config, dataset)
        _check_shift(run.settings.shift, self.network_config)
        torch.manual_seed(run.settings.seed)
        self.batches = Batches(dataset, run.settings, self.world.device)
        self.network = self._fresh_network()
        clips = run.settings.agc > 0 and isinstance(self.network, WSFracBNN)
        self.clipped = [p for n, p in self.network.named_parameters() if clips and n.endswith("conv.weight")]
        self._clip = torch.compile(clip_gradients_adaptively) if compiled else clip_gradients_adaptively
        self.teacher: nn.Module | None = None
        self.answers: KeptAnswers | None = None
        if run.teacher:
            self._take_teacher(Path(run.teacher))
        self.contents = {
            "training images": dataset.digest(),
            "teacher": file_digest(Path(run.teacher)) if run.teacher else "",
            "start_from": file_digest(Path(run.start_from)) if run.start_from else "",
        }
        """Digests of what the run is made from; empty where there is no such file."""
        self.averaged: AveragedModel | None = None
        self.epoch = 0
        self.graphs = graphs and not dataset.is_streamed  # what reads a file cannot be recorded
        fusible = kernels and run.settings.precision == "mixed" and not isinstance(self.network, ResNet)
        self.kernels = fusible and switch.usable(self.network_config, self.world.device)
        forward, teacher = self.world.wrap(_Forward(self.network)), None if self.answers else self.teacher
        self.step: Callable[[Tensor], Tensor] = partial(self._step, forward, teacher)
        """Trains on a batch of any size."""
        self.fused_step = self.step
        """Trains on a full batch, the one size that is compiled for."""
        if compiled:
            fused_teacher = None if teacher is None else torch.compile(teacher)
            fused = forward if self.kernels else torch.compile(forward)  # what is compiled does not call the kernels
            self.fused_step = partial(self._step, fused, fused_teacher)
        self._begin_step()

    def _fresh_network(self) -> AnyNetwork:
        """The network that the run begins with, on the device."""
        run, settings = self.run, self.settings
        network: AnyNetwork = MODELS[run.model](self.network_config)
        network.set_binary_weights(settings.switch_epoch == 0)
        _channels_last(network, self.world.device)
        if run.start_from:
            begin_with(network, Path(run.start_from))
        else:
            network.calibrate(self.batches.sample(CALIBRATION_IMAGES))
            if isinstance(network, WSFracBNN | MatchedFracBNN):
                network.set_gate_thresholds(settings.gate_start)
        for module in network.modules():
            if settings.weight_window > 0 and isinstance(module, BinaryWSConv2d | BinaryConv2d):
                module.window = settings.weight_window
            if isinstance(module, GatedConv2d | FractionalConv2d):
                module.gate_into_sum = settings.gate_into_sum
        return network

    def _take_teacher(self, path: Path) -> None:
        s = self.settings
        self.teacher = load_teacher(path, self.network_config)
        _channels_last(self.teacher, self.world.device)
        if s.distill_views:
            if not isinstance(self.batches.images, Tensor):
                raise InputError(
                    f"setting 'distill_views': found {s.distill_views}, expected 0 for so many images that they are "
                    "read from a file"
                )
            self.answers = KeptAnswers(
                path, self.batches.images, s.shift, s.flip, self._ask_teacher, self.network_config.classes
            )

    def _begin_step(self) -> None:
        """Fresh moments, fresh averages and a fresh recording for the step that begins or goes on at `epoch`."""
        second = self.epoch >= self.settings.switch_epoch
        self.optimizer = make_optimizer(self.network, self.settings, second_step=second, recorded=self.graphs)
        if self.settings.ema > 0:
            average = get_ema_multi_avg_fn(self.settings.ema)  # type: ignore[no-untyped-call]
            copy = _fresh_copy(self.network, self.world.device)
            self.averaged = AveragedModel(copy, multi_avg_fn=average, use_buffers=True)
        self.full_step: Callable[[Tensor], Tensor] = (
            CudaGraphStep(self.fused_step, self.batches.generator) if self.graphs else self.fused_step
        )

    def _step(self, forward: _Run, teacher: _Run | None, index: Tensor) -> Tensor:
        """Train on one global batch; returns its sums of loss, correct images and mean gate fraction (times images)."""
        s, world = self.settings, self.world
        batch = self.batches.batch(index)
        images, labels, partners = (world.share(t) for t in (batch.images, batch.labels, batch.partners))
        with mixed_precision(s.precision == "mixed"), switch.allowed(self.kernels):
            with self._autocast(self.network):
                logits, gates = forward(images.contiguous(memory_format=torch.channels_last))
                said = self._said(teacher, images) if batch.said is None else world.share(batch.said)
                losses = image_losses(self.run, logits.float(), said, labels, partners, batch.share)
            # Each process's loss is weighted so that the mean over processes is that over the global batch.
            weight = world.size / len(index)
            loss = losses.sum() * weight
            gate_sums = world.total(gates * len(images))
            if s.gate_weight > 0 and len(gates) > 0:
                loss = loss + gate_term(s, gates, gate_sums / len(index)) * len(images) * weight
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        self._clip(self.clipped, s.agc)
        self.optimizer.step()
        if isinstance(self.network, WSFracBNN):
            self.network.constrain()
        gate_sum = gate_sums.mean() if len(gates) else torch.zeros((), device=world.device)
        correct = (logits.argmax(1) == labels).sum()
        return torch.stack((losses.detach().sum(), correct.float(), gate_sum / world.size))

    def _said(self, teacher: _Run | None, images: Tensor) -> Tensor | None:
        """The teacher's logits of some images, or None without a teacher that is asked at every step."""
        if teacher is None:
            return None
        with self._autocast(self.teacher):
            return teacher_logits(teacher, images)

    def _ask_teacher(self, images: Tensor) -> Tensor:
        """Logits of images whose answers are to be kept."""
        assert self.teacher is not None
        with mixed_precision(self.settings.precision == "mixed"), self._autocast(self.teacher):
            return teacher_logits(self.teacher, images.contiguous(memory_format=torch.channels_last)).float()

    def _take_view(self, report: Callable[[str], None]) -> None:
        """The view of the epoch that begins, where the teacher's answers are kept."""
        if self.answers is None:
            return
        if not self.world.is_first:
            self.world.agree(False)  # the first process may be asking the teacher
        self.batches.take_view(self.answers, self.epoch % self.settings.distill_views, report)
        if self.world.is_first:
            self.world.agree(False)

    def _autocast(self, network: nn.Module | None) -> torch.autocast:
        """bfloat16 for a full-precision network; the binary networks convert by themselves."""
        mixed = self.settings.precision == "mixed" and isinstance(network, ResNet)
        return torch.autocast(self.world.device.type, torch.bfloat16, enabled=mixed)

    def train_epoch(self, report: Callable[[int, str], None]) -> dict[str, float]:
        """One pass over the images; `report` is told the steps done and a line of running figures.

        Raises:
            InputError: the loss or a weight is not finite any more.
        """
        s = self.settings
        if self.epoch == s.switch_epoch and self.epoch > 0:
            self._begin_step()
        for network in self._networks():
            network.set_binary_weights(self.epoch >= s.switch_epoch)
        self._take_view(lambda status: report(0, status))
        self.network.train()
        batches = self.batches.epoch(at_least=self.world.size)
        sums, seen, start = torch.zeros(3, device=self.world.device), 0, time.monotonic()
        for step, index in enumerate(batches):
            rate = learning_rate(s, self.epoch + step / len(batches))
            set_rate(self.optimizer, rate)
            sums += self.full_step(index) if len(index) == s.batch_size else self.step(index)
            if self.averaged is not None:
                self.averaged.update_parameters(self.network)
            seen += len(index)
            if (step + 1) % READ_EVERY == 0 or step + 1 == len(batches):
                loss, correct, gate = (self.world.total(sums) / seen).tolist()
                speed = seen / (time.monotonic() - start)
                if not math.isfinite(loss):
                    raise InputError(
                        f"epoch {self.epoch + 1}, step {step + 1}: the loss is {loss}, expected a finite number; try a "
                        "smaller learning_rate or a larger temperature (nothing of this epoch was saved)"
                    )
                report(step + 1, f"loss {loss:.3f}  train {100 * correct:.1f} %  gates {gate:.2f}  {speed:.0f} img/s")
        broken = [key for key, value in self.network.state_dict().items() if not torch.isfinite(value).all()]
        if broken:
            raise InputError(
                f"epoch {self.epoch + 1}: '{broken[0]}' became NaN or infinite; try a smaller learning_rate (nothing "
                "of this epoch was saved)"
            )
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
        """Percent of the test images that the network classifies correctly, in the quickest exact way."""
        network = self.evaluated
        if not self.kernels and isinstance(network, WSFracBNN) and network.input.conv.binary:
            return self._by_integers(network)[0]
        with switch.measuring(self.kernels):
            return measure_float(network.eval(), self.dataset, self.world.device)[0]

    def _by_integers(self, network: WSFracBNN) -> tuple[float, list[float]]:
        """Top-1 in percent and gate fractions on the whole test set, of the network as integers."""
        return measure(lower_network(network, self.run.network_name, self.dataset.class_names), self.dataset)

    def checkpoint(self) -> Checkpoint:
        """The network as it stands, measured on the whole test set (by the integer model for WSFracBNN)."""
        network = _fresh_copy(self.evaluated, torch.device("cpu")).eval()
        if isinstance(network, WSFracBNN):
            accuracy, fractions = self._by_integers(network)
        else:
            accuracy, fractions = measure_float(network.to(self.world.device), self.dataset, self.world.device)
            network.cpu()
        return replace(self.unmeasured_checkpoint(), test_accuracy=accuracy, gate_fractions=tuple(fractions) or None)

    def unmeasured_checkpoint(self) -> Checkpoint:
        """The same without its accuracy and its gates."""
        spread = np.linspace(0, len(self.dataset.test_images) - 1, SAMPLES).astype(int)
        return Checkpoint(
            name=self.run.network_name,
            model=self.run.model,
            config=self.network_config,
            state={k: v.detach().cpu().contiguous().clone() for k, v in self.evaluated.state_dict().items()},
            class_names=self.dataset.class_names,
            training=self.run.record(),
            pictures=self.run.pictures,
            held_out=self.dataset.bounds,
            samples={
                "images": torch.from_numpy(self.dataset.test_images[spread].copy()),
                "labels": torch.from_numpy(self.dataset.test_labels[spread].copy()),
            },
        )

    @property
    def identity(self) -> dict[str, Any]:
        """What the trainer of a state that is loaded must have been made with; files by content, not by name."""
        return {
            "run": {key: value for key, value in self.run.record().items() if key not in ("teacher", "start_from")},
            "config": self.network_config.to_dict(),
            "pictures": self.run.pictures.model_dump(),
            "contents": self.contents,
        }

    def state_dict(self) -> dict[str, Any]:
        """All that the next epoch depends on, random numbers included."""
        return {
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "averaged": None if self.averaged is None else self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.batches.generator.get_state(),
            "torch_rng": torch.get_rng_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the trainer stood whose `state_dict` this is; its `identity` must be this one's.

        The result is the same as that of a run left alone where both trained on the same kind of device.
        """
        self.network.load_state_dict(state["network"])
        self.epoch = state["epoch"]
        if self.epoch != self.settings.switch_epoch:
            self._begin_step()  # with the weight decay of the step that the state was saved in
        # The groups' options are ours: a run may go on on another device, where steps are recorded or not.
        self.optimizer.load_state_dict(
            {**state["optimizer"], "param_groups": self.optimizer.state_dict()["param_groups"]}
        )
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        self.batches.restore(state["generator"], self.epoch)
        torch.set_rng_state(state["torch_rng"].cpu())


def _channels_last(module: nn.Module, device: torch.device) -> None:
    """Move to the device, in the memory format that its convolutions are fastest in."""
    module.to(device)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _fresh_copy(network: AnyNetwork, device: torch.device) -> AnyNetwork:
    """A network of the same state without the graph of its last forward pass."""
    copy = type(network)(network.config).to(device)
    copy.load_state_dict(network.state_dict())
    return copy


def _check_shift(shift: int, config: NetworkConfig) -> None:
    side = min(config.image_height, config.image_width)
    if shift >= side:
        raise InputError(f"setting 'shift': found {shift}, expected less than the images' {side} pixels")


def _check_shapes(config: NetworkConfig, dataset: Dataset) -> None:
    shape = (config.image_height, config.image_width, config.image_channels)
    if dataset.train_images.shape[1:] != shape or len(dataset.class_names) != config.classes:
        raise InputError(
            f"dataset '{dataset.name}' has images of {dataset.train_images.shape[1:]} in "
            f"{len(dataset.class_names)} classes, the network expects {shape} in {config.classes}"
        )
