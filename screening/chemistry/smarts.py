"""SMARTS, read with an eye to speed: which demands of a pattern can be checked on graph arrays.

A *relaxed* pattern asks of atoms and bonds only what the arrays know (element, aromaticity, hydrogens, charge,
degree, ring or not, bond order) and lets everything else pass. What it refuses, RDKit refuses too; what it lets
through is for RDKit to decide (:mod:`docksieve.screening.chemistry.substructure`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from ...data.errors import InputError
from ...data.molecules.graph import AROMATIC, DOUBLE, SINGLE, TRIPLE
from ...data.molecules.parse import rdkit_messages

ELEMENTS = (6, 7, 8, 9, 15, 16, 17, 35, 53)
"""What graph arrays hold. An atom's type is twice its place here, plus one if it is aromatic."""
ANY_TYPE = (1 << 2 * len(ELEMENTS)) - 1
ANY = -9
ANY_ORDER = 1 << SINGLE | 1 << DOUBLE | 1 << TRIPLE | 1 << AROMATIC
_ORDERS = {1: 1 << SINGLE, 2: 1 << DOUBLE, 3: 1 << TRIPLE, 12: 1 << AROMATIC}
_COMMON = {6: 8.0, 7: 3.0, 8: 3.0}
"""How common an element is in drug-like molecules, roughly: matching starts at the rarest atom."""

_LEAF = re.compile(r"^(\w+) (-?\d+) (!?=) val$")
_UNTRUSTED = re.compile(r"[\^vhizZ@]")


@dataclass(frozen=True)
class Pattern:
    """A SMARTS pattern.

    Attributes
    ----------
    smarts : str
        As it was given.
    query : Chem.Mol
        Explicit hydrogens are merged into the atoms they stand on.
    plain : bool
        Whether it can be put to molecules read without sanitisation: no stereochemistry, hybridisation, valence,
        implicit hydrogens or isotopes are asked for.
    relaxed : RelaxedPattern or None
        None: too large.
    """

    smarts: str
    query: Any
    plain: bool
    relaxed: RelaxedPattern | None


@dataclass(frozen=True)
class RelaxedPattern:
    """Demands of q atoms in an order in which each, but the first of a part, hangs on an earlier one.

    Attributes
    ----------
    atoms : array of int64, shape (q, 6)
        Bits of the types allowed; then hydrogens, charge, heavy neighbours, neighbours with hydrogens, and ring (0 or
        1), each the value demanded or :data:`ANY`.
    parent : array of int64, shape (q,)
        The earlier atom each hangs on; -1: none.
    bonds : array of int64, shape (b, 4)
        (later atom, earlier atom, bits of the orders allowed, ring 0 or 1 or ANY), by later atom.
    first_bond : array of int64, shape (q + 1,)
        Where each later atom's bonds begin.
    whole : bool
        Whether this is all that the pattern asks for, but for stereochemistry.
    """

    atoms: NDArray[np.int64]
    parent: NDArray[np.int64]
    bonds: NDArray[np.int64]
    first_bond: NDArray[np.int64]
    whole: bool


def read_pattern(smarts: str) -> Pattern:
    """Read a SMARTS pattern.

    Raises
    ------
    InputError
        If it cannot be read, saying where, or is empty.
    """
    with rdkit_messages() as messages:
        query = Chem.MolFromSmarts(smarts)
    if query is None:
        raise _not_read(smarts, messages)
    if query.GetNumAtoms() == 0:
        raise InputError("The SMARTS is empty.", "Give a pattern such as c1ccncc1.")
    query = Chem.MergeQueryHs(query)
    plain = not re.search(r"[/\\]", smarts) and not any(map(_UNTRUSTED.search, _bracketed(smarts)))
    return Pattern(smarts, query, plain, _relaxed(query))


def kekule_hint(smarts: str) -> str:
    """Return the pattern in aromatic form if it is a Kekule structure that, as SMARTS, means something else."""
    with rdkit_messages():
        molecule = Chem.MolFromSmiles(smarts)
    if molecule is None or re.search(r"[a-z]", smarts.replace("Cl", "").replace("Br", "")):
        return ""
    if not any(atom.GetIsAromatic() for atom in molecule.GetAtoms()):
        return ""
    return str(Chem.MolToSmiles(molecule))


