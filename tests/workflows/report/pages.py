"""What a browser would make of a page."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "br", "hr", "img", "input", "link"}


FETCHING = {"src", "srcset", "data", "action", "formaction", "poster", "background", "xlink:href"}


class Page(HTMLParser):
    """What a browser would make of the page: elements, texts, and whether it is well formed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open[-1:]):
            self.text.append(data)

    def of(self, tag: str, class_: str | None = None) -> list[dict[str, str | None]]:
        return [
            a
            for name, a in self.elements
            if name == tag and class_ in (None, *(a.get("class") or "").split())
        ]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def parsed(path: Path) -> Page:
    page = Page(path.read_text(encoding="utf-8"))
    assert not page.open, f"never closed: {page.open}"
    return page
