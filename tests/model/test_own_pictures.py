# SPDX-License-Identifier: Apache-2.0
"""One's own pictures: preparation, split, bad files, the cache, and sets that are larger than memory may be."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from wsfracbnn.model.data import picture_folder
from wsfracbnn.model.data.dataset import Dataset, Own
from wsfracbnn.model.data.preparation import AS_USUAL, BadPictureError, Pictures, read_picture
from wsfracbnn.model.data.registry import dataset_label, own_source
from wsfracbnn.model.data.split import bound_of, held_out
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.names import module_name
from wsfracbnn.model.training.batches import Batches
from wsfracbnn.model.training.settings import TrainConfig

OWN = Own("mine/", (4, 4, 3))
COLOURS = {"blue": (0, 0, 200), "green": (0, 200, 0), "red": (200, 0, 0)}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "wsfracbnn" / "pictures"


def fill(folder: Path, count: int) -> None:
    """`count` pictures of each colour, whose brightness is their number."""
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (10, 6), tuple(value + number for value in colour)).save(folder / name / f"{number}.png")


def test_a_folder_of_folders_is_a_dataset(tmp_path: Path) -> None:
    fill(tmp_path, 10)
    found = own_source(tmp_path).load(OWN)
    assert found.class_names == ("blue", "green", "red")
    assert found.train_images.shape == (24, 4, 4, 3)
    assert np.bincount(found.test_labels).tolist() == [2, 2, 2]
    for images, labels in ((found.train_images, found.train_labels), (found.test_images, found.test_labels)):
        for image, label in zip(images, labels, strict=True):
            assert image[0, 0].argmax() == {"red": 0, "green": 1, "blue": 2}[found.class_names[label]]
            assert (image == image[0, 0]).all()
    everything = np.concatenate((found.train_images, found.test_images))[:, 0, 0]
    assert len(np.unique(everything, axis=0)) == 30


def test_folders_train_and_test_are_the_split(tmp_path: Path) -> None:
    fill(tmp_path / "train", 4)
    fill(tmp_path / "test", 1)
    found = own_source(tmp_path).load(OWN)
    assert (len(found.train_labels), len(found.test_labels)) == (12, 3)
    (tmp_path / "test" / "pink").mkdir()
    with pytest.raises(InputError, match=r"test/pink: no such class in .*train"):
        own_source(tmp_path).load(OWN)


def test_every_class_has_something_to_learn_from(tmp_path: Path) -> None:
    fill(tmp_path / "train", 2)
    (tmp_path / "test").mkdir()
    with pytest.raises(InputError, match="found no picture to test on, expected some"):
        own_source(tmp_path).load(OWN)
    for file in (tmp_path / "train" / "green").iterdir():
        file.unlink()
    with pytest.raises(InputError, match="class 'green': found no picture to train on, expected some"):
        own_source(tmp_path).load(OWN)


def test_the_split_follows_seed_and_share_and_moves_few() -> None:
    names = [f"{number}.png" for number in range(200)]

    def chosen(names: list[str], pictures: Pictures = AS_USUAL) -> NDArray[np.bool_]:
        return held_out(names, pictures, bound_of(names, pictures, "x"))

    first = chosen(names)
    assert first.sum() == 40
    assert np.array_equal(first, chosen(names))
    assert not np.array_equal(first, chosen(names, Pictures(split_seed=2)))
    assert chosen(names, Pictures(test_share=0.5)).sum() == 100
    assert chosen(names[:2], Pictures(test_share=0.01)).sum() == 1
    assert (chosen([*names, "new.png"])[:200] != first).sum() <= 2
    with pytest.raises(InputError, match="x: found 1 pictures, expected at least 2"):
        chosen(names[:1])


def test_what_was_trained_on_is_never_held_out_later(tmp_path: Path) -> None:
    """Pictures that were added would move the bound; the one that a network keeps divides new and old alike."""
    fill(tmp_path, 10)
    first = own_source(tmp_path).load(OWN)
    assert first.bounds is not None
    own = Own("mine/", OWN.shape, bounds=dict(zip(first.class_names, first.bounds, strict=True)))
    for number in range(50):
        Image.new("RGB", (4, 4), (0, number, 255)).save(tmp_path / "blue" / f"new {number}.png")
    old, trained = set(images_of(first.test_images)), set(images_of(first.train_images))
    again = own_source(tmp_path).load(own)
    held = set(images_of(again.test_images))
    assert again.bounds == first.bounds
    assert held >= old
    assert held - old, "of the new ones some"
    assert held & trained == set()
    assert set(images_of(own_source(tmp_path).load(OWN).test_images)) & trained, "as it was without the bounds"
    for name in COLOURS:  # what is left may be the held-out pictures alone
        for file in (tmp_path / name).iterdir():
            if tuple(read_picture(file, OWN.shape, AS_USUAL)[0, 0]) not in held:
                file.unlink()
    rest = own_source(tmp_path).load(own)
    assert len(rest.train_labels) == 0
    assert set(images_of(rest.test_images)) == held
    with pytest.raises(InputError, match=r"class '\w+': found no picture to train on, expected some"):
        own_source(tmp_path).load(replace(own, for_training=True))


def test_arrays_whose_images_are_all_held_out_train_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    np.savez(file, images=np.zeros((6, 4, 4, 3), dtype=np.uint8), labels=np.arange(6) % 2, class_names=["a", "b"])
    own = Own("a.npz", OWN.shape, bounds={"a": "f" * 16})
    found = own_source(file).load(own)
    assert set(found.train_labels) == {1}
    with pytest.raises(InputError, match="class 'a': found no picture to train on, expected some"):
        own_source(file).load(replace(own, for_training=True))


def images_of(images: NDArray[np.uint8]) -> list[tuple[int, ...]]:
    """The colour of each image, all of whose pixels have it."""
    return [tuple(image[0, 0]) for image in images]


def test_the_split_is_by_the_path_within_a_class(tmp_path: Path) -> None:
    """Files of one name in folders below a class are divided too, and not all on one side."""
    for number in range(40):
        for name in ("a", "b"):
            (tmp_path / name / str(number)).mkdir(parents=True)
            Image.new("RGB", (4, 4), (number, number, 255)).save(tmp_path / name / str(number) / "photo.png")
    found = own_source(tmp_path).load(OWN)
    assert (len(found.train_labels), len(found.test_labels)) == (64, 16)


def test_bad_pictures_are_refused_or_named_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(tmp_path, 4)
    (tmp_path / "red" / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    noise = np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "red" / "b.png")
    whole = (tmp_path / "red" / "b.png").read_bytes()
    (tmp_path / "red" / "b.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "red" / "c.png").symlink_to("nowhere.png")
    (tmp_path / "red" / "notes.txt").write_text("no picture, and not meant to be one")
    source = own_source(tmp_path)
    with pytest.raises(
        InputError, match=r"red/a\.jpg: not a picture.* \(and 2 more\); expected pictures alone, or --bad"
    ):
        source.load(OWN)
    with caplog.at_level("WARNING"):
        found = source.load(Own("mine/", OWN.shape, skips_bad=True))
    assert len(found.train_labels) + len(found.test_labels) == 12
    assert "red/a.jpg" in caplog.text
    assert "red/b.png" in caplog.text
    assert "red/c.png: no such file" in caplog.text
    assert "3 bad pictures were skipped" in caplog.text


def test_pictures_are_prepared_once_and_again_when_they_change(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, 3)
    read: list[Path] = []

    def counted(path: Path, shape: tuple[int, int, int], pictures: Pictures) -> NDArray[np.uint8]:
        read.append(path)
        return read_picture(path, shape, pictures)

    monkeypatch.setattr(picture_folder, "read_picture", counted)
    source = own_source(tmp_path)
    first, again = source.load(OWN), source.load(OWN)
    assert len(read) == 9
    assert np.array_equal(first.train_images, again.train_images)
    Image.new("RGB", (4, 4)).save(tmp_path / "red" / "0.png")
    source.load(OWN)
    assert len(read) == 18
    source.load(Own("mine/", (8, 8, 3)))
    assert len(read) == 27
    assert len(list(cache.iterdir())) == 3
    for kept in cache.glob("*/train.bin"):
        kept.write_bytes(b"")
    with pytest.raises(
        InputError, match=r"damaged, expected the pictures that index\.json tells of; delete this folder"
    ):
        source.load(OWN)


@pytest.mark.parametrize("fit, left, middle", [("crop", 255, 255), ("pad", 255, 255), ("stretch", 0, 255)])
def test_ways_to_fit(tmp_path: Path, fit: str, left: int, middle: int) -> None:
    """A picture twice as wide as high, black but for its middle half, which is white."""
    picture = np.zeros((8, 16), dtype=np.uint8)
    picture[:, 4:12] = 255
    Image.fromarray(picture).save(tmp_path / "a.png")
    image = read_picture(tmp_path / "a.png", (8, 8, 1), Pictures(fit=fit))[..., 0]
    if fit == "pad":
        assert image[0].max() == 0
        assert image[4].tolist()[3:5] == [middle] * 2
        assert image[4, 0] == 0
    else:
        assert image[4, 0] == left
        assert image[4, 4] == middle
    kept = read_picture(tmp_path / "a.png", (8, 8, 1), Pictures(fit=fit, keep=0.5))
    assert kept[4, 1:7].min() == 255


def test_a_picture_of_the_networks_size_stays_as_it_is(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    for fit in ("crop", "pad", "stretch"):
        assert np.array_equal(read_picture(tmp_path / "a.png", (5, 7, 3), Pictures(fit=fit)), picture)


def test_colours_depth_and_the_cameras_turn(tmp_path: Path) -> None:
    deep = np.array([[0, 256, 65535]], dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert read_picture(tmp_path / "deep.png", (1, 3, 1), AS_USUAL).flatten().tolist() == [0, 1, 255]
    clear = np.array([[[9, 9, 9, 0], [9, 9, 9, 255]]], dtype=np.uint8)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    assert read_picture(tmp_path / "clear.png", (1, 2, 3), AS_USUAL)[0, :, 0].tolist() == [0, 9]
    assert read_picture(tmp_path / "clear.png", (1, 2, 4), AS_USUAL)[0, :, 3].tolist() == [0, 255]
    turned = Image.fromarray(np.array([[10, 20]], dtype=np.uint8))
    exif = turned.getexif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    turned.save(tmp_path / "turned.png", exif=exif)
    assert read_picture(tmp_path / "turned.png", (2, 1, 1), AS_USUAL).flatten().tolist() == [10, 20]
    with pytest.raises(InputError, match=r"config key 'image_channels': found 2, expected 1 .* for pictures"):
        read_picture(tmp_path / "turned.png", (2, 1, 2), AS_USUAL)


def test_a_picture_that_would_fill_the_memory_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("1", (9000, 9000)).save(tmp_path / "bomb.png")
    with pytest.raises(BadPictureError, match=r"bomb\.png: found 9000 x 9000 pixels, expected a picture of at most"):
        read_picture(tmp_path / "bomb.png", (4, 4, 1), AS_USUAL)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow refuses more than twice that by itself
    with pytest.raises(BadPictureError, match=r"bomb\.png: found a far larger picture, expected at most 64,000,000"):
        read_picture(tmp_path / "bomb.png", (4, 4, 1), AS_USUAL)


def test_postscript_is_handed_to_no_interpreter(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.eps")
    with pytest.raises(BadPictureError, match="not a picture in a format that can be read"):
        read_picture(tmp_path / "a.eps", (4, 4, 3), AS_USUAL)


def test_names_of_datasets_and_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dataset_label("digits") == "digits"
    assert dataset_label("/far/away/My flowers") == "My flowers/"
    assert dataset_label("a/digits") == "digits/"
    assert dataset_label("a/b.npz") == "b.npz"
    assert [module_name(text) for text in ("My flowers/", "b.npz", "2 cats", "digits")] == [
        "my_flowers",
        "b",
        "net_2_cats",
        "digits",
    ]


def test_a_large_set_is_read_batch_by_batch_and_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, 10)
    settings = TrainConfig(batch_size=5, shift=1, flip=True)
    small = own_source(tmp_path).load(OWN)
    monkeypatch.setattr(picture_folder, "IN_MEMORY", 10)
    large = own_source(tmp_path).load(OWN)
    assert (small.is_streamed, large.is_streamed) == (False, True)
    both = [Batches(dataset, settings, torch.device("cpu")) for dataset in (small, large)]
    for one, other in zip(*(batches.epoch(1) for batches in both), strict=True):
        a, b = both[0].batch(one), both[1].batch(other)
        assert torch.equal(a.images, b.images)
        assert torch.equal(a.labels, b.labels)


STREAMING = """
import resource, sys
from pathlib import Path
import torch
from wsfracbnn.model.data import picture_folder
from wsfracbnn.model.data.dataset import Own
from wsfracbnn.model.data.registry import own_source
from wsfracbnn.model.training.batches import Batches
from wsfracbnn.model.training.settings import TrainConfig
import PIL.PngImagePlugin

