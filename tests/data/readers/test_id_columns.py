"""The vendor's own number, in headers as vendors, databases and programs write them."""

import pytest
from docksieve.data.readers.detect import detect_columns, detect_text
from docksieve.data.readers.id_columns import (
    choose_id_column,
    choose_property,
    name_score,
    says_smiles,
    words_of_name,
)
from docksieve.data.readers.layout import ReadingSettings
from docksieve.data.readers.records import LineCounts, sdf_id_property, sdf_records, text_records
from rdkit import Chem

SMILES = [
    "CCO", "c1ccccc1O", "CC(=O)Nc1ccc(O)cc1", "CN1CCC[C@H]1c1cccnc1", "CC(C)Cc1ccc(C(C)C(=O)O)cc1", "O=C(O)c1ccccc1",
    "CCN(CC)CC", "Clc1ccccc1", "CC(N)Cc1ccccc1", "C1CCNCC1", "COc1ccccc1", "NCCc1c[nH]c2ccccc12",
]  # fmt: skip
KEY = "ABCDEFGHIJKLMN-OPQRSTUVWX-N"


def cells(kind: str, n: int) -> str:
    """Return what a column of this kind has in row n; molecules come twice each where they were measured twice."""
    return {
        "smiles": SMILES[n % len(SMILES)],
        "inchikey": KEY[n % 10 :] + KEY[: n % 10] if n % 2 else KEY,
        "cas": f"{50 + n}-{10 + n}-{n % 10}",
        "cas?": f"{50 + n}-{10 + n}-{n % 10}" if n == 3 else "",
        "number": str(1_000_000 + 17 * n),
        "code": f"Z{1_000_000 + 17 * n}",
        "db": f"DB{n:05d}",
        "mono": f"{6000 + n % len(SMILES)}",
        "name": f"drug number {'abcdefghijklmnopqrstuvwxyz'[n % 26]}",
        "parent": str(5000 + n // 4),
        "float": f"{n}.5",
        "class": "approved",
        "target": "Kinase A" if n % 2 else "Kinase B",
        "few": str(n % 3),
        "url": f"https://example.org/{n}",
        "empty": "",
    }[kind]


FILES = {
    "ZINC and eMolecules, blanks": (" ", "isosmiles:smiles version_id:number parent_id:parent", "version_id"),
    "the same, tabs": ("\t", "isosmiles:smiles\tversion_id:number\tparent_id:parent", "version_id"),
    "DrugBank's structures": (
        ",",
        "DrugBank ID:db,Name:name,CAS Number:cas,Drug Groups:class,InChIKey:inchikey,SMILES:smiles,Formula:class,"
        "KEGG Compound ID:code,PubChem Compound ID:number,ChEBI ID:number",
        "DrugBank ID",
    ),
    "Chemspace, CAS empty": ("\t", "SMILES:smiles\tCAS:cas?\tCS-ID:code\tPrice:float", "CS-ID"),
    "CAS filled": ("\t", "SMILES:smiles\tCAS:cas\tChemspace ID:code", "Chemspace ID"),
    "BindingDB": (
        "\t",
        "BindingDB Reactant_set_id:number\tLigand SMILES:smiles\tLigand InChI Key:inchikey\tBindingDB MonomerID:mono\t"
        "BindingDB Ligand Name:name\tTarget Name:target\tKi (nM):float\tPMID:few\tPubChem CID:mono\t"
        "ChEMBL ID of Ligand:code\tZINC ID of Ligand:empty\tPDB ID(s) of Target Chain:target",
        "BindingDB MonomerID",
    ),
    "ChEMBL": (
        ";",
        "ChEMBL ID:code;Name:name;Synonyms:name;Type:class;Molecular Weight:float;Smiles:smiles;Inchi Key:inchikey",
        "ChEMBL ID",
    ),
    "ChEMBL activities": (
        ";",
        "Molecule ChEMBL ID:code;Molecule Name:name;Smiles:smiles;Standard Value:float;Assay ChEMBL ID:code;"
        "Target ChEMBL ID:target;Document ChEMBL ID:few",
        "Molecule ChEMBL ID",
    ),
    "assay first": (",", "assay_id:code,target_id:target,molecule_id:number,smiles:smiles", "molecule_id"),
    "Enamine": ("\t", "smiles:smiles\tidnumber:code\treagent1:number\tMW:float\tHAC:few", "idnumber"),
    "Mcule": ("\t", "SMILES:smiles\tmcule ID:code", "mcule ID"),
    "MolPort": (
        "\t",
        "SMILES:smiles\tSMILES_CANONICAL:smiles\tMOLPORTID:code\tSTANDARD_INCHI:class",
        "MOLPORTID",
    ),
    "ZINC20": (" ", "smiles:smiles zinc_id:number", "zinc_id"),
    "a catalogue": (
        ",",
        "Row No:number,Catalog No.:code,Product Name:name,CAS No.:cas,Smiles:smiles",
        "Catalog No.",
    ),
    "a name only": (",", "Product Name:name,CAS No.:cas,Smiles:smiles", "Product Name"),
    "CAS only": (",", "CAS No.:cas,Smiles:smiles,MW:float", "CAS No."),
    "camel case": (",", "CompoundId:number,CanonicalSmiles:smiles,NumRings:few,ClusterId:few", "CompoundId"),
    "counts are no ids": (",", "num_atoms:number,number of rings:few,smiles:smiles,Mol ID:number", "Mol ID"),
    "acid is no id": (",", "smiles:smiles,acid:code,amine:name,MFCD code:code", "MFCD code"),
    "a link": (",", "smiles:smiles,URL:url,SKU:code", "SKU"),
    "nothing": (",", "smiles:smiles,activity:few,MW:float,URL:url", None),
}


@pytest.mark.parametrize("name", FILES)
def test_the_vendors_number_is_found(name: str) -> None:
    delimiter, header, wanted = FILES[name]
    columns = [column.rsplit(":", 1) for column in header.split(delimiter)]
    lines = [delimiter.join(title for title, _ in columns)]
    lines += [delimiter.join(cells(kind, n) for _, kind in columns) for n in range(24)]
    layout = detect_text(("\n".join(lines) + "\n").encode(), True, "file", ReadingSettings())
    assert layout.header_line == 1
    assert columns[layout.smiles][1] == "smiles"
    assert (layout.id_name or None) == wanted, layout.describe()
    records = list(text_records(("\n".join(lines) + "\n").encode(), 1, layout, LineCounts()))
    assert [record.structure for record in records] == [cells("smiles", n) for n in range(24)]
    titles, kinds = zip(*columns, strict=True)
    table = [[cells(kind, n) for kind in kinds] for n in range(24)]
    tabular = detect_columns(titles, table, "parquet", "file", ReadingSettings())
    assert (tabular.id_name or None) == wanted


def test_names_of_columns() -> None:
    assert words_of_name("BindingDB MonomerID") == ["binding", "db", "monomer", "id"]
    assert words_of_name("Catalog #") == ["catalog", "#"]
    order = ["Compound ID", "version_id", "Name", "CAS", "Parent ID"]
    scores = [name_score(each) or 0.0 for each in order]
    assert scores[0] > scores[1] >= scores[2] > scores[3] >= scores[4]
    assert name_score("IC50") is name_score("InChIKey") is name_score("num_rings") is None
    assert says_smiles("PUBCHEM_OPENEYE_ISO_SMILES") and says_smiles("isosmiles")
    assert not says_smiles("smiles_id") and not says_smiles("SMILES length")
    assert choose_id_column(["smiles", "id"], [["CCO", "a"], ["CCN", "b"]], 0, [True, False]) == 1
    assert choose_id_column(["smiles", "id"], [["CCO", "1.5"], ["CCN", "2.5"]], 0, [True, False]) is None


def block(smiles: str, title: str, **properties: str) -> str:
    mol = Chem.MolFromSmiles(smiles)
    mol.SetProp("_Name", title)
    data = "".join(f"> <{name}>\n{value}\n\n" for name, value in properties.items())
    return f"{Chem.MolToMolBlock(mol)}{data}$$$$\n"


@pytest.mark.parametrize("title", ["", "Untitled"])
def test_sdf_without_titles_has_its_ids_in_a_property(title: str) -> None:
    """As DrugBank's: no title, a database's name that is always the same, an id, a name."""
    text = "".join(
        block(
            smiles,
            title,
            DATABASE_NAME="drugbank",
            DATABASE_ID=f"DB{n:05d}",
            GENERIC_NAME=f"drug {n}",
            LOGP=f"{n}.1",
        )
        for n, smiles in enumerate(SMILES)
    )
    found = sdf_id_property(text.encode(), "\n")
    assert found == "DATABASE_ID"
    layout = detect_text(b"CCO\n", True, "x", ReadingSettings()).__class__("sdf", id_name=found)
    records = list(sdf_records(text.encode(), 1, layout))
    assert [record.id for record in records] == [f"DB{n:05d}" for n in range(len(SMILES))]


def test_sdf_with_titles_keeps_them() -> None:
    text = "".join(block(smiles, f"T{n}", ID=f"X{n}") for n, smiles in enumerate(SMILES))
    assert sdf_id_property(text.encode(), "\n") == ""
    assert sdf_id_property(b"", "\n") == "" == choose_property([])
    none = "".join(block(smiles, "", LOGP=f"{n}.5") for n, smiles in enumerate(SMILES))
    assert sdf_id_property(none.encode(), "\n") == ""


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_sdf_with_any_line_ends(newline: str) -> None:
    text = "".join(block(smiles, f"T{n}", ID=f"X{n}") for n, smiles in enumerate(SMILES)).replace(
        "\n", newline
    )
    layout = detect_text(b"CCO\n", True, "x", ReadingSettings()).__class__(
        "sdf", newline="\r" if newline == "\r" else "\n"
    )
    records = list(sdf_records(text.encode(), 1, layout))
    assert [record.id for record in records] == [f"T{n}" for n in range(len(SMILES))]
    assert all(Chem.MolFromMolBlock(record.structure) is not None for record in records)
