"""The polymer as PDBQT, by meeko's templates: residues that fit none are cut back or left out."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from rdkit import rdBase

from ...data.errors import DockingError
from ...data.words import agree, plural
from .components import is_component
from .preparation import NEAR, PrepareReport, PrepareSettings, Residue
from .receptor import Box
from .structure import template_names

_NAMED = re.compile(r"residue_key='([^']*)'|\bkey ([A-Za-z0-9]:-?\d+[A-Za-z]?)")
_IN_LIST = re.compile(r"'?([A-Za-z0-9]:-?\d+[A-Za-z]?)'?")
_MOST_TRIES = 60


def write_polymer(
    residues: Sequence[Residue], box: Box, settings: PrepareSettings, report: PrepareReport
) -> tuple[str, list[Residue]]:
    """Return the PDBQT of ``residues``, and the modified residues that are left to be typed by their component.

    Raises
    ------
    DockingError
        If residues near the box fit no template (and ``drop_bad`` is off), or nothing is left.
    """
    known = [_with_state(residue, report) for residue in residues if residue.name in template_names()]
    others = [residue for residue in residues if residue.name not in template_names()]
    modified = [residue for residue in others if is_component(residue)]
    unfit = [residue for residue in others if not is_component(residue)]
    if not known:
        raise DockingError("The structure holds no residue that there is a template for.")
    polymer, known, left_out = _robust(known, report)
    bad = set(polymer.get_ignored_monomers())
    if bad:
        known = [_cut_back(one, report) if _key(one) in bad else one for one in known]
        polymer, known, more = _robust(known, report)
        left_out += more
        bad = set(polymer.get_ignored_monomers())
    left_out += [residue for residue in known if _key(residue) in bad]
    unfit += left_out
    report.dropped += [residue.label for residue in unfit]
    gone = tuple(f"{label} to " for label in report.dropped)
    last = {line.split(" to ")[0]: line for line in report.cut_back if not line.startswith(gone or ("\0",))}
    report.cut_back = list(last.values())
    near = [residue.label for residue in unfit if box.contains(residue.points, NEAR).any()]
    if near and not settings.drop_bad:
        raise DockingError(
            f"{plural(len(near), 'residue')} at the box {agree(len(near), 'fits', 'fit')} no template (unknown, "
            "incomplete or bonded wrongly): "
            f"{', '.join(near[:10])}.",
            "Complete them (for example with pdbfixer), or leave them out knowingly with --drop-bad.",
        )
    places = {f"{r.file_chain or r.chain}:{r.seqid}" for r in residues if box.contains(r.points, NEAR).any()}
    report.cut_back_near = [line for line in report.cut_back if line.split(" ")[1] in places]
    for what, labels in (("left out", near), ("cut back", report.cut_back_near)):
        if labels:
            report.warnings.append(f"residues at the box were {what}: {', '.join(labels)}")
    from meeko import PDBQTWriterLegacy

    report.versions = {name: version(name) for name in ("meeko", "rdkit", "gemmi")}
    text, _ = PDBQTWriterLegacy.write_from_polymer(polymer)
    return str(text), modified


def _key(residue: Residue) -> str:
    return f"{residue.chain}:{residue.seqid}".strip()


def _with_state(residue: Residue, report: PrepareReport) -> Residue:
    """Return a histidine under the name of the state that its hydrogens show, where there are any."""
    if residue.name != "HIS" or not any(atom.is_hydrogen() for atom in residue.atoms):
        return residue
    names = {atom.name for atom in residue.atoms if atom.is_hydrogen()}
    on_d, on_e = bool(names & {"HD1", "DD1"}), bool(names & {"HE2", "DE2"})
    name = "HIP" if on_d and on_e else "HID" if on_d else "HIE"
    if not on_d and not on_e:
        report.renamed.append(f"{residue.label} is {name}, its hydrogens not telling")
    return _as(residue, name, residue.atoms)


def _as(residue: Residue, name: str, atoms: list[Any]) -> Residue:
    called = residue.file_name or residue.name
    return Residue(residue.chain, residue.seqid, name, atoms, residue.hetero, residue.file_chain, called)


def _cut_back(residue: Residue, report: PrepareReport) -> Residue:
    """Return ``residue`` as alanine or glycine if its backbone is whole; its side chain's end is missing."""
    atoms = {atom.name: atom for atom in residue.atoms}
    if not {"N", "CA", "C", "O"} <= set(atoms) or residue.name in ("PRO", "GLY"):
        return residue
    name = "ALA" if "CB" in atoms and residue.name != "ALA" else "GLY"
    wanted = ("N", "CA", "C", "O", "OXT") + (("CB",) if name == "ALA" else ())
    report.cut_back.append(f"{residue.label} to {name}")
    return _as(residue, name, [atoms[key] for key in wanted if key in atoms])


