"""Decides which residues are the receptor: the polymer, what belongs to it, and what the user wants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...data.errors import DockingError, did_you_mean
from .cofactors import is_cofactor, is_ion
from .linkage import Linkage
from .names import METALS
from .preparation import NEAR, PrepareReport, PrepareSettings, Residue, heavy_points, touches
from .receptor import Box
from .reference import LEAST, Reference, group_name, is_glycan, is_solvent, molecules

_COORDINATION = 2.8


@dataclass
class Selection:
    """What the receptor is made of.

    Attributes
    ----------
    polymer : list of Residue
        Links of chains, and waters that are kept: all that is prepared as a polymer.
    groups : list of list of Residue
        Molecules and ions that are kept beside it, each bonded together.
    """

    polymer: list[Residue] = field(default_factory=list)
    groups: list[list[Residue]] = field(default_factory=list)


def select(
    residues: Sequence[Residue],
    linkage: Linkage,
    reference: Reference,
    box: Box,
    settings: PrepareSettings,
    report: PrepareReport,
) -> Selection:
    """Return what the receptor is made of, and say in ``report`` what was kept and removed.

    Cofactors, clusters and what is bonded to the protein stay if they touch the reference or lie in the box; a metal
    stays if it touches the reference or if the protein holds it there.

    Raises
    ------
    DockingError
        If ``keep`` or ``drop`` names what is not there.
    """
    _check_names(residues, linkage, settings)
    chosen = Selection()
    removed, kept = Counter[str](), Counter[str]()
    for residue in residues:
        if linkage.is_polymer(residue):
            chosen.polymer.append(residue)
        elif residue.is_water:
            inside = settings.keep_waters and bool(box.contains(residue.points).any())
            wanted = (inside or _named(settings.keep, [residue])) and not _named(settings.drop, [residue])
            (kept if wanted else removed)[residue.name] += 1
            if wanted:
                chosen.polymer.append(residue)
    chain = heavy_points([one for one in chosen.polymer if not one.is_water])
    for group in molecules(residues, linkage):
        own = any(one is other for one in group for other in reference.group)
        named = _named(settings.keep, group)
        if _named(settings.drop, group) or (own and not named):
            wanted = False
        else:
            wanted = named or _belongs(group, linkage, reference, box, chain)
        for residue in group:
            (kept if wanted else removed)[residue.name] += 1
        if wanted:
            chosen.groups.append(group)
        elif not own and not _named(settings.drop, group):
            _warn(group, reference, box, report)
    report.removed = dict(sorted(removed.items()))
    report.kept = dict(sorted(kept.items()))
    return chosen


def _named(words: Sequence[str], group: Sequence[Residue]) -> bool:
    return any(residue.is_named(word) for word in words for residue in group)


def _check_names(residues: Sequence[Residue], linkage: Linkage, settings: PrepareSettings) -> None:
    """Refuse to keep or drop what the structure does not have, or what is a link of a chain."""
    others = [one for one in residues if not linkage.is_polymer(one)]
    for option, words in (("keep", settings.keep), ("drop", settings.drop)):
        for word in words:
            if any(one.is_named(word) for one in others):
                continue
            names = sorted({one.name for one in others})
            if any(one.is_named(word) for one in residues):
                raise DockingError(
                    f"--{option} {word}: that is a part of a chain.",
                    "Chains stay as they are; --chain chooses among them.",
                )
            hint = did_you_mean(word.split(":")[0], names)
            raise DockingError(
                f"--{option} {word}: the structure has no such residue.",
                f"{hint} Beside the chains it has: {', '.join(names) or 'nothing'}.".lstrip(),
            )


def _belongs(
    group: Sequence[Residue],
    linkage: Linkage,
    reference: Reference,
    box: Box,
    chain: NDArray[np.float64],
) -> bool:
    """Tell whether a molecule is a part of the receptor without being asked for."""
    own = heavy_points(group)
    near = touches(own, reference.points)
    if is_ion(group):
        return near or (bool(box.contains(own, NEAR).any()) and touches(own, chain, _COORDINATION))
    if not (near or box.contains(own).any()):
        return False
    if is_cofactor(group) or is_glycan(group, linkage):
        return True
    return bool(linkage.to_chain(group))


def _warn(group: Sequence[Residue], reference: Reference, box: Box, report: PrepareReport) -> None:
    own, name = heavy_points(group), group_name(group)
    if not len(own):
        return
    if is_ion(group):
        if group[0].name in METALS and box.contains(own, NEAR).any():
            report.warnings.append(f"the metal {name} at the box was removed (--keep {group[0].name})")
    elif len(own) >= LEAST and not is_solvent(group) and touches(own, reference.points):
        report.warnings.append(
            f"{name} touches the reference and was removed, being no known cofactor (--keep {group[0].name})"
        )