def _not_read(smarts: str, messages: list[str]) -> InputError:
    place = next((int(found[1]) for text in messages if (found := re.search(r"position (\d+)", text))), None)
    reason = "a ring is not closed" if any("unclosed ring" in text for text in messages) else ""
    if any("parentheses" in text for text in messages):
        reason = "the parentheses do not match"
    if place is not None:
        at = max(1, min(place, len(smarts)))
        after = f" after {smarts[: at - 1]!r}" if at > 1 else ""
        where = f"see character {at}, {smarts[at - 1]!r}{after}"
        reason = f"{reason}, {where}" if reason else where
    return InputError(
        f"The SMARTS {smarts!r} is not understood: {reason or 'RDKit cannot read it'}.",
        "Quote it for the shell, and see https://www.daylight.com/dayhtml/doc/theory/theory.smarts.html.",
    )


def _bracketed(smarts: str) -> Iterator[str]:
    """Yield what stands in brackets; brackets within brackets belong to the outer ones."""
    depth, begin = 0, 0
    for place, sign in enumerate(smarts):
        if sign == "[":
            begin = place if depth == 0 else begin
            depth += 1
        elif sign == "]":
            depth -= 1
            if depth == 0:
                yield smarts[begin : place + 1]


def _relaxed(query: Any) -> RelaxedPattern | None:
    count = query.GetNumAtoms()
    if count > 64:
        return None
    read = [_atom_demands(atom) for atom in query.GetAtoms()]
    atoms = [demands for demands, _ in read]
    weight = [_commonness(demands[0]) for demands in atoms]
    order: list[int] = []
    parent: list[int] = []
    while len(order) < count:
        # The rarest atom beside those that are placed; a new part begins with its rarest.
        beside = [
            (weight[other.GetIdx()], other.GetIdx(), placed)
            for placed, index in enumerate(order)
            for other in query.GetAtomWithIdx(index).GetNeighbors()
            if other.GetIdx() not in order
        ]
        _, index, hangs_on = min(beside or [(weight[i], i, -1) for i in range(count) if i not in order])
        order.append(index)
        parent.append(hangs_on)
    place = {index: here for here, index in enumerate(order)}
    read_bonds = sorted(_bond_demands(bond, place) for bond in query.GetBonds())
    bonds = [demands for demands, _ in read_bonds]
    later = np.array([bond[0] for bond in bonds], np.int64)
    return RelaxedPattern(
        np.array([atoms[index] for index in order], np.int64),
        np.array(parent, np.int64),
        np.array(bonds, np.int64).reshape(-1, 4),
        np.searchsorted(later, np.arange(count + 1)).astype(np.int64),
        all(whole for _, whole in (*read, *read_bonds)),
    )


def _commonness(types: int) -> float:
    return sum(_COMMON.get(number, 0.3) for i, number in enumerate(ELEMENTS) if types >> 2 * i & 3)


def _atom_demands(atom: Any) -> tuple[tuple[int, int, int, int, int, int], bool]:
    """Return what the query atom asks for, as in :class:`RelaxedPattern`, and whether that is all it asks for."""
    types, exact, whole = _atom_tree(_tree(atom.DescribeQuery()))
    hydrogens, charge, degree, total, ring = (
        exact.get(name, ANY) for name in ("hydrogens", "charge", "degree", "total_degree", "ring")
    )
    return (types, hydrogens, charge, degree, total, ring), whole


_EXACT = {
    "AtomHCount": "hydrogens",
    "AtomFormalCharge": "charge",
    "AtomExplicitDegree": "degree",
    "AtomTotalDegree": "total_degree",
}
Node = tuple[str, list[Any]]


def _tree(description: str) -> Node:
    """Return RDKit's indented description of a query as nested (line, children)."""
    top: Node = ("", [])
    open_nodes: list[tuple[int, Node]] = [(-1, top)]
    for line in description.splitlines():
        if not line.strip():
            continue
        depth = len(line) - len(line.lstrip())
        node: Node = (line.strip(), [])
        while open_nodes[-1][0] >= depth:
            open_nodes.pop()
        open_nodes[-1][1][1].append(node)
        open_nodes.append((depth, node))
    return top[1][0] if top[1] else top


