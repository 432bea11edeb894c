"""The commands ``docksieve receptor ...``: they parse, call and print, and do nothing else."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress
from rich.text import Text

from ...data.environment import usable_cores
from ...data.words import plural
from ..terminal.grid import Column, Grid, numbers
from ..terminal.tables import console
from ..text import duration

if TYPE_CHECKING:
    from ...screening.docking.tune import TuneProgress, TuneResult
    from ...screening.receptors.receptor import Box

app = typer.Typer(
    no_args_is_help=True, help="Prepare receptors, look at them, and find the search they need."
)

BoxFile = Annotated[
    Path | None,
    typer.Option("--box", help="Box file (center_x = ...); default: the one beside the receptor."),
]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
BoxSize = Annotated[float | None, typer.Option(help="Side of the box in angstrom, in place of the file's.")]


@app.command("list")
def list_receptors(as_json: Json = False) -> None:
    """List the receptors that the dockstring package carries; use them as dockstring:NAME."""
    from ...screening.receptors.receptor import dockstring_names

    if as_json:
        typer.echo(json.dumps([f"dockstring:{name}" for name in dockstring_names()], indent=1))
        return
    for name in dockstring_names():
        typer.echo(f"dockstring:{name}")


@app.command()
def show(
    receptor: Annotated[str, typer.Argument(help="A PDBQT file, or dockstring:NAME.")],
    box: BoxFile = None,
    box_size: BoxSize = None,
    as_json: Json = False,
) -> None:
    """Show a receptor's atoms and box, and check that they can be docked to."""
    from collections import Counter

    from ...screening.receptors.receptor import (
        check_box,
        check_side,
        find_receptor,
        hydrogens_missing,
        read_receptor,
    )

    path, _ = find_receptor(receptor, Path())
    loaded = read_receptor(path, receptor)
    resolved = _box(receptor, box, box_size)
    near = check_box(loaded, resolved)
    missing, wide = hydrogens_missing(loaded), check_side(resolved)
    problems = [missing] if missing else []
    if wide:
        problems.append(f"the box is {wide}: docking into it takes long and finds worse poses")
    if as_json:
        about = {
            "warnings": problems,
            "file": str(path),
            "sha256": loaded.sha256,
            "atoms": len(loaded.types),
            "atoms_near_box": near,
        }
        box_of = {"center": list(resolved.center), "size": list(resolved.size)}
        typer.echo(json.dumps({**about, "types": dict(Counter(loaded.types)), "box": box_of}, indent=1))
        return
    types = ", ".join(f"{kind} {count}" for kind, count in Counter(loaded.types).most_common())
    console().print(f"file      {path}", soft_wrap=True)
    console().print(f"sha256    {loaded.sha256}")
    console().print(f"atoms     {len(loaded.types)} ({types})", soft_wrap=True)
    console().print(f"box       center {resolved.center}, size {resolved.size} A")
    console().print(f"at box    {near} atoms in it or within 4 A{'' if problems else ': good'}")
    for line in problems:
        console().print(f"WARNING   {line}", style="bold red", soft_wrap=True, markup=False)


def _box(receptor: str, box: Path | None, box_size: float | None) -> Box:
    from ...screening.receptors.receptor import resolve_box

    return resolve_box(receptor, Path(), str(box) if box else None, box_size)


