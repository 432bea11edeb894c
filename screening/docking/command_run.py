"""Runs a docking program on one molecule or on a batch, with a time limit, and leaves nothing of it behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...data.environment import SCRATCH
from ...data.errors import DockingError
from ...data.seeds import derive_seed
from .command_output import CommandOutput, Parsed, read_output
from .engine import DockingOutcome, Ligand, Protocol_
from .failures import FailureCode

_KEPT_OUTPUT = 1 << 24


@dataclass
class CommandRun:
    """One molecule on its way through the program."""

    name: str
    ligand: Ligand
    seed: int
    started: float
    path: Path | None = None
    state: str | None = None
    outcome: DockingOutcome | None = None

    def fail(self, code: FailureCode, message: str) -> None:
        """Set a failure as the outcome."""
        self.outcome = DockingOutcome(
            failure=code,
            message=message[:500],
            state=self.state,
            conformer_seed=self.seed,
            seconds=time.perf_counter() - self.started,
        )


class Program:
    """The program, with all that does not change from molecule to molecule."""

    def __init__(
        self, spec: Mapping[str, Any], folder: Path, target: str, seed: int, protocol: Protocol_, work: Path
    ) -> None:
        self._spec, self._work = spec, work
        self._output = CommandOutput(**spec["output"])
        self._template = spec[protocol]["command"]
        self._runs = 0
        self._values: dict[str, str] = {
            "receptor": str((folder / spec["receptor"]).resolve()) if spec["receptor"] else "",
            "seed": str(derive_seed(seed, "search", target, bits=31)),
            "cpus": str(spec["cpus"]),
        }
        for what in ("center", "size") if spec["box"] else ():
            for axis, value in zip("xyz", spec["box"][what], strict=True):
                self._values[f"{what}_{axis}"] = f"{value:g}"

    def run_one(self, job: CommandRun) -> None:
        """Run the program on one molecule and set its outcome."""
        assert job.path is not None
        job.started = time.perf_counter()
        run = self._run(job.path, [job], self._spec["time_limit"])
        if run.error is not None:
            return job.fail(*run.error)
        found = read_output(self._output, run.place, run.stdout, only=job.name)
        self._settle(job, found.get(job.name), time.perf_counter() - job.started)
        return None

    def run_batch(self, jobs: list[CommandRun]) -> list[CommandRun]:
        """Run the program on all ``jobs`` at once; return those to be tried alone."""
        suffix = self._spec["ligand_format"]
        together = self._work / f"batch.{suffix}"
        if suffix != "pdbqt":
            together.write_text(
                "".join(job.path.read_text("utf-8") for job in jobs if job.path), encoding="utf-8"
            )
        started = time.perf_counter()
        run = self._run(together, jobs, self._spec["time_limit"] * len(jobs))
        found = read_output(self._output, run.place, run.stdout, only=None)
        each = (time.perf_counter() - started) / len(jobs)
        alone = []
        for job in jobs:
            parsed = found.get(job.name)
            if run.error is not None and (parsed is None or parsed.score is None):
                alone.append(job)
            else:
                self._settle(job, parsed, each)
        return alone

    def _settle(self, job: CommandRun, parsed: Parsed | None, seconds: float) -> None:
        if parsed is None:
            return job.fail(FailureCode.ENGINE_OUTPUT, "the program wrote no score under the molecule's name")
        if parsed.score is None:
            return job.fail(FailureCode.ENGINE_OUTPUT, parsed.problem)
        job.outcome = DockingOutcome(
            score=parsed.score,
            state=job.state,
            conformer_seed=job.seed if self._spec["ligand_format"] != "smi" else None,
            search_seed=int(self._values["seed"]) if self._uses("seed") else None,
            seconds=seconds,
            poses=parsed.poses,
        )
        return None

    def _uses(self, placeholder: str) -> bool:
        return any(f"{{{placeholder}}}" in word for word in self._template)

    def _run(self, ligand: Path, jobs: Sequence[CommandRun], limit: float) -> Run:
        self._runs += 1
        place = self._work / f"run{self._runs:06d}"
        outputs = place / "outputs"
        outputs.mkdir(parents=True)
        listing = place / "ligands.txt"
        listing.write_text("".join(f"{job.path}\n" for job in jobs), encoding="utf-8")
        values = {
            **self._values,
            "ligand": str(ligand),
            "ligand_list": str(listing),
            "output": str(outputs / f"output.{self._output.suffix}"),
            "output_dir": str(outputs),
        }
        command = [word.format_map(values) for word in self._template]
        return run_program(command, place, limit)


@dataclass(frozen=True)
class Run:
    """How a run of the program ended; ``error`` is None if it ended well."""

    place: Path
    stdout: str
    error: tuple[FailureCode, str] | None


def scratch_folder() -> str | None:
    """Return where the files of docking programs go: the user's temporary folder, or None for the default.

    On workers TMPDIR is always short (``hpc.parsl_workers.config``), and DOCKSIEVE_SCRATCH keeps what it was.
    """
    folder = os.environ.get(SCRATCH)
    return str(Path(folder).absolute()) if folder and Path(folder).is_dir() else None


def run_program(command: Sequence[str], place: Path, limit: float) -> Run:
    """Run ``command`` in ``place``; past ``limit`` seconds, kill it with all that it has started.

    Raises
    ------
    DockingError
        If the program cannot be started at all.
    """
    scratch = scratch_folder()
    environment = {**os.environ, "TMPDIR": scratch} if scratch else None
    with (place / "stdout").open("wb") as out, (place / "stderr").open("wb") as err:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=place,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise DockingError(
                f"The program {command[0]!r} cannot be started here: {error.strerror}.",
                "It must be installed on every node that docks, under the same path.",
            ) from None
        problem = None
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            problem = (FailureCode.TIMEOUT, f"the program was killed after {limit:g} s")
        finally:
            # The group, also after a good end: children that it left behind would eat the worker's cores.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    stdout = _head(place / "stdout")
    if problem is None and code < 0:
        problem = (FailureCode.CRASH, f"the program was ended by signal {-code}")
    elif problem is None and code > 0:
        words = re.sub(r"\s+", " ", _head(place / "stderr")[-300:] or stdout[-300:]).strip()
        problem = (FailureCode.ENGINE_FAILED, f"the program ended with exit code {code}: {words}")
    return Run(place, stdout, problem)


def _head(path: Path) -> str:
    with path.open("rb") as handle:
        return handle.read(_KEPT_OUTPUT).decode("utf-8", "replace")
