"""Commands of PBS and LSF for one machine that plays two nodes: as much of them as Parsl and docksieve use.

A file per job under ``$PRETEND_QUEUE``. Jobs start at once, each in a process group of its own. ``mpiexec`` and
``blaunch`` start a copy of the command per node, which tells them apart by ``SLURMD_NODENAME``.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

QUEUE = Path(os.environ.get("PRETEND_QUEUE", "."))


def main() -> int:
    name, words = Path(sys.argv[0]).name, sys.argv[1:]
    return COMMANDS[name](words)


def qsub(words: list[str]) -> int:
    script = Path(words[-1])
    found = re.search(r"^#PBS -l select=(\d+)", script.read_text(), re.MULTILINE)
    print(_start(script, "PBS", int(found[1]) if found else 1))
    return 0


def qstat(words: list[str]) -> int:
    if "-Q" in words:
        return 0
    jobs = [word for word in words if re.fullmatch(r"\d+\.pretend", word)]
    if "json" not in words:
        alive = [job for job in jobs if _alive(job)]
        print("\n".join(alive))
        return 0 if alive else 35
    states = {job: {"job_state": "R" if _alive(job) else "F"} for job in jobs}
    print(json.dumps({"Jobs": states}))
    return 0


def qselect(words: list[str]) -> int:
    print("\n".join(f"{path.stem}.pretend" for path in QUEUE.glob("*.json") if _alive(path.stem)))
    return 0


def bsub(words: list[str]) -> int:
    if words:
        print("only `bsub < script` reads directives", file=sys.stderr)
        return 1
    text = sys.stdin.read()
    slots, each = re.search(r"^#BSUB -n (\d+)", text, re.MULTILINE), re.search(r"ptile=(\d+)", text)
    number = _next()
    script = QUEUE / f"{number}.sh"
    script.write_text(text)
    job = _start(script, "BSUB", int(slots[1]) // int(each[1]) if slots and each else 1)
    print(f"Job <{job}> is submitted to queue <pretend>.")
    return 0


def bjobs(words: list[str]) -> int:
    if "-u" in words:
        print("\n".join(path.stem for path in QUEUE.glob("*.json") if _alive(path.stem)))
        return 0
    for job in (word for word in words if word.isdigit()):
        state = "RUN" if _alive(job) else "DONE"
        if "jobid stat" in words:
            print(job, state)
        elif state == "RUN":
            print(job)
    return 0


def end(words: list[str]) -> int:
    for job in words:
        pid = _process(job)
        for kind in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(OSError):
                os.killpg(pid, kind)
            time.sleep(0.2)
    return 0


def mpiexec(words: list[str]) -> int:
    assert words[:2] in (["--cpu-bind", "none"], ["--bind-to", "none"])
    place = words.index("--hostfile")
    hosts = Path(words[place + 1]).read_text().split()
    assert int(words[words.index("-n") + 1]) == len(hosts)
    return _everywhere(hosts, words[place + 2 :])


def blaunch(words: list[str]) -> int:
    place = words.index("-z")
    return _everywhere(words[place + 1].split(), words[place + 2 :])


def _everywhere(hosts: list[str], command: list[str]) -> int:
    running = [subprocess.Popen(command, env={**os.environ, "SLURMD_NODENAME": host}) for host in hosts]
    return max(process.wait() for process in running)


def _start(script: Path, mark: str, nodes: int) -> str:
    text = script.read_text()
    number = _next()
    job = f"{number}.pretend" if mark == "PBS" else number
    hosts = QUEUE / f"{number}.hosts"
    # A line per slot, and LSF's begins with the host of the batch script.
    names = [f"n{node}" for node in range(1, nodes + 1)]
    hosts.write_text("\n".join(name for name in names for _ in range(2)) + "\n")
    of = {
        "PBS": {"PBS_JOBID": job, "PBS_NODEFILE": str(hosts)},
        "BSUB": {"LSB_JOBID": job, "LSB_DJOB_HOSTFILE": str(hosts)},
    }
    files = [re.search(rf"^#{mark} {flag} (\S+)", text, re.MULTILINE) for flag in ("-o", "-e")]
    environment = {**os.environ, **of[mark]}
    with contextlib.ExitStack() as stack:
        out, err = (
            stack.enter_context(Path(match[1]).open("ab")) if match else subprocess.DEVNULL for match in files
        )
        process = subprocess.Popen(
            ["bash", str(script)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    (QUEUE / f"{number}.json").write_text(json.dumps({"pid": process.pid}))
    return job


def _next() -> str:
    return str(100 + len(list(QUEUE.glob("*.json"))))


def _process(job: str) -> int:
    return int(json.loads((QUEUE / f"{job.split('.')[0]}.json").read_text())["pid"])


def _alive(job: str) -> bool:
    try:
        return psutil.Process(_process(job)).status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.Error):
        return False


COMMANDS = {
    "qsub": qsub,
    "qselect": qselect,
    "qstat": qstat,
    "qdel": end,
    "bsub": bsub,
    "bjobs": bjobs,
    "bkill": end,
    "mpiexec": mpiexec,
    "blaunch": blaunch,
    "bqueues": lambda words: 0,
}

if __name__ == "__main__":
    sys.exit(main())
