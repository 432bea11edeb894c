"""Where an answer comes from: the command, the version, the day, the campaign."""

from __future__ import annotations

import datetime

from docksieve.data.version import __version__
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.hits.provenance import made_by


def test_a_file_says_how_it_was_made(finished: Campaign) -> None:
    assert made_by([], finished) is None
    before = datetime.datetime.now(datetime.UTC).date().isoformat()
    found = made_by(["docksieve", "hits", "my folder", "--where", "weight < 400"], finished) or ""
    command, words = found.split("  # ")
    assert command == "docksieve hits 'my folder' --where 'weight < 400'"
    version, day, campaign = words.split(", ")
    assert version == f"docksieve {__version__}" and campaign == f"campaign small {finished.state['id'][:12]}"
    assert before <= day <= datetime.datetime.now(datetime.UTC).date().isoformat()
