# SPDX-License-Identifier: Apache-2.0
"""Draw docs/drawings/*.svg, the pictures of docs/concepts.md: `python -m scripts.site.drawings`.

Each lies on a light sheet of its own, so that it reads the same on light and on dark pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "drawings"

INK, PALE, GRID = "#1f2933", "#5b6776", "#b8c1cc"
UPPER, LOWER, RESULT, IDLE = "#c9dcf2", "#f8dcc0", "#d3ead6", "#eef1f5"
UPPER_EDGE, LOWER_EDGE, RESULT_EDGE = "#2f6db3", "#b8661b", "#2f7d3f"
EDGES = {UPPER: UPPER_EDGE, LOWER: LOWER_EDGE, RESULT: RESULT_EDGE, IDLE: GRID}


def box(x: float, y: float, width: float, height: float, fill: str, *lines: str, size: int = 14) -> str:
    """A rectangle with centred lines of text."""
    size_and_fill = f'width="{width}" height="{height}" rx="4" fill="{fill}" stroke="{EDGES[fill]}"'
    parts = [f'<rect x="{x}" y="{y}" {size_and_fill}/>']
    first = y + height / 2 - (len(lines) - 1) * (size + 3) / 2 + size * 0.35
    parts += [words(x + width / 2, first + n * (size + 3), line, "middle", size) for n, line in enumerate(lines)]
    return "\n".join(parts)


def words(x: float, y: float, text: str, anchor: str = "start", size: int = 14, colour: str = INK) -> str:
    """One line of text; y is its base line."""
    return f'<text x="{x}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(text)}</text>'


def arrow(*points: tuple[float, float]) -> str:
    """A line through the points, with a head at its end."""
    path = " ".join(f"{x},{y}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{PALE}" stroke-width="1.5" marker-end="url(#head)"/>'


def sheet(title: str, width: int, height: int, parts: Iterator[str]) -> str:
    """A whole SVG; title: what a screen reader says."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}" font-family="system-ui, DejaVu Sans, sans-serif">\n'
        f"<title>{escape(title)}</title>\n"
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0,0 L8,4 L0,8 z" fill="{PALE}"/></marker></defs>\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#fbfcfd"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def fractional() -> Iterator[str]:
    """Two planes of a 2-bit activation, two binary sums, one gate."""
    yield words(20, 34, "value, times 3", colour=PALE)
    yield words(20, 60, "upper bit, lower bit", colour=PALE)
    for number, (value, bits) in enumerate((("-3", "0 0"), ("-1", "0 1"), ("+1", "1 0"), ("+3", "1 1"))):
        x = 190 + 80 * number
        yield words(x, 34, value, "middle")
        yield words(x, 60, bits, "middle")
    yield box(20, 150, 120, 60, IDLE, "activations", "2 bits each")
    yield box(210, 100, 130, 50, UPPER, "upper plane", "+1 or -1")
    yield box(210, 210, 130, 50, LOWER, "lower plane", "+1 or -1")
    yield box(410, 100, 130, 50, UPPER, "XNOR, popcount", "= sum S_m")
    yield box(410, 210, 130, 50, LOWER, "XNOR, popcount", "= sum S_l")
    yield box(610, 150, 120, 60, RESULT, "A = 2 S_m", "+ gate * S_l")
    yield arrow((140, 180), (175, 180), (175, 125), (208, 125))
    yield arrow((140, 180), (175, 180), (175, 235), (208, 235))
    yield arrow((340, 125), (408, 125))
    yield arrow((340, 235), (408, 235))
    yield arrow((540, 125), (580, 125), (580, 168), (608, 168))
    yield arrow((540, 235), (580, 235), (580, 194), (608, 194))
    yield arrow((475, 150), (475, 208))
    yield words(484, 184, "S_m > G ?", size=13)
    yield words(375, 92, "1-bit weights, the same for both", "middle", 13, PALE)
    yield words(475, 282, "only where the gate is open", "middle", 13, PALE)


