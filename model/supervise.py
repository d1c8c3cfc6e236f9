# SPDX-License-Identifier: Apache-2.0
"""Child processes that end with their parent, however it ends, and take their own children with them.

Between parent and command stands a supervisor: `python -m wsfracbnn.model.supervise DESCRIPTOR COMMAND...`. It holds
the reading end of a pipe whose writing end only the parent has. When the parent ends, by SIGKILL too, or closes its
end, the pipe says so and the supervisor kills the command's whole process group. SIGTERM and SIGINT are passed on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any


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
    waiting: list[int] = []
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: FrameType | None) -> None:
        if child is None:
            waiting.append(number)
        else:
            child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    try:
        child = subprocess.Popen(arguments[1:], process_group=0)
    except OSError as error:
        print(f"{arguments[1]}: {error.strerror}", file=sys.stderr)
        return 127
    for missed in waiting:
        child.send_signal(missed)
    threading.Thread(target=_kill_at_the_end, args=(int(arguments[0]), child.pid), daemon=True).start()
    code = child.wait()
    _kill_group(child.pid)
    return code if code >= 0 else 128 - code


def _kill_at_the_end(lifeline: int, group: int) -> None:
    """Wait until nobody holds the pipe's other end, then kill a process group."""
    while os.read(lifeline, 1):
        pass
    _kill_group(group)


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
