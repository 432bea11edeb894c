"""The table engine: every line of a score table is accounted for, and every lookup says what it found."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import DockingError, InputError
from docksieve.data.molecules.standardise import StandardSettings, standard_smiles
from docksieve.screening.docking import table
from docksieve.screening.docking.dock import Ligand, TableTarget, dock_batch, freeze_target

ROWS = [
    ("Z1", "CC(=O)Oc1ccccc1C(=O)O", "-6.5"),
    ("Z2", "NCCc1ccccc1", "-5.25"),
    ("Z3", "Cc1ccccc1", ""),
    ("Z4", "O=C(O)c1ccccc1OC(C)=O", "-6.9"),  # Z1, written otherwise
    ("Z5", "not a molecule", "-1.0"),
    ("Z6", "C1=CC=CC2=CC=CC=C12", "nan"),
    ("Z7", "C[N+](C)(C)CCO.[Cl-]", "-3"),
]


def write(path: Path, delimiter: str = ",", header: bool = True, order: tuple[int, ...] = (0, 1, 2)) -> Path:
    names = ("id", "smiles", "score")
    lines = [delimiter.join(names[n] for n in order)] if header else []
    lines += [delimiter.join(row[n] for n in order) for row in ROWS]
    text = "\n".join(lines) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def freeze(path: Path, **settings: Any) -> dict[str, Any]:
    target = TableTarget(**{"scores": path.name, "unit": "kcal/mol", "lower_is_better": True, **settings})
    return freeze_target("T", target, path.parent / "frozen", path.parent)


def look_up(path: Path, spec: dict[str, Any], *queries: str, ids: bool = False) -> list[dict[str, Any]]:
    ligands = [Ligand(n, q if ids else "?", "C" if ids else q) for n, q in enumerate(queries)]
    return dock_batch(spec, path.parent / "frozen", "T", ligands, 7, "p").scores.to_pylist()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", {}),
        ("a.tsv", {"delimiter": "\t"}),
        ("a.csv.gz", {}),
        ("a.csv", {"header": False}),
        ("a.tsv", {"delimiter": "\t", "header": False, "order": (1, 2, 0)}),
        ("a.csv", {"delimiter": ";", "order": (2, 0, 1)}),
    ],
)
def test_scores_are_found_whatever_the_table_looks_like(
    tmp_path: Path, name: str, kind: dict[str, Any]
) -> None:
    path = write(tmp_path / name, **kind)
    spec = freeze(path)
    assert json.loads(json.dumps(spec)) == spec
    assert spec["match"] == "smiles"
    assert spec["counts"] == {
        "lines": 7, "unreadable": 1, "molecules": 5, "scored": 3, "disagreeing": 1
    }  # fmt: skip
    rows = look_up(
        path, spec, "NCCc1ccccc1", "c1ccccc1CCN", "OC(=O)c1ccccc1OC(C)=O", "Cc1ccccc1", "CCO", "rubbish"
    )
    assert [row["score"] for row in rows] == [-5.25, -5.25, -6.9, None, None, None]
    failures = [row["failure"] for row in rows]
    assert failures == [None, None, None, "empty_score", "not_in_table", "not_in_table"]
    assert rows[0]["engine"] == "table" and rows[0]["pose"] is None and rows[0]["conformer_seed"] is None


def test_parquet_and_feather_are_read(tmp_path: Path) -> None:
    columns = {
        "ZINC_ID": [row[0] for row in ROWS],
        "canonical_smiles": [row[1] for row in ROWS],
        "dockscore": pa.array([float(row[2]) if row[2] not in ("", "nan") else None for row in ROWS]),
        "coordinates": pa.array([[1.0, 2.0]] * 7),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    feather.write_feather(pa.table(columns), tmp_path / "a.feather")
    for name in ("a.parquet", "a.feather"):
        spec = freeze(tmp_path / name)
        assert spec["counts"]["scored"] == 3
        assert look_up(tmp_path / name, spec, "NCCc1ccccc1")[0]["score"] == -5.25


@pytest.mark.parametrize(
    ("rule", "lower", "score"), [("best", True, -6.9), ("best", False, -6.5), ("mean", True, -6.7)]
)
def test_duplicates_follow_the_stated_rule(tmp_path: Path, rule: str, lower: bool, score: float) -> None:
    path = write(tmp_path / "a.csv")
    spec = freeze(path, duplicates=rule, lower_is_better=lower)
    row = look_up(path, spec, ROWS[0][1])[0]
    assert row["score"] == pytest.approx(score)
    assert row["lower_is_better"] is lower


def test_duplicates_may_fail_or_stop_everything(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv")
    rows = look_up(path, freeze(path, duplicates="fail"), ROWS[0][1], ROWS[1][1])
    assert [row["failure"] for row in rows] == ["conflict", None]
    with pytest.raises(InputError, match=r"line 2 .*-6\.9, -6\.5"):
        freeze(path, duplicates="error")


def test_ids_may_be_what_molecules_are_matched_by(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv")
    spec = freeze(path, match="id")
    assert spec["counts"]["molecules"] == 7
    rows = look_up(path, spec, "Z4", "Z3", "Z9", ids=True)
    assert [row["score"] for row in rows] == [-6.9, None, None]
    assert [row["failure"] for row in rows] == [None, "empty_score", "not_in_table"]
    (tmp_path / "b.csv").write_text("id,score\nA,-1.5\n007,-2.5\n")
    spec = freeze(tmp_path / "b.csv")
    assert spec["match"] == "id"  # it has nothing else
    assert [r["score"] for r in look_up(path, spec, "007", "7", ids=True)] == [-2.5, None]


def test_columns_can_be_named_or_numbered(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,y,z\n1.5,CCO,-3\n2.5,CCN,-4\n")
    with pytest.raises(InputError, match=r"cannot be told \(x, y, z\).*score_column"):
        freeze(path, header=True)
    for column in ("z", 3):
        assert look_up(path, freeze(path, header=True, score_column=column), "CCO")[0]["score"] == -3.0
    with pytest.raises(InputError, match="no column 'w'"):
        freeze(path, header=True, score_column="w")
    with pytest.raises(InputError, match="has 3 columns, and no column 4"):
        freeze(path, header=True, score_column=4)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is empty"),
        ("smiles,score\n", "no rows"),
        ("smiles,score\nCCO,-1\nCCN,great\n", "line 3: the score 'great'"),
        ("smiles,score\nCCO,-1\nCCN,inf\n", "line 3"),
        ("smiles,score\nxx,-1\nyy,-2\n", "none of the 2 molecules"),
    ],
)
def test_unusable_tables_name_the_line(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=match):
        freeze(tmp_path / "a.csv")
    with pytest.raises(InputError, match="does not exist"):
        freeze(tmp_path / "b.csv")


def test_byte_order_marks_and_crlf_are_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfsmiles,score\r\nCCO,-1.5\r\n\r\nCCN,-2.5\r\n")
    path = tmp_path / "a.csv"
    assert [r["score"] for r in look_up(path, freeze(path), "CCO", "CCN")] == [-1.5, -2.5]


def test_an_altered_index_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv")
    spec = freeze(path)
    table._indexes.clear()
    frozen = tmp_path / "frozen" / spec["scores"]
    frozen.write_bytes(frozen.read_bytes() + b"x")
    with pytest.raises(DockingError, match="altered"):
        look_up(path, spec, "CCO")


def test_colliding_hashes_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def few(keys: list[str]) -> np.ndarray[Any, np.dtype[np.uint64]]:
        return np.array([len(key) % 3 for key in keys], dtype=np.uint64)

    monkeypatch.setattr(table, "key_hashes", few)
    path = tmp_path / "a.csv"
    path.write_text("smiles,score\n" + "".join(f"{'C' * n}O,-{n}.5\n" for n in range(1, 30)))
    rows = look_up(path, freeze(path), *["C" * n + "O" for n in range(1, 40)])
    assert [row["score"] for row in rows[:29]] == [-(n + 0.5) for n in range(1, 30)]
    assert all(row["failure"] == "not_in_table" for row in rows[29:])


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "lines", "scored", "unreadable"),
    [
        ("molpal_enamine10k_scores_4unn_vina.csv.gz", 10449, 10446, 0),
        # Two of these tables hold a radical each, which no library takes; one of them has no score.
        ("dockstring_zinc15k_JAK2_vina.tsv.gz", 15000, 14514, 1),
        ("spacehasten_example_scores.csv.gz", 9994, 9994, 0),
        ("brutal_dock_mpro6LZE_zinc15_2k_dock6.feather", 2000, 1999, 1),
    ],
)
def test_real_tables(
    shared_data: Path, tmp_path: Path, name: str, lines: int, scored: int, unreadable: int
) -> None:
    target = TableTarget(name, "kcal/mol", True)
    spec = freeze_target("T", target, tmp_path, shared_data / "scores")
    counts = spec["counts"]
    assert (counts["lines"], counts["scored"], counts["unreadable"]) == (lines, scored, unreadable)
    index = pq.read_table(tmp_path / spec["scores"]).to_pylist()
    ligands = [Ligand(n, str(n), entry["key"]) for n, entry in enumerate(index)]
    batch = dock_batch(spec, tmp_path, "T", ligands, 7, "p")
    assert batch.scores["score"].to_pylist() == [entry["score"] for entry in index]
    assert all(standard_smiles(entry["key"]) == entry["key"] for entry in index[:200])


@pytest.mark.parametrize(
    ("standard", "score"),
    [
        (StandardSettings(keep_stereo=False), -7.5),  # the library holds one form of both: the best counts
        (StandardSettings(canonical_tautomer=True), -7.5),  # RDKit's tautomers lose this centre
        (StandardSettings(neutralise=False), -6.5),
    ],
)
def test_the_table_is_read_in_the_form_that_the_library_keeps(
    tmp_path: Path, standard: StandardSettings, score: float
) -> None:
    left, right = "C[C@H]([NH3+])C(O)=NCC", "C[C@@H]([NH3+])C(O)=NCC"
    (tmp_path / "a.csv").write_text(f"smiles,score\n{left},-6.5\n{right},-7.5\n")
    settings = TableTarget("a.csv", "kcal/mol", True)
    spec = freeze_target("T", settings, tmp_path / "frozen", tmp_path, standard)
    assert json.loads(json.dumps(spec)) == spec
    held = standard_smiles(left, standard)
    for smiles in (held, left):
        assert look_up(tmp_path / "a.csv", spec, smiles)[0]["score"] == score
