# SPDX-License-Identifier: Apache-2.0
"""Files are written whole or not at all, tried before the work, and updated by one process at a time."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import clear_left_overs, require_folder, require_writable, write_bytes, write_text


def test_a_file_is_written_into_folders_that_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a/b/c.txt", "zwölf\n")
    assert (tmp_path / "a/b/c.txt").read_bytes() == "zwölf\n".encode()
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["c.txt"]


def test_a_replaced_file_keeps_its_mode_and_a_new_one_has_the_usual(tmp_path: Path) -> None:
    write_text(tmp_path / "new", "")
    (tmp_path / "usual").touch()
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode
    (tmp_path / "new").chmod(0o640)
    write_text(tmp_path / "new", "again")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/file")
    write_text(tmp_path / "link", "one")
    write_text(tmp_path / "link", "two")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there/file").read_text() == "two"


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127])
def test_the_longest_name_can_be_written(tmp_path: Path, name: str) -> None:
    require_writable(tmp_path / name)
    write_text(tmp_path / name, "fits")
    assert (tmp_path / name).read_text() == "fits"
    with pytest.raises(InputError, match="cannot be written"):
        require_writable(tmp_path / (name + "xx"))


def test_a_full_disk_is_a_sentence_and_leaves_the_file(tmp_path: Path) -> None:
    """The kernel stops a real write half-way, at the limit of a file's size."""
    path = tmp_path / "results.json"
    path.write_text("earlier figures")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(InputError, match=r"results\.json: cannot be written \(File too large\)"):
            write_bytes(path, bytes(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_text() == "earlier figures"
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.json"]


_HANGING = """
import os, sys
from pathlib import Path
from wsfracbnn.model import files
def hang(descriptor):
    print("writing", flush=True)
    sys.stdin.read()
files.os.fsync = hang
files.write_text(Path(sys.argv[1]), "half")
"""


def test_what_a_killed_writer_left_is_removed_and_a_living_one_is_not_disturbed(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text("old")
    command = [sys.executable, "-c", _HANGING, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        (temporary,) = (entry for entry in tmp_path.iterdir() if entry != path)
        clear_left_overs(path)
        assert temporary.exists()
        writer.kill()
        writer.wait()
    assert path.read_text() == "old"
    assert temporary.exists()
    (tmp_path / ".figures.json.mine.partial").touch()
    write_text(path, "new")
    assert not temporary.exists()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".figures.json.mine.partial", "figures.json"]


def test_an_ended_command_removes_its_temporary_file(tmp_path: Path) -> None:
    """SIGTERM ends a command as an exception does."""
    path = tmp_path / "figures.json"
    script = "from wsfracbnn.model.signals import end_by_exception\nend_by_exception()\n" + _HANGING
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.send_signal(signal.SIGTERM)
        assert writer.wait() == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_outputs_are_tried_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    require_writable(tmp_path / "new/deep/file", tmp_path / "file")
    require_folder(tmp_path / "other/deep", tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("folder", "is a folder, expected the name of a file"),
        ("file/below", r"cannot be written \(Not a directory\)"),
        ("loop/file", r"cannot be written \(.*symbolic links\)"),
        ("pipe", "is no regular file"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=rf"{name}: {sentence}"):
        require_writable(tmp_path / name)


def test_a_place_where_nothing_can_be_made_is_refused() -> None:
    for path in (Path("/proc/runs/net.pt"), Path("/proc/net.pt"), Path("/sys/net.pt")):
        with pytest.raises(InputError, match=f"{path}: cannot be written"):
            require_writable(path)
        with pytest.raises(InputError, match="cannot be written"):
            require_folder(path)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file: is a file, expected a folder"):
        require_folder(tmp_path / "file")


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_write_protected_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=0o444)
    with pytest.raises(InputError, match="file: is write-protected"):
        require_writable(tmp_path / "file")


_COUNT = """
import json, sys, time
from pathlib import Path
from wsfracbnn.model.files import updating, write_text
path = Path(sys.argv[1])
for _ in range(20):
    with updating(path):
        count = json.loads(path.read_text())
        time.sleep(0.001)
        write_text(path, json.dumps(count + 1))
"""


def test_no_update_of_a_file_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "count.json"
    write_text(path, "0")
    processes = [subprocess.Popen([sys.executable, "-c", _COUNT, str(path)]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert json.loads(path.read_text()) == 60
    assert [entry.name for entry in tmp_path.iterdir()] == ["count.json"]
    assert time.time() - path.stat().st_mtime < 60
