"""Draws ``architecture.svg`` from the folders of the package and the imports between them.

    python docs/draw_architecture.py            # writes docs/architecture.svg
    python docs/draw_architecture.py --check    # exit code 1 if it is not as it would be written

Every box is a folder with the number of its modules. Within one of the five packages an arrow goes from a folder to one
that it imports, drawn only where no longer way of arrows says the same (transitive reduction). Between the packages an
arrow stands for all imports of folders of one by folders of the other; its number says how many pairs of folders these
are. Counted are all imports: at the top, inside functions, under ``TYPE_CHECKING`` and of modules named in strings.
A dashed arrow joins packages of the middle row, whose modules do not import each other: one names a module of the other
in a string, to start it as a process.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.sax.saxutils import escape

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "tests"))

from layering import Tree, folder_of, folders, read_tree  # noqa: E402 - beside the test that measures the same

PACKAGES = ("workflows", "models", "screening", "hpc", "data")
COLOURS = {
    "workflows": "#e8eef8",
    "models": "#e9f4e7",
    "screening": "#fbf1dd",
    "hpc": "#f3e9f5",
    "data": "#eceff1",
}
WHAT = {
    "workflows": "campaigns, hits, reports, commands",
    "models": "teachers and students",
    "screening": "docking, acquisition, queries",
    "hpc": "sites, Parsl, Dask, nodes",
    "data": "molecules, libraries, files, receipts",
}
LETTER, BOX, ROW, GAP, MARGIN = 6.7, 40, 86, 16, 22
"""Width of a letter; height of a box; distance of rows; least distance of boxes; distance from the frame (pixels)."""


class Package:
    """One of the five packages: its folders in rows, each above those that it imports."""

    def __init__(self, name: str, tree: Tree, needs: dict[str, set[str]]) -> None:
        self.name = name
        inside = {folder for folder in needs if folder.partition(".")[0] == name}
        sizes = {folder: _modules(tree, folder) for folder in inside}
        drawn = {folder for folder in inside if sizes[folder]}  # a folder of data files alone is not drawn
        self.sizes = sizes
        self.arrows = reduced({folder: (needs[folder] & drawn) - {folder} for folder in drawn})
        self.rows = in_rows(self.arrows)
        self.width = max(sum(self.box_width(f) for f in row) + GAP * (len(row) - 1) for row in self.rows)
        self.width = max(self.width, 330.0) + 2 * MARGIN
        self.height = ROW * (len(self.rows) - 1) + BOX + 2 * MARGIN + 26
        self.places: dict[str, tuple[float, float, float]] = {}

    def label(self, folder: str) -> str:
        """Return what stands in the box of a folder."""
        inner = folder.partition(".")[2]
        return inner.replace(".", "/") if inner else f"{self.name}/*.py"

    def box_width(self, folder: str) -> float:
        """Return how wide the box of a folder is."""
        return max(LETTER * len(self.label(folder)) + 20, 70.0)

    def place(self, left: float, top: float, width: float) -> None:
        """Say where the frame begins, and so where each box is: centre, upper edge, width."""
        self.left, self.top, self.frame = left, top, width
        for number, row in enumerate(self.rows):
            widths = [self.box_width(folder) for folder in row]
            space = (width - 2 * MARGIN - sum(widths)) / len(row)
            x = left + MARGIN + space / 2
            for folder, wide in zip(row, widths, strict=True):
                self.places[folder] = (x + wide / 2, top + MARGIN + 26 + ROW * number, wide)
                x += wide + space

    def drawn(self) -> list[str]:
        """Return the elements of the package."""
        parts = [
            f'<rect x="{self.left:.1f}" y="{self.top:.1f}" width="{self.frame:.1f}" height="{self.height:.1f}" rx="10" '
            f'fill="{COLOURS[self.name]}" stroke="#9aa5b1"/>',
            f'<text x="{self.left + 14:.1f}" y="{self.top + 24:.1f}"><tspan class="name">{self.name}/</tspan>'
            f'<tspan class="what" dx="8">{escape(WHAT[self.name])}</tspan></text>',
        ]
        for folder, others in sorted(self.arrows.items()):
            parts += [self._arrow(folder, other) for other in sorted(others)]
        for folder, (x, y, wide) in sorted(self.places.items()):
            count = self.sizes[folder]
            parts.append(
                f'<rect x="{x - wide / 2:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{BOX}" rx="5" class="box"/>'
                f'<text x="{x:.1f}" y="{y + 17:.1f}" class="folder">{escape(self.label(folder))}</text>'
                f'<text x="{x:.1f}" y="{y + 32:.1f}" class="size">{count} module{"s" * (count != 1)}</text>'
            )
        return parts

    def _arrow(self, folder: str, other: str) -> str:
        x, y, _ = self.places[folder]
        to_x, to_y, _ = self.places[other]
        y += BOX
        bend = min((to_y - y) / 2, 60)
        path = (
            f"M{x:.1f},{y:.1f} C{x:.1f},{y + bend:.1f} {to_x:.1f},{to_y - bend:.1f} {to_x:.1f},{to_y - 2:.1f}"
        )
        return f'<path d="{path}" class="arrow"/>'


def _modules(tree: Tree, folder: str) -> int:
    return sum(
        path.name != "__init__.py" for name, path in tree.files.items() if folder_of(tree, name) == folder
    )


def reduced(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the arrows of an acyclic graph that no longer way says already."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        for other in graph[start]:
            found |= {other} | reached(other)
        return found

    return {
        node: {other for other in others if not any(other in reached(step) for step in others - {other})}
        for node, others in graph.items()
    }


def in_rows(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the nodes of an acyclic graph in rows, each as low as those that need it allow, by name."""
    depth: dict[str, int] = {}

    def below(node: str) -> int:
        if node not in depth:
            depth[node] = 1 + max((below(other) for other in graph[node]), default=-1)
        return depth[node]

    for node in graph:
        below(node)
    lowest = max(depth.values())
    rows: list[list[str]] = [[] for _ in range(lowest + 1)]
    for node in sorted(graph):
        rows[lowest - depth[node]].append(node)
    return _untangled(rows, graph)


