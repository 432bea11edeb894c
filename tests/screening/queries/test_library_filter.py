"""Conditions put to a library: the same answers as from questions to hits, and mistakes named."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.errors import InputError
from docksieve.data.schema import LIBRARY_SCHEMA
from docksieve.screening.chemistry.alerts import alerts
from docksieve.screening.queries.library_filter import LibraryFilter, library_query
from docksieve.screening.queries.query import HitQuery
from rdkit import Chem
from rdkit.Chem import Crippen, Descriptors, rdMolDescriptors

SMILES = [
    "CCOC(=O)c1ccccc1N",
    "O=C1C=CC(=O)C=C1",
    "Cc1ccc(cc1)S(=O)(=O)N",
    "CCCCCCCCCCCCCCCCCC(=O)O",
    "O=C(Nc1ccccc1)c1ccncc1",
    "N#Cc1ccccc1",
    "CN1CCC[C@H]1c1cccnc1",
    "O=C1NC(=S)SC1=Cc1ccccc1",
]


def table() -> pa.Table:
    rows = []
    for number, smiles in enumerate(SMILES):
        mol = Chem.MolFromSmiles(smiles)
        rows.append(
            {
                "row": number,
                "id": f"M{number}",
                "smiles": smiles,
                "heavy_atoms": mol.GetNumHeavyAtoms(),
                "weight": Descriptors.MolWt(mol),
                "logp": Crippen.MolLogP(mol),
                "tpsa": rdMolDescriptors.CalcTPSA(mol),
                "donors": rdMolDescriptors.CalcNumHBD(mol),
                "acceptors": rdMolDescriptors.CalcNumHBA(mol),
                "rotatable_bonds": rdMolDescriptors.CalcNumRotatableBonds(mol),
                "source": 0,
                "line": number,
            }
        )
    return pa.Table.from_pylist(rows, LIBRARY_SCHEMA)


def kept(query: HitQuery) -> list[int]:
    mask, _ = LibraryFilter(query).mask(table())
    return np.flatnonzero(mask).tolist()


def test_columns_alerts_and_patterns_keep_what_they_say() -> None:
    pattern = Chem.MolFromSmarts("[NX3][CX3]=O")
    amides = [n for n, s in enumerate(SMILES) if Chem.MolFromSmiles(s).HasSubstructMatch(pattern)]
    assert kept(HitQuery(has=("[NX3][CX3]=O",))) == amides
    assert kept(HitQuery(has_not=("[NX3][CX3]=O",))) == [n for n in range(8) if n not in amides]
    clean = [n for n, found in enumerate(alerts(SMILES, "pains")) if not found]
    assert 0 < len(clean) < 8
    assert kept(HitQuery(no_alerts=("pains",))) == clean
    assert kept(HitQuery(where="pains = ''")) == clean
    light = [n for n, w in enumerate(table()["weight"].to_pylist()) if w < 160]
    assert kept(HitQuery(where="weight < 160")) == light
    assert kept(HitQuery(where="lipinski_violations = 1")) == [3]
    assert kept(HitQuery(where="id IN ('M1', 'M4')")) == [1, 4]


def test_conditions_count_one_after_the_other_and_mix_stored_and_computed_columns() -> None:
    sieve = LibraryFilter(HitQuery(where="weight < 250 AND pains = '' AND heavy_atoms > 8", has_not=("C#N",)))
    mask, left = sieve.mask(table())
    assert len(sieve.words) == len(left) == 4
    assert left == sorted(left, reverse=True) and left[-1] == mask.sum()
    assert sieve.words[-1] == "pains = ''", "what costs most comes last"
    assert kept(HitQuery(where="lipinski_violations + length(brenk) = 0")) == [
        n for n, found in enumerate(alerts(SMILES, "brenk")) if not found and n != 3
    ]


def test_only_columns_that_are_asked_about_are_read() -> None:
    assert LibraryFilter(HitQuery(where="tpsa < 90 OR weight < 300")).columns == ["weight", "tpsa"]
    assert LibraryFilter(HitQuery(no_alerts=("nih",))).columns == ["smiles"]
    assert LibraryFilter(HitQuery(rules=("lipinski",))).columns == ["weight", "logp", "donors", "acceptors"]
    assert not LibraryFilter(HitQuery())
    sieve = LibraryFilter(HitQuery(where="tpsa < 90"))
    assert np.array_equal(sieve.mask(table().select(["tpsa"]))[0], sieve.mask(table())[0])


def test_what_is_not_known_meets_no_condition() -> None:
    holes = table().set_column(4, LIBRARY_SCHEMA.field("weight"), pa.nulls(8, pa.float32()))
    assert not LibraryFilter(HitQuery(where="weight < 500")).mask(holes)[0].any()
    assert LibraryFilter(HitQuery(where="weight IS NULL")).mask(holes)[0].all()


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("wieght < 400", "asks about 'wieght', which is no column of the library.*weight"),
        ("weight <", "is not understood"),
        ("weight < (SELECT avg(weight) FROM hits)", "a query of its own"),
        ("random() < 0.5", r"the function random\(\)"),
        ("docked_score < -9", "no column of the library"),
        ("count(*) > 1", "is not understood"),
    ],
)
def test_a_condition_that_cannot_be_put_is_named(where: str, said: str) -> None:
    with pytest.raises(InputError, match=f"(?s)where {where.split()[0][:4]}.*|.*{said}") as caught:
        library_query({"where": where}, "[library] where")
    assert "[library] where" in str(caught.value)
    import re

    assert re.search(said, str(caught.value), re.S), str(caught.value)


def test_a_wrong_pattern_or_catalogue_is_named() -> None:
    with pytest.raises(InputError, match=r"c1cc\("):
        library_query({"has": ["c1cc("]})
    with pytest.raises(InputError, match=r"'pain'.*pains"):
        library_query({"no_alerts": ["pain"]})


def test_a_cast_that_fails_names_the_condition() -> None:
    with pytest.raises(InputError, match=r"\[library\] where"):
        LibraryFilter(HitQuery(where="id::INT > 3"), "[library] where").mask(table())
