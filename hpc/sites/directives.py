"""Lines of a batch script's head that a block cannot have, found before anything is submitted."""

from __future__ import annotations

import re
import shlex

_ARRAY = "asks for an array of jobs; a block is one job, and `blocks` says how many there may be"
_HETEROGENEOUS = (
    "makes a heterogeneous job; a block is one job of equal nodes, and pools are for nodes of another kind"
)
_WAIT = "lets the command wait until the job has ended, so its number would be known too late"
_SILENT = "keeps the number of the job from being said, so it could not be followed"
_NO_JOB = "does not submit a job that runs by itself"
_REFUSED: dict[str, tuple[tuple[str, str], ...]] = {
    "#SBATCH": (
        (r"-a|-a[\d\[].*|--arr(a(y(=.*)?)?)?", _ARRAY),
        (r"hetjob|packjob|:", _HETEROGENEOUS),
        (r"-W|--wait", _WAIT),
        (r"-Q|--quiet", _SILENT),
        (r"--test-only|--wrap(=.*)?|-V|--version|--help|--usage", _NO_JOB),
    ),
    "#PBS": (
        (r"-J|-J\d.*", _ARRAY),
        (r"(.*,)?block=(true|True|TRUE|1|y|Y|t|T)(,.*)?|-Wblock=.*", _WAIT),
        (r"-z", _SILENT),
        (r"-I|-X", _NO_JOB),
    ),
    "#BSUB": (
        (r"(-J)?[^\[\]]+\[[\d,:-]+\](%\d+)?", _ARRAY),
        (r"-K", _WAIT),
        (r"-I[ps]?S?|-Is?X", _NO_JOB),
    ),
}
"""Words that are refused, by the mark that begins the line."""
_VALUES_OF = {"#BSUB": ("-J",), "#PBS": ("-J", "-W")}
"""Options whose value is looked at; that of any other may look like anything."""


def directive_problem(line: str) -> str:
    """Return what is wrong with a line for the head of the batch script; empty if a block can have it.

    Parameters
    ----------
    line : str
        Such as ``#SBATCH --array=1-4``.
    """
    mark, _, rest = line.strip().partition(" ")
    try:
        words = shlex.split(rest, comments=True)
    except ValueError:  # quotation marks that do not end: the scheduler says so itself
        words = rest.split()
    before = ""
    for word in words:
        # The value of an option of one letter is no option: `#SBATCH --comment -a`, `#BSUB -R "select[2]"`.
        is_value = bool(before) and not word.startswith("-")
        if not is_value or before in _VALUES_OF.get(mark, ()):
            for pattern, why in _REFUSED.get(mark, ()):
                if re.fullmatch(pattern, word):
                    return why
        before = word if word.startswith("-") and "=" not in word else ""
    return ""
