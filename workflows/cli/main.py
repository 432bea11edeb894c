"""The command line: it parses, calls and prints, and does nothing else."""

from __future__ import annotations

import shlex
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text
from typer.main import get_command

from ...data.errors import DocksieveError
from ..running.interrupts import remember_interrupts
from .ahead import register as register_ahead
from .library import app as library_app
from .receptor import app as receptor_app
from .results import register as register_queries
from .site import app as site_app
from .space import app as space_app
from .submit import register as register_submit
from .usage import OrderedGroup, plainly
from .verification import register as register_verification

INTERRUPTED = 130
USAGE_ERROR: Any = typer.BadParameter.__mro__[2]
"""``ClickException``, of the click that this typer brings along: late versions have one of their own."""
app = typer.Typer(
    name="docksieve",
    cls=OrderedGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Screen billions of molecules for the price of docking a few thousand.",
)
app.add_typer(library_app, name="library")
app.add_typer(receptor_app, name="receptor")
app.add_typer(site_app, name="site")
app.add_typer(space_app, name="space")
register_submit(app)
register_queries(app)
register_ahead(app)
register_verification(app)


def _print_version(wanted: bool) -> None:
    from ...data.version import __version__

    if wanted:
        typer.echo(f"docksieve {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Screen billions of molecules for the price of docking a few thousand."""


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="Campaign file to write.")] = Path("campaign.toml"),
    name: Annotated[str, typer.Option(help="Name of the campaign.")] = "",
    library: Annotated[str, typer.Option(help="Folder of the library to screen.")] = "library",
    receptor: Annotated[
        str | None, typer.Option(help="A PDBQT file, or dockstring:NAME; else it must be edited in.")
    ] = None,
    target: Annotated[str, typer.Option(help="Name of the target.")] = "TARGET",
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a commented campaign file."""
    from ...data.errors import ConfigError
    from ...data.store import write_bytes
    from ..config.template import campaign_name, campaign_template

    if file.exists() and not force:
        raise ConfigError(f"{file} exists already.", "Choose another name, or give --force.")
    text = campaign_template(name or campaign_name(file.stem), library, str(file), receptor, target)
    write_bytes(file, text.encode())
    line = 1 + text[: text.index("\nreceptor = ")].count("\n") + 1
    edit = "Look at" if receptor else f"Write your receptor into line {line} and look at"
    typer.echo(
        f"Wrote {file}. {edit} its library and target, then: docksieve submit {shlex.quote(str(file))}"
    )


@app.command()
def plan(
    file: Annotated[Path, typer.Argument(help="Campaign file.")],
    site: Annotated[str, typer.Option(help="Name of a site, or a site's TOML file.")] = "local",
    dockings: Annotated[int, typer.Option(help="Molecules docked per target in the trial.")] = 24,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
) -> None:
    """Say what a campaign will take, from a small trial; once it runs, beside what it has taken."""
    import json

    from ..config.campaign_file import read_campaign_file
    from ..planning.plan import campaign_of, kept_plan, taken
    from ..planning.plan import plan as make_plan
    from ..terminal.plan import plan_table
    from ..terminal.tables import console
    from ..terminal.trial import TrialObserver

    read = read_campaign_file(file)
    root = campaign_of(read)
    found = kept_plan(read, site) if root is not None else None
    if found is None:
        found = make_plan(read, site, dockings, TrialObserver(console(stderr=True), []))
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=1))
    else:
        console().print(plan_table(found, taken(root) if root is not None else None))


@app.command()
def status(
    campaign: Annotated[Path, typer.Argument(help="Campaign folder or file.")],
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every two seconds.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON, once.")] = False,
) -> None:
    """Show what is done, running, failed and left."""
    import json
    import time

    from rich.live import Live

    from ..progress.status import status as read_status
    from ..terminal.tables import console, status_table

    if as_json:
        typer.echo(json.dumps(read_status(campaign).to_json(), indent=1))
        return
    if not watch:
        console().print(status_table(read_status(campaign)))
        return
    with Live(console=console(), auto_refresh=False) as live:
        while True:
            now = read_status(campaign)
            live.update(status_table(now), refresh=True)
            if now.state in ("complete", "stopped", "damaged"):
                return
            time.sleep(2)


def main() -> None:
    """Run the command line; errors raised on purpose become one paragraph and exit code 2.

    Any other error is a bug: it keeps its traceback, and the exit code is 1.
    """
    remember_interrupts()
    try:
        code = plainly(get_command(app))(standalone_mode=False)
        if code == INTERRUPTED:  # typer turns Ctrl-C into a return value
            raise KeyboardInterrupt
        if isinstance(code, int) and code:  # and typer.Exit too
            sys.exit(code)
    except DocksieveError as error:
        _complain(("Error:", "bold red"), f" {error}")
        sys.exit(2)
    except USAGE_ERROR as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _complain("Interrupted. Finished work is kept; the same command goes on.")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.exit(0)
    except Exception:
        _report_bug()
        sys.exit(1)


def _report_bug() -> None:
    """Print the traceback of an error that nobody foresaw, and what to do with it."""
    from ...data.version import __version__

    traceback.print_exc()
    _complain(
        (f"This error was not foreseen by docksieve {__version__}.", "bold red"),
        " Please report it with the lines above and the command that you gave. Finished work is kept.",
    )


def _complain(*parts: str | tuple[str, str]) -> None:
    """Print a paragraph on standard error: texts, or (text, style)."""
    from ..terminal.tables import console

    console(stderr=True).print(Text.assemble(*parts), soft_wrap=True)


if __name__ == "__main__":
    main()
