"""Dask's jobs submitted and cancelled: the scheduler's commands, and which job an answer means."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from pathlib import Path
from typing import Any, Protocol

from distributed.core import Status
from distributed.deploy.spec import ProcessInterface

from ..jobs.commands import readable, scheduler_environment
from ..jobs.submitted import job_cluster, submitted_job

ANSWER_SECONDS = 60.0
"""How long a command of the scheduler may take."""


class Watch(Protocol):
    """Told what became of submissions (:class:`docksieve.hpc.dask_workers.jobs.JobWatch`)."""

    scheduler: str
    cluster: str

    def accepted(self, job: str) -> None:
        """Note that the scheduler took a job."""

    def refused(self, error: Exception) -> None:
        """Note that the scheduler did not take a job."""


async def called(command: list[str], source: str = "") -> tuple[int | None, str, str]:
    """Run a scheduler's command; return exit code (None if it was too slow), output and error output."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=scheduler_environment(),
            start_new_session=True,
        )
    except OSError as error:
        return 127, "", f"{command[0]} cannot be run: {error.strerror or error}"
    try:
        out, err = await asyncio.wait_for(process.communicate(source.encode()), ANSWER_SECONDS)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        return 124, "", f"{command[0]} did not answer within {ANSWER_SECONDS:.0f} s"
    return process.returncode, readable(out), readable(err)


def watched(job_class: type, watch: Watch) -> type:
    """Return dask-jobqueue's ``job_class`` with submissions noted in ``watch``, and answers read as they should be.

    dask-jobqueue takes the first number of an answer for the job, and throws away what bsub says of a refusal.
    """

    class Watched(job_class):
        cancel_command: str

        async def start(self) -> None:
            try:
                await super().start()
                watch.accepted(self.job_id)
            except (RuntimeError, ValueError) as error:  # refused, or an answer without a number
                watch.refused(error)
                await ProcessInterface.start(self)

        async def _submit_job(self, script_filename: str) -> str:
            if getattr(self, "use_stdin", False):
                return await self._call(
                    shlex.split(self.submit_command), source=Path(script_filename).read_text()
                )
            return str(await super()._submit_job(script_filename))

        def _job_id_from_submit_output(self, out: str) -> str:
            job = submitted_job(watch.scheduler, out, watch.cluster)
            if job is None:
                raise ValueError(
                    f"{self.submit_command} answered without a job's number, so the job, if it was taken, cannot be "
                    f"followed (look for it in the queue): {' '.join(out.split()) or 'it said nothing'}"
                )
            if cluster := job_cluster(job):
                self.cancel_command = f"{self.cancel_command} --clusters={cluster}"
            return job

        async def close(self) -> None:
            # scancel knows numbers alone, bkill too, and qdel takes what qsub said.
            name = self.job_id.partition(";")[0] if self.job_id else self.job_id
            await self._close_job(name, self.cancel_command)
            self.status = Status.closed

        @staticmethod
        async def _call(command: list[str], *, source: str = "", **_: Any) -> str:
            code, out, err = await called(command, source)
            if code != 0:
                raise RuntimeError(
                    f"{' '.join(command)} failed with exit code {code}.\nstderr:\n{err or out}"
                )
            return out

    Watched.__name__ = job_class.__name__
    return Watched
