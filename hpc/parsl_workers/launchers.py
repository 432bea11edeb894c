"""What starts a worker pool on every node of a block."""

from __future__ import annotations

from parsl.launchers import JsrunLauncher, MpiExecLauncher, SimpleLauncher, SrunLauncher
from parsl.launchers.base import Launcher

from ..sites.pool import Pool
from ..sites.site import Site

NATURAL = {"slurm": "srun", "pbspro": "mpiexec", "lsf": "blaunch"}
"""What belongs to each scheduler."""


class BlaunchLauncher(Launcher):
    """Starts a command once on every host of an LSF job, with LSF's own remote start.

    Parameters
    ----------
    overrides : str
        Options for ``blaunch``.
    """

    def __init__(self, debug: bool = True, overrides: str = "") -> None:
        super().__init__(debug=debug)
        self.overrides = overrides

    def __call__(self, command: str, tasks_per_node: int, nodes_per_block: int, script_dir: str = "") -> str:
        """Return the shell lines that start ``command``.

        LSF's host file has a line per slot; blaunch wants each host once, and gives every process the variables of
        the batch script.
        """
        return f"""set -e
HOSTS=$(sort -u "$LSB_DJOB_HOSTFILE" | tr '\\n' ' ')
SCRIPT="{script_dir}/cmd_$LSB_JOBID.sh"
cat << BLAUNCH_EOF > "$SCRIPT"
{command}
BLAUNCH_EOF
blaunch {self.overrides + " " if self.overrides else ""}-z "$HOSTS" /bin/bash "$SCRIPT"
"""


def kind_of_launcher(site: Site, pool: Pool) -> str:
    """Return what starts something on every node of a block of ``pool``, with ``auto`` resolved."""
    if pool.launcher != "auto":
        return pool.launcher
    return NATURAL.get(site.kind, "single") if pool.nodes > 1 else "single"


def launcher(site: Site, pool: Pool) -> Launcher:
    """Return what starts the worker pool on every node of a block of ``pool``."""
    # Where tasks have ranks, their one worker starts those on the other nodes (``hpc.nodes.ranks``).
    kind, options = "single" if pool.ranks_per_node else kind_of_launcher(site, pool), pool.launcher_options
    if kind == "srun":
        # Since Slurm 22.05 a step does not inherit the cores per task of its job.
        cores = f" --cpus-per-task={pool.cores}" if pool.cores and "cpus-per-task" not in options else ""
        shared = " --overlap --mem=0" if site.kind == "allocation" else ""  # two pools on the same nodes
        return SrunLauncher(overrides=f"--kill-on-bad-exit=0{cores}{shared} {options}".rstrip())
    if kind == "mpiexec":
        return MpiExecLauncher(overrides=options)
    if (
        kind == "pals"
    ):  # HPE's mpiexec: other words for binding; as many processes per node as fit, unless told
        return MpiExecLauncher(bind_cmd="--cpu-bind", overrides=f"--ppn 1 {options}".rstrip())
    if kind == "jsrun":
        return JsrunLauncher(overrides=options)
    if kind == "blaunch":
        return BlaunchLauncher(overrides=options)
    return SimpleLauncher()
