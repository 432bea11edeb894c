"""How many dockings were tried for each target, and how many of them gave a score: every pick counts."""

from __future__ import annotations

from dataclasses import dataclass

from ...data.words import agree, plural
from ..campaign.ledger import round_number
from .receipts import CampaignReceipts


@dataclass
class Dockings:
    """Dockings of one target that are done.

    Attributes
    ----------
    seed, picked, final : int
        Tried: of the seed sample, of the molecules that rounds picked, and of the final docking.
    seed_failed, picked_failed, final_failed : int
        Of these, without a score.
    """

    seed: int = 0
    seed_failed: int = 0
    picked: int = 0
    picked_failed: int = 0
    final: int = 0
    final_failed: int = 0


def dockings(receipts: CampaignReceipts) -> dict[str, Dockings]:
    """Return what docking came to, by target."""
    found = {target: Dockings() for target in receipts.campaign.targets}
    for stage in receipts.stages:
        group, _, step = stage.partition("/")
        number = round_number(group)
        if step != "dock" or (number is None and group != "final"):
            continue
        kind = "final" if number is None else "picked" if number else "seed"
        for receipt in receipts.of(stage):
            target = receipt.task.split("/")[2]
            if receipt.done and target in found:
                item, failed = found[target], sum(receipt.facts.get("failures", {}).values())
                setattr(item, kind, getattr(item, kind) + receipt.rows_in)
                setattr(item, f"{kind}_failed", getattr(item, f"{kind}_failed") + failed)
    return found


def docking_words(receipts: CampaignReceipts) -> tuple[str, ...]:
    """Return a sentence about the dockings of each target; none about one of which nothing was docked."""
    return tuple(
        f"{target}: {'; '.join(parts)}."
        for target, item in dockings(receipts).items()
        if (
            parts := [
                _words(what, tried, failed)
                for what, tried, failed in (
                    ("of the seed sample", item.seed, item.seed_failed),
                    ("of molecules picked by prediction", item.picked, item.picked_failed),
                    ("of the best once more (final)", item.final, item.final_failed),
                )
                if tried
            ]
        )
    )


def _words(what: str, tried: int, failed: int) -> str:
    said = f"{plural(tried, 'docking')} {what}"
    if not failed:
        return f"{said}, all with a score" if tried > 1 else f"{said}, with a score"
    share = f"{100 * failed / tried:.0f} %" if failed / tried >= 0.01 else "below 1 %"
    scored = tried - failed
    return (
        f"{said}, of which {scored:,} {agree(scored, 'has', 'have')} a score and {failed:,} failed ({share})"
    )
