"""The how-tos, followed to the letter: their files written, their diffs applied to a copy, their commands given.

A page has *files* (a path in backticks, a colon, a fenced block), *diffs* (fenced as ``diff``, without line numbers)
and *commands* (fenced as ``sh``). There is no second copy of any of them.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docksieve.workflows.cli.main import app
from typer.testing import CliRunner

FILE = re.compile(r"^`([\w./-]+)`:\n\n```(?:python|toml)\n(.*?)^```$", re.M | re.S)
DIFF = re.compile(r"^```diff\n(.*?)^```$", re.M | re.S)
COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
EXTENSIONS = ("engine", "teacher", "acquisition")
NOT_NEEDED = shutil.ignore_patterns(
    ".*", "__pycache__", "docs", "benchmarks", "build", "demo", "tests", "*.egg-info"
)


def page(repository: Path, name: str) -> str:
    return (repository / "docs" / "howto" / f"{name}.md").read_text()


def commands(text: str) -> list[list[str]]:
    return [shlex.split(line) for block in COMMANDS.findall(text) for line in block.splitlines()]


def apply_diff(folder: Path, diff: str) -> None:
    """Replace, in each file that ``diff`` names, the old lines of every hunk by the new ones."""
    for part in re.split(r"^--- a/.*\n\+\+\+ b/", diff, flags=re.M)[1:]:
        name, _, hunks = part.partition("\n")
        path = folder / name
        text = path.read_text()
        for hunk in re.split(r"^@@\n", hunks, flags=re.M)[1:]:
            lines = hunk.splitlines()
            old = "".join(line[1:] + "\n" for line in lines if not line.startswith("+"))
            new = "".join(line[1:] + "\n" for line in lines if not line.startswith("-"))
            assert text.count(old) == 1, (
                f"{name} has these lines {text.count(old)} times, expected once:\n{old}"
            )
            text = text.replace(old, new)
        path.write_text(text)


def run(arguments: list[str], folder: Path, package: Path | None = None) -> str:
    """Run this Python with ``arguments`` in ``folder``, with the docksieve that lies in ``package``."""
    environment = {**os.environ, "COLUMNS": "140", "NO_COLOR": "1"}
    if package is not None:
        environment["PYTHONPATH"] = str(package)
    done = subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{shlex.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def extended(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of docksieve that has all that the how-tos add."""
    package = tmp_path_factory.mktemp("extended")
    copy = package / "docksieve"
    shutil.copytree(repository, copy, ignore=NOT_NEEDED)
    for name in EXTENSIONS:
        text = page(repository, name)
        for path, content in FILE.findall(text):
            if path.endswith(".py"):
                assert not (copy / path).exists(), f"{path} of the how-to exists already"
                (copy / path).parent.mkdir(parents=True, exist_ok=True)
                (copy / path).write_text(content)
        for diff in DIFF.findall(text):
            apply_diff(copy, diff)
    return package


def test_every_page_is_tried(repository: Path) -> None:
    assert {path.stem for path in (repository / "docs" / "howto").glob("*.md")} == {*EXTENSIONS, "site"}


def test_added_code_is_in_style(extended: Path) -> None:
    run(["-m", "ruff", "check", "."], extended / "docksieve")
    run(["-m", "ruff", "format", "--check", "."], extended / "docksieve")


@pytest.mark.parametrize("name", ["engine", "acquisition", pytest.param("teacher", marks=pytest.mark.slow)])
def test_tests_of_a_page_pass_with_the_added_code(repository: Path, extended: Path, name: str) -> None:
    copy = extended / "docksieve"
    tests = [path for path, _ in FILE.findall(page(repository, name)) if path.startswith("tests/")]
    assert "passed" in run(["-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], copy, extended)
    where = run(["-c", "import docksieve; print(docksieve.__file__)"], extended, extended)
    assert where.startswith(str(copy)), "the tests ran with another docksieve"


@pytest.mark.slow
def test_campaign_with_everything_that_was_added(repository: Path, extended: Path, tmp_path: Path) -> None:
    text = page(repository, "engine")
    ((name, content),) = [found for found in FILE.findall(text) if found[0].endswith(".toml")]
    lines = [
        block
        for name in ("acquisition", "teacher")
        for block in re.findall(r"```toml\n(.*?)```", page(repository, name), re.S)
    ]
    acquisition, teacher = lines
    content = content.replace("[rounds]\n", acquisition) + "\n" + teacher
    (tmp_path / name).write_text(content)
    for program, *arguments in commands(text):
        assert program == "docksieve"
        printed = run(["-m", "docksieve", *arguments], tmp_path, extended)
    assert len(re.findall(r"-\d+\.\d\d", printed)) >= 5, printed


@pytest.mark.slow
def test_site_files(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = page(repository, "site")
    for name, content in FILE.findall(text):
        (tmp_path / name).write_text(content)
    given = [arguments for _, *arguments in commands(text)]
    assert [arguments[0] for arguments in given] == ["site", "site", "site", "submit", "site", "doctor"]
    monkeypatch.chdir(tmp_path)
    command_line(["library", "enumerate", "library", "--limit", "400", "--seed", "1"])
    begin = ["init", "campaign.toml", "--receptor", "dockstring:EGFR"]
    printed = [command_line(arguments) for arguments in [begin, *given[:-1]]]
    assert "abc123" in (tmp_path / "mycluster.toml").read_text()
    assert "#SBATCH" in printed[4] and "node-hours" in printed[4]


def command_line(arguments: list[str]) -> str:
    """Give one command in this process and return what it prints."""
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, f"{arguments}: {done.exception or done.output}"
    return done.output


@pytest.mark.slow
def test_site_on_this_machine_is_examined(repository: Path, tmp_path: Path) -> None:
    text = page(repository, "site")
    for name, content in FILE.findall(text):
        (tmp_path / name).write_text(content)
    doctor = next(arguments for _, *arguments in commands(text) if arguments[0] == "doctor")
    assert "All is well" in run(["-m", "docksieve", *doctor], tmp_path)
