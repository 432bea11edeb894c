"""A small campaign of real molecules whose docking program is a table: seconds, not hours."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.library import Library
from docksieve.data.receipts import Receipt, write_receipt
from docksieve.data.store import read_json, record_file
from docksieve.workflows.campaign.campaign import Campaign, open_campaign
from docksieve.workflows.running.submit import submit
from rdkit import Chem
from rdkit.Chem import Crippen, rdMolDescriptors

ACYLS = [
    "C",
    "c1ccccc1",
    "c1ccncc1",
    "c1ccc2ccccc2c1",
    "C1CCCCC1",
    "Cc1ccccc1",
    "c1ccc(F)cc1",
    "c1ccc(OC)cc1",
    "c1ccsc1",
    "c1ccco1",
    "C1CCOCC1",
    "CCC",
    "c1cnn(C)c1",
    "c1ccc(Cl)c(Cl)c1",
    "c1ccc2[nH]ccc2c1",
    "C1CC1",
    "c1cc(C)on1",
    "CSC",
    "c1ccc(C#N)cc1",
    "C1CCCO1",
]
AMINES = [
    "NCc1ccccc1",
    "N1CCOCC1",
    "NC1CCCCC1",
    "Nc1ccccc1",
    "N1CCN(C)CC1",
    "NCCc1ccccc1",
    "NC1CC1",
    "N1CCc2ccccc2C1",
    "NCc1ccncc1",
    "Nc1ccc(F)cc1",
    "N(C)Cc1ccco1",
    "NCCO",
    "NCC(F)(F)F",
    "Nc1nccs1",
    "N1CCCC1c1ccccc1",
    "NC1CCOCC1",
    "Nc1ccc2ccccc2c1",
    "NCCN(C)C",
    "N1CCC(O)CC1",
    "NCc1ccc(Cl)cc1",
]

CAMPAIGN = """\
[campaign]
name = "small"
seed = 11

[library]
path = "library"

[targets.A]
engine = "table"
scores = "a.csv"
unit = "kcal/mol"
lower_is_better = true

[targets.B]
engine = "table"
scores = "b.csv"
unit = "points"
lower_is_better = false

[start]
molecules = 60
sealed = 0.2

[rounds]
count = 2
labels = 200
keep = 0.2
dock = 15

[final]
molecules = 5

[student]
width = 16
buckets = 256
layers = 1
epochs = 4

[run]
dock_batch = 8
predict_batch = 64
threads = 1
"""


def molecules() -> list[str]:
    """Return 400 amides that could be made."""
    return [f"O=C({acyl}){amine}" for acyl in ACYLS for amine in AMINES]


def fake_score(smiles: str) -> float:
    """Return a number that depends on the molecule as docking scores do: on size, rings and lipophilicity."""
    molecule = Chem.MolFromSmiles(smiles)
    rings = rdMolDescriptors.CalcNumAromaticRings(molecule)
    return round(-2.0 - 0.2 * molecule.GetNumHeavyAtoms() - 0.4 * rings - 0.1 * Crippen.MolLogP(molecule), 1)


@pytest.fixture(scope="session")
def small_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a library in two shards, two score tables (a few molecules unscored), and a campaign."""
    from docksieve.data.libraries.settings import IngestSettings

    folder = tmp_path_factory.mktemp("small")
    smiles = molecules()
    (folder / "in.smi").write_text("".join(f"{text} M{index}\n" for index, text in enumerate(smiles)))
    settings = IngestSettings(shard_rows=250)
    build_library(folder / "library", [folder / "in.smi"], settings, workers=1, progress=False)
    for name, sign in (("a", 1), ("b", -1)):
        rows = [f"{text},{sign * fake_score(text):.1f}" for text in smiles[5:]]
        (folder / f"{name}.csv").write_text("smiles,score\n" + "\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="session")
def campaign_text(small_inputs: Path) -> str:
    """The small campaign's file, its inputs named by their full paths."""
    text = CAMPAIGN
    for key in ("library", "a.csv", "b.csv"):
        text = text.replace(f'"{key}"', f'"{small_inputs / key}"')
    return text


@pytest.fixture(scope="session")
def small_campaign(campaign_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small campaign, run once without interruption: to be read or copied, never to be written in."""
    folder = tmp_path_factory.mktemp("small-campaign")
    (folder / "campaign.toml").write_text(campaign_text)
    return submit(folder / "campaign.toml", "inline").root


@pytest.fixture(scope="session")
def copy_small_campaign(small_campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return a function that copies the finished campaign and its file into a folder of their own."""

    def copy() -> Path:
        folder = tmp_path_factory.mktemp("copy")
        shutil.copytree(small_campaign.parent, folder, dirs_exist_ok=True)
        return folder / small_campaign.name

    return copy


@pytest.fixture(scope="module")
def finished(copy_small_campaign: Callable[[], Path]) -> Campaign:
    """The finished campaign, for the tests of one file to look at."""
    return open_campaign(copy_small_campaign())


@pytest.fixture
def copied(small_campaign: Path, tmp_path: Path) -> Path:
    """A copy of the finished campaign that a test may spoil."""
    return Path(shutil.copytree(small_campaign, tmp_path / "copy"))


@pytest.fixture
def make_campaign(campaign_text: str, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes the campaign file into a folder of this test, with some text replaced."""

    def make(*replaced: tuple[str, str], name: str = "campaign") -> Path:
        text = campaign_text
        for old, new in (('name = "small"', f'name = "{name}"'), *replaced):
            assert old in text, f"{old} does not occur"
            text = text.replace(old, new)
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        return path

    return make


@pytest.fixture(scope="session")
def small_library(small_inputs: Path) -> Library:
    """The library of the small campaign."""
    return Library.open(small_inputs / "library")


@pytest.fixture(scope="session")
def vouch() -> Callable[[Path], None]:
    """Return a function that writes a campaign's receipts anew for the files as a test has changed them."""

    def write(root: Path) -> None:
        for path in sorted((root / "receipts").rglob("*.json")):
            receipt = Receipt.from_json(read_json(path))
            there = [record for record in receipt.outputs if (root / record.path).exists()]
            outputs = tuple(record_file(root / record.path, root) for record in there)
            write_receipt(root, replace(receipt, outputs=outputs))

    return write
