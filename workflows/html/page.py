"""The page that a report is: its frame, its look, and the pieces that its sections are made of.

One file, no request to anywhere: a content security policy in the page forbids them all, and allows only
the one script whose hash it names. All text goes through :func:`escape`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence

from .script import SCRIPT
from .style import STYLE
from .svg import escape

_CODE = re.compile(r"`([^`]+)`")
_UNIT = re.compile(r"(?<=\d) (?=(?:%|×|Å|[a-zµ]{1,3}\b))")


def page(title: str, body: Iterable[str]) -> str:
    """Return the whole document; ``body`` is HTML, ``title`` is text."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + f"\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def tag(name: str, content: str, class_: str = "", /, **attributes: object) -> str:
    """Return an element around HTML ``content``; attribute values are escaped."""
    given = {**({"class": class_} if class_ else {}), **attributes}
    shown = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in given.items())
    return f"<{name}{shown}>{content}</{name}>"


def paragraph(text: str, class_: str = "") -> str:
    """Return a paragraph of plain text; what stands in backticks, such as a command, is shown as code."""
    return tag("p", _CODE.sub(r"<code>\1</code>", escape(text)), class_)


def section(anchor: str, title: str, *content: str) -> str:
    """Return a section with a heading."""
    return tag("section", tag("h2", escape(title)) + "".join(content), id=anchor)


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]], left: int = 1) -> str:
    """Return a table of text whose first column heads its rows; columns after the first ``left`` hold numbers.

    A table without numbers wraps its text; others scroll sideways where the page is too narrow for them.
    """

    def numeric(at: int) -> str:
        return "" if at < left else "number"

    cells = "".join(tag("th", escape(name), numeric(at), scope="col") for at, name in enumerate(head))
    lines = []
    for row in rows:
        first, *rest = row
        line = tag("th", escape(first), scope="row")
        line += "".join(tag("td", escape(value), numeric(at)) for at, value in enumerate(rest, start=1))
        lines.append(tag("tr", line))
    inside = tag("caption", escape(caption)) + tag("thead", tag("tr", cells)) + tag("tbody", "".join(lines))
    class_ = "words" if left >= len(head) else ""
    return tag("div", tag("table", inside, class_), "scroll", tabindex=0, role="region", aria_label=caption)


def figure(svg: str, title: str, note: str = "", class_: str = "") -> str:
    """Return a drawing with a title above and a note below."""
    caption = tag("figcaption", tag("strong", escape(title)) + (paragraph(note) if note else ""))
    return tag("figure", svg + caption, class_)


def contents(links: Iterable[tuple[str, str, Iterable[tuple[str, str]]]]) -> str:
    """Return the list of contents: anchor and title of each section, and the same of its parts.

    It stays in sight while the page is read, and the page's script marks where the reader is; both need no server, and
    without the script it is still a list of links.
    """

    def item(anchor: str, title: str, parts: str = "") -> str:
        return tag("li", tag("a", escape(title), href=f"#{anchor}") + parts)

    lines = []
    for anchor, title, parts in links:
        inside = "".join(item(part, name) for part, name in parts)
        lines.append(item(anchor, title, tag("ol", inside) if inside else ""))
    return tag("nav", tag("ol", "".join(lines)), "contents", aria_label="Contents")


def together(text: str) -> str:
    """Return text in which no line ends between a number and its unit."""
    return _UNIT.sub("\u00a0", text)


def details(summary: str, *content: str) -> str:
    """Return content that opens when asked for (and is printed in any case)."""
    return tag("details", tag("summary", escape(summary)) + "".join(content))


def pairs(items: Iterable[tuple[str, object]], class_: str = "pairs") -> str:
    """Return a list of names and values."""
    return tag(
        "dl", "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in items), class_
    )


def code(text: str) -> str:
    """Return a block of verbatim text."""
    return tag("pre", tag("code", escape(text)), tabindex=0)
