"""`audit` and `decide` hand over what was given, and as JSON print nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from docksieve.workflows.cli import ahead
from typer.testing import CliRunner


def call(*words: str) -> Any:
    app = typer.Typer()
    ahead.register(app)
    return CliRunner().invoke(app, list(words))


def test_an_audit_as_json_is_its_card_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def audit(campaign: Path, budget: int, target: str | None, **options: Any) -> Any:
        given.update(options, campaign=campaign, budget=budget, target=target)
        return SimpleNamespace(card={"number": 1}, fresh=True)

    monkeypatch.setattr("docksieve.workflows.auditing.audit.audit", audit)
    done = call("audit", "here", "--budget", "50", "--score", "-9.5", "--plan-only", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"number": 1}
    assert (given["campaign"], given["budget"], given["target"]) == (Path("here"), 50, None)
    assert (given["score"], given["recall"], given["plan_only"], given["on_plan"]) == (-9.5, None, True, None)


def test_an_audit_needs_a_budget() -> None:
    done = call("audit", "here")
    assert done.exit_code == 2 and "--budget" in done.output


def test_decisions_as_json_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def decide(campaign: Path, target: str | None, budgets: Any, **options: Any) -> list[Any]:
        given.append((campaign, target, tuple(budgets), options))
        return [SimpleNamespace(to_json=lambda: {"target": "A"})]

    monkeypatch.setattr("docksieve.workflows.deciding.decision.decide_campaign", decide)
    done = call("decide", "here", "--next", "10", "--next", "20", "--threshold", "-9", "--json")
    assert done.exit_code == 0 and json.loads(done.stdout) == [{"target": "A"}]
    call("decide", "here", "--json")
    none = {"threshold": None, "improve": None}
    assert given == [
        (Path("here"), None, (10, 20), {**none, "threshold": -9.0}),
        (Path("here"), None, (), none),
    ]
