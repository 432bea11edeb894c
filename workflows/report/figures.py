"""Figures of a report as SVG files that any program opens: their colours written out, no page needed."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path

from ...data.store import write_bytes
from ..html.colours import COLOURS
from ..html.style import STYLE
from ..html.svg import SERIES

_SECTION = re.compile(r'<section id="([^"]*)"><h2>(.*?)</h2>')
_FIGURE = re.compile(r"<figure\b[^>]*>(<svg\b.*?</svg>)<figcaption><strong>(.*?)</strong>", re.DOTALL)
_RULE = re.compile(r"^(?:svg)?\.chart ([^{]+)\{([^}]*)\}", re.MULTILINE)
_VARIABLE = re.compile(r"var\(--([a-z0-9-]+)\)")
_VIEW = re.compile(r'viewBox="0 0 (\d+) (\d+)"')
_FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


def write_figures(page: str, folder: Path) -> list[Path]:
    """Write every chart of a report's page to a file of its own.

    Parameters
    ----------
    page : str
        The report.
    folder : Path
        Made if it does not exist; files of the same names are replaced.

    Returns
    -------
    list of Path
        ``SECTION-TITLE.svg``, in the order of the page. The figures are those of the page, to the last number.
    """
    places = [(match.start(), html.unescape(match.group(2))) for match in _SECTION.finditer(page)]
    style = plain_style()
    written: list[Path] = []
    for match in _FIGURE.finditer(page):
        where = [title for start, title in places if start < match.start()]
        words = f"{where[-1] if where else ''} {html.unescape(match.group(2))}"
        name = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "figure"
        path = folder / f"{name}.svg"
        if path in written:
            path = folder / f"{name}-{len(written) + 1}.svg"
        write_bytes(path, standalone(match.group(1), style).encode("utf-8"))
        written.append(path)
    return written


def standalone(svg: str, style: str) -> str:
    """Return a chart of the page as a document: its size, its style and white paper under it."""
    found = _VIEW.search(svg)
    width, height = found.groups() if found else ("420", "300")
    head, _, rest = svg.partition(">")
    opening = f'{head} xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
    paper = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{opening}<style>{style}</style>{paper}{rest}\n'


def plain_style() -> str:
    """Return the charts' style in light colours without variables, which only browsers know."""
    light = dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]+)", COLOURS.split("@media", 1)[0]))
    rules = [f"text {{ font-family: {_FONT}; }}"]
    for selectors, body in _RULE.findall(STYLE):
        for selector in (part.strip() for part in selectors.split(",")):
            names = [
                *(f"s{index}" for index in range(SERIES)),
                *(key for key in light if key.startswith("a-")),
            ]
            for name in names if "var(--c)" in body else ("",):
                colours = {**light, "c": light[name]} if name else light
                rules.append(f"{selector}{f'.{name}' if name else ''} {{{_filled(body, colours)}}}")
    return " ".join(" ".join(rule.split()) for rule in rules)


def _filled(body: str, colours: Mapping[str, str]) -> str:
    """Return style with the variables' values in their places."""
    return _VARIABLE.sub(lambda match: colours.get(match.group(1), "#000000"), body)
