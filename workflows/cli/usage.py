"""What ``--help`` shows: commands in order of use, texts as they are written, no types of a programming language."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from typer.core import TyperGroup

ORDER: dict[str, tuple[str, ...]] = {
    "Prepare": ("library", "space", "receptor", "init", "site", "doctor", "plan"),
    "Run": ("submit", "status", "attach", "cancel"),
    "Look at what was found": ("hits", "report", "dashboard", "compare", "throughput"),
    "Learn more, and decide": ("decide", "audit", "retrain", "models"),
    "Models on files": ("model",),
    "Check": ("verify", "control", "plan-analysis"),
}
"""The commands of ``docksieve`` in the order in which they are used."""
KINDS = {"str": "TEXT", "int": "NUMBER", "float": "NUMBER", "path": "PATH", "Path": "PATH", "bool": ""}
"""What stands for the value of an option, by the type of its annotation."""


class OrderedGroup(TyperGroup):
    """Commands in order of use, whatever module they come from; those that the order does not know come last."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands."""
        known = [name for names in ORDER.values() for name in names]
        return sorted(
            super().list_commands(ctx), key=lambda name: known.index(name) if name in known else len(known)
        )


def plainly(command: Any, name: str = "") -> Any:
    """Return a command, and all below it, with help that shows every text as it is written.

    Typer takes help for markup: of ``as [cut]`` it would print ``as``.

    Parameters
    ----------
    command : typer command or group
    name : str
        Of the command, if it is one of ``docksieve`` itself.
    """
    for panel, names in ORDER.items():
        if name in names:
            command.rich_help_panel = panel
    for attribute in ("help", "short_help", "epilog"):
        text = getattr(command, attribute, None)
        if text:
            setattr(command, attribute, escape(text))
    for parameter in command.params:
        _plain_parameter(parameter)
    made = command.get_help_option

    def help_option(context: Any) -> Any:
        option = made(context)
        if option is not None:
            option.metavar = ""
        return option

    command.get_help_option = help_option
    top = not name and hasattr(command, "commands")
    for key, below in getattr(command, "commands", {}).items():
        plainly(below, key if top else f"{name} {key}")
    return command


def _plain_parameter(parameter: Any) -> None:
    if getattr(parameter, "help", None):
        parameter.help = escape(parameter.help)
    if parameter.param_type_name == "argument":
        parameter.metavar = parameter.metavar or parameter.name.upper()
        parameter.display_type_rich = lambda ctx: None
        return
    if parameter.metavar is not None:
        return
    if getattr(parameter, "is_flag", False):
        parameter.metavar = ""
    else:
        described = getattr(parameter, "type_descriptor", None)
        if described is not None and not described.is_choice:
            bare = parameter.bare_type().removeprefix("list[").removesuffix("]").strip("<>")
            parameter.metavar = KINDS.get(bare)
