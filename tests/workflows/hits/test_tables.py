"""What Python shows of a campaign: hits, failures, the campaign itself, where it stands."""

from __future__ import annotations

import docksieve
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.hits.ask import hits as plain_hits


def test_hits_are_those_of_the_plain_table(finished: Campaign) -> None:
    found = docksieve.hits(finished, top=5, target="A", by="docked")
    assert isinstance(found, docksieve.HitTable)
    assert found.table.equals(plain_hits(finished, 5, "A", by="docked"))
    assert len(repr(found)) < 900 and repr(found).splitlines()[0].startswith("5 molecules of A in kcal/mol;")
    assert "<svg" in found._repr_html_()
    failed = docksieve.failures(finished)
    assert failed.num_rows and "not_in_table" in repr(failed)


def test_a_campaign_says_what_it_is_in_a_line(finished: Campaign) -> None:
    said = repr(finished)
    assert said == f"Campaign 'small' in {finished.root}: A, B; 2 rounds, a library of 400 molecules"
    shown = finished._repr_html_()
    assert (
        "A (table); B (table)" in shown and "60 in the seed sample, 30 in 2 rounds, 5 in the final" in shown
    )


def test_a_status_says_where_it_stands_in_a_line(finished: Campaign) -> None:
    assert repr(docksieve.status(finished)) == f"Campaign in {finished.root}: complete, 23 of 23 stages done"
