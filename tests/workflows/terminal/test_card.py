"""A molecule's record at the terminal: plain text, and nothing written where something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from docksieve.data.errors import InputError
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.hits.card import hit_card
from docksieve.workflows.hits.card_text import card_lines
from docksieve.workflows.terminal.card import print_card

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def best(finished: Campaign) -> str:
    return str(hits(finished, top=1, target="A")["id"][0].as_py())


def test_every_line_of_the_card_is_printed_as_it_is(finished: Campaign, best: str, capsys: Capture) -> None:
    print_card(finished.root, best, 2, False, None)
    shown = capsys.readouterr()
    lines = list(card_lines(hit_card(finished, best, 2)))
    assert shown.out == "".join(f"{line}\n" for line in lines)  # unwrapped, brackets of SMILES untouched
    assert lines[0].startswith(f"{best}  (row ") and "A, kcal/mol, lower is better" in lines
    assert shown.err == ""


def test_a_molecule_without_neighbours_and_an_undocked_one(finished: Campaign, capsys: Capture) -> None:
    docked = set(hits(finished, top=None)["row"].to_pylist())
    row = next(row for row in range(400) if row not in docked)
    print_card(finished.root, f"row:{row}", 0, False, None)
    assert "nothing else is docked" in capsys.readouterr().out


def test_as_json_nothing_but_json_is_printed(
    finished: Campaign, best: str, tmp_path: Path, capsys: Capture
) -> None:
    print_card(finished.root, best, 1, True, tmp_path / "card.svg")
    shown = capsys.readouterr()
    assert json.loads(shown.out)["id"] == best
    assert "Wrote" in shown.err and (tmp_path / "card.svg").read_text().lstrip().startswith("<")


def test_a_wrong_ending_is_refused_before_anything_is_printed(
    finished: Campaign, best: str, tmp_path: Path, capsys: Capture
) -> None:
    for name in ("card.pdf", "card", "card.SVG"):
        with pytest.raises(InputError, match=r"neither a drawing nor a page. End it with .svg or .html"):
            print_card(finished.root, best, 1, False, tmp_path / name)
    assert capsys.readouterr().out == "" and list(tmp_path.iterdir()) == []


def test_an_unknown_molecule_writes_no_file(finished: Campaign, tmp_path: Path, capsys: Capture) -> None:
    with pytest.raises(InputError, match="no-such-molecule"):
        print_card(finished.root, "no-such-molecule", 1, False, tmp_path / "card.html")
    assert capsys.readouterr().out == "" and list(tmp_path.iterdir()) == []
