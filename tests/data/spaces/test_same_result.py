"""The fast ways to products and blocks give what the slow ones give, molecule by molecule and file by file."""

from __future__ import annotations

import filecmp

import numpy as np
import pytest
from docksieve.data.enumeration.product_space import load_reactions
from docksieve.data.enumeration.reagents import in_order, read_reagents, run_here
from docksieve.data.molecules.parse import rdkit_messages
from docksieve.data.molecules.properties import PROPERTY_NAMES, properties
from docksieve.data.molecules.standardise import StandardSettings, standardise
from docksieve.data.spaces import build, products
from docksieve.data.spaces.build import build_space
from docksieve.data.spaces.space import Space
from docksieve.data.store import read_json
from rdkit import Chem

AMIDE = "[#6:5]-[C:1](=[O:2])-[OX2H1].[NX3;H1,H2;!$(N-C=O):3]>>[#6:5]-[C:1](=[O:2])-[N:3]"
ACIDS = [
    "C[C@H](N1CCOCC1)C(=O)O",
    "O=C(O)[C@H]1CC[C@@H](O)CC1",
    "O=C(O)[C@@H]1C[C@H]2CC[C@@H]1C2",
    "O=C(O)c1ccc([N+](=O)[O-])cc1",
    "C[N+](C)(C)CC(=O)O",
    "O=C(O)/C=C/c1ccccc1",
    "O=C(O)[C](O)[C@@H](O)CO",
    "O=C(O)c1c[nH]c2ccccc12",
    "[2H]C([2H])([2H])C(=O)O",
    "O=C(O)C[S@](=O)c1ccccc1",
    "O=C(O)CP(=O)(OC)c1ccccc1",
    "O=C(O)[C@@]1(C)C[C@H](C)CO1",
    "[O-]Cl=O.O=C(O)CC[n+]1ccccc1",
]
AMINES = [
    "C[C@@H](N)c1ccccc1",
    "NC[C@H]1CC[C@H](C(F)(F)F)CC1",
    "N[C@@H]1[C@@H]2CC[C@H]1COC2",
    "Nc1ccc([N+](=O)[O-])c(C#N)c1",
    "NC/C=C\\CO",
    "CN",
    "NCC[N+](C)(C)C",
    "NC1CCC(O)CC1",
    "NCc1nc[nH]c1C",
]


def slowly(reaction, blocks):
    """The product as RDKit writes it, read again and brought into the standard form."""
    made = reaction.compiled().RunReactants([Chem.MolFromSmiles(text) for text in blocks], 4)
    forms = [standardise(Chem.MolToSmiles(mol), StandardSettings()) for (mol,) in made]
    assert len({form.smiles for form in forms}) == 1
    return forms[0].smiles, properties(forms[0].mol)


@pytest.fixture
def amides(tmp_path):
    (tmp_path / "acids.smi").write_text("".join(f"{text} a{at}\n" for at, text in enumerate(ACIDS)))
    (tmp_path / "amines.smi").write_text("".join(f"{text} b{at}\n" for at, text in enumerate(AMINES)))
    return [tmp_path / "acids.smi", tmp_path / "amines.smi"]


def agree(space, rows):
    made = space.make(rows)
    which, places = space.locate(rows)
    for at, (index, positions) in enumerate(zip(which.tolist(), places.tolist(), strict=True)):
        roles = space.blocks[index]
        texts = [role.smiles[place] for role, place in zip(roles, positions, strict=False)]
        smiles, values = slowly(space.reactions[index], texts)
        assert made.smiles[at] == smiles, texts
        assert made.values[at] == pytest.approx(values, abs=1e-6), (texts, PROPERTY_NAMES)
    return made


def test_stereo_marks_charges_and_radicals(amides, tmp_path):
    space = build_space(tmp_path / "space", smarts={"amide": (AMIDE, amides)}, workers=1)
    assert space.rows >= 100
    with rdkit_messages():
        made = agree(space, np.arange(space.rows))
        assert not made.problems
        for role in space.blocks[0]:
            assert all(
                standardise(text, StandardSettings()).smiles == text
                for text in role.capped
                if "[C]" not in text
            )


