# SPDX-License-Identifier: Apache-2.0
"""The serial protocol in Python: frames survive any line, and a computer gets the right result over a bad one."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsfracbnn.gen.boards.emulator import EmulatedBoard, emulated_port
from wsfracbnn.gen.boards.host import BoardClient, open_line, require_same_network
from wsfracbnn.gen.boards.protocol import BadFrame, Command, Decoder, Frame, Info, Reply, Result
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.golden import run
from wsfracbnn.model.random_network import random_description


@pytest.fixture
def tame() -> NetworkDescription:
    """Images of 4 x 4 pixels, other images with other logits: a result that is another image's would be seen."""
    return random_description(NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3), seed=1, name="tame", wild=False)


def test_a_frame_is_what_the_page_says() -> None:
    """Byte by byte: END, code, sequence number, escaped payload, CRC-32 low byte first, END."""
    crc = zlib.crc32(b"\x02\x07\xc0\xdb\x55").to_bytes(4, "little")
    assert not {0xC0, 0xDB} & set(crc)
    expected = b"\xc0\x02\x07\xdb\xdc\xdb\xdd\x55" + crc + b"\xc0"
    assert Frame(Command.IMAGE, 7, b"\xc0\xdb\x55").encode() == expected


@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=300), st.integers(1, 50))
def test_frames_come_back_however_the_line_cuts_them(code: int, sequence: int, payload: bytes, size: int) -> None:
    frame = Frame(code, sequence, payload)
    data = frame.encode() * 2
    decoder = Decoder()
    found = [f for start in range(0, len(data), size) for f in decoder.feed(data[start : start + size])]
    assert found == [frame, frame]
    assert not decoder.inside


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_after_any_noise_the_next_frame_is_whole(noise: bytes, payload: bytes) -> None:
    frame = Frame(Command.IMAGE, 1, payload)
    assert list(Decoder().feed(noise + frame.encode()))[-1] == frame


@given(st.binary(min_size=1, max_size=60), st.data())
def test_no_damaged_frame_passes(payload: bytes, data: st.DataObject) -> None:
    """A changed bit anywhere: the frame is reported bad or falls apart, and what was sent does not come out."""
    good = Frame(Command.IMAGE, 1, payload)
    line = bytearray(good.encode())
    place = data.draw(st.integers(1, len(line) - 2))
    line[place] ^= 1 << data.draw(st.integers(0, 7))
    assert all(isinstance(found, BadFrame) for found in Decoder().feed(bytes(line)))


def test_a_frame_without_end_fills_no_memory() -> None:
    decoder = Decoder(longest=100)
    assert list(decoder.feed(b"x" * 10_000)) == []
    (bad,) = decoder.feed(b"\xc0")
    assert bad == BadFrame(Reply.BROKEN, ord("x"))
    assert list(decoder.feed(Frame(1, 2).encode())) == [Frame(1, 2)]


def test_info_and_results_have_their_layout() -> None:
    info = Info(8, 9, 3, 300, bytes(range(8)))
    assert info.encode() == b"\x01\x08\x00\x09\x00\x03\x2c\x01" + bytes(range(8))
    assert Info.decode(info.encode()) == info
    assert Info.decode(b"\x02" + info.encode()[1:]) is None
    result = Result((-2, 1 << 30), 1)
    assert result.encode() == b"\xfe\xff\xff\xff\x00\x00\x00\x40\x01\x00"
    assert Result.decode(result.encode(), 2) == result
    assert Result.decode(result.encode(), 3) is None


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (Frame(Command.INFO, 1, b"x"), Frame(Reply.LENGTH, 1)),
        (Frame(Command.IMAGE, 2, b"x" * 15), Frame(Reply.LENGTH, 2)),
        (Frame(Command.IMAGE, 2, b"x" * 17), Frame(Reply.LENGTH, 2)),
        (Frame(0x30, 3), Frame(Reply.COMMAND, 3)),
    ],
)
def test_the_emulator_answers_wrong_requests(tame: NetworkDescription, sent: Frame, answer: Frame) -> None:
    assert EmulatedBoard(tame).receive(sent.encode(), 0.0) == answer.encode()


def test_the_emulator_gives_up_a_request_that_stops(tame: NetworkDescription) -> None:
    board = EmulatedBoard(tame)
    assert board.receive(Frame(Command.INFO, 1).encode()[:5], 0.0) == b""
    assert board.receive(b"", 0.01) == b""
    assert board.receive(b"", 0.2) == Frame(Reply.LATE, 0).encode()
    assert board.receive(Frame(Command.INFO, 1).encode(), 0.3) == Frame(Reply.INFO, 1, Info.of(tame).encode()).encode()


