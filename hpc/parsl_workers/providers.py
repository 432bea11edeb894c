"""Parsl's providers, as a site's pools want them."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

from parsl.jobs.states import JobState, JobStatus
from parsl.providers import LocalProvider, LSFProvider, PBSProProvider, SlurmProvider
from parsl.providers.cluster_provider import ClusterProvider
from parsl.providers.slurm.slurm import sacct_translate_table

from ..jobs.blocks import BlockRecords
from ..sites.pool import Pool, clock, walltime_seconds
from ..sites.site import Site
from .launchers import launcher

Answer = tuple[int | None, str, str]
"""Exit code, output and error output of a scheduler's command."""
_rehearsal: ContextVar[Callable[[str], Answer] | None] = ContextVar("rehearsal", default=None)


def accepted(command: str) -> Answer:
    """Answer a command for a scheduler as one that takes every job would."""
    said = {"sbatch": "Submitted batch job 1", "qsub": "1", "bsub": "Job <1> is submitted to queue <any>."}
    return 0, said.get(command.split()[0], ""), ""


@contextlib.contextmanager
def rehearsed(answer: Callable[[str], Answer]) -> Iterator[None]:
    """Let ``answer`` reply to every command for a scheduler inside the block; none is run."""
    token = _rehearsal.set(answer)
    try:
        yield
    finally:
        _rehearsal.reset(token)


class _Listening(ClusterProvider):
    """Keeps what the scheduler says when it refuses something.

    It stands behind Parsl's own providers in their line of inheritance, since one of them calls the method of
    ``ClusterProvider`` by name.
    """

    last_words: str = ""
    """What the scheduler said when it last refused something."""

    def execute_wait(self, cmd: str, timeout: int | None = None) -> Answer:
        """Run a command of the scheduler, and keep what it says when it fails."""
        answer = _rehearsal.get()
        code, out, err = answer(cmd) if answer else super().execute_wait(cmd, timeout)
        if code != 0:
            self.last_words = " ".join((err or out or "").split())
        return code, out, err


ACCOUNTING_SECONDS = 60.0
"""How long Slurm's accounting may take to learn how a job ended."""
_MORE_STATES = {
    "CONFIGURING": JobState.PENDING,
    "COMPLETING": JobState.RUNNING,
    "SIGNALING": JobState.RUNNING,
}
"""What the queue says and accounting does not."""


class _Recorded:
    """Adds to a provider: blocks are written down, asked about as often as the site says, refused in its own words."""

    _records: BlockRecords
    _pool: str
    _scheduler: str
    _poll: int
    last_words: str

    def watch(self, records: BlockRecords, pool: str, scheduler: str, poll: int) -> None:
        """Begin to write blocks down."""
        self._records, self._pool, self._scheduler, self._poll = records, pool, scheduler, poll

    @property
    def status_polling_interval(self) -> int:
        """Seconds between questions to the scheduler."""
        return self._poll

    def submit(self, command: str, tasks_per_node: int, job_name: str = "docksieve") -> Any:
        """Ask for a block."""
        job = super().submit(command, tasks_per_node, job_name)  # type: ignore[misc]
        if job is None:  # some providers only log why
            raise RuntimeError(f"the scheduler refused the job: {self.last_words}")
        self._records.asked(str(job), self._scheduler, self._pool)
        return job

    def cancel(self, job_ids: Sequence[str]) -> Any:
        """Give blocks back."""
        result = super().cancel(job_ids)  # type: ignore[misc]
        self._records.ended(list(map(str, job_ids)))
        return result


class Slurm(_Recorded, SlurmProvider, _Listening):
    """Parsl's provider for Slurm, with blocks written down."""

    scheduler_options: str
    resources: dict[str, dict[str, Any]]
    _excluded: tuple[str, ...] = ()

    def _status(self) -> None:
        """Ask how the blocks are: the queue, which knows at once, and accounting about those that have left it.

        Parsl asks accounting alone, which learns of a job some seconds after it was submitted; a job that accounting
        does not know is then taken for ended, for good, and another one asked for in its place.
        """
        open_jobs = [job for job, known in self.resources.items() if not known["status"].terminal]
        if not open_jobs:
            return
        code, out, _ = self.execute_wait("squeue --noheader --me --format='%i %T'")
        if code != 0:
            return
        states = dict(line.split(None, 1) for line in out.splitlines() if line.strip())
        gone = [job for job in open_jobs if job not in states]
        if gone:
            code, out, _ = self.execute_wait(
                f"sacct -X --noheader --parsable2 --format=jobid,state --job {','.join(gone)}"
            )
            said = dict(line.split("|", 1) for line in out.splitlines() if "|" in line) if code == 0 else {}
            # Without accounting nothing tells how a job ended. What still counts as waiting there has not arrived yet.
            states |= {job: said.get(job, "" if said or code == 0 else "COMPLETED") for job in gone}
        for job in open_jobs:
            state = sacct_translate_table.get((states[job].split() or [""])[0])
            if job in gone and (state is None or state in (JobState.PENDING, JobState.RUNNING)):
                if not self._gone_for_good(job):
                    continue
                state = JobState.COMPLETED
            self._note(job, state or _MORE_STATES.get(states[job].split()[0], JobState.UNKNOWN))

    def _gone_for_good(self, job: str) -> bool:
        """Tell whether a job has been out of the queue for so long that accounting must know it if it ever will."""
        since = self.resources[job].setdefault("gone_since", time.monotonic())
        return bool(time.monotonic() - since > ACCOUNTING_SECONDS)

    def _note(self, job: str, state: JobState) -> None:
        known = self.resources[job]
        known["status"] = JobStatus(
            state, stdout_path=known.get("job_stdout_path"), stderr_path=known.get("job_stderr_path")
        )

    def exclude(self, node: str) -> None:
        """Ask for no block on ``node`` any more."""
        before = f"#SBATCH --exclude={','.join(self._excluded)}\n" if self._excluded else ""
        self._excluded = (*self._excluded, node)
        plain = self.scheduler_options.removesuffix(before)
        self.scheduler_options = f"{plain}#SBATCH --exclude={','.join(self._excluded)}\n"


