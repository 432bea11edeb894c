"""Files of poses are recognised by content, and the best pose of every molecule counts."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import pytest
from docksieve.data.errors import InputError
from docksieve.data.scores.poses import read_poses
from docksieve.data.scores.programs import FIELDS, score_field, score_text
from docksieve.screening.docking.dock import TableTarget
from docksieve.screening.docking.table_read import ScoreTable, read_scores
from rdkit import Chem
from rdkit.Chem import AllChem

OUTPUTS = Path(__file__).parents[4] / "shared" / "data" / "outputs"


def sdf(*poses: tuple[str, str, Mapping[str, str]]) -> str:
    """An SD file of (SMILES, title, fields)."""
    blocks = []
    for smiles, title, fields in poses:
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        AllChem.EmbedMolecule(mol, randomSeed=7)
        mol.SetProp("_Name", title)
        data = "".join(f">  <{name}>\n{value}\n\n" for name, value in fields.items())
        blocks.append(f"{Chem.MolToMolBlock(mol)}{data}$$$$\n")
    return "".join(blocks)


def scores(path: Path, lower: bool = True, **columns: str) -> ScoreTable:
    return read_scores(path, TableTarget(str(path), "kcal/mol", lower, **columns))  # type: ignore[arg-type]


def test_the_best_pose_of_each_molecule_counts(tmp_path: Path) -> None:
    path = tmp_path / "out.dat"  # told by content, not by name
    path.write_text(
        sdf(
            ("CCO", "a", {"minimizedAffinity": "-3.5", "minimizedRMSD": "0.4"}),
            ("CCO", "a", {"minimizedAffinity": "-4.5", "minimizedRMSD": "0.4"}),
            ("c1ccccc1O", "b", {"minimizedAffinity": "-5.0"}),
            ("CCN", "c", {"minimizedRMSD": "0.1"}),
        )
    )
    found = scores(path)
    assert [(row.id, row.smiles, row.score) for row in found.rows] == [
        ("a", "CCO", -4.5), ("b", "Oc1ccccc1", -5.0), ("c", "CCN", None)
    ]  # fmt: skip
    (note,) = found.notes
    assert note.startswith(
        "4 poses of smina or gnina (SD file), 3 with a score in the field 'minimizedAffinity'"
    )
    assert "3 molecules" in note
    packed = tmp_path / "out.sdf.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert scores(packed).rows == found.rows


def test_molecules_keep_their_order_whichever_pose_is_best(tmp_path: Path) -> None:
    path = tmp_path / "mixed.sdf"
    poses = [("CCO", "a", "-1.5"), ("CCN", "b", "-6.0"), ("CCO", "a", "-5.0"), ("CCN", "b", "-2.0")]
    path.write_text(sdf(*((smiles, name, {"minimizedAffinity": score}) for smiles, name, score in poses)))
    assert [(row.id, row.score) for row in scores(path).rows] == [("a", -5.0), ("b", -6.0)]


def test_higher_is_better_is_known_and_a_contradiction_refused(tmp_path: Path) -> None:
    path = tmp_path / "gold.sdf"
    path.write_text(
        sdf(("CCO", "a", {"Gold.PLP.Fitness": "50.1"}), ("CCO", "a", {"Gold.PLP.Fitness": "61.0"}))
    )
    assert [row.score for row in scores(path, lower=False).rows] == [61.0]
    with pytest.raises(InputError, match=r"written by GOLD.*better the higher.*better the lower"):
        scores(path)


@pytest.mark.parametrize(
    ("fields", "program", "score"),
    [
        (
            {"Uni-Dock RESULT": "ENERGY=   -8.043  LOWER_BOUND=    0.000  UPPER_BOUND=    0.000"},
            "Uni-Dock",
            -8.043,
        ),
        ({"r_i_docking_score": "-7.25", "r_i_glide_gscore": "-7.5"}, "Glide", -7.25),
        ({"SCORE": "-20.5", "SCORE.INTER": "-25.0"}, "rDock", -20.5),
        ({"Chemgauss4": "-9.75"}, "FRED", -9.75),
        ({"target": "A", "unit": "kcal/mol", "docked_score": "-6.5"}, "docksieve", -6.5),
    ],
)
def test_fields_of_programs(tmp_path: Path, fields: Mapping[str, str], program: str, score: float) -> None:
    path = tmp_path / "poses.sdf"
    path.write_text(sdf(("CCO", "a", fields)))
    found = scores(path)
    assert found.rows[0].score == score and program in found.notes[0]


def test_a_field_that_is_not_known_has_to_be_named(tmp_path: Path) -> None:
    path = tmp_path / "poses.sdf"
    path.write_text(sdf(("CCO", "a", {"SCORE": "-1.5", "mine": "-2.5"})))
    with pytest.raises(
        InputError, match=r"no field of its poses is known as a score; they have: SCORE, mine"
    ):
        scores(path)
    assert scores(path, score_column="mine").rows[0].score == -2.5


def test_a_structure_that_cannot_be_read_is_counted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "poses.sdf"
    broken = "broken\n  x\n\nno counts line\nM  END\n>  <minimizedAffinity>\n-9.0\n\n$$$$\n"
    path.write_text(broken + sdf(("CCO", "a", {"minimizedAffinity": "-3.5"})) + broken)
    found = scores(path)
    assert [row.smiles for row in found.rows] == ["", "CCO", ""]
    assert "of 2 poses the structure cannot be read" in found.notes[0]
    assert "ERROR" not in capfd.readouterr().err.upper()


MODEL = """MODEL {number}
REMARK VINA RESULT:    {score}      0.000      0.000
REMARK  Name = lig
REMARK SMILES CCO
REMARK SMILES IDX 1 1 2 2 3 3
ATOM      1  C   UNL     1       0.000   0.000   0.000  1.00  0.00     0.000 C
ENDMDL
"""


def test_models_of_vina(tmp_path: Path) -> None:
    path = tmp_path / "lig_out.pdbqt"
    path.write_text(
        "".join(MODEL.format(number=n, score=s) for n, s in enumerate(("-5.5", "-6.5", "-4.0"), 1))
    )
    (row,) = scores(path).rows
    assert (row.id, row.smiles, row.score) == ("lig", "CCO", -6.5)
    path.write_text(path.read_text().replace("REMARK SMILES CCO\n", "").replace("REMARK  Name = lig\n", ""))
    found = scores(path)
    assert not found.has_smiles and [row.id for row in found.rows] == ["lig"]
    path.write_text(
        MODEL.format(number=1, score=-5.0).replace("REMARK SMILES CCO\n", "REMARK SMILES CCO\n" * 2)
    )
    with pytest.raises(InputError, match="line 5: the pose is of several ligands docked together"):
        scores(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@<TRIPOS>MOLECULE\nx\n", "mol2"),
        ('{"affinity_pred_value": -1.0}\n', "JSON"),
        ("DOCKED: MODEL 1\n", "dlg"),
        ("ATOM      1  C   LIG     1\n", "no known form"),
    ],
)
def test_other_output_is_refused_in_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "out"
    path.write_text(text)
    with pytest.raises(InputError, match=f"{words}.*Make a table of it"):
        scores(path)


def test_a_table_is_no_file_of_poses_and_is_not_shifted(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("smiles,score\nCCO,-3.5\n")
    assert read_poses(path) is None and scores(path).notes == ()
    path.write_text("smiles,score,other\nCCO,1,-3.5,-7.0\n")
    with pytest.raises(InputError, match="line 2: it has 4 cells, and the header 3 names"):
        scores(path)
    path.write_text("smiles idnumber mw hac\nCCO Z1 46.07 3\nCCN Z2 45.08 3\n")
    with pytest.raises(InputError, match="which column holds the scores cannot be told"):
        scores(path)


def test_the_list_of_fields() -> None:
    assert score_field({"CNNaffinity", "CNNscore", "minimizedAffinity"}).program == "smina or gnina"
    assert score_field({"SCORE"}) is None
    assert score_text("-5.5 extra") == "-5.5" and score_text("") == ""
    assert len({item.field for item in FIELDS}) == len(FIELDS)


@pytest.mark.parametrize(
    ("name", "molecules", "poses", "best"),
    [
        ("smina_1X1R_vs_out.sdf", 9, 45, -7.35685),
        ("gnina_rsc_minimized.sdf.gz", 376, 376, -11.58327),
        ("rdock_1YET_out.sd", 1, 1, -44.8298),
        ("vina_1iep_multimodel.pdbqt", 1, 4, -13.234),
        ("vina_macrocycle_glue_out.pdbqt", 1, 9, -11.17),
    ],
)
def test_real_output(name: str, molecules: int, poses: int, best: float) -> None:
    if not (OUTPUTS / name).exists():
        pytest.skip(f"REAL OUTPUT OF DOCKING PROGRAMS IS NOT TESTED HERE: {OUTPUTS / name} is absent")
    found = scores(OUTPUTS / name)
    assert len(found.rows) == molecules and found.rows[0].score == best
    assert found.notes[0].startswith(f"{poses:,} pose")
