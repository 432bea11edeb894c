"""Commands of schedulers: run with a time limit, without a shell, and without variables that change answers."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

Answer = tuple[int | None, str, str]
"""Exit code, output and error output of a scheduler's command."""
TOO_LATE = 124
"""Exit code of a command that did not end in time, as that of ``timeout``."""
_CANNOT_RUN = 127
_MISLEADING = re.compile(
    r"SQUEUE_\w+|SACCT_\w+|SCANCEL_\w+|SBATCH_(ARRAY_INX|WAIT|QUIET)|BSUB_QUIET\d?|BSUB_BLOCK|LSB_BJOBS_FORMAT"
)
"""Variables by which users filter or silence what is asked here: states left out, a job's number not said."""


def scheduler_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a scheduler's command: this process's, without what would change the answer."""
    found = os.environ if environment is None else environment
    return {name: value for name, value in found.items() if not _MISLEADING.fullmatch(name)}


def run_command(command: str | Sequence[str], seconds: float) -> Answer:
    """Run a command of a scheduler.

    Parameters
    ----------
    command : str or sequence of str
        Words; a text is split as a shell would, and ``< FILE`` in it names the command's input.
    seconds : float
        After which it is ended, with all that it started.

    Returns
    -------
    Answer
        Letters that are no UTF-8 are replaced. A command that does not end in time, or cannot be run, has a code
        other than 0 and says so.
    """
    words = shlex.split(command) if isinstance(command, str) else list(command)
    source = None
    if "<" in words:
        place = words.index("<")
        source = Path(words[place + 1])
        words = words[:place] + words[place + 2 :]
    try:
        text = source.read_bytes() if source else b""
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=scheduler_environment(),
            start_new_session=True,
        )
    except OSError as error:
        return _CANNOT_RUN, "", f"{words[0]} cannot be run: {error.strerror or error}"
    try:
        out, err = process.communicate(text, timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return TOO_LATE, "", f"{words[0]} did not answer within {seconds:.0f} s"
    return process.returncode, readable(out), readable(err)


def readable(said: bytes) -> str:
    """Return the text of an answer, whatever its encoding."""
    return said.decode("utf-8", errors="replace").replace("\r\n", "\n")
