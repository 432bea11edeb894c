"""Cards of imports: a round that has a teacher keeps its scores whatever is decided later."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data.errors import InputError
from docksieve.workflows.campaign.imports import (
    find_import,
    in_force,
    put_in_force,
    read_imports,
    set_aside,
    teaches,
    use_words,
    write_import,
)

NEW = {"number": 1, "first_round": None}


def _taught(card: dict) -> list[int]:
    return [number for number in range(1, 9) if teaches(card, number)]


def test_a_card_of_an_earlier_version_goes_on_as_it_did() -> None:
    assert _taught({"number": 1, "first_round": 3}) == [3, 4, 5, 6, 7, 8]
    assert in_force({"number": 1, "first_round": 3}) and not in_force(NEW)
    assert use_words({"number": 1, "first_round": 3}) == "from round 3" and use_words(NEW) == "no"


def test_rounds_that_are_trained_stay_when_an_import_is_dropped_and_used_again() -> None:
    used = put_in_force(NEW, 1, "promoted")
    assert _taught(used) == [2, 3, 4, 5, 6, 7, 8]
    dropped = set_aside(used, 3, "dropped")
    assert _taught(dropped) == [2, 3] and not in_force(dropped)
    assert use_words(dropped) == "rounds 2 to 3, then dropped"
    again = put_in_force(dropped, 5, "used")
    assert _taught(again) == [2, 3, 6, 7, 8]
    assert use_words(again) == "rounds 2 to 3 and from round 6"
    assert [entry["what"] for entry in again["history"]] == ["promoted", "dropped", "used"]
    assert put_in_force(again, 6, "twice") == again and set_aside(dropped, 7, "twice") == dropped


def test_an_import_that_no_round_has_used_leaves_no_trace_in_any() -> None:
    dropped = set_aside(put_in_force(NEW, 1, "promoted"), 1, "dropped")
    assert _taught(dropped) == [] and dropped["first_round"] is None


def test_imports_are_found_by_name_number_and_candidate(tmp_path: Path) -> None:
    write_import(tmp_path, {"number": 2, "first_round": None})
    write_import(tmp_path, {"number": 12, "first_round": None})
    assert [card["number"] for card in read_imports(tmp_path)] == [2, 12]
    for name in ("import-012", "12", "retrain-012/teacher"):
        assert find_import(tmp_path, name)["number"] == 12
    with pytest.raises(InputError, match=r"no import '3'.*import-002, import-012"):
        find_import(tmp_path, "3")
