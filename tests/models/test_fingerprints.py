from __future__ import annotations

import numpy as np
import pytest
from docksieve.models.fingerprints import DESCRIPTORS, featurise, iter_features
from docksieve.models.regressors.minmax import References, similarity_matrix
from docksieve.models.settings import FingerprintSettings
from rdkit import Chem, DataStructs
from rdkit.Chem import Crippen, rdFingerprintGenerator

SETTINGS = FingerprintSettings(toolkit="rdkit", kinds=("morgan2", "morgan3", "pair", "torsion"), size=4096)


def _vector(rows, index: int, size: int) -> np.ndarray:
    dense = np.zeros(size, np.int64)
    part = slice(rows.offsets[index], rows.offsets[index + 1])
    dense[rows.features[part]] = rows.counts[part]
    return dense


def test_counts_are_rdkits(drugs: list[str]) -> None:
    features = featurise(drugs, SETTINGS)
    generator = rdFingerprintGenerator.GetAtomPairGenerator(fpSize=4096)
    for index, text in enumerate(drugs):
        expected = generator.GetCountFingerprintAsNumPy(Chem.MolFromSmiles(text))
        np.testing.assert_array_equal(_vector(features.counts["pair"], index, 4096), expected)
    logp = features.descriptors[:, DESCRIPTORS.index("CrippenClogP")]
    np.testing.assert_allclose(logp, [Crippen.MolLogP(Chem.MolFromSmiles(text)) for text in drugs], rtol=1e-5)


def test_unreadable_molecules_are_marked_and_shift_nothing(drugs: list[str]) -> None:
    mixed = ["not a molecule", drugs[0], None, "", drugs[1], "C1CC", "c1cccc1"]
    features = featurise(mixed, SETTINGS)
    assert features.valid.tolist() == [False, True, False, False, True, False, False]
    alone = featurise(drugs[:2], SETTINGS)
    for kind in SETTINGS.kinds:
        for row, where in ((0, 1), (1, 4)):
            np.testing.assert_array_equal(
                _vector(features.counts[kind], where, 4096), _vector(alone.counts[kind], row, 4096)
            )
        assert _vector(features.counts[kind], 0, 4096).sum() == 0


def test_batches_join_to_the_whole_and_nothing_is_nothing(drugs: list[str]) -> None:
    whole = featurise(drugs, SETTINGS)
    parts = list(iter_features(drugs, SETTINGS, batch=7))
    assert sum(map(len, parts)) == len(whole)
    np.testing.assert_array_equal(np.concatenate([part.descriptors for part in parts]), whole.descriptors)
    assert len(featurise([], SETTINGS)) == 0
    assert featurise(drugs, SETTINGS, descriptors=False).descriptors.shape == (len(drugs), 0)


@pytest.mark.parametrize("threads", [1, 3])
def test_kernel_is_the_count_tanimoto(drugs: list[str], amides: list[str], threads: int) -> None:
    # Among amides alone most features are shared, among drugs few: both ways of keeping a feature are used.
    queries, references = drugs, [*amides[:60], *drugs[:20]]
    asked, known = featurise(queries, SETTINGS), featurise(references, SETTINGS)
    for kind in SETTINGS.kinds:
        index = {kind: References.build(known.counts[kind], SETTINGS.size)}
        found = similarity_matrix(asked.counts, index, {kind: 1.0}, threads)
        for row in range(0, len(queries), 5):
            first = _vector(asked.counts[kind], row, 4096)
            for column in range(0, len(references), 7):
                second = _vector(known.counts[kind], column, 4096)
                expected = np.minimum(first, second).sum() / max(np.maximum(first, second).sum(), 1)
                assert found[row, column] == pytest.approx(expected, rel=1e-6)


def test_kernel_agrees_with_rdkits_tanimoto(drugs: list[str]) -> None:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=4096)
    vectors = [generator.GetCountFingerprint(Chem.MolFromSmiles(text)) for text in drugs]
    counts = featurise(drugs, SETTINGS).counts
    found = similarity_matrix(
        counts, {"morgan2": References.build(counts["morgan2"], 4096)}, {"morgan2": 1.0}
    )
    np.testing.assert_allclose(found[0], DataStructs.BulkTanimotoSimilarity(vectors[0], vectors), rtol=1e-6)
    np.testing.assert_allclose(np.diag(found), 1.0)
    assert np.linalg.eigvalsh(found.astype(np.float64)).min() > -1e-5


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        FingerprintSettings(size=1000)
    with pytest.raises(ValueError, match="twice"):
        FingerprintSettings(kinds=("pair", "pair"))
