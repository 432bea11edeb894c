"""Texts of the configuration files of a throw-away Slurm cluster, all of it on the loopback interface."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ADDRESS = "127.0.0.1"
CLUSTER = "pretend"
MAIN, SHORT = "main", "short"
"""Partitions; jobs in ``short`` may take a minute."""


@dataclass(frozen=True)
class Shape:
    """What the cluster looks like.

    Attributes
    ----------
    nodes : int
        Virtual nodes, each a slurmd of its own.
    cpus, memory_mb : int
        Per node. They need not exist: Slurm believes them.
    gpus : int
        Pretended devices per node.
    prefix : str
        Of the nodes' names. Two clusters on one machine need different ones: a device is known by the name of its node.
    accounting : bool
        With slurmdbd and MariaDB, so that ``sacct`` works as it does on real machines.
    """

    nodes: int = 6
    cpus: int = 4
    memory_mb: int = 8000
    gpus: int = 4
    prefix: str = "n"
    accounting: bool = True

    @property
    def names(self) -> list[str]:
        """Names of the nodes."""
        return [f"{self.prefix}{number}" for number in range(1, self.nodes + 1)]

    @property
    def port_count(self) -> int:
        """Ports that the cluster listens on."""
        return self.nodes + 3


def device_path(root: Path, node: str, number: int) -> Path:
    """Return the file that stands for one device; Slurm takes its number from the end of the name."""
    return root / "dev" / f"{node}-gpu{number}"


def slurm_conf(root: Path, shape: Shape, port: int, user: str) -> str:
    """Return slurm.conf; ``port`` is the first of :attr:`Shape.port_count` free ones."""
    every = f"{shape.prefix}[1-{shape.nodes}]" if shape.nodes > 1 else shape.names[0]
    ports = f"[{port + 3}-{port + 2 + shape.nodes}]" if shape.nodes > 1 else f"{port + 3}"
    gres = f"Gres=gpu:{CLUSTER}:{shape.gpus}" if shape.gpus else ""
    settings = {
        "ClusterName": CLUSTER,
        "SlurmctldHost": f"localhost({ADDRESS})",
        "SlurmctldPort": port,
        "SlurmUser": user,
        "SlurmdUser": user,
        **_authentication(root),
        "CredType": "cred/munge",
        "CommunicationParameters": "NoInAddrAny,NoCtldInAddrAny",
        "MailProg": "/bin/true",
        "StateSaveLocation": root / "state",
        "SlurmdSpoolDir": root / "spool" / "%n",
        "SlurmctldPidFile": root / "state" / "slurmctld.pid",
        "SlurmdPidFile": root / "state" / "slurmd-%n.pid",
        "SlurmctldLogFile": root / "log" / "slurmctld.log",
        "SlurmdLogFile": root / "log" / "slurmd-%n.log",
        # Without cgroups, which a container may lack: all descendants of a step belong to it.
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "SwitchType": "switch/none",
        "MpiDefault": "none",
        "PropagateResourceLimits": "NONE",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core_Memory",
        "DefMemPerCPU": shape.memory_mb // shape.cpus,
        "GresTypes": "gpu",
        "SlurmdParameters": "config_overrides",  # more CPUs and memory than this machine has
        # Quick answers: a test should not wait for what an operator would not notice.
        "SchedulerType": "sched/backfill",
        "SchedulerParameters": "sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0",
        "SlurmctldTimeout": 30,
        "SlurmdTimeout": 5,
        "MessageTimeout": 5,
        "TCPTimeout": 1,
        "ReturnToService": 2,
        "KillWait": 2,
        "CompleteWait": 0,
        "MinJobAge": 600,
        "JobRequeue": 1,
        "JobAcctGatherType": "jobacct_gather/none",
        **_accounting(root, shape, port),
    }
    lines = [f"{key}={value}" for key, value in settings.items()]
    lines += [
        f"NodeName={every} NodeHostname=localhost NodeAddr={ADDRESS} Port={ports} CPUs={shape.cpus} "
        f"RealMemory={shape.memory_mb} {gres} State=UNKNOWN",
        f"PartitionName={MAIN} Nodes={every} Default=YES DefaultTime=10 MaxTime=60 State=UP",
        f"PartitionName={SHORT} Nodes={every} DefaultTime=1 MaxTime=1 State=UP",
    ]
    return "\n".join(lines) + "\n"


def gres_conf(root: Path, shape: Shape) -> str:
    """Return gres.conf: every node has devices of its own."""
    return "".join(
        f"NodeName={node} Name=gpu Type={CLUSTER} File={device_path(root, node, number)}\n"
        for node in shape.names
        for number in range(shape.gpus)
    )


def slurmdbd_conf(root: Path, port: int, user: str, password: str) -> str:
    """Return slurmdbd.conf."""
    settings = {
        **_authentication(root),
        "CommunicationParameters": "NoInAddrAny",
        "DbdHost": "localhost",
        "DbdAddr": ADDRESS,
        "DbdPort": port + 1,
        "SlurmUser": user,
        "PidFile": root / "state" / "slurmdbd.pid",
        "LogFile": root / "log" / "slurmdbd.log",
        "StorageType": "accounting_storage/mysql",
        "StorageHost": ADDRESS,
        "StoragePort": port + 2,
        "StorageUser": "slurm",
        "StoragePass": password,
        "StorageLoc": "slurm_acct",
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def _authentication(root: Path) -> dict[str, object]:
    return {"AuthType": "auth/munge", "AuthInfo": f"socket={root / 'munge' / 'socket'}"}


def _accounting(root: Path, shape: Shape, port: int) -> dict[str, object]:
    if not shape.accounting:
        return {"AccountingStorageType": "accounting_storage/none", "JobCompType": "jobcomp/none"}
    return {
        "AccountingStorageType": "accounting_storage/slurmdbd",
        "AccountingStorageHost": ADDRESS,
        "AccountingStoragePort": port + 1,
        "AccountingStoragePass": root / "munge" / "socket",
        "AccountingStorageTRES": "gres/gpu",
        "JobCompType": "jobcomp/none",
    }
