# SPDX-License-Identifier: Apache-2.0
"""The computer's end of the protocol: images to a board, results back, with what a bad line needs.

A request whose reply is an error or damaged, or does not come in time, is sent again with another sequence number; an
answer to the first sending is then nobody's and dropped. So no result can be taken for another image's.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.gen.boards.protocol import (
    ERRORS,
    REPLIES,
    BadFrame,
    Command,
    Decoder,
    Frame,
    Info,
    Reply,
    Result,
)
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.extras import not_installed

GLANCE_S = 0.02
"""How long one look at the line waits for bytes."""


class Line(Protocol):
    """What carries the bytes; pyserial's Serial is one."""

    def read(self, size: int) -> bytes:
        """At most `size` bytes of those that have come, fewer after `GLANCE_S`."""

    def write(self, data: bytes) -> int | None:
        """Send bytes."""


@contextmanager
def open_line(port: str, baud: int) -> Iterator[Line]:
    """A serial port, or what else pyserial opens (socket://HOST:PORT).

    Raises:
        InputError: pyserial is missing, or the port cannot be opened or breaks.
    """
    try:
        import serial
    except ModuleNotFoundError:
        raise not_installed(["pyserial"], "board") from None
    try:
        with serial.serial_for_url(port, baudrate=baud, timeout=GLANCE_S) as line:
            yield line
    except (serial.SerialException, OSError, ValueError) as error:
        raise InputError(f"{port}: found no serial line that can be used ({error}), expected a board's port") from None


@dataclass
class _Sent:
    """A request on its way. image: its index; tries: how often it has been sent."""

    image: int
    deadline: float
    tries: int


class BoardClient:
    """A board on a line.

    window: requests on their way at once. patience: seconds that a reply may take. tries: how often a request is sent.
    clock: seconds, ever growing.
    """

    def __init__(
        self,
        line: Line,
        *,
        window: int = 2,
        patience: float = 2.0,
        tries: int = 4,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 1 <= window <= REPLIES:
            raise InputError(f"--window: found {window}, expected 1 to {REPLIES}, the replies that a board holds")
        self._line = line
        self._window = window
        self._patience = patience
        self._tries = tries
        self._clock = clock
        self._decoder = Decoder()
        self._sequence = 0
        self.repeated = 0
        """Requests that had to be sent again."""

    def info(self) -> Info:
        """What the board says of itself.

        Raises:
            InputError: no reply, or one of another version of the protocol.
        """
        for _ in range(self._tries):
            sequence = self._send(Command.INFO, b"")
            deadline = self._clock() + self._patience
            while self._clock() < deadline:
                for frame in self._receive():
                    if isinstance(frame, Frame) and (frame.code, frame.sequence) == (Reply.INFO, sequence):
                        info = Info.decode(frame.payload)
                        if info is None:
                            raise InputError(
                                "the board speaks another version of the protocol; make its bitstream again"
                            )
                        return info
        raise InputError(
            f"no reply from the board to {self._tries} requests of {self._patience:g} s; expected a board made by "
            "`wsfracbnn board`, its bitstream loaded, at this port and baud rate"
        )

    def classify(self, images: NDArray[np.uint8], classes: int) -> Iterator[Result]:
        """Send images (N, H, W, colours) uint8; yields their results in order.

        Raises:
            InputError: an image got no result after all tries.
        """
        waiting = deque(range(len(images)))
        sent: dict[int, _Sent] = {}
        tries = [0] * len(images)
        results: dict[int, Result] = {}
        following = 0
        while following < len(images):
            while waiting and len(sent) < self._window:
                image = waiting.popleft()
                tries[image] += 1
                # An image's bytes take their time on the line before the board can begin to answer.
                sequence = self._send(Command.IMAGE, images[image].tobytes())
                sent[sequence] = _Sent(image, self._clock() + self._patience, tries[image])
            failed = self._take_replies(sent, results, classes)
            failed += [(key, "no reply") for key, request in sent.items() if self._clock() > request.deadline]
            for sequence, reason in failed:
                request = sent.pop(sequence)
                if request.tries >= self._tries:
                    raise InputError(f"image {request.image}: no result after {request.tries} tries ({reason})")
                self.repeated += 1
                waiting.appendleft(request.image)
            while following in results:
                yield results.pop(following)
                following += 1

    def _take_replies(self, sent: dict[int, _Sent], results: dict[int, Result], classes: int) -> list[tuple[int, str]]:
        """Move the results that have come; returns the requests that failed, each with the reason."""
        failed = []
        for frame in self._receive():
            if frame.sequence not in sent:
                continue
            if isinstance(frame, BadFrame):
                failed.append((frame.sequence, f"in the reply, {ERRORS[frame.reason]}"))
            elif frame.code == Reply.RESULT:
                result = Result.decode(frame.payload, classes)
                if result is None:
                    failed.append((frame.sequence, f"a result of {len(frame.payload)} bytes"))
                else:
                    results[sent.pop(frame.sequence).image] = result
            elif frame.code in ERRORS:
                failed.append((frame.sequence, ERRORS[Reply(frame.code)]))
        return failed

    def _send(self, command: Command, payload: bytes) -> int:
        self._sequence = (self._sequence + 1) % 256
        self._line.write(Frame(command, self._sequence, payload).encode())
        return self._sequence

    def _receive(self) -> Sequence[Frame | BadFrame]:
        return list(self._decoder.feed(self._line.read(4096)))


def require_same_network(found: Info, expected: Info) -> None:
    """Raise `InputError` where a board computes another network than the one asked for."""
    if found != expected:
        raise InputError(
            f"the board computes a network of sha256 {found.digest.hex()}... on {_sizes(found)}, expected "
            f"{expected.digest.hex()}... on {_sizes(expected)}; load the bitstream made of this checkpoint"
        )


def _sizes(info: Info) -> str:
    return f"{info.height} x {info.width} x {info.colours} images of {info.classes} classes"
