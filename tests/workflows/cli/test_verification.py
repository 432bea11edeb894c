"""`verify`, `control` and `plan-analysis`: scripts may rely on exit codes and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from docksieve.workflows.cli import verification
from docksieve.workflows.verifying.findings import Verification
from typer.testing import CliRunner


def call(*words: str) -> Any:
    app = typer.Typer()
    verification.register(app)
    return CliRunner().invoke(app, list(words))


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("wrong", [False, True])
def test_the_exit_code_says_whether_anything_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: bool, as_json: bool
) -> None:
    given: list[Any] = []

    def verify(campaign: Path, rerun: Any, *, deep: bool) -> Verification:
        given.append((tuple(rerun), deep))
        found = Verification(tmp_path)
        if wrong:
            found.wrong("file", "scores/a.parquet", "The file is missing.")
        return found

    monkeypatch.setattr("docksieve.workflows.verifying.verify.verify", verify)
    done = call("verify", str(tmp_path), "--rerun", "a/b", "--rerun", "all", "--deep", *["--json"] * as_json)
    assert done.exit_code == int(wrong)
    assert given == [(("a/b", "all"), True)]
    if as_json:
        said = json.loads(done.stdout)
        assert said["ok"] is not wrong and len(said["findings"]) == wrong
    else:
        assert ("The file is missing." in done.stdout) == wrong


@pytest.mark.parametrize(("leakage", "code"), [([], 0), (["The teacher learnt from shuffled scores."], 1)])
def test_a_control_that_finds_leakage_fails(
    monkeypatch: pytest.MonkeyPatch, leakage: list[str], code: int
) -> None:
    monkeypatch.setattr(
        "docksieve.workflows.controls.shuffle.shuffle_control", lambda *_: {"leakage": leakage, "targets": {}}
    )
    done = call("control", "shuffle", "here", "--json")
    assert done.exit_code == code and json.loads(done.stdout)["leakage"] == leakage


def test_options_go_before_the_file_of_a_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plan.toml").write_text('metric = "recall"\nthreshold = 0.5\n')
    given: list[Any] = []

    def write(campaign: Path, settings: dict[str, Any], out: Path | None) -> dict[str, Any]:
        given.append((settings, out))
        return {"sha256": "ab" * 32, "scores_known": {"A": 1000, "B": 234}}

    monkeypatch.setattr("docksieve.workflows.controls.plan.write_plan", write)
    done = call("plan-analysis", "here", "--file", str(tmp_path / "plan.toml"), "--threshold", "0.7")
    assert done.exit_code == 0, done.output
    assert given == [({"metric": "recall", "threshold": 0.7}, None)]
    assert "(SHA-256 abababababababab)" in done.stdout and "1,234 scores were known already." in done.stdout
