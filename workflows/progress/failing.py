"""What acquisition learnt of dockings that fail, and what came of it, as receipts say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...data.receipts import Receipt
from ...data.words import plural
from ..campaign.ledger import Ledger


@dataclass(frozen=True)
class FailingRound:
    """One target in one round.

    Attributes
    ----------
    group, target : str
    scored, failed : int
        Dockings that were learnt from.
    used : bool
        Whether they said enough about failures to go by.
    picks : int
        Molecules chosen for docking.
    expected : float or None
        Failures that were expected of those chosen by value, where the model was used.
    failures : int or None
        Failures that there were among the molecules chosen; None while some are not docked.
    """

    group: str
    target: str
    scored: int
    failed: int
    used: bool
    picks: int
    expected: float | None
    failures: int | None

    @property
    def words(self) -> str:
        """One sentence; empty where nothing had failed."""
        if not self.failed:
            return ""
        tried = self.scored + self.failed
        begin = f"{self.group}, {self.target}: {self.failed:,} of {tried:,} dockings had failed before"
        if not self.used:
            return f"{begin}, which did not show what fails; nothing was discounted"
        said = f"{begin}; values were discounted by the chance of a score, and about {self.expected or 0:.1f} failures "
        said += f"were expected among {plural(self.picks, 'molecule')} chosen"
        return said if self.failures is None else f"{said} ({self.failures:,} failed)"


def failing_rounds(ledger: Ledger) -> list[FailingRound]:
    """Return what every round of a campaign learnt of failures, in order; nothing of rounds that did not look."""
    found = []
    for stage in ledger.stages():
        group, _, step = stage.partition("/")
        if step != "acquire":
            continue
        for receipt in ledger.receipts(stage):
            for target, facts in _targets(receipt):
                about = facts["failing"]
                found.append(
                    FailingRound(
                        group=group,
                        target=target,
                        scored=int(about["scored"]),
                        failed=int(about["failed"]),
                        used=bool(about["used"]),
                        picks=int(facts["chosen"]),
                        expected=about["expected"],
                        failures=_failures(ledger, group, target),
                    )
                )
    return found


def failing_lines(ledger: Ledger) -> list[str]:
    """Return a sentence per round and target in which something had failed before."""
    return [each.words for each in failing_rounds(ledger) if each.words]


def _targets(receipt: Receipt) -> list[tuple[str, dict[str, Any]]]:
    if not receipt.done:
        return []
    return [
        (name, facts)
        for name, facts in receipt.facts.items()
        if isinstance(facts, dict) and "failing" in facts
    ]


def _failures(ledger: Ledger, group: str, target: str) -> int | None:
    """Return how many dockings of a target in a round had no score; None while some are not done."""
    mine = f"{group}/dock/{target}/"
    names = [name for name in ledger.planned(f"{group}/dock") if name.startswith(mine)]
    done = [r for r in ledger.receipts(f"{group}/dock") if r.task.startswith(mine) and r.done]
    if not names or len(done) < len(names):
        return None
    return sum(int(receipt.counts["failed"]) for receipt in done)
