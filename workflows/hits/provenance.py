"""Where an answer comes from: the command that would give it again."""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Sequence

from ..campaign.campaign import Campaign


def made_by(command: Sequence[str], campaign: Campaign) -> str | None:
    """Return what a file says of how it was made; None for no command."""
    if not command:
        return None
    from ...data.version import __version__

    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    name, number = campaign.config.campaign.name, str(campaign.state["id"])[:12]
    return f"{shlex.join(command)}  # docksieve {__version__}, {today}, campaign {name} {number}"
