# SPDX-License-Identifier: Apache-2.0
"""board_link from its serial pins: good requests, damaged ones, noise, silence; no image ever gets another's result."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AxiStreamFrame
from cocotbext.uart import UartSink, UartSource

from wsfracbnn.gen.boards.protocol import END, ESC, Command, Decoder, Frame, Reply, Result
from wsfracbnn.gen.locations import BOARD_RTL, RTL
from wsfracbnn.tb.common.bench import CLOCK_NS, Bench, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"DIVISOR": 5, "TIMEOUT": 3000, "PIXELS": 1, "COLOURS": 1, "DEPTH": 8, "REPLIES": 4, "CLASS_W": 4, "INFO": 1},
    {
        "DIVISOR": 8,
        "TIMEOUT": 4000,
        "PIXELS": 8,
        "COLOURS": 3,
        "DEPTH": 4,
        "REPLIES": 2,
        "CLASS_W": 3,
        "INFO": 0xC0DBDD,
    },
]

CLASSES = 3
PATIENCE_NS = 2_000_000


def logits_of(image: bytes) -> Result:
    """What the stand-in for an accelerator makes of an image; another image, another result."""
    total = sum((index + 1) * byte for index, byte in enumerate(image))
    logits = (total - 4000, -total, 0xC0DB if image[0] & 1 else -1)
    return Result(logits, logits.index(max(logits)))


class Link:
    """The block between a serial line and a stand-in for an accelerator, which drops frames of a wrong length."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.bench = Bench(dut)
        self.pixels = parameter(dut, "PIXELS")
        self.colours = parameter(dut, "COLOURS")
        dut.rx.value = 1
        self.decoder = Decoder()
        self.frames: list[bytes] = []
        self.hold = False
        cocotb.start_soon(self._accelerate())

    async def start(self) -> None:
        """Reset, then the serial line: in a netlist it may be low before, as if a byte began."""
        await self.bench.reset()
        baud = 1e9 / (CLOCK_NS * parameter(self.dut, "DIVISOR"))
        self.source = UartSource(self.dut.rx, baud=baud)
        self.sink = UartSink(self.dut.tx, baud=baud)
        for end in (self.source, self.sink):
            end.log.setLevel("WARNING")

    @property
    def image_bytes(self) -> int:
        return self.pixels * self.colours

    async def _accelerate(self) -> None:
        source, sink = self.bench.sources["s_axis"], self.bench.sinks["m_axis"]
        while True:
            frame = await sink.recv(compact=False)
            image = b"".join(int(beat).to_bytes(self.colours, "little") for beat in frame.tdata)
            self.frames.append(image)
            if len(frame.tdata) == self.pixels:
                result = logits_of(image)
                user = [0] * (CLASSES - 1) + [result.winner]
                source.send_nowait(AxiStreamFrame([v & 0xFFFFFFFF for v in result.logits], tuser=user))

    def image(self, generator: random.Random) -> bytes:
        """Random bytes, those among them that need an escape."""
        return bytes(generator.choice((END, ESC, generator.getrandbits(8))) for _ in range(self.image_bytes))

    def send(self, data: bytes) -> None:
        self.source.write_nowait(data)

    async def reply(self) -> Frame:
        """The next frame from the board; a damaged one is none."""
        while True:
            data = await with_timeout(self.sink.read(), PATIENCE_NS, "ns")
            for frame in self.decoder.feed(bytes(data)):
                assert isinstance(frame, Frame), frame
                return frame

    async def expect(self, *replies: Frame) -> None:
        for number, reply in enumerate(replies):
            same(f"reply {number}", reply, await self.reply())

    async def quiet(self) -> None:
        """Nothing more comes."""
        await ClockCycles(self.dut.clk, 200 * parameter(self.dut, "DIVISOR"))
        same("bytes that nobody asked for", 0, self.sink.count())


async def new_link(dut: Any) -> Link:
    link = Link(dut)
    await link.start()
    return link


def request(image: bytes, sequence: int) -> bytes:
    return Frame(Command.IMAGE, sequence, image).encode()


