"""Blocks followed through the answers of schedulers: other clusters, parts, suspended and forgotten jobs, silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docksieve.hpc.jobs.blocks import BlockRecords
from docksieve.hpc.parsl_workers import slurm
from docksieve.hpc.parsl_workers.listening import MISSED_ANSWERS, NoAnswer
from docksieve.hpc.parsl_workers.pbs_lsf import lsf_forgotten, lsf_states
from docksieve.hpc.parsl_workers.providers import cluster_provider
from docksieve.hpc.sites.pool import Pool
from docksieve.hpc.sites.site import Site
from parsl.jobs.states import JobState

Programs = Callable[[str, str], Path]
SUBMIT = {"slurm": "sbatch", "pbspro": "qsub", "lsf": "bsub"}


@pytest.fixture
def made(tmp_path: Path, programs: Programs) -> Callable[..., Any]:
    """Return a function that gives the provider of a scheduler, whose submissions are answered with ``said``."""

    def make(kind: Any, said: str, *directives: str) -> Any:
        programs("sacct", "exit 0")
        (tmp_path / "answer").write_text(said)
        programs(SUBMIT[kind], f"cat {tmp_path / 'answer'}")
        pool = Pool("work", cores=8, directives=directives)
        provider = cluster_provider(
            Site("mine", kind=kind, pools={"work": pool}), pool, "", BlockRecords(tmp_path / "blocks")
        )
        provider.script_dir = str(tmp_path)
        return provider

    return make


def states(provider: Any, *jobs: str) -> list[str]:
    return [job.state.name for job in provider.status(list(jobs))]


def known(tmp_path: Path) -> list[str]:
    return [block.job for block in BlockRecords(tmp_path / "blocks").known()]


@pytest.mark.parametrize(
    ("kind", "said", "job"),
    [
        ("slurm", "Welcome to the Lonestar 3\nSubmitted batch job 519605\n", "519605"),
        ("slurm", "123;x\n", "123;x"),
        ("slurm", "Submitted batch job 123 on cluster x\n", "123;x"),
        ("slurm", "Submitted batch job 123+0\n", "123"),
        (
            "lsf",
            "Job is submitted to <proj2> project.\n Job <16633929> is submitted to queue <q>.\n",
            "16633929",
        ),
        ("pbspro", "You have 7 hours left.\n123.pbs01\nSee you on 8 May.\n", "123.pbs01"),
    ],
)
def test_one_job_and_the_right_one(
    made: Callable[..., Any], tmp_path: Path, kind: str, said: str, job: str
) -> None:
    provider = made(kind, said)
    assert provider.submit("true", 1) == job
    assert list(provider.resources) == known(tmp_path) == [job]


@pytest.mark.parametrize("kind", ["slurm", "pbspro", "lsf"])
def test_an_answer_without_a_number_is_looked_up_by_the_jobs_name(
    made: Callable[..., Any], tmp_path: Path, programs: Programs, kind: str
) -> None:
    provider = made(kind, "Thank you for flying with us\n")
    ask = {"slurm": "squeue", "pbspro": "qselect", "lsf": "bjobs"}[kind]
    log = programs(ask, 'echo "$@" >> $LOG; echo 77')
    assert provider.submit("true", 1, "block-0") == "77"
    assert "block-0." in log.read_text() and known(tmp_path) == ["77"]
    programs(ask, "true")
    with pytest.raises(RuntimeError, match=r"without a job's number.*Thank you for flying with us"):
        provider.submit("true", 1)


def test_slurm_on_another_cluster_is_asked_and_cancelled_there(
    made: Callable[..., Any], tmp_path: Path, programs: Programs
) -> None:
    """A job that the default cluster does not know is not over."""
    provider = made("slurm", "Submitted batch job 123\n", "#SBATCH --clusters=x")
    assert provider.submit("true", 1) == "123;x"
    programs(
        "squeue",
        'case "$*" in *--clusters=x*) printf "CLUSTER: x\\n123 RUNNING\\n";; *) echo "124 PENDING";; esac',
    )
    assert states(provider, "123;x") == ["RUNNING"]
    log = programs("scancel", 'echo "$@" >> $LOG')
    assert provider.cancel(["123;x"]) == [True]
    assert log.read_text().split() == ["--clusters=x", "123"]
    (block,) = BlockRecords(tmp_path / "blocks").known()
    assert block.job == "123;x" and block.ended is not None


def test_an_earlier_drivers_job_on_another_cluster_is_ended_there(tmp_path: Path, programs: Programs) -> None:
    records = BlockRecords(tmp_path / "blocks")
    records.asked("123;x", "slurm", "gpu")
    programs("squeue", 'case "$*" in *--clusters=x*) [ -e $LOG.gone ] || echo 123;; esac')
    programs("scancel", '[ "$*" = "--clusters=x 123" ] && touch $LOG.gone')
    assert records.end_leftovers() == ["123;x"]
    assert records.alive() == []


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("12_[2-9] PENDING\n12_1 RUNNING", "RUNNING"),
        ("12+0 PENDING\n12+1 PENDING", "PENDING"),
        ("12 SUSPENDED", "HELD"),
        ("12 STOPPED", "HELD"),
        ("12 REQUEUE_HOLD", "HELD"),
        ("12 CONFIGURING", "PENDING"),
        ("12 SOMETHING_NEW", "UNKNOWN"),
        ("Job limit: 3 RUNNING\n12 RUNNING", "RUNNING"),
    ],
)
def test_states_of_slurm(made: Callable[..., Any], programs: Programs, said: str, state: str) -> None:
    provider = made("slurm", "Submitted batch job 12\n")
    provider.submit("true", 1)
    programs("squeue", f"printf '{said}\\n'")
    assert states(provider, "12") == [state]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("12|CANCELLED by 1000", "CANCELLED"),
        ("12|CANCELLED+", "CANCELLED"),
        ("12+0|COMPLETED\n12+1|FAILED", "FAILED"),
        ("12_1|COMPLETED\n12_2|TIMEOUT", "TIMEOUT"),
        ("12|RUNNING", "PENDING"),  # it has not arrived there yet
        ("", "PENDING"),
    ],
)
def test_accounting_of_slurm(made: Callable[..., Any], programs: Programs, said: str, state: str) -> None:
    provider = made("slurm", "Submitted batch job 12\n")
    provider.submit("true", 1)
    programs("squeue", "true")
    programs("sacct", f"printf '{said}\\n'")
    assert states(provider, "12") == [state]


def test_a_job_that_comes_back_to_the_queue_has_not_gone(
    made: Callable[..., Any], programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(slurm.time, "monotonic", lambda: now[0])
    provider = made("slurm", "Submitted batch job 12\n")
    provider.submit("true", 1)
    programs("squeue", "true")
    states(provider, "12")
    programs("squeue", "echo 12 RUNNING")
    now[0] = 50.0
    assert states(provider, "12") == ["RUNNING"]
    programs("squeue", "true")
    now[0] = 100.0  # gone for no time yet
    assert states(provider, "12") == ["RUNNING"]
    now[0] = 161.0
    assert states(provider, "12") == ["COMPLETED"]


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PSUSP", "HELD"),
        ("USUSP", "HELD"),
        ("SSUSP", "HELD"),
        ("PROV", "PENDING"),
        ("WAIT", "PENDING"),
        ("UNKWN", "UNKNOWN"),
        ("ZOMBI", "FAILED"),
        ("EXIT", "FAILED"),
    ],
)
def test_states_of_lsf(made: Callable[..., Any], programs: Programs, word: str, state: str) -> None:
    provider = made("lsf", "Job <12> is submitted to queue <q>.\n")
    provider.submit("true", 1)
    programs("bjobs", f'echo " 12 {word}"')
    assert states(provider, "12") == [state]
    programs("bjobs", "echo 12 RUN")
    assert states(provider, "12") == [state if state == "FAILED" else "RUNNING"]


def test_lsf_that_has_forgotten_one_job_still_says_how_the_other_is(
    made: Callable[..., Any], tmp_path: Path, programs: Programs
) -> None:
    provider = made("lsf", "Job <12> is submitted to queue <q>.\n")
    provider.submit("true", 1)
    (tmp_path / "answer").write_text("Job <13> is submitted to queue <q>.\n")
    provider.submit("true", 1)
    programs("bjobs", 'echo "13 RUN"; echo "Job <12> is not found" >&2; exit 255')
    assert states(provider, "12", "13") == ["COMPLETED", "RUNNING"]


def test_words_of_bjobs() -> None:
    said = "Have a nice day\n 12 RUN \n13[2] PEND\n13[3] EXIT\n14 NEWSTATE\n15 3\n"
    assert {number: state.name for number, state in lsf_states(said).items()} == {
        "12": "RUNNING",
        "13": "PENDING",
        "14": "UNKNOWN",
    }
    assert lsf_forgotten("Job <12> is not found\nJob <13[2]> is not found\n") == {"12", "13"}


def test_pbs_knows_short_and_long_names_and_one_forgotten_job(
    made: Callable[..., Any], tmp_path: Path, programs: Programs
) -> None:
    provider = made("pbspro", "12.pbs01\n")
    provider.submit("true", 1)
    (tmp_path / "answer").write_text("13\n")
    provider.submit("true", 1)
    answer = '{"Jobs":{"12.pbs01.domain.org":{"job_state":"S","Variable_List":{"A":005}}}}'
    programs("qstat", f"echo '{answer}'; echo 'qstat: Unknown Job Id 13.pbs01' >&2; exit 153")
    assert states(provider, "12.pbs01", "13") == ["HELD", "COMPLETED"]


def test_pbs_without_a_history_of_jobs(made: Callable[..., Any], programs: Programs) -> None:
    provider = made("pbspro", "12.pbs01\n")
    provider.submit("true", 1)
    programs(
        "qstat",
        '[ "$1" = -x ] && { echo "qstat: PBS is not configured to maintain job history" >&2; exit 15; }\n'
        """echo '{"Jobs":{"12.pbs01":{"job_state":"R"}}}'""",
    )
    assert states(provider, "12.pbs01") == ["RUNNING"]
    programs("qstat", "echo 'qstat: 12.pbs01 Job has finished, use -x or -H' >&2; exit 35")
    assert states(provider, "12.pbs01") == ["COMPLETED"]


@pytest.mark.parametrize(
    ("kind", "ask", "job", "answer"),
    [
        ("pbspro", "qstat", "12.pbs01", 'echo \'{"timestamp":1, "pbs_server":"pbs01"}\''),
        ("lsf", "bjobs", "12", "echo 99 RUN"),
    ],
)
def test_a_job_that_whole_answers_leave_out_has_ended_at_last(
    made: Callable[..., Any], programs: Programs, kind: str, ask: str, job: str, answer: str
) -> None:
    provider = made(kind, {"pbspro": "12.pbs01\n", "lsf": "Job <12> is submitted to queue <q>.\n"}[kind])
    provider.submit("true", 1)
    programs(ask, answer)
    assert [states(provider, job)[0] for _ in range(MISSED_ANSWERS)] == ["PENDING", "PENDING", "COMPLETED"]


@pytest.mark.parametrize(
    ("kind", "ask", "said"),
    [
        ("slurm", "squeue", "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"),
        ("pbspro", "qstat", "qstat: cannot connect to server pbs01 (errno=111)"),
        ("lsf", "bjobs", "LSF is down. Please wait ..."),
    ],
)
def test_silence_says_nothing_about_jobs(
    made: Callable[..., Any], programs: Programs, kind: str, ask: str, said: str
) -> None:
    answers = {"slurm": "12\n", "pbspro": "12\n", "lsf": "Job <12> is submitted to queue <q>.\n"}
    provider = made(kind, answers[kind])
    provider.submit("true", 1)
    programs(ask, f"echo '{said}' >&2; exit 1")
    for _ in range(MISSED_ANSWERS + 1):
        with pytest.raises(NoAnswer, match=f"{ask} does not answer: "):
            provider.status(["12"])
    assert provider.resources["12"]["status"].state is JobState.PENDING


@pytest.mark.parametrize(
    ("kind", "cancel", "said", "ask"),
    [
        ("slurm", "scancel", "scancel: error: Kill job error on job id 13: Access denied", "squeue"),
        (
            "pbspro",
            "qdel",
            "qdel: Unknown Job Id 12.pbs01\nqdel: Request invalid for state of job 13.pbs01",
            "qselect",
        ),
        (
            "lsf",
            "bkill",
            "Job <12>: Job has already finished\nJob <13>: Operation permission denied",
            "bjobs",
        ),
    ],
)
def test_what_could_not_be_cancelled_stays_written_down(
    made: Callable[..., Any], tmp_path: Path, programs: Programs, kind: str, cancel: str, said: str, ask: str
) -> None:
    words = {
        "slurm": "Submitted batch job {}\n",
        "pbspro": "{}.pbs01\n",
        "lsf": "Job <{}> is submitted to queue <q>.\n",
    }
    provider = made(kind, words[kind].format(12))
    first = provider.submit("true", 1)
    (tmp_path / "answer").write_text(words[kind].format(13))
    second = provider.submit("true", 1)
    programs(cancel, f"echo '{said}' >&2; exit 1")
    programs(ask, "echo 13")
    assert provider.cancel([first, second]) == [True, False]
    assert {block.job: block.ended is None for block in BlockRecords(tmp_path / "blocks").known()} == {
        first: False,
        second: True,
    }
