"""Files that a docking command names: found beside the campaign file, and noticed when they change."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from docksieve.data.errors import ConfigError, DockingError, InputError
from docksieve.screening.docking.command_files import check_files, locate
from docksieve.screening.docking.command_output import CommandOutput
from docksieve.screening.docking.dock import CommandTarget, Ligand, dock_batch, freeze_target
from docksieve.screening.docking.table import TableTarget
from docksieve.screening.docking.table_read import read_scores

SCORE = CommandOutput("regex", pattern=r"^score = (?P<score>\S+)")
LIGAND = Ligand(0, "caffeine", "Cn1c(=O)c2c(ncn2C)n(C)c1=O")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A campaign's folder, its name as awkward as can be, with a script and its parameters."""
    folder = tmp_path / "my {campaign}"
    (folder / "tools").mkdir(parents=True)
    (folder / "dock.py").write_text("import sys\nprint('score =', open(sys.argv[2]).read())\n")
    (folder / "tools" / "weights.txt").write_text("-7.5\n")
    script = folder / "tools" / "dock.sh"
    script.write_text('#!/bin/sh\n[ "$1" = --version ] && echo 2.0 || echo "score = $(cat "$2")"\n')
    script.chmod(0o755)
    return folder


def freeze(base: Path, *command: str, **kw: Any) -> dict[str, Any]:
    settings = CommandTarget(command, "au", True, SCORE, **{"version": "1", "ligand_format": "smi", **kw})
    spec = freeze_target("T", settings, base / "frozen", base)
    assert json.loads(json.dumps(spec)) == spec
    return spec


def dock(base: Path, spec: dict[str, Any]) -> dict[str, Any]:
    return dict(dock_batch(spec, base / "frozen", "T", [LIGAND], 7, "p").scores.to_pylist()[0])


