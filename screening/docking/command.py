"""The ``command`` engine: any docking program, given as a list of arguments.

There is no shell anywhere: the template's words become the program's arguments one by one, and a molecule's
name and SMILES never become part of one. Molecules are known to the program as ``lig000000`` ..., and what it
writes is matched by that name, never by order, because programs drop molecules.
"""

from __future__ import annotations

import string
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...data.environment import usable_cores
from ...data.errors import ConfigError, DockingError
from ...data.seeds import derive_seed
from ...data.store import sha256_file, write_bytes
from ..receptors.receptor import Box, check_box, find_receptor, read_box, read_receptor, resolve_box
from .command_files import check_files, locate
from .command_output import CommandOutput
from .command_run import CommandRun, Program, scratch_folder
from .engine import BatchNotes, DockingOutcome, Ligand, Protocol_
from .failures import FailureCode
from .ligand_settings import LigandSettings
from .vina_process import Child, ChildDied, DeadlinePassed, kept_child

_BOX_WORDS = frozenset(f"{what}_{axis}" for what in ("center", "size") for axis in "xyz")
PLACEHOLDERS = (
    frozenset({"ligand", "ligand_list", "receptor", "output", "output_dir", "seed", "cpus"}) | _BOX_WORDS
)


@dataclass(frozen=True)
class CommandTarget:
    """A receptor to dock to with any program.

    Attributes
    ----------
    command : tuple of str
        The program and its arguments. Words that name a file beside the campaign file get its full path, and
        its checksum is kept. Placeholders: ``{ligand}`` (file of one molecule, or of the batch),
        ``{ligand_list}`` (a file with the path of one molecule per line), ``{receptor}``, ``{output}``
        (file), ``{output_dir}``, ``{center_x}`` ... ``{size_z}``, ``{seed}``, ``{cpus}``; ``{{`` is a brace.
    unit : str
    lower_is_better : bool
    output : CommandOutput
        Where the scores are in what the program writes.
    mode : "single" or "batch"
        One run per molecule, or one run per batch.
    ligand_format : "sdf", "pdbqt" or "smi"
    receptor : str or None
        Any file; a .pdbqt is checked. Copied into the campaign.
    box, box_size
        As for the ``vina`` engine; needed if the command has ``{center_x}`` ....
    final_command : tuple of str
        For the final docking; empty: the same command.
    version : str
        The program's version, if it cannot be asked.
    version_command : tuple of str
        Prints the version; asked on every worker too.
    time_limit : float
        Seconds per molecule (a batch has that much for each of its molecules).
    cpus : int
        What ``{cpus}`` says. Every worker runs one program at a time: their product should not exceed the cores.
    ligand : LigandSettings
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never a field

    command: tuple[str, ...]
    unit: str
    lower_is_better: bool
    output: CommandOutput
    engine: Literal["command"] = "command"
    mode: Literal["single", "batch"] = "single"
    ligand_format: Literal["sdf", "pdbqt", "smi"] = "sdf"
    receptor: str | None = None
    box: Box | str | None = None
    box_size: float | tuple[float, float, float] | None = None
    final_command: tuple[str, ...] = ()
    version: str = ""
    version_command: tuple[str, ...] = ()
    time_limit: float = 600.0
    cpus: int = 1
    ligand: LigandSettings = field(default_factory=LigandSettings)

    def __post_init__(self) -> None:
        if not self.command:
            raise ValueError("command: a list of words, the program first")
        if not self.unit.strip():
            raise ValueError("unit: must not be empty (for example 'kcal/mol')")
        if self.time_limit <= 0 or self.cpus < 1:
            raise ValueError("time_limit: seconds above 0; cpus: at least 1")
        if bool(self.version) == bool(self.version_command):
            raise ValueError(
                "version or version_command: exactly one is needed, so that scores can be told apart"
            )
        for name in ("command", "final_command"):
            for word in getattr(self, name):
                _check_word(word, name)
        if self.ligand_format == "pdbqt" and self.mode == "batch" and "ligand_list" not in self.placeholders:
            raise ValueError(
                "command: PDBQT holds one molecule per file; a batch of them needs {ligand_list}"
            )
        if not self.placeholders & {"ligand", "ligand_list"}:
            raise ValueError("command: needs {ligand} or {ligand_list}")
        self.output.check(self.mode)

    @property
    def placeholders(self) -> set[str]:
        """Names of the placeholders that the commands use."""
        words = (*self.command, *self.final_command)
        return {
            name for word in words for _, name, _, _ in string.Formatter().parse(word) if name is not None
        }


def _check_word(word: str, field_name: str) -> None:
    try:
        parts = list(string.Formatter().parse(word))
    except ValueError as error:
        raise ValueError(f"{field_name}: {word!r}: {error} (write a brace as {{{{ or }}}})") from None
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if name not in PLACEHOLDERS or form or conversion:
            known = ", ".join(sorted(PLACEHOLDERS))
            raise ValueError(f"{field_name}: {{{name}}} is not a placeholder; there are {known}")


def freeze(name: str, settings: CommandTarget, folder: Path, base: Path) -> dict[str, Any]:
    """Check program, receptor and box, copy the receptor into ``folder``, return the frozen target."""
    words = settings.placeholders
    _check_cpus(name, settings)
    absent = bool(settings.version)
    screen, files = locate(settings.command, base, may_be_absent=absent)
    final, more = locate(settings.final_command or settings.command, base, may_be_absent=absent)
    asking: list[str] = []
    if settings.version_command:
        asking, _ = locate(settings.version_command, base, template=False)
    spec: dict[str, Any] = {
        "engine": "command",
        "unit": settings.unit,
        "lower_is_better": settings.lower_is_better,
        "screen": {"command": screen},
        "final": {"command": final},
        "files": files | more,
        "version_command": asking,
        "mode": settings.mode,
        "ligand_format": settings.ligand_format,
        "output": asdict(settings.output),
        "time_limit": settings.time_limit,
        "cpus": settings.cpus,
        "ligand": {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(settings.ligand).items()}
        # Glue atoms that close a ring are Vina's own: other programs refuse them, or score them as anything.
        | ({"rigid_macrocycles": True} if settings.ligand_format == "pdbqt" else {}),
        "receptor": None,
        "box": None,
    }
    program = Path(settings.command[0]).name
    version = settings.version or _ask_version(spec["version_command"])
    spec["engine_version"] = f"{program} {version}"
    if "receptor" in words and settings.receptor is None:
        raise ConfigError(f"Target {name}: the command has {{receptor}}, and no receptor is given.")
    if settings.receptor is not None:
        spec |= _freeze_receptor(name, settings, folder, base)
    box = _find_box(settings, base) if words & _BOX_WORDS else None
    if box is not None:
        spec["box"] = box.to_json()
        if spec["receptor"] and spec["receptor"].endswith(".pdbqt"):
            check_box(read_receptor(folder / spec["receptor"], settings.receptor), box)
    return spec


def _check_cpus(name: str, settings: CommandTarget) -> None:
    """Refuse more processors per run than there are."""
    usable = usable_cores()
    if settings.cpus > usable:
        raise ConfigError(
            f"Target {name}: cpus = {settings.cpus}, and this machine lets docksieve use {usable}.",
            "Every worker runs the program with so many at a time: workers x cpus should not exceed the cores.",
        )


def _freeze_receptor(name: str, settings: CommandTarget, folder: Path, base: Path) -> dict[str, Any]:
    assert settings.receptor is not None
    given = settings.receptor
    if given.startswith("dockstring:") or given.endswith(".pdbqt"):
        path, _ = find_receptor(given, base)
        content = read_receptor(path, given).content
    else:
        path = base / Path(given).expanduser()
        if not path.is_file() or not path.stat().st_size:
            raise DockingError(f"The receptor {path} of target {name} is missing or empty.")
        content = path.read_bytes()
    copy = f"{name}.receptor{''.join(path.suffixes[-1:])}"
    write_bytes(folder / copy, content)
    return {"receptor": copy, "receptor_sha256": sha256_file(folder / copy), "receptor_source": given}


def _find_box(settings: CommandTarget, base: Path) -> Box:
    receptor = settings.receptor
    if receptor is not None and (receptor.startswith("dockstring:") or receptor.endswith(".pdbqt")):
        return resolve_box(receptor, base, settings.box, settings.box_size)
    if settings.box is None:
        raise ConfigError(
            "The command has {center_x} or {size_x}, and the target has no box.",
            "Add box = { center = [x, y, z], size = [a, b, c] }.",
        )
    box = read_box(base / settings.box) if isinstance(settings.box, str) else settings.box
    return box if settings.box_size is None else box.resized(settings.box_size)


def _ask_version(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DockingError(f"The version command {list(command)} failed: {error}.") from None
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if not line:
        raise DockingError(
            f"The version command {list(command)} printed nothing.", "State it: version = '...'."
        )
    return line[:100]


_checked_versions: set[tuple[str, ...]] = set()


def _check_worker_version(spec: Mapping[str, Any]) -> None:
    key = (*spec["version_command"], spec["engine_version"])
    if not spec["version_command"] or key in _checked_versions:
        return
    found = _ask_version(spec["version_command"])
    if not spec["engine_version"].endswith(found):
        raise DockingError(
            f"This worker's program says {found!r}; the campaign began with {spec['engine_version']!r}.",
            "Scores of two versions must not be mixed: make the same one available on every node.",
        )
    _checked_versions.add(key)


def dock(
    spec: Mapping[str, Any],
    folder: Path,
    target: str,
    ligands: Sequence[Ligand],
    seed: int,
    protocol: Protocol_,
    notes: BatchNotes,
) -> list[DockingOutcome]:
    """Prepare ``ligands``, run the program on them, and read what it wrote."""
    _check_worker_version(spec)
    check_files(spec.get("files", {}))
    if spec["receptor"] and sha256_file(folder / spec["receptor"]) != spec["receptor_sha256"]:
        raise DockingError(f"The receptor {folder / spec['receptor']} was altered since the campaign began.")
    with tempfile.TemporaryDirectory(prefix="docksieve-", dir=scratch_folder()) as scratch:
        work = Path(scratch)
        started = time.perf_counter()
        jobs = [
            CommandRun(
                f"lig{number:06d}",
                ligand,
                derive_seed(seed, "conformer", target, ligand.smiles, bits=31),
                started,
            )
            for number, ligand in enumerate(ligands)
        ]
        _prepare(jobs, spec, work, notes)
        notes.add_seconds("prepare", time.perf_counter() - started)
        started = time.perf_counter()
        program = Program(spec, folder, target, seed, protocol, work)
        ready = [job for job in jobs if job.outcome is None]
        notes.ended(len(jobs) - len(ready))
        if spec["mode"] == "batch" and ready:
            # A batch that fails may have been spoilt by one of its molecules: those left are tried alone.
            left = program.run_batch(ready)
            notes.ended(len(ready) - len(left))
            ready = left
        for job in ready:
            program.run_one(job)
            notes.ended()
        notes.add_seconds("dock", time.perf_counter() - started)
        return [job.outcome for job in jobs if job.outcome is not None]


def _prepare(jobs: Sequence[CommandRun], spec: Mapping[str, Any], work: Path, notes: BatchNotes) -> None:
    """Write each job's molecule to a file of its own."""
    child = kept_child({}) if spec["ligand_format"] != "smi" else None
    for job in jobs:
        job.started = time.perf_counter()
        job.path = work / f"{job.name}.{spec['ligand_format']}"
        if child is None:
            words = job.ligand.smiles.split()
            if not words:
                job.fail(FailureCode.PARSE, "the SMILES is empty")
                continue
            job.state = words[0]
            job.path.write_text(f"{words[0]} {job.name}\n", encoding="utf-8")
        else:
            _embed(job, child, spec, notes)


