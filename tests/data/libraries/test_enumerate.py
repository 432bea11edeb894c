"""Make-on-demand libraries."""

from itertools import product

import numpy as np
import pytest
from docksieve.data.enumeration.product_space import load_reactions, permuted, product_space
from docksieve.data.errors import InputError, LibraryError
from docksieve.data.libraries.enumerate import enumerate_library
from docksieve.data.libraries.settings import IngestSettings
from docksieve.data.molecules.standardise import standard_smiles
from rdkit import Chem

EXPECTED = {
    "amide": ("OC(=O)c1ccccc1 A", "NCC(C)C B", "CC(C)CNC(=O)c1ccccc1"),
    "sulfonamide": ("ClS(=O)(=O)c1ccc(F)cc1 A", "N1CCOCC1 B", "O=S(=O)(c1ccc(F)cc1)N1CCOCC1"),
    "reductive-amination": ("O=Cc1cccnc1 A", "CNC1CC1 B", "CN(Cc1cccnc1)C1CC1"),
    "urea": ("O=C=Nc1ccccc1 A", "NCC B", "CCNC(=O)Nc1ccccc1"),
    "suzuki": ("Brc1ccncc1 A", "OB(O)c1ccc(OC)cc1 B", "COc1ccc(-c2ccncc2)cc1"),
    "buchwald": ("Brc1ccccc1 A", "N1CCN(C)CC1 B", "CN1CCN(c2ccccc2)CC1"),
    "snar": ("Clc1ncccn1 A", "NC1CCCC1 B", "c1cnc(NC2CCCC2)nc1"),
    "alkylation": ("BrCc1ccccc1 A", "N1CCCC1 B", "c1ccc(CN2CCCC2)cc1"),
    "ether": ("Oc1ccc(C#N)cc1 A", "BrCc1ccccc1 B", "N#Cc1ccc(OCc2ccccc2)cc1"),
    "ester": ("OC(=O)C1CC1 A", "OCCOC B", "COCCOC(=O)C1CC1"),
}


def write(tmp_path, **files):
    paths = {}
    for role, lines in files.items():
        paths[role] = [tmp_path / f"{role}.smi"]
        paths[role][0].write_text("\n".join(lines) + "\n")
    return paths


def enumerate_(tmp_path, *args, name="lib", **kwargs):
    kwargs.setdefault("workers", 1)
    return enumerate_library(tmp_path / name, *args, progress=False, **kwargs)


def test_every_reaction_is_tried():
    assert set(EXPECTED) == set(load_reactions())


@pytest.mark.parametrize("name", EXPECTED)
def test_reactions_make_the_right_product(tmp_path, name):
    left, right, expected = EXPECTED[name]
    roles = load_reactions()[name].roles
    files = write(tmp_path, **{roles[0]: [left], roles[1]: [right]})
    library = enumerate_(tmp_path, [name], files)
    row = library.take([0]).to_pylist()[0]
    assert library.rows == 1
    assert row["smiles"] == standard_smiles(expected)
    assert row["id"] == f"{name}:A:B"


def test_stereo_of_reagents_is_kept(tmp_path):
    files = write(tmp_path, acids=["OC(=O)[C@H]1CCCO1 A"], amines=["N[C@@H](C)c1ccccc1 B"])
    smiles = enumerate_(tmp_path, ["amide"], files).take([0])["smiles"][0].as_py()
    assert smiles == standard_smiles("O=C([C@H]1CCCO1)N[C@@H](C)c1ccccc1")


def test_reagents_that_fit_twice_or_not_at_all_are_left_out_and_counted(tmp_path):
    acids = ["OC(=O)c1ccccc1 A1", "OC(=O)CCC(=O)O twice", "CCO alcohol", "CC(=O)[O-].[Na+] salt"]
    files = write(tmp_path, acids=acids, amines=["NCC B1", "CN(C)C tertiary", "NC(=O)C amide"])
    space = product_space(["amide"], files)
    assert [[r.id for r in role] for role in space.reagents[0]] == [["A1", "salt"], ["B1"]]
    assert space.left_out == {"amide": {"acids": 2, "amines": 2}}


def test_all_products_in_order(tmp_path):
    acids = [f"OC(=O){'C' * n} A{n}" for n in range(1, 6)]
    amines = [f"N{'C' * n} B{n}" for n in range(1, 5)]
    library = enumerate_(tmp_path, ["amide"], write(tmp_path, acids=acids, amines=amines))
    ids = library.take(np.arange(library.rows))["id"].to_pylist()
    assert ids == [f"amide:A{a}:B{b}" for a, b in product(range(1, 6), range(1, 5))]
    assert library.manifest["counts"]["records"] == 20


def test_products_that_coincide_are_duplicates(tmp_path):
    halides = ["Brc1ccc(C)cc1 H1", "Brc1ccccc1 H2"]
    acids = ["OB(O)c1ccccc1 B1", "OB(O)c1ccc(C)cc1 B2"]
    library = enumerate_(tmp_path, ["suzuki"], write(tmp_path, aryl_halides=halides, boronic_acids=acids))
    assert (library.rows, library.manifest["counts"]["duplicates"]) == (3, 1)