def result(image: bytes, sequence: int) -> Frame:
    return Frame(Reply.RESULT, sequence, logits_of(image).encode())


@cocotb.test()
async def images_get_their_results(dut: Any) -> None:
    link = await new_link(dut)
    generator = seeded()
    images = [link.image(generator) for _ in range(6)]
    same("activity after a reset", 0, int(dut.activity.value))
    for sequence, image in enumerate(images):
        link.send(request(image, 250 + sequence))
        await link.expect(result(image, 250 + sequence))
        same(f"activity after {sequence + 1} replies", (sequence + 1) % 2, int(dut.activity.value))
    same("frames at the accelerator", images, link.frames)
    await link.quiet()


@cocotb.test()
async def two_requests_can_be_on_their_way(dut: Any) -> None:
    link = await new_link(dut)
    generator = seeded()
    first, second = link.image(generator), link.image(generator)
    link.send(request(first, 1) + request(second, 2))
    await link.expect(result(first, 1), result(second, 2))
    await link.quiet()


@cocotb.test()
async def info_is_the_constant(dut: Any) -> None:
    link = await new_link(dut)
    info = parameter(dut, "INFO").to_bytes(parameter(dut, "INFO_BYTES"), "little")
    link.send(Frame(Command.INFO, END).encode())
    await link.expect(Frame(Reply.INFO, END, info))