def _embed(job: CommandRun, child: Child, spec: Mapping[str, Any], notes: BatchNotes) -> None:
    assert job.path is not None
    request = {
        "op": "prepare",
        "smiles": job.ligand.smiles,
        # One state per molecule: a program's batch cannot be told which isomers belong together.
        "ligand": {**spec["ligand"], "stereoisomers": 1},
        "conformer_seed": job.seed,
        "conformers": 1,
        "format": spec["ligand_format"],
    }
    try:
        reply = child.ask(request, {"prepare": spec["ligand"]["time_limit"]})
    except ChildDied as error:
        notes.count("crashes")
        return job.fail(FailureCode.CRASH, str(error))
    except DeadlinePassed as error:
        return job.fail(FailureCode.EMBED_TIMEOUT, str(error))
    if reply["event"] == "failure":
        return job.fail(FailureCode(reply["code"]), reply["message"])
    state = reply["states"][0]
    job.state, text = state["state"], state["text"]
    if spec["ligand_format"] == "sdf":
        text = f"{job.name}\n{text.split(chr(10), 1)[1]}$$$$\n"
    else:
        text = f"REMARK  Name = {job.name}\n{text}"
    job.path.write_text(text, encoding="utf-8")
    return None


def row_settings(spec: Mapping[str, Any], protocol: Protocol_) -> dict[str, Any]:
    """Return what a score's record says about how it was made."""
    kept = ("mode", "ligand_format", "box", "ligand", "output")
    return {
        "protocol": protocol,
        "command": spec[protocol]["command"],
        "receptor_sha256": spec.get("receptor_sha256"),
        "files": spec.get("files", {}),
        **{key: spec[key] for key in kept},
    }