@pytest.mark.slow
@pytest.mark.parametrize("name", list(load_reactions()))
def test_products_of_every_reaction(name, tmp_path):
    space = build_space(tmp_path / "space", [name], workers=1)
    with rdkit_messages():
        agree(space, space.sample_rows(300, "same"))


@pytest.mark.shared
@pytest.mark.slow
def test_products_of_real_blocks_with_stereo_marks(shared_data, tmp_path):
    folder = shared_data / "libraries" / "ts_reagents"
    files = []
    for name in ("carboxylic_acids_ok.smi", "primary_amines_ok.smi"):
        lines = [line for line in (folder / name).read_text().splitlines() if "@" in line.split()[0]]
        files.append(tmp_path / name)
        files[-1].write_text("\n".join(lines[:: len(lines) // 300]) + "\n")
    space = build_space(tmp_path / "space", smarts={"amide": (AMIDE, files)}, workers=1)
    with rdkit_messages():
        agree(space, space.sample_rows(3_000, "same"))


@pytest.mark.slow
def test_processes_and_pieces_do_not_change_a_space(amides, tmp_path, monkeypatch):
    amides[0].write_text(
        "smiles,id,price\n"
        + "".join(f"{text},a{at},{at + 0.5}\n" for at, text in enumerate(ACIDS))
        + "CCO,x,1\n"
    )
    one = build_space(tmp_path / "one", smarts={"amide": (AMIDE, amides)}, workers=1)
    monkeypatch.setattr(build, "SMALL_BYTES", 0)
    monkeypatch.setattr(build, "CHUNK", 3)
    monkeypatch.setattr("docksieve.data.enumeration.reagents.CHUNK_BYTES", 100)
    two = build_space(tmp_path / "two", smarts={"amide": (AMIDE, amides)}, workers=2)
    assert read_json(one.path / "space.json") == read_json(two.path / "space.json")
    names = [record.path for record in one.records()] + [build.REJECTS]
    assert filecmp.cmpfiles(one.path, two.path, names, shallow=False)[0] == names
    assert Space(two.path).blocks[0][0].values("price")[3] == 3.5


def test_pieces_that_end_in_another_order_are_put_in_order(amides):
    def backwards(task, jobs):
        yield from reversed([(job, task(job)) for job in jobs])

    assert [job["index"] for job, _ in in_order(backwards, dict, [{"index": at} for at in range(4)])] == [
        0,
        1,
        2,
        3,
    ]
    lost: list = []
    expected = read_reagents("acids", amides[:1], lost)
    again: list = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("docksieve.data.enumeration.reagents.CHUNK_BYTES", 64)
        assert read_reagents("acids", amides[:1], again, run=backwards) == expected
        assert read_reagents("acids", amides[:1], [], run=run_here) == expected
    assert lost == again


def test_molecules_in_use_are_as_many_as_are_worked_on(amides, monkeypatch):
    """A large role must not fill the memory with its molecules."""
    read: list[str] = []
    before = products._read
    monkeypatch.setattr(products, "_read", lambda text: read.append(text) or before(text))
    products._molecule.cache_clear()
    job = {
        "reaction": {"name": "a", "title": "a", "smarts": AMIDE, "roles": ("acids", "amines")},
        "role": 0,
        "partners": ["CC(=O)O", "CN"],
        "smiles": ["CC(=O)O", "CCC(=O)O", "OC(=O)CC(=O)O"],
        "standard": {},
    }
    found = products.cap_blocks(job)
    assert found["capped"] == ["CNC(C)=O", "CCC(=O)NC", ""] and list(found["problems"]) == [2]
    assert sorted(read) == sorted([*job["smiles"], "CN"]) and products._molecule.cache_info().currsize == 1