bound = int(sys.argv[2])
picture_folder.IN_MEMORY = bound
torch.set_num_threads(1)
used = int(next(line for line in open("/proc/self/status") if line.startswith("VmData")).split()[1]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (used + bound, used + bound))
dataset = own_source(Path(sys.argv[1])).load(Own("big/", (256, 256, 3)))
batches = Batches(dataset, TrainConfig(batch_size=16), torch.device("cpu"))
seen = [int(batches.batch(index).images.max()) for index in batches.epoch(1)]
print(dataset.train_images.nbytes + dataset.test_images.nbytes, len(seen))
"""


def test_memory_stays_bounded(tmp_path: Path) -> None:
    """Prepared and read once through by a process that may take less than half of the set's bytes beyond its start."""
    bound = 128 * 2**20
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(750):
            Image.new("RGB", (64, 64), (number % 256, number // 256, 7)).save(tmp_path / name / f"{number}.png")
    command = [sys.executable, "-c", STREAMING, str(tmp_path), str(bound)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    size, batches = map(int, done.stdout.split())
    assert size > 2 * bound
    assert batches == 75


def arrays(path: Path, **values: NDArray[Any]) -> Dataset:
    np.savez(path / "a.npz", **values)  # type: ignore[arg-type]
    return own_source(path / "a.npz").load(OWN)


def test_arrays_are_a_dataset(tmp_path: Path) -> None:
    images = np.random.default_rng(1).integers(0, 256, (20, 4, 4, 3), dtype=np.uint8)
    labels = np.arange(20, dtype=np.int32) % 2
    found = arrays(tmp_path, images=images, labels=labels, class_names=np.array(["cat", "dog"]))
    assert found.class_names == ("cat", "dog")
    assert np.bincount(found.test_labels).tolist() == [2, 2]
    parts: dict[str, NDArray[Any]] = {
        "train_images": images[:15],
        "train_labels": labels[:15],
        "test_images": images[15:],
    }
    found = arrays(tmp_path, **parts, test_labels=labels[15:])
    assert np.array_equal(found.test_images, images[15:])
    assert found.class_names == ("0", "1")


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"images": np.zeros((4, 4, 4, 1), np.uint8)},
            r"'images': found uint8 of shape \(4, 4, 4, 1\), expected uint8 of",
        ),
        ({"images": np.zeros((4, 4, 4, 3), np.float32)}, "'images': found float32 of shape"),
        ({"labels": np.zeros(3, np.int64)}, "found 4 images and 3 labels|found 1 classes"),
        ({"labels": np.array([0, 1, 0, -1])}, "labels: found int64 of shape"),
        ({"class_names": np.array(["a"])}, "'class_names': found"),
        ({"more": np.zeros(1)}, r"found \['images', 'labels', 'more'\], expected the arrays images, labels or train_"),
        ({"labels": np.array([0, 1, 1, 1])}, "class '0': found 1 pictures, expected at least 2"),
    ],
)
def test_arrays_that_are_wrong_are_refused(tmp_path: Path, changes: dict[str, NDArray[Any]], message: str) -> None:
    whole: dict[str, NDArray[Any]] = {"images": np.zeros((4, 4, 4, 3), np.uint8), "labels": np.array([0, 1, 0, 1])}
    with pytest.raises(InputError, match=message):
        arrays(tmp_path, **(whole | changes))
