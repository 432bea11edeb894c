"""Batches that had stopped improving, and what was done about it, as receipts say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...data.words import plural
from ..campaign.ledger import Ledger


def stalled_words(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield target and a sentence for each target whose batches had stopped improving, from an acquisition's facts."""
    for target, found in facts.items():
        stall = found.get("stalled") if isinstance(found, dict) else None
        if not stall:
            continue
        said = (
            f"batches had stopped improving (the best tenth of the last reached {stall['last']:.4g}, of the one before "
            f"{stall['before']:.4g}); "
        )
        if stall["explored"]:
            said += f"{plural(stall['explored'], 'molecule')} of {found['chosen']:,} are of scaffolds not docked before"
        else:
            said += "the shortlist has no scaffold that was not docked before"
        yield target, said


def stalled_lines(ledger: Ledger, of: str = "") -> list[str]:
    """Return a sentence for each round and target whose batches had stopped improving; ``of``: of this target only."""
    return [
        f"{stage.partition('/')[0]}, {target}: {said}"
        for stage in ledger.stages()
        if stage.endswith("/acquire")
        for receipt in ledger.receipts(stage)
        if receipt.done
        for target, said in stalled_words(receipt.facts)
        if of in ("", target)
    ]
