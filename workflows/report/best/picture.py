"""A pose in its pocket as a flat drawing: seen along the ligand's thinnest direction, near things drawn darker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...html.svg import drawing, element, line, text, titled

Array = NDArray[np.float64]
WIDTH, HEIGHT = 420, 300
POCKET = 4.5
"""Residues with an atom within so many Å of the ligand are drawn."""
LABELLED = 4.0
"""Those within so many Å are named."""

_ELEMENTS = frozenset({"C", "N", "O", "F", "P", "S", "CL", "BR", "I", "B"})
_PIXELS = 26.0
"""Of one Å at most."""


def pose_picture(scene: Mapping[str, Any], label: str) -> str:
    """Return a drawing of a pose and the residues around it.

    Parameters
    ----------
    scene : mapping
        What :func:`~docksieve.screening.poses.scene.pose_scene` gives; coordinates in Å.
    label : str
        Says in words what is drawn.
    """
    ligand, pocket = scene["ligand"], scene["pocket"]
    own = np.array([atom[1:4] for atom in ligand["atoms"]], dtype=float).reshape(-1, 3)
    around = np.array([atom[1:4] for atom in pocket["atoms"]], dtype=float).reshape(-1, 3)
    shown = np.array([pocket["residues"][atom[5]][1] <= POCKET for atom in pocket["atoms"]], dtype=bool)
    turn = _view(own, around[shown] if shown.any() else around)
    own, around = own @ turn.T, around @ turn.T
    contacts = [
        (np.array(c["ligand"]) @ turn.T, np.array(c["receptor"]) @ turn.T, c) for c in scene["contacts"]
    ]
    place = _Place(own)
    body = [
        *_sticks(pocket["atoms"], pocket["bonds"], around, place, shown, "pocket"),
        *(_bond(here, there, contact, place) for here, there, contact in contacts),
        *_sticks(ligand["atoms"], ligand["bonds"], own, place, np.ones(len(own), bool), "ligand"),
        *_names(pocket, around, own, ligand["bonds"], place),
        *_bar(place),
    ]
    return drawing(WIDTH, HEIGHT, body, label, "chart pose")


class _Place:
    """Where a point of space lies on the page."""

    def __init__(self, ligand: Array) -> None:
        low, high = (ligand[:, :2].min(0), ligand[:, :2].max(0)) if len(ligand) else (np.zeros(2), np.ones(2))
        span = np.maximum(high - low, 1.0)
        self.scale = float(min(_PIXELS, (WIDTH - 150) / span[0], (HEIGHT - 120) / span[1]))
        self._middle = (low + high) / 2

    def __call__(self, point: Array) -> tuple[float, float]:
        x, y = (point[:2] - self._middle) * self.scale
        return WIDTH / 2 + float(x), HEIGHT / 2 - float(y)


def _view(ligand: Array, around: Array) -> Array:
    """Return the rotation that lays the ligand flat, its longer side across, with less of the pocket in front."""
    if len(ligand) < 3:
        return np.eye(3)
    _, _, axes = np.linalg.svd(ligand - ligand.mean(0), full_matrices=True)
    # The sign of an axis is chance: settled by the largest coordinate, so that a report is drawn the same each time.
    signs = np.sign(axes[np.arange(3), np.abs(axes).argmax(1)])
    axes = axes * np.where(signs == 0, 1.0, signs)[:, None]
    if len(around) and (around @ axes[2] > 0).mean() > 0.5:
        axes[2] = -axes[2]
    if np.linalg.det(axes) < 0:  # a mirror image would be another molecule
        axes[1] = -axes[1]
    return np.asarray(axes, dtype=float)


def _sticks(
    atoms: Sequence[Sequence[Any]],
    bonds: Sequence[Sequence[Any]],
    at: Array,
    place: _Place,
    shown: NDArray[np.bool_],
    class_: str,
) -> list[str]:
    """Return bonds as two halves, each in its atom's colour, the far ones first; hydrogens on carbon are left out."""
    hidden = _on_carbon(atoms, bonds)
    drawn = [
        (float(at[a][2] + at[b][2]), a, b, float(rest[0]) if rest else 1.0)
        for a, b, *rest in bonds
        if shown[a] and shown[b] and a not in hidden and b not in hidden
    ]
    parts = []
    for depth, a, b, order in sorted(drawn):
        (x1, y1), (x2, y2) = place(at[a]), place(at[b])
        if not (_inside(x1, y1) or _inside(x2, y2)):
            continue
        opacity = "1" if class_ == "ligand" else f"{0.35 + 0.45 / (1 + np.exp(-depth / 4)):.2f}"
        aside = _aside(x1, y1, x2, y2) if order in (2.0, 3.0) and class_ == "ligand" else (0.0, 0.0)
        for side in (-1, 1) if any(aside) else (0,):
            dx, dy = side * aside[0], side * aside[1]
            middle = ((x1 + x2) / 2 + dx, (y1 + y2) / 2 + dy)
            for name, x, y in ((atoms[a][0], x1 + dx, y1 + dy), (atoms[b][0], x2 + dx, y2 + dy)):
                ends = {"x1": float(x), "y1": float(y), "x2": middle[0], "y2": middle[1]}
                parts.append(
                    element("line", class_=f"{class_} {_colour(name)}", stroke_opacity=opacity, **ends)
                )
    return parts


