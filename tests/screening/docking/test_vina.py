"""The vina engine against a real receptor: every test docks, with searches as small as the point allows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from docksieve.data.errors import ConfigError, DockingError
from docksieve.data.schema import POSES_SCHEMA, SCORES_SCHEMA
from docksieve.screening.docking import vina, vina_process
from docksieve.screening.docking.dock import (
    Box,
    FailureCode,
    Ligand,
    LigandSettings,
    SearchSettings,
    VinaTarget,
    dock_batch,
    freeze_target,
)
from rdkit import Chem

TINY = SearchSettings(exhaustiveness=2, max_evals=2_000)
MOLECULES = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "phenethylamine": "NCCc1ccccc1",
    "no molecule": "garbage",
    "erlotinib": "C#Cc1cccc(Nc2ncnc3cc(OCCOC)c(OCCOC)cc23)c1",
    "quinazoline": "CN1CCC(CC1)Nc1ncnc2ccccc12",
}
IMATINIB = "Cc1ccc(cc1Nc1nccc(n1)-c1cccnc1)NC(=O)c1ccc(cc1)CN1CCN(C)CC1"


def ligands(*names: str) -> list[Ligand]:
    return [Ligand(None, name, MOLECULES[name]) for name in (names or MOLECULES)]


def target(**changes: Any) -> VinaTarget:
    return VinaTarget(**{"receptor": "dockstring:EGFR", "box_size": 20.0, "search": TINY, **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("targets")


@pytest.fixture(scope="module")
def spec(folder: Path) -> dict[str, Any]:
    return freeze_target("EGFR", target(), folder, Path())


def dock(spec: dict[str, Any], folder: Path, batch: list[Ligand], **kw: Any) -> Any:
    return dock_batch(spec, folder, "EGFR", batch, seed=7, pose_path="poses/a.parquet", **kw)


def one_failure(folder: Path, smiles: str, name: str = "other", **changes: Any) -> tuple[str, str]:
    spec = freeze_target(name, target(**changes), folder, Path())
    rows = dock(spec, folder, [Ligand(3, "x", smiles), *ligands("phenethylamine")]).scores.to_pylist()
    assert rows[0]["score"] is None
    return rows[0]["failure"], rows[0]["message"]


def test_frozen_target_is_json_with_relative_paths(spec: dict[str, Any], folder: Path) -> None:
    assert json.loads(json.dumps(spec)) == spec
    assert (folder / spec["receptor"]).is_file()
    assert not Path(spec["receptor"]).is_absolute()
    assert (spec["unit"], spec["lower_is_better"], spec["engine"]) == ("kcal/mol", True, "vina")
    assert spec["box"]["size"] == [20.0, 20.0, 20.0]
    # dockstring's own centre, from its EGFR configuration file
    assert spec["box"]["center"] == [16.837, 35.647, 91.071]


def test_one_row_per_ligand_in_order_and_failures_are_rows(spec: dict[str, Any], folder: Path) -> None:
    batch = dock(spec, folder, ligands())
    assert batch.scores.schema.equals(SCORES_SCHEMA)
    assert batch.poses.schema.equals(POSES_SCHEMA)
    rows = batch.scores.to_pylist()
    assert [row["id"] for row in rows] == list(MOLECULES)
    assert [row["failure"] for row in rows] == [None, None, "parse", None, None]
    assert batch.counts["docked"] == 4 and batch.counts["failed"] == 1
    for row in rows:
        assert (row["score"] is None) == (row["failure"] is not None) == (row["pose"] is None)
        assert json.loads(row["settings"])["receptor_sha256"] == spec["receptor_sha256"]
    assert -15 < rows[3]["score"] < -4


def test_pose_pointers_lead_to_the_molecules_own_pose_inside_the_box(
    spec: dict[str, Any], folder: Path
) -> None:
    batch = dock(spec, folder, ligands())
    poses = batch.poses.to_pylist()
    box = Box.from_json(spec["box"])
    for row in batch.scores.to_pylist():
        if row["failure"]:
            continue
        path, _, number = row["pose"].partition("#")
        pose = poses[int(number)]
        assert path == "poses/a.parquet"
        assert (pose["id"], pose["rank"]) == (row["id"], 0)
        assert pose["score"] == pytest.approx(row["score"], abs=0.001)
        mol = Chem.MolFromMolBlock(pose["molblock"], removeHs=False)
        # The bonds, charges, stereo and hydrogens of the state that was docked.
        assert Chem.MolToSmiles(Chem.RemoveHs(mol)) == row["state"]
        assert Chem.AddHs(mol).GetNumAtoms() == mol.GetNumAtoms()
        heavy = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() > 1]
        assert box.contains(mol.GetConformer().GetPositions()[heavy], margin=0.1).all()


def test_scores_depend_neither_on_order_nor_on_batch(spec: dict[str, Any], folder: Path) -> None:
    forward = dock(spec, folder, ligands()).scores.to_pylist()
    backward = dock(spec, folder, ligands()[::-1]).scores.to_pylist()[::-1]
    vina_process.close_children()
    alone = [dock(spec, folder, [ligand]).scores.to_pylist()[0] for ligand in ligands()]
    for field in ("score", "state", "failure", "conformer_seed", "search_seed"):
        assert [r[field] for r in forward] == [r[field] for r in backward] == [r[field] for r in alone]


def test_another_campaign_seed_gives_another_search(spec: dict[str, Any], folder: Path) -> None:
    first = dock(spec, folder, ligands("erlotinib")).scores.to_pylist()[0]
    other = dock_batch(spec, folder, "EGFR", ligands("erlotinib"), 8, "p").scores.to_pylist()[0]
    assert first["conformer_seed"] != other["conformer_seed"]
    assert first["search_seed"] != other["search_seed"]
    assert first["score"] != other["score"]


BARE = """
import json, sys
from vina import Vina
from docksieve.screening.docking.ligand import embed, parse_ligand, to_pdbqt
from docksieve.screening.docking.ligand_settings import LigandSettings
job = json.load(open(sys.argv[1]))
v = Vina(sf_name="vina", cpu=1, seed=job["search_seed"], verbosity=0)
v.set_receptor(job["receptor"])
v.compute_vina_maps(job["box"]["center"], job["box"]["size"])
scores = []
for smiles, seed in job["ligands"]:
    settings = LigandSettings()
    state = embed(parse_ligand(smiles, settings), seed, 1, settings)
    v.set_ligand_from_string(to_pdbqt(state, 0, settings))
    v.dock(exhaustiveness=2, n_poses=9, max_evals=2000)
    scores.append(float(v.energies(n_poses=1)[0][0]))
