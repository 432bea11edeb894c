"""Aims on DOCKSTRING's tables of JAK2 and LCK: what is known to be selective after the same number of dockings."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))


@pytest.mark.slow
def test_a_selective_aim_finds_more_that_is_known_to_be_selective(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = ("dockstring_zinc15k_JAK2", "dockstring_zinc15k_LCK")
    for name in tables:
        if not list((shared_data / "scores").glob(f"{name}*")):
            pytest.skip(f"{name} is missing from {shared_data / 'scores'}")
    monkeypatch.setenv("DOCKSIEVE_DATA", str(shared_data))
    import aims

    monkeypatch.setattr(aims, "BATCH", 40)
    monkeypatch.setattr(aims, "ROUNDS", 2)
    monkeypatch.setattr(aims, "FIRST", 200)
    pair = aims.Pair(1_500, tables)
    found = {way: pair.figures(pair.run(way, 1)) for way in ("independent", "selective")}
    key = "selective, docked for both"
    assert found["independent"]["dockings"] == found["selective"]["dockings"]
    assert found["selective"][key] > found["independent"][key]
