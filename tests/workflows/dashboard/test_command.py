"""The command shown for a question asks the same question."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from docksieve.screening.queries.query import HitQuery, Selective, Window
from docksieve.workflows.dashboard.command import as_text, command_of
from docksieve.workflows.dashboard.search import read_query

QUESTIONS = [
    HitQuery(),
    HitQuery(top=None, by="combined", caution=2.0, targets=("A", "B-2")),
    HitQuery(where="docked_score < -9 AND (id LIKE '-%' OR id = 'it''s')"),
    HitQuery(
        windows={
            "weight": Window(250, 450),
            "charge": Window(-1, -1),
            "logp": Window(None, 3),
            "predicted_spread": Window(0.1, None),
        }
    ),
    HitQuery(rules=("lipinski", "veber"), no_alerts=("pains", "nih"), add=("qed", "scaffold")),
    HitQuery(has=("[#7]-,=[#6]", "c1ccccc1"), has_not=("[N+](=O)[O-]",)),
    HitQuery(similar_to=("CCO", "c1ccncc1"), similarity=0.25, novel_against=("CCN",), novelty=0.7),
    HitQuery(selective=Selective("A", "B", 1.5), per_parent=True),
    HitQuery(worst_over=("A", "B", "C"), diverse="scaffold", top=50, pool=500),
    HitQuery(rounds=(1, 3), model="0123abcd"),
    read_query(json.dumps({"text": "a'b", "where": "weight < 400 -- light"}), 100),
]


@pytest.mark.parametrize("query", QUESTIONS, ids=range(len(QUESTIONS)))
def test_the_command_line_reads_the_same_question(
    query: HitQuery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from docksieve.workflows.cli import main as cli
    from docksieve.workflows.terminal import hits as terminal_hits
    from typer.main import get_command

    asked: list[Any] = []
    monkeypatch.setattr(
        terminal_hits, "print_hits", lambda campaign, question, *rest: asked.append((campaign, question))
    )
    root = tmp_path / "a folder"
    words = shlex.split(as_text(command_of(query, root)))
    assert words[0] == "docksieve"
    get_command(cli.app).main(words[1:], standalone_mode=False)
    assert asked == [(root, query)]
