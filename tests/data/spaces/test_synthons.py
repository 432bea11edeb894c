"""Tables of synthons: attachment points in each notation, joined where numbers agree; mistakes are named."""

from __future__ import annotations

import pytest
from docksieve.data.errors import InputError
from docksieve.data.spaces.build import REJECTS, build_space
from docksieve.data.spaces.formats import synthon_parts
from docksieve.data.spaces.synthons import join, points
from docksieve.data.store import read_table
from rdkit import Chem

NOTATIONS = {"isotope": "[{}*]", "map": "[*:{}]", "element": "[{}]"}


def mark(notation: str, number: int) -> str:
    return NOTATIONS[notation].format({1: "U", 2: "Np"}[number] if notation == "element" else number)


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_notation_is_joined(notation, tmp_path):
    one, two = mark(notation, 1), mark(notation, 2)
    lines = [
        "SMILES\tsynton#\tsynton_role\treaction_id",
        f"CC(=O){one}\ta1\t1\tr1",
        f"O=C({one})c1ccccc1\ta2\t1\tr1",
        f"{one}NC{two}\tb1\t2\tr1",
        f"{two}c1ccncc1\tc1\t3\tr1",
        f"{two}C1CC1\tc2\t3\tr1",
        "C1CC\tbad\t3\tr1",
        "CCO\tnone\t3\tr1",
    ]
    (tmp_path / "synthons.tsv").write_text("\n".join(lines) + "\n")
    space = build_space(tmp_path / "space", synthons=[tmp_path / "synthons.tsv"], workers=1)
    assert space.rows == 4
    assert space.make(range(4)).smiles == [
        "CC(=O)NCc1ccncc1",
        "CC(=O)NCC1CC1",
        "O=C(NCc1ccncc1)c1ccccc1",
        "O=C(NCC1CC1)c1ccccc1",
    ]
    assert space.ids([3]) == ["r1:a2:b1:c2"]
    lost = {item["id"]: item for item in read_table(space.path / REJECTS).to_pylist()}
    assert {name: item["code"] for name, item in lost.items()} == {"bad": "syntax", "none": "attachment"}
    assert "line 7" in lost["bad"]["reason"]


def test_commas_and_two_reactions(tmp_path):
    (tmp_path / "s.csv").write_text(
        "smiles,id,position,reaction\nC[1*],a,1,x\nCC[1*],b,2,x\nC(=[1*])C,a,1,y\n[1*]=CC,b,2,y\n"
    )
    space = build_space(tmp_path / "space", synthons=[tmp_path / "s.csv"], workers=1)
    assert space.sizes == [1, 1] and space.make([0, 1]).smiles == ["CCC", "CC=CC"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("smiles,id,reaction\nC[1*],a,x\n", "no column says the position"),
        ("smiles,id,position,reaction\nC[1*],a,1\n", "line 2: 3 cells where the header has 4"),
        ("smiles,id,position,reaction\nC[1*],a:b,1,x\n", "line 2: 'a:b'"),
        ("smiles,id,position,reaction\nC[1*],a,1,x\n", "synthons of one position only"),
        (
            "smiles,id,position,reaction\nC[1*],a,1,x\nCC[1*],a,2,x\n",
            "line 3: another synthon of 'x' has the id 'a'",
        ),
        ("smiles,id,position,reaction\n", "holds no synthon"),
    ],
)
def test_mistakes_are_named(text, said, tmp_path):
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        synthon_parts(tmp_path / "s.csv")


@pytest.mark.parametrize(
    ("smiles", "said"),
    [("C*", "has no number"), ("[1*]C[1*]", "two attachment points 1"), ("C[1*]C", "not one neighbour")],
)
def test_points_that_cannot_be_joined(smiles, said):
    with pytest.raises(ValueError, match=said):
        points(Chem.MolFromSmiles(smiles))


def test_points_left_over_and_bonds_that_differ():
    with pytest.raises(ValueError, match="occurs 1 times"):
        join([Chem.MolFromSmiles("C[1*]"), Chem.MolFromSmiles("C[2*]")])
    with pytest.raises(ValueError, match="different bonds"):
        join([Chem.MolFromSmiles("C[1*]"), Chem.MolFromSmiles("C=[1*]")])
