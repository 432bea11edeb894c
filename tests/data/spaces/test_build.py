"""Spaces are built from blocks that fit, all others are rejects with a reason, and products are found by number."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from docksieve.data.enumeration.product_space import load_reactions
from docksieve.data.errors import InputError, LibraryError
from docksieve.data.molecules.properties import PROPERTY_NAMES
from docksieve.data.spaces.build import REJECTS, build_space, rejects_by_reason
from docksieve.data.spaces.space import Space, products_of
from docksieve.data.store import read_json, read_table, write_json

AMIDE = "[#6:5]-[C:1](=[O:2])-[OX2H1].[NX3;H1,H2;!$(N-C=O):3]>>[#6:5]-[C:1](=[O:2])-[N:3]"
THREE = (
    "[#6:5]-[C:1](=[O:2])-[OX2H1].[NX3;H2:3]-[c:6]:[c:7]:[c:8]-[C:9](=[O:10])-[OX2H1].[NX3;H2;$(N-[CX4]):4]"
    ">>[#6:5]-[C:1](=[O:2])-[N:3]-[c:6]:[c:7]:[c:8]-[C:9](=[O:10])-[N:4]"
)
ACIDS = "CC(=O)O acetic\nOC(=O)c1ccccc1 benzoic\nOC(=O)CCC(=O)O succinic\nCCO ethanol\n"
AMINES = "CN methyl\nCCN ethyl\nNCCN ethylenediamine\nNc1ccccc1 aniline\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "acids.smi").write_text(ACIDS)
    (tmp_path / "amines.smi").write_text(AMINES)
    return {"amide": (AMIDE, [tmp_path / "acids.smi", tmp_path / "amines.smi"])}


@pytest.fixture
def space(files, tmp_path):
    return build_space(tmp_path / "space", smarts=files, workers=1)


def test_blocks_that_fit_once_are_kept_and_others_have_a_reason(space):
    assert [len(role) for role in space.blocks[0]] == [2, 3]
    assert space.rows == 6 and space.sizes == [6]
    lost = {item["id"]: item for item in read_table(space.path / REJECTS).to_pylist()}
    assert {name: item["code"] for name, item in lost.items()} == {
        "succinic": "several_matches",
        "ethanol": "no_match",
        "ethylenediamine": "several_matches",
    }
    assert lost["ethanol"]["reason"] == "the SMARTS does not fit it"
    assert rejects_by_reason(space) == {"several_matches": 2, "no_match": 1}


def test_products_by_number_id_and_back(space):
    everything = np.arange(space.rows)
    ids = space.ids(everything)
    assert ids[0] == "amide:acetic:methyl" and ids[-1] == "amide:benzoic:aniline" and len(set(ids)) == 6
    assert space.lookup([*ids, "amide:acetic:none", "x:acetic:methyl", "amide:acetic"]).tolist() == [
        *range(6),
        -1,
        -1,
        -1,
    ]
    which, places = space.locate(everything)
    assert space.number(0, places).tolist() == list(range(6)) and not which.any()
    made = space.make(everything)
    assert made.smiles[0] == "CNC(C)=O" and made.smiles[5] == "O=C(Nc1ccccc1)c1ccccc1" and not made.problems
    table = space.take([5, 0], ["row", "id", "smiles", "weight", "heavy_atoms"])
    assert table["row"].to_pylist() == [5, 0]
    assert table["weight"].to_pylist() == pytest.approx([197.237, 73.095], abs=2e-3)
    assert table["heavy_atoms"].to_pylist() == [15, 5]
    with pytest.raises(LibraryError, match="has no product 6: its numbers are 0 to 5"):
        space.locate([6])


def test_samples_are_distinct_and_uniform(tmp_path):
    space = build_space(tmp_path / "space", ["urea"], workers=1)
    drawn = [space.sample_rows(500, "test", seed) for seed in range(40)]
    assert all(len(set(rows.tolist())) == 500 for rows in drawn)
    whole = np.concatenate(drawn)
    assert whole.min() >= 0 and whole.max() < space.rows
    counts = np.bincount(whole * 10 // space.rows, minlength=10)
    assert counts.sum() == 20_000 and (abs(counts - 2_000) < 5 * math.sqrt(2_000)).all()
    assert np.array_equal(space.sample_rows(7, "a"), space.sample_rows(7, "a"))
    with pytest.raises(LibraryError, match="cannot be drawn"):
        space.sample_rows(space.rows + 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(load_reactions()))
def test_sums_over_blocks_are_the_properties_of_products(name, tmp_path):
    """Every property but the share of sp3 carbons, exactly, for each of the reactions that come with Docksieve."""
    space = build_space(tmp_path / "space", [name], workers=1)
    rows = space.sample_rows(200, "additive")
    made = space.make(rows)
    assert not made.problems
    _, places = space.locate(rows)
    base = space.base(0)
    for column, prop in enumerate(PROPERTY_NAMES):
        if prop == "fsp3":
            continue
        total = base[prop] + sum(
            role.values(prop)[places[:, at]] - base[prop] for at, role in enumerate(space.blocks[0])
        )
        assert np.abs(total - made.values[:, column]).max() < 1e-6, prop
        assert space.deviations(0)[prop] == 0, prop
    assert space.deviations(0)["fsp3"] > 0


def test_a_property_that_is_no_sum_is_found_out(tmp_path):
    """The bond between two chains can rotate only if neither is a methyl group, as the smallest partners are."""
    (tmp_path / "bromides.smi").write_text("BrC x\nBrCC y\nBrCCC z\n")
    (tmp_path / "iodides.smi").write_text("IC x\nICC y\nICCC z\n")
    files = [tmp_path / "bromides.smi", tmp_path / "iodides.smi"]
    smarts = "[CX4:1]-Br.[CX4:2]-I>>[C:1]-[C:2]"
    space = build_space(tmp_path / "space", smarts={"chain": (smarts, files)}, workers=1)
    assert space.deviations(0)["weight"] == 0
    assert space.deviations(0)["rotatable_bonds"] >= 1


def test_three_components(tmp_path):
    (tmp_path / "a.smi").write_text("CC(=O)O a1\nOC(=O)c1ccncc1 a2\n")
    (tmp_path / "b.smi").write_text("Nc1cccc(C(=O)O)c1 b1\nNc1cc(C)cc(C(=O)O)c1 b2\nNc1ccccc1 b3\n")
    (tmp_path / "c.smi").write_text("NCC c1\nNCc1ccccc1 c2\n")
    files = [tmp_path / name for name in ("a.smi", "b.smi", "c.smi")]
    space = build_space(tmp_path / "space", smarts={"two-amides": (THREE, files)}, workers=1)
    assert space.rows == 8
    made = space.make(np.arange(8))
    assert not made.problems and len(set(made.smiles)) == 8
    assert made.smiles[0] == "CCNC(=O)c1cccc(NC(C)=O)c1"
    assert space.ids([7]) == ["two-amides:a2:b2:c2"]
    assert space.deviations(0)["weight"] == 0


def test_numeric_columns_of_tables_are_kept(tmp_path):
    (tmp_path / "acids.csv").write_text(
        "smiles,id,price,vendor,weight\nCC(=O)O,a,10.5,X,60\nCCC(=O)O,b,,Y,74\nOC(=O)c1ccccc1,c,3,2,122\n"
    )
    (tmp_path / "amines.tsv").write_text("SMILES\tname\tprice\nCN\tm\t1\nCCN\te\t2\n")
    files = [tmp_path / "acids.csv", tmp_path / "amines.tsv"]
    space = build_space(tmp_path / "space", smarts={"amide": (AMIDE, files)}, workers=1)
    acids, amines = space.blocks[0]
    assert acids.values("price").tolist()[::2] == [10.5, 3.0] and np.isnan(acids.values("price")[1])
    assert acids.values("block_weight").tolist() == [60, 74, 122], (
        "a property of products has that name already"
    )
    assert "vendor" not in acids.table.column_names
    assert amines.values("price").tolist() == [1, 2]


def test_an_altered_file_is_found(space):
    space.verify()
    manifest = space.path / "space.json"
    before = read_json(manifest)
    write_json(manifest, {**before, "standard": {**before["standard"], "neutralise": False}})
    with pytest.raises(LibraryError, match="is altered since the space was built"):
        Space(space.path).verify()
    write_json(manifest, before)
    path = space.path / space.records()[0].path
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(LibraryError, match="missing or altered"):
        Space(space.path).verify()


def test_a_space_of_one_product_and_of_none(tmp_path):
    (tmp_path / "acids.smi").write_text("CC(=O)O a\n")
    (tmp_path / "amines.smi").write_text("CN m\n")
    (tmp_path / "alcohols.smi").write_text("CO m\n")
    acids = tmp_path / "acids.smi"
    one = build_space(tmp_path / "one", smarts={"x": (AMIDE, [acids, tmp_path / "amines.smi"])}, workers=1)
    assert one.rows == 1 and one.sample_rows(1).tolist() == [0] and one.make([0]).smiles == ["CNC(C)=O"]
    with pytest.raises(InputError, match="No product is possible") as error:
        build_space(tmp_path / "none", smarts={"x": (AMIDE, [acids, tmp_path / "alcohols.smi"])}, workers=1)
    assert "the SMARTS does not fit it" in error.value.hint
    assert not (tmp_path / "none").exists() and not list(tmp_path.glob(".tmp-*"))


def test_more_products_than_row_numbers_are_refused():
    assert products_of([2**31, 2**31]) == 2**62
    with pytest.raises(LibraryError, match="more than row numbers"):
        products_of([2**21, 2**21, 2**21])


def test_a_product_that_rdkit_refuses_has_a_reason(tmp_path):
    """An amine whose nitrogen would be bound four times."""
    (tmp_path / "acids.smi").write_text("CC(=O)O a\n")
    (tmp_path / "amines.smi").write_text("CN m\nCN(C)C tertiary\n")
    smarts = "[C:1](=[O:2])-[OX2H1].[NX3:3]>>[C:1](=[O:2])-[N:3]"
    files = [tmp_path / "acids.smi", tmp_path / "amines.smi"]
    space = build_space(tmp_path / "space", smarts={"amide": (smarts, files)}, workers=1)
    (lost,) = read_table(space.path / REJECTS).to_pylist()
    assert (lost["id"], lost["code"]) == ("tertiary", "valence") and "valence" in lost["reason"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"smarts": {"amide": (AMIDE, ["acids.smi"])}}, "do not go together"),
        ({"smarts": {"amide": ("[C:1](=O", ["acids.smi"])}}, "do not go together"),
        ({"smarts": {"a:b": (AMIDE, ["acids.smi", "amines.smi"])}}, "holds a colon"),
        ({"reactions": ["amid"]}, "There is no reaction 'amid'"),
        ({"reactions": ["amide"], "reagent_files": {"alcohols": ["acids.smi"]}}, "No chosen reaction uses"),
        ({"smarts": {"amide": (AMIDE, ["acids.smi", "colon.smi"])}}, "line 1: the id 'a:b' holds a colon"),
        ({"smarts": {"amide": (AMIDE, ["acids.smi", "absent.smi"])}}, "absent.smi"),
        (
            {"reactions": ["amide"], "smarts": {"amide": (AMIDE, ["acids.smi", "amines.smi"])}},
            "Two reactions are called 'amide'",
        ),
    ],
)
def test_mistakes_are_named(change, said, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "colon.smi").write_text("CN a:b\n")
    with pytest.raises(InputError, match=said):
        build_space("space", workers=1, **change)
    assert not (tmp_path / "space").exists()


def test_a_folder_that_is_taken_stays(space, files):
    with pytest.raises(LibraryError, match="exists already"):
        build_space(space.path, smarts=files)
    with pytest.raises(LibraryError, match="There is no space in"):
        Space(space.path.parent)


def test_own_reactions_make_the_published_number_of_products(tmp_path):
    space = build_space(tmp_path / "space", ["urea", "sulfonamide"], workers=1)
    assert [reaction.name for reaction in space.reactions] == ["urea", "sulfonamide"]
    numbers = [space.first(0), space.first(1), space.rows - 1]
    assert [text.split(":")[0] for text in space.ids(numbers)] == ["urea", "sulfonamide", "sulfonamide"]
    offered = Counter(read_table(space.path / REJECTS)["reaction"].to_pylist())
    assert sum(offered.values()) == space.manifest["rejects"]
