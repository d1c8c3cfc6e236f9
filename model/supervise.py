# SPDX-License-Identifier: Apache-2.0
"""Child processes that end with their parent, however it ends, and take their own children with them.

Between parent and command stands a supervisor: `python -m wsfracbnn.model.supervise DESCRIPTOR COMMAND...`. It holds
the reading end of a pipe whose writing end only the parent has. When the parent ends, by SIGKILL too, or closes its
end, the pipe says so and the supervisor kills the command's whole process group. SIGTERM and SIGINT are passed on.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any

WAKE_S = 1.0
"""How long a wait lasts before it begins again. A handler in Python runs between two of Python's steps: where a signal
comes after the last step before a system call that waits, its handler is put off until the call returns."""


class Child(subprocess.Popen[bytes]):
    """A command that ends with this process, or with the `with` block that it is used in.

    It stands in a session of its own, so that a terminal's Ctrl-C reaches the parent alone, and reads nothing.
    """

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        reading, writing = os.pipe()
        self._lifeline = os.fdopen(writing, "wb", buffering=0)
        try:
            super().__init__(
                # -P: a module of that name in the working directory is not ours.
                [sys.executable, "-P", "-m", "wsfracbnn.model.supervise", str(reading), *command],
                stdin=subprocess.DEVNULL,
                pass_fds=(reading,),
                start_new_session=True,
                **options,
            )
        finally:
            os.close(reading)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once there is one; no signal's handler waits for it longer than `WAKE_S`."""
        if timeout is not None:
            return super().wait(timeout)
        while True:
            with suppress(subprocess.TimeoutExpired):
                return super().wait(WAKE_S)

    def end(self) -> None:
        """Kill the command and all its processes, where they still run, and wait for that."""
        self._lifeline.close()
        self.wait()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()
        super().__exit__(kind, value, traceback)


def main(arguments: Sequence[str]) -> int:
    """Run arguments[1:], watching the descriptor arguments[0].

    Returns:
        The command's exit code; 128 + n for signal n, 127 where it does not start.
    """
    lifeline = int(arguments[0])
    waiting: list[int] = []
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: FrameType | None) -> None:
        if child is None:
            waiting.append(number)
        else:
            child.send_signal(number)

    with _signals_as_bytes() as arrived:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, pass_on)
        try:
            child = subprocess.Popen(arguments[1:], process_group=0)
        except OSError as error:
            print(f"{arguments[1]}: {error.strerror}", file=sys.stderr)
            return 127
        for missed in waiting:
            child.send_signal(missed)
        while child.poll() is None:
            ready, _, _ = select.select([lifeline, arrived], [], [])
            if lifeline in ready and not os.read(lifeline, 1):
                break
            if arrived in ready:
                os.read(arrived, 1)
        _kill_group(child.pid)
        code = child.wait()
    return code if code >= 0 else 128 - code


@contextmanager
def _signals_as_bytes() -> Iterator[int]:
    """A descriptor that each signal with a handler writes a byte to, SIGCHLD too: a wait for it misses none."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(-1)
        os.close(writing)
        os.close(reading)


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