@pytest.mark.parametrize("total", [1, 2, 3, 17, 1000, 4097])
def test_the_permutation_is_one(total):
    for seed in (1, 2):
        image = permuted(np.arange(total, dtype=np.uint64), total, seed)
        assert sorted(image.tolist()) == list(range(total))
    assert total < 20 or permuted(np.arange(9, dtype=np.uint64), total, 1).tolist() != image[:9].tolist()


def test_samples_are_uniform_over_the_space():
    total, size, hits = 60, 12, np.zeros(60)
    for seed in range(3000):
        hits[permuted(np.arange(size, dtype=np.uint64), total, seed).astype(int)] += 1
    expected = 3000 * size / total
    assert ((hits - expected) ** 2 / expected).sum() < total + 5 * np.sqrt(2 * total)


@pytest.mark.slow
def test_the_sample_is_deterministic_and_its_start_does_not_depend_on_its_size(tmp_path):
    first = enumerate_(tmp_path, limit=60, seed=3, settings=IngestSettings(chunk_rows=7))
    again = enumerate_(tmp_path, limit=60, seed=3, name="again")
    more = enumerate_(tmp_path, limit=80, seed=3, name="more")
    other = enumerate_(tmp_path, limit=60, seed=4, name="other")
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != other.fingerprint
    ids = first.take(np.arange(first.rows))["id"].to_pylist()
    assert more.take(np.arange(first.rows))["id"].to_pylist() == ids
    counts = first.manifest["counts"]
    assert counts["records"] == 60 == counts["accepted"] + counts["duplicates"] + counts["rejected"]
    assert len({name.split(":")[0] for name in ids}) >= 6
    first.verify()


def test_the_sample_building_blocks_make_more_than_a_million_products():
    space = product_space()
    assert space.total > 1_000_000
    for roles in space.reagents:
        for role in roles:
            assert (
                len({reagent.id for reagent in role})
                == len(role)
                == len({reagent.smiles for reagent in role})
            )
            assert all(Chem.MolFromSmiles(reagent.smiles) is not None for reagent in role)
    edge = sum(space.sizes[:3])
    assert space.locate(edge - 1) == (2, tuple(len(role) - 1 for role in space.reagents[2]))
    assert space.locate(edge) == (3, (0, 0))


def test_sampled_products_are_lead_like(tmp_path):
    library = enumerate_(tmp_path, limit=400, seed=1)
    weights = library.take(np.arange(library.rows), ["weight"])["weight"].to_numpy()
    assert np.mean((weights >= 200) & (weights <= 450)) > 0.9


def test_reactions_of_ones_own(tmp_path):
    text = (
        '[[reaction]]\nname = "click"\ntitle = "Azide-alkyne cycloaddition"\nroles = ["azides", "alkynes"]\n'
        'smarts = "[#6:6]-[N:1]=[N+:2]=[N-:3].[CH:4]#[C:5]>>[#6:6]-[n:1]1[n+0:2][n+0:3][c:5][c:4]1"\n'
    )
    (tmp_path / "mine.toml").write_text(text)
    files = write(tmp_path, azides=["[N-]=[N+]=NCc1ccccc1 Z"], alkynes=["C#CC1CC1 Y"])
    library = enumerate_(tmp_path, reagent_files=files, reactions_file=tmp_path / "mine.toml")
    assert library.take([0])["smiles"].to_pylist() == [standard_smiles("C1CC1c1cn(Cc2ccccc2)nn1")]


@pytest.mark.parametrize(
    ("names", "files", "words"),
    [
        (["amid"], {}, "no reaction 'amid'"),
        (["amide"], {"boronic_acids": ["OB(O)c1ccccc1 B"]}, "No chosen reaction uses 'boronic_acids'"),
        (["amide"], {"acids": ["CCO A", "CCCO B"]}, "No product is possible"),
        (["amide"], {"acids": ["CC(=O)O A:1"]}, "holds a colon"),
        (["amide"], {"acids": ["CC(=O)O A", "CCC(=O)O A"]}, "has the id 'A'"),
    ],
)
def test_what_cannot_be_enumerated(tmp_path, names, files, words):
    with pytest.raises(InputError, match=words):
        product_space(names, write(tmp_path, **files))


@pytest.mark.parametrize(
    ("smarts", "words"),
    [
        ("[C:1]>>", "wrong|products"),
        ("[C:1](", "wrong"),
        ("[C:1]>>[C:1]", "1 reactants, 1 products and 2 roles"),
    ],
)
def test_reactions_that_are_wrong(tmp_path, smarts, words):
    text = f'[[reaction]]\nname = "x"\ntitle = "x"\nroles = ["acids", "amines"]\nsmarts = "{smarts}"\n'
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(InputError, match=words):
        product_space(reactions_file=tmp_path / "mine.toml")


def test_the_same_command_finds_its_library_and_another_does_not(tmp_path):
    first = enumerate_(tmp_path, ["ether"], limit=20)
    assert enumerate_(tmp_path, ["ether"], limit=20).fingerprint == first.fingerprint
    for change in ({"limit": 21}, {"limit": 20, "seed": 1}):
        with pytest.raises(LibraryError, match="holds a library already"):
            enumerate_(tmp_path, ["ether"], **change)
    assert sorted(path.name for path in first.path.iterdir()) == ["library.json", "shards"]