json.dump(scores, open(sys.argv[2], "w"))
"""


def test_scores_are_those_of_a_bare_vina_run_with_the_same_seeds(
    spec: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    rows = dock(spec, folder, ligands("aspirin", "erlotinib", "quinazoline")).scores.to_pylist()
    job = {
        "search_seed": rows[0]["search_seed"],
        "receptor": str(folder / spec["receptor"]),
        "box": spec["box"],
        "ligands": [[row["smiles"], row["conformer_seed"]] for row in rows],
    }
    (tmp_path / "job.json").write_text(json.dumps(job))
    command = [sys.executable, "-c", BARE, str(tmp_path / "job.json"), str(tmp_path / "scores.json")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert json.loads((tmp_path / "scores.json").read_text()) == [row["score"] for row in rows]


@pytest.mark.parametrize(
    ("smiles", "code"),
    [
        ("", FailureCode.PARSE),
        ("CC(C)(C)(C)C", FailureCode.PARSE),
        ("O", FailureCode.TOO_SMALL),
        ("[Na+].[Cl-]", FailureCode.TOO_SMALL),
        ("NCCc1ccccc1.OCCc1ccccc1", FailureCode.FRAGMENTS),
        ("OB(O)c1ccccc1", FailureCode.UNSUPPORTED_ELEMENT),
        ("C[Si](C)(C)c1ccccc1", FailureCode.UNSUPPORTED_ELEMENT),
        ("[NH3][Pt]([NH3])(Cl)Cl", FailureCode.UNSUPPORTED_ELEMENT),
        ("CC(=O)Nc1ccc([O])cc1", FailureCode.RADICAL),
        ("C" * 24 + "C(=O)O", FailureCode.TOO_FLEXIBLE),
        ("C" * 120, FailureCode.TOO_LARGE),
        ("CC1(C)[C@@H]2CC[C@]1(C)C(=O)C2", FailureCode.EMBED),  # camphor with its bridge inside out
    ],
)
def test_what_cannot_be_docked_is_named(spec: dict[str, Any], folder: Path, smiles: str, code: str) -> None:
    row = dock(spec, folder, [Ligand(5, "x; rm -rf /", smiles)]).scores.to_pylist()[0]
    assert row["failure"] == code
    assert row["score"] is None and row["message"] and row["row"] == 5
    assert row["id"] == "x; rm -rf /"


CYCLOSPORIN = (
    "CC[C@H]1C(=O)N(CC(=O)N([C@H](C(=O)N[C@H](C(=O)N([C@H](C(=O)N[C@H](C(=O)N[C@@H](C(=O)N([C@H](C(=O)N([C@H]"
    "(C(=O)N([C@H](C(=O)N([C@H](C(=O)N1)[C@@H]([C@H](C)C/C=C/C)O)C)C(C)C)C)CC(C)C)C)CC(C)C)C)C)C)CC(C)C)C)C(C)C)"
    "CC(C)C)C)C"
)


@pytest.mark.slow
def test_cyclosporin_is_too_flexible_although_its_ring_hides_it(spec: dict[str, Any], folder: Path) -> None:
    row = dock(spec, folder, [Ligand(None, "cyclosporin", CYCLOSPORIN)]).scores.to_pylist()[0]
    assert row["failure"] == "too_flexible"


def test_boron_that_is_allowed_fails_in_the_engine_and_the_next_ligand_docks(folder: Path) -> None:
    elements = (*LigandSettings().elements, "B")
    code, message = one_failure(folder, "OB(O)c1ccccc1CCC", ligand=LigandSettings(elements=elements))
    assert code == "engine_failed"
    assert "B" in message and "\n" not in message


def test_atoms_without_a_type_fail_in_preparation(folder: Path) -> None:
    elements = (*LigandSettings().elements, "Se")
    code, _ = one_failure(folder, "c1ccc([Se]c2ccccc2)cc1", ligand=LigandSettings(elements=elements))
    assert code == "preparation"


def test_a_box_smaller_than_the_ligand_is_a_failure_not_a_score(folder: Path) -> None:
    code, message = one_failure(folder, IMATINIB, "small", box_size=5.0)
    assert code == "box_too_small"
    assert "5 x 5 x 5" in message


def test_a_box_inside_the_protein_gives_bad_scores_not_numbers(folder: Path) -> None:
    inside = Box((2.992, 37.638, 108.152), (24.0, 24.0, 24.0))
    spec = freeze_target("inside", target(box=inside, box_size=4.0), folder, Path())
    row = dock(spec, folder, [Ligand(None, "x", "c1ccc2ccccc2c1")]).scores.to_pylist()[0]
    assert row["failure"] in ("bad_score", "box_too_small")


def test_the_search_has_a_time_limit_that_works(folder: Path) -> None:
    long = SearchSettings(exhaustiveness=64, max_evals=0)
    spec = freeze_target("long", target(search=long, time_limit=0.5), folder, Path())
    batch = dock(spec, folder, [Ligand(None, "x", IMATINIB), Ligand(None, "y", "no")])
    rows = batch.scores.to_pylist()
    assert [row["failure"] for row in rows] == ["timeout", "parse"]
    assert batch.counts["restarts"] == 1
    assert batch.counts["crashes"] == 0  # a deadline is not a crash, and is not tried again


def test_preparation_has_a_time_limit_that_works(folder: Path) -> None:
    hard = LigandSettings(time_limit=0.2, max_torsions=32)
    code, _ = one_failure(folder, CYCLOSPORIN, "hard", ligand=hard)
    assert code == "embed_timeout"


class Killer(threading.Thread):
    """Kills this process's docking children while they search, a number of times."""

    def __init__(self, times: int, how: int = signal.SIGKILL) -> None:
        super().__init__(daemon=True)
        self.times, self.how, self.killed = times, how, []
        self.stop = threading.Event()

    def run(self) -> None:
        while len(self.killed) < self.times and not self.stop.wait(0.01):
            for child in list(vina_process._children.values()):
                pid = child.pid
                if pid and pid not in self.killed and child.stage == "search":
                    os.kill(pid, self.how)
                    self.killed.append(pid)