@app.command()
def prepare(
    structure: Annotated[Path, typer.Argument(help="Structure: .pdb, .ent, .cif or .mmcif, also .gz.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    ligand: Annotated[Path | None, typer.Option(help="Ligand file in the same frame, for the box.")] = None,
    residue: Annotated[
        str | None,
        typer.Option(
            help="Ligand or pocket residues in the structure, for the box: NAME[:CHAIN[:NUMBER]], several joined by +."
        ),
    ] = None,
    center: Annotated[str | None, typer.Option(help="Centre of the box, in angstrom: x,y,z.")] = None,
    size: Annotated[
        str | None, typer.Option(help="Sides of the box, in angstrom: one number, or a,b,c.")
    ] = None,
    pocket: Annotated[
        int | None, typer.Option(help="Box around this pocket, 1 being the largest and deepest.")
    ] = None,
    padding: Annotated[float, typer.Option(help="Angstrom added around the ligand on every side.")] = 5.0,
    chain: Annotated[list[str] | None, typer.Option(help="Use only these chains.")] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="Keep residues of this name, for example ZN; NAME[:CHAIN[:NUMBER]]."),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(help="Leave these out, although cofactors and metals at the ligand are kept."),
    ] = None,
    smiles: Annotated[
        str | None, typer.Option(help="SMILES of the reference ligand, for its bond orders.")
    ] = None,
    keep_waters: Annotated[bool, typer.Option("--keep-waters", help="Keep waters inside the box.")] = False,
    drop_bad: Annotated[
        bool, typer.Option("--drop-bad", help="Go on although residues at the box must be left out.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a receptor PDBQT and a box from a structure and the ligand in it."""
    from dataclasses import asdict

    from ...data.errors import ConfigError
    from ...screening.receptors.prepare import PrepareSettings, prepare_receptor

    try:
        settings = PrepareSettings(
            ligand=str(ligand) if ligand else None,
            residue=residue,
            padding=padding,
            chains=tuple(chain or ()),
            keep=tuple(keep or ()),
            keep_waters=keep_waters,
            drop_bad=drop_bad,
            center=_three(center, "center") if center else None,
            size=_three(size, "size") if size else None,
            pocket=pocket,
            drop=tuple(drop or ()),
            smiles=smiles,
        )
    except ValueError as error:
        raise ConfigError(f"{error}.") from None
    report = asdict(prepare_receptor(structure, out, settings))
    if as_json:
        typer.echo(json.dumps(report, indent=1))
        return
    _print_preparation(report)


def _three(text: str, name: str) -> tuple[float, float, float]:
    """Return three numbers; one number stands for three equal sides.

    Raises
    ------
    ValueError
        If they are no numbers, or not so many.
    """
    try:
        values = [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        values = []
    if len(values) == 1 and name == "size":
        values *= 3
    if len(values) != 3 or not all(map(math.isfinite, values)):
        how = "x,y,z" if name == "center" else "one number, or a,b,c"
        raise ValueError(f"--{name} {text!r}: {how} in angstrom, for example --{name} 12.5,-3,40")
    return values[0], values[1], values[2]


def _print_preparation(report: dict[str, Any]) -> None:
    for key in ("receptor", "box", "ligand", "reference", "atoms", "atoms_near_box", "center", "size"):
        if report[key]:
            console().print(f"{key:15s} {report[key]}", soft_wrap=True, markup=False)
    if report["ligand_smiles"]:
        console().print(f"{'':15s} {report['ligand_smiles']} (bond orders from {report['ligand_bonds']})",
                        soft_wrap=True, markup=False)  # fmt: skip
    for key in ("removed", "kept"):
        counts = ", ".join(f"{name} {count}" for name, count in report[key].items())
        console().print(f"{key:15s} {counts or 'nothing'}", soft_wrap=True, markup=False)
    for key in ("cofactors", "pockets", "alternatives", "renamed", "cut_back_near", "dropped"):
        name = key.removesuffix("_near").replace("pockets", "pocket")
        for line in report[key]:
            console().print(f"{name:15s} {line}", soft_wrap=True, markup=False)
    far = len(report["cut_back"]) - len(report["cut_back_near"])
    if far:
        console().print(f"{'cut_back':15s} {plural(far, 'residue')} away from the box: see the report")
    for line in report["warnings"]:
        console().print(f"WARNING         {line}", style="bold red", soft_wrap=True, markup=False)


@app.command()
def tune(
    receptor: Annotated[str, typer.Argument(help="A PDBQT file, or dockstring:NAME.")],
    box: BoxFile = None,
    box_size: BoxSize = None,
    ligands: Annotated[
        Path | None, typer.Option(help="SMILES file (SMILES, then a name) in place of the built-in drugs.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Five ligands in place of twelve.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 1,
    workers: Annotated[int | None, typer.Option(help="Processes; default: all cores.")] = None,
    out: Annotated[Path | None, typer.Option(help="TOML file to write.")] = None,
    as_json: Json = False,
) -> None:
    """Find the cheapest search that is as good as Vina's default, for one receptor and box."""
    import tempfile
    from dataclasses import asdict

    from rich.progress import Progress

    from ...data.receipts import plain_json
    from ...data.store import write_bytes
    from ...screening.docking.tune import LIGANDS, QUICK, read_ligands
    from ...screening.docking.tune import tune as run_tune
    from ...screening.docking.vina import VinaTarget

    chosen = read_ligands(ligands) if ligands else dict(LIGANDS)
    if quick:
        chosen = {name: chosen[name] for name in (QUICK if not ligands else list(chosen)[:5])}
    target = VinaTarget(receptor=receptor, box=str(box) if box else None, box_size=box_size)
    with (
        tempfile.TemporaryDirectory(prefix="docksieve-") as scratch,
        Progress(console=console(stderr=as_json)) as bar,
    ):
        result = run_tune(
            target,
            Path(scratch),
            Path(),
            chosen,
            seed=seed,
            workers=workers,
            progress=_Tuning(bar),
        )
    if not as_json:
        _print_tuning(result)
    path = out or Path(f"{Path(receptor).stem.replace(':', '-')}.tune.toml")
    write_bytes(path, result.to_toml().encode())
    if as_json:
        typer.echo(json.dumps(plain_json({"file": str(path), **asdict(result)}), indent=1))
        return
    console().print(
        f"Wrote {path}: its line 'search = ...' goes into the target of your campaign, in place of one that is there.",
        soft_wrap=True,
    )


class _Tuning:
    """Says how long the measurement will take, moves a bar, and prints what each setting came to."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("docking", total=None)
        self._revised = False

    def __call__(self, now: TuneProgress) -> None:
        left = duration(now.seconds_left)
        if not now.done:
            self._say(f"{now.total} dockings on {usable_cores()} cores, by a first guess about {left}.")
        elif not self._revised and now.done >= min(4, now.total):
            self._revised = True
            self._say(f"By what the first dockings took, about {left} are left.")
        if now.so_far:
            self._say(f"{now.so_far} (about {left} left)" if now.done < now.total else now.so_far)
        self._bar.update(
            self._task, completed=now.done, total=now.total, description=f"docking, about {left} left"
        )

    def _say(self, text: str) -> None:
        self._bar.console.print(Text(text), soft_wrap=True)


def _print_tuning(result: TuneResult) -> None:
    table = Grid(
        [Column("setting"), *numbers("CPU s", "gap", "95 %", "r", "rank", "RMSD", "good")],
        f"{result.receptor}: {plural(len(result.ligands), 'ligand')}; gap to the standard in kcal/mol",
    )
    for rung in (*result.rungs, result.noise):
        last = "noise" if rung is result.noise else ("yes" if rung.good else "no")
        interval = f"{rung.gap_low:+.2f} {rung.gap_high:+.2f}"
        figures = (f"{rung.pearson:.2f}", f"{rung.spearman:.2f}", f"{rung.rmsd:.2f}")
        table.add(rung.name, f"{rung.cpu_seconds:.2f}", f"{rung.gap:+.2f}", interval, *figures, last)
    console().print(table)
    for name, failure in result.failures.items():
        console().print(f"not docked: {name}: {failure}")
    best = result.recommended
    cost = best.cpu_seconds if best else result.standard_cpu_seconds
    ratio = result.standard_cpu_seconds / cost if cost else 1.0
    name = best.name if best else "the standard; nothing cheaper is as good"
    console().print(f"Recommended: {name} ({ratio:.1f} times cheaper than the standard).")
    widest = max(rung.gap_high - rung.gap_low for rung in result.rungs)
    if widest > 0.6:
        console().print(
            "The intervals are wide: more ligands (--ligands FILE) would tell the settings apart."
        )
