"""Layouts that people really have, and streams of every packing."""

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import zipfile

import pytest
import zstandard
from docksieve.data.errors import InputError
from docksieve.data.readers.detect import detect_text
from docksieve.data.readers.layout import ReadingSettings
from docksieve.data.readers.records import LineCounts, sdf_records, text_records
from docksieve.data.readers.streams import InputStream, text_chunks
from rdkit import Chem

ROWS = [("CCO", "Z1"), ("c1ccccc1O", "Z2"), ("CC(=O)Nc1ccc(O)cc1", "Z3"), ("CN1CCC[C@H]1c1cccnc1", "Z4")]


def read(text, settings=None, name="input"):
    data = text.encode() if isinstance(text, str) else text
    layout = detect_text(data, True, name, settings or ReadingSettings())
    counts = LineCounts()
    return layout, list(text_records(data, 1, layout, counts)), counts


LAYOUTS = {
    "smi, blanks": "\n".join(f"{s} {i}" for s, i in ROWS),
    "smi, tabs, CRLF": "".join(f"{s}\t{i}\r\n" for s, i in ROWS),
    "old Macintosh line ends": "".join(f"{s}\t{i}\r" for s, i in ROWS),
    "id first": "\n".join(f"{i} {s}" for s, i in ROWS),
    "csv with header": "smiles,name\n" + "\n".join(f"{s},{i}" for s, i in ROWS),
    "csv, SMILES last, numbers between": "ID,MW,SMILES\n" + "\n".join(f"{i},1.5,{s}" for s, i in ROWS),
    "quoted commas": "name,remark,smiles\n" + "\n".join(f'{i},"a, b",{s}' for s, i in ROWS),
    "semicolons": "\n".join(f"{s};{i}" for s, i in ROWS),
    "commented header": "#Mol_ID\tStructure\n" + "\n".join(f"{i}\t{s}" for s, i in ROWS),
    "byte order mark": "\ufeffsmiles\tid\n" + "\n".join(f"{s}\t{i}" for s, i in ROWS),
    "scores in a third column": "\n".join(f"{i}\t{s}\t-{n}.5" for n, (s, i) in enumerate(ROWS)),
    "CXSMILES": "\n".join(f"{s} |(1.0,2.0,;3,4,),&1:1,w:2.1| {i}" for s, i in ROWS),
    "CXSMILES in tab-separated": "SMILES\tid\n" + "\n".join(f"{s} |o1:1,r|\t{i}" for s, i in ROWS),
    "comments and blank lines": "# from somewhere\n\n"
    + "\n\n".join(f"{s} {i}" for s, i in ROWS)
    + "\n# end\n",
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_columns_are_found(name):
    layout, records, _ = read(LAYOUTS[name])
    assert [(record.structure, record.id) for record in records] == ROWS, layout.describe()


def test_the_layout_is_explained():
    layout, _, counts = read(LAYOUTS["csv, SMILES last, numbers between"])
    said = layout.describe()
    assert "comma" in said and "header on line 1" in said
    assert "SMILES from column 3 ('SMILES')" in said and "id from column 1 ('ID')" in said
    assert counts.headers == 1


def test_every_line_is_counted():
    _, records, counts = read(LAYOUTS["comments and blank lines"])
    assert (len(records), counts.comments, counts.blank) == (4, 2, 4)
    assert [record.line for record in records] == [3, 5, 7, 9]


def test_titles_of_several_words():
    layout, records, _ = read("CCO ethyl alcohol\nC methane\nCC(=O)O acetic acid glacial\n")
    assert layout.rest_is_id
    assert [record.id for record in records] == ["ethyl alcohol", "methane", "acetic acid glacial"]


def test_no_ids():
    layout, records, _ = read("\n".join(s for s, _ in ROWS))
    assert layout.id is None
    assert [record.structure for record in records] == [s for s, _ in ROWS]


def test_ids_that_read_as_smiles_make_no_header():
    for text in ("CCO a\nCCN b\n", "CCO x\nCCN c\nCCC n\n"):
        _, records, counts = read(text, ReadingSettings())
        assert counts.headers == 0 and len(records) == text.count("\n")


def test_a_bad_first_line_is_no_header():
    _, records, counts = read("C1CC Z0\n" + LAYOUTS["smi, blanks"])
    assert counts.headers == 0 and len(records) == 5


def test_the_user_overrules():
    text = "a,b,c\n" + "\n".join(f"{s},{i},CCCCCC{s}" for s, i in ROWS)
    settings = ReadingSettings(smiles_column="c", id_column="1", delimiter="comma", header=True)
    _, records, _ = read(text, settings)
    assert [(record.structure, record.id) for record in records] == [(f"CCCCCC{s}", s) for s, _ in ROWS]
    _, records, _ = read(LAYOUTS["csv with header"], ReadingSettings(header=False, id_column="none"))
    assert len(records) == 5 and not any(record.id for record in records)


def test_a_column_that_is_not_there():
    with pytest.raises(InputError, match=r"mine\.csv has no column 'smile': its columns are smiles, name"):
        read(LAYOUTS["csv with header"], ReadingSettings(smiles_column="smile"), "mine.csv")


def test_text_without_smiles():
    with pytest.raises(InputError, match=r"No column of notes\.txt holds SMILES"):
        read("hello world, this\nis a letter, not\na list of molecules\n", name="notes.txt")


def test_a_binary_file():
    with pytest.raises(InputError, match="binary"):
        read(bytes(range(256)) * 10 + b"\0" * 2000)


def test_a_delimiter_that_is_none():
    with pytest.raises(ValueError, match="delimiter"):
        ReadingSettings(delimiter="tabs")


def test_latin1_ids_and_bytes_that_are_no_smiles():
    _, records, _ = read("CCO Gl\xfchwein\nCC\xe9 bad\nCCN fine\nCCCC ok\n".encode("latin-1"))
    assert [record.id for record in records] == ["Gl\xfchwein", "bad", "fine", "ok"]
    assert records[1].structure == "CC\xe9"


def packed(kind, data):
    buffer = io.BytesIO()
    if kind == "gzip":
        return gzip.compress(data[:20]) + gzip.compress(data[20:])  # two members, as bgzip writes
    if kind == "zstd":
        return zstandard.compress(data[:20]) + zstandard.compress(data[20:])
    if kind in ("bzip2", "xz"):
        return {"bzip2": bz2, "xz": lzma}[kind].compress(data)
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("in.smi", data)
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode="w:gz" if kind == "tar.gz" else "w") as archive:
        for name in ("in.smi", "more.smi") if kind == "two" else ("in.smi",):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def drain(path):
    with InputStream(str(path)) as stream:
        return b"".join(chunk.payload for chunk in text_chunks(stream, 4096))


