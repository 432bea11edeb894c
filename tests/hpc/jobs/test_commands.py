"""Schedulers' commands: their time, their letters, and the user's variables that would change answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from docksieve.hpc.jobs.commands import TOO_LATE, run_command, scheduler_environment

Programs = Callable[[str, str], Path]


def test_words_and_input_without_a_shell(tmp_path: Path, programs: Programs) -> None:
    script = tmp_path / "job.sh"
    script.write_text("#BSUB -n 1\n")
    programs("bsub", 'cat; echo "$@"')
    assert run_command(f"bsub -q a < {script}", 20) == (0, "#BSUB -n 1\n-q a\n", "")
    programs("squeue", 'echo "$3"')
    assert run_command("squeue --me --format='%i %T' '$(id); x'", 20) == (0, "$(id); x\n", "")


def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path, programs: Programs) -> None:
    programs("qstat", f"(sleep 3; touch {tmp_path}/late) & sleep 60")
    assert run_command("qstat", 0.3) == (TOO_LATE, "", "qstat did not answer within 0 s")
    time.sleep(3.2)
    assert not (tmp_path / "late").exists()


def test_letters_of_any_encoding_and_commands_that_are_not_there(programs: Programs) -> None:
    programs("sbatch", r"printf 'R\xe9seau\r\nSubmitted batch job 7\r\n'")
    assert run_command("sbatch x", 20) == (0, "R�seau\nSubmitted batch job 7\n", "")
    code, out, err = run_command("no-such-command-here", 20)
    assert (code, out) == (127, "") and "no-such-command-here cannot be run" in err
    assert run_command("sbatch < /no/such/file", 20)[0] == 127


def test_what_users_set_for_themselves_does_not_change_answers(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = {"SQUEUE_STATES": "R", "BSUB_QUIET": "y", "SBATCH_ARRAY_INX": "1-3", "SACCT_FORMAT": "user"}
    kept = {"SBATCH_ACCOUNT": "abc", "SLURM_CLUSTERS": "x", "PATH": "/bin"}
    assert scheduler_environment({**mine, **kept}) == kept
    monkeypatch.setenv("SQUEUE_STATES", "R")
    programs("squeue", 'echo "[$SQUEUE_STATES]"')
    assert run_command("squeue", 20)[1] == "[]\n"