def damaged(image: bytes, sequence: int) -> Sequence[tuple[bytes, Reply]]:
    """Frames that are wrong in one way each, with the error that they earn."""
    good = request(image, sequence)
    body = bytes((Command.IMAGE, sequence)) + image
    wrong_bit = Frame(Command.IMAGE, sequence, bytes((image[0] ^ 1,)) + image[1:]).encode()
    mixed = wrong_bit[: len(wrong_bit) // 2] + good[len(good) // 2 :] if len(image) > 4 else b""
    cases = [
        (bytes((END,)) + body.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\x00\x00\x00\x00\xc0",
         Reply.CHECKSUM),
        (Frame(Command.IMAGE, sequence, image[:-1]).encode(), Reply.LENGTH),
        (Frame(Command.IMAGE, sequence, image + b"\x07").encode(), Reply.LENGTH),
        (Frame(Command.IMAGE, sequence, image + bytes(40)).encode(), Reply.LENGTH),
        (Frame(Command.IMAGE, sequence).encode(), Reply.LENGTH),
        (Frame(Command.INFO, sequence, b"x").encode(), Reply.LENGTH),
        (Frame(0x77, sequence, image).encode(), Reply.COMMAND),
        (bytes((END, Command.IMAGE, sequence)) + b"\xdb\x00" + image[:1] + bytes((END,)), Reply.BROKEN),
    ]  # fmt: skip
    return cases + ([(mixed, Reply.CHECKSUM)] if mixed and mixed not in (good, wrong_bit) else [])


@cocotb.test()
async def a_damaged_request_is_answered_with_its_error_and_the_next_one_is_whole(dut: Any) -> None:
    link = await new_link(dut)
    generator = seeded()
    for number, (data, error) in enumerate(damaged(bytes(range(1, link.image_bytes + 1)), 9)):
        good = link.image(generator)
        link.send(data)
        same(f"error {number}", Frame(error, 9), await link.reply())
        link.send(request(good, number))
        await link.expect(result(good, number))
    await link.quiet()


@cocotb.test()
async def a_request_that_stops_is_given_up(dut: Any) -> None:
    link = await new_link(dut)
    generator = seeded()
    image = link.image(generator)
    whole = request(image, 3)
    # In the head, among the pixels, in the checksum, before the closing END.
    for length in (3, len(whole) // 2, len(whole) - 3, len(whole) - 1):
        link.send(whole[:length])
        late = await link.reply()
        same("error", Reply.LATE, late.code)
        link.send(request(image, 4))
        await link.expect(result(image, 4))
    await link.quiet()


@cocotb.test()
async def noise_between_requests_does_not_touch_the_next(dut: Any) -> None:
    link = await new_link(dut)
    generator = seeded()
    for number in range(12):
        link.send(bytes(generator.getrandbits(8) for _ in range(generator.randint(1, 30))))
        if number % 3 == 0:  # a line that is held low: no stop bit
            await link.source.wait()
            dut.rx.value = 0
            await ClockCycles(dut.clk, 30 * parameter(dut, "DIVISOR"))
            dut.rx.value = 1
            await ClockCycles(dut.clk, 30 * parameter(dut, "DIVISOR"))
        image = link.image(generator)
        link.send(request(image, number))
        while (frame := await link.reply()).code != Reply.RESULT:
            assert frame.code >= Reply.CHECKSUM, frame
        same("result after noise", result(image, number), frame)


@cocotb.test()
async def a_pulse_shorter_than_half_a_bit_is_no_byte(dut: Any) -> None:
    link = await new_link(dut)
    for _ in range(5):
        dut.rx.value = 0
        await ClockCycles(dut.clk, max(1, parameter(dut, "DIVISOR") // 2 - 2))
        dut.rx.value = 1
        await ClockCycles(dut.clk, 12 * parameter(dut, "DIVISOR"))
    await link.quiet()
    image = link.image(seeded())
    link.send(request(image, 1))
    await link.expect(result(image, 1))


@cocotb.test()
async def pixels_without_room_are_an_error_and_leave_nothing(dut: Any) -> None:
    link = await new_link(dut)
    if link.pixels <= parameter(dut, "DEPTH"):
        return  # an image always has room
    image = link.image(seeded())
    sink = link.bench.sinks["m_axis"]
    await RisingEdge(dut.clk)
    sink.pause = True
    link.send(request(image, 5) + request(image, 6))
    await link.source.wait()
    await ClockCycles(dut.clk, 20 * parameter(dut, "DIVISOR"))
    sink.pause = False
    same("error", Frame(Reply.OVERRUN, 5), await link.reply())
    await link.quiet()
    link.send(request(image, 7))
    await link.expect(result(image, 7))


@cocotb.test()
async def requests_beyond_the_replies_are_ignored(dut: Any) -> None:
    link = await new_link(dut)
    count = parameter(dut, "REPLIES") + 4
    for sequence in range(count):
        link.send(Frame(Command.INFO, sequence).encode())
    answered = [(await link.reply()).sequence]
    await ClockCycles(dut.clk, 400 * parameter(dut, "DIVISOR") * count)
    while not link.sink.empty():
        answered += [f.sequence for f in link.decoder.feed(bytes(link.sink.read_nowait())) if isinstance(f, Frame)]
    same("order of the replies", sorted(answered), answered)
    assert len(answered) >= parameter(dut, "REPLIES"), answered
    image = link.image(seeded())
    link.send(request(image, 99))
    await link.expect(result(image, 99))


@cocotb.test()
async def a_reset_forgets_requests_and_replies(dut: Any) -> None:
    """In the head, among the pixels, in mid-reply; the accelerator is reset too."""
    link = await new_link(dut)
    generator = seeded()
    byte = 10 * parameter(dut, "DIVISOR")
    whole = request(link.image(generator), 1)
    for bytes_sent, bytes_behind in ((2, 0), (len(whole) // 2, 0), (len(whole), 5)):
        link.send(whole[:bytes_sent])
        await link.source.wait()
        await ClockCycles(dut.clk, bytes_behind * byte + generator.randint(1, byte))
        await link.bench.reset(cycles=1)
        await ClockCycles(dut.clk, 12 * byte)  # what was on the line is over
        link.sink.clear()
        link.decoder = Decoder()
        image = link.image(generator)
        link.send(request(image, bytes_sent))
        await link.expect(result(image, bytes_sent))
        await link.quiet()


def test_board_link(block: tuple[str, dict[str, int]]) -> None:
    sources = [*sorted(BOARD_RTL.glob("*.v")), RTL / "crc32_byte.v", RTL / "stream_fifo.v"]
    run_block(block[0], "board_link", Path(__file__), block[1], sources=sources)
