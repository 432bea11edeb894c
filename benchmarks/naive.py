"""The teacher's work as a plain loop does it: one molecule at a time, each figure by a call of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from docksieve.models.fingerprints import DESCRIPTORS, CountRows, Features
from docksieve.models.settings import FingerprintSettings
from docksieve.models.teachers.teacher import Teacher
from rdkit import Chem
from rdkit.Chem import Crippen, rdFingerprintGenerator, rdMolDescriptors


def plain_features(smiles: str, settings: FingerprintSettings) -> Features:
    """Return the teacher's features of one molecule, as anybody would ask RDKit for them."""
    mol = Chem.MolFromSmiles(smiles)
    counts = {}
    for kind in settings.kinds:
        if kind.startswith("morgan"):
            generator = rdFingerprintGenerator.GetMorganGenerator(radius=int(kind[-1]), fpSize=settings.size)
        elif kind == "pair":
            generator = rdFingerprintGenerator.GetAtomPairGenerator(fpSize=settings.size)
        else:
            generator = rdFingerprintGenerator.GetTopologicalTorsionGenerator(fpSize=settings.size)
        found = sorted(generator.GetCountFingerprint(mol).GetNonzeroElements().items())
        columns = np.array(found, np.int32).reshape(-1, 2)
        counts[str(kind)] = CountRows(np.array([0, len(found)]), columns[:, 0].copy(), columns[:, 1].copy())
    calls = {
        "exactmw": rdMolDescriptors.CalcExactMolWt,
        "NumHeavyAtoms": rdMolDescriptors.CalcNumHeavyAtoms,
        "NumHeteroatoms": rdMolDescriptors.CalcNumHeteroatoms,
        "lipinskiHBA": rdMolDescriptors.CalcNumLipinskiHBA,
        "lipinskiHBD": rdMolDescriptors.CalcNumLipinskiHBD,
        "NumRotatableBonds": rdMolDescriptors.CalcNumRotatableBonds,
        "NumRings": rdMolDescriptors.CalcNumRings,
        "NumAromaticRings": rdMolDescriptors.CalcNumAromaticRings,
        "FractionCSP3": rdMolDescriptors.CalcFractionCSP3,
        "NumBridgeheadAtoms": rdMolDescriptors.CalcNumBridgeheadAtoms,
        "tpsa": rdMolDescriptors.CalcTPSA,
        "CrippenClogP": Crippen.MolLogP,
        "CrippenMR": Crippen.MolMR,
    }
    values = np.array([[calls[name](mol) for name in DESCRIPTORS]], np.float32)
    return Features(counts, values, np.array([True]), np.array([smiles], object))


def naive_scores(teacher: Teacher, smiles: Sequence[str]) -> np.ndarray:
    """Return the predictions of a teacher that learned RDKit's fingerprints, one molecule at a time."""
    found = np.zeros(len(smiles))
    for place, text in enumerate(smiles):
        features = plain_features(text, teacher.settings.fingerprints)
        for member in teacher.members:
            mean, _ = member.model.predict(features, 1)
            found[place] += member.weight[0] * (mean[0, 0] * teacher.scale[0] + teacher.centre[0])
    return found
