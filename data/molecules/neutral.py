"""Which SMILES need no standardisation step beyond their canonical form, and the charges that are only hydrogens.

Catalogues write many molecules as they are in water: amines as cations, acids as anions. RDKit's neutraliser
takes such charges away by hydrogens, which costs more than reading the molecule did. Where nothing can be
in doubt (one part, common elements, no ion that has to keep its charge beside one of the other sign), the
same is done here to the text, before it is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..jit import kernel
from .graph import read_graphs


def neutral_texts(smiles: Sequence[str], neutralise: bool = True) -> list[str | None]:
    """Return each SMILES without charges that hydrogens can take, or None where that is not for us to say.

    Parameters
    ----------
    smiles : sequence of str
        As they were written; anything at all.
    neutralise : bool
        Off: a text is returned as it is, or None if it has a charge outside nitro groups and N-oxides.

    Returns
    -------
    list of str or None
        The canonical SMILES of a text returned here is the standard form: no step would change it.
    """
    graphs = read_graphs(smiles)
    text = "".join(smiles).encode("ascii", "replace")
    action = np.zeros(len(graphs.element), np.uint8)
    verdict = np.zeros(len(smiles), np.uint8)
    _judge(
        np.frombuffer(text, np.uint8), graphs.ok, graphs.first_atom, graphs.element, graphs.hydrogens, graphs.aromatic,
        graphs.charge, graphs.degree, graphs.neighbour, graphs.order, graphs.begin, graphs.end, verdict, action,
    )  # fmt: skip
    result: list[str | None] = [one if fine else None for one, fine in zip(smiles, verdict == 1, strict=True)]
    if not neutralise:
        return result
    starts = np.cumsum([0, *map(len, smiles)])
    for index in np.flatnonzero(verdict == 2).tolist():
        one, base, last = smiles[index], starts[index], 0
        pieces = []
        for atom in range(graphs.first_atom[index], graphs.first_atom[index + 1]):
            if action[atom]:
                pieces.append(one[last : graphs.begin[atom] - base])
                pieces.append(_WRITTEN[action[atom]])
                last = graphs.end[atom] - base
        result[index] = "".join([*pieces, one[last:]])
    return result


_WRITTEN = ("", "N", "n", "O", "S", "[nH]")


@kernel
def _judge(
    text: Any, ok: Any, first_atom: Any, element: Any, hydrogens: Any, aromatic: Any, charge: Any,
    degree: Any, neighbour: Any, order: Any, begin: Any, end: Any, verdict: Any, action: Any,
) -> None:  # fmt: skip
    """Set ``verdict`` to 1 (as it is), 2 (with other symbols for the atoms with an ``action``), or 0."""
    for molecule in range(len(ok)):
        if not ok[molecule]:
            continue
        fine, changes, kept_cations, lone_anions = True, 0, 0, 0
        for atom in range(first_atom[molecule], first_atom[molecule + 1]):
            ion = charge[atom]
            if not ion:
                continue
            number, hs = element[atom], hydrogens[atom]
            opposite, aromatic_bonds = False, 0
            total = hs
            for place in range(degree[atom]):
                total += order[atom, place]
                aromatic_bonds += order[atom, place] == 4
                opposite = opposite or charge[neighbour[atom, place]] * ion < 0
            for place in range(begin[atom], end[atom]):
                fine = fine and text[place] != 64  # @
            if ion == 1 and number == 7:
                if hs == 0:
                    # Nothing that hydrogens could do: nitro, N-oxide, quaternary ammonium, pyridinium.
                    kept_cations += 0 if opposite else 1
                elif opposite:
                    fine = False
                elif aromatic[atom]:
                    fine = fine and hs == 1 and degree[atom] == 2 and aromatic_bonds == 2
                    action[atom] = 2
                else:
                    fine = fine and total == 4 and degree[atom] > 0  # ammonium alone is no molecule
                    action[atom] = 1
                if action[atom]:
                    changes += 1
            elif ion == -1 and opposite:
                pass
            elif ion == -1 and hs == 0 and (number == 8 or number == 16) and not aromatic[atom]:
                fine = fine and degree[atom] == 1 and total == 1
                action[atom] = 3 if number == 8 else 4
                lone_anions += 1
                changes += 1
            elif ion == -1 and hs == 0 and number == 7:
                ring = aromatic[atom] and aromatic_bonds == 2
                fine = fine and degree[atom] == 2 and (ring or (not aromatic[atom] and total == 2))
                action[atom] = 5 if aromatic[atom] else 1
                lone_anions += 1
                changes += 1
            else:
                fine = False
        if fine and not (kept_cations and lone_anions):
            verdict[molecule] = 2 if changes else 1
