"""Molecules as inline SVG drawings that follow the page's colours."""

from __future__ import annotations

import re
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

from ...data.errors import InputError

_ELEMENTS = {6: "c", 7: "n", 8: "o", 9: "f", 15: "p", 16: "s", 17: "cl", 35: "br", 53: "i", 5: "b"}
"""Atomic numbers with a colour of their own: the classes ``a-n`` and so on; all others have ``a-c``."""

_SENTINELS = {key: (index + 1, 0xFE, 0x01) for index, key in enumerate(_ELEMENTS)}
_CLASSES = {
    f"#{red:02X}{green:02X}{blue:02X}": f"a-{_ELEMENTS[key]}"
    for key, (red, green, blue) in _SENTINELS.items()
}
_PATH = re.compile(r"<path\b[^>]*>")
_DECIMALS = re.compile(r"(\d+\.\d)\d+")


def depict(smiles: str, width: int = 260, height: int = 190) -> str | None:
    """Return the molecule as an SVG element for HTML, or None if it cannot be drawn.

    Colours are left to the page (classes ``a-c``, ``a-n``, ``a-o`` ...), so that a drawing is readable on
    light and dark paper. Letters are outlines: no font is needed.

    Parameters
    ----------
    smiles : str
    width, height : int
        Of the view box; the page may scale it.
    """
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
        if mol is None or mol.GetNumAtoms() == 0:
            return None
        try:
            return _styled(_draw(mol, width, height), width, height)
        except (RuntimeError, ValueError):  # what RDKit cannot lay out is shown as text by the caller
            return None


def _draw(mol: Chem.Mol, width: int, height: int) -> str:
    rdDepictor.Compute2DCoords(mol)
    rdDepictor.StraightenDepiction(mol)
    drawer = rdMolDraw2D.MolDraw2DSVG(width, height)
    options: Any = drawer.drawOptions()  # RDKit's stubs take its properties for the object's type
    options.clearBackground = False
    options.bondLineWidth = 1.4
    options.padding = 0.04
    options.maxFontSize = 16
    options.fixedBondLength = 26
    palette = {key: tuple(part / 255 for part in color) for key, color in _SENTINELS.items()}
    palette[-1] = palette[6]
    palette[1] = palette[0] = palette[6]
    options.setAtomPalette(palette)
    options.setSymbolColour(palette[6])
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, mol)
    drawer.FinishDrawing()
    return str(drawer.GetDrawingText())


def _styled(svg: str, width: int, height: int) -> str:
    """Return RDKit's paths with classes in place of their long styles: a quarter of the size."""
    paths = "".join(_short(path) for path in _PATH.findall(svg))
    return f'<svg class="mol" viewBox="0 0 {width} {height}" aria-hidden="true">{paths}</svg>'


def _short(path: str) -> str:
    """Return one path: ``b`` is a bond's line (``thin`` for a dash), ``f`` a filled shape or letter."""
    steps = _DECIMALS.sub(r"\1", _attribute(path, "d")).replace(",", " ")
    style = dict(item.split(":", 1) for item in _attribute(path, "style").split(";") if ":" in item)
    fill = style.get("fill") or _attribute(path, "fill") or "none"
    if fill == "none":
        thin = " thin" if style.get("stroke-width", "").startswith("0") else ""
        return f'<path class="b{thin} {_CLASSES.get(style.get("stroke", ""), "a-c")}" d="{steps}"/>'
    return f'<path class="f {_CLASSES.get(fill, "a-c")}" d="{steps}"/>'


def _attribute(path: str, name: str) -> str:
    found = re.search(rf"\s{name}='([^']*)'", path)
    return " ".join(found.group(1).split()) if found else ""


def drawing(smiles: str, width: int = 420, height: int = 320) -> str:
    """Return an SVG document with a depiction of a molecule.

    Raises
    ------
    InputError
        If it cannot be drawn.
    """
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise InputError(f"The molecule {smiles!r} cannot be drawn.")
    drawer = rdMolDraw2D.MolDraw2DSVG(width, height)
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, molecule)
    drawer.FinishDrawing()
    return str(drawer.GetDrawingText())
