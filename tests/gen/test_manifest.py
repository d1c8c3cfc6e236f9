# SPDX-License-Identifier: Apache-2.0
"""Emitting into a folder that is there: ours is replaced, everything else stays, at whatever moment it is cut off."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wsfracbnn.gen.emission import manifest
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.emission.manifest import MANIFEST, emit_into, read_manifest
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import working_in

OLD = {"rtl/a.v": "module a;", "rtl/rom/b.v": "module b;", "stale/c.v": "module c;"}
NEW = {"rtl/a.v": "module a2;", "rtl/rom/b.v": "module b;", "rtl/d.v": "module d;"}


def emit_files(out: Path, files: dict[str, str], *, force: bool = False) -> None:
    def fill(folder: Path) -> None:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    emit_into(out, fill, force=force)


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder but the manifest."""
    files = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
    files.pop(MANIFEST, None)
    return files


def names(folder: Path) -> list[str]:
    """What a folder holds, sorted."""
    return sorted(path.name for path in folder.iterdir())


def test_the_manifest_is_what_sha256sum_checks(tmp_path: Path) -> None:
    emit_files(tmp_path / "net", OLD)
    found = read_manifest(tmp_path / "net" / MANIFEST)
    assert found is not None
    assert found.keys() == OLD.keys()
    check = ["sha256sum", "-c", MANIFEST]
    assert subprocess.run(check, cwd=tmp_path / "net", capture_output=True).returncode == 0
    (tmp_path / "net/rtl/a.v").write_text("other")
    assert subprocess.run(check, cwd=tmp_path / "net", capture_output=True).returncode == 1


def test_files_of_the_user_stay_and_what_is_no_longer_emitted_goes(tmp_path: Path) -> None:
    net = tmp_path / "net"
    emit_files(net, OLD)
    (net / "my.xdc").write_text("pins")
    (net / "stale/notes.txt").write_text("notes")
    emit_files(net, NEW)
    assert contents(net) == NEW | {"my.xdc": "pins", "stale/notes.txt": "notes"}
    (net / "stale/notes.txt").unlink()
    (net / "stale").rmdir()
    emit_files(net, OLD)
    emit_files(net, NEW)
    assert not (net / "stale").exists()
    assert names(tmp_path) == ["net"]


@pytest.mark.parametrize("name", ["rtl/a.v", "rtl/rom/b.v", "stale/c.v"])
def test_a_file_that_was_changed_is_replaced_by_force_alone(tmp_path: Path, name: str) -> None:
    """Whether it is emitted anew, emitted as it was, or no longer emitted."""
    emit_files(tmp_path, OLD)
    (tmp_path / name).write_text("a day's work")
    with pytest.raises(InputError, match=rf"changed since it was emitted, or not emitted: {name}; expected .*--force"):
        emit_files(tmp_path, NEW)
    assert contents(tmp_path) == OLD | {name: "a day's work"}
    emit_files(tmp_path, NEW, force=True)
    assert contents(tmp_path) == NEW


def test_a_file_of_the_user_in_the_way_is_refused(tmp_path: Path) -> None:
    emit_files(tmp_path, OLD)
    (tmp_path / "rtl/d.v").write_text("my own d")
    with pytest.raises(InputError, match=r"not emitted: rtl/d\.v"):
        emit_files(tmp_path, NEW)
    assert contents(tmp_path) == OLD | {"rtl/d.v": "my own d"}


def test_a_file_that_was_deleted_comes_back(tmp_path: Path) -> None:
    emit_files(tmp_path, OLD)
    (tmp_path / "rtl/a.v").unlink()
    emit_files(tmp_path, OLD)
    assert contents(tmp_path) == OLD


@pytest.mark.parametrize("name", ["thesis.txt", "design.json", MANIFEST])
def test_a_folder_that_was_not_emitted_is_refused(tmp_path: Path, name: str) -> None:
    """Whatever its files are called."""
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match="was not emitted by this program"):
        emit_files(tmp_path, NEW)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: "mine"}


def test_a_manifest_that_names_files_outside_is_none(tmp_path: Path) -> None:
    emit_files(tmp_path / "net", OLD)
    file = tmp_path / "net" / MANIFEST
    file.write_text(file.read_text().replace("rtl/a.v", "../a.v"))
    assert read_manifest(file) is None