class LossyLine:
    """A line to an emulated board that damages, drops and invents bytes; time passes by itself."""

    def __init__(self, board: EmulatedBoard, damage: Callable[[int, int], int | None]) -> None:
        self._board = board
        self._damage = damage
        self._answers = b""
        self._count = [0, 0]
        self.now = 0.0

    def _pass(self, way: int, data: bytes) -> bytes:
        passed = bytearray()
        for byte in data:
            kept = self._damage(way, self._count[way])
            self._count[way] += 1
            if kept is not None:
                passed.append(byte ^ kept)
        return bytes(passed)

    def write(self, data: bytes) -> int:
        self._answers += self._pass(1, self._board.receive(self._pass(0, data), self.now))
        return len(data)

    def read(self, size: int) -> bytes:
        self.now += 0.02
        self._answers += self._pass(1, self._board.receive(b"", self.now))
        data, self._answers = self._answers[:size], self._answers[size:]
        return data


def images_of(description: NetworkDescription, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    layer = description.input
    shape = (count, layer.height, layer.width, layer.colours)
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("window", [1, 2, 4])
def test_results_are_right_over_a_line_that_damages_every_hundredth_byte(tame: NetworkDescription, window: int) -> None:
    generator = random.Random(window)

    def damage(way: int, place: int) -> int | None:
        return generator.choice((None, 1, 0x80)) if generator.random() < 0.01 else 0

    line = LossyLine(EmulatedBoard(tame), damage)
    client = BoardClient(line, window=window, patience=0.3, tries=12, clock=lambda: line.now)
    images = images_of(tame, 30)
    trace = run(tame, images)
    assert len({tuple(row) for row in trace.logits.tolist()}) == len(images)
    results = list(client.classify(images, tame.head.classes))
    assert [result.logits for result in results] == [tuple(row) for row in trace.logits.tolist()]
    assert [result.winner for result in results] == trace.classes.tolist()
    assert client.repeated > 0


def test_a_silent_board_and_a_deaf_one_are_one_sentence(tame: NetworkDescription) -> None:
    line = LossyLine(EmulatedBoard(tame), lambda way, place: None)
    client = BoardClient(line, patience=0.1, clock=lambda: line.now)
    with pytest.raises(InputError, match=r"no reply from the board to 4 requests of 0\.1 s"):
        client.info()
    with pytest.raises(InputError, match=r"image 0: no result after 4 tries \(no reply\)"):
        list(client.classify(images_of(tame, 1), tame.head.classes))


def test_a_line_that_always_damages_ends_with_the_boards_reason(tame: NetworkDescription) -> None:
    line = LossyLine(EmulatedBoard(tame), lambda way, place: 1 if way == 0 and place % 20 == 10 else 0)
    client = BoardClient(line, window=1, patience=5, clock=lambda: line.now)
    with pytest.raises(InputError, match=r"image 0: no result after 4 tries \(the checksum was wrong\)"):
        list(client.classify(images_of(tame, 1), tame.head.classes))


def test_a_damaged_reply_is_asked_for_again_at_once(tame: NetworkDescription) -> None:
    """A bit of a result's first logit is wrong; no time-out passes."""
    line = LossyLine(EmulatedBoard(tame), lambda way, place: 1 if way == 1 and place == 4 else 0)
    client = BoardClient(line, window=1, patience=1000, clock=lambda: line.now)
    images = images_of(tame, 2)
    results = list(client.classify(images, tame.head.classes))
    assert [result.logits for result in results] == [tuple(row) for row in run(tame, images).logits.tolist()]
    assert client.repeated == 1
    assert line.now < 1


def test_another_network_is_refused(tame: NetworkDescription) -> None:
    other = tame.with_layer("head", bias=tame.head.bias + 1)
    require_same_network(Info.of(tame), Info.of(tame))
    with pytest.raises(InputError, match="the board computes a network of sha256"):
        require_same_network(Info.of(tame), Info.of(other))


@pytest.mark.parametrize("window", [0, 5, 300])
def test_a_window_is_what_a_board_can_hold(window: int, tame: NetworkDescription) -> None:
    with pytest.raises(InputError, match=f"--window: found {window}, expected 1 to 4"):
        BoardClient(LossyLine(EmulatedBoard(tame), lambda way, place: 0), window=window)


@pytest.fixture
def client(tame: NetworkDescription) -> Iterator[BoardClient]:
    with emulated_port(tame) as port, open_line(port, 1_000_000) as line:
        yield BoardClient(line)


def test_an_emulated_board_answers_on_its_pseudo_terminal(client: BoardClient, tame: NetworkDescription) -> None:
    assert client.info() == Info.of(tame)
    images = images_of(tame, 5)
    results = list(client.classify(images, tame.head.classes))
    assert [result.logits for result in results] == [tuple(row) for row in run(tame, images).logits.tolist()]


def test_a_port_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(InputError, match="found no serial line that can be used"), open_line("/dev/ttyNONE", 9600):
        pass
