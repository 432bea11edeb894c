"""What is looked at before work: the library's place, the targets, and numbers of rounds that are behind."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from docksieve.data.errors import ConfigError, LibraryError
from docksieve.data.receipts import Receipt, write_receipt
from docksieve.hpc.sites.read import load_site
from docksieve.workflows.campaign.begin import begin_or_resume
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.campaign.checks import check_dock, open_library
from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.cli.main import app
from docksieve.workflows.config.campaign_file import read_campaign_file
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.progress.status import status
from docksieve.workflows.running.submit import submit
from docksieve.workflows.tasks.settings import RoundSettings
from typer.testing import CliRunner

Make = Callable[..., Path]


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.slow
def test_each_round_docks_its_own_number_and_later_ones_may_change(make_campaign: Make) -> None:
    file = make_campaign(("dock = 15", "dock = [12, 6]"))
    campaign = submit(file, "inline")
    chosen = [
        receipt.rows_out
        for name in ("round-01", "round-02")
        for receipt in campaign.ledger.receipts(f"{name}/acquire")
    ]
    assert chosen == [24, 12]  # of two targets
    with pytest.raises(ConfigError, match="round 2, which has chosen 6 already") as error:
        submit(edited(file, "dock = [12, 6]", "dock = [12, 7]"), "inline")
    assert "dock = [12, 6, 7]" in str(error.value)
    edited(file, "dock = [12, 7]", "dock = [12, 6, 4]")
    campaign = submit(edited(file, "count = 2", "count = 3"), "inline")
    assert [stage.done for stage in status(campaign).stages] == [
        stage.total for stage in status(campaign).stages
    ]
    (third,) = campaign.ledger.receipts("round-03/acquire")
    assert third.rows_out == 8
    (first,) = campaign.ledger.receipts("round-01/acquire")
    assert first.rows_out == 24
    assert open_campaign(campaign.root).config.rounds.dock == (12, 6, 4)


def test_the_library_of_a_campaign_file_is_opened_or_missed_with_its_line(
    make_campaign: Make, small_inputs: Path
) -> None:
    assert open_library(read_campaign_file(make_campaign())).rows == 400
    path = make_campaign((str(small_inputs / "library"), "nowhere"), name="libraryless")
    with pytest.raises(LibraryError, match=r"libraryless\.toml, line \d+: .*nowhere.*If it has moved"):
        open_library(read_campaign_file(path))


def test_numbers_are_free_while_nothing_is_chosen(make_campaign: Make) -> None:
    campaign = begin_or_resume(make_campaign(), load_site("inline"))
    other = make_campaign(("dock = 15", "dock = [9, 4]"), name="other")
    check_dock(campaign, read_campaign_file(other).config, other)
    write_receipt(campaign.root, Receipt("round-01/acquire", "acquire", "x"))
    campaign.ledger.plan("round-01/acquire", [Task("round-01/acquire", "acquire", RoundSettings("round-01"))])
    with pytest.raises(
        ConfigError, match=r"asks for 9 molecules in round 1, .*15 already.* dock = \[15, 9\]"
    ):
        check_dock(campaign, read_campaign_file(other).config, other)


def test_a_plain_number_may_change_before_the_first_round_has_chosen(make_campaign: Make) -> None:
    file = make_campaign()
    begin_or_resume(file, load_site("inline"))
    campaign = begin_or_resume(edited(file, "dock = 15", "dock = 20"), load_site("inline"))
    assert campaign.config.rounds.dock == 20


def test_a_library_that_is_not_there_is_an_error_with_line_and_cure(
    make_campaign: Make, tmp_path: Path
) -> None:
    file = make_campaign()
    text = file.read_text()
    line = next(number for number, words in enumerate(text.splitlines(), 1) if words.startswith("path ="))
    place = read_campaign_file(file).library
    edited(file, str(place), str(tmp_path / "gone"))
    with pytest.raises(LibraryError) as error:
        submit(file, "inline")
    assert f"{file}, line {line}: There is no library" in str(error.value)
    assert "write its new folder there" in str(error.value)


@pytest.mark.slow
def test_a_library_that_moved_is_said_with_the_cure_and_the_cure_works(
    make_campaign: Make, small_inputs: Path, tmp_path: Path
) -> None:
    shutil.copytree(small_inputs / "library", tmp_path / "lib")
    file = make_campaign((str(small_inputs / "library"), str(tmp_path / "lib")))
    campaign = submit(file, "inline")
    (tmp_path / "lib").rename(tmp_path / "elsewhere")
    with pytest.raises(LibraryError) as error:
        open_campaign(campaign.root).open_library()
    assert f"is not at {tmp_path / 'lib'} any more" in str(error.value)
    assert f"[library] path of {file}" in str(error.value)
    edited(file, str(tmp_path / "lib"), str(tmp_path / "elsewhere"))
    submit(file, "inline")
    assert open_campaign(campaign.root).open_library().rows == 400
    assert hits(campaign.root).num_rows > 0


def dry_run(file: Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["submit", str(file), "--dry-run"])
    return done.exit_code, f"{done.output}{done.exception or ''}"


def test_a_dry_run_looks_at_library_and_targets_and_leaves_nothing(
    make_campaign: Make, small_inputs: Path
) -> None:
    file = make_campaign()
    code, said = dry_run(file)
    assert code == 0, said
    assert "400 molecules in 2 shards" in said and "Target A: table" in said and "can be used" in said
    assert "Nothing was started" in said
    assert not read_campaign_file(file).root.exists()
    code, said = dry_run(make_campaign((str(small_inputs / "a.csv"), "none.csv"), name="tableless"))
    assert code != 0 and "none.csv" in said
    code, said = dry_run(make_campaign((str(small_inputs / "library"), "nowhere"), name="libraryless"))
    assert code != 0 and "nowhere" in said and "line" in said


@pytest.mark.parametrize(
    ("condition", "words"),
    [('where = "wieght < 500"', "wieght"), ('has_not = ["C#("]', "C#(")],
)
def test_a_dry_run_puts_the_conditions_to_the_library(
    make_campaign: Make, condition: str, words: str
) -> None:
    code, said = dry_run(make_campaign(("[library]", f"[library]\n{condition}")))
    assert code != 0 and words in said and "line" in said and "can be used" not in said


def test_a_dry_run_finds_what_is_wrong_with_receptor_and_box(make_campaign: Make) -> None:
    table = 'engine = "table"\nscores = "'
    whole = make_campaign().read_text()
    start, end = whole.index("[targets.A]"), whole.index("[targets.B]")
    old = whole[start:end]
    assert table in old

    def told(receptor: str, box: str) -> tuple[int, str]:
        target = f'[targets.A]\nengine = "vina"\nreceptor = "{receptor}"\n{box}\n'
        return dry_run(make_campaign((old, target)))

    pytest.importorskip("dockstring")
    code, said = told("dockstring:EGFR", "box_size = 22.0")
    assert code == 0, said
    assert "Target A: vina" in said and "box of 22 x 22 x 22 angstrom" in said
    code, said = told("dockstring:NONE", "box_size = 22.0")
    assert code != 0 and "NONE" in said
    far = "box = { center = [900.0, 900.0, 900.0], size = [20.0, 20.0, 20.0] }"
    code, said = told("dockstring:EGFR", far)
    assert code != 0 and "box" in said


def test_a_dry_run_of_a_campaign_under_way_says_what_may_not_change(make_campaign: Make) -> None:
    file = make_campaign()
    begin_or_resume(file, load_site("inline"))
    assert dry_run(file)[0] == 0
    code, said = dry_run(edited(file, "seed = 11", "seed = 12"))
    assert code != 0 and "[campaign] seed" in said