def test_scripts_and_their_files_are_found_beside_the_campaign_file(
    base: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = (sys.executable, "dock.py", "{ligand}", "tools/weights.txt")
    spec = freeze(base, *words)
    monkeypatch.chdir(tmp_path)
    assert dock(base, spec)["score"] == -7.5
    expected = {
        str(base / name): hashlib.sha256((base / name).read_bytes()).hexdigest()
        for name in ("dock.py", "tools/weights.txt")
    }
    assert spec["files"] == expected
    assert json.loads(dock(base, spec)["settings"])["files"] == expected
    (base / "dock.py").write_text((base / "dock.py").read_text() + "# edited\n")
    assert freeze(base, *words)["files"] != expected


def test_a_relative_folder_of_the_campaign_is_enough(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(base)
    settings = CommandTarget(
        (sys.executable, "dock.py", "{ligand}", "tools/weights.txt"),
        "au",
        True,
        SCORE,
        version="1",
        ligand_format="smi",
    )
    spec = freeze_target("T", settings, base / "frozen", Path())
    assert dock(base, spec)["score"] == -7.5


def test_a_program_beside_the_campaign_file_is_a_file_too(base: Path) -> None:
    spec = freeze(base, "tools/dock.sh", "{ligand}", "tools/weights.txt")
    assert set(spec["files"]) == {str(base / "tools" / "dock.sh"), str(base / "tools" / "weights.txt")}
    assert dock(base, spec)["score"] == -7.5
    version = ("tools/dock.sh", "--version")
    spec = freeze(base, "tools/dock.sh", "{ligand}", "tools/weights.txt", version="", version_command=version)
    assert spec["engine_version"] == "dock.sh 2.0"
    assert dock(base, spec)["score"] == -7.5


def test_words_that_are_no_files_stay_as_they_are(base: Path) -> None:
    (base / "-x").write_text("")
    words = [sys.executable, "-x", "tools", "nothing.txt", "{ligand}", "", "x" * 5000]
    spec = freeze(base, *words)
    assert spec["screen"]["command"] == words
    assert spec["files"] == {}


def test_links_to_programs_are_kept(base: Path) -> None:
    (base / "python").symlink_to(sys.executable)  # as in a virtual environment
    spec = freeze(base, "./python", "dock.py", "{ligand}", "tools/weights.txt")
    assert spec["screen"]["command"][0] == str(base / "python").replace("{", "{{").replace("}", "}}")


def test_an_edited_or_missing_file_stops_the_docking(base: Path) -> None:
    spec = freeze(base, sys.executable, "dock.py", "{ligand}", "tools/weights.txt")
    assert dock(base, spec)["score"] == -7.5
    (base / "tools" / "weights.txt").write_text("-8.5\n")
    with pytest.raises(DockingError, match=r"weights\.txt, .* was altered since the campaign began"):
        dock(base, spec)
    (base / "tools" / "weights.txt").write_text("-7.5\n")
    assert dock(base, spec)["score"] == -7.5
    (base / "dock.py").unlink()
    with pytest.raises(DockingError, match=r"dock\.py, .* cannot be read here"):
        dock(base, spec)


def test_more_processors_than_there_are_is_refused(base: Path) -> None:
    usable = len(os.sched_getaffinity(0))
    assert freeze(base, sys.executable, "dock.py", "{ligand}", cpus=usable)["cpus"] == usable
    with pytest.raises(ConfigError, match=rf"Target T: cpus = {usable + 1}, .* {usable}\."):
        freeze(base, sys.executable, "dock.py", "{ligand}", cpus=usable + 1)


@pytest.mark.parametrize("exists", [True, False])
def test_programs_write_where_the_user_wants_temporary_files(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    scratch = tmp_path / "scratch"
    if exists:
        scratch.mkdir()
    monkeypatch.setenv("DOCKSIEVE_SCRATCH", str(scratch))
    monkeypatch.setenv("TMPDIR", "/tmp")
    (base / "where.py").write_text(
        textwrap.dedent("""
        import os, sys, tempfile
        inside = [p.startswith(sys.argv[2] + "/") for p in (sys.argv[1], os.getcwd(), tempfile.gettempdir() + "/")]
        print("score =", sum(inside))
        """)
    )
    spec = freeze(base, sys.executable, "where.py", "{ligand}", str(scratch))
    assert dock(base, spec)["score"] == (3 if exists else 0)
    if exists:
        assert list(scratch.iterdir()) == []


def test_hints_fit_the_campaign_file_and_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    settings = TableTarget(str(path), "au", True, header=True)
    with pytest.raises(InputError) as missing:
        read_scores(path, settings)
    assert "campaign file" not in str(missing.value)
    for text in ("x,y,z\n1.5,CCO,-3\n2.5,CCN,-4\n", "smiles,score\nCCO,great\n"):
        path.write_text(text)
        with pytest.raises(InputError) as caught:
            read_scores(path, settings)
        assert "score_column in the campaign file, --score-column on the command line" in str(caught.value)


def test_what_names_a_file_gets_its_full_path_and_checksum(base: Path) -> None:
    words = [
        "tools/dock.sh",
        "tools/weights.txt",
        "--config",
        "{ligand}",
        "nothing.txt",
        "",
        "-x" * 200,
        "a" * 5000,
    ]
    found, checksums = locate(words, base)
    doubled = str(base).replace("{", "{{").replace("}", "}}")
    assert found[:2] == [f"{doubled}/tools/dock.sh", f"{doubled}/tools/weights.txt"]
    assert found[2:] == words[2:]  # options, placeholders and what is no file stay as they are
    assert checksums == {
        str(base / name): hashlib.sha256((base / name).read_bytes()).hexdigest()
        for name in ("tools/dock.sh", "tools/weights.txt")
    }
    assert locate(words[:2], base, template=False)[0] == [str(base / word) for word in words[:2]]


def test_a_program_of_the_system_is_known_by_its_version_and_keeps_its_link(
    base: Path, tmp_path: Path
) -> None:
    assert locate(["sh", "-c", "echo"], base) == (["sh", "-c", "echo"], {})
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    found, checksums = locate(["../bin/python"], base)
    assert (found, checksums) == ([str(tmp_path / "bin" / "python")], {})


def test_a_program_that_is_not_there_or_may_not_run_is_refused(base: Path) -> None:
    for name in ("no-such-program", "tools/no-such", "tools/weights.txt"):
        with pytest.raises(DockingError, match=f"The program '{name}' is not found, or may not be run"):
            locate([name], base)
        assert locate([name], base, may_be_absent=True)[0][0].endswith(name)


def test_an_edited_file_is_refused_and_one_put_back_is_taken(base: Path) -> None:
    path = base / "tools" / "weights.txt"
    _, checksums = locate(["sh", "tools/weights.txt"], base)
    check_files(checksums)
    check_files({})
    path.write_text("-9.5\n")
    with pytest.raises(
        DockingError, match=r"weights\.txt, which the docking command names, was altered since"
    ):
        check_files(checksums)
    path.write_text("-7.5\n")
    check_files(checksums)
    path.unlink()
    with pytest.raises(DockingError, match=r"cannot be read here\. It must be there on every node"):
        check_files(checksums)
