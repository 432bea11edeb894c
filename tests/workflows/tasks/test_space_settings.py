"""Settings of tasks on spaces: what they add to those on libraries is in the task's hash."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.tasks.settings import AcquireSettings, SampleSettings
from docksieve.workflows.tasks.space_settings import (
    FactorTaskSettings,
    SearchSettings,
    SpaceAcquireSettings,
    SpaceSampleSettings,
)

LIMITS = {"A": {"min_heavy_atoms": 6, "max_heavy_atoms": 40, "max_torsions": 20, "elements": ["C", "N"]}}


def hashed(settings: Any) -> str:
    return Task("x", "x", settings).fingerprint


def test_limits_and_kept_products_change_the_task() -> None:
    sample = SpaceSampleSettings(30, "random", 3, ("A",), 20, "space", limits=LIMITS)
    assert isinstance(sample, SampleSettings) and hashed(sample) != hashed(replace(sample, limits={}))
    values: dict[str, Any] = dict.fromkeys(SpaceAcquireSettings.__dataclass_fields__)
    acquire = SpaceAcquireSettings(**{**values, "limits": LIMITS, "kept": {"A": 9}})
    assert isinstance(acquire, AcquireSettings)
    assert (
        len({hashed(acquire), hashed(replace(acquire, kept={"A": 8})), hashed(replace(acquire, limits={}))})
        == 3
    )


def test_settings_are_json_values() -> None:
    search = SearchSettings("round-01", "amide-000000-000023", {"A": 100})
    assert search.to_json() == {"round": "round-01", "shard": "amide-000000-000023", "keep": {"A": 100}}
    distil = FactorTaskSettings("round-01/factors", {"rank": 8}, {}, {"A": True}, 7, 1)
    assert json.loads(json.dumps(distil.to_json())) == distil.to_json()
    assert distil.to_json()["factors"] == {"rank": 8}