def _robust(residues: Sequence[Residue], report: PrepareReport) -> tuple[Any, list[Residue], list[Residue]]:
    """Return meeko's model of ``residues``, with what had to be changed or left out for it to be made.

    One residue that meeko cannot read must not cost the whole receptor: it is tried without its hydrogens, then cut
    back, then left out, as any other that fits no template.

    Returns
    -------
    polymer : meeko Polymer
    residues : list of Residue
        Those of the model.
    left_out : list of Residue
    """
    now = list(residues)
    left_out: list[Residue] = []
    tried: dict[str, int] = {}
    for _ in range(_MOST_TRIES):
        try:
            return _polymer(now), now, left_out
        except _MeekoError as error:
            culprits = _culprits(error, now)
            if not culprits:
                raise DockingError(
                    f"meeko cannot prepare the receptor: {' '.join(str(error).split())[:600]}.",
                    "Look at the residues that it names; pdbfixer completes most structures.",
                ) from None
        for key in culprits:
            tried[key] = tried.get(key, 0) + 1
            place = next(n for n, residue in enumerate(now) if _key(residue) == key)
            residue = now[place]
            bare = [atom for atom in residue.atoms if not atom.is_hydrogen()]
            if tried[key] == 1 and len(bare) < len(residue.atoms):
                now[place] = _as(residue, residue.name, bare)
                report.renamed.append(f"{residue.label}: its hydrogens are made anew")
            elif (
                tried[key] <= 2
                and (cut := _cut_back(_as(residue, residue.name, bare), report)).name != residue.name
            ):
                now[place] = cut
            else:
                left_out.append(now.pop(place))
    raise DockingError(
        "meeko cannot prepare the receptor: too many residues are beyond its templates.",
        "pdbfixer, or another program that rebuilds residues, completes most structures.",
    )


class _MeekoError(Exception):
    """Meeko raised."""


def _culprits(error: Exception, residues: Sequence[Residue]) -> list[str]:
    """Return the keys of the residues that an error is about: those it names, else those that raise alone."""
    keys = {_key(residue) for residue in residues}
    told = [one or two for one, two in _NAMED.findall(str(error))] or _IN_LIST.findall(str(error))
    named = [key for key in told if key in keys]
    if named:
        return list(dict.fromkeys(named))
    return [_key(residue) for residue in _raising(list(residues))]


def _raising(residues: list[Residue]) -> list[Residue]:
    """Return residues without which the others can be read, by halving."""
    if not residues or not _raises(residues):
        return []
    if len(residues) == 1:
        return residues
    half = len(residues) // 2
    first, second = _raising(residues[:half]), _raising(residues[half:])
    # Both halves can be read: what is wrong is between them, and the first of the second half is given up.
    return first + second or [residues[half]]


def _raises(residues: Sequence[Residue]) -> bool:
    try:
        _polymer(residues)
    except _MeekoError:
        return True
    return False


def _polymer(residues: Sequence[Residue]) -> Any:
    """Return meeko's model of ``residues``, without those that fit no template."""
    from meeko import MoleculePreparation, Polymer, ResidueChemTemplates

    logging.getLogger("meeko").setLevel(logging.CRITICAL)
    text = _pdb_text(residues)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            rdBase.BlockLogs(),
        ):
            warnings.simplefilter("ignore")
            return Polymer.from_pdb_string(
                text,
                ResidueChemTemplates.create_from_defaults(),
                MoleculePreparation(),
                allow_bad_res=True,
            )
    except Exception as error:  # meeko raises whatever its parts raise
        raise _MeekoError(str(error)) from None


def _pdb_text(residues: Sequence[Residue]) -> str:
    """Return the cleaned structure as PDB lines (no TER records: they would interrupt residues)."""
    lines: list[str] = []
    for residue in residues:
        number, insertion = residue.seqid.num, residue.seqid.icode
        if not -999 <= number <= 9999:
            raise DockingError(f"{residue.label}: PDB has no room for residue numbers beyond 9999.")
        for atom in residue.atoms:
            name = atom.name if len(atom.name) == 4 or len(atom.element.name) == 2 else f" {atom.name}"
            x, y, z = atom.pos.tolist()
            lines.append(
                f"ATOM  {len(lines) % 99999 + 1:5d} {name:<4.4s} {residue.name:>3.3s} {residue.chain}{number:4d}"
                f"{insertion}   {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {atom.element.name.upper():>2s}\n"
            )
    return "".join(lines) + "END\n"