@pytest.mark.parametrize("kind", ["gzip", "zstd", "bzip2", "xz", "zip", "tar", "tar.gz"])
def test_packing_is_recognised_by_content(tmp_path, kind):
    data = LAYOUTS["smi, blanks"].encode() * 300
    path = tmp_path / "misnamed.txt"
    path.write_bytes(packed(kind, data))
    assert drain(path) == data


def test_an_archive_of_several_files_is_refused(tmp_path):
    path = tmp_path / "two.tar"
    path.write_bytes(packed("two", b"CCO a\n" * 1000))
    with pytest.raises(InputError, match=r"two\.tar is a tar archive of 2 files"):
        drain(path)


def test_a_file_cut_short_is_named(tmp_path):
    path = tmp_path / "cut.smi.gz"
    path.write_bytes(
        gzip.compress(("".join(f"{'C' * (n % 30 + 1)}O {n}\n" for n in range(50_000))).encode())[:-2000]
    )
    with pytest.raises(InputError, match=r"cut\.smi\.gz"):
        drain(path)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        InputStream(str(tmp_path / "nothing.smi"))
    with pytest.raises(InputError, match="is a folder"):
        InputStream(str(tmp_path))


def test_standard_input_in_small_pieces(monkeypatch):
    data = LAYOUTS["smi, blanks"].encode() * 500

    class Pipe(io.RawIOBase):
        position = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            piece = data[self.position : self.position + min(len(buffer), 777)]
            buffer[: len(piece)] = piece
            self.position += len(piece)
            return len(piece)

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Pipe(), 1000)))
    assert drain("-") == data


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_chunks_end_with_lines_and_count_them(tmp_path, end):
    path = tmp_path / "in.smi"
    lines = [b"C" * (n % 300 + 1) for n in range(1000)]
    path.write_bytes(end.join(lines))  # no line end at the end
    with InputStream(str(path)) as stream:
        chunks = list(text_chunks(stream, 5000))
    assert len(chunks) > 5
    assert b"".join(chunk.payload for chunk in chunks).split(end) == lines
    assert all(chunk.payload.endswith(end) for chunk in chunks[:-1])
    following = 1
    for chunk in chunks:
        assert chunk.first_line == following
        following += chunk.lines
    assert following == 1001


def test_sdf_records_survive_chunk_borders(tmp_path):
    mols = [Chem.MolFromSmiles(smiles) for smiles, _ in ROWS]
    blocks = [f"{Chem.MolToMolBlock(mol)}>  <code>\nK{n}\n\n$$$$\n" for n, mol in enumerate(mols * 30)]
    blocks[7] = "broken\n\n\nnot a mol block\nM  END\n$$$$\n"
    path = tmp_path / "in.sdf"
    path.write_text("".join(blocks))
    layout = read("CCO\n")[0].__class__("sdf", id_name="code")
    with InputStream(str(path)) as stream:
        chunks = list(text_chunks(stream, 4096, record_end=b"$$$$"))
    records = [r for chunk in chunks for r in sdf_records(chunk.payload, chunk.first_line, layout)]
    assert len(chunks) > 3 and len(records) == 120
    assert [r.id for r in records][:9] == ["K0", "K1", "K2", "K3", "K4", "K5", "K6", "", "K8"]
    text = path.read_text().split("\n")
    assert all(text[r.line - 1] == r.structure.split("\n")[0] for r in records)
