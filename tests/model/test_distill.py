# SPDX-License-Identifier: Apache-2.0
"""Distillation from answers that the teacher gave once: the same answers, kept under a name that cannot be mistaken."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from wsfracbnn.model.checkpoint import save_checkpoint
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.data.registry import load_dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.training.augment import flip, shift
from wsfracbnn.model.training.distill import KeptAnswers, distillation_losses
from wsfracbnn.model.training.fit import fit, resume_path
from wsfracbnn.model.training.resume import save_state
from wsfracbnn.model.training.settings import Run, TrainConfig
from wsfracbnn.model.training.trainer import Trainer

SMALL = NetworkConfig(8, 8, 1, 16, (4, 8), (1, 1), 10)
SETTINGS = TrainConfig(epochs=4, batch_size=32, learning_rate=0.01, binary_from=0.5, flip=True, seed=3)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """A quarter of the digits."""
    full = load_dataset("digits")
    return dataclasses.replace(full, train_images=full.train_images[::4], train_labels=full.train_labels[::4])


def make(dataset: Dataset, teacher: Path | None, model: str = "wsfracbnn", **changes: object) -> Trainer:
    settings = dataclasses.replace(SETTINGS, **changes)  # type: ignore[arg-type]
    run = Run(model=model, name="small", teacher="" if teacher is None else str(teacher), settings=settings)
    return Trainer(run, dataset, config=SMALL)


@pytest.fixture
def teacher(dataset: Dataset, tmp_path: Path) -> Path:
    path = tmp_path / "teacher.pt"
    save_checkpoint(make(dataset, None, "resnet", epochs=1, binary_from=0.0).checkpoint(), path)
    return path


def test_kept_answers_are_the_teachers_to_the_images_that_the_student_sees(dataset: Dataset, teacher: Path) -> None:
    trainer = make(dataset, teacher, distill_views=3)
    trainer._take_view(lambda status: None)
    assert trainer.batches.view is not None
    assert trainer.teacher is not None
    index = torch.arange(0, len(trainer.batches.images), 7)
    seen = trainer.batches.batch(index).images
    expected = flip(
        shift(trainer.batches.images[index], trainer.batches.view.offsets[:, index], 1),
        trainer.batches.view.mirrored[index],
    )
    assert torch.equal(seen, expected)
    assert not torch.equal(seen, trainer.batches.images[index])
    with torch.no_grad():
        answers = trainer.teacher(seen)
    torch.testing.assert_close(trainer.batches.view.logits[index].float(), answers, rtol=2e-3, atol=2e-3)  # float16


def test_views_differ_and_come_back(dataset: Dataset, teacher: Path) -> None:
    trainer = make(dataset, teacher, distill_views=2)
    seen = []
    for epoch in range(3):
        trainer.epoch = epoch
        trainer._take_view(lambda status: None)
        seen.append(trainer.batches.batch(torch.arange(100)).images)
    assert torch.equal(seen[0], seen[2])
    assert not torch.equal(seen[0], seen[1])


def test_the_teacher_is_asked_once_by_all_runs(dataset: Dataset, teacher: Path, tmp_path: Path) -> None:
    fit(make(dataset, teacher, distill_views=2), tmp_path / "first.pt")
    again = make(dataset, teacher, distill_views=2, seed=9)

    def ask(images: Tensor) -> Tensor:
        raise AssertionError(f"asked about {len(images)} images")

    assert again.answers is not None
    again.answers.ask = ask
    fit(again, tmp_path / "second.pt")
    assert len(list(teacher.parent.glob("teacher.pt.views/*"))) == 2


def test_another_teacher_under_the_same_name_is_asked_itself(dataset: Dataset, teacher: Path) -> None:
    files = []
    for seed in (1, 2):
        save_checkpoint(make(dataset, None, "resnet", epochs=1, binary_from=0.0, seed=seed).checkpoint(), teacher)
        answers = make(dataset, teacher, distill_views=2).answers
        assert answers is not None
        files.append(answers.file(0))
    fewer = dataclasses.replace(dataset, train_images=dataset.train_images[1:], train_labels=dataset.train_labels[1:])
    for trainer in (make(fewer, teacher, distill_views=2), make(dataset, teacher, distill_views=2, shift=2)):
        assert trainer.answers is not None
        files.append(trainer.answers.file(0))
    assert len(set(files)) == 4


def interrupted(trainer: Trainer, out: Path) -> Path:
    """The state of a run that was stopped after no epoch."""
    save_state(trainer, resume_path(out))
    return out


def test_a_run_does_not_go_on_with_another_teacher_of_the_same_name(
    dataset: Dataset, teacher: Path, tmp_path: Path
) -> None:
    out = interrupted(make(dataset, teacher), tmp_path / "a.pt")
    save_checkpoint(make(dataset, None, "resnet", epochs=1, binary_from=0.0, seed=2).checkpoint(), teacher)
    with pytest.raises(InputError, match=r"belongs to another run.*teacher"):
        fit(make(dataset, teacher), out)


def test_a_run_goes_on_with_the_same_teacher_of_another_name(dataset: Dataset, teacher: Path, tmp_path: Path) -> None:
    out = interrupted(make(dataset, teacher), tmp_path / "a.pt")
    fit(make(dataset, teacher.rename(tmp_path / "renamed.pt")), out)
    assert out.is_file()


def test_a_run_does_not_go_on_from_other_weights_of_the_same_name(dataset: Dataset, tmp_path: Path) -> None:
    start = tmp_path / "start.pt"
    begun = Run(name="small", start_from=str(start), settings=TrainConfig(epochs=2, batch_size=32))
    for seed in (1, 2):
        save_checkpoint(make(dataset, None, seed=seed).checkpoint(), start)
        trainer = Trainer(begun, dataset, config=SMALL)
        if seed == 1:
            out = interrupted(trainer, tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"belongs to another run.*start_from"):
        fit(trainer, out)


@pytest.mark.parametrize("part", ["train_images", "train_labels"])
def test_a_run_does_not_go_on_with_other_images_of_the_same_name(dataset: Dataset, tmp_path: Path, part: str) -> None:
    out = interrupted(make(dataset, None), tmp_path / "a.pt")
    changed = getattr(dataset, part).copy()
    changed[0] = 1 - changed[0] % 2
    with pytest.raises(InputError, match=r"belongs to another run.*training images"):
        fit(make(dataclasses.replace(dataset, **{part: changed}), None), out)


@pytest.mark.parametrize("content", [b"", b"nothing", "short"])
def test_damaged_answers_are_refused(dataset: Dataset, teacher: Path, content: bytes | str) -> None:
    trainer = make(dataset, teacher, distill_views=2)
    assert trainer.answers is not None
    path = trainer.answers.file(0)
    path.parent.mkdir()
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, np.zeros((3, 10), np.float16))
    with pytest.raises(InputError, match=r"view00\.npy: "):
        trainer.train_epoch(lambda steps, line: None)


def test_an_answer_is_written_whole_or_not_at_all(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "t.pt").write_bytes(b"t")
    images = torch.zeros(600, 1, 8, 8, dtype=torch.uint8)

    def ask(images: Tensor) -> Tensor:
        raise KeyboardInterrupt

    answers = KeptAnswers(tmp_path / "t.pt", images, 1, True, ask, 10)
    with pytest.raises(KeyboardInterrupt):
        answers.view(0, lambda status: None)
    assert not answers.file(0).exists()


@pytest.mark.parametrize("changes", [{"mix": "mixup"}, {"cutout": 2}])
def test_kept_answers_are_to_shifted_and_mirrored_images_only(changes: dict[str, object]) -> None:
    with pytest.raises(InputError, match=f"setting '{next(iter(changes))}': .*kept answers"):
        dataclasses.replace(SETTINGS, distill_views=4, **changes)  # type: ignore[arg-type]


def test_standardized_logits_do_not_care_for_range_and_offset() -> None:
    torch.manual_seed(1)
    student, teacher = torch.randn(5, 7, dtype=torch.float64), torch.randn(5, 7, dtype=torch.float64)
    plain = distillation_losses(student, teacher, 2.0, standardized=True)
    moved = distillation_losses(3 * student + 1, 0.2 * teacher - 4, 2.0, standardized=True)
    torch.testing.assert_close(moved, plain, rtol=1e-5, atol=1e-6)
    z = [(x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True) for x in (student, teacher)]
    p, q = ((x / 2).softmax(1) for x in z)
    torch.testing.assert_close(plain, 4 * (q * (q / p).log()).sum(1), rtol=1e-5, atol=1e-6)
