"""The chain of receipts: each carries the hash of all receipts of the stage before, and these of theirs.

The first stage follows what the campaign began with. Whoever alters a receipt must therefore alter every later one.
Where earlier work is done again (a lost file, say), later receipts are linked again when their stage is passed, and
keep what they followed before in their facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ...data.receipts import Receipt, write_receipt
from ...data.store import sha256_json
from .campaign import Campaign

BEGAN_WITH = ("id", "library", "targets", "target_files", "source_files")
"""Keys of ``campaign.json`` that the first stage follows; the library by its fingerprint, since it may move."""
BEFORE = "followed_before"
"""Fact of a receipt that was linked again: what it followed when it was written."""


def beginning(state: Mapping[str, Any]) -> str:
    """Return the hash of what a campaign began with."""
    began = {key: state.get(key) for key in BEGAN_WITH}
    return sha256_json({**began, "library": state["library"]["fingerprint"]})


def link(stage: str, receipts: Iterable[Receipt]) -> str:
    """Return the hash of the receipts of ``stage``, in plan order: what the next stage follows."""
    return sha256_json([stage, [[receipt.task, _mark(receipt)] for receipt in receipts]])


def _mark(receipt: Receipt) -> str:
    """Return a receipt's seal; of one that has none, the hash of what it was made from and made."""
    outputs = [record.sha256 for record in receipt.outputs]
    return receipt.seal or sha256_json([receipt.task, receipt.fingerprint, outputs])


def follows(campaign: Campaign, stage: str) -> str:
    """Return what the receipts of ``stage`` must follow, from the receipts as they stand."""
    stages, ledger = campaign.stages(), campaign.ledger
    place = stages.index(stage) if stage in stages else len(stages)
    for before in reversed(stages[:place]):
        if ledger.planned(before):  # a stage without tasks has nothing to follow
            return link(before, ledger.receipts(before))
    return beginning(campaign.state)


def linked_again(campaign: Campaign, receipts: Iterable[Receipt], wanted: str) -> int:
    """Link finished receipts that follow something else again; return how many. Those without a chain stay so."""
    count = 0
    for receipt in receipts:
        if receipt.done and receipt.follows and receipt.follows != wanted:
            facts = {**receipt.facts, BEFORE: receipt.facts.get(BEFORE, receipt.follows)}
            write_receipt(campaign.root, replace(receipt, follows=wanted, facts=facts))
            count += 1
    return count