@pytest.mark.slow
@pytest.mark.parametrize(("times", "how"), [(1, signal.SIGKILL), (2, signal.SIGSEGV)])
def test_a_crash_is_tried_once_more_and_then_a_row(folder: Path, times: int, how: int) -> None:
    search = SearchSettings(exhaustiveness=8, max_evals=20_000)
    spec = freeze_target("crash", target(search=search), folder, Path())
    batch = [Ligand(None, "x", IMATINIB), *ligands("phenethylamine")]
    undisturbed = dock(spec, folder, batch).scores.to_pylist()
    killer = Killer(times, how)
    killer.start()
    disturbed = dock(spec, folder, batch)
    killer.stop.set()
    killer.join()
    rows = disturbed.scores.to_pylist()
    assert len(killer.killed) == times
    assert disturbed.counts["crashes"] == times
    assert disturbed.counts["restarts"] == times
    if times == 1:
        assert [row["score"] for row in rows] == [row["score"] for row in undisturbed]
    else:
        assert rows[0]["failure"] == "crash"
        assert "SIGSEGV" in rows[0]["message"]
        assert rows[1]["score"] == undisturbed[1]["score"]


def test_a_child_that_died_between_batches_is_replaced(spec: dict[str, Any], folder: Path) -> None:
    first = dock(spec, folder, ligands("aspirin")).scores.to_pylist()
    for child in vina_process._children.values():
        if child.pid:
            os.kill(child.pid, signal.SIGKILL)
        while child.pid:
            time.sleep(0.01)
    again = dock(spec, folder, ligands("aspirin"))
    assert again.scores.to_pylist()[0]["score"] == first[0]["score"]
    assert again.counts["crashes"] == 0


