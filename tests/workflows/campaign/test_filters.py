"""What a campaign leaves out from the start: its conditions, what docking refuses, and what a space cannot be asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from docksieve.data.enumeration.product_space import SAMPLES
from docksieve.data.errors import ConfigError
from docksieve.data.libraries.library import Library
from docksieve.data.spaces.build import build_space
from docksieve.data.spaces.space import Space
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.campaign.filters import (
    check_conditions,
    check_space,
    conditions_of,
    leaves_out,
    limits_by_target,
)
from docksieve.workflows.config.campaign_file import read_campaign_file
from docksieve.workflows.config.sections import LibrarySection

Make = Callable[..., Path]
VINA = {"engine": "vina", "ligand": {"max_heavy_atoms": 40}}


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Space:
    folder = tmp_path_factory.mktemp("space")
    files = {}
    for role in ("acids", "amines"):
        lines = (SAMPLES / f"{role}.smi").read_text().splitlines()[:4]
        (folder / f"{role}.smi").write_text("\n".join(lines) + "\n")
        files[role] = [folder / f"{role}.smi"]
    return build_space(folder / "space", ["amide"], files, workers=1)


def test_only_conditions_that_are_given_count() -> None:
    assert conditions_of(LibrarySection(path="library")) == {}
    asked = LibrarySection(path="library", where="logp < 3", has=("c1ccccc1",), rules=("veber",))
    assert conditions_of(asked) == {"where": "logp < 3", "has": ["c1ccccc1"], "rules": ["veber"]}


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ('where = "logpp < 3"', "logpp"),
        ('has = ["c1ccccc"]', "has"),
        ('rules = ["lipinsky"]', "Did you mean 'lipinski'"),
    ],
)
def test_a_condition_that_cannot_be_put_is_named_with_its_line(
    make_campaign: Make, condition: str, said: str
) -> None:
    path = make_campaign(("[library]\n", f"[library]\n{condition}\n"))
    line = path.read_text().splitlines().index(condition) + 1
    with pytest.raises(ConfigError) as error:
        check_conditions(read_campaign_file(path))
    assert f"{path}, line {line}: " in str(error.value) and said in str(error.value)


def test_conditions_that_make_sense_and_none_are_taken(make_campaign: Make) -> None:
    check_conditions(read_campaign_file(make_campaign()))
    check_conditions(
        read_campaign_file(make_campaign(("[library]\n", '[library]\nwhere = "logp < 3"\n'), name="b"))
    )


def test_what_needs_every_molecule_is_refused_of_a_space_alone(
    make_campaign: Make, space: Space, small_library: Library
) -> None:
    asking = read_campaign_file(make_campaign(("[library]\n", '[library]\nwhere = "logp < 3"\n')))
    check_space(asking, small_library)
    with pytest.raises(ConfigError, match=r"\[library\] where asks something of every molecule"):
        check_space(asking, space)
    aiming = read_campaign_file(
        make_campaign(("[rounds]\n", '[rounds]\naim = { worst_over = ["A", "B"] }\n'), name="aiming")
    )
    check_space(aiming, small_library)
    with pytest.raises(ConfigError, match=r"\[rounds\] aim: of a combinatorial space"):
        check_space(aiming, space)
    check_space(read_campaign_file(make_campaign(name="plain")), space)


def test_limits_are_those_of_targets_that_refuse_something() -> None:
    found = limits_by_target({"A": VINA, "B": {"engine": "table"}, "C": {**VINA, "ligand_format": "smi"}})
    assert list(found) == ["A"]
    assert found["A"]["max_heavy_atoms"] == 40 and found["A"]["min_heavy_atoms"] == 6
    assert isinstance(found["A"]["elements"], list) and "Cl" in found["A"]["elements"]


def test_a_campaign_leaves_out_only_where_it_was_begun_so(make_campaign: Make, tmp_path: Path) -> None:
    plain = read_campaign_file(make_campaign()).config
    asking = read_campaign_file(
        make_campaign(("[library]\n", '[library]\nrules = ["veber"]\n'), name="b")
    ).config
    none, some = {"A": {"engine": "table"}}, {"A": VINA}
    for config, targets, version, expected in (
        (plain, none, 1, False),
        (plain, some, 1, True),
        (asking, none, 1, True),
        (asking, some, None, False),  # of a version that left nothing out
    ):
        state = {"targets": targets} | ({"filter": version} if version else {})
        assert leaves_out(Campaign(tmp_path, config, state)) is expected
