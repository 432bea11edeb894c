"""What the speed benchmarks rest on: their molecules are what they say, and all ways do the same work."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from docksieve.data.receipts import Receipt
from docksieve.models.bundles.bundle import load_bundle
from docksieve.models.fingerprints import featurise
from docksieve.models.settings import FingerprintSettings, TeacherSettings
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData
from rdkit import Chem
from rdkit.Chem import rdChemReactions, rdMolDescriptors

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from dispatch import shares
from naive import naive_scores, plain_features
from peer_models import NetworkPeer, Training, molecules, morgan_bits, pair_bits
from peer_ways import in_memory, student_way
from peers import ahead, recall
from scale import Products, acyl, amine_rest, make_student

ACIDS = ["OC(=O)c1ccccc1", "C[C@H](N(C)C)C(O)=O", "O=C(O)C1CC1"]
AMINES = ["NCc1ccccc1", "C[C@@H](N)C(=O)OC", "Nc1ccncc1", "NC1CCOCC1"]
PLAIN = FingerprintSettings(toolkit="rdkit")


def test_products_are_the_amides_that_rdkit_makes():
    reaction = rdChemReactions.ReactionFromSmarts(
        "[#6:5]-[C:1](=[O:2])-[OX2H1].[NX3;H2:3]>>[#6:5]-[C:1](=[O:2])-[N:3]"
    )
    wanted = set()
    for acid in ACIDS:
        for amine in AMINES:
            (product,) = reaction.RunReactants([Chem.MolFromSmiles(acid), Chem.MolFromSmiles(amine)])[0]
            wanted.add(Chem.CanonSmiles(Chem.MolToSmiles(product)))
    products = Products([acyl(text) for text in ACIDS], [amine_rest(text) for text in AMINES])
    made = products.smiles(0, products.total).to_pylist()
    assert {Chem.CanonSmiles(text) for text in made} == wanted
    assert len(wanted) == products.total == 12
    assert (
        products.smiles(5, 14).to_pylist() == (made + made)[5:19]
    )  # a shard may begin anywhere, and go round


@pytest.mark.parametrize("text", ["CCO", "OC(=O)CC(=O)O", "C[NH2+]C", "NCCN", "CNC", "NC(=O)C", "none"])
def test_what_has_no_one_place_to_react_makes_no_product(text):
    assert acyl(text) is None
    assert amine_rest(text) is None


def test_the_naive_loop_does_the_teachers_work():
    smiles = [
        f"{ring}{chain}O"
        for ring in ("C1CCCC1", "c1ccccc1", "c1ccncc1")
        for chain in ("C", "CC", "CNC", "COC")
    ]
    data = TrainingData(smiles, ["T"], np.linspace(-9, -5, len(smiles)), [True])
    teacher = train_teacher(data, TeacherSettings(folds=2, fingerprints=PLAIN), seed=1)
    asked = ["Cc1ccccc1", "OCCNC1CCCC1", "C"]
    np.testing.assert_allclose(naive_scores(teacher, asked), teacher.predict(asked).mean[:, 0], atol=1e-4)
    together, alone = featurise(asked, PLAIN), plain_features(asked[1], PLAIN)
    np.testing.assert_allclose(alone.descriptors[0], together.descriptors[1], rtol=1e-6)


def test_fingerprints_of_peers_are_the_published_ones():
    mols = molecules(["CC(=O)Nc1ccc(O)cc1", "C[C@H](N)C(=O)O", "FC(F)(F)c1ccccc1"])
    for row, mol in enumerate(mols):
        pairs = rdMolDescriptors.GetHashedAtomPairFingerprintAsBitVect(
            mol, nBits=2048, minLength=1, maxLength=3
        )
        circles = rdMolDescriptors.GetMorganFingerprintAsBitVect(mol, 2, nBits=1024, useChirality=True)
        assert np.flatnonzero(pair_bits(mols)[row]).tolist() == list(pairs.GetOnBits())
        assert np.flatnonzero(morgan_bits(mols)[row]).tolist() == list(circles.GetOnBits())


@pytest.mark.slow
@pytest.mark.parametrize("hits", [0.0, 0.2])
def test_a_peer_learns_and_is_the_same_when_read_again(tmp_path, hits):
    smiles = [("C" * length) + tail for length in range(1, 26) for tail in ("O", "N", "c1ccccc1", "C(=O)O")]
    scores = np.array([-float("c" in text) for text in smiles]) - 0.01 * np.arange(len(smiles))
    how = Training(rate=0.01, batch=32, epochs=60, patience=60, held_out=0.2, hits=hits)
    peers = [NetworkPeer(morgan_bits, (16, 16), how, normalise=True, dropout=0.1) for _ in range(2)]
    peers[0].train(smiles, scores, seed=1)
    peers[0].save(tmp_path / "peer.safetensors")
    peers[1].load(tmp_path / "peer.safetensors")
    predicted = peers[0].score(smiles)
    assert np.corrcoef(predicted, scores)[0, 1] > 0.3  # lower is better, whatever it learnt
    np.testing.assert_array_equal(peers[1].score(smiles), predicted)


@pytest.mark.shared
def test_a_students_way_ranks_as_its_predictions_in_memory_do(tmp_path, shared_data):
    make_student(tmp_path / "student", labels=300)
    student = load_bundle(tmp_path / "student")
    lines = [f"{'C' * (1 + number % 40)}{'N' * (number % 7)}O" for number in range(3_000)]
    (tmp_path / "lines.smi").write_text("".join(f"{line}\n" for line in lines))
    ways = {
        "shards": student_way(student),
        "memory": in_memory(lambda smiles: student.predict(smiles).mean[:, 0]),
    }
    ranked = {}
    for name, way in ways.items():
        (tmp_path / name).mkdir()
        way(tmp_path / "lines.smi", 2_500, tmp_path / name)
        ranked[name] = [
            line.split("\t") for line in (tmp_path / name / "ranked.tsv").read_text().splitlines()
        ]
    assert len(ranked["shards"]) == len(ranked["memory"]) == 25
    assert [row[2] for row in ranked["shards"]] == [row[2] for row in ranked["memory"]]
    assert all(lines[int(row)] == text for row, text, _ in ranked["shards"])


def test_recall_and_lead():
    truth = np.arange(1000.0)
    half = np.where(np.arange(1000) % 2, truth, truth + 500)
    assert recall(truth, truth)["kept_1_percent"] == {"scores": 1.0, "molecules": 1.0}
    assert recall(truth, half)["kept_5_percent"]["molecules"] == 0.5
    lead = ahead(truth, truth, half)
    assert lead["difference"] == 0.5
    assert 0 < lead["low"] < 0.5 < lead["high"] <= 1


def test_shares_of_the_workers_time():
    def receipt(pid: int, start: float, end: float) -> Receipt:
        seconds = {"total": end - start, "screen_total": 0.9 * (end - start)}
        return Receipt("t", "screen", "", seconds=seconds, facts={"started": start}, pid=pid, finished=end)

    receipts = [receipt(1, 1, 5), receipt(2, 1, 9), receipt(1, 6, 9)]
    found = shares(receipts, begun=0.0, ended=10.0, workers=2)
    assert found["between_tasks"] == 0.0625  # one second of sixteen
    assert found["longest_gap_seconds"] == 1.0
    assert found["before_and_after"] == 0.2
    assert found["not_in_tasks"] == 0.25
    assert found["in_tasks_not_screening"] == 0.1
    assert found["tasks_per_worker"] == [1, 2]