class Interrupted(BaseException):
    """What Ctrl-C raises, under a name that pytest does not take for its own."""


def test_an_interrupted_search_does_not_answer_for_the_next_ligand(folder: Path) -> None:
    def interrupt(signum: int, frame: object) -> None:
        raise Interrupted

    long = freeze_target("interrupted", target(search=SearchSettings(64, 0)), folder, Path())
    child = vina.child_for(long, folder, "EGFR", 7)
    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(Interrupted):
            dock(long, folder, [Ligand(None, "x", IMATINIB)])
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert child.pid is None
    row = dock(long, folder, [Ligand(None, "y", "garbage")]).scores.to_pylist()[0]
    assert row["failure"] == "parse"


def test_the_child_ends_with_its_input() -> None:
    command = [sys.executable, "-P", "-m", "docksieve.screening.docking.vina_child", str(os.getpid())]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, b"")


def test_what_c_code_prints_stays_out_of_the_protocol() -> None:
    code = (
        "import os; from docksieve.screening.docking.vina_child import _claim_stdout; "
        "replies = _claim_stdout(); os.write(1, b'noise from C'); replies.write(b'reply'); replies.flush()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.stdout == b"reply"
    assert b"noise from C" in done.stderr


ORPHAN = """
import os, signal, sys
from pathlib import Path
from docksieve.screening.docking.vina_process import Child
child = Child({})
child.start()
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_child_dies_with_its_parent() -> None:
    done = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return
        if state == "Z":  # dead, waiting for whoever adopted it
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the child outlived its parent")


def test_an_altered_receptor_is_refused(tmp_path: Path) -> None:
    spec = freeze_target("EGFR", target(), tmp_path, Path())
    path = tmp_path / spec["receptor"]
    path.write_bytes(path.read_bytes().replace(b"16.8", b"16.9", 1))
    with pytest.raises(DockingError, match="altered"):
        dock(spec, tmp_path, ligands("aspirin"))


def test_another_version_than_the_campaigns_is_refused(spec: dict[str, Any], folder: Path) -> None:
    with pytest.raises(DockingError, match=r"1\.2\.5"):
        dock({**spec, "engine_version": "1.2.5"}, folder, ligands("aspirin"))


@pytest.mark.parametrize("found", ["1.2.3", "1.2.0", "1.1.2"])
def test_versions_with_wrong_energies_are_refused(found: str) -> None:
    with pytest.raises(DockingError, match="unbound"):
        vina.check_version(found)
    vina.check_version("1.2.4")
    vina.check_version("1.2.7")


def test_final_docking_uses_several_conformers_and_keeps_several_poses(folder: Path) -> None:
    spec = freeze_target(
        "final", target(final_search=TINY, final_conformers=3, final_poses=4), folder, Path()
    )
    screen = dock(spec, folder, ligands("erlotinib"))
    final = dock(spec, folder, ligands("erlotinib"), protocol="final")
    assert screen.poses.num_rows == 1
    assert final.poses.num_rows == 4
    scores = final.poses["score"].to_pylist()
    assert scores == sorted(scores)
    assert final.scores["score"][0].as_py() <= screen.scores["score"][0].as_py()
    assert json.loads(final.scores["settings"][0].as_py())["protocol"] == "final"


def test_stereoisomers_are_docked_and_the_best_is_recorded(folder: Path) -> None:
    smiles = "CC(F)C(Cl)c1ccccc1"
    spec = freeze_target("stereo", target(ligand=LigandSettings(stereoisomers=4)), folder, Path())
    best = dock(spec, folder, [Ligand(None, "x", smiles)]).scores.to_pylist()[0]
    assert best["state"].count("@") >= 2
    plain = freeze_target("stereo", target(), folder, Path())
    again = dock(plain, folder, [Ligand(None, "x", best["state"])]).scores.to_pylist()[0]
    assert again["state"] == best["state"]  # a state that is given is the state that is docked


def test_without_a_choice_the_embedded_stereoisomer_is_recorded(spec: dict[str, Any], folder: Path) -> None:
    row = dock(spec, folder, [Ligand(None, "x", "CC(F)C(Cl)c1ccccc1")]).scores.to_pylist()[0]
    assert Chem.FindMolChiralCenters(Chem.MolFromSmiles(row["state"]), includeUnassigned=True) == [
        (number, letter)
        for number, letter in Chem.FindMolChiralCenters(Chem.MolFromSmiles(row["state"]))
        if letter in "RS"
    ]


def test_protonation_is_optional_and_recorded(folder: Path) -> None:
    asked = freeze_target("ph", target(ligand=LigandSettings(protonate=True)), folder, Path())
    row = dock(asked, folder, [Ligand(None, "x", "NCCc1ccccc1")]).scores.to_pylist()[0]
    assert row["state"] == "[NH3+]CCc1ccccc1"


@pytest.mark.parametrize("name", ["../x", "", "a b", "-rf", "x" * 65])
def test_target_names_that_could_escape_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="target name"):
        freeze_target(name, target(), tmp_path, Path())
    assert not list(tmp_path.iterdir())


def test_settings_out_of_range_name_the_field() -> None:
    for build, word in [
        (lambda: SearchSettings(exhaustiveness=0), "exhaustiveness"),
        (lambda: SearchSettings(max_evals=-1), "max_evals"),
        (lambda: LigandSettings(max_torsions=99), "max_torsions"),
        (lambda: VinaTarget(receptor="x", time_limit=0), "time_limit"),
        (lambda: Box((0, 0, 0), (0, 20, 20)), "size"),
        (lambda: Box((0, float("nan"), 0), (20, 20, 20)), "center"),
    ]:
        with pytest.raises(ValueError, match=word):
            build()


def test_every_failure_code_has_a_meaning() -> None:
    for code in FailureCode:
        assert code.meaning.endswith(".") and code.stage in ("ligand", "docking", "table")


def test_the_documentation_lists_every_failure_code(repository: Path) -> None:
    text = (repository / "docs" / "docking.md").read_text()
    for code in FailureCode:
        assert f"| `{code}` | {code.meaning} |" in text
