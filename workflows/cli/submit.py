"""Commands that run a campaign: in this terminal, apart from it, as a batch job; and that end one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

FileArgument = Annotated[Path, typer.Argument(help="Campaign file.")]
CampaignArgument = Annotated[Path, typer.Argument(help="Campaign folder or file.")]
SiteOption = Annotated[str, typer.Option(help="Name of a site, or a site's TOML file.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Another value for a key of the site. May be repeated."),
]

AcceptOption = Annotated[
    bool,
    typer.Option(
        "--accept-versions",
        help="Go on with other versions of RDKit, meeko or Vina than the dockings so far.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command()(submit)
    app.command()(attach)
    app.command()(cancel)
    app.command()(doctor)
    app.command(hidden=True)(run_job)


def submit(
    file: FileArgument,
    site: SiteOption = "local",
    sets: SetOption = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Go on when this terminal is closed; see `attach`.")
    ] = False,
    as_job: Annotated[
        bool, typer.Option("--as-job", help="Be a batch job: driver and workers share one allocation.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Check library and targets, print every batch script and the node-hours; run nothing.",
        ),
    ] = False,
    accept_versions: AcceptOption = False,
) -> None:
    """Run a campaign to its end, or go on with one that was interrupted."""
    from ..running.submit import check_place
    from ..running.submit import submit as submit_campaign
    from ..terminal.observer import TerminalObserver
    from ..terminal.tables import console

    where = full_site(site)
    # A driver in this terminal looks for itself.
    place, read = check_place(file, where, _overrides(sets), look=(detach or as_job) and not dry_run)
    more = ["--accept-versions"] if accept_versions else []
    if dry_run:
        from ..campaign.begin import look_over
        from ..terminal.dry_run import found_words

        typer.echo(_dry_run(file, where, sets, place, read.root, as_job, more))
        typer.echo(found_words(*look_over(read)))  # last: what is wrong here is an error, after the scripts
    elif as_job:
        _as_job(file, where, sets, place, read.root, more)
    elif detach:
        _detached(file, where, sets, read.root, more)
    else:
        command = ["docksieve", "submit", str(file.resolve()), "--site", where, *_sets(sets), *more]
        submit_campaign(read, place, TerminalObserver(console(), command), accept_versions)


def _dry_run(
    file: Path, site: str, sets: list[str] | None, place: Any, root: Path, as_job: bool, more: list[str]
) -> str:
    from ..running.batch_job import carrying_pool, job_command, script_words
    from ..terminal.sites import dry_run_words

    if not as_job:
        return dry_run_words(place, root)
    script = script_words(place, root, job_command(file, site, sets or [], more))
    hours = carrying_pool(place).node_hours
    return f"{script}\n{hours:,.1f} node-hours for each job like this. Nothing was submitted."


def _as_job(file: Path, site: str, sets: list[str] | None, place: Any, root: Path, more: list[str]) -> None:
    from ...data.errors import CampaignError
    from ...hpc.jobs.blocks import BlockRecords
    from ..campaign.driver import is_driven
    from ..running.batch_job import job_command, submit_as_job

    waiting = BlockRecords(root / "jobs").alive()
    if is_driven(root) or waiting:
        who = f"job {waiting[0]}" if waiting else "a driver"
        raise CampaignError(
            f"The campaign in {root} is being run by {who} already.",
            f"`docksieve cancel {root}` ends that.",
        )
    job = submit_as_job(place, root, job_command(file, site, sets or [], more))
    typer.echo(
        f"Job {job.number} of {place.kind}: {job.pool.nodes} nodes for {job.pool.walltime}; it asks for another like "
        f"itself until the campaign is complete.\n  docksieve status {root}\n  docksieve attach {root}\n"
        f"  docksieve cancel {root}"
    )


def _detached(file: Path, site: str, sets: list[str] | None, root: Path, more: list[str]) -> None:
    from ..running.detached import start_detached

    started = start_detached(root, ["submit", str(file.resolve()), "--site", site, *_sets(sets), *more])
    typer.echo(
        f"The driver is process {started.pid} on {started.host}; its log is {started.log}.\n"
        f"  docksieve attach {root}\n  docksieve cancel {root}"
    )


def run_job(
    file: FileArgument, site: SiteOption, sets: SetOption = None, accept_versions: AcceptOption = False
) -> None:
    """Run a campaign inside a batch job; asked for by `submit --as-job`."""
    from ...hpc.sites.read import load_site
    from ..campaign.driver import cancel_path
    from ..config.campaign_file import read_campaign_file
    from ..running.batch_job import Deadline, carrying_pool, job_command, site_inside, submit_as_job
    from ..running.submit import submit as submit_campaign
    from ..terminal.observer import TerminalObserver
    from ..terminal.tables import console

    outside, inside = load_site(site, _overrides(sets)), site_inside(site, _overrides(sets))
    read = read_campaign_file(file)
    root = read.root
    pool = carrying_pool(outside)
    more = ["--accept-versions"] if accept_versions else []
    command = ["docksieve", "submit", str(file.resolve()), "--site", site, *_sets(sets), *more, "--as-job"]
    deadline = Deadline(inside, pool)
    try:
        with deadline:
            submit_campaign(read, inside, TerminalObserver(console(), command), accept_versions)
    except KeyboardInterrupt:
        # Somebody wants it to end, and not to begin again.
        if not deadline.over or cancel_path(root).exists():
            raise
        job = submit_as_job(outside, root, job_command(file, site, sets or [], more))
        typer.echo(f"This job's time is up; job {job.number} goes on with the campaign.")


def attach(campaign: CampaignArgument) -> None:
    """Follow the log of a driver that runs apart or as a job; Ctrl-C leaves it running."""
    from ...data.errors import CampaignError
    from ..progress.status import status as read_status
    from ..running.detached import follow

    try:
        for text in follow(campaign):
            typer.echo(text, nl=False)
    except KeyboardInterrupt:
        typer.echo("\nNo longer attached; the driver goes on.")
        return
    try:
        state = read_status(campaign).state
    except CampaignError:  # it ended before it had begun one
        state = "not there"
    typer.echo(f"The driver has ended; the campaign is {state}.")
    raise typer.Exit(0 if state == "complete" else 1)


def cancel(campaign: CampaignArgument) -> None:
    """Ask a running campaign to stop; finished work is kept and it can be submitted again."""
    from ..campaign.driver import request_cancel

    typer.echo(request_cancel(campaign))


def doctor(
    site: SiteOption = "local",
    sets: SetOption = None,
    folder: Annotated[
        Path | None, typer.Option(help="Folder that nodes share; by default the current one.")
    ] = None,
    wait: Annotated[int, typer.Option(min=10, help="Seconds to wait for each pool's job.")] = 1800,
    as_json: Annotated[bool, typer.Option("--json", help="All that was found as JSON.")] = False,
) -> None:
    """Submit one tiny job per pool, and say what works and what does not, with the cure."""
    from ...hpc.sites.read import load_site
    from ..doctor.doctor import examine
    from ..terminal.doctor import checkup_json, checkup_table
    from ..terminal.tables import console

    found = examine(load_site(full_site(site), _overrides(sets)), folder or Path.cwd(), wait)
    if as_json:
        typer.echo(json.dumps(checkup_json(found), indent=1))
    else:
        console().print(checkup_table(found))
    raise typer.Exit(0 if found.healthy else 1)


def full_site(site: str) -> str:
    """Return ``site`` so that it means the same in another folder: the full path of a file, or the name."""
    return str(Path(site).resolve()) if Path(site).suffix == ".toml" else site


def _overrides(sets: list[str] | None) -> dict[str, Any]:
    from ...hpc.sites.read import parse_overrides

    return parse_overrides(sets or [])


def _sets(sets: list[str] | None) -> list[str]:
    return [word for item in sets or [] for word in ("--set", item)]
