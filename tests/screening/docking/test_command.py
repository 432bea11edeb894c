"""The command engine with real programs: good ones, forgetful ones, hanging ones and liars."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from docksieve.data.errors import ConfigError, DockingError
from docksieve.screening.docking.command_output import CommandOutput
from docksieve.screening.docking.dock import Box, CommandTarget, Ligand, dock_batch, freeze_target
from rdkit import Chem

SMILES = ["CC(=O)Oc1ccccc1C(=O)O", "NCCc1ccccc1", "Cn1c(=O)c2c(ncn2C)n(C)c1=O", "Cc1ccccc1", "c1ccc2ccccc2c1"]
HOSTILE = "'; touch pwned; echo $(touch pwned) `touch pwned` | & > pwned \n--help ../../x"

# Scores are minus the number of atoms with coordinates, so every molecule's score is known.
PRELUDE = """
    import os, sys, time
    def records(path):
        for record in open(path).read().split("$$$$\\n"):
            if record.strip():
                lines = record.split("\\n")
                heavy = sum(1 for l in lines[4:4 + int(lines[3][:3])] if l[31:34].strip() != "H")
                yield lines[0], -float(heavy), record
"""


def program(tmp_path: Path, body: str, name: str = "dock.py") -> Path:
    path = tmp_path / name
    path.write_text(textwrap.dedent(PRELUDE) + textwrap.dedent(body))
    return path


def heavy(smiles: str) -> float:
    return -float(Chem.MolFromSmiles(smiles).GetNumHeavyAtoms())


def run(
    tmp_path: Path, words: tuple[str, ...], output: CommandOutput, smiles: list[str] = SMILES, **kw: Any
) -> Any:
    command = (sys.executable, *words)
    settings = CommandTarget(command, "au", True, output, **{"version": "1", **kw})
    spec = freeze_target("T", settings, tmp_path / "frozen", tmp_path)
    assert json.loads(json.dumps(spec)) == spec
    ligands = [Ligand(n, HOSTILE, each) for n, each in enumerate(smiles)]
    return dock_batch(spec, tmp_path / "frozen", "T", ligands, 7, "p")


REGEX = CommandOutput("regex", pattern=r"^score = (?P<score>\S+)")
NAMED = CommandOutput("regex", pattern=r"^(?P<name>\S+) = (?P<score>\S+)")


def test_single_mode_reads_standard_output(tmp_path: Path) -> None:
    script = program(tmp_path, "for n, s, _ in records(sys.argv[1]): print('score =', s)")
    batch = run(tmp_path, (str(script), "{ligand}"), REGEX)
    rows = batch.scores.to_pylist()
    assert [row["score"] for row in rows] == [heavy(each) for each in SMILES]
    assert {row["engine"] for row in rows} == {"command"}
    assert all(row["unit"] == "au" and row["id"] == HOSTILE for row in rows)
    assert not list(tmp_path.rglob("pwned"))


def test_placeholders_reach_the_program_as_whole_words(tmp_path: Path) -> None:
    (tmp_path / "my receptor.pdb").write_text("ATOM\n")
    script = program(tmp_path, "print('score =', float(sys.argv[3]) + float(sys.argv[4]) + len(sys.argv))\n"
                     "assert open(sys.argv[2]).read() == 'ATOM\\n'\nassert sys.argv[5] == '{x y}'")  # fmt: skip
    words = (str(script), "{ligand}", "{receptor}", "{center_x}", "{size_z}", "{{x y}}")
    box = Box((1.5, 2, 3), (20, 21, 22))
    batch = run(tmp_path, words, REGEX, SMILES[:1], receptor="my receptor.pdb", box=box)
    assert batch.scores["score"].to_pylist() == [1.5 + 22 + 6]


def test_batch_outputs_are_matched_by_name_never_by_order(tmp_path: Path) -> None:
    script = program(tmp_path, """
        for n, s, _ in reversed(list(records(sys.argv[1]))):
            if s != -7.0:  # toluene is dropped without a word
                print(n, "=", s)
    """)  # fmt: skip
    batch = run(tmp_path, (str(script), "{ligand}"), NAMED, mode="batch")
    rows = batch.scores.to_pylist()
    assert [row["score"] for row in rows] == [None if heavy(x) == -7.0 else heavy(x) for x in SMILES]
    assert rows[3]["failure"] == "engine_output"


def test_molecules_that_cannot_be_prepared_never_reach_the_program(tmp_path: Path) -> None:
    script = program(tmp_path, "for n, s, _ in records(sys.argv[1]): print(n, '=', s)")
    smiles = ["nonsense", SMILES[0], "[Na+].[Cl-]", SMILES[1]]
    rows = run(tmp_path, (str(script), "{ligand}"), NAMED, smiles, mode="batch").scores.to_pylist()
    assert [row["failure"] for row in rows] == ["parse", None, "too_small", None]
    assert [row["score"] for row in rows] == [None, heavy(SMILES[0]), None, heavy(SMILES[1])]


def test_one_molecule_that_kills_the_batch_costs_only_itself(tmp_path: Path) -> None:
    script = program(tmp_path, """
        for n, s, _ in records(sys.argv[1]):
            if s == -7.0:
                os.abort()
            print(n, "=", s, flush=True)
    """)  # fmt: skip
    rows = run(tmp_path, (str(script), "{ligand}"), NAMED, mode="batch").scores.to_pylist()
    assert [row["score"] for row in rows] == [None if heavy(x) == -7.0 else heavy(x) for x in SMILES]
    assert rows[3]["failure"] == "crash" and "signal 6" in rows[3]["message"]


@pytest.mark.slow
def test_a_hanging_program_is_killed_with_its_children(tmp_path: Path) -> None:
    beacon = tmp_path / "beacon"
    script = program(tmp_path, f"""
        if os.fork() == 0:
            while True:
                open({str(beacon)!r}, "a").write("x")
                time.sleep(0.02)
        time.sleep(600)
    """)  # fmt: skip
    started = time.monotonic()
    rows = run(tmp_path, (str(script), "{ligand}"), REGEX, SMILES[:1], time_limit=2).scores.to_pylist()
    assert rows[0]["failure"] == "timeout"
    assert time.monotonic() - started < 120
    size = beacon.stat().st_size
    assert size > 0
    time.sleep(0.5)
    assert beacon.stat().st_size == size  # nobody writes to it any more


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("print('score = nan')", "engine_output"),
        ("print('score = -1e999')", "engine_output"),
        ("print('score = good')", "engine_output"),
        ("print('nothing'); sys.stdout.buffer.write(bytes(range(256)))", "engine_output"),
        ("sys.exit('out of licences')", "engine_failed"),
        ("print('score = -5'); sys.exit(3)", "engine_failed"),
        ("os.kill(os.getpid(), 11)", "crash"),
    ],
)
def test_garbage_and_failures_are_rows(tmp_path: Path, body: str, code: str) -> None:
    script = program(tmp_path, body)
    row = run(tmp_path, (str(script), "{ligand}"), REGEX, SMILES[:1]).scores.to_pylist()[0]
    assert (row["failure"], row["score"]) == (code, None)
    assert row["message"]


def test_sdf_output_gives_scores_and_poses(tmp_path: Path) -> None:
    script = program(tmp_path, """
        with open(sys.argv[2], "w") as out:
            for n, s, record in reversed(list(records(sys.argv[1]))):
                for k in (1.0, 0.0, 2.0):
                    out.write(record + f">  <affinity>\\n{s + k}\\n\\n$$$$\\n")
    """)  # fmt: skip
    output = CommandOutput("sdf", score="affinity", best="lowest", poses=2)
    batch = run(tmp_path, (str(script), "{ligand}", "{output}"), output, mode="batch")
    rows = batch.scores.to_pylist()
    assert [row["score"] for row in rows] == [heavy(each) for each in SMILES]
    assert batch.poses.num_rows == 10
    for n, row in enumerate(rows):
        assert row["pose"] == f"p#{2 * n}"
        pose = batch.poses.to_pylist()[2 * n]
        mol = Chem.MolFromMolBlock(pose["molblock"])
        assert Chem.MolToSmiles(mol) == Chem.CanonSmiles(SMILES[n])


def test_no_score_is_taken_that_no_binding_energy_can_be(tmp_path: Path) -> None:
    script = program(tmp_path, """
        with open(sys.argv[2], "w") as out:
            for number, (n, s, record) in enumerate(records(sys.argv[1])):
                for text in [["nan", "-7.5"], ["0.00000"], ["24700", "-104"], ["1", "-8.043"], ["nan"]][number]:
                    field = f"ENERGY=   {text}  LOWER_BOUND=    0.000  UPPER_BOUND=    0.000"
                    out.write(record + f">  <Uni-Dock RESULT>\\n{field}\\n\\n$$$$\\n")
    """)  # fmt: skip
    output = CommandOutput("sdf", score="Uni-Dock RESULT", best="lowest")
    batch = run(tmp_path, (str(script), "{ligand}", "{output}"), output, mode="batch")
    rows = batch.scores.to_pylist()
    assert [row["score"] for row in rows] == [-7.5, None, None, -8.043, None]
    assert {row["failure"] for row in rows if row["score"] is None} == {"engine_output"}
    assert [word in row["message"] for row, word in zip(rows[1:3], ("zero", "outside"), strict=True)] == [
        True
    ] * 2


def test_the_user_states_what_a_score_can_be() -> None:
    with pytest.raises(ValueError, match="lowest"):
        CommandOutput("sdf", score="x", limits=(1.0, 0.0))


def test_glue_atoms_never_reach_another_program(tmp_path: Path) -> None:
    ring = "C1CCCCCCc2ccccc2OCC1"
    script = program(tmp_path, """
        body = open(sys.argv[1]).read()
        print("score =", -1.0 if any(word in body for word in ("CG0", "G0")) else -2.0)
    """)  # fmt: skip
    batch = run(tmp_path, (str(script), "{ligand}"), REGEX, [ring], ligand_format="pdbqt")
    assert batch.scores["score"].to_pylist() == [-2.0]


def test_csv_output_is_read_by_column_names(tmp_path: Path) -> None:
    script = program(tmp_path, """
        with open(os.path.join(sys.argv[2], "results.csv"), "w") as out:
            out.write("rank,ligand,dG\\n")
            for n, s, _ in reversed(list(records(sys.argv[1]))):
                out.write(f"1,{n},{s}\\n")
    """)  # fmt: skip
    output = CommandOutput("csv", score="dG", name="ligand")
    rows = run(tmp_path, (str(script), "{ligand}", "{output_dir}"), output, mode="batch").scores.to_pylist()
    assert [row["score"] for row in rows] == [heavy(each) for each in SMILES]


def test_pdbqt_files_of_a_batch_are_matched_by_their_names(tmp_path: Path) -> None:
    script = program(tmp_path, """
        for number, line in enumerate(open(sys.argv[1])):
            name = os.path.basename(line.strip()).removesuffix(".pdbqt")
            body = open(line.strip()).read()
            with open(os.path.join(sys.argv[2], name + "_out.pdbqt"), "w") as out:
                out.write(f"MODEL 1\\nREMARK VINA RESULT:  {-5.5 - number}  0.000  0.000\\n{body}ENDMDL\\n")
    """)  # fmt: skip
    batch = run(tmp_path, (str(script), "{ligand_list}", "{output_dir}"), CommandOutput("pdbqt"),
                mode="batch", ligand_format="pdbqt")  # fmt: skip
    rows = batch.scores.to_pylist()
    assert [row["score"] for row in rows] == [-5.5 - n for n in range(5)]
    poses = [Chem.MolFromMolBlock(pose["molblock"]) for pose in batch.poses.to_pylist()]
    assert [Chem.MolToSmiles(pose) for pose in poses] == [row["state"] for row in rows]


def test_programs_may_take_smiles(tmp_path: Path) -> None:
    script = program(tmp_path, "for l in open(sys.argv[1]): print(l.split()[1], '=', -len(l.split()[0]))")
    rows = run(
        tmp_path, (str(script), "{ligand}"), NAMED, mode="batch", ligand_format="smi"
    ).scores.to_pylist()
    assert [row["score"] for row in rows] == [-float(len(each)) for each in SMILES]


def test_results_depend_neither_on_order_nor_on_batch(tmp_path: Path) -> None:
    script = program(tmp_path, """
        for n, s, record in records(sys.argv[1]):
            print(n, "=", sum(float(l[:10]) ** 2 for l in record.split("\\n")[4:10] if len(l) > 60))
    """)  # fmt: skip
    words = (str(script), "{ligand}")
    together = run(tmp_path, words, NAMED, mode="batch").scores["score"].to_pylist()
    turned = run(tmp_path, words, NAMED, SMILES[::-1], mode="batch").scores["score"].to_pylist()[::-1]
    alone = [run(tmp_path, words, NAMED, [each]).scores["score"].to_pylist()[0] for each in SMILES]
    assert together == turned == alone
    assert len(set(together)) == 5


def test_the_version_is_asked_and_kept(tmp_path: Path) -> None:
    script = program(tmp_path, "print('version 2.1') if sys.argv[1] == '--version' else print('score = -1')")
    version = (sys.executable, str(script), "--version")
    words = (str(script), "{ligand}")
    rows = run(tmp_path, words, REGEX, SMILES[:1], version="", version_command=version).scores.to_pylist()
    assert rows[0]["engine_version"].endswith("version 2.1")
    settings = CommandTarget((sys.executable, *words), "au", True, REGEX, version_command=version)
    spec = freeze_target("T", settings, tmp_path / "f", tmp_path)
    program(tmp_path, "print('version 2.2') if sys.argv[1] == '--version' else print('score = -1')")
    from docksieve.screening.docking import command

    command._checked_versions.clear()
    with pytest.raises(DockingError, match=r"2\.2"):
        dock_batch(spec, tmp_path / "f", "T", [Ligand(1, "a", SMILES[0])], 7, "p")


def test_a_program_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DockingError, match="not found"):
        freeze_target(
            "T",
            CommandTarget(
                ("no-such-docking", "{ligand}"), "au", True, REGEX, version_command=("no-such-docking",)
            ),
            tmp_path,
            tmp_path,
        )
    stated = CommandTarget(("no-such-docking", "{ligand}"), "au", True, REGEX, version="1")
    spec = freeze_target("T", stated, tmp_path, tmp_path)  # it may exist on the workers only
    with pytest.raises(DockingError, match="cannot be started"):
        dock_batch(spec, tmp_path, "T", [Ligand(1, "a", SMILES[0])], 7, "p")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"command": ("x", "{ligands}")}, "not a placeholder"),
        ({"command": ("x", "{ligand.__class__}")}, "not a placeholder"),
        ({"command": ("x", "{ligand!r}")}, "not a placeholder"),
        ({"command": ("x", "{ligand")}, "brace"),
        ({"command": ("x",)}, "needs {ligand}"),
        ({"command": ()}, "a list of words"),
        ({"unit": " "}, "unit"),
        ({"version": ""}, "version"),
        ({"mode": "batch"}, "named group"),
        ({"mode": "batch", "ligand_format": "pdbqt", "output": CommandOutput("pdbqt")}, "ligand_list"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any], match: str) -> None:
    good = {
        "command": ("x", "{ligand}"),
        "unit": "au",
        "lower_is_better": True,
        "output": REGEX,
        "version": "1",
    }
    with pytest.raises(ValueError, match=match):
        CommandTarget(**{**good, **changes})


def test_a_box_is_needed_where_the_command_asks_for_one(tmp_path: Path) -> None:
    words = (sys.executable, "x", "{ligand}", "{center_x}")
    with pytest.raises(ConfigError, match="no box"):
        freeze_target("T", CommandTarget(words, "au", True, REGEX, version="1"), tmp_path, tmp_path)
    with pytest.raises(ConfigError, match="no receptor"):
        freeze_target(
            "T",
            CommandTarget((sys.executable, "{ligand}", "{receptor}"), "au", True, REGEX, version="1"),
            tmp_path,
            tmp_path,
        )


def test_patterns_need_a_score() -> None:
    with pytest.raises(ValueError, match="score"):
        CommandOutput("regex", pattern="(x)")
    with pytest.raises(ValueError, match="pattern"):
        CommandOutput("regex", pattern="(")
    with pytest.raises(ValueError, match="column"):
        CommandOutput("csv")
