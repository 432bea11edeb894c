"""One molecule as an SVG file of its own, on white paper."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem.Draw import rdMolDraw2D

from ...data.errors import InputError


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
