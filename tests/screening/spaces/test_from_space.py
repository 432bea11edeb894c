"""What a search is told of a space: sums, prices, allowed blocks, and windows proved on made products."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.data.errors import InputError
from docksieve.data.spaces.build import build_space
from docksieve.models.factors.factor_model import ReactionFactors
from docksieve.screening.spaces.conditions import SpaceConditions
from docksieve.screening.spaces.from_space import allowed_blocks, made_within, space_sums, space_tables
from docksieve.screening.spaces.search import search_space

AMIDE = "[#6:5]-[C:1](=[O:2])-[OX2H1].[NX3;H1,H2;!$(N-C=O):3]>>[#6:5]-[C:1](=[O:2])-[N:3]"


@pytest.fixture
def space(tmp_path):
    (tmp_path / "acids.csv").write_text(
        "smiles,id,price,stock\nCC(=O)O,a,10,1\nCCC(=O)O,b,,0\nOC(=O)c1ccccc1,c,3,5\nOC(=O)c1ccc(Cl)cc1,d,90,5\n"
    )
    (tmp_path / "amines.csv").write_text("smiles,id,price\nCN,m,1\nCCN,e,2\nNc1ccccc1,f,30\n")
    files = [tmp_path / "acids.csv", tmp_path / "amines.csv"]
    return build_space(tmp_path / "space", smarts={"amide": (AMIDE, files)}, workers=1)


def tables(space):
    """A model for which light products are good ones."""
    generator = np.random.default_rng(1)
    single = tuple(role.values("weight").astype(np.float32)[:, None] for role in space.blocks[0])
    pair = tuple(generator.normal(size=(len(part), 1, 2)).astype(np.float32) for part in single)
    return space_tables(space, [ReactionFactors(single, {(0, 1): pair})])


def test_prices_add_up_and_unknown_ones_meet_no_window(space):
    conditions = SpaceConditions({"price": (0, 40), "weight": (0, 250)})
    found = search_space(tables(space), 100, conditions)
    assert set(space.ids(found.numbers)) == {
        "amide:a:m", "amide:a:e", "amide:a:f", "amide:c:m", "amide:c:e", "amide:c:f",
    }  # fmt: skip
    assert found.estimated == ()
    assert made_within(space, found.numbers, conditions.windows).all()
    assert "stock" not in space_sums(space, 0), "the amines' table has no such column"


def test_scores_are_those_of_the_model_with_its_sign(space):
    item = tables(space)[0]
    found = search_space([item], 3)
    places = space.locate(found.numbers)[1]
    assert np.allclose(item.scores(places), found.scores, atol=1e-3)
    assert (found.scores < 0).all(), "lower was better"


def test_blocks_by_substructure_and_value(space):
    masks = allowed_blocks(space, excluded={"*": ["Cl"]}, values={"stock": (1, np.inf)})
    assert masks[0, 0].tolist() == [True, False, True, False] and masks[0, 1].all()
    masks = allowed_blocks(space, required={"component-1": ["c1ccccc1"]})
    assert masks[0, 0].tolist() == [False, False, True, True]
    found = search_space(tables(space), 100, SpaceConditions(allowed=masks))
    assert {text.split(":")[1] for text in space.ids(found.numbers)} == {"c", "d"}
    for wrong, said in (
        ({"required": {"acids": ["C"]}}, "no role 'acids'"),
        ({"excluded": {"*": ["C(("]}}, "SMARTS .* is wrong"),
        ({"values": {"colour": (0, 1)}}, "numeric column 'colour'"),
    ):
        with pytest.raises(InputError, match=said):
            allowed_blocks(space, **wrong)


def test_windows_on_what_is_no_sum_are_named_and_can_be_proved(tmp_path):
    (tmp_path / "bromides.smi").write_text("BrC x\nBrCC y\nBrCCC z\n")
    (tmp_path / "iodides.smi").write_text("IC x\nICC y\nICCC z\n")
    files = [tmp_path / "bromides.smi", tmp_path / "iodides.smi"]
    smarts = "[CX4:1]-Br.[CX4:2]-I>>[C:1]-[C:2]"
    space = build_space(tmp_path / "space", smarts={"chain": (smarts, files)}, workers=1)
    window = {"rotatable_bonds": (1, 9)}
    assert search_space(tables(space), 9, SpaceConditions(window)).estimated == ("rotatable_bonds",)
    real = space.take(np.arange(9), ["rotatable_bonds"])["rotatable_bonds"].to_numpy()
    assert made_within(space, np.arange(9), window).tolist() == (real >= 1).tolist()