def gating() -> Iterator[str]:
    """Upper sums against a threshold, and the passes that follow from them."""
    sums, threshold, zero, scale = (6, -10, 14, -4, 2, 18, -14, 4), 8, 112, 3
    yield words(20, 30, "Upper sums S_m of eight outputs, after the first pass", size=14)
    yield f'<line x1="20" x2="560" y1="{zero}" y2="{zero}" stroke="{GRID}"/>'
    level = zero - threshold * scale
    yield f'<line x1="20" x2="560" y1="{level}" y2="{level}" stroke="{LOWER_EDGE}" stroke-dasharray="5 4"/>'
    yield words(568, level + 5, "threshold G: open above", size=13, colour=LOWER_EDGE)
    yield words(568, zero + 5, "0", size=13, colour=PALE)
    for number, value in enumerate(sums):
        x, is_open = 40 + 64 * number, value > threshold
        fill, top = LOWER if is_open else UPPER, min(zero, zero - value * scale)
        edge = EDGES[fill]
        yield f'<rect x="{x}" y="{top}" width="36" height="{abs(value) * scale}" fill="{fill}" stroke="{edge}"/>'
        yield words(x + 18, 186, str(number), "middle", 13, PALE)
    yield words(20, 224, "Cycles of one lane: eight outputs in the first pass, then the open ones again", size=14)
    for slot in range(10):
        output = str(slot) if slot < 8 else ("2", "5")[slot - 8]
        yield box(20 + 52 * slot, 238, 48, 34, UPPER if slot < 8 else LOWER, output)
    yield words(226, 294, "first pass: 8", "middle", 13, PALE)
    yield words(486, 294, "second: 2", "middle", 13, PALE)
    yield words(568, 260, "10 cycles, not 16", size=13)


def folding() -> Iterator[str]:
    """A layer's work as a grid of output channels and window bits, and the part that is done in one cycle."""
    yield words(170, 34, "72 window bits", "middle", 14)
    yield words(470, 34, "one cycle", "middle", 14)
    rows, columns, cell_w, cell_h = 8, 4, 60, 24
    for row in range(rows):
        for column in range(columns):
            now = row < 2 and column == columns - 1
            x, y = 50 + column * cell_w, 46 + row * cell_h
            fill = UPPER if now else IDLE
            yield f'<rect x="{x}" y="{y}" width="{cell_w}" height="{cell_h}" fill="{fill}" stroke="{EDGES[fill]}"/>'
    yield f'<g transform="translate(36 142) rotate(-90)">{words(0, 0, "8 outputs", "middle")}</g>'
    yield words(170, 262, "4 chunks of SIMD 18; 4 groups of PE 2", "middle", 13, PALE)
    yield words(170, 282, "4 * 4 = 16 cycles a window and pass", "middle", 13, PALE)
    yield arrow((292, 58), (335, 58), (335, 95), (378, 95))
    yield arrow((292, 82), (320, 82), (320, 165), (378, 165))
    for lane in range(2):
        y = 70 + lane * 70
        yield box(380, y, 180, 50, UPPER, f"lane {lane}: 18 XNOR", "popcount, add to the sum", size=13)
        yield arrow((560, y + 25), (620, y + 25))
        yield words(628, y + 30, f"output {lane}", size=13)
    yield words(470, 230, "PE lanes of SIMD bits:", "middle", 13, PALE)
    yield words(470, 250, "twice the lanes, half the cycles", "middle", 13, PALE)


def contract() -> Iterator[str]:
    """The four computations and who compares which."""
    names = (("PyTorch", "eval forward"), ("integer model", "numpy"), ("Icarus", "Verilog"), ("Verilator", "Verilog"))
    for number, lines in enumerate(names):
        fill = (UPPER, RESULT, LOWER, LOWER)[number]
        yield box(20 + 190 * number, 60, 140, 60, fill, *lines)
        if number:
            yield words(185 + 190 * (number - 1), 97, "=", "middle", 26)
    yield words(185, 40, "emit, sim", "middle", 13, PALE)
    yield words(470, 40, "sim: every value of every layer", "middle", 13, PALE)
    yield words(
        375, 160, "Integers only: sums, shifts, compares. Nothing is rounded that the others do not round.", "middle"
    )


DRAWINGS: dict[str, tuple[str, int, int, Callable[[], Iterator[str]]]] = {
    "fractional": ("A fractional convolution: two binary sums and a gate", 750, 300, fractional),
    "gating": ("Gates: only outputs above a threshold get a second pass", 750, 312, gating),
    "folding": ("Folding: the part of a layer that is computed in one cycle", 750, 300, folding),
    "contract": ("Four computations of the same integers", 750, 184, contract),
}


def main() -> None:
    """Write all drawings."""
    FOLDER.mkdir(exist_ok=True)
    for name, (title, width, height, draw) in DRAWINGS.items():
        (FOLDER / f"{name}.svg").write_text(sheet(title, width, height, draw()))


if __name__ == "__main__":
    main()
