# SPDX-License-Identifier: Apache-2.0
"""Files that were made to do harm: code in pickles, bombs, lengths that lie. Each has to be refused.

The code would write a file; none may be there afterwards.
"""

from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

MARK = "code_was_run"
"""The file that the code in a file would write beside it."""

AT_MOST = ", as many as there may be"
"""Ends the title of a file that is not refused, but as large as one can be."""

Content = Callable[[Path], bytes]
"""Of a file; is given what its code would write."""

Write = Callable[[Path], object]


def hostile_files(intact: dict[str, bytes]) -> Iterator[tuple[str, str, Write]]:
    """(kind of file, what is done, how it is written). intact: an intact file of each kind."""
    for title, pickled in _pickles():
        yield "published CIFAR", title, _whole(pickled)
        for kind in ("checkpoint", "resume file"):
            yield kind, f"{title} in its description", _record(intact[kind], "data.pkl", pickled)
        for kind in ("description's arrays", "images in arrays", "released network", "vectors"):
            yield kind, f"{title} in an array of objects", _array_of(pickled)
        yield "teacher's answers", f"{title} in an array of objects", _whole(_npy_of(pickled))
    for kind in ("checkpoint", "safetensors"):
        yield kind, "a pickle without an archive", _whole(lambda mark: pickle.dumps(_Call("os", "system", mark)))
    for kind in ("description's arrays", "images in arrays", "released network", "vectors"):
        yield kind, "an array of 2^60 bytes that are not there", _array_of(lambda mark: b"", _header("|u1", (2**60,)))
        yield kind, "a header that is an expression", _array_of(lambda mark: b"", _expression)
        yield kind, "30,000 records", _many_records
        yield kind, "a record outside of its folder", _record(intact[kind], "", lambda mark: b"x", "../../up.npy")
    yield "checkpoint", "30,000 records", _many_records
    for kind in ("checkpoint", "resume file", "description's arrays", "released network"):
        yield kind, "a record of 4 GiB, by its entry", _lying(intact[kind])
    yield "safetensors", "a header of 2^60 bytes", _whole(lambda mark: struct.pack("<Q", 2**60) + b"{}")
    yield "safetensors", "a header of 90 MB", _whole(lambda mark: _header_of(b" " * 90_000_000))
    yield "safetensors", "a header 50,000 deep", _whole(lambda mark: _header_of(b"[" * 50_000 + b"]" * 50_000))
    yield "safetensors", "a tensor of 2^60 bytes", _whole(lambda mark: _header_of(json.dumps(_HUGE).encode()))
    for dimensions, sizes in (("2^96 values", (2**31, 2**31, 4)), ("2^93 values", (2**31, 2**31, 2**31))):
        yield (
            "published MNIST",
            f"{dimensions}, none there",
            _gzipped(bytes((0, 0, 8, 3)) + struct.pack(">III", *sizes)),
        )
    yield "published MNIST", "a gigabyte of zeros", _whole(lambda mark: _bomb(2**30))
    yield "picture", "65,535 x 65,535 pixels", _whole(lambda mark: _png(65_535, 65_535, b""))
    yield "picture", "8,001 x 8,000 pixels", _whole(lambda mark: _png(8_001, 8_000, bytes(8_000 * 1_002)))
    yield "picture", f"8,000 x 8,000 pixels{AT_MOST}", _whole(lambda mark: _png(8_000, 8_000, bytes(8_000 * 24_001), 3))
    yield "picture", "a text of a gigabyte", _whole(lambda mark: _png(1, 1, b"\0\0", before=_text_bomb()))
    yield "picture", "PostScript", _whole(lambda mark: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(mark) run\n")
    for kind in ("folding", "hardware results", "exploration", "summary", "description"):
        yield kind, "100,000 lists in each other", _whole(lambda mark: b"[" * 100_000 + b"]" * 100_000)
        yield kind, "a number of 100,000 digits", _whole(lambda mark: b'{"a": ' + b"9" * 100_000 + b"}")
        yield kind, "a key twice", _whole(lambda mark: b'{"a": 1, "a": 2}')
        yield kind, "17 MB", _whole(lambda mark: b" " * 17 * 2**20)
    for kind in ("settings", "plan", "own network"):
        yield kind, "a key of 4,000 parts", _whole(lambda mark: b".".join([b"a"] * 4_000) + b" = 1")
        yield kind, "4,000 tables in each other", _whole(lambda mark: b"a = " + b"{a = " * 4_000 + b"1" + b"}" * 4_000)
        yield kind, "100,000 lists in each other", _whole(lambda mark: b"a = " + b"[" * 100_000 + b"]" * 100_000)
        yield kind, "a number of 100,000 digits", _whole(lambda mark: b"a = " + b"9" * 100_000)
        yield kind, "2 MB", _whole(lambda mark: b"#" * 2 * 2**20)
    yield "log", "a cell of 200,000 characters", _whole(lambda mark: b"epoch\n" + b"9" * 200_000)
    for label in (2**31, 2**62):
        yield "images in arrays", f"a label of {label}", _labels(label)


class _Call:
    """Pickles as a call of module.name(argument)."""

    def __init__(self, module: str, name: str, mark: Path) -> None:
        self.module, self.name, self.mark = module, name, mark

    def __reduce__(self) -> tuple[object, ...]:
        function = getattr(__import__(self.module, fromlist=["x"]), self.name)
        arguments = {
            "system": (f"touch '{self.mark}'",),
            "Popen": (["touch", str(self.mark)],),
            "open": (self.mark, "w"),
        }
        return function, arguments.get(self.name, (f"open({str(self.mark)!r}, 'w')",))


def _pickles() -> Iterator[tuple[str, Content]]:
    for module, name in (("os", "system"), ("subprocess", "Popen"), ("builtins", "exec"), ("builtins", "eval")):
        for protocol in (0, 2, 4):
            yield f"{module}.{name} by protocol {protocol}", _pickle_of(module, name, protocol)
    yield "io.open by protocol 2", _pickle_of("io", "open", 2)
    # INST and OBJ, the opcodes of old classes, which pickle no longer writes
    yield "os.system by INST", lambda mark: f"(S\"touch '{mark}'\"\nios\nsystem\n.".encode()
    yield "os.system by OBJ", lambda mark: f"(cos\nsystem\nS\"touch '{mark}'\"\no.".encode()


def _pickle_of(module: str, name: str, protocol: int) -> Content:
    return lambda mark: pickle.dumps(_Call(module, name, mark), protocol=protocol)


def _npy_of(content: Content) -> Content:
    return lambda mark: _npy(content(mark))


def _whole(content: Content) -> Write:
    return lambda path: path.write_bytes(content(path.parent / MARK))


def _record(intact: bytes, end: str, content: Content, name: str = "") -> Write:
    """An archive with one record replaced, the one whose name ends so; or, with a name, with one more."""

    def write(path: Path) -> None:
        with zipfile.ZipFile(io.BytesIO(intact)) as old, zipfile.ZipFile(path, "w") as new:
            for info in old.infolist():
                mine = not name and info.filename.endswith(end)
                new.writestr(info.filename, content(path.parent / MARK) if mine else old.read(info))
            if name:
                new.writestr(name, content(path.parent / MARK))

    return write


def _header(kind: str, shape: tuple[int, ...]) -> bytes:
    return repr({"descr": kind, "fortran_order": False, "shape": shape}).encode()


_expression = b"__import__('os').system('touch code_was_run')"
_HUGE = {"a": {"dtype": "F32", "shape": [2**30, 2**28], "data_offsets": [0, 2**60]}}


def _npy(content: bytes, header: bytes = _header("|O", (1,))) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n" + content


def _array_of(content: Content, header: bytes = _header("|O", (1,))) -> Write:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name in ("images", "labels", "class_names"):
                archive.writestr(f"{name}.npy", _npy(content(path.parent / MARK), header))

    return write


def _lying(intact: bytes) -> Write:
    """The first record has two bytes less than 4 GiB, by the archive's directory."""

    def write(path: Path) -> None:
        data = bytearray(intact)
        entry = data.find(b"PK\x01\x02")
        data[entry + 24 : entry + 28] = struct.pack("<I", 2**32 - 2)
        path.write_bytes(data)

    return write


def _many_records(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(30_000):
            archive.writestr(f"{number}.npy", b"")


def _header_of(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def _gzipped(content: bytes) -> Write:
    return lambda path: path.write_bytes(gzip.compress(content, mtime=0))


def _bomb(size: int) -> bytes:
    """So many zeros, gzipped."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    block = bytes(2**24)
    return b"".join(packer.compress(block) for _ in range(size // len(block))) + packer.flush()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _png(width: int, height: int, pixels: bytes, colours: int = 0, before: bytes = b"") -> bytes:
    """A picture of 1 bit a pixel, or of 3 colours of 8."""
    kind = (8, 2) if colours else (1, 0)
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, *kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + before + _chunk(b"IDAT", zlib.compress(pixels)) + _chunk(b"IEND", b"")


def _text_bomb() -> bytes:
    packer = zlib.compressobj()
    block = bytes(2**24)
    return _chunk(b"zTXt", b"a\0\0" + b"".join(packer.compress(block) for _ in range(64)) + packer.flush())


def _labels(label: int) -> Write:
    def write(path: Path) -> None:
        images = np.zeros((4, 4, 4, 1), dtype=np.uint8)
        labels = np.array([0, 1, 1, label])
        with path.open("wb") as file:
            np.savez(file, images=images, labels=labels)

    return write
