"""A real Slurm on this machine: several virtual nodes with pretended devices, loopback only, all in one folder.

    python tests/slurm/cluster.py up FOLDER        # then: . FOLDER/env.sh && sinfo
    python tests/slurm/cluster.py down FOLDER

Exit codes of ``up``: 0 it runs (also if it ran before), 77 it cannot run here (why is said), 1 it failed. Needs root,
because slurmd starts jobs as other users and devices are made with mknod. With ``DOCKSIEVE_SLURM_INSTALL=1``
missing Debian packages are installed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent))  # a script and a test's helper, in no package
try:
    from configuration import ADDRESS, CLUSTER, Shape, device_path, gres_conf, slurm_conf, slurmdbd_conf
    from processes import Daemons, kill_all
    from slurm_machine import CannotRun, check_machine, free_ports, make_device
finally:
    sys.path.pop(0)

CANNOT = 77
PREFIX = "docksieve-slurm-"


class SlurmCluster:
    """A throw-away Slurm.

    Parameters
    ----------
    root : Path
        Holds everything; a short path, because sockets lie in it.
    shape : Shape
    """

    def __init__(self, root: Path, shape: Shape | None = None) -> None:
        self.root, self.shape = root, shape or Shape()
        self.nodes = self.shape.names
        self._daemons = Daemons(root / "daemons", root / "log")
        path = os.environ.get("PATH", "/usr/bin:/bin")
        self.env = {"SLURM_CONF": str(root / "slurm.conf"), "PATH": f"{path}:/usr/sbin:/sbin"}

    # Up and down ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Bring everything up; daemons that run already are left alone.

        Raises
        ------
        CannotRun
            If this machine cannot run Slurm so.
        RuntimeError
            If a daemon does not come up; the ends of the logs are in the message.
        """
        check_machine(self.shape)
        if self._daemons.get("slurmctld") is None:
            self.stop()
            self._write()
            self._start_services()
        for node in self.nodes:
            self.restore_node(node)
        self.wait(lambda: len(self.states("idle")) == self.shape.nodes, 90, "all nodes idle")

    def _write(self) -> None:
        root, shape, user = self.root, self.shape, getpass.getuser()
        if len(str(root)) > 60:
            raise CannotRun(f"{root} is too long for the name of a socket's folder")
        root.chmod(0o755)
        for name in ("state", "munge", "dev", *(f"spool/{node}" for node in self.nodes)):
            (root / name).mkdir(parents=True, exist_ok=True)
        (root / "munge").chmod(0o755)
        key = root / "munge" / "key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        for node in self.nodes:
            for number in range(shape.gpus):
                make_device(device_path(root, node, number))
        self._port = free_ports(shape.port_count)
        self._password = secrets.token_hex(8)
        (root / "slurm.conf").write_text(slurm_conf(root, shape, self._port, user))
        (root / "gres.conf").write_text(gres_conf(root, shape))
        secret = root / "slurmdbd.conf"
        secret.touch(mode=0o600)
        secret.write_text(slurmdbd_conf(root, self._port, user, self._password))
        (root / "env.sh").write_text("".join(f"export {key}='{value}'\n" for key, value in self.env.items()))

    def _start_services(self) -> None:
        munge = self.root / "munge"
        self._launch(
            "munged",
            "--foreground",
            f"--key-file={munge / 'key'}",
            f"--socket={munge / 'socket'}",
            f"--pid-file={munge / 'pid'}",
            f"--log-file={self.root / 'log' / 'munged.log'}",
            f"--seed-file={munge / 'seed'}",
        )
        self.wait((munge / "socket").exists, 30, "munged")
        if self.shape.accounting:
            self._start_accounting()
        self._launch("slurmctld", "-D", "-f", self.env["SLURM_CONF"])
        self.wait(lambda: self.run("scontrol", "ping", check=False).count("UP"), 60, "slurmctld")

    def _start_accounting(self) -> None:
        folder = self.root / "mariadb"
        folder.mkdir(exist_ok=True)
        shutil.chown(folder, "mysql")
        common = ["--no-defaults", "--user=mysql", f"--datadir={folder / 'data'}"]
        if not (folder / "data").exists():
            made = [
                "mariadb-install-db",
                *common,
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ]
            subprocess.run(made, check=True, capture_output=True)
        listen = [f"--socket={folder / 'socket'}", f"--bind-address={ADDRESS}", f"--port={self._port + 2}"]
        self._launch("mariadbd", *common, *listen, f"--pid-file={folder / 'pid'}")
        admin = ["--no-defaults", f"--socket={folder / 'socket'}", "--user=root"]
        self.wait(lambda: _succeeds("mariadb-admin", *admin, "ping"), 60, "MariaDB")
        grants = "".join(
            f"create or replace user slurm@'{host}' identified by '{self._password}';"
            f"grant all on slurm_acct.* to slurm@'{host}';"
            for host in (ADDRESS, "localhost")
        )
        self.run("mariadb", *admin, "-e", f"create database if not exists slurm_acct; {grants}")
        self._launch("slurmdbd", "-D")
        self.wait(lambda: self._succeeds("sacctmgr", "-n", "show", "cluster"), 60, "slurmdbd")
        self._succeeds("sacctmgr", "-i", "add", "cluster", CLUSTER)

    def stop(self) -> None:
        """End all jobs and daemons that this folder knows of; nothing else is touched."""
        if self._daemons.get("slurmctld") is not None:
            with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired):
                self.cancel_all(10)
        for node in self.nodes:
            self._daemons.stop(f"slurmd-{node}")
        kill_all(self._left_over())
        for name in ("slurmctld", "slurmdbd", "mariadbd", "munged", *self._daemons.names()):
            self._daemons.stop(name, 15)

    def _step_daemons(self, node: str = "") -> list[psutil.Process]:
        """Return the step daemons of one node, or of all.

        A step daemon overwrites its environment; it is known by the socket that it keeps in its node's folder.
        """
        spool = f"{self.root / 'spool' / node}/"
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if "slurmstepd" in " ".join(process.cmdline()):
                    sockets = process.net_connections("unix")
                    if any(str(item.laddr).startswith(spool) for item in sockets):
                        found.append(process)
        return found

    def _left_over(self, node: str = "") -> list[psutil.Process]:
        """Return step daemons (of one node, or all) and everything that they started."""
        found: list[psutil.Process] = []
        for daemon in self._step_daemons(node):
            with contextlib.suppress(psutil.Error):
                found += [daemon, *daemon.children(recursive=True)]
        return found

    def processes(self, job: int, title: str = "") -> list[psutil.Process]:
        """Return the processes of a job whose command line has ``title`` in it."""
        found: list[psutil.Process] = []
        for daemon in self._step_daemons():
            with contextlib.suppress(psutil.Error):
                if f"[{job}." in " ".join(daemon.cmdline()):
                    found += daemon.children(recursive=True)
        chosen = []
        for process in found:
            with contextlib.suppress(psutil.Error):
                if title in " ".join(process.cmdline()):
                    chosen.append(process)
        return chosen

    # What tests do to it ----------------------------------------------------------------------------

    def kill_node(self, node: str, with_jobs: bool = True) -> None:
        """Let a node fail: its slurmd dies at once, and all that ran there.

        Without ``with_jobs`` only slurmd dies; what ran goes on, unseen by Slurm, as when a network fails.
        """
        doomed = self._left_over(node) if with_jobs else []
        self._daemons.stop(f"slurmd-{node}", 0)
        kill_all(doomed)

    def restore_node(self, node: str) -> None:
        """Start a node's slurmd unless it runs."""
        if self._daemons.get(f"slurmd-{node}") is None:
            self._launch("slurmd", "-D", "-f", self.env["SLURM_CONF"], "-N", node, name=f"slurmd-{node}")

    def heal(self) -> None:
        """Make the cluster as new: no job, all nodes idle."""
        self.cancel_all(30)
        for node in self.nodes:
            self.restore_node(node)
        down = self.states("down", "drain", "fail", "unknown")
        if down:
            self.run("scontrol", "update", f"NodeName={','.join(down)}", "State=RESUME", check=False)
        self.wait(lambda: len(self.states("idle")) == self.shape.nodes, 90, "all nodes idle")

    def cancel_all(self, seconds: float) -> None:
        """Cancel all jobs and wait until they have gone."""
        for job in self.jobs():
            self.run("scancel", str(job), check=False)
        with contextlib.suppress(RuntimeError):
            self.wait(lambda: not self.jobs(), seconds, "jobs to end")

    def jobs(self, *states: str) -> list[int]:
        """Return the numbers of the jobs in these states (``RUNNING``, ``PENDING`` ...; default: not ended)."""
        chosen = [f"--states={','.join(states)}"] if states else []
        return [int(line) for line in self.run("squeue", "--noheader", "--format=%A", *chosen).split()]

    def states(self, *states: str) -> list[str]:
        """Return the names of the nodes in any of these states."""
        said = self.run(
            "sinfo", "--noheader", "-N", "-p", "main", f"--states={','.join(states)}", "--format=%N"
        )
        return said.split()

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command in this cluster's environment (one string is split at blanks); return its output.

        Raises
        ------
        RuntimeError
            If it fails and ``check`` is true.
        """
        words = command[0].split() if len(command) == 1 else list(command)
        result = subprocess.run(
            words, env={**os.environ, **self.env}, capture_output=True, text=True, timeout=30
        )
        if check and result.returncode:
            raise RuntimeError(f"{' '.join(words)}: {result.stderr or result.stdout}")
        return result.stdout

    def wait(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        """Wait until ``condition`` holds.

        Raises
        ------
        RuntimeError
            If it does not within ``seconds``.
        """
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise RuntimeError(f"{what}: not within {seconds} s\n{self._daemons.tail()}")
            time.sleep(0.1)

    def _launch(self, program: str, *arguments: str, name: str = "") -> None:
        found = shutil.which(program, path=self.env["PATH"])
        assert found is not None, f"{program} has gone"
        self._daemons.start(name or program, [found, *arguments], {**os.environ, **self.env})

    def _succeeds(self, *command: str) -> bool:
        return _succeeds(*command, env={**os.environ, **self.env})


def _succeeds(*command: str, env: dict[str, str] | None = None) -> bool:
    return subprocess.run(command, env=env, capture_output=True, timeout=30).returncode == 0


def temporary_cluster(shape: Shape | None = None) -> SlurmCluster:
    """Return a cluster in a new folder; what killed test runs left of theirs is ended first."""
    home = Path(tempfile.gettempdir())
    for folder in home.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            owner = json.loads((folder / "owner.json").read_text())
            if (
                psutil.pid_exists(owner["pid"])
                and psutil.Process(owner["pid"]).create_time() == owner["started"]
            ):
                continue
            remove(SlurmCluster(folder, shape_of(folder)))
    root = Path(tempfile.mkdtemp(prefix=PREFIX))
    me = psutil.Process()
    (root / "owner.json").write_text(json.dumps({"pid": me.pid, "started": me.create_time()}))
    return SlurmCluster(root, dataclasses.replace(shape or Shape(), prefix=f"p{me.pid}n"))


def shape_of(folder: Path) -> Shape:
    """Return the shape of the cluster in ``folder``, as far as it is needed to stop it."""
    names = sorted(path.name for path in (folder / "spool").glob("*"))
    return Shape(nodes=len(names), prefix=names[0].removesuffix("1")) if names else Shape()


def remove(cluster: SlurmCluster) -> None:
    """Stop a cluster and remove its folder."""
    cluster.stop()
    shutil.rmtree(cluster.root, ignore_errors=True)


def main(arguments: Sequence[str]) -> int:
    """Bring a cluster up or down; see the module's own words."""
    if len(arguments) != 2 or arguments[0] not in ("up", "down"):
        print(__doc__, file=sys.stderr)
        return 2
    action, folder = arguments[0], Path(arguments[1]).resolve()
    if action == "down":
        if folder.is_dir():
            remove(SlurmCluster(folder, shape_of(folder)))
        return 0
    begun = time.monotonic()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        cluster = SlurmCluster(folder)
        cluster.start()
    except CannotRun as reason:
        print(f"Slurm cannot run here: {reason}.", file=sys.stderr)
        return CANNOT
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"Slurm did not come up: {error}", file=sys.stderr)
        SlurmCluster(folder).stop()
        return 1
    print(f"{cluster.shape.nodes} nodes are idle after {time.monotonic() - begun:.1f} s; . {folder}/env.sh")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
