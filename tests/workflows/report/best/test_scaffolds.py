"""Scaffolds of the best: counted once each, the totals add up, the best score is the best."""

from __future__ import annotations

import re
from typing import Any

from docksieve.workflows.report.best.scaffolds import AMONG, SHOWN, scaffolds_of, scaffolds_part

SMILES = ["Cc1ccccc1", "CC(=O)Nc1ccccc1", "c1ccc(Cc2ccncc2)cc1", "CCO", "OCCN", "Oc1ccccc1"]
SCORES = [-7.0, -9.0, -8.5, -5.0, -4.0, -6.0]


def rows(smiles: list[str] = SMILES, scores: list[float] = SCORES) -> list[dict[str, Any]]:
    """Hits in the order given: the ranking is by another score."""
    return [
        {"rank": rank, "id": f"M{rank}", "smiles": text, "docked_score": score}
        for rank, (text, score) in enumerate(zip(smiles, scores, strict=True), 1)
    ]


def test_molecules_are_counted_by_what_links_their_rings() -> None:
    benzene, none, linked = scaffolds_of(rows(), True)
    assert (benzene.smiles, benzene.count, benzene.best, benzene.middle) == ("c1ccccc1", 3, -9.0, -7.0)
    assert (benzene.rank, benzene.id) == (1, "M1")
    assert (none.smiles, none.count, none.best, none.rank) == ("", 2, -5.0, 4)
    assert linked.count == 1 and linked.best == linked.middle == -8.5
    assert scaffolds_of(rows(), False)[0].best == -6.0  # where higher is better


def test_the_part_says_totals_that_add_up_and_units() -> None:
    smiles = [f"C1CCC{'C' * size}1" for size in range(20)] + ["c1ccccc1C", "c1ccccc1CC"]
    page = "".join(scaffolds_part(rows(smiles, [-5.0] * 22), "kcal/mol", True))
    assert "The 22 best docked molecules have 21 Bemis-Murcko scaffolds" in page
    assert "20 of them occur once" in page
    drawn = [int(count) for count in re.findall(r"<bdi>(\d+) of 22</bdi>", page)]
    assert len(drawn) == SHOWN and drawn[0] == 2
    (others, left) = re.findall(r"the other (\d+) have (\d+) molecules", page)[0]
    assert len(drawn) + int(others) == 21 and sum(drawn) + int(left) == 22
    assert (
        page.count('<span class="unit">kcal/mol</span>') == 2 * SHOWN and page.count('class="mol"') == SHOWN
    )


def test_only_docked_ones_count_and_no_more_than_the_best() -> None:
    many = rows(["Cc1ccccc1"] * 300, [-6.0] * 300)
    assert f"The {AMONG} best docked molecules" in "".join(scaffolds_part(many, "x", True))
    assert scaffolds_part([{**row, "docked_score": None} for row in rows()], "x", True) == []


def test_what_cannot_be_drawn_is_said_and_ids_are_text() -> None:
    found = rows(["CCO", "no smiles"], [-5.0, -4.0])
    found[0]["id"] = "<img>"
    page = "".join(scaffolds_part(found, "<u>", True))
    assert "no ring" in page and "cannot be drawn" in page
    assert "<img>" not in page and "<u>" not in page
