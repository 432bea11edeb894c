"""Every way of choosing works by its name in the campaign file, and never costs a molecule."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from docksieve.data.errors import ConfigError
from docksieve.data.store import read_table
from docksieve.screening.acquisition.acquire import ACQUISITIONS, DIVERSITIES
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.config.campaign_file import parse_config
from docksieve.workflows.running.submit import submit


def with_rounds(text: str, lines: str) -> str:
    return text.replace("[rounds]\ncount = 2\n", f"[rounds]\ncount = 1\n{lines}\n")


@pytest.mark.parametrize("acquisition", sorted(ACQUISITIONS))
@pytest.mark.parametrize("diversity", sorted(DIVERSITIES))
def test_names_are_known_to_the_campaign_file(campaign_text: str, acquisition: str, diversity: str) -> None:
    lines = f'acquisition = "{acquisition}"\ndiversity = "{diversity}"\nepsilon = 0.25'
    rounds = parse_config(with_rounds(campaign_text, lines), "campaign.toml").rounds
    assert (rounds.acquisition, rounds.diversity, rounds.epsilon) == (acquisition, diversity, 0.25)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('diversity = "scaffolds"', ["diversity", "none, scaffold, maxmin"]),
        ("epsilon = 1.5", ["epsilon", "1.5"]),
        ("epsilon = -0.1", ["epsilon", "-0.1"]),
    ],
)
def test_mistakes_are_named(campaign_text: str, line: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(with_rounds(campaign_text, line), "campaign.toml")
    for word in words:
        assert word in str(caught.value)


def docked(campaign: Campaign, target: str) -> list[int]:
    outputs = campaign.ledger.outputs("round-01/dock", f"scores/round-01/{target}")
    rows: list[int] = []
    for output in outputs:
        rows += read_table(campaign.root / output.path)["row"].to_pylist()
    return rows


@pytest.mark.slow
@pytest.mark.parametrize(
    ("acquisition", "diversity", "epsilon"),
    [
        ("ucb", "scaffold", 0.2),
        ("ei", "maxmin", 0.0),
        ("pi", "none", 0.2),
        ("thompson", "scaffold", 0.0),
        ("uncertainty", "maxmin", 1.0),
        ("random", "none", 0.0),
    ],
)
def test_a_campaign_chooses_as_its_file_says(
    campaign_text: str, tmp_path: Path, acquisition: str, diversity: str, epsilon: float
) -> None:
    lines = f'acquisition = "{acquisition}"\ndiversity = "{diversity}"\nepsilon = {epsilon}'
    (tmp_path / "campaign.toml").write_text(with_rounds(campaign_text, lines))
    campaign = submit(tmp_path / "campaign.toml", "inline")
    (receipt,) = campaign.ledger.receipts("round-01/acquire")
    for target in ("A", "B"):
        facts = receipt.facts[target]
        assert (facts["chosen"], facts["at_random"]) == (15, round(15 * epsilon))
        rows = docked(campaign, target)
        assert len(set(rows)) == 15
        paths = [
            record.path
            for record in campaign.ledger.outputs("round-01/acquire")
            if f"/{target}/" in record.path
        ]
        picked = pa.concat_tables([read_table(campaign.root / path) for path in paths])
        assert sorted(picked["row"].to_pylist()) == sorted(rows)
        assert picked["acquisition"].null_count == 0


TEACHERS = {
    "kernel": "",
    "mlp": "[teacher.mlp]\nmembers = 2\nwidth = 16\nbuckets = 256\nepochs = 3\n",
    "trees": "[teacher.trees]\nmembers = 2\niterations = 10\nbuckets = 64\n",
    "auto": "[teacher.mlp]\nmembers = 2\nwidth = 16\nbuckets = 256\nepochs = 3\n"
    "[teacher.trees]\nmembers = 2\niterations = 10\nbuckets = 64\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", TEACHERS)
def test_a_campaign_runs_with_every_kind_of_teacher(campaign_text: str, tmp_path: Path, kind: str) -> None:
    text = campaign_text.replace("count = 2", "count = 1")
    text += f'\n[teacher]\nkind = "{kind}"\nfolds = 3\n{TEACHERS[kind]}'
    (tmp_path / "campaign.toml").write_text(text)
    campaign = submit(tmp_path / "campaign.toml", "inline")
    (trained,) = campaign.ledger.receipts("round-01/train")
    members = set(trained.facts["report"]["members"])
    assert members == {kind} if kind != "auto" else members <= {"kernel", "mlp", "trees"}
    assert trained.facts["report"]["choice"]
