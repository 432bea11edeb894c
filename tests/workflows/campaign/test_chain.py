"""The chain of receipts: whatever is altered changes all that follows, and where the library lies does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from docksieve.data.receipts import Receipt, read_receipt, write_receipt
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.campaign.chain import BEFORE, beginning, follows, link, linked_again

STATE: dict[str, Any] = {
    "id": "x", "library": {"fingerprint": "f", "path": "a"}, "targets": {}, "target_files": {}, "source_files": []
}  # fmt: skip


def test_a_campaign_begins_with_its_library_wherever_that_lies() -> None:
    moved = {**STATE, "library": {"fingerprint": "f", "path": "b"}, "threads": 4}
    assert beginning(STATE) == beginning(moved)
    for key, value in (("id", "y"), ("library", {"fingerprint": "g"}), ("targets", {"A": {}})):
        assert beginning({**STATE, key: value}) != beginning(STATE)
    assert beginning(
        {key: value for key, value in STATE.items() if key != "source_files"}
    )  # of an older version


def test_a_link_is_of_the_stage_of_all_receipts_and_of_their_order() -> None:
    one, two = (Receipt(name, "dock", "f", seal=name * 2) for name in "ab")
    links = {
        link("s", []), link("t", []), link("s", [one]), link("s", [one, two]), link("s", [two, one]),
        link("s", [replace(one, seal="zz"), two]), link("s", [replace(one, seal=""), two]),
    }  # fmt: skip
    assert len(links) == 7
    bare = replace(one, seal="")  # an earlier version's: known by what it was made from
    assert link("s", [bare]) != link("s", [replace(bare, fingerprint="g")])


def test_every_stage_follows_the_one_before(finished: Campaign) -> None:
    stages = finished.stages()
    assert follows(finished, stages[0]) == beginning(finished.state)
    wanted = beginning(finished.state)
    for stage in stages:
        assert follows(finished, stage) == wanted
        receipts = list(finished.ledger.receipts(stage))
        assert {receipt.follows for receipt in receipts} <= {wanted}
        if receipts:  # a stage without tasks (the final docking into tables) has nothing to follow
            wanted = link(stage, receipts)


def test_a_receipt_is_linked_again_once_and_remembers_what_it_first_followed(tmp_path: Path) -> None:
    campaign: Any = SimpleNamespace(root=tmp_path)
    chained, loose = Receipt("a", "dock", "f", follows="old"), Receipt("b", "dock", "f")
    for receipt in (chained, loose):
        write_receipt(tmp_path, receipt)
    assert linked_again(campaign, [chained, loose], "new") == 1
    now = read_receipt(tmp_path, "a")
    assert now is not None and (now.follows, now.facts[BEFORE]) == ("new", "old")
    assert linked_again(campaign, [now], "new") == 0
    assert linked_again(campaign, [now], "newer") == 1
    last = read_receipt(tmp_path, "a")
    assert last is not None and last.facts[BEFORE] == "old"
    none = read_receipt(tmp_path, "b")
    assert none is not None and none.follows == ""  # without a chain it stays so
