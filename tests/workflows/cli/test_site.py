"""``docksieve site list | show | new`` as a user meets them, and a submission in words."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from docksieve.data.errors import SiteError
from docksieve.hpc.checks import dry_run
from docksieve.hpc.parsl_workers import config as parsl_config
from docksieve.hpc.sites.allocation import NoAllocation
from docksieve.hpc.sites.read import load_site, preset_names
from docksieve.workflows.cli import main as cli
from docksieve.workflows.cli import site as site_commands
from docksieve.workflows.terminal.sites import dry_run_words, span

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Return a function that runs the command line in ``tmp_path`` and returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.delenv("DOCKSIEVE_SITES", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["docksieve", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_list_names_every_site_and_what_is_confirmed(call: Call) -> None:
    code, out, _ = call("site", "list")
    assert code == 0
    rows = {line.split("│")[1].strip(): line for line in out.splitlines() if line.startswith("│")}
    assert set(rows) == set(preset_names())
    assert "by tests" in rows["local"] and "not yet" in rows["frontier"]
    assert "8 AMD devices" in rows["frontier"]


def test_list_shows_sites_of_ones_own_even_broken_ones(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ours.toml").write_text(
        'kind = "slurm"\nconfirmed = "2026-11, by me"\ndescription = "our nodes"\n'
    )
    (tmp_path / "torn.toml").write_text("kind = \n")
    monkeypatch.setenv("DOCKSIEVE_SITES", str(tmp_path))
    code, out, _ = call("site", "list")
    assert code == 0
    rows = {line.split("│")[1].strip(): line for line in out.splitlines() if line.startswith("│")}
    assert "our nodes" in rows["ours (own)"] and "2026-11, by me" in rows["ours (own)"]
    assert "cannot be read" in rows["torn (own)"]


def test_show_prints_the_file_and_the_pools(call: Call) -> None:
    code, out, _ = call("site", "show", "frontier", "--set", "account=abc123", "--set", "pool.gpu.nodes=10")
    assert code == 0
    toml, _, table = out.partition("Pools of frontier")
    parsed = tomllib.loads(toml)
    assert (parsed["account"], parsed["pool"]["gpu"]["nodes"]) == ("abc123", 10)
    assert "# the first of every eight cores is the system's" in toml
    (gpu,) = (line for line in table.splitlines() if "screen" in line)
    cells = [cell.strip() for cell in gpu.strip("│").split("│")]
    assert cells == ["gpu", "screen", "10", "up to 2", "8", "rocm 0-7", "02:00:00", "160", "40.0"]
    assert "Node-hours if every block runs to its end once: 48.0." in table


def test_show_without_what_a_preset_needs_says_what(call: Call) -> None:
    code, out, _ = call("site", "show", "delta")
    assert code == 0
    assert 'name = "delta"' in out
    assert "needs 'pool.gpu.account', 'pool.cpu.account'" in out
    assert "Pools of" not in out


def test_show_local(call: Call) -> None:
    code, out, _ = call("site", "show", "local", "--set", "workers=3")
    assert code == 0
    assert "Pools of local" in out and "Node-hours" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "polariss"), "Did you mean 'polaris'"),
        (("show", "polaris", "--set", "acount=x"), "unknown key 'acount'. Did you mean 'account'"),
        (("show", "polaris", "--set", "account"), "is not KEY=VALUE"),
        (
            ("show", "polaris", "--set", "account=x", "--set", "pool.gpu.gpus=3"),
            "affinity lists 4 sets of cores",
        ),
        (("new", "mine.toml", "--from", "polariss"), "Did you mean 'polaris'"),
        (("new", "mine.toml", "--from", "polaris", "--set", "pool.gpuu.nodes=2"), "Did you mean 'gpu'"),
        (("new", "mine.toml", "--from", "polaris", "--set", "walltme=01:00:00"), "Did you mean 'walltime'"),
        (("new", "mine"), "does not end in .toml"),
    ],
)
def test_mistakes_end_with_code_2_and_write_nothing(
    call: Call, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = call("site", *arguments)
    assert code == 2
    assert said in err
    assert not list(tmp_path.glob("*.toml"))


def test_new_writes_a_file_that_loads_and_keeps_its_comments(call: Call, tmp_path: Path) -> None:
    words = ("--set", "account=abc123", "--set", "walltime=01:00:00")
    code, out, _ = call("site", "new", "mine.toml", "--from", "perlmutter", *words)
    assert code == 0
    assert "Wrote mine.toml." in out and "needs" not in out
    text = (tmp_path / "mine.toml").read_text()
    assert '"gpu&hbm80g": the 256 nodes' in text
    site = load_site(str(tmp_path / "mine.toml"))
    assert (site.name, site.pool_for("screen").account) == ("mine", "abc123")
    assert {pool.walltime for pool in site.pools.values()} == {"01:00:00"}


def test_new_says_what_is_still_to_be_given(call: Call, tmp_path: Path) -> None:
    code, out, _ = call("site", "new", "mine.toml", "--from", "pbspro-gpu", "--set", "pool.cpu.cores=32")
    assert code == 0
    assert "mine.toml needs 'pool.gpu.gpus', 'pool.gpu.cores'." in out


def test_new_overwrites_only_when_told(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("workers = 1\n")
    code, _, err = call("site", "new", "mine.toml", "--from", "local")
    assert (code, (tmp_path / "mine.toml").read_text()) == (2, "workers = 1\n")
    assert "exists already" in err
    assert call("site", "new", "mine.toml", "--from", "local", "--force")[0] == 0
    assert load_site(str(tmp_path / "mine.toml")).name == "mine"


def test_new_from_a_file_of_ones_own(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('# ours\nkind = "local"\nconfirmed = "yesterday"\nworkers = 2 # two\n')
    assert call("site", "new", "b.toml", "--from", "a.toml", "--set", "workers=4")[0] == 0
    text = (tmp_path / "b.toml").read_text()
    assert text.startswith("# ours\n") and "workers = 4 # two" in text
    assert load_site(str(tmp_path / "b.toml")).confirmed == ""  # confirmed was the other


def _reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (parsl_config, dry_run):
        monkeypatch.setattr(module, "driver_address", lambda site: "10.1.2.3")


def test_a_submission_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _reachable(monkeypatch)
    words = dry_run_words(load_site("frontier", {"account": "abc123"}), tmp_path / "campaign")
    assert "pool gpu (screen): 2 nodes for 02:00:00, up to 2 times: 32 workers, 8.0 node-hours" in words
    assert (
        f"submitted with: sbatch {tmp_path}/campaign/parsl/000/submit_scripts/parsl.gpu.block-0.<time>"
        in words
    )
    assert words.count("#!/bin/bash") == 2
    assert "Node-hours if every block runs to its end once: 16.0." in words
    assert words.endswith("Known only at the start: <port>, <time>, <campaign>. Nothing was submitted.")
    assert not (tmp_path / "campaign").exists()


def test_a_submission_in_words_of_a_campaign_that_has_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _reachable(monkeypatch)
    words = dry_run_words(load_site("slurm", {"pool.cpu.cores": 8}), tmp_path, mark="a1b2")
    assert "export DOCKSIEVE_CAMPAIGN=a1b2 " in words and "<campaign>" not in words


def test_a_submission_in_words_on_another_machine(tmp_path: Path) -> None:
    site = load_site("frontier", {"account": "abc123", "interface": "no0"})
    (note,) = (line for line in dry_run_words(site, tmp_path).splitlines() if line.startswith("<address>"))
    assert "This machine has no network interface 'no0'" in note


def test_a_submission_in_words_without_a_scheduler(tmp_path: Path) -> None:
    words = dry_run_words(load_site("local", {"workers": 3}), tmp_path)
    assert words == (
        "Site 'local' asks nothing of a scheduler: it runs on this machine. "
        "Workers: workers (screen, dock, train): 3. Nothing was started."
    )


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["0", "1", "2", "3"], "0-3"),
        (["0", "1"], "0, 1"),
        (["0", "2", "3"], "0, 2, 3"),
        (["0.0", "0.1", "1.0"], "0.0, 0.1, 1.0"),
        ([], ""),
    ],
)
def test_names_of_devices_in_short(names: list[str], found: str) -> None:
    assert span(names) == found


def test_only_what_is_added_later_may_be_absent() -> None:
    with pytest.raises(SiteError) as missing:
        load_site("delta")
    assert site_commands._is_absent(missing.value)
    assert site_commands._is_absent(NoAllocation("There is no batch job around this."))
    assert not site_commands._is_absent(SiteError("unknown key 'acount'"))
    assert not site_commands._is_absent(KeyError("account"))
