"""Parquet and Feather files with columns of every type, and text columns that hold something else than SMILES."""

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import InputError
from docksieve.data.readers.detect import detect_text
from docksieve.data.readers.layout import ReadingSettings
from docksieve.data.readers.records import LineCounts, TableFile, table_records

SMILES = ["CCO", "CCN", "c1ccccc1"]
IDS = ["a", "b", "c"]


def table_file(tmp_path, columns, kind="parquet"):
    path = tmp_path / f"in.{kind}"
    if kind == "parquet":
        pq.write_table(pa.table(columns), path)
    else:
        pyarrow.feather.write_feather(pa.table(columns), path)
    return TableFile(str(path), kind)


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([[s] for s in SMILES]), r"list<(element|item): string>"),
        (pa.array([{"s": s} for s in SMILES]), "struct<s: string>"),
        (pa.array([[("s", s)] for s in SMILES], pa.map_(pa.string(), pa.string())), "map<string, string"),
        (pa.array([1.5, 2.5, 3.5]), "double"),
        (pa.nulls(3), "null"),
        (pa.array([True, False, True]), "bool"),
    ],
)
def test_a_column_that_is_no_text_is_refused_in_a_sentence(tmp_path, column, words, kind):
    file = table_file(tmp_path, {"smiles": column, "id": IDS}, kind)
    with pytest.raises(InputError, match=f"The column 'smiles' of mine holds no text: its type is {words}"):
        file.layout("mine", ReadingSettings())
    file = table_file(tmp_path, {"structures": column, "SMILES": SMILES, "id": IDS}, kind)
    assert file.layout("mine", ReadingSettings()).smiles_name == "SMILES"
    for option, settings in (
        ("--smiles-column", ReadingSettings(smiles_column="structures")),
        ("--id-column", ReadingSettings(id_column="Structures")),
    ):
        with pytest.raises(InputError, match=f"The column 'structures' of mine holds no text.*{option}"):
            file.layout("mine", settings)


@pytest.mark.parametrize(
    "column",
    [
        pa.array(SMILES),
        pa.array(SMILES, pa.large_string()),
        pa.array(SMILES, pa.string_view()),
        pa.array(SMILES).dictionary_encode(),
        pa.array([s.encode() for s in SMILES]),
        pa.array([b"CCO", b"CCN", b"CCC"], pa.binary(3)),
    ],
)
def test_text_of_any_type_is_read(tmp_path, column):
    ids = pa.array([1, 2, 3], pa.decimal128(10, 0))
    file = table_file(tmp_path, {"smiles": column, "id": ids})
    layout = file.layout("mine", ReadingSettings())
    found = list(table_records(file.path, layout, 0, 3, LineCounts()))
    assert [record.structure for record in found][:2] == ["CCO", "CCN"]
    assert [record.id for record in found] == ["1", "2", "3"]


def test_extensions_of_tables_are_kept_and_counted(tmp_path):
    file = table_file(tmp_path, {"smiles": ["C[C@H](O)CF |&1:1|", "CCO title", None], "id": IDS})
    counts = LineCounts()
    found = list(table_records(file.path, file.layout("mine", ReadingSettings()), 0, 3, counts))
    assert [(record.structure, record.extension) for record in found] == [
        ("C[C@H](O)CF", "|&1:1|"), ("CCO", ""), ("", ""),
    ]  # fmt: skip
    assert counts.extensions == 1


def test_a_column_called_smiles_that_holds_none_is_refused():
    """Rather than that another one, whose letters read as atoms, is taken for it."""
    lists = "id\tsmiles\n" + "".join(f"{c}\t['CC{c}']\n" for c in "BCN")
    with pytest.raises(InputError, match="The column 'smiles' of mine holds no SMILES: it begins with"):
        detect_text(lists.encode(), True, "mine", ReadingSettings())
    told = detect_text(lists.encode(), True, "mine", ReadingSettings(smiles_column="id"))
    assert told.smiles == 0


@pytest.mark.parametrize(
    "tokens",
    [
        ["[C][C][O]", "[C][C][N]", "[C][=C][F]", "[N][C][C][O]", "[C][C][C][Branch1][C][C][O]"],
        [
            "[C][=C][C][=C][C][=C][Ring1][=Branch1]",
            "[C][C][=O]",
            "[O][=C][O]",
            "[C][#N][C]",
            "[C][C][O].[C][C]",
        ],
    ],
)
def test_selfies_are_called_by_their_name(tokens):
    for text in ("selfies\n", "", "smiles\n"):
        with pytest.raises(InputError, match=r"holds SELFIES, not SMILES.*Decode it first"):
            detect_text((text + "\n".join(tokens) + "\n").encode(), True, "mine", ReadingSettings())
    mixed = "smiles\n" + "\n".join([*tokens, "CCO", "CCN", "CCC"])
    assert detect_text(mixed.encode(), True, "mine", ReadingSettings()).smiles == 0
