# SPDX-License-Identifier: Apache-2.0
"""Files that are damaged, hostile or too large: refused in a sentence before anything is made of them."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import pickle
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.model import archive, tensor_files
from wsfracbnn.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from wsfracbnn.model.data.cifar import _ArrayUnpickler
from wsfracbnn.model.errors import SENTENCE_LIMIT, SHOWN_LIMIT, InputError, escaped, shown
from wsfracbnn.model.reading import parse_json, read_bytes, read_json, read_toml


def test_a_turned_bit_in_the_largest_record_is_named(tmp_path: Path, digits_path: Path) -> None:
    content = bytearray(digits_path.read_bytes())
    with zipfile.ZipFile(digits_path) as file:
        largest = max(file.infolist(), key=lambda record: record.file_size)
        start = content.index(file.read(largest))
    content[start + largest.file_size - 1] ^= 0x80  # the sign of the last weight
    path = tmp_path / "digits.pt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"damaged, record '{largest.filename}' does not match its CRC"):
        load_checkpoint(path)


def test_a_turned_bit_in_safetensors_is_found_by_the_digest(digits_checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_checkpoint(digits_checkpoint, path)
    content = bytearray(path.read_bytes())
    content[-5] ^= 0x80
    path.write_bytes(content)
    with pytest.raises(InputError, match="key 'sha256': the content is damaged"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw["state"]["head.weight"].view(-1)[:1].neg_(),
        lambda raw: raw["config"].update(residual_alpha=0.25),
        lambda raw: raw["samples"]["labels"].view(-1)[:1].fill_(3),
        lambda raw: raw["training"].update(seed=2),
        lambda raw: raw["class_names"].reverse(),
    ],
)
def test_the_digest_is_over_all_of_the_content(
    digits_path: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    raw = torch.load(digits_path, weights_only=True)
    change(raw)
    torch.save(raw, tmp_path / "a.pt")
    with pytest.raises(InputError, match="key 'sha256': the content is damaged"):
        load_checkpoint(tmp_path / "a.pt")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_file_without_a_digest_is_read_and_the_log_says_so(
    digits_checkpoint: Checkpoint, tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"a{suffix}"
    save_checkpoint(digits_checkpoint, path)
    caplog.set_level(logging.INFO, logger="wsfracbnn")
    load_checkpoint(path)
    assert caplog.messages == []
    if suffix == ".pt":
        raw = torch.load(path, weights_only=True)
        del raw["sha256"]
        torch.save(raw, path)
    else:
        header, tensors = tensor_files.read_safetensors(path, 2**30)
        del header["sha256"]
        safetensors.torch.save_file(tensors, path, metadata={"wsfracbnn": json.dumps(header)})
    assert load_checkpoint(path).name == "digits"
    assert caplog.messages[0].startswith(f"{path} carries no digest of its content")


@pytest.mark.parametrize("path", sorted(CHECKPOINTS.glob("*.pt")), ids=lambda path: path.stem)
def test_bundled_checkpoints_carry_their_digest(path: Path) -> None:
    assert len(torch.load(path, weights_only=True)["sha256"]) == 64


def test_what_the_reader_refuses_is_not_written(digits_checkpoint: Checkpoint, tmp_path: Path) -> None:
    broken = {**digits_checkpoint.state, "head.bias": torch.full((10,), float("nan"))}
    for changed in ({"state": broken}, {"name": "../../up"}, {"name": ""}, {"test_accuracy": float("nan")}):
        checkpoint = dataclasses.replace(digits_checkpoint, **changed)
        with pytest.raises(InputError, match="not written: "):
            save_checkpoint(checkpoint, tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"expected a name that ends with \.pt or \.safetensors"):
        save_checkpoint(digits_checkpoint, tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []


ODD_TENSORS: dict[str, tuple[torch.Tensor, str]] = {
    "meta": (torch.zeros(10, device="meta"), "found a torch.strided tensor on 'meta'"),
    "sparse": (torch.zeros(10).to_sparse(), "found a torch.sparse_coo tensor"),
    "float8": (torch.zeros(10).to(torch.float8_e5m2), "found torch.float8_e5m2"),
    "complex": (torch.zeros(10, dtype=torch.complex64), "found torch.complex64"),
    "expanded": (torch.zeros(1).expand(10**12), "found 4,000,000,000,000 bytes of elements in 4 bytes"),
    "too large for float32": (torch.full((10,), 1e300, dtype=torch.float64), "found NaN or infinity"),
    "shape": (torch.zeros(3), r"found shape \(3,\), expected \(10,\)"),
}


@pytest.mark.parametrize("case", ODD_TENSORS)
def test_tensors_of_other_kinds_are_named(digits_path: Path, tmp_path: Path, case: str) -> None:
    tensor, message = ODD_TENSORS[case]
    raw = torch.load(digits_path, weights_only=True)
    del raw["sha256"]
    raw["state"]["head.bias"] = tensor
    torch.save(raw, tmp_path / "a.pt")
    with pytest.raises(InputError, match=rf"key 'state\.head\.bias': {message}"):
        load_checkpoint(tmp_path / "a.pt")


ODD_VALUES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "samples a list": (lambda raw: raw.update(samples=[1]), r"key 'samples': found \[1\], expected tensors"),
    "no sample": (
        lambda raw: raw.update(samples={"images": torch.zeros(0, 8, 8, 1).byte(), "labels": torch.zeros(0).long()}),
        "key 'samples.images': found 0 images, expected 1 to 1024",
    ),
    "label": (lambda raw: raw["samples"]["labels"].fill_(10), "found labels beyond 0 to 9"),
    "gates": (lambda raw: raw.update(gate_fractions=[True] * 4), r"key 'gate_fractions\[0\]': found True"),
    "widths": (lambda raw: raw["config"].update(widths=[16 * 2**i for i in range(2000)]), "config key 'widths"),
    "tensor": (lambda raw: raw["config"].update(widths=torch.zeros(1).expand(10**10)), "'widths': found a Tensor"),
    "deep": (lambda raw: raw["training"].update(seed=[[[[1]]]]), "key 'training.seed': found .*, expected a string, a"),
    "epochs": (lambda raw: raw["training"].update(epochs="9"), "expected 'epochs' to be an integer"),
    "surrogate": (lambda raw: raw["training"].update(dataset="\udc80"), "expected at most 1000 printable characters"),
    "long": (lambda raw: raw["training"].update(dataset="x" * 10**6), "key 'training.dataset': found 'x*"),
    "huge": (lambda raw: raw["training"].update(seed=2**1500), "key 'training.seed': found an integer of 1501 bits"),
    "terminal": (lambda raw: raw.update({"a\x1b[31m": 1}), r"key 'a\\x1b\[31m' is unknown"),
    "class": (lambda raw: raw.update(class_names=["a\nmodule x;"] * 10), "expected printable characters"),
}


@pytest.mark.parametrize("case", ODD_VALUES)
def test_values_of_other_kinds_are_named_in_a_short_sentence(digits_path: Path, tmp_path: Path, case: str) -> None:
    change, message = ODD_VALUES[case]
    raw = torch.load(digits_path, weights_only=True)
    del raw["sha256"]
    change(raw)
    torch.save(raw, tmp_path / "a.pt")
    with pytest.raises(InputError, match=message) as error:
        load_checkpoint(tmp_path / "a.pt")
    assert len(str(error.value)) <= SENTENCE_LIMIT
    assert str(error.value).isprintable()


def test_an_archive_that_unpacks_to_more_than_it_is_does_not(tmp_path: Path) -> None:
    path = tmp_path / "zeros.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("a/data.pkl", "w") as record:
        for _ in range(256):
            record.write(bytes(2**20))
    tracemalloc.start()
    with pytest.raises(InputError, match=r"not a checkpoint \(a compressed record, expected none"):
        load_checkpoint(path)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()
    with pytest.raises(InputError, match="268,435,456 bytes when unpacked, expected at most 1,000,000"):
        archive.read_arrays(path, 1_000_000, "arrays")


def test_many_records_and_a_deep_pickle_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "RECORD_LIMIT", 20)
    torch.save({str(i): torch.zeros(1) for i in range(30)}, tmp_path / "many.pt")
    with pytest.raises(InputError, match="records, expected at most 20"):
        load_checkpoint(tmp_path / "many.pt")
    monkeypatch.undo()
    with zipfile.ZipFile(tmp_path / "deep.pt", "w") as file:
        file.writestr("a/data.pkl", b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".")
        file.writestr("a/version", "3")
    with pytest.raises(InputError, match=r"deep\.pt: (not a checkpoint|found)"):
        load_checkpoint(tmp_path / "deep.pt")


def test_no_warning_of_torch_stands_before_the_sentence(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    torch.save({"format": "x"}, tmp_path / "a.pt", pickle_protocol=3)
    torch.load(tmp_path / "a.pt", weights_only=True)
    assert "pickle protocol 3" in str(recwarn.pop().message)
    with pytest.raises(InputError, match="key 'format': found 'x'"):
        load_checkpoint(tmp_path / "a.pt")
    assert list(recwarn) == []


def test_a_small_file_does_not_make_a_large_network(digits_path: Path, tmp_path: Path) -> None:
    raw = torch.load(digits_path, weights_only=True)
    del raw["sha256"]
    raw["config"].update(widths=[256, 512], blocks=[2, 2])
    raw["gate_fractions"] = None
    torch.save(raw, tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"found at most [\d,]+ weights, the config asks for 10,[\d,]+"):
        load_checkpoint(tmp_path / "a.pt")


def test_files_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found a folder, expected a checkpoint"):
        load_checkpoint(tmp_path)
    with pytest.raises(InputError, match="found a device or pipe"):
        load_checkpoint(Path("/dev/zero"))
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(30 * 2**30)
    with pytest.raises(InputError, match="found 32,212,254,720 bytes, expected a page of at most 1,000"):
        read_bytes(tmp_path / "sparse", "a page", 1000)
    with pytest.raises(InputError, match=r"cannot be read|no such file"):
        read_bytes(Path("a\0b"), "a page", 1000)


@pytest.mark.parametrize(
    "text, message",
    [
        ("[" * 100_000 + "]" * 100_000, "nested more than 20 deep"),
        ("[" * 30 + "]" * 30, "nested more than 20 deep"),
        ('{"a": 1, "a": 2}', "key 'a' occurs twice"),
        ('{"a": NaN}', "found NaN, expected finite numbers"),
        ('{"a": ' + "1" * 5000 + "}", "digits"),
        ("", "Expecting value"),
    ],
)
def test_json_that_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        parse_json(text)
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match="not a table"):
        read_json(tmp_path / "a.json", "a table")


def test_a_byte_order_mark_is_left_out_and_other_encodings_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfepochs = 3\n")
    assert read_toml(path, "settings") == {"epochs": 3}
    path.write_text("epochs = 3\n", encoding="utf-16")
    with pytest.raises(InputError, match=r"not settings \(not UTF-8 at byte 0"):
        read_toml(path, "settings")
    path.write_text("a = " + "[" * 5000 + "]" * 5000)
    with pytest.raises(InputError, match="nested more than 20 deep"):
        read_toml(path, "settings")


def test_messages_are_one_short_line() -> None:
    message = str(InputError("a\x1b[2J\n\u202eb" + "x" * 10**6, "first\nsec\x07ond"))
    first, *detail = message.split("\n")
    assert first.startswith(r"a\x1b[2J\n\u202ebxxx")
    assert len(first) == SENTENCE_LIMIT
    assert detail == ["first", r"sec\x07ond"]
    assert shown(10**6000) == "an integer of 19932 bits"
    assert len(shown([["x" * 1000] * 1000] * 1000)) == SHOWN_LIMIT
    assert shown(torch.zeros(3)) == "a Tensor"
    assert escaped("gr\u00fcn") == "gr\u00fcn"


@pytest.mark.parametrize("name", ["numpy.f2py.__main__ dtype", "numpy.testing ndarray", "os system", "numpy load"])
def test_a_cifar_file_imports_nothing(name: str) -> None:
    module, attribute = name.split()
    known = set(sys.modules)
    stream = io.BytesIO(f"c{module}\n{attribute}\n.".encode())
    with pytest.raises(pickle.UnpicklingError, match="expected numpy arrays only"):
        _ArrayUnpickler(stream).load()
    assert set(sys.modules) == known
