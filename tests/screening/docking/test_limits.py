"""What docking refuses by the columns of a library: the same molecules as the docking itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.molecules.batch import standard_forms
from docksieve.data.molecules.standardise import StandardSettings
from docksieve.data.schema import PROPERTY_COLUMNS
from docksieve.screening.docking.failures import FailureCode
from docksieve.screening.docking.ligand import LigandFailure, parse_ligand
from docksieve.screening.docking.ligand_settings import LigandLimits, LigandSettings
from rdkit import Chem

EXOTIC = [
    "OB(O)c1ccccc1", "BrCCCCCBr", "C[Si](C)(C)CCCCC", "[2H]C([2H])([2H])OCCCCCCCCCCCCCCCCCCCC", "c1ccc2[se]ccc2c1",
    "CCCCCC[Se]CC", "CC[N+](CC)(CC)CCCC", "O=C(O)c1cc[nH]c1CS", "C1CCCC1Sc1ccccc1", "C[As](C)CCCCC", "CCO",
    "CC(=O)[O-].[Na+]", "C%10CCCCC%10S", "[11CH3]CCCCCCC", "[32SH]CCCCCCC", "IC1CCCCC1", "F[B-](F)(F)c1ccccc1",
    "b1ccccc1", "[NH3][Pt]CCCCCC", "CCCCCC[Sn](C)C", "Clc1ccccc1CC", "P(CCC)(CCC)CCC",
    "C" * 30, "c1ccccc1" * 18, "CCCCCCCCCCCCCCCCCCCCCCO", "O=S(=O)(c1ccccc1)N1CCOCC1",
]  # fmt: skip
KNOWN = (
    FailureCode.UNSUPPORTED_ELEMENT,
    FailureCode.TOO_SMALL,
    FailureCode.TOO_LARGE,
    FailureCode.TOO_FLEXIBLE,
)


def table_of(smiles: list[str]) -> pa.Table:
    loose = StandardSettings(**{
        field.name: False for field in dataclasses.fields(StandardSettings) if field.default is True
    } | {"keep_stereo": True, "min_heavy_atoms": 1, "max_heavy_atoms": 500})  # fmt: skip
    forms = standard_forms(smiles, loose)
    assert not forms.problems
    names = list(PROPERTY_COLUMNS)
    return pa.table({"smiles": forms.smiles, **{n: forms.values[:, k] for k, n in enumerate(names)}})


def docking_says(smiles: str, settings: LigandSettings) -> FailureCode | None:
    try:
        parse_ligand(smiles, settings)
    except LigandFailure as failure:
        return failure.code if failure.code in KNOWN else None
    return None


def limits_of(settings: LigandSettings) -> LigandLimits:
    found = LigandLimits.of_target({"ligand": dataclasses.asdict(settings)})
    assert found is not None
    return found


@pytest.mark.parametrize(
    "settings",
    [
        LigandSettings(),
        LigandSettings(max_torsions=3, max_heavy_atoms=25, min_heavy_atoms=9),
        LigandSettings(elements=("H", "C", "N", "O")),
        LigandSettings(elements=("H", "C", "N", "O", "F", "Si", "B", "S")),
    ],
    ids=["default", "narrow", "four elements", "silicon and boron"],
)
def test_a_molecule_is_refused_beforehand_exactly_where_docking_would(
    settings: LigandSettings, amides: list[str]
) -> None:
    molecules = table_of([*EXOTIC, *amides[:300]])
    refused = limits_of(settings).refused(molecules)
    for place, smiles in enumerate(molecules["smiles"].to_pylist()):
        said = [code for code, mask in refused.items() if mask[place]]
        truth = docking_says(smiles, settings)
        if "." in smiles or "[2H]" in smiles:
            assert not said, f"{smiles} is left to the docking"
        else:
            radical = Chem.MolFromSmiles(smiles)
            if sum(atom.GetNumRadicalElectrons() for atom in radical.GetAtoms()):
                continue  # docking names the radical first
            assert said == ([truth] if truth else []), smiles


def test_every_element_is_told_from_the_text() -> None:
    settings = LigandSettings(min_heavy_atoms=1)
    limits = limits_of(settings)
    symbols = [Chem.GetPeriodicTable().GetElementSymbol(number) for number in range(3, 104)]
    texts = [f"CCC[{symbol}]" for symbol in symbols]
    table = pa.table({"smiles": texts, "heavy_atoms": [4] * len(texts), "rotatable_bonds": [1] * len(texts)})
    refused = limits.refused(table)[FailureCode.UNSUPPORTED_ELEMENT]
    assert {s for s, no in zip(symbols, refused, strict=True) if not no} == set(settings.elements) - {"H"}


def test_what_is_not_known_is_left_to_the_docking() -> None:
    table = pa.table(
        {
            "smiles": ["CCCCCCC"],
            "heavy_atoms": pa.nulls(1, pa.int16()),
            "rotatable_bonds": pa.nulls(1, pa.int16()),
        }
    )
    assert not any(mask.any() for mask in limits_of(LigandSettings()).refused(table).values())


def test_a_table_and_a_program_given_smiles_refuse_nothing() -> None:
    assert LigandLimits.of_target({"engine": "table"}) is None
    assert LigandLimits.of_target({"ligand": {}, "ligand_format": "smi"}) is None


def test_real_natural_products_are_refused_as_docking_refuses_them(shared_data: Path) -> None:
    import gzip

    path = shared_data / "libraries" / "rdkit_znp_50k.smi.gz"
    if not path.exists():
        pytest.skip(f"{path} is missing")
    with gzip.open(path, "rt") as file:
        smiles = [line.split()[0] for line, _ in zip(file, range(4000), strict=False)][::10]
    forms = standard_forms(smiles, StandardSettings())
    kept = [text for index, text in enumerate(forms.smiles) if index not in forms.problems]
    molecules = table_of(kept)
    settings = LigandSettings(max_torsions=8, max_heavy_atoms=40)
    refused = limits_of(settings).refused(molecules)
    whole = np.logical_or.reduce(list(refused.values()))
    truth = np.array([docking_says(text, settings) is not None for text in molecules["smiles"].to_pylist()])
    assert np.array_equal(whole, truth)
    assert 10 < truth.sum() < len(truth) - 10
