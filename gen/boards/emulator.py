# SPDX-License-Identifier: Apache-2.0
"""A board that is not there: the protocol's other end on a pseudo-terminal, the golden model its accelerator."""

from __future__ import annotations

import os
import pty
import select
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from wsfracbnn.gen.boards.protocol import TIMEOUT_S, BadFrame, Command, Decoder, Frame, Info, Reply, Result
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.golden import run_logits

GLANCE_S = 0.05


class EmulatedBoard:
    """Bytes in, bytes out, as a board's serial line has them."""

    def __init__(self, description: NetworkDescription) -> None:
        self._description = description
        self._info = Info.of(description)
        self._decoder = Decoder()
        self._last = 0.0

    def receive(self, data: bytes, now: float) -> bytes:
        """Take what has come since the last call; returns what the board answers. now: seconds, ever growing."""
        answers = b""
        if self._decoder.inside and now - self._last > TIMEOUT_S:
            self._decoder.reset()
            answers += Frame(Reply.LATE, 0).encode()
        if data:
            self._last = now
        return answers + b"".join(self._answer(frame).encode() for frame in self._decoder.feed(data))

    def _answer(self, frame: Frame | BadFrame) -> Frame:
        if isinstance(frame, BadFrame):
            return Frame(frame.reason, frame.sequence)
        if frame.code not in (Command.INFO, Command.IMAGE):
            return Frame(Reply.COMMAND, frame.sequence)
        expected = self._info.image_bytes if frame.code == Command.IMAGE else 0
        if len(frame.payload) != expected:
            return Frame(Reply.LENGTH, frame.sequence)
        if frame.code == Command.INFO:
            return Frame(Reply.INFO, frame.sequence, self._info.encode())
        shape = (1, self._info.height, self._info.width, self._info.colours)
        image = np.frombuffer(frame.payload, np.uint8).reshape(shape)
        logits, _ = run_logits(self._description, image, threads=1)
        result = Result(tuple(int(logit) for logit in logits[0]), int(logits[0].argmax()))
        return Frame(Reply.RESULT, frame.sequence, result.encode())


@contextmanager
def emulated_port(description: NetworkDescription) -> Iterator[str]:
    """A pseudo-terminal with an emulated board at its other end; yields its name for as long as the block lasts."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    ended = threading.Event()
    board = EmulatedBoard(description)

    def serve() -> None:
        while not ended.is_set():
            readable, _, _ = select.select([master], [], [], GLANCE_S)
            data = os.read(master, 4096) if readable else b""
            answer = board.receive(data, time.monotonic())
            while answer:
                answer = answer[os.write(master, answer) :]

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        ended.set()
        thread.join()
        os.close(master)
        os.close(slave)
