# SPDX-License-Identifier: Apache-2.0
"""A page's part about an exploration, and the file that it is made of."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest

from wsfracbnn.gen.explore.results import EXPLORATION, read_exploration, write_exploration
from wsfracbnn.gen.report.exploration import FRONT, OTHERS, chart_of, verdict_of
from wsfracbnn.gen.report.page import render_report
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError

from .pages import explored, nothing_known


def test_the_front_is_of_designs_that_are_bit_exact_and_routed() -> None:
    """auto has 120,000 images/s in 2,010 LUTs, small 18,750 in 900, fast 266,667; auto beats cycles=1200."""
    found = explored()
    assert [result.fold for result in found.front] == ["auto", "small", "fast"]
    assert [verdict_of(found, result) for result in found.results] == [
        "bit-exact in 10 images, on the front, the best",
        "bit-exact in 10 images, on the front",
        "bit-exact in 10 images",
        "bit-exact in 10 images, on the front, luts > 5000",
        "NOT bit-exact",
        "seed 1: Unable to place cell",
    ]


def test_the_chart_has_each_such_design_at_its_place() -> None:
    chart = chart_of(explored(), 1)
    assert chart is not None
    (rows,) = chart.spec["datasets"].values()
    assert [(row["luts"], row["rate"], row["mhz"], row["is"]) for row in rows] == [
        (2010, 120_000, 120.0, FRONT),
        (900, 18_750, 150.0, FRONT),
        (2500, 91_667, 110.0, OTHERS),
        (9000, 266_667, 80.0, FRONT),
    ]
    assert chart_of(explored().model_copy(update={"results": ()}), 1) is None


def test_the_table_has_best_and_median(network: NetworkDescription) -> None:
    page = render_report([nothing_known(network)], "wsfracbnn report x", [explored()])
    assert '<a href="#exploration-1">Exploration</a>' in page
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', page)
    cells = {name: html.unescape(re.sub(r"<[^>]+>", "|", text)) for name, text in rows}
    assert cells["auto"] == (
        "|ecp5-25f, grade 6||2,010||1,000||1,000||120.0||110.0||2||120,000|"
        "|bit-exact in 10 images, on the front, the best|"
    )
    assert cells["large"].endswith("||-||1,000||250||-||-||0||-||seed 1: Unable to place cell|")
    assert cells["device=huge"] == "|ecp5-25f||90,000||9||does not fit|"
    assert "Exploration" not in render_report([nothing_known(network)], "wsfracbnn report x")


def test_the_file_is_read_back_and_refused_where_damaged(tmp_path: Path) -> None:
    write_exploration(tmp_path, explored())
    assert read_exploration(tmp_path) == explored()
    path = tmp_path / EXPLORATION
    contents = json.loads(path.read_text())
    for change, sentence in (
        ({"best": 6}, "key 'best': found 6, expected less than the 6 results"),
        ({"objective": "speed"}, "key 'objective': found 'speed', expected images_per_s or luts"),
        ({"at_most": {"area": 3}}, "at_most.area"),
        ({"results": 3}, "key 'results': found 3, expected a list"),
    ):
        path.write_text(json.dumps(contents | change))
        with pytest.raises(InputError) as refused:
            read_exploration(tmp_path)
        assert str(refused.value).startswith(f"{path}: not the results of an exploration (")
        assert sentence in str(refused.value)
