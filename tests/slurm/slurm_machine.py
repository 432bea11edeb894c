"""Whether this machine can run a Slurm of its own, and what it has to provide: packages, ports, devices."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
try:
    from configuration import ADDRESS, Shape
finally:
    sys.path.pop(0)

PROGRAMS = {
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
    "munged": "munge",
}
ACCOUNTING = {"slurmdbd": "slurmdbd", "mariadbd": "mariadb-server"}


class CannotRun(Exception):
    """This machine lacks something; the tests are skipped with these words."""


def make_device(path: Path) -> None:
    """Make a character device that is as good as /dev/null."""
    if path.exists():
        return
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        path.chmod(0o666)
        path.open("rb").close()
    except OSError as error:
        raise CannotRun(f"devices cannot be made here: {error.strerror}") from None


def free_ports(count: int) -> int:
    """Return the first of ``count`` neighbouring free ports on the loopback interface."""
    for first in range(21000 + os.getpid() % 500 * 16, 32000, 16):
        with contextlib.ExitStack() as held:
            try:
                for port in range(first, first + count):
                    listener = held.enter_context(socket.socket())
                    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    listener.bind((ADDRESS, port))
            except OSError:
                continue
            return first
    raise CannotRun("no free ports between 21000 and 32000")


def check_machine(shape: Shape) -> None:
    """Raise :class:`CannotRun` if Slurm cannot run here; install what is missing if the environment says so."""
    if sys.platform != "linux":
        raise CannotRun("Slurm needs Linux")
    if os.geteuid() != 0:
        raise CannotRun("it needs root: slurmd switches users, and devices are made with mknod")
    host = socket.gethostname()
    try:
        address = socket.gethostbyname(host)
    except OSError:
        address = "nothing"
    if address != ADDRESS:
        raise CannotRun(
            f"the host's name {host} means {address}: put '{ADDRESS} {host}' first in /etc/hosts, so that Slurm "
            "listens on the loopback interface only"
        )
    wanted = {**PROGRAMS, **(ACCOUNTING if shape.accounting else {})}
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = sorted({package for program, package in wanted.items() if not shutil.which(program, path=path)})
    if missing and os.environ.get("DOCKSIEVE_SLURM_INSTALL") == "1":
        _install(missing)
    elif missing:
        raise CannotRun(f"missing packages: {' '.join(missing)} (`make test-slurm`, as root, installs them)")


def _install(packages: Sequence[str]) -> None:
    """Install Debian packages without letting them start services of their own."""
    if not shutil.which("apt-get"):
        raise CannotRun(f"missing packages: {' '.join(packages)}, and no apt-get to install them")
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        command = [
            "apt-get",
            "install",
            "-y",
            "--no-install-recommends",
            "slurm-wlm-basic-plugins",
            *packages,
        ]
        for attempt in (0, 1):
            result = subprocess.run(command, env=env, capture_output=True, text=True)
            if result.returncode == 0:
                return
            if attempt == 0:
                subprocess.run(["apt-get", "update"], env=env, capture_output=True)
        raise CannotRun(f"apt-get could not install {' '.join(packages)}: {result.stderr[-300:]}")
    finally:
        if ours:
            policy.unlink()
