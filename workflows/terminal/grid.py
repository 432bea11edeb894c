"""Tables that can be read at any width: with lines where there is room, narrower, and one value a line at the worst.

A cell is never squeezed until words and numbers break: what does not fit is left to a form that fits. Texts are shown
as they are; nothing in them is read as markup.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

GAP = "  "
INDENT = "    "
LEAST_WRAPPED = 16
"""Characters below which a column of sentences is not narrowed."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    name : str
    right : bool
        Numbers stand to the right.
    wraps : bool
        Sentences, which may be broken between words.
    least : int
        Characters below which such a column is not narrowed.
    below : bool
        Where the row has no room for it, the value stands in a line of its own below: a SMILES, a long id.
    named : bool
        There, the name of the column stands before it.
    """

    name: str
    right: bool = False
    wraps: bool = False
    least: int = LEAST_WRAPPED
    below: bool = False
    named: bool = False


@dataclass
class Grid:
    """A table.

    Attributes
    ----------
    columns : sequence of Column
    title : str
        Stands above.
    rows : list of (sequence of str, str)
        Cells, and the style of the row.
    """

    columns: Sequence[Column]
    title: str = ""
    rows: list[tuple[Sequence[str], str]] = field(default_factory=list)

    def add(self, *cells: object, style: str = "") -> None:
        """Add a row."""
        self.rows.append(([str(cell) for cell in cells], style))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the widest form that fits."""
        width = options.max_width
        if self.title:
            yield Text(self.title, style="italic")
        if self._boxed_width() <= width:
            yield self._boxed()
            return
        below = [place for place, column in enumerate(self.columns) if column.below]
        for aside in ([], below[-1:], below):
            widths = self._widths(aside, width)
            if widths is not None:
                yield from self._plain(widths, aside)
                return
        yield from self._records()

    def _cells(self, place: int) -> Iterator[str]:
        return (cells[place] for cells, _ in self.rows)

    def _need(self, place: int) -> int:
        return max([cell_len(self.columns[place].name), *map(cell_len, self._cells(place))])

    def _boxed_width(self) -> int:
        return sum(self._need(place) + 3 for place in range(len(self.columns))) + 1

    def _boxed(self) -> Table:
        table = Table()
        for column in self.columns:
            table.add_column(Text(column.name), justify="right" if column.right else "left", no_wrap=True)
        for cells, style in self.rows:
            table.add_row(*map(Text, cells), style=style or None)
        return table

    def _widths(self, aside: Sequence[int], width: int) -> dict[int, int] | None:
        """Return the width of every column that is not put aside; None if they do not fit."""
        shown = [place for place in range(len(self.columns)) if place not in aside]
        widths = {}
        for place in shown:
            words = self.columns[place].name.split() or [""]
            widths[place] = max([*map(cell_len, words), *map(cell_len, self._cells(place))])
        spare = width - sum(widths.values()) - len(GAP) * (len(shown) - 1)
        wrapping = [place for place in shown if self.columns[place].wraps]
        while spare < 0 and wrapping:
            widest = max(wrapping, key=lambda place: widths[place])
            if widths[widest] <= self.columns[widest].least:
                wrapping.remove(widest)
                continue
            widths[widest] -= 1
            spare += 1
        return widths if spare >= 0 else None

    def _plain(self, widths: dict[int, int], aside: Sequence[int]) -> Iterator[Text]:
        heads = [_wrapped(self.columns[place].name, widths[place]) for place in widths]
        tall = max(map(len, heads))
        for line in range(tall):
            parts = [head[line - tall + len(head)] if line >= tall - len(head) else "" for head in heads]
            yield Text(self._line(parts, widths), style="bold")
        for cells, style in self.rows:
            blocks = [_wrapped(cells[place], widths[place]) for place in widths]
            for line in range(max(map(len, blocks))):
                parts = [block[line] if line < len(block) else "" for block in blocks]
                yield Text(self._line(parts, widths), style=style)
            for place in aside:
                if cells[place]:
                    name = f"{self.columns[place].name}: " if self.columns[place].named else ""
                    yield Text(f"{INDENT}{name}{cells[place]}", style=style, overflow="fold")

    def _line(self, parts: Sequence[str], widths: dict[int, int]) -> str:
        placed = []
        for part, (place, width) in zip(parts, widths.items(), strict=True):
            blank = " " * (width - cell_len(part))
            placed.append(blank + part if self.columns[place].right else part + blank)
        return GAP.join(placed).rstrip()

    def _records(self) -> Iterator[Text]:
        """Yield each row as lines of name and value."""
        names = max(cell_len(column.name) for column in self.columns)
        for cells, style in self.rows:
            yield Text(cells[0], style=f"bold {style}".strip(), overflow="fold")
            for column, cell in zip(self.columns[1:], cells[1:], strict=True):
                if cell:
                    blank = " " * (names - cell_len(column.name))
                    yield Text(f"  {column.name}{blank}  {cell}", style=style, overflow="fold")


def numbers(*names: str) -> list[Column]:
    """Return columns of numbers."""
    return [Column(name, right=True) for name in names]


def _wrapped(text: str, width: int) -> list[str]:
    if cell_len(text) <= width:
        return [text]
    words = re.findall(r"[^\s./]+[./]*|[./]+|\s+", text)  # a long name is broken after its dots and strokes
    lines = [""]
    for word in words:
        if cell_len(lines[-1] + word.rstrip()) <= width:
            lines[-1] += word
        elif cell_len(word) <= width:
            lines.append(word.lstrip())
        else:
            pieces = textwrap.wrap(word, max(width, 1)) or [""]
            lines += pieces
    return [line.rstrip() for line in lines if line.strip()] or [""]
