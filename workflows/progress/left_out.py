"""What a campaign leaves out of its library from the start, as the receipts of its ``filter`` tasks count it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ...data.errors import CampaignError
from ...data.words import plural
from ...screening.docking.ligand_settings import LigandLimits
from ..campaign.campaign import Campaign
from ..campaign.filters import limits_by_target
from ..campaign.ledger import Ledger

FILTER = "round-00/filter"
"""The stage."""

MIN_LEFT = 50
"""Fewest molecules that a campaign with rounds can go on with: a student needs as many labels."""


@dataclass(frozen=True)
class LeftOut:
    """Molecules left out, over some or all shards.

    Attributes
    ----------
    rows : int
        Molecules looked at.
    conditions : tuple of (str, int)
        Each condition of ``[library]``, and how many molecules it leaves after those before it.
    refused : mapping of str to mapping of str to int
        By target: molecules that docking would refuse, by the code that it would give.
    may_dock : mapping of str to int
        By target: what is left.
    any : int
        Molecules that at least one target may dock.
    """

    rows: int
    conditions: tuple[tuple[str, int], ...]
    refused: Mapping[str, Mapping[str, int]]
    may_dock: Mapping[str, int]
    any: int

    @property
    def wanted(self) -> int:
        """Molecules that meet all conditions of ``[library]``."""
        return self.conditions[-1][1] if self.conditions else self.rows

    def losses(self, target: str) -> list[tuple[str, int, str]]:
        """Return what was lost on the way to what ``target`` may dock: words, how many, docking's code if it is one."""
        found, before = [], self.rows
        for words, left in self.conditions:
            found.append((f"does not meet: {words}", before - left, ""))
            before = left
        return found + [("", count, code) for code, count in self.refused.get(target, {}).items()]


def read_left_out(ledger: Ledger, shards: Collection[str] | None = None) -> LeftOut:
    """Add up what the finished ``filter`` tasks count.

    Parameters
    ----------
    ledger : Ledger
    shards : collection of str, optional
        Only these; all, if not given.
    """
    seen, anyone = 0, 0
    words: list[str] = []
    left: list[int] = []
    may: Counter[str] = Counter()
    refused: dict[str, Counter[str]] = {}
    for receipt in ledger.receipts(FILTER):
        if not receipt.done or (shards is not None and receipt.task.rpartition("/")[2] not in shards):
            continue
        seen += receipt.rows_in
        anyone += int(receipt.facts["any"])
        words = [text for text, _ in receipt.facts["conditions"]]
        counts = [int(count) for _, count in receipt.facts["conditions"]]
        left = [one + more for one, more in zip(left or [0] * len(counts), counts, strict=True)]
        may.update(receipt.facts["may_dock"])
        for target, codes in receipt.facts["refused"].items():
            refused.setdefault(target, Counter()).update(codes)
    return LeftOut(seen, tuple(zip(words, left, strict=True)), refused, may, anyone)


def check_enough(campaign: Campaign, found: LeftOut | None) -> None:
    """Refuse to go on where the conditions leave too little.

    Raises
    ------
    CampaignError
        Naming the condition that left nothing, or what is left and what is asked for.
    """
    if found is None:
        return
    config = campaign.config
    before = found.rows
    for words, left in found.conditions:
        if not left:
            raise CampaignError(
                f"[library] leaves nothing to dock: none of {plural(before, 'molecule')} meets the condition {words}.",
                "Change or remove it in the campaign file, and give the campaign another [campaign] folder.",
            )
        before = left
    for target in campaign.targets:
        left = found.may_dock[target]
        wanted = max(config.start.molecules, MIN_LEFT if config.rounds.count else 0)
        if left < wanted:
            why = "; ".join(left_out_lines(campaign, found))
            raise CampaignError(
                f"{plural(left, 'molecule')} of the library may be docked into {target}, and the campaign needs "
                f"{wanted:,}. {why}",
                "Ask for fewer ([start] molecules), or loosen the conditions of [library] or the limits in "
                f"[targets.{target}.ligand], and give the campaign another [campaign] folder.",
            )


def left_out_lines(campaign: Campaign, found: LeftOut) -> list[str]:
    """Return what was left out, a sentence each; none where nothing was."""
    lines, before = [], found.rows
    for words, left in found.conditions:
        lines.append(f"[library] {words}: leaves {left:,} of {before:,} molecules")
        before = left
    by_words: dict[str, list[str]] = {}
    for target, given in limits_by_target(campaign.targets).items():
        limits = LigandLimits(**{**given, "elements": tuple(given["elements"])})
        codes = {code: count for code, count in found.refused.get(target, {}).items() if count}
        if codes:
            why = ", ".join(f"{count:,} {limits.words(code)}" for code, count in codes.items())
            said = f"{plural(sum(codes.values()), 'molecule')} refused by docking ({why}) and left out beforehand"
            by_words.setdefault(said, []).append(target)
    return lines + [f"{', '.join(targets)}: {said}" for said, targets in by_words.items()]
