"""Racemates and isomers as rows of their own; what a library keeps of stereochemistry, and what it says."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from docksieve.data.libraries.library import Library
from docksieve.data.libraries.settings import IngestSettings
from docksieve.data.readers.layout import ReadingSettings
from docksieve.workflows.cli.main import app
from rdkit import Chem
from rdkit.Chem import AllChem
from typer.testing import CliRunner

from .building import build, counts, table_of

PURE = "CC(C)[C@H](N)C(=O)N1CC[C@@H](O)C1 Z1"
RACEMIC = "CC(C)[C@H](N)C(=O)N1CC[C@@H](O)C1 |&1:3,10| Z2"
MIRRORED = "CC(C)[C@@H](N)C(=O)N1CC[C@H](O)C1 |&1:3,10,r| Z3"
UNKNOWN = "CC(C)[C@H](N)C(=O)N1CC[C@@H](O)C1 |o1:3,10| Z4"


def rows(library: Library) -> dict[str, tuple[str, str | None]]:
    table = library.take(range(library.rows), ["id", "smiles", "stereo_groups"]).to_pylist()
    return {item["id"]: (item["smiles"], item["stereo_groups"]) for item in table}


@pytest.mark.parametrize("order", [[PURE, RACEMIC, MIRRORED, UNKNOWN], [UNKNOWN, RACEMIC, PURE, MIRRORED]])
def test_the_racemate_and_the_isomer_are_two_rows(tmp_path, order):
    """Whichever comes first; the racemate drawn as the other isomer is the same racemate."""
    path = tmp_path / "vendor.smi"
    path.write_text("\n".join(order) + "\n")
    library = build(tmp_path, path)
    found = rows(library)
    assert set(found) == {"Z1", "Z2", "Z4"}
    smiles = Chem.CanonSmiles(PURE.split()[0])
    assert found["Z1"] == (smiles, None)
    assert {groups for _, groups in found.values()} == {None, "|&1:3,10|", "|o1:3,10|"}
    assert [item["id"] for item in table_of(library, "duplicates")] == ["Z3"]
    assert library.manifest["counts"]["stereo_groups"] == 3  # Z3, a duplicate, too
    assert library.manifest["counts"]["extensions"] == 3
    library.verify()
    asked = library.find_smiles([smiles, " ".join(found["Z2"]), " ".join(found["Z4"])])
    assert library.take(asked, ["id"])["id"].to_pylist() == ["Z1", "Z2", "Z4"]
    assert library.find_smiles(["C |&1:0|"]).tolist() == [-1]
    assert library.find_smiles([]).tolist() == []


def test_from_v3000_tables_and_quoted_fields(tmp_path):
    blocks = []
    for line in (PURE, RACEMIC, MIRRORED, UNKNOWN):
        smiles, *extension, name = line.split()
        mol = Chem.MolFromSmiles(" ".join([smiles, *extension]))
        AllChem.Compute2DCoords(mol)
        mol.SetProp("_Name", name)
        blocks.append(Chem.MolToV3KMolBlock(mol) + "$$$$\n")
    (tmp_path / "in.sdf").write_text("".join(blocks))
    texts = [" ".join(line.split()[:-1]) for line in (PURE, RACEMIC, MIRRORED, UNKNOWN)]
    names = ["Z1", "Z2", "Z3", "Z4"]
    quoted = "".join(f'{name},"{text}"\n' for text, name in zip(texts, names, strict=True))
    (tmp_path / "in.csv").write_text("id,smiles\n" + quoted)
    pq.write_table(pa.table({"smiles": texts, "id": names}), tmp_path / "in.parquet")
    wanted = None
    for name in ("in.sdf", "in.csv", "in.parquet"):
        library = build(tmp_path, tmp_path / name, name=f"{name}-lib")
        assert counts(library) == (4, 3, 1, 0)
        wanted = wanted or rows(library)
        assert rows(library) == wanted
    assert {groups for _, groups in wanted.values()} == {None, "|&1:3,10|", "|o1:3,10|"}


def test_with_two_bars_as_columns_nothing_is_an_extension(tmp_path):
    (tmp_path / "bars.txt").write_text("CCO|A|1\nCCN|B|2\nCCC|C|3\n")
    settings = IngestSettings(reading=ReadingSettings(delimiter="bar"))
    library = build(tmp_path, tmp_path / "bars.txt", settings=settings)
    assert library.manifest["counts"]["extensions"] == 0
    assert set(rows(library)) == {"A", "B", "C"}


def test_what_is_said_of_stereochemistry(tmp_path):
    lines = [PURE, RACEMIC, "CC=[C@]=CC a1", "CC=[C@@]=CC a2", "[Na+].[Cl-] salt"]
    (tmp_path / "in.smi").write_text("\n".join(lines) + "\n")
    library = build(tmp_path, tmp_path / "in.smi")
    assert library.manifest["counts"]["lost_axial"] == 2
    said = CliRunner().invoke(app, ["library", "info", str(library.path)]).output
    said = " ".join(said.split())
    assert "2 molecules had the handedness of an allene or of a hindered axis" in said
    assert "1 molecule is a mixture of isomers" in said
    assert "bare_ion: Nothing but ions or metal atoms that stand alone is in it." in said
    printed = CliRunner().invoke(app, ["library", "head", str(library.path), "-f", "smi"]).output
    assert "|&1:3,10| Z2\n" in printed


def test_a_library_without_the_column_still_opens(tmp_path):
    """As versions that knew no stereo groups wrote it."""
    (tmp_path / "in.smi").write_text("CCO a\nCCN b\nCCC c\n")
    library = build(tmp_path, tmp_path / "in.smi")
    path = library.shards[0].path
    pq.write_table(pq.read_table(path).drop_columns(["stereo_groups"]), path)
    for name in ("stereo_groups", "lost_axial"):
        del library.manifest["counts"][name]
    old = Library(library.path, library.manifest)
    assert old.take([2, 0]).to_pylist()[0]["stereo_groups"] is None
    (batch,) = old.batches(["stereo_groups", "id"])
    assert batch.schema.names == ["stereo_groups", "id"] and batch.column(0).null_count == 3
    (batch,) = old.batches()
    assert "stereo_groups" in batch.schema.names
    assert old.find_smiles(["CCN"]).tolist() == [1]