def _untangled(rows: list[list[str]], graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the rows with each node near the middle of those that it is joined to (two sweeps of barycentres)."""
    joined = {node: graph[node] | {other for other in graph if node in graph[other]} for node in graph}
    for order in (range(len(rows) - 2, -1, -1), range(1, len(rows)), range(len(rows) - 2, -1, -1)):
        for number in order:
            spots = {node: (index + 0.5) / len(row) for row in rows for index, node in enumerate(row)}
            rows[number].sort(
                key=lambda node: (
                    sum(spots[other] for other in joined[node]) / len(joined[node])
                    if joined[node]
                    else spots[node],
                    node,
                )
            )
    return rows


STYLE = """
text { font-family: "DejaVu Sans", Verdana, sans-serif; fill: #1f2933 }
.name { font-size: 15px; font-weight: bold }
.what { font-size: 12px; fill: #52606d }
.folder { font-size: 12px; text-anchor: middle }
.size { font-size: 10px; text-anchor: middle; fill: #52606d }
.box { fill: #ffffff; stroke: #7b8794 }
.arrow { fill: none; stroke: #7b8794; stroke-width: 1.1; marker-end: url(#head) }
.wide { fill: none; stroke: #334e68; stroke-width: 2.4; marker-end: url(#wide-head) }
.dashed { stroke-dasharray: 6 4; stroke-width: 1.6 }
.count { font-size: 12px; fill: #334e68; font-weight: bold }
"""


def picture(root: Path) -> str:
    """Return the SVG of the checkout ``root``."""
    tree = read_tree(root, PACKAGES)
    needs = folders(tree)
    packages = {name: Package(name, tree, needs) for name in PACKAGES}
    middle = [packages[name] for name in PACKAGES[1:4]]
    space = 90.0
    width = max(packages["workflows"].width, sum(each.width for each in middle) + 2 * 30, 1000.0)
    packages["workflows"].place(20, 20, width)
    top = 20 + packages["workflows"].height + space
    height = max(each.height for each in middle)
    spare = (width - sum(each.width for each in middle)) / 2
    left = 20.0
    for each in middle:
        each.height = height
        each.place(left, top, each.width)
        left += each.width + spare
    packages["data"].place(20, top + height + space, width)
    below = packages["data"].top + packages["data"].height + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 40:.0f} {below:.0f}" role="img" '
        'aria-label="Folders of docksieve and the imports between them">',
        f"<style>{STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#7b8794"/></marker>'
        '<marker id="wide-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5" markerHeight="5" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#334e68"/></marker></defs>',
        f'<rect width="{width + 40:.0f}" height="{below:.0f}" fill="#ffffff"/>',
    ]
    for name in PACKAGES:
        parts += packages[name].drawn()
    parts += _between(packages, needs)
    return "\n".join([*parts, "</svg>", ""])


def _between(packages: dict[str, Package], needs: dict[str, set[str]]) -> list[str]:
    """Return the arrows between packages; that from workflows to data passes between models and screening."""
    counts: dict[tuple[str, str], int] = {}
    for folder, others in needs.items():
        for other in others:
            pair = (folder.partition(".")[0], other.partition(".")[0])
            counts[pair] = counts.get(pair, 0) + (pair[0] != pair[1])
    parts = []
    for (name, other), count in sorted(counts.items()):
        if not count:
            continue
        start, end = packages[name], packages[other]
        if name in PACKAGES[1:4] and other in PACKAGES[1:4]:
            parts.append(_sideways(start, end, count))
            continue
        inner = end if name == "workflows" else start
        x = inner.left + inner.frame / 2
        if (name, other) == ("workflows", "data"):
            x = (packages["models"].left + packages["models"].frame + packages["screening"].left) / 2
        y, to_y = start.top + start.height, end.top
        parts.append(
            f'<path d="M{x:.1f},{y:.1f} L{x:.1f},{to_y - 3:.1f}" class="wide"/>'
            f'<text x="{x + 10:.1f}" y="{(y + min(to_y, y + 90)) / 2 + 4:.1f}" class="count">{count}</text>'
        )
    return parts


def _sideways(start: Package, end: Package, count: int) -> str:
    """Return a dashed arrow below the packages of the middle row."""
    x, to_x = start.left + start.frame / 4, end.left + end.frame * 3 / 4
    y = start.top + start.height
    return (
        f'<path d="M{x:.1f},{y:.1f} v24 H{to_x:.1f} V{y + 3:.1f}" class="wide dashed"/>'
        f'<text x="{x + 10:.1f}" y="{y + 20:.1f}" class="count">{count}</text>'
    )


def main() -> int:
    """Write the picture, or say whether it is as it would be written."""
    path, drawn = DOCS / "architecture.svg", picture(DOCS.parent)
    if "--check" not in sys.argv[1:]:
        path.write_text(drawn)
        return 0
    if path.exists() and path.read_text() == drawn:
        return 0
    print(f"{path} is not up to date: python docs/draw_architecture.py writes it.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