def _atom_tree(node: Node) -> tuple[int, dict[str, int], bool]:
    """Return the types allowed, the values demanded, and whether nothing else is asked for."""
    text, children = node
    if children:
        parts = [_atom_tree(child) for child in children]
        whole = all(part[2] for part in parts)
        if text == "AtomAnd":
            types = ANY_TYPE
            exact: dict[str, int] = {}
            for more, demands, _ in parts:
                types &= more
                whole = whole and not (exact.keys() & demands.keys())
                exact.update(demands)
            return types, exact, whole
        if text == "AtomOr":
            types = 0
            for more, _, _ in parts:
                types |= more
            first = parts[0][1]
            same = {key: value for key, value in first.items() if all(p[1].get(key) == value for p in parts)}
            return (
                types,
                same,
                whole and all(part[1] == first for part in parts) and not (first and len(parts) > 1),
            )
        return ANY_TYPE, {}, False
    if text == "AtomNull":
        return ANY_TYPE, {}, True
    found = _LEAF.match(text)
    if not found:
        return ANY_TYPE, {}, False
    name, value, negated = found[1], int(found[2]), found[3] == "!="
    allowed = _types(name, value)
    if allowed is not None:
        return (ANY_TYPE & ~allowed if negated else allowed), {}, True
    if name in _EXACT and not negated:
        return ANY_TYPE, {_EXACT[name]: value}, True
    if name in ("AtomInNRings", "AtomInRing", "AtomMinRingSize", "AtomRingSize"):
        demands = _ring(name, value, negated)
        return (
            ANY_TYPE,
            demands,
            bool(demands)
            and value in (-1, 0, 1)
            and name in ("AtomInNRings", "AtomInRing")
            and not (name == "AtomInNRings" and value == 1),
        )
    return ANY_TYPE, {}, False


def _types(name: str, value: int) -> int | None:
    """Return the bits of the types that ``name = value`` allows; None if it is about something else."""
    aromatic = sum(1 << 2 * i + 1 for i in range(len(ELEMENTS)))
    if name in ("AtomIsAromatic", "AtomIsAliphatic") and value == 1:
        return aromatic if name == "AtomIsAromatic" else ANY_TYPE & ~aromatic
    if name not in ("AtomType", "AtomAtomicNum"):
        return None
    number = value % 1000 if name == "AtomType" else value
    if number not in ELEMENTS:
        return 0
    place = 2 * ELEMENTS.index(number)
    if name == "AtomAtomicNum":
        return 3 << place
    return 2 << place if value >= 1000 else 1 << place


def _ring(name: str, value: int, negated: bool) -> dict[str, int]:
    if (name == "AtomInNRings" and value in (-1, 0)) or (name == "AtomInRing" and value in (0, 1)):
        inside = value != 0
        return {"ring": int(inside != negated)}
    return {} if negated or value == 0 else {"ring": 1}


def _bond_demands(bond: Any, place: dict[int, int]) -> tuple[tuple[int, int, int, int], bool]:
    ends = sorted((place[bond.GetBeginAtomIdx()], place[bond.GetEndAtomIdx()]), reverse=True)
    orders, ring, whole = (
        _bond_tree(_tree(bond.DescribeQuery())) if bond.HasQuery() else (ANY_ORDER, ANY, False)
    )
    return (ends[0], ends[1], orders, ring), whole


def _bond_tree(node: Node) -> tuple[int, int, bool]:
    text, children = node
    if children:
        parts = [_bond_tree(child) for child in children]
        whole = all(part[2] for part in parts)
        rings = {part[1] for part in parts}
        if text == "BondAnd":
            orders = ANY_ORDER
            for more, _, _ in parts:
                orders &= more
            return (
                orders,
                next((ring for ring in sorted(rings) if ring != ANY), ANY),
                whole and len(rings - {ANY}) < 2,
            )
        if text == "BondOr":
            orders = 0
            for more, _, _ in parts:
                orders |= more
            return orders, rings.pop() if len(rings) == 1 else ANY, whole and rings <= {ANY}
        return ANY_ORDER, ANY, False
    if text == "BondNull":
        return ANY_ORDER, ANY, True
    found = _LEAF.match(text)
    if not found:
        return ANY_ORDER, ANY, False
    name, value, negated = found[1], int(found[2]), found[3] == "!="
    if name == "SingleOrAromaticBond" and not negated:
        return _ORDERS[1] | _ORDERS[12], ANY, True
    if name == "BondOrder" and value in _ORDERS:
        return (ANY_ORDER & ~_ORDERS[value] if negated else _ORDERS[value]), ANY, True
    if name == "BondInRing" and value == 1:
        return ANY_ORDER, int(not negated), True
    return ANY_ORDER, ANY, False
