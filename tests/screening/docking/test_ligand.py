"""Ligand preparation, step by step, in process (its time limits are tested with the engines)."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.docking.failures import FailureCode
from docksieve.screening.docking.ligand import (
    LigandFailure,
    choose_state,
    embed,
    parse_ligand,
    poses_from_pdbqt,
    stereo_states,
    to_pdbqt,
)
from docksieve.screening.docking.ligand_settings import LigandSettings
from rdkit import Chem

DEFAULT = LigandSettings()


@pytest.mark.parametrize(
    ("smiles", "parent"),
    [
        ("[Na+].[O-]C(=O)c1ccccc1", "O=C([O-])c1ccccc1"),
        ("CN1CCC(c2ccn(C)c2)CC1.OC(=O)/C=C/C(=O)O", "CN1CCC(c2ccn(C)c2)CC1"),
        ("OC(=O)/C=C/C(=O)O.CN1CCC(c2ccn(C)c2)CC1", "CN1CCC(c2ccn(C)c2)CC1"),
        ("NCCc1ccccc1.NCCc1ccccc1.OS(O)(=O)=O", "NCCc1ccccc1"),
        ("CC(C)NCC(O)COc1cccc2ccccc12.Cl.O.O", "CC(C)NCC(O)COc1cccc2ccccc12"),
        ("CCCCCN.OC(=O)/C=C/C(=O)O", "CCCCCN"),  # the acid is the larger one
        ("[2H]c1ccccc1CCN", "NCCc1ccccc1"),
        ("[H]OC(=O)c1ccccc1", "O=C(O)c1ccccc1"),
    ],
)
def test_the_parent_is_what_is_docked(smiles: str, parent: str) -> None:
    assert Chem.MolToSmiles(parse_ligand(smiles, DEFAULT)) == Chem.CanonSmiles(parent)


def test_fragments_fail_where_stripping_is_off_or_would_be_a_guess() -> None:
    for smiles, settings in [
        ("[Na+].[O-]C(=O)c1ccccc1", LigandSettings(strip_salts=False)),
        ("NCCc1ccccc1.OCCc1ccccc1", DEFAULT),
    ]:
        with pytest.raises(LigandFailure) as failure:
            parse_ligand(smiles, settings)
        assert failure.value.code == FailureCode.FRAGMENTS


def test_embedding_is_reproducible_and_depends_on_its_seed() -> None:
    mol = parse_ligand("CCOCCN(C)C(=O)c1ccccc1", DEFAULT)
    first, again, other = (embed(mol, seed, 3, DEFAULT) for seed in (5, 5, 6))
    positions = [state.mol.GetConformer(0).GetPositions() for state in (first, again, other)]
    assert np.array_equal(positions[0], positions[1])
    assert not np.allclose(positions[0], positions[2])
    assert first.mol.GetNumConformers() == 3
    assert not np.allclose(positions[0], first.mol.GetConformer(1).GetPositions())


def test_given_stereo_is_kept_and_open_centres_are_chosen() -> None:
    given = "C[C@@H](N)[C@H](O)c1ccccc1"
    assert embed(parse_ligand(given, DEFAULT), 1, 1, DEFAULT).smiles == Chem.CanonSmiles(given)
    opened = embed(parse_ligand("CC(N)C(O)c1ccccc1", DEFAULT), 1, 1, DEFAULT).smiles
    assert "@" in opened


def test_stereoisomers_are_listed_up_to_the_cap_in_a_fixed_order() -> None:
    mol = parse_ligand("CC(N)C(O)C(F)c1ccccc1", DEFAULT)
    assert len(stereo_states(mol, 1)) == 1
    names = [Chem.MolToSmiles(each) for each in stereo_states(mol, 4)]
    assert len(set(names)) == 4
    assert names == [Chem.MolToSmiles(each) for each in stereo_states(mol, 4)]
    assert len(stereo_states(mol, 64)) == 8
    assert len(stereo_states(parse_ligand("NCCc1ccccc1", DEFAULT), 8)) == 1


@pytest.mark.parametrize(
    ("smiles", "state"),
    [
        ("NCCc1ccccc1", "[NH3+]CCc1ccccc1"),
        ("OC(=O)c1ccccc1", "O=C([O-])c1ccccc1"),
        ("Oc1ccccc1C", "Cc1ccccc1O"),
        ("O=c1cccc[nH]1", "O=c1cccc[nH]1"),
        ("O=c1cc[nH]c2ccccc12", "O=c1cc[nH]c2ccccc12"),
        ("O=c1[nH]cnc2ccccc12", "O=c1[nH]cnc2ccccc12"),
        ("Cn1cnc2c1nc(N)[nH]c2=O", "Cn1cnc2c(=O)[nH]c(N)nc21"),
        ("O=c1cc[nH]c(=O)[nH]1", "O=c1cc[nH]c(=O)[nH]1"),
        ("CN1CCN(C)CC1", "CN1CC[NH+](C)CC1"),
        ("CN1CCNCC1", "CN1CC[NH2+]CC1"),
        ("NCCNC(C)C", "CC(C)NCC[NH3+]"),
        ("Nc1ccncc1", "Nc1cc[nH+]cc1"),
        ("CNc1ccnc2ccccc12", "CNc1cc[nH+]c2ccccc12"),
        ("Nc1ccnc(Cl)c1", "Nc1ccnc(Cl)c1"),
        ("CC(=O)Nc1ccncc1", "CC(=O)Nc1ccncc1"),
        ("c1ccccc1-c1nnn[nH]1", "c1ccc(-c2nnn[n-]2)cc1"),
    ],
)
def test_protonation_at_ph_7_4(smiles: str, state: str) -> None:
    settings = LigandSettings(protonate=True)
    mol = choose_state(parse_ligand(smiles, settings), settings)
    assert Chem.MolToSmiles(mol) == Chem.CanonSmiles(state)
    assert Chem.MolToSmiles(choose_state(parse_ligand(smiles, DEFAULT), DEFAULT)) == Chem.CanonSmiles(smiles)


def test_tautomers_of_one_molecule_get_one_state() -> None:
    settings = LigandSettings(tautomer="canonical")
    pair = ["Oc1ccccn1", "O=c1cccc[nH]1"]
    states = {Chem.MolToSmiles(choose_state(parse_ligand(each, settings), settings)) for each in pair}
    assert len(states) == 1


def test_torsions_are_counted_as_the_engine_will_see_them() -> None:
    settings = LigandSettings(max_torsions=3)
    state = embed(parse_ligand("c1ccccc1CCc1ccccc1", settings), 1, 1, settings)
    assert to_pdbqt(state, 0, settings).count("\nBRANCH") == 3
    tight = LigandSettings(max_torsions=2)
    with pytest.raises(LigandFailure) as failure:
        to_pdbqt(state, 0, tight)
    assert failure.value.code == FailureCode.TOO_FLEXIBLE


@pytest.mark.parametrize(
    "smiles",
    [
        "CC(=O)Oc1ccccc1C(=O)[O-]",
        "C[NH+]1CCN(Cc2ccc(C(=O)Nc3ccc(C)c(Nc4nccc(-c5cccnc5)n4)c3)cc2)CC1",
        "O=S(=O)(N[C@@H](C)c1ccncc1)c1cc(Cl)c(Br)cc1I",
        "C[N+](C)(C)CCOP(=O)([O-])OCCc1ccccc1",
        "O=[N+]([O-])c1ccc(/C=C/C#N)cc1",
        "C[C@H]1CCC/C(C)=C/CC/C(C)=C/CCCC(=O)O1",  # a macrocycle, whose ring the PDBQT cuts open
    ],
)
def test_pdbqt_and_back_keeps_the_molecule_and_its_coordinates(smiles: str) -> None:
    state = embed(parse_ligand(smiles, DEFAULT), 3, 1, DEFAULT)
    pdbqt = to_pdbqt(state, 0, DEFAULT)
    output = f"MODEL 1\nREMARK VINA RESULT:    -7.125      0.000      0.000\n{pdbqt}ENDMDL\n"
    (pose,) = poses_from_pdbqt(output, 5)
    assert pose.score == -7.125
    mol = Chem.MolFromMolBlock(pose.molblock, removeHs=False)
    assert Chem.MolToSmiles(Chem.RemoveHs(mol)) == state.smiles
    match = mol.GetSubstructMatch(Chem.RemoveHs(state.mol))
    placed = mol.GetConformer().GetPositions()[list(match)]
    original = Chem.RemoveHs(state.mol).GetConformer().GetPositions()
    # Symmetric groups may be matched the other way round: compare as sets of positions.
    gaps = np.linalg.norm(placed[:, None] - original[None], axis=-1).min(axis=1)
    assert gaps.max() < 0.002


def test_unreadable_engine_output_is_a_failure() -> None:
    with pytest.raises(LigandFailure) as failure:
        poses_from_pdbqt("MODEL 1\ngarbage\nENDMDL\n", 1)
    assert failure.value.code == FailureCode.ENGINE_OUTPUT


def test_a_molecule_without_force_field_is_docked_as_embedded() -> None:
    state = embed(Chem.MolFromSmiles("c1ccccc1S(F)(F)(F)(F)F"), 1, 2, DEFAULT)
    assert state.mol.GetNumConformers() == 2
    atoms = [line for line in to_pdbqt(state, 0, DEFAULT).splitlines() if line.startswith("ATOM")]
    assert sum(line.split()[-1] == "F" for line in atoms) == 5


@pytest.mark.parametrize(
    "smiles",
    [
        "CC(=O)O[C@H]1CC[C@@]2(C)C(=CC[C@H]3[C@@H]4CC=C(c5cccnc5)[C@@]4(C)CC[C@@H]32)C1",
        "C[C@]12CC[C@H]3[C@@H](CC=C4C[C@@H](O)CC[C@@]43C)[C@@H]1CC=C2c1cccnc1",
    ],
)
def test_fused_rings_that_contradict_torsions_of_lone_rings_are_embedded(smiles: str) -> None:
    settings = LigandSettings(embed_attempts=5)
    made = [embed(Chem.MolFromSmiles(smiles), seed, 1, settings) for seed in range(5)]
    assert {state.smiles for state in made} == {Chem.CanonSmiles(smiles)}
