"""Figures as files: each a document of its own, its colours written out."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from docksieve.workflows.report.figures import plain_style, standalone, write_figures

SVG = '<svg class="chart" viewBox="0 0 500 200" role="img"><path class="curve s1" d="M0 0"/></svg>'
PAGE = (
    '<section id="a"><h2>Target A &amp; more</h2>'
    f"<figure>{SVG}<figcaption><strong>What docking found</strong></figcaption></figure>"
    f"<figure>{SVG}<figcaption><strong>What docking found</strong></figcaption></figure></section>"
    f'<section id="b"><h2>Time</h2><figure class="wide">{SVG}<figcaption><strong>When?</strong></figcaption></figure>'
    "</section>"
)


def test_every_figure_is_named_by_section_and_title(tmp_path: Path) -> None:
    written = write_figures(PAGE, tmp_path / "new")
    assert [path.name for path in written] == [
        "target-a-more-what-docking-found.svg",
        "target-a-more-what-docking-found-2.svg",
        "time-when.svg",
    ]
    assert sorted(written) == sorted((tmp_path / "new").iterdir())


def test_a_figure_is_a_document_of_its_size_on_white_paper() -> None:
    root = ElementTree.fromstring(standalone(SVG, "path { fill: none; }").encode())
    name = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{name}svg" and (root.get("width"), root.get("height")) == ("500", "200")
    style, paper, curve = root
    assert style.text == "path { fill: none; }" and curve.get("class") == "curve s1"
    assert (paper.tag, paper.get("fill"), paper.get("width")) == (f"{name}rect", "#ffffff", "500")


def test_the_style_holds_light_colours_and_no_variables() -> None:
    style = plain_style()
    assert "var(" not in style and "@media" not in style
    colours = dict(re.findall(r"\.s(\d) \{[^}]*?(#[0-9a-f]{6})", style))
    assert colours["0"] == "#2f6fb7" and colours["7"] == "#87919b"  # of --s0 and --s7 in the light
