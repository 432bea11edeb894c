"""Lines that would make a block several jobs, or keep its number from being known: refused before a queue."""

from __future__ import annotations

import pytest
from docksieve.data.errors import SiteError
from docksieve.hpc.sites.directives import directive_problem
from docksieve.hpc.sites.read import site_from


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("#SBATCH --array=1-4", "array"),
        ("#SBATCH --array 1-4", "array"),
        ("#SBATCH -a 1-4%2", "array"),
        ("#SBATCH -a1-4", "array"),
        ("#SBATCH --comment=x --array=0", "array"),
        ("#SBATCH hetjob", "heterogeneous"),
        ("#SBATCH packjob", "heterogeneous"),
        ("#SBATCH --wait", "wait"),
        ("#SBATCH -W", "wait"),
        ("#SBATCH --quiet", "number"),
        ("#SBATCH -Q", "number"),
        ("#SBATCH --test-only", "does not submit"),
        ("#PBS -J 1-10", "array"),
        ("#PBS -W block=true", "wait"),
        ("#PBS -W umask=022,block=true", "wait"),
        ("#PBS -z", "number"),
        ("#PBS -I", "does not submit"),
        ('#BSUB -J "block[1-10]"', "array"),
        ('#BSUB -J "block[1-10]%2"', "array"),
        ("#BSUB -K", "wait"),
        ("#BSUB -Is", "does not submit"),
    ],
)
def test_refused(line: str, why: str) -> None:
    assert why in directive_problem(line)


@pytest.mark.parametrize(
    "line",
    [
        "#SBATCH --account=abc",
        "#SBATCH -A abc",
        "#SBATCH --clusters=x",
        "#SBATCH --parsable",
        "#SBATCH --comment=docking -C cpu",
        "#SBATCH --wait-all-nodes=1",
        '#SBATCH --comment="an --array"',
        "#PBS -l filesystems=home:eagle",
        "#PBS -W umask=022",
        "#PBS -N job",
        "#BSUB -R \"select[hname!='n1']\"",
        '#BSUB -R "rusage[mem=5]"',
        "#BSUB -J block",
        '#BSUB -gpu "num=1"',
        "#BSUB -q interactive",
        "# a comment --array=1",
        "",
    ],
)
def test_accepted(line: str) -> None:
    assert directive_problem(line) == ""


def test_a_site_with_such_a_line_is_refused_with_the_line() -> None:
    values = {"kind": "slurm", "pool": {"cpu": {"cores": 8, "directives": ["#SBATCH --array=1-4"]}}}
    with pytest.raises(
        SiteError, match=r"'#SBATCH --array=1-4' asks for an array of jobs.*Take the line out"
    ):
        site_from(values, "a test's site", "mine")