class PBSPro(_Recorded, PBSProProvider, _Listening):
    """Parsl's provider for PBS Professional, with blocks written down; it cannot be told to leave out a node."""


class LSF(_Recorded, LSFProvider, _Listening):
    """Parsl's provider for LSF, with blocks written down."""

    scheduler_options: str

    def exclude(self, node: str) -> None:
        """Ask for no block on ``node`` any more."""
        self.scheduler_options += f"#BSUB -R \"select[hname!='{node}']\"\n"


def cluster_provider(site: Site, pool: Pool, worker_init: str, records: BlockRecords) -> Any:
    """Return the Parsl provider that asks ``site``'s scheduler for the blocks of ``pool``."""
    common: dict[str, Any] = {
        "nodes_per_block": pool.nodes,
        "init_blocks": pool.min_blocks,
        "min_blocks": pool.min_blocks,
        "max_blocks": pool.blocks,
        "walltime": clock(walltime_seconds(pool.walltime)),
        "worker_init": worker_init,
        "scheduler_options": "\n".join(pool.directives),
        "launcher": launcher(site, pool),
        "cmd_timeout": 60,
    }
    provider = _PROVIDERS[site.kind](pool, common)
    provider.watch(records, pool.name, site.kind, site.queue_poll_seconds)
    return provider


def _slurm(pool: Pool, common: dict[str, Any]) -> Slurm:
    # A block that lost a node ends: Parsl asks for a new one sooner than Slurm would requeue the old one, and no two
    # copies of a worker run at once.
    common["scheduler_options"] = "\n".join(["#SBATCH --no-requeue", *pool.directives])
    return Slurm(
        partition=pool.queue or None,
        account=pool.account or None,
        qos=pool.qos or None,
        constraint=pool.constraint or None,
        cores_per_node=pool.cores or None,
        mem_per_node=pool.memory_gb or None,
        gpus_per_node=None if _asks_for_devices(pool.directives) else pool.gpus or None,
        exclusive=pool.exclusive,
        **common,
    )


def _pbspro(pool: Pool, common: dict[str, Any]) -> PBSPro:
    select = [pool.select_options] if pool.select_options else []
    if pool.gpus and not pool.select_options:
        select.append(f"ngpus={pool.gpus}")
    if pool.memory_gb and "mem=" not in pool.select_options:
        select.append(f"mem={pool.memory_gb}gb")
    # Not run again by PBS, for the reason given for Slurm; and no two parts of a block on one node.
    lines = [] if _mentions(pool.directives, r"-r ") else ["#PBS -r n"]
    if not _mentions(pool.directives, r"place="):
        lines.append(f"#PBS -l place=scatter{':excl' if pool.exclusive else ''}")
    common["scheduler_options"] = "\n".join([*lines, *pool.directives])
    return PBSPro(
        queue=pool.queue or None,
        account=pool.account or None,
        cpus_per_node=pool.cores or 1,
        select_options=":".join(select),
        **common,
    )


def _lsf(pool: Pool, common: dict[str, Any]) -> LSF:
    lines = [] if _mentions(pool.directives, r"-rn?\b") else ["#BSUB -rn"]
    if pool.exclusive and not _mentions(pool.directives, r"-x\b"):
        lines.append("#BSUB -x")
    if pool.gpus and not _mentions(pool.directives, r"-(gpu|alloc_flags)\b"):
        # Several processes must reach a device: the proof of a worker's, and workers that share one.
        lines.append(f'#BSUB -gpu "num={pool.gpus}:mode=shared:j_exclusive=yes"')
    if pool.memory_gb and not _mentions(pool.directives, r"mem="):
        lines.append(f'#BSUB -R "rusage[mem={pool.memory_gb}GB/host]"')
    common["scheduler_options"] = "\n".join([*lines, *pool.directives])
    by_nodes = (
        pool.launcher == "jsrun"
    )  # only where IBM's job step manager is can LSF be asked for whole nodes
    return LSF(
        queue=pool.queue or None,
        project=pool.account or None,
        request_by_nodes=by_nodes,
        cores_per_block=None if by_nodes else pool.nodes * max(1, pool.cores),
        cores_per_node=None if by_nodes else max(1, pool.cores),
        bsub_redirection=True,  # else directives count only where the centre has switched that on
        **common,
    )


_PROVIDERS: dict[str, Callable[[Pool, dict[str, Any]], Any]] = {
    "slurm": _slurm, "pbspro": _pbspro, "lsf": _lsf
}  # fmt: skip


def local_provider(site: Site, pool: Pool, worker_init: str) -> LocalProvider:
    """Return the Parsl provider for workers on this machine, or on the nodes of the batch job around us."""
    return LocalProvider(
        nodes_per_block=pool.nodes,
        init_blocks=1,
        min_blocks=1,
        max_blocks=1,
        launcher=launcher(site, pool),
        worker_init=worker_init,
    )


def _asks_for_devices(directives: Sequence[str]) -> bool:
    return _mentions(directives, r"--(gres|gpus|gpus-per-\w+)[= ]")


def _mentions(directives: Sequence[str], pattern: str) -> bool:
    return any(re.search(pattern, line) for line in directives)