def test_links_to_a_folder_are_followed_and_others_refused(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    for files in (OLD, NEW):
        emit_files(tmp_path / "link", files)
    assert contents(tmp_path / "there") == NEW
    assert (tmp_path / "link").is_symlink()
    (tmp_path / "nowhere").symlink_to("gone")
    with pytest.raises(InputError, match=r"nowhere: is a link to .*gone, which is not there"):
        emit_files(tmp_path / "nowhere", NEW)


def test_a_linked_folder_inside_is_not_written_through(tmp_path: Path) -> None:
    emit_files(tmp_path / "net", OLD)
    (tmp_path / "net/stale").rename(tmp_path / "elsewhere")
    (tmp_path / "net/stale").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="stale: is in the way"):
        emit_files(tmp_path / "net", NEW, force=True)
    assert contents(tmp_path / "elsewhere") == {"c.v": "module c;"}


def test_the_working_directory_can_be_emitted_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emit_files(tmp_path / "net", OLD)
    monkeypatch.chdir(tmp_path / "net")
    emit_files(Path(), NEW)
    assert contents(Path.cwd()) == NEW
    assert Path.cwd() == tmp_path / "net"


def test_two_at_once_are_one_and_a_sentence(tmp_path: Path) -> None:
    emit_files(tmp_path / "net", OLD)
    command = [sys.executable, "-c", _HOLD, str(tmp_path / "net")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match="another process is at work there"):
            emit_files(tmp_path / "net", NEW)
        other.kill()
    emit_files(tmp_path / "net", NEW)
    assert contents(tmp_path / "net") == NEW


_HOLD = """
import sys
from pathlib import Path
from wsfracbnn.model.files import working_in
with working_in(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


_KILLED = """
import json, os, signal, sys
from pathlib import Path
from wsfracbnn.gen.emission.manifest import emit_into
out, steps, files = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])

def counted(operation):
    def run(*arguments, **options):
        global steps
        if steps == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        steps -= 1
        return operation(*arguments, **options)
    return run

for name in ("rename", "replace", "unlink", "rmdir", "mkdir", "write_text"):
    setattr(Path, name, counted(getattr(Path, name)))

def fill(folder):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

emit_into(out, fill)
"""


def killed_after(steps: int, out: Path) -> bool:
    """Emit NEW in a process that is killed before its file operation number `steps`; whether it was."""
    command = [sys.executable, "-c", _KILLED, str(out), str(steps), json.dumps(NEW)]
    code = subprocess.run(command, check=False).returncode
    assert code in (0, -signal.SIGKILL)
    return code != 0


@pytest.mark.timeout(300)
def test_a_kill_at_any_moment_leaves_old_or_new_or_what_the_next_emit_completes(tmp_path: Path) -> None:
    steps = 0
    while True:
        out = tmp_path / f"{steps}"
        emit_files(out, OLD)
        (out / "my.xdc").write_text("pins")
        killed = killed_after(steps, out)
        assert (out / "my.xdc").read_text() == "pins"
        emitted = {name: text for name, text in contents(out).items() if name != "my.xdc" and not name.startswith(".")}
        staged = (out / manifest.STAGED).is_dir()
        assert staged or emitted in (OLD, NEW)
        for name in ("rtl/a.v", "rtl/rom/b.v"):
            assert (out / name).read_text() in (OLD[name], NEW[name])
        emit_files(out, NEW)
        assert contents(out) == NEW | {"my.xdc": "pins"}
        assert names(out) == [MANIFEST, "my.xdc", "rtl"]
        if not killed:
            break
        steps += 1
    assert steps > 10


@pytest.mark.parametrize("exists", [False, True])
def test_a_kill_in_a_first_emit_leaves_nothing_that_stays(tmp_path: Path, exists: bool) -> None:
    out = tmp_path / "net"
    if exists:
        out.mkdir()
    for steps in range(4):
        assert killed_after(steps, out)
        assert not (out / "rtl").exists()
    emit_files(out, NEW)
    assert contents(out) == NEW
    assert names(tmp_path) == ["net"]


def test_a_disk_that_is_full_leaves_the_folder_as_it_was(
    tiny: NetworkDescription, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit(tiny, preset(tiny, "small"), tmp_path / "net")
    before = {path: path.read_bytes() for path in (tmp_path / "net").rglob("*") if path.is_file()}
    monkeypatch.setattr(NetworkDescription, "save", _disk_full)
    with pytest.raises(InputError, match=r"net: cannot be written \(No space left on device\)"):
        emit(tiny, preset(tiny, "fast"), tmp_path / "net")
    assert {path: path.read_bytes() for path in (tmp_path / "net").rglob("*") if path.is_file()} == before


def _disk_full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_lock_is_for_one_folder(tmp_path: Path) -> None:
    with working_in(tmp_path / "a"), working_in(tmp_path / "b"):
        assert names(tmp_path) == ["a", "b"]
        (tmp_path / "b" / "result").touch()
    assert names(tmp_path) == ["b"]  # nothing came into the other
    assert names(tmp_path / "b") == ["result"]
