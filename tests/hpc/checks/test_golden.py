"""Batch scripts, to the letter: one file per preset under ``golden/``.

A change of a preset, of a provider or of Parsl shows here as a change of a script. If it is meant, write the files anew
with ``DOCKSIEVE_GOLDEN=write pytest tests/hpc/checks/test_golden.py`` and read what git says of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from docksieve.hpc.checks.dry_run import ADDRESS, address_problem, batch_scripts, node_hours
from docksieve.hpc.sites.read import load_site

from ..conftest import CLUSTERS, preset

GOLDEN = Path(__file__).parent / "golden"
CAMPAIGN = Path("/shared/campaign")


@pytest.mark.parametrize("name", CLUSTERS)
def test_batch_scripts_are_these(name: str, every_network: None) -> None:
    text = rendered(name)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("DOCKSIEVE_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text(), f"{name}: see the docstring of {Path(__file__).name}"


def rendered(name: str) -> str:
    site = preset(name)
    parts = [
        f"# pool {script.pool.name}, up to {script.blocks} blocks\n# {script.command}\n{script.text}"
        for script in batch_scripts(site, CAMPAIGN)
    ]
    text = "\n".join([f"# {node_hours(site):g} node-hours\n", *parts])
    text = text.replace(sys.executable, "<python>").replace(sysconfig.get_path("scripts"), "<bin>")
    return "\n".join(line.rstrip() for line in text.split("\n")).strip() + "\n"


def test_no_golden_file_is_left_over() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == CLUSTERS


@pytest.mark.parametrize("name", CLUSTERS)
def test_scripts_are_valid_shell(name: str, every_network: None, tmp_path: Path) -> None:
    for script in batch_scripts(preset(name), CAMPAIGN):
        path = tmp_path / script.pool.name
        path.write_text(script.text.replace("<port>", "1").replace("<campaign>", "abc"))
        subprocess.run(["bash", "-n", str(path)], check=True, timeout=30)


def test_nothing_is_run_and_nothing_is_left(tmp_path: Path, every_network: None, programs) -> None:  # type: ignore[no-untyped-def]
    for name in ("sacct", "sbatch", "qsub", "bsub"):
        log = programs(name, f'echo {name} >> "$LOG"; exit 1')
    folder = tmp_path / "campaign"
    assert batch_scripts(preset("frontier"), folder)
    assert batch_scripts(preset("polaris"), folder)
    assert batch_scripts(preset("lsf-gpu"), folder)
    assert log.read_text() == ""
    assert not folder.exists()


def test_the_next_run_of_a_campaign_is_named(tmp_path: Path, every_network: None) -> None:
    for number in ("000", "007"):
        (tmp_path / "parsl" / number).mkdir(parents=True)
    (script, *_) = batch_scripts(preset("slurm"), tmp_path, mark="a1b2")
    assert f"{tmp_path}/parsl/008/submit_scripts/" in script.command
    assert "export DOCKSIEVE_CAMPAIGN=a1b2 " in script.text


def test_sites_without_a_scheduler_have_no_scripts(tmp_path: Path) -> None:
    assert batch_scripts(load_site("local"), tmp_path) == []


def test_a_machine_that_workers_do_not_reach_may_rehearse(tmp_path: Path) -> None:
    """A laptop has no network of the machine's; what it cannot know has a place in the script."""
    site = preset("frontier", interface="no0")
    assert "no network interface 'no0'" in address_problem(site)
    assert all(f" -a {ADDRESS} " in script.text for script in batch_scripts(site, tmp_path))


def test_scripts_hold_what_matters(every_network: None) -> None:
    """What the golden files must go on saying, whoever writes them anew."""

    def text(name: str, pool: str) -> str:
        (found,) = (s.text for s in batch_scripts(preset(name), CAMPAIGN) if s.pool.name == pool)
        return found

    assert "#PBS -l filesystems=home:eagle" in text("polaris", "gpu")
    assert "#PBS -l select=2:ncpus=64:ngpus=4\n" in text("polaris", "gpu")
    assert "mpiexec --cpu-bind none --ppn 1 --depth=64 -n" in text("polaris", "gpu")
    assert "export ZE_FLAT_DEVICE_HIERARCHY=FLAT" in text("aurora", "gpu")
    assert "--devices 0,1,2,3,4,5,6,7,8,9,10,11 " in text("aurora", "gpu")
    assert "#PBS -l filesystems=home:flare" in text("aurora", "cpu")
    assert "#SBATCH --constraint=gpu\n" in text("perlmutter", "gpu")
    assert "#SBATCH --gpus-per-node=8" in text("frontier", "gpu")
    assert "--accelerator rocm" in text("lumi", "gpu") and "#SBATCH --mem=0" in text("lumi", "cpu")
    # Where a directive asks for devices, they are not asked for twice.
    assert len(re.findall(r"^#SBATCH --g(pus|res)", text("leonardo", "gpu"), re.MULTILINE)) == 1
    for name in CLUSTERS:
        for script in batch_scripts(preset(name), CAMPAIGN):
            again = {"slurm": "#SBATCH --no-requeue", "pbspro": "#PBS -r n", "lsf": "#BSUB -rn"}
            assert again[preset(name).kind] in script.text  # two copies of a block would share its devices
            assert ("--accelerator" in script.text) == bool(script.pool.gpus)
