"""Mixtures of isomers: docked isomer by isomer, and known by the best.

A racemate is as good as its better half, and of a molecule of unknown configuration the better one is hoped for.
Engines see plain molecules: what they are given, and what becomes of their outcomes, is arranged here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...data.words import agree, plural
from .engine import BatchNotes, DockingOutcome, Ligand

MOST_ISOMERS = 16
"""Isomers of one molecule that are docked at most."""


class Isomers:
    """The ligands of a batch with those that have stereo groups replaced by their isomers.

    Parameters
    ----------
    ligands : sequence of Ligand

    Attributes
    ----------
    ligands : list of Ligand
        What an engine is to dock; isomers of one molecule stand together.
    any : bool
        Whether a ligand has stereo groups at all.
    """

    def __init__(self, ligands: Sequence[Ligand]) -> None:
        self.any = any(ligand.stereo_groups for ligand in ligands)
        self.ligands: list[Ligand] = []
        self._counts: list[int] = []
        for ligand in ligands:
            texts = _isomers(ligand)
            self._counts.append(len(texts))
            self.ligands += [replace(ligand, smiles=text, stereo_groups=None) for text in texts]

    def notes(self, notes: BatchNotes) -> BatchNotes:
        """Return notes for the engine that pass on a molecule's end when the last of its isomers ends."""
        ends = set()
        total = 0
        for count in self._counts:
            total += count
            ends.add(total)
        done = 0

        def isomer_done() -> None:
            nonlocal done
            done += 1
            if done in ends:
                notes.ended()

        return BatchNotes(notes.seconds, notes.counts, isomer_done)

    def best(self, outcomes: Sequence[DockingOutcome], lower_is_better: bool) -> list[DockingOutcome]:
        """Return one outcome per molecule: that of its best isomer, which says of how many.

        Parameters
        ----------
        outcomes : sequence of DockingOutcome
            One per isomer, in order.
        lower_is_better : bool
        """
        found, start = [], 0
        for count in self._counts:
            mine = outcomes[start : start + count]
            start += count
            found.append(mine[0] if count == 1 else _best(mine, lower_is_better))
        return found


def _isomers(ligand: Ligand) -> list[str]:
    if not ligand.stereo_groups:
        return [ligand.smiles]
    from ...data.molecules.stereo_groups import (
        isomers_of_groups,
    )  # a table or a program may need no chemistry

    return isomers_of_groups(ligand.smiles, ligand.stereo_groups, MOST_ISOMERS)


def _best(outcomes: Sequence[DockingOutcome], lower_is_better: bool) -> DockingOutcome:
    scored = [outcome for outcome in outcomes if outcome.score is not None]
    seconds = sum(outcome.seconds for outcome in outcomes)
    cpu_seconds = sum(outcome.cpu_seconds for outcome in outcomes)
    if not scored:
        return replace(outcomes[0], seconds=seconds, cpu_seconds=cpu_seconds)
    sign = 1.0 if lower_is_better else -1.0
    best = min(scored, key=lambda outcome: sign * (outcome.score or 0.0))
    words = f"the best of {plural(len(scored), 'isomer')} that its stereo groups stand for"
    if lost := len(outcomes) - len(scored):
        words += f"; {lost} {agree(lost, 'has', 'have')} no score"
    return replace(best, message=words, seconds=seconds, cpu_seconds=cpu_seconds)
