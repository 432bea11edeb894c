r"""What PBS says of jobs, read as leniently as it must be.

``qstat -F json`` is JSON most of the time. Known departures, by version of PBS: control characters and escapes that
JSON does not have (``\'``, ``\,``) in values of ``Variable_List``; numbers with leading zeros (``"FOO":005``);
quotation marks inside of values; a line of a wrapper before or after. One job that the server has forgotten makes the
exit code 153, with the other jobs in the answer.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from .submitted import job_number

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BAD_ESCAPE = re.compile(r'\\(u[0-9a-fA-F]{4}|["\\/bfnrt])|\\', re.DOTALL)
_BARE = re.compile(r"(?<=[:\[,])(\s*)([^\s\"{}\[\],:][^\"{}\[\],\r\n]*)(?=\s*[,}\]\r\n])")
_SPARE_COMMA = re.compile(r",(\s*[}\]])")
_GONE = (
    re.compile(r"Unknown Job ?Id(?: Error)?\s*:?\s*(\d+)", re.IGNORECASE),
    re.compile(r"(\d+)[\w.\[\]-]*:?\s+Job has finished", re.IGNORECASE),
    re.compile(r"Job has finished.*?\b(\d+)[.\[]", re.IGNORECASE),
)
_JOB = re.compile(r'(?:^|[{,])\s*"(\d+(?:\[[\d,:-]*\])?(?:\.[\w.-]+)?)"\s*:\s*\{', re.MULTILINE)
_STATE = re.compile(r'"job_state"\s*:\s*"?([A-Z])\b')


@dataclass(frozen=True)
class PbsAnswer:
    """What an answer of ``qstat`` says.

    Attributes
    ----------
    jobs : dict of str to dict
        What is known of each job, by its number without server.
    gone : set of str
        Numbers of jobs that the server says it does not have any more.
    whole : bool
        Whether the answer was read to its end, so that a job which is in neither is not known to the server.
    """

    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    whole: bool = False


def pbs_answer(out: str, err: str) -> PbsAnswer:
    """Read the answer of ``qstat -f -F json``.

    Parameters
    ----------
    out, err : str
        What the command printed.
    """
    gone = {match[1] for pattern in _GONE for match in pattern.finditer(err + "\n" + _before(out))}
    said = lenient_json(out)
    if isinstance(said, dict):
        jobs = said.get("Jobs")
        table = jobs if isinstance(jobs, dict) else {}
        found = {job_number(job): about for job, about in table.items() if isinstance(about, dict)}
        return PbsAnswer(found, gone, whole=True)
    return PbsAnswer(_by_lines(out), gone, whole=False)


def lenient_json(text: str) -> Any:
    """Return what a text means that was meant to be JSON; None if even its repair cannot be read.

    Parameters
    ----------
    text : str
        Words before the first ``{`` and after the last ``}`` are left out.
    """
    begin, end = text.find("{"), text.rfind("}")
    if begin < 0 or end < begin:
        return None
    body = text[begin : end + 1]
    for form in (body, _repaired(body)):
        try:
            return json.loads(form, strict=False)  # control characters inside of texts are let through
        except (ValueError, RecursionError):
            continue
    return None


def _repaired(body: str) -> str:
    """Return ``body`` with escapes that JSON knows, bare words and odd numbers as texts, and no spare commas."""
    parts, last = [], 0
    for match in _TEXT.finditer(body):
        parts.append(_outside(body[last : match.start()]))
        parts.append(_BAD_ESCAPE.sub(lambda found: found[0] if found[1] else "\\\\", match[0]))
        last = match.end()
    parts.append(_outside(body[last:]))
    return _SPARE_COMMA.sub(r"\1", "".join(parts))


def _outside(text: str) -> str:
    """Return what stands between two texts, with each value that JSON would not read made a text."""

    def value(match: re.Match[str]) -> str:
        word = match[2].rstrip()
        try:
            json.loads(word)
        except ValueError:
            return match[1] + json.dumps(word)
        return match[1] + word

    return _BARE.sub(value, text)


def _before(out: str) -> str:
    """Return what an answer says before its JSON: some wrappers mix both outputs."""
    return out.partition("{")[0]


def _by_lines(out: str) -> dict[str, dict[str, Any]]:
    """Return states and times of an answer that cannot be read as JSON at all, job by job."""
    heads = list(_JOB.finditer(out))
    found: dict[str, dict[str, Any]] = {}
    ends = [head.start() for head in heads[1:]] + [len(out)]
    for head, end in zip(heads, ends, strict=False):
        part = out[head.end() : end]
        state = _STATE.search(part)
        about: dict[str, Any] = {"job_state": state[1]} if state else {}
        for name in ("Resource_List", "resources_used"):
            match = re.search(rf'"{name}"\s*:\s*\{{[^}}]*?"walltime"\s*:\s*"?([\d:]+)', part)
            if match:
                about[name] = {"walltime": match[1]}
        if about:
            found[job_number(head[1])] = about
    return found