def _on_carbon(atoms: Sequence[Sequence[Any]], bonds: Sequence[Sequence[Any]]) -> set[int]:
    found = set()
    for a, b, *_ in bonds:
        for one, other in ((a, b), (b, a)):
            if atoms[one][0] == "H" and atoms[other][0] == "C":
                found.add(one)
    return found


def _aside(x1: float, y1: float, x2: float, y2: float) -> tuple[float, float]:
    """Return the step across a bond by which the two lines of a double bond stand apart."""
    length = float(np.hypot(x2 - x1, y2 - y1)) or 1.0
    return 2.1 * (y2 - y1) / length, -2.1 * (x2 - x1) / length


def _colour(name: str) -> str:
    upper = name.upper()
    return f"a-{upper.lower()}" if upper in _ELEMENTS else "a-h" if upper == "H" else "a-c"


def _inside(x: float, y: float) -> bool:
    return 0 <= x <= WIDTH and 0 <= y <= HEIGHT


def _bond(here: Array, there: Array, contact: Mapping[str, Any], place: _Place) -> str:
    """Return a possible hydrogen bond as a dashed line."""
    (x1, y1), (x2, y2) = place(here), place(there)
    title = f"possible hydrogen bond to {contact['to']}, {contact['distance']:.1f} Å"
    return titled("line", title, class_="contact", x1=x1, y1=y1, x2=x2, y2=y2)


def _names(
    pocket: Mapping[str, Any], around: Array, ligand: Array, bonds: Sequence[Sequence[Any]], place: _Place
) -> list[str]:
    """Return the names of the nearest residues, each where it covers neither the ligand nor another name.

    One for which there is no such place is left out: the caption has them all.
    """
    taken = [place(atom) for atom in ligand]
    taken += [place((ligand[a] + ligand[b]) / 2) for a, b, *_ in bonds]
    boxes = [(14 + 2.5 * place.scale, HEIGHT - 16.0, 2.5 * place.scale)]  # the bar of length
    parts = []
    for index, (name, distance) in sorted(enumerate(pocket["residues"]), key=lambda item: item[1][1]):
        if distance > LABELLED:
            break
        mine = [around[i] for i, atom in enumerate(pocket["atoms"]) if atom[5] == index]
        word, half = _short(name), 3.6 * len(_short(name))
        spots = sorted((place(point) for point in mine), key=lambda spot: -_free(spot, taken))
        for x, y in spots:
            x = min(max(x, half + 4), WIDTH - half - 4)
            y = min(max(y, 14.0), HEIGHT - 8.0)
            clear = all(abs(x - bx) > half + bhalf + 2 or abs(y - by) > 12 for bx, by, bhalf in boxes)
            if clear and all(abs(x - tx) > half + 3 or abs(y - 4 - ty) > 14 for tx, ty in taken):
                boxes.append((x, y, half))
                parts.append(text(x, y, word, class_="residue", text_anchor="middle"))
                break
    return parts


def _short(name: str) -> str:
    """Return ``MET 769`` of ``MET 769 A``: in one pocket the chain is seldom needed."""
    return " ".join(name.split()[:2])


def _free(spot: tuple[float, float], taken: Sequence[tuple[float, float]]) -> float:
    """Return how far from the ligand a spot is; spots off the page count less."""
    if not taken:
        return 0.0
    away = min(np.hypot(spot[0] - x, spot[1] - y) for x, y in taken)
    return float(away if _inside(*spot) else -away)


def _bar(place: _Place) -> list[str]:
    """Return a bar of 5 Å: the projection is parallel, so lengths across can be compared."""
    left, y, width = 14.0, HEIGHT - 14.0, 5 * place.scale
    return [
        line(left, y, left + width, y, "axis"),
        text(left + width / 2, y - 5, "5 Å", class_="residue", text_anchor="middle"),
    ]
